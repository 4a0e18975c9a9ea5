// Is this a guest, a container, both or neither? Each answer names what told it.
#include <array>
#include <cstring>

#include "detect/sources/environment_parts.hpp"
#include "detect/sources/software_facts.hpp"

namespace peakward::detail {
namespace {

using Text = Fact<std::string>;

std::string signature_of(const CpuidRegisters& leaf) {
    std::array<char, 12> bytes;
    std::memcpy(bytes.data(), &leaf.ebx, 4);
    std::memcpy(bytes.data() + 4, &leaf.ecx, 4);
    std::memcpy(bytes.data() + 8, &leaf.edx, 4);
    return std::string(bytes.data(), bytes.size());
}

struct Signature {
    std::string_view text;
    std::string_view kind;
};
constexpr auto signatures = std::to_array<Signature>({
    {"KVMKVMKVM", "kvm"},
    {"Linux KVM Hv", "kvm"},
    {"TCGTCGTCGTCG", "qemu"},
    {"VMwareVMware", "vmware"},
    {"Microsoft Hv", "hyper-v"},
    {"XenVMMXenVMM", "xen"},
    {"VBoxVBoxVBox", "virtualbox"},
    {"bhyve bhyve ", "bhyve"},
    {" lrpepyh vr", "parallels"},
    {"prl hyperv  ", "parallels"},
    {"ACRNACRNACRN", "acrn"},
    {"QNXQVMBSQG", "qnx"},
    {"SRESRESRESRE", "lmhs"},
});

std::string kind_of_signature(const std::string& signature) {
    for (const Signature& known : signatures) {
        if (signature.starts_with(known.text)) return std::string(known.kind);
    }
    const std::string word = trim(signature.c_str());
    return is_word(word, 12) ? to_lower(word) : "unknown hypervisor";
}

// DMI strings that makers of virtual machines put in. Cloud names alone are no sign: the same
// vendors rent out bare machines.
std::string kind_of_dmi(const std::string& vendor, const std::string& product) {
    const auto has = [](const std::string& text, std::string_view part) {
        return text.find(part) != std::string::npos;
    };
    if (has(product, ".metal")) return "";
    if (has(vendor, "QEMU") || has(product, "KVM") || has(product, "QEMU")) return "kvm";
    if (has(vendor, "Amazon EC2") || has(product, "Google Compute Engine")) return "kvm";
    if (has(vendor, "OpenStack") || has(product, "OpenStack")) return "kvm";
    if (has(vendor, "VMware")) return "vmware";
    if (has(vendor, "innotek GmbH") || has(product, "VirtualBox")) return "virtualbox";
    if (has(vendor, "Xen")) return "xen";
    if (has(vendor, "Microsoft Corporation") && has(product, "Virtual Machine")) return "hyper-v";
    if (has(vendor, "Parallels")) return "parallels";
    if (has(vendor, "BHYVE") || has(product, "BHYVE")) return "bhyve";
    if (has(vendor, "Apple Inc.") && has(product, "Virtualization")) return "apple";
    return "";
}

std::optional<std::string> file_word(const SysRoot& root, const std::string& path, Tried& tried) {
    const auto text = root.read(path);
    if (!text) {
        tried.failed(text.error());
        return std::nullopt;
    }
    return trim(*text);
}

// Known with "none" when DMI was read and names no virtual machine.
std::optional<Text> by_dmi(const SysRoot& root, Tried& tried) {
    const std::string folder = "/sys/class/dmi/id/";
    const auto vendor = file_word(root, folder + "sys_vendor", tried);
    const auto product = file_word(root, folder + "product_name", tried);
    if (!vendor && !product) return std::nullopt;
    const std::string kind = kind_of_dmi(vendor.value_or(""), product.value_or(""));
    return Text::known(kind.empty() ? "none" : kind, folder + "sys_vendor and product_name");
}

std::optional<Text> by_device_tree(const SysRoot& root, Tried& tried) {
    const std::string folder = "/proc/device-tree/";
    if (const auto word = file_word(root, folder + "hypervisor/compatible", tried)) {
        const bool kvm = word->find("kvm") != std::string::npos;
        const bool xen = word->find("xen") != std::string::npos;
        return Text::known(kvm   ? "kvm"
                           : xen ? "xen"
                                 : "unknown hypervisor",
                           folder + "hypervisor/compatible");
    }
    const auto board = file_word(root, folder + "compatible", tried);
    if (!board) return std::nullopt;
    if (board->find("linux,dummy-virt") != std::string::npos) {
        return Text::known("kvm", folder + "compatible");
    }
    return Text::known("none", folder + "compatible");
}

// The hypervisor bit of x86: set by every hypervisor, reserved as 0 by AMD and Intel.
std::optional<Text> by_cpuid(const SysRoot& root, Tried& tried) {
    const auto features = root.cpuid(0, 1, 0);
    if (!features) {
        tried.failed(features.error());
        return std::nullopt;
    }
    constexpr std::uint32_t hypervisor_bit = 1u << 31;
    if ((features->ecx & hypervisor_bit) == 0) return Text::known("none", "CPUID leaf 1");
    const auto leaf = root.cpuid(0, 0x40000000, 0);
    if (!leaf) return Text::known("unknown hypervisor", "CPUID leaf 1");
    std::string kind = kind_of_signature(signature_of(*leaf));
    std::string source = "CPUID leaf 0x40000000";
    if (kind == "hyper-v") {
        // KVM and others pose as Hyper-V for Windows guests; the firmware still names them.
        const auto firmware = by_dmi(root, tried);
        if (firmware && **firmware != "none" && **firmware != "hyper-v") {
            kind = **firmware;
            source = firmware->source();
        }
    }
    return Text::known(kind, source);
}

// /proc/cpuinfo repeats the hypervisor bit where CPUID itself cannot be asked.
std::optional<Text> by_cpu_flags(const SysRoot& root, Tried& tried) {
    constexpr auto path = "/proc/cpuinfo";
    const auto text = root.read(path);
    if (!text) {
        tried.failed(text.error());
        return std::nullopt;
    }
    const std::size_t flags = text->find("\nflags\t");
    if (flags == std::string::npos) return std::nullopt;  // not x86
    const std::string line = text->substr(flags + 1, text->find('\n', flags + 1) - flags - 1);
    const bool guest = (line + " ").find(" hypervisor ") != std::string::npos;
    if (!guest) return Text::known("none", path);
    const auto firmware = by_dmi(root, tried);
    if (firmware && **firmware != "none") return *firmware;
    return Text::known("unknown hypervisor", path);
}

// In the first PID namespace of the kernel nothing is a container: a guest that boots a container
// image keeps the image's marks (/.dockerenv).
bool in_first_pid_namespace(const SysRoot& root) {
    // PROC_PID_INIT_INO of include/linux/proc_ns.h, the same on every kernel.
    const auto link = root.read_link("/proc/self/ns/pid");
    return link && *link == "pid:[4026531836]";
}

std::string runtime_of_cgroup(const std::string& text) {
    for (const std::string_view word : {"docker", "libpod", "kubepods", "lxc", "containerd"}) {
        if (text.find(word) == std::string::npos) continue;
        if (word == "libpod") return "podman";
        if (word == "kubepods") return "kubernetes";
        return std::string(word);
    }
    return "";
}

}  // namespace

Fact<std::string> hypervisor_kind(const SysRoot& root) {
    Tried tried;
    if (const auto release = root.read("/proc/sys/kernel/osrelease")) {
        if (to_lower(*release).find("microsoft") != std::string::npos) {
            return Text::known("wsl", "/proc/sys/kernel/osrelease");
        }
    }
    if (const auto fact = by_cpuid(root, tried)) return *fact;
    if (const auto type = file_word(root, "/sys/hypervisor/type", tried); type && is_word(*type)) {
        return Text::known(to_lower(*type), "/sys/hypervisor/type");
    }
    if (const auto fact = by_cpu_flags(root, tried)) return *fact;
    const auto tree = by_device_tree(root, tried);
    if (tree && **tree != "none") return *tree;
    if (const auto fact = by_dmi(root, tried)) return *fact;
    if (tree) return *tree;
    return Text::unknown(tried.reason("neither CPUID, DMI nor a device tree could be asked"));
}

Fact<std::string> container_kind(const SysRoot& root) {
    if (in_first_pid_namespace(root)) return Text::known("", "/proc/self/ns/pid");
    Tried tried;
    if (const auto word = file_word(root, "/run/systemd/container", tried);
        word && is_word(*word)) {
        return Text::known(to_lower(*word), "/run/systemd/container");
    }
    if (root.exists("/.dockerenv")) return Text::known("docker", "/.dockerenv");
    if (root.exists("/run/.containerenv")) return Text::known("podman", "/run/.containerenv");
    const auto groups = file_word(root, "/proc/1/cgroup", tried);
    if (groups) {
        const std::string runtime = runtime_of_cgroup(*groups);
        return Text::known(runtime, "/proc/1/cgroup and the marks of container runtimes");
    }
    return Text::unknown(tried.reason("nothing tells whether this is a container"));
}

void collect_virtualization(const SysRoot& root, Environment& environment) {
    const Text hypervisor = hypervisor_kind(root);
    const Text container = container_kind(root);
    const bool contained = container && !container->empty();
    Text fact = hypervisor;
    if (contained && hypervisor && *hypervisor != "none") {
        fact = Text::known(fmt::format("{} in {}", *container, *hypervisor),
                           fmt::format("{}; {}", container.source(), hypervisor.source()));
    } else if (contained) {
        fact = container;
    }
    fill(environment.virtualization, fact);
}

}  // namespace peakward::detail
