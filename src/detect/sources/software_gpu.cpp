// GPU driver, CUDA and ROCm, by the files they install; tools are asked last because they may be
// missing or slow where the files are not.
#include <algorithm>
#include <chrono>
#include <cstdint>

#include "core/json.hpp"
#include "detect/sources/software_facts.hpp"
#include "detect/sources/software_parts.hpp"

namespace peakward::detail {
namespace {

using Text = Fact<std::string>;

std::optional<Text> nvidia_driver(const SysRoot& root, const Hardware& hardware, Tried& tried) {
    constexpr auto proc = "/proc/driver/nvidia/version";
    if (const auto text = root.read(proc)) {
        if (const auto version = nvidia_module_version(*text)) return Text::known(*version, proc);
        tried.malformed(proc, "names no kernel module version");
    } else {
        tried.failed(text.error());
    }
    constexpr auto module = "/sys/module/nvidia/version";
    if (const auto text = root.read(module)) {
        const std::string version = trim(*text);
        if (is_word(version)) return Text::known(version, module);
        tried.malformed(module, "holds no version");
    } else {
        tried.failed(text.error());
    }
    for (const GpuInfo& gpu : hardware.gpus) {
        if (gpu.driver) return gpu.driver;
    }
    return std::nullopt;
}

// Jetson's older GPU driver (nvgpu) has no version of its own: it is a part of the L4T release.
std::optional<Text> tegra_driver(const SysRoot& root, Tried& tried) {
    constexpr auto path = "/etc/nv_tegra_release";
    const auto text = root.read(path);
    if (!text) {
        tried.failed(text.error());
        return std::nullopt;
    }
    if (const auto version = l4t_version(*text)) return Text::known("L4T " + *version, path);
    tried.malformed(path, "names no L4T release");
    return std::nullopt;
}

std::optional<Text> amd_driver(const SysRoot& root, const Software& software, Tried& tried) {
    constexpr auto path = "/sys/module/amdgpu/version";
    if (const auto text = root.read(path)) {
        const std::string version = trim(*text);
        if (is_word(version)) return Text::known("amdgpu " + version, path);
        tried.malformed(path, "holds no version");
    } else {
        tried.failed(text.error());
    }
    if (!root.exists("/sys/module/amdgpu")) return std::nullopt;
    const auto kernel = software.components.find("os_kernel");
    if (kernel == software.components.end() || !kernel->second) return std::nullopt;
    return Text::known("amdgpu of kernel " + *kernel->second,
                       "/sys/module/amdgpu, which has no version of its own");
}

Text driver(const SysRoot& root, const Context& context) {
    Tried tried;
    if (auto fact = nvidia_driver(root, context.hardware, tried)) return *fact;
    if (auto fact = tegra_driver(root, tried)) return *fact;
    if (auto fact = amd_driver(root, context.software, tried)) return *fact;
    return Text::unknown(
        tried.reason("not installed: neither an nvidia nor an amdgpu kernel module is loaded"));
}

std::vector<std::string> cuda_folders(const SysRoot& root) {
    std::vector<std::string> folders = {
        "/usr/local/cuda/lib64", "/usr/local/cuda/targets/x86_64-linux/lib",
        "/usr/local/cuda/targets/aarch64-linux/lib", "/usr/local/cuda/targets/sbsa-linux/lib"};
    folders.push_back(fmt::format("/usr/lib/{}-linux-gnu", root.architecture()));
    folders.emplace_back("/usr/lib64");
    return folders;
}

// The version is cut to "12.4": the files and nvcc tell it with different precision, and which of
// them answers must not move the software fingerprint.
Text cuda(const SysRoot& root) {
    Tried tried;
    for (const char* path : {"/usr/local/cuda/version.json", "/usr/local/cuda/version.txt"}) {
        const auto text = root.read(path);
        if (!text) {
            tried.failed(text.error());
            continue;
        }
        if (const auto version = cuda_version_of_json(*text)) {
            return Text::known(major_minor(*version), path);
        }
        tried.malformed(path, "names no CUDA version");
    }
    for (const std::string& folder : cuda_folders(root)) {
        const auto names = root.list(folder);
        if (!names) {
            tried.failed(names.error());
        } else if (const auto version = cuda_version_of_names(*names)) {
            return Text::known(major_minor(*version), folder + "/libcudart.so." + *version);
        }
    }
    for (const char* nvcc : {"nvcc", "/usr/local/cuda/bin/nvcc"}) {
        const auto text = output_of(root, {nvcc, "--version"}, std::chrono::seconds(3));
        if (!text) {
            tried.failed(text.error());
        } else if (const auto version = nvcc_version(*text)) {
            return Text::known(major_minor(*version), fmt::format("{} --version", nvcc));
        } else {
            tried.malformed(fmt::format("{} --version", nvcc), "printed no release");
        }
    }
    return Text::unknown(
        tried.reason("not installed: no /usr/local/cuda, no libcudart and no nvcc"));
}

Text rocm(const SysRoot& root) {
    constexpr auto path = "/opt/rocm/.info/version";
    Tried tried;
    const auto text = root.read(path);
    if (text) {
        const std::string version = trim(*text);
        if (is_word(version)) return Text::known(version, path);
        tried.malformed(path, "holds no version");
    } else {
        tried.failed(text.error());
    }
    return Text::unknown(tried.reason(fmt::format("not installed: {} does not exist", path)));
}

Text l4t(const SysRoot& root) {
    Tried tried;
    if (auto fact = tegra_driver(root, tried)) return *fact;
    return Text::unknown(tried.reason("not installed: this is no Jetson"));
}

// "12.4.127" as numbers that compare.
std::vector<long long> numbers_of(std::string_view version) {
    std::vector<long long> numbers;
    for (const std::string& part : split(version, '.')) {
        numbers.push_back(parse_integer(part).value_or(0));
    }
    return numbers;
}

}  // namespace

std::optional<std::string> nvidia_module_version(std::string_view text) {
    // "NVRM version: NVIDIA UNIX x86_64 Kernel Module  560.35.03  Fri Aug 16 ..." and
    // "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  540.3.0  Release Build ...".
    for (const std::string& line : lines_of(text)) {
        const std::size_t start = line.find("Kernel Module");
        if (line.starts_with("NVRM version:") && start != std::string::npos) {
            return first_version(std::string_view(line).substr(start));
        }
    }
    return std::nullopt;
}

std::optional<std::string> l4t_version(std::string_view text) {
    const std::size_t release = text.find("# R");
    const std::size_t revision = text.find("REVISION:");
    if (release == std::string_view::npos || revision == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view tail = text.substr(release + 3);
    const std::string_view major = tail.substr(0, tail.find_first_not_of("0123456789"));
    const auto minor = first_version(text.substr(revision, 40));
    if (major.empty() || major.size() > 4 || !minor) return std::nullopt;
    return fmt::format("{}.{}", major, *minor);
}

std::optional<std::string> cuda_version_of_json(std::string_view text) {
    const std::string start = trim(text.substr(0, 32));
    if (start.starts_with("CUDA Version")) return first_version(text);
    const auto document = parse_json(text, "version.json");
    if (!document || !document->is_object()) return std::nullopt;
    const auto cuda = document->find("cuda");
    if (cuda == document->end() || !cuda->is_object()) return std::nullopt;
    const auto version = cuda->find("version");
    if (version == cuda->end() || !version->is_string()) return std::nullopt;
    return first_version(version->get<std::string>());
}

std::optional<std::string> cuda_version_of_names(const std::vector<std::string>& names) {
    std::optional<std::string> newest;
    for (const std::string& name : names) {
        constexpr std::string_view prefix = "libcudart.so.";
        if (!name.starts_with(prefix)) continue;
        const std::string version = name.substr(prefix.size());
        // "libcudart.so.12" is a link that names no minor version.
        if (first_version(version) != version) continue;
        if (!newest || numbers_of(*newest) < numbers_of(version)) newest = version;
    }
    return newest;
}

void collect_gpu_software(const SysRoot& root, Context& context) {
    Software& software = context.software;
    set_component(software, "gpu_driver_version", driver(root, context));
    set_component(software, "cuda_version", cuda(root));
    set_component(software, "rocm_version", rocm(root));
    set_component(software, "jetson_linux", l4t(root));
}

}  // namespace peakward::detail
