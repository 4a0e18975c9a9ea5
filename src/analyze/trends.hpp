// Ramps and saturating curves: what explains a stretch better than stairs do.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "analyze/change_points.hpp"

namespace peakward::analysis {

struct Trend {
    ChangeKind kind = ChangeKind::ramp;
    std::size_t begin = 0, end = 0;  // where it moves: its first and last point
    double before = 0, after = 0;
    double difference_variance = 0;  // of after - before
    double price = 0;                // squared whitened residuals, in variances of v_t
    double slope_z = 0;              // of the difference
    double first = 0, length = 1;    // of the shape, in places

    // 0 before it moves, 1 when it has arrived.
    double shape_at(std::size_t t) const;
};

// The best ramp or saturating curve through [begin, end) of `values`, with noise of lag-1
// autocorrelation `rho` and innovation variance `variance`. Nothing where the stretch is too short.
std::optional<Trend> find_trend(std::span<const double> values, std::size_t begin, std::size_t end,
                                double rho, double variance);

}  // namespace peakward::analysis
