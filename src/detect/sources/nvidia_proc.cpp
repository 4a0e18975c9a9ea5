// What the NVIDIA kernel driver tells in /proc: no tool has to run for it.
#include <cctype>

#include "core/text.hpp"
#include "detect/gpus.hpp"
#include "detect/parse.hpp"
#include "detect/sources/collect.hpp"

namespace peakward::detail {
namespace {

const std::string nvidia_folder = "/proc/driver/nvidia";

// "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19 ..." -> "535.129.03"
Fact<std::string> driver_version(const SysRoot& root) {
    const std::string path = nvidia_folder + "/version";
    auto text = text_fact(root, path);
    if (!text) return text;
    for (const std::string& word : split_list(text->substr(0, text->find('\n')))) {
        const bool number = word.find('.') != std::string::npos &&
                            word.find_first_not_of("0123456789.") == std::string::npos;
        if (number) return Fact<std::string>::known(word, path);
    }
    return Fact<std::string>::unknown(path + ": no version number in it");
}

// Before its first use the driver has not read the card's firmware and prints question marks.
Fact<std::string> told(const KeyValues& information, const char* key, const std::string& path) {
    const std::string value = value_of(information, key);
    if (value.empty())
        return Fact<std::string>::unknown(fmt::format("{}: no line '{}'", path, key));
    if (value.find('?') != std::string::npos || value == "N/A" || value == "Unknown")
        return Fact<std::string>::unknown(
            fmt::format("{}: the driver has not initialised this GPU", path));
    return Fact<std::string>::known(value, path);
}

}  // namespace

void collect_nvidia_proc(const SysRoot& root, Clock&, const DetectOptions&, Context& context) {
    Hardware& hardware = context.hardware;
    const auto names = root.list(nvidia_folder + "/gpus");
    if (names) {
        for (const std::string& name : *names) {
            const std::string address = pci_address(name);
            if (address.empty()) continue;
            const std::string path = fmt::format("{}/gpus/{}/information", nvidia_folder, name);
            GpuInfo& gpu = gpu_at(hardware, address, "nvidia");
            const auto text = root.read(path);
            if (!text) {
                fill(gpu.vbios, unknown_because<std::string>(text.error()));
                continue;
            }
            const std::vector<KeyValues> blocks = parse_blocks(*text);
            const KeyValues information = blocks.empty() ? KeyValues{} : blocks.front();
            fill(gpu.model, told(information, "Model", path));
            fill(gpu.vbios, told(information, "Video BIOS", path));
        }
    }
    const auto driver = driver_version(root);
    for (GpuInfo& gpu : hardware.gpus) {
        if (gpu.vendor != "nvidia") continue;
        fill(gpu.driver, driver);
        if (!names) fill(gpu.vbios, unknown_because<std::string>(names.error()));
    }
}

}  // namespace peakward::detail
