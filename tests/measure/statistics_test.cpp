#include "measure/statistics.hpp"

#include <gtest/gtest.h>

namespace peakward {
namespace {

Window window(double seconds, Verdict verdict = Verdict::kept, double iterations = 1) {
    Window made;
    made.wall_ns = static_cast<std::int64_t>(seconds * iterations * 1e9 + 0.5);
    made.iterations = iterations;
    made.verdict = verdict;
    return made;
}

std::vector<Window> windows_of(std::initializer_list<double> seconds) {
    std::vector<Window> windows;
    for (const double s : seconds) windows.push_back(window(s));
    return windows;
}

TEST(Statistics, AreOfOneIteration) {
    const std::vector<Window> windows{window(0.002, Verdict::kept, 10)};
    EXPECT_DOUBLE_EQ(kept_seconds(windows).at(0), 0.002);
    EXPECT_DOUBLE_EQ(kept_wall_s(windows), 0.02);
}

TEST(Statistics, CountEveryVerdict) {
    const std::vector<Window> windows{window(1),
                                      window(9, Verdict::preempted),
                                      window(9, Verdict::settling),
                                      window(9, Verdict::throttled),
                                      window(9, Verdict::throttled),
                                      window(3)};
    const Statistics s = summarize(windows);
    EXPECT_EQ(s.kept, 2);
    EXPECT_EQ(s.dropped_preempted, 2);
    EXPECT_EQ(s.dropped_throttled, 2);
    EXPECT_DOUBLE_EQ(s.median_s, 2);
    EXPECT_DOUBLE_EQ(s.min_s, 1);
    EXPECT_DOUBLE_EQ(kept_wall_s(windows), 4);
    EXPECT_EQ(s.processes, 1);
    EXPECT_FALSE(s.spread_between);
}

TEST(Statistics, OfNothingKeptAreZero) {
    const Statistics s = summarize(std::vector{window(1, Verdict::preempted)});
    EXPECT_EQ(s.kept, 0);
    EXPECT_EQ(s.median_s, 0);
}

// Calls of one second each, with what they waited in the run queue.
std::vector<Window> calls_that_waited(std::initializer_list<double> waited_s) {
    std::vector<Window> windows;
    for (const double wait : waited_s) {
        Window window{0, 1'000'000'000, 1, 0, Verdict::kept};
        window.waited_ns = static_cast<std::int64_t>(wait * 1e9);
        if (wait >= 0.01) window.verdict = Verdict::preempted;
        windows.push_back(window);
    }
    return windows;
}

TEST(Disturbed, TheLeastDisturbedCallsGiveAFigureWhoseIntervalCoversTheWait) {
    auto windows = calls_that_waited({0.2, 0.02, 0.001, 0.03, 0.015, 0.5});
    const auto low = keep_least_disturbed(windows, 4);
    ASSERT_TRUE(low);
    EXPECT_NEAR(*low, 0.97, 1e-9);
    EXPECT_EQ(windows[0].verdict, Verdict::preempted);
    for (const int i : {1, 2, 3, 4}) EXPECT_EQ(windows[std::size_t(i)].verdict, Verdict::kept) << i;
    EXPECT_EQ(windows[5].verdict, Verdict::preempted);
}

TEST(Disturbed, AnIntervalWiderThanFivePercentIsNoFigure) {
    auto windows = calls_that_waited({0.02, 0.03, 0.06});
    EXPECT_FALSE(keep_least_disturbed(windows, 3));
    EXPECT_EQ(windows[0].verdict, Verdict::preempted) << "nothing is kept";
    windows = calls_that_waited({0.02, 0.03, 0.049});
    EXPECT_TRUE(keep_least_disturbed(windows, 3));
}

TEST(Disturbed, NeedsThreeCallsAndAKnownWait) {
    auto windows = calls_that_waited({0.02, 0.02});
    EXPECT_FALSE(keep_least_disturbed(windows, 10));
    windows = calls_that_waited({0.02, 0.02, 0.02});
    EXPECT_TRUE(keep_least_disturbed(windows, 10)) << "all there are";
    windows = calls_that_waited({0.02, 0.02, 0.02});
    for (Window& window : windows) window.waited_ns = -1;
    EXPECT_FALSE(keep_least_disturbed(windows, 3));
}

TEST(Statistics, GiveTheIntervalByRanks) {
    std::vector<Window> windows;
    for (int i = 1; i <= 20; ++i) windows.push_back(window(i));
    const Statistics s = summarize(windows);
    EXPECT_DOUBLE_EQ(s.ci_low_s, 6);
    EXPECT_DOUBLE_EQ(s.ci_high_s, 15);
    EXPECT_DOUBLE_EQ(s.median_s, 10.5);
}

TEST(Statistics, CountOutliersBeyondThreeRanges) {
    // 1 to 5: quartiles 2 and 4, median 3, range 2; the sixth and seventh move them a little.
    EXPECT_EQ(summarize(windows_of({1, 2, 3, 4, 5})).outliers, 0);
    // 1..7 with 16: quartiles 2.75 and 6.25, median 4.5, three ranges 10.5.
    EXPECT_EQ(summarize(windows_of({1, 2, 3, 4, 5, 6, 7, 14.9})).outliers, 0);
    EXPECT_EQ(summarize(windows_of({1, 2, 3, 4, 5, 6, 7, 15.1})).outliers, 1);
    EXPECT_DOUBLE_EQ(summarize(windows_of({1, 2, 3, 4, 5, 6, 7, 15.1})).median_s, 4.5)
        << "counted, never deleted";
}

TEST(Statistics, TakeTheMedianOfProbedClocks) {
    auto windows = windows_of({1, 1, 1, 1});
    windows[0].clock_hz = 2e9;
    windows[1].clock_hz = 3e9;
    windows[2].clock_hz = 9e9;
    windows[2].verdict = Verdict::throttled;
    EXPECT_DOUBLE_EQ(kept_clock_hz(windows), 2.5e9);
    EXPECT_EQ(kept_clock_hz(windows_of({1})), 0);
}

TEST(Statistics, CombineProcessesByTheirMedians) {
    const std::vector<std::vector<Window>> processes{windows_of({1, 1, 1}), windows_of({2, 2, 2}),
                                                     windows_of({1.5, 1.5, 1.5})};
    const Statistics s = combine(processes);
    EXPECT_EQ(s.processes, 3);
    EXPECT_EQ(s.kept, 9);
    EXPECT_DOUBLE_EQ(s.median_s, 1.5);
    EXPECT_DOUBLE_EQ(s.ci_low_s, 1);
    EXPECT_DOUBLE_EQ(s.ci_high_s, 2);
    EXPECT_DOUBLE_EQ(s.min_s, 1);
    EXPECT_DOUBLE_EQ(*s.spread_within, 0);
    EXPECT_DOUBLE_EQ(*s.spread_between, 1 / 1.5);
}

TEST(Statistics, SpreadWithinIsTheTypicalRelativeDeviation) {
    const std::vector<std::vector<Window>> processes{windows_of({9, 10, 11}),
                                                     windows_of({8, 10, 12})};
    EXPECT_NEAR(*combine(processes).spread_within, 1.4826 * 0.15, 1e-9);
    EXPECT_DOUBLE_EQ(*combine(processes).spread_between, 0);
}

TEST(Statistics, CombineCountsWhatAProcessDropped) {
    const std::vector<std::vector<Window>> processes{{window(1, Verdict::preempted)},
                                                     {window(2), window(3, Verdict::throttled)}};
    const Statistics s = combine(processes);
    EXPECT_EQ(s.kept, 1);
    EXPECT_EQ(s.dropped_preempted, 1);
    EXPECT_EQ(s.dropped_throttled, 1);
    EXPECT_DOUBLE_EQ(s.median_s, 2);
    EXPECT_FALSE(s.spread_between) << "one process that measured shows no spread";
    EXPECT_EQ(combine(std::vector<std::vector<Window>>{{window(1)}}).processes, 1);
}

}  // namespace
}  // namespace peakward
