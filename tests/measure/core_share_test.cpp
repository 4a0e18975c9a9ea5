#include "measure/core_share.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "catalog/catalog.hpp"

namespace peakward {
namespace {

constexpr double clock_hz = 2.4e9;

Case avx512(const char* precision, int threads = 1) {
    return {"compute_peak", precision, {{"isa", std::string("avx512")}}, "cpu", "native", threads};
}

// A millisecond in which `threads` cores did `per_cycle` operations a cycle each.
Window shared_window(double per_cycle, int threads = 1) {
    Window w;
    w.wall_ns = 1'000'000;
    w.clock_hz = clock_hz;
    w.iterations = per_cycle * clock_hz * 1e-3 * threads / catalog::peak_operations_per_iteration;
    return w;
}

// Of windows that stand for all threads of the case.
CoreShare mark(std::vector<Window>& windows, const Case& what) {
    Timelines timelines{windows};
    const CoreShare share = mark_core_shared(timelines, what, {});
    windows = timelines.front();
    return share;
}

int count_of(const std::vector<Window>& windows, Verdict verdict) {
    return static_cast<int>(std::count_if(windows.begin(), windows.end(),
                                          [&](const Window& w) { return w.verdict == verdict; }));
}

TEST(CoreShare, KeepsACoreThatWasOurs) {
    std::mt19937_64 random(7);
    std::normal_distribution<double> noise(31.6, 0.15);
    std::vector<Window> windows;
    for (int i = 0; i < 200; ++i) windows.push_back(shared_window(noise(random)));
    const CoreShare share = mark(windows, avx512("fp64"));
    EXPECT_EQ(share.legal, 32);
    EXPECT_NEAR(share.steady, 31.6, 0.05);
    EXPECT_EQ(share.shared, 0);
    EXPECT_EQ(count_of(windows, Verdict::kept), 200);
}

TEST(CoreShare, DropsTheWindowsOfASharedCoreEvenWhenTheyAreTheMost) {
    std::vector<Window> windows(90, shared_window(24.1));
    windows.insert(windows.begin() + 30, 15, shared_window(31.6));
    const CoreShare share = mark(windows, avx512("fp64"));
    EXPECT_EQ(share.shared, 90);
    EXPECT_EQ(count_of(windows, Verdict::kept), 15);
    EXPECT_NEAR(share.steady, 31.6, 1e-9);
}

TEST(CoreShare, DropsAllWhenTheCoreWasNeverOurs) {
    std::vector<Window> windows(50, shared_window(24.1));
    const CoreShare share = mark(windows, avx512("fp64"));
    EXPECT_EQ(share.legal, 32);
    EXPECT_EQ(share.steady, 0);
    EXPECT_EQ(count_of(windows, Verdict::core_shared), 50);
}

// Beside busy loops the chain of a clock probe is cut off now and then and reads too low a clock. A
// tenth of such windows made a scalar core of 4 operations a cycle one of 8, and all windows
// shared.
TEST(CoreShare, WindowsWithTooLowAClockMakeNoWiderCore) {
    const Case scalar{"compute_peak", "fp64", {{"isa", std::string("scalar")}}, "cpu", "native", 1};
    std::vector<Window> windows(90, shared_window(3.97));
    windows.insert(windows.begin() + 40, 10, shared_window(4.6));
    const CoreShare share = mark(windows, scalar);
    EXPECT_EQ(share.legal, 4);
    EXPECT_EQ(share.shared, 0);
}

// A neighbour that takes half of the units leaves windows at the lower legal rate and between both.
TEST(CoreShare, ASharedCoreDoesNotPassForANarrowerOne) {
    const Case avx2{"compute_peak", "fp64", {{"isa", std::string("avx2")}}, "cpu", "native", 1};
    std::vector<Window> windows(60, shared_window(8.0));
    for (int i = 0; i < 36; ++i) windows.push_back(shared_window(8.3 + 0.18 * i));
    windows.insert(windows.end(), 4, shared_window(15.8));
    CoreShare share = mark(windows, avx2);
    EXPECT_EQ(share.legal, 16);
    EXPECT_EQ(count_of(windows, Verdict::kept), 4);
    windows.assign(50, shared_window(7.95));
    windows.insert(windows.end(), 50, shared_window(11.5));
    EXPECT_EQ(mark(windows, avx2).shared, 100);
    windows.assign(94, shared_window(12.5));
    windows.insert(windows.end(), 6, shared_window(8));
    EXPECT_EQ(mark(windows, avx2).shared, 100);
}

TEST(CoreShare, OneSharedThreadOfTwoSpoilsTheWindow) {
    std::vector<Window> windows(20, shared_window(31.6, 2));
    windows.push_back(shared_window((31.6 + 24.1) / 2, 2));
    EXPECT_EQ(mark(windows, avx512("fp64", 2)).shared, 1);
    EXPECT_EQ(windows.back().verdict, Verdict::core_shared);
}

TEST(CoreShare, ThreePercentBelowTheSteadyRateIsTheBorder) {
    std::vector<Window> windows(20, shared_window(32));
    windows.push_back(shared_window(32 * 0.971));
    windows.push_back(shared_window(32 * 0.969));
    EXPECT_EQ(mark(windows, avx512("fp64")).shared, 1);
    EXPECT_EQ(windows[20].verdict, Verdict::kept);
    EXPECT_EQ(windows[21].verdict, Verdict::core_shared);
}

TEST(CoreShare, TakesBackAMarkWhenBetterEvidenceComes) {
    std::vector<Window> windows(5, shared_window(15.7));  // looks like one unit
    EXPECT_EQ(mark(windows, avx512("fp64")).legal, 16);
    windows.insert(windows.end(), 15, shared_window(31.6));
    EXPECT_EQ(mark(windows, avx512("fp64")).shared, 5);
    windows.front().verdict = Verdict::core_shared;
    windows.front().iterations *= 2;
    EXPECT_EQ(mark(windows, avx512("fp64")).shared, 4);
    EXPECT_EQ(windows.front().verdict, Verdict::kept);
}

TEST(CoreShare, LeavesWhatItCannotJudgeAlone) {
    std::vector<Window> windows(5, shared_window(24.1));
    for (Window& w : windows) w.clock_hz = 0;
    windows.push_back(shared_window(10));
    windows.back().verdict = Verdict::preempted;
    EXPECT_EQ(mark(windows, avx512("fp64")).shared, 0);
    EXPECT_EQ(count_of(windows, Verdict::kept), 5);
    // Above every legal rate the clock probe is wrong; that is told elsewhere.
    std::vector<Window> above(5, shared_window(40));
    EXPECT_EQ(mark(above, avx512("fp64")).shared, 0);
}

TEST(CoreShare, EachThreadIsJudgedByItself) {
    Timelines timelines{std::vector<Window>(20, shared_window(31.6)),
                        std::vector<Window>(20, shared_window(31.2))};
    for (int i = 0; i < 15; ++i) timelines[1][std::size_t(i)] = shared_window(20.5);
    const CoreShare share = mark_core_shared(timelines, avx512("fp64", 2), {});
    EXPECT_EQ(share.legal, 32);
    EXPECT_NEAR(share.steady, 31.4, 1e-9);
    EXPECT_EQ(share.shared, 15);
    EXPECT_EQ(count_of(timelines[0], Verdict::kept), 20);
    EXPECT_EQ(count_of(timelines[1], Verdict::kept), 5);
}

TEST(CoreShare, AThreadAtHalfTheRateOfItsTwinWasSharedAllTheTime) {
    Timelines timelines{std::vector<Window>(20, shared_window(31.6)),
                        std::vector<Window>(20, shared_window(15.9))};
    Timelines hybrid = timelines;
    EXPECT_EQ(mark_core_shared(timelines, avx512("fp64", 2), {}).shared, 20);
    EXPECT_EQ(count_of(timelines[1], Verdict::core_shared), 20);
    // Of two kinds of cores, one may well have half the units.
    const CoreShare share =
        mark_core_shared(hybrid, avx512("fp64", 2), {.one_kind_of_core = false});
    EXPECT_EQ(share.shared, 0);
    EXPECT_EQ(share.legal, 24) << "the mean of 32 and 16";
}

TEST(CoreShare, AWindowWithoutAClockHasThatOfTheOneBefore) {
    std::vector<Window> windows(20, shared_window(31.6));
    for (std::size_t i = 1; i < 20; ++i) windows[i].clock_hz = 0;
    windows[7] = shared_window(24);
    windows[7].clock_hz = 0;
    EXPECT_EQ(mark(windows, avx512("fp64")).shared, 1);
    EXPECT_EQ(windows[7].verdict, Verdict::core_shared);
}

}  // namespace
}  // namespace peakward
