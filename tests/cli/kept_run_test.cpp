// A run that was measured and that the database does not take.
#include <gmock/gmock.h>

#include "cli/fixture.hpp"
#include "core/records_json.hpp"
#include "core/text.hpp"
#include "session/history.hpp"

namespace peakward::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class KeptRun : public CliTest {
protected:
    static std::vector<std::string> command(std::vector<std::string> more) {
        std::vector<std::string> all{"calibrate", "--quick", "--backend",    "fake",
                                     "--force",   "--quiet", "--operations", "dot",
                                     "--threads", "1",       "--precision",  "fp32"};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }
    // While the worker measures, a folder takes the database's place.
    void spoil_database() {
        set("FAKE_WORKER_HOOK", fmt::format("rm -rf {0}*; mkdir {0}", database()));
    }
    // The last line of the error, without the program's name.
    static std::vector<std::string> import_words(const std::string& said) {
        const std::string before = "\n  peakward ";
        const auto at = said.find(before);
        if (at == std::string::npos) return {};
        const std::string words = said.substr(at + before.size());
        return split(words.substr(0, words.find('\n')), ' ');
    }
    static Json read(const std::string& path) {
        const auto text = read_whole_file(path);
        return text ? parse_json(*text, path).value_or(Json()) : Json();
    }
};

TEST_F(KeptRun, IsShownWrittenAndStoredByTheCommandThatTheErrorNames) {
    spoil_database();
    const Ended ended = run(command({"--json", "--output", file("run.json")}));
    EXPECT_EQ(ended.code, 1);
    const Json shown = parse_json(ended.out, "stdout").value_or(Json());
    const std::string id = shown["run_id"];
    const std::string kept = file("peakward-run-" + id + ".json");
    EXPECT_EQ(shown["kept_in"], kept);
    EXPECT_EQ(shown["exit_code"], 1);
    EXPECT_EQ(shown["error"]["kind"], "failed");
    EXPECT_FALSE(shown.contains("store"));
    EXPECT_FALSE(shown["measurements"].empty());
    EXPECT_THAT(ended.err, HasSubstr("run " + id + " is not stored: "));
    EXPECT_THAT(ended.err, HasSubstr("The run is kept in " + kept));
    EXPECT_EQ(read(kept), read(file("run.json")));

    fs::remove_all(database());
    const auto words = import_words(ended.err);
    EXPECT_EQ(words, (std::vector<std::string>{"import", kept, "--db", database()}));
    EXPECT_EQ(document(words)["imported"], 1);
    EXPECT_EQ(document(words)["duplicates"], 1);
    EXPECT_EQ(run({"db", "verify"}).code, 0);
    const auto stored = find_run(database(), id, Efficiencies::as_recorded);
    ASSERT_TRUE(stored);
    EXPECT_EQ(to_json(*stored), read(kept));
    // The same chain as that of a database which the run was measured into.
    document({"import", file("run.json"), "--db", file("other.db")});
    EXPECT_EQ(document({"db", "info"})["chain_head"],
              document({"db", "info", "--db", file("other.db")})["chain_head"]);
}

TEST_F(KeptRun, IsShownAsAPageToo) {
    spoil_database();
    const Ended ended = run(command({}));
    EXPECT_EQ(ended.code, 1);
    EXPECT_THAT(ended.out, HasSubstr("CALIBRATION"));
    EXPECT_THAT(ended.out, HasSubstr("Not stored; kept in"));
    EXPECT_THAT(ended.out, Not(HasSubstr("Stored in")));
}

TEST_F(KeptRun, GoesToTheStateFolderWhereThereIsNoRoomBesideTheDatabase) {
    fs::create_directories(file("dbs"));
    set("PEAKWARD_DB", file("dbs/runs.db"));
    set("FAKE_WORKER_HOOK", fmt::format("rm -rf {0}; : > {0}", file("dbs")));
    const Json shown = document(command({}), 1);
    const std::string kept = shown["kept_in"];
    EXPECT_THAT(kept, HasSubstr((folder_ / "state/peakward").string()));
    EXPECT_EQ(document({"import", kept, "--db", file("new.db")})["imported"], 1);
}

TEST_F(KeptRun, IsPrintedWhereNoFileCanBeWritten) {
    fs::create_directories(file("dbs"));
    set("PEAKWARD_DB", file("dbs/runs.db"));
    set("XDG_STATE_HOME", file("dbs/state"));
    set("TMPDIR", "/proc");
    set("FAKE_WORKER_HOOK", fmt::format("rm -rf {0}; : > {0}", file("dbs")));
    const Ended ended = run(command({}));
    EXPECT_EQ(ended.code, 1);
    EXPECT_THAT(ended.err, HasSubstr("The run is printed on stdout"));
    write("saved.json", ended.out);
    const Json reply = document({"import", file("saved.json"), "--db", file("new.db")});
    EXPECT_EQ(reply["imported"], 1);
    const auto stored = find_run(file("new.db"), "latest");
    ASSERT_TRUE(stored);
    EXPECT_FALSE(stored->measurements.front().windows.empty());
}

}  // namespace
}  // namespace peakward::cli
