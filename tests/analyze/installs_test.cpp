// Installs of one kind: containers, CI jobs, reinstalled systems.
#include "analyze/installs.hpp"

#include <gmock/gmock.h>

#include "analyze/planted.hpp"
#include "analyze/regressions.hpp"

namespace peakward {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int64_t weekly_s = 7 * 86'400;

// One run of each value, a week apart, `runs_each` of them on an install.
std::vector<Series> on_fresh_installs(const std::vector<double>& values, int runs_each = 1) {
    std::vector<Series> made;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::size_t install = i / static_cast<std::size_t>(runs_each);
        if (install == made.size()) {
            made.emplace_back().key = planted::key();
            made.back().key.install = "container-" + std::to_string(install);
        }
        planted::add(made.back(), values[i], values[i] < 950 ? 1 : 0);
        made.back().points.back().seq = static_cast<std::int64_t>(i) + 1;
        made.back().points.back().time_unix =
            1'700'000'000 + static_cast<std::int64_t>(i) * weekly_s;
    }
    return made;
}

std::vector<const Series*> pointers_to(const std::vector<Series>& series) {
    std::vector<const Series*> pointers;
    for (const Series& one : series) pointers.push_back(&one);
    return pointers;
}

RegressionReport look_at_joined(const std::vector<Series>& series,
                                const RegressionOptions& options = {}) {
    const std::vector<JudgedSeries> joined = join_installs(pointers_to(series));
    std::vector<const Series*> pointers;
    for (const JudgedSeries& judged : joined) pointers.push_back(&judged.series());
    return find_regressions(pointers, options);
}

// A machine, and the same kind of machine after it.
std::vector<Series> one_after_the_other(Series before, Series after) {
    after.key.install = "reinstalled";
    for (SeriesPoint& point : after.points) {
        point.seq += before.points.back().seq;
        point.stack += 1;
        point.time_unix += before.points.back().seq * 86'400;
    }
    return {std::move(before), std::move(after)};
}

TEST(Installs, FreshContainersAreOneSeries) {
    const auto series = on_fresh_installs({1000, 1003, 998});
    const auto joined = join_installs(pointers_to(series));
    ASSERT_THAT(joined, SizeIs(1));
    EXPECT_EQ(joined[0].series().key.install, "");
    EXPECT_THAT(joined[0].series().units, ElementsAre(0, 1, 2));
    EXPECT_THAT(joined[0].installs, ElementsAre("container-0", "container-1", "container-2"));
    ASSERT_THAT(joined[0].series().points, SizeIs(3));
    EXPECT_EQ(joined[0].series().points[1].value, 1003);
}

TEST(Installs, HostsThatRunBesideEachOtherAreNotJoined) {
    auto series =
        std::vector{planted::series({{8, 1000}}, 0.005, 1), planted::series({{8, 900}}, 0.005, 2)};
    series[1].key.install = "install-b";
    for (SeriesPoint& point : series[1].points) point.time_unix += 3600;
    const auto joined = join_installs(pointers_to(series));
    ASSERT_THAT(joined, SizeIs(2));
    EXPECT_EQ(joined[0].series().key.install, "install-a");
    EXPECT_THAT(joined[0].series().units, IsEmpty());
    EXPECT_THAT(joined[0].members, ElementsAre(0));
}

TEST(Installs, AnotherLineageOrPowerModeIsNeverJoined) {
    auto series = on_fresh_installs({1000, 1001, 1002});
    series[1].key.lineage = "9999222233334444";
    series[2].key.power_mode = "15W";
    EXPECT_THAT(join_installs(pointers_to(series)), SizeIs(3));
}

// Nine weekly runs in fresh containers were nine series of one run, and exit 0.
TEST(Installs, NineFreshContainersWithADropAreConfirmed) {
    const auto report =
        look_at_joined(on_fresh_installs({1000, 1004, 997, 1002, 999, 1001, 940, 943, 938}));
    EXPECT_EQ(report.series, 1u);
    ASSERT_THAT(report.regressions, SizeIs(1));
    const Regression& found = report.regressions.front();
    EXPECT_EQ(found.status, RegressionStatus::confirmed) << found.doubt;
    EXPECT_EQ(found.installs, 9);
    EXPECT_EQ(found.main().installs_before, 6);
    EXPECT_EQ(found.main().installs_now, 3);
    EXPECT_NEAR(found.main().change_percent, -6, 0.5);
}

TEST(Installs, TheSpreadBetweenInstallsIsNoise) {
    // Each install repeats to 0.1 %, and they lie 4 % apart.
    const auto report = look_at_joined(
        on_fresh_installs({1000, 1001, 1040, 1041, 970, 971, 1020, 1021, 955, 956, 990, 991}, 2));
    EXPECT_EQ(report.judged, 1u);
    EXPECT_THAT(report.regressions, IsEmpty());
}

TEST(Installs, OneNewInstallThatIsSlowerIsOnlySuspected) {
    const auto report = look_at_joined(one_after_the_other(planted::series({{8, 1000}}, 0.002, 3),
                                                           planted::series({{3, 930}}, 0.002, 4)));
    ASSERT_THAT(report.regressions, SizeIs(1));
    EXPECT_EQ(report.regressions.front().status, RegressionStatus::suspected);
    EXPECT_THAT(report.regressions.front().doubt, HasSubstr("another install"));
}

TEST(Installs, WithinOneInstallTheOthersDoNotBlurADrop) {
    RegressionOptions previous;
    previous.baselines = {Baseline::previous};
    const auto report =
        look_at_joined(one_after_the_other(planted::series({{8, 1050}}, 0.002, 5),
                                           planted::series({{8, 1000}, {4, 950}}, 0.002, 6)),
                       previous);
    EXPECT_EQ(report.series, 1u);
    ASSERT_THAT(report.regressions, SizeIs(1));
    EXPECT_EQ(report.regressions.front().status, RegressionStatus::confirmed)
        << report.regressions.front().doubt;
}

}  // namespace
}  // namespace peakward
