// aarch64: the scalar baseline and NEON with its fp16, dot-product, int8 and bf16 matrix
// extensions. 24 chains cover four pipes of latency four (Neoverse V1).
#include "native/kernels.hpp"
#include "native/peak_asm.hpp"

#define PEAKWARD_V_CLOBBERS                                                                        \
    "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", \
        "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v28", "v29", "v30", "v31"

// SHAPE_D, SHAPE_S: arrangement of accumulator and of operands. Step one multiplies with o0, o1.
#define PEAKWARD_NEON_PEAK(NAME, STEP_ONE, STEP_TWO)                                  \
    PEAKWARD_PEAK(NAME, PEAKWARD_24,                                                  \
                  "ldp q28, q29, [%[operands]]\n ldp q30, q31, [%[operands], #32]\n", \
                  "ldr q\\i, [%[start], #(\\i*16)]", STEP_ONE, STEP_TWO,              \
                  "str q\\i, [%[result], #(\\i*16)]", "", PEAKWARD_V_CLOBBERS)

#define PEAKWARD_NEON_FMLA(NAME, SHAPE)                                                 \
    PEAKWARD_NEON_PEAK(NAME, "fmla v\\i\\()." SHAPE ", v\\i\\()." SHAPE ", v28." SHAPE, \
                       "fmla v\\i\\()." SHAPE ", v30." SHAPE ", v31." SHAPE)

#define PEAKWARD_NEON_PRODUCT(NAME, INSTRUCTION, SHAPE)                             \
    PEAKWARD_NEON_PEAK(NAME, INSTRUCTION " v\\i\\().4s, v28." SHAPE ", v29." SHAPE, \
                       INSTRUCTION " v\\i\\().4s, v30." SHAPE ", v31." SHAPE)

#define PEAKWARD_FMADD_PEAK(NAME, R, BYTES)                                            \
    PEAKWARD_PEAK(NAME, PEAKWARD_24,                                                   \
                  "ldr " R "28, [%[operands]]\n ldr " R "29, [%[operands], #(1*" BYTES \
                  ")]\n"                                                               \
                  "ldr " R "30, [%[operands], #(2*" BYTES                              \
                  ")]\n"                                                               \
                  "ldr " R "31, [%[operands], #(3*" BYTES ")]\n",                      \
                  "ldr " R "\\i, [%[start], #(\\i*" BYTES ")]",                        \
                  "fmadd " R "\\i, " R "\\i, " R "28, " R "29",                        \
                  "fmadd " R "\\i, " R "\\i, " R "30, " R "31",                        \
                  "str " R "\\i, [%[result], #(\\i*" BYTES ")]", "", PEAKWARD_V_CLOBBERS)

namespace peakward::native {
namespace {

PEAKWARD_FMADD_PEAK(peak_scalar_fp64, "d", "8")
PEAKWARD_FMADD_PEAK(peak_scalar_fp32, "s", "4")
PEAKWARD_NEON_FMLA(peak_fp64, "2d")
PEAKWARD_NEON_FMLA(peak_fp32, "4s")
PEAKWARD_NEON_FMLA(peak_fp16, "8h")
PEAKWARD_NEON_PRODUCT(peak_sdot, "sdot", "16b")
PEAKWARD_NEON_PRODUCT(peak_smmla, "smmla", "16b")
PEAKWARD_NEON_PRODUCT(peak_bfmmla, "bfmmla", "8h")

void chain_add(const double* operands, double* value, std::int64_t turns) {
    asm volatile(
        "ldr x9, [%[operands]]\n ldr x10, [%[value]]\n"
        ".p2align 6\n"
        "1:\n"
        ".rept 64\n add x10, x10, x9\n.endr\n"
        "subs %[turns], %[turns], #1\n b.ne 1b\n"
        "str x10, [%[value]]\n"
        : [turns] "+r"(turns)
        : [operands] "r"(operands), [value] "r"(value)
        : "memory", "cc", "x9", "x10");
}

void chain_multiply(const double* operands, double* value, std::int64_t turns) {
    asm volatile(
        "ldr x9, [%[operands]]\n ldr x10, [%[value]]\n"
        ".p2align 6\n"
        "1:\n"
        ".rept 32\n mul x10, x10, x9\n.endr\n"
        "subs %[turns], %[turns], #1\n b.ne 1b\n"
        "str x10, [%[value]]\n"
        : [turns] "+r"(turns)
        : [operands] "r"(operands), [value] "r"(value)
        : "memory", "cc", "x9", "x10");
}

// Through the multiplicand: Neoverse forwards a late accumulator in two cycles, which would still
// be a whole number, but not the one the manuals name as the latency.
void chain_fma(const double* operands, double* value, std::int64_t turns) {
    asm volatile(
        "ldp d1, d2, [%[operands]]\n ldr d0, [%[value]]\n"
        ".p2align 6\n"
        "1:\n"
        ".rept 32\n fmadd d0, d0, d1, d2\n.endr\n"
        "subs %[turns], %[turns], #1\n b.ne 1b\n"
        "str d0, [%[value]]\n"
        : [turns] "+r"(turns)
        : [operands] "r"(operands), [value] "r"(value)
        : "memory", "cc", "v0", "v1", "v2");
}

}  // namespace

void issue_burst(std::int64_t turns) {
    asm volatile(
        ".p2align 6\n"
        "1:\n"
        ".rept 124\n nop\n.endr\n"
        "subs %[turns], %[turns], #1\n b.ne 1b\n"
        : [turns] "+r"(turns)
        :
        : "cc");
}

extern const ChainKernel chain_scalar, chain_scalar_multiply, chain_neon;
constinit const ChainKernel chain_scalar{"scalar", ChainStep::add, "add x", 64, chain_add};
constinit const ChainKernel chain_scalar_multiply{"scalar_multiply", ChainStep::multiply, "mul x",
                                                  32, chain_multiply};
constinit const ChainKernel chain_neon{"neon", ChainStep::fma, "fmadd d", 32, chain_fma};

List<PeakKernel> scalar_peaks() {
    constexpr auto fma = Recurrence::affine;
    static constexpr PeakKernel all[] = {
        {"scalar", "fp64", "fmadd d", fma, Element::fp64, 8, 24, 48, 2, peak_scalar_fp64},
        {"scalar", "fp32", "fmadd s", fma, Element::fp32, 4, 24, 48, 2, peak_scalar_fp32},
    };
    return {all, sizeof all / sizeof all[0]};
}

List<PeakKernel> neon_peaks() {
    constexpr auto fma = Recurrence::self_affine;
    constexpr auto tile = Recurrence::matrix_segment;
    static constexpr PeakKernel all[] = {
        {"neon", "fp64", "fmla v.2d", fma, Element::fp64, 16, 24, 48, 4, peak_fp64},
        {"neon", "fp32", "fmla v.4s", fma, Element::fp32, 16, 24, 48, 8, peak_fp32},
        {"neon_fp16", "fp16", "fmla v.8h", fma, Element::fp16, 16, 24, 48, 16, peak_fp16},
        {"neon_dotprod", "int8", "sdot v.4s", Recurrence::dot, Element::int8, 16, 24, 48, 32,
         peak_sdot},
        {"neon_i8mm", "int8", "smmla v.4s", tile, Element::int8, 16, 24, 48, 64, peak_smmla},
        {"neon_bf16", "bf16", "bfmmla v.4s", tile, Element::bf16, 16, 24, 48, 32, peak_bfmmla},
    };
    return {all, sizeof all / sizeof all[0]};
}

}  // namespace peakward::native
