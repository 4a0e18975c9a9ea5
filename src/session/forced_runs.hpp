// Whether a run that preflight refused, and that --force measured all the same, decides something.
// What was seen disqualifies it, not the flag (METHODS 3.1).
#pragma once

#include <cstdint>
#include <map>

#include "core/records.hpp"
#include "core/series.hpp"
#include "store/run_store.hpp"

namespace peakward {

// Whether the run's own evidence says that the samples of a series were clean: others had the CPUs
// and nothing else was wrong, the series is of a CPU, its figure does not depend on the memory that
// others shared, and the gate kept clean samples of each of its cases that was measured. An
// imported run has no such evidence.
bool forced_run_was_clean(const Run& run, const SeriesKey& key);

// Takes the doubt `forced` off the points whose runs were clean. Reads each forced run once.
class ForcedRuns {
public:
    explicit ForcedRuns(RunStore& store) : store_(store) {}
    Status settle(Series& series);

private:
    Result<const Run*> run_of(std::int64_t seq);

    RunStore& store_;
    std::map<std::int64_t, Run> runs_;  // without their windows
};

}  // namespace peakward
