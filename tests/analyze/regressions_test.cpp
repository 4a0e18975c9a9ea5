#include "analyze/regressions.hpp"

#include <gmock/gmock.h>

#include "analyze/planted.hpp"

namespace peakward {
namespace {

using planted::Stretch;
using testing::IsEmpty;
using testing::SizeIs;

RegressionReport look(const std::vector<Series>& series, const RegressionOptions& options = {}) {
    std::vector<const Series*> pointers;
    for (const Series& s : series) pointers.push_back(&s);
    return find_regressions(pointers, options);
}

// Calm company: series of the same metric with repeats, to learn noise and discoveries from.
std::vector<Series> company(int count, double noise, std::uint64_t seed) {
    std::vector<Series> made;
    for (int i = 0; i < count; ++i)
        made.push_back(planted::series({{4, 500.0 + i}, {4, 500.0 + i}}, noise,
                                       seed + static_cast<std::uint64_t>(i),
                                       planted::key("backend" + std::to_string(i))));
    return made;
}

std::vector<Series> with_company(Series subject, double noise = 0.01) {
    std::vector<Series> all = company(12, noise, 100);
    all.insert(all.begin(), std::move(subject));
    return all;
}

TEST(Regressions, OneRunAfterThreeIsSuspectedWithPooledNoise) {
    const auto report = look(with_company(planted::series({{3, 1000}, {1, 930}}, 0.005, 1), 0.005));
    ASSERT_THAT(report.regressions, SizeIs(1));
    const Regression& found = report.regressions.front();
    EXPECT_EQ(found.series, 0u);
    EXPECT_EQ(found.status, RegressionStatus::suspected);
    EXPECT_EQ(found.main().agreeing_runs, 1);
    EXPECT_NEAR(found.main().change_percent, -7, 1.5);
    EXPECT_LT(found.main().ci_low_percent, found.main().change_percent);
    EXPECT_GT(found.main().ci_high_percent, found.main().change_percent);
    EXPECT_LT(found.main().ci_high_percent, 0);
    EXPECT_GT(found.noise.similar, 4u);
    EXPECT_EQ(found.seq_before, 3);
    EXPECT_EQ(found.seq_after, 4);
}

TEST(Regressions, LaterRunsThatAgreeConfirm) {
    const auto report = look(with_company(planted::series({{3, 1000}, {3, 930}}, 0.005, 2), 0.005));
    ASSERT_THAT(report.regressions, SizeIs(1));
    EXPECT_EQ(report.regressions.front().status, RegressionStatus::confirmed);
    EXPECT_EQ(report.regressions.front().main().agreeing_runs, 3);
    EXPECT_THAT(report.regressions.front().against, SizeIs(2));  // previous and best
}

TEST(Regressions, NothingPlantedNothingFound) {
    int alarms = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed)
        alarms += static_cast<int>(look(company(50, 0.02, seed * 1000)).regressions.size());
    // 1,000 series in 20 calls whose false discoveries are held at 5 % each.
    EXPECT_LE(alarms, 4);
}

TEST(Regressions, ADropBelowTheThresholdIsNotRelevant) {
    auto series = with_company(planted::series({{8, 1000}, {8, 980}}, 0.001, 3), 0.001);
    EXPECT_THAT(look(series).regressions, IsEmpty());
    RegressionOptions fine;
    fine.threshold_percent = 1;
    EXPECT_THAT(look(series, fine).regressions, SizeIs(1));
}

TEST(Regressions, ADropWithinTheNoiseIsNotSignificant) {
    auto series = with_company(planted::series({{3, 1000}, {1, 930}}, 0, 4), 0.08);
    series[0].points[1].value = 1090;
    series[0].points[2].value = 920;
    EXPECT_THAT(look(series).regressions, IsEmpty());
}

TEST(Regressions, TenSmallStepsAreARegressionAgainstTheBest) {
    std::vector<Stretch> decline;
    for (int i = 0; i <= 10; ++i) decline.push_back({3, 1000 * std::pow(0.992, i)});
    const auto report = look(with_company(planted::series(decline, 0.004, 5), 0.004));
    ASSERT_THAT(report.regressions, SizeIs(1));
    const Regression& found = report.regressions.front();
    EXPECT_EQ(found.status, RegressionStatus::confirmed);
    ASSERT_THAT(found.against, SizeIs(1));
    EXPECT_EQ(found.main().baseline, Baseline::best);
    EXPECT_LT(found.main().change_percent, -6);
    EXPECT_TRUE(found.gradual);
    EXPECT_GT(found.stacks_between, 5);
}

TEST(Regressions, OneBadRunThatIsOverIsNone) {
    Series series = planted::series({{12, 1000}}, 0.005, 6);
    series.points[8].value = 800;
    EXPECT_THAT(look(with_company(series, 0.005)).regressions, IsEmpty());
}

TEST(Regressions, OneBadRunUnderAnUnchangedStackIsSuspected) {
    Series series = planted::series({{6, 1000}}, 0.005, 7);
    series.points.back().value = 900;
    const auto report = look(with_company(series, 0.005));
    ASSERT_THAT(report.regressions, SizeIs(1));
    EXPECT_EQ(report.regressions.front().status, RegressionStatus::suspected);
}

TEST(Regressions, TwoBadRunsUnderAnUnchangedStackAreConfirmed) {
    Series series = planted::series({{6, 1000}}, 0.005, 8);
    planted::add(series, 900, 0);
    planted::add(series, 904, 0);
    const auto report = look(with_company(series, 0.005));
    ASSERT_THAT(report.regressions, SizeIs(1));
    EXPECT_EQ(report.regressions.front().status, RegressionStatus::confirmed);
    EXPECT_EQ(report.regressions.front().seq_before, 6);
    EXPECT_EQ(report.regressions.front().seq_after, 7);
}

TEST(Regressions, DoubtfulRunsAreNeitherBaselineNorVerdict) {
    Series series = planted::series({{4, 1000}}, 0.005, 9);
    planted::add(series, 700, 1, doubt_contended);
    planted::add(series, 690, 1, doubt_forced);
    const auto report = look(with_company(series, 0.005));
    EXPECT_THAT(report.regressions, IsEmpty());
    EXPECT_EQ(report.doubtful, 2u);
    Series lifted = planted::series({{4, 1000}, {4, 1000}}, 0.005, 10);
    for (int i = 0; i < 4; ++i) lifted.points[static_cast<std::size_t>(i)].value *= 1.5;
    for (int i = 0; i < 4; ++i)
        lifted.points[static_cast<std::size_t>(i)].doubts = doubt_above_theoretical;
    EXPECT_THAT(look(with_company(lifted, 0.005)).regressions, IsEmpty());
}

TEST(Regressions, ADropThatCameBackIsNotCurrent) {
    const auto report =
        look(with_company(planted::series({{6, 1000}, {6, 900}, {6, 1002}}, 0.005, 11), 0.005));
    EXPECT_THAT(report.regressions, IsEmpty());
}

TEST(Regressions, ANewestRunThatIsBackSpeaksAgainstADrop) {
    Series series = planted::series({{6, 1000}, {4, 900}}, 0.005, 20);
    series.points.back().value = 1001;
    EXPECT_THAT(look(with_company(series, 0.005)).regressions, IsEmpty());
}

TEST(Regressions, AnOldDropThatStaysIsARegressionAgainstTheBestAndKnowsWhereItHappened) {
    const auto report = look(with_company(
        planted::series({{4, 980}, {4, 1000}, {4, 930}, {4, 931}, {4, 930}}, 0.004, 12), 0.004));
    ASSERT_THAT(report.regressions, SizeIs(1));
    const Regression& found = report.regressions.front();
    EXPECT_EQ(found.status, RegressionStatus::confirmed);
    ASSERT_THAT(found.against, SizeIs(1));
    EXPECT_EQ(found.main().baseline, Baseline::best);
    EXPECT_EQ(found.seq_before, 8);
    EXPECT_EQ(found.seq_after, 9);
    EXPECT_FALSE(found.gradual);
}

TEST(Regressions, OnlyTheBaselinesThatWereAskedFor) {
    auto series = with_company(planted::series({{3, 1000}, {3, 900}, {3, 899}}, 0.005, 13), 0.005);
    RegressionOptions previous;
    previous.baselines = {Baseline::previous};
    EXPECT_THAT(look(series, previous).regressions, IsEmpty());
    RegressionOptions best;
    best.baselines = {Baseline::best};
    EXPECT_THAT(look(series, best).regressions, SizeIs(1));
}

TEST(Regressions, ForSecondsMoreIsWorse) {
    SeriesKey seconds = planted::key();
    seconds.metric = "median_s";
    seconds.unit = "s";
    auto slower = with_company(planted::series({{4, 0.010}, {4, 0.012}}, 0.005, 14, seconds));
    for (std::size_t i = 1; i < slower.size(); ++i) slower[i].key.metric = "median_s";
    for (std::size_t i = 1; i < slower.size(); ++i) slower[i].key.unit = "s";
    const auto report = look(slower);
    ASSERT_THAT(report.regressions, SizeIs(1));
    EXPECT_NEAR(report.regressions.front().main().change_percent, 20, 2);
    EXPECT_GT(report.regressions.front().main().ci_low_percent, 15);
    for (SeriesPoint& point : slower[0].points) point.value = 1 / point.value;
    EXPECT_THAT(look(slower).regressions, IsEmpty());
}

TEST(Regressions, AShiftedPowerModeBeginsANewSeriesAndIsNoRegression) {
    Series before = planted::series({{6, 1000}}, 0.005, 15);
    Series after = planted::series({{1, 600}}, 0.005, 16);
    after.key.power_mode = "powersave";
    auto all = with_company(before, 0.005);
    all.push_back(after);
    const auto report = look(all);
    EXPECT_THAT(report.regressions, IsEmpty());
    ASSERT_THAT(report.not_judged, SizeIs(1));
    EXPECT_THAT(report.not_judged.begin()->first, testing::HasSubstr("power mode"));
}

// Once "not judged: noise unknown", which let seed 000's own sample pass in silence.
TEST(Regressions, OneRunOnEachSideIsJudgedByATableAndOnlySuspected) {
    const auto report = look({planted::series({{1, 1245.6}, {1, 1178.2}}, 0, 17)});  // -5.4 %
    EXPECT_EQ(report.judged, 1u);
    EXPECT_EQ(report.by_table, 1u);
    ASSERT_THAT(report.regressions, SizeIs(1));
    const Regression& found = report.regressions.front();
    EXPECT_EQ(found.status, RegressionStatus::suspected);
    EXPECT_EQ(found.noise.source, NoiseSource::table);
    EXPECT_THAT(found.doubt, testing::HasSubstr("one run only"));
    EXPECT_NEAR(found.main().change_percent, -5.4, 0.05);
    EXPECT_LT(found.main().ci_low_percent, -8) << "widened for ignorance";
}

TEST(Regressions, ATableNeverConfirms) {
    const auto report = look({planted::series({{1, 1000}, {1, 1001}, {1, 930}, {1, 931}}, 0, 18)});
    ASSERT_THAT(report.regressions, SizeIs(1));
    EXPECT_EQ(report.regressions.front().status, RegressionStatus::suspected);
    EXPECT_THAT(report.regressions.front().doubt, testing::HasSubstr("table"));
}

TEST(Regressions, OtherSeriesOfTheStoreTeachTheNoise) {
    const Series subject = planted::series({{1, 1000}, {1, 946}}, 0, 19);
    const std::vector<Series> others = company(12, 0.05, 100);
    std::vector<const Series*> teachers;
    for (const Series& other : others) teachers.push_back(&other);
    const std::vector<const Series*> judged{&subject};
    const auto report = find_regressions(judged, {}, teachers);
    EXPECT_EQ(report.series, 1u);
    EXPECT_EQ(report.by_table, 0u);
    EXPECT_THAT(report.regressions, IsEmpty()) << "such a metric scatters by 5 % here";
}

TEST(Regressions, WithoutRepeatsOtherSeriesShowByTheirStepsHowFarRunsLieApart) {
    std::vector<Series> all{planted::series({{1, 1000}, {1, 946}}, 0, 22)};
    for (std::uint64_t i = 0; i < 11; ++i)
        all.push_back(planted::series({{1, 500}, {1, 500}}, 0.003, 500 + i,
                                      planted::key("backend" + std::to_string(i))));
    const auto one = look(all);
    ASSERT_THAT(one.regressions, SizeIs(1)) << "eleven that did not move do not hide one that did";
    EXPECT_EQ(one.regressions.front().series, 0u);
    EXPECT_EQ(one.regressions.front().noise.similar, 11u);
    for (std::size_t i = 1; i < all.size(); ++i) all[i].points[1].value *= 0.946;
    EXPECT_THAT(look(all).regressions, SizeIs(12)) << "a step that all share is no noise";
    for (std::size_t i = 1; i < all.size(); ++i) all[i].points[1].value *= i % 2 ? 1.12 : 0.95;
    EXPECT_THAT(look(all).regressions, IsEmpty()) << "such a store scatters";
}

TEST(Regressions, OneRunOfAnotherHostIsNotSaidToBeOfAnotherPowerMode) {
    Series host = planted::series({{1, 1000}}, 0, 23);
    host.key.install = "install-b";
    auto all = with_company(planted::series({{6, 1000}}, 0.005, 24), 0.005);
    all.push_back(host);
    const auto report = look(all);
    ASSERT_THAT(report.reasons, SizeIs(1));
    EXPECT_EQ(report.reasons.front().second, "one run only");
}

// A lasting -2.85 % was "confirmed -3.1 %": its newest run alone was held against the threshold.
TEST(Regressions, ADropIsAsLargeAsAllRunsThatAgreeAndNotAsTheNewest) {
    int alarms = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        auto all = with_company(planted::series({{24, 1000}, {18, 971.5}}, 0.003, seed), 0.003);
        all.front().points.back().value = 969;  // -3.1 % by itself
        for (const Regression& found : look(all).regressions)
            alarms += found.status == RegressionStatus::confirmed ? 1 : 0;
    }
    EXPECT_EQ(alarms, 0);
}

