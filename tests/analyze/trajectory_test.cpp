#include "analyze/trajectory.hpp"

#include <gtest/gtest.h>

#include "make_series.hpp"

namespace peakward {
namespace {

using namespace analyze_test;

// Owns what RatedSeries only looks at.
struct Bench {
    std::vector<Series> series;
    std::vector<std::vector<double>> efficiency;

    Series& add(const std::vector<double>& percents) {
        series.push_back(make_series(percents));
        efficiency.push_back(efficiencies(series.back()));
        return series.back();
    }
    std::vector<RatedSeries> rated() const {
        std::vector<RatedSeries> all;
        for (std::size_t i = 0; i < series.size(); ++i) all.push_back({&series[i], efficiency[i]});
        return all;
    }
    std::vector<Trajectory> studied() const {
        auto found = find_trajectories(rated());
        for (Trajectory& t : found) study(t, rated());
        return found;
    }
};

TEST(Trajectory, ShowsTheInstallsOfAProductTogether) {
    Bench bench;
    bench.series.reserve(3);
    bench.add({60, 70, 80});
    bench.add({61, 71, 81}).key.install = "install-b";
    bench.series[1].points[0].time_unix -= 3 * day_s;
    bench.add({30, 31, 32}).key.precision = "fp64";
    const auto found = bench.studied();
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].members, (std::vector<std::size_t>{0, 1}));
    EXPECT_EQ(found[0].key.install, "");
    ASSERT_EQ(found[0].points.size(), 6u);
    EXPECT_EQ(found[0].points[0].member, 1u) << "by time, whatever the install";
    EXPECT_EQ(found[0].first_unix, start_unix - 3 * day_s);
    EXPECT_EQ(found[1].members, (std::vector<std::size_t>{2}));
}

// Eight weeks in fresh containers were "the runs span less than a day", and nine runs of nine above
// 70 % were "not held yet".
TEST(Trajectory, FreshContainersHaveARateAndHoldAMilestone) {
    Bench bench;
    bench.series.reserve(9);
    for (int week = 0; week < 9; ++week) {
        Series& one = bench.add({72.0 + week});
        one.key.install = "container-" + std::to_string(week);
        one.points[0].time_unix += week * 7 * day_s;
    }
    const auto found = bench.studied();
    ASSERT_EQ(found.size(), 1u);
    EXPECT_TRUE(found[0].improvement.percent_per_month) << found[0].improvement.reason;
    EXPECT_EQ(found[0].milestones[0].days, 0);
}

TEST(Trajectory, PowerModeDefinitionAndBackendKeepSeriesApart) {
    Bench bench;
    bench.series.reserve(4);
    bench.add({60, 70});
    bench.add({60, 70}).key.power_mode = "25W";
    bench.add({60, 70}).key.definition = "quick/1";
    bench.add({60, 70}).key.backend = "onednn";
    EXPECT_EQ(bench.studied().size(), 4u);
}

TEST(Trajectory, TheSuiteShownIsThatOfItsNewestRun) {
    Bench bench;
    bench.series.reserve(3);
    bench.add({60, 70}).key.suite = "quick/3";
    bench.add({60, 70, 80}).key.suite = "quick/4";
    bench.add({60}).key.suite = "full/3";
    const auto found = bench.studied();
    ASSERT_EQ(found.size(), 1u) << "the suite keeps nothing apart";
    EXPECT_EQ(found[0].key.suite, "quick/4");
}

TEST(Trajectory, DaysCountFromItsFirstRun) {
    Bench bench;
    bench.add({62, 72, 74, 83, 84, 91, 92});
    const Trajectory t = bench.studied().at(0);
    ASSERT_EQ(t.milestones.size(), 3u);
    EXPECT_EQ(t.milestones[0].days, 7);
    EXPECT_EQ(t.milestones[1].days, 21);
    EXPECT_EQ(t.milestones[2].days, 35);
    EXPECT_EQ(t.counting, 7u);
    EXPECT_EQ(t.rated, 7u);
}

