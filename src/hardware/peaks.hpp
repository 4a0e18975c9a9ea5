// What an entry promises: peaks and bandwidth with their provenance, in a power mode.
#pragma once

#include <string>

#include "core/records.hpp"
#include "hardware/spec.hpp"

namespace peakward {

// The entry's power mode that a host's name means ("MODE_30W" and "30W" are one); "" for none.
std::string power_mode_of(const HardwareSpec& spec, const std::string& name);

// Cores of one kind in a mode ("": as sold); a figure that is unknown stays unknown.
std::vector<CoreGroup> cores_in(const HardwareSpec& spec, const std::string& mode);

// count x operations per clock x clock, summed over the kinds of core (METHODS 1.4). Unknown, with
// the reason, where one of the three is.
Peak derived_peak(const HardwareSpec& spec, const std::string& precision,
                  const std::string& mode = "");

// The figure the vendor gives, else the derived one. In a mode with clocks or cores of its own only
// what is given for that mode counts as given.
Peak spec_peak(const HardwareSpec& spec, const std::string& precision,
               const std::string& mode = "");

// The peak on a device that offers no clock above `limit_hz`: as it is, or lowered to that clock.
// An entry whose clock is unknown keeps its peak.
Peak peak_at_most(Peak peak, const HardwareSpec& spec, const std::string& mode, double limit_hz);

Peak spec_bandwidth(const HardwareSpec& spec, const std::string& mode = "");

// All precisions for which an entry says anything, in the order of the catalog.
std::vector<std::string> precisions_of(const HardwareSpec& spec);

// {"fp16": {"value": gops, "kind", "formula", …} or {"unknown": reason}}: `hardware show`.
Json peaks_json(const HardwareSpec& spec, const std::string& mode = "");

}  // namespace peakward
