// What NVML says of a GPU while it works: the clock, whether something holds it back, heat, power.
// Whatever cannot be read is not told, and nothing else fails for it.
#pragma once

#include <optional>
#include <string>

#include "cuda/libraries.hpp"
#include "sdk/worker.hpp"

namespace peakward::worker::cuda {

struct Stamp {
    double clock_hz = 0;  // of the multiprocessors; 0: not told
    Throttle throttle = Throttle::unknown;
};

class Monitor {
public:
    // NVML counts GPUs in another order than CUDA: the PCI address tells which one is meant.
    Monitor(const NvmlLibrary* nvml, const std::string& pci_address);

    Stamp stamp() const;
    std::optional<double> temperature_c() const;
    std::optional<double> power_w() const;

private:
    const NvmlLibrary* nvml_;  // null where there is none
    NvmlDevice device_ = nullptr;
};

}  // namespace peakward::worker::cuda
