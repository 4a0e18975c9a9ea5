// STREAM in 128-bit registers: the baseline of x86-64.
#include <immintrin.h>

#include "native/stream_sweep.hpp"

namespace peakward::native {
namespace {

struct Fp64 {
    static constexpr std::string_view isa = "sse2", precision = "fp64";
    static constexpr std::string_view temporal_text = "sse2 movapd";
    static constexpr std::string_view streaming_text = "sse2 movntpd";
    static constexpr int ahead_bytes = 2048;
    using Element = double;
    using Register = __m128d;
    static Register load(const Element* from) { return _mm_load_pd(from); }
    static void store(Element* to, Register value) { _mm_store_pd(to, value); }
    static void stream(Element* to, Register value) { _mm_stream_pd(to, value); }
    static Register set(Element value) { return _mm_set1_pd(value); }
    static Register add(Register a, Register b) { return _mm_add_pd(a, b); }
    static Register multiply(Register a, Register b) { return _mm_mul_pd(a, b); }
    static Register multiply_add(Register a, Register b, Register c) {
        return _mm_add_pd(a, _mm_mul_pd(b, c));
    }
    static void fence() { _mm_sfence(); }
};

struct Fp32 {
    static constexpr std::string_view isa = "sse2", precision = "fp32";
    static constexpr std::string_view temporal_text = "sse2 movaps";
    static constexpr std::string_view streaming_text = "sse2 movntps";
    static constexpr int ahead_bytes = 2048;
    using Element = float;
    using Register = __m128;
    static Register load(const Element* from) { return _mm_load_ps(from); }
    static void store(Element* to, Register value) { _mm_store_ps(to, value); }
    static void stream(Element* to, Register value) { _mm_stream_ps(to, value); }
    static Register set(Element value) { return _mm_set1_ps(value); }
    static Register add(Register a, Register b) { return _mm_add_ps(a, b); }
    static Register multiply(Register a, Register b) { return _mm_mul_ps(a, b); }
    static Register multiply_add(Register a, Register b, Register c) {
        return _mm_add_ps(a, _mm_mul_ps(b, c));
    }
    static void fence() { _mm_sfence(); }
};

}  // namespace

List<StreamKernel> sse2_fp64_streams() {
    return {table<Fp64>, sizeof table<Fp64> / sizeof(StreamKernel)};
}
List<StreamKernel> sse2_fp32_streams() {
    return {table<Fp32>, sizeof table<Fp32> / sizeof(StreamKernel)};
}

}  // namespace peakward::native
