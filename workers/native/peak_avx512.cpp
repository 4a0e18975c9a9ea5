// 512-bit kernels: AVX-512F, and its fp16, bf16 and VNNI extensions. 24 chains and 4 operands of 32
// registers.
#include "native/kernels.hpp"
#include "native/peak_asm.hpp"

#define PEAKWARD_ZMM_PEAK(NAME, INSTRUCTION)                                                       \
    PEAKWARD_PEAK(NAME, PEAKWARD_24,                                                               \
                  "vmovaps 0*64(%[operands]), %%zmm28\n"                                           \
                  "vmovaps 1*64(%[operands]), %%zmm29\n"                                           \
                  "vmovaps 2*64(%[operands]), %%zmm30\n"                                           \
                  "vmovaps 3*64(%[operands]), %%zmm31\n",                                          \
                  "vmovaps \\i*64(%[start]), %%zmm\\i", INSTRUCTION " %%zmm29, %%zmm28, %%zmm\\i", \
                  INSTRUCTION " %%zmm31, %%zmm30, %%zmm\\i",                                       \
                  "vmovaps %%zmm\\i, \\i*64(%[result])", "vzeroupper\n", "xmm0", "xmm1", "xmm2",   \
                  "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",        \
                  "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", \
                  "xmm21", "xmm22", "xmm23", "xmm28", "xmm29", "xmm30", "xmm31")

namespace peakward::native {
namespace {

PEAKWARD_ZMM_PEAK(peak_fp64, "vfmadd213pd")
PEAKWARD_ZMM_PEAK(peak_fp32, "vfmadd213ps")
PEAKWARD_ZMM_PEAK(peak_fp16, "vfmadd213ph")
PEAKWARD_ZMM_PEAK(peak_bf16, "vdpbf16ps")
PEAKWARD_ZMM_PEAK(peak_int8, "vpdpbusd")

void chain_fma(const double* operands, double* value, std::int64_t turns) {
    asm volatile(
        "vbroadcastsd (%[operands]), %%zmm1\n"
        "vbroadcastsd 8(%[operands]), %%zmm2\n"
        "vbroadcastsd (%[value]), %%zmm0\n"
        ".p2align 6\n"
        "1:\n"
        ".rept 32\n vfmadd213pd %%zmm2, %%zmm1, %%zmm0\n.endr\n"
        "dec %[turns]\n jnz 1b\n"
        "vmovsd %%xmm0, (%[value])\n"
        "vzeroupper\n"
        : [turns] "+r"(turns)
        : [operands] "r"(operands), [value] "r"(value)
        : "memory", "cc", "xmm0", "xmm1", "xmm2");
}

}  // namespace

extern const ChainKernel chain_avx512;
constinit const ChainKernel chain_avx512{"avx512", ChainStep::fma, "vfmadd213pd zmm", 32,
                                         chain_fma};
// Every CPU with AMX has AVX-512; the chain runs right behind AMX work, inside its licence's hold
// time.
List<PeakKernel> avx512_peaks() {
    constexpr auto fma = Recurrence::affine;
    constexpr auto dot = Recurrence::dot;
    static constexpr PeakKernel all[] = {
        {"avx512", "fp64", "vfmadd213pd zmm", fma, Element::fp64, 64, 24, 48, 16, peak_fp64},
        {"avx512", "fp32", "vfmadd213ps zmm", fma, Element::fp32, 64, 24, 48, 32, peak_fp32},
        {"avx512_fp16", "fp16", "vfmadd213ph zmm", fma, Element::fp16, 64, 24, 48, 64, peak_fp16},
        {"avx512_bf16", "bf16", "vdpbf16ps zmm", dot, Element::bf16, 64, 24, 48, 64, peak_bf16},
        {"avx512_vnni", "int8", "vpdpbusd zmm", dot, Element::uint8_int8, 64, 24, 48, 128,
         peak_int8},
    };
    return {all, sizeof all / sizeof all[0]};
}

}  // namespace peakward::native
