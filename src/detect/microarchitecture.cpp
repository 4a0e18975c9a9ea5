// Sources: Linux arch/x86/include/asm/intel-family.h and arch/x86/kernel/cpu/amd.c for x86;
// Linux arch/arm64/include/asm/cputype.h and util-linux sys-utils/lscpu-arm.c for Arm.
#include "detect/microarchitecture.hpp"

#include <algorithm>

#include "core/text.hpp"

namespace peakward::detail {
namespace {

struct X86Models {
    int family;
    int model_first, model_last;
    int stepping_first, stepping_last;
    std::string_view name;
};

constexpr int any = 255;  // steppings and model ranges end here

constexpr X86Models intel_models[] = {
    {6, 0x1a, 0x1a, 0, any, "nehalem"},
    {6, 0x1e, 0x1f, 0, any, "nehalem"},
    {6, 0x2e, 0x2e, 0, any, "nehalem"},
    {6, 0x25, 0x25, 0, any, "westmere"},
    {6, 0x2c, 0x2c, 0, any, "westmere"},
    {6, 0x2f, 0x2f, 0, any, "westmere"},
    {6, 0x2a, 0x2a, 0, any, "sandy_bridge"},
    {6, 0x2d, 0x2d, 0, any, "sandy_bridge"},
    {6, 0x3a, 0x3a, 0, any, "ivy_bridge"},
    {6, 0x3e, 0x3e, 0, any, "ivy_bridge"},
    {6, 0x3c, 0x3c, 0, any, "haswell"},
    {6, 0x3f, 0x3f, 0, any, "haswell"},
    {6, 0x45, 0x46, 0, any, "haswell"},
    {6, 0x3d, 0x3d, 0, any, "broadwell"},
    {6, 0x47, 0x47, 0, any, "broadwell"},
    {6, 0x4f, 0x4f, 0, any, "broadwell"},
    {6, 0x56, 0x56, 0, any, "broadwell"},
    {6, 0x4e, 0x4e, 0, any, "skylake"},
    {6, 0x5e, 0x5e, 0, any, "skylake"},
    {6, 0x55, 0x55, 0, 4, "skylake_server"},
    {6, 0x55, 0x55, 5, 7, "cascade_lake"},
    {6, 0x55, 0x55, 10, 11, "cooper_lake"},
    {6, 0x8e, 0x8e, 0, 9, "kaby_lake"},
    {6, 0x8e, 0x8e, 10, any, "coffee_lake"},
    {6, 0x9e, 0x9e, 0, 9, "kaby_lake"},
    {6, 0x9e, 0x9e, 10, any, "coffee_lake"},
    {6, 0xa5, 0xa6, 0, any, "comet_lake"},
    {6, 0x66, 0x66, 0, any, "cannon_lake"},
    {6, 0x7d, 0x7e, 0, any, "ice_lake"},
    {6, 0x6a, 0x6a, 0, any, "ice_lake_server"},
    {6, 0x6c, 0x6c, 0, any, "ice_lake_server"},
    {6, 0x8c, 0x8d, 0, any, "tiger_lake"},
    {6, 0xa7, 0xa7, 0, any, "rocket_lake"},
    {6, 0x97, 0x97, 0, any, "alder_lake"},
    {6, 0x9a, 0x9a, 0, any, "alder_lake"},
    {6, 0xb7, 0xb7, 0, any, "raptor_lake"},
    {6, 0xba, 0xba, 0, any, "raptor_lake"},
    {6, 0xbf, 0xbf, 0, any, "raptor_lake"},
    {6, 0xaa, 0xaa, 0, any, "meteor_lake"},
    {6, 0xac, 0xac, 0, any, "meteor_lake"},
    {6, 0xb5, 0xb5, 0, any, "arrow_lake"},
    {6, 0xc5, 0xc6, 0, any, "arrow_lake"},
    {6, 0xbd, 0xbd, 0, any, "lunar_lake"},
    {6, 0xcc, 0xcc, 0, any, "panther_lake"},
    {6, 0x8f, 0x8f, 0, any, "sapphire_rapids"},
    {6, 0xcf, 0xcf, 0, any, "emerald_rapids"},
    {6, 0xad, 0xae, 0, any, "granite_rapids"},
    {19, 0x01, 0x01, 0, any, "diamond_rapids"},
    {6, 0x37, 0x37, 0, any, "silvermont"},
    {6, 0x4a, 0x4a, 0, any, "silvermont"},
    {6, 0x4d, 0x4d, 0, any, "silvermont"},
    {6, 0x5a, 0x5a, 0, any, "silvermont"},
    {6, 0x4c, 0x4c, 0, any, "airmont"},
    {6, 0x57, 0x57, 0, any, "knights_landing"},
    {6, 0x85, 0x85, 0, any, "knights_mill"},
    {6, 0x5c, 0x5c, 0, any, "goldmont"},
    {6, 0x5f, 0x5f, 0, any, "goldmont"},
    {6, 0x7a, 0x7a, 0, any, "goldmont_plus"},
    {6, 0x86, 0x86, 0, any, "tremont"},
    {6, 0x96, 0x96, 0, any, "tremont"},
    {6, 0x9c, 0x9c, 0, any, "tremont"},
    {6, 0xbe, 0xbe, 0, any, "gracemont"},  // Alder Lake-N: efficiency cores alone
    {6, 0xaf, 0xaf, 0, any, "sierra_forest"},
    {6, 0xb6, 0xb6, 0, any, "grand_ridge"},
    {6, 0xdd, 0xdd, 0, any, "clearwater_forest"},
};

constexpr X86Models amd_models[] = {
    {0x10, 0x00, any, 0, any, "k10"},          {0x15, 0x00, 0x01, 0, any, "bulldozer"},
    {0x15, 0x02, 0x02, 0, any, "piledriver"},  {0x15, 0x10, 0x1f, 0, any, "piledriver"},
    {0x15, 0x30, 0x3f, 0, any, "steamroller"}, {0x15, 0x60, 0x7f, 0, any, "excavator"},
    {0x16, 0x00, any, 0, any, "jaguar"},       {0x17, 0x00, 0x2f, 0, any, "zen"},
    {0x17, 0x30, any, 0, any, "zen2"},         {0x19, 0x00, 0x0f, 0, any, "zen3"},
    {0x19, 0x10, 0x1f, 0, any, "zen4"},        {0x19, 0x20, 0x5f, 0, any, "zen3"},
    {0x19, 0x60, 0xaf, 0, any, "zen4"},        {0x1a, 0x00, 0x2f, 0, any, "zen5"},
    {0x1a, 0x40, 0x4f, 0, any, "zen5"},        {0x1a, 0x60, 0x7f, 0, any, "zen5"},
    {0x1a, 0x50, 0x5f, 0, any, "zen6"},        {0x1a, 0x80, 0xaf, 0, any, "zen6"},
    {0x1a, 0xc0, 0xcf, 0, any, "zen6"},
};

constexpr X86Models hygon_models[] = {{0x18, 0x00, any, 0, any, "zen"}};

template <std::size_t count>
std::string find(const X86Models (&list)[count], int family, int model, int stepping) {
    for (const X86Models& entry : list)
        if (entry.family == family && model >= entry.model_first && model <= entry.model_last &&
            stepping >= entry.stepping_first && stepping <= entry.stepping_last)
            return std::string(entry.name);
    return "";
}

struct ArmPart {
    unsigned implementer, part;
    std::string_view name;
    bool is_efficiency = false;
};

constexpr ArmPart arm_parts[] = {
    {0x41, 0xd01, "Cortex-A32"},
    {0x41, 0xd02, "Cortex-A34"},
    {0x41, 0xd03, "Cortex-A53"},
    {0x41, 0xd04, "Cortex-A35"},
    {0x41, 0xd05, "Cortex-A55"},
    {0x41, 0xd06, "Cortex-A65"},
    {0x41, 0xd07, "Cortex-A57"},
    {0x41, 0xd08, "Cortex-A72"},
    {0x41, 0xd09, "Cortex-A73"},
    {0x41, 0xd0a, "Cortex-A75"},
    {0x41, 0xd0b, "Cortex-A76"},
    {0x41, 0xd0c, "Neoverse-N1"},
    {0x41, 0xd0d, "Cortex-A77"},
    {0x41, 0xd0e, "Cortex-A76AE"},
    {0x41, 0xd40, "Neoverse-V1"},
    {0x41, 0xd41, "Cortex-A78"},
    {0x41, 0xd42, "Cortex-A78AE"},
    {0x41, 0xd43, "Cortex-A65AE"},
    {0x41, 0xd44, "Cortex-X1"},
    {0x41, 0xd46, "Cortex-A510"},
    {0x41, 0xd47, "Cortex-A710"},
    {0x41, 0xd48, "Cortex-X2"},
    {0x41, 0xd49, "Neoverse-N2"},
    {0x41, 0xd4a, "Neoverse-E1"},
    {0x41, 0xd4b, "Cortex-A78C"},
    {0x41, 0xd4c, "Cortex-X1C"},
    {0x41, 0xd4d, "Cortex-A715"},
    {0x41, 0xd4e, "Cortex-X3"},
    {0x41, 0xd4f, "Neoverse-V2"},
    {0x41, 0xd80, "Cortex-A520"},
    {0x41, 0xd81, "Cortex-A720"},
    {0x41, 0xd82, "Cortex-X4"},
    {0x41, 0xd83, "Neoverse-V3AE"},
    {0x41, 0xd84, "Neoverse-V3"},
    {0x41, 0xd85, "Cortex-X925"},
    {0x41, 0xd87, "Cortex-A725"},
    {0x41, 0xd88, "Cortex-A520AE"},
    {0x41, 0xd89, "Cortex-A720AE"},
    {0x41, 0xd8e, "Neoverse-N3"},
    {0x42, 0x516, "ThunderX2"},
    {0x43, 0x0a1, "ThunderX-88XX"},
    {0x43, 0x0af, "ThunderX2"},
    {0x46, 0x001, "A64FX"},
    {0x48, 0xd01, "TaiShan-v110"},
    {0x48, 0xd02, "TaiShan-v120"},
    {0x48, 0xd40, "Cortex-A76"},
    {0x48, 0xd41, "Cortex-A77"},
    {0x4e, 0x000, "Denver"},
    {0x4e, 0x003, "Denver-2"},
    {0x4e, 0x004, "Carmel"},
    {0x4e, 0x010, "Olympus"},
    {0x50, 0x000, "X-Gene"},
    {0x51, 0x001, "Oryon"},
    {0x51, 0xc00, "Falkor"},
    {0x61, 0x022, "Icestorm-M1", true},
    {0x61, 0x023, "Firestorm-M1"},
    {0x61, 0x024, "Icestorm-M1-Pro", true},
    {0x61, 0x025, "Firestorm-M1-Pro"},
    {0x61, 0x028, "Icestorm-M1-Max", true},
    {0x61, 0x029, "Firestorm-M1-Max"},
    {0x61, 0x032, "Blizzard-M2", true},
    {0x61, 0x033, "Avalanche-M2"},
    {0x6d, 0xd49, "Azure-Cobalt-100"},
    {0xc0, 0xac3, "Ampere-1"},
    {0xc0, 0xac4, "Ampere-1a"},
    {0xc0, 0xac5, "Ampere-1b"},
};

}  // namespace

std::string x86_microarchitecture(std::string_view vendor, int family, int model, int stepping) {
    if (vendor == "GenuineIntel") return find(intel_models, family, model, stepping);
    if (vendor == "AuthenticAMD") return find(amd_models, family, model, stepping);
    if (vendor == "HygonGenuine") return find(hygon_models, family, model, stepping);
    return "";
}

HybridDesigns hybrid_designs(std::string_view microarchitecture) {
    if (microarchitecture == "alder_lake") return {"golden_cove", "gracemont"};
    if (microarchitecture == "raptor_lake") return {"raptor_cove", "gracemont"};
    if (microarchitecture == "meteor_lake") return {"redwood_cove", "crestmont"};
    if (microarchitecture == "arrow_lake") return {"lion_cove", "skymont", "crestmont"};
    if (microarchitecture == "lunar_lake") return {"lion_cove", "skymont"};
    if (microarchitecture == "panther_lake") return {"cougar_cove", "darkmont"};
    return {};
}

ArmCore arm_core(unsigned implementer, unsigned part) {
    for (const ArmPart& entry : arm_parts) {
        if (entry.implementer != implementer || entry.part != part) continue;
        ArmCore core{entry.is_efficiency, std::string(entry.name), to_lower(entry.name)};
        // Microsoft's core is Arm's design under its own number.
        if (implementer == 0x6d) core.microarchitecture = "neoverse_n2";
        std::replace(core.microarchitecture.begin(), core.microarchitecture.end(), '-', '_');
        return core;
    }
    return {};
}

std::string_view arm_vendor(unsigned implementer) {
    switch (implementer) {
        case 0x41:
            return "ARM";
        case 0x42:
            return "Broadcom";
        case 0x43:
            return "Cavium";
        case 0x46:
            return "FUJITSU";
        case 0x48:
            return "HiSilicon";
        case 0x4e:
            return "NVIDIA";
        case 0x50:
            return "APM";
        case 0x51:
            return "Qualcomm";
        case 0x61:
            return "Apple";
        case 0x6d:
            return "Microsoft";
        case 0xc0:
            return "Ampere";
        default:
            return "";
    }
}

}  // namespace peakward::detail
