// Planted truths, stored as runs and found again: what a release manager would be told.
#include "session/regressions.hpp"

#include "analyze/planted.hpp"
#include "core/json.hpp"
#include "core/posix.hpp"
#include "core/records_json.hpp"
#include "session/fixture.hpp"
#include "session/forecast.hpp"
#include "session/report.hpp"
#include "store/make_run.hpp"

namespace peakward::session_test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int64_t one_day_s = 86'400;

// A stack is a version of each component; the store tells stacks apart by these.
struct Stack {
    std::string kernel = "6.8.0-90-generic";
    std::string blas = "OpenBLAS 0.3.21";
    double factor = 1;  // of what blas in fp32 reaches; every other series is left alone
};

class PlantedRegressions : public SessionTest {
protected:
    // One run a day of each stack, `each` times; 0.5 % noise.
    void measure(const Stack& stack, int each, const std::string& power_mode = "performance") {
        std::vector<peakward::Run> runs;
        for (int i = 0; i < each; ++i) runs.push_back(one_run(stack, power_mode));
        auto store = open_store(database(), OpenMode::append);
        ASSERT_TRUE(store) << store.error().message;
        const auto outcome = (*store)->append_all(runs);
        ASSERT_TRUE(outcome) << outcome.error().message;
    }

    RegressionsReply look(const RegressionsRequest& request = {}) const {
        auto reply = look_for_regressions(database(), request);
        EXPECT_TRUE(reply) << reply.error().message;
        return reply ? std::move(*reply) : RegressionsReply{};
    }

    std::string suite_ = "quick/1";
    bool in_containers_ = false;  // each run on an install of its own
    std::vector<MatchedProduct> products_;
    std::string native_device_ = "cpu";

private:
    peakward::Run one_run(const Stack& stack, const std::string& power_mode) {
        const auto number = static_cast<std::uint64_t>(++days_);
        auto run = store_test::make_run({.seed = number,
                                         .measurements = 2,
                                         .windows = 1,
                                         .timestamp_unix = 1'795'000'000 + days_ * one_day_s,
                                         .suite = suite_});
        auto& software = run.context.software;
        using Text = Fact<std::string>;
        software.components["os_kernel"] = Text::known(stack.kernel, "uname");
        software.components["blas_library"] = Text::known(stack.blas, "libblas.so.3");
        software.fingerprint = std::to_string(std::hash<std::string>{}(stack.kernel));
        software.stack_digest = std::to_string(std::hash<std::string>{}(stack.kernel + stack.blas));
        run.context.environment.power_mode = Text::known(power_mode, "power profile");
        if (in_containers_) run.context.install = "container-" + std::to_string(days_);
        run.products = products_;
        const double slower = power_mode == "performance" ? 1 : 0.5;
        for (Score& score : run.results) {
            const bool subject = score.backend == "blas" && score.precision == "fp32";
            const double factor = slower * (subject ? stack.factor : 1);
            if (score.backend == "native") score.device = native_device_;
            score.stream_best_gbps.reset();
            score.blas3_gops.reset();
            score.efficiency.reset();
            score.peak_measured_gops = 250 * factor * (1 + 0.005 * gaussian_());
        }
        for (Measurement& m : run.measurements)
            m.gops = 100 * (m.what.backend == "blas" ? stack.factor : 1) *
                     (1 + 0.005 * gaussian_of_cases_());
        return run;
    }

    int days_ = 0;
    planted::Gaussian gaussian_{2026}, gaussian_of_cases_{12};
};

TEST_F(PlantedRegressions, NonePlantedNoneFound) {
    for (const char* kernel : {"6.8", "6.9", "6.10", "6.11"}) measure({kernel}, 4);
    const auto reply = look();
    EXPECT_THAT(reply.regressions, IsEmpty());
    EXPECT_EQ(reply.report.series, 4u);
    EXPECT_EQ(reply.report.judged, 4u);
}

