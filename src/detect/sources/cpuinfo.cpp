// /proc/cpuinfo, in the forms of x86-64 and aarch64 kernels.
#include <algorithm>
#include <set>

#include "core/text.hpp"
#include "detect/microarchitecture.hpp"
#include "detect/parse.hpp"
#include "detect/sources/collect.hpp"
#include "detect/sources/processors.hpp"

namespace peakward::detail {
namespace {

constexpr const char* path = "/proc/cpuinfo";

// The kernel's words for what kernels of ours can use; every other flag is left out.
constexpr std::string_view isa_words[] = {
    "sse2",           "ssse3",       "sse4_1",      "sse4_2",   "popcnt",   "avx",
    "f16c",           "fma",         "avx2",        "avx_vnni", "avx_ifma", "avx_vnni_int8",
    "avx_ne_convert", "avx512f",     "avx512dq",    "avx512cd", "avx512bw", "avx512vl",
    "avx512_vnni",    "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16",
    "amx_fp16",       "fp",          "asimd",       "fphp",     "asimdhp",  "asimddp",
    "asimdfhm",       "bf16",        "i8mm",        "sve",      "sve2",     "svei8mm",
    "svebf16",        "svef32mm",    "svef64mm",    "sme",      "sme2",
};

// What every CPU has: on a machine of several core designs a kernel may land on any of them.
std::vector<std::string> common_isa(const std::vector<KeyValues>& blocks, std::string_view key) {
    std::vector<std::string> isa;
    bool first = true;
    for (const KeyValues& block : blocks) {
        if (block.find(key) == block.end()) continue;
        const std::vector<std::string> words = split(value_of(block, key), ' ');
        const std::set<std::string, std::less<>> flags(words.begin(), words.end());
        if (first)
            for (const std::string_view word : isa_words)
                if (flags.count(word) != 0) isa.emplace_back(word);
        std::erase_if(isa, [&](const std::string& word) { return flags.count(word) == 0; });
        first = false;
    }
    return isa;
}

Fact<int> integer_of(const KeyValues& block, std::string_view key) {
    const std::string text = value_of(block, key);
    if (text.empty()) return Fact<int>::unknown(fmt::format("{}: no line '{}'", path, key));
    const auto value = parse_integer(text);
    if (!value || *value < 0 || *value > 1 << 30)
        return Fact<int>::unknown(fmt::format("{}: '{}' is not a number", path, key));
    return Fact<int>::known(static_cast<int>(*value), path);
}

Fact<std::string> text_of(const KeyValues& block, std::string_view key) {
    const std::string text = value_of(block, key);
    // Xen and some emulators print the word "unknown" for a brand that CPUID does not have.
    if (text.empty() || text == "unknown")
        return Fact<std::string>::unknown(fmt::format("{}: no line '{}'", path, key));
    return Fact<std::string>::known(text, path);
}

void collect_x86(const std::vector<KeyValues>& blocks, CpuInfo& cpu) {
    const KeyValues& first = blocks.front();
    fill(cpu.model, text_of(first, "model name"));
    fill(cpu.vendor, text_of(first, "vendor_id"));
    fill(cpu.family, integer_of(first, "cpu family"));
    fill(cpu.model_number, integer_of(first, "model"));
    fill(cpu.stepping, integer_of(first, "stepping"));
    fill(cpu.microcode, text_of(first, "microcode"));
    if (cpu.isa.empty()) cpu.isa = common_isa(blocks, "flags");
}

void collect_aarch64(const SysRoot& root, const std::vector<KeyValues>& blocks, CpuInfo& cpu) {
    const std::vector<ArmProcessor> processors = arm_processors(blocks);
    if (cpu.isa.empty()) cpu.isa = common_isa(blocks, "Features");
    fill(cpu.microcode, Fact<std::string>::unknown("aarch64 processors have no microcode level"));
    if (processors.empty()) {
        const std::string reason = fmt::format("{}: no line 'CPU part'", path);
        fill(cpu.model, Fact<std::string>::unknown(reason));
        fill(cpu.vendor, Fact<std::string>::unknown(reason));
        fill(cpu.stepping, Fact<int>::unknown(reason));
        return;
    }
    std::vector<std::string> names;
    const std::vector<ArmDesign> designs = arm_designs(root, processors);
    for (const ArmDesign& design : designs) names.push_back(design.first.name);
    fill(cpu.model, Fact<std::string>::known(fmt::format("{}", fmt::join(names, " + ")), path));
    const ArmProcessor& first = designs.front().first;
    fill(cpu.vendor, Fact<std::string>::known(first.vendor, path));
    fill(cpu.family, integer_of(blocks.front(), "CPU architecture"));
    fill(cpu.model_number, Fact<int>::known(static_cast<int>(first.part), path));
    // MIDR_EL1 keeps both in one number: variant (the r of r3p1), then revision (its p).
    fill(cpu.stepping, Fact<int>::known(static_cast<int>(first.variant << 4 | first.revision),
                                        std::string(path) + " (variant << 4 | revision)"));
    if (cpu.microarchitecture.empty()) cpu.microarchitecture = first.microarchitecture;
}

}  // namespace

void collect_cpuinfo(const SysRoot& root, Clock&, const DetectOptions&, Context& context) {
    CpuInfo& cpu = context.hardware.cpu;
    if (cpu.architecture.empty()) cpu.architecture = root.architecture();
    const auto text = root.read(path);
    if (!text) {
        for (Fact<std::string>* fact : {&cpu.model, &cpu.vendor, &cpu.microcode})
            fill(*fact, unknown_because<std::string>(text.error()));
        for (Fact<int>* fact : {&cpu.family, &cpu.model_number, &cpu.stepping})
            fill(*fact, unknown_because<int>(text.error()));
    } else if (const std::vector<KeyValues> blocks = cpuinfo_blocks(*text); !blocks.empty()) {
        const bool arm = blocks.front().count("CPU implementer") != 0 ||
                         (cpu.architecture == "aarch64" && blocks.front().count("vendor_id") == 0);
        if (arm) {
            collect_aarch64(root, blocks, cpu);
        } else {
            collect_x86(blocks, cpu);
        }
    } else {
        fill(cpu.model, Fact<std::string>::unknown(fmt::format("{}: no processor in it", path)));
    }
    // The level that the kernel loaded is in sysfs as well, on x86 only.
    if (!cpu.microcode)
        fill(cpu.microcode, text_fact(root, "/sys/devices/system/cpu/cpu0/microcode/version"));
}

}  // namespace peakward::detail
