// The processors that /proc/cpuinfo lists, for the sources that need more than the first one.
#pragma once

#include "detect/parse.hpp"

namespace peakward::detail {

inline const std::string cpu_folder = "/sys/devices/system/cpu";

// The blocks that describe a processor: Arm kernels print others before and after.
std::vector<KeyValues> cpuinfo_blocks(std::string_view text);

struct ArmProcessor {
    int cpu = 0;
    unsigned implementer = 0, part = 0, variant = 0, revision = 0;
    std::string vendor;             // "ARM", or "implementer 0x99"
    std::string name;               // "Neoverse-N1", or "part 0xd99 of implementer 0x41"
    std::string microarchitecture;  // "neoverse_n1"; "" when not recognised
    bool is_efficiency = false;     // by its name (microarchitecture.hpp)
};
// Those with an implementer and a part number, in the order of the file.
std::vector<ArmProcessor> arm_processors(const std::vector<KeyValues>& blocks);

// The processors of one core design.
struct ArmDesign {
    ArmProcessor first;
    std::vector<int> cpus;  // ascending
};
// The fastest design first: by what the design is, else by capacity, else by clock; where neither
// is told, by name in reverse, since Arm's larger cores carry the higher numbers (X925 before
// A725).
std::vector<ArmDesign> arm_designs(const SysRoot& root,
                                   const std::vector<ArmProcessor>& processors);

}  // namespace peakward::detail