TEST_F(PlantedRegressions, OneUpdateIsConfirmedAndNamed) {
    measure({"6.8", "OpenBLAS 0.3.21"}, 5);
    measure({"6.8", "OpenBLAS 0.3.22", 0.93}, 3);
    const auto reply = look();
    ASSERT_THAT(reply.regressions, SizeIs(1));
    const ExplainedRegression& found = reply.regressions.front();
    EXPECT_EQ(found.key.backend, "blas");
    EXPECT_EQ(found.key.precision, "fp32");
    EXPECT_EQ(found.regression.status, RegressionStatus::confirmed);
    EXPECT_NEAR(found.regression.main().change_percent, -7, 1);
    EXPECT_THAT(found.cause.cause, HasSubstr("BLAS library OpenBLAS 0.3.21 -> OpenBLAS 0.3.22"));
    EXPECT_FALSE(found.cause.confounded);
    EXPECT_TRUE(reply.facts.contains(found.regression.main().now.seqs.back()));
}

// A drop across two versions of a suite, and two suites, is one of one series; scores begin anew.
TEST_F(PlantedRegressions, ACaseGoesOnWhereItsSuiteGainsAnOperation) {
    suite_ = "quick/3";
    measure({"6.8", "OpenBLAS 0.3.21"}, 5);
    suite_ = "quick/4";
    measure({"6.8", "OpenBLAS 0.3.22", 0.93}, 2);
    suite_ = "standard/3";
    measure({"6.8", "OpenBLAS 0.3.22", 0.93}, 1);
    RegressionsRequest cases;
    cases.series.metrics = {"gops"};
    const auto reply = look(cases);
    EXPECT_EQ(reply.report.series, 2u);
    EXPECT_EQ(reply.report.judged, 2u);
    ASSERT_THAT(reply.regressions, SizeIs(1));
    const ExplainedRegression& found = reply.regressions.front();
    EXPECT_EQ(found.key.definition, "stream_triad/1");
    EXPECT_EQ(found.key.suite, "standard/3") << "of the newest run";
    EXPECT_EQ(found.regression.status, RegressionStatus::confirmed) << found.regression.doubt;
    EXPECT_NEAR(found.regression.main().change_percent, -7, 1);
    EXPECT_THAT(found.regression.main().before.seqs, SizeIs(5));
    EXPECT_THAT(found.regression.main().now.seqs, SizeIs(3));
    EXPECT_EQ(look().report.series, 12u) << "four scores of each suite";
    cases.series.suite = "quick/3";
    EXPECT_THAT(look(cases).regressions, IsEmpty()) << "--suite takes the points of its runs";
}

TEST_F(PlantedRegressions, FreshContainersAreJudgedAsOneSeriesOfTheirLineage) {
    in_containers_ = true;
    measure({"6.8", "OpenBLAS 0.3.21"}, 6);
    measure({"6.8", "OpenBLAS 0.3.22", 0.94}, 3);
    const auto reply = look();
    EXPECT_EQ(reply.report.series, 4u) << "the four of one install";
    EXPECT_EQ(reply.report.judged, 4u);
    ASSERT_THAT(reply.regressions, SizeIs(1));
    const ExplainedRegression& found = reply.regressions.front();
    EXPECT_EQ(found.regression.status, RegressionStatus::confirmed) << found.regression.doubt;
    EXPECT_EQ(found.regression.installs, 9);
    EXPECT_EQ(found.key.install, "");
    EXPECT_THAT(found.cause.cause, HasSubstr("OpenBLAS 0.3.21 -> OpenBLAS 0.3.22"));
    RegressionsRequest here;
    here.install = "a container that has no run yet";
    EXPECT_THAT(look(here).regressions, SizeIs(1)) << "calibrate --confirm in the next one";
}

TEST_F(PlantedRegressions, TheWholeStoreTeachesTheNoiseOfAFewSeries) {
    measure({"6.8", "OpenBLAS 0.3.21"}, 1);
    measure({"6.8", "OpenBLAS 0.3.22", 0.97}, 1);
    RegressionsRequest narrow;
    narrow.series.backend = "blas";
    narrow.series.precision = "fp32";
    EXPECT_EQ(look(narrow).report.by_table, 1u) << "nothing was repeated anywhere";
    measure({"6.9", "OpenBLAS 0.3.21"}, 4);  // of every series
    EXPECT_EQ(look(narrow).report.by_table, 0u);
}

TEST_F(PlantedRegressions, ASeriesThatIsNotJudgedIsNamedWithItsReason) {
    measure({"6.8"}, 1);
    const auto reply = look();
    ASSERT_THAT(reply.not_judged, SizeIs(4));
    EXPECT_THAT(reply.not_judged[0].reason, HasSubstr("one run only"));
    EXPECT_EQ(reply.not_judged[0].key.metric, "peak_measured_gops");
}

