#include "analyze/improvement.hpp"

#include <algorithm>
#include <cmath>

#include "analyze/noise.hpp"

namespace peakward {
namespace {

constexpr std::size_t points_max = 400;     // 80,000 pairs: some milliseconds
constexpr std::size_t points_least = 10;    // that a thinned series keeps
constexpr std::size_t pairs_max = 500'000;  // of all series together
constexpr double shortest_span_s = 86400;
constexpr double normal_95 = 1.959964;

// Points that each of so many series may keep: 400 of up to 6 of them.
std::size_t points_kept(std::size_t series) {
    const double pairs = static_cast<double>(pairs_max) / static_cast<double>(series);
    return std::clamp(static_cast<std::size_t>(std::sqrt(2 * pairs)), points_least, points_max);
}

// Medians of equally many neighbours.
std::vector<RatePoint> thinned(const std::vector<RatePoint>& points, std::size_t most) {
    if (points.size() <= most) return points;
    std::vector<RatePoint> few;
    for (std::size_t i = 0; i < most; ++i) {
        const std::size_t first = i * points.size() / most;
        const std::size_t last = (i + 1) * points.size() / most;
        std::vector<double> values;
        for (std::size_t at = first; at < last; ++at) values.push_back(points[at].value);
        few.push_back(
            {points[(first + last) / 2].time_unix, analysis::median_of(std::move(values))});
    }
    return few;
}

// In the series' unit per month.
std::vector<double> slopes_of(const std::vector<RatePoint>& points) {
    std::vector<double> slopes;
    slopes.reserve(points.size() * (points.size() - 1) / 2);
    for (std::size_t i = 0; i < points.size(); ++i)
        for (std::size_t j = i + 1; j < points.size(); ++j) {
            const auto apart_s = static_cast<double>(points[j].time_unix - points[i].time_unix);
            if (apart_s != 0)
                slopes.push_back((points[j].value - points[i].value) / apart_s * month_s);
        }
    return slopes;
}

// Where the line of that slope has its first point: the median over all points.
double level_at_start(const std::vector<RatePoint>& points, double slope) {
    std::vector<double> levels;
    for (const RatePoint& point : points) {
        const auto since_s = static_cast<double>(point.time_unix - points.front().time_unix);
        levels.push_back(point.value - slope * since_s / month_s);
    }
    return analysis::median_of(std::move(levels));
}

// The value at a place of the ascending order.
double value_at(std::vector<double>& values, std::size_t place) {
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(place);
    std::nth_element(values.begin(), at, values.end());
    return *at;
}

double kendall_variance(std::size_t points) {
    const auto n = static_cast<double>(points);
    return n * (n - 1) * (2 * n + 5) / 18;
}

}  // namespace

Improvement theil_sen(std::span<const std::vector<RatePoint>> series) {
    Improvement found;
    std::vector<double> percents;
    double variance = 0, span_s = 0;
    const std::size_t most = points_kept(std::max<std::size_t>(1, series.size()));
    for (const std::vector<RatePoint>& all : series) {
        found.points += all.size();
        if (all.empty()) continue;
        const std::vector<RatePoint> points = thinned(all, most);
        span_s = std::max(span_s,
                          static_cast<double>(points.back().time_unix - points.front().time_unix));
        const std::vector<double> slopes = slopes_of(points);
        if (slopes.empty()) continue;
        const double level = level_at_start(points, analysis::median_of(slopes));
        if (!(level > 0)) continue;
        for (const double slope : slopes) percents.push_back(100 * slope / level);
        variance += kendall_variance(points.size());
    }
    if (found.points < 2) {
        found.reason = found.points == 0 ? "no run to decide with" : "one run only";
        return found;
    }
    if (span_s < shortest_span_s && series.size() > 1) {
        // Each install ran on one day, and not all on the same: their runs are one line.
        std::vector<RatePoint> all;
        for (const std::vector<RatePoint>& points : series)
            all.insert(all.end(), points.begin(), points.end());
        std::sort(all.begin(), all.end(),
                  [](const RatePoint& a, const RatePoint& b) { return a.time_unix < b.time_unix; });
        if (static_cast<double>(all.back().time_unix - all.front().time_unix) >= shortest_span_s)
            return theil_sen(std::span(&all, 1));
    }
    if (percents.empty() || span_s < shortest_span_s) {
        found.reason = span_s < shortest_span_s ? "the runs span less than a day"
                                                : "the level at the start is not above zero";
        return found;
    }
    found.percent_per_month = analysis::median_of(percents);
    const auto pairs = static_cast<double>(percents.size());
    const double reach = normal_95 * std::sqrt(variance);
    // A hundredth of a rank is the normal approximation, not evidence: five points have an
    // interval.
    const double low = std::floor((pairs - reach) / 2 + 0.01), high = pairs - low;
    if (low >= 1) {
        found.ci_low_percent_per_month = value_at(percents, static_cast<std::size_t>(low) - 1);
        found.ci_high_percent_per_month = value_at(percents, static_cast<std::size_t>(high));
    }
    return found;
}

}  // namespace peakward