TEST(Regressions, ADropWhoseIntervalReachesIntoTheThresholdIsSuspected) {
    auto all = with_company(planted::series({{4, 1000}, {2, 966}}, 0, 21), 0.005);
    const double wobble[] = {1.004, 0.997, 1.001, 0.998, 0.997, 1.003};
    for (std::size_t i = 0; i < 6; ++i) all.front().points[i].value *= wobble[i];
    const auto report = look(all);
    ASSERT_THAT(report.regressions, SizeIs(1));
    const Regression& found = report.regressions.front();
    EXPECT_LT(found.main().change_percent, -3);
    EXPECT_GT(found.main().ci_high_percent, -3);
    EXPECT_EQ(found.status, RegressionStatus::suspected);
    EXPECT_THAT(found.doubt, testing::HasSubstr("threshold"));
}

// A year of one product: -5.4 % for 7 weeks, well for 4. It was counted in 11 of 72 series.
TEST(Regressions, ADropThatRecoveredIsCountedFourRunsLater) {
    int counted = 0;
    for (std::uint64_t seed = 1; seed <= 24; ++seed) {
        const auto report = look(with_company(
            planted::series(
                {{2, 725}, {6, 815}, {11, 912}, {11, 930}, {15, 942}, {7, 891}, {4, 942}}, 0.003,
                seed),
            0.003));
        EXPECT_THAT(report.regressions, IsEmpty()) << seed;
        if (report.recovered.size() != 1) continue;
        const Comparison& drop = report.recovered.front().main();
        counted += drop.now.seqs.size() == 7 && std::abs(drop.change_percent + 5.4) < 0.6 ? 1 : 0;
    }
    EXPECT_GE(counted, 23);
}

