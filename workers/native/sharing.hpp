// Whether a core was ours alone, for kernels whose own rate cannot tell (STREAM). A hyperthread
// neighbour (another process, or another guest on the host) takes up to half of a core's issue
// slots and leaves no trace in CPU time, context switches, steal or the clock. A register kernel
// tells by its operations per cycle (src/measure/core_share.hpp) and needs no probe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sdk/worker.hpp"

namespace peakward::native {

// What the probe is worth on this core: it must repeat before it may drop a sample. The front end
// of Zen 3 issues six no-operations a cycle from its op cache and fewer when it decodes, so the
// readings scatter between 0.4 and 1.0 of the best on a calm core [seen].
struct ProbeProof {
    double unshared = 0;      // instructions per cycle of a core of one's own
    double steady_share = 0;  // of the readings, within 5 % of the upper ones
    bool usable = false;
};
// From issue rates read behind each other. A neighbour for part of the time makes two groups; most
// readings still lie in the upper one, or the probe is not used.
ProbeProof judge_probe(const std::vector<double>& rates, double least_unshared);

// The proof on this CPU, read once for the process: some milliseconds.
const ProbeProof& sharing_proof();

// "" where the probe is in use, else the sentence for the notes of `hello`.
std::string why_no_sharing_probe();

// Of a case's issue rates (instructions per cycle beside each block), the one of an unshared core:
// the known one, or the upper ones where three in ten agree on a higher one. Single readings are up
// to 15 % too high behind a block that used the memory (Zen 4) [seen].
double unshared_rate(double known, const std::vector<double>& rates);

// Marks the samples of a thread between two readings as core_shared when either reading is clearly
// below the unshared rate. readings[i] and readings[i + 1] enclose the thread's i-th sample. Where
// the marked samples ran as fast as the others, the readings say nothing about this kernel, and no
// sample is marked.
void mark_shared(std::vector<worker::RunSample>& samples, int thread,
                 const std::vector<double>& readings, double unshared);

class SharingProbe {
public:
    // Off when `enabled` is false: where two of our own threads are to share a core.
    explicit SharingProbe(bool enabled) : enabled_(enabled && sharing_proof().usable) {}

    // Call between blocks: each sample lies between two readings of some 8 µs.
    void begin();
    void after_block();
    // Marks this thread's samples, one per after_block() since begin().
    void mark(std::vector<worker::RunSample>& samples, int thread);

private:
    bool enabled_;
    std::vector<double> readings_;      // of the newest run
    std::vector<double> all_readings_;  // of the case
};

// True when each CPU is pinned to and no two of them are hyperthreads of one core, as far as
// /sys/devices/system/cpu tells.
bool cores_are_separate(const std::vector<int>& cpus, int threads);

}  // namespace peakward::native
