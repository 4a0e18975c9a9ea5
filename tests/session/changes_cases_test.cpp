// Small files of other people's numbers that were read wrongly or judged wrongly once.
#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>

#include "session/changes.hpp"

namespace peakward {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class RunsOn final : public StopToken {
public:
    bool stop_requested() const override { return false; }
};

class StopAtOnce final : public StopToken {
public:
    bool stop_requested() const override { return true; }
};

std::string case_file(const std::string& name) {
    return std::string(PEAKWARD_SOURCE_DIR) + "/tests/fixtures/changes/" + name + ".csv";
}

ChangesReply look_at(const std::string& name, bool watched = false) {
    ChangesRequest request;
    request.paths = {case_file(name)};
    request.options.watched = watched;
    auto reply = look_for_changes(request, RunsOn());
    EXPECT_TRUE(reply) << reply.error().message;
    return reply ? *reply : ChangesReply{};
}

std::string refusal_of(const std::string& name) {
    const auto reply = look_for_changes({{case_file(name)}, {}, {}}, RunsOn());
    EXPECT_FALSE(reply) << name;
    return reply ? std::string() : reply.error().message;
}

// The only change of the only series.
Change only_change(const ChangesReply& reply) {
    EXPECT_THAT(reply.series, SizeIs(1));
    if (reply.series.size() != 1) return {};
    const auto& changes = reply.series[0].report.changes;
    EXPECT_THAT(changes, SizeIs(1));
    return changes.size() == 1 ? changes[0] : Change{};
}

TEST(ChangesCases, AColumnOfCommitsIsTextThoughSomeLookLikeNumbers) {
    const ChangesReply reply = look_at("commit-column");
    const Change change = only_change(reply);
    EXPECT_EQ(change.index, 20u);
    EXPECT_NEAR(change.effect_percent, 10, 1);
    EXPECT_EQ(reply.column_of(reply.series[0]), "gflops");
    EXPECT_THAT(reply.notes, Contains(HasSubstr("left out commit (text, first 'ba73a15')")));
}

TEST(ChangesCases, DatesWithSlashesAreTimesAndNewestFirstIsTurnedRound) {
    const ChangesReply reply = look_at("dates-slashes-newest-first");
    const Change change = only_change(reply);
    EXPECT_NEAR(change.effect_percent, 10.4, 1);
    EXPECT_THAT(reply.time_of(reply.series[0], change.index), HasSubstr("2024/05/06"));
    EXPECT_THAT(reply.notes, Contains(HasSubstr("the newest row stands first")));
}

TEST(ChangesCases, TheFirstValuesMayBeZero) {
    const ChangesReply reply = look_at("first-values-zero");
    ASSERT_THAT(reply.series, SizeIs(1));
    const ChangeReport& report = reply.series[0].report;
    ASSERT_THAT(report.changes, SizeIs(2));
    EXPECT_EQ(report.changes[0].index, 3u);
    EXPECT_EQ(report.changes[0].before, 0);
    EXPECT_EQ(report.changes[1].index, 6u);
    EXPECT_LE(report.noise.outlier_share, 0.15);
}

TEST(ChangesCases, ValuesNearTheLargestDoubleAreOrdinary) {
    const Change change = only_change(look_at("huge-values"));
    EXPECT_EQ(change.index, 20u);
    EXPECT_NEAR(change.effect_percent, -44, 1);
    EXPECT_NEAR(change.before / 1.6e308, 1, 0.02);
}

TEST(ChangesCases, WholeNumbersThatWobbleByOneHaveOneStep) {
    const ChangesReply reply = look_at("integer-noise");
    const Change change = only_change(reply);
    EXPECT_EQ(change.index, 30u);
    EXPECT_NEAR(change.before, 9.2, 0.2);
    EXPECT_NEAR(change.after, 12.1, 0.2);
    EXPECT_LT(reply.series[0].report.noise.rho, 0.4);
}

TEST(ChangesCases, DecimalCommasInQuotesAreNumbers) {
    const ChangesReply reply = look_at("jmh-decimal-comma");
    std::vector<std::string> changed;
    for (const ChangedSeries& one : reply.series)
        if (!one.report.changes.empty()) changed.push_back(reply.column_of(one));
    EXPECT_THAT(changed, testing::ElementsAre("Score"));
    EXPECT_THAT(reply.notes, Contains(HasSubstr("left out")));
}

TEST(ChangesCases, ALongTableIsToldWhatToDo) {
    const std::string refusal = refusal_of("k6-long");
    EXPECT_THAT(refusal, HasSubstr("is a long table: column 'metric_name'"));
    EXPECT_THAT(refusal, HasSubstr("http_reqs"));
    EXPECT_THAT(refusal, HasSubstr("awk"));
}

TEST(ChangesCases, ALastNewValueIsSuspected) {
    for (const bool watched : {false, true}) {
        const ChangesReply reply = look_at("last-value", watched);
        ASSERT_THAT(reply.series, SizeIs(1));
        const ChangeReport& report = reply.series[0].report;
        EXPECT_THAT(report.changes, IsEmpty());
        ASSERT_TRUE(report.suspected);
        EXPECT_EQ(report.suspected->index, 30u);
        EXPECT_NEAR(report.suspected->effect_percent, 1, 1e-9);
        EXPECT_FALSE(report.outliers[30]);
    }
}

TEST(ChangesCases, OneAbsurdValueHidesNothing) {
    const ChangesReply reply = look_at("one-huge-outlier");
    const Change change = only_change(reply);
    EXPECT_EQ(change.index, 40u);
    EXPECT_NEAR(change.effect_percent, 10, 1);
    EXPECT_TRUE(reply.series[0].report.outliers[12]);
    EXPECT_LT(reply.series[0].report.noise.sigma, 2);
}

TEST(ChangesCases, CommasThatMayPartThousandsAreRefused) {
    const std::string refusal = refusal_of("semicolon-thousands");
    EXPECT_THAT(refusal,
                HasSubstr("line 2: '1,006' may be a number with decimals or one of thousands"));
}

TEST(ChangesCases, NoLevelIsOneThatNoValueHas) {
    const ChangesReply reply = look_at("short-middle-level");
    const Change change = only_change(reply);
    EXPECT_TRUE(change.index == 20 || change.index == 22) << change.index;
    EXPECT_NEAR(change.effect_percent, 50, 1);
    EXPECT_NEAR(change.after, 150, 1);
}

TEST(ChangesCases, ALevelOfZeroIsExactlyZero) {
    const ChangesReply reply = look_at("zero-baseline");
    const Change change = only_change(reply);
    EXPECT_EQ(change.index, 20u);
    EXPECT_EQ(change.before, 0);
    EXPECT_EQ(change.after, 12);
    EXPECT_EQ(change.effect_percent, 0);
    EXPECT_EQ(reply.series[0].report.noise.sigma, 0);
    EXPECT_FALSE(reply.series[0].report.noise.two_modes);
}

TEST(ChangesCases, ASearchCanBeStopped) {
    const auto reply = look_for_changes({{case_file("integer-noise")}, {}, {}}, StopAtOnce());
    ASSERT_FALSE(reply);
    EXPECT_THAT(reply.error().message, HasSubstr("interrupted"));
}

}  // namespace
}  // namespace peakward
