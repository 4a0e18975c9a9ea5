// The operators of the interpreter.
#pragma once

#include <string_view>
#include <vector>

#include "networks/interpreter.hpp"

namespace peakward::detail {

struct Call {
    const catalog::Node& node;
    std::vector<const Tensor*> in;
    std::vector<Tensor*> out;  // their shapes are set, their data are zeros

    std::int64_t integer(const char* attribute, std::int64_t fallback) const;
    double real(const char* attribute, double fallback) const;
    std::vector<std::int64_t> list(const char* attribute) const;
};
using Kernel = void (*)(const Call&);

// nullptr: there is none.
Kernel find_kernel(std::string_view op);

// c = a b for row-major matrices of m x k and k x n, each sum in fp64.
struct ProductSize {
    std::int64_t m = 0, n = 0, k = 0;
};
void matrix_product(ProductSize size, const float* a, const float* b, float* c);

// Convolution and pooling stand in a file of their own.
void convolution(const Call& call);
void max_pool(const Call& call);

}  // namespace peakward::detail
