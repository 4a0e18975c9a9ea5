// NVIDIA's integrated GPUs: not on the PCI bus, their memory is the machine's.
#include "core/text.hpp"
#include "detect/parse.hpp"
#include "detect/sources/collect.hpp"

namespace peakward::detail {
namespace {

struct Tegra {
    std::string_view compatible;  // of the chip, in the device tree
    const char* gpu;
    const char* compute_capability;  // CUDA Programming Guide, "Compute Capabilities"
};

constexpr Tegra chips[] = {
    {"nvidia,tegra210", "NVIDIA Tegra X1 (integrated GPU)", "5.3"},
    {"nvidia,tegra186", "NVIDIA Tegra X2 (integrated GPU)", "6.2"},
    {"nvidia,tegra194", "NVIDIA Xavier (integrated GPU)", "7.2"},
    {"nvidia,tegra234", "NVIDIA Orin (integrated GPU)", "8.7"},
    {"nvidia,tegra264", "NVIDIA Thor (integrated GPU)", "11.0"},
};

// The GPU's clock range is a devfreq device named after its address.
Fact<double> clock_max(const SysRoot& root) {
    const std::string folder = "/sys/class/devfreq";
    const auto names = root.list(folder);
    if (!names) return unknown_because<double>(names.error());
    for (const std::string& name : *names) {
        const bool gpu = name.ends_with(".gpu") || name.ends_with(".gv11b") ||
                         name.ends_with(".ga10b") || name.ends_with(".gp10b");
        if (!gpu) continue;
        const auto hertz = integer_fact(root, fmt::format("{}/{}/max_freq", folder, name));
        if (hertz && *hertz > 0)
            return Fact<double>::known(static_cast<double>(*hertz) * 1e-6, hertz.source());
    }
    return Fact<double>::unknown(folder + ": no GPU in it");
}

}  // namespace

void collect_jetson(const SysRoot& root, Clock&, const DetectOptions&, Context& context) {
    const std::string path = "/proc/device-tree/compatible";
    auto compatible = root.read(path);
    if (!compatible) compatible = root.read("/sys/firmware/devicetree/base/compatible");
    if (!compatible) return;
    // A list of names, each ended by a NUL.
    for (const std::string& name : split(*compatible, '\0')) {
        for (const Tegra& chip : chips) {
            if (name != chip.compatible) continue;
            GpuInfo gpu;
            gpu.vendor = "nvidia";
            gpu.model = Fact<std::string>::known(chip.gpu, path);
            gpu.pci_id = Fact<std::string>::unknown("integrated GPU, not on the PCI bus");
            gpu.pci_address = Fact<std::string>::unknown("integrated GPU, not on the PCI bus");
            gpu.vbios = Fact<std::string>::unknown("integrated GPU, it has no VBIOS of its own");
            gpu.compute_capability =
                Fact<std::string>::known(chip.compute_capability, "of this chip, by " + path);
            gpu.clock_max_mhz = clock_max(root);
            if (const auto& total = context.hardware.memory.total_gb; total && *total < 1 << 20)
                gpu.memory_mb = Fact<int>::known(static_cast<int>(*total * 1024),
                                                 "shared with the CPU: the machine's memory");
            context.hardware.gpus.push_back(std::move(gpu));
            return;
        }
    }
}

}  // namespace peakward::detail
