// PCI vendor ids: the PCI ID Repository, pci-ids.ucw.cz.
#include "core/device.hpp"

#include <charconv>
#include <utility>

#include "core/text.hpp"

namespace peakward {
namespace {

constexpr long long index_max = 4096;

struct PciVendor {
    unsigned id;
    std::string_view vendor;
};
constexpr std::array pci_vendors{
    PciVendor{0x10de, "nvidia"},      PciVendor{0x1002, "amd"},
    PciVendor{0x8086, "intel"},       PciVendor{0x1da3, "habana"},
    PciVendor{0x1ae0, "google"},      PciVendor{0x1ac1, "google"},
    PciVendor{0x1e60, "hailo"},       PciVendor{0x17cb, "qualcomm"},
    PciVendor{0x1d0f, "aws"},         PciVendor{0x19e5, "huawei"},
    PciVendor{0x1e52, "tenstorrent"}, PciVendor{0x1ed5, "moore_threads"}};

// Words of product names; the first that is in a name decides.
struct VendorWord {
    std::string_view word, vendor;
};
constexpr std::array vendor_words{VendorWord{"nvidia", "nvidia"},
                                  VendorWord{"geforce", "nvidia"},
                                  VendorWord{"tesla", "nvidia"},
                                  VendorWord{"quadro", "nvidia"},
                                  VendorWord{"rtx", "nvidia"},
                                  VendorWord{"gtx", "nvidia"},
                                  VendorWord{"gaudi", "habana"},
                                  VendorWord{"habana", "habana"},
                                  VendorWord{"hl-", "habana"},
                                  VendorWord{"amd", "amd"},
                                  VendorWord{"radeon", "amd"},
                                  VendorWord{"instinct", "amd"},
                                  VendorWord{"mi2", "amd"},
                                  VendorWord{"mi3", "amd"},
                                  VendorWord{"qualcomm", "qualcomm"},
                                  VendorWord{"cloud ai", "qualcomm"},
                                  VendorWord{"intel", "intel"},
                                  VendorWord{"arc ", "intel"},
                                  VendorWord{"tpu", "google"},
                                  VendorWord{"hailo", "hailo"},
                                  VendorWord{"trainium", "aws"},
                                  VendorWord{"inferentia", "aws"},
                                  VendorWord{"ascend", "huawei"},
                                  VendorWord{"wormhole", "tenstorrent"},
                                  VendorWord{"blackhole", "tenstorrent"}};

}  // namespace

std::optional<DeviceName> parse_device(std::string_view text) {
    DeviceName name;
    const std::size_t colon = text.find(':');
    name.kind = to_lower(trim(text.substr(0, colon)));
    if (name.kind.empty()) return std::nullopt;
    if (colon == std::string_view::npos) return name;
    const auto index = parse_integer(text.substr(colon + 1));
    if (!index || *index < 0 || *index > index_max) return std::nullopt;
    name.index = static_cast<int>(*index);
    return name;
}

std::string canonical_device(std::string_view text) {
    const auto name = parse_device(text);
    if (!name) return std::string(text);
    return name->kind == "cpu" ? name->kind : fmt::format("{}:{}", name->kind, name->index);
}

std::string older_device(std::string_view text) {
    return canonical_device(to_lower(trim(text)) == "gpu" ? "cuda" : text);
}

std::string_view vendor_of_kind(std::string_view kind) {
    for (const DeviceKind& known : device_kinds)
        if (known.kind == kind) return known.vendor;
    return "";
}

std::string_view kind_of_vendor(std::string_view vendor) {
    for (const DeviceKind& known : device_kinds)
        if (known.vendor == vendor && !vendor.empty()) return known.kind;
    return "accelerator";
}

std::string_view vendor_of_pci(unsigned vendor_id) {
    for (const PciVendor& known : pci_vendors)
        if (known.id == vendor_id) return known.vendor;
    return "";
}

std::string vendor_of_gpu(std::string_view pci_id, std::string_view model) {
    const std::string id = to_lower(pci_id.substr(0, pci_id.find(':')));
    for (const PciVendor& known : pci_vendors)
        if (id == fmt::format("{:04x}", known.id)) return std::string(known.vendor);
    const std::string name = to_lower(model);
    for (const auto& [word, vendor] : vendor_words)
        if (name.find(word) != std::string::npos) return std::string(vendor);
    return "";
}

std::string pci_address(std::string_view text) {
    const std::vector<std::string> parts = split(to_lower(trim(text)), ':');
    const std::vector<std::string> slot =
        parts.size() == 3 ? split(parts[2], '.') : std::vector<std::string>{};
    if (slot.size() != 2) return "";
    std::array<unsigned, 4> numbers{};
    const std::string* texts[] = {&parts[0], &parts[1], &slot[0], &slot[1]};
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const char* end = texts[i]->data() + texts[i]->size();
        const auto [stopped, error] = std::from_chars(texts[i]->data(), end, numbers[i], 16);
        if (texts[i]->empty() || stopped != end || error != std::errc{}) return "";
    }
    return fmt::format("{:04x}:{:02x}:{:02x}.{:x}", numbers[0], numbers[1], numbers[2], numbers[3]);
}

bool is_lost(const GpuInfo& gpu) {
    return !gpu.device && gpu.device.reason().starts_with(gpu_lost);
}

bool is_not_numbered(const GpuInfo& gpu) {
    return !gpu.device && gpu.device.reason().starts_with(not_numbered);
}

std::optional<std::size_t> gpu_index(const std::vector<GpuInfo>& gpus, std::string_view device) {
    const auto name = parse_device(device);
    if (!name || name->kind == "cpu") return std::nullopt;
    const std::string wanted = canonical_device(device);
    for (std::size_t i = 0; i < gpus.size(); ++i)
        if (gpus[i].device && canonical_device(*gpus[i].device) == wanted) return i;
    const auto has_no_number = [](const GpuInfo& gpu) { return gpu.device == Fact<std::string>(); };
    // PyTorch on ROCm says "cuda": in a record of one GPU without a number, that is the one.
    if (gpus.size() == 1 && name->index == 0 && has_no_number(gpus[0])) return 0;
    const std::string_view vendor = vendor_of_kind(name->kind);
    int before = 0;
    for (std::size_t i = 0; i < gpus.size(); ++i) {
        if (!vendor.empty() && gpus[i].vendor != vendor) continue;
        // "hip:1" where detection wrote "rocm:1".
        const auto known = gpus[i].device ? parse_device(*gpus[i].device) : std::nullopt;
        const bool alias = known && vendor_of_kind(known->kind) == vendor && !vendor.empty();
        if (alias && known->index == name->index) return i;
        if (has_no_number(gpus[i]) && before++ == name->index) return i;
    }
    return std::nullopt;
}

const GpuInfo* find_gpu(const Hardware& hardware, std::string_view device) {
    const auto index = gpu_index(hardware.gpus, device);
    return index ? &hardware.gpus[*index] : nullptr;
}

}  // namespace peakward
