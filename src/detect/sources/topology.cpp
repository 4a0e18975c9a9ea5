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

constexpr std::string_view not_told = "-1";  // an id that the firmware did not give

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
    bool covers(const std::vector<int>& cpus) const {
        return std::all_of(cpus.begin(), cpus.end(),
                           [this](const int cpu) { return core.contains(cpu); });
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
        const std::string id = topology_file(root, cpu, "core_id");
        // -1: the firmware did not say. All CPUs have that id then, and some kernels take them for
        // threads of one core.
        if (id == not_told && parse_cpu_list(core).value_or(std::vector<int>{}).size() != 1)
            return {};
        if (core.empty() && !id.empty()) core = package + "/" + id;
        // One file that does not answer would make two cores of one: then nothing is believed.
        if (core.empty()) return {};
        places.core[cpu] = core;
        if (!package.empty() && package != not_told) places.package[cpu] = package;
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
    std::string unknown_design = "";  // why microarchitecture is ""
};

std::vector<int> among(const std::vector<int>& cpus, const std::vector<int>& visible) {
    std::vector<int> both;
    std::set_intersection(cpus.begin(), cpus.end(), visible.begin(), visible.end(),
                          std::back_inserter(both));
    return both;
}

// Kinds count only when each CPU is of one kind and none is of no kind.
bool cover(const std::vector<Kind>& kinds, const std::vector<int>& visible) {
    std::vector<int> all;
    for (const Kind& kind : kinds) all.insert(all.end(), kind.cpus.begin(), kind.cpus.end());
    std::sort(all.begin(), all.end());
    return all == visible;
}

// Intel's performance-monitoring units name their CPUs: cpu_core, cpu_atom, and cpu_lowpower on
// processors with cores on the SoC tile.
std::vector<Kind> kinds_from_pmu(const SysRoot& root, const std::vector<int>& visible) {
    std::vector<Kind> kinds;
    for (const auto& [unit, name] : {std::pair{"cpu_core", "performance"},
                                     {"cpu_atom", "efficiency"},
                                     {"cpu_lowpower", "low_power"}})
        if (const auto cpus = cpu_list_fact(root, fmt::format("/sys/devices/{}/cpus", unit)))
            kinds.push_back({name, "", among(*cpus, visible)});
    return kinds;
}

