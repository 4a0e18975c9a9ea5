// STREAM in 512-bit registers: one register is one cache line.
#include <immintrin.h>

#include "native/stream_sweep.hpp"

namespace peakward::native {
namespace {

struct Fp64 {
    static constexpr std::string_view isa = "avx512", precision = "fp64";
    static constexpr std::string_view temporal_text = "avx512 vmovapd";
    static constexpr std::string_view streaming_text = "avx512 vmovntpd";
    static constexpr int ahead_bytes = 2048;
    using Element = double;
    using Register = __m512d;
    static Register load(const Element* from) { return _mm512_load_pd(from); }
    static void store(Element* to, Register value) { _mm512_store_pd(to, value); }
    static void stream(Element* to, Register value) { _mm512_stream_pd(to, value); }
    static Register set(Element value) { return _mm512_set1_pd(value); }
    static Register add(Register a, Register b) { return _mm512_add_pd(a, b); }
    static Register multiply(Register a, Register b) { return _mm512_mul_pd(a, b); }
    static Register multiply_add(Register a, Register b, Register c) {
        return _mm512_fmadd_pd(b, c, a);
    }
    static void fence() { _mm_sfence(); }
};

struct Fp32 {
    static constexpr std::string_view isa = "avx512", precision = "fp32";
    static constexpr std::string_view temporal_text = "avx512 vmovaps";
    static constexpr std::string_view streaming_text = "avx512 vmovntps";
    static constexpr int ahead_bytes = 2048;
    using Element = float;
    using Register = __m512;
    static Register load(const Element* from) { return _mm512_load_ps(from); }
    static void store(Element* to, Register value) { _mm512_store_ps(to, value); }
    static void stream(Element* to, Register value) { _mm512_stream_ps(to, value); }
    static Register set(Element value) { return _mm512_set1_ps(value); }
    static Register add(Register a, Register b) { return _mm512_add_ps(a, b); }
    static Register multiply(Register a, Register b) { return _mm512_mul_ps(a, b); }
    static Register multiply_add(Register a, Register b, Register c) {
        return _mm512_fmadd_ps(b, c, a);
    }
    static void fence() { _mm_sfence(); }
};

}  // namespace

List<StreamKernel> avx512_fp64_streams() {
    return {table<Fp64>, sizeof table<Fp64> / sizeof(StreamKernel)};
}
List<StreamKernel> avx512_fp32_streams() {
    return {table<Fp32>, sizeof table<Fp32> / sizeof(StreamKernel)};
}

}  // namespace peakward::native
