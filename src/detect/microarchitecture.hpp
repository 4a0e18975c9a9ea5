// Which design a processor is, from the numbers it identifies itself with.
#pragma once

#include <string>
#include <string_view>

namespace peakward::detail {

// "cascade_lake", "zen4" from vendor ("GenuineIntel"), display family, model and stepping as
// /proc/cpuinfo prints them; "" when not recognised.
std::string x86_microarchitecture(std::string_view vendor, int family, int model, int stepping);

// The core designs of an Intel hybrid product: "alder_lake" -> golden_cove and gracemont. Empty
// names for a product that is not hybrid.
struct HybridDesigns {
    std::string_view performance;
    std::string_view efficiency;
    std::string_view low_power = "";  // of the SoC tile, where it has cores of its own
};
HybridDesigns hybrid_designs(std::string_view microarchitecture);

// An Arm core by implementer and part number (MIDR_EL1).
struct ArmCore {
    bool is_efficiency = false;     // the small core of products whose names do not sort by size
    std::string name;               // "Neoverse-N1", as lscpu prints it; "" when not recognised
    std::string microarchitecture;  // "neoverse_n1"
};
ArmCore arm_core(unsigned implementer, unsigned part);
// "ARM", "Ampere", as lscpu prints it; "" when not recognised.
std::string_view arm_vendor(unsigned implementer);

}  // namespace peakward::detail