TEST(Regressions, WithoutAnUpdateADropThatRecoveredIsCountedToo) {
    Series series = planted::series({{30, 1000}}, 0.005, 30);
    for (std::size_t i = 12; i < 19; ++i) series.points[i].value *= 0.93;
    const auto report = look(with_company(series, 0.005));
    ASSERT_THAT(report.recovered, SizeIs(1));
    EXPECT_EQ(report.recovered.front().seq_before, 12);
    EXPECT_EQ(report.recovered.front().recovered_unix, series.points[19].time_unix);
}

TEST(Regressions, EveryDropThatRecoveredIsCountedAndNoiseIsNotADrop) {
    const auto twice = look(with_company(
        planted::series({{6, 1000}, {5, 930}, {6, 1000}, {5, 920}, {6, 1001}}, 0.005, 31), 0.005));
    EXPECT_THAT(twice.recovered, SizeIs(2));
    std::size_t invented = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        std::vector<Series> quiet;
        for (int i = 0; i < 10; ++i)
            quiet.push_back(planted::series({{4, 500}, {4, 500}, {4, 500}, {4, 500}, {4, 500}},
                                            0.01, seed * 100 + static_cast<std::uint64_t>(i),
                                            planted::key("backend" + std::to_string(i))));
        invented += look(quiet).recovered.size();
    }
    EXPECT_LE(invented, 4u) << "of 200 series";
}

