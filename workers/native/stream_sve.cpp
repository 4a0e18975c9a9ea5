// STREAM in SVE registers of any length: two a turn, then a predicated rest.
#include <arm_sve.h>

#include "native/stream_kernels.hpp"

namespace peakward::native {
namespace {

enum class Op { copy, scale, add, triad };

svbool_t active(double, std::int64_t i, std::int64_t n) { return svwhilelt_b64_s64(i, n); }
svbool_t active(float, std::int64_t i, std::int64_t n) { return svwhilelt_b32_s64(i, n); }
std::int64_t lanes(double) { return static_cast<std::int64_t>(svcntd()); }
std::int64_t lanes(float) { return static_cast<std::int64_t>(svcntw()); }

template <Op op, bool streaming, typename T>
inline void step(svbool_t mask, T* out, const T* left, const T* right, T scalar) {
    auto value = svld1(mask, left);
    if constexpr (op == Op::scale) value = svmul_x(mask, value, scalar);
    if constexpr (op == Op::add) value = svadd_x(mask, value, svld1(mask, right));
    if constexpr (op == Op::triad) value = svmla_x(mask, value, svld1(mask, right), scalar);
    if constexpr (streaming)
        svstnt1(mask, out, value);
    else
        svst1(mask, out, value);
}

template <Op op, bool streaming, typename T>
void sweep(void* destination, const void* left_bytes, const void* right_bytes, double factor,
           std::int64_t elements) {
    auto* out = static_cast<T*>(destination);
    const auto* left = static_cast<const T*>(left_bytes);
    const auto* right = static_cast<const T*>(right_bytes);
    const auto scalar = static_cast<T>(factor);
    const std::int64_t width = lanes(T{});
    const svbool_t all = active(T{}, 0, width);
    std::int64_t i = 0;
    for (; i + 2 * width <= elements; i += 2 * width) {
        step<op, streaming>(all, out + i, left + i, right + i, scalar);
        step<op, streaming>(all, out + i + width, left + i + width, right + i + width, scalar);
    }
    for (; i < elements; i += width)
        step<op, streaming>(active(T{}, i, elements), out + i, left + i, right + i, scalar);
    if constexpr (streaming) asm volatile("dmb ishst" ::: "memory");
}

template <typename T, Op op, bool streaming>
constexpr StreamKernel row(std::string_view operation) {
    return {"sve",
            operation,
            sizeof(T) == 8 ? "fp64" : "fp32",
            streaming ? "nontemporal" : "temporal",
            streaming ? "sve stnt1" : "sve st1",
            sweep<op, streaming, T>};
}

template <typename T>
constexpr StreamKernel table[] = {
    row<T, Op::copy, false>("stream_copy"),   row<T, Op::copy, true>("stream_copy"),
    row<T, Op::scale, false>("stream_scale"), row<T, Op::scale, true>("stream_scale"),
    row<T, Op::add, false>("stream_add"),     row<T, Op::add, true>("stream_add"),
    row<T, Op::triad, false>("stream_triad"), row<T, Op::triad, true>("stream_triad"),
};

}  // namespace

List<StreamKernel> sve_fp64_streams() {
    return {table<double>, sizeof table<double> / sizeof(StreamKernel)};
}
List<StreamKernel> sve_fp32_streams() {
    return {table<float>, sizeof table<float> / sizeof(StreamKernel)};
}

}  // namespace peakward::native
