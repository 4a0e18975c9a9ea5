// The core's clock, asked of the core: a serial chain of instructions whose latency is known takes
// latency x steps cycles (METHODS 1.3).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "native/kernels.hpp"

namespace peakward::native {

// Seconds on CLOCK_MONOTONIC, and of this thread's CPU time.
double monotonic_s();
double thread_cpu_s();

// A ratio of two chains' times per step, and the whole number of cycles it stands for.
struct Latency {
    double ratio = 1;   // as measured, in units of the one-cycle chain
    int cycles = 1;     // nearest whole number, at least 1
    bool whole = true;  // within 5 % of it
};
Latency judge_latency(double ratio);

class ClockProbe {
public:
    // For a clock class ("scalar", "avx512", …). `warm` runs the class's throughput kernel for
    // about the given seconds, so that the core is in that class's licence state; it may be empty.
    ClockProbe(std::string_view clock_class, std::function<void(double)> warm);

    // Finds the latency of the class's chain and of the multiply cross-check, by their ratio to the
    // one-cycle chain in the same state; tries again while a neighbour on the core disturbs the
    // ratios. Best of many short chunks, so that a preempted chunk does no harm. 3 to 30 ms, up to
    // 0.5 s while no ratio is near a whole number.
    void calibrate();

    // The largest relative deviation of the chains' ends from the same steps in scalar code, and of
    // the latencies found by calibrate() from whole numbers.
    double error() const;

    // Hz, from a chain of about 10 µs; repeated up to twice when it reads clearly below the best so
    // far, because a preempted probe reads low.
    double probe();

    // A chain of about `cycles` cycles; returns the exact number. For a block that is timed
    // outside.
    double run_cycles(double cycles);

    void warm(double seconds) const;
    const Latency& latency() const { return latency_; }
    const Latency& multiply() const { return multiply_; }
    bool doubtful() const { return !latency_.whole || !multiply_.whole; }
    double hz() const { return hz_; }
    // "vfmadd213pd zmm chain, latency 4 (4.00 x xor r64); imul r64 3 (3.01)"
    std::string describe() const;

private:
    struct Calibration {
        Latency latency, multiply;
        double step_s;
    };
    Calibration calibration_batch();
    double seconds_per_step(const ChainKernel& chain, std::int64_t turns);

    const ChainKernel* chain_;
    const ChainKernel* unit_;
    const ChainKernel* factor_;
    std::function<void(double)> warm_;
    Latency latency_, multiply_;
    double hz_ = 0, reading_s_ = 0;
};

// A throughput kernel of a clock class as a `warm` function for the calling thread; empty when the
// class has none that runs here.
std::function<void(double)> warming_function(std::string_view clock_class);

}  // namespace peakward::native
