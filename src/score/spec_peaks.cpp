#include "score/spec_peaks.hpp"

#include <algorithm>

#include "core/text.hpp"
#include "hardware/peaks.hpp"

namespace peakward {
namespace {

// Of the entry in its power mode; nothing when a kind's number is unknown.
std::optional<double> cores_of(const DeviceSpec& device) {
    double cores = 0;
    for (const CoreGroup& group : cores_in(*device.spec, device.power_mode)) {
        if (!group.count) return std::nullopt;
        cores += *group.count.value;
    }
    if (cores == 0) return std::nullopt;
    return cores;
}

std::string cpu_in_part(const DeviceSpec& device, int sockets, const Context& context,
                        std::span<const Measurement> measurements) {
    const auto cores = cores_of(device);
    if (!cores)
        return fmt::format("{} does not say how many cores it has, so its peaks are not used",
                           device.spec->id);
    int threads = 0;
    for (const Measurement& m : measurements)
        if (m.what.device == "cpu") threads = std::max(threads, m.what.threads);
    // An imported summary does not tell its threads: it is taken to have used the cores it saw.
    if (threads == 0) threads = context.hardware.cpu.cores_physical.value_or(0);
    if (threads >= *cores * sockets) return "";
    return fmt::format("the run used {} of the {:.0f} cores of {}{}, so its peaks are not used",
                       threads, *cores * sockets, sockets > 1 ? fmt::format("{} x ", sockets) : "",
                       device.spec->id);
}

// The GPU that "cuda:1" names: the second of NVIDIA's.
const GpuInfo* gpu_of(const Context& context, const std::string& device) {
    const std::size_t colon = device.find(':');
    if (colon == std::string::npos) return nullptr;
    const auto index = parse_integer(device.substr(colon + 1));
    const std::string vendor = device.starts_with("cuda") ? "nvidia" : "amd";
    long long seen = 0;
    for (const GpuInfo& gpu : context.hardware.gpus)
        if (gpu.vendor == vendor && index && seen++ == *index) return &gpu;
    return nullptr;
}

std::string gpu_in_part(const DeviceSpec& device, const Context& context) {
    const GpuInfo* gpu = gpu_of(context, device.device);
    const auto cores = cores_of(device);
    if (!gpu || !cores || !gpu->multiprocessors || *gpu->multiprocessors >= *cores) return "";
    return fmt::format("{} shows {} of the {:.0f} multiprocessors of {}, so its peaks are not used",
                       device.device, *gpu->multiprocessors, *cores, device.spec->id);
}

void times(Peak& peak, int sockets) {
    if (peak.kind == PeakKind::unknown || sockets == 1) return;
    peak.value *= sockets;
    peak.formula = fmt::format("{} sockets x ({})", sockets, peak.formula);
    peak.inputs.push_back({"sockets", static_cast<double>(sockets), "socket", "topology"});
}

}  // namespace

SpecPeaks spec_peaks(const DeviceSpec& device, const Context& context,
                     std::span<const Measurement> measurements, const std::string& precision) {
    SpecPeaks peaks;
    const bool cpu = device.device == "cpu";
    const int sockets = cpu ? std::max(1, context.hardware.cpu.sockets.value_or(1)) : 1;
    peaks.why_not =
        cpu ? cpu_in_part(device, sockets, context, measurements) : gpu_in_part(device, context);
    if (!peaks.why_not.empty()) {
        peaks.flag = "product_in_part";
        return peaks;
    }
    if (!device.spec->power_modes.empty() && device.power_mode.empty()) {
        peaks.why_not = fmt::format(
            "{} has power modes with peaks of their own, and the machine does not show which one "
            "it is in, so its peaks are not used",
            device.spec->id);
        peaks.flag = "power_mode_unknown";
        return peaks;
    }
    peaks.compute = spec_peak(*device.spec, precision, device.power_mode);
    peaks.bandwidth = spec_bandwidth(*device.spec, device.power_mode);
    times(peaks.compute, sockets);
    times(peaks.bandwidth, sockets);
    return peaks;
}

}  // namespace peakward
