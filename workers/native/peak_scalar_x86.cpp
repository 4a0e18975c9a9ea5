// Scalar baseline: SSE2 multiplies and adds, two roundings, on every x86-64.
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

namespace peakward::native {
namespace {

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
    constexpr auto how = Recurrence::affine_unfused;
    static constexpr PeakKernel all[] = {
        {"scalar", "fp64", "mulsd addsd", how, Element::fp64, 8, 12, 48, 1, peak_fp64},
        {"scalar", "fp32", "mulss addss", how, Element::fp32, 4, 12, 48, 1, peak_fp32},
    };
    return {all, sizeof all / sizeof all[0]};
}

}  // namespace peakward::native
