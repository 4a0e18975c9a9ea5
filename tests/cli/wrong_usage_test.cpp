#include <algorithm>

#include "cli/fixture.hpp"
#include "core/text.hpp"
#include "present/display_text.hpp"

namespace peakward::cli {
namespace {

class WrongUsage : public CliTest {
protected:
    // Exit code 2, a sentence that holds `part`, and nothing on stdout.
    void expect(const std::vector<std::string>& arguments, const std::string& part) {
        const Ended ended = run(arguments);
        EXPECT_EQ(ended.code, 2) << ended.err;
        EXPECT_NE(ended.err.find(part), std::string::npos) << ended.err;
        EXPECT_EQ(ended.out, "");
        EXPECT_FALSE(std::filesystem::exists(database())) << "something was measured or stored";
    }
};

TEST_F(WrongUsage, NoVerbPrintsTheHelpToStderr) { expect({}, "Usage: peakward [options] VERB"); }

TEST_F(WrongUsage, AnUnknownVerbIsAnsweredWithTheNearest) {
    expect({"calibrat"}, "unknown verb 'calibrat'; did you mean calibrate?");
    expect({"calculate"}, "unknown verb 'calculate'");
}

TEST_F(WrongUsage, AnUnknownOptionIsAnsweredWithTheNearest) {
    expect({"calibrate", "--precison", "fp32"},
           "unknown option '--precison'; did you mean --precision");
    expect({"history", "--limt=3"}, "unknown option '--limt'; did you mean --limit");
    expect({"--verbose"}, "unknown option '--verbose'");
}

TEST_F(WrongUsage, WordsOfTheEarlierToolAreAnsweredWithTheCallOfToday) {
    expect({"--quick"}, "it is now: peakward calibrate --quick");
    expect({"--load=old.json"}, "it is now: peakward import FILE");
    expect({"calibrate_hardware.py", "--quick"}, "it is now: peakward calibrate\n");
    expect({"analyze_product_trajectory"}, "it is now: peakward trajectory");
    expect({"trajectory", "--maturity-analysis"}, "it is now: peakward maturity");
    expect({"calibrate", "--operations", "matmul"},
           "unknown operation 'matmul': its name here is gemm");
    expect({"calibrate", "--backend", "torch"}, "its name here is pytorch");
    expect({"calibrate", "--layers", "all"}, "--layers micro,proxy,models");
}

TEST_F(WrongUsage, ATimeToWaitHasAUnit) {
    for (const char* bad : {"soon", "-5", "0", "m", "10d", "1e400h"})
        expect({"calibrate", "--wait", bad}, "--wait takes a time such as 90s, 10m or 2h");
}

TEST_F(WrongUsage, WhatIsNotThereIsToldBeforeAnythingIsDetected) {
    expect({"calibrate", "--python", "/nope"}, "--python /nope: no such program");
    expect({"calibrate", "--blas-library", "/nope.so"}, "--blas-library /nope.so: no such file");
}

TEST_F(WrongUsage, AnEmptyValueIsNoDefault) {
    expect({"history", "--db", ""}, "history: --db: the value is empty");
    expect({"calibrate", "--install", ""}, "calibrate: --install: the value is empty");
    expect({"import", ""}, "import: PATH: the value is empty");
    expect({"compare", "a", ""}, "the value is empty");
    expect({"history", "--db", "--all"}, "--db: '--all' is an option and no value");
    expect({"context", "--capture", "--sources"}, "'--sources' is an option and no value");
    EXPECT_FALSE(std::filesystem::exists("--sources"));
}

TEST_F(WrongUsage, TheProgramIsNamedOnceAndTheVerbAfterIt) {
    expect({"maturity", "--foo"}, "peakward: maturity: unknown option '--foo'");
    expect({"hardware", "list", "--foo"}, "peakward: hardware list: unknown option '--foo'");
    expect({"changes"}, "peakward: changes: ");
    expect({"hardware"}, "peakward: hardware: name one of ");
    EXPECT_NE(run({"changes"}).err.find("\npeakward changes --help shows"), std::string::npos);
}

TEST_F(WrongUsage, AnOptionBeforeTheVerbSaysWhereItGoes) {
    expect({"--quiet", "doctor"}, "write: peakward doctor --quiet");
}

TEST_F(WrongUsage, AnExtraArgumentIsNamed) {
    expect({"doctor", "now"}, "did not expect the argument 'now'");
}

TEST_F(WrongUsage, UnknownNamesAreAnsweredWithTheNearest) {
    expect({"calibrate", "--operations", "gemmm"}, "did you mean gemm");
    expect({"calibrate", "--precision", "fp31"}, "unknown precision 'fp31'; did you mean");
    expect({"calibrate", "--layers", "mirco"}, "did you mean micro");
    expect({"history", "--format", "jsno"}, "did you mean json");
    expect({"show", "latest", "--table", "result"}, "did you mean results");
    expect({"completion", "bsh"}, "did you mean bash");
    expect({"man", "calibrat"}, "did you mean calibrate");
}

TEST_F(WrongUsage, AnUnknownBackendIsAnsweredWithTheNearestAndNothingIsStored) {
    const Ended ended = run({"calibrate", "--backend", "fak"});
    EXPECT_EQ(ended.code, 2) << ended.err;
    EXPECT_NE(ended.err.find("did you mean fake"), std::string::npos) << ended.err;
    EXPECT_NE(run({"history"}).err.find("there is no database"), std::string::npos);
}

TEST_F(WrongUsage, NumbersSayWhatTheyTake) {
    expect({"calibrate", "--threads", "two"}, "--threads takes a whole number from 1");
    expect({"calibrate", "--threads", "0"}, "--threads takes a whole number from 1");
    expect({"calibrate", "--budget", "soon"}, "--budget takes a number above zero, not 'soon'");
    expect({"calibrate", "--budget", "nan"}, "--budget takes a number above zero");
    expect({"calibrate", "--seed", "1.5"}, "--seed takes a whole number");
    expect({"history", "--limit", "many"}, "--limit takes a whole number");
    expect({"history", "--since", "yesterday"}, "--since takes a date");
    expect({"history", "--until", "2026-13"}, "--until takes a date");
}

TEST_F(WrongUsage, ContradictionsAreNamed) {
    expect({"calibrate", "--quick", "--full"}, "--quick and --full exclude each other");
    EXPECT_EQ(document({"doctor", "--format", "csv"}, 2)["error"]["kind"], "usage");
}

TEST_F(WrongUsage, AMissingValueIsNamed) {
    expect({"calibrate", "--db"}, "--db");
    expect({"show"}, "RUN");
    expect({"db"}, "name one of info, verify, migrate, rebuild");
}

TEST_F(WrongUsage, AnOutputFileThatHoldsSomethingIsNotReplaced) {
    const std::string path = write("profile.json", "{}");
    expect({"calibrate", "--output", path}, "--overwrite");
    expect({"calibrate", "--output", file("no/such/profile.json")}, "there is no folder");
    expect({"calibrate", "--output", folder_.string()}, "this is a folder");
    expect({"calibrate", "--output", "/dev/null"}, "not a regular file");
}

TEST_F(WrongUsage, WithJsonTheErrorIsADocumentToo) {
    const Json json = document({"calibrate", "--operations", "gem"}, 2);
    EXPECT_EQ(json["schema_version"], 1);
    EXPECT_EQ(json["error"]["kind"], "usage");
    EXPECT_EQ(json["exit_code"], 2);
    EXPECT_NE(json["error"]["message"].get<std::string>().find("gemm"), std::string::npos);
    EXPECT_EQ(document({"calibrat"}, 2)["error"]["kind"], "usage");
}

TEST_F(WrongUsage, ControlCharactersFromTheCommandLineAreShown) {
    const Ended ended = run({"\x1b[2Jx"});
    EXPECT_EQ(ended.code, 2);
    EXPECT_EQ(ended.err.find('\x1b'), std::string::npos);
}

TEST_F(WrongUsage, ALongSentenceBreaksBetweenWordsOnATerminalAndNowhereElse) {
    const Ended piped = run({"calibrate", "--precision", "fp31"});
    EXPECT_EQ(std::count(piped.err.begin(), piped.err.end(), '\n'), 1) << piped.err;
    terminal_ = {50, false, true, true};
    const Ended shown = run({"calibrate", "--precision", "fp31"});
    std::string joined;
    for (const std::string& line : split(shown.err, '\n')) {
        EXPECT_LE(display_width(line), 50) << line;
        joined += (joined.empty() || line.empty() ? "" : " ") + line;
    }
    EXPECT_EQ(joined + "\n", piped.err) << "a word was lost or broken";
}

// What keeps a file from being read is said, and it is not that there is none.
TEST_F(WrongUsage, AFileThatCannotBeReachedIsNotSaidToBeMissing) {
    const std::string name = file(std::string(300, 'a') + ".json");
    for (const std::vector<std::string>& words : {std::vector<std::string>{"import", name},
                                                  {"profile", "show", name},
                                                  {"hardware", "validate", name}}) {
        const Ended ended = run(words);
        EXPECT_NE(ended.code, 0) << words[0];
        const std::string said = ended.out + ended.err;
        EXPECT_NE(said.find("File name too long"), std::string::npos) << said;
        EXPECT_EQ(said.find("no such file"), std::string::npos) << said;
    }
}

}  // namespace
}  // namespace peakward::cli
