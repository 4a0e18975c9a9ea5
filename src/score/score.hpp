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

// One row per device x backend x precision that has a measurement worth scoring (METHODS 2). Only
// outcome `measured` is scored. Theoretical peaks are computed from the context and the probes
// among the measurements (METHODS 1.4); without evidence the peak is unknown, never a guess.
//
// Where an entry stands for the device and states the figure, its peak is taken instead. An entry
// holds for a whole product: a run on fewer cores than it has keeps the computed peak, and a note
// says so. Bandwidth follows the memory that is fitted, where the host tells, before the entry.
std::vector<Score> score(const Context& context, std::span<const Measurement> measurements,
                         std::span<const std::string> run_flags,
                         std::span<const DeviceSpec> specs = {});

// Peaks that came with a run from elsewhere: what an older profile says that its device can do.
struct RecordedPeaks {
    std::map<std::string, double> compute_gops;  // by precision
    std::optional<double> bandwidth_gbps;
    std::string source;  // "older profile: theoretical_peaks"
};
// For rows that have no better peak; efficiencies and flags follow.
void take_recorded_peaks(std::vector<Score>& scores, const RecordedPeaks& recorded);

// A run that was stored, against the entries as they are now: peaks, efficiencies and the flag
// above_theoretical change, measurements never. Rows without an entry stay as recorded, and a peak
// that was recorded as estimated stays where neither the entry nor the machine gives one.
void rescore(Run& run, std::span<const DeviceSpec> specs);

// The compute peak of the CPU for a precision with `threads` cores, with its provenance.
Peak theoretical_compute_peak(const Context& context, std::span<const Measurement> measurements,
                              const std::string& precision);
Peak theoretical_bandwidth(const Context& context);

}  // namespace peakward
