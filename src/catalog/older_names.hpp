// Names that the older tool and the seeds use for operations of the catalog.
#pragma once

#include <string>
#include <string_view>

namespace peakward::catalog {

// "gemm" for "matmul" and "blas3_gemm", "dot" for "blas1_dot"; any other name as it is.
std::string operation_called(std::string_view name);

}  // namespace peakward::catalog
