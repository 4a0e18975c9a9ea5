// Runs of Peakward and the portable profiles made of them.
#include "core/records_json.hpp"
#include "fuzz/properties.hpp"
#include "fuzz/scratch.hpp"
#include "fuzz/targets.hpp"
#include "session/profile.hpp"
#include "store/rows.hpp"
#include "store/stored_run.hpp"

namespace peakward::fuzz {
namespace {

// What is stored is what comes back, or it is refused with its reason.
std::string broken_store(const Run& run) {
    const auto stored = store::stored_form(run);
    if (!stored) return broken_refusal(stored.error());
    auto back = store::run_of_document(stored->document, "the stored run");
    if (!back) return "a stored run cannot be read: " + back.error().message;
    if (auto decoded = store::decode_windows(stored->windows, back->measurements); !decoded)
        return "the windows of a stored run cannot be read: " + decoded.error().message;
    if (store::encode_windows(back->measurements) != stored->windows)
        return "windows change when they are stored";
    const auto again = store::stored_form(*back);
    if (!again) return "a stored run cannot be stored again: " + again.error().message;
    if (again->sha256 != stored->sha256) return "a run changes its hash when it is stored again";
    (void)store::rows_of(stored->as_read);
    return "";
}

std::string broken_profile(const Profile& profile) {
    const std::string name = profile_file_name(profile);
    if (name.find('/') != std::string::npos || !broken_text(name).empty() || name.starts_with('.'))
        return "the name of a profile's file is not plain";
    const Json json = to_json(profile);
    const auto again = profile_from_json(json);
    if (!again) return "a profile that is written is refused: " + again.error().message;
    if (canonical_json(to_json(*again)) != canonical_json(json))
        return "a profile changes when it is written and read";
    for (const ProfilePoint& point : profile.points)
        for (const std::int64_t size : {std::int64_t{1}, std::int64_t{1000}, INT64_MAX})
            if (const auto estimate =
                    estimate_efficiency(profile, point.what.operation, size, point.what.precision);
                !estimate)
                if (std::string broken = broken_refusal(estimate.error()); !broken.empty())
                    return broken;
    return "";
}

}  // namespace

std::string run_document(std::string_view bytes) {
    const auto json = parse_json(bytes, "the run");
    if (!json) return broken_refusal(json.error());
    const auto run = run_from_json(*json);
    if (!run) return broken_refusal(run.error());
    const std::string text = canonical_json(to_json(*run));
    const auto again = parse_json(text, "the run again");
    const auto back = again ? run_from_json(*again) : tl::make_unexpected(again.error());
    if (!back) return "a run that is written is refused: " + back.error().message;
    if (canonical_json(to_json(*back)) != text) return "a run changes when it is written and read";
    for (const Profile& profile : profiles_of(*run))
        if (std::string broken = broken_profile(profile); !broken.empty()) return broken;
    return broken_store(*run);
}

std::string profile(std::string_view bytes) {
    static const Scratch scratch;
    const auto profiles = load_profiles(scratch.write("profile.json", bytes));
    if (!profiles) return broken_refusal(profiles.error());
    for (const Profile& profile : *profiles)
        if (std::string broken = broken_profile(profile); !broken.empty()) return broken;
    return "";
}

}  // namespace peakward::fuzz
