#include <algorithm>
#include <regex>
#include <set>

#include "cli/fixture.hpp"
#include "core/text.hpp"
#include "golden.hpp"

namespace peakward::cli {
namespace {

const std::vector<std::string> quick{"calibrate", "--quick",      "--backend", "fake",
                                     "--seed",    "42",           "--threads", "1",
                                     "--force",   "--operations", "dot,gemm"};

std::vector<std::string> with(std::vector<std::string> more) {
    std::vector<std::string> all = quick;
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

class Calibrate : public CliTest {
protected:
    // What differs from run to run, replaced by its name.
    std::string steady(std::string text) const {
        const auto replace = [&](const std::string& what, const std::string& by) {
            text = std::regex_replace(text, std::regex(what), by);
        };
        replace("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]+", "RUN_ID");
        replace("CALIBRATION [0-9a-f]{8}", "CALIBRATION RUN_ID");
        replace("peakward show [0-9a-f]{8}", "peakward show RUN_ID");
        replace("[0-9-]{10} [0-9:]{8} UTC", "TIME");
        replace("took [0-9.]+ m?s", "took SECONDS");
        for (std::size_t at = text.find(folder_.string()); at != std::string::npos;
             at = text.find(folder_.string()))
            text.replace(at, folder_.string().size(), "FOLDER");
        return text;
    }
};

TEST_F(Calibrate, ShowsStoresAndCanBeSeenAgain) {
    const Ended ended = run(quick);
    ASSERT_EQ(ended.code, 0) << ended.err;
    testing_support::expect_golden(steady(ended.out), "cli/golden/calibrate.txt");
    const Ended shown = run({"show", "latest"});
    ASSERT_EQ(shown.code, 0) << shown.err;
    // The page of the stored run is the page of the run, but for where it was stored.
    const auto page = [](const std::string& out) { return out.substr(0, out.find(" cases: ")); };
    EXPECT_EQ(page(shown.out), page(ended.out));
}

TEST_F(Calibrate, HasTheNamesOthersRelyOn) {
    const Json run = document(quick);
    EXPECT_EQ(run["schema_version"], 1);
    for (const char* name :
         {"run_id", "timestamp", "context", "preflight", "wall_s", "results", "measurements"})
        EXPECT_TRUE(run.contains(name)) << name;
    EXPECT_TRUE(run["preflight"].contains("verdict"));
    EXPECT_TRUE(run["preflight"]["checks"].is_array());
    ASSERT_FALSE(run["results"].empty());
    for (const char* name :
         {"device", "backend", "precision", "stream_best_gbps", "blas3_gops", "peak_measured_gops",
          "theoretical_peak_gops", "theoretical_peak_source", "efficiency", "flags"})
        EXPECT_TRUE(run["results"][0].contains(name)) << name;
    ASSERT_FALSE(run["measurements"].empty());
    for (const char* name :
         {"operation", "precision", "shape", "device", "backend", "threads", "outcome", "reason",
          "gops", "gbps", "median_s", "ci_low_s", "ci_high_s", "samples", "exit", "implementation"})
        EXPECT_TRUE(run["measurements"][0].contains(name)) << name;
    EXPECT_FALSE(run["measurements"][0].contains("windows"));
    EXPECT_EQ(run["store"], database());
    EXPECT_EQ(run["seed"], 42);
    EXPECT_TRUE(run["context"]["environment"]["cpu_governor"].contains("unknown"));
}

TEST_F(Calibrate, RawAddsTheWindows) {
    const Json run = document(with({"--raw"}));
    bool any = false;
    for (const Json& m : run["measurements"]) any = any || !m["windows"]["wall_ns"].empty();
    EXPECT_TRUE(any);
}

TEST_F(Calibrate, ListsTakeSpacesCommasAndRepeats) {
    const auto precisions = [this](std::vector<std::string> more) {
        std::vector<std::string> words{"calibrate", "--quick",      "--force", "--backend",
                                       "fake",      "--operations", "gemm"};
        words.insert(words.end(), more.begin(), more.end());
        std::set<std::string> seen;
        const Json run = document(words);
        for (const Json& m : run["measurements"]) seen.insert(m["precision"]);
        return seen;
    };
    const std::set<std::string> both{"fp32", "fp64"};
    EXPECT_EQ(precisions({"--precision", "fp32", "fp64"}), both);
    EXPECT_EQ(precisions({"--precision", "fp32,fp64"}), both);
    EXPECT_EQ(precisions({"--precision=fp32", "--precision", "fp64"}), both);
    EXPECT_EQ(precisions({"--precision", "fp32"}), std::set<std::string>{"fp32"});
}

TEST_F(Calibrate, FrameworkIsAnotherNameForBackend) {
    const Json run = document({"calibrate", "--quick", "--force", "--framework", "fake",
                               "--operations", "dot", "--precision", "fp32"});
    ASSERT_FALSE(run["measurements"].empty());
    for (const Json& m : run["measurements"]) EXPECT_EQ(m["backend"], "fake");
}

TEST_F(Calibrate, ADeviceWithoutAWorkerIsRefused) {
    const Ended ended = run(with({"--device", "cuda:0"}));
    EXPECT_EQ(ended.code, 3) << ended.err;
    EXPECT_NE(ended.err.find("cuda:0"), std::string::npos) << ended.err;
    EXPECT_EQ(ended.out, "");
}

TEST_F(Calibrate, WritesTheProfileInOneStep) {
    const std::string path = file("profile.json");
    const Json shown = document(with({"--output", path, "--quiet"}));
    EXPECT_EQ(shown["profile"], path);
    const auto text = read_whole_file(path);
    ASSERT_TRUE(text);
    const auto profile = parse_json(*text, path);
    ASSERT_TRUE(profile);
    EXPECT_EQ((*profile)["run_id"], shown["run_id"]);
    EXPECT_TRUE((*profile)["measurements"][0].contains("windows"));
    EXPECT_EQ(run(with({"--output", path})).code, 2);
    EXPECT_EQ(run(with({"--output", path, "--overwrite"})).code, 0);
}

TEST_F(Calibrate, AnEmptyOutputFileMayBeFilled) {
    const std::string path = write("made-by-mktemp", "");
    EXPECT_EQ(run(with({"--output", path})).code, 0);
    EXPECT_GT(std::filesystem::file_size(path), 100u);
}

TEST_F(Calibrate, QuietLeavesStderrEmpty) {
    const Ended ended = run(with({"--quiet"}));
    EXPECT_EQ(ended.code, 0);
    EXPECT_EQ(ended.err, "");
}

TEST_F(Calibrate, ProgressGoesToStderrInPlainLines) {
    const Ended ended = run(quick);
    EXPECT_NE(ended.err.find("] fake gemm fp32 m=n=k=1024: "), std::string::npos) << ended.err;
    EXPECT_EQ(ended.err.find('\x1b'), std::string::npos);
    EXPECT_EQ(ended.err.find('\r'), std::string::npos);
}

TEST_F(Calibrate, AWorkerThatCrashesCostsItsCasesAndNotTheRun) {
    set("FAKE_WORKER_MODE", "crash");
    const Json run = document(quick, 3);  // no case got a figure (DESIGN 6), and the run is kept
    int failed = 0;
    for (const Json& m : run["measurements"]) failed += m["outcome"] == "failed" ? 1 : 0;
    EXPECT_GT(failed, 0);
    const Ended shown = this->run({"show", "latest"});
    EXPECT_NE(shown.out.find("SIGSEGV"), std::string::npos) << shown.out;
}

TEST_F(Calibrate, ShowContextMeasuresNothing) {
    const Ended ended = run({"calibrate", "--show-context"});
    EXPECT_EQ(ended.code, 0);
    EXPECT_NE(ended.out.find("Example CPU @ 2.00GHz"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(database()));
    EXPECT_EQ(ended.out, run({"context"}).out);
}

TEST_F(Calibrate, AStoreThatCannotBeUsedIsSaidBeforeMeasuring) {
    const std::string path = write("notes.txt", "this is not a database, it is a text file\n");
    const Ended ended = run(with({"--db", path}));
    EXPECT_EQ(ended.code, 1) << ended.err;
    EXPECT_NE(ended.err.find(path), std::string::npos) << ended.err;
    EXPECT_EQ(ended.err.find("gemm"), std::string::npos) << "it measured first";
}

}  // namespace
}  // namespace peakward::cli
