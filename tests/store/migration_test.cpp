// Forward only, numbered, one transaction each, with a copy of the old database kept.
#include <gmock/gmock.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <span>
#include <thread>

#include "store/scratch.hpp"

namespace peakward {
namespace {

using store_test::make_small_run;
using store_test::message_of;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace fs = std::filesystem;

class Migration : public ::testing::Test {
protected:
    // The real schema as of a program that knows `extra` migrations more.
    static store::SqliteOptions program(int extra) {
        store::SqliteOptions options;
        const int base = options.migrations.back().version;
        const std::vector<std::string> later = {
            "ALTER TABLE run_facts ADD COLUMN colour TEXT; CREATE TABLE notes (text TEXT) STRICT;",
            "INSERT INTO notes SELECT 'run ' || run_id FROM runs;"
            "CREATE VIEW notes_view AS SELECT * FROM notes;"};
        for (int i = 0; i < extra; ++i)
            options.migrations.push_back(
                {base + i + 1, "later_" + std::to_string(i + 1), later[std::size_t(i)]});
        return options;
    }
    static int base() { return program(0).migrations.back().version; }

    Result<std::unique_ptr<RunStore>> open(const store::SqliteOptions& options,
                                           OpenMode mode = OpenMode::append) {
        return store::open_sqlite_store(path_, mode, options);
    }
    void make_old_database(int runs = 2) {
        auto store = open(program(0));
        ASSERT_TRUE(store) << message_of(store);
        for (int i = 1; i <= runs; ++i)
            ASSERT_TRUE((*store)->append(make_small_run(std::uint64_t(i))));
    }
    std::string backup(int version) const {
        return path_ + ".schema-" + std::to_string(version) + ".bak";
    }
    // As a program of schema 1 or 2 left the same runs: what came later is taken away, and the
    // series of cases hold their suite.
    void make_it_older(int version) {
        auto connection = store_test::raw_connection(path_);
        connection.execute(
            "PRAGMA foreign_keys = OFF;"
            "CREATE TEMP TABLE old_keys AS SELECT id, sha256, json_set(json_remove(key, "
            "'$.definition'), '$.suite', 'standard/1') AS key FROM series;"
            "DROP VIEW trajectory_points; DROP TABLE series;");
        store::Connection model(":memory:", store::Connection::Access::memory, {});
        model.execute(program(0).migrations.front().sql);
        {
            store::Statement rows = model.prepare(
                "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND "
                "tbl_name IN ('series', 'trajectory_points') ORDER BY rowid");
            while (rows.step()) connection.execute(rows.text(0));
        }
        connection.execute(
            "INSERT INTO series (id, sha256, key) SELECT id, sha256, key FROM old_keys");
        if (version == 1)
            for (const char* table : {"sealed_points", "points", "hosts", "metrics", "score_series",
                                      "stacks", "run_products"})
                connection.execute(std::string("DROP TABLE ") + table);
        connection.execute("PRAGMA user_version = " + std::to_string(version));
        ASSERT_TRUE(connection.status());
    }
    std::vector<std::string> files() const {
        std::vector<std::string> names;
        for (const auto& entry : fs::directory_iterator(scratch_.folder()))
            names.push_back(entry.path().filename().string());
        std::sort(names.begin(), names.end());
        return names;
    }

