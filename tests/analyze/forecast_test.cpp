#include "analyze/forecast.hpp"

#include <gmock/gmock.h>

#include "analyze/planted.hpp"

namespace peakward {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// start + (plateau - start) (1 - exp(-t / tau)), a new stack every 20 days, two runs each.
std::vector<ForecastPoint> curve(int stacks, double plateau, double noise = 0.003,
                                 std::uint64_t seed = 42) {
    planted::Gaussian gaussian(seed);
    std::vector<ForecastPoint> points;
    for (int stack = 0; stack < stacks; ++stack) {
        const double time = 20.0 * stack;
        const double level = 0.5 + (plateau - 0.5) * (1 - std::exp(-time / 90));
        for (int run = 0; run < 2; ++run)
            points.push_back({20'000 + time + 8 * run, level + noise * gaussian(), stack});
    }
    return points;
}

ForecastOptions towards(double target) {
    ForecastOptions options;
    options.target = target;
    options.value_max = 1.02;
    return options;
}

TEST(Forecast, FewerThanFourStacksAreRefused) {
    const Forecast f = forecast(curve(3, 0.9), towards(0.9));
    EXPECT_THAT(f.refused, HasSubstr("3 software stacks"));
    EXPECT_THAT(f.draws, IsEmpty());
    EXPECT_THAT(forecast({}, towards(0.9)).refused, HasSubstr("0 software stacks"));
    EXPECT_THAT(forecast(curve(4, 0.9), towards(0.9)).refused, IsEmpty());
}

TEST(Forecast, NoRiseIsRefused) {
    EXPECT_THAT(forecast(curve(12, 0.5), towards(0.9)).refused, HasSubstr("no rise"));
    auto falling = curve(12, 0.9);
    for (ForecastPoint& point : falling) point.value = 1.4 - point.value;
    EXPECT_THAT(forecast(falling, towards(0.9)).refused, HasSubstr("no rise"));
}

TEST(Forecast, OneMomentIsRefused) {
    auto points = curve(6, 0.9);
    for (ForecastPoint& point : points) point.time_days = 20'000;
    EXPECT_THAT(forecast(points, towards(0.9)).refused, HasSubstr("one moment"));
}

TEST(Forecast, ACurveThatLevelsOutBelowTheTargetSaysSo) {
    const Forecast f = forecast(curve(24, 0.80), towards(0.9));
    ASSERT_THAT(f.refused, IsEmpty());
    EXPECT_NEAR(f.plateau.middle, 0.80, 0.02);
    EXPECT_LT(f.plateau.low, f.plateau.high);
    EXPECT_GT(f.plateau.high, 0.79);
    ASSERT_TRUE(f.target);
    EXPECT_FALSE(f.target->middle_days);
    EXPECT_LT(f.target->chance, 0.2);
}

TEST(Forecast, TheDateOfATargetIsInItsInterval) {
    // 0.85 is reached at -90 ln((0.95 - 0.85) / 0.45) = 135 days; known are 120.
    const Forecast f = forecast(curve(7, 0.95), towards(0.85));
    ASSERT_THAT(f.refused, IsEmpty());
    ASSERT_TRUE(f.target && f.target->middle_days && f.target->low_days);
    EXPECT_FALSE(f.target->reached_already);
    EXPECT_LE(*f.target->low_days, 20'140);
    EXPECT_GE(f.target->high_days.value_or(1e9), 20'135);
    EXPECT_NEAR(*f.target->middle_days, 20'137, 20);
}

TEST(Forecast, ATargetThatIsReachedIsNotForecast) {
    const Forecast f = forecast(curve(24, 0.95), towards(0.8));
    ASSERT_TRUE(f.target);
    EXPECT_TRUE(f.target->reached_already);
}

TEST(Forecast, NoLevelIsForecastAboveWhatIsPossible) {
    // A straight line, which alone would say nothing of an end.
    std::vector<ForecastPoint> line;
    for (int stack = 0; stack < 6; ++stack)
        line.push_back({20'000.0 + 30 * stack, 0.5 + 0.07 * stack, stack});
    const Forecast f = forecast(line, towards(0.9));
    ASSERT_THAT(f.refused, IsEmpty());
    EXPECT_LE(f.plateau.high, 1.02);
}

TEST(Forecast, JumpsBetweenStacksWidenTheInterval) {
    auto jumping = curve(16, 0.9);
    planted::Gaussian gaussian(5);
    double jump = 0;
    for (std::size_t i = 0; i < jumping.size(); ++i) {
        if (i % 2 == 0) jump = 0.02 * gaussian();
        jumping[i].value += jump;
    }
    const auto width = [](const Forecast& f) {
        const Interval there = f.run_at(f.last_days + 50);
        return there.high - there.low;
    };
    // 2.56 standard deviations hold 80 %: of the jumps, not of the runs of one stack alone.
    EXPECT_GT(width(forecast(jumping, towards(0.9))), 2.2 * 0.02);
    EXPECT_LT(width(forecast(curve(16, 0.9), towards(0.9))), 0.02);
}

TEST(Forecast, IsTestedOnItsOwnPast) {
    const Forecast f = forecast(curve(24, 0.9), towards(0.9));
    EXPECT_GT(f.back_test.cuts, 3);
    EXPECT_GT(f.back_test.runs, 50);
    EXPECT_GT(f.back_test.share(), 0.5);
    ForecastOptions without = towards(0.9);
    without.back_test = false;
    EXPECT_EQ(forecast(curve(24, 0.9), without).back_test.runs, 0);
}

TEST(Forecast, IsTheSameEveryTime) {
    const Forecast a = forecast(curve(10, 0.9), towards(0.85));
    const Forecast b = forecast(curve(10, 0.9), towards(0.85));
    EXPECT_EQ(a.plateau.middle, b.plateau.middle);
    EXPECT_EQ(a.target->middle_days, b.target->middle_days);
}

TEST(Forecast, EightyPercentIntervalsHoldMostLaterRuns) {
    int inside = 0, runs = 0;
    for (std::uint64_t seed = 500; seed < 530; ++seed) {
        const auto points = curve(16, 0.88, 0.008, seed);
        ForecastOptions options = towards(0.9);
        options.back_test = false;
        const Forecast then = forecast(std::span(points).first(16), options);
        if (!then.refused.empty()) continue;
        for (const ForecastPoint& later : std::span(points).subspan(16)) {
            const Interval there = then.run_at(later.time_days);
            inside += later.value >= there.low && later.value <= there.high ? 1 : 0;
            ++runs;
        }
    }
    const double share = static_cast<double>(inside) / runs;
    EXPECT_GT(share, 0.70);
    EXPECT_LT(share, 0.92);
}

// Ten stacks rise to a plateau, and then everything drops and rises again, on and on.
TEST(Forecast, WhatFailedOnItsOwnPastIsRefused) {
    std::vector<ForecastPoint> points;
    planted::Gaussian gaussian(8);
    const std::vector<double> levels{0.50, 0.55, 0.60, 0.65, 0.90, 0.62, 0.64,
                                     0.66, 0.93, 0.90, 0.70, 0.72, 0.95, 0.96};
    for (std::size_t stack = 0; stack < levels.size(); ++stack)
        for (int run = 0; run < 3; ++run)
            points.push_back({20'000 + 20.0 * static_cast<double>(stack) + 5 * run,
                              levels[stack] + 0.001 * gaussian(), static_cast<int>(stack)});
    const Forecast f = forecast(points, towards(0.98));
    ASSERT_LT(f.back_test.share(), 0.5);
    EXPECT_THAT(f.refused, HasSubstr("it failed on its own past"));
    EXPECT_THAT(f.draws, IsEmpty());
    EXPECT_FALSE(f.target);
}

// The last two are one level: 2 of 24 orders look as good, which permutations cannot tell apart.
TEST(Forecast, SpeaksAtFourStacksThatClearlyRise) {
    const std::vector<double> levels{0.60, 0.75, 0.8501, 0.8499};
    int spoke = 0, spoke_of_falling = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        planted::Gaussian gaussian(seed);
        std::vector<ForecastPoint> points;
        for (std::size_t stack = 0; stack < levels.size(); ++stack)
            for (int run = 0; run < 4; ++run)
                points.push_back({20'000 + 30.0 * static_cast<double>(stack) + 5 * run,
                                  levels[stack] + 0.002 * gaussian(), static_cast<int>(stack)});
        spoke += forecast(points, towards(0.9)).refused.empty() ? 1 : 0;
        for (ForecastPoint& point : points) point.value = 1.5 - point.value;
        spoke_of_falling += forecast(points, towards(0.9)).refused.empty() ? 1 : 0;
    }
    EXPECT_GE(spoke, 18);
    EXPECT_EQ(spoke_of_falling, 0);
}

TEST(Forecast, FourStacksOfOneLevelAreNoRise) {
    int spoke = 0;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        planted::Gaussian gaussian(seed);
        std::vector<ForecastPoint> points;
        for (int stack = 0; stack < 4; ++stack)
            for (int run = 0; run < 3; ++run)
                points.push_back({20'000 + 30.0 * stack + 5 * run, 0.8 + 0.01 * gaussian(), stack});
        spoke += forecast(points, towards(0.9)).refused.empty() ? 1 : 0;
    }
    EXPECT_LE(spoke, 10);
}

TEST(Forecast, NowIsTheNewestLevelAndNotTheCurve) {
    auto points = curve(10, 0.9);
    for (std::size_t i = points.size() - 2; i < points.size(); ++i) points[i].value = 0.8;
    EXPECT_NEAR(forecast(points, towards(0.95)).now.middle, 0.8, 1e-9);
    ForecastOptions options = towards(0.95);
    options.now = Interval{0.81, 0.80, 0.82};
    EXPECT_EQ(forecast(points, options).now.middle, 0.81);
}

TEST(Forecast, NoDateLiesBeforeTheDayOfTheQuestion) {
    // As above: 0.85 is reached about day 20,135.
    ForecastOptions options = towards(0.85);
    options.today_days = 20'500;
    const Forecast f = forecast(curve(7, 0.95), options);
    ASSERT_THAT(f.refused, IsEmpty());
    ASSERT_TRUE(f.target && f.target->middle_days && f.target->low_days);
    EXPECT_GE(*f.target->middle_days, 20'500);
    EXPECT_GE(*f.target->low_days, 20'500);
    EXPECT_TRUE(f.target->due);
    options.today_days = 20'129;
    EXPECT_FALSE(forecast(curve(7, 0.95), options).target->due);
}

}  // namespace
}  // namespace peakward
