// The verbs regressions and forecast as a user and a pipeline meet them.
#include <cmath>

#include "cli/fixture.hpp"
#include "store/make_run.hpp"
#include "store/run_store.hpp"

namespace peakward::cli {
namespace {

// Runs whose blas fp32 peak is what a test says, everything else 250; one stack a level.
class Regressions : public CliTest {
protected:
    struct Level {
        int runs;
        double gops;
    };

    void store(const std::vector<Level>& levels) {
        std::vector<peakward::Run> runs;
        int stack = 0, day = 0;
        for (const Level& level : levels) {
            ++stack;
            for (int i = 0; i < level.runs; ++i) runs.push_back(make(level.gops, stack, ++day));
        }
        auto opened = open_store(database(), OpenMode::append);
        ASSERT_TRUE(opened) << opened.error().message;
        const auto outcome = (*opened)->append_all(runs);
        ASSERT_TRUE(outcome) << outcome.error().message;
    }

    static peakward::Run make(double gops, int stack, int day) {
        peakward::Run run =
            store_test::make_run({.seed = static_cast<std::uint64_t>(day),
                                  .measurements = 1,
                                  .windows = 1,
                                  .timestamp_unix = 1'795'000'000 + 86'400 * 10 * day});
        auto& software = run.context.software;
        software.components["blas_library"] =
            Fact<std::string>::known("OpenBLAS 0.3." + std::to_string(stack), "libblas.so.3");
        software.stack_digest = "000000000000000" + std::to_string(stack);
        // +-0.3 %, the same every time.
        const double wobble = 1 + 0.003 * ((day * 7) % 3 - 1);
        for (Score& score : run.results) {
            const bool subject = score.backend == "blas" && score.precision == "fp32";
            score.stream_best_gbps.reset();
            score.blas3_gops.reset();
            score.peak_measured_gops = (subject ? gops : 250) * wobble;
            score.efficiency = *score.peak_measured_gops / 300;
        }
        return run;
    }
};

TEST_F(Regressions, TheRecordHasItsNamesAndNamesItsBaseline) {
    store({{5, 250}, {3, 230}});
    const Json found = document({"regressions"});
    ASSERT_EQ(found["regressions"].size(), 2u);  // previous and best, the same level
    EXPECT_EQ(found["regressions"][0]["baseline"], "previous");
    EXPECT_EQ(found["regressions"][1]["baseline"], "best");
    const Json& record = found["regressions"][0];
    for (const char* name :
         {"hardware", "device", "backend", "precision", "metric", "previous", "current",
          "change_percent", "p_value", "confidence", "likely_cause", "recommendation", "status",
          "ci_low_percent", "ci_high_percent", "noise", "previous_runs", "current_runs"})
        EXPECT_TRUE(record.contains(name)) << name;
    EXPECT_EQ(record["status"], "confirmed");
    EXPECT_NEAR(record["previous"].get<double>(), 250, 2);
    EXPECT_NEAR(record["current"].get<double>(), 230, 2);
    EXPECT_NEAR(record["change_percent"].get<double>(), -8, 0.6);
    EXPECT_NE(record["likely_cause"].get<std::string>().find("OpenBLAS 0.3.1 -> OpenBLAS 0.3.2"),
              std::string::npos);
    EXPECT_EQ(document({"regressions", "--baseline", "best"})["regressions"].size(), 1u);
}

TEST_F(Regressions, CheckFailsOnlyOnWhatIsConfirmed) {
    store({{5, 250}, {1, 230}});
    EXPECT_EQ(run({"regressions", "--check"}).code, 0);
    EXPECT_EQ(run({"regressions", "--check", "--strict"}).code, 4);
    EXPECT_EQ(run({"regressions"}).code, 0);
    EXPECT_EQ(run({"regressions", "--check", "--strict", "--threshold", "20"}).code, 0);
}

TEST_F(Regressions, CheckExitsWithFour) {
    store({{5, 250}, {3, 230}});
    EXPECT_EQ(run({"regressions", "--check"}).code, 4);
    EXPECT_EQ(run({"regressions", "--check", "--format", "junit"}).code, 4);
    EXPECT_EQ(run({"regressions", "--check", "--precision", "fp64"}).code, 0);
}

TEST_F(Regressions, ThePageSaysWhatReleaseManagersAsk) {
    store({{5, 250}, {3, 230}});
    const std::string page = run({"regressions"}).out;
    for (const char* words :
         {"REGRESSION DETECTION (threshold: 3.0 %)", "Found 1 regression", "confirmed", "Previous",
          "Current", "Likely cause", "BLAS library", "Recommendation", "rollback", "Noise"})
        EXPECT_NE(page.find(words), std::string::npos) << words << "\n" << page;
}

TEST_F(Regressions, NoneSaysWhatWasLookedAt) {
    store({{5, 250}, {3, 250}});
    const std::string page = run({"regressions"}).out;
    EXPECT_NE(page.find("No regressions."), std::string::npos) << page;
    EXPECT_NE(page.find("4 series with 32 run points"), std::string::npos) << page;
    EXPECT_TRUE(document({"regressions"})["regressions"].empty());
}

TEST_F(Regressions, OneRunOnlyCannotBeJudgedAndSaysWhy) {
    store({{1, 250}});
    const std::string page = run({"regressions"}).out;
    EXPECT_NE(page.find("one run only"), std::string::npos) << page;
    EXPECT_NE(page.find("Nothing can be judged yet"), std::string::npos) << page;
    EXPECT_EQ(page.find("No regressions"), std::string::npos) << "nobody could know\n" << page;
}

TEST_F(Regressions, NothingJudgedIsNotFine) {
    store({{1, 250}});
    EXPECT_EQ(run({"regressions", "--check"}).code, 0);
    EXPECT_EQ(run({"regressions", "--check", "--require-verdict"}).code, 5);
    EXPECT_NE(run({"regressions", "--check"}).out.find("(0 of 4 series)"), std::string::npos);
    const std::string junit = run({"regressions", "--check", "--format", "junit"}).out;
    EXPECT_NE(junit.find("skipped=\"4\""), std::string::npos) << junit;
    EXPECT_NE(junit.find("<skipped message=\"not judged: one run only\"/>"), std::string::npos);
    const auto github = run({"regressions", "--check", "--require-verdict", "--format", "github"});
    EXPECT_EQ(github.code, 5);
    EXPECT_NE(github.out.find("4 series not judged: one run only"), std::string::npos);
    EXPECT_NE(github.out.find("::error"), std::string::npos) << github.out;
    const Json document = this->document({"regressions"});
    ASSERT_EQ(document["not_judged_series"].size(), 4u);
    EXPECT_EQ(document["not_judged_series"][0]["reason"], "one run only");
}

TEST_F(Regressions, AVerdictIsEnoughForRequireVerdict) {
    store({{5, 250}, {3, 250}});
    EXPECT_EQ(run({"regressions", "--check", "--require-verdict"}).code, 0);
    EXPECT_NE(run({"regressions"}).out.find("No regressions. 4 of 4 series could be judged."),
              std::string::npos);
}

TEST_F(Regressions, OneRunBeforeAndOneAfterSuspectsADropAndSaysByWhat) {
    store({{1, 250}, {1, 236.5}});  // -5.4 %
    const Json found = document({"regressions", "--baseline", "previous"});
    ASSERT_EQ(found["regressions"].size(), 1u);
    EXPECT_EQ(found["regressions"][0]["status"], "suspected");
    EXPECT_EQ(found["regressions"][0]["noise"]["source"], "table");
    EXPECT_EQ(found["regressions"][0]["suspected_because"], "one run only shows it");
    EXPECT_EQ(run({"regressions", "--check"}).code, 0);
    EXPECT_EQ(run({"regressions", "--check", "--strict"}).code, 4);
    EXPECT_NE(run({"regressions"}).out.find("from a table"), std::string::npos);
}

TEST_F(Regressions, ADropThatCameBackIsShownWithAll) {
    store({{8, 250}, {8, 225}, {8, 250}});
    const std::string page = run({"regressions"}).out;
    EXPECT_NE(page.find("No regressions."), std::string::npos) << page;
    EXPECT_NE(page.find("1 drop of the past has recovered: --all shows it."), std::string::npos);
    EXPECT_EQ(page.find("Recovered #1"), std::string::npos) << page;
    const std::string all = run({"regressions", "--all"}).out;
    for (const char* words :
         {"Recovered #1", "Previous      250.1 GOPS (8 runs)", "Low           224.9 GOPS (8 runs)",
          "-10.1 %", "8 agreeing runs", "Recovered     2027-05-07 11:06:40 UTC",
          "OpenBLAS 0.3.1 -> OpenBLAS 0.3.2", "No regressions."})
        EXPECT_NE(all.find(words), std::string::npos) << words << "\n" << all;
    EXPECT_EQ(all.find("Recommendation"), std::string::npos) << "nothing is left to do\n" << all;
}

TEST_F(Regressions, ADropThatCameBackIsInTheDocumentAndFailsNoPipeline) {
    store({{8, 250}, {8, 225}, {8, 250}});
    EXPECT_FALSE(document({"regressions"}).contains("recovered"));
    const Json found = document({"regressions", "--all"});
    EXPECT_TRUE(found["regressions"].empty());
    ASSERT_EQ(found["recovered"].size(), 1u);
    const Json& record = found["recovered"][0];
    EXPECT_EQ(record["status"], "recovered");
    EXPECT_EQ(record["baseline"], "previous");
    EXPECT_NEAR(record["previous"].get<double>(), 250, 2);
    EXPECT_NEAR(record["current"].get<double>(), 225, 2);
    EXPECT_EQ(record["recovered_at"], "2027-05-07T11:06:40Z");
    EXPECT_EQ(run({"regressions", "--all", "--check", "--strict"}).code, 0);
    const std::string csv = run({"regressions", "--all", "--format", "csv"}).out;
    EXPECT_NE(csv.find("\nrecovered,"), std::string::npos) << csv;
    EXPECT_EQ(run({"regressions", "--format", "csv"}).out.find("\nrecovered,"), std::string::npos);
}

// It once gave a whole history another peak, and a confirmed drop ended with exit code 0.
TEST_F(Regressions, AForcedContendedRunMovesNoOtherFigure) {
    store({{12, 250}, {4, 230}});
    const std::vector<std::string> check{"regressions", "--check"};
    ASSERT_EQ(run(check).code, 4);
    const Json before = document({"regressions"}), course = document({"trajectory"});
    peakward::Run busy = make(110, 3, 60);
    busy.flags = {"forced"};
    busy.preflight.verdict = CheckStatus::fail;
    busy.preflight.checks.push_back(
        {"background_load", "Background load", CheckStatus::fail, "others had the CPUs", "top"});
    for (Measurement& m : busy.measurements) m.outcome = Outcome::contended;
    for (Score& score : busy.results) {
        score.flags = {"contended", "forced"};
        score.theoretical_peak.value /= 8;
    }
    auto opened = open_store(database(), OpenMode::append);
    ASSERT_TRUE(opened && (*opened)->append(busy));
    EXPECT_EQ(run(check).code, 4);
    const Json after = document({"regressions"}), course_after = document({"trajectory"});
    ASSERT_EQ(after["regressions"].size(), before["regressions"].size());
    for (std::size_t i = 0; i < before["regressions"].size(); ++i)
        for (const char* figure : {"previous", "current", "change_percent"}) {
            const double was = before["regressions"][i][figure].get<double>();
            EXPECT_NEAR(after["regressions"][i][figure].get<double>(), was, std::abs(was) / 1000)
                << figure;
        }
    ASSERT_EQ(course_after["points"].size(), course["points"].size() + 1);
    for (std::size_t i = 0; i < course["points"].size(); ++i)
        EXPECT_EQ(course_after["points"][i]["efficiency"], course["points"][i]["efficiency"]);
    EXPECT_EQ(course_after["improvement_percent_per_month"],
              course["improvement_percent_per_month"]);
}

TEST_F(Regressions, FormatsForPipelines) {
    store({{5, 250}, {3, 230}});
    const std::string junit = run({"regressions", "--format", "junit"}).out;
    EXPECT_EQ(junit.find("<?xml"), 0u);
    EXPECT_NE(junit.find("failures=\"1\""), std::string::npos) << junit;
    EXPECT_NE(junit.find("-&gt; OpenBLAS"), std::string::npos) << "escaped\n" << junit;
    const std::string github = run({"regressions", "--format", "github"}).out;
    EXPECT_EQ(github.find("::error title=cpu%2C blas%2C fp32"), 0u) << github;
    EXPECT_NE(github.find("%0ALikely cause"), std::string::npos);
    EXPECT_EQ(run({"regressions", "--format", "csv"}).out.find("status,hardware,device"), 0u);
    EXPECT_NE(run({"regressions", "--format", "markdown"}).out.find("# REGRESSION"),
              std::string::npos);
}

TEST_F(Regressions, ARequestThatFindsNothingGivesNoVerdict) {
    store({{2, 250}});
    const std::vector<std::string> words{"regressions", "--check", "--precision", "int4"};
    EXPECT_EQ(run(words).code, 1);
    auto required = words;
    required.emplace_back("--require-verdict");
    const Ended ended = run(required);
    EXPECT_EQ(ended.code, 5);
    EXPECT_NE(ended.err.find("nothing is stored for this request"), std::string::npos);
    required.insert(required.end(), {"--db", file("no.db")});
    EXPECT_EQ(run(required).code, 1) << "a database that is not there is a failure";
}

TEST_F(Regressions, WrongWordsAreUsageErrors) {
    store({{2, 250}});
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"regressions", "--baseline", "last"},
          {"regressions", "--threshold", "-3"},
          {"regressions", "--threshold", "three"},
          {"regressions", "--format", "xml"},
          {"regressions", "--json", "--format", "junit"},
          {"regressions", "--hardware", "ffff"},
          {"forecast"},
          {"forecast", "--hardware", "ffff"},
          {"forecast", "--hardware", "c3f8", "--target", "90"},
          {"calibrate", "--confirm", "--quick"}}) {
        const Ended ended = run(words);
        EXPECT_EQ(ended.code, 2) << words[0] << " " << words.back() << "\n" << ended.err;
    }
    EXPECT_NE(run({"forecast", "--hardware", "c3f8", "--target", "90"}).err.find("0.9"),
              std::string::npos);
    EXPECT_NE(run({"regressions", "--baseline", "last"}).err.find("best"), std::string::npos);
}

