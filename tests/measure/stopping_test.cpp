#include "measure/stopping.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace peakward {
namespace {

std::vector<double> numbers(int n) {
    std::vector<double> values;
    for (int i = 1; i <= n; ++i) values.push_back(i);
    return values;
}

TEST(MedianInterval, IsEmptyForNothing) {
    EXPECT_EQ(median_interval({}).median, 0);
    EXPECT_EQ(median_interval({}).high, 0);
}

TEST(MedianInterval, TakesTheMiddleOrTheMeanOfTwo) {
    EXPECT_EQ(median_interval(std::vector<double>{3, 1, 2}).median, 2);
    EXPECT_EQ(median_interval(std::vector<double>{4, 1, 2, 3}).median, 2.5);
}

// Ranks of Conover, table A3 (binomial, p = 1/2): the r-th smallest and r-th largest of n.
TEST(MedianInterval, UsesTheExactRanksForSmallCounts) {
    const std::vector<std::pair<int, int>> rank_for_count{
        {2, 1},  {5, 1},  {6, 1},  {8, 1},   {9, 2},   {10, 2},  {12, 3},
        {15, 4}, {20, 6}, {25, 8}, {30, 10}, {40, 14}, {50, 18}, {100, 40}};
    for (const auto& [n, rank] : rank_for_count) {
        const auto interval = median_interval(numbers(n));
        EXPECT_EQ(interval.low, rank) << n;
        EXPECT_EQ(interval.high, n + 1 - rank) << n;
    }
}

TEST(MedianInterval, ApproximatesForLargeCounts) {
    // n/2 - 1.96 sqrt(n)/2 = 469.01 for 1000.
    const auto interval = median_interval(numbers(1000));
    EXPECT_EQ(interval.low, 469);
    EXPECT_EQ(interval.high, 532);
    // No jump where the exact sum ends.
    EXPECT_LE(std::abs(median_interval(numbers(501)).low - median_interval(numbers(500)).low), 1);
}

TEST(MedianInterval, CoversTheTruthInAboutNineteenOfTwentyDraws) {
    std::mt19937_64 random(11);
    std::normal_distribution<double> gauss(10, 1);
    for (const int n : {12, 60}) {
        int covered = 0;
        for (int i = 0; i < 2000; ++i) {
            std::vector<double> values;
            for (int k = 0; k < n; ++k) values.push_back(gauss(random));
            const auto interval = median_interval(values);
            covered += interval.low <= 10 && 10 <= interval.high;
        }
        EXPECT_GE(covered, 1880) << n;
        EXPECT_LE(covered, 1975) << n;
    }
}

// Feeds a rule in batches, as run_case does, until it stops.
struct Ending {
    Exit exit = Exit::none;
    double elapsed_s = 0;
    std::size_t samples = 0;
};
template <typename Next>
Ending feed(const StoppingOptions& options, Next next, double sample_s = 0.001, int batch = 50) {
    StoppingRule rule(options);
    std::vector<double> values;
    double elapsed_s = 0;
    for (int guard = 0; guard < 10'000; ++guard) {
        for (int i = 0; i < batch; ++i) values.push_back(next(elapsed_s + i * sample_s));
        elapsed_s += batch * sample_s;
        const Exit exit = rule.check(values, elapsed_s, elapsed_s);
        if (exit != Exit::none) return {exit, elapsed_s, values.size()};
    }
    return {};
}

TEST(StoppingRule, ConvergesAtOnceWithoutNoise) {
    const auto ending = feed({}, [](double) { return 1.0; });
    EXPECT_EQ(ending.exit, Exit::converged);
    EXPECT_DOUBLE_EQ(ending.elapsed_s, 0.05);
}

TEST(StoppingRule, WantsEnoughSamples) {
    StoppingRule rule({});
    const std::vector<double> values(10, 1.0);
    EXPECT_EQ(rule.check(std::span(values).first(9), 1, 1), Exit::none);
    EXPECT_EQ(rule.check(values, 1, 1), Exit::converged);
}

TEST(StoppingRule, WantsEnoughTime) {
    StoppingRule rule({});
    const std::vector<double> values(20, 1.0);
    EXPECT_EQ(rule.check(values, 0.0499, 1), Exit::none);
    EXPECT_EQ(rule.check(values, 0.05, 1), Exit::converged);
}

TEST(StoppingRule, WantsANarrowInterval) {
    // Twelve values: the interval goes from the third to the tenth.
    const auto spread = [](double half_width) {
        std::vector<double> values;
        for (int i = 0; i < 12; ++i) values.push_back(i % 2 ? 1 + half_width : 1 - half_width);
        return values;
    };
    EXPECT_EQ(StoppingRule({}).check(spread(0.0099), 1, 1), Exit::converged);
    EXPECT_EQ(StoppingRule({}).check(spread(0.0101), 1, 1), Exit::none);
    StoppingOptions peak;
    peak.half_width_max = 0.005;
    EXPECT_EQ(StoppingRule(peak).check(spread(0.0051), 1, 1), Exit::none);
    EXPECT_EQ(StoppingRule(peak).check(spread(0.0049), 1, 1), Exit::converged);
}

TEST(StoppingRule, WantsBothHalvesToAgree) {
    // A step in the middle: the interval of all is narrow enough only by its many equal values.
    std::vector<double> values(100, 1.0);
    for (std::size_t i = 50; i < 100; ++i) values[i] = 1.011;
    EXPECT_EQ(StoppingRule({}).check(values, 1, 1), Exit::none);
    for (std::size_t i = 50; i < 100; ++i) values[i] = 1.009;
    EXPECT_EQ(StoppingRule({}).check(values, 1, 1), Exit::converged);
}

TEST(StoppingRule, EndsWithTheBudget) {
    StoppingRule rule({});
    EXPECT_EQ(rule.check({}, 0, 2.999), Exit::none);
    EXPECT_EQ(rule.check({}, 0, 3.0), Exit::budget);
    const std::vector<double> few(3, 1.0);
    EXPECT_EQ(rule.check(few, 0.01, 3.5), Exit::budget);
}

TEST(StoppingRule, AFairFigureIsEnoughWhereTheSuiteSaysSo) {
    std::vector<double> values(100, 1.0);
    for (std::size_t i = 0; i < values.size(); i += 2) values[i] = 1.04;  // half-width 2 %
    const StoppingOptions quick{.seconds_enough = 0.5};
    EXPECT_EQ(StoppingRule(quick).check(values, 0.4, 0.4), Exit::none);
    EXPECT_EQ(StoppingRule(quick).check(values, 0.5, 0.5), Exit::fair);
    EXPECT_EQ(StoppingRule({}).check(values, 0.5, 0.5), Exit::none);
    for (std::size_t i = 0; i < values.size(); i += 2) values[i] = 1.06;  // 3 %: not fair
    EXPECT_EQ(StoppingRule(quick).check(values, 0.5, 0.5), Exit::none);
    const std::vector<double> few(9, 1.0);
    EXPECT_EQ(StoppingRule(quick).check(few, 0.9, 0.9), Exit::none);
    std::vector<double> drift(1000);
    for (std::size_t i = 0; i < drift.size(); ++i) drift[i] = 1 + 3e-5 * static_cast<double>(i);
    EXPECT_EQ(StoppingRule(quick).check(drift, 0.5, 0.5), Exit::none);
}

TEST(StoppingRule, ConvergesOnGaussianNoise) {
    std::mt19937_64 random(12);
    std::normal_distribution<double> gauss(1, 0.03);
    const auto ending = feed({}, [&](double) { return gauss(random); });
    EXPECT_EQ(ending.exit, Exit::converged);
    EXPECT_LE(ending.elapsed_s, 0.3);
}

TEST(StoppingRule, FindsBimodalNoiseStableBeforeTheBudget) {
    // Two levels 10 % apart, half of the time each: the median's interval never narrows.
    std::mt19937_64 random(13);
    std::normal_distribution<double> gauss(0, 0.001);
    int i = 0;
    const auto ending = feed({}, [&](double) { return (++i % 2 ? 1.0 : 1.1) + gauss(random); });
    EXPECT_EQ(ending.exit, Exit::noisy_stable);
    EXPECT_GE(ending.elapsed_s, 0.5);
    EXPECT_LT(ending.elapsed_s, 2.0);
}

TEST(StoppingRule, NeverCallsADriftStable) {
    std::mt19937_64 random(14);
    std::normal_distribution<double> gauss(0, 0.002);
    const auto ending = feed({}, [&](double at_s) { return 1 + at_s + gauss(random); });
    EXPECT_EQ(ending.exit, Exit::budget);
    EXPECT_GE(ending.elapsed_s, 3.0);
}

TEST(StoppingRule, WaitsTheWholeWindowBeforeNoiseIsStable) {
    std::vector<double> values;
    for (int i = 0; i < 100; ++i) values.push_back(i % 2 ? 0.9 : 1.1);
    StoppingRule rule({});
    EXPECT_EQ(rule.check(values, 1, 1.0), Exit::none);
    EXPECT_EQ(rule.check(values, 1, 1.49), Exit::none);
    EXPECT_EQ(rule.check(values, 1, 1.5), Exit::noisy_stable);
}

TEST(StoppingRule, StartsTheWindowAnewWhenTheIntervalNarrows) {
    const auto wide = [](double half_width) {
        std::vector<double> values;
        for (int i = 0; i < 100; ++i) values.push_back(i % 2 ? 1 - half_width : 1 + half_width);
        return values;
    };
    StoppingRule rule({});
    EXPECT_EQ(rule.check(wide(0.2), 1, 1.0), Exit::none);
    EXPECT_EQ(rule.check(wide(0.1), 1, 1.4), Exit::none);
    EXPECT_EQ(rule.check(wide(0.1), 1, 1.89), Exit::none);
    EXPECT_EQ(rule.check(wide(0.1), 1, 1.9), Exit::noisy_stable);
    // One percent narrower is the noise of the interval itself.
    StoppingRule hardly({});
    EXPECT_EQ(hardly.check(wide(0.2), 1, 1.0), Exit::none);
    EXPECT_EQ(hardly.check(wide(0.198), 1, 1.4), Exit::none);
    EXPECT_EQ(hardly.check(wide(0.198), 1, 1.5), Exit::noisy_stable);
}

TEST(StoppingRule, PrefersConvergedOverTheBudget) {
    const std::vector<double> values(20, 1.0);
    EXPECT_EQ(StoppingRule({}).check(values, 1, 5.0), Exit::converged);
}

}  // namespace
}  // namespace peakward
