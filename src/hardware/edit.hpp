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
// name, or shows one that no product has ("Intel(R) Xeon(R) Processor") and no pattern is given.
inline constexpr const char* no_pattern = "none";
struct DraftOptions {
    std::string name;     // of the product; "": as the host shows it
    std::string pattern;  // an expression; "": the host's name alone; no_pattern: none at all
};
Result<Json> draft_entry(const Context& context, const std::string& device, const std::string& day,
                         const DraftOptions& options = {});

// "Intel(R) Core(TM) i7-12700K" -> "intel_core_i7_12700k"
std::string id_from_name(const std::string& name);

// A figure of an entry that nobody states, with the reason.
Json unknown(const std::string& reason);

// One correction: a path of the entry and its new value.
struct Correction {
    std::string field;  // "memory.bandwidth_gbps", "theoretical_peaks_gops.fp16", "name"
    std::string value;  // a number, a text, a date (of "launched"), or "unknown: reason"
};
// The entry with the corrections in it and a spec_version one higher. A figure needs `source`
// ("Publisher, title, https://…"), which becomes one of its sources. The error names the field.
Result<HardwareSpec> corrected(const HardwareSpec& spec, const std::vector<Correction>& corrections,
                               const std::string& source, const std::string& day);

// One file of the older tool: a specification, or an entry of its database.
struct OlderFile {
    std::string path, id;
    bool is_database_entry = false;
    Json document;
};
Result<OlderFile> read_older(std::string_view text, const std::string& path);
// What files of one id say together. What has no place in an entry, or is a zero that stands for
// "not known", is named in `remarks`. Refused, with the reason: files that disagree, and a product
// with power modes of which no file has the figures by mode.
struct OlderEntry {
    HardwareSpec spec;
    std::vector<std::string> remarks;
};
Result<OlderEntry> older_entry(const std::vector<OlderFile>& files, const std::string& day);

}  // namespace peakward
