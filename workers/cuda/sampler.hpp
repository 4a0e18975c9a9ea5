// Blocks of whole calls, timed by the GPU's own clock.
#pragma once

#include <optional>
#include <vector>

#include "cuda/monitor.hpp"
#include "cuda/problem.hpp"

namespace peakward::worker::cuda {

class Sampler {
public:
    Sampler(const Gpu& gpu, const Monitor& monitor, Problem& problem);

    // Calls until two agree within 20 % and the GPU has left its idle clocks. Returns the seconds
    // of one.
    double warm_up();

    // Before each block the second-level cache is filled with other data, in the same stream, so
    // that the block's first call finds it cold and the GPU is at work when the block is handed
    // over. `wall_ns` is the time between two events around the block; the host's clock beside it
    // only judges: a block that lasts longer on the GPU than here was not timed, and throws.
    std::vector<RunSample> run(const RunRequest& request);

private:
    RunSample sample(std::int64_t calls);

    const Gpu& gpu_;
    const Monitor& monitor_;
    Problem& problem_;
    DeviceBuffer flush_;
    EventTimer timer_;
    double iteration_s_ = 0;
};

}  // namespace peakward::worker::cuda
