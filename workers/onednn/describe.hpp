// oneDNN's answer to "what would you run for this?", one function per primitive. The only file that
// knows how the C++ interfaces of oneDNN 2 and 3 differ. All throw dnnl::error where oneDNN has
// nothing for it.
#pragma once

#include "onednn/shapes.hpp"
#include "onednn/tensor.hpp"

namespace peakward::worker::onednn {

using Layout = dnnl::memory::desc;

// dst = scale src weights
dnnl::matmul::primitive_desc describe_matmul(const Layout& src, const Layout& weights,
                                             const Layout& dst, float scale = 1);
dnnl::convolution_forward::primitive_desc describe_convolution(const Convolution& conv, Type type,
                                                               Type result_type);
// dst in whatever layout oneDNN likes beside that of src.
dnnl::pooling_forward::primitive_desc describe_pooling(const Pooling& pool, const Layout& src,
                                                       const Layout& dst);
// Statistics, scale and shift are given.
dnnl::batch_normalization_forward::primitive_desc describe_batch_norm(const Layout& layout,
                                                                      float epsilon);
// Statistics are computed, scale and shift given.
dnnl::layer_normalization_forward::primitive_desc describe_layer_norm(const Layout& layout,
                                                                      float epsilon);
// Over the last axis.
dnnl::softmax_forward::primitive_desc describe_softmax(const Layout& layout);
dnnl::eltwise_forward::primitive_desc describe_eltwise(dnnl::algorithm function,
                                                       const Layout& layout);

// The layout that a 3 x 3 convolution on such images asks for: what pooling and normalisation find
// before them in a network. Row-major where oneDNN has no such convolution.
Layout image_layout(const Dims& dims, Type type);

}  // namespace peakward::worker::onednn
