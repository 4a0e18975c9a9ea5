// What bounds a case: the arithmetic of its device or the memory.
#pragma once

#include <optional>
#include <string>

#include "core/records.hpp"

namespace peakward::catalog {

// Operations per byte, as the catalog counts both; 0 for an operation that only moves data. None
// where no bytes are counted (register kernels), and for operations that the catalog does not know.
std::optional<double> arithmetic_intensity(const Case& what);

// "compute" or "memory": the side of the ridge on which the case's intensity is. The ridge is the
// device's peak rate in this precision over its bandwidth: theoretical, else the best that the run
// measured. "" where one of the three is unknown.
std::string bound_of(const Run& run, const Case& what);

}  // namespace peakward::catalog
