#include "cuda/sampler.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "sdk/process.hpp"

namespace peakward::worker::cuda {
namespace {

// Twice the cache, so that it holds nothing else however it chooses what to give up; and where the
// driver does not tell its size, twice the largest there is (B200: 126 MB).
constexpr std::size_t l2_unknown_bytes = 126u << 20;

std::size_t flush_bytes(const GpuFacts& facts) {
    return 2 * (facts.l2_bytes > 0 ? facts.l2_bytes : l2_unknown_bytes);
}

// A GPU leaves its idle clocks within some ten milliseconds of work.
constexpr double warm_up_s = 0.1;
constexpr double warm_up_s_max = 5;
// What two clocks may differ by over a block: a crystal's 100 ppm, and the events' resolution of
// half a microsecond.
constexpr double clocks_apart_share = 1e-3;
constexpr double clocks_apart_ns = 1000;

}  // namespace

Sampler::Sampler(const Gpu& gpu, const Monitor& monitor, Problem& problem)
    : gpu_(gpu),
      monitor_(monitor),
      problem_(problem),
      flush_(gpu, flush_bytes(gpu.facts())),
      timer_(gpu) {}

double Sampler::warm_up() {
    constexpr double agreement = 0.2, readable_s = 20e-6;
    const std::int64_t started_ns = monotonic_ns();
    double previous_s = 0, elapsed_s = 0;
    bool agree = false;
    std::int64_t calls = 1;
    while ((!agree || elapsed_s < warm_up_s) && elapsed_s < warm_up_s_max) {
        const RunSample block = sample(calls);
        const double call_s = static_cast<double>(block.wall_ns) * 1e-9 / block.iterations;
        agree = previous_s > 0 && std::fabs(call_s - previous_s) <= agreement * previous_s;
        iteration_s_ = agree ? std::min(call_s, previous_s) : call_s;
        previous_s = call_s;
        // Too short for the clock: as a group.
        if (call_s < readable_s)
            calls = static_cast<std::int64_t>(10 * readable_s / std::max(call_s, 1e-8)) + 1;
        elapsed_s = static_cast<double>(monotonic_ns() - started_ns) * 1e-9;
    }
    return iteration_s_;
}

std::vector<RunSample> Sampler::run(const RunRequest& request) {
    std::vector<RunSample> samples;
    const std::int64_t started_ns = monotonic_ns();
    double elapsed_s = 0;
    while (static_cast<int>(samples.size()) < std::max(request.samples, 1) ||
           elapsed_s < request.min_s) {
        const std::int64_t calls =
            std::max<std::int64_t>(1, std::llround(request.slice_s / std::max(iteration_s_, 1e-9)));
        samples.push_back(sample(calls));
        iteration_s_ = std::min(iteration_s_, static_cast<double>(samples.back().wall_ns) * 1e-9 /
                                                  static_cast<double>(calls));
        elapsed_s = static_cast<double>(monotonic_ns() - started_ns) * 1e-9;
    }
    return samples;
}

RunSample Sampler::sample(std::int64_t calls) {
    gpu_.wait();
    const std::int64_t wait_ns = total_wait_ns();
    RunSample sample;
    sample.iterations = static_cast<double>(calls);
    sample.start_ns = monotonic_ns();
    flush_.fill(static_cast<unsigned char>(sample.start_ns & 0xff));
    timer_.begin();
    problem_.enqueue(calls);
    timer_.end();
    // The GPU is at work now: what is read here is of this block.
    const Stamp stamp = monitor_.stamp();
    sample.wall_ns = timer_.elapsed_ns();
    const std::int64_t host_ns = monotonic_ns() - sample.start_ns;
    const std::int64_t wait_end_ns = total_wait_ns();
    if (wait_ns >= 0) sample.wait_ns = wait_end_ns - wait_ns;
    sample.clock_hz = stamp.clock_hz;
    sample.throttle = stamp.throttle;
    const double most_ns =
        static_cast<double>(host_ns) * (1 + clocks_apart_share) + clocks_apart_ns;
    if (sample.wall_ns < 1 || static_cast<double>(sample.wall_ns) > most_ns)
        throw std::runtime_error("the GPU's events are wrong: " + std::to_string(sample.wall_ns) +
                                 " ns for a block that took the host " + std::to_string(host_ns) +
                                 " ns");
    return sample;
}

}  // namespace peakward::worker::cuda