TEST(Regressions, WhatAChangeOfPowerModeCostsIsSaid) {
    Series before = planted::series({{6, 1000}}, 0.005, 32);
    Series after = planted::series({{3, 800}}, 0.005, 33);
    after.key.power_mode = "300W";
    for (SeriesPoint& point : after.points) point.time_unix += 30 * 86'400;
    auto all = with_company(before, 0.005);
    all.push_back(after);
    const auto report = look(all);
    EXPECT_THAT(report.regressions, IsEmpty());
    ASSERT_THAT(report.mode_changes, SizeIs(1));
    const ModeChange& change = report.mode_changes.front();
    EXPECT_EQ(change.series_before, 0u);
    EXPECT_EQ(change.series_now, all.size() - 1);
    EXPECT_NEAR(change.change_percent, -20, 1);
    EXPECT_EQ(change.changed_unix, after.points.front().time_unix);
    for (SeriesPoint& point : all.back().points) point.value *= 1.25;
    EXPECT_THAT(look(all).mode_changes, IsEmpty()) << "nothing was lost";
}

TEST(Regressions, FewRepeatsTakePooledNoiseAndSaySo) {
    const auto report = look(with_company(planted::series({{1, 1000}, {1, 900}}, 0, 18), 0.005));
    ASSERT_THAT(report.regressions, SizeIs(1));
    EXPECT_EQ(report.regressions.front().noise.source, NoiseSource::pooled);
    EXPECT_EQ(report.regressions.front().noise.repeats, 0);
    EXPECT_THAT(report.regressions.front().noise.similar_by, testing::HasSubstr("metric"));
}

