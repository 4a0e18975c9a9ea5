#include <asm/prctl.h>
#include <cpuid.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>

#include "native/features.hpp"

namespace peakward::native {
namespace {

constexpr bool bit(std::uint32_t word, int position) { return ((word >> position) & 1u) != 0; }

// XCR0 state components (Intel SDM 13.1): SSE and AVX; opmask and the two ZMM halves; tiles.
constexpr std::uint64_t xcr0_avx = 0x6, xcr0_avx512 = 0xe6, xcr0_amx = 0x60000;

constexpr int arch_req_xcomp_perm = 0x1023;  // asm/prctl.h of Linux 5.16 on
constexpr int xfeature_tile_data = 18;

std::string absent(std::string_view isa) { return "this CPU has no " + std::string(isa); }

std::string os_lacks(std::string_view what) {
    return "the operating system does not save " + std::string(what) + " registers";
}

std::string avx2_reason(const CpuidWords& words) {
    if (!bit(words.leaf7_ebx, 5) || !bit(words.leaf1_ecx, 12)) return absent("avx2 with fma");
    if (!bit(words.leaf1_ecx, 27) || (words.xcr0 & xcr0_avx) != xcr0_avx) return os_lacks("AVX");
    return "";
}

std::string avx512_reason(const CpuidWords& words) {
    if (!bit(words.leaf7_ebx, 16)) return absent("avx512");
    if ((words.xcr0 & xcr0_avx512) != xcr0_avx512) return os_lacks("AVX-512");
    return "";
}

std::string amx_reason(const CpuidWords& words, std::string_view precision) {
    if (!bit(words.leaf7_edx, 24)) return absent("amx");
    if (precision == "bf16" && !bit(words.leaf7_edx, 22)) return absent("amx_bf16");
    if (precision == "int8" && !bit(words.leaf7_edx, 25)) return absent("amx_int8");
    if (precision == "fp16" && !bit(words.leaf7_1_eax, 21)) return absent("amx_fp16");
    if ((words.xcr0 & xcr0_amx) != xcr0_amx) return os_lacks("AMX tile");
    return avx512_reason(words);  // its clock is probed by a 512-bit chain
}

// In a child, so that a refusal by signal costs only the child: asks for tile data and uses a tile.
// Only system calls between fork and _exit.
[[noreturn]] void try_tiles() {
    if (syscall(SYS_arch_prctl, arch_req_xcomp_perm, xfeature_tile_data) != 0) _exit(errno & 0x7f);
    alignas(64) unsigned char config[64] = {1};
    config[16] = 64;  // tile 0: 64 bytes a row
    config[48] = 16;  // and 16 rows
    asm volatile("ldtilecfg (%0)\n tilezero %%tmm0\n tilerelease\n" ::"r"(config) : "memory");
    _exit(0);
}

std::string ask_for_tiles() {
    const pid_t child = fork();
    if (child < 0) return std::string("AMX could not be tried: ") + std::strerror(errno);
    if (child == 0) try_tiles();
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status))
        return std::string("AMX is announced but using a tile ends in ") +
               strsignal(WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        return std::string("the kernel denies AMX tile data: ") +
               std::strerror(WEXITSTATUS(status));
    return "";
}

}  // namespace

CpuidWords read_cpuid() {
    CpuidWords words;
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0) words.leaf1_ecx = ecx;
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0) {
        words.leaf7_ebx = ebx;
        words.leaf7_ecx = ecx;
        words.leaf7_edx = edx;
        if (eax >= 1 && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0)
            words.leaf7_1_eax = eax;
    }
    if (bit(words.leaf1_ecx, 27)) {  // OSXSAVE: XGETBV is allowed
        std::uint32_t low = 0, high = 0;
        asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        words.xcr0 = (std::uint64_t{high} << 32) | low;
    }
    return words;
}

std::string why_not_by_cpuid(const CpuidWords& words, std::string_view isa,
                             std::string_view precision) {
    if (isa == "scalar") return "";
    if (isa == "amx") return amx_reason(words, precision);
    if (isa == "avx2" || isa == "avx_vnni") {
        if (isa == "avx_vnni" && !bit(words.leaf7_1_eax, 4)) return absent(isa);
        return avx2_reason(words);
    }
    if (isa == "avx512_fp16" && !bit(words.leaf7_edx, 23)) return absent(isa);
    if (isa == "avx512_bf16" && !bit(words.leaf7_1_eax, 5)) return absent(isa);
    if (isa == "avx512_vnni" && !bit(words.leaf7_ecx, 11)) return absent(isa);
    return avx512_reason(words);
}

std::string why_not_runnable(std::string_view isa, std::string_view precision) {
    static const CpuidWords words = read_cpuid();
    std::string reason = why_not_by_cpuid(words, isa, precision);
    if (!reason.empty() || isa != "amx") return reason;
    static const std::string tiles = ask_for_tiles();
    return tiles;
}

void acquire(std::string_view isa) {
    if (isa != "amx") return;
    if (syscall(SYS_arch_prctl, arch_req_xcomp_perm, xfeature_tile_data) != 0)
        throw std::runtime_error(std::string("the kernel denies AMX tile data: ") +
                                 std::strerror(errno));
}

int sve_vector_bytes() { return 0; }

}  // namespace peakward::native
