// Timing of calls into a library that brings its own threads.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "sdk/worker.hpp"

namespace peakward::worker {

// Who works during a call, and thus what of a sample can be believed.
enum class Helpers {
    none,         // the caller alone: its CPU time and switches are told
    pool,         // threads that stay: their run-queue wait is told
    short_lived,  // threads that end with the call and take their wait along: the preemptions of
                  // the process are told
};

class CallTimer {
public:
    // That many whole calls, one after the other.
    using Calls = std::function<void(std::int64_t)>;

    // Calls until two agree within 20 %, three at most, and no more once they have lasted long.
    // Returns the seconds of one; calls too short for the clock are timed as a group.
    double warm_up(const Calls& calls);

    // Blocks of calls as the request wants them; after warm_up() with the same calls.
    std::vector<RunSample> run(const Calls& calls, const RunRequest& request, Helpers helpers);

private:
    double iteration_s_ = 0;
};

}  // namespace peakward::worker
