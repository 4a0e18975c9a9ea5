#include "session/keep_run.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "core/posix.hpp"
#include "core/records_json.hpp"
#include "core/state_folder.hpp"
#include "core/text.hpp"

namespace peakward {
namespace {

namespace fs = std::filesystem;

// The command may be typed in another folder.
std::string whole_path(const std::string& path) {
    std::error_code error;
    const fs::path whole = fs::absolute(path, error);
    return error ? path : whole.lexically_normal().string();
}

std::string shell_word(const std::string& text) {
    const bool is_plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               std::string_view("/._-+:@%,=").find(c) != std::string_view::npos;
    });
    if (is_plain) return text;
    std::string quoted = "'";
    for (const char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
    return quoted + "'";
}

std::vector<std::string> folders_for(const std::string& store_location) {
    std::vector<std::string> folders{fs::path(whole_path(store_location)).parent_path().string()};
    if (std::string state = usual_state_folder(); !state.empty()) {
        std::error_code error;
        fs::create_directories(state, error);
        folders.push_back(std::move(state));
    }
    const char* temporary = std::getenv("TMPDIR");
    folders.emplace_back(temporary != nullptr && temporary[0] == '/' ? temporary : "/tmp");
    return folders;
}

}  // namespace

Result<std::string> keep_run(const Run& run, const std::string& store_location) {
    const std::string text =
        to_json(run, WithWindows::yes).dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
    std::vector<std::string> reasons;
    for (const std::string& folder : folders_for(store_location)) {
        std::string file = (fs::path(folder) / ("peakward-run-" + run.run_id + ".json")).string();
        const auto written = write_file_atomically(file, text);
        if (written) return file;
        reasons.push_back(written.error().message);
    }
    return failed(fmt::format("{}", fmt::join(reasons, "; ")));
}

std::string import_command(const std::string& file, const std::string& store_location) {
    return fmt::format("peakward import {} --db {}", shell_word(file),
                       shell_word(whole_path(store_location)));
}

}  // namespace peakward
