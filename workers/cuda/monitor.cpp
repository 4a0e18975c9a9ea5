#include "cuda/monitor.hpp"

namespace peakward::worker::cuda {

Monitor::Monitor(const NvmlLibrary* nvml, const std::string& pci_address) : nvml_(nvml) {
    if (nvml_ == nullptr) return;
    if (nvml_->nvmlDeviceGetHandleByPciBusId(pci_address.c_str(), &device_) != nvml_success)
        nvml_ = nullptr;
}

Stamp Monitor::stamp() const {
    Stamp stamp;
    if (nvml_ == nullptr) return stamp;
    unsigned mhz = 0;
    if (nvml_->nvmlDeviceGetClockInfo(device_, nvml_clock_sm, &mhz) == nvml_success)
        stamp.clock_hz = mhz * 1e6;
    unsigned long long bits = 0;
    if (nvml_->nvmlDeviceGetCurrentClocksThrottleReasons(device_, &bits) != nvml_success)
        return stamp;
    constexpr unsigned long long slowed = nvml_hardware_slowdown | nvml_software_thermal |
                                          nvml_hardware_thermal | nvml_hardware_power_brake;
    stamp.throttle = (bits & slowed) != 0           ? Throttle::slowed
                     : (bits & nvml_power_cap) != 0 ? Throttle::power_cap
                                                    : Throttle::none;
    return stamp;
}

std::optional<double> Monitor::temperature_c() const {
    unsigned celsius = 0;
    if (nvml_ == nullptr ||
        nvml_->nvmlDeviceGetTemperature(device_, nvml_temperature_gpu, &celsius) != nvml_success)
        return std::nullopt;
    return celsius;
}

std::optional<double> Monitor::power_w() const {
    unsigned milliwatts = 0;
    if (nvml_ == nullptr || nvml_->nvmlDeviceGetPowerUsage(device_, &milliwatts) != nvml_success)
        return std::nullopt;
    return milliwatts * 1e-3;
}

}  // namespace peakward::worker::cuda
