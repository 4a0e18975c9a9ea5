// What CPUID says, decoded. Sources: Intel SDM volume 2A "CPUID" and AMD APM volume 3 appendix E.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/ports.hpp"

namespace peakward::detail {

struct CpuidIdentity {
    std::string vendor;  // "GenuineIntel"
    std::string brand;   // "" when the processor has none
    int family = 0;      // display family: extended field added where the manuals say so
    int model = 0;
    int stepping = 0;
};
ReadResult<CpuidIdentity> cpuid_identity(const SysRoot& root, int cpu);

// ISA words (records.hpp) by feature bits, where the kernel has enabled the register state
// (OSXSAVE). AMX is left out: whether the kernel grants it is not in CPUID.
std::vector<std::string> cpuid_isa(const SysRoot& root, int cpu);
// Instruction sets on tiles that kernels before Linux 6.2 have no name for; to be believed of a
// host whose kernel names amx_tile.
std::vector<std::string> cpuid_tile_isa(const SysRoot& root, int cpu);

enum class CpuidCoreType { unknown, performance, efficiency };

// Where one logical CPU sits. CPUs with equal `core` share a core, with equal `package` a socket.
struct CpuidPlace {
    std::uint32_t apic = 0;
    std::uint32_t core = 0;
    std::uint32_t package = 0;
    CpuidCoreType type = CpuidCoreType::unknown;
};
ReadResult<CpuidPlace> cpuid_place(const SysRoot& root, int cpu);

}  // namespace peakward::detail
