#include <asm/hwcap.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

#include "native/features.hpp"

namespace peakward::native {
namespace {

struct Need {
    std::string_view isa;
    unsigned long hwcap, hwcap2;
};

// The kernel's HWCAP words (Documentation/arm64/elf_hwcaps.rst): they already include whether the
// operating system saves the registers.
constexpr Need needs[] = {
    {"scalar", 0, 0},
    {"neon", HWCAP_ASIMD, 0},
    {"neon_fp16", HWCAP_ASIMDHP, 0},
    {"neon_dotprod", HWCAP_ASIMDDP, 0},
    {"neon_i8mm", HWCAP_ASIMD, HWCAP2_I8MM},
    {"neon_bf16", HWCAP_ASIMD, HWCAP2_BF16},
    {"sve", HWCAP_SVE, 0},
    {"sve_i8mm", HWCAP_SVE, HWCAP2_SVEI8MM},
    {"sve_bf16", HWCAP_SVE, HWCAP2_SVEBF16},
};

}  // namespace

std::string why_not_runnable(std::string_view isa, std::string_view) {
    const unsigned long hwcap = getauxval(AT_HWCAP), hwcap2 = getauxval(AT_HWCAP2);
    for (const Need& need : needs)
        if (need.isa == isa && (hwcap & need.hwcap) == need.hwcap &&
            (hwcap2 & need.hwcap2) == need.hwcap2)
            return "";
    return "this CPU has no " + std::string(isa);
}

void acquire(std::string_view) {}

int sve_vector_bytes() {
    if ((getauxval(AT_HWCAP) & HWCAP_SVE) == 0) return 0;
    const int answer = prctl(PR_SVE_GET_VL);
    return answer < 0 ? 0 : answer & PR_SVE_VL_LEN_MASK;
}

}  // namespace peakward::native
