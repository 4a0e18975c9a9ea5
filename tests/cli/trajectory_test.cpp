#include <algorithm>

#include "cli/history_fixture.hpp"
#include "core/text.hpp"
#include "golden.hpp"
#include "present/display_text.hpp"

namespace peakward::cli {
namespace {

using testing_support::expect_golden;

class TrajectoryVerb : public HistoryTest {};

int widest(const std::string& text) {
    int width = 0;
    for (const std::string& line : split(text, '\n')) width = std::max(width, display_width(line));
    return width;
}

TEST_F(TrajectoryVerb, ShowsPlotRunsMilestonesAndEvents) {
    store_runs(history_of({}));
    expect_golden(run({"trajectory", "--hardware", "c3f840"}).out, "cli/golden/trajectory.txt");
    expect_golden(at_width(160, {"trajectory", "--ascii", "--limit", "3"}).out,
                  "cli/golden/trajectory_wide_ascii.txt");
}

TEST_F(TrajectoryVerb, FitsEveryWidth) {
    store_runs(history_of({}));
    for (const int columns : {40, 80, 120, 200})
        EXPECT_LE(widest(at_width(columns, {"trajectory"}).out), columns);
}

TEST_F(TrajectoryVerb, DocumentHasTheNamesOthersRelyOn) {
    store_runs(history_of({}));
    const Json document = this->document({"trajectory", "--hardware", "c3f840a080356806"});
    ASSERT_EQ(document["points"].size(), std::size_t{history_weeks});
    const Json& point = document["points"][0];
    EXPECT_EQ(point["timestamp"], "2026-01-05T12:00:00Z");
    EXPECT_EQ(point["software_fingerprint"], "1086d41799aa0011");
    EXPECT_NEAR(point["efficiency"].get<double>(), 0.6125, 0.01);
    for (const char* name : {"value", "ci_low", "ci_high"}) EXPECT_TRUE(point.contains(name));
    EXPECT_EQ(document["milestones"]["70"], 35);
    EXPECT_EQ(document["milestones"]["80"], 77);
    EXPECT_EQ(document["milestones"]["90"], 119);
    EXPECT_GT(document["improvement_percent_per_month"].get<double>(), 2);
    EXPECT_EQ(document["points"][8]["doubts"], Json::array({"contended"}));
    // The other series are there, and the top level says which one it is.
    EXPECT_EQ(document["backend"], "blas");
    EXPECT_EQ(document["precision"], "fp32");
    EXPECT_EQ(document["series"].size(), 3u);
}

TEST_F(TrajectoryVerb, EventsNameWhatChanged) {
    store_runs(history_of({}));
    const Json events = document({"trajectory"})["events"];
    ASSERT_EQ(events.size(), 6u);
    EXPECT_EQ(events[0]["kind"], "software");
    EXPECT_EQ(events[0]["changes"][0]["component"], "blas_library");
    EXPECT_EQ(events[0]["changes"][0]["after"], "OpenBLAS 0.3.15");
    const Json& firmware = events[3];
    EXPECT_EQ(firmware["kind"], "firmware");
    EXPECT_EQ(firmware["changes"][0]["component"], "cpu_microcode");
    EXPECT_EQ(firmware["after"], "9d1e840a08035680");
    EXPECT_EQ(events[5]["changes"].size(), 2u) << "kernel and BLAS came together";
}

TEST_F(TrajectoryVerb, FollowsTheLineageThroughAFirmwareChange) {
    store_runs(history_of({}));
    EXPECT_EQ(document({"trajectory", "--hardware", "9d1e840a"})["points"].size(),
              std::size_t{history_weeks});
}

TEST_F(TrajectoryVerb, FiltersChooseTheSeries) {
    store_runs(history_of({}));
    const Json half = document({"trajectory", "--precision", "fp64"});
    EXPECT_EQ(half["precision"], "fp64");
    EXPECT_EQ(half["series"].size(), 1u);
    EXPECT_EQ(document({"trajectory", "--backend", "native"})["backend"], "native");
    const Json year = document({"trajectory", "--since", "2026-03-01", "--until", "2026-03-31"});
    EXPECT_EQ(year["points"].size(), 5u);
    const Json memory = document({"trajectory", "--metric", "stream_best_gbps"});
    EXPECT_EQ(memory["unit"], "GB/s");
    EXPECT_EQ(memory["points"][0]["value"], 72.4);
}

TEST_F(TrajectoryVerb, OneRunOnlyIsShownAndSaidSo) {
    store_runs(history_of({}, 1));
    const Ended text = run({"trajectory"});
    EXPECT_EQ(text.code, 0) << text.err;
    EXPECT_NE(text.out.find("One run only"), std::string::npos);
    const Json document = this->document({"trajectory"});
    EXPECT_EQ(document["milestones"]["70"], nullptr);
    EXPECT_EQ(document["improvement_percent_per_month"], nullptr);
    EXPECT_EQ(document["improvement_unknown"], "one run only");
}

TEST_F(TrajectoryVerb, WithoutAPeakItShowsTheFiguresAndTheReason) {
    HistoryMachine machine;
    machine.peak_gops = 0;
    store_runs(history_of(machine));
    const Ended text = run({"trajectory", "--precision", "fp32"});
    EXPECT_EQ(text.code, 0) << text.err;
    EXPECT_NE(text.out.find("No efficiency:"), std::string::npos) << text.out;
    EXPECT_NE(text.out.find("Best measured compute (GOPS)"), std::string::npos) << text.out;
    const Json document = this->document({"trajectory"});
    EXPECT_EQ(document["points"][0]["efficiency"], nullptr);
    EXPECT_EQ(document["milestones"]["70"], nullptr);
}

TEST_F(TrajectoryVerb, AboveThePeakMeetsNoMilestone) {
    HistoryMachine machine;
    std::vector<peakward::Run> runs = history_of(machine);
    for (peakward::Run& run : runs)
        for (Score& score : run.results) {
            score.theoretical_peak.value /= 3;
            score.efficiency = *score.efficiency * 3;
            score.flags.emplace_back("above_theoretical");
        }
    store_runs(runs);
    const Json document = this->document({"trajectory"});
    EXPECT_EQ(document["milestones"]["70"], nullptr);
    EXPECT_GT(document["points"][0]["efficiency"].get<double>(), 1.02);
    EXPECT_NE(run({"trajectory"}).out.find("above_theoretical"), std::string::npos);
}

TEST_F(TrajectoryVerb, AClockThatJumpedBackIsSaid) {
    std::vector<peakward::Run> runs = history_of({}, 6);
    std::rotate(runs.begin(), runs.begin() + 3, runs.end());
    store_runs(runs);
    const Ended text = run({"trajectory"});
    EXPECT_EQ(text.code, 0) << text.err;
    EXPECT_NE(text.out.find("stored before"), std::string::npos) << text.out;
    const Json points = document({"trajectory"})["points"];
    for (std::size_t i = 1; i < points.size(); ++i)
        EXPECT_LT(points[i - 1]["timestamp"].get<std::string>(),
                  points[i]["timestamp"].get<std::string>());
}

TEST_F(TrajectoryVerb, TwoRunsAtOneInstantAreTwoPoints) {
    std::vector<peakward::Run> runs = history_of({}, 2);
    runs[1].timestamp = runs[0].timestamp;
    runs[1].timestamp_unix = runs[0].timestamp_unix;
    store_runs(runs);
    const Json document = this->document({"trajectory"});
    EXPECT_EQ(document["points"].size(), 2u);
    EXPECT_EQ(document["improvement_unknown"], "the runs span less than a day");
    EXPECT_EQ(run({"trajectory"}).code, 0);
}

TEST_F(TrajectoryVerb, InstallsOfOneMachineAreShownTogether) {
    HistoryMachine other;
    other.install = "install-b";
    other.seed = 2;
    store_runs(history_of({}, 10));
    store_runs(history_of(other, 10));
    const Json document = this->document({"trajectory"});
    EXPECT_EQ(document["points"].size(), 20u);
    EXPECT_EQ(document["series"].size(), 3u);
    EXPECT_NE(run({"trajectory"}).out.find("■ install install-"), std::string::npos);
}

TEST_F(TrajectoryVerb, UnknownAndAmbiguousHardwareListCandidates) {
    HistoryMachine other;
    other.lineage = "5d41402abc4bffff";
    other.fingerprint = "c3f840a08035ffff";
    other.seed = 2;
    store_runs(history_of({}, 2));
    store_runs(history_of(other, 2));
    const Ended unknown = run({"trajectory", "--hardware", "77777777"});
    EXPECT_EQ(unknown.code, 2);
    EXPECT_NE(unknown.err.find("5d41402abc4b2a76"), std::string::npos) << unknown.err;
    const Ended ambiguous = run({"trajectory", "--hardware", "c3f840a08035"});
    EXPECT_EQ(ambiguous.code, 2);
    EXPECT_NE(ambiguous.err.find("5d41402abc4bffff"), std::string::npos) << ambiguous.err;
}

TEST_F(TrajectoryVerb, WrongRequestsAreSaidPlainly) {
    store_runs(history_of({}, 2));
    const Ended period = run({"trajectory", "--since", "2026-06-01", "--until", "2026-05-01"});
    EXPECT_EQ(period.code, 2);
    EXPECT_NE(period.err.find("lies after"), std::string::npos) << period.err;
    EXPECT_EQ(run({"trajectory", "--precision", "fp33"}).code, 2);
    EXPECT_EQ(run({"trajectory", "--plot", "pie"}).code, 2);
    EXPECT_EQ(run({"trajectory", "--ascii", "--plot", "braille"}).code, 2);
    EXPECT_EQ(run({"trajectory", "--limit", "-1"}).code, 2);
    EXPECT_EQ(run({"trajectory", "--since", "soon"}).code, 2);
    const Ended nothing = run({"trajectory", "--backend", "onednn"});
    EXPECT_EQ(nothing.code, 1);
    EXPECT_NE(nothing.err.find("blas"), std::string::npos) << nothing.err;
    EXPECT_EQ(run({"trajectory", "--db", file("none.db")}).code, 1);
}

TEST_F(TrajectoryVerb, CsvHasEveryRunAndMarkdownThePlot) {
    store_runs(history_of({}));
    const std::string csv = run({"trajectory", "--format", "csv", "--limit", "2"}).out;
    EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), history_weeks + 1);
    EXPECT_EQ(csv.find("timestamp,software_fingerprint,value,ci_low,ci_high,"), 0u);
    const std::string markdown = run({"trajectory", "--format", "markdown"}).out;
    EXPECT_NE(markdown.find("```text\n"), std::string::npos);
    EXPECT_EQ(markdown.find("# Trajectory"), 0u);
    EXPECT_EQ(run({"trajectory", "--plot", "none"}).out.find("┤"), std::string::npos);
}

}  // namespace
}  // namespace peakward::cli
