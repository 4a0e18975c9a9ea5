// What this CPU and this operating system let a kernel use, with the reason where they do not.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace peakward::native {

// "" when a kernel of this ISA word and precision can run here; else the reason as a clause: "this
// CPU has no avx512_bf16", "the kernel denies AMX tile data: Operation not permitted".
std::string why_not_runnable(std::string_view isa, std::string_view precision);

// Asks for whatever this process needs before it may run a kernel of the ISA (AMX tile data).
// Throws std::runtime_error with the reason when it is refused. Threads started afterwards inherit
// it.
void acquire(std::string_view isa);

// Bytes of an SVE vector of this process; 0 without SVE.
int sve_vector_bytes();

#if defined(__x86_64__)
// The CPUID words and XCR0 that decide; a value so that tests can put another CPU in its place.
struct CpuidWords {
    std::uint32_t leaf1_ecx = 0;
    std::uint32_t leaf7_ebx = 0, leaf7_ecx = 0, leaf7_edx = 0;
    std::uint32_t leaf7_1_eax = 0;
    std::uint64_t xcr0 = 0;
};
CpuidWords read_cpuid();
// As why_not_runnable, by CPUID and XCR0 alone: AMX permission is not asked.
std::string why_not_by_cpuid(const CpuidWords& words, std::string_view isa,
                             std::string_view precision);
#endif

}  // namespace peakward::native
