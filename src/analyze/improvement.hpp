// How fast figures rise: a robust line through all points (METHODS 3.3).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace peakward {

struct RatePoint {
    std::int64_t time_unix = 0;
    double value = 0;  // finite
};

struct Improvement {
    // Of the level that the line has at the first point; none with `reason`.
    std::optional<double> percent_per_month;
    // 95 % interval; none from fewer than five points, which cannot say.
    std::optional<double> ci_low_percent_per_month, ci_high_percent_per_month;
    std::size_t points = 0;  // that it stands on
    std::string reason;      // why there is no rate
};

inline constexpr double month_s = 365.25 / 12 * 86400;

// The median of the slopes between all pairs of points (Theil 1950, Sen 1968), its interval by the
// variance of Kendall's S: n (n - 1) (2 n + 5) / 18. Of several series only pairs within one are
// used, each relative to that series' own level at its start, so that two machines of different
// speed can be asked together. Points at one instant make no pair. A series of more than 400 points
// is thinned to medians of neighbours, of more than 6 series each to fewer, so that all have half a
// million pairs at most (but 10 points are always kept). No rate from fewer than two instants, or
// from less than a day.
Improvement theil_sen(std::span<const std::vector<RatePoint>> series);

}  // namespace peakward