    store_test::Scratch scratch_;
    std::string path_ = scratch_ / "a.db";
};

TEST_F(Migration, AnOlderDatabaseIsBroughtUpAndItsRunsVerify) {
    make_old_database();
    auto store = open(program(2));
    ASSERT_TRUE(store) << message_of(store);
    const auto info = (*store)->info();
    EXPECT_EQ(info->schema_version, base() + 2);
    EXPECT_EQ(info->schema_version_of_program, base() + 2);
    EXPECT_EQ(info->runs, 2);
    EXPECT_THAT((*store)->verify()->problems, IsEmpty());
    EXPECT_TRUE((*store)->append(make_small_run(3)));
    EXPECT_EQ(store_test::raw_connection(path_).scalar("SELECT count(*) FROM notes"), 2);
}

TEST_F(Migration, KeepsACopyOfTheOldDatabaseThatTheOldProgramReads) {
    make_old_database();
    ASSERT_TRUE(open(program(2)));
    EXPECT_THAT(files(),
                ::testing::ElementsAre("a.db", "a.db.schema-" + std::to_string(base()) + ".bak"));
    auto old = store::open_sqlite_store(backup(base()), OpenMode::read, program(0));
    ASSERT_TRUE(old) << message_of(old);
    EXPECT_EQ((*old)->info()->runs, 2);
    EXPECT_THAT((*old)->verify()->problems, IsEmpty());
}

// What is only in the journal when the program was killed belongs to the copy as well.
TEST_F(Migration, TheCopyHoldsWhatOnlyTheJournalHolds) {
    auto still_open = open(program(0));
    ASSERT_TRUE((*still_open)->append(make_small_run(1)));
    ASSERT_TRUE(open(program(1)));
    auto old = store::open_sqlite_store(backup(base()), OpenMode::read, program(0));
    EXPECT_EQ((*old)->info()->runs, 1);
    EXPECT_THAT(message_of((*still_open)->append(make_small_run(2))),
                HasSubstr("by another Peakward"));
}

TEST_F(Migration, NeverWritesOverAnOlderCopy) {
    make_old_database();
    store_test::write_file(backup(base()), "somebody's");
    ASSERT_TRUE(open(program(1)));
    EXPECT_EQ(store_test::read_file(backup(base())), "somebody's");
    EXPECT_TRUE(fs::exists(backup(base()) + ".2"));
}

TEST_F(Migration, AnEmptyDatabaseIsNotCopied) {
    make_old_database(0);
    ASSERT_TRUE(open(program(2)));
    EXPECT_FALSE(fs::exists(backup(base())));
}

TEST_F(Migration, AMigrationThatFailsLeavesTheDatabaseAsItWas) {
    make_old_database();
    auto broken = program(2);
    broken.migrations.back().sql = "CREATE TABLE half (x); INSERT INTO no_such_table VALUES (1);";
    EXPECT_THAT(message_of(open(broken)), AllOf(HasSubstr("later_2"), HasSubstr("no_such_table")));
    auto connection = store_test::raw_connection(path_);
    EXPECT_EQ(connection.scalar("PRAGMA user_version"), base()) << "all or none";
    EXPECT_FALSE(fs::exists(backup(base()))) << "a copy of what did not change";
    EXPECT_EQ(connection.scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), 0);
    auto store = open(program(2));
    ASSERT_TRUE(store) << message_of(store);
    EXPECT_THAT((*store)->verify()->problems, IsEmpty());
}

// A table of that rebuild is as the schema before had it, and foreign to the one after.
TEST_F(Migration, RemovesWhatARebuildLeft) {
    make_old_database();
    {
        auto connection = store_test::raw_connection(path_);
        const std::string table = connection.scalar_text(
            "SELECT replace(sql, 'TABLE run_facts', 'TABLE rebuild_run_facts') FROM sqlite_master "
            "WHERE name = 'run_facts'");
        connection.execute(table);
        const auto status = connection.status();
        ASSERT_TRUE(status) << status.error().message;
    }
    auto store = open(program(1));
    ASSERT_TRUE(store) << message_of(store);
    EXPECT_THAT((*store)->verify()->problems, IsEmpty());
    EXPECT_TRUE((*store)->append(make_small_run(3)));
    EXPECT_TRUE((*store)->rebuild());
}

TEST_F(Migration, ReadingAnOlderDatabaseSaysHowToMigrate) {
    make_old_database();
    EXPECT_THAT(message_of(open(program(1), OpenMode::read)),
                AllOf(HasSubstr("peakward db migrate --db " + path_), HasSubstr("keeps a copy")));
}

TEST_F(Migration, AnOlderProgramRefusesTheNewerDatabase) {
    ASSERT_TRUE(open(program(1)));
    for (const OpenMode mode : {OpenMode::read, OpenMode::append})
        EXPECT_THAT(message_of(open(program(0), mode)), HasSubstr("newer Peakward"));
}

TEST_F(Migration, SaysFromAndTo) {
    make_old_database();
    const auto report = store::migrate_sqlite(path_, program(2));
    ASSERT_TRUE(report) << message_of(report);
    EXPECT_EQ(report->from, base());
    EXPECT_EQ(report->to, base() + 2);
    const auto again = store::migrate_sqlite(path_, program(2));
    EXPECT_EQ(again->from, base() + 2);
    EXPECT_EQ(again->to, base() + 2);
    EXPECT_THAT(message_of(migrate_store(scratch_ / "none.db")), HasSubstr("no database"));
    EXPECT_FALSE(fs::exists(scratch_ / "none.db"));
}

TEST_F(Migration, SeveralProcessesAtOnceDoItOnce) {
    make_old_database();
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    std::vector<pid_t> children;
    for (int i = 0; i < 4; ++i) {
        const pid_t child = ::fork();
        if (child == 0) ::_exit(open(program(2)) ? 0 : 1);
        children.push_back(child);
    }
    for (const pid_t child : children) {
        int status = 0;
        ::waitpid(child, &status, 0);
        EXPECT_EQ(status, 0);
    }
    EXPECT_EQ(store_test::raw_connection(path_).scalar("SELECT count(*) FROM notes"), 2);
    EXPECT_FALSE(fs::exists(backup(base()) + ".2"));
}

std::vector<Series> read_all(RunStore& store, const SeriesFilter& filter = {}) {
    std::vector<Series> list;
    EXPECT_TRUE(store.each_series(filter, [&](Series&& series) -> Status {
        list.push_back(std::move(series));
        return {};
    }));
    return list;
}

TEST_F(Migration, TheSeriesOfAnOlderDatabaseAreMade) {
    make_old_database(70);
    std::vector<Series> before;
    {
        auto store = open(program(0));
        before = read_all(**store);
        EXPECT_GT(before.size(), 10u);
    }
    make_it_older(1);
    EXPECT_THAT(message_of(open(program(0), OpenMode::read)), HasSubstr("db migrate"));
    const auto report = store::migrate_sqlite(path_, program(1));
    ASSERT_TRUE(report) << message_of(report);
    EXPECT_EQ(report->from, 1);
    auto store = open(program(1), OpenMode::read);
    ASSERT_TRUE(store) << message_of(store);
    EXPECT_THAT((*store)->verify()->problems, IsEmpty());
    const std::vector<Series> after = read_all(**store);
    ASSERT_EQ(after.size(), before.size());
    for (std::size_t i = 0; i < after.size(); ++i) {
        EXPECT_EQ(after[i].key, before[i].key);
        ASSERT_EQ(after[i].points.size(), before[i].points.size());
        EXPECT_EQ(after[i].points.back().value, before[i].points.back().value);
    }
    EXPECT_EQ((*store)->hardware()->at(0).runs, 70);
    EXPECT_TRUE(fs::exists(backup(1)));
}

// A program killed in the middle leaves the schema before or the one after, each whole.
TEST_F(Migration, KilledAtAnyMomentItIsMadeByTheNext) {
    make_old_database(40);
    make_it_older(2);
    const std::string old = store_test::read_file(path_);
    int killed_before_the_end = 0;
    for (int wait_ms = 0; wait_ms < 24; wait_ms += 2) {
        for (const char* journal : {"-wal", "-shm"}) fs::remove(path_ + journal);
        store_test::write_file(path_, old);
        const pid_t child = ::fork();
        if (child == 0) ::_exit(store::migrate_sqlite(path_, program(0)) ? 0 : 1);
        std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms));
        ::kill(child, SIGKILL);
        int status = 0;
        ::waitpid(child, &status, 0);
        killed_before_the_end += WIFSIGNALED(status);
        const auto version = store_test::raw_connection(path_).scalar("PRAGMA user_version");
        EXPECT_TRUE(version == 2 || version == 3) << version;
        auto store = open(program(0));
        ASSERT_TRUE(store) << message_of(store);
        EXPECT_EQ((*store)->info()->runs, 40);
        EXPECT_THAT((*store)->verify()->problems, IsEmpty()) << "killed after " << wait_ms << " ms";
    }
    EXPECT_GT(killed_before_the_end, 0);
}

