#include "score/spec_peaks.hpp"

#include <algorithm>
#include <iterator>

#include "core/device.hpp"
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

// What an instruction set is for. The vectors serve every precision; one that is not listed
// ("f16c") makes no peak.
struct Purpose {
    std::string_view instruction_set, precision;
};
constexpr Purpose purposes[] = {
    {"avx512_bf16", "bf16"}, {"amx_bf16", "bf16"}, {"bf16", "bf16"},     {"avx512_fp16", "fp16"},
    {"amx_fp16", "fp16"},    {"asimdhp", "fp16"},  {"avx_vnni", "int8"}, {"avx512_vnni", "int8"},
    {"amx_int8", "int8"},    {"asimddp", "int8"},  {"i8mm", "int8"}};

bool serves(const std::string& instruction_set, const std::string& precision) {
    for (const Purpose& purpose : purposes)
        if (purpose.instruction_set == instruction_set) return purpose.precision == precision;
    constexpr std::string_view vectors[] = {"avx2", "avx512f", "asimd", "sve"};
    return std::find(std::begin(vectors), std::end(vectors), instruction_set) != std::end(vectors);
}

// A hypervisor or an old kernel may hide what the peaks of the product need.
std::string lacks_instructions(const DeviceSpec& device, const CpuInfo& cpu,
                               const std::string& precision) {
    if (cpu.isa.empty()) return "";
    for (const std::string& word : device.spec->isa)
        if (serves(word, precision) &&
            std::find(cpu.isa.begin(), cpu.isa.end(), word) == cpu.isa.end())
            return fmt::format(
                "this machine does not offer {}, which {} has, so its peaks are not used", word,
                device.spec->id);
    return "";
}

std::string gpu_in_part(const DeviceSpec& device, const GpuInfo* gpu) {
    if (!gpu) return "";
    if (gpu->mig.value_or("") == "enabled")
        return fmt::format(
            "{} is divided by MIG and a run computes on a slice, so the peaks of {} are "
            "not used",
            device.device, device.spec->id);
    const auto cores = cores_of(device);
    if (!cores || !gpu->multiprocessors) return "";
    const double whole = *cores / device.spec->devices;
    if (*gpu->multiprocessors >= whole) return "";
    return fmt::format("{} shows {} of the {:.0f} multiprocessors of {}, so its peaks are not used",
                       device.device, *gpu->multiprocessors, whole, device.spec->id);
}

void times(Peak& peak, int sockets) {
    if (peak.kind == PeakKind::unknown || sockets == 1) return;
    peak.value *= sockets;
    peak.formula = fmt::format("{} sockets x ({})", sockets, peak.formula);
    peak.inputs.push_back({"sockets", static_cast<double>(sockets), "socket", "topology"});
}

// Of a product that shows itself as several devices.
void share(Peak& peak, int devices) {
    if (peak.kind == PeakKind::unknown || devices == 1) return;
    peak.value /= devices;
    peak.formula = fmt::format("1 of {} devices of ({})", devices, peak.formula);
    peak.inputs.push_back({"devices", static_cast<double>(devices), "device", "hardware database"});
}

}  // namespace

SpecPeaks spec_peaks(const DeviceSpec& device, const Context& context,
                     std::span<const Measurement> measurements, const std::string& precision) {
    SpecPeaks peaks;
    const bool cpu = device.device == "cpu";
    const int sockets = cpu ? std::max(1, context.hardware.cpu.sockets.value_or(1)) : 1;
    const GpuInfo* gpu = cpu ? nullptr : find_gpu(context.hardware, device.device);
    peaks.why_not =
        cpu ? cpu_in_part(device, sockets, context, measurements) : gpu_in_part(device, gpu);
    if (cpu && peaks.why_not.empty())
        peaks.why_not = lacks_instructions(device, context.hardware.cpu, precision);
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
    if (gpu && gpu->clock_max_mhz)
        peaks.compute = peak_at_most(std::move(peaks.compute), *device.spec, device.power_mode,
                                     *gpu->clock_max_mhz * 1e6);
    for (Peak* peak : {&peaks.compute, &peaks.bandwidth}) {
        times(*peak, sockets);
        share(*peak, device.spec->devices);
    }
    return peaks;
}

}  // namespace peakward
