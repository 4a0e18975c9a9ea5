#include "analyze/improvement.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "analyze/planted.hpp"
#include "analyze/series_levels.hpp"

namespace peakward {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int64_t first_month_unix = 1767225600;

struct Plateau {
    int runs = 1;
    double level = 100;
};

// One run a month, a software stack a plateau, relative noise.
Series monthly(const std::vector<Plateau>& plateaus, double noise = 0, std::uint64_t seed = 1) {
    planted::Gaussian gaussian(seed);
    Series series;
    series.key = planted::key();
    int stack = 0;
    for (const Plateau& plateau : plateaus) {
        for (int i = 0; i < plateau.runs; ++i) {
            planted::add(series, plateau.level * std::exp(noise * gaussian()), stack);
            const auto months = static_cast<double>(series.points.size() - 1);
            series.points.back().time_unix = first_month_unix + std::llround(months * month_s);
        }
        ++stack;
    }
    return series;
}

Improvement rate_of(const std::vector<const Series*>& series) {
    return improvement_of(series, learned_noise(series));
}
Improvement rate_of(const Series& series) { return rate_of(std::vector<const Series*>{&series}); }

// The case of the issue: +42.9 % in a year, in one step; a slope through the plateaus said +0.09 %.
TEST(Improvement, IsTheChangeFromTheFirstLevelToTheNewest) {
    const Improvement found = rate_of(monthly({{9, 1000}, {4, 1429}}, 0.002));
    ASSERT_TRUE(found.percent_per_month && found.percent);
    EXPECT_NEAR(*found.percent, 42.9, 0.5);
    EXPECT_NEAR(*found.percent_per_month, 42.9 / 12, 0.05);
    ASSERT_TRUE(found.ci_low_percent_per_month);
    EXPECT_LT(*found.ci_low_percent_per_month, 42.9 / 12);
    EXPECT_GT(*found.ci_high_percent_per_month, 42.9 / 12);
    EXPECT_LT(*found.ci_high_percent_per_month - *found.ci_low_percent_per_month, 0.2);
    EXPECT_EQ(found.points, 13u);
}

TEST(Improvement, SaysWhenItCame) {
    const Improvement found = rate_of(monthly({{4, 1000}, {4, 1200}, {4, 1140}}, 0.002));
    ASSERT_THAT(found.steps, SizeIs(2));
    EXPECT_EQ(found.steps[0].time_unix, first_month_unix + std::llround(4 * month_s));
    EXPECT_NEAR(found.steps[0].percent, 20, 0.6);
    EXPECT_EQ(found.steps[1].time_unix, first_month_unix + std::llround(8 * month_s));
    EXPECT_NEAR(found.steps[1].percent, -5, 0.6);
}

TEST(Improvement, UpdatesThatChangeNothingAreNoSteps) {
    constexpr int histories = 200;
    int quiet = 0, around_zero = 0;
    for (std::uint64_t seed = 1; seed <= histories; ++seed) {
        const Improvement found =
            rate_of(monthly({{3, 1000}, {3, 1000}, {3, 1000}, {3, 1000}, {3, 1000}}, 0.01, seed));
        quiet += found.steps.empty() && *found.percent == 0;
        around_zero +=
            *found.ci_low_percent_per_month <= 0 && *found.ci_high_percent_per_month >= 0;
    }
    EXPECT_GE(quiet, 0.97 * histories);
    EXPECT_GE(around_zero, 0.97 * histories);
}

TEST(Improvement, ItsIntervalHoldsTheTruth) {
    constexpr int histories = 300;
    int inside = 0;
    for (std::uint64_t seed = 1; seed <= histories; ++seed) {
        const Improvement found =
            rate_of(monthly({{3, 1000}, {2, 1100}, {4, 1250}, {2, 1400}}, 0.01, seed));
        ASSERT_TRUE(found.ci_low_percent_per_month);
        inside += *found.ci_low_percent_per_month <= 4 && *found.ci_high_percent_per_month >= 4;
    }
    EXPECT_GE(inside, 0.90 * histories);
    EXPECT_LE(inside, 0.98 * histories);
}

TEST(Improvement, OneWildRunDoesNotBendIt) {
    Series series = monthly({{6, 100}, {7, 130}}, 0.005);
    series.points[9].value = 500;
    EXPECT_NEAR(rate_of(series).percent_per_month.value_or(99), 30.0 / 12, 0.2);
}

TEST(Improvement, ARiseWithinOneStackIsSeen) {
    Series series = monthly({{7, 100}});
    for (std::size_t i = 0; i < series.points.size(); ++i)
        series.points[i].value = 100 + 5.0 * static_cast<double>(i);
    EXPECT_NEAR(rate_of(series).percent_per_month.value_or(0), 5, 0.01);
}

TEST(Improvement, OfACostFallingIsImprovement) {
    Series series = monthly({{3, 2}, {3, 1}});
    series.key.metric = "median_s";
    EXPECT_NEAR(rate_of(series).percent.value_or(0), 100, 1e-6);
}

TEST(Improvement, WithoutRepeatsItHasNoInterval) {
    const Improvement found = rate_of(monthly({{1, 100}, {1, 110}, {1, 120}}));
    EXPECT_NEAR(found.percent_per_month.value_or(0), 10, 0.01);
    EXPECT_FALSE(found.ci_low_percent_per_month);
}

TEST(Improvement, OfSeveralMachinesIsTheMeanOfEachAgainstItself) {
    const Series slow = monthly({{3, 100}, {3, 105}}), fast = monthly({{3, 1000}, {3, 1150}});
    const Improvement found = rate_of({&slow, &fast});
    EXPECT_NEAR(found.percent.value_or(0), 10, 1e-6);
    EXPECT_EQ(found.points, 12u);
}

TEST(Improvement, WithoutARateSaysWhy) {
    EXPECT_EQ(rate_of(monthly({})).reason, "no run to decide with");
    EXPECT_EQ(rate_of(monthly({{1, 100}})).reason, "one run only");
    Series near_by = monthly({{2, 100}});
    near_by.points[1].time_unix = near_by.points[0].time_unix + 3600;
    EXPECT_EQ(rate_of(near_by).reason, "the runs span less than a day");
    const Series here = monthly({{1, 100}});
    Series there = monthly({{1, 90}});
    there.points[0].time_unix += 5'000'000;
    EXPECT_EQ(rate_of({&here, &there}).reason, "each install has one run only")
        << "eight weeks apart, and never 'less than a day'";
    Series zero = monthly({{2, 100}});
    zero.points[1].value = 0;
    EXPECT_EQ(rate_of(zero).reason, "a figure of zero or below has no rate");
}

TEST(SeriesLevels, AreToldApartByTheNoise) {
    constexpr int histories = 200;
    int found_two = 0;
    for (std::uint64_t seed = 1; seed <= histories; ++seed) {
        const Series series = monthly({{4, 1000}, {4, 1001}, {4, 1100}, {1, 1098}}, 0.002, seed);
        const Series* const alone = &series;
        const auto noise = learned_noise(std::span(&alone, 1)).front();
        const auto levels = series_levels(series, noise);
        found_two += levels.size() == 2 && levels[0].runs == 8 && levels[1].runs == 5 &&
                     levels[1].first_unix == series.points[8].time_unix &&
                     std::abs(levels[1].value - 1100) < 6;
    }
    EXPECT_GE(found_two, 0.95 * histories);
}

}  // namespace
}  // namespace peakward
