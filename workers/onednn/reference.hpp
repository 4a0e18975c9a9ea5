// The references of the network operations, in fp64 on the values that oneDNN was given, and how
// far an answer is from them. A deviation is relative to
//   the root of the sum of squares of the products  conv2d
//   the same of the terms                           batch_norm, pooling (average)
//   the result itself                               pooling (max), which rounds nothing
//   the largest result of its row                   softmax, layer_norm
//   the largest result of all                       eltwise
//   the largest element of V                        attention
// All return the largest deviation; infinity where an answer holds a NaN or was not written.
#pragma once

#include <array>
#include <vector>

#include "onednn/shapes.hpp"
#include "onednn/tensor.hpp"

namespace peakward::worker::onednn {

// A place in a tensor of four axes.
using Position = std::array<std::int64_t, 4>;
std::int64_t index_of(const Position& dims, const Position& position);

// All corners of a tensor of these dims, and places between them.
std::vector<Position> draw_samples(const Position& dims, Random& random);

// Compares the samples, and looks at every result whether it was written.
double convolution_error(const Convolution& conv, const Tensor& src, const Tensor& weights,
                         const Tensor& dst, const std::vector<Position>& samples);

double pooling_error(const Pooling& pool, const Tensor& src, const Tensor& dst);

// Of one axis: channels, or columns.
struct Affine {
    const Tensor& scale;
    const Tensor& shift;
};
double batch_norm_error(const Tensor& src, const Tensor& mean, const Tensor& variance,
                        const Affine& affine, float epsilon, const Tensor& dst);
double layer_norm_error(const Tensor& src, const Affine& affine, float epsilon, const Tensor& dst);

double softmax_error(std::int64_t columns, const Tensor& src, const Tensor& dst);
double relu(double x);
double gelu(double x);  // x/2 (1 + erf(x / sqrt 2))
double eltwise_error(double (*function)(double), const Tensor& src, const Tensor& dst);

struct Attention {
    std::int64_t heads, sequence, head_size;  // heads of all sequences of the batch
    double scale;
};
// `rows` are those of all heads in their order; of the others only that they were written is seen.
double attention_error(const Attention& attention, const Tensor& q, const Tensor& k,
                       const Tensor& v, const Tensor& dst, const std::vector<std::int64_t>& rows);

}  // namespace peakward::worker::onednn
