#include "session/profile.hpp"

#include <filesystem>

#include "core/posix.hpp"
#include "core/records_json.hpp"
#include "core/text.hpp"

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

}  // namespace

Result<std::vector<Profile>> load_profiles(const std::string& path) {
    const auto text = profile_text(path);
    if (!text) return tl::make_unexpected(text.error());
    const auto document = parse_json(*text, path);
    if (!document) return failed(document.error().message + ", where it may be cut short");
    if (document->is_object() && document->contains("measurements")) {
        auto run = run_from_json(*document);
        if (!run) return failed(fmt::format("{}: {}", path, run.error().message));
        return profiles_of(*run);
    }
    auto profile = profile_from_json(*document);
    if (!profile) return failed(fmt::format("{}: {}", path, profile.error().message));
    return std::vector<Profile>{std::move(*profile)};
}

Result<std::vector<ExportedProfile>> export_profiles(const Run& run, const std::string& folder) {
    std::error_code error;
    if (!fs::is_directory(folder, error))
        return failed(fmt::format("{}: there is no such folder; make it first", folder));
    const auto profiles = profiles_of(run);
    if (profiles.empty())
        return failed(fmt::format("run {} measured nothing, so it has no profile", run.run_id));
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
