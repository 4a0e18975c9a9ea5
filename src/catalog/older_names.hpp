// Names that the older tool and the seeds use for operations of the catalog.
#pragma once

#include <string>
#include <string_view>

#include "core/records.hpp"

namespace peakward::catalog {

// "gemm" for "matmul" and "blas3_gemm", "dot" for "blas1_dot"; any other name as it is.
std::string operation_called(std::string_view name);

// Under which name Origin::recorded keeps the longest time of a case, in milliseconds: a record of
// a measurement has no field for it.
std::string longest_time_name(const Case& what);

}  // namespace peakward::catalog
