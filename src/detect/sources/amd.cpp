// AMD GPUs, as the amdgpu driver shows them in sysfs.
#include "core/text.hpp"
#include "detect/gpus.hpp"
#include "detect/parse.hpp"
#include "detect/sources/collect.hpp"

namespace peakward::detail {
namespace {

// The PCI folder, or the card's where a container hides the bus.
std::string folder_of(const SysRoot& root, const std::string& address) {
    std::string bus = "/sys/bus/pci/devices/" + address;
    if (root.exists(bus)) return bus;
    const auto names = root.list("/sys/class/drm");
    if (names)
        for (const std::string& name : *names) {
            std::string device = fmt::format("/sys/class/drm/{}/device", name);
            const std::string events = text_fact(root, device + "/uevent").value_or("");
            if (events.find("PCI_SLOT_NAME=" + address) != std::string::npos) return device;
        }
    return bus;
}

// A hardware-monitor figure in millionths or thousandths of its unit.
Fact<double> monitor(const SysRoot& root, const std::string& folder, const char* file,
                     double scale) {
    const auto names = root.list(folder + "/hwmon");
    if (!names) return unknown_because<double>(names.error());
    for (const std::string& name : *names) {
        const auto value = integer_fact(root, fmt::format("{}/hwmon/{}/{}", folder, name, file));
        if (value) return Fact<double>::known(static_cast<double>(*value) * scale, value.source());
    }
    return Fact<double>::unknown(fmt::format("{}/hwmon/*/{}: no such file", folder, file));
}

// "2: 2526Mhz *": the last line is the highest level.
Fact<double> clock_max(const SysRoot& root, const std::string& folder) {
    const std::string path = folder + "/pp_dpm_sclk";
    const auto text = text_fact(root, path);
    if (!text) return Fact<double>::unknown(text.reason());
    double highest = 0;
    for (const std::string& line : split(*text, '\n')) {
        const std::size_t colon = line.find(':');
        const std::size_t unit = to_lower(line).find("mhz");
        if (colon == std::string::npos || unit == std::string::npos || unit < colon) continue;
        highest =
            std::max(highest, parse_number(line.substr(colon + 1, unit - colon - 1)).value_or(0));
    }
    if (highest <= 0) return Fact<double>::unknown(path + ": no clock in it");
    return Fact<double>::known(highest, path);
}

Fact<std::string> driver_of(const SysRoot& root) {
    auto own = text_fact(root, "/sys/module/amdgpu/version");
    if (own) return own;
    if (!root.exists("/sys/module/amdgpu"))
        return Fact<std::string>::unknown("the amdgpu kernel module is not loaded");
    const auto kernel = text_fact(root, "/proc/sys/kernel/osrelease");
    if (!kernel) return Fact<std::string>::unknown(kernel.reason());
    return Fact<std::string>::known("amdgpu of kernel " + *kernel, kernel.source());
}

}  // namespace

void collect_amd(const SysRoot& root, Clock&, const DetectOptions&, Context& context) {
    for (GpuInfo& gpu : context.hardware.gpus) {
        if (gpu.vendor != "amd" || !gpu.pci_address) continue;
        const std::string folder = folder_of(root, *gpu.pci_address);
        fill(gpu.model, text_fact(root, folder + "/product_name"));
        fill(gpu.vbios, text_fact(root, folder + "/vbios_version"));
        // By which ROCm's variables may name the GPU.
        if (const auto id = text_fact(root, folder + "/unique_id")) gpu.uuids = {"GPU-" + *id};
        const auto vram = integer_fact(root, folder + "/mem_info_vram_total");
        fill(gpu.memory_mb,
             vram && *vram > 0 && *vram >> 20 < 1 << 30
                 ? Fact<int>::known(static_cast<int>(*vram >> 20), vram.source())
                 : Fact<int>::unknown(vram ? vram.source() + ": not a size" : vram.reason()));
        fill(gpu.driver, driver_of(root));
        fill(gpu.clock_max_mhz, clock_max(root, folder));
        fill(gpu.power_limit_w, monitor(root, folder, "power1_cap", 1e-6));
        fill(gpu.power_limit_default_w, monitor(root, folder, "power1_cap_default", 1e-6));
        fill(gpu.temperature_c, monitor(root, folder, "temp1_input", 1e-3));
    }
}

}  // namespace peakward::detail
