#include "analyze/milestones.hpp"

#include <algorithm>
#include <cmath>

#include "analyze/change_points.hpp"

namespace peakward {
namespace {

constexpr std::size_t median_points_min = 5;  // fewer have no median worth the name

// The counting points of a series, and where each of them stands in it.
struct Counting {
    std::vector<double> efficiency;
    std::vector<std::size_t> place;
};

Counting counting_of(const Series& series, std::span<const double> efficiency) {
    Counting counting;
    for (std::size_t i = 0; i < series.points.size() && i < efficiency.size(); ++i)
        if (counts(series.points[i], efficiency[i])) {
            counting.efficiency.push_back(efficiency[i]);
            counting.place.push_back(i);
        }
    return counting;
}

// For each point the end (exclusive) of the stretch that it begins: the next confirmed fall.
std::vector<std::size_t> stretch_ends(std::span<const double> values) {
    std::vector<std::size_t> ends(values.size(), values.size());
    std::vector<Change> changes = find_changes(values).changes;
    for (const Change& change : changes)
        if (change.after < change.before)
            for (std::size_t i = 0; i < change.index && i < ends.size(); ++i)
                ends[i] = std::min(ends[i], std::max(change.index, i + 1));
    return ends;
}

bool holds(std::span<const double> stretch, double level) {
    if (stretch.size() < 2) return false;
    const auto above = static_cast<std::size_t>(
        std::count_if(stretch.begin(), stretch.end(), [&](double e) { return e >= level; }));
    if (stretch.size() < median_points_min) return above == stretch.size();
    return 2 * above >= stretch.size();
}

}  // namespace

bool counts(const SeriesPoint& point, double efficiency) {
    return point.doubts == 0 && std::isfinite(efficiency) && efficiency <= efficiency_max;
}

std::vector<Milestone> find_milestones(const Series& series, std::span<const double> efficiency,
                                       std::span<const double> levels) {
    const Counting counting = counting_of(series, efficiency);
    const std::span<const double> values = counting.efficiency;
    // A series that never came near a level has no stretch to look at.
    const bool comes_near = std::any_of(values.begin(), values.end(), [&](double e) {
        return std::any_of(levels.begin(), levels.end(), [&](double level) { return e >= level; });
    });
    const auto ends = comes_near ? stretch_ends(values) : std::vector<std::size_t>{};
    std::vector<Milestone> milestones;
    for (const double level : levels) {
        Milestone milestone{level, {}, false};
        for (std::size_t i = 0; i < values.size() && !milestone.held_from; ++i) {
            if (values[i] < level) continue;
            milestone.touched = true;
            if (holds(values.subspan(i, ends[i] - i), level))
                milestone.held_from = counting.place[i];
        }
        milestones.push_back(milestone);
    }
    return milestones;
}

}  // namespace peakward
