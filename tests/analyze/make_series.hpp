// Series as literals.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/series.hpp"

namespace peakward::analyze_test {

inline constexpr double nan = std::numeric_limits<double>::quiet_NaN();
inline constexpr std::int64_t start_unix = 1767225600;  // 2026-01-01
inline constexpr std::int64_t day_s = 86400;

// One point a week, stack 0, no doubts, no intervals.
inline Series make_series(const std::vector<double>& values, std::int64_t step_s = 7 * day_s) {
    Series series;
    series.key.install = "install-a";
    series.key.lineage = "5d41402abc4b2a76";
    series.key.definition = series.key.suite = "standard/1";
    series.key.device = "cpu";
    series.key.backend = "blas";
    series.key.precision = "fp32";
    series.key.metric = "peak_measured_gops";
    series.key.unit = "GOP/s";
    for (std::size_t i = 0; i < values.size(); ++i) {
        SeriesPoint point;
        point.seq = static_cast<std::int64_t>(i) + 1;
        point.time_unix = start_unix + static_cast<std::int64_t>(i) * step_s;
        point.value = values[i];
        point.ci_low = point.ci_high = nan;
        point.stack = 0;
        if (std::isnan(values[i])) point.doubts = doubt_not_measured;
        series.points.push_back(point);
    }
    return series;
}

// Values by a peak of 100: an efficiency of 0.62 is 62 GOP/s.
inline std::vector<double> efficiencies(const Series& series) {
    std::vector<double> all;
    for (const SeriesPoint& point : series.points) all.push_back(point.value / 100);
    return all;
}

}  // namespace peakward::analyze_test
