// What every engine promises of series, stacks and hardware (run_store.hpp).
#include <cmath>

#include "store/contract.hpp"

namespace peakward {
namespace {

using store_test::iso_time;
using store_test::make_run;
using store_test::make_small_run;
using store_test::message_of;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class SeriesContract : public store_test::Contract {
protected:
    void add(RunStore& store, const peakward::Run& run) {
        const auto outcome = store.append(run);
        ASSERT_TRUE(outcome) << message_of(outcome);
    }
    static std::vector<Series> all(RunStore& store, const SeriesFilter& filter = {}) {
        std::vector<Series> list;
        const auto status = store.each_series(filter, [&](Series&& series) -> Status {
            list.push_back(std::move(series));
            return {};
        });
        EXPECT_TRUE(status) << message_of(status);
        return list;
    }
    static std::vector<double> values(const Series& series) {
        std::vector<double> list;
        for (const SeriesPoint& point : series.points) list.push_back(point.value);
        return list;
    }
    // A run of day `day` with one score and the gemm behind it; the rest follows from the seed.
    static peakward::Run run_of(std::uint64_t seed, int day, double gops) {
        peakward::Run run = make_run({.seed = seed,
                                      .measurements = 1,
                                      .windows = 2,
                                      .timestamp_unix = 1795000000 + std::int64_t{day} * 86400});
        run.results.resize(1);
        Score& score = run.results[0];
        score.backend = run.measurements[0].what.backend;
        score.precision = run.measurements[0].what.precision;
        score.blas3_gops = score.peak_measured_gops = gops;
        score.peak_operation = "gemm";
        score.efficiency = gops / 200;
        score.stream_best_gbps.reset();
        run.measurements[0].gops = gops;
        return run;
    }
    static const SeriesFilter peak() {
        SeriesFilter filter;
        filter.metrics = {"peak_measured_gops"};
        return filter;
    }
    static const SeriesFilter gops_of_cases() {
        SeriesFilter filter;
        filter.kind = SeriesKind::measurement;
        filter.metrics = {"gops"};
        return filter;
    }
};

TEST_P(SeriesContract, AScoreIsASeriesThroughTheRunsInTheOrderOfTime) {
    auto store = open();
    add(*store, run_of(1, 2, 120));
    add(*store, run_of(2, 0, 100));  // as an import of older runs would
    add(*store, run_of(3, 1, 110));
    const auto list = all(*store, peak());
    ASSERT_THAT(list, SizeIs(1));
    const SeriesKey& key = list[0].key;
    EXPECT_EQ(key.kind, SeriesKind::score);
    EXPECT_EQ(key.install, "install-a");
    EXPECT_EQ(key.lineage, "5d41402abc4b2a76");
    EXPECT_EQ(key.power_mode, "performance");
    EXPECT_EQ(key.definition, "standard/1");
    EXPECT_EQ(key.suite, "standard/1");
    EXPECT_EQ(key.device, "cpu");
    EXPECT_EQ(key.backend, "native");
    EXPECT_EQ(key.precision, "fp64");
    EXPECT_EQ(key.operation, "");
    EXPECT_EQ(key.metric, "peak_measured_gops");
    EXPECT_EQ(key.unit, "GOP/s");
    EXPECT_THAT(values(list[0]), ElementsAre(100, 110, 120));
    EXPECT_EQ(list[0].points[0].seq, 2);
    EXPECT_EQ(list[0].points[0].time_unix, 1795000000);
    EXPECT_EQ(list[0].points[0].doubts, 0);
    EXPECT_EQ(list[0].points[0].stack, 0);
}

TEST_P(SeriesContract, AScoreHasTheIntervalOfTheMeasurementBehindIt) {
    auto store = open();
    peakward::Run run = run_of(1, 0, 100);
    add(*store, run);
    run = run_of(2, 1, 100);
    run.results[0].blas3_gops = 90;  // of no measurement that is in the run
    add(*store, run);
    SeriesFilter filter;
    filter.kind = SeriesKind::score;
    for (const Series& series : all(*store, filter)) {
        const SeriesPoint& point = series.points[0];
        const double size = series.key.metric == "efficiency" ? 0.5 : 100;
        EXPECT_NEAR(point.value, size, 1e-9) << series.key.metric;
        EXPECT_NEAR(point.ci_low, size / 1.003, 1e-9) << series.key.metric;
        EXPECT_NEAR(point.ci_high, size / 0.997, 1e-9) << series.key.metric;
        if (series.key.metric == "blas3_gops") {
            EXPECT_TRUE(std::isnan(series.points[1].ci_low));
            EXPECT_TRUE(std::isnan(series.points[1].ci_high));
        }
    }
}

TEST_P(SeriesContract, ACaseIsASeriesOfEachOfItsMetrics) {
    auto store = open();
    peakward::Run run = run_of(1, 0, 100);
    run.measurements[0].power_w = 65;
    add(*store, run);
    SeriesFilter filter;
    filter.kind = SeriesKind::measurement;
    const auto list = all(*store, filter);
    std::map<std::string, std::pair<double, std::string>> metrics;
    for (const Series& series : list) {
        EXPECT_EQ(series.key.kind, SeriesKind::measurement);
        EXPECT_EQ(series.key.operation, "gemm");
        EXPECT_EQ(series.key.definition, "gemm/1");
        EXPECT_EQ(series.key.suite, "standard/1");
        EXPECT_EQ(series.key.threads, 2);
        EXPECT_EQ(series.key.shape, run.measurements[0].what.shape);
        metrics[series.key.metric] = {series.points.at(0).value, series.key.unit};
    }
    EXPECT_EQ(metrics["gops"], std::pair(100.0, std::string("GOP/s")));
    EXPECT_EQ(metrics["power_w"], std::pair(65.0, std::string("W")));
    EXPECT_EQ(metrics["median_s"].second, "s");
    EXPECT_EQ(metrics.size(), list.size()) << "one series a metric";
    const auto gops = all(*store, gops_of_cases());
    ASSERT_THAT(gops, SizeIs(1));
    EXPECT_NEAR(gops[0].points[0].ci_low, 100 / 1.003, 1e-9);
}

TEST_P(SeriesContract, WhatTellsSeriesApartMakesAnotherOne) {
    auto store = open();
    add(*store, run_of(1, 0, 100));
    for (int i = 0; i < 5; ++i) {
        peakward::Run run = run_of(std::uint64_t(i) + 2, i + 1, 100);
        if (i == 0) run.context.install = "install-b";
        if (i == 1) run.context.hardware.lineage = "eeee000000000001";
        if (i == 2) run.context.environment.power_mode = Fact<std::string>::unknown("no tool");
        if (i == 3) {
            run.suite = "standard/2";  // of the score
            run.measurements[0].definition_version = 2;
        }
        if (i == 4) run.results[0].precision = run.measurements[0].what.precision = "fp32";
        add(*store, run);
    }
    // Neither microcode nor software tell series apart.
    peakward::Run same = run_of(9, 9, 100);
    same.context.hardware.fingerprint = "ffff000000000001";
    same.context.software.fingerprint = "another";
    add(*store, same);
    for (const SeriesFilter& filter : {peak(), gops_of_cases()}) {
        const auto list = all(*store, filter);
        std::size_t points = 0;
        for (const Series& series : list) points += series.points.size();
        EXPECT_THAT(list, SizeIs(6));
        EXPECT_EQ(points, 7u);
    }
    int unknown = 0;
    for (const Series& series : all(*store, peak())) unknown += !series.key.power_mode;
    EXPECT_EQ(unknown, 1);
}

// Another operation in a suite, or another suite with the same case, does not begin it anew.
TEST_P(SeriesContract, ACaseIsOneSeriesInEverySuiteAndAScoreInOneVersionOfOne) {
    auto store = open();
    const char* suites[] = {"quick/3", "standard/2", "quick/4", "full/3"};
    for (int i = 0; i < 4; ++i) {
        peakward::Run run = run_of(std::uint64_t(i) + 1, i, 100 + i);
        run.suite = suites[i];
        if (i > 1) run.measurements[0].definition_version = 1;  // recorded since then
        add(*store, run);
    }
    const auto cases = all(*store, gops_of_cases());
    ASSERT_THAT(cases, SizeIs(1));
    EXPECT_THAT(values(cases[0]), ElementsAre(100, 101, 102, 103));
    EXPECT_EQ(cases[0].key.definition, "gemm/1");
    EXPECT_EQ(cases[0].key.suite, "full/3") << "of the newest run";
    const auto scores = all(*store, peak());
    ASSERT_THAT(scores, SizeIs(4));
    for (const Series& series : scores) EXPECT_THAT(series.points, SizeIs(1));
    EXPECT_EQ(scores[2].key.definition, "quick/4");
    EXPECT_THAT(store->verify()->problems, IsEmpty());
}

// Another tool measures in another way: what has the same name is not the same.
TEST_P(SeriesContract, WhatWasImportedIsASeriesOfItsOwn) {
    auto store = open();
    const char* suites[] = {"quick/3", "import-kernels-52x10/1", "import-kernels-52x100/1",
                            "import-kernels-52x10/1"};
    for (int i = 0; i < 4; ++i) {
        peakward::Run run = run_of(std::uint64_t(i) + 1, i, 100 + i);
        run.suite = suites[i];
        add(*store, run);
    }
    const auto cases = all(*store, gops_of_cases());
    ASSERT_THAT(cases, SizeIs(3));
    EXPECT_EQ(cases[0].key.definition, "gemm/1");
    EXPECT_EQ(cases[1].key.definition, "import-kernels-52x10/1");
    EXPECT_EQ(cases[1].key.suite, "import-kernels-52x10/1");
    EXPECT_THAT(values(cases[1]), ElementsAre(101, 103));
}

TEST_P(SeriesContract, ACaseTwiceInARunIsTwoPoints) {
    auto store = open();
    peakward::Run run = run_of(1, 0, 100);
    run.measurements.push_back(run.measurements[0]);
    run.measurements[1].gops = 90;
    add(*store, run);
    add(*store, run_of(2, 1, 110));
    const auto cases = all(*store, gops_of_cases());
    ASSERT_THAT(cases, SizeIs(1));
    EXPECT_THAT(values(cases[0]), ElementsAre(100, 90, 110));
    EXPECT_THAT(store->verify()->problems, IsEmpty());
}

TEST_P(SeriesContract, ASuiteTakesThePointsOfItsRuns) {
    auto store = open();
    const char* suites[] = {"quick/3", "standard/2", "quick/4", "standard/3"};
    for (int i = 0; i < 4; ++i) {
        peakward::Run run = run_of(std::uint64_t(i) + 1, i, 100 + i);
        run.suite = suites[i];
        add(*store, run);
    }
    SeriesFilter filter = gops_of_cases();
    filter.suite = "quick";
    const auto quick = all(*store, filter);
    ASSERT_THAT(quick, SizeIs(1));
    EXPECT_THAT(values(quick[0]), ElementsAre(100, 102));
    EXPECT_EQ(quick[0].key.suite, "quick/4");
    filter.suite = "standard/2";
    EXPECT_THAT(values(all(*store, filter).at(0)), ElementsAre(101));
    filter.suite = "full";
    EXPECT_THAT(all(*store, filter), IsEmpty());
}

TEST_P(SeriesContract, ASupersededRunIsLeftOutOfEverySeries) {
    auto store = open();
    add(*store, run_of(1, 0, 100));
    add(*store, run_of(2, 1, 110));
    peakward::Run correction = run_of(3, 1, 105);
    correction.supersedes = run_of(2, 1, 110).run_id;
    add(*store, correction);
    for (const SeriesFilter& filter : {peak(), gops_of_cases()}) {
        const auto list = all(*store, filter);
        ASSERT_THAT(list, SizeIs(1));
        EXPECT_THAT(values(list[0]), ElementsAre(100, 105));
    }
}

TEST_P(SeriesContract, TwoRunsAtOneInstantStandInTheOrderOfAppending) {
    auto store = open();
    for (const int seed : {3, 1, 2}) add(*store, run_of(std::uint64_t(seed), 0, seed));
    for (const SeriesFilter& filter : {peak(), gops_of_cases()}) {
        const auto list = all(*store, filter);
        ASSERT_THAT(list, SizeIs(1));
        EXPECT_THAT(values(list[0]), ElementsAre(3, 1, 2));
    }
}

TEST_P(SeriesContract, FlagsOfTheRunAndOfTheFigureAreDoubts) {
    auto store = open();
    peakward::Run run = run_of(1, 0, 100);
    run.flags = {"forced", "interrupted"};
    run.results[0].flags = {"above_theoretical", "narrow_kernels"};
    run.measurements[0].flags = {"device_fallback"};
    add(*store, run);
    EXPECT_EQ(all(*store, peak())[0].points[0].doubts,
              doubt_forced | doubt_incomplete | doubt_above_theoretical);
    EXPECT_EQ(all(*store, gops_of_cases())[0].points[0].doubts,
              doubt_forced | doubt_incomplete | doubt_fallback);
}

TEST_P(SeriesContract, WhatWasNotMeasuredIsAGapAndWhatIsUnsupportedIsNone) {
    auto store = open();
    add(*store, run_of(1, 0, 100));
    int day = 1;
    for (const Outcome outcome : {Outcome::failed, Outcome::timed_out, Outcome::invalid,
                                  Outcome::unsupported, Outcome::contended}) {
        peakward::Run run = run_of(std::uint64_t(day) + 1, day, 100.0 + day);
        run.measurements[0].outcome = outcome;
        ++day;
        add(*store, run);
    }
    const auto list = all(*store, gops_of_cases());
    ASSERT_THAT(list, SizeIs(1));
    ASSERT_THAT(list[0].points, SizeIs(5));
    for (std::size_t i = 1; i < 4; ++i) {
        EXPECT_TRUE(std::isnan(list[0].points[i].value));
        EXPECT_TRUE(std::isnan(list[0].points[i].ci_low));
        EXPECT_EQ(list[0].points[i].doubts, doubt_not_measured);
    }
    EXPECT_EQ(list[0].points[4].value, 105);
    EXPECT_EQ(list[0].points[4].doubts, doubt_contended);
}

TEST_P(SeriesContract, AScoreOfWhichNothingWasMeasuredIsAGap) {
    auto store = open();
    add(*store, run_of(1, 0, 100));
    peakward::Run run = run_of(2, 1, 100);
    run.results[0].blas3_gops.reset();
    run.results[0].peak_measured_gops.reset();
    run.results[0].efficiency.reset();
    add(*store, run);
    const auto list = all(*store, peak());
    ASSERT_THAT(list, SizeIs(1));
    ASSERT_THAT(list[0].points, SizeIs(2));
    EXPECT_TRUE(std::isnan(list[0].points[1].value));
    EXPECT_EQ(list[0].points[1].doubts, doubt_not_measured);
}

TEST_P(SeriesContract, AMetricThatWasNeverMeasuredIsNoSeries) {
    auto store = open();
    peakward::Run run = run_of(1, 0, 100);
    run.measurements[0].outcome = Outcome::failed;
    run.results.clear();
    add(*store, run);
    EXPECT_THAT(all(*store), IsEmpty());
}

TEST_P(SeriesContract, AFilterTakesWhatItNames) {
    auto store = open();
    add(*store, make_run({.seed = 1, .measurements = 10, .windows = 1}));
    peakward::Run gpu = make_run({.seed = 2, .measurements = 10, .windows = 1, .lineage = "eeee"});
    gpu.suite = "quick/3";
    gpu.timestamp_unix += 86400;
    gpu.timestamp = iso_time(gpu.timestamp_unix);
    for (Measurement& m : gpu.measurements) m.what.device = "cuda:1";
    for (Score& score : gpu.results) score.device = "cuda:1";
    add(*store, gpu);
    const auto count = [&](auto change) {
        SeriesFilter filter;
        filter.metrics = {"blas3_gops", "gops"};
        change(filter);
        return all(*store, filter).size();
    };
    EXPECT_EQ(count([](SeriesFilter&) {}), 28u);
    EXPECT_EQ(count([](SeriesFilter& f) { f.kind = SeriesKind::score; }), 8u);
    EXPECT_EQ(count([](SeriesFilter& f) { f.kind = SeriesKind::measurement; }), 20u);
    EXPECT_EQ(count([](SeriesFilter& f) { f.metrics = {"gops"}; }), 20u);
    EXPECT_EQ(count([](SeriesFilter& f) { f.metrics = {"no_such"}; }), 0u);
    EXPECT_EQ(count([](SeriesFilter& f) { f.lineages = {"eeee"}; }), 14u);
    EXPECT_EQ(count([](SeriesFilter& f) { f.lineages = {"eeee", "5d41402abc4b2a76"}; }), 28u);
    EXPECT_EQ(count([](SeriesFilter& f) { f.device = "cuda"; }), 14u);
    EXPECT_EQ(count([](SeriesFilter& f) { f.device = "cuda:1"; }), 14u);
    EXPECT_EQ(count([](SeriesFilter& f) { f.device = "cuda:0"; }), 0u);
    EXPECT_EQ(count([](SeriesFilter& f) { f.device = "cpu"; }), 14u);
    EXPECT_EQ(count([](SeriesFilter& f) { f.backend = "blas"; }), 14u);
    EXPECT_EQ(count([](SeriesFilter& f) { f.precision = "fp32"; }), 14u);
    EXPECT_EQ(count([](SeriesFilter& f) { f.operation = "gemm"; }), 4u);
    EXPECT_EQ(count([](SeriesFilter& f) { f.suite = "quick"; }), 14u);
    EXPECT_EQ(count([](SeriesFilter& f) { f.suite = "quick/3"; }), 14u);
    EXPECT_EQ(count([](SeriesFilter& f) { f.suite = "qui"; }), 0u);
    EXPECT_EQ(count([](SeriesFilter& f) { f.since = "2026-11-19"; }), 14u);
    EXPECT_EQ(count([](SeriesFilter& f) { f.until = "2026-11-18"; }), 14u);
}

TEST_P(SeriesContract, KeysAndMetricsAreListedWithoutReadingPoints) {
    auto store = open();
    EXPECT_THAT(*store->series_keys({}), IsEmpty());
    EXPECT_THAT(*store->metrics(), IsEmpty());
    add(*store, run_of(1, 0, 100));
    const auto keys = store->series_keys({});
    ASSERT_TRUE(keys) << message_of(keys);
    ASSERT_THAT(*keys, SizeIs(2));
    EXPECT_EQ(keys->at(0).kind, SeriesKind::score);
    EXPECT_EQ(keys->at(1).kind, SeriesKind::measurement);
    EXPECT_EQ(keys->at(1).operation, "gemm");
    EXPECT_EQ(keys->at(1).metric, "");
    SeriesFilter filter;
    filter.operation = "gemm";
    EXPECT_THAT(*store->series_keys(filter), SizeIs(1));
    filter.precision = "int4";
    EXPECT_THAT(*store->series_keys(filter), IsEmpty());
    EXPECT_THAT(*store->metrics(),
                ElementsAre("blas3_gops", "bus_gbps", "clock_hz", "efficiency", "gbps", "gops",
                            "median_s", "min_s", "operations_per_cycle", "peak_measured_gops"));
}

TEST_P(SeriesContract, APeriodCutsASeriesAndAWrongOneIsRefused) {
    auto store = open();
    for (int day = 0; day < 5; ++day) add(*store, run_of(std::uint64_t(day) + 1, day, 100 + day));
    SeriesFilter filter = peak();
    filter.since = "2026-11-19";
    filter.until = "2026-11-20";
    const auto list = all(*store, filter);
    ASSERT_THAT(list, SizeIs(1));
    EXPECT_THAT(values(list[0]), ElementsAre(101, 102));
    filter.since = "soon";
    const auto status = store->each_series(filter, [](Series&&) -> Status { return {}; });
    EXPECT_THAT(message_of(status), HasSubstr("'soon' is not a date"));
}

// However a store keeps points, a long series reads as a short one does.
TEST_P(SeriesContract, ALongSeriesHoldsEveryRunInTheOrderOfTime) {
    auto store = open();
    std::vector<peakward::Run> runs;
    std::vector<double> expected, expected_of_case;
    for (int i = 0; i < 300; ++i) {
        // Every tenth comes in late, as an import would bring it.
        const int day = i % 10 == 9 ? i / 10 : i + 100;
        runs.push_back(run_of(std::uint64_t(i) + 1, day, 1000 + day));
        if (i % 50 == 7) runs.back().measurements[0].outcome = Outcome::timed_out;
        if (i % 50 == 8) runs.back().supersedes = runs[std::size_t(i) - 2].run_id;
        if (i % 50 == 9) runs.back().flags = {"forced"};
        runs.back().measurements.push_back(runs.back().measurements[0]);  // the case twice
    }
    for (std::size_t i = 0; i < runs.size(); i += 100)
        ASSERT_TRUE(store->append_all(std::span(runs).subspan(i, 100)));
    const auto check = [&] {
        const auto scores = all(*store, peak()), cases = all(*store, gops_of_cases());
        ASSERT_THAT(scores, SizeIs(1));
        ASSERT_THAT(cases, SizeIs(1));
        ASSERT_THAT(scores[0].points, SizeIs(294));
        ASSERT_THAT(cases[0].points, SizeIs(588));
        std::int64_t before = 0;
        int gaps = 0;
        for (std::size_t i = 0; i < 588; ++i) {
            const SeriesPoint& point = cases[0].points[i];
            const SeriesPoint& score = scores[0].points[i / 2];
            const auto& run = runs.at(std::size_t(point.seq) - 1);
            EXPECT_GE(point.time_unix, before);
            before = point.time_unix;
            EXPECT_EQ(point.time_unix, run.timestamp_unix);
            EXPECT_EQ(point.seq, score.seq);
            EXPECT_EQ(score.value, *run.results[0].peak_measured_gops);
            EXPECT_EQ(score.doubts, run.flags.empty() ? 0 : doubt_forced);
            if (std::isnan(point.value))
                ++gaps;
            else
                EXPECT_EQ(point.value, score.value);
        }
        EXPECT_EQ(gaps, 12);
        SeriesFilter cut = peak();
        cut.since = runs[200].timestamp;
        EXPECT_THAT(all(*store, cut)[0].points, SizeIs(90 - 2));
    };
    check();
    ASSERT_TRUE(store->rebuild());
    check();
    EXPECT_THAT(store->verify()->problems, IsEmpty());
}

TEST_P(SeriesContract, OnlyAFigureThatAContendedCaseCouldHaveBeenIsInDoubt) {
    auto store = open();
    peakward::Run run = make_run({.seed = 1, .measurements = 10, .windows = 1});
    for (Score& score : run.results) score.flags = {"contended"};
    // fma_peak in fp64 of native: what peak_measured_gops is the best of.
    ASSERT_EQ(run.measurements[2].what.operation, "fma_peak");
    run.measurements[2].outcome = Outcome::contended;
    add(*store, run);
    SeriesFilter filter;
    filter.kind = SeriesKind::score;
    filter.backend = "native";
    filter.precision = "fp64";
    std::map<std::string, int> doubts;
    for (const Series& series : all(*store, filter))
        doubts[series.key.metric] = series.points[0].doubts;
    EXPECT_EQ(doubts["peak_measured_gops"], doubt_contended);
    EXPECT_EQ(doubts["efficiency"], doubt_contended);
    EXPECT_EQ(doubts["blas3_gops"], 0);
    EXPECT_EQ(doubts["stream_best_gbps"], 0);
    filter.precision = "fp32";  // another precision's case
    for (const Series& series : all(*store, filter))
        EXPECT_EQ(series.points[0].doubts, 0) << series.key.metric;
    filter.backend = "blas";  // no case of its own shows why
    for (const Series& series : all(*store, filter))
        EXPECT_EQ(series.points[0].doubts, doubt_contended) << series.key.metric;
}

TEST_P(SeriesContract, TheReadingEndsWhenItsTakerWantsNoMore) {
    auto store = open();
    add(*store, make_small_run(1));
    int taken = 0;
    const auto status = store->each_series(
        {}, [&](Series&&) -> Status { return ++taken == 2 ? failed("enough") : Status{}; });
    EXPECT_EQ(message_of(status), "enough");
    EXPECT_EQ(taken, 2);
    EXPECT_TRUE(store->append(make_small_run(2)));  // nothing is left open
}

TEST_P(SeriesContract, StacksStandInTheOrderOfTheirFirstRun) {
    auto store = open();
    const auto with = [&](std::uint64_t seed, const char* fingerprint, const char* digest) {
        peakward::Run run = run_of(seed, int(seed), 100);
        run.context.software.fingerprint = fingerprint;
        run.context.software.stack_digest = digest;
        add(*store, run);
    };
    with(1, "zz", "1");
    with(2, "aa", "1");
    with(3, "zz", "1");
    with(4, "zz", "2");
    const auto stacks = store->stacks();
    ASSERT_TRUE(stacks) << message_of(stacks);
    EXPECT_THAT(*stacks, ElementsAre(SoftwareStack{"zz", "1"}, SoftwareStack{"aa", "1"},
                                     SoftwareStack{"zz", "2"}));
    for (const SeriesFilter& filter : {peak(), gops_of_cases()}) {
        std::vector<std::int32_t> places;
        for (const Series& series : all(*store, filter))
            for (const SeriesPoint& point : series.points) places.push_back(point.stack);
        EXPECT_THAT(places, ElementsAre(0, 1, 0, 2));
    }
}

TEST_P(SeriesContract, HardwareIsEveryLineageByItsNewestRun) {
    auto store = open();
    EXPECT_THAT(*store->hardware(), IsEmpty());
    peakward::Run older = run_of(1, 0, 100);
    older.products = {{"cpu", "old_name", 1, 1, "its name", ""}};
    peakward::Run newer = run_of(2, 3, 100);
    newer.context.hardware.fingerprint = "c3f840a080356807";  // another microcode
    newer.context.install = "install-b";
    newer.products = {{"cpu", "intel_i7_12700k", 2, 1, "its name", ""},
                      {"cuda:0", "nvidia_h100", 1, 1, "its name", "TDP"}};
    peakward::Run other = make_run({.seed = 3,
                                    .measurements = 1,
                                    .windows = 1,
                                    .timestamp_unix = 1795000000 + 86400,
                                    .lineage = "eeee000000000001",
                                    .gpu = true});
    for (const peakward::Run& run : {newer, older, other}) add(*store, run);
    const auto list = store->hardware();
    ASSERT_TRUE(list) << message_of(list);
    ASSERT_THAT(*list, SizeIs(2));
    const KnownHardware& first = list->at(0);
    EXPECT_EQ(first.lineage, "5d41402abc4b2a76");
    EXPECT_THAT(first.fingerprints, ElementsAre(Pair("c3f840a080356806", 1795000000),
                                                Pair("c3f840a080356807", 1795000000 + 3 * 86400)));
    EXPECT_THAT(first.installs, ElementsAre("install-a", "install-b"));
    EXPECT_EQ(first.cpu_model, "12th Gen Intel(R) Core(TM) i7-12700K");
    EXPECT_EQ(first.gpu_model, "N/A");
    EXPECT_THAT(first.products,
                ElementsAre(Pair("cpu", "intel_i7_12700k"), Pair("cuda:0", "nvidia_h100")));
    EXPECT_EQ(first.runs, 2);
    EXPECT_EQ(first.first_unix, 1795000000);
    EXPECT_EQ(first.last_unix, 1795000000 + 3 * 86400);
    EXPECT_EQ(first.newest_seq, 1);
    EXPECT_EQ(list->at(1).lineage, "eeee000000000001");
    EXPECT_EQ(list->at(1).gpu_model, "NVIDIA GeForce RTX 4090");
    EXPECT_THAT(list->at(1).products, IsEmpty());
}

TEST_P(SeriesContract, ProductsOfImportedRunsAreThoseOfAllTheirDevices) {
    auto store = open();
    const auto imported = [](std::uint64_t seed, int day, const char* device, const char* product) {
        peakward::Run run = make_run({.seed = seed,
                                      .measurements = 1,
                                      .windows = 1,
                                      .timestamp_unix = 1795000000 + day * 86400,
                                      .suite = "import-kernels-52x10/1"});
        run.products = {{device, product, 1, 1, "its name", ""}};
        return run;
    };
    add(*store, imported(1, 0, "cpu", "old_name"));
    add(*store, imported(2, 1, "cpu", "jetson_cpu"));
    add(*store, imported(3, 2, "cuda:0", "jetson_gpu"));
    const auto products = store->hardware()->at(0).products;
    EXPECT_THAT(products, ElementsAre(Pair("cpu", "jetson_cpu"), Pair("cuda:0", "jetson_gpu")));
    // A run of this program tells of every device, also by what it leaves out.
    peakward::Run own = imported(4, 3, "cpu", "intel_i7_12700k");
    own.suite = "quick/3";
    add(*store, own);
    const auto now = store->hardware()->at(0).products;
    EXPECT_THAT(now, ElementsAre(Pair("cpu", "intel_i7_12700k")));
}

TEST_P(SeriesContract, FactsAreWhatARunRanOn) {
    auto store = open();
    add(*store, make_small_run(1));
    peakward::Run run = make_run({.seed = 2, .measurements = 2, .windows = 1, .gpu = true});
    run.flags = {"forced"};
    run.measurements[1].clock_hz = 3.5e9;
    run.context.environment.thermal_state = Fact<std::string>::unknown("no sensor");
    add(*store, run);
    const auto list = store->facts_of({2, 1});
    ASSERT_TRUE(list) << message_of(list);
    ASSERT_THAT(*list, SizeIs(2));
    const RunFacts& facts = list->at(0);
    EXPECT_EQ(facts.seq, 2);
    EXPECT_EQ(facts.run_id, run.run_id);
    EXPECT_EQ(facts.timestamp, run.timestamp);
    EXPECT_EQ(facts.time_unix, run.timestamp_unix);
    EXPECT_EQ(facts.hardware_fingerprint, "c3f840a080356806");
    EXPECT_EQ(facts.lineage, "5d41402abc4b2a76");
    EXPECT_EQ(facts.software_fingerprint, "6286d41799aa0011");
    EXPECT_EQ(facts.stack_digest, "0123456789abcdef");
    EXPECT_EQ(facts.suite, "standard/1");
    EXPECT_EQ(facts.peakward_version, "0.1.0");
    EXPECT_EQ(facts.components.at("numpy_version"), "2.2.6");
    EXPECT_EQ(facts.components.at("cuda_version"), std::nullopt);
    EXPECT_EQ(facts.components.size(), run.context.software.components.size());
    EXPECT_THAT(facts.firmware,
                ElementsAre(Pair("cpu_microcode", "0x2c"), Pair("gpu_vbios", "95.02.18.40.84")));
    EXPECT_EQ(facts.environment.at("power_mode"), "performance");
    EXPECT_EQ(facts.environment.at("thermal_state"), std::nullopt);
    EXPECT_EQ(facts.environment.at("clock_mhz"), "3500");
    EXPECT_THAT(facts.flags, ElementsAre("forced"));
    EXPECT_EQ(list->at(1).seq, 1);
    EXPECT_THAT(message_of(store->facts_of({1, 77})), HasSubstr("seq 77"));
}

TEST_P(SeriesContract, ImplementationsAreThoseOfTheMeasuredCases) {
    auto store = open();
    peakward::Run run = make_run({.seed = 2, .measurements = 3, .windows = 1});
    run.measurements[0].implementation = "OpenBLAS 0.3.21 Zen pthreads";
    run.measurements[1].implementation = "";
    run.measurements[2].implementation = "reference";
    run.measurements[2].outcome = Outcome::contended;
    run.measurements[2].reason = "other work";
    add(*store, run);
    const auto list = store->implementations_of(1);
    ASSERT_TRUE(list) << message_of(list);
    ASSERT_THAT(*list, SizeIs(1));
    EXPECT_EQ(list->front().what, run.measurements[0].what);
    EXPECT_EQ(list->front().implementation, "OpenBLAS 0.3.21 Zen pthreads");
    EXPECT_THAT(*store->implementations_of(7), IsEmpty());
}

TEST_P(SeriesContract, SeveralRunsAreAppendedTogetherOrNotAtAll) {
    auto store = open();
    add(*store, run_of(1, 0, 100));
    std::vector<peakward::Run> runs{run_of(2, 1, 101), run_of(1, 0, 100), run_of(3, 2, 102),
                                    run_of(2, 1, 101)};
    runs[2].supersedes = runs[0].run_id;  // of the same batch
    const auto outcomes = store->append_all(runs);
    ASSERT_TRUE(outcomes) << message_of(outcomes);
    EXPECT_THAT(*outcomes, ElementsAre(AppendOutcome::appended, AppendOutcome::already_there,
                                       AppendOutcome::appended, AppendOutcome::already_there));
    EXPECT_EQ(store->info()->runs, 3);
    EXPECT_THAT(store->verify()->problems, IsEmpty());

    std::vector<peakward::Run> refused{run_of(5, 5, 105), run_of(6, 6, 106)};
    refused[1].supersedes = "no-such-run";
    EXPECT_THAT(message_of(store->append_all(refused)), HasSubstr("no-such-run"));
    EXPECT_EQ(store->info()->runs, 3);
    refused[1].supersedes.reset();
    refused[0].run_id = "";
    EXPECT_THAT(message_of(store->append_all(refused)), HasSubstr("run_id ''"));
    EXPECT_EQ(store->info()->runs, 3);
    EXPECT_THAT(*store->append_all({}), IsEmpty());
}

PEAKWARD_FOR_EACH_ENGINE(SeriesContract);

}  // namespace
}  // namespace peakward
