#include "detect/gpus.hpp"

#include <algorithm>
#include <string_view>

namespace peakward::detail {
namespace {

struct NamedId {
    std::string_view pci_id, name;
};

// From the public pci.ids database (pci-ids.ucw.cz), the accelerators people calibrate.
constexpr NamedId known_ids[] = {
    {"10de:1db1", "NVIDIA Tesla V100-SXM2-16GB"},
    {"10de:1db4", "NVIDIA Tesla V100-PCIE-16GB"},
    {"10de:1db5", "NVIDIA Tesla V100-SXM2-32GB"},
    {"10de:1db6", "NVIDIA Tesla V100-PCIE-32GB"},
    {"10de:1eb8", "NVIDIA Tesla T4"},
    {"10de:2204", "NVIDIA GeForce RTX 3090"},
    {"10de:20b0", "NVIDIA A100-SXM4-40GB"},
    {"10de:20b2", "NVIDIA A100-SXM4-80GB"},
    {"10de:20b5", "NVIDIA A100 80GB PCIe"},
    {"10de:20f1", "NVIDIA A100-PCIE-40GB"},
    {"10de:2235", "NVIDIA A40"},
    {"10de:2236", "NVIDIA A10"},
    {"10de:2330", "NVIDIA H100 80GB HBM3"},
    {"10de:2331", "NVIDIA H100 PCIe"},
    {"10de:2335", "NVIDIA H200"},
    {"10de:2684", "NVIDIA GeForce RTX 4090"},
    {"10de:2704", "NVIDIA GeForce RTX 4080"},
    {"10de:26b9", "NVIDIA L40S"},
    {"10de:27b8", "NVIDIA L4"},
    {"10de:2901", "NVIDIA B200"},
    {"10de:2b85", "NVIDIA GeForce RTX 5090"},
    {"1002:7408", "AMD Instinct MI250X"},
    {"1002:740f", "AMD Instinct MI210"},
    {"1002:74a0", "AMD Instinct MI300A"},
    {"1002:74a1", "AMD Instinct MI300X"},
    {"1002:744c", "AMD Radeon RX 7900 XT/7900 XTX"},
    {"1002:73bf", "AMD Radeon RX 6800/6800 XT/6900 XT"},
};

}  // namespace

GpuInfo& gpu_at(Hardware& hardware, const std::string& address, const std::string& vendor) {
    for (GpuInfo& gpu : hardware.gpus)
        if (gpu.pci_address && *gpu.pci_address == address) return gpu;
    GpuInfo& gpu = hardware.gpus.emplace_back();
    gpu.vendor = vendor;
    gpu.pci_address = Fact<std::string>::known(address, "PCI");
    return gpu;
}

void sort_gpus(Hardware& hardware) {
    std::stable_sort(hardware.gpus.begin(), hardware.gpus.end(),
                     [](const GpuInfo& a, const GpuInfo& b) {
                         const auto place = [](const GpuInfo& gpu) {
                             const bool first = gpu.vendor == "nvidia" || gpu.vendor == "amd";
                             return std::pair(!first, gpu.pci_address.value_or("~"));
                         };
                         return place(a) < place(b);
                     });
}

std::string gpu_name_by_pci_id(const std::string& pci_id) {
    for (const NamedId& known : known_ids)
        if (known.pci_id == pci_id) return std::string(known.name);
    return "";
}

}  // namespace peakward::detail
