// What detection reads of a machine, and captures of machines.
//
// Files are sections of one text: a line "== PATH", then the content. "== link:PATH" is a symbolic
// link to the content, "== command:NAME" what a command prints, "== cpus" the CPUs allowed.
#include <filesystem>

#include "core/posix.hpp"
#include "core/records_json.hpp"
#include "core/text.hpp"
#include "detect/cpuid.hpp"
#include "detect/gpus.hpp"
#include "detect/memory_sys_root.hpp"
#include "detect/nvml.hpp"
#include "detect/parse.hpp"
#include "detect/smbios.hpp"
#include "detect/sources/collect.hpp"
#include "fuzz/properties.hpp"
#include "fuzz/scratch.hpp"
#include "fuzz/targets.hpp"
#include "hardware/edit.hpp"
#include "hardware/match.hpp"

namespace peakward::fuzz {
namespace {

constexpr std::size_t sections_max = 64;
constexpr std::string_view mark = "== ";

std::string_view after(std::string_view text, std::string_view start) {
    return text.starts_with(start) ? text.substr(start.size()) : std::string_view();
}

void add_section(MemorySysRoot& root, std::string_view name, std::string content) {
    if (const auto link = after(name, "link:"); !link.empty())
        root.link(std::string(link), trim(content));
    else if (const auto command = after(name, "command:"); !command.empty())
        root.command(std::string(command), std::move(content));
    else if (name == "cpus")
        root.cpus(detail::parse_cpu_list(content).value_or(std::vector<int>{0}));
    else if (name == "architecture")  // what uname says: no machine says anything else
        root.architecture(trim(content) == "aarch64" ? "aarch64" : "x86_64");
    else if (name.starts_with('/') && name.size() > 1 && !name.ends_with('/'))
        root.file(std::string(name), std::move(content));
}

MemorySysRoot machine_of(std::string_view bytes) {
    MemorySysRoot root;
    for (std::size_t count = 0; bytes.starts_with(mark) && count < sections_max; ++count) {
        const std::size_t line = std::min(bytes.find('\n'), bytes.size());
        const std::string_view name = bytes.substr(0, line).substr(mark.size());
        const std::string_view rest = bytes.substr(std::min(line + 1, bytes.size()));
        const std::size_t next = rest.starts_with(mark) ? 0 : rest.find("\n== ");
        const bool last = next == std::string_view::npos;
        const std::size_t end = last ? rest.size() : next;
        add_section(root, name, std::string(rest.substr(0, end)));
        bytes = last ? std::string_view() : rest.substr(next == 0 ? 0 : end + 1);
    }
    return root;
}

std::string broken_hardware(const Hardware& hardware) {
    if (hardware_fingerprint(hardware).size() != 16) return "a fingerprint of another length";
    if (hardware.cpu.cores_logical.value_or(0) > detail::cpus_max) return "more CPUs than can be";
    if (hardware.cpu.cores_physical.value_or(1) < 1) return "a CPU without a core";
    return broken_text(canonical_json(to_json(hardware)));
}

std::string broken_context(const Context& context) {
    if (std::string broken = broken_hardware(context.hardware); !broken.empty()) return broken;
    const std::string text = canonical_json(to_json(context));
    const auto json = parse_json(text, "the context");
    const auto again = json ? context_from_json(*json) : tl::make_unexpected(json.error());
    if (!again) return "a context that is written is refused: " + again.error().message;
    if (canonical_json(to_json(*again)) != text) return "a context changes when it is written";
    for (const Check& check : preflight(context, {}).checks)
        if (check.evidence.empty()) return "a check without evidence";
    static const HardwareDatabase database = builtin_hardware();
    static const Matcher matcher(database);
    for (const DeviceMatch& match : matcher.match(host_facts(context))) {
        const auto draft = draft_entry(context, match.device, "2026-12-01");
        if (!draft) {
            if (std::string broken = broken_refusal(draft.error()); !broken.empty()) return broken;
        } else if (const auto spec = spec_from_json(*draft, "the draft"); !spec) {
            if (std::string broken = broken_refusal(spec.error()); !broken.empty()) return broken;
        }
    }
    return "";
}

Context context_of(const SysRoot& root) {
    static const Scratch state;
    StillClock clock;
    DetectOptions options;
    options.state_folder = state.folder();
    return detect(root, clock, options);
}

}  // namespace

std::string machine_files(std::string_view bytes) {
    return broken_context(context_of(machine_of(bytes)));
}

std::string capture(std::string_view bytes) {
    static const Scratch scratch;
    scratch.clear();
    const MemorySysRoot root = machine_of(bytes);
    const std::string folder = scratch / "capture";
    const auto captured = capture_machine(root, folder);
    for (const auto& entry : std::filesystem::directory_iterator(scratch.folder()))
        if (entry.path() != folder) return "a capture writes outside of its folder";
    if (!captured) return broken_refusal(captured.error());
    const auto again = captured_sys_root(folder);
    if (!again) return "a capture cannot be read: " + again.error().message;
    if ((*again)->architecture() != root.architecture()) return "a capture of another architecture";
    return broken_hardware(context_of(**again).hardware);
}

std::string machine_manifest(std::string_view bytes) {
    static const Scratch scratch;
    scratch.write("machine.json", bytes);
    scratch.write("proc/meminfo", "MemTotal: 32768000 kB\n");
    scratch.write("commands/uname.txt", "# exit 1\nLinux\n");
    const auto root = captured_sys_root(scratch.folder());
    if (!root) return broken_refusal(root.error());
    (void)(*root)->read("/proc/meminfo");
    (void)(*root)->list("/proc");
    (void)(*root)->exists("/proc/meminfo");
    (void)(*root)->run({"uname"}, std::chrono::seconds(1));
    const auto cpus = (*root)->affinity();
    for (const int cpu : cpus.value_or(std::vector<int>{})) {
        if (cpu < 0 || cpu >= detail::cpus_max) return "a CPU that no machine has";
        (void)(*root)->cpuid(cpu, 0, 0);
    }
    return broken_text((*root)->architecture());
}

std::string cpuid_dump(std::string_view bytes) {
    static const Scratch scratch;
    scratch.write("machine.json", R"({"architecture": "x86_64"})");
    scratch.write("cpuid/pu0", bytes);
    const auto root = captured_sys_root(scratch.folder());
    if (!root) return "a capture cannot be read: " + root.error().message;
    StillClock clock;
    Context context;
    detail::collect_cpuid(**root, clock, {}, context);
    (void)detail::cpuid_place(**root, 0);
    (void)detail::cpuid_tile_isa(**root, 0);
    return broken_hardware(context.hardware);
}

std::string install_id(std::string_view bytes) {
    static const Scratch scratch;
    scratch.clear();
    scratch.write("install_id", bytes);
    const InstallId first = peakward::install_id(scratch.folder());
    if (first.id.size() != 36 ||
        first.id.find_first_not_of("0123456789abcdefABCDEF-") != first.id.npos)
        return "an id that is none";
    if (bytes.starts_with(first.id) && scratch.read("install_id") != bytes)
        return "a good id is written again";
    // A damaged file is left alone until it is put aside; from then on the id stays.
    const bool was_damaged = !put_damaged_install_id_aside(scratch.folder()).empty();
    const InstallId second = peakward::install_id(scratch.folder());
    if (first.note.empty() && second.id != first.id) return "a good id that does not stay";
    if (!was_damaged && !first.note.empty()) return "";  // it cannot be kept, and that is said
    const InstallId third = peakward::install_id(scratch.folder());
    return third.id == second.id ? "" : "an id that does not stay";
}

std::string nvml_lines(std::string_view bytes) {
    const std::size_t half = bytes.size() / 2;
    for (const char* misfortune : {"", "hung"}) {
        const detail::NvmlReport report = detail::read_nvml(
            {std::string(bytes.substr(0, *misfortune ? half : bytes.size())), misfortune});
        Hardware hardware;
        detail::merge_nvml(report, hardware);
        if (std::string broken = broken_hardware(hardware); !broken.empty()) return broken;
        for (const GpuInfo& gpu : report.gpus)
            if (gpu.memory_mb.value_or(0) < 0 || gpu.multiprocessors.value_or(0) < 0)
                return "a GPU of less than nothing";
    }
    return "";
}

std::string smbios(std::string_view bytes) {
    const auto structures = detail::parse_smbios(bytes);
    const auto memory = detail::populated_memory(structures);
    for (const detail::MemoryDevice& device : memory) {
        if (device.size_mb <= 0) return "a populated memory device without a size";
        if (std::string broken = broken_text(detail::channel_of(device.locator).value_or(""));
            !broken.empty())
            return broken;
    }
    const auto kept = detail::parse_smbios(detail::anonymous_memory_table(structures));
    return detail::populated_memory(kept).size() == memory.size()
               ? ""
               : "a table without identities has other memory devices";
}

}  // namespace peakward::fuzz
