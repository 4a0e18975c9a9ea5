// The measurements of a run: tables by operation, and what could not be measured by its reason.
#pragma once

#include <string>
#include <vector>

#include "core/records.hpp"
#include "present/report.hpp"

namespace peakward {

// One table per operation, of the measurements that have a number.
Section measurements_section(const Run& run);
// The others, gathered under the reason they share; a section without fields when there are none.
Section not_measured_section(const Run& run);
// One row per measurement, whatever its outcome, with DESIGN 6's names.
Table measurements_table(const Run& run);

// "m=n=k=1024", "32Mi nontemporal": as short as it stays clear. A lone number loses its name.
std::string short_shape(const Shape& shape);
// "gemm fp32 m=n=k=1024"
std::string case_words(const Case& what);
// "above_theoretical" -> "⚠ ABOVE THEORETICAL"; nothing for no flags.
Cell flags_cell(const std::vector<std::string>& flags);

}  // namespace peakward
