#include "analyze/newest.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "analyze/distributions.hpp"
#include "analyze/made_series.hpp"

namespace peakward::analysis {
namespace {

NoiseDensity bell(double sigma = 1) { return {sigma, {}, {}}; }

// 3 % of values are raised by an exponential of mean 6.
NoiseDensity raised() { return {1, {0.03, 6}, {}}; }

TEST(ChanceOfNewest, IsThatOfTheMeanWhereNoiseIsABell) {
    const std::vector<double> above{2.2, 1.9, 2.5, 2.2};
    const double exact = 2 * normal_upper_tail(4.4);
    EXPECT_NEAR(chance_of_newest(above, 0.7, 0, bell()) / exact, 1, 0.05);
    std::vector<double> below;
    for (const double v : above) below.push_back(-2 * v);
    EXPECT_NEAR(chance_of_newest(below, 0.7, 0, bell(2)) / exact, 1, 0.05);
}

TEST(ChanceOfNewest, WeighsValuesByWhatTheyAddToTheOneBefore) {
    // Whitened: 3, 1.5, 1.5, 1.5 for weights 1, 0.5, 0.5, 0.5.
    const std::vector<double> above{3, 3, 3, 3};
    const double z = (3 + 0.5 * 4.5) / std::sqrt(1.75) / std::sqrt(0.75);
    const NoiseDensity density = bell(std::sqrt(0.75));
    const double exact = 2 * normal_upper_tail(z);
    EXPECT_NEAR(chance_of_newest(above, 0, 0.5, density) / exact, 1, 0.05);
    EXPECT_GT(chance_of_newest(above, 2, 0.5, density), 20 * exact);
}

TEST(ChanceOfNewest, IsOneWhereNothingIsSaid) {
    EXPECT_EQ(chance_of_newest(std::vector<double>{0.5, -1, 1, 0.8}, 0, 0, bell()), 1);
    EXPECT_EQ(chance_of_newest(std::vector<double>{9}, 0, 0, bell()), 1);
    EXPECT_EQ(chance_of_newest(std::vector<double>{}, 0, 0, bell()), 1);
}

TEST(ChanceOfNewest, AnOutlierNeitherMakesALevelNorHidesOne) {
    EXPECT_EQ(chance_of_newest(std::vector<double>{0.3, 12, -0.2, 0.6}, 0, 0, raised()), 1);
    EXPECT_GT(chance_of_newest(std::vector<double>{0.3, 12, 9, 0.6}, 0, 0, raised()), 0.01);
    EXPECT_LT(chance_of_newest(std::vector<double>{-3, 12, -2.8, -3.1}, 0, 0, raised()), 1e-4);
    // Three high values are no wonder where high ones are usual, but low ones are.
    const double high = chance_of_newest(std::vector<double>{4, 7, 5}, 0, 0, raised());
    const double low = chance_of_newest(std::vector<double>{-4, -7, -5}, 0, 0, raised());
    EXPECT_GT(high, 100 * low);
}

TEST(ChanceOfNewest, ComesUpInNoiseAsOftenAsItSays) {
    constexpr int draws = 40'000;
    constexpr double chance = 0.001;
    int as_small = 0;
    test::Random random(7);
    for (int i = 0; i < draws; ++i) {
        std::vector<double> newest;
        for (int k = 0; k < 4; ++k)
            newest.push_back(random.uniform() < 0.03 ? random.exponential(6) : random.normal());
        as_small += chance_of_newest(newest, 0, 0, raised()) <= chance;
    }
    EXPECT_LT(as_small, 1.5 * chance * draws);
    EXPECT_GT(as_small, 0.3 * chance * draws);
}

TEST(TailOf, LeavesAsManyFarOutAsWereSeen) {
    const NoiseDensity::Tail tail = tail_of(200, 6, 10'000, 3);
    EXPECT_NEAR(tail.mean, 6, 0.1);
    EXPECT_NEAR(tail.share * std::exp(-3 / tail.mean), 0.02, 0.0005);
    // The longer none was seen, the fewer are thought possible; never none at all.
    EXPECT_GT(tail_of(0, 0, 40, 3).share, 0.003);
    EXPECT_LT(tail_of(0, 0, 200, 3).share, 0.0002);
    EXPECT_GT(tail_of(0, 0, 200, 3).share, 0);
    EXPECT_LE(tail_of(90, 6, 100, 3).share, 0.2);
}

}  // namespace
}  // namespace peakward::analysis
