#include "onednn/describe.hpp"

#include "onednn/library.hpp"

namespace peakward::worker::onednn {
namespace {

constexpr auto inference = dnnl::prop_kind::forward_inference;
const auto given_affine =
    dnnl::normalization_flags::use_scale | dnnl::normalization_flags::use_shift;
const auto given_all = given_affine | dnnl::normalization_flags::use_global_stats;

// oneDNN 2 takes an operation descriptor and the engine, oneDNN 3 the engine and then the same.
template <typename Primitive, typename... Arguments>
typename Primitive::primitive_desc describe(const dnnl::primitive_attr& attributes,
                                            const Arguments&... arguments) {
#if DNNL_VERSION_MAJOR >= 3
    return {cpu_engine(), arguments..., attributes};
#else
    return {typename Primitive::desc(arguments...), attributes, cpu_engine()};
#endif
}

int last_axis(const Layout& layout) {
#if DNNL_VERSION_MAJOR >= 3
    return layout.get_ndims() - 1;
#else
    return layout.data.ndims - 1;
#endif
}

dnnl::primitive_attr scaled_by(float scale) {
    dnnl::primitive_attr attributes;
    if (scale == 1) return attributes;
#if DNNL_VERSION_MAJOR >= 3
    dnnl::post_ops after;
    after.append_eltwise(dnnl::algorithm::eltwise_linear, scale, 0);
    attributes.set_post_ops(after);
#else
    attributes.set_output_scales(0, {scale});
#endif
    return attributes;
}

}  // namespace

dnnl::matmul::primitive_desc describe_matmul(const Layout& src, const Layout& weights,
                                             const Layout& dst, float scale) {
    return describe<dnnl::matmul>(scaled_by(scale), src, weights, dst);
}

dnnl::convolution_forward::primitive_desc describe_convolution(const Convolution& conv, Type type,
                                                               Type result_type) {
    const Dims filters = conv.groups == 1 ? Dims{conv.k, conv.c, conv.r, conv.s}
                                          : Dims{conv.groups, conv.k / conv.groups,
                                                 conv.c / conv.groups, conv.r, conv.s};
    const Dims strides{conv.stride, conv.stride}, padding{conv.pad, conv.pad};
    return describe<dnnl::convolution_forward>(
        {}, inference, dnnl::algorithm::convolution_direct,
        any({conv.n, conv.c, conv.h, conv.w}, type), any(filters, type),
        any({conv.n, conv.k, conv.rows, conv.columns}, result_type), strides, padding, padding);
}

dnnl::pooling_forward::primitive_desc describe_pooling(const Pooling& pool, const Layout& src,
                                                       const Layout& dst) {
    const auto function =
        pool.average ? dnnl::algorithm::pooling_avg_exclude_padding : dnnl::algorithm::pooling_max;
    const Dims strides{pool.stride, pool.stride}, window{pool.window, pool.window}, none{0, 0};
#if DNNL_VERSION_MAJOR >= 3
    return describe<dnnl::pooling_forward>({}, inference, function, src, dst, strides, window, none,
                                           none, none);
#else
    return describe<dnnl::pooling_forward>({}, inference, function, src, dst, strides, window, none,
                                           none);
#endif
}

dnnl::batch_normalization_forward::primitive_desc describe_batch_norm(const Layout& layout,
                                                                      float epsilon) {
#if DNNL_VERSION_MAJOR >= 3
    return describe<dnnl::batch_normalization_forward>({}, inference, layout, layout, epsilon,
                                                       given_all);
#else
    return describe<dnnl::batch_normalization_forward>({}, inference, layout, epsilon, given_all);
#endif
}

dnnl::layer_normalization_forward::primitive_desc describe_layer_norm(const Layout& layout,
                                                                      float epsilon) {
#if DNNL_VERSION_MAJOR >= 3
    return describe<dnnl::layer_normalization_forward>({}, inference, layout, layout, epsilon,
                                                       given_affine);
#else
    return describe<dnnl::layer_normalization_forward>({}, inference, layout, epsilon,
                                                       given_affine);
#endif
}

dnnl::softmax_forward::primitive_desc describe_softmax(const Layout& layout) {
#if DNNL_VERSION_MAJOR >= 3
    return describe<dnnl::softmax_forward>({}, inference, dnnl::algorithm::softmax_accurate, layout,
                                           layout, last_axis(layout));
#else
    return describe<dnnl::softmax_forward>({}, inference, layout, last_axis(layout));
#endif
}

dnnl::eltwise_forward::primitive_desc describe_eltwise(dnnl::algorithm function,
                                                       const Layout& layout) {
#if DNNL_VERSION_MAJOR >= 3
    return describe<dnnl::eltwise_forward>({}, inference, function, layout, layout, 0.f, 0.f);
#else
    return describe<dnnl::eltwise_forward>({}, inference, function, layout, 0.f, 0.f);
#endif
}

Layout image_layout(const Dims& dims, Type type) {
    const Convolution same(Json{{"n", dims[0]},
                                {"c", dims[1]},
                                {"h", dims[2]},
                                {"w", dims[3]},
                                {"k", dims[1]},
                                {"r", 3},
                                {"s", 3},
                                {"pad", 1}});
    try {
        return describe_convolution(same, type, type).src_desc();
    } catch (const dnnl::error&) {
        return plain(dims, type);
    }
}

}  // namespace peakward::worker::onednn
