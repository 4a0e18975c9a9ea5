// Everything that `peakward report` shows of a store, read at once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "session/analysis.hpp"
#include "session/forecast.hpp"
#include "session/regressions.hpp"
#include "session/trajectory.hpp"

namespace peakward {

// What a chapter stands on, or the sentence that says why it is not there.
template <typename T>
using Part = Result<T>;

struct ReportParts {
    std::string store_location;  // its file name: a report leaves the machine
    std::size_t machines = 0;    // lineages of the store
    std::int64_t runs =
        0;       // of the hardware that is shown, each counted once; with filters, those shown
    Run newest;  // machine, precisions, roofline and environment are those of this run
    Part<Followed> followed;   // best measured compute of all subjects
    Part<Analysed> bandwidth;  // best STREAM
    Part<RegressionsReply> regressions;
    Part<ForecastReply> forecast;
    double forecast_target = 0.9;  // efficiency
};

// Forecasts are made on the day `today_unix`. `request.metrics` is not used: a report shows compute
// rates and bandwidths. Hardware that is unknown or ambiguous, an empty store, and filters that no
// run passes are errors; a part that is missing is not. Neither the place nor the run says paths of
// the user, which stored runs of before may have.
Result<ReportParts> load_report(const std::string& db, const SeriesRequest& request,
                                std::int64_t today_unix);

}  // namespace peakward
