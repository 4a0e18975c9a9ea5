// Which precision works on which device through which backend: what was measured, what cannot be,
// and what was not tried, each with its reason.
#pragma once

#include <vector>

#include "core/records.hpp"

namespace peakward {

// One cell per device x backend x precision of the catalog, for the available backends of the run
// on the devices that it measured. Only outcome `measured` of operations that compute makes a
// precision `supported`; a slow size that was skipped, a contended or a failed case leave it
// `not_measured`, never `unsupported`.
std::vector<PrecisionCell> precision_matrix(const Run& run);

}  // namespace peakward
