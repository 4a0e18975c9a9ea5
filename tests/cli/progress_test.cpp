#include "cli/progress.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "core/text.hpp"
#include "present/display_text.hpp"

namespace peakward::cli {
namespace {

Measurement measured(Outcome outcome) {
    Measurement m;
    m.what = {"gemm",
              "fp32",
              {{"m", std::int64_t{512}}, {"n", std::int64_t{512}}, {"k", std::int64_t{512}}},
              "cpu",
              "blas",
              2};
    m.outcome = outcome;
    m.gops = 107.4;
    if (outcome != Outcome::measured) m.reason = "signal 11 (SIGSEGV)";
    return m;
}

class Fixed final : public StopToken {
public:
    explicit Fixed(bool stop) : stop_(stop) {}
    bool stop_requested() const override { return stop_; }

private:
    bool stop_;
};
const Fixed going_on(false);

struct Screen {
    explicit Screen(Terminal terminal) : console{out, err, terminal, terminal, -1} {}
    std::ostringstream out, err;
    Console console;
};

void one_run(Observer& progress, Outcome outcome) {
    progress.stage_started("detect");
    progress.case_started(measured(outcome).what, 0, 2, Seconds(75));
    progress.case_finished(measured(outcome));
    progress.case_started(measured(outcome).what, 1, 2, Seconds(12.2));
    progress.finished();
}

TEST(ProgressBar, IsRedrawnInPlaceAndLeavesAnEmptyLine) {
    Screen screen({80, false, true, true});
    {
        const auto progress = make_progress(screen.console, false, going_on);
        one_run(*progress, Outcome::measured);
    }
    const std::string text = screen.err.str();
    EXPECT_EQ(text.find('\n'), std::string::npos);
    EXPECT_NE(text.find("1:15 min left"), std::string::npos);
    EXPECT_NE(text.find("13 s left"), std::string::npos);
    EXPECT_NE(text.find(" 2/2 "), std::string::npos);
    EXPECT_TRUE(text.ends_with("\r\x1b[K")) << text;
    EXPECT_EQ(screen.out.str(), "");
}

TEST(ProgressBar, NeverFillsTheLastColumn) {
    for (const int columns : {20, 40, 80, 180}) {
        Screen screen({columns, false, true, true});
        one_run(*make_progress(screen.console, false, going_on), Outcome::measured);
        for (std::string drawn : split(screen.err.str(), '\r')) {
            if (drawn.ends_with("\x1b[K")) drawn.resize(drawn.size() - 3);
            EXPECT_LT(display_width(drawn), std::max(columns, 32)) << drawn;
        }
    }
}

TEST(ProgressBar, KeepsALineForEveryTrouble) {
    Screen screen({80, false, true, true});
    one_run(*make_progress(screen.console, false, going_on), Outcome::failed);
    EXPECT_NE(screen.err.str().find("✗ blas gemm fp32 m=n=k=512: failed: signal 11 (SIGSEGV)\n"),
              std::string::npos)
        << screen.err.str();
}

TEST(ProgressBar, WrapsATroubleAndCutsNothingOfIt) {
    Screen screen({40, false, true, true});
    Measurement m = measured(Outcome::failed);
    m.reason = "the library /opt/vendor/lib/libvendor-blas-with-a-long-name.so.3 has no sgemm";
    make_progress(screen.console, false, going_on)->case_finished(m);
    std::string joined;
    for (const std::string& line : split(screen.err.str(), '\n')) joined += trim(line) + " ";
    for (const std::string& word : split(m.reason, ' '))
        EXPECT_NE(joined.find(word), std::string::npos) << word << " is not in\n" << joined;
    EXPECT_EQ(joined.find("…"), std::string::npos) << joined;
    EXPECT_NE(joined.find("has no sgemm"), std::string::npos) << joined;
}

TEST(ProgressBar, IsClearedWhenItIsAbandoned) {
    Screen screen({80, false, true, true});
    make_progress(screen.console, false, going_on)->stage_started("detect");
    EXPECT_TRUE(screen.err.str().ends_with("\r\x1b[K"));
}

TEST(ProgressBar, IsAsciiWithoutUnicode) {
    Screen screen({80, false, false, true});
    one_run(*make_progress(screen.console, false, going_on), Outcome::failed);
    for (const char c : screen.err.str()) EXPECT_GE(c, 0);
}

TEST(PlainProgress, HasALinePerCase) {
    Screen screen({80, false, true, false});
    one_run(*make_progress(screen.console, false, going_on), Outcome::measured);
    EXPECT_EQ(screen.err.str(),
              "detect\n[1/2] blas gemm fp32 m=n=k=512: 107.4 GOPS (1:15 min left)\n");
}

TEST(PlainProgress, NeverPassesAnEscapeSequenceOn) {
    Screen screen({80, false, true, false});
    Measurement m = measured(Outcome::failed);
    m.reason = "\x1b[2Jlast words of a worker";
    make_progress(screen.console, false, going_on)->case_finished(m);
    EXPECT_EQ(screen.err.str().find('\x1b'), std::string::npos);
}

TEST(PlainProgress, DoesNotBlameAWorkerThatWeKilled) {
    Screen screen({80, false, true, false});
    const Fixed stopped(true);
    make_progress(screen.console, false, stopped)->case_finished(measured(Outcome::failed));
    EXPECT_EQ(screen.err.str(), "");
}

TEST(QuietProgress, SaysNothing) {
    Screen screen({80, false, true, true});
    one_run(*make_progress(screen.console, true, going_on), Outcome::failed);
    EXPECT_EQ(screen.err.str(), "");
}

}  // namespace
}  // namespace peakward::cli
