#include "score/kernel_choice.hpp"

#include <algorithm>
#include <array>
#include <sstream>
#include <string_view>

#include "core/text.hpp"

namespace peakward {
namespace {

struct Kernels {
    std::string_view library, name;
    int vector_bits;
};

// OpenBLAS: TargetList.txt and the compiler options of Makefile.x86_64; names as
// openblas_get_corename() gives them (driver/others/dynamic.c). BLIS: config_registry and
// config/*/make_defs.mk; names as bli_arch_string() gives them.
constexpr auto known_kernels = std::to_array<Kernels>({
    {"OpenBLAS", "Katmai", 128},
    {"OpenBLAS", "Coppermine", 128},
    {"OpenBLAS", "Northwood", 128},
    {"OpenBLAS", "Prescott", 128},
    {"OpenBLAS", "Banias", 128},
    {"OpenBLAS", "Atom", 128},
    {"OpenBLAS", "Core2", 128},
    {"OpenBLAS", "Penryn", 128},
    {"OpenBLAS", "Dunnington", 128},
    {"OpenBLAS", "Nehalem", 128},
    {"OpenBLAS", "Athlon", 128},
    {"OpenBLAS", "Opteron", 128},
    {"OpenBLAS", "Opteron_SSE3", 128},
    {"OpenBLAS", "Barcelona", 128},
    {"OpenBLAS", "Bobcat", 128},
    {"OpenBLAS", "Nano", 128},
    {"OpenBLAS", "Sandybridge", 256},
    {"OpenBLAS", "Bulldozer", 256},
    {"OpenBLAS", "Piledriver", 256},
    {"OpenBLAS", "Steamroller", 256},
    {"OpenBLAS", "Excavator", 256},
    {"OpenBLAS", "Haswell", 256},
    {"OpenBLAS", "Zen", 256},
    {"OpenBLAS", "SkylakeX", 512},
    {"OpenBLAS", "Cooperlake", 512},
    {"OpenBLAS", "SapphireRapids", 512},
    {"BLIS", "penryn", 128},
    {"BLIS", "sandybridge", 256},
    {"BLIS", "bulldozer", 256},
    {"BLIS", "piledriver", 256},
    {"BLIS", "steamroller", 256},
    {"BLIS", "excavator", 256},
    {"BLIS", "haswell", 256},
    {"BLIS", "zen", 256},
    {"BLIS", "zen2", 256},
    {"BLIS", "zen3", 256},
    {"BLIS", "knl", 512},
    {"BLIS", "skx", 512},
});

struct Vectors {
    std::string_view isa;
    int bits;
};
constexpr auto vectors_of_x86 = std::to_array<Vectors>({{"avx512f", 512}, {"avx2", 256}});

const Kernels* kernels_in(const std::string& implementation) {
    std::istringstream words(implementation);
    std::string library, version, name;
    while (words >> library)
        if (library == "OpenBLAS" || library == "BLIS") break;
    words >> version >> name;
    const auto* it = std::find_if(
        known_kernels.begin(), known_kernels.end(),
        [&](const Kernels& kernels) { return kernels.library == library && kernels.name == name; });
    return it == known_kernels.end() ? nullptr : it;
}

const Vectors* widest_of(const CpuInfo& cpu) {
    const auto* it =
        std::find_if(vectors_of_x86.begin(), vectors_of_x86.end(), [&](const Vectors& vectors) {
            return std::find(cpu.isa.begin(), cpu.isa.end(), vectors.isa) != cpu.isa.end();
        });
    return it == vectors_of_x86.end() ? nullptr : it;
}

}  // namespace

std::optional<std::string> narrow_kernels(const CpuInfo& cpu, const std::string& implementation) {
    const Kernels* chosen = kernels_in(implementation);
    const Vectors* widest = widest_of(cpu);
    if (chosen == nullptr || widest == nullptr || chosen->vector_bits >= widest->bits)
        return std::nullopt;
    return fmt::format(
        "{} chose its {} kernels with vectors of {} bits, and this CPU has {} ({}), so it cannot "
        "come near the peak; a newer {} may know this CPU{}",
        chosen->library, chosen->name, chosen->vector_bits, widest->bits, widest->isa,
        chosen->library,
        chosen->library == "OpenBLAS" ? ", and OPENBLAS_CORETYPE=NAME makes it choose others" : "");
}

}  // namespace peakward
