#include "detect/cpuid.hpp"

#include <array>
#include <bit>
#include <cstring>

#include "core/text.hpp"

namespace peakward::detail {
namespace {

std::string as_text(std::initializer_list<std::uint32_t> words) {
    std::string text;
    for (const std::uint32_t word : words)
        for (int byte = 0; byte < 4; ++byte) text += static_cast<char>(word >> (8 * byte) & 0xff);
    // A brand string ends at its first NUL; anything unprintable is damage.
    text.resize(std::min(text.find('\0'), text.size()));
    for (char& c : text)
        if (c < ' ' || c > '~') c = '?';
    return text;
}

CpuidRegisters leaf_or_zero(const SysRoot& root, int cpu, std::uint32_t leaf,
                            std::uint32_t subleaf = 0) {
    return root.cpuid(cpu, leaf, subleaf).value_or(CpuidRegisters{});
}

std::string brand_string(const SysRoot& root, int cpu) {
    std::string brand;
    for (const std::uint32_t leaf : {0x80000002u, 0x80000003u, 0x80000004u}) {
        const auto r = root.cpuid(cpu, leaf, 0);
        if (!r) return "";
        brand += as_text({r->eax, r->ebx, r->ecx, r->edx});
    }
    return trim(brand);
}

bool bit(std::uint32_t word, int index) { return (word >> index & 1u) != 0; }

// Shifts of an APIC id: below `core` are the threads of a core, below `package` those of a socket.
struct ApicShifts {
    std::uint32_t apic = 0;
    unsigned core = 0;
    unsigned package = 0;
};

// Leaves 0xB, 0x1F and 0x80000026 share one form: each sub-leaf gives the shift to the next level.
std::optional<ApicShifts> apic_shifts(const SysRoot& root, int cpu, std::uint32_t leaf) {
    ApicShifts shifts;
    bool any = false;
    for (std::uint32_t level = 0; level < 8; ++level) {
        const auto r = root.cpuid(cpu, leaf, level);
        if (!r) break;
        const std::uint32_t type = r->ecx >> 8 & 0xff;
        if (type == 0 || (r->ebx & 0xffff) == 0) break;
        const unsigned shift = r->eax & 0x1f;
        // Level type 1 is the thread level of Intel's leaves, the core level of AMD's: both give
        // the shift from thread to core.
        if (type == 1) shifts.core = shift;
        shifts.package = shift;
        shifts.apic = r->edx;
        any = true;
    }
    if (!any || shifts.package < shifts.core) return std::nullopt;
    return shifts;
}

// Processors before the extended topology leaves: Intel's leaf 4, AMD's 0x80000008 and 0x8000001E.
ApicShifts legacy_levels(const SysRoot& root, int cpu) {
    ApicShifts shifts;
    const CpuidRegisters basic = leaf_or_zero(root, cpu, 1);
    shifts.apic = basic.ebx >> 24;
    unsigned logical = bit(basic.edx, 28) ? basic.ebx >> 16 & 0xff : 1;
    unsigned cores = (leaf_or_zero(root, cpu, 4).eax >> 26 & 0x3f) + 1;
    if (const auto amd = root.cpuid(cpu, 0x80000008, 0); amd && (amd->ecx & 0xff) != 0) {
        cores = (amd->ecx & 0xff) + 1;
        logical = std::max(logical, cores);
    }
    if (const auto extended = root.cpuid(cpu, 0x8000001e, 0); extended && extended->eax != 0) {
        shifts.apic = extended->eax;
        const unsigned threads = (extended->ebx >> 8 & 0xff) + 1;
        cores = std::max(1u, logical / threads);
    }
    logical = std::max(logical, 1u);
    const unsigned threads = std::max(1u, logical / std::max(cores, 1u));
    shifts.core = static_cast<unsigned>(std::bit_width(threads - 1));
    shifts.package = static_cast<unsigned>(std::bit_width(std::max(logical, cores) - 1));
    return shifts;
}

CpuidCoreType core_type(const SysRoot& root, int cpu, const std::string& vendor) {
    const CpuidRegisters features = leaf_or_zero(root, cpu, 7);
    if (vendor == "GenuineIntel" && bit(features.edx, 15)) {
        switch (leaf_or_zero(root, cpu, 0x1a).eax >> 24) {
            case 0x40:
                return CpuidCoreType::performance;
            case 0x20:
                return CpuidCoreType::efficiency;
            default:
                return CpuidCoreType::unknown;
        }
    }
    const CpuidRegisters amd = leaf_or_zero(root, cpu, 0x80000026);
    if (vendor != "AuthenticAMD" || !bit(amd.eax, 30)) return CpuidCoreType::unknown;
    return amd.ebx >> 28 == 0 ? CpuidCoreType::performance : CpuidCoreType::efficiency;
}

struct Feature {
    const char* name;
    std::uint32_t leaf, subleaf;
    int register_index;  // eax, ebx, ecx, edx
    int bit_index;
};

constexpr Feature plain_features[] = {
    {"sse2", 1, 0, 3, 26},   {"ssse3", 1, 0, 2, 9},   {"sse4_1", 1, 0, 2, 19},
    {"sse4_2", 1, 0, 2, 20}, {"popcnt", 1, 0, 2, 23},
};
constexpr Feature avx_features[] = {
    {"avx", 1, 0, 2, 28},          {"f16c", 1, 0, 2, 29},          {"fma", 1, 0, 2, 12},
    {"avx2", 7, 0, 1, 5},          {"avx_vnni", 7, 1, 0, 4},       {"avx_ifma", 7, 1, 0, 23},
    {"avx_vnni_int8", 7, 1, 3, 4}, {"avx_ne_convert", 7, 1, 3, 5},
};
constexpr Feature avx512_features[] = {
    {"avx512f", 7, 0, 1, 16},    {"avx512dq", 7, 0, 1, 17},    {"avx512cd", 7, 0, 1, 28},
    {"avx512bw", 7, 0, 1, 30},   {"avx512vl", 7, 0, 1, 31},    {"avx512_vnni", 7, 0, 2, 11},
    {"avx512_bf16", 7, 1, 0, 5}, {"avx512_fp16", 7, 0, 3, 23},
};
// The tiles themselves are the kernel's to announce: no leaf tells whether it saves their state.
constexpr Feature tile_features[] = {{"amx_fp16", 7, 1, 0, 21}};

bool has(const SysRoot& root, int cpu, const Feature& feature) {
    const CpuidRegisters r = leaf_or_zero(root, cpu, feature.leaf, feature.subleaf);
    const std::uint32_t words[] = {r.eax, r.ebx, r.ecx, r.edx};
    return bit(words[feature.register_index], feature.bit_index);
}

}  // namespace

ReadResult<CpuidIdentity> cpuid_identity(const SysRoot& root, int cpu) {
    const auto zero = root.cpuid(cpu, 0, 0);
    if (!zero) return tl::make_unexpected(zero.error());
    const auto one = root.cpuid(cpu, 1, 0);
    if (!one) return tl::make_unexpected(one.error());
    CpuidIdentity identity;
    identity.vendor = as_text({zero->ebx, zero->edx, zero->ecx});
    const std::uint32_t family = one->eax >> 8 & 0xf;
    const std::uint32_t model = one->eax >> 4 & 0xf;
    identity.family = static_cast<int>(family == 15 ? family + (one->eax >> 20 & 0xff) : family);
    const bool extended = family == 6 || family == 15;
    identity.model = static_cast<int>(extended ? model + (one->eax >> 16 & 0xf) * 16 : model);
    identity.stepping = static_cast<int>(one->eax & 0xf);
    identity.brand = brand_string(root, cpu);
    return identity;
}

std::vector<std::string> cpuid_isa(const SysRoot& root, int cpu) {
    std::vector<std::string> isa;
    for (const Feature& feature : plain_features)
        if (has(root, cpu, feature)) isa.emplace_back(feature.name);
    const bool os_saves_state = bit(leaf_or_zero(root, cpu, 1).ecx, 27);
    if (!os_saves_state || !has(root, cpu, avx_features[0])) return isa;
    for (const Feature& feature : avx_features)
        if (has(root, cpu, feature)) isa.emplace_back(feature.name);
    if (!has(root, cpu, avx512_features[0])) return isa;
    for (const Feature& feature : avx512_features)
        if (has(root, cpu, feature)) isa.emplace_back(feature.name);
    return isa;
}

std::vector<std::string> cpuid_tile_isa(const SysRoot& root, int cpu) {
    std::vector<std::string> isa;
    for (const Feature& feature : tile_features)
        if (has(root, cpu, feature)) isa.emplace_back(feature.name);
    return isa;
}

ReadResult<CpuidPlace> cpuid_place(const SysRoot& root, int cpu) {
    const auto identity = cpuid_identity(root, cpu);
    if (!identity) return tl::make_unexpected(identity.error());
    std::optional<ApicShifts> shifts;
    for (const std::uint32_t leaf : {0x80000026u, 0x1fu, 0xbu})
        if (!shifts) shifts = apic_shifts(root, cpu, leaf);
    if (!shifts) shifts = legacy_levels(root, cpu);
    CpuidPlace place;
    place.apic = shifts->apic;
    place.core = shifts->core < 32 ? shifts->apic >> shifts->core : 0;
    place.package = shifts->package < 32 ? shifts->apic >> shifts->package : 0;
    place.type = core_type(root, cpu, identity->vendor);
    return place;
}

}  // namespace peakward::detail
