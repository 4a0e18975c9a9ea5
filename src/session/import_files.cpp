// Which files an import looks at, and what each of them holds.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include "core/posix.hpp"
#include "core/records_json.hpp"
#include "core/text.hpp"
#include "import/document.hpp"
#include "session/import_parts.hpp"
#include "store/foreign_rows.hpp"
#include "store/period.hpp"

namespace peakward {
namespace {

namespace fs = std::filesystem;

// A profile is some hundred kilobytes and a year of exported rows some tens of megabytes; parsed,
// text takes several times its size in memory.
constexpr std::uintmax_t text_bytes_max = 128u << 20;
constexpr std::uintmax_t rows_bytes_max = 1u << 30;
constexpr std::size_t run_id_letters_max = 128;  // as the store takes them

bool has_ending(const fs::path& path) {
    const std::string ending = to_lower(path.extension().string());
    return ending == ".json" || ending == ".db" || ending == ".sqlite" || ending == ".sqlite3";
}

class Search {
public:
    explicit Search(const StopToken& stop) : stop_(stop) {}

    void look_at(const fs::path& path, bool named) {
        std::error_code error;
        const fs::file_status status = fs::status(path, error);
        const std::string why = error.message();
        if (fs::is_directory(status)) return folders_.push_back(path);
        if (!named && !has_ending(path)) {
            ++found_.passed_over;
            return;
        }
        if (fs::is_symlink(fs::symlink_status(path, error)) && !fs::exists(status))
            return refuse(path, "is a link that leads nowhere");
        if (!fs::status_known(status)) return refuse(path, "cannot be read: " + why);
        if (!fs::exists(status)) return refuse(path, "there is no such file or folder");
        if (!fs::is_regular_file(status)) return refuse(path, "is neither a file nor a folder");
        if (seen_.insert(fs::canonical(path, error).string()).second)
            found_.files.push_back(path.string());
    }

    FoundFiles finish() && {
        while (!folders_.empty() && !stop_.stop_requested()) {
            const fs::path folder = folders_.back();
            folders_.pop_back();
            walk(folder);
        }
        std::sort(found_.files.begin(), found_.files.end());
        return std::move(found_);
    }

private:
    void walk(const fs::path& folder) {
        std::error_code error;
        // A folder that was seen is a loop, or another way to the same files.
        if (!seen_.insert(fs::canonical(folder, error).string()).second) return;
        fs::directory_iterator entries(folder, error);
        if (error) return refuse(folder, "cannot be read: " + error.message());
        std::vector<fs::path> paths;
        for (const fs::directory_iterator end; entries != end && !stop_.stop_requested();
             entries.increment(error)) {
            if (error) return refuse(folder, "cannot be read to its end: " + error.message());
            paths.push_back(entries->path());
        }
        std::sort(paths.begin(), paths.end());
        for (const fs::path& path : paths) look_at(path, false);
    }

    void refuse(const fs::path& path, const std::string& reason) {
        found_.refused.push_back({path.string(), reason});
    }

    const StopToken& stop_;
    FoundFiles found_;
    std::vector<fs::path> folders_;
    std::set<std::string> seen_;
};

std::string size_words(std::uintmax_t bytes) { return fmt::format("{} MiB", bytes >> 20); }

Result<FileContent> read_database(const std::string& path, std::uintmax_t bytes,
                                  const StopToken& stop) {
    if (is_peakward_database(path)) return FileContent{"Peakward database", {}, {}, true};
    if (bytes > rows_bytes_max)
        return failed(
            fmt::format("is a database of {}, and over {} none is read into memory: "
                        "split it",
                        size_words(bytes), size_words(rows_bytes_max)));
    auto rows = read_foreign_rows(path, &stop);
    if (!rows) return tl::make_unexpected(rows.error());
    auto runs = older::read_exported_rows(*rows);
    if (!runs) return tl::make_unexpected(runs.error());
    return FileContent{"database of rows", std::move(*runs), {}, false};
}

Result<Run> own_run(const Json& json) {
    auto run = run_from_json(json);
    if (!run) return run;
    if (run->schema_version > Run{}.schema_version)
        return failed(
            fmt::format("run {} was written by a newer Peakward (schema {}): update this "
                        "program",
                        run->run_id, run->schema_version));
    if (run->run_id.empty()) return failed("has a run without a run_id");
    if (run->run_id.size() > run_id_letters_max)
        return failed(fmt::format("has a run_id of {} letters, which is too long: at most {}",
                                  run->run_id.size(), run_id_letters_max));
    if (!store::parse_period(run->timestamp))
        return failed(fmt::format("run {} has the time '{}', which is none that can be read",
                                  run->run_id, run->timestamp));
    if (run->context.hardware.fingerprint.empty() || run->context.hardware.lineage.empty())
        return failed(fmt::format("run {} does not say what hardware it is of", run->run_id));
    return run;
}

Result<FileContent> content_of(const older::Document& document) {
    std::string why;
    FileContent content;
    switch (older::kind_of(document.json, why)) {
        case older::DocumentKind::older_profile: {
            content.what = "older profile";
            auto profile = older::read_older_profile(document.json, document.not_numbers);
            if (!profile) return tl::make_unexpected(profile.error());
            content.older.push_back(std::move(*profile));
            return content;
        }
        case older::DocumentKind::rows: {
            content.what = "exported rows";
            auto rows = older::read_exported_rows(older::items_of(document.json));
            if (!rows) return tl::make_unexpected(rows.error());
            content.older = std::move(*rows);
            return content;
        }
        case older::DocumentKind::run: {
            content.what = "Peakward run";
            auto run = own_run(document.json);
            if (!run) return tl::make_unexpected(run.error());
            content.runs.push_back(std::move(*run));
            return content;
        }
        case older::DocumentKind::runs: {
            content.what = "Peakward runs";
            for (const Json& item : older::items_of(document.json)) {
                auto run = own_run(item);
                if (!run) return tl::make_unexpected(run.error());
                content.runs.push_back(std::move(*run));
            }
            return content;
        }
        case older::DocumentKind::foreign:
            break;
    }
    return failed(why);
}

}  // namespace

FoundFiles find_importable(const std::vector<std::string>& paths, const StopToken& stop) {
    Search search(stop);
    for (const std::string& path : paths) search.look_at(path, true);
    return std::move(search).finish();
}

Result<FileContent> read_importable(const std::string& path, const StopToken& stop) {
    using namespace std::string_view_literals;
    std::error_code error;
    const std::uintmax_t bytes = fs::file_size(path, error);
    if (error) return failed("cannot be read: " + error.message());
    constexpr auto magic = "SQLite format 3\0"sv;
    std::string head(magic.size(), '\0');
    {
        std::ifstream file(path, std::ios::binary);
        if (!file) return failed(fmt::format("cannot be read: {}", std::strerror(errno)));
        file.read(head.data(), static_cast<std::streamsize>(head.size()));
        head.resize(static_cast<std::size_t>(file.gcount()));
    }
    if (head == magic) return read_database(path, bytes, stop);
    if (bytes > text_bytes_max)
        return failed(
            fmt::format("has {}, and over {} nothing is a profile or a list of runs: "
                        "split it",
                        size_words(bytes), size_words(text_bytes_max)));
    const auto text = read_whole_file(path, text_bytes_max);
    if (!text) return tl::make_unexpected(text.error());
    return read_importable_text(*text, &stop);
}

Result<FileContent> read_importable_text(std::string_view text, const StopToken* stop) {
    const auto document = older::read_document(text, stop);
    if (!document) return tl::make_unexpected(document.error());
    return content_of(*document);
}

}  // namespace peakward
