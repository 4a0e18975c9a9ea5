// aarch64 SVE, for any vector length: the registers are as long as the process's vectors are.
#include "native/kernels.hpp"
#include "native/peak_asm.hpp"

#define PEAKWARD_SVE_PEAK(NAME, STEP_ONE, STEP_TWO)                                              \
    PEAKWARD_PEAK(NAME, PEAKWARD_24,                                                             \
                  "ptrue p0.b\n ldr z28, [%[operands]]\n ldr z29, [%[operands], #1, mul vl]\n"   \
                  "ldr z30, [%[operands], #2, mul vl]\n ldr z31, [%[operands], #3, mul vl]\n",   \
                  "ldr z\\i, [%[start], #\\i, mul vl]", STEP_ONE, STEP_TWO,                      \
                  "str z\\i, [%[result], #\\i, mul vl]", "", "p0", "z0", "z1", "z2", "z3", "z4", \
                  "z5", "z6", "z7", "z8", "z9", "z10", "z11", "z12", "z13", "z14", "z15", "z16", \
                  "z17", "z18", "z19", "z20", "z21", "z22", "z23", "z28", "z29", "z30", "z31")

#define PEAKWARD_SVE_FMAD(NAME, SHAPE)                                                  \
    PEAKWARD_SVE_PEAK(NAME, "fmad z\\i\\()." SHAPE ", p0/m, z28." SHAPE ", z29." SHAPE, \
                      "fmad z\\i\\()." SHAPE ", p0/m, z30." SHAPE ", z31." SHAPE)

#define PEAKWARD_SVE_PRODUCT(NAME, INSTRUCTION, SHAPE)                            \
    PEAKWARD_SVE_PEAK(NAME, INSTRUCTION " z\\i\\().s, z28." SHAPE ", z29." SHAPE, \
                      INSTRUCTION " z\\i\\().s, z30." SHAPE ", z31." SHAPE)

namespace peakward::native {
namespace {

PEAKWARD_SVE_FMAD(peak_fp64, "d")
PEAKWARD_SVE_FMAD(peak_fp32, "s")
PEAKWARD_SVE_FMAD(peak_fp16, "h")
PEAKWARD_SVE_PRODUCT(peak_smmla, "smmla", "b")
PEAKWARD_SVE_PRODUCT(peak_bfmmla, "bfmmla", "h")

void chain_fma(const double* operands, double* value, std::int64_t turns) {
    asm volatile(
        "ptrue p0.b\n"
        "ld1rd z1.d, p0/z, [%[operands]]\n"
        "ld1rd z2.d, p0/z, [%[operands], #8]\n"
        "ld1rd z0.d, p0/z, [%[value]]\n"
        ".p2align 6\n"
        "1:\n"
        ".rept 32\n fmad z0.d, p0/m, z1.d, z2.d\n.endr\n"
        "subs %[turns], %[turns], #1\n b.ne 1b\n"
        "str d0, [%[value]]\n"
        : [turns] "+r"(turns)
        : [operands] "r"(operands), [value] "r"(value)
        : "memory", "cc", "p0", "z0", "z1", "z2");
}

}  // namespace

extern const ChainKernel chain_sve;
constinit const ChainKernel chain_sve{"sve", ChainStep::fma, "fmad z.d", 32, chain_fma};

List<PeakKernel> sve_peaks() {
    constexpr auto fma = Recurrence::affine;
    constexpr auto tile = Recurrence::matrix_segment;
    constexpr int v = 16;
    static constexpr PeakKernel all[] = {
        {"sve", "fp64", "fmad z.d", fma, Element::fp64, v, 24, 48, v / 4, peak_fp64},
        {"sve", "fp32", "fmad z.s", fma, Element::fp32, v, 24, 48, v / 2, peak_fp32},
        {"sve", "fp16", "fmad z.h", fma, Element::fp16, v, 24, 48, v, peak_fp16},
        {"sve_i8mm", "int8", "smmla z.s", tile, Element::int8, v, 24, 48, v * 4, peak_smmla},
        {"sve_bf16", "bf16", "bfmmla z.s", tile, Element::bf16, v, 24, 48, v * 2, peak_bfmmla},
    };
    return {all, sizeof all / sizeof all[0]};
}

}  // namespace peakward::native
