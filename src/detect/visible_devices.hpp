// Which GPUs the backends of a run see, and by which numbers.
#pragma once

#include <optional>
#include <string>

#include "core/records.hpp"

namespace peakward::detail {

// The variables of the user that hide GPUs and put them in another order; absent: not set.
struct VisibleDevices {
    std::optional<std::string> cuda;  // CUDA_VISIBLE_DEVICES
    std::optional<std::string> rocr;  // ROCR_VISIBLE_DEVICES: first, for all of ROCm
    std::optional<std::string> hip;   // HIP_VISIBLE_DEVICES: of those that ROCR_ leaves
};
// As they are set for this process, whose workers inherit them.
VisibleDevices visible_devices_here();

// Gives each GPU that a run can use its name ("cuda:0"), and each other the reason. The order is
// that of the PCI addresses: the host starts workers with CUDA_DEVICE_ORDER=PCI_BUS_ID. Lost GPUs
// have no number. To be called with sorted GPUs.
void number_devices(const VisibleDevices& visible, Hardware& hardware);

}  // namespace peakward::detail
