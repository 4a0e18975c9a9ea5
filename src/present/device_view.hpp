// Where a run was asked to compute, where it did, and what computed: seed 004's report.
#pragma once

#include <string>

#include "core/records.hpp"
#include "present/report.hpp"

namespace peakward {

// One block for each device. Empty when nothing was tried.
Section execution_section(const Run& run);

// What kind of thing a backend is, for people: "array programs, CPU only"; "" for one of others.
std::string backend_words(const std::string& backend);

// What the figures of this run need said once: efficiency above 102 %, sizes left out as slow.
// Empty when neither occurs.
Section explanations_section(const Run& run);

}  // namespace peakward