TEST_F(PlantedRegressions, OneBadCellIsSuspectedAndAsksForAnotherRun) {
    measure({"6.8"}, 5);
    measure({"6.9", "OpenBLAS 0.3.21", 0.90}, 1);
    const auto reply = look();
    ASSERT_THAT(reply.regressions, SizeIs(1));
    EXPECT_EQ(reply.regressions.front().regression.status, RegressionStatus::suspected);
    EXPECT_THAT(reply.regressions.front().cause.recommendation, HasSubstr("Run again"));
}

TEST_F(PlantedRegressions, ASuspicionOfImportedRunsIsNotSentToCalibrate) {
    suite_ = "import-kernels-52x10/1";
    measure({"6.8"}, 5);
    measure({"6.9", "OpenBLAS 0.3.21", 0.90}, 1);
    const auto reply = look();
    ASSERT_THAT(reply.regressions, SizeIs(1));
    const std::string advice = reply.regressions.front().cause.recommendation;
    EXPECT_THAT(advice, HasSubstr("Have one run more"));
    EXPECT_THAT(advice, HasSubstr("the tool that made them"));
    EXPECT_THAT(advice, testing::Not(HasSubstr("--confirm")));
}

TEST_F(PlantedRegressions, ASlowDeclineIsFoundAgainstTheBest) {
    for (int i = 0; i <= 10; ++i)
        measure({"6." + std::to_string(i), "OpenBLAS 0.3.21", std::pow(0.991, i)}, 3);
    const auto reply = look();
    ASSERT_THAT(reply.regressions, SizeIs(1));
    const ExplainedRegression& found = reply.regressions.front();
    EXPECT_EQ(found.regression.main().baseline, Baseline::best);
    EXPECT_EQ(found.regression.status, RegressionStatus::confirmed);
    EXPECT_THAT(found.cause.cause, HasSubstr("slow decline"));
}

