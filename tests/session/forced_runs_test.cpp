// What was seen disqualifies a forced run, not the flag.
#include "session/forced_runs.hpp"

#include <gtest/gtest.h>

#include "analyze/planted.hpp"

namespace peakward {
namespace {

// A product measured while others used the CPUs, with samples that the gate kept.
peakward::Run run_on_a_busy_machine() {
    peakward::Run run;
    run.flags = {"forced"};
    run.preflight.verdict = CheckStatus::fail;
    run.preflight.checks = {{"cpu_governor", "CPU governor", CheckStatus::pass, "", ""},
                            {"background_load", "Background load", CheckStatus::fail, "", "top"}};
    Measurement gemm;
    gemm.what = {"gemm", "fp32", {{"m", std::int64_t{512}}}, "cpu", "blas", 1};
    gemm.outcome = Outcome::measured;
    gemm.statistics.kept = 30;
    run.measurements = {gemm};
    return run;
}

TEST(ForcedRuns, CleanSamplesBesideOtherWorkDecide) {
    EXPECT_TRUE(forced_run_was_clean(run_on_a_busy_machine(), planted::key()));
}

TEST(ForcedRuns, AMachineThatWasUnfitOtherwiseDoesNot) {
    auto run = run_on_a_busy_machine();
    run.preflight.checks[0].status = CheckStatus::fail;
    EXPECT_FALSE(forced_run_was_clean(run, planted::key()));
}

TEST(ForcedRuns, WithoutACheckThatFailedNothingIsKnown) {
    auto run = run_on_a_busy_machine();
    run.preflight.checks.clear();
    EXPECT_FALSE(forced_run_was_clean(run, planted::key()));
}

TEST(ForcedRuns, ContendedCasesAndLostTimeDoNotDecide) {
    auto contended = run_on_a_busy_machine();
    contended.measurements[0].outcome = Outcome::contended;
    EXPECT_FALSE(forced_run_was_clean(contended, planted::key()));
    auto stolen = run_on_a_busy_machine();
    stolen.measurements[0].steal_percent = 12;
    EXPECT_FALSE(forced_run_was_clean(stolen, planted::key()));
}

TEST(ForcedRuns, MemoryIsSharedWithOthersAndNoGateSeesIt) {
    SeriesKey memory = planted::key();
    memory.metric = "stream_best_gbps";
    EXPECT_FALSE(forced_run_was_clean(run_on_a_busy_machine(), memory));
}

TEST(ForcedRuns, OtherDevicesAndImportsHaveNoSuchEvidence) {
    SeriesKey gpu = planted::key();
    gpu.device = "cuda:0";
    EXPECT_FALSE(forced_run_was_clean(run_on_a_busy_machine(), gpu));
    auto imported = run_on_a_busy_machine();
    imported.origin.emplace();
    EXPECT_FALSE(forced_run_was_clean(imported, planted::key()));
}

}  // namespace
}  // namespace peakward
