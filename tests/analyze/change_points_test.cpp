#include "analyze/change_points.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "analyze/made_series.hpp"

namespace peakward {
namespace {

using test::made_series;
using test::NoiseKind;
using test::Random;
using testing::ElementsAre;
using testing::SizeIs;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr NoiseKind all_noises[] = {NoiseKind::gaussian, NoiseKind::autoregressive,
                                    NoiseKind::outliers, NoiseKind::two_modes};

std::vector<double> stepped(NoiseKind kind, std::size_t points, std::uint64_t seed, std::size_t at,
                            double by) {
    auto series = made_series(kind, points, seed);
    for (std::size_t t = at; t < points; ++t) series[t] += by;
    return series;
}

bool near(std::size_t index, std::size_t truth) { return index + 2 >= truth && index <= truth + 2; }

TEST(FindChanges, SaysNothingOfTooLittle) {
    for (const std::vector<double>& series :
         {std::vector<double>{}, {1}, {1, 2}, {nan, nan, nan, nan}, {100, nan, nan, 90}}) {
        const ChangeReport report = find_changes(series);
        EXPECT_THAT(report.changes, SizeIs(0));
        EXPECT_THAT(report.outliers, SizeIs(series.size()));
    }
}

TEST(FindChanges, FindsAStepWithItsPlaceEffectAndInterval) {
    const auto report = find_changes(stepped(NoiseKind::gaussian, 200, 1, 120, -5));
    ASSERT_THAT(report.changes, SizeIs(1));
    const Change& change = report.changes[0];
    EXPECT_EQ(change.kind, ChangeKind::step);
    EXPECT_TRUE(near(change.index, 120)) << change.index;
    EXPECT_EQ(change.end, change.index);
    EXPECT_NEAR(change.before, 100, 0.4);
    EXPECT_NEAR(change.after, 95, 0.5);
    EXPECT_NEAR(change.effect_percent, -5, 0.6);
    EXPECT_LT(change.ci_low_percent, -5);
    EXPECT_GT(change.ci_high_percent, -5);
    EXPECT_NEAR(change.ci_high_percent - change.ci_low_percent, 2 * 1.96 * 0.145, 0.12);
    EXPECT_LT(change.p_value, 1e-9);
    EXPECT_NEAR(report.noise.sigma, 1, 0.15);
    EXPECT_LT(report.noise.rho, 0.2);
}

TEST(FindChanges, IntervalHoldsTheTruthAboutAsOftenAsItSays) {
    for (const NoiseKind kind : {NoiseKind::gaussian, NoiseKind::autoregressive}) {
        int held = 0;
        int found = 0;
        for (std::uint64_t seed = 0; seed < 150; ++seed) {
            const auto report = find_changes(stepped(kind, 200, seed, 100, 6));
            if (report.changes.size() != 1) continue;
            ++found;
            const Change& c = report.changes[0];
            held += c.ci_low_percent < 6 && 6 < c.ci_high_percent;
        }
        EXPECT_GT(found, 130);
        EXPECT_GT(held, found * 85 / 100);
    }
}

TEST(FindChanges, SeldomFindsWhatIsNotThere) {
    for (const NoiseKind kind : all_noises) {
        int alarms = 0;
        for (std::uint64_t seed = 0; seed < 60; ++seed)
            alarms += !find_changes(made_series(kind, 365, 1000 + seed)).changes.empty();
        EXPECT_LE(alarms, 3) << int(kind);
    }
}

TEST(FindChanges, FindsEachOfSeveralSteps) {
    for (const NoiseKind kind : all_noises) {
        int found = 0;
        int wrong = 0;
        for (std::uint64_t seed = 0; seed < 30; ++seed) {
            auto series = made_series(kind, 200, 2000 + seed);
            for (std::size_t t = 50; t < 200; ++t) series[t] += 4;
            for (std::size_t t = 110; t < 200; ++t) series[t] -= 5;
            for (std::size_t t = 150; t < 200; ++t) series[t] += 3.5;
            for (const Change& change : find_changes(series).changes) {
                const bool right =
                    near(change.index, 50) || near(change.index, 110) || near(change.index, 150);
                (right ? found : wrong) += 1;
            }
        }
        EXPECT_GE(found, 76) << int(kind);  // of 90
        EXPECT_LE(wrong, 10) << int(kind);
    }
}

TEST(FindChanges, ABlipOfOneOrTwoPointsIsNoChange) {
    auto series = made_series(NoiseKind::gaussian, 120, 3);
    series[60] = 70;
    series[90] = 120;
    series[91] = 121;
    const auto report = find_changes(series);
    EXPECT_THAT(report.changes, SizeIs(0));
    EXPECT_TRUE(report.outliers[60]);
    EXPECT_TRUE(report.outliers[90]);
    EXPECT_TRUE(report.outliers[91]);
    EXPECT_GT(report.noise.outlier_share, 0.02);
}

TEST(FindChanges, AYoungLevelIsSuspectedAndThenConfirmed) {
    const auto series = stepped(NoiseKind::gaussian, 110, 4, 100, -8);
    const std::span<const double> all(series);
    const auto two_old = find_changes(all.first(102));
    EXPECT_THAT(two_old.changes, SizeIs(0));
    ASSERT_TRUE(two_old.suspected);
    EXPECT_EQ(two_old.suspected->index, 100u);
    const auto four_old = find_changes(all.first(104));
    ASSERT_THAT(four_old.changes, SizeIs(1));
    EXPECT_EQ(four_old.changes[0].index, 100u);
    EXPECT_FALSE(four_old.suspected);
}

std::vector<Change> watched_changes(std::span<const double> series) {
    ChangeOptions watched;
    watched.watched = true;
    return find_changes(series, watched).changes;
}

TEST(WatchedSeries, AStepOfThreePercentIsConfirmedWithinThreeFurtherRuns) {
    const auto confirmed_of_60 = [](NoiseKind kind) {
        int confirmed = 0;
        for (std::uint64_t seed = 0; seed < 60; ++seed) {
            const auto series = stepped(kind, 204, 5000 + seed, 200, seed % 2 ? 3 : -3);
            bool seen = false;
            for (std::size_t n = 201; n <= 204; ++n)
                for (const Change& c : watched_changes(std::span(series).first(n)))
                    seen = seen || near(c.index, 200);
            confirmed += seen;
        }
        return confirmed;
    };
    // Who knows the noise confirms 59, 56, 47 and 48 (docs/benchmarks.md, at most).
    EXPECT_GE(confirmed_of_60(NoiseKind::gaussian), 54);
    EXPECT_GE(confirmed_of_60(NoiseKind::outliers), 51);
    EXPECT_GE(confirmed_of_60(NoiseKind::autoregressive), 36);
    EXPECT_GE(confirmed_of_60(NoiseKind::two_modes), 34);
}

TEST(WatchedSeries, SeldomAlarmsThoughItIsLookedAtAfterEveryRun) {
    int alarms = 0;
    for (const NoiseKind kind : all_noises)
        for (std::uint64_t seed = 0; seed < 10; ++seed) {
            const auto series = made_series(kind, 200, 3000 + seed);
            bool alarmed = false;
            for (std::size_t n = 1; n <= 200; ++n)
                alarmed = alarmed || !watched_changes(std::span(series).first(n)).empty();
            alarms += alarmed;
        }
    EXPECT_LE(alarms, 4);
}

TEST(WatchedSeries, AnOutlierAmongTheNewestDoesNotHideALevel) {
    auto series = made_series(NoiseKind::outliers, 200, 5);
    for (const double value : {97.4, 112.0, 97.3, 97.5}) series.push_back(value);
    const auto changes = watched_changes(series);
    ASSERT_THAT(changes, SizeIs(1));
    EXPECT_TRUE(near(changes[0].index, 200)) << changes[0].index;
    EXPECT_LT(changes[0].p_value, 0.04);
}

TEST(WatchedSeries, WithoutNoiseALevelOfFourIsOne) {
    std::vector<double> series(60, 250);
    EXPECT_THAT(watched_changes(series), SizeIs(0));
    series.insert(series.end(), 4, 240);
    const auto changes = watched_changes(series);
    ASSERT_THAT(changes, SizeIs(1));
    EXPECT_EQ(changes[0].index, 60u);
    EXPECT_NEAR(changes[0].effect_percent, -4, 1e-6);
}

TEST(WatchedSeries, OutliersInARowAreNoLevelWhereOutliersAreUsual) {
    auto series = made_series(NoiseKind::gaussian, 203, 6);
    for (const std::size_t t : {20u, 50u, 90u, 91u, 130u, 170u}) series[t] = 106 + double(t % 7);
    series[200] = 105;
    series[201] = 107.5;
    series[202] = 102.5;
    EXPECT_THAT(watched_changes(series), SizeIs(0));
}

TEST(WatchedSeries, TheNewestLevelIsNotTakenForAnEarlierOneOfChance) {
    auto series = made_series(NoiseKind::gaussian, 205, 7);
    for (const double value : {98.7, 98.5, 98.6, 98.4, 98.8}) series.push_back(value);
    for (const double value : {97.1, 96.9, 97.2, 97.0}) series.push_back(value);
    const auto changes = watched_changes(series);
    ASSERT_THAT(changes, SizeIs(1));
    EXPECT_TRUE(near(changes[0].index, 210)) << changes[0].index;
}

TEST(FindChanges, ARampIsARampAndASaturatingCurveIsOne) {
    for (const NoiseKind kind : all_noises) {
        int ramps = 0;
        int curves = 0;
        int steps = 0;
        for (std::uint64_t seed = 0; seed < 20; ++seed) {
            auto ramp = made_series(kind, 200, 7000 + seed);
            auto curve = ramp;
            for (std::size_t t = 0; t < 200; ++t) {
                ramp[t] += 12 * std::clamp((double(t) - 60) / 80, 0.0, 1.0);
                curve[t] += t < 50 ? 0 : 18 * (1 - std::exp(-(double(t) - 50) / 25));
            }
            auto only = [](const ChangeReport& r) {
                return r.changes.size() == 1 ? std::optional(r.changes[0].kind) : std::nullopt;
            };
            ramps += only(find_changes(ramp)) == ChangeKind::ramp;
            curves += only(find_changes(curve)) == ChangeKind::saturate;
            steps +=
                only(find_changes(stepped(kind, 200, 7000 + seed, 100, 6))) == ChangeKind::step;
        }
        EXPECT_GE(ramps, 15) << int(kind);
        EXPECT_GE(curves, 15) << int(kind);
        EXPECT_GE(steps, 18) << int(kind);
    }
}

TEST(FindChanges, ASlowDeclineOfSmallStepsIsOneFall) {
    auto series = made_series(NoiseKind::gaussian, 100, 8);
    for (std::size_t t = 0; t < 100; ++t) series[t] -= 0.8 * double(t / 10);
    const auto report = find_changes(series);
    ASSERT_THAT(report.changes, SizeIs(1));
    EXPECT_NE(report.changes[0].kind, ChangeKind::step);
    EXPECT_LT(report.changes[0].ci_high_percent, -4);
}

TEST(FindChanges, SeriesWithoutNoiseHaveTheirStepsAtOnce) {
    std::vector<double> series(12, 250);
    for (std::size_t t = 6; t < 12; ++t) series[t] = 240;
    const auto report = find_changes(series);
    ASSERT_THAT(report.changes, SizeIs(1));
    EXPECT_EQ(report.changes[0].index, 6u);
    EXPECT_NEAR(report.changes[0].effect_percent, -4, 1e-6);
    EXPECT_THAT(find_changes(std::vector<double>(50, 250)).changes, SizeIs(0));
}

TEST(FindChanges, YoungSeriesWithoutNoiseHaveTheirSteps) {
    for (const std::size_t points : {8u, 12u, 16u, 24u, 40u})
        for (const double level : {240.0, 249.0, 260.0}) {
            std::vector<double> series(points, 250);
            for (std::size_t t = points / 2; t < points; ++t) series[t] = level;
            const auto report = find_changes(series);
            ASSERT_THAT(report.changes, SizeIs(1)) << points << " " << level;
            EXPECT_EQ(report.changes[0].index, points / 2) << points << " " << level;
        }
}

TEST(FindChanges, GapsKeepTheirPlaces) {
    auto series = stepped(NoiseKind::gaussian, 120, 9, 60, 8);
    series[10] = nan;
    series[30] = std::numeric_limits<double>::infinity();
    for (std::size_t t = 55; t < 58; ++t) series[t] = nan;
    const auto report = find_changes(series);
    ASSERT_THAT(report.changes, SizeIs(1));
    EXPECT_TRUE(near(report.changes[0].index, 60)) << report.changes[0].index;
    EXPECT_EQ(report.noise.points, 115u);
}

TEST(FindChanges, ScaleAndOffsetChangeNothing) {
    const auto series = stepped(NoiseKind::autoregressive, 200, 10, 90, 6);
    std::vector<double> scaled;
    for (const double v : series) scaled.push_back(v * 1e-9);
    const auto a = find_changes(series);
    const auto b = find_changes(scaled);
    ASSERT_EQ(a.changes.size(), b.changes.size());
    ASSERT_THAT(a.changes, SizeIs(1));
    EXPECT_EQ(a.changes[0].index, b.changes[0].index);
    EXPECT_NEAR(a.changes[0].effect_percent, b.changes[0].effect_percent, 1e-6);
    EXPECT_NEAR(a.changes[0].p_value, b.changes[0].p_value, 1e-9);
}

TEST(FindChanges, SmallEffectsCanBeLeftOut) {
    ChangeOptions options;
    options.effect_min_percent = 7;
    const auto series = stepped(NoiseKind::gaussian, 200, 11, 100, 5);
    EXPECT_THAT(find_changes(series).changes, SizeIs(1));
    EXPECT_THAT(find_changes(series, options).changes, SizeIs(0));
}

TEST(FindChanges, LearnsTheNoiseOfASeries) {
    const auto ar = find_changes(made_series(NoiseKind::autoregressive, 1000, 12)).noise;
    EXPECT_NEAR(ar.rho, 0.5, 0.12);
    EXPECT_NEAR(ar.sigma, 1, 0.15);
    const auto tails = find_changes(made_series(NoiseKind::outliers, 1000, 13)).noise;
    EXPECT_GT(tails.outlier_share, 0.008);
    EXPECT_NEAR(tails.sigma, 1, 0.2);
    Random random(14);
    std::vector<double> jumping;
    for (int t = 0; t < 200; ++t)
        jumping.push_back(100 + random.normal() + (random.uniform() < 0.4 ? 12 : 0));
    const auto report = find_changes(jumping);
    EXPECT_TRUE(report.noise.two_modes);
    EXPECT_NEAR(report.noise.mode_distance, 12, 1);
    EXPECT_THAT(report.changes, SizeIs(0));
    EXPECT_FALSE(find_changes(made_series(NoiseKind::gaussian, 200, 15)).noise.two_modes);
}

TEST(FalseDiscoveryRate, KeepsWhatBenjaminiAndHochbergKeep) {
    const std::vector<double> p{0.001, 0.5, 0.02, 0.04, 0.9};
    EXPECT_THAT(hold_false_discovery_rate(p, 0.05), ElementsAre(true, false, true, false, false));
    // 0.04 is over 3/5 x 0.05, but a larger one within its own bound takes it along.
    const std::vector<double> together{0.001, 0.038, 0.02, 0.039, 0.9};
    EXPECT_THAT(hold_false_discovery_rate(together, 0.05),
                ElementsAre(true, true, true, true, false));
    EXPECT_THAT(hold_false_discovery_rate({}, 0.05), SizeIs(0));
}

TEST(ChangeKindWords, AreThoseOfTheDocuments) {
    EXPECT_EQ(to_string(ChangeKind::step), "step");
    EXPECT_EQ(to_string(ChangeKind::ramp), "ramp");
    EXPECT_EQ(to_string(ChangeKind::saturate), "saturate");
}

// 10 % down and up again, at 0.5 % noise; the same deviates for every length.
std::vector<double> down_and_up(std::size_t each, std::uint64_t seed) {
    std::vector<double> values = made_noise(NoiseKind::gaussian, 3 * each, seed);
    for (std::size_t t = 0; t < values.size(); ++t)
        values[t] = (t / each == 1 ? 225 : 250) * (1 + 0.005 * values[t]);
    return values;
}

// Two steps in so few points look much like noise that remembers, and a step twelve points old is
// no longer the newest values' to move.
TEST(Watched, ClearStepsInAYoungSeriesStandWhereTheyAre) {
    ChangeOptions watched;
    watched.watched = true;
    for (const std::size_t each : {8U, 12U, 20U})
        for (std::uint64_t seed = 1; seed <= 40; ++seed) {
            const ChangeReport report = find_changes(down_and_up(each, seed), watched);
            ASSERT_EQ(report.changes.size(), 2u) << each << " " << seed;
            EXPECT_EQ(report.changes[0].index, each) << seed;
            EXPECT_EQ(report.changes[1].index, 2 * each) << seed;
            EXPECT_NEAR(report.changes[0].effect_percent, -10, 1.5) << each << " " << seed;
        }
}

}  // namespace
}  // namespace peakward
