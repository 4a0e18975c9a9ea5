// Forward only, numbered, one transaction each, with a copy of the old database kept.
#include <gmock/gmock.h>

#include <algorithm>

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
    EXPECT_EQ(connection.scalar("PRAGMA user_version"), base() + 1) << "the first one stands";
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

// What schema 2 added is taken away: the file is then as a program of schema 1 left it.
TEST_F(Migration, TheSeriesOfAnOlderDatabaseAreMade) {
    make_old_database(70);
    const auto read_all = [&](RunStore& store) {
        std::vector<Series> list;
        EXPECT_TRUE(store.each_series({}, [&](Series&& series) -> Status {
            list.push_back(std::move(series));
            return {};
        }));
        return list;
    };
    std::vector<Series> before;
    {
        auto store = open(program(0));
        before = read_all(**store);
        EXPECT_GT(before.size(), 10u);
    }
    auto connection = store_test::raw_connection(path_);
    connection.execute("PRAGMA foreign_keys = OFF");
    for (const char* table :
         {"sealed_points", "points", "hosts", "metrics", "score_series", "stacks", "run_products"})
        connection.execute(std::string("DROP TABLE ") + table);
    connection.execute("PRAGMA user_version = 1");
    ASSERT_TRUE(connection.status());
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

TEST(BuiltInMigrations, AreNumberedWithoutGaps) {
    const auto migrations = store::built_in_migrations();
    ASSERT_FALSE(migrations.empty());
    for (std::size_t i = 0; i < migrations.size(); ++i)
        EXPECT_EQ(migrations[i].version, int(i) + 1);
}

}  // namespace
}  // namespace peakward
