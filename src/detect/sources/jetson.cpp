// NVIDIA's integrated GPUs: their memory is the machine's. Thor's is on the PCI bus, where the
// kernel shows it there; the others are not.
#include "core/device.hpp"
#include "core/text.hpp"
#include "detect/gpus.hpp"
#include "detect/parse.hpp"
#include "detect/sources/collect.hpp"

namespace peakward::detail {
namespace {

struct Tegra {
    std::string_view compatible;  // of the chip, in the device tree
    const char* gpu;
    const char* compute_capability;  // CUDA Programming Guide, "Compute Capabilities"
    std::string_view pci_id = "";    // of the GPU, where it has one
};

constexpr Tegra chips[] = {
    {"nvidia,tegra210", "NVIDIA Tegra X1 (integrated GPU)", "5.3"},
    {"nvidia,tegra186", "NVIDIA Tegra X2 (integrated GPU)", "6.2"},
    {"nvidia,tegra194", "NVIDIA Xavier (integrated GPU)", "7.2"},
    {"nvidia,tegra234", "NVIDIA Orin (integrated GPU)", "8.7"},
    {"nvidia,tegra264", "NVIDIA Thor (integrated GPU)", "11.0", "10de:2b00"},
};

// "17000000.gpu", after the address of the device; on Thor "gpu-gpc-0", one for each cluster of
// multiprocessors ("gpu-nvd-0" is the clock of the video engines).
bool is_gpu_clock(const std::string& name) {
    for (const char* ending : {".gpu", ".gv11b", ".ga10b", ".gp10b"})
        if (name.ends_with(ending)) return true;
    return name.starts_with("gpu-gpc-");
}

// The highest clock that the GPU's devfreq devices allow now.
Fact<double> clock_max(const SysRoot& root) {
    const std::string folder = "/sys/class/devfreq";
    const auto names = root.list(folder);
    if (!names) return unknown_because<double>(names.error());
    auto highest = Fact<double>::unknown(folder + ": no GPU in it");
    for (const std::string& name : *names) {
        if (!is_gpu_clock(name)) continue;
        const auto hertz = integer_fact(root, fmt::format("{}/{}/max_freq", folder, name));
        if (!hertz || *hertz <= 0) continue;
        const double mhz = static_cast<double>(*hertz) * 1e-6;
        if (mhz > highest.value_or(0)) highest = Fact<double>::known(mhz, hertz.source());
    }
    return highest;
}

// The GPU that the bus already has, or a new one without a place on it.
GpuInfo& integrated_gpu(const Tegra& chip, Hardware& hardware) {
    for (GpuInfo& gpu : hardware.gpus)
        if (!chip.pci_id.empty() && gpu.pci_id.value_or("") == chip.pci_id) return gpu;
    GpuInfo& gpu = hardware.gpus.emplace_back();
    gpu.vendor = "nvidia";
    gpu.pci_id = Fact<std::string>::unknown("integrated GPU, not on the PCI bus");
    gpu.pci_address = Fact<std::string>::unknown("integrated GPU, not on the PCI bus");
    return gpu;
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
            GpuInfo& gpu = integrated_gpu(chip, context.hardware);
            gpu.model = Fact<std::string>::known(chip.gpu, path);
            gpu.vbios = Fact<std::string>::unknown("integrated GPU, it has no VBIOS of its own");
            gpu.compute_capability =
                Fact<std::string>::known(chip.compute_capability, "of this chip, by " + path);
            gpu.clock_max_mhz = clock_max(root);
            if (const auto& total = context.hardware.memory.total_gb; total && *total < 1 << 20)
                gpu.memory_mb =
                    Fact<int>::known(static_cast<int>(*total * 1024), std::string(shared_memory));
            return;
        }
    }
}

}  // namespace peakward::detail
