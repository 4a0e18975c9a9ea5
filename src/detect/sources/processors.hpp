// The processors that /proc/cpuinfo lists, for the sources that need more than the first one.
#pragma once

#include "detect/parse.hpp"

namespace peakward::detail {

// The blocks that describe a processor: Arm kernels print others before and after.
std::vector<KeyValues> cpuinfo_blocks(std::string_view text);

struct ArmProcessor {
    int cpu = 0;
    unsigned implementer = 0, part = 0, variant = 0, revision = 0;
    std::string vendor;             // "ARM", or "implementer 0x99"
    std::string name;               // "Neoverse-N1", or "part 0xd99 of implementer 0x41"
    std::string microarchitecture;  // "neoverse_n1"; "" when not recognised
};
// Those with an implementer and a part number, in the order of the file.
std::vector<ArmProcessor> arm_processors(const std::vector<KeyValues>& blocks);

}  // namespace peakward::detail
