#include "detect/sources/processors.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "core/text.hpp"
#include "detect/microarchitecture.hpp"

namespace peakward::detail {

std::vector<KeyValues> cpuinfo_blocks(std::string_view text) {
    std::vector<KeyValues> blocks = parse_blocks(text);
    std::erase_if(blocks, [](const KeyValues& block) {
        return !parse_integer(value_of(block, "processor")).has_value();
    });
    return blocks;
}

std::vector<ArmProcessor> arm_processors(const std::vector<KeyValues>& blocks) {
    std::vector<ArmProcessor> processors;
    for (const KeyValues& block : blocks) {
        const auto cpu = parse_integer(value_of(block, "processor"));
        const auto implementer = parse_hex(value_of(block, "CPU implementer"));
        const auto part = parse_hex(value_of(block, "CPU part"));
        if (!cpu || *cpu < 0 || *cpu >= cpus_max || !implementer || *implementer > 0xff || !part ||
            *part > 0xfff)
            continue;
        ArmProcessor processor;
        processor.cpu = static_cast<int>(*cpu);
        processor.implementer = static_cast<unsigned>(*implementer);
        processor.part = static_cast<unsigned>(*part);
        processor.variant =
            static_cast<unsigned>(parse_hex(value_of(block, "CPU variant")).value_or(0) & 0xf);
        processor.revision =
            static_cast<unsigned>(parse_integer(value_of(block, "CPU revision")).value_or(0) & 0xf);
        const ArmCore core = arm_core(processor.implementer, processor.part);
        processor.vendor = arm_vendor(processor.implementer);
        if (processor.vendor.empty())
            processor.vendor = fmt::format("implementer {:#04x}", processor.implementer);
        processor.name = core.name.empty() ? fmt::format("part {:#05x} of implementer {:#04x}",
                                                         processor.part, processor.implementer)
                                           : core.name;
        processor.microarchitecture = core.microarchitecture;
        processor.is_efficiency = core.is_efficiency;
        processors.push_back(std::move(processor));
    }
    return processors;
}

std::vector<ArmDesign> arm_designs(const SysRoot& root,
                                   const std::vector<ArmProcessor>& processors) {
    std::map<std::string, ArmDesign, std::greater<>> by_name;
    for (const ArmProcessor& processor : processors) {
        ArmDesign& design = by_name[processor.name];
        if (design.cpus.empty()) design.first = processor;
        design.cpus.push_back(processor.cpu);
    }
    std::vector<ArmDesign> designs;
    for (auto& [name, design] : by_name) {
        std::sort(design.cpus.begin(), design.cpus.end());
        designs.push_back(std::move(design));
    }
    if (designs.size() < 2) return designs;
    // The largest figure of a design's CPUs; 0 for all when one design does not tell it.
    const auto largest_of_each = [&](const char* file) {
        std::map<std::string, std::int64_t> largest;
        for (const ArmDesign& design : designs) {
            std::int64_t most = 0;
            for (const int cpu : design.cpus)
                most = std::max(
                    most, integer_fact(root, fmt::format("{}/cpu{}/{}", cpu_folder, cpu, file))
                              .value_or(0));
            if (most <= 0) return std::map<std::string, std::int64_t>();
            largest[design.first.name] = most;
        }
        return largest;
    };
    auto capacity = largest_of_each("cpu_capacity");
    auto clock = largest_of_each("cpufreq/cpuinfo_max_freq");
    std::stable_sort(designs.begin(), designs.end(), [&](const ArmDesign& a, const ArmDesign& b) {
        const auto size_of = [&](const ArmDesign& design) {
            const std::string& name = design.first.name;
            return std::tuple(!design.first.is_efficiency, capacity[name], clock[name]);
        };
        return size_of(a) > size_of(b);
    });
    return designs;
}

}  // namespace peakward::detail
