// References of the vector operations; gemm has its own in sdk/gemm_check.hpp, which says what a
// deviation is relative to.
#pragma once

#include <cstdint>

#include "sdk/gemm_check.hpp"

namespace peakward::worker::blas {

// All return the largest relative deviation; infinity where the answer holds a NaN. References are
// summed in long double.

template <typename T>
double dot_error(std::int64_t n, const T* x, const T* y, T answer);

// answer = y + alpha x, element by element.
template <typename T>
double axpy_error(std::int64_t n, T alpha, const T* x, const T* y, const T* answer);

// answer = A x; A is m x n, column-major without gaps.
template <typename T>
double gemv_error(std::int64_t m, std::int64_t n, const T* a, const T* x, const T* answer);

}  // namespace peakward::worker::blas
