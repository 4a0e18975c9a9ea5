#include "session/profile.hpp"

#include <filesystem>

#include "core/posix.hpp"
#include "core/records_json.hpp"
#include "core/text.hpp"
#include "import/document.hpp"
#include "session/hardware.hpp"
#include "session/import_parts.hpp"

namespace peakward {
namespace {

namespace fs = std::filesystem;

// A run with all its samples is some megabytes.
constexpr std::uintmax_t profile_bytes_max = 1u << 30;

Result<std::string> profile_text(const std::string& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::status_known(status))
        return failed(fmt::format("{}: cannot be read: {}", path, error.message()));
    if (!fs::exists(status)) return failed(fmt::format("{}: there is no such file", path));
    if (!fs::is_regular_file(status)) return failed(fmt::format("{}: not a regular file", path));
    if (fs::file_size(path, error) > profile_bytes_max)
        return failed(fmt::format("{}: larger than any profile (over 1 GiB)", path));
    return read_whole_file(path, profile_bytes_max);
}

std::string document_text(const Profile& profile) {
    return to_json(profile).dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

// The name, or the name with the start of the run's id where that is another profile's.
fs::path free_name(const fs::path& folder, const Profile& profile, const std::string& text) {
    fs::path plain = folder / profile_file_name(profile);
    std::error_code error;
    if (!fs::exists(plain, error)) return plain;
    const auto there = profile_text(plain.string());
    if (there && *there == text) return plain;
    return folder / fmt::format("{}_{}.json", plain.stem().string(), profile.run_id.substr(0, 8));
}

// As import reads it, and as it would be stored: with its doubts as flags of the profile.
Result<std::vector<Profile>> older_profiles(const older::Document& document) {
    auto imported = older::read_older_profile(document.json, document.not_numbers);
    if (!imported) return tl::make_unexpected(imported.error());
    const HardwareDatabase database = hardware_database();
    const auto run =
        complete_import(std::move(*imported), "", database, Matcher(database), system_time_unix());
    if (!run) return tl::make_unexpected(run.error());
    std::vector<Profile> profiles = profiles_of(*run);
    if (profiles.empty()) return failed("is an older profile in which nothing was measured");
    return profiles;
}

// Errors are one sentence without the file's name.
Result<std::vector<Profile>> profiles_in(std::string_view text) {
    const auto document = older::read_document(text);
    if (!document) return tl::make_unexpected(document.error());
    const Json& json = document->json;
    if (json.is_object() && json.contains("measurements")) {
        const auto run = run_from_json(json);
        if (!run) return tl::make_unexpected(run.error());
        return profiles_of(*run);
    }
    std::string why;
    switch (older::kind_of(json, why)) {
        case older::DocumentKind::older_profile:
            return older_profiles(*document);
        case older::DocumentKind::runs:
        case older::DocumentKind::rows:
            return failed(
                "is a list of runs: peakward import takes it, and peakward profile export writes "
                "the profiles of one of its runs");
        case older::DocumentKind::run:
        case older::DocumentKind::foreign:
            break;
    }
    if (!json.is_object() || !(json.contains("kind") || json.contains("precision_results")))
        return failed(why);
    auto profile = profile_from_json(json);
    if (!profile) return tl::make_unexpected(profile.error());
    return std::vector<Profile>{std::move(*profile)};
}

std::string why_no_profile(const Run& run) {
    if (run.measurements.empty() && !run.results.empty())
        return fmt::format(
            "run {} has scores and no measurements: it came in as exported rows, so it has no "
            "profile",
            run.run_id);
    return fmt::format("run {} measured nothing, so it has no profile", run.run_id);
}

}  // namespace

Result<std::vector<Profile>> load_profiles(const std::string& path) {
    const auto text = profile_text(path);
    if (!text) return tl::make_unexpected(text.error());
    auto profiles = profiles_in(*text);
    if (!profiles) return failed(fmt::format("{}: {}", path, profiles.error().message));
    return profiles;
}

Result<std::vector<ExportedProfile>> export_profiles(const Run& run, const std::string& folder) {
    std::error_code error;
    if (!fs::is_directory(folder, error))
        return failed(fmt::format("{}: there is no such folder; make it first", folder));
    const auto profiles = profiles_of(run);
    if (profiles.empty()) return failed(why_no_profile(run));
    std::vector<ExportedProfile> exported;
    for (const Profile& profile : profiles) {
        const std::string text = document_text(profile);
        const fs::path path = free_name(folder, profile, text);
        if (fs::exists(path, error)) {
            const auto there = profile_text(path.string());
            if (!there || *there != text)
                return failed(fmt::format("{}: the file exists already and is another profile",
                                          path.string()));
            exported.push_back({path.string(), false});
            continue;
        }
        if (auto written = write_file_atomically(path.string(), text); !written)
            return tl::make_unexpected(written.error());
        exported.push_back({path.string(), true});
    }
    return exported;
}

}  // namespace peakward