// A file that the program of schema 2 wrote: quick/3, standard/2, quick/4 with an operation more,
// and an import, of the same case.
class HistoryOfSchema2 : public Migration {
protected:
    void SetUp() override {
        const auto migrations = program(0).migrations;
        store::Connection connection(path_, store::Connection::Access::create, {});
        for (const store::Migration& migration : std::span(migrations).first(2))
            connection.execute(migration.sql);
        connection.execute("PRAGMA user_version = 2");
        connection.execute(
            store_test::read_file(PEAKWARD_SOURCE_DIR "/tests/fixtures/store/schema_2.sql"));
        const auto status = connection.status();
        ASSERT_TRUE(status) << status.error().message;
    }
    // Every row of the index, as text.
    static std::string index_of(const std::string& path) {
        auto connection = store_test::raw_connection(path);
        std::string text;
        for (const char* table : store::index_tables) {
            text += std::string(table) + "\n";
            std::string columns;
            {
                store::Statement rows = connection.prepare("SELECT name FROM pragma_table_info('" +
                                                           std::string(table) + "')");
                while (rows.step())
                    columns +=
                        (columns.empty() ? "quote(" : " || ' ' || quote(") + rows.text(0) + ")";
            }
            store::Statement rows =
                connection.prepare("SELECT " + columns + " AS row FROM " + table + " ORDER BY row");
            while (rows.step()) text += rows.text(0) + "\n";
        }
        EXPECT_TRUE(connection.status());
        return text;
    }
    std::int64_t version() {
        return store_test::raw_connection(path_).scalar("PRAGMA user_version");
    }
};

