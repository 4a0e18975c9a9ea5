// Peaks of a device out of its entry in the hardware database, for the machine as it ran.
#pragma once

#include <span>
#include <string>

#include "core/records.hpp"
#include "score/score.hpp"

namespace peakward {

struct SpecPeaks {
    Peak compute, bandwidth;  // unknown where the entry does not state them
    std::string why_not;      // one sentence: why its figures do not hold for this run
    std::string flag;         // the same in a word: "product_in_part", "power_mode_unknown"
};

// An entry speaks of one whole processor. With several sockets it counts as often; a run on fewer
// cores (a guest, --threads, a MIG slice) is not measured against it.
SpecPeaks spec_peaks(const DeviceSpec& device, const Context& context,
                     std::span<const Measurement> measurements, const std::string& precision);

}  // namespace peakward
