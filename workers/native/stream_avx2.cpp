// STREAM in 256-bit registers with FMA.
#include <immintrin.h>

#include "native/stream_sweep.hpp"

namespace peakward::native {
namespace {

struct Fp64 {
    static constexpr std::string_view isa = "avx2", precision = "fp64";
    static constexpr std::string_view temporal_text = "avx2 vmovapd";
    static constexpr std::string_view streaming_text = "avx2 vmovntpd";
    static constexpr int ahead_bytes = 2048;
    using Element = double;
    using Register = __m256d;
    static Register load(const Element* from) { return _mm256_load_pd(from); }
    static void store(Element* to, Register value) { _mm256_store_pd(to, value); }
    static void stream(Element* to, Register value) { _mm256_stream_pd(to, value); }
    static Register set(Element value) { return _mm256_set1_pd(value); }
    static Register add(Register a, Register b) { return _mm256_add_pd(a, b); }
    static Register multiply(Register a, Register b) { return _mm256_mul_pd(a, b); }
    static Register multiply_add(Register a, Register b, Register c) {
        return _mm256_fmadd_pd(b, c, a);
    }
    static void fence() { _mm_sfence(); }
};

struct Fp32 {
    static constexpr std::string_view isa = "avx2", precision = "fp32";
    static constexpr std::string_view temporal_text = "avx2 vmovaps";
    static constexpr std::string_view streaming_text = "avx2 vmovntps";
    static constexpr int ahead_bytes = 2048;
    using Element = float;
    using Register = __m256;
    static Register load(const Element* from) { return _mm256_load_ps(from); }
    static void store(Element* to, Register value) { _mm256_store_ps(to, value); }
    static void stream(Element* to, Register value) { _mm256_stream_ps(to, value); }
    static Register set(Element value) { return _mm256_set1_ps(value); }
    static Register add(Register a, Register b) { return _mm256_add_ps(a, b); }
    static Register multiply(Register a, Register b) { return _mm256_mul_ps(a, b); }
    static Register multiply_add(Register a, Register b, Register c) {
        return _mm256_fmadd_ps(b, c, a);
    }
    static void fence() { _mm_sfence(); }
};

}  // namespace

List<StreamKernel> avx2_fp64_streams() {
    return {table<Fp64>, sizeof table<Fp64> / sizeof(StreamKernel)};
}
List<StreamKernel> avx2_fp32_streams() {
    return {table<Fp32>, sizeof table<Fp32> / sizeof(StreamKernel)};
}

}  // namespace peakward::native
