#include "analyze/levels.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "analyze/distributions.hpp"
#include "analyze/made_series.hpp"
#include "analyze/noise.hpp"

namespace peakward::analysis {
namespace {

// The same by brute force: squared whitened residuals of [begin, end) with one level, or with two.
double residuals(const std::vector<double>& x, double rho, std::size_t begin, std::size_t at,
                 std::size_t end, double before, double after) {
    auto level = [&](std::size_t t) { return t < at ? before : after; };
    double sum = (1 - rho * rho) * std::pow(x[begin] - level(begin), 2);
    for (std::size_t t = begin + 1; t < end; ++t)
        sum += std::pow(x[t] - level(t) - rho * (x[t - 1] - level(t - 1)), 2);
    return sum;
}

class LevelsWith : public testing::TestWithParam<double> {};
INSTANTIATE_TEST_SUITE_P(Rho, LevelsWith, testing::Values(0.0, 0.5, 0.9));

TEST_P(LevelsWith, GainIsWhatTwoLevelsSave) {
    const double rho = GetParam();
    const auto x = test::made_noise(test::NoiseKind::autoregressive, 40, 1);
    const Levels levels(x, rho);
    for (const auto& [begin, at, end] : {std::tuple{0u, 10u, 40u}, {5u, 6u, 9u}, {20u, 39u, 40u}}) {
        const auto step = levels.step(begin, at, end);
        const double one = levels.level(begin, end);
        const double without = residuals(x, rho, begin, at, end, one, one);
        const double with = residuals(x, rho, begin, at, end, step.before, step.after);
        EXPECT_NEAR(levels.gain(begin, at, end), without - with, 1e-9);
        EXPECT_NEAR(levels.cost(begin, end), without, 1e-9);
        // They are the best levels: any other costs more.
        for (const double d : {-0.01, 0.01}) {
            EXPECT_GT(residuals(x, rho, begin, at, end, step.before + d, step.after), with);
            EXPECT_GT(residuals(x, rho, begin, at, end, step.before, step.after + d), with);
            EXPECT_GT(residuals(x, rho, begin, at, end, one + d, one + d), without);
        }
    }
}

TEST(Levels, VarianceOfAStepIsThatOfTwoMeansWithoutMemory) {
    const std::vector<double> x(30, 1.0);
    EXPECT_NEAR(Levels(x, 0).step(0, 10, 30).variance, 1.0 / 10 + 1.0 / 20, 1e-12);
}

TEST(Levels, GainWithoutAStepIsChiSquared) {
    double sum = 0;
    int above = 0;
    constexpr int series = 2000;
    for (std::uint64_t seed = 0; seed < series; ++seed) {
        const auto x = test::made_noise(test::NoiseKind::autoregressive, 60, seed);
        const double z2 = Levels(x, 0.5).gain(0, 30, 60) / 0.75;
        sum += z2;
        above += z2 > 3.8415;
    }
    EXPECT_NEAR(sum / series, 1, 0.1);
    EXPECT_NEAR(double(above) / series, 0.05, 0.015);
}

TEST(Noise, DifferencesShowSpreadAndMemoryThroughSteps) {
    auto x = test::made_noise(test::NoiseKind::autoregressive, 2000, 3);
    for (std::size_t t = 700; t < 2000; ++t) x[t] += 30;
    const Spread spread = spread_of_differences(x);
    EXPECT_NEAR(spread.rho, 0.5, 0.1);
    EXPECT_NEAR(spread.sigma, 1, 0.12);
}

TEST(Noise, MedianOfNoneIsNone) {
    EXPECT_TRUE(std::isnan(median_of({})));
    EXPECT_EQ(median_of({3}), 3);
    EXPECT_EQ(median_of({4, 1, 3, 2}), 2.5);
    EXPECT_EQ(median_of({9, 1, 5}), 5);
}

TEST(Noise, AnOutlierHasNeighboursThatDisagreeAndALevelHasNone) {
    const std::vector<double> blip{0, 1, 0, 1, 20, 0, 1, 0, 1};
    EXPECT_TRUE(outliers_of(blip, 5)[4]);
    const std::vector<double> step{0, 1, 0, 1, 20, 21, 20, 21, 20};
    for (const bool outlier : outliers_of(step, 5)) EXPECT_FALSE(outlier);
    const std::vector<double> last{0, 1, 0, 1, 0, 1, 20};
    EXPECT_TRUE(outliers_of(last, 5)[6]);
    const std::vector<double> last_two{0, 1, 0, 1, 0, 20, 21};
    for (const bool outlier : outliers_of(last_two, 5)) EXPECT_FALSE(outlier);
}

TEST(Distributions, AgreeWithPublishedTables) {
    EXPECT_NEAR(normal_upper_tail(1.959964), 0.025, 1e-7);
    EXPECT_NEAR(normal_quantile(0.975), 1.959963985, 1e-8);
    EXPECT_NEAR(normal_quantile(1e-6), -4.753424309, 1e-7);
    EXPECT_NEAR(student_quantile(0.975, 4), 2.776445105, 1e-7);
    EXPECT_NEAR(student_quantile(0.9995, 10), 4.586893859, 1e-6);
    EXPECT_NEAR(student_upper_tail(2.776445105, 4), 0.025, 1e-9);
    EXPECT_NEAR(student_upper_tail(-1, 3), 1 - student_upper_tail(1, 3), 1e-12);
    EXPECT_NEAR(student_upper_tail(3, 1e7), normal_upper_tail(3), 1e-8);
}

}  // namespace
}  // namespace peakward::analysis
