// Data out, for spreadsheets, notebooks and dashboards.
#pragma once

#include <string>
#include <vector>

#include "core/result.hpp"
#include "session/analysis.hpp"
#include "store/run_store.hpp"

namespace peakward {

struct ExportedRuns {
    std::vector<std::string> columns;  // seed 000's first, in its order
    std::vector<std::vector<StoredValue>> rows;
    std::size_t runs = 0;
};

// One row per run x device x precision x backend, by time, of what the request takes (its metrics
// and operation say nothing here); superseded runs are left out. Peaks and efficiencies are those
// of today's hardware database, or as they were recorded. Errors as load_series().
Result<ExportedRuns> export_runs(const std::string& db, const SeriesRequest& request);

}  // namespace peakward
