// Measured beside promised: the summary of a product's calibrations, by power mode. Derived from
// runs, and made anew from them at any time; the history itself stays in the store.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hardware/spec.hpp"

namespace peakward {

// The name under which a product without power modes keeps its summary.
inline constexpr const char* only_mode = "default";

// What one backend reached on the product, in one run or profile.
struct MeasuredDevice {
    std::string backend;
    std::map<std::string, double> peaks_gops;  // by precision
    std::optional<double> bandwidth_gbps;
};
struct MeasuredProduct {
    std::vector<MeasuredDevice> backends;
    std::string timestamp;  // ISO 8601
    std::string origin;     // "run 3f2a9c1e-…", or the path of a profile
};

// The power mode that a summary goes under: `asked`, which must be one of the entry's; without it
// the one that was `seen`. Fails (usage) when there is none to choose, or when the two disagree.
Result<std::string> calibration_mode(const HardwareSpec& spec, const std::string& asked,
                                     const std::string& seen);

// The summary of one mode: best measured rate per precision over all backends, its efficiency, and
// the same of memory. Fails when nothing was measured.
Result<Json> summarise(const HardwareSpec& spec, const std::string& mode,
                       const MeasuredProduct& measured);

// The entry's document of summaries with this one put in: other modes stay as they are.
Json with_summary(const HardwareSpec& spec, const std::string& mode, const Json& summary);

// That document, read back from the file of the entry `id`, which errors call `file`. The error is
// one sentence with the way out.
Result<Json> read_calibration(std::string_view text, const std::string& id,
                              const std::string& file);

// One mode's summary as it was read back; figures that are not in it are absent.
struct CalibrationSummary {
    std::string mode, last_calibrated, origin;
    std::map<std::string, double> measured_peaks_gops, efficiency;
    std::map<std::string, std::string> backend;  // that reached the peak
    std::optional<double> measured_bandwidth_gbps, bandwidth_efficiency, avg_efficiency;
};
// Of every mode, in the order of their names. Efficiencies are against the entry as it is now.
std::vector<CalibrationSummary> calibrations_of(const HardwareSpec& spec);

}  // namespace peakward
