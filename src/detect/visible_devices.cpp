// The form of the variables: CUDA C++ Programming Guide, "CUDA Environment Variables"; ROCm
// documentation, "GPU isolation techniques".
#include "detect/visible_devices.hpp"

#include <algorithm>
#include <cstdlib>

#include "core/device.hpp"
#include "core/text.hpp"

namespace peakward::detail {
namespace {

std::optional<std::string> variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? std::optional<std::string>(value) : std::nullopt;
}

struct Choice {
    std::vector<GpuInfo*> gpus;  // in the order of their numbers
    std::string source;          // what decided the numbers
    std::string obstacle;        // why the variable cannot be followed; "": it was
};

// "GPU-3f2a", "MIG-GPU-3f2a…/1/0": the beginning of an id is enough where it is of one GPU only.
std::vector<GpuInfo*> named_by_id(const std::string& word, const std::vector<GpuInfo*>& gpus) {
    std::string wanted = to_lower(word);
    if (wanted.starts_with("mig-gpu-")) wanted = wanted.substr(4, wanted.find('/') - 4);
    std::vector<GpuInfo*> found;
    for (GpuInfo* gpu : gpus)
        if (std::any_of(gpu->uuids.begin(), gpu->uuids.end(),
                        [&](const std::string& id) { return to_lower(id).starts_with(wanted); }))
            found.push_back(gpu);
    return found;
}

bool has_all_ids(const std::string& word, const std::vector<GpuInfo*>& gpus) {
    const bool slice = to_lower(word).starts_with("mig-");
    return std::all_of(gpus.begin(), gpus.end(), [&](const GpuInfo* gpu) {
        const bool divided = gpu->mig.value_or("disabled") == "enabled";
        return gpu->uuids.size() > (slice && divided ? 1u : 0u);
    });
}

// What a list of numbers and ids leaves of these GPUs. The first word that names none ends the
// list.
Choice chosen_by(const char* name, const std::string& list, const std::vector<GpuInfo*>& gpus) {
    Choice choice{{}, fmt::format("{}={}", name, list), ""};
    for (const std::string& part : split(list, ',')) {
        const std::string word = trim(part);
        GpuInfo* gpu = nullptr;
        if (const auto number = parse_integer(word)) {
            if (*number < 0 || *number >= static_cast<long long>(gpus.size())) break;
            gpu = gpus[static_cast<std::size_t>(*number)];
        } else if (to_lower(word).starts_with("gpu-") || to_lower(word).starts_with("mig-")) {
            const std::vector<GpuInfo*> named = named_by_id(word, gpus);
            if (named.size() == 1)
                gpu = named.front();
            else if (gpus.size() == 1 && !has_all_ids(word, gpus))
                gpu = gpus.front();
            else if (!has_all_ids(word, gpus))
                choice.obstacle =
                    fmt::format("'{}' is, since no source tells the ids of all GPUs", word);
        }
        if (gpu == nullptr) break;
        if (std::find(choice.gpus.begin(), choice.gpus.end(), gpu) != choice.gpus.end()) {
            choice.obstacle = fmt::format("each number is, since it names one GPU twice");
            break;
        }
        choice.gpus.push_back(gpu);
    }
    return choice;
}

void give_numbers(const char* kind, const std::vector<GpuInfo*>& gpus, const Choice& choice) {
    for (GpuInfo* gpu : gpus)
        gpu->device = Fact<std::string>::unknown(
            choice.obstacle.empty()
                ? fmt::format("{} hides it", choice.source)
                : fmt::format("{} {} ({})", not_numbered, choice.obstacle, choice.source));
    if (!choice.obstacle.empty()) return;
    for (std::size_t i = 0; i < choice.gpus.size(); ++i)
        choice.gpus[i]->device =
            Fact<std::string>::known(fmt::format("{}:{}", kind, i), choice.source);
}

std::vector<GpuInfo*> usable(const char* vendor, Hardware& hardware) {
    std::vector<GpuInfo*> gpus;
    for (GpuInfo& gpu : hardware.gpus)
        if (gpu.vendor == vendor && gpu.device == Fact<std::string>()) gpus.push_back(&gpu);
    return gpus;
}

constexpr const char* bus_order = "the order of the PCI addresses";

}  // namespace

VisibleDevices visible_devices_here() {
    return {variable("CUDA_VISIBLE_DEVICES"), variable("ROCR_VISIBLE_DEVICES"),
            variable("HIP_VISIBLE_DEVICES")};
}

void number_devices(const VisibleDevices& visible, Hardware& hardware) {
    const std::vector<GpuInfo*> nvidia = usable("nvidia", hardware);
    Choice choice{nvidia, bus_order, ""};
    if (visible.cuda) choice = chosen_by("CUDA_VISIBLE_DEVICES", *visible.cuda, nvidia);
    give_numbers("cuda", nvidia, choice);

    const std::vector<GpuInfo*> amd = usable("amd", hardware);
    choice = {amd, bus_order, ""};
    if (visible.rocr) choice = chosen_by("ROCR_VISIBLE_DEVICES", *visible.rocr, amd);
    // HIP takes NVIDIA's variable where its own is not set.
    const std::optional<std::string>& hip = visible.hip ? visible.hip : visible.cuda;
    if (hip && choice.obstacle.empty())
        choice = chosen_by(visible.hip ? "HIP_VISIBLE_DEVICES" : "CUDA_VISIBLE_DEVICES", *hip,
                           choice.gpus);
    give_numbers("rocm", amd, choice);

    std::map<std::string, int> counts;
    for (GpuInfo& gpu : hardware.gpus) {
        if (gpu.device != Fact<std::string>()) continue;
        const std::string kind(kind_of_vendor(gpu.vendor));
        gpu.device =
            Fact<std::string>::known(fmt::format("{}:{}", kind, counts[kind]++), bus_order);
    }
}

}  // namespace peakward::detail
