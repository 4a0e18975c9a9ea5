// Shared by the files of session/ that import.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hardware/database.hpp"
#include "hardware/match.hpp"
#include "import/imported.hpp"
#include "session/import.hpp"

namespace peakward {

struct FoundFiles {
    std::vector<std::string> files;  // each once, however many ways lead to it
    std::vector<ImportNote> refused;
    std::int64_t passed_over = 0;
};
// Folders to their depths, links followed, loops left.
FoundFiles find_importable(const std::vector<std::string>& paths, const StopToken& stop);

// What a file holds, before anything of this machine is added.
struct FileContent {
    std::string what;
    std::vector<older::ImportedRun> older;  // of others
    std::vector<Run> runs;                  // of Peakward itself, whole
    // A database of Peakward: of any size, so nothing of it is read yet.
    bool is_database = false;
};
// The error is one sentence without the file's name; `interrupted` where `stop` ended it.
Result<FileContent> read_importable(const std::string& path, const StopToken& stop);
// The same of a text that is in memory: everything but databases.
Result<FileContent> read_importable_text(std::string_view text, const StopToken* stop = nullptr);

// What two runs of one id are compared by.
struct RunContent {
    std::string digest;  // SHA-256 of the run as a database keeps it
    std::string source;  // SHA-256 of the profile that it came from; "": it has an id of its own
    bool is_rows = false;
    std::int64_t timestamp_unix = 0;
    std::string hardware_fingerprint;
    // By device, backend and precision: bandwidth, best matrix product, best rate.
    std::map<std::array<std::string, 3>, std::array<std::optional<double>, 3>> figures;
};
Result<RunContent> content_of(const Run& run);
// A profile is named by its content, and what this program adds to it may differ. Rows of an export
// are a part of their run.
bool same_content(const RunContent& known, const RunContent& given);

// Gives a run from elsewhere what the store needs: a time, an identity, products, scores.
Result<Run> complete_import(older::ImportedRun imported, const std::string& from,
                            const HardwareDatabase& database, const Matcher& matcher,
                            std::int64_t now_unix);

// Why no run can have been made at this time: before the tools existed (a board without a battery
// starts in 1970), or in the future. "" when one can.
std::string why_impossible_time(std::int64_t time_unix, std::int64_t now_unix);

// UUID version 8 (RFC 9562: made of what the application chooses) out of a SHA-256.
std::string uuid_of_content(const std::string& sha256);

// Now, by the clock of this machine.
std::int64_t system_time_unix();

// The product whose id or alias this is, as people write names into files:
// "NVIDIA-Jetson-Orin-Nano-GPU". Null: none.
const HardwareSpec* product_called(const std::string& name, const HardwareDatabase& database);

// What stands for the installation of an imported profile's machine.
std::string imported_install(const std::string& from, const std::string& machine);

// Best fp32 matrix product that the profile measured, for comparing a GPU with its own CPU.
std::optional<double> fp32_gemm_gops(const Run& run);

}  // namespace peakward