TEST(Trajectory, AMilestoneOfSeveralInstallsIsTheEarliest) {
    Bench bench;
    bench.series.reserve(2);
    bench.add({62, 65, 91, 92});
    bench.add({62, 91, 92, 93}).key.install = "install-b";
    EXPECT_EQ(bench.studied().at(0).milestones[2].days, 7);
}

TEST(Trajectory, LessIsBetterForTimes) {
    Bench bench;
    Series& series = bench.add({100, 95, 90, 85, 80, 75, 70});
    series.key.metric = "median_s";
    series.key.unit = "s";
    const Trajectory t = bench.studied().at(0);
    EXPECT_GT(t.improvement.percent_per_month.value_or(-1), 0);
    EXPECT_LE(t.improvement.ci_low_percent_per_month.value_or(99),
              t.improvement.ci_high_percent_per_month.value_or(-99));
}

TEST(Trajectory, DoubtfulPointsAreShownAndDecideNothing) {
    Bench bench;
    Series& series = bench.add({60, 61, 500, 62});
    series.points[2].doubts = doubt_contended;
    series.points[3].doubts = doubt_forced;
    const Trajectory t = bench.studied().at(0);
    EXPECT_EQ(t.points.size(), 4u);
    EXPECT_EQ(t.counting, 2u);
    ASSERT_TRUE(t.latest);
    EXPECT_EQ(t.latest->index, 1u);
    EXPECT_EQ(t.improvement.points, 2u);
}

TEST(Trajectory, AClockThatJumpedBackIsCounted) {
    Bench bench;
    Series& series = bench.add({60, 61, 62, 63});
    EXPECT_EQ(bench.studied().at(0).out_of_order, 0u);
    series.points[0].seq = 9;  // stored last, with the earliest time
    EXPECT_EQ(bench.studied().at(0).out_of_order, 3u);
}

TEST(Trajectory, TwoRunsAtOneInstantStandInTheOrderTheyWereStored) {
    Bench bench;
    Series& series = bench.add({60, 61});
    series.points[1].time_unix = series.points[0].time_unix;
    const Trajectory t = bench.studied().at(0);
    EXPECT_EQ(t.points[0].index, 0u);
    EXPECT_EQ(t.first_unix, t.last_unix);
    EXPECT_FALSE(t.improvement.percent_per_month);
}

TEST(Trajectory, TheLeadingOneIsTheSoftwareWithMostRuns) {
    Bench bench;
    bench.series.reserve(5);
    bench.add({99, 99, 99, 99, 99, 99, 99}).key.backend = "native";
    bench.add({60, 70});
    bench.add({50, 60, 70}).key.precision = "fp64";
    bench.add({50, 60, 71}).key.precision = "fp32";
    bench.add({55, 65, 75}).key.backend = "onednn";
    const auto rated = bench.rated();
    const auto found = find_trajectories(rated);
    const Trajectory* best = leading(found, rated);
    ASSERT_NE(best, nullptr);
    // The two blas fp32 series are installs of one trajectory here: five runs that count.
    EXPECT_EQ(best->key.backend, "blas");
    EXPECT_EQ(best->key.precision, "fp32");
    EXPECT_EQ(leading({}, {}), nullptr);
}

TEST(Trajectory, ANewestFigureThatIsBetterLeadsWhereAllElseIsEqual) {
    Bench bench;
    bench.series.reserve(2);
    bench.add({50, 60, 71});
    bench.add({55, 65, 75}).key.backend = "onednn";
    const auto rated = bench.rated();
    const auto found = find_trajectories(rated);
    EXPECT_EQ(leading(found, rated)->key.backend, "onednn");
}

TEST(Trajectory, DaysBetweenGoDownwards) {
    EXPECT_EQ(days_between(0, 86399), 0);
    EXPECT_EQ(days_between(0, 86400), 1);
    EXPECT_EQ(days_between(86400, 0), -1);
    EXPECT_EQ(days_between(1, 0), -1);
}

}  // namespace
}  // namespace peakward
