#include "measure/gate.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "core/json.hpp"
#include "measure/schedule.hpp"
#include "measure/statistics.hpp"
#include "measure/stopping.hpp"

namespace peakward {
namespace {

using simulated::periodic_absences;
using simulated::random_absences;
using simulated::run_threads;
using simulated::Thread;

constexpr std::int64_t ms = 1'000'000;
constexpr std::int64_t second = 1000 * ms;
const GateOptions defaults;

Sample clean_sample(std::int64_t start_ns, std::int64_t wall_ns, int thread = 0) {
    Sample sample;
    sample.thread = thread;
    sample.start_ns = start_ns;
    sample.wall_ns = wall_ns;
    sample.cpu_ns = wall_ns;
    sample.switches = 0;
    sample.iterations = 10;
    return sample;
}

Verdict verdict_of(const Sample& sample) {
    const auto windows = gate(std::vector<Sample>{sample}, 1, defaults);
    EXPECT_EQ(windows.size(), 1u);
    return windows.front().verdict;
}

double median_rate(const std::vector<Window>& windows) {
    const auto seconds = kept_seconds(windows);
    return seconds.empty() ? 0 : 1 / median_interval(seconds).median;
}

// What one would believe without a gate: every slice of every thread counts.
double ungated_rate(const std::vector<Sample>& samples, int threads) {
    double iterations = 0, seconds = 0;
    for (const Sample& s : samples) {
        iterations += s.iterations;
        seconds += static_cast<double>(s.wall_ns) * 1e-9;
    }
    return iterations / seconds * threads;
}

int count(const std::vector<Window>& windows, Verdict verdict) {
    return static_cast<int>(std::count_if(windows.begin(), windows.end(),
                                          [&](const Window& w) { return w.verdict == verdict; }));
}

TEST(Gate, KeepsAnUndisturbedSlice) {
    const auto windows = gate(std::vector{clean_sample(5, ms)}, 1, defaults);
    ASSERT_EQ(windows.size(), 1u);
    EXPECT_EQ(windows[0].verdict, Verdict::kept);
    EXPECT_EQ(windows[0].start_ns, 5);
    EXPECT_EQ(windows[0].wall_ns, ms);
    EXPECT_EQ(windows[0].iterations, 10);
}

TEST(Gate, DropsASliceThatItsDeviceSaysWasSlowed) {
    Sample sample = clean_sample(0, ms);
    for (const Throttle fine : {Throttle::unknown, Throttle::none, Throttle::power_cap}) {
        sample.throttle = fine;
        EXPECT_EQ(verdict_of(sample), Verdict::kept);
    }
    sample.throttle = Throttle::slowed;
    EXPECT_EQ(verdict_of(sample), Verdict::throttled);
    sample.switches = 1;
    EXPECT_EQ(verdict_of(sample), Verdict::preempted);
}

TEST(Gate, OneThreadWhoseDeviceWasSlowedIsEnough) {
    std::vector<Sample> samples{clean_sample(0, ms, 0), clean_sample(0, ms, 1)};
    samples[1].throttle = Throttle::slowed;
    EXPECT_EQ(gate(samples, 2, defaults).front().verdict, Verdict::throttled);
}

TEST(Throttle, ADevicesWordStandsWhateverItsClock) {
    std::vector<Window> windows(4, Window{0, ms, 1, 2e9, Verdict::kept, Throttle::none});
    windows[1].throttle = Throttle::slowed;
    windows[1].verdict = Verdict::throttled;
    EXPECT_EQ(mark_throttled(windows, 2e9, defaults), 1);
    EXPECT_EQ(windows[1].verdict, Verdict::throttled);
}

TEST(Throttle, TheUsualClockIsTheMedian) {
    std::vector<Window> windows(5, Window{0, ms, 1, 1.5e9, Verdict::kept});
    windows[0].clock_hz = windows[1].clock_hz = 1.98e9;
    EXPECT_EQ(usual_clock_hz(windows), 1.5e9);
    EXPECT_EQ(steady_clock_hz(windows), 1.98e9);
    windows[2].verdict = windows[3].verdict = Verdict::preempted;
    windows[4].clock_hz = 0;
    EXPECT_EQ(usual_clock_hz(windows), 1.98e9);
    EXPECT_EQ(usual_clock_hz(std::vector<Window>{}), 0);
}

TEST(Gate, DropsASliceWithAContextSwitch) {
    Sample sample = clean_sample(0, ms);
    sample.switches = 1;
    EXPECT_EQ(verdict_of(sample), Verdict::preempted);
}

TEST(Gate, DropsASliceBelowTheCpuShareOnly) {
    Sample sample = clean_sample(0, ms);
    sample.cpu_ns = 985'000;
    EXPECT_EQ(verdict_of(sample), Verdict::kept);
    sample.cpu_ns = 984'999;
    EXPECT_EQ(verdict_of(sample), Verdict::preempted);
}

TEST(Gate, BelievesAWorkerThatCannotTell) {
    Sample sample = clean_sample(0, ms);
    sample.cpu_ns = sample.switches = sample.wait_ns = -1;
    EXPECT_EQ(verdict_of(sample), Verdict::kept);
}

TEST(Gate, JudgesACallByItsRunQueueWait) {
    Sample call = clean_sample(0, 200 * ms);
    call.switches = 40;     // of its own pool
    call.cpu_ns = 10 * ms;  // the caller slept while its pool worked
    call.wait_ns = 2 * ms - 1;
    EXPECT_EQ(verdict_of(call), Verdict::kept);
    call.wait_ns = 2 * ms;
    EXPECT_EQ(verdict_of(call), Verdict::preempted);
    call.wait_ns = 0;
    EXPECT_EQ(verdict_of(call), Verdict::kept);
}

TEST(Gate, IgnoresAWaitThatTheCpuTimeOfTheThreadContradicts) {
    Sample sample = clean_sample(0, ms);
    sample.wait_ns = 400'000;  // and it had the CPU for the whole millisecond
    EXPECT_EQ(verdict_of(sample), Verdict::kept);
    sample.switches = 1;
    EXPECT_EQ(verdict_of(sample), Verdict::preempted);
    sample = clean_sample(0, ms);
    sample.cpu_ns = 600'000;
    sample.wait_ns = 400'000;
    EXPECT_EQ(verdict_of(sample), Verdict::preempted);
}

TEST(Gate, ASampleWhoseWorkerSawANeighbourOnTheCoreIsCoreShared) {
    Sample sample = clean_sample(0, ms);
    sample.throttle = Throttle::core_shared;
    EXPECT_EQ(verdict_of(sample), Verdict::core_shared);
    sample.switches = 1;
    EXPECT_EQ(verdict_of(sample), Verdict::preempted);
}

TEST(Gate, TimeThatTheHypervisorTookSpoilsItsSliceAlone) {
    std::vector<Sample> samples{clean_sample(0, ms), clean_sample(ms, ms)};
    samples[0].cpu_ns = 900'000;
    const auto windows = gate(samples, 1, defaults);
    EXPECT_EQ(windows[0].verdict, Verdict::preempted);
    EXPECT_EQ(windows[1].verdict, Verdict::kept);
}

// ---------------------------------------------------------------------------------------------
// Threads that share nothing but the clock.
// ---------------------------------------------------------------------------------------------

TEST(GateApart, SumsTheRatesOfThreadsThatNeverRunTogether) {
    std::mt19937_64 random(8);
    Thread first{.rate = 2e6, .noise = 0.001, .slice_s = 0.0003};
    Thread other{.rate = 1e6, .noise = 0.001, .slice_s = 0.0003};
    first.absences = periodic_absences(2 * ms, 2 * ms, 0, second);
    other.absences = periodic_absences(2 * ms, 2 * ms, 2 * ms, second);
    const auto samples = run_threads({first, other}, second, random);
    EXPECT_LE(count(gate(samples, 2, defaults), Verdict::kept), 20) << "they do run together";
    const auto windows = join_threads(gate_apart(samples, 2, defaults));
    EXPECT_GE(count(windows, Verdict::kept), 1000);
    EXPECT_NEAR(median_rate(windows) / 3e6, 1, 0.002);
}

TEST(GateApart, CountsAsTheThreadWithTheFewestCleanWindows) {
    std::vector<Sample> samples;
    for (int thread = 0; thread < 2; ++thread)
        for (int i = 0; i < 10; ++i) samples.push_back(clean_sample(i * ms, ms, thread));
    for (int i = 0; i < 6; ++i) samples[std::size_t(10 + i)].switches = 1;
    samples[0].clock_hz = 2e9;
    samples[16].clock_hz = 3e9;
    const auto windows = join_threads(gate_apart(samples, 2, defaults));
    EXPECT_EQ(count(windows, Verdict::kept), 4);
    EXPECT_EQ(count(windows, Verdict::preempted), 6);
    EXPECT_EQ(count(windows, Verdict::settling), 0) << "a register kernel need not settle";
    EXPECT_DOUBLE_EQ(windows[6].clock_hz, 2.5e9) << "the mean over the threads";
}

TEST(GateApart, KeepsNothingWhenAThreadIsMissing) {
    std::vector<Sample> samples{clean_sample(0, ms, 0), clean_sample(0, ms, 1)};
    EXPECT_EQ(count(join_threads(gate_apart(samples, 2, defaults)), Verdict::kept), 1);
    EXPECT_EQ(count(join_threads(gate_apart(samples, 3, defaults)), Verdict::kept), 0);
    const std::vector<Sample> one{clean_sample(0, ms)};
    EXPECT_EQ(count(join_threads(gate_apart(one, 8, defaults)), Verdict::kept), 1)
        << "one thread may report for all";
    EXPECT_TRUE(join_threads(gate_apart({}, 2, defaults)).empty());
}

// ---------------------------------------------------------------------------------------------
// A calm Zen 3 guest whose worker marked most of its samples by a probe that scatters there.
// ---------------------------------------------------------------------------------------------

struct Recorded {
    std::string name;
    bool register_kernel = false;
    int threads = 1;
    std::vector<Sample> samples;
};

std::vector<Recorded> recorded_on_zen3() {
    std::ifstream file(std::string(PEAKWARD_SOURCE_DIR) + "/tests/fixtures/samples/zen3-calm.json");
    std::stringstream text;
    text << file.rdbuf();
    std::vector<Recorded> all;
    const Json document = parse_json(text.str(), "zen3-calm.json").value();
    for (const Json& entry : document) {
        const Json& what = entry.at("case");
        Recorded recorded{
            what.at("operation").get<std::string>() + " " + what.at("precision").get<std::string>(),
            what.at("operation") == "compute_peak",
            what.at("threads").get<int>(),
            {}};
        for (const Json& row : entry.at("samples")) {
            Sample sample;
            sample.thread = row[0].get<int>();
            sample.start_ns = row[1].get<std::int64_t>();
            sample.wall_ns = row[2].get<std::int64_t>();
            sample.cpu_ns = row[3].get<std::int64_t>();
            sample.switches = row[4].get<std::int64_t>();
            sample.wait_ns = row[5].get<std::int64_t>();
            sample.iterations = row[6].get<double>();
            sample.clock_hz = row[7].get<double>();
            recorded.samples.push_back(sample);
        }
        all.push_back(std::move(recorded));
    }
    return all;
}

TEST(GateOnZen3, KeepsNineOfTenSlicesWithoutAContextSwitch) {
    const auto all = recorded_on_zen3();
    ASSERT_EQ(all.size(), 4u);
    for (const Recorded& recorded : all) {
        std::map<int, int> without_switch;
        for (const Sample& sample : recorded.samples)
            without_switch[sample.thread] += sample.switches == 0 ? 1 : 0;
        const Timelines timelines = gate_apart(recorded.samples, recorded.threads, defaults);
        for (int thread = 0; thread < recorded.threads; ++thread)
            EXPECT_GE(count(timelines[std::size_t(thread)], Verdict::kept),
                      0.9 * without_switch[thread])
                << recorded.name << " " << thread;
    }
}

TEST(GateOnZen3, KeepsNineOfTenCommonWindowsWithoutAContextSwitch) {
    for (const Recorded& recorded : recorded_on_zen3()) {
        std::vector<Sample> marked_alone = recorded.samples;
        for (Sample& sample : marked_alone) {
            sample.cpu_ns = sample.wall_ns;
            sample.wait_ns = -1;
        }
        const int possible = count(gate(marked_alone, recorded.threads, defaults), Verdict::kept);
        const int kept = count(gate(recorded.samples, recorded.threads, defaults), Verdict::kept);
        EXPECT_GE(kept, 0.9 * possible) << recorded.name;
    }
}

TEST(Gate, DropsASampleWithoutLengthOrWork) {
    Sample sample = clean_sample(0, 0);
    EXPECT_EQ(verdict_of(sample), Verdict::preempted);
    sample = clean_sample(0, ms);
    sample.iterations = 0;
    EXPECT_EQ(verdict_of(sample), Verdict::preempted);
}

TEST(Gate, LetsAShortSliceSettleAfterAPreemptedOne) {
    std::vector<Sample> samples{clean_sample(0, ms), clean_sample(ms, ms),
                                clean_sample(2 * ms, ms)};
    samples[0].switches = 1;
    const auto windows = gate(samples, 1, defaults);
    EXPECT_EQ(windows[0].verdict, Verdict::preempted);
    EXPECT_EQ(windows[1].verdict, Verdict::settling);
    EXPECT_EQ(windows[2].verdict, Verdict::kept);
}

TEST(Gate, DoesNotLetALongCallSettle) {
    std::vector<Sample> samples{clean_sample(0, ms), clean_sample(ms, 5 * ms),
                                clean_sample(6 * ms, ms), clean_sample(7 * ms, 5 * ms + 1)};
    samples[0].switches = samples[2].switches = 1;
    const auto windows = gate(samples, 1, defaults);
    EXPECT_EQ(windows[1].verdict, Verdict::settling);
    EXPECT_EQ(windows[3].verdict, Verdict::kept);
}

TEST(Gate, SortsSamplesByTime) {
    const auto windows =
        gate(std::vector{clean_sample(3 * ms, ms), clean_sample(ms, ms)}, 1, defaults);
    EXPECT_EQ(windows[0].start_ns, ms);
    EXPECT_EQ(windows[1].start_ns, 3 * ms);
}

TEST(Gate, GivesNothingForNothing) { EXPECT_TRUE(gate({}, 2, defaults).empty()); }

TEST(Gate, OneThreadMayReportForAPool) {
    Sample call = clean_sample(0, 20 * ms);
    call.wait_ns = 0;
    EXPECT_EQ(count(gate(std::vector{call}, 8, defaults), Verdict::kept), 1);
}

TEST(GatePairs, SumsTheSharesOfTheOtherThreads) {
    // Thread 1's slices are shifted by 0.4 ms against the window [10, 11) ms of thread 0.
    std::vector<Sample> samples;
    for (int i = 0; i < 5; ++i) samples.push_back(clean_sample((8 + i) * ms, ms));
    for (int i = 0; i < 7; ++i) samples.push_back(clean_sample((7 + i) * ms + 400'000, ms, 1));
    samples[2].iterations = 7;
    samples[5 + 2].iterations = 20;  // covers [9.4, 10.4)
    samples[5 + 3].iterations = 30;  // covers [10.4, 11.4)
    const auto windows = gate(samples, 2, defaults);
    ASSERT_EQ(windows.size(), 5u);
    EXPECT_EQ(windows[2].start_ns, 10 * ms);
    EXPECT_NEAR(windows[2].iterations, 7 + 0.4 * 20 + 0.6 * 30, 1e-9);
    EXPECT_EQ(windows[2].verdict, Verdict::kept);
}

TEST(GatePairs, DropsAWindowInWhichAnotherThreadWasPreempted) {
    std::vector<Sample> samples;
    for (int thread = 0; thread < 2; ++thread)
        for (int i = 0; i < 9; ++i) samples.push_back(clean_sample(i * ms, ms, thread));
    samples[9 + 4].switches = 1;
    const auto windows = gate(samples, 2, defaults);
    ASSERT_EQ(windows.size(), 9u);
    EXPECT_EQ(windows[3].verdict, Verdict::kept);
    EXPECT_EQ(windows[4].verdict, Verdict::preempted);
    EXPECT_EQ(windows[5].verdict, Verdict::settling);
    EXPECT_EQ(windows[6].verdict, Verdict::kept);
}

TEST(GatePairs, PreemptionOutweighsSettling) {
    std::vector<Sample> samples;
    for (int thread = 0; thread < 3; ++thread)
        for (int i = 0; i < 6; ++i) samples.push_back(clean_sample(i * ms, ms, thread));
    samples[6 + 2].switches = 1;   // thread 1 settles in window 3
    samples[12 + 3].switches = 1;  // thread 2 is preempted in window 3
    const auto windows = gate(samples, 3, defaults);
    EXPECT_EQ(windows[2].verdict, Verdict::preempted);
    EXPECT_EQ(windows[3].verdict, Verdict::preempted);
    EXPECT_EQ(windows[4].verdict, Verdict::settling);
}

TEST(GatePairs, ScalesOverTheGapBetweenTwoSlices) {
    // Thread 1 probes its clock for 0.1 ms within the window of thread 0.
    std::vector<Sample> samples{clean_sample(0, ms), clean_sample(ms, ms),
                                clean_sample(2 * ms, ms)};
    samples.push_back(clean_sample(0, ms, 1));
    samples.push_back(clean_sample(ms, ms / 2, 1));
    samples.push_back(clean_sample(ms + 600'000, 400'000, 1));
    samples.push_back(clean_sample(2 * ms, ms, 1));
    samples[4].iterations = 5;
    samples[5].iterations = 4;
    const auto windows = gate(samples, 2, defaults);
    EXPECT_EQ(windows[1].verdict, Verdict::kept);
    EXPECT_NEAR(windows[1].iterations, 20, 1e-9);
}

TEST(GatePairs, DropsAWindowThatAnotherThreadCoversTooLittle) {
    const auto with_gap = [](std::int64_t gap_ns) {
        std::vector<Sample> samples{clean_sample(0, ms), clean_sample(ms, ms),
                                    clean_sample(2 * ms, ms)};
        samples.push_back(clean_sample(0, ms, 1));
        samples.push_back(clean_sample(ms + gap_ns, 2 * ms - gap_ns, 1));
        return gate(samples, 2, defaults)[1].verdict;
    };
    EXPECT_EQ(with_gap(ms / 2), Verdict::kept);
    EXPECT_EQ(with_gap(ms / 2 + 1), Verdict::preempted);
}

TEST(GatePairs, LeavesTheEdgesOut) {
    std::vector<Sample> samples;
    for (int i = 0; i < 6; ++i) samples.push_back(clean_sample(i * ms, ms, 0));
    for (int i = 0; i < 3; ++i) samples.push_back(clean_sample(i * ms + 1'200'000, ms, 1));
    // Thread 1 runs over [1.2, 4.2) ms.
    const auto windows = gate(samples, 2, defaults);
    ASSERT_EQ(windows.size(), 2u);
    EXPECT_EQ(windows[0].start_ns, 2 * ms);
    EXPECT_EQ(windows[1].start_ns, 3 * ms);
}

TEST(GatePairs, CountsWhatAThreadMissedByBeingKeptFromRunning) {
    std::vector<Sample> samples;
    for (int i = 0; i < 10; ++i) samples.push_back(clean_sample(i * ms, ms, 0));
    for (int i = 7; i < 10; ++i) samples.push_back(clean_sample(i * ms, ms, 1));
    const auto windows = gate(samples, 2, defaults);
    // [0, 7) without thread 1: the five that end two slices or more before it began are counted.
    EXPECT_EQ(count(windows, Verdict::kept), 3);
    EXPECT_EQ(count(windows, Verdict::preempted), 5);
}

TEST(GatePairs, KeepsNothingWhenAThreadIsMissing) {
    std::vector<Sample> samples;
    for (int thread = 0; thread < 2; ++thread)
        for (int i = 0; i < 5; ++i) samples.push_back(clean_sample(i * ms, ms, thread));
    EXPECT_EQ(count(gate(samples, 2, defaults), Verdict::kept), 5);
    EXPECT_EQ(count(gate(samples, 3, defaults), Verdict::kept), 0);
    EXPECT_EQ(count(gate(samples, 3, defaults), Verdict::preempted), 5);
}

TEST(GatePairs, AveragesTheClocksOfTheThreads) {
    std::vector<Sample> samples;
    for (int thread = 0; thread < 2; ++thread)
        for (int i = 0; i < 3; ++i) {
            samples.push_back(clean_sample(i * ms, ms, thread));
            samples.back().clock_hz = thread == 0 ? 3e9 : 2e9;
        }
    samples[1].clock_hz = 0;
    const auto windows = gate(samples, 2, defaults);
    EXPECT_DOUBLE_EQ(windows[0].clock_hz, 2.5e9);
    EXPECT_DOUBLE_EQ(windows[1].clock_hz, 2e9);
}

// ---------------------------------------------------------------------------------------------
// Truth under load: the median rate of kept windows equals that of undisturbed cores.
// ---------------------------------------------------------------------------------------------

struct Load {
    const char* name;
    double on_s, off_s;
};
void PrintTo(const Load& load, std::ostream* stream) { *stream << load.name; }
class TruthUnderLoad : public testing::TestWithParam<Load> {};

TEST_P(TruthUnderLoad, OfOneThread) {
    std::mt19937_64 random(1);
    Thread thread{.rate = 2e6, .noise = 0.002};
    thread.absences = random_absences(GetParam().on_s, GetParam().off_s, second, random);
    const auto samples = run_threads({thread}, second, random);
    const auto windows = gate(samples, 1, defaults);
    EXPECT_GE(count(windows, Verdict::kept), 20);
    EXPECT_NEAR(median_rate(windows) / 2e6, 1, 0.005);
    EXPECT_LT(ungated_rate(samples, 1) / 2e6, 0.95) << "the load of this test is no load";
}

TEST_P(TruthUnderLoad, OfTwoThreadsOfDifferentSpeed) {
    std::mt19937_64 random(2);
    Thread first{.rate = 2e6, .noise = 0.002, .gap_ns = 30'000};
    Thread second_thread{.rate = 1.3e6, .noise = 0.002, .slice_s = 0.0007, .start_ns = 40'000};
    for (Thread* thread : {&first, &second_thread})
        thread->absences = random_absences(GetParam().on_s, GetParam().off_s, 3 * second, random);
    const auto samples = run_threads({first, second_thread}, 3 * second, random);
    const auto windows = gate(samples, 2, defaults);
    EXPECT_GE(count(windows, Verdict::kept), 10);
    EXPECT_NEAR(median_rate(windows) / 3.3e6, 1, 0.005);
}

INSTANTIATE_TEST_SUITE_P(Loads, TruthUnderLoad,
                         testing::Values(Load{"light", 0.05, 0.005}, Load{"half_slow", 0.02, 0.02},
                                         Load{"half_quick", 0.006, 0.006},
                                         Load{"mostly_taken", 0.008, 0.016}),
                         [](const auto& load) { return std::string(load.param.name); });

TEST(GateTruth, HoldsUnderFixedTimeSlicesOfTheScheduler) {
    std::mt19937_64 random(3);
    for (const std::int64_t phase : {0 * ms, 1 * ms, 2 * ms}) {
        Thread first{.rate = 1e6, .noise = 0.001, .slice_s = 0.0005};
        Thread other = first;
        first.absences = periodic_absences(4 * ms, 4 * ms, 0, second);
        other.absences = periodic_absences(4 * ms, 4 * ms, phase, second);
        const auto windows = gate(run_threads({first, other}, second, random), 2, defaults);
        EXPECT_GE(count(windows, Verdict::kept), 10) << phase;
        EXPECT_NEAR(median_rate(windows) / 2e6, 1, 0.005) << phase;
    }
}

TEST(GateTruth, HoldsWhenReturningThreadsStartCold) {
    // Time shares of 2.7 ms hold one or two whole slices, and the first of them still runs cold.
    std::mt19937_64 random(4);
    Thread thread{.rate = 1e6, .noise = 0.001, .cold_ns = 1'500'000, .cold_share = 0.7};
    thread.absences = periodic_absences(2 * ms + 700'000, 4 * ms, 0, second);
    const auto samples = run_threads({thread}, second, random);
    EXPECT_NEAR(median_rate(gate(samples, 1, defaults)) / 1e6, 1, 0.005);
    GateOptions without;
    without.settling_wall_ns_max = 0;
    EXPECT_LT(median_rate(gate(samples, 1, without)) / 1e6, 0.99) << "why there is a settling";
}

TEST(GateTruth, KeepsNearlyAllOfACalmRun) {
    std::mt19937_64 random(5);
    Thread first{.rate = 1e6, .noise = 0.001, .gap_ns = 30'000};
    Thread other{.rate = 1e6, .noise = 0.001, .gap_ns = 30'000, .start_ns = 60'000};
    const auto windows = gate(run_threads({first, other}, 100 * ms, random), 2, defaults);
    EXPECT_GE(count(windows, Verdict::kept), 93);
    EXPECT_EQ(count(windows, Verdict::kept), static_cast<int>(windows.size()));
    EXPECT_NEAR(median_rate(windows) / 2e6, 1, 0.002);
}

TEST(GateTruth, HoldsForAProbeWithLongGapsBetweenItsSlices) {
    // A clock probe warms the core up for 0.1 ms before each slice of 0.3 ms.
    std::mt19937_64 random(6);
    Thread first{.rate = 1e6, .noise = 0.001, .slice_s = 0.0003, .gap_ns = 100'000};
    Thread other = first;
    other.start_ns = 170'000;
    const auto windows = gate(run_threads({first, other}, 100 * ms, random), 2, defaults);
    EXPECT_GE(count(windows, Verdict::kept), 200);
    EXPECT_NEAR(median_rate(windows) / 2e6, 1, 0.002);
}

// ---------------------------------------------------------------------------------------------
// Throttling
// ---------------------------------------------------------------------------------------------

std::vector<Window> windows_with_clocks(std::initializer_list<double> clocks_ghz) {
    std::vector<Window> windows;
    for (const double clock : clocks_ghz) {
        Window window;
        window.wall_ns = ms;
        window.iterations = 1;
        window.clock_hz = clock * 1e9;
        windows.push_back(window);
    }
    return windows;
}

TEST(Throttle, SteadyClockIsTheMedianOfTheFastestHalf) {
    EXPECT_DOUBLE_EQ(steady_clock_hz(windows_with_clocks({3, 1, 4, 2})), 3.5e9);
    EXPECT_DOUBLE_EQ(steady_clock_hz(windows_with_clocks({3, 1, 2})), 2.5e9);
    EXPECT_EQ(steady_clock_hz(windows_with_clocks({0, 0})), 0);
    EXPECT_EQ(steady_clock_hz({}), 0);
}

TEST(Throttle, SteadyClockIgnoresDroppedAndUnprobedWindows) {
    auto windows = windows_with_clocks({3, 9, 9, 0});
    windows[1].verdict = Verdict::preempted;
    windows[2].verdict = Verdict::settling;
    EXPECT_DOUBLE_EQ(steady_clock_hz(windows), 3e9);
    windows[1].verdict = Verdict::throttled;  // still a true clock
    EXPECT_DOUBLE_EQ(steady_clock_hz(windows), 9e9);
}

TEST(Throttle, MarksBelowNinetySevenPercentOnly) {
    auto windows = windows_with_clocks({1.0, 0.97, 0.969, 0});
    EXPECT_EQ(mark_throttled(windows, 1e9, defaults), 1);
    EXPECT_EQ(windows[0].verdict, Verdict::kept);
    EXPECT_EQ(windows[1].verdict, Verdict::kept);
    EXPECT_EQ(windows[2].verdict, Verdict::throttled);
    EXPECT_EQ(windows[3].verdict, Verdict::kept);
}

TEST(Throttle, MarksAnewWhenTheSteadyClockRises) {
    auto windows = windows_with_clocks({3.0, 3.2});
    EXPECT_EQ(mark_throttled(windows, 3.2e9, defaults), 1);
    EXPECT_EQ(mark_throttled(windows, 3.0e9, defaults), 0);
    EXPECT_EQ(windows[0].verdict, Verdict::kept);
    EXPECT_EQ(mark_throttled(windows, 4.0e9, defaults), 2);
}

TEST(Throttle, LeavesPreemptedWindowsAndUnknownClocksAlone) {
    auto windows = windows_with_clocks({1.0, 1.0});
    windows[0].verdict = Verdict::preempted;
    EXPECT_EQ(mark_throttled(windows, 0, defaults), 0);
    EXPECT_EQ(windows[1].verdict, Verdict::kept);
    EXPECT_EQ(mark_throttled(windows, 2e9, defaults), 1);
    EXPECT_EQ(windows[0].verdict, Verdict::preempted);
}

TEST(Throttle, AgainstItsOwnClockReturnsIt) {
    auto windows = windows_with_clocks({3, 3, 3, 2.4});
    EXPECT_DOUBLE_EQ(mark_throttled(windows, defaults), 3e9);
    EXPECT_EQ(windows[3].verdict, Verdict::throttled);
}

TEST(Throttle, KeepsTheTruthWhenAThirdOfTheTimeIsSlow) {
    std::mt19937_64 random(7);
    Thread thread{.rate = 1e6, .noise = 0.001};
    const auto slow = [](std::int64_t at) { return at / ms % 3 == 2; };
    thread.speed = [&](std::int64_t at) { return slow(at) ? 0.8 : 1.0; };
    thread.clock_hz = [&](std::int64_t at) { return slow(at) ? 2.4e9 : 3e9; };
    auto windows = gate(run_threads({thread}, 300 * ms, random), 1, defaults);
    mark_throttled(windows, defaults);
    EXPECT_GE(count(windows, Verdict::throttled), 60);
    EXPECT_NEAR(median_rate(windows) / 1e6, 1, 0.005);
}

}  // namespace
}  // namespace peakward