TEST_F(HistoryOfSchema2, GoesOnAsOneSeriesOfEachCase) {
    const std::string head = "SELECT chain_sha256 FROM chain_head";
    const std::string head_before = store_test::raw_connection(path_).scalar_text(head);
    auto store = open(program(0));
    ASSERT_TRUE(store) << message_of(store);
    EXPECT_EQ(store_test::raw_connection(path_).scalar_text(head), head_before);
    EXPECT_THAT((*store)->verify()->problems, IsEmpty());
    SeriesFilter gops;
    gops.metrics = {"gops"};
    std::map<std::string, std::vector<double>> cases;
    for (const Series& series : read_all(**store, gops)) {
        auto& values = cases[series.key.operation + " by " + series.key.definition + " of " +
                             series.key.suite];
        for (const SeriesPoint& point : series.points) values.push_back(point.value);
    }
    using Values = std::vector<double>;
    EXPECT_EQ(cases, (std::map<std::string, Values>{
                         {"gemm by gemm/1 of quick/4", {100, 101, 102}},
                         {"dot by dot/1 of quick/4", {2, 2.5}},
                         {"conv2d by conv2d/1 of quick/4", {70}},
                         {"gemm by import-kernels-52x10/1 of import-kernels-52x10/1", {55}}}));
    gops.metrics = {"peak_measured_gops"};
    EXPECT_EQ(read_all(**store, gops).size(), 4u) << "scores of four suites";
}

