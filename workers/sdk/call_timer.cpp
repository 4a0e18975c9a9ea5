#include "sdk/call_timer.hpp"

#include <algorithm>
#include <cmath>

#include "sdk/process.hpp"

namespace peakward::worker {
namespace {

double time_calls(const CallTimer::Calls& calls, std::int64_t count) {
    const std::int64_t start_ns = monotonic_ns();
    calls(count);
    return static_cast<double>(monotonic_ns() - start_ns) * 1e-9 / static_cast<double>(count);
}

RunSample time_block(const CallTimer::Calls& calls, std::int64_t count, Helpers helpers) {
    BlockTimer timer;
    const std::int64_t preemptions = process_preemptions();
    const std::int64_t wait_ns = total_wait_ns();
    timer.start();
    calls(count);
    RunSample sample = timer.stop(static_cast<double>(count));
    const std::int64_t wait_end_ns = total_wait_ns();
    if (helpers == Helpers::short_lived) {
        sample.cpu_ns = -1;
        sample.switches = process_preemptions() - preemptions;
        return sample;
    }
    if (wait_ns >= 0) sample.wait_ns = wait_end_ns - wait_ns;
    // With helpers the caller sleeps while they work: its own CPU time and switches say nothing
    // about disturbance.
    if (helpers == Helpers::pool) sample.cpu_ns = sample.switches = -1;
    return sample;
}

}  // namespace

double CallTimer::warm_up(const Calls& calls) {
    constexpr int calls_max = 3;
    constexpr double agreement = 0.2, readable_s = 20e-6, long_s = 5;
    double previous = time_calls(calls, 1);
    iteration_s_ = previous;
    for (int call = 1; call < calls_max && previous < long_s; ++call) {
        const double time = time_calls(calls, 1);
        iteration_s_ = std::min(iteration_s_, time);
        const bool agree = std::fabs(time - previous) <= agreement * previous;
        previous = time;
        if (agree) break;
    }
    if (iteration_s_ < readable_s) {
        const double group = readable_s * 10 / std::max(iteration_s_, 1e-8);
        iteration_s_ = time_calls(calls, static_cast<std::int64_t>(group) + 1);
    }
    return iteration_s_;
}

std::vector<RunSample> CallTimer::run(const Calls& calls, const RunRequest& request,
                                      Helpers helpers) {
    std::vector<RunSample> samples;
    const std::int64_t started_ns = monotonic_ns();
    double elapsed_s = 0;
    while (static_cast<int>(samples.size()) < std::max(request.samples, 1) ||
           elapsed_s < request.min_s) {
        const std::int64_t count =
            std::max<std::int64_t>(1, std::llround(request.slice_s / std::max(iteration_s_, 1e-9)));
        samples.push_back(time_block(calls, count, helpers));
        iteration_s_ = std::min(iteration_s_, static_cast<double>(samples.back().wall_ns) * 1e-9 /
                                                  static_cast<double>(count));
        elapsed_s = static_cast<double>(monotonic_ns() - started_ns) * 1e-9;
    }
    return samples;
}

}  // namespace peakward::worker
