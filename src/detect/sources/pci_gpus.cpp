// Every NVIDIA and AMD GPU on the PCI bus, with or without a driver. The PCI id is taken from here
// and from nowhere else first: it is part of the fingerprint and must not depend on a tool.
#include "core/text.hpp"
#include "detect/gpus.hpp"
#include "detect/parse.hpp"
#include "detect/sources/collect.hpp"

namespace peakward::detail {
namespace {

constexpr std::uint64_t nvidia = 0x10de;
constexpr std::uint64_t amd = 0x1002;

bool is_gpu_class(std::uint64_t pci_class) {
    // 0x03xxxx: display controllers; 0x12xxxx: processing accelerators, as Instinct calls itself.
    return pci_class >> 16 == 0x03 || pci_class >> 16 == 0x12;
}

void add_device(const SysRoot& root, const std::string& folder, const std::string& address,
                Hardware& hardware) {
    const auto hex = [&](const char* name) {
        return parse_hex(text_fact(root, folder + "/" + name).value_or(""));
    };
    const auto vendor = hex("vendor");
    if (!vendor || (*vendor != nvidia && *vendor != amd)) return;
    const auto pci_class = hex("class");
    if (pci_class && !is_gpu_class(*pci_class)) return;
    GpuInfo& gpu = gpu_at(hardware, address, *vendor == nvidia ? "nvidia" : "amd");
    const auto device = hex("device");
    if (device && *device <= 0xffff)
        fill(gpu.pci_id, Fact<std::string>::known(fmt::format("{:04x}:{:04x}", *vendor, *device),
                                                  folder + "/device"));
    else
        fill(gpu.pci_id, Fact<std::string>::unknown(folder + "/device: cannot be read"));
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
