// Entries made and changed: drafts of a host, corrections, and the older tool's files.
#pragma once

#include <string>
#include <vector>

#include "core/records.hpp"
#include "hardware/database.hpp"
#include "hardware/match.hpp"

namespace peakward {

// An entry of what detection saw on `device` ("cpu", "cuda:0"): identity, cores, caches and
// clocks with their sources, and a pattern for the host's own name. Rates and peaks are unknown:
// nothing on a host states them. `day` is "2026-11-21". Fails when the device does not say its
// name.
Result<Json> draft_entry(const Context& context, const std::string& device, const std::string& day);

// "Intel(R) Core(TM) i7-12700K" -> "intel_core_i7_12700k"
std::string id_from_name(const std::string& name);

// One correction: a path of the entry and its new value.
struct Correction {
    std::string field;  // "memory.bandwidth_gbps", "theoretical_peaks_gops.fp16", "name"
    std::string value;  // a number, a text, or "unknown: reason"
};
// The entry with the corrections in it and a spec_version one higher. A figure needs `source`
// ("Publisher, title, https://…"), which becomes one of its sources. The error names the field.
Result<HardwareSpec> corrected(const HardwareSpec& spec, const std::vector<Correction>& corrections,
                               const std::string& source, const std::string& day);

// One file of the older tool's format (a specification or a database entry) as an entry. What has
// no place in it, or is a zero that stands for "not known", is named in `remarks`.
struct OlderEntry {
    HardwareSpec spec;
    std::vector<std::string> remarks;
};
Result<OlderEntry> read_older(std::string_view text, const std::string& file,
                              const std::string& day);

}  // namespace peakward
