// Trajectories of a store with all that stands beside them: what `trajectory`, `maturity`,
// `impact`, `compare` and reports show.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analyze/software_history.hpp"
#include "analyze/trajectory.hpp"
#include "core/result.hpp"
#include "session/analysis.hpp"

namespace peakward {

struct MemberEvent {
    std::size_t member = 0;  // place in Trajectory::members: on which install it happened
    HistoryEvent event;
};

struct FollowedTrajectory {
    Trajectory trajectory;
    Peak peak;                           // that its efficiencies are made of; kind unknown: why not
    std::vector<MemberEvent> events;     // by time
    std::vector<SoftwareImpact> impact;  // one a member
    std::vector<double> bandwidth_gbps;  // best STREAM of the device in the run of each point; NaN
    std::vector<std::uint16_t> bandwidth_doubts;  // of each of these: 0 where it decides
};

// One subject of an analysis. Its series are not copied: they stay in `Followed::analysed`.
struct FollowedSubject {
    std::size_t subject = 0;  // place in analysed.subjects
    std::vector<RatedSeries> rated;
    std::vector<FollowedTrajectory> trajectories;  // the leading one first
    std::size_t others =
        0;  // trajectories that were left out, where only the leading was asked for
};

// What is wanted: of every trajectory or of each subject's leading one all that stands beside it,
// or of the leading ones the trajectory alone, without events, impact and bandwidth.
enum class Follow { all, leading, leading_alone };

// Moved, never copied: it points into itself.
struct Followed {
    Followed() = default;
    Followed(Followed&&) = default;
    Followed& operator=(Followed&&) = default;
    Followed(const Followed&) = delete;
    Followed& operator=(const Followed&) = delete;

    Analysed analysed;
    std::vector<FollowedSubject> subjects;  // the one with the leading trajectory first
    FactsBySeq facts;                       // of the runs at changes, and of every newest run

    const Subject& subject(const FollowedSubject& of) const {
        return analysed.subjects[of.subject];
    }
    const SoftwareStack* stack(const SeriesPoint& point) const;
};

// Errors as load_series(); `--since` after `--until` is a usage error.
Result<Followed> follow(const std::string& db, const SeriesRequest& request, Follow what);

const SeriesPoint& point_at(const FollowedSubject& subject, const Trajectory& trajectory,
                            const PlacedPoint& at);
// NaN: unknown.
double efficiency_at(const FollowedSubject& subject, const Trajectory& trajectory,
                     const PlacedPoint& at);

// Days from the product's launch to an instant; none where the launch is unknown. A launch known to
// the month counts from the month's first day.
std::optional<std::int64_t> days_from_launch(const Subject& subject,
                                             std::optional<std::int64_t> time_unix);

}  // namespace peakward
