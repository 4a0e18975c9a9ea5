// Kernel, distribution, C library, firmware and hypervisor; drivers and CUDA are software_gpu.cpp.
#include <chrono>

#include "detect/sources/collect.hpp"
#include "detect/sources/environment_parts.hpp"
#include "detect/sources/software_facts.hpp"
#include "detect/sources/software_parts.hpp"

namespace peakward::detail {
namespace {

using Text = Fact<std::string>;

// The value of an os-release assignment: quotes removed, backslashes undone.
std::string unquoted(std::string_view value) {
    const bool quoted = value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
                        value.front() == value.back();
    const bool literal = quoted && value.front() == '\'';
    if (quoted) value = value.substr(1, value.size() - 2);
    if (literal) return std::string(value);
    std::string plain;
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (value[i] == '\\' && i + 1 < value.size()) ++i;
        plain += value[i];
    }
    return plain;
}

Text kernel(const SysRoot& root) {
    constexpr auto path = "/proc/sys/kernel/osrelease";
    Tried tried;
    const auto text = root.read(path);
    if (text) {
        const std::string release = trim(*text);
        if (is_word(release)) return Text::known(release, path);
        tried.malformed(path, "holds no kernel release");
    } else {
        tried.failed(text.error());
    }
    return Text::unknown(tried.reason(fmt::format("{} does not exist", path)));
}

Text distribution(const SysRoot& root) {
    Tried tried;
    for (const char* path : {"/etc/os-release", "/usr/lib/os-release"}) {
        const auto text = root.read(path);
        if (!text) {
            tried.failed(text.error());
            continue;
        }
        if (const auto name = distribution_name(parse_os_release(*text))) {
            return Text::known(*name, path);
        }
        tried.malformed(path, "names no distribution");
    }
    return Text::unknown(tried.reason("neither /etc/os-release nor /usr/lib/os-release exists"));
}

// "glibc 2.36" or "musl 1.2.4".
Text c_library(const SysRoot& root) {
    Tried tried;
    const auto limit = std::chrono::seconds(2);
    if (const auto text = output_of(root, {"getconf", "GNU_LIBC_VERSION"}, limit)) {
        if (const auto version = first_version(*text)) {
            return Text::known("glibc " + *version, "getconf GNU_LIBC_VERSION");
        }
        tried.malformed("getconf GNU_LIBC_VERSION", "printed no version");
    } else {
        tried.failed(text.error());
    }
    const auto ldd = root.run({"ldd", "--version"}, limit);
    if (!ldd) {
        tried.failed(ldd.error());
        return Text::unknown(tried.reason("neither getconf nor ldd is on the PATH"));
    }
    // glibc's ldd answers on stdout; musl's complains on stderr and tells its version there.
    const std::string said = ldd->out + "\n" + ldd->err;
    const std::vector<std::string> lines = lines_of(said);
    const std::string all = said.substr(0, 1024);
    if (const auto version = first_version(all); version && all.find("musl") != std::string::npos) {
        return Text::known("musl " + *version, "ldd --version");
    }
    for (const std::string& line : lines) {
        const std::size_t space = line.rfind(' ');
        const auto version = first_version(space == std::string::npos ? line : line.substr(space));
        if (version) return Text::known("glibc " + *version, "ldd --version");
    }
    tried.malformed("ldd --version", "printed no version");
    return Text::unknown(tried.reason(""));
}

// The firmware that set up the machine: memory timings and power limits come from it.
Text firmware(const SysRoot& root) {
    Tried tried;
    const std::string folder = "/sys/class/dmi/id/";
    std::vector<std::string> parts;
    for (const char* file : {"bios_vendor", "bios_version"}) {
        const auto text = root.read(folder + file);
        if (!text) {
            tried.failed(text.error());
        } else if (const std::string word = trim(*text); is_word(word)) {
            parts.push_back(word);
        }
    }
    if (!parts.empty()) {
        return Text::known(fmt::format("{}", fmt::join(parts, " ")), folder + "bios_version");
    }
    return Text::unknown(tried.reason("this machine has no DMI tables"));
}

std::string hyperv_version(const CpuidRegisters& leaf) {
    // Hypervisor Top Level Functional Specification, leaf 0x40000002: eax is the build, ebx the
    // major and minor version.
    return fmt::format("Hyper-V {}.{}.{}", leaf.ebx >> 16, leaf.ebx & 0xffff, leaf.eax);
}

// What the host below this guest runs, where it tells.
Text hypervisor(const SysRoot& root) {
    const Fact<std::string> kind = hypervisor_kind(root);
    if (!kind) return Text::unknown(kind.reason());
    if (*kind == "none") return Text::unknown("not installed: this is no guest");
    if (*kind == "xen") {
        const auto major = root.read("/sys/hypervisor/version/major");
        const auto minor = root.read("/sys/hypervisor/version/minor");
        const auto extra = root.read("/sys/hypervisor/version/extra");
        if (major && minor) {
            return Text::known(
                fmt::format("Xen {}.{}{}", trim(*major), trim(*minor), extra ? trim(*extra) : ""),
                "/sys/hypervisor/version");
        }
    }
    if (*kind == "hyper-v") {
        const auto leaf = root.cpuid(0, 0x40000002, 0);
        if (leaf) return Text::known(hyperv_version(*leaf), "CPUID leaf 0x40000002");
    }
    return Text::unknown(fmt::format("the hypervisor {} does not tell its version", *kind));
}

}  // namespace

std::map<std::string, std::string> parse_os_release(std::string_view text) {
    std::map<std::string, std::string> variables;
    for (const std::string& raw : lines_of(text)) {
        const std::string line = trim(raw);
        const std::size_t equals = line.find('=');
        if (line.empty() || line.front() == '#' || equals == std::string::npos || equals == 0) {
            continue;
        }
        variables[line.substr(0, equals)] = unquoted(std::string_view(line).substr(equals + 1));
    }
    return variables;
}

std::optional<std::string> distribution_name(const std::map<std::string, std::string>& variables) {
    const auto value = [&](const char* key) -> std::string {
        const auto found = variables.find(key);
        const std::string word = found == variables.end() ? "" : trim(found->second);
        return is_word(word) ? word : "";
    };
    std::string name = value("NAME");
    if (name.empty()) {
        const std::string pretty = value("PRETTY_NAME");
        return pretty.empty() ? std::nullopt : std::optional(pretty);
    }
    // "Debian GNU/Linux" is "Debian" in seed 000's spelling; other names stand as they are.
    constexpr std::string_view gnu = " GNU/Linux";
    if (name.ends_with(gnu)) name.resize(name.size() - gnu.size());
    std::string version = value("VERSION_ID");
    if (version.empty()) version = value("VERSION_CODENAME");  // testing releases have no number
    return version.empty() ? name : name + " " + version;
}

void collect_software(const SysRoot& root, Clock&, const DetectOptions&, Context& context) {
    Software& software = context.software;
    set_component(software, "os_kernel", kernel(root));
    set_component(software, "os_distro", distribution(root));
    set_component(software, "libc", c_library(root));
    set_component(software, "system_firmware", firmware(root));
    set_component(software, "hypervisor", hypervisor(root));
    collect_gpu_software(root, context);
    // Seed 000's names are always there, even when their source is never asked.
    for (const char* name : {"pytorch_version", "numpy_version", "blas_library"}) {
        software.components.try_emplace(name);
    }
}

}  // namespace peakward::detail