TEST_F(Regressions, AForecastIsRefusedWithItsReason) {
    store({{2, 250}, {2, 255}});
    const Json found = document({"forecast", "--hardware", "c3f8"})["forecasts"];
    ASSERT_FALSE(found.empty());
    for (const Json& one : found)
        EXPECT_NE(one["refused"].get<std::string>().find("2 software stacks"), std::string::npos);
    EXPECT_NE(run({"forecast", "--hardware", "c3f8"}).out.find("2 software stacks"),
              std::string::npos);
}

TEST_F(Regressions, SeriesWithTooLittleForAForecastAreOneLine) {
    store({{1, 250}});
    const std::string page = run({"forecast", "--hardware", "c3f8"}).out;
    EXPECT_NE(page.find("No forecast for 4 series: 1 software stack measured"), std::string::npos)
        << page;
    for (const char* names : {"blas on cpu: fp", "native on cpu: fp", "--all"})
        EXPECT_NE(page.find(names), std::string::npos) << names << "\n" << page;
    EXPECT_EQ(page.find("peak_measured_gops (suite"), std::string::npos) << "sections\n" << page;
    EXPECT_EQ(page.find("Brackets"), std::string::npos) << "there are none\n" << page;
    const std::string all = run({"forecast", "--hardware", "c3f8", "--all"}).out;
    std::size_t sections = 0;
    for (std::size_t at = 0; (at = all.find("peak_measured_gops (suite", at)) != std::string::npos;
         ++at)
        ++sections;
    EXPECT_EQ(sections, 4u) << all;
    EXPECT_EQ(document({"forecast", "--hardware", "c3f8"})["forecasts"].size(), 4u);
    // One alone is no list to fold.
    const std::string one =
        run({"forecast", "--hardware", "c3f8", "--backend", "blas", "--precision", "fp32"}).out;
    EXPECT_NE(one.find("Forecast  none: 1 software stack"), std::string::npos) << one;
}

