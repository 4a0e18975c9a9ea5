// How far an answer is from the truth. Every deviation is relative to the size that a sum of the
// same products has when their signs are random, as they are here: the root of the sum of their
// squares. Rounding makes such a sum wrong by about 0.4 u sqrt(terms) of that size in the worst
// order of summation (u: the unit roundoff), so the catalog's tolerance of 16 u sqrt(terms) is far
// above what rounding does, and a missing or wrong term is far above the tolerance.
#pragma once

#include <cstdint>

#include "sdk/worker.hpp"

namespace peakward::worker {

// |deviation| / size; infinity where the deviation is a NaN. `size` is zero only where every
// product is zero: then the answer must be exactly zero.
double relative_deviation(long double deviation, long double size);

// answer = sum of a[l stride_a] b[l] over `terms`, summed in long double.
template <typename T>
double sum_error(std::int64_t stride_a, std::int64_t terms, const T* a, const T* b, T answer);

// C = A B; column-major without gaps. Freivalds' check (R. Freivalds, Probabilistic machines can
// use less running time, IFIP 1977) in groups of columns: with random weights w, the sum of w_j C_j
// over a group must be A (sum of w_j B_j). The size it is compared with grows like the root of the
// group's width only, so that one wrong element is found: in fp32 one that is off by 0.2 % of the
// usual size of an element at n = k = 4096 (groups of 256), by 0.05 % at 1024. The product with A
// is summed in fp64, in chunks, which rounds by about 2 u of that size also where C is fp64.
// Sampled elements, the corners among them, are compared one by one in long double.
template <typename T>
double gemm_error(std::int64_t m, std::int64_t n, std::int64_t k, const T* a, const T* b,
                  const T* c, Random& random);

// The same for 8-bit integers summed in 32 bits, row-major without gaps, where nothing rounds: 0,
// or the largest deviation of the rows that are wrong. The weights are odd and of 64 bits and the
// sums modulo 2^64, so that one wrong element of a row cannot hide at all, and several do with a
// probability of about 2^-63.
double integer_gemm_error(std::int64_t m, std::int64_t n, std::int64_t k, const std::int8_t* a,
                          const std::int8_t* b, const std::int32_t* c, Random& random);

}  // namespace peakward::worker
