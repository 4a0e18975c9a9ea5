// The CPUID instruction, where /proc/cpuinfo left gaps: a container without /proc, an old kernel
// that does not know a feature's name.
#include "detect/cpuid.hpp"

#include <algorithm>

#include "catalog/designs.hpp"
#include "detect/microarchitecture.hpp"
#include "detect/parse.hpp"
#include "detect/sources/collect.hpp"

namespace peakward::detail {
namespace {

bool contains(const std::vector<std::string>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

// An old kernel leaves out the flags it has no name for. They need no help of the kernel beyond the
// register state, which the parent flag vouches for.
void add_unnamed_features(const std::vector<std::string>& by_cpuid, std::vector<std::string>& isa) {
    for (const std::string& word : by_cpuid) {
        const char* parent = word.starts_with("avx512") ? "avx512f" : "avx";
        if (word.starts_with("avx") && !contains(isa, word) && contains(isa, parent))
            isa.push_back(word);
    }
}

}  // namespace

void collect_cpuid(const SysRoot& root, Clock&, const DetectOptions&, Context& context) {
    CpuInfo& cpu = context.hardware.cpu;
    const auto affinity = root.affinity();
    const int here = affinity && !affinity->empty() ? affinity->front() : 0;
    if (const auto identity = cpuid_identity(root, here)) {
        const std::string source = "CPUID";
        fill(cpu.vendor, Fact<std::string>::known(identity->vendor, source));
        if (!identity->brand.empty())
            fill(cpu.model, Fact<std::string>::known(identity->brand, source));
        fill(cpu.family, Fact<int>::known(identity->family, source));
        fill(cpu.model_number, Fact<int>::known(identity->model, source));
        fill(cpu.stepping, Fact<int>::known(identity->stepping, source));
        const std::vector<std::string> isa = cpuid_isa(root, here);
        if (cpu.isa.empty()) {
            cpu.isa = isa;
        } else {
            add_unnamed_features(isa, cpu.isa);
            for (const std::string& word : cpuid_tile_isa(root, here))
                if (contains(cpu.isa, "amx_tile") && !contains(cpu.isa, word))
                    cpu.isa.push_back(word);
        }
    }
    if (cpu.microarchitecture.empty() && cpu.vendor && cpu.family && cpu.model_number)
        cpu.microarchitecture = x86_microarchitecture(*cpu.vendor, *cpu.family, *cpu.model_number,
                                                      cpu.stepping.value_or(0));
    // A hypervisor that shows another model number than the core's own.
    if (!catalog::foreign_instruction_set(cpu.microarchitecture, cpu.isa).empty())
        cpu.microarchitecture.clear();
}

}  // namespace peakward::detail
