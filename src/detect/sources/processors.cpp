#include "detect/sources/processors.hpp"

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
        processors.push_back(std::move(processor));
    }
    return processors;
}

}  // namespace peakward::detail
