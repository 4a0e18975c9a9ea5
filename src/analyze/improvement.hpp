// How much better a series became, per month: from its first level to its newest. Performance
// improves in steps, and a slope through plateaus says next to nothing (METHODS 3.3).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analyze/pooled_noise.hpp"
#include "core/series.hpp"

namespace peakward {

// Where a new level began.
struct ImprovementStep {
    std::int64_t time_unix = 0;  // of its first run
    double percent = 0;          // against the level before; above 0 is better
};

struct Improvement {
    // 100 x (newest level / first level - 1) over the months between the first and the newest run;
    // for costs 100 x (first / newest - 1). Of several series the mean. None with `reason`.
    std::optional<double> percent_per_month;
    // 95 % interval by the learned noise; none where no stack was measured twice anywhere.
    std::optional<double> ci_low_percent_per_month, ci_high_percent_per_month;
    std::optional<double> percent;  // over the whole time
    // Of the series with the most runs, by time; empty where it stood at one level.
    std::vector<ImprovementStep> steps;
    std::size_t points = 0;  // that count, of all series
    std::string reason;      // why there is no rate
};

inline constexpr double month_s = 365.25 / 12 * 86400;

// `noise` has one entry a series. A series counts with two runs or more that lie a day or more
// apart; each is compared with itself alone.
Improvement improvement_of(std::span<const Series* const> series, std::span<const NoiseUsed> noise);

}  // namespace peakward
