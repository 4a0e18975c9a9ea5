// STREAM in 128-bit NEON registers, stored in pairs. STNP is the architecture's non-temporal store:
// a hint that a core may ignore.
#include <arm_neon.h>

#include "native/stream_sweep.hpp"

namespace peakward::native {
namespace {

// Two registers as one, so that a non-temporal store is one STNP.
template <typename T>
struct Pair {
    T low, high;
};

struct Fp64 {
    static constexpr std::string_view isa = "neon", precision = "fp64";
    static constexpr std::string_view temporal_text = "neon stp";
    static constexpr std::string_view streaming_text = "neon stnp";
    static constexpr int ahead_bytes = 0;
    using Element = double;
    using Register = Pair<float64x2_t>;
    static Register load(const Element* from) { return {vld1q_f64(from), vld1q_f64(from + 2)}; }
    static void store(Element* to, Register value) {
        vst1q_f64(to, value.low);
        vst1q_f64(to + 2, value.high);
    }
    static void stream(Element* to, Register value) {
        asm volatile("stnp %q[low], %q[high], [%[to]]"
                     :
                     : [low] "w"(value.low), [high] "w"(value.high), [to] "r"(to)
                     : "memory");
    }
    static Register set(Element value) { return {vdupq_n_f64(value), vdupq_n_f64(value)}; }
    static Register add(Register a, Register b) {
        return {vaddq_f64(a.low, b.low), vaddq_f64(a.high, b.high)};
    }
    static Register multiply(Register a, Register b) {
        return {vmulq_f64(a.low, b.low), vmulq_f64(a.high, b.high)};
    }
    static Register multiply_add(Register a, Register b, Register c) {
        return {vfmaq_f64(a.low, b.low, c.low), vfmaq_f64(a.high, b.high, c.high)};
    }
    static void fence() { asm volatile("dmb ishst" ::: "memory"); }
};

struct Fp32 {
    static constexpr std::string_view isa = "neon", precision = "fp32";
    static constexpr std::string_view temporal_text = "neon stp";
    static constexpr std::string_view streaming_text = "neon stnp";
    static constexpr int ahead_bytes = 0;
    using Element = float;
    using Register = Pair<float32x4_t>;
    static Register load(const Element* from) { return {vld1q_f32(from), vld1q_f32(from + 4)}; }
    static void store(Element* to, Register value) {
        vst1q_f32(to, value.low);
        vst1q_f32(to + 4, value.high);
    }
    static void stream(Element* to, Register value) {
        asm volatile("stnp %q[low], %q[high], [%[to]]"
                     :
                     : [low] "w"(value.low), [high] "w"(value.high), [to] "r"(to)
                     : "memory");
    }
    static Register set(Element value) { return {vdupq_n_f32(value), vdupq_n_f32(value)}; }
    static Register add(Register a, Register b) {
        return {vaddq_f32(a.low, b.low), vaddq_f32(a.high, b.high)};
    }
    static Register multiply(Register a, Register b) {
        return {vmulq_f32(a.low, b.low), vmulq_f32(a.high, b.high)};
    }
    static Register multiply_add(Register a, Register b, Register c) {
        return {vfmaq_f32(a.low, b.low, c.low), vfmaq_f32(a.high, b.high, c.high)};
    }
    static void fence() { asm volatile("dmb ishst" ::: "memory"); }
};

}  // namespace

List<StreamKernel> neon_fp64_streams() {
    return {table<Fp64>, sizeof table<Fp64> / sizeof(StreamKernel)};
}
List<StreamKernel> neon_fp32_streams() {
    return {table<Fp32>, sizeof table<Fp32> / sizeof(StreamKernel)};
}

}  // namespace peakward::native
