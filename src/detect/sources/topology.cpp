// Sockets, cores, threads, NUMA nodes and kinds of cores: from sysfs, else from /proc/cpuinfo, else
// from CPUID. What counts is what is online: sysfs forgets where an offline CPU sits.
#include <algorithm>
#include <map>
#include <set>

#include "core/text.hpp"
#include "detect/cpuid.hpp"
#include "detect/microarchitecture.hpp"
#include "detect/parse.hpp"
#include "detect/sources/collect.hpp"
#include "detect/sources/processors.hpp"

namespace peakward::detail {
namespace {

const std::string cpu_folder = "/sys/devices/system/cpu";

// For every logical CPU: which core and which socket it belongs to.
struct Places {
    std::map<int, std::string> core;     // equal text: the same core
    std::map<int, std::string> package;  // empty: this source does not say
    std::string source;

    std::set<std::string> cores_of(const std::vector<int>& cpus) const {
        std::set<std::string> cores;
        for (const int cpu : cpus)
            if (const auto found = core.find(cpu); found != core.end()) cores.insert(found->second);
        return cores;
    }
};

std::string topology_file(const SysRoot& root, int cpu, const char* name) {
    return text_fact(root, fmt::format("{}/cpu{}/topology/{}", cpu_folder, cpu, name)).value_or("");
}

Places places_from_sysfs(const SysRoot& root, const std::vector<int>& online) {
    Places places;
    places.source = cpu_folder + "/cpu*/topology";
    for (const int cpu : online) {
        const std::string package = topology_file(root, cpu, "physical_package_id");
        std::string core = topology_file(root, cpu, "core_cpus_list");
        if (core.empty()) core = topology_file(root, cpu, "thread_siblings_list");
        if (core.empty()) {
            const std::string id = topology_file(root, cpu, "core_id");
            if (!id.empty()) core = package + "/" + id;
        }
        // One file that does not answer would make two cores of one: then nothing is believed.
        if (core.empty()) return {};
        places.core[cpu] = core;
        // -1: the firmware did not say.
        if (!package.empty() && package != "-1") places.package[cpu] = package;
    }
    return places;
}

Places places_from_cpuinfo(const std::vector<KeyValues>& blocks) {
    Places places;
    places.source = "/proc/cpuinfo";
    for (const KeyValues& block : blocks) {
        const auto cpu = parse_integer(value_of(block, "processor"));
        const std::string package = value_of(block, "physical id");
        const std::string core = value_of(block, "core id");
        if (!cpu || *cpu < 0 || *cpu >= cpus_max || core.empty()) return {};
        places.core[static_cast<int>(*cpu)] = package + "/" + core;
        if (!package.empty()) places.package[static_cast<int>(*cpu)] = package;
    }
    return places;
}

Places places_from_cpuid(const SysRoot& root, const std::vector<int>& cpus) {
    Places places;
    places.source = "CPUID";
    for (const int cpu : cpus) {
        const auto place = cpuid_place(root, cpu);
        if (!place) return {};
        places.core[cpu] = fmt::format("{}", place->core);
        places.package[cpu] = fmt::format("{}", place->package);
    }
    return places;
}

// ---------------------------------------------------------------------------------------------
// Kinds of cores
// ---------------------------------------------------------------------------------------------

struct Kind {
    std::string name;
    std::string microarchitecture;
    std::vector<int> cpus;
};

std::vector<int> among(const std::vector<int>& cpus, const std::vector<int>& visible) {
    std::vector<int> both;
    std::set_intersection(cpus.begin(), cpus.end(), visible.begin(), visible.end(),
                          std::back_inserter(both));
    return both;
}

// Intel's two performance-monitoring units name their CPUs.
std::vector<Kind> kinds_from_pmu(const SysRoot& root, const std::vector<int>& visible) {
    const auto core = cpu_list_fact(root, "/sys/devices/cpu_core/cpus");
    const auto atom = cpu_list_fact(root, "/sys/devices/cpu_atom/cpus");
    if (!core || !atom) return {};
    return {{"performance", "", among(*core, visible)}, {"efficiency", "", among(*atom, visible)}};
}

std::vector<Kind> kinds_from_cpuid(const SysRoot& root, const std::vector<int>& visible) {
    std::map<CpuidCoreType, std::vector<int>> by_type;
    for (const int cpu : visible) {
        const auto place = cpuid_place(root, cpu);
        if (!place || place->type == CpuidCoreType::unknown) return {};
        by_type[place->type].push_back(cpu);
    }
    return {{"performance", "", by_type[CpuidCoreType::performance]},
            {"efficiency", "", by_type[CpuidCoreType::efficiency]}};
}

// The guaranteed clock differs between the designs of a hybrid product, and not between cores of
// one design, whose turbo clocks may differ.
std::vector<Kind> kinds_from_base_clock(const SysRoot& root, const std::vector<int>& visible) {
    std::map<std::int64_t, std::vector<int>> by_clock;
    for (const int cpu : visible) {
        const auto base =
            integer_fact(root, fmt::format("{}/cpu{}/cpufreq/base_frequency", cpu_folder, cpu));
        if (!base) return {};
        by_clock[*base].push_back(cpu);
    }
    if (by_clock.size() != 2) return {};
    return {{"performance", "", by_clock.rbegin()->second},
            {"efficiency", "", by_clock.begin()->second}};
}

// Arm: one kind per core design; else, where the parts are not told, per step of capacity.
std::vector<Kind> kinds_from_arm(const SysRoot& root, const std::vector<KeyValues>& blocks,
                                 const std::vector<int>& visible) {
    struct Group {
        std::vector<int> cpus;
        std::int64_t capacity = 0;
        std::string microarchitecture;
    };
    std::map<std::string, Group, std::greater<>> groups;
    for (const ArmProcessor& processor : arm_processors(blocks)) {
        if (!std::binary_search(visible.begin(), visible.end(), processor.cpu)) continue;
        Group& group = groups[processor.name];
        group.cpus.push_back(processor.cpu);
        group.microarchitecture = processor.microarchitecture;
        const auto capacity =
            integer_fact(root, fmt::format("{}/cpu{}/cpu_capacity", cpu_folder, processor.cpu));
        group.capacity = std::max(group.capacity, capacity.value_or(0));
    }
    std::vector<Group> ordered;
    for (auto& [name, group] : groups) ordered.push_back(std::move(group));
    std::stable_sort(ordered.begin(), ordered.end(),
                     [](const Group& a, const Group& b) { return a.capacity > b.capacity; });
    std::vector<Kind> kinds;
    for (std::size_t i = 0; i < ordered.size(); ++i) {
        const char* name = i == 0                    ? "performance"
                           : i + 1 == ordered.size() ? "efficiency"
                                                     : "middle";
        std::sort(ordered[i].cpus.begin(), ordered[i].cpus.end());
        kinds.push_back({name, ordered[i].microarchitecture, std::move(ordered[i].cpus)});
    }
    return kinds;
}

// Capacities are relative to the largest, 1024. Favoured cores of one design differ by a few
// percent, designs by a third and more.
std::vector<Kind> kinds_from_capacity(const SysRoot& root, const std::vector<int>& visible) {
    std::vector<std::pair<std::int64_t, int>> by_capacity;
    for (const int cpu : visible) {
        const auto capacity =
            integer_fact(root, fmt::format("{}/cpu{}/cpu_capacity", cpu_folder, cpu));
        if (!capacity || *capacity <= 0 || *capacity > 1024) return {};
        by_capacity.emplace_back(-*capacity, cpu);
    }
    std::sort(by_capacity.begin(), by_capacity.end());
    std::vector<Kind> kinds;
    std::int64_t last = 0;
    for (const auto& [negative, cpu] : by_capacity) {
        if (kinds.empty() || -negative * 5 < last * 4)
            kinds.push_back({kinds.empty() ? "performance" : "efficiency", "", {}});
        kinds.back().cpus.push_back(cpu);
        last = -negative;
    }
    for (Kind& kind : kinds) std::sort(kind.cpus.begin(), kind.cpus.end());
    return kinds;
}

std::string design_of(const std::string& kind, const HybridDesigns& designs,
                      const std::string& microarchitecture) {
    if (!designs.performance.empty())
        return std::string(kind == "performance" ? designs.performance : designs.efficiency);
    // AMD's dense cores are the same design on less area: zen5c.
    if (microarchitecture.starts_with("zen") && kind == "efficiency")
        return microarchitecture + "c";
    return microarchitecture;
}

std::vector<Kind> kinds_of(const SysRoot& root, const CpuInfo& cpu,
                           const std::vector<KeyValues>& blocks, const std::vector<int>& visible) {
    std::vector<Kind> kinds;
    if (cpu.architecture == "aarch64") {
        kinds = kinds_from_arm(root, blocks, visible);
        if (kinds.empty()) kinds = kinds_from_capacity(root, visible);
    } else {
        const HybridDesigns designs = hybrid_designs(cpu.microarchitecture);
        kinds = kinds_from_pmu(root, visible);
        if (kinds.empty()) kinds = kinds_from_cpuid(root, visible);
        if (kinds.empty() && !designs.performance.empty())
            kinds = kinds_from_base_clock(root, visible);
        for (Kind& kind : kinds)
            kind.microarchitecture = design_of(kind.name, designs, cpu.microarchitecture);
    }
    std::erase_if(kinds, [](const Kind& kind) { return kind.cpus.empty(); });
    if (kinds.size() == 1) kinds.front().name.clear();
    if (kinds.empty()) kinds.push_back({"", cpu.microarchitecture, visible});
    if (kinds.size() == 1 && kinds.front().microarchitecture.empty())
        kinds.front().microarchitecture = cpu.microarchitecture;
    return kinds;
}

Fact<double> clock_max_of(const SysRoot& root, const std::vector<int>& cpus) {
    Fact<double> clock;
    for (const int cpu : cpus) {
        const std::string file = fmt::format("{}/cpu{}/cpufreq/cpuinfo_max_freq", cpu_folder, cpu);
        const auto khz = integer_fact(root, file);
        if (!khz) {
            fill(clock, Fact<double>::unknown(khz.reason()));
            // Without cpufreq there is none for any CPU: one answer is enough.
            if (!clock) break;
            continue;
        }
        const double mhz = static_cast<double>(*khz) / 1000;
        if (*khz > 0 && (!clock || mhz > *clock)) clock = Fact<double>::known(mhz, file);
    }
    return clock;
}

void fill_counts(const SysRoot& root, const Places& places, const std::vector<int>& visible,
                 const Fact<std::vector<int>>& online, CpuInfo& cpu) {
    const std::string logical_source = online ? online.source() : places.source;
    if (!visible.empty())
        fill(cpu.cores_logical,
             Fact<int>::known(static_cast<int>(visible.size()),
                              logical_source.empty() ? "/proc/cpuinfo" : logical_source));
    else
        fill(cpu.cores_logical, Fact<int>::unknown("no source lists the CPUs"));
    const int cores = static_cast<int>(places.cores_of(visible).size());
    fill(cpu.cores_physical, cores > 0
                                 ? Fact<int>::known(cores, places.source)
                                 : Fact<int>::unknown("no source says which CPUs share a core"));
    std::set<std::string> packages;
    for (const auto& [index, package] : places.package) packages.insert(package);
    // Device-tree kernels before 5.18 called every cluster a package; such boards have one socket.
    const bool device_tree = root.exists("/proc/device-tree/compatible") ||
                             root.exists("/sys/firmware/devicetree/base/compatible");
    if (device_tree && cpu.architecture == "aarch64") {
        fill(cpu.sockets, Fact<int>::known(1,
                                           "device tree: boards described by one are not "
                                           "multi-socket"));
    } else if (!packages.empty()) {
        fill(cpu.sockets, Fact<int>::known(static_cast<int>(packages.size()), places.source));
    } else {
        fill(cpu.sockets, Fact<int>::unknown("no source tells the sockets"));
    }
}

// Nodes that hold CPUs: memory on its own (HBM, CXL) is a node to the kernel as well.
Fact<int> numa_nodes_of(const SysRoot& root) {
    const std::string folder = "/sys/devices/system/node";
    const auto names = root.list(folder);
    if (!names) return unknown_because<int>(names.error());
    int with_cpus = 0;
    for (const std::string& name : *names) {
        if (!name.starts_with("node") || !parse_integer(name.substr(4))) continue;
        const auto cpus = cpu_list_fact(root, fmt::format("{}/{}/cpulist", folder, name));
        // "ff,ffffffff": the same as a mask, for trees that keep only this one.
        const std::string mask =
            cpus ? "" : text_fact(root, fmt::format("{}/{}/cpumap", folder, name)).value_or("");
        const bool any_bit = mask.find_first_of("123456789abcdefABCDEF") != std::string::npos;
        if (cpus ? !cpus->empty() : any_bit) ++with_cpus;
    }
    if (with_cpus == 0) return Fact<int>::unknown(folder + ": no node with CPUs");
    return Fact<int>::known(with_cpus, folder + "/node*");
}

}  // namespace

void collect_topology(const SysRoot& root, Clock&, const DetectOptions&, Context& context) {
    CpuInfo& cpu = context.hardware.cpu;
    const auto text = root.read("/proc/cpuinfo");
    const std::vector<KeyValues> blocks = cpuinfo_blocks(text.value_or(""));
    const auto online = cpu_list_fact(root, cpu_folder + "/online");
    const std::vector<int> allowed = root.affinity().value_or(std::vector<int>{});

    Places places;
    std::vector<int> visible;
    if (online && !online->empty()) {
        visible = *online;
        places = places_from_sysfs(root, visible);
    }
    if (places.core.empty()) places = places_from_cpuinfo(blocks);
    if (places.core.empty()) places = places_from_cpuid(root, visible.empty() ? allowed : visible);
    if (visible.empty())
        for (const auto& [index, core] : places.core) visible.push_back(index);
    if (visible.empty())
        for (const KeyValues& block : blocks)
            visible.push_back(static_cast<int>(
                std::clamp(*parse_integer(value_of(block, "processor")), 0ll, cpus_max - 1ll)));
    if (visible.empty()) visible = allowed;
    std::sort(visible.begin(), visible.end());
    visible.erase(std::unique(visible.begin(), visible.end()), visible.end());

    fill_counts(root, places, visible, online, cpu);
    fill(cpu.numa_nodes, numa_nodes_of(root));
    if (!cpu.core_kinds.empty() || visible.empty()) return;
    for (Kind& kind : kinds_of(root, cpu, blocks, visible)) {
        CoreKind record;
        record.name = kind.name;
        record.microarchitecture = kind.microarchitecture;
        record.cores = static_cast<int>(places.cores_of(kind.cpus).size());
        // CPUs of no known design on an unknown number of cores are no kind.
        if (record.cores == 0 && record.microarchitecture.empty()) continue;
        record.clock_max_mhz = clock_max_of(root, kind.cpus);
        record.cpus = std::move(kind.cpus);
        cpu.core_kinds.push_back(std::move(record));
    }
}

}  // namespace peakward::detail
