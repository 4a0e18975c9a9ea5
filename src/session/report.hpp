// Everything that `peakward report` shows of a store, read once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "session/analysis.hpp"

namespace peakward {

// What a chapter stands on, or the sentence that says why it is not there.
template <typename T>
using Part = Result<T>;

struct ReportParts {
    std::string store_location;
    std::vector<KnownHardware> hardware;  // all that the store has
    std::int64_t runs = 0;                // of the hardware that is shown
    // Of what is shown; machine, precisions, roofline and environment are those of this run.
    Run newest;
    // Compute rates and bandwidths of all subjects; an error where no run has a score.
    Part<Analysed> series;
};

// `request.metrics` is not used: a report shows compute rates and bandwidths. Hardware that is
// unknown or ambiguous, an empty store, and filters that no run passes are errors; a part that is
// missing is not.
Result<ReportParts> load_report(const std::string& db, const SeriesRequest& request);

}  // namespace peakward