TEST(Regressions, TheSameOnAnyNumberOfThreads) {
    auto series = company(60, 0.01, 77);
    for (std::size_t i = 0; i < 10; ++i)
        for (std::size_t j = 4; j < 8; ++j) series[i].points[j].value *= 0.9;
    RegressionOptions one, four;
    one.threads = 1;
    four.threads = 4;
    const auto a = look(series, one), b = look(series, four);
    ASSERT_THAT(a.regressions, SizeIs(10));
    ASSERT_EQ(a.regressions.size(), b.regressions.size());
    for (std::size_t i = 0; i < a.regressions.size(); ++i) {
        EXPECT_EQ(a.regressions[i].series, b.regressions[i].series);
        EXPECT_EQ(a.regressions[i].main().p_value, b.regressions[i].main().p_value);
    }
}

TEST(Regressions, EmptyAndBrokenSeriesAreCountedNotJudged) {
    Series empty, broken = planted::series({{3, 1000}}, 0, 19);
    for (SeriesPoint& point : broken.points) point.value = std::nan("");
    const auto report = look({empty, broken});
    EXPECT_EQ(report.series, 2u);
    EXPECT_EQ(report.judged, 0u);
    EXPECT_EQ(report.doubtful, 3u);
    EXPECT_THAT(look({}).regressions, IsEmpty());
}

TEST(PooledNoise, RepeatsOfOnesOwnAreBelievedMoreTheMoreThereAre) {
    const SeriesKey key = planted::key();
    std::vector<const SeriesKey*> keys(11, &key);
    std::vector<Repeats> repeats(11, {1e-4, 6});
    repeats[0] = {9e-4, 3};
    const double few = pool_noise(keys, repeats)[0].sigma;
    repeats[0] = {9e-4, 60};
    const double many = pool_noise(keys, repeats)[0].sigma;
    EXPECT_GT(few, 0.01);
    EXPECT_LT(few, 0.03);
    EXPECT_GT(many, few);
    EXPECT_LT(many, 0.0301);
}

TEST(PooledNoise, SimilarSeriesThatDifferAreBelievedLess) {
    const SeriesKey key = planted::key();
    std::vector<const SeriesKey*> keys(11, &key);
    std::vector<Repeats> alike(11, {1e-4, 6}), unlike = alike;
    for (std::size_t i = 1; i < 11; ++i) unlike[i].variance = i % 2 ? 1e-6 : 1e-2;
    alike[0] = unlike[0] = {};
    EXPECT_GT(pool_noise(keys, alike)[0].freedom, 20);
    EXPECT_LT(pool_noise(keys, unlike)[0].freedom, 3);
}

TEST(PooledNoise, OneWildRunDoesNotMakeASeriesNoisy) {
    std::vector<double> block;
    planted::Gaussian gaussian(3);
    for (int i = 0; i < 20; ++i) block.push_back(0.01 * gaussian());
    std::vector<std::vector<double>> blocks{block};
    const double calm = learn_repeats(blocks).variance;
    blocks[0][7] = -0.5;
    EXPECT_LT(learn_repeats(blocks).variance, 2 * calm);
}

}  // namespace
}  // namespace peakward
