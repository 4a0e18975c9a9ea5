// Which kernels a BLAS chose for this CPU, and whether the CPU has wider vectors than those use.
#pragma once

#include <optional>
#include <string>

#include "core/records.hpp"

namespace peakward {

// One sentence when `implementation` ("OpenBLAS 0.3.21 Prescott pthreads") names kernels whose
// vectors are narrower than the CPU's, which is what a library does with a CPU that is newer than
// itself. Nothing where the library, its kernels or the vectors of the CPU are not known here.
std::optional<std::string> narrow_kernels(const CpuInfo& cpu, const std::string& implementation);

}  // namespace peakward
