// STREAM's kernels per vector class. Only for kernels.cpp, the stream files and their tests.
#pragma once

#include "native/kernels.hpp"

namespace peakward::native {

List<StreamKernel> sse2_fp64_streams();
List<StreamKernel> sse2_fp32_streams();
List<StreamKernel> avx2_fp64_streams();
List<StreamKernel> avx2_fp32_streams();
List<StreamKernel> avx512_fp64_streams();
List<StreamKernel> avx512_fp32_streams();
List<StreamKernel> neon_fp64_streams();
List<StreamKernel> neon_fp32_streams();
List<StreamKernel> sve_fp64_streams();
List<StreamKernel> sve_fp32_streams();

// The widest kernel for this operation that runs on this CPU; nullptr when there is none.
const StreamKernel* widest_stream(std::string_view operation, std::string_view precision,
                                  std::string_view store);

}  // namespace peakward::native
