// One sweep over a chunk, for any fixed-width vector class. Included by one file per class, each
// compiled with its own instruction set: everything is in an unnamed namespace, because a shared
// inline function could end up in baseline code with instructions that the CPU does not have.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/stream_kernels.hpp"

namespace peakward::native {
namespace {

enum class Op { copy, scale, add, triad };

// V offers: ahead_bytes (how far to announce reads; 0: the hardware does), Element, Register, load,
// store, stream, set, add, multiply, multiply_add (a + s b), fence.
template <typename V, Op op>
inline typename V::Register combine(const typename V::Element* left,
                                    const typename V::Element* right, typename V::Register scalar) {
    if constexpr (op == Op::copy) return V::load(left);
    if constexpr (op == Op::scale) return V::multiply(scalar, V::load(left));
    if constexpr (op == Op::add) return V::add(V::load(left), V::load(right));
    if constexpr (op == Op::triad) return V::multiply_add(V::load(left), scalar, V::load(right));
}

template <typename V, Op op>
inline typename V::Element combine_one(const typename V::Element* left,
                                       const typename V::Element* right,
                                       typename V::Element scalar) {
    if constexpr (op == Op::copy) return *left;
    if constexpr (op == Op::scale) return scalar * *left;
    if constexpr (op == Op::add) return *left + *right;
    if constexpr (op == Op::triad) return *left + scalar * *right;
}

// Chunks from here on do not live in a private cache: their reads are announced ahead. On a Cascade
// Lake this is worth 3 to 15 %, 2 KiB being the best of 0.5 to 4; in a cache it would cost.
constexpr std::int64_t far_bytes = 512 * 1024;

// Four registers a turn, loads before stores: the best of 1, 2, 4 and 8, mixed and grouped.
template <typename V, Op op, bool streaming, int ahead_bytes>
inline std::int64_t sweep_registers(typename V::Element* out, const typename V::Element* left,
                                    const typename V::Element* right, typename V::Element scalar,
                                    std::int64_t elements) {
    using Element = typename V::Element;
    constexpr std::int64_t lanes = sizeof(typename V::Register) / sizeof(Element), unroll = 4;
    constexpr std::int64_t line = 64 / sizeof(Element);
    const typename V::Register scalars = V::set(scalar);
    std::int64_t i = 0;
    for (; i + unroll * lanes <= elements; i += unroll * lanes) {
        if constexpr (ahead_bytes > 0) {
#pragma GCC unroll 8
            for (std::int64_t j = 0; j < unroll * lanes; j += line) {
                constexpr std::int64_t ahead = ahead_bytes / static_cast<int>(sizeof(Element));
                __builtin_prefetch(left + i + j + ahead);
                if constexpr (op == Op::add || op == Op::triad)
                    __builtin_prefetch(right + i + j + ahead);
            }
        }
        typename V::Register values[unroll];
#pragma GCC unroll 8
        for (int j = 0; j < unroll; ++j)
            values[j] = combine<V, op>(left + i + j * lanes, right + i + j * lanes, scalars);
#pragma GCC unroll 8
        for (int j = 0; j < unroll; ++j) {
            if constexpr (streaming)
                V::stream(out + i + j * lanes, values[j]);
            else
                V::store(out + i + j * lanes, values[j]);
        }
    }
    return i;
}

template <typename V, Op op, bool streaming>
void sweep(void* destination, const void* left_bytes, const void* right_bytes, double factor,
           std::int64_t elements) {
    using Element = typename V::Element;
    auto* out = static_cast<Element*>(destination);
    const auto* left = static_cast<const Element*>(left_bytes);
    // Copy and scale have no second operand, and read none.
    constexpr bool reads_right = op == Op::add || op == Op::triad;
    const auto* right = reads_right ? static_cast<const Element*>(right_bytes) : left;
    const auto scalar = static_cast<Element>(factor);
    const bool is_far = elements * static_cast<std::int64_t>(sizeof(Element)) >= far_bytes;
    std::int64_t i =
        is_far
            ? sweep_registers<V, op, streaming, V::ahead_bytes>(out, left, right, scalar, elements)
            : sweep_registers<V, op, streaming, 0>(out, left, right, scalar, elements);
    for (; i < elements; ++i) out[i] = combine_one<V, op>(left + i, right + i, scalar);
    if constexpr (streaming) V::fence();
}

// A row of the table; evaluated by the compiler.
template <typename V, Op op, bool streaming>
constexpr StreamKernel row(std::string_view operation) {
    return {V::isa,
            operation,
            V::precision,
            streaming ? "nontemporal" : "temporal",
            streaming ? V::streaming_text : V::temporal_text,
            sweep<V, op, streaming>};
}

template <typename V>
constexpr StreamKernel table[] = {
    row<V, Op::copy, false>("stream_copy"),   row<V, Op::copy, true>("stream_copy"),
    row<V, Op::scale, false>("stream_scale"), row<V, Op::scale, true>("stream_scale"),
    row<V, Op::add, false>("stream_add"),     row<V, Op::add, true>("stream_add"),
    row<V, Op::triad, false>("stream_triad"), row<V, Op::triad, true>("stream_triad"),
};

}  // namespace
}  // namespace peakward::native
