// measurements + peaks -> scores. Pure: no I/O, no clock.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/records.hpp"
#include "hardware/spec.hpp"

namespace peakward {

// The entry of the hardware database that stands for a device, in the power mode of the host.
struct DeviceSpec {
    std::string device;  // "cpu", "cuda:0"
    const HardwareSpec* spec = nullptr;
    std::string power_mode;  // of the entry; "": as sold
};

// What the compute probes of one lineage showed over its history: one row per class of
// instructions, precision and number of threads. Only undoubted probes of runs without a doubt are
// in it, so that a forced, contended or flagged run moves no peak.
struct ProbedClass {
    std::string precision;
    std::string isa;  // "avx2"
    int threads = 0;
    double operations_per_cycle = 0;  // of one core, median over the runs
    double clock_hz = 0;              // of the class, median over the runs
    int runs = 0;
    std::string until;  // the day of the newest of them, "2026-11-30"
};

// One row per device x backend x precision that has a measurement worth scoring (METHODS 2). Only
// outcome `measured` is scored. Theoretical peaks are computed from the context and the probes
// among the measurements (METHODS 1.4); without evidence the peak is unknown, never a guess.
//
// Where an entry stands for the device and states the figure, its peak is taken instead. An entry
// holds for a whole product: a run on fewer cores than it has keeps the computed peak, and a note
// says so. Bandwidth follows the memory that is fitted, where the host tells, before the entry.
std::vector<Score> score(const Context& context, std::span<const Measurement> measurements,
                         std::span<const std::string> run_flags,
                         std::span<const DeviceSpec> specs = {},
                         std::span<const ProbedClass> history = {});

// Peaks that came with a run from elsewhere: what an older profile says that its device can do.
struct RecordedPeaks {
    std::map<std::string, double> compute_gops;  // by precision
    std::optional<double> bandwidth_gbps;
    std::string source;  // "older profile: theoretical_peaks"
};
// For rows that have no better peak; efficiencies and flags follow.
void take_recorded_peaks(std::vector<Score>& scores, const RecordedPeaks& recorded);

// A run that was stored, against the entries as they are now: peaks, efficiencies and the flag
// above_theoretical change, measurements never. A CPU without an entry is held against the probes
// of its lineage. Other rows without an entry stay as recorded, and a peak that was recorded as
// estimated stays where neither the entry nor the machine gives one.
void rescore(Run& run, std::span<const DeviceSpec> specs,
             std::span<const ProbedClass> history = {});

// The compute peak of the CPU for a precision with the cores of the run, with its provenance. A
// peak belongs to the hardware: it is taken from the history of the lineage, else from the clean
// probe of the widest class of instructions that the CPU has, else computed from the rate of the
// architecture and the clock of a class that was clean. It is never that of a narrower class.
Peak theoretical_compute_peak(const Context& context, std::span<const Measurement> measurements,
                              const std::string& precision,
                              std::span<const ProbedClass> history = {});
Peak theoretical_bandwidth(const Context& context);

}  // namespace peakward
