#include "measure/run_case.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "catalog/catalog.hpp"
#include "measure/fakes/fakes.hpp"

namespace peakward {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr double gemm_operations = 2.0 * 64 * 64 * 64;

Case run_gemm(int threads = 1) {
    return {
        "gemm", "fp64", {{"m", std::int64_t{64}}, {"n", std::int64_t{64}}, {"k", std::int64_t{64}}},
        "cpu",  "fake", threads};
}
Case peak(const std::string& isa = "avx2", int threads = 1) {
    return {"compute_peak", "fp64", {{"isa", isa}}, "cpu", "fake", threads};
}

// Seconds of one iteration of a peak kernel on one core.
double peak_s(double operations_per_cycle, double clock_hz) {
    return catalog::peak_operations_per_iteration / (operations_per_cycle * clock_hz);
}

class RunCase : public testing::Test {
protected:
    RunCase() {
        backend_.clock = &clock_;
        launcher_.scripts["fake"] = [this](const Json& request) { return backend_(request); };
        command_.backend = "fake";
        command_.argv = {"fake"};
    }

    std::optional<Measurement> maybe_run(const Case& what, const CaseOptions& options = {}) {
        WorkerPool pool({command_}, launcher_, clock_, stop_, WorkerLimits{});
        return run_case(what, options, {pool, root_, clock_, stop_, steady_});
    }
    Measurement run(const Case& what, const CaseOptions& options = {}) {
        auto measurement = maybe_run(what, options);
        EXPECT_TRUE(measurement.has_value());
        EXPECT_EQ(launcher_.living, 0);
        return measurement.value_or(Measurement{});
    }
    int count(const std::string& verb) const {
        return static_cast<int>(
            std::count_if(backend_.requests.begin(), backend_.requests.end(),
                          [&](const Json& request) { return request.at("verb") == verb; }));
    }
    std::vector<Json> runs() const {
        std::vector<Json> requests;
        for (const Json& request : backend_.requests)
            if (request.at("verb") == "run") requests.push_back(request);
        return requests;
    }

