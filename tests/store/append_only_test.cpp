// The database itself refuses changes, whoever asks.
#include <gmock/gmock.h>

#include "store/scratch.hpp"

namespace peakward {
namespace {

using store_test::make_small_run;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class AppendOnly : public ::testing::TestWithParam<const char*> {
protected:
    AppendOnly() {
        auto opened = open_store(path_, OpenMode::append);
        EXPECT_TRUE(opened);
        auto run = store_test::make_run({.seed = 1, .measurements = 3, .windows = 3, .gpu = true});
        run.products = {{"cpu", "intel_i7_12700k", 1, 0.98, "its name", ""}};
        EXPECT_TRUE((*opened)->append(run));
        std::vector<peakward::Run> more;  // until points are sealed
        for (std::uint64_t seed = 2; seed <= 66; ++seed) more.push_back(make_small_run(seed));
        EXPECT_TRUE((*opened)->append_all(more));
    }
    // What the database answers, and that nothing has changed.
    std::string refusal(const std::string& sql) {
        store::Connection connection = store_test::raw_connection(path_);
        const std::string before = dump(connection);
        connection.execute(sql);
        const auto status = connection.status();
        EXPECT_EQ(dump(connection), before) << sql;
        return status ? "" : status.error().message;
    }
    std::string dump(store::Connection& connection) {
        std::string text;
        store::Statement rows = connection.prepare("SELECT * FROM " + table());
        while (rows.step())
            for (int i = 0; i < 3; ++i) text += rows.text(i) + "|";
        return text;
    }
    std::string table() const { return GetParam(); }

    store_test::Scratch scratch_;
    std::string path_ = scratch_ / "a.db";
};

TEST_P(AppendOnly, RefusesUpdateDeleteAndReplace) {
    const std::string copy = "SELECT * FROM (SELECT * FROM " + table() + " LIMIT 1)";
    store::Connection connection = store_test::raw_connection(path_);
    const std::string columns = connection.scalar_text(
        "SELECT group_concat(name) FROM pragma_table_info('" + table() + "')");
    const std::string first = columns.substr(0, columns.find(','));
    const std::string rows =
        "(" + columns + ") SELECT " + columns + " FROM " + table() + " LIMIT 1";
    ASSERT_GT(connection.scalar("SELECT count(*) FROM " + table()), 0) << "nothing to protect";

    for (const std::string recursive : {"OFF", "ON"}) {
        const std::string pragma = "PRAGMA recursive_triggers = " + recursive + "; ";
        for (const std::string& sql :
             {"UPDATE " + table() + " SET " + first + " = " + first + " + 0",
              "UPDATE OR REPLACE " + table() + " SET " + first + " = " + first,
              "DELETE FROM " + table(), "INSERT OR REPLACE INTO " + table() + rows,
              "REPLACE INTO " + table() + rows,
              "INSERT INTO " + table() + rows + " ON CONFLICT DO UPDATE SET " + first + " = 1"})
            EXPECT_THAT(refusal(pragma + sql),
                        ::testing::AnyOf(HasSubstr("append-only"), HasSubstr("chain_head")))
                << sql;
    }
}

INSTANTIATE_TEST_SUITE_P(EveryTable, AppendOnly,
                         ::testing::Values("runs", "run_documents", "run_windows", "chain_head",
                                           "run_facts", "gpus", "components", "scores", "series",
                                           "measurements", "measurement_values", "run_products",
                                           "stacks", "score_series", "metrics", "points",
                                           "sealed_points", "hosts"),
                         [](const auto& tested) { return std::string(tested.param); });

class AppendOnlyRuns : public ::testing::Test {
protected:
    AppendOnlyRuns() {
        auto opened = open_store(path_, OpenMode::append);
        EXPECT_TRUE((*opened)->append(make_small_run(1)));
    }
    std::string refusal(const std::string& sql) {
        store::Connection connection = store_test::raw_connection(path_);
        connection.execute(sql);
        const auto status = connection.status();
        return status ? "" : status.error().message;
    }
    store_test::Scratch scratch_;
    std::string path_ = scratch_ / "a.db";
    const std::string columns_ =
        "(seq, run_id, timestamp, timestamp_unix, install, hardware_fingerprint, lineage, "
        "software_fingerprint, suite, sha256, previous_sha256, chain_sha256) ";
    std::string copy_with(const std::string& seq, const std::string& run_id,
                          const std::string& previous) {
        return columns_ + "SELECT " + seq + ", " + run_id +
               ", timestamp, timestamp_unix, install, hardware_fingerprint, lineage, "
               "software_fingerprint, suite, sha256, " +
               previous + ", chain_sha256 FROM runs WHERE seq = 1";
    }
};

// REPLACE deletes whichever row holds any unique key, not only the primary one.
TEST_F(AppendOnlyRuns, RefusesToReplaceThroughAnyKey) {
    const auto refused = ::testing::AnyOf(HasSubstr("append-only"), HasSubstr("runs is a chain"));
    EXPECT_THAT(refusal("INSERT OR REPLACE INTO runs " + copy_with("1", "'other'", "NULL")),
                refused);
    EXPECT_THAT(refusal("INSERT OR REPLACE INTO runs " + copy_with("2", "run_id", "sha256")),
                refused);
    for (const char* table : {"series", "score_series"})
        EXPECT_THAT(
            refusal(std::string("INSERT OR REPLACE INTO ") + table +
                    " (id, sha256, key) SELECT 999, sha256, '{}' FROM " + table + " LIMIT 1"),
            refused);
    EXPECT_THAT(refusal("INSERT OR REPLACE INTO metrics SELECT 999, name, 'x' FROM metrics"),
                refused);
    EXPECT_THAT(refusal("INSERT OR REPLACE INTO stacks "
                        "SELECT 999, software_fingerprint, stack_digest FROM stacks"),
                refused);
}

// A summary cannot be append-only: it moves by exactly the run that is being appended.
TEST_F(AppendOnlyRuns, RefusesToMoveAHostByAnythingButARun) {
    for (const char* change :
         {"runs = runs + 1", "runs = runs + 1, last_seq = last_seq + 1", "cases = cases + 1",
          "runs = 0", "newest_seq = 0", "runs = runs + 1, last_seq = 1"})
        EXPECT_THAT(refusal(std::string("UPDATE hosts SET ") + change),
                    HasSubstr("it moves when a run is appended"))
            << change;
}

TEST_F(AppendOnlyRuns, RefusesARunThatDoesNotFollowTheHead) {
    EXPECT_THAT(refusal("INSERT INTO runs " + copy_with("3", "'other'", "sha256")),
                HasSubstr("follows the head"));
    EXPECT_THAT(refusal("INSERT INTO runs " + copy_with("2", "'other'", "NULL")),
                HasSubstr("follows the head"));
    EXPECT_THAT(refusal("UPDATE chain_head SET seq = 2"), HasSubstr("moves only when"));
}

}  // namespace
}  // namespace peakward