// The CPUs that no unit names are another kind: of which design, nothing here tells.
std::vector<Kind> with_unnamed_kind(std::vector<Kind> kinds, const std::vector<int>& visible) {
    std::vector<int> named;
    std::vector<std::string> units;
    for (const Kind& kind : kinds) {
        named.insert(named.end(), kind.cpus.begin(), kind.cpus.end());
        units.push_back(kind.name);
    }
    std::sort(named.begin(), named.end());
    if (named.empty() || std::adjacent_find(named.begin(), named.end()) != named.end()) return {};
    Kind other{"unnamed", "", {}};
    std::set_difference(visible.begin(), visible.end(), named.begin(), named.end(),
                        std::back_inserter(other.cpus));
    other.unknown_design =
        fmt::format("/sys/devices/cpu_*/cpus lists only the CPUs of kind {}, and not these",
                    fmt::join(units, ", "));
    kinds.push_back(std::move(other));
    return kinds;
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

// By a figure of every CPU; nothing when one CPU does not tell it.
using CpusByFigure = std::map<std::int64_t, std::vector<int>, std::greater<>>;
CpusByFigure by_figure(const SysRoot& root, const std::vector<int>& visible, const char* file) {
    CpusByFigure groups;
    for (const int cpu : visible) {
        const auto figure = integer_fact(root, fmt::format("{}/cpu{}/{}", cpu_folder, cpu, file));
        if (!figure || *figure <= 0) return {};
        groups[*figure].push_back(cpu);
    }
    return groups;
}

// The guaranteed clock differs between the designs of a hybrid product, and not between cores of
// one design, whose turbo clocks may differ.
std::vector<Kind> kinds_from_base_clock(const SysRoot& root, const std::vector<int>& visible) {
    const CpusByFigure groups = by_figure(root, visible, "cpufreq/base_frequency");
    if (groups.size() != 2) return {};
    return {{"performance", "", groups.begin()->second},
            {"efficiency", "", groups.rbegin()->second}};
}

// Favoured cores of one design differ by a few percent in clock or capacity, kinds of cores by a
// fifth and more: a new kind begins where a figure is below four fifths of the one before.
std::vector<std::vector<int>> steps_of(const CpusByFigure& groups) {
    std::vector<std::vector<int>> steps;
    std::int64_t last = 0;
    for (const auto& [figure, cpus] : groups) {
        if (steps.empty() || static_cast<double>(figure) < 0.8 * static_cast<double>(last))
            steps.emplace_back();
        steps.back().insert(steps.back().end(), cpus.begin(), cpus.end());
        last = figure;
    }
    for (std::vector<int>& cpus : steps) std::sort(cpus.begin(), cpus.end());
    return steps;
}

const char* name_of_step(std::size_t place, std::size_t count) {
    if (place == 0) return "performance";
    return place + 1 == count ? "efficiency" : "middle";
}

// AMD's dense cores (Zen 4c, Zen 5c) reach about two thirds of the clock of the others.
std::vector<Kind> kinds_from_amd_clock(const SysRoot& root, const std::vector<int>& visible) {
    const auto steps = steps_of(by_figure(root, visible, "cpufreq/cpuinfo_max_freq"));
    if (steps.size() != 2) return {};
    return {{"performance", "", steps[0]}, {"efficiency", "", steps[1]}};
}

// Arm: one kind per core design.
std::vector<Kind> kinds_from_arm(const SysRoot& root, const std::vector<KeyValues>& blocks,
                                 const std::vector<int>& visible) {
    std::vector<ArmProcessor> processors = arm_processors(blocks);
    std::erase_if(processors, [&](const ArmProcessor& processor) {
        return !std::binary_search(visible.begin(), visible.end(), processor.cpu);
    });
    const std::vector<ArmDesign> designs = arm_designs(root, processors);
    std::vector<Kind> kinds;
    for (const ArmDesign& design : designs)
        kinds.push_back({name_of_step(kinds.size(), designs.size()), design.first.microarchitecture,
                         design.cpus});
    return kinds;
}

// Where the parts are not told: by step of capacity, which is relative to the largest, 1024.
std::vector<Kind> kinds_from_capacity(const SysRoot& root, const std::vector<int>& visible) {
    const CpusByFigure groups = by_figure(root, visible, "cpu_capacity");
    if (!groups.empty() && groups.begin()->first > 1024) return {};
    const auto steps = steps_of(groups);
    std::vector<Kind> kinds;
    for (const std::vector<int>& cpus : steps)
        kinds.push_back({name_of_step(kinds.size(), steps.size()), "", cpus});
    return kinds;
}

std::string design_of(const std::string& kind, const HybridDesigns& designs,
                      const std::string& microarchitecture) {
    if (kind == "low_power") return std::string(designs.low_power);
    if (!designs.performance.empty())
        return std::string(kind == "performance" ? designs.performance : designs.efficiency);
    // AMD's dense cores are the same design on less area: zen5c.
    if (microarchitecture.starts_with("zen") && kind == "efficiency")
        return microarchitecture + "c";
    return microarchitecture;
}

// The first source whose kinds hold all CPUs; none when no source does.
std::vector<Kind> kinds_of_x86(const SysRoot& root, const CpuInfo& cpu,
                               const std::vector<int>& visible) {
    const HybridDesigns designs = hybrid_designs(cpu.microarchitecture);
    const std::vector<Kind> by_pmu = kinds_from_pmu(root, visible);
    std::vector<Kind> kinds = by_pmu;
    if (!cover(kinds, visible)) kinds = kinds_from_cpuid(root, visible);
    if (!cover(kinds, visible) && !designs.performance.empty())
        kinds = kinds_from_base_clock(root, visible);
    if (!cover(kinds, visible) && cpu.microarchitecture.starts_with("zen"))
        kinds = kinds_from_amd_clock(root, visible);
    if (!cover(kinds, visible)) kinds = with_unnamed_kind(by_pmu, visible);
    for (Kind& kind : kinds)
        if (kind.unknown_design.empty())
            kind.microarchitecture = design_of(kind.name, designs, cpu.microarchitecture);
    return kinds;
}

std::vector<Kind> kinds_of(const SysRoot& root, const CpuInfo& cpu,
                           const std::vector<KeyValues>& blocks, const std::vector<int>& visible) {
    std::vector<Kind> kinds;
    if (cpu.architecture == "aarch64") {
        kinds = kinds_from_arm(root, blocks, visible);
        if (!cover(kinds, visible)) kinds = kinds_from_capacity(root, visible);
    } else {
        kinds = kinds_of_x86(root, cpu, visible);
    }
    if (!cover(kinds, visible)) kinds.clear();
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

// Gives the blocks of /proc/cpuinfo the numbers of these CPUs, in their order.
void number_blocks(const std::vector<int>& cpus, std::vector<KeyValues>& blocks) {
    if (blocks.size() != cpus.size()) return blocks.clear();
    for (std::size_t i = 0; i < blocks.size(); ++i)
        blocks[i].insert_or_assign("processor", fmt::format("{}", cpus[i]));
}

}  // namespace

void collect_topology(const SysRoot& root, Clock&, const DetectOptions&, Context& context) {
    CpuInfo& cpu = context.hardware.cpu;
    const auto text = root.read("/proc/cpuinfo");
    std::vector<KeyValues> blocks = cpuinfo_blocks(text.value_or(""));
    auto online = cpu_list_fact(root, cpu_folder + "/online");
    const std::vector<int> allowed = root.affinity().value_or(std::vector<int>{});
    const auto holds = [](const std::vector<int>& all, const std::vector<int>& some) {
        return std::includes(all.begin(), all.end(), some.begin(), some.end());
    };
    // An offline CPU may stand among the allowed ones; then all that are online are allowed.
    if (online && !holds(*online, allowed) && !holds(allowed, *online)) {
        // lxcfs counts the CPUs of a container from 0 in /proc/cpuinfo and in "online", and gives
        // other ones: what may be used is what there is.
        online = Fact<std::vector<int>>::known(allowed, "the affinity of this process");
        number_blocks(allowed, blocks);
    }

    std::vector<int> visible = online.value_or(std::vector<int>{});
    Places places;
    if (!visible.empty()) places = places_from_sysfs(root, visible);
    if (places.core.empty()) places = places_from_cpuinfo(blocks);
    if (places.core.empty() || !places.covers(visible))
        places = places_from_cpuid(root, visible.empty() ? allowed : visible);
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
    std::vector<Kind> kinds = kinds_of(root, cpu, blocks, visible);
    for (Kind& kind : kinds) {
        CoreKind record;
        record.name = kind.name;
        record.microarchitecture = kind.microarchitecture;
        record.unknown_design = kind.unknown_design;
        record.cores = static_cast<int>(places.cores_of(kind.cpus).size());
        // CPUs of no known design on an unknown number of cores are no kind.
        if (kinds.size() == 1 && record.cores == 0 && record.microarchitecture.empty()) continue;
        record.clock_max_mhz = clock_max_of(root, kind.cpus);
        record.cpus = std::move(kind.cpus);
        cpu.core_kinds.push_back(std::move(record));
    }
}

}  // namespace peakward::detail
