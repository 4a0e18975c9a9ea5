// What a verb says and leaves behind when it is asked to stop.
#include <gmock/gmock.h>

#include <atomic>
#include <csignal>

#include "cli/fixture.hpp"

namespace peakward::cli {
namespace {

namespace fs = std::filesystem;

class StopAfterLooks final : public StopToken {
public:
    explicit StopAfterLooks(int looks) : looks_(looks) {}
    bool stop_requested() const override { return seen_++ >= looks_; }
    int signal_number() const override { return SIGTERM; }

private:
    int looks_;
    mutable std::atomic<int> seen_ = 0;
};

class Interrupted : public CliTest {
protected:
    void SetUp() override {
        CliTest::SetUp();
        ASSERT_EQ(run({"import", profile_}).code, 0);
    }
    // Of the error document on stdout.
    Json error_of(std::vector<std::string> arguments, int looks) {
        arguments.emplace_back("--json");
        const Ended ended = run(arguments, StopAfterLooks(looks));
        EXPECT_EQ(ended.code, 143) << ended.err;
        const Json document = parse_json(ended.out, "stdout").value_or(Json::object());
        EXPECT_EQ(document.value("exit_code", 0), 143) << ended.out;
        return document.value("error", Json::object());
    }

    const std::string profile_ =
        std::string(PEAKWARD_SOURCE_DIR) +
        "/tests/fixtures/legacy/25W_nvidia_jetson_orin_nano_cpu_numpy.json";
};

TEST_F(Interrupted, EveryVerbThatLooksBackSaysSo) {
    for (const char* verb : {"trajectory", "maturity", "impact", "regressions", "forecast"})
        EXPECT_EQ(error_of({verb}, 0)["kind"], "interrupted") << verb;
}

TEST_F(Interrupted, AVerbThatWritesLeavesNoFile) {
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"export", file("out.csv")}, {"report", "-o", file("out.html")}})
        EXPECT_EQ(error_of(words, 0)["kind"], "interrupted") << words.front();
    EXPECT_FALSE(fs::exists(file("out.csv")));
    EXPECT_FALSE(fs::exists(file("out.html")));
}

// As a signal that comes while the file is renamed.
class StopOnceWritten final : public StopToken {
public:
    explicit StopOnceWritten(std::string path) : path_(std::move(path)) {}
    bool stop_requested() const override { return fs::exists(path_); }

private:
    std::string path_;
};

TEST_F(Interrupted, AFileThatIsInItsPlaceIsNoInterruptedVerb) {
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"export", file("out.csv")},
          {"report", "-o", file("out.html")}}) {
        EXPECT_EQ(run(words, StopOnceWritten(words.back())).code, 0) << words.front();
        EXPECT_TRUE(fs::exists(words.back()));
    }
}

TEST_F(Interrupted, ChangesStopsInTheMiddleOfAFile) {
    std::string rows = "t,v\n";
    for (int i = 0; i < 5000; ++i) rows += std::to_string(i) + ",1\n";
    const std::string path = write("long.csv", rows);
    for (int looks = 0; looks < 4; ++looks)
        EXPECT_EQ(error_of({"changes", path}, looks)["kind"], "interrupted") << looks;
    EXPECT_EQ(error_of({"changes", path}, 0)["message"], "interrupted while reading " + path);
}

// At every moment: the file is in or it is not, and the database holds.
TEST_F(Interrupted, ImportBringsAFileInOrNot) {
    const std::string path = std::string(PEAKWARD_SOURCE_DIR) +
                             "/tests/fixtures/legacy/25W_nvidia_jetson_orin_nano_gpu_pytorch.json";
    set("PEAKWARD_DB", file("other.db"));
    int code = -1;
    for (int looks = 0; looks < 1'000'000 && code != 0; looks += 1 + looks / 2) {
        code = run({"import", path}, StopAfterLooks(looks)).code;
        EXPECT_THAT(code, testing::AnyOf(0, 143)) << looks;
    }
    EXPECT_EQ(code, 0);
    EXPECT_EQ(document({"history"})["runs"].size(), 1u);
    EXPECT_EQ(run({"db", "verify"}).code, 0);
}

}  // namespace
}  // namespace peakward::cli
