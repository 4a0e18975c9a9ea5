// Shared by the files of session/ only.
#pragma once

#include <vector>

#include "measure/measure.hpp"
#include "session/session.hpp"

namespace peakward {

std::vector<WorkerCommand> workers_for(const CalibrateRequest& request);

// What a request asks of the measuring stage; fails (usage) on a suite that does not exist.
Result<MeasureOptions> measure_options(const CalibrateRequest& request, std::uint64_t seed);

// 64 random bits from the kernel.
std::uint64_t random_seed();

}  // namespace peakward
