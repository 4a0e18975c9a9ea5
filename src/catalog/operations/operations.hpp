// One function per operation, each in its own file; catalog.cpp lists them.
#pragma once

#include "catalog/catalog.hpp"

namespace peakward::catalog {

Operation clock_probe();
Operation compute_peak();
Operation stream_copy();
Operation stream_scale();
Operation stream_add();
Operation stream_triad();
Operation device_copy();
Operation dot();
Operation axpy();
Operation gemv();
Operation gemm();
Operation conv2d();
Operation pooling();
Operation batch_norm();
Operation layer_norm();
Operation softmax();
Operation eltwise();
Operation attention();
std::vector<Operation> network_operations();  // layers proxy, models

// Bytes of one element of the case's precision.
double element_bytes(const Case& what);
// Bytes of one element of a result: int32 for integers, bf16 for formats below 16 bits.
double result_bytes(const Case& what);
// Unit roundoff of the case's precision; 0 for integers.
double unit_roundoff(const Case& what);
// Largest deviation of a sum of `terms` products, relative to the root of the sum of their squares:
// roundoff of the accumulator, growing like the root of the number of terms, and of the result.
double sum_tolerance(double terms, const Case& what);

}  // namespace peakward::catalog
