// Whether a core was ours alone. A hyperthread neighbour (another process, or another guest on the
// host) takes up to half of a core's issue slots and leaves no trace in CPU time, context switches,
// steal or the clock: a multiply-add kernel then reads 24 instead of 32 operations per cycle
// [seen].
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "sdk/worker.hpp"

namespace peakward::native {

// Of a run's issue rates (instructions per cycle beside each block), the one of an unshared core:
// the known one, or the 90th percentile where that is higher (single readings may be too high).
double unshared_rate(double known, std::vector<double> rates);

// Marks a sample between two readings as waiting for the core when either is clearly below the
// unshared rate: wait_ns becomes the part of the block that the neighbour took. Else it stays.
void mark_shared(worker::RunSample& sample, double before, double after, double unshared);

class SharingProbe {
public:
    // Off when `enabled` is false: where two of our own threads are to share a core.
    explicit SharingProbe(bool enabled) : enabled_(enabled) {}

    void calibrate();  // some milliseconds; switches itself off where the rate makes no sense

    // Instructions per cycle of a burst of no-operations, against a one-cycle chain beside it; some
    // 8 µs. 0 when off.
    double read() const;

    // Call between blocks: each sample lies between two readings.
    void begin();
    void after_block();
    // Marks this thread's samples, one per after_block() since begin().
    void mark(std::vector<worker::RunSample>& samples, int thread);

private:
    bool enabled_;
    double unshared_ = 0;
    std::vector<double> readings_;
};

// True when each CPU is pinned to and no two of them are hyperthreads of one core, as far as
// /sys/devices/system/cpu tells.
bool cores_are_separate(const std::vector<int>& cpus, int threads);

}  // namespace peakward::native
