// A calibration run for people: who ran, what came out per device, and every measurement behind it.
#pragma once

#include <string>

#include "core/records.hpp"
#include "present/report.hpp"

namespace peakward {

Report run_report(const Run& run);

// One row per device, backend and precision, of one device ("" for all).
Table results_table(const Run& run, const std::string& device);
// "2026-11-20 14:30:00 UTC" from ISO 8601; fractions of a second are left out.
std::string human_time(const std::string& timestamp);
// The first eight characters: enough to name a run to `show`.
std::string short_id(const std::string& run_id);
}  // namespace peakward
