#include "session/trajectory.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "analyze/in_parallel.hpp"
#include "analyze/series_levels.hpp"
#include "core/text.hpp"
#include "store/period.hpp"

namespace peakward {
namespace {

Status check_period(const SeriesRequest& request) {
    if (request.since.empty() || request.until.empty()) return {};
    const auto since = store::parse_period(request.since);
    const auto until = store::parse_period(request.until);
    if (!since || !until || since->begin < until->end) return {};  // the loader says what is wrong
    return wrong_usage(fmt::format("--since {} lies after --until {}: no run can be in between",
                                   request.since, request.until));
}

// Of each series of each subject, pooled over all of them.
std::vector<std::vector<NoiseUsed>> noise_of(const Analysed& analysed) {
    std::vector<const Series*> all;
    for (const Subject& subject : analysed.subjects)
        for (const SubjectSeries& one : subject.series) all.push_back(&one.series);
    const std::vector<NoiseUsed> learned = learned_noise(all);
    std::vector<std::vector<NoiseUsed>> noise;
    auto next = learned.begin();
    for (const Subject& subject : analysed.subjects) {
        const auto end = next + static_cast<std::ptrdiff_t>(subject.series.size());
        noise.emplace_back(next, end);
        next = end;
    }
    return noise;
}

std::vector<RatedSeries> rated_of(const Subject& subject, const std::vector<NoiseUsed>& noise) {
    std::vector<RatedSeries> rated;
    rated.reserve(subject.series.size());
    for (const SubjectSeries& one : subject.series)
        rated.push_back({&one.series, one.efficiency, noise[rated.size()]});
    return rated;
}

// First runs of the further fingerprints of a lineage.
std::vector<std::int64_t> firmware_times(const Subject& subject, const std::string& lineage) {
    std::vector<std::int64_t> times;
    for (const KnownHardware& known : subject.hardware)
        for (std::size_t i = 1; known.lineage == lineage && i < known.fingerprints.size(); ++i)
            times.push_back(known.fingerprints[i].second);
    return times;
}

FollowedSubject followed(const Subject& subject, const std::vector<NoiseUsed>& noise,
                         std::size_t place, Follow what) {
    FollowedSubject result;
    result.subject = place;
    result.rated = rated_of(subject, noise);
    std::vector<Trajectory> found = find_trajectories(result.rated);
    if (const Trajectory* first = leading(found, result.rated))
        std::rotate(found.begin(), found.begin() + (first - found.data()),
                    found.begin() + (first - found.data()) + 1);
    result.others = what == Follow::all ? 0 : found.size() - 1;
    if (what != Follow::all) found.resize(1);
    for (Trajectory& trajectory : found) {
        study(trajectory, result.rated);
        FollowedTrajectory& one = result.trajectories.emplace_back();
        one.peak = subject.series[trajectory.members.back()].peak;
        one.trajectory = std::move(trajectory);
    }
    return result;
}

void put_leading_first(std::vector<FollowedSubject>& subjects) {
    std::vector<Trajectory> heads;
    std::vector<RatedSeries> rated;
    for (const FollowedSubject& subject : subjects) {
        Trajectory head = subject.trajectories.front().trajectory;
        for (std::size_t& member : head.members) member += rated.size();
        rated.insert(rated.end(), subject.rated.begin(), subject.rated.end());
        heads.push_back(std::move(head));
    }
    if (const Trajectory* first = leading(heads, rated))
        std::rotate(subjects.begin(), subjects.begin() + (first - heads.data()),
                    subjects.begin() + (first - heads.data()) + 1);
}

// Runs whose facts are needed: both sides of all changes.
std::vector<std::int64_t> seqs_of(const Followed& result) {
    std::set<std::int64_t> seqs;
    for (const FollowedSubject& subject : result.subjects)
        for (const FollowedTrajectory& one : subject.trajectories)
            for (const std::size_t member : one.trajectory.members) {
                const Series& series = *subject.rated[member].series;
                const auto needed = runs_at_changes(
                    series, firmware_times(result.subject(subject), series.key.lineage));
                seqs.insert(needed.begin(), needed.end());
            }
    return {seqs.begin(), seqs.end()};
}

void put_changes(const FollowedSubject& subject, const FactsBySeq& facts, FollowedTrajectory& one) {
    for (std::size_t member = 0; member < one.trajectory.members.size(); ++member) {
        const RatedSeries& rated = subject.rated[one.trajectory.members[member]];
        const Series& series = *rated.series;
        for (HistoryEvent& event : events_of(series, facts))
            one.events.push_back({member, std::move(event)});
        one.impact.push_back(impact_of(series, facts, rated.noise));
    }
    std::stable_sort(one.events.begin(), one.events.end(),
                     [](const MemberEvent& a, const MemberEvent& b) {
                         return a.event.time_unix < b.event.time_unix;
                     });
}

struct RunBandwidth {
    double value_gbps = no_number;
    std::uint16_t doubts = 0;
};
using BandwidthOfRun = std::map<std::pair<std::int64_t, std::string>, RunBandwidth>;

// What decides comes before what is doubtful, then the higher.
bool is_better(const SeriesPoint& point, const RunBandwidth& best) {
    if (!std::isfinite(best.value_gbps)) return true;
    if ((point.doubts == 0) != (best.doubts == 0)) return point.doubts == 0;
    return point.value > best.value_gbps;
}

// STREAM is measured by some backend in some precision: what counts is the memory of the device.
BandwidthOfRun bandwidth_of_runs(const std::string& db, const SeriesRequest& request) {
    SeriesRequest memory;
    memory.hardware = request.hardware;
    memory.device = request.device;
    memory.since = request.since;
    memory.until = request.until;
    memory.stop = request.stop;
    memory.metrics = {"stream_best_gbps"};
    BandwidthOfRun best;
    const auto analysed = load_series(db, memory);
    if (!analysed) return best;  // none was measured
    for (const Subject& subject : analysed->subjects)
        for (const SubjectSeries& one : subject.series)
            for (const SeriesPoint& point : one.series.points) {
                if (!std::isfinite(point.value)) continue;
                RunBandwidth& there = best[{point.seq, one.series.key.device}];
                if (is_better(point, there)) there = {point.value, point.doubts};
            }
    return best;
}

void put_bandwidth(const BandwidthOfRun& best, const FollowedSubject& subject,
                   FollowedTrajectory& one) {
    for (const PlacedPoint& at : one.trajectory.points) {
        const auto it =
            best.find({point_at(subject, one.trajectory, at).seq, one.trajectory.key.device});
        const RunBandwidth bandwidth = it == best.end() ? RunBandwidth{} : it->second;
        one.bandwidth_gbps.push_back(bandwidth.value_gbps);
        one.bandwidth_doubts.push_back(bandwidth.doubts);
    }
}

}  // namespace

const SoftwareStack* Followed::stack(const SeriesPoint& point) const {
    const auto place = static_cast<std::size_t>(point.stack);
    return point.stack >= 0 && place < analysed.stacks.size() ? &analysed.stacks[place] : nullptr;
}

Result<Followed> follow(const std::string& db, const SeriesRequest& request, Follow what) {
    if (auto status = check_period(request); !status) return tl::make_unexpected(status.error());
    auto analysed = load_series(db, request);
    if (!analysed) return tl::make_unexpected(analysed.error());
    Followed result;
    result.analysed = std::move(*analysed);
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < result.analysed.subjects.size(); ++i)
        if (!result.analysed.subjects[i].series.empty()) places.push_back(i);
    const auto noise = noise_of(result.analysed);
    result.subjects.resize(places.size());
    in_parallel(places.size(), 0, [&](std::size_t i) {
        if (!request.check_stop()) return;
        result.subjects[i] =
            followed(result.analysed.subjects[places[i]], noise[places[i]], places[i], what);
    });
    if (auto status = request.check_stop(); !status) return tl::make_unexpected(status.error());
    put_leading_first(result.subjects);
    if (what == Follow::leading_alone) return result;
    auto facts = load_facts(db, seqs_of(result), request.stop);
    if (!facts) return tl::make_unexpected(facts.error());
    result.facts = std::move(*facts);
    const BandwidthOfRun bandwidth = bandwidth_of_runs(db, request);
    for (FollowedSubject& subject : result.subjects)
        for (FollowedTrajectory& one : subject.trajectories) {
            put_changes(subject, result.facts, one);
            put_bandwidth(bandwidth, subject, one);
        }
    return result;
}

const SeriesPoint& point_at(const FollowedSubject& subject, const Trajectory& trajectory,
                            const PlacedPoint& at) {
    return subject.rated[trajectory.members[at.member]].series->points[at.index];
}

double efficiency_at(const FollowedSubject& subject, const Trajectory& trajectory,
                     const PlacedPoint& at) {
    const RatedSeries& rated = subject.rated[trajectory.members[at.member]];
    return at.index < rated.efficiency.size() ? rated.efficiency[at.index] : no_number;
}

std::optional<std::int64_t> days_from_launch(const Subject& subject,
                                             std::optional<std::int64_t> time_unix) {
    if (!subject.launched || !time_unix) return std::nullopt;
    const auto launch = store::parse_period(*subject.launched);
    if (!launch) return std::nullopt;
    return days_between(launch->begin, *time_unix);
}

}  // namespace peakward
