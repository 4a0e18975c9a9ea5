#include "catalog/designs.hpp"

#include <gtest/gtest.h>

namespace peakward::catalog {
namespace {

std::string_view foreign(std::string_view design, const std::vector<std::string>& isa) {
    return foreign_instruction_set(design, isa);
}

TEST(Designs, AnInstructionSetThatADesignLacksSpeaksAgainstIt) {
    EXPECT_EQ(foreign("rocket_lake", {"avx2", "avx512f", "amx_tile", "avx512_bf16"}),
              "avx512_bf16");
    EXPECT_EQ(foreign("ice_lake_server", {"avx512f", "amx_tile"}), "amx_tile");
    EXPECT_EQ(foreign("emerald_rapids", {"amx_tile", "amx_fp16"}), "amx_fp16");
    EXPECT_EQ(foreign("zen3", {"avx512f"}), "avx512f");
    EXPECT_EQ(foreign("ivy_bridge", {"avx2"}), "avx2");
}

// A hypervisor hides instruction sets as it likes: that one is missing proves nothing.
TEST(Designs, WhatIsMissingSpeaksAgainstNothing) {
    EXPECT_EQ(foreign("granite_rapids", {"avx512f", "amx_tile", "amx_fp16"}), "");
    EXPECT_EQ(foreign("granite_rapids", {"sse2"}), "");
    EXPECT_EQ(foreign("emerald_rapids", {"avx512f", "avx512_bf16"}), "");
    EXPECT_EQ(foreign("alder_lake", {"avx512f"}), "");  // the first of them had it
    EXPECT_EQ(foreign("a_design_to_come", {"amx_tile"}), "");
    EXPECT_EQ(foreign("", {"amx_tile"}), "");
}

}  // namespace
}  // namespace peakward::catalog
