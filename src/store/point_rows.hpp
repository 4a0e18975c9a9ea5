// A run's places in its series: figures with their intervals and doubts.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "store/rows.hpp"

namespace peakward::store {

// A case: the metrics of its `values` (rows of measurement_values). None when it is unsupported.
std::optional<PointRow> point_of(const Run& run, const Measurement& measurement,
                                 const std::vector<Row>& values);

// The scores of a run: their metrics with the interval of the measurement that each was taken from,
// which is the one of the run with exactly that rate. Made once a run, which may have thousands of
// both; the run must outlive it.
class ScorePoints {
public:
    explicit ScorePoints(const Run& run);
    PointRow point_of(const Score& score) const;

private:
    struct Rate;
    using Place = std::tuple<std::string, std::string, std::string>;  // device, backend, precision
    std::pair<double, double> interval_of(const Score& score, const Rate& rate) const;
    bool is_contended(const Score& score, const Rate& rate) const;

    const Run& run_;
    // With an interval, in the order of the run. Of bandwidths those of memory alone, for every
    // precision (""): a bandwidth is any precision's.
    std::map<std::pair<Place, double>, std::vector<const Measurement*>> rates_, bandwidths_;
    // The same of those that were contended, whatever their rate.
    std::map<Place, std::vector<const Measurement*>> contended_;
    std::set<Place> contended_devices_, contended_memories_;
};
// Cases have none of these metrics.
bool is_score_metric(std::string_view metric);

}  // namespace peakward::store
