// What real series do that simple models do not: they wander, leave and come back, count in whole
// numbers, and lie near the limits of a double.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "analyze/change_points.hpp"
#include "analyze/made_series.hpp"
#include "analyze/wander.hpp"

namespace peakward {
namespace {

using test::Random;
using testing::IsEmpty;
using testing::SizeIs;

// White noise of one sigma, and a slow component of lag-1 correlation `rho` beside it.
std::vector<double> wandering(std::size_t points, double rho, double sigma, std::uint64_t seed) {
    Random random(seed);
    std::vector<double> values;
    double slow = sigma * random.normal();
    for (std::size_t t = 0; t < points; ++t) {
        slow = rho * slow + sigma * std::sqrt(1 - rho * rho) * random.normal();
        values.push_back(100 + slow + random.normal());
    }
    return values;
}

struct Slow {
    double rho, sigma;
};
constexpr Slow slow_noises[] = {{0, 0}, {0.9, 0.35}, {0.95, 0.35}, {0.98, 0.35}, {0.95, 0.5}};

TEST(RealSeries, SlowNoiseIsNoChange) {
    for (const Slow& noise : slow_noises) {
        int alarms = 0;
        for (std::uint64_t seed = 0; seed < 50; ++seed)
            alarms +=
                !find_changes(wandering(800, noise.rho, noise.sigma, 100 + seed)).changes.empty();
        EXPECT_LE(alarms, 4) << noise.rho << " " << noise.sigma;
    }
}

TEST(RealSeries, StepsAreFoundInSlowNoise) {
    for (const Slow& noise : slow_noises) {
        int found = 0, wrong = 0;
        for (std::uint64_t seed = 0; seed < 20; ++seed) {
            auto series = wandering(800, noise.rho, noise.sigma, 500 + seed);
            for (std::size_t t = 200; t < 800; ++t) series[t] += 3;
            for (std::size_t t = 500; t < 800; ++t) series[t] -= 3.5;
            for (const Change& change : find_changes(series).changes) {
                const auto near = [&](std::size_t at) {
                    return change.index + 5 >= at && change.index <= at + 5;
                };
                (near(200) || near(500) ? found : wrong) += 1;
            }
        }
        EXPECT_GE(found, 37) << noise.rho << " " << noise.sigma;  // of 40
        EXPECT_LE(wrong, 4) << noise.rho << " " << noise.sigma;
    }
}

TEST(RealSeries, TheSlowPartOfTheNoiseIsTold) {
    double told = 0;
    for (std::uint64_t seed = 0; seed < 10; ++seed)
        told += analysis::Wander(wandering(800, 0.95, 0.5, seed), {}).slow_sigma() / 10;
    EXPECT_NEAR(told, 0.5, 0.15);
    for (std::uint64_t seed = 0; seed < 10; ++seed)
        EXPECT_FALSE(analysis::Wander(wandering(800, 0, 0, seed), {}).exists());
}

TEST(Wander, VarianceOfLevelsIsThatOfMeansOfTheirPoints) {
    const analysis::Wander wander(wandering(4000, 0.95, 0.6, 1), {});
    ASSERT_TRUE(wander.exists());
    // Of short neighbours the slow part cancels, of long ones it averages out.
    EXPECT_NEAR(wander.variance(1, 1), 2, 0.4);
    EXPECT_GT(wander.variance(40, 40), 3 * 2.0 / 40);
    EXPECT_LT(wander.variance(4000, 4000), wander.variance(40, 40) / 5);
    EXPECT_DOUBLE_EQ(wander.variance(3, 50), wander.variance(50, 3));
}

// `points` values at `share` of the level, from 60 on, at `noise` of the level.
std::vector<double> with_excursion(std::size_t points, double share, double noise,
                                   std::uint64_t seed) {
    Random random(seed);
    std::vector<double> series;
    for (std::size_t t = 0; t < 120; ++t)
        series.push_back(1000 * (1 + noise * random.normal()) *
                         (t >= 60 && t < 60 + points ? share : 1));
    return series;
}

TEST(Excursions, AreOneEventWithExactEdgesAndSize) {
    for (const bool watched : {false, true})
        for (std::size_t points = 3; points <= 10; ++points)
            for (std::uint64_t seed = 0; seed < 10; ++seed) {
                ChangeOptions options;
                options.watched = watched;
                const auto report =
                    find_changes(with_excursion(points, 0.81, 0.003, seed), options);
                ASSERT_THAT(report.changes, SizeIs(1)) << points << " " << seed;
                const Change& change = report.changes[0];
                EXPECT_EQ(change.kind, ChangeKind::excursion);
                EXPECT_EQ(change.index, 60u) << points;
                EXPECT_EQ(change.end, 59 + points);
                EXPECT_NEAR(change.effect_percent, -19, 0.7);
                EXPECT_NEAR(change.returned, change.before, 3);
                EXPECT_NEAR(report.noise.sigma, 3, 1);
            }
}

TEST(Excursions, InNoiseKeepTheirEdgesNearlyAlways) {
    int exact = 0, all = 0;
    for (std::size_t points = 3; points <= 10; ++points)
        for (std::uint64_t seed = 0; seed < 25; ++seed, ++all) {
            const auto report = find_changes(with_excursion(points, 0.94, 0.01, 1000 + seed));
            exact += report.changes.size() == 1 &&
                     report.changes[0].kind == ChangeKind::excursion &&
                     report.changes[0].index == 60 && report.changes[0].end == 59 + points;
        }
    EXPECT_GE(exact, all * 95 / 100);
}

TEST(Excursions, ALevelThatStaysIsNone) {
    for (const Change& change : find_changes(with_excursion(60, 0.9, 0.01, 1)).changes)
        EXPECT_EQ(change.kind, ChangeKind::step);
    for (const Change& change : find_changes(with_excursion(25, 0.9, 0.01, 2)).changes)
        EXPECT_EQ(change.kind, ChangeKind::step);
}

TEST(RealSeries, AChangeBelowOneSigmaIsSmallAndNoAlarm) {
    int small = 0;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        auto series = made_series(test::NoiseKind::gaussian, 800, seed);
        for (std::size_t t = 400; t < 800; ++t) series[t] += 0.7;
        const auto report = find_changes(series);
        for (const Change& change : report.changes) EXPECT_GE(change.effect_sigma, visible_sigmas);
        for (const Change& change : report.small) {
            EXPECT_LT(change.effect_sigma, visible_sigmas);
            small += change.index > 380 && change.index < 420;
        }
    }
    EXPECT_GE(small, 10);
}

TEST(RealSeries, WholeNumbersThatWobbleShowOnlyTheTrueStep) {
    int others = 0, missed = 0;
    for (std::uint64_t seed = 0; seed < 120; ++seed) {
        Random random(seed);
        const double low = 9 + random.uniform(), high = low + 2.5 + random.uniform();
        std::vector<double> series;
        for (std::size_t t = 0; t < 60; ++t)
            series.push_back(std::round((t < 30 ? low : high) + 0.35 * random.normal()));
        int right = 0;
        for (const Change& change : find_changes(series).changes)
            right += change.index >= 29 && change.index <= 31;
        others += int(find_changes(series).changes.size()) > right;
        missed += right == 0;
    }
    EXPECT_LE(others, 6);
    EXPECT_LE(missed, 2);
}

TEST(RealSeries, ScaleChangesNothingUpToTheLimitsOfADouble) {
    const auto noise = made_series(test::NoiseKind::gaussian, 60, 3);
    const auto changes_at = [&](double scale) {
        std::vector<double> series;
        for (std::size_t t = 0; t < noise.size(); ++t)
            series.push_back(noise[t] / 100 * (t < 30 ? 1 : 1.7) * scale);
        return find_changes(series).changes;
    };
    for (const double scale : {1.0, 1e154, 1e160, 1e307, 1e-160, 1e-200, 1e-300}) {
        const auto changes = changes_at(scale);
        ASSERT_THAT(changes, SizeIs(1)) << scale;
        EXPECT_EQ(changes[0].index, 30u);
        EXPECT_NEAR(changes[0].effect_percent, 70, 2);
        EXPECT_NEAR(changes[0].before / scale, 1, 0.01);
    }
}

TEST(RealSeries, ALastDigitIsNoChange) {
    std::vector<double> series(60, 100);
    for (std::size_t t = 30; t < 60; ++t) series[t] = std::nextafter(100.0, 101.0);
    const auto report = find_changes(series);
    EXPECT_THAT(report.changes, IsEmpty());
    EXPECT_THAT(report.small, IsEmpty());
    EXPECT_EQ(report.noise.sigma, 0);
}

TEST(RealSeries, TwoModesAreSaidAndNoneOfTheirJumpsIsAChange) {
    for (const double share : {0.15, 0.3, 0.5}) {
        int said = 0, alarms = 0;
        for (std::uint64_t seed = 0; seed < 20; ++seed) {
            Random random(seed);
            std::vector<double> series;
            for (int t = 0; t < 200; ++t)
                series.push_back(100 + random.normal() + (random.uniform() < share ? 8 : 0));
            const auto report = find_changes(series);
            said += report.noise.two_modes;
            alarms += !report.changes.empty();
        }
        EXPECT_GE(said, 18) << share;
        EXPECT_LE(alarms, 1) << share;
    }
}

TEST(RealSeries, NoRampIsShorterThanTenPointsAndNoTwoChangesShareAPlace) {
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        Random random(seed);
        std::vector<double> series;
        double level = 100;
        for (std::size_t t = 0; t < 200; ++t) {
            if (random.uniform() < 0.04) level += 6 * random.normal();
            if (t % 50 > 42) level += 1;
            series.push_back(level + random.normal());
        }
        const auto report = find_changes(series);
        for (std::size_t i = 0; i < report.changes.size(); ++i) {
            const Change& change = report.changes[i];
            if (i > 0) {
                EXPECT_LT(report.changes[i - 1].index, change.index) << seed;
            }
            if (change.kind == ChangeKind::ramp) {
                EXPECT_GE(change.end - change.index + 1, 10u) << seed;
            }
        }
    }
}

}  // namespace
}  // namespace peakward
