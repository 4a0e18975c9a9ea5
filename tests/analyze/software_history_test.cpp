#include "analyze/software_history.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "analyze/planted.hpp"
#include "analyze/series_levels.hpp"
#include "make_series.hpp"

namespace peakward {
namespace {

using namespace analyze_test;
using Versions = std::map<std::string, std::optional<std::string>>;

// Points with the stack of each, and facts in which stack n has these components.
struct SoftwareBench {
    Series series;
    FactsBySeq facts;

    SoftwareBench(const std::vector<double>& values, const std::vector<int>& stacks,
                  const std::vector<Versions>& components)
        : series(make_series(values)) {
        for (std::size_t i = 0; i < values.size(); ++i) {
            SeriesPoint& point = series.points[i];
            point.stack = stacks[i];
            RunFacts& run = facts[point.seq];
            run.seq = point.seq;
            run.time_unix = point.time_unix;
            run.hardware_fingerprint = "c3f840a080356806";
            run.stack_digest = run.software_fingerprint = "stack" + std::to_string(stacks[i]);
            run.peakward_version = "0.1.0";
            run.components = components[static_cast<std::size_t>(stacks[i])];
            run.firmware = {{"cpu_microcode", "0x2c"}};
        }
    }
};

const Versions numpy1{{"numpy_version", "1.26.4"}, {"os_kernel", "6.1"}};
const Versions numpy2{{"numpy_version", "2.2.6"}, {"os_kernel", "6.1"}};
const Versions numpy2_kernel{{"numpy_version", "2.2.6"}, {"os_kernel", "6.8"}};

TEST(SoftwareHistory, AnEventNamesTheComponentsThatChanged) {
    const SoftwareBench bench({60, 60, 70, 70, 71}, {0, 0, 1, 1, 2},
                              {numpy1, numpy2, numpy2_kernel});
    const auto events = events_of(bench.series, bench.facts);
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(events[0].kind, HistoryEvent::Kind::software);
    EXPECT_EQ(events[0].time_unix, bench.series.points[2].time_unix);
    ASSERT_EQ(events[0].changes.size(), 1u);
    EXPECT_EQ(to_string(events[0].changes[0]), "numpy 1.26.4 -> 2.2.6");
    EXPECT_EQ(to_string(events[1].changes.at(0)), "os_kernel 6.1 -> 6.8");
}

TEST(SoftwareHistory, ANewFingerprintOfTheLineageIsAFirmwareChange) {
    SoftwareBench bench({60, 60, 61}, {0, 0, 0}, {numpy1});
    RunFacts& run = bench.facts.at(3);
    run.hardware_fingerprint = "ffffffffffffffff";
    run.firmware = {{"cpu_microcode", "0x2f"}};
    const auto events = events_of(bench.series, bench.facts);
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].kind, HistoryEvent::Kind::firmware);
    EXPECT_EQ(to_string(events[0].changes.at(0)), "cpu_microcode 0x2c -> 0x2f");
}

TEST(SoftwareHistory, APeakwardThatMeasuresOtherwiseIsAComponent) {
    RunFacts before, after;
    before.peakward_version = "0.1.0";
    after.peakward_version = "0.2.0";
    after.components = {{"numpy_version", "2.2.6"}};
    const auto changes = changed_components(before, after);
    ASSERT_EQ(changes.size(), 2u);
    EXPECT_EQ(to_string(changes[0]), "numpy none -> 2.2.6");
    EXPECT_EQ(to_string(changes[1]), "peakward 0.1.0 -> 0.2.0");
}

TEST(SoftwareHistory, ANameThatStaysIsSaidOnce) {
    EXPECT_EQ(to_string(ComponentChange{"blas_library", "OpenBLAS 0.3.10", "OpenBLAS 0.3.15"}),
              "blas_library OpenBLAS 0.3.10 -> 0.3.15");
    EXPECT_EQ(to_string(ComponentChange{"blas_library", "OpenBLAS 0.3.10", "MKL 2025"}),
              "blas_library OpenBLAS 0.3.10 -> MKL 2025");
}

TEST(SoftwareHistory, AsksForRunsAtChangesOnly) {
    const SoftwareBench bench({1, 1, 1, 2, 2, 2, 2}, {0, 0, 0, 1, 1, 1, 1}, {numpy1, numpy2});
    EXPECT_EQ(runs_at_changes(bench.series, {}), (std::vector<std::int64_t>{1, 3, 4, 7}));
    const std::int64_t firmware_unix = bench.series.points[5].time_unix;
    EXPECT_EQ(runs_at_changes(bench.series, std::span(&firmware_unix, 1)),
              (std::vector<std::int64_t>{1, 3, 4, 5, 6, 7}));
}

