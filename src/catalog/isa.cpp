#include "catalog/isa.hpp"

#include <array>
#include <utility>

namespace peakward::catalog {
namespace {

struct Row {
    std::string_view isa, precision;
    std::vector<double> rates;
};

// lanes x 2 x units. Units: Intel SDM and optimization manual (ports 0, 1, 5), AMD software
// optimization guides (families 17h to 1Ah), Arm Neoverse and Cortex software optimization guides.
const std::vector<Row>& rows() {
    static const std::vector<Row> all{
        // One, two or four FMA pipes; without FMA a multiply and an add a cycle at most.
        {"scalar", "fp64", {1, 2, 4, 8}},
        {"scalar", "fp32", {1, 2, 4, 8}},
        {"avx2", "fp64", {8, 16}},  // one or two 256-bit FMA units
        {"avx2", "fp32", {16, 32}},
        {"avx_vnni", "int8", {64, 128}},  // 32 bytes x 2, one or two units
        {"avx512", "fp64", {16, 32}},     // one (or double-pumped), or two 512-bit units
        {"avx512", "fp32", {32, 64}},
        {"avx512_fp16", "fp16", {64, 128}},
        {"avx512_bf16", "bf16", {32, 64, 128}},  // Sapphire Rapids 32 [seen], Zen 4 64
        {"avx512_vnni", "int8", {128, 256}},
        {"amx", "bf16", {1024}},  // 16 x 16 x 32 x 2 in 16 cycles
        {"amx", "fp16", {1024}},
        {"amx", "int8", {2048}},
        {"neon", "fp64", {4, 8, 16}},  // one, two or four 128-bit pipes
        {"neon", "fp32", {8, 16, 32}},
        {"neon_fp16", "fp16", {16, 32, 64}},
        {"neon_dotprod", "int8", {32, 64, 128}},
        {"neon_i8mm", "int8", {64, 128, 256}},
        {"neon_bf16", "bf16", {32, 64, 128}},
        {"sve", "fp64", {4, 8, 16, 32}},  // 128- to 512-bit vectors, one to four pipes
        {"sve", "fp32", {8, 16, 32, 64}},
        {"sve", "fp16", {16, 32, 64, 128}},
        {"sve_i8mm", "int8", {64, 128, 256, 512}},
        {"sve_bf16", "bf16", {32, 64, 128, 256}},
    };
    return all;
}

bool starts_with(std::string_view text, std::string_view prefix) {
    return text.substr(0, prefix.size()) == prefix;
}

}  // namespace

std::vector<double> legal_operations_per_cycle(std::string_view isa, std::string_view precision) {
    for (const Row& row : rows())
        if (row.isa == isa && row.precision == precision) return row.rates;
    return {};
}

std::vector<std::string_view> isa_classes(std::string_view precision) {
    std::vector<std::string_view> classes;
    for (const Row& row : rows())
        if (row.precision == precision) classes.push_back(row.isa);
    return classes;
}

std::string_view cpu_flag_of(std::string_view isa) {
    if (isa == "scalar") return "";
    constexpr std::array<std::pair<std::string_view, std::string_view>, 9> other_words{{
        {"avx512", "avx512f"},
        {"amx", "amx_tile"},
        {"neon", "asimd"},
        {"neon_fp16", "asimdhp"},
        {"neon_dotprod", "asimddp"},
        {"neon_i8mm", "i8mm"},
        {"neon_bf16", "bf16"},
        {"sve_i8mm", "svei8mm"},
        {"sve_bf16", "svebf16"},
    }};
    for (const auto& [name, flag] : other_words)
        if (name == isa) return flag;
    return isa;
}

std::optional<LegalRate> round_to_legal(double measured, std::string_view isa,
                                        std::string_view precision) {
    for (const double rate : legal_operations_per_cycle(isa, precision))
        if (measured <= 1.02 * rate) return LegalRate{rate, measured >= 0.94 * rate};
    return std::nullopt;
}

std::string_view clock_class(std::string_view isa) {
    for (const std::string_view family : {"avx512", "neon", "sve"})
        if (starts_with(isa, family)) return family;
    if (isa == "avx_vnni") return "avx2";
    return isa;
}

}  // namespace peakward::catalog
