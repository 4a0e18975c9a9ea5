#include "analyze/improvement.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace peakward {
namespace {

constexpr std::int64_t start_unix = 1767225600;

// One value a month.
std::vector<RatePoint> monthly(const std::vector<double>& values) {
    std::vector<RatePoint> points;
    for (std::size_t i = 0; i < values.size(); ++i)
        points.push_back(
            {start_unix + static_cast<std::int64_t>(static_cast<double>(i) * month_s), values[i]});
    return points;
}

TEST(Improvement, IsPercentOfTheLevelAtTheStart) {
    const std::vector<std::vector<RatePoint>> series{monthly({100, 105, 110, 115, 120, 125})};
    const Improvement improvement = theil_sen(series);
    ASSERT_TRUE(improvement.percent_per_month);
    EXPECT_NEAR(*improvement.percent_per_month, 5, 1e-3);
    ASSERT_TRUE(improvement.ci_low_percent_per_month && improvement.ci_high_percent_per_month);
    EXPECT_NEAR(*improvement.ci_low_percent_per_month, 5, 1e-3);
    EXPECT_EQ(improvement.points, 6u);
}

TEST(Improvement, OneWildRunDoesNotBendIt) {
    const std::vector<std::vector<RatePoint>> series{
        monthly({100, 102, 104, 500, 108, 110, 112, 114, 116, 118})};
    const Improvement improvement = theil_sen(series);
    EXPECT_NEAR(improvement.percent_per_month.value_or(0), 2, 0.1);
    EXPECT_LE(improvement.ci_low_percent_per_month.value_or(99), 2.01);
    EXPECT_GE(improvement.ci_high_percent_per_month.value_or(-99), 1.99);
}

TEST(Improvement, AnIntervalNeedsFivePoints) {
    const std::vector<std::vector<RatePoint>> four{monthly({1, 2, 3, 4})};
    EXPECT_TRUE(theil_sen(four).percent_per_month);
    EXPECT_FALSE(theil_sen(four).ci_low_percent_per_month);
    const std::vector<std::vector<RatePoint>> five{monthly({1, 2, 3, 4, 5})};
    EXPECT_TRUE(theil_sen(five).ci_low_percent_per_month);
}

TEST(Improvement, SaysWhyThereIsNone) {
    using Lines = std::vector<std::vector<RatePoint>>;
    EXPECT_EQ(theil_sen(Lines{}).reason, "no run to decide with");
    EXPECT_EQ(theil_sen(Lines{monthly({7})}).reason, "one run only");
    EXPECT_EQ(theil_sen(Lines{{{start_unix, 1}, {start_unix, 2}}}).reason,
              "the runs span less than a day");
    EXPECT_EQ(theil_sen(Lines{{{start_unix, 1}, {start_unix + 3600, 2}}}).reason,
              "the runs span less than a day");
    EXPECT_EQ(theil_sen(Lines{monthly({0, 0, 0})}).reason,
              "the level at the start is not above zero");
}

TEST(Improvement, InstallsOfADayEachAreOneLine) {
    constexpr std::int64_t eight_weeks_s = std::int64_t{56} * 86400;
    const std::vector<std::vector<RatePoint>> installs{
        {{start_unix, 100}, {start_unix + 3600, 101}},
        {{start_unix + eight_weeks_s, 110}, {start_unix + eight_weeks_s + 3600, 111}}};
    const Improvement found = theil_sen(installs);
    ASSERT_TRUE(found.percent_per_month) << found.reason;
    EXPECT_NEAR(*found.percent_per_month, 5.4, 1);
    EXPECT_EQ(found.points, 4u);
}

TEST(Improvement, TwoRunsAtOneInstantMakeNoPair) {
    const std::vector<std::vector<RatePoint>> series{{{start_unix, 100},
                                                      {start_unix, 300},
                                                      {start_unix + 2629800, 110},
                                                      {start_unix + 2629800, 310}}};
    const Improvement improvement = theil_sen(series);
    ASSERT_TRUE(improvement.percent_per_month);
    EXPECT_NEAR(*improvement.percent_per_month, 5, 1e-2);
}

TEST(Improvement, ComparesMachinesOnlyWithThemselves) {
    // A fast machine that came first and a slow one later: both rise, and so does the pool.
    std::vector<RatePoint> fast = monthly({1000, 1050, 1100, 1150, 1200});
    std::vector<RatePoint> slow = monthly({100, 105, 110, 115, 120});
    for (RatePoint& point : slow) point.time_unix += 200 * 86400;
    const std::vector<std::vector<RatePoint>> series{fast, slow};
    EXPECT_NEAR(theil_sen(series).percent_per_month.value_or(0), 5, 1e-3);
}

TEST(Improvement, LongSeriesAreThinnedAndKeepTheirSlope) {
    std::vector<RatePoint> points;
    for (int i = 0; i < 5000; ++i)
        points.push_back({start_unix + i * 3600, 100 + 0.01 * i + (i * 7919 % 13 - 6) * 0.1});
    const std::vector<std::vector<RatePoint>> series{points};
    // 0.01 an hour is 7.3 a month.
    EXPECT_NEAR(theil_sen(series).percent_per_month.value_or(0), 7.305, 0.02);
    EXPECT_EQ(theil_sen(series).points, 5000u);
}

// A fleet: every machine has its own level, and all become better alike.
TEST(Improvement, OfManySeriesEachKeepsFewerPointsAndAllTheirSlope) {
    std::vector<std::vector<RatePoint>> fleet;
    for (int machine = 0; machine < 1000; ++machine) {
        std::vector<RatePoint>& points = fleet.emplace_back();
        const double level = 100 + machine;
        for (int day = 0; day < 120; ++day)
            points.push_back(
                {start_unix + day * 86400,
                 level * (1 + 0.001 * day + ((machine + day) * 7919 % 13 - 6) * 0.001)});
    }
    const Improvement found = theil_sen(fleet);
    EXPECT_NEAR(found.percent_per_month.value_or(0), 0.1 * month_s / 86400, 0.05);
    EXPECT_LT(found.ci_low_percent_per_month.value_or(99), found.percent_per_month);
    EXPECT_GT(found.ci_high_percent_per_month.value_or(0), found.percent_per_month);
    EXPECT_EQ(found.points, 120'000u);
}

}  // namespace
}  // namespace peakward
