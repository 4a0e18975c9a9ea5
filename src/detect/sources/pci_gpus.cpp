// Every device on the PCI bus that computes, with or without a driver. The PCI id is taken from
// here and from nowhere else first: it is part of the fingerprint and must not depend on a tool.
#include <algorithm>
#include <iterator>

#include "core/device.hpp"
#include "core/text.hpp"
#include "detect/gpus.hpp"
#include "detect/parse.hpp"
#include "detect/sources/collect.hpp"

namespace peakward::detail {
namespace {

// Base classes of PCI: the PCI Code and ID Assignment Specification.
constexpr std::uint64_t display = 0x03;
constexpr std::uint64_t accelerator = 0x12;

// Vendors of accelerators that give their devices classes of other kinds (Coral: system peripheral,
// Hailo-8: co-processor). Their storage, network and bridges are no accelerators.
bool is_of_accelerator_vendor(std::string_view vendor, std::uint64_t base_class) {
    constexpr std::uint64_t others[] = {0x01, 0x02, 0x05, 0x06, 0x07, 0x0c, 0x0d};
    const bool known =
        vendor == "habana" || vendor == "google" || vendor == "hailo" || vendor == "tenstorrent";
    return known && std::find(std::begin(others), std::end(others), base_class) == std::end(others);
}

// The displays of other vendors are consoles of servers and of hypervisors.
bool computes(std::string_view vendor, std::uint64_t base_class) {
    if (base_class == accelerator) return true;
    if (base_class == display)
        return vendor == "nvidia" || vendor == "amd" || vendor == "intel" ||
               vendor == "moore_threads";
    return is_of_accelerator_vendor(vendor, base_class);
}

std::ptrdiff_t count_npus(const Hardware& hardware) {
    return std::count_if(hardware.gpus.begin(), hardware.gpus.end(), [](const GpuInfo& gpu) {
        return gpu.device.value_or("").starts_with("npu:");
    });
}

void add_device(const SysRoot& root, const std::string& folder, const std::string& address,
                Hardware& hardware) {
    const auto hex = [&](const char* name) {
        return parse_hex(text_fact(root, folder + "/" + name).value_or(""));
    };
    const auto id = hex("vendor");
    if (!id || *id > 0xffff) return;
    const std::string_view vendor = vendor_of_pci(static_cast<unsigned>(*id));
    const auto pci_class = hex("class");
    const bool gpu_maker = vendor == "nvidia" || vendor == "amd";
    if (pci_class ? !computes(vendor, *pci_class >> 16) : !gpu_maker) return;
    GpuInfo& gpu = gpu_at(hardware, address,
                          vendor.empty() ? fmt::format("{:04x}", *id) : std::string(vendor));
    const auto device = hex("device");
    if (device && *device <= 0xffff)
        fill(gpu.pci_id, Fact<std::string>::known(fmt::format("{:04x}:{:04x}", *id, *device),
                                                  folder + "/device"));
    else
        fill(gpu.pci_id, Fact<std::string>::unknown(folder + "/device: cannot be read"));
    // Intel's GPUs are "xpu", and its NPUs are no GPUs.
    if (vendor == "intel" && pci_class && *pci_class >> 16 == accelerator &&
        gpu.device == Fact<std::string>())
        gpu.device = Fact<std::string>::known(fmt::format("npu:{}", count_npus(hardware)), "PCI");
}

}  // namespace

void collect_pci_gpus(const SysRoot& root, Clock&, const DetectOptions&, Context& context) {
    const std::string bus = "/sys/bus/pci/devices";
    if (const auto names = root.list(bus))
        for (const std::string& name : *names)
            if (const std::string address = pci_address(name); !address.empty())
                add_device(root, bus + "/" + name, address, context.hardware);
    // Some containers show the cards but not the bus.
    const std::string cards = "/sys/class/drm";
    const auto names = root.list(cards);
    if (!names) return;
    for (const std::string& name : *names) {
        if (!name.starts_with("card") || !parse_integer(name.substr(4))) continue;
        const std::string folder = fmt::format("{}/{}/device", cards, name);
        const std::string events = text_fact(root, folder + "/uevent").value_or("");
        // A text fact ends at the first NUL only: uevent is lines of NAME=value.
        for (const std::string& line : split(events, '\n'))
            if (line.starts_with("PCI_SLOT_NAME="))
                if (const std::string address = pci_address(line.substr(14)); !address.empty())
                    add_device(root, folder, address, context.hardware);
    }
}

}  // namespace peakward::detail