TEST_F(Regressions, AForecastOfDoubtfulRunsSaysThatTheyAre) {
    peakward::Run doubtful = make(250, 1, 1);
    doubtful.flags = {"forced"};
    for (Score& score : doubtful.results) score.flags = {"forced"};
    auto opened = open_store(database(), OpenMode::append);
    ASSERT_TRUE(opened && (*opened)->append(doubtful));
    const std::string page = run({"forecast", "--hardware", "c3f8"}).out;
    EXPECT_NE(page.find("no run that counts: all are doubtful"), std::string::npos) << page;
    EXPECT_EQ(page.find("0 software stacks"), std::string::npos) << page;
}

TEST_F(Regressions, AForecastIsNotBuriedUnderSeriesWithoutOne) {
    std::vector<Level> levels;
    for (int i = 0; i < 9; ++i) levels.push_back({2, 250 - 110 * std::exp(-i / 3.0)});
    store(levels);
    const std::string page = run({"forecast", "--hardware", "c3f8", "--as-recorded"}).out;
    EXPECT_LT(page.find("Levels out at"), page.find("no rise")) << page;
}

TEST_F(Regressions, AForecastSaysWhereItLevelsOutAndTestsItself) {
    std::vector<Level> levels;
    for (int i = 0; i < 9; ++i) levels.push_back({2, 250 - 110 * std::exp(-i / 3.0)});
    store(levels);
    const Json found = document({"forecast", "--hardware", "c3f8", "--backend", "blas",
                                 "--precision", "fp32", "--as-recorded"});
    ASSERT_EQ(found["forecasts"].size(), 1u);
    const Json& one = found["forecasts"][0];
    ASSERT_TRUE(one["refused"].is_null()) << one["refused"];
    EXPECT_TRUE(one["target"].is_object());
    EXPECT_TRUE(one["back_test"]["runs"].get<int>() > 4);
    const std::string page = run({"forecast", "--hardware", "c3f8", "--backend", "blas",
                                  "--precision", "fp32", "--as-recorded"})
                                 .out;
    for (const char* words : {"Levels out at", "Back-tested", "inside the 80 % interval"})
        EXPECT_NE(page.find(words), std::string::npos) << words << "\n" << page;
}

}  // namespace
}  // namespace peakward::cli