TEST_F(HistoryOfSchema2, HasTheIndexOfTheSameRunsStoredAnew) {
    const std::string copy = scratch_ / "copy.db";
    {
        auto store = open(program(0));
        ASSERT_TRUE(store) << message_of(store);
        auto fresh = store::open_sqlite_store(copy, OpenMode::append, program(0));
        auto runs = *(*store)->history({.limit = 0});
        std::reverse(runs.begin(), runs.end());  // oldest first
        for (const RunSummary& summary : runs) {
            auto run = (*store)->find(summary.run_id);
            ASSERT_TRUE(run) << message_of(run);
            ASSERT_TRUE((*fresh)->append(*run));
        }
    }
    const std::string migrated = index_of(path_);
    EXPECT_EQ(migrated, index_of(copy));
    EXPECT_TRUE((*open(program(0)))->rebuild());
    EXPECT_EQ(migrated, index_of(path_));
}

TEST_F(HistoryOfSchema2, TamperingIsStillFoundAfterTheMigration) {
    ASSERT_TRUE(open(program(0)));
    store_test::tamper(path_, "UPDATE measurement_values SET value = 99 WHERE value = 101");
    EXPECT_THAT((*open(program(0)))->verify()->problems, ::testing::SizeIs(1));
    store_test::tamper(path_,
                       "UPDATE run_documents SET document = replace(document, '101.0', '99.0')");
    EXPECT_THAT((*open(program(0)))->verify()->problems, ::testing::Contains(HasSubstr("SHA-256")));
}

// The old index alone tells of the run: an index made anew would not.
TEST_F(HistoryOfSchema2, IsNotMigratedWhereThatWouldHideThatARunWasRemoved) {
    store_test::tamper(path_,
                       "DELETE FROM run_documents WHERE seq = 4; DELETE FROM run_windows WHERE seq "
                       "= 4; DELETE FROM runs WHERE seq = 4; UPDATE chain_head SET (seq, "
                       "run_sha256, chain_sha256) = (SELECT seq, sha256, chain_sha256 FROM runs "
                       "WHERE seq = 3)");
    EXPECT_THAT(message_of(open(program(0))), HasSubstr("hosts counts 4 runs where 3 are stored"));
    EXPECT_EQ(version(), 2);
}

// Its documents are the same in every schema, so what cannot be migrated can be copied.
TEST_F(HistoryOfSchema2, ItsRunsAreReadWithoutAMigration) {
    store_test::tamper(path_, "UPDATE hosts SET runs = runs + 1");
    ASSERT_FALSE(open(program(0))) << "this index tells of a run that is not there";
    auto store = store::open_sqlite_store(path_, OpenMode::documents, program(0));
    ASSERT_TRUE(store) << message_of(store);
    const auto runs = (*store)->history({.limit = 0});
    ASSERT_TRUE(runs) << message_of(runs);
    EXPECT_EQ(runs->size(), 4u);
    for (const RunSummary& summary : *runs) {
        EXPECT_TRUE((*store)->find(summary.run_id));
        EXPECT_TRUE((*store)->digest_of(summary.run_id).value_or(std::nullopt));
    }
    EXPECT_EQ(version(), 2);
    EXPECT_FALSE(store::open_sqlite_store(path_, OpenMode::read, program(0)));
}

TEST_F(HistoryOfSchema2, AStoppedMigrationChangesNothing) {
    class Stopped : public StopToken {
        bool stop_requested() const override { return true; }
    } const stop;
    auto options = program(0);
    options.stop = &stop;
    const auto migrated = store::migrate_sqlite(path_, options);
    ASSERT_FALSE(migrated);
    EXPECT_EQ(migrated.error().kind, ErrorKind::interrupted);
    EXPECT_EQ(version(), 2);
    EXPECT_TRUE(store::migrate_sqlite(path_, program(0)));
}

TEST(BuiltInMigrations, AreNumberedWithoutGaps) {
    const auto migrations = store::built_in_migrations();
    ASSERT_FALSE(migrations.empty());
    for (std::size_t i = 0; i < migrations.size(); ++i)
        EXPECT_EQ(migrations[i].version, int(i) + 1);
}

}  // namespace
}  // namespace peakward
