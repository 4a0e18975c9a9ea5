// Identities of a machine and of its software, by seed 000's formula (DESIGN 7).
#include <algorithm>

#include "core/sha256.hpp"
#include "core/text.hpp"
#include "detect/detect.hpp"

namespace peakward {
namespace {

constexpr const char* unknown = "unknown";
constexpr const char* no_gpu = "no_gpu";

std::string fingerprint_of(const std::vector<std::string>& parts) {
    return sha256_hex(fmt::format("{}", fmt::join(parts, "|"))).substr(0, 16);
}

std::string part(const Fact<std::string>& fact) { return fact.value_or(unknown); }
std::string part(const Fact<int>& fact) { return fact ? fmt::format("{}", *fact) : unknown; }

// "32", "15.5": an integer where it is whole, as the seed writes it.
std::string part(const Fact<double>& fact) {
    if (!fact) return unknown;
    const auto whole = static_cast<std::int64_t>(*fact);
    return static_cast<double>(whole) == *fact ? fmt::format("{}", whole)
                                               : fmt::format("{}", *fact);
}

struct GpuParts {
    std::string ids = no_gpu;
    std::string vbios = no_gpu;
};

// Sorted by what is joined, not by slot: moving a card moves no identity. Of NVIDIA and AMD alone:
// devices of other vendors came into the list later and move no identity either.
GpuParts gpu_parts(const std::vector<GpuInfo>& gpus) {
    std::vector<std::pair<std::string, std::string>> cards;
    for (const GpuInfo& gpu : gpus)
        if (gpu.vendor == "nvidia" || gpu.vendor == "amd")
            cards.emplace_back(part(gpu.pci_id), part(gpu.vbios));
    if (cards.empty()) return {};
    std::sort(cards.begin(), cards.end());
    std::vector<std::string> ids, vbios;
    for (const auto& [id, version] : cards) {
        ids.push_back(id);
        vbios.push_back(version);
    }
    return {fmt::format("{}", fmt::join(ids, ",")), fmt::format("{}", fmt::join(vbios, ","))};
}

std::string component(const Software& software, const std::string& name) {
    const auto found = software.components.find(name);
    return found == software.components.end() ? unknown : part(found->second);
}

}  // namespace

std::string hardware_fingerprint(const Hardware& hardware) {
    const CpuInfo& cpu = hardware.cpu;
    const GpuParts gpus = gpu_parts(hardware.gpus);
    return fingerprint_of({part(cpu.model), part(cpu.vendor), part(cpu.stepping),
                           part(cpu.microcode), part(cpu.cores_physical), gpus.ids, gpus.vbios,
                           part(hardware.memory.total_gb)});
}

std::string hardware_lineage(const Hardware& hardware) {
    const CpuInfo& cpu = hardware.cpu;
    return fingerprint_of({part(cpu.model), part(cpu.vendor), part(cpu.stepping),
                           part(cpu.cores_physical), gpu_parts(hardware.gpus).ids,
                           part(hardware.memory.total_gb)});
}

std::string software_fingerprint(const Software& software) {
    std::vector<std::string> parts;
    for (const char* name :
         {"os_kernel", "gpu_driver_version", "cuda_version", "pytorch_version", "numpy_version"})
        parts.push_back(component(software, name));
    return fingerprint_of(parts);
}

std::string stack_digest(const Software& software) {
    std::vector<std::string> lines;
    for (const auto& [name, version] : software.components)
        lines.push_back(fmt::format("{}={}", name, part(version)));
    return fingerprint_of(lines);
}

}  // namespace peakward
