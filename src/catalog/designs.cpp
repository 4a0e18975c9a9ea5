// Source: Intel Architecture Instruction Set Extensions Programming Reference (319433), table
// "Recent instruction set extensions introduction in Intel processors"; for Zen, AMD's Software
// Optimization Guides (56305, 56665, 57647, 58455).
#include "catalog/designs.hpp"

#include <algorithm>
#include <vector>

namespace peakward::catalog {
namespace {

struct Newcomer {
    std::string_view instruction_set;
    std::vector<std::string_view> not_in;  // designs that are known to lack it
};

std::vector<Newcomer> newcomers() {
    const std::vector<std::string_view> before_avx2{
        "nehalem",  "westmere", "sandy_bridge", "ivy_bridge", "silvermont",  "airmont",
        "goldmont", "tremont",  "bulldozer",    "piledriver", "steamroller", "goldmont_plus"};
    auto without_avx512 = before_avx2;
    for (const std::string_view design :
         {"haswell", "broadwell", "skylake", "kaby_lake", "coffee_lake", "comet_lake",
          "raptor_lake", "meteor_lake", "arrow_lake", "lunar_lake", "gracemont", "sierra_forest",
          "grand_ridge", "clearwater_forest", "excavator", "zen", "zen2", "zen3"})
        without_avx512.push_back(design);
    auto without_bf16 = without_avx512;
    for (const std::string_view design :
         {"skylake_server", "cascade_lake", "cannon_lake", "ice_lake", "ice_lake_server",
          "tiger_lake", "rocket_lake", "knights_landing", "knights_mill"})
        without_bf16.push_back(design);
    auto without_amx = without_bf16;
    for (const std::string_view design : {"cooper_lake", "alder_lake", "zen4", "zen5"})
        without_amx.push_back(design);
    auto without_amx_fp16 = without_amx;
    for (const std::string_view design : {"sapphire_rapids", "emerald_rapids"})
        without_amx_fp16.push_back(design);
    return {{"avx2", before_avx2},
            {"avx512f", without_avx512},
            {"avx512_bf16", without_bf16},
            {"amx_tile", without_amx},
            {"amx_fp16", without_amx_fp16}};
}

bool has(const auto& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

std::string_view foreign_instruction_set(std::string_view design,
                                         std::span<const std::string> isa) {
    static const std::vector<Newcomer> known = newcomers();
    for (const Newcomer& newcomer : known)
        if (has(isa, newcomer.instruction_set) && has(newcomer.not_in, design))
            return newcomer.instruction_set;
    return "";
}

}  // namespace peakward::catalog
