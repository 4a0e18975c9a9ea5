// 256-bit kernels: AVX2 with FMA, and AVX-VNNI (the VEX form that client cores have). 12 chains and
// 4 operands fill the 16 registers.
#include "native/kernels.hpp"
#include "native/peak_asm.hpp"

#define PEAKWARD_YMM_PEAK(NAME, INSTRUCTION)                                                       \
    PEAKWARD_PEAK(NAME, PEAKWARD_12,                                                               \
                  "vmovaps 0*32(%[operands]), %%ymm12\n"                                           \
                  "vmovaps 1*32(%[operands]), %%ymm13\n"                                           \
                  "vmovaps 2*32(%[operands]), %%ymm14\n"                                           \
                  "vmovaps 3*32(%[operands]), %%ymm15\n",                                          \
                  "vmovaps \\i*32(%[start]), %%ymm\\i", INSTRUCTION " %%ymm13, %%ymm12, %%ymm\\i", \
                  INSTRUCTION " %%ymm15, %%ymm14, %%ymm\\i",                                       \
                  "vmovaps %%ymm\\i, \\i*32(%[result])", "vzeroupper\n", "xmm0", "xmm1", "xmm2",   \
                  "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",        \
                  "xmm12", "xmm13", "xmm14", "xmm15")

namespace peakward::native {
namespace {

PEAKWARD_YMM_PEAK(peak_fp64, "vfmadd213pd")
PEAKWARD_YMM_PEAK(peak_fp32, "vfmadd213ps")
PEAKWARD_YMM_PEAK(peak_int8, "%{vex%} vpdpbusd")

void chain_fma(const double* operands, double* value, std::int64_t turns) {
    asm volatile(
        "vbroadcastsd (%[operands]), %%ymm1\n"
        "vbroadcastsd 8(%[operands]), %%ymm2\n"
        "vbroadcastsd (%[value]), %%ymm0\n"
        ".p2align 6\n"
        "1:\n"
        ".rept 32\n vfmadd213pd %%ymm2, %%ymm1, %%ymm0\n.endr\n"
        "dec %[turns]\n jnz 1b\n"
        "vmovsd %%xmm0, (%[value])\n"
        "vzeroupper\n"
        : [turns] "+r"(turns)
        : [operands] "r"(operands), [value] "r"(value)
        : "memory", "cc", "xmm0", "xmm1", "xmm2");
}

}  // namespace

extern const ChainKernel chain_avx2;
constinit const ChainKernel chain_avx2{"avx2", ChainStep::fma, "vfmadd213pd ymm", 32, chain_fma};

List<PeakKernel> avx2_peaks() {
    constexpr auto fma = Recurrence::affine;
    constexpr auto dot = Recurrence::dot;
    static constexpr PeakKernel all[] = {
        {"avx2", "fp64", "vfmadd213pd ymm", fma, Element::fp64, 32, 12, 24, 8, peak_fp64},
        {"avx2", "fp32", "vfmadd213ps ymm", fma, Element::fp32, 32, 12, 24, 16, peak_fp32},
        {"avx_vnni", "int8", "vpdpbusd ymm", dot, Element::uint8_int8, 32, 12, 24, 64, peak_int8},
    };
    return {all, sizeof all / sizeof all[0]};
}

}  // namespace peakward::native
