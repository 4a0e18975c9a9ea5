#include "analyze/installs.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/text.hpp"

namespace peakward {
namespace {

using Members = std::vector<std::size_t>;

// Whether each series begins after the one before it has ended.
bool follow_each_other(std::span<const Series* const> series, Members members) {
    std::sort(members.begin(), members.end(), [&](std::size_t a, std::size_t b) {
        return series[a]->points.front().time_unix < series[b]->points.front().time_unix;
    });
    for (std::size_t i = 1; i < members.size(); ++i)
        if (series[members[i]]->points.front().time_unix <=
            series[members[i - 1]]->points.back().time_unix)
            return false;
    return true;
}

// The members to join; fewer than two: none.
Members members_to_join(std::span<const Series* const> series, const Members& group) {
    if (group.size() < 2 || follow_each_other(series, group)) return group;
    Members few;
    for (const std::size_t place : group)
        if (counting_runs(*series[place]) < runs_of_own_series) few.push_back(place);
    return few;
}

JudgedSeries joined(std::span<const Series* const> series, const Members& members) {
    struct Placed {
        const SeriesPoint* point;
        std::int32_t unit;
    };
    JudgedSeries result;
    result.joined.key = series[members.front()]->key;
    result.joined.key.install.clear();
    result.members = members;
    std::vector<Placed> placed;
    for (const std::size_t member : members) {
        const auto unit = static_cast<std::int32_t>(result.installs.size());
        result.installs.push_back(series[member]->key.install);
        for (const SeriesPoint& point : series[member]->points) placed.push_back({&point, unit});
    }
    std::stable_sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
        return std::pair(a.point->time_unix, a.point->seq) <
               std::pair(b.point->time_unix, b.point->seq);
    });
    for (const Placed& one : placed) {
        result.joined.points.push_back(*one.point);
        result.joined.units.push_back(one.unit);
    }
    const auto newest = static_cast<std::size_t>(placed.back().unit);
    result.joined.key.suite = series[members[newest]]->key.suite;
    return result;
}

}  // namespace

std::string lineage_key(const SeriesKey& k) {
    return fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}|{}", k.lineage,
                       k.power_mode ? "=" + *k.power_mode : "", k.definition, k.device, k.backend,
                       k.precision, k.operation, to_string(k.shape), k.threads, k.metric);
}

std::size_t counting_runs(const Series& series) {
    return static_cast<std::size_t>(std::count_if(
        series.points.begin(), series.points.end(),
        [](const SeriesPoint& point) { return point.doubts == 0 && std::isfinite(point.value); }));
}

std::vector<JudgedSeries> join_installs(std::span<const Series* const> series) {
    std::map<std::string, Members> groups;
    for (std::size_t i = 0; i < series.size(); ++i)
        if (!series[i]->points.empty()) groups[lineage_key(series[i]->key)].push_back(i);
    std::vector<Members> joined_by(series.size());  // at the first member; the others are marked
    std::vector<bool> is_taken(series.size(), false);
    for (const auto& [key, group] : groups) {
        const Members members = members_to_join(series, group);
        if (members.size() < 2) continue;
        for (const std::size_t member : members) is_taken[member] = true;
        joined_by[members.front()] = members;
    }
    std::vector<JudgedSeries> result;
    for (std::size_t i = 0; i < series.size(); ++i) {
        if (!is_taken[i])
            result.push_back({series[i], {}, {}, {i}});
        else if (!joined_by[i].empty())
            result.push_back(joined(series, joined_by[i]));
    }
    return result;
}

}  // namespace peakward
