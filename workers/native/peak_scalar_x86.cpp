// Scalar kernels: fused multiply-adds where the CPU has them, because their rate is a whole number
// (one or two units, two operations each). A mix of SSE2 multiplies and adds is limited by the
// front end on wide cores (2.7 of 4 a cycle on Golden Cove, 3.3 on Zen 3 [seen]), so it runs only
// on CPUs without FMA.
#include "native/features.hpp"
#include "native/kernels.hpp"
#include "native/peak_asm.hpp"

#define PEAKWARD_SSE_STEP(KIND, M, A)                                                      \
    "mul" KIND " %%xmm" M ", %%xmm\\i\n.endr\n.irp i," PEAKWARD_12 "\nadd" KIND " %%xmm" A \
    ", %%xmm\\i"

#define PEAKWARD_SSE_PEAK(NAME, KIND, BYTES)                                                    \
    PEAKWARD_PEAK(NAME, PEAKWARD_12,                                                            \
                  "mov" KIND " 0*" BYTES                                                        \
                  "(%[operands]), %%xmm12\n"                                                    \
                  "mov" KIND " 1*" BYTES                                                        \
                  "(%[operands]), %%xmm13\n"                                                    \
                  "mov" KIND " 2*" BYTES                                                        \
                  "(%[operands]), %%xmm14\n"                                                    \
                  "mov" KIND " 3*" BYTES "(%[operands]), %%xmm15\n",                            \
                  "mov" KIND " \\i*" BYTES "(%[start]), %%xmm\\i",                              \
                  PEAKWARD_SSE_STEP(KIND, "12", "13"), PEAKWARD_SSE_STEP(KIND, "14", "15"),     \
                  "mov" KIND " %%xmm\\i, \\i*" BYTES "(%[result])", "", "xmm0", "xmm1", "xmm2", \
                  "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",     \
                  "xmm12", "xmm13", "xmm14", "xmm15")

#define PEAKWARD_FMA_SCALAR_PEAK(NAME, KIND, BYTES)                                              \
    PEAKWARD_PEAK(NAME, PEAKWARD_12,                                                             \
                  "vmov" KIND " 0*" BYTES                                                        \
                  "(%[operands]), %%xmm12\n"                                                     \
                  "vmov" KIND " 1*" BYTES                                                        \
                  "(%[operands]), %%xmm13\n"                                                     \
                  "vmov" KIND " 2*" BYTES                                                        \
                  "(%[operands]), %%xmm14\n"                                                     \
                  "vmov" KIND " 3*" BYTES "(%[operands]), %%xmm15\n",                            \
                  "vmov" KIND " \\i*" BYTES "(%[start]), %%xmm\\i",                              \
                  "vfmadd213" KIND " %%xmm13, %%xmm12, %%xmm\\i",                                \
                  "vfmadd213" KIND " %%xmm15, %%xmm14, %%xmm\\i",                                \
                  "vmov" KIND " %%xmm\\i, \\i*" BYTES "(%[result])", "", "xmm0", "xmm1", "xmm2", \
                  "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",      \
                  "xmm12", "xmm13", "xmm14", "xmm15")

namespace peakward::native {
namespace {

PEAKWARD_FMA_SCALAR_PEAK(peak_fma_fp64, "sd", "8")
PEAKWARD_FMA_SCALAR_PEAK(peak_fma_fp32, "ss", "4")
PEAKWARD_SSE_PEAK(peak_fp64, "sd", "8")
PEAKWARD_SSE_PEAK(peak_fp32, "ss", "4")

// 63 steps a turn: an odd number of turns must leave a mark.
void chain_xor(const double* operands, double* value, std::int64_t turns) {
    asm volatile(
        "mov (%[operands]), %%rcx\n"
        "mov (%[value]), %%rax\n"
        ".p2align 6\n"
        "1:\n"
        ".rept 63\n xor %%rcx, %%rax\n.endr\n"
        "dec %[turns]\n jnz 1b\n"
        "mov %%rax, (%[value])\n"
        : [turns] "+r"(turns)
        : [operands] "r"(operands), [value] "r"(value)
        : "memory", "cc", "rax", "rcx");
}

void chain_imul(const double* operands, double* value, std::int64_t turns) {
    asm volatile(
        "mov (%[operands]), %%rcx\n"
        "mov (%[value]), %%rax\n"
        ".p2align 6\n"
        "1:\n"
        ".rept 32\n imul %%rcx, %%rax\n.endr\n"
        "dec %[turns]\n jnz 1b\n"
        "mov %%rax, (%[value])\n"
        : [turns] "+r"(turns)
        : [operands] "r"(operands), [value] "r"(value)
        : "memory", "cc", "rax", "rcx");
}

}  // namespace

void issue_burst(std::int64_t turns) {
    asm volatile(
        ".p2align 6\n"
        "1:\n"
        ".rept 124\n nop\n.endr\n"
        "dec %[turns]\n jnz 1b\n"
        : [turns] "+r"(turns)
        :
        : "cc");
}

extern const ChainKernel chain_scalar, chain_scalar_multiply;
constinit const ChainKernel chain_scalar{"scalar", ChainStep::exclusive_or, "xor r64", 63,
                                         chain_xor};
constinit const ChainKernel chain_scalar_multiply{"scalar_multiply", ChainStep::multiply,
                                                  "imul r64", 32, chain_imul};

List<PeakKernel> scalar_peaks() {
    constexpr auto fused = Recurrence::affine;
    constexpr auto unfused = Recurrence::affine_unfused;
    static constexpr PeakKernel with_fma[] = {
        {"scalar", "fp64", "vfmadd213sd", fused, Element::fp64, 8, 12, 24, 2, peak_fma_fp64},
        {"scalar", "fp32", "vfmadd213ss", fused, Element::fp32, 4, 12, 24, 2, peak_fma_fp32},
    };
    static constexpr PeakKernel without[] = {
        {"scalar", "fp64", "mulsd addsd", unfused, Element::fp64, 8, 12, 48, 1, peak_fp64},
        {"scalar", "fp32", "mulss addss", unfused, Element::fp32, 4, 12, 48, 1, peak_fp32},
    };
    static_assert(sizeof with_fma == sizeof without);
    const bool has_fma = why_not_runnable("avx2", "fp64").empty();
    return {has_fma ? with_fma : without, sizeof without / sizeof without[0]};
}

}  // namespace peakward::native
