// The precision matrix of a run: one row per precision, one column per backend.
#pragma once

#include <string>

#include "core/records.hpp"
#include "present/report.hpp"

namespace peakward {

// Of one device. Rows that no backend can compute are left out of the table; why is said below it.
Section precision_section(const Run& run, const std::string& device);

}  // namespace peakward