TEST_F(PlantedRegressions, WhatRecoveredIsNotCurrent) {
    measure({"6.8"}, 8);
    measure({"6.9", "OpenBLAS 0.3.21", 0.9}, 8);
    measure({"6.10"}, 8);
    const auto reply = look();
    EXPECT_THAT(reply.regressions, IsEmpty());
    ASSERT_THAT(reply.recovered, SizeIs(1));
    const ExplainedRegression& gone = reply.recovered.front();
    EXPECT_EQ(gone.key.backend, "blas");
    EXPECT_EQ(gone.key.precision, "fp32");
    EXPECT_EQ(gone.regression.status, RegressionStatus::recovered);
    const Comparison& drop = gone.regression.main();
    EXPECT_EQ(drop.baseline, Baseline::previous) << "the level before it, and not the best one";
    EXPECT_NEAR(drop.before.level, 250, 2);
    EXPECT_NEAR(drop.now.level, 225, 2);
    EXPECT_NEAR(drop.change_percent, -10, 1);
    EXPECT_EQ(drop.agreeing_runs, 8);
    EXPECT_EQ(gone.regression.recovered_unix, 1'795'000'000 + 17 * one_day_s);
    EXPECT_THAT(gone.cause.cause, HasSubstr("6.8 -> 6.9"));
}

TEST_F(PlantedRegressions, WhatCameBackHalfWayIsARegression) {
    measure({"6.8"}, 8);
    measure({"6.9", "OpenBLAS 0.3.21", 0.8}, 8);
    measure({"6.10", "OpenBLAS 0.3.21", 0.88}, 8);
    const auto reply = look();
    EXPECT_THAT(reply.recovered, IsEmpty());
    ASSERT_THAT(reply.regressions, SizeIs(1));
    EXPECT_EQ(reply.regressions.front().regression.main().baseline, Baseline::best);
}

TEST_F(PlantedRegressions, WhatRecoveredAndFellAgainIsTwoDrops) {
    measure({"6.8"}, 8);
    measure({"6.9", "OpenBLAS 0.3.21", 0.9}, 8);
    measure({"6.10"}, 8);
    measure({"6.11", "OpenBLAS 0.3.21", 0.9}, 8);
    const auto reply = look();
    EXPECT_THAT(reply.regressions, SizeIs(1));
    // Two drops happened, and products are compared by how often one does: the first was left out.
    EXPECT_THAT(reply.recovered, SizeIs(1));
}

TEST_F(PlantedRegressions, ADropBelowTheThresholdIsNotOneThatRecovered) {
    measure({"6.8"}, 8);
    measure({"6.9", "OpenBLAS 0.3.21", 0.9}, 8);
    measure({"6.10"}, 8);
    RegressionsRequest request;
    request.options.threshold_percent = 20;
    EXPECT_THAT(look(request).recovered, IsEmpty());
}

TEST_F(PlantedRegressions, OneProductOfAHostIsLookedAtAlone) {
    products_ = {{"cpu", "intel_i7_12700k", 1, 1, "its name", ""},
                 {"cuda:0", "nvidia_h100_sxm5_80gb", 1, 1, "its name", ""}};
    native_device_ = "cuda:0";
    measure({"6.8", "OpenBLAS 0.3.21"}, 5);
    measure({"6.8", "OpenBLAS 0.3.22", 0.93}, 3);  // of blas, which runs on the CPU
    RegressionsRequest request;
    EXPECT_EQ(look(request).report.series, 4u);
    request.subject = "intel_i7_12700k";
    const auto cpu = look(request);
    EXPECT_EQ(cpu.report.series, 2u);
    EXPECT_THAT(cpu.regressions, SizeIs(1));
    request.subject = "nvidia_h100_sxm5_80gb";
    const auto gpu = look(request);
    EXPECT_EQ(gpu.report.series, 2u);
    EXPECT_THAT(gpu.regressions, IsEmpty());
}

TEST_F(PlantedRegressions, AShiftedPowerModeIsAnotherSeries) {
    measure({}, 6);
    measure({}, 1, "powersave");
    const auto reply = look();
    EXPECT_THAT(reply.regressions, IsEmpty());
    EXPECT_EQ(reply.report.series, 8u);
    EXPECT_EQ(reply.report.judged, 4u);
    ASSERT_THAT(reply.mode_changes, SizeIs(4)) << "no regression, and not silent either";
    EXPECT_EQ(reply.mode_changes[0].before.power_mode, "performance");
    EXPECT_EQ(reply.mode_changes[0].now.power_mode, "powersave");
    EXPECT_NEAR(reply.mode_changes[0].change.change_percent, -50, 3);
}

// Twelve real runs of one stack; a variable made OpenBLAS choose other kernels for the last five.
TEST_F(PlantedRegressions, OtherKernelsUnderOneStackAreTheCause) {
    const auto text = read_whole_file(
        PEAKWARD_SOURCE_DIR "/tests/fixtures/cases/regressions-kernels-changed/INPUT.json");
    ASSERT_TRUE(text) << text.error().message;
    const auto document = parse_json(*text, "INPUT.json");
    ASSERT_TRUE(document) << document.error().message;
    auto store = open_store(database(), OpenMode::append);
    ASSERT_TRUE(store) << store.error().message;
    for (const Json& one : *document) {
        const auto run = run_from_json(one);
        ASSERT_TRUE(run) << run.error().message;
        ASSERT_TRUE((*store)->append(*run));
    }
    const auto reply = look();
    ASSERT_THAT(reply.regressions, SizeIs(1));
    const ExplainedRegression& found = reply.regressions.front();
    EXPECT_EQ(found.regression.status, RegressionStatus::confirmed);
    EXPECT_NEAR(found.regression.main().change_percent, -81.8, 1);
    EXPECT_THAT(found.cause.cause, HasSubstr("OpenBLAS kernels Zen -> Prescott"));
    EXPECT_THAT(found.cause.cause, testing::Not(HasSubstr("did not change")));
    EXPECT_THAT(found.cause.recommendation, HasSubstr("OPENBLAS_CORETYPE"));
}

TEST_F(PlantedRegressions, AForecastAfterAConfirmedOneIsRefused) {
    const auto forecast_of_blas = [&] {
        ForecastRequest request;
        request.series.backend = "blas";
        request.series.precision = "fp32";
        const auto reply = look_ahead(database(), request);
        EXPECT_TRUE(reply) << reply.error().message;
        EXPECT_THAT(reply->forecasts, SizeIs(1));
        return reply->forecasts.front().forecast;
    };
    for (int i = 0; i < 8; ++i)
        measure({"6." + std::to_string(i), "OpenBLAS 0.3.21", 1.0 - 0.5 * std::exp(-i / 3.0)}, 3);
    const Forecast before = forecast_of_blas();
    EXPECT_THAT(before.refused, IsEmpty());
    EXPECT_NEAR(before.now.middle, 250 * (1.0 - 0.5 * std::exp(-7 / 3.0)), 5);
    measure({"6.9", "OpenBLAS 0.3.21", 0.75}, 5);
    EXPECT_THAT(forecast_of_blas().refused,
                HasSubstr("the last event is a confirmed regression (-"));
    // Below its best, and rising again: that is no fall.
    measure({"6.10", "OpenBLAS 0.3.21", 0.85}, 3);
    EXPECT_THAT(forecast_of_blas().refused, testing::Not(HasSubstr("last event")));
}

// A board is a CPU and a GPU: two products, and each of its runs is one run.
TEST_F(PlantedRegressions, AReportCountsARunOnceHoweverManyProductsItHas) {
    products_ = {{"cpu", "intel_i7_12700k", 1, 1, "its name", ""},
                 {"cuda:0", "nvidia_h100_sxm5_80gb", 1, 1, "its name", ""}};
    native_device_ = "cuda:0";
    measure({"6.8"}, 5);
    const auto parts = load_report(database(), {}, 1'800'000'000);
    ASSERT_TRUE(parts) << parts.error().message;
    ASSERT_TRUE(parts->followed);
    EXPECT_EQ(parts->followed->subjects.size(), 2u);
    EXPECT_EQ(parts->runs, 5);
    SeriesRequest since;
    since.since = "2026-11-21";  // leaves out the first two
    const auto later = load_report(database(), since, 1'800'000'000);
    ASSERT_TRUE(later) << later.error().message;
    EXPECT_EQ(later->runs, 3);
}

TEST_F(PlantedRegressions, TwoChangesAtOnceAreConfounded) {
    measure({"6.8", "OpenBLAS 0.3.21"}, 5);
    measure({"6.9", "OpenBLAS 0.3.22", 0.93}, 3);
    const auto reply = look();
    ASSERT_THAT(reply.regressions, SizeIs(1));
    EXPECT_TRUE(reply.regressions.front().cause.confounded);
    EXPECT_THAT(reply.regressions.front().cause.cause, HasSubstr("2 things"));
}

TEST_F(PlantedRegressions, OneFigureUnderTwoNamesIsOneSeries) {
    measure({}, 1);
    auto run = store_test::make_run({.seed = 77, .measurements = 2, .windows = 1});
    for (Score& score : run.results) {
        score.blas3_gops = score.peak_measured_gops;
        score.stream_best_gbps = 70;
    }
    auto store = open_store((folder_ / "other.db").string(), OpenMode::append);
    ASSERT_TRUE((*store)->append(run));
    const auto reply = look_for_regressions((folder_ / "other.db").string(), {});
    ASSERT_TRUE(reply) << reply.error().message;
    // Four rows of two backends: a peak each, and one bandwidth a backend.
    EXPECT_EQ(reply->report.series, 6u);
}

TEST_F(PlantedRegressions, OneCaseInTwoUnitsIsOneSeriesInItsOwnUnit) {
    const std::string db = (folder_ / "units.db").string();
    auto store = open_store(db, OpenMode::append);
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        auto run = store_test::make_run({.seed = seed, .measurements = 2, .windows = 1});
        run.context.install = "one";
        for (Measurement& m : run.measurements) {
            m.what.operation = "gemm";
            m.gops = 100 + double(seed);
            m.gbps = *m.gops / 96;
        }
        // Bytes that are counted another way: two figures.
        if (seed == 3) run.measurements.back().gbps = 2;
        ASSERT_TRUE((*store)->append(run));
    }
    RegressionsRequest request;
    request.series.metrics = {"gops", "gbps"};
    const auto reply = look_for_regressions(db, request);
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->report.series, 3u);
}

class Confirm : public PlantedRegressions {
protected:
    void SetUp() override {
        PlantedRegressions::SetUp();
        for (const char* name : {"fake", "other"})
            add_worker(name).seconds = [this, name](const Json& what) {
                return seconds_at(what, name == std::string("fake") ? gops_ : 90);
            };
        request_.backends = {"fake", "other"};
        for (int i = 0; i < 6; ++i) {
            gops_ = 100 + 0.2 * (i % 3);
            calibrated();
        }
    }

    // The same runs as of another version of suite and definitions.
    void make_it_of_another_program(int definition_version) {
        std::vector<peakward::Run> runs;
        for (const RunSummary& summary : stored())
            runs.insert(runs.begin(), *find_run(database(), summary.run_id));
        std::filesystem::remove(database());
        for (peakward::Run& run : runs) {
            run.suite = "quick/1";
            for (Measurement& m : run.measurements) m.definition_version = definition_version;
        }
        ASSERT_TRUE((*open_store(database(), OpenMode::append))->append_all(runs));
    }

    Result<ConfirmReply> confirm() {
        CalibrateRequest how;
        how.worker_folders = request_.worker_folders;
        how.store_location = database();
        return confirm_regressions({root_, launcher_, clock_}, how, {}, diary_, never_);
    }

    double gops_ = 100;
};

TEST_F(Confirm, MeasuresOnlyTheSuspectsAgainInTheirOwnSeries) {
    gops_ = 85;
    calibrated();
    const auto reply = confirm();
    ASSERT_TRUE(reply) << reply.error().message;
    ASSERT_THAT(reply->runs, SizeIs(1));
    EXPECT_EQ(reply->runs[0].suite, latest().suite);
    for (const Measurement& row : reply->runs[0].measurements) {
        EXPECT_EQ(row.what.backend, "fake");
        EXPECT_EQ(row.what.precision, "fp32");
    }
    EXPECT_THAT(stored(), SizeIs(8));
    ASSERT_FALSE(reply->suspects.empty());
    for (const ConfirmedSuspect& suspect : reply->suspects) {
        ASSERT_TRUE(suspect.after) << suspect.before.key.operation;
        EXPECT_EQ(suspect.after->regression.status, RegressionStatus::confirmed);
        EXPECT_EQ(suspect.after->regression.main().agreeing_runs, 2);
    }
}

TEST_F(Confirm, ASuspicionThatDoesNotReturnIsGone) {
    gops_ = 85;
    calibrated();
    gops_ = 100;
    const auto reply = confirm();
    ASSERT_TRUE(reply) << reply.error().message;
    ASSERT_FALSE(reply->suspects.empty());
    for (const ConfirmedSuspect& suspect : reply->suspects) EXPECT_FALSE(suspect.after);
}

// A case is in the suite of this version too, and goes on; the score of the older one does not.
TEST_F(Confirm, ACaseOfAnOlderSuiteIsMeasuredInTheOneThatHoldsItNow) {
    gops_ = 85;
    const std::string current = calibrated().suite;
    make_it_of_another_program(1);

    const auto reply = confirm();
    ASSERT_TRUE(reply) << reply.error().message;
    ASSERT_THAT(reply->runs, SizeIs(1));
    EXPECT_EQ(reply->runs[0].suite, current);
    int cases = 0, scores = 0;
    for (const ConfirmedSuspect& suspect : reply->suspects) {
        if (suspect.before.key.kind == SeriesKind::measurement) {
            ++cases;
            ASSERT_TRUE(suspect.after) << suspect.before.key.operation << suspect.left_out;
            EXPECT_EQ(suspect.after->regression.status, RegressionStatus::confirmed);
        } else {
            ++scores;
            EXPECT_THAT(suspect.left_out, HasSubstr("it belongs to suite quick/1"));
        }
    }
    EXPECT_GT(cases, 0);
    EXPECT_GT(scores, 0);
}

TEST_F(Confirm, ACaseOfAnotherDefinitionIsLeftOut) {
    gops_ = 85;
    calibrated();
    make_it_of_another_program(7);
    const auto reply = confirm();
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_THAT(reply->runs, IsEmpty());
    for (const ConfirmedSuspect& suspect : reply->suspects) {
        const bool is_case = suspect.before.key.kind == SeriesKind::measurement;
        EXPECT_THAT(suspect.left_out, HasSubstr(is_case ? "by gemm/7" : "to suite quick/1"));
    }
}

TEST_F(Confirm, WithoutASuspicionNothingIsMeasured) {
    const auto reply = confirm();
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_FALSE(reply->any_suspected);
    EXPECT_THAT(reply->runs, IsEmpty());
    EXPECT_THAT(stored(), SizeIs(6));
}

}  // namespace
}  // namespace peakward::session_test
