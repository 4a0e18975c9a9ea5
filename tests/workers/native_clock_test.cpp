// Clock probes, the sharing probe, and the threads that run freely: all that needs no calm machine.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <stdexcept>

#include "native/clock.hpp"
#include "native/features.hpp"
#include "native/pool.hpp"
#include "native/sharing.hpp"

namespace peakward::native {
namespace {

TEST(JudgeLatency, TakesTheNearestWholeNumberOfCycles) {
    EXPECT_EQ(judge_latency(4.02).cycles, 4);
    EXPECT_TRUE(judge_latency(4.02).whole);
    EXPECT_EQ(judge_latency(2.97).cycles, 3);
    EXPECT_TRUE(judge_latency(2.97).whole);
    EXPECT_EQ(judge_latency(0.1).cycles, 1);
}

TEST(JudgeLatency, SaysSoWhenTheRatioIsNotNearOne) {
    EXPECT_FALSE(judge_latency(4.31).whole);
    EXPECT_FALSE(judge_latency(1.4).whole);
    EXPECT_FALSE(judge_latency(0.1).whole);
}

TEST(ClockProbe, ChainsComputeWhatTheirStepsSay) {
    for (const std::string_view name : clock_classes()) {
        const PeakKernel* warming = warming_kernel(name);
        if (!why_not_runnable(warming->isa, warming->precision).empty()) continue;
        // Not calibrated: what is left of error() are the chains' answers.
        EXPECT_LE(ClockProbe(name, {}).error(), 1e-12) << name;
    }
}

TEST(ClockProbe, CountsCyclesAsWholeTurns) {
    ClockProbe probe("scalar", {});
    const int steps = find_chain("scalar")->steps_per_turn;
    EXPECT_EQ(probe.run_cycles(10 * steps), 10 * steps);
    EXPECT_EQ(probe.run_cycles(10.4 * steps), 10 * steps);
    EXPECT_EQ(probe.run_cycles(0), steps);
}

// Blocks of thread 0 that take `wall_ns` each for the same work.
std::vector<worker::RunSample> blocks_of(const std::vector<std::int64_t>& wall_ns) {
    std::vector<worker::RunSample> samples(wall_ns.size());
    for (std::size_t i = 0; i < wall_ns.size(); ++i) samples[i].wall_ns = wall_ns[i];
    return samples;
}

int count_shared(const std::vector<worker::RunSample>& samples) {
    return static_cast<int>(
        std::count_if(samples.begin(), samples.end(), [](const worker::RunSample& sample) {
            return sample.throttle == worker::Throttle::core_shared;
        }));
}

TEST(MarkShared, ANeighbourBesideABlockMarksIt) {
    auto samples = blocks_of({1000, 1000, 1000});
    mark_shared(samples, 0, {3.9, 2.0, 3.9, 3.9}, 4.0);
    EXPECT_EQ(samples[0].throttle, worker::Throttle::core_shared);
    EXPECT_EQ(samples[1].throttle, worker::Throttle::core_shared);
    EXPECT_EQ(samples[2].throttle, worker::Throttle::unknown);
    mark_shared(samples, 1, {2.0, 2.0, 2.0, 2.0}, 4.0);
    EXPECT_EQ(count_shared(samples), 2) << "another thread's readings";
}

TEST(MarkShared, ACoreOfOnesOwnLeavesTheSampleAlone) {
    auto samples = blocks_of({1000, 1000});
    mark_shared(samples, 0, {3.9, 3.85, 3.9}, 4.0);
    EXPECT_EQ(count_shared(samples), 0);
}

TEST(MarkShared, ReadingsThatDoNotSlowTheKernelMarkNothing) {
    auto samples = blocks_of(std::vector<std::int64_t>(40, 1000));
    std::vector<double> readings(41, 3.9);
    std::fill(readings.begin(), readings.begin() + 20, 2.0);
    mark_shared(samples, 0, readings, 4.0);
    EXPECT_EQ(count_shared(samples), 0) << "marked blocks are as fast as the others";
    for (int i = 0; i < 20; ++i) samples[std::size_t(i)].wall_ns = 1300;
    mark_shared(samples, 0, readings, 4.0);
    EXPECT_EQ(count_shared(samples), 20);
}

TEST(JudgeProbe, AProbeThatRepeatsIsUsable) {
    std::vector<double> rates(200, 3.9);
    std::fill_n(rates.begin(), 60, 2.0);  // a neighbour for some of the time
    const ProbeProof proof = judge_probe(rates, 3.8);
    EXPECT_TRUE(proof.usable);
    EXPECT_EQ(proof.unshared, 3.9);
}

TEST(JudgeProbe, AProbeThatScattersIsOff) {
    std::vector<double> rates;
    for (int i = 0; i < 200; ++i) rates.push_back(2.4 + 0.018 * i);  // 0.4 to 1.0 of 6
    EXPECT_FALSE(judge_probe(rates, 3.8).usable);
    EXPECT_FALSE(judge_probe(std::vector<double>(200, 50.0), 3.8).usable) << "an emulator";
    EXPECT_FALSE(judge_probe({}, 3.8).usable);
}

TEST(JudgeProbe, ANeighbourThatNeverLeavesIsToldByTheLeastWidthOfTheDesign) {
    EXPECT_EQ(judge_probe(std::vector<double>(200, 2.0), 3.8).unshared, 3.8);
}

TEST(UnsharedRate, IsNotFooledByASingleReadingThatIsTooHigh) {
    std::vector<double> rates(40, 3.9);
    rates[7] = 11;
    EXPECT_EQ(unshared_rate(3.8, rates), 3.9);
    EXPECT_EQ(unshared_rate(3.8, {}), 3.8);
    // As seen on Zen 4 behind blocks that use the memory: a few readings are 15 % too high. All
    // others were taken for shared.
    std::vector<double> behind_memory(100, 11.6);
    std::fill_n(behind_memory.begin(), 15, 13.3);
    EXPECT_EQ(unshared_rate(11.6, behind_memory), 11.6);
    EXPECT_EQ(unshared_rate(11.6, std::vector<double>(5, 13.3)), 11.6);
    // A neighbour spoiled the proof, and leaves the core for four readings in ten.
    std::vector<double> half(60, 3.0);
    half.insert(half.end(), 40, 5.8);
    EXPECT_EQ(unshared_rate(3.9, half), 5.8);
    // Shared for most of the run: what was known before stands.
    EXPECT_EQ(unshared_rate(3.9, std::vector<double>(40, 2.1)), 3.9);
}

TEST(CoresAreSeparate, OnlyWhenEveryThreadHasACpuOfItsOwn) {
    EXPECT_FALSE(cores_are_separate({}, 2));
    EXPECT_FALSE(cores_are_separate({0, 0}, 2));
    EXPECT_TRUE(cores_are_separate({0}, 1));
}

TEST(RunFreely, EveryThreadDeliversWhatWasAskedFor) {
    Pool pool(3, {});
    worker::RunRequest request;
    request.samples = 7;
    std::atomic<int> warming{0};
    const auto samples = run_freely(pool, request, [&](int thread, bool counted) {
        if (!counted) ++warming;
        worker::RunSample sample;
        sample.thread = thread;
        return sample;
    });
    std::map<int, int> count;
    for (const auto& sample : samples) ++count[sample.thread];
    EXPECT_EQ(count.size(), 3u);
    for (const auto& [thread, delivered] : count) EXPECT_GE(delivered, 7) << thread;
    EXPECT_EQ(warming, 3);
}

TEST(RunFreely, DeliversASampleEvenWhenNoneWasAskedFor) {
    Pool pool(1, {});
    EXPECT_GE(run_freely(pool, {}, [](int, bool) { return worker::RunSample{}; }).size(), 1u);
}

TEST(RunFreely, AFailingThreadEndsTheRunOfAll) {
    Pool pool(3, {});
    worker::RunRequest request;
    request.samples = 5;
    for (const bool failing_when_counted : {false, true}) {
        const auto block = [&](int thread, bool counted) {
            if (thread == 1 && counted == failing_when_counted) throw std::runtime_error("planted");
            return worker::RunSample{};
        };
        EXPECT_THROW(run_freely(pool, request, block), std::runtime_error);
    }
    // And the pool is fit for the next run.
    EXPECT_GE(run_freely(pool, request, [](int, bool) { return worker::RunSample{}; }).size(), 15u);
}

TEST(Pool, SaysHowManyThreadsCouldNotBePinned) {
    EXPECT_EQ(Pool(2, {}).pinning_note(), "");
    EXPECT_EQ(Pool(2, {0, 100000}).pinning_note(), "1 of 2 threads could not be pinned");
}

TEST(SliceSeconds, StayBetweenOneTenthAndTwoMilliseconds) {
    worker::RunRequest request;
    request.slice_s = 0;
    EXPECT_EQ(slice_seconds(request), 1e-3);
    request.slice_s = 1;
    EXPECT_EQ(slice_seconds(request), 2e-3);
    request.slice_s = 1e-6;
    EXPECT_EQ(slice_seconds(request), 0.1e-3);
}

}  // namespace
}  // namespace peakward::native