    fakes::FakeClock clock_;
    fakes::FakeRoot root_;
    fakes::ScriptedLauncher launcher_{clock_};
    fakes::Backend backend_;
    fakes::StopAfter stop_;
    SteadyClocks steady_;
    WorkerCommand command_;
};

TEST_F(RunCase, MeasuresACalmKernelInOneBatch) {
    backend_.seconds = [](const Json&) { return 1e-4; };
    const Measurement m = run(run_gemm(2));
    EXPECT_EQ(m.outcome, Outcome::measured);
    EXPECT_EQ(m.reason, "");
    EXPECT_EQ(m.what, run_gemm(2));
    EXPECT_EQ(m.implementation, "fake loops");
    EXPECT_EQ(m.device_used, "cpu");
    EXPECT_EQ(m.statistics.exit, Exit::converged);
    EXPECT_EQ(m.statistics.kept, 60);
    EXPECT_DOUBLE_EQ(m.statistics.median_s, 1e-4);
    EXPECT_NEAR(m.statistics.elapsed_s, 0.06, 1e-9);
    EXPECT_NEAR(m.statistics.time_to_stable_s, 0.06, 1e-9);
    EXPECT_DOUBLE_EQ(*m.gops, gemm_operations / 1e-4 * 1e-9);
    EXPECT_DOUBLE_EQ(*m.gbps, 3.0 * 64 * 64 * 8 / 1e-4 * 1e-9);
    EXPECT_DOUBLE_EQ(*m.bus_gbps, *m.gbps);
    EXPECT_FALSE(m.operations_per_cycle) << "no clock was probed";
    EXPECT_THAT(m.flags, IsEmpty());
    EXPECT_EQ(*m.error, 0);
    EXPECT_GT(*m.tolerance, 0);
    ASSERT_EQ(m.windows.size(), 60u);
    EXPECT_EQ(m.windows[0].start_ns, 0);
    EXPECT_EQ(m.windows[1].start_ns, 1'000'000);
    EXPECT_EQ(count("run"), 1);
    EXPECT_EQ(count("release"), 1);
}

TEST_F(RunCase, HandsTheWorkerWhatItNeeds) {
    CaseOptions options;
    options.seed = 42;
    options.cpus = {3};
    const Measurement m = run(run_gemm(), options);
    const Json& prepare = backend_.requests.at(1);
    EXPECT_EQ(prepare.at("seed"), 42);
    EXPECT_EQ(prepare.at("cpus"), Json::array({3}));
    EXPECT_EQ(prepare.at("tolerance"), *m.tolerance);
    EXPECT_EQ(runs().front().at("samples"), 1);
    EXPECT_EQ(runs().front().at("min_s"), 0.06);
    EXPECT_EQ(runs().front().at("slice_s"), 0.001);
}

TEST_F(RunCase, GoesOnUntilNoiseHasConverged) {
    std::mt19937_64 random(1);
    std::normal_distribution<double> gauss(1, 0.05);
    backend_.alter = [&](Json& row, int) {
        row[2] = row[3] = static_cast<std::int64_t>(1e6 * gauss(random));
    };
    const Measurement m = run(run_gemm());
    EXPECT_EQ(m.statistics.exit, Exit::converged);
    EXPECT_GT(count("run"), 1);
    EXPECT_NEAR(m.statistics.median_s / 1e-3, 1, 0.02);
    EXPECT_EQ(runs().back().at("min_s"), 0.1);
    EXPECT_LT(m.statistics.ci_low_s, m.statistics.median_s);
    EXPECT_GT(m.statistics.ci_high_s, m.statistics.median_s);
}

TEST_F(RunCase, MeasuresAFewLongCalls) {
    backend_.seconds = [](const Json&) { return 0.9; };
    const Measurement m = run(run_gemm());
    EXPECT_EQ(m.outcome, Outcome::measured);
    EXPECT_EQ(m.statistics.exit, Exit::budget);
    EXPECT_EQ(m.statistics.kept, 4);
    EXPECT_EQ(m.statistics.time_to_stable_s, 0) << "it never was";
}

// ---------------------------------------------------------------------------------------------
// Contention
// ---------------------------------------------------------------------------------------------

TEST_F(RunCase, DropsPreemptedSlicesAndSaysHowMany) {
    backend_.alter = [](Json& row, int index) {
        if (index % 4 == 0) row[4] = 1, row[2] = 3'000'000;
    };
    const Measurement m = run(run_gemm());
    EXPECT_EQ(m.outcome, Outcome::measured);
    EXPECT_DOUBLE_EQ(m.statistics.median_s, 1e-3);
    // Each preempted slice takes the settling one after it along.
    EXPECT_EQ(m.statistics.dropped_preempted, 50);
    EXPECT_EQ(m.statistics.kept, 50);
    EXPECT_THAT(m.flags, IsEmpty());
}

TEST_F(RunCase, FlagsWhenMoreThanHalfWasDropped) {
    backend_.alter = [](Json& row, int index) {
        if (index % 3 == 0) row[4] = 1;
    };
    const Measurement m = run(run_gemm());
    EXPECT_EQ(m.outcome, Outcome::measured);
    EXPECT_THAT(m.flags, Contains("many_dropped"));
}

TEST_F(RunCase, WorksInShortSpurtsWhenMuchIsPreempted) {
    backend_.seconds = [](const Json&) { return 1e-5; };
    backend_.alter = [this](Json& row, int index) {
        if (runs().size() <= 3 && index % 10 < 7) row[4] = 1;
    };
    run(run_gemm());
    ASSERT_GE(runs().size(), 5u);
    const auto expect = [this](std::size_t i, double min_s, double slice_s) {
        EXPECT_EQ(runs()[i].at("min_s"), min_s) << i;
        EXPECT_EQ(runs()[i].at("slice_s"), slice_s) << i;
    };
    expect(0, 0.06, 0.001);
    for (const std::size_t i : {1, 2, 3}) expect(i, 0.02, 0.0003);
    expect(4, 0.1, 0.001);
    EXPECT_EQ(clock_.slept.count(), 0) << "one thread need not meet others";
}

TEST_F(RunCase, LetsThreadsMeetAfterAPauseWhenMuchIsPreempted) {
    backend_.alter = [this](Json& row, int index) {
        if (runs().size() <= 3 && index % 2 == 0) row[4] = 1;
    };
    run(run_gemm(2));
    EXPECT_EQ(clock_.slept, std::chrono::milliseconds(60));
}

TEST_F(RunCase, IsContendedWithoutEnoughCleanWindows) {
    backend_.alter = [](Json& row, int index) {
        if (index != 40 && index != 41) row[4] = 1;
    };
    CaseOptions options;
    options.stopping.seconds_max = 0.25;
    const Measurement m = run(run_gemm(), options);
    EXPECT_EQ(m.outcome, Outcome::contended);
    EXPECT_EQ(m.statistics.kept, 1) << "the first of the two settles";
    EXPECT_THAT(m.reason, HasSubstr("kept 1 of 260 windows, dropped 259: other work took"));
    ASSERT_TRUE(m.gops) << "shown as contended, never scored";
    EXPECT_DOUBLE_EQ(*m.gops, gemm_operations / 1e-3 * 1e-9);
    EXPECT_THAT(m.flags, Contains("many_dropped"));
}

TEST_F(RunCase, IsContendedWithNoneAtAllAndHasNoRate) {
    backend_.alter = [](Json& row, int) { row[3] = 100; };
    CaseOptions options;
    options.stopping.seconds_max = 0.2;
    const Measurement m = run(run_gemm(), options);
    EXPECT_EQ(m.outcome, Outcome::contended);
    EXPECT_FALSE(m.gops);
    EXPECT_FALSE(m.windows.empty());
}

TEST_F(RunCase, GivesUpWhenAFirstSecondShowsNoCleanWindow) {
    backend_.alter = [](Json& row, int) { row[3] = 100; };
    const Measurement m = run(run_gemm());
    EXPECT_EQ(m.outcome, Outcome::contended);
    EXPECT_EQ(m.statistics.exit, Exit::budget);
    EXPECT_GE(m.statistics.elapsed_s, 1);
    EXPECT_LT(m.statistics.elapsed_s, 1.3) << "and not the 3 s of a case";
}

TEST_F(RunCase, CutsRegisterKernelsIntoShorterSlicesAndDoesNotPause) {
    backend_.clock_hz = 3e9;
    backend_.seconds = [](const Json&) { return peak_s(16, 3e9) / 2; };
    backend_.alter = [this](Json& row, int index) {
        if (runs().size() <= 3 && index % 10 < 7) row[4] = 1;
    };
    const Measurement m = run(peak("avx2", 2));
    EXPECT_EQ(m.outcome, Outcome::measured);
    EXPECT_THAT(m.flags, Contains("threads_apart"));
    ASSERT_GE(runs().size(), 3u);
    EXPECT_EQ(runs()[1].at("slice_s"), 0.0003);
    EXPECT_EQ(runs()[2].at("slice_s"), 0.0001);
    EXPECT_EQ(clock_.slept.count(), 0) << "its threads need not meet";
}

TEST_F(RunCase, LongCallsThatWaitedALittleGiveADisturbedFigure) {
    backend_.seconds = [](const Json&) { return 0.1; };
    const auto waits = [](std::int64_t part) {
        return [part](Json& row, int) {
            row[3] = row[4] = -1;  // a pool's caller
            row[5] = row[2].get<std::int64_t>() / part;
        };
    };
    backend_.alter = waits(50);
    const Measurement m = run(run_gemm());
    EXPECT_EQ(m.outcome, Outcome::measured);
    EXPECT_THAT(m.flags, Contains("disturbed"));
    EXPECT_NEAR(m.statistics.median_s, 0.1, 1e-9);
    EXPECT_NEAR(m.statistics.ci_low_s, 0.098, 1e-9) << "the true time lies above wall less wait";
    backend_.alter = waits(10);
    EXPECT_EQ(run(run_gemm()).outcome, Outcome::contended) << "10 % is too wide for a figure";
}

TEST_F(RunCase, RecordsStealAndPressureOverTheCase) {
    root_.files["/proc/stat"] = "cpu 100 0 0 0 0 0 0 0\n";
    root_.files["/proc/pressure/cpu"] = "some avg10=0 total=0\n";
    backend_.before = [this](const Json& request) -> std::optional<Json> {
        if (request.at("verb") == "release") {
            root_.files["/proc/stat"] = "cpu 109 0 0 0 0 0 0 1\n";
            root_.files["/proc/pressure/cpu"] = "some avg10=0 total=30000\n";
        }
        return std::nullopt;
    };
    const Measurement m = run(run_gemm());
    EXPECT_DOUBLE_EQ(*m.steal_percent, 10);
    EXPECT_NEAR(*m.psi_cpu_some_percent, 50, 1e-6);  // 30 of 60 ms
}

TEST(Contended, IsJudgedByWhatWasPossible) {
    const auto contended = [](int kept, int preempted, int throttled = 0) {
        Statistics s;
        s.kept = kept;
        s.dropped_preempted = preempted;
        s.dropped_throttled = throttled;
        return is_contended(s, 10);
    };
    EXPECT_TRUE(contended(0, 0)) << "nothing at all";
    EXPECT_FALSE(contended(1, 0)) << "one long call, undisturbed";
    EXPECT_FALSE(contended(10, 1000));
    EXPECT_TRUE(contended(9, 1));
    EXPECT_FALSE(contended(5, 4));
    EXPECT_FALSE(contended(4, 4));
    EXPECT_TRUE(contended(4, 5));
    EXPECT_FALSE(contended(3, 3));
    EXPECT_TRUE(contended(2, 1));
    EXPECT_TRUE(contended(3, 0, 7));
}

// ---------------------------------------------------------------------------------------------
// Clock and throttling
// ---------------------------------------------------------------------------------------------

TEST_F(RunCase, GivesOperationsPerCycleOfOneThread) {
    backend_.clock_hz = 3e9;
    // 16 operations per cycle on each of two threads.
    backend_.seconds = [](const Json&) { return peak_s(16, 3e9) / 2; };
    const Measurement m = run(peak("avx2", 2));
    EXPECT_DOUBLE_EQ(m.clock_hz, 3e9);
    EXPECT_NEAR(*m.operations_per_cycle, 16, 0.01);
    EXPECT_NEAR(*m.gops, 96, 0.05);
    EXPECT_FALSE(m.gbps) << "registers alone";
    EXPECT_THAT(m.flags, IsEmpty());
}

TEST_F(RunCase, DoubtsAProbeThatIsNotNearALegalValue) {
    const auto measured_at = [this](double per_cycle) {
        steady_ = {};
        backend_.clock_hz = 3e9;
        backend_.seconds = [per_cycle](const Json&) { return peak_s(per_cycle, 3e9); };
        return run(peak());
    };
    for (const double legal : {8.0, 16.0, 15.2, 16.3}) {
        EXPECT_EQ(measured_at(legal).outcome, Outcome::measured) << legal;
        EXPECT_THAT(measured_at(legal).flags, IsEmpty()) << legal;
    }
    for (const double above : {16.5, 40.0})
        EXPECT_THAT(measured_at(above).flags, Contains("probe_doubtful")) << above;
    for (const double between : {12.0, 14.8})
        EXPECT_EQ(measured_at(between).outcome, Outcome::contended) << between;
}

TEST_F(RunCase, ReadsTheClockOffAProbe) {
    backend_.seconds = [](const Json&) { return 3.0 * 1048576 / (2 * 3.4e9); };
    const Measurement m = run({"clock_probe", "fp64", {{"isa", "avx2"}}, "cpu", "fake", 2});
    EXPECT_NEAR(m.clock_hz, 3.4e9, 2e6);
    EXPECT_NEAR(*m.operations_per_cycle, 1, 1e-9);
}

TEST_F(RunCase, DropsThrottledWindowsAndFlags) {
    backend_.alter = [](Json& row, int index) {
        const bool slow = index % 3 == 2;
        row[7] = slow ? 2.4e9 : 3e9;
        if (slow) row[2] = row[3] = row[2].get<std::int64_t>() * 5 / 4;
    };
    backend_.seconds = [](const Json&) { return peak_s(16, 3e9); };
    const Measurement m = run(peak());
    EXPECT_EQ(m.outcome, Outcome::measured);
    EXPECT_GE(m.statistics.dropped_throttled, 20);
    EXPECT_NEAR(m.statistics.kept, 2 * m.statistics.dropped_throttled, 4);
    EXPECT_THAT(m.flags, Contains("throttled"));
    EXPECT_DOUBLE_EQ(m.clock_hz, 3e9);
    EXPECT_EQ(clock_.slept.count(), 0) << "most windows were fine";
}

// A GPU under its power limit: the first tenth of the blocks at full clock, the rest as it can.
TEST_F(RunCase, JudgesAGpuByItsUsualClock) {
    backend_.devices = {"cuda:0"};
    backend_.alter_prepared = [](Json& reply) { reply["clock_nominal_hz"] = 2e9; };
    backend_.alter = [](Json& row, int index) {
        row[7] = index < 6 ? 2e9 : 1.5e9;
        row.push_back(1);
    };
    Case what = run_gemm(4);
    what.device = "cuda:0";
    const Measurement m = run(what);
    EXPECT_EQ(m.outcome, Outcome::measured) << m.reason;
    EXPECT_EQ(m.statistics.dropped_throttled, 0);
    EXPECT_THAT(m.flags, testing::ElementsAre("power_capped"));
    EXPECT_EQ(m.clock_hz, 1.5e9);
    EXPECT_EQ(m.clock_nominal_hz, 2e9);
    EXPECT_DOUBLE_EQ(*m.gops_at_nominal_clock, *m.gops * 2e9 / 1.5e9);
    EXPECT_DOUBLE_EQ(*m.operations_per_cycle, *m.gops * 1e9 / 1.5e9) << "of the whole GPU";
    // Another shape at another clock is no evidence against this one.
    backend_.alter = [](Json& row, int) { row[7] = 1.2e9; };
    EXPECT_EQ(run(what).statistics.dropped_throttled, 0);
}

TEST_F(RunCase, DropsWhatAGpuSaysWasSlowed) {
    Case what = run_gemm();
    what.device = "cuda:0";
    backend_.alter = [](Json& row, int index) {
        row[7] = 1.5e9;
        row.push_back(index % 3 == 2 ? 2 : 0);
    };
    const Measurement m = run(what);
    EXPECT_EQ(m.outcome, Outcome::measured);
    EXPECT_GE(m.statistics.dropped_throttled, 20);
    EXPECT_NEAR(m.statistics.kept, 2 * m.statistics.dropped_throttled, 4);
    EXPECT_THAT(m.flags, testing::ElementsAre("throttled"));
    backend_.alter = [](Json& row, int) { row.push_back(2); };
    const Measurement hot = run(what);
    EXPECT_EQ(hot.outcome, Outcome::contended);
    EXPECT_THAT(hot.reason, HasSubstr("cuda:0 was slowed by heat or a power brake"));
}

TEST_F(RunCase, KeepsTheHottestAndTheLargestThatTheDeviceSaid) {
    int run_index = 0;
    backend_.before = [&](const Json& request) -> std::optional<Json> {
        if (request.at("verb") != "run") return std::nullopt;
        Json rows = Json::array();
        for (int i = 0; i < 3; ++i) {
            rows.push_back({0, clock_.now.count(), 10'000'000 + 2'000'000 * i, -1, -1, -1, 1, 0});
            clock_.now += std::chrono::milliseconds(20);
        }
        clock_.now += std::chrono::milliseconds(40);
        ++run_index;
        return Json{{"samples", rows},
                    {"temperature_c", 70 - run_index},
                    {"power_w", run_index == 2 ? 700 : 300}};
    };
    CaseOptions options;
    options.stopping.seconds_max = 0.4;
    const Measurement m = run(run_gemm(), options);
    EXPECT_GE(run_index, 3);
    EXPECT_EQ(m.temperature_c, 69);
    EXPECT_EQ(m.power_w, 700);
}

TEST_F(RunCase, DoesNotFlagAThrottledWindowNowAndThen) {
    backend_.alter = [](Json& row, int index) { row[7] = index % 20 == 19 ? 2.4e9 : 3e9; };
    const Measurement m = run(run_gemm());
    EXPECT_EQ(m.statistics.dropped_throttled, 3);
    EXPECT_THAT(m.flags, IsEmpty());
}

TEST_F(RunCase, BacksOffFromThrottlingAndTriesAgain) {
    backend_.clock_hz = 3e9;
    EXPECT_EQ(run(run_gemm()).outcome, Outcome::measured);
    // Slow until it has had a rest.
    backend_.alter = [this](Json& row, int) { row[7] = clock_.slept.count() > 0 ? 3e9 : 2e9; };
    const Measurement m = run(run_gemm());
    EXPECT_EQ(m.outcome, Outcome::measured);
    EXPECT_EQ(clock_.slept, std::chrono::milliseconds(50));
    EXPECT_EQ(m.statistics.dropped_throttled, 60);
    EXPECT_GE(m.statistics.elapsed_s, 0.11) << "the rest counts against the budget";
}

TEST_F(RunCase, KnowsThrottlingFromOtherCasesOfItsClass) {
    backend_.clock_hz = 3e9;
    backend_.seconds = [this](const Json&) { return peak_s(16, backend_.clock_hz); };
    EXPECT_EQ(run(peak("avx2")).outcome, Outcome::measured);
    backend_.clock_hz = 2.5e9;
    const Measurement m = run(peak("avx_vnni"));  // of the same clock class
    EXPECT_EQ(m.outcome, Outcome::contended);
    EXPECT_EQ(m.statistics.kept, 0);
    EXPECT_THAT(m.reason,
                HasSubstr("below 97 % of the steady clock of 3.00 GHz: the CPU is throttled"));
    EXPECT_THAT(m.flags, Contains("throttled"));
    // 50 + 100 + 200 + 400 ... ms, as far as the budget goes.
    EXPECT_GE(clock_.slept, std::chrono::milliseconds(1950));
    EXPECT_LE(m.statistics.elapsed_s, 3.2);
    backend_.seconds = [](const Json&) { return peak_s(4, 2.5e9); };
    EXPECT_EQ(run(peak("scalar")).outcome, Outcome::measured) << "another class";
}

TEST(Steady, IsSharedByClassAndOnlyRises) {
    SteadyClocks steady;
    EXPECT_EQ(steady.update(peak("avx512"), 3e9), 3e9);
    EXPECT_EQ(steady.update(peak("avx512_vnni"), 2e9), 3e9);
    EXPECT_EQ(steady.update(peak("avx512"), 3.1e9), 3.1e9);
    EXPECT_EQ(steady.update(peak("avx2"), 2e9), 2e9);
    EXPECT_EQ(steady.update(peak("avx512", 2), 2e9), 2e9) << "more busy cores, another clock";
    Case probe = peak("avx512");
    probe.operation = "clock_probe";
    EXPECT_EQ(steady.update(probe, 2e9), 2e9) << "a serial chain may run faster";
    EXPECT_EQ(steady.update(run_gemm(), 1e9), 1e9);
    Case fp32 = run_gemm();
    fp32.precision = "fp32";
    EXPECT_EQ(steady.update(fp32, 0), 0);
}

TEST_F(RunCase, AHandfulOfWindowsIsNoEvidenceForOthers) {
    backend_.clock_hz = 9e9;  // misread, nine times
    backend_.seconds = [](const Json&) { return 0.4; };
    EXPECT_EQ(run(run_gemm()).outcome, Outcome::measured);
    backend_.clock_hz = 3e9;
    EXPECT_EQ(run(run_gemm()).statistics.dropped_throttled, 0);
}

// ---------------------------------------------------------------------------------------------
// Misbehaviour
// ---------------------------------------------------------------------------------------------

TEST_F(RunCase, AWrongAnswerIsInvalidAndNeverTimed) {
    backend_.alter_prepared = [](Json& reply) { reply["correct"] = false, reply["error"] = 0.5; };
    const Measurement m = run(run_gemm());
    EXPECT_EQ(m.outcome, Outcome::invalid);
    EXPECT_THAT(m.reason, HasSubstr("wrong answer: it deviates by 0.5 from the reference"));
    EXPECT_EQ(*m.error, 0.5);
    EXPECT_FALSE(m.gops);
    EXPECT_EQ(count("run"), 0);
    EXPECT_EQ(count("release"), 1);
}

TEST_F(RunCase, AClaimOfCorrectnessIsChecked) {
    backend_.alter_prepared = [](Json& reply) { reply["error"] = 0.5; };
    EXPECT_EQ(run(run_gemm()).outcome, Outcome::invalid);
}

TEST_F(RunCase, AnAnswerThatIsNoNumberIsInvalid) {
    backend_.alter_prepared = [](Json& reply) { reply["error"] = nullptr; };
    const Measurement m = run(run_gemm());
    EXPECT_EQ(m.outcome, Outcome::invalid);
    EXPECT_FALSE(m.error);
}

TEST_F(RunCase, ADeviceFallbackIsAFailure) {
    backend_.alter_prepared = [](Json& reply) { reply["device"] = "cpu"; };
    Case what = run_gemm();
    what.device = "cuda:0";
    const Measurement m = run(what);
    EXPECT_EQ(m.outcome, Outcome::failed);
    EXPECT_EQ(m.reason, "device fallback: asked for cuda:0, the output lives on cpu");
    EXPECT_EQ(m.device_used, "cpu");
    EXPECT_EQ(count("run"), 0);
}

TEST_F(RunCase, AnAllowedFallbackStandsUnderTheDeviceThatWorked) {
    backend_.alter_prepared = [](Json& reply) { reply["device"] = "cpu"; };
    CaseOptions options;
    options.allow_fallback = true;
    Case what = run_gemm();
    what.device = "cuda:0";
    const Measurement m = run(what, options);
    EXPECT_EQ(m.outcome, Outcome::measured) << m.reason;
    EXPECT_EQ(m.what.device, "cpu");
    EXPECT_EQ(m.reason, "asked for cuda:0, the output lives on cpu");
    EXPECT_THAT(m.flags, testing::Contains("device_fallback"));
}

TEST_F(RunCase, ACrashIsAFailureWithItsLastWords) {
    backend_.before = [](const Json& request) -> std::optional<Json> {
        if (request.at("verb") == "run") return fakes::dies;
        return std::nullopt;
    };
    const Measurement m = run(run_gemm());
    EXPECT_EQ(m.outcome, Outcome::failed);
    EXPECT_EQ(m.reason, "worker ended during run: signal 9 (SIGKILL): last words");
    EXPECT_FALSE(m.gops);
}

TEST_F(RunCase, AHangIsTimedOut) {
    backend_.before = [](const Json& request) -> std::optional<Json> {
        if (request.at("verb") == "prepare") return fakes::hangs;
        return std::nullopt;
    };
    EXPECT_EQ(run(run_gemm()).outcome, Outcome::timed_out);
}

TEST_F(RunCase, AWorkerThatCannotStartIsAFailure) {
    command_.argv = {"absent"};
    const Measurement m = run(run_gemm());
    EXPECT_EQ(m.outcome, Outcome::failed);
    EXPECT_EQ(m.reason, "absent: no such program");
}

TEST_F(RunCase, AFailureAtReleaseLeavesTheNumbersStanding) {
    backend_.before = [](const Json& request) -> std::optional<Json> {
        if (request.at("verb") == "release") return fakes::dies;
        return std::nullopt;
    };
    EXPECT_EQ(run(run_gemm()).outcome, Outcome::measured);
}

TEST_F(RunCase, AFigureThatCannotBeCostsTheCaseAlone) {
    const std::pair<double, const char*> iterations[] = {
        {5e-324, "inf s for one iteration"},
        {1e-300, "e+296 s for one iteration"},
        {1e308, "s for one iteration, which cannot be"},
        {1e9, "s for one iteration, which cannot be"},
    };
    for (const auto& [count, reason] : iterations) {
        backend_.alter = [count = count](Json& row, int) { row[6] = count; };
        const Measurement m = run(run_gemm(2));
        EXPECT_EQ(m.outcome, Outcome::failed) << count;
        EXPECT_THAT(m.reason, HasSubstr(reason));
        EXPECT_EQ(m.what, run_gemm(2));
        EXPECT_EQ(m.implementation, "fake loops");
        EXPECT_FALSE(m.gops);
        EXPECT_THAT(m.windows, IsEmpty());
        EXPECT_EQ(m.statistics.kept, 0);
    }
}

TEST_F(RunCase, AnImpossibleReadingIsLeftOutAndFlagged) {
    backend_.clock_hz = 1e308;
    const Measurement m = run(run_gemm());
    EXPECT_EQ(m.outcome, Outcome::measured) << m.reason;
    EXPECT_EQ(m.clock_hz, 0);
    EXPECT_FALSE(m.operations_per_cycle);
    EXPECT_THAT(m.flags, testing::ElementsAre("impossible_reading"));
    backend_.clock_hz = 0;
    backend_.alter_prepared = [](Json& reply) { reply["clock_nominal_hz"] = 1e308; };
    const Measurement rated = run(run_gemm());
    EXPECT_FALSE(rated.clock_nominal_hz);
    EXPECT_THAT(rated.flags, testing::ElementsAre("impossible_reading"));
}

TEST_F(RunCase, TimesThatCannotBeAreAFailure) {
    backend_.alter = [](Json& row, int) { row[2] = 1; };
    const Measurement m = run(run_gemm());
    EXPECT_EQ(m.outcome, Outcome::failed);
    EXPECT_THAT(m.reason, HasSubstr("protocol error at run: its times cannot be"));
    EXPECT_FALSE(m.gops);
}

TEST_F(RunCase, GivesNoRowWhenInterrupted) {
    backend_.alter = [](Json& row, int) { row[4] = 1; };
    stop_ = fakes::StopAfter(2);
    EXPECT_FALSE(maybe_run(run_gemm()).has_value());
    EXPECT_EQ(count("run"), 2);
    EXPECT_EQ(launcher_.living, 0);
}

// ---------------------------------------------------------------------------------------------
// Several processes
// ---------------------------------------------------------------------------------------------

TEST_F(RunCase, RestartsTheWorkerForEachProcess) {
    int process = 0;
    backend_.before = [&](const Json& request) -> std::optional<Json> {
        if (request.at("verb") == "hello") ++process;
        return std::nullopt;
    };
    backend_.seconds = [&](const Json&) { return process == 2 ? 1.1e-3 : 1e-3; };
    CaseOptions options;
    options.processes = 3;
    const Measurement m = run(run_gemm(), options);
    EXPECT_EQ(process, 3);
    EXPECT_EQ(m.statistics.processes, 3);
    EXPECT_DOUBLE_EQ(m.statistics.median_s, 1e-3);
    EXPECT_NEAR(*m.statistics.spread_between, 0.1, 1e-9);
    EXPECT_NEAR(*m.statistics.spread_within, 0, 1e-9);
    EXPECT_NEAR(m.statistics.elapsed_s, 3 * 0.06, 0.002);
    EXPECT_NEAR(m.statistics.time_to_stable_s, 0.06, 0.002);
    for (std::size_t i = 1; i < m.windows.size(); ++i)
        EXPECT_GT(m.windows[i].start_ns, m.windows[i - 1].start_ns);
}

TEST_F(RunCase, OneBadProcessCostsTheCase) {
    int process = 0;
    backend_.before = [&](const Json& request) -> std::optional<Json> {
        process += request.at("verb") == "hello";
        if (process == 2 && request.at("verb") == "run") return fakes::dies;
        return std::nullopt;
    };
    CaseOptions options;
    options.processes = 3;
    EXPECT_EQ(run(run_gemm(), options).outcome, Outcome::failed);
}

}  // namespace
}  // namespace peakward
