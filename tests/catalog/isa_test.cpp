#include "catalog/isa.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "catalog/catalog.hpp"

namespace peakward::catalog {
namespace {

TEST(LegalRates, AreAscendingForEveryPair) {
    for (const Axis& axis : find_operation("compute_peak")->axes)
        for (const std::string& isa : axis.words) {
            bool any = false;
            for (const std::string& precision : precision_names()) {
                const auto rates = legal_operations_per_cycle(isa, precision);
                any = any || !rates.empty();
                EXPECT_TRUE(std::is_sorted(rates.begin(), rates.end())) << isa << " " << precision;
            }
            EXPECT_TRUE(any) << isa;
        }
    EXPECT_TRUE(legal_operations_per_cycle("avx512", "int4").empty());
}

TEST(RoundToLegal, TakesTheSmallestValueNotBelowTheProbe) {
    EXPECT_EQ(round_to_legal(31.0, "avx512", "fp64")->operations_per_cycle, 32);
    EXPECT_EQ(round_to_legal(16.3, "avx512", "fp64")->operations_per_cycle, 16);
    EXPECT_EQ(round_to_legal(16.4, "avx512", "fp64")->operations_per_cycle, 32);
    EXPECT_EQ(round_to_legal(3.97, "scalar", "fp64")->operations_per_cycle, 4);
    EXPECT_FALSE(round_to_legal(2.70, "scalar", "fp64")->agrees) << "a scalar FMA never does 2.7";
    EXPECT_FALSE(round_to_legal(32.7, "avx512", "fp64"));
    EXPECT_FALSE(round_to_legal(1, "avx512", "int4"));
}

TEST(RoundToLegal, SaysWhenTheProbeIsFarFromIt) {
    EXPECT_TRUE(round_to_legal(30.1, "avx512", "fp64")->agrees);
    EXPECT_FALSE(round_to_legal(30.0, "avx512", "fp64")->agrees);
}

TEST(ClockClass, IsTheFamilyThatSetsTheClock) {
    EXPECT_EQ(clock_class("avx512_vnni"), "avx512");
    EXPECT_EQ(clock_class("avx_vnni"), "avx2");
    EXPECT_EQ(clock_class("neon_dotprod"), "neon");
    EXPECT_EQ(clock_class("amx"), "amx");
    EXPECT_EQ(clock_class("scalar"), "scalar");
}

}  // namespace
}  // namespace peakward::catalog