TEST(SoftwareHistory, EventsNeedOnlyTheseRuns) {
    SoftwareBench bench({1, 1, 1, 2, 2, 2, 2}, {0, 0, 0, 1, 1, 1, 1}, {numpy1, numpy2});
    const auto all = events_of(bench.series, bench.facts);
    const auto needed = runs_at_changes(bench.series, {});
    std::erase_if(bench.facts, [&](const auto& entry) {
        return std::find(needed.begin(), needed.end(), entry.first) == needed.end();
    });
    const auto few = events_of(bench.series, bench.facts);
    ASSERT_EQ(all.size(), 1u);
    ASSERT_EQ(few.size(), 1u);
    EXPECT_EQ(few[0].time_unix, all[0].time_unix);
}

TEST(SoftwareImpact, HasOneRowAStackAndNamesTheComponentThatMoved) {
    const SoftwareBench bench({156.3, 156.1, 156.5, 178.9, 178.7, 179.1, 179.0, 178.8},
                              {0, 0, 0, 1, 1, 1, 2, 2}, {numpy1, numpy2, numpy2_kernel});
    const SoftwareImpact impact = impact_of(bench.series, bench.facts);
    ASSERT_EQ(impact.stacks.size(), 3u);
    EXPECT_DOUBLE_EQ(impact.stacks[0].value->median, 156.3);
    EXPECT_TRUE(impact.stacks[0].changes.empty());
    EXPECT_NEAR(*impact.stacks[1].change_percent, 14.46, 0.01);
    EXPECT_TRUE(impact.stacks[1].moved);
    EXPECT_FALSE(impact.stacks[2].moved);
    EXPECT_NEAR(impact.total_percent.value_or(0), 14.46, 0.1);
    EXPECT_EQ(impact.strongest, std::optional<std::size_t>(1));
    ASSERT_TRUE(impact.cause);
    EXPECT_EQ(impact.cause->name, "numpy_version");
}

TEST(SoftwareImpact, SeveralComponentsAtOnceAreConfounded) {
    const SoftwareBench bench({100, 100, 120, 120}, {0, 0, 1, 1}, {numpy1, numpy2_kernel});
    const SoftwareImpact impact = impact_of(bench.series, bench.facts);
    EXPECT_TRUE(impact.strongest);
    EXPECT_FALSE(impact.cause);
    EXPECT_EQ(impact.stacks[1].changes.size(), 2u);
}

TEST(SoftwareImpact, AStackThatComesBackIsTheSameRow) {
    const SoftwareBench bench({100, 120, 101}, {0, 1, 0}, {numpy1, numpy2});
    const SoftwareImpact impact = impact_of(bench.series, bench.facts);
    ASSERT_EQ(impact.stacks.size(), 2u);
    EXPECT_EQ(impact.stacks[0].runs, 2u);
    EXPECT_EQ(impact.latest, std::optional<std::size_t>(0));
    EXPECT_FALSE(impact.total_percent) << "it is where it began";
}

TEST(SoftwareImpact, DoubtfulRunsAreShownAndMoveNothing) {
    SoftwareBench bench({100, 150}, {0, 1}, {numpy1, numpy2});
    for (SeriesPoint& point : bench.series.points) point.doubts = doubt_forced;
    const SoftwareImpact impact = impact_of(bench.series, bench.facts);
    EXPECT_TRUE(impact.doubtful);
    EXPECT_TRUE(impact.stacks[1].doubtful);
    EXPECT_DOUBLE_EQ(impact.stacks[1].value->median, 150);
    EXPECT_FALSE(impact.stacks[1].moved);
    EXPECT_FALSE(impact.strongest);
    // One run that counts is not mixed with those that do not.
    bench.series.points[0].doubts = 0;
    EXPECT_FALSE(impact_of(bench.series, bench.facts).doubtful);
    EXPECT_FALSE(impact_of(bench.series, bench.facts).total_percent);
}

TEST(SoftwareImpact, LessIsBetterForTimes) {
    SoftwareBench bench({2, 1}, {0, 1}, {numpy1, numpy2});
    bench.series.key.metric = "median_s";
    bench.series.key.unit = "s";
    EXPECT_DOUBLE_EQ(*impact_of(bench.series, bench.facts).total_percent, 100);
}

