// Names of devices ("cpu", "cuda:1"), parsed here and nowhere else, and the GPU that a name means.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "core/records.hpp"

namespace peakward {

struct DeviceName {
    std::string kind;  // "cpu", "cuda", "rocm"
    int index = 0;
};
// "cuda" is "cuda:0". Nothing where the text is no name: an empty kind, an index that is no number.
std::optional<DeviceName> parse_device(std::string_view text);
// "cuda" and "CUDA:0" -> "cuda:0", "cpu" -> "cpu"; a text that is no name stays as it is.
std::string canonical_device(std::string_view text);
// The same of older files, in which "gpu" is a CUDA device.
std::string older_device(std::string_view text);

// The kinds of devices besides the CPU, and whose they are; "" for those of several vendors.
struct DeviceKind {
    std::string_view kind, vendor;
};
inline constexpr std::array device_kinds{
    DeviceKind{"cuda", "nvidia"}, DeviceKind{"rocm", "amd"},    DeviceKind{"hip", "amd"},
    DeviceKind{"xpu", "intel"},   DeviceKind{"hpu", "habana"},  DeviceKind{"qaic", "qualcomm"},
    DeviceKind{"tpu", "google"},  DeviceKind{"mps", "apple"},   DeviceKind{"npu", ""},
    DeviceKind{"gpu", ""},        DeviceKind{"accelerator", ""}};
// "nvidia" for "cuda"; "" where the kind does not tell.
std::string_view vendor_of_kind(std::string_view kind);
// "cuda" for "nvidia", "accelerator" for a vendor without a kind of its own.
std::string_view kind_of_vendor(std::string_view vendor);

// Vendors of devices that compute, by their PCI vendor id; "" for any other.
std::string_view vendor_of_pci(unsigned vendor_id);
// The vendor that a PCI id ("10de:2330") or a product's name ("AMD Instinct MI300X") tells; "" when
// neither does.
std::string vendor_of_gpu(std::string_view pci_id, std::string_view model);

// "0000:01:00.0" from "00000000:01:00.0" or "0000:01:00.0", lower case; "" when it is no address.
std::string pci_address(std::string_view text);

// Why a GPU is no device of a run (GpuInfo::device) begins with this when it stopped answering.
inline constexpr std::string_view gpu_lost = "the GPU is lost";
bool is_lost(const GpuInfo& gpu);
// It begins with this where a variable of the user names GPUs in a way that detection cannot
// follow.
inline constexpr std::string_view not_numbered = "it is not known which GPU";
bool is_not_numbered(const GpuInfo& gpu);
// The source of a model that no driver told: the table of PCI ids knew it.
inline constexpr std::string_view named_by_pci_id = "by its PCI id";

// The source of the memory of a GPU that has none of its own.
inline constexpr std::string_view shared_memory = "shared with the CPU: the machine's memory";

// The place in `gpus` of the GPU that a device name means: by the numbering that detection
// recorded; in a record without one, by counting the vendor's GPUs. Nothing for "cpu".
std::optional<std::size_t> gpu_index(const std::vector<GpuInfo>& gpus, std::string_view device);
const GpuInfo* find_gpu(const Hardware& hardware, std::string_view device);

}  // namespace peakward
