// A run's places in its series: figures with their intervals and doubts.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "store/rows.hpp"

namespace peakward::store {

// A case: the metrics of its `values` (rows of measurement_values). None when it is unsupported.
std::optional<PointRow> point_of(const Run& run, const Measurement& measurement,
                                 const std::vector<Row>& values);

// A score: its metrics with the interval of the measurement that each was taken from, which is the
// one of the run with exactly that rate.
PointRow point_of(const Run& run, const Score& score);
// Cases have none of these metrics.
bool is_score_metric(std::string_view metric);

}  // namespace peakward::store
