#include "cli/fixture.hpp"
#include "core/text.hpp"

namespace peakward::cli {
namespace {

class LookBack : public CliTest {
protected:
    std::string calibrate() {
        const Json made = document({"calibrate", "--quick", "--backend", "fake", "--force",
                                    "--quiet", "--operations", "dot", "--precision", "fp32"});
        return made["run_id"].get<std::string>();
    }
};

TEST_F(LookBack, HistoryListsRunsNewestFirst) {
    const std::string first = calibrate();
    const std::string second = calibrate();
    const Json runs = document({"history"})["runs"];
    ASSERT_EQ(runs.size(), 2u);
    EXPECT_EQ(runs[0]["run_id"], second);
    EXPECT_EQ(runs[1]["run_id"], first);
    for (const char* name : {"timestamp", "hardware_fingerprint", "software_fingerprint"})
        EXPECT_TRUE(runs[0].contains(name)) << name;
    EXPECT_EQ(document({"history", "--limit", "1"})["runs"].size(), 1u);
    EXPECT_EQ(document({"history", "--since", "2999-01-01"})["runs"].size(), 0u);
    const Ended text = run({"history"});
    EXPECT_NE(text.out.find(second.substr(0, 8)), std::string::npos);
    const Ended csv = run({"history", "--format", "csv"});
    EXPECT_EQ(csv.out.find("run_id,timestamp,"), 0u);
    EXPECT_NE(csv.out.find(first), std::string::npos);
}

TEST_F(LookBack, ShowTakesAPrefixOfTheRun) {
    const std::string id = calibrate();
    EXPECT_EQ(document({"show", id.substr(0, 8)})["run_id"], id);
    EXPECT_EQ(document({"show", "latest"})["run_id"], id);
    EXPECT_EQ(run({"show", id, "--format", "csv"}).out.find("operation,precision,shape,"), 0u);
    EXPECT_EQ(run({"show", id, "--table", "results", "--format", "csv"}).out.find("device,"), 0u);
    EXPECT_EQ(run({"show", id, "--table", "results", "--format", "markdown"}).out.find("| Device"),
              0u);
}

TEST_F(LookBack, ARunThatIsNotThereIsAClearFailure) {
    calibrate();
    const Ended ended = run({"show", "ffffffff"});
    EXPECT_EQ(ended.code, 1);
    EXPECT_NE(ended.err.find("ffffffff"), std::string::npos) << ended.err;
    EXPECT_EQ(document({"show", "ffffffff"}, 1)["error"]["kind"], "failed");
}

TEST_F(LookBack, ADatabaseThatIsNotThereIsAClearFailure) {
    for (const std::vector<std::string>& words : {std::vector<std::string>{"history"},
                                                  {"show", "latest"},
                                                  {"db", "info"},
                                                  {"db", "verify"}}) {
        const Ended ended = run(words);
        EXPECT_EQ(ended.code, 1) << words.front();
        EXPECT_NE(ended.err.find(database()), std::string::npos) << ended.err;
        EXPECT_FALSE(std::filesystem::exists(database())) << "reading made a database";
    }
}

TEST_F(LookBack, DbInfoAndVerify) {
    calibrate();
    const Json info = document({"db", "info"})["store"];
    EXPECT_EQ(info["runs"], 1);
    EXPECT_EQ(info["location"], database());
    EXPECT_NE(run({"db", "info"}).out.find("1 with 1 measurements"), std::string::npos);
    const Json verdict = document({"db", "verify"});
    EXPECT_EQ(verdict["sound"], true);
    EXPECT_EQ(run({"db", "verify"}).code, 0);
    EXPECT_NE(run({"db", "migrate"}).out.find("already"), std::string::npos);
    EXPECT_EQ(document({"db", "rebuild"})["rebuilt"], true);
    EXPECT_EQ(document({"history"})["runs"].size(), 1u);
}

TEST_F(LookBack, VerifyTakesAHeadThatWasKept) {
    calibrate();
    const std::string head = document({"db", "info"})["store"]["chain_head"];
    EXPECT_EQ(document({"db", "verify"})["chain_head"], head);
    calibrate();
    const Json verdict = document({"db", "verify", "--expect-head", head});
    EXPECT_EQ(verdict["expected_head"]["seq"], 1);
    EXPECT_NE(run({"db", "verify", "--expect-head", head}).out.find("with 1 run after it"),
              std::string::npos);
    const Json other = document({"db", "verify", "--expect-head", std::string(64, 'a')}, 1);
    EXPECT_EQ(other["sound"], false);
    EXPECT_TRUE(other["expected_head"]["seq"].is_null());
    for (const std::string& wrong : {std::string(), std::string("abc"), std::string(64, 'g')})
        EXPECT_EQ(run({"db", "verify", "--expect-head", wrong}).code, 2) << wrong;
}

TEST_F(LookBack, DbOptionOutranksTheEnvironment) {
    calibrate();
    const std::string other = file("other.db");
    EXPECT_EQ(run({"history", "--db", other}).code, 1);
    EXPECT_EQ(run({"db", "info", "--db", database()}).code, 0);
}

TEST_F(LookBack, HistoryThatMatchesNothingSaysWhatThereIs) {
    calibrate();
    const std::string known = document({"history"})["runs"][0]["hardware_fingerprint"];
    const std::string out = run({"history", "--hardware", "zz"}).out;
    EXPECT_EQ(out.find("No runs yet"), std::string::npos) << out;
    EXPECT_NE(out.find("No run matches --hardware zz"), std::string::npos) << out;
    EXPECT_NE(out.find(known), std::string::npos) << out;
    EXPECT_NE(out.find("Example CPU"), std::string::npos) << out;
    EXPECT_NE(run({"history", "--since", "2999-01-01"}).out.find("--since 2999-01-01"),
              std::string::npos);
}

}  // namespace
}  // namespace peakward::cli
