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

}  // namespace
}  // namespace peakward
