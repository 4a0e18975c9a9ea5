#include "cli/profile_file.hpp"

#include <unistd.h>

#include <filesystem>

#include "core/posix.hpp"
#include "core/records_json.hpp"
#include "core/text.hpp"
#include "present/json_text.hpp"

namespace peakward::cli {

namespace fs = std::filesystem;

Status check_output(const std::string& path, bool overwrite, const std::string& what) {
    if (path.empty()) return wrong_usage(what + ": the name of the file is empty");
    std::error_code error;
    const fs::path file(path);
    const fs::file_status status = fs::status(file, error);
    if (fs::is_directory(status))
        return wrong_usage(fmt::format("{} {}: this is a folder; name a file in it", what, path));
    if (fs::exists(status) && !fs::is_regular_file(status))
        return wrong_usage(
            fmt::format("{} {}: not a regular file; --json prints on stdout instead", what, path));
    if (fs::exists(status) && fs::file_size(file, error) > 0 && !overwrite)
        return wrong_usage(fmt::format(
            "{} {}: the file exists already; name another, or replace it with --overwrite", what,
            path));
    const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
    if (!fs::is_directory(folder, error))
        return wrong_usage(fmt::format("{} {}: there is no folder {}; make it first", what, path,
                                       folder.string()));
    if (::access(folder.c_str(), W_OK) != 0)
        return failed(
            fmt::format("{} {}: the folder {} cannot be written to", what, path, folder.string()));
    return {};
}

Status write_profile(const std::string& path, const Run& run) {
    return write_file_atomically(path, json_text(to_json(run, WithWindows::yes), 1) + "\n");
}

}  // namespace peakward::cli
