// Shared by the files of session/ that import.
#pragma once

#include <cstdint>
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
FoundFiles find_importable(const std::vector<std::string>& paths);

// What a file holds, before anything of this machine is added.
struct FileContent {
    std::string what;
    std::vector<older::ImportedRun> older;  // of others
    std::vector<Run> runs;                  // of Peakward itself, whole
    // A database of Peakward: of any size, so nothing of it is read yet.
    bool is_database = false;
};
// The error is one sentence without the file's name.
Result<FileContent> read_importable(const std::string& path);
// The same of a text that is in memory: everything but databases.
Result<FileContent> read_importable_text(std::string_view text);

// Gives a run from elsewhere what the store needs: a time, an identity, products, scores.
Result<Run> complete_import(older::ImportedRun imported, const std::string& from,
                            const HardwareDatabase& database, const Matcher& matcher);

// What stands for the installation of an imported profile's machine.
std::string imported_install(const std::string& from, const std::string& machine);

// Best fp32 matrix product that the profile measured, for comparing a GPU with its own CPU.
std::optional<double> fp32_gemm_gops(const Run& run);

}  // namespace peakward
