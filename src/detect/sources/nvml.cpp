// What only NVIDIA's library knows: multiprocessors, clocks, limits, ECC, who else computes.
#include "detect/nvml.hpp"

#include "core/device.hpp"
#include "core/text.hpp"
#include "detect/gpus.hpp"
#include "detect/parse.hpp"
#include "detect/sources/collect.hpp"
#include "detect/visible_devices.hpp"

namespace peakward::detail {

namespace {

// Last of the GPU sources: what none of them looked for is said to be so.
void say_what_is_not_there(GpuInfo& gpu) {
    const std::string reason = gpu.vendor == "amd" ? "amdgpu does not tell it in sysfs"
                               : gpu.vendor == "nvidia"
                                   ? "no source of this machine tells it"
                                   : fmt::format("no driver of {} is asked", gpu.vendor);
    for_each_fact(gpu, [&](auto& fact) { fill(fact, unknown_like(fact, reason)); });
}

}  // namespace

void collect_nvml(const SysRoot& root, Clock&, const DetectOptions& options, Context& context) {
    Hardware& hardware = context.hardware;
    // Initialising a GPU without persistence mode takes seconds; no call takes ten.
    NvmlTranscript transcript;
    if (root.is_live()) {
        transcript = interview_nvml(nvml_library, std::chrono::seconds(10));
    } else if (auto captured = root.read("/nvml.jsonl")) {
        transcript.said = std::move(*captured);
    } else {
        transcript.misfortune = "was not captured on this machine";
    }
    merge_nvml(read_nvml(transcript), hardware);
    sort_gpus(hardware);
    // A captured machine is not in the environment of this process.
    const VisibleDevices here = root.is_live() ? visible_devices_here() : VisibleDevices{};
    number_devices(options.visible_devices.value_or(here), hardware);
    for (GpuInfo& gpu : hardware.gpus) {
        say_what_is_not_there(gpu);
        if (gpu.model || !gpu.pci_id) continue;
        const std::string name = gpu_name_by_pci_id(*gpu.pci_id);
        if (!name.empty()) gpu.model = Fact<std::string>::known(name, std::string(named_by_pci_id));
    }
}

}  // namespace peakward::detail

namespace peakward {

ReadResult<EnergyTotal> gpu_energy(const SysRoot& root) {
    if (!root.is_live())
        return tl::make_unexpected(
            ReadFailure{Absence::missing, "a captured machine has no energy counter"});
    const auto energy = detail::read_gpu_energy(detail::nvml_library, 0, std::chrono::seconds(10));
    if (!energy) return tl::make_unexpected(energy.error());
    if (energy->gpus != 1)
        return tl::make_unexpected(ReadFailure{
            Absence::failed,
            fmt::format("there are {} GPUs, and which of them computes is not known from outside",
                        energy->gpus)});
    return EnergyTotal{static_cast<double>(energy->total_mj) * 1e-3, energy->at};
}

}  // namespace peakward
