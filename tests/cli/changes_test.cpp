// The verb changes as a user and a pipeline meet it.
#include <fcntl.h>
#include <gmock/gmock.h>

#include "cli/fixture.hpp"
#include "core/text.hpp"

namespace peakward::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

class ChangesVerb : public CliTest {
protected:
    // A row a day of 2026; from `at` on the value is higher. The noise is a fixed zigzag.
    std::string stepped(const std::string& name, std::size_t rows, std::size_t at, double higher) {
        std::string text = "day,value\n";
        for (std::size_t i = 0; i < rows; ++i) {
            const double noise = double(i * 7919 % 101) / 50 - 1;
            text += fmt::format("2026-{:02}-{:02},{:.4f}\n", i / 28 + 1, i % 28 + 1,
                                100 + noise + (i >= at ? higher : 0));
        }
        return write(name, text);
    }
};

TEST_F(ChangesVerb, TheDocumentHasEveryFieldOfAChange) {
    const Json found = document({"changes", stepped("a.csv", 80, 40, 5)});
    EXPECT_EQ(found["schema_version"], 1);
    ASSERT_EQ(found["changes"].size(), 1u);
    const Json& change = found["changes"][0];
    EXPECT_EQ(change["series"], "value");
    EXPECT_EQ(change["index"], 40);
    EXPECT_EQ(change["time"], "2026-02-13");
    EXPECT_EQ(change["end"], 40);
    EXPECT_EQ(change["kind"], "step");
    EXPECT_NEAR(change["effect_percent"].get<double>(), 5, 0.5);
    EXPECT_LT(change["ci_low_percent"], change["effect_percent"]);
    EXPECT_GT(change["ci_high_percent"], change["effect_percent"]);
    EXPECT_LT(change["p_value"].get<double>(), 0.001);
    EXPECT_NEAR(change["before"].get<double>(), 100, 0.5);
    EXPECT_NEAR(change["after"].get<double>(), 105, 0.5);
    const Json& series = found["series"][0];
    EXPECT_EQ(series["points"], 80);
    EXPECT_NEAR(series["noise"]["sigma"].get<double>(), 0.6, 0.3);
    EXPECT_EQ(series["noise"]["two_modes"], false);
    EXPECT_TRUE(series["suspected"].is_null());
}

TEST_F(ChangesVerb, ThePageSaysWhenWhatAndHowMuchOrThatNothingChanged) {
    const std::string a = stepped("a.csv", 80, 40, 5);
    const Ended changed = run({"changes", a});
    EXPECT_EQ(changed.code, 0) << changed.err;
    EXPECT_THAT(changed.out, HasSubstr("2026-02-13"));
    EXPECT_THAT(changed.out, HasSubstr("step"));
    EXPECT_THAT(changed.out, HasSubstr(" % [+"));
    EXPECT_THAT(changed.out, HasSubstr("80 points, scatter"));
    EXPECT_THAT(changed.out, Not(HasSubstr("no change")));
    const Ended quiet = run({"changes", stepped("b.csv", 80, 80, 0)});
    EXPECT_EQ(quiet.code, 0);
    EXPECT_THAT(quiet.out, HasSubstr("No change in value (80 points)."));
    // A change below the threshold is none.
    EXPECT_THAT(run({"changes", a, "--threshold", "20"}).out, HasSubstr("No change in value"));
}

TEST_F(ChangesVerb, AFewPointsHaveNoNoiseToShow) {
    const Ended few = run({"changes", write("few.csv", "v\n1\n2\n3\n5\n")});
    EXPECT_THAT(few.out, HasSubstr("4 points: too few to learn their noise"));
    EXPECT_THAT(few.out, Not(HasSubstr("outliers")));
}

TEST_F(ChangesVerb, ALevelTooYoungIsSuspectedAndNotReported) {
    const std::string a = stepped("a.csv", 80, 78, 9);
    const Json found = document({"changes", a});
    EXPECT_TRUE(found["changes"].empty());
    EXPECT_EQ(found["series"][0]["suspected"]["index"], 78);
    EXPECT_THAT(run({"changes", a}).out, HasSubstr("suspected: run again"));
    EXPECT_THAT(run({"changes", a, "--format", "csv"}).out, HasSubstr(",suspected"));
}

TEST_F(ChangesVerb, EveryFormatAndAPlotForOneSeriesAtATerminal) {
    const std::string a = stepped("a.csv", 80, 40, 5);
    const Ended csv = run({"changes", a, "--format", "csv"});
    EXPECT_THAT(csv.out, testing::StartsWith("series,index,time,kind,effect_percent,"));
    EXPECT_THAT(csv.out, HasSubstr("value,40,2026-02-13,step,"));
    EXPECT_THAT(run({"changes", a, "--format", "markdown"}).out, HasSubstr("| 2026-02-13 |"));
    const std::string plain = run({"changes", a}).out;
    terminal_.is_terminal = true;
    EXPECT_GT(run({"changes", a}).out.size(), plain.size() + 500);
}

TEST_F(ChangesVerb, AColumnOptionTakesOneNameAndLeavesTheFilesAlone) {
    const std::string a = write("a.csv", "t,\"x, y\",z\n1,1,5\n2,2,6\n3,3,7\n");
    EXPECT_EQ(document({"changes", "--column", "x, y", a})["series"][0]["column"], "x, y");
    EXPECT_EQ(document({"changes", "--column", "z", "--column", "x, y", a})["series"].size(), 2u);
}

TEST_F(ChangesVerb, StandardInputIsReadToItsEnd) {
    const std::string a = stepped("a.csv", 80, 40, 5);
    const int kept = ::dup(STDIN_FILENO);
    const int opened = ::open(a.c_str(), O_RDONLY | O_CLOEXEC);
    ASSERT_GE(opened, 0);
    ASSERT_EQ(::dup2(opened, STDIN_FILENO), STDIN_FILENO);
    const Json found = document({"changes", "-"});
    ::close(opened);
    if (kept >= 0) {
        ::dup2(kept, STDIN_FILENO);
        ::close(kept);
    }
    EXPECT_EQ(found["changes"].size(), 1u);
    EXPECT_EQ(found["series"][0]["file"], "standard input");
}

TEST_F(ChangesVerb, WrongInputIsOneSentenceAndAnExitCode) {
    const std::string a = stepped("a.csv", 30, 30, 0);
    const auto refused = [&](std::vector<std::string> arguments, int code, const char* says) {
        arguments.insert(arguments.begin(), "changes");
        const Ended ended = run(arguments);
        EXPECT_EQ(ended.code, code) << ended.err;
        EXPECT_THAT(ended.err, HasSubstr(says));
        EXPECT_EQ(ended.out, "");
    };
    refused({}, 2, "FILE");
    refused({file("none.csv")}, 1, "none.csv");
    refused({a, "--column", "valu"}, 2, "did you mean value?");
    refused({a, "--time", "value", "--column", "value"}, 2, "--time");
    refused({a, "--alpha", "2"}, 2, "--alpha");
    refused({a, "--alpha", "often"}, 2, "--alpha");
    refused({a, "--threshold", "-1"}, 2, "--threshold");
    refused({a, "--format", "xml"}, 2, "--format");
    refused({write("text.csv", "t,v\na,1\nb,\x1b[31mred\n")}, 1, "line 3");
    refused({write("empty.csv", "")}, 1, "empty");
    const Ended json = run({"changes", file("none.csv"), "--json"});
    EXPECT_EQ(json.code, 1);
    EXPECT_THAT(json.out + json.err, HasSubstr("\"exit_code\": 1"));
}

}  // namespace
}  // namespace peakward::cli
