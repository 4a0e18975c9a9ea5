// Trajectories as plots, tables, sections and JSON; shared by the verbs that look back.
#pragma once

#include <string>
#include <vector>

#include "core/json.hpp"
#include "present/plot.hpp"
#include "present/report.hpp"
#include "session/trajectory.hpp"

namespace peakward::cli {

// How the unit of a series is shown.
Unit unit_of(const SeriesKey& key);
// "fp32, blas on cpu, suite standard/1"; with the case where it is one, and the power mode.
std::string series_words(const SeriesKey& key);
// "Intel Core i7-12700K", its id where it has no name.
std::string subject_words(const Subject& subject);
// The name of an imported host, else the beginning of a random id; a name that a user gave is
// whole.
std::string install_words(const Analysed& analysed, const std::string& install);
// "2026-11-20"
std::string day_words(std::int64_t time_unix);
// "+4.2 %", "-0.3 %"; "-" for none.
std::string signed_percent(const std::optional<double>& percent);
// "2026-03-01: +12.0 %, 2026-09-04: -2.1 %", the largest where there are many, by date;
// "none" of one level; "" where the rate is unknown.
std::string improvement_steps_words(const Improvement& found);
// "Day 12", "not yet".
std::string day_number(const MilestoneDay& day);

// Efficiency over time, or the figures themselves where no efficiency is known, with bands and
// events; one series a member.
Plot trajectory_plot(const Followed& followed, const FollowedSubject& subject,
                     const FollowedTrajectory& one);
// One row a run, the oldest first.
Table trajectory_table(const Followed& followed, const FollowedSubject& subject,
                       const FollowedTrajectory& one);
// Milestones, improvement, and what must be said of the figures.
Section findings_section(const Followed& followed, const FollowedSubject& subject,
                         const FollowedTrajectory& one);
// Software and firmware changes, the newest `most`; a section without tables where there are none.
Section events_section(const Followed& followed, const FollowedSubject& subject,
                       const FollowedTrajectory& one, std::size_t most);
// One row a trajectory, of all subjects.
Table trajectories_table(const Followed& followed);

// {"peak": ..., "milestones": {"70": days}, ...}: DESIGN section 6's names. With "points" and
// "events" the whole trajectory.
Json trajectory_summary_json(const Followed& followed, const FollowedSubject& subject,
                             const FollowedTrajectory& one);
Json trajectory_json(const Followed& followed, const FollowedSubject& subject,
                     const FollowedTrajectory& one);
Json subject_json(const Subject& subject);
Json key_json(const SeriesKey& key);
Json changes_json(const std::vector<ComponentChange>& changes);
// A number, or null where it is none.
Json number_json(double value);
// "70" -> days, as milestones are named.
std::string milestone_name(double level);

}  // namespace peakward::cli