// Seven stacks of 1 to 7 runs with known levels, and 1 % of noise that is drawn again and again.
struct Covered {
    int steps = 0, steps_inside = 0, totals_inside = 0, levels = 0, levels_inside = 0;
};
Covered covered_by(std::uint64_t seed, double noise) {
    const std::vector<int> runs{3, 1, 5, 2, 7, 4, 2};
    const std::vector<double> levels{1000, 1120, 1090, 1200, 1205, 1290, 1300};
    planted::Gaussian gaussian(seed);
    std::vector<double> values;
    std::vector<int> stacks;
    for (std::size_t stack = 0; stack < runs.size(); ++stack)
        for (int i = 0; i < runs[stack]; ++i) {
            values.push_back(levels[stack] * std::exp(noise * gaussian()));
            stacks.push_back(static_cast<int>(stack));
        }
    const SoftwareBench bench(values, stacks, std::vector<Versions>(runs.size(), numpy1));
    const SoftwareImpact impact = impact_of(bench.series, bench.facts);
    Covered covered;
    const auto holds = [](const auto& low, const auto& high, double truth) {
        return low && high && *low <= truth && truth <= *high ? 1 : 0;
    };
    for (std::size_t i = 0; i < levels.size(); ++i) {
        const StackImpact& row = impact.stacks.at(i);
        ++covered.levels;
        covered.levels_inside += holds(row.value->ci_low, row.value->ci_high, levels[i]);
        if (i == 0) continue;
        ++covered.steps;
        covered.steps_inside +=
            holds(row.ci_low_percent, row.ci_high_percent, 100 * (levels[i] / levels[i - 1] - 1));
    }
    covered.totals_inside = holds(impact.total_ci_low_percent, impact.total_ci_high_percent,
                                  100 * (levels.back() / levels.front() - 1));
    return covered;
}

TEST(SoftwareImpact, NinetyFivePercentOfRedrawnHistoriesHoldTheTruth) {
    constexpr int histories = 400;
    for (const double noise : {0.002, 0.02}) {
        Covered all;
        for (int i = 0; i < histories; ++i) {
            const Covered one = covered_by(static_cast<std::uint64_t>(4000 + i), noise);
            all.steps += one.steps;
            all.steps_inside += one.steps_inside;
            all.levels += one.levels;
            all.levels_inside += one.levels_inside;
            all.totals_inside += one.totals_inside;
        }
        const double steps = static_cast<double>(all.steps_inside) / all.steps;
        const double levels = static_cast<double>(all.levels_inside) / all.levels;
        const double totals = static_cast<double>(all.totals_inside) / histories;
        for (const double share : {steps, levels, totals}) {
            EXPECT_GE(share, 0.90) << "noise " << noise;
            EXPECT_LE(share, 0.97) << "noise " << noise;
        }
    }
}

TEST(SoftwareImpact, AStepWithinTheNoiseIsNotOneThatMoved) {
    int moved = 0;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        planted::Gaussian gaussian(seed);
        std::vector<double> values;
        for (int i = 0; i < 8; ++i) values.push_back(100 * std::exp(0.01 * gaussian()));
        const SoftwareBench bench(values, {0, 0, 0, 0, 0, 0, 0, 1}, {numpy1, numpy2});
        moved += impact_of(bench.series, bench.facts).stacks[1].moved ? 1 : 0;
    }
    EXPECT_LE(moved, 20) << "of 200: one in twenty is what 95 % means";
}

TEST(SoftwareImpact, WithoutRepeatsThereIsNoInterval) {
    const SoftwareBench bench({100, 150}, {0, 1}, {numpy1, numpy2});
    const SoftwareImpact alone = impact_of(bench.series, bench.facts);
    EXPECT_DOUBLE_EQ(*alone.total_percent, 50);
    EXPECT_FALSE(alone.total_ci_low_percent);
    EXPECT_FALSE(alone.stacks[1].moved) << "one run a side, and nothing known of the noise";
    // Repeats of a similar series tell.
    const SoftwareBench similar({200, 201, 199, 200}, {0, 0, 0, 0}, {numpy1});
    const std::vector<const Series*> all{&bench.series, &similar.series};
    const SoftwareImpact beside = impact_of(bench.series, bench.facts, learned_noise(all)[0]);
    EXPECT_TRUE(beside.total_ci_low_percent);
    EXPECT_EQ(beside.noise.source, NoiseSource::pooled);
}

TEST(SoftwareHistory, AVariableIsAComponentUnlessTheHostOverridesIt) {
    RunFacts before, after;
    after.components = {{"OPENBLAS_CORETYPE", "Prescott"}, {"OMP_NUM_THREADS", "4"}};
    const auto changes = changed_components(before, after);
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_EQ(to_string(changes[0]), "OPENBLAS_CORETYPE not set -> Prescott");
}

}  // namespace
}  // namespace peakward
