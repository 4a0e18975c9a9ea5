// Databases as somebody with an editor for SQLite makes them: what is planted is named, and never
// runs. Whatever a planted object could do leaves a row in `loot` or a table `owned`.
#include <gmock/gmock.h>

#include "store/foreign_rows.hpp"
#include "store/scratch.hpp"

namespace peakward {
namespace {

using store_test::make_small_run;
using store_test::message_of;
using store_test::raw_connection;
using ::testing::Contains;
using ::testing::HasSubstr;

enum class Readers { go_on, refuse };

struct Planted {
    friend void PrintTo(const Planted& planted, std::ostream* out) { *out << planted.name; }
    const char* name;
    const char* sql;
    const char* named;  // in a sentence of verify
    Readers readers;
    bool by_hand = false;  // rows of sqlite_master, which no CREATE would make
};

// In place of the runs: never ends, and looks like them.
constexpr const char* endless_runs =
    "PRAGMA foreign_keys = OFF; DROP TABLE runs; CREATE VIEW runs AS WITH RECURSIVE c(x) AS "
    "(SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x AS seq, '' AS run_id, '' AS timestamp, "
    "x AS timestamp_unix, '' AS install, '' AS hardware_fingerprint, '' AS lineage, "
    "'' AS software_fingerprint, '' AS suite, NULL AS supersedes, '' AS sha256, "
    "'' AS previous_sha256, '' AS chain_sha256 FROM c";

const Planted planted_objects[] = {
    {"TriggerOnRuns",
     "CREATE TRIGGER sly AFTER INSERT ON runs BEGIN INSERT INTO loot VALUES (1); END",
     "the table runs has a trigger sly", Readers::go_on},
    {"TriggerOnTheIndex",
     "CREATE TRIGGER sly BEFORE INSERT ON points BEGIN DELETE FROM loot; "
     "INSERT INTO loot VALUES (1); END",
     "the table points has a trigger sly", Readers::go_on},
    {"TriggerThatNeverEnds",
     "CREATE TRIGGER sly AFTER INSERT ON run_facts BEGIN INSERT INTO loot WITH RECURSIVE c(x) AS "
     "(SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c; END",
     "the table run_facts has a trigger sly", Readers::go_on},
    {"TriggerWhoseNameEndsTheQuotes",
     "CREATE TRIGGER \"a\"\"; CREATE TABLE owned (x); DROP TRIGGER run_documents_refuse_update; "
     "--\""
     " AFTER INSERT ON scores BEGIN SELECT 1; END",
     "the table scores has a trigger a\"; CREATE TABLE owned", Readers::go_on},
    {"TriggerOnAView",
     "CREATE TRIGGER sly INSTEAD OF INSERT ON calibration_runs BEGIN INSERT INTO loot VALUES (1); "
     "END",
     "calibration_runs has a trigger sly", Readers::go_on},
    {"DroppedTrigger", "DROP TRIGGER runs_refuse_delete",
     "the trigger runs_refuse_delete is missing", Readers::go_on},
    {"HollowTrigger",
     "DROP TRIGGER runs_refuse_delete; CREATE TRIGGER runs_refuse_delete BEFORE DELETE ON runs "
     "BEGIN SELECT 1; END",
     "the trigger runs_refuse_delete is not as Peakward made it", Readers::go_on},
    {"ViewInPlaceOfRuns", endless_runs, "the table runs is missing", Readers::refuse},
    {"ViewInPlaceOfAnIndexTable",
     "PRAGMA foreign_keys = OFF; DROP TABLE hosts; CREATE VIEW hosts AS SELECT 'l' AS lineage, "
     "'h' AS hardware_fingerprint, 'i' AS install, 1 AS runs, 1 AS cases, 1 AS first_unix, "
     "1 AS first_seq, 1 AS newest_unix, 1 AS newest_seq, 1 AS last_seq",
     "there is a view hosts that is not Peakward's", Readers::refuse},
    {"OtherViewOfCalibrations",
     "DROP VIEW calibration_runs; CREATE VIEW calibration_runs AS SELECT 1 AS run_id",
     "the view calibration_runs is not as Peakward made it", Readers::refuse},
    {"ForeignView", "CREATE VIEW mine AS SELECT * FROM runs", "there is a view mine",
     Readers::go_on},
    {"ForeignTable", "CREATE TABLE mine (x CHECK (length(x) < 5))", "there is a table mine",
     Readers::go_on},
    {"UniqueIndexThatRefusesTheNextRun", "CREATE UNIQUE INDEX z ON run_facts (1) WHERE seq > 1",
     "the table run_facts has an index z", Readers::refuse},
    {"IndexOfAnExpression", "CREATE INDEX z ON runs (length(run_id))",
     "the table runs has an index z", Readers::refuse},
    {"DroppedIndex", "DROP INDEX runs_newest", "the index runs_newest is missing", Readers::refuse},
    {"DroppedTable", "PRAGMA foreign_keys = OFF; DROP TABLE gpus", "the table gpus is missing",
     Readers::refuse},
    {"VirtualTable",
     "INSERT INTO sqlite_master VALUES ('table', 'v', 'v', 0, "
     "'CREATE VIRTUAL TABLE v USING fts5 (x)')",
     "there is a virtual table v", Readers::go_on, true},
    {"OtherCheckOfAColumn",
     "UPDATE sqlite_master SET sql = replace(sql, 'seq >= 1', 'seq >= 0') WHERE name = 'runs'",
     "the table runs is not as Peakward made it", Readers::refuse, true},
    {"GeneratedColumn",
     "UPDATE sqlite_master SET sql = replace(sql, 'document TEXT NOT NULL', 'document TEXT NOT "
     "NULL, x TEXT AS (hex(zeroblob(100000000)))') WHERE name = 'run_documents'",
     "the table run_documents is not as Peakward made it", Readers::refuse, true},
    {"TableOfARebuildThatIsNone", "CREATE TABLE rebuild_points (x CHECK (length(x) < 5))",
     "there is a table rebuild_points", Readers::go_on},
};

class PlantedObject : public ::testing::TestWithParam<Planted> {
protected:
    PlantedObject() {
        auto store = open_store(path_, OpenMode::append);
        EXPECT_TRUE((*store)->append(make_small_run(1)));
    }
    void plant() {
        auto connection = raw_connection(path_);
        if (std::string_view(GetParam().sql).find("loot") != std::string_view::npos)
            connection.execute("CREATE TABLE loot (x)");
        if (GetParam().by_hand) connection.allow_schema_edits(true);
        connection.execute(GetParam().sql);
        ASSERT_TRUE(connection.ok()) << connection.status().error().message;
    }
    std::vector<std::string> problems() {
        auto store = open_store(path_, OpenMode::inspect);
        if (!store) return {"cannot be opened: " + store.error().message};
        auto report = (*store)->verify();
        return report ? report->problems : std::vector{"no report: " + report.error().message};
    }
    // Everything that a planted object could have changed.
    std::string state() {
        auto connection = raw_connection(path_);
        const std::string schema = connection.scalar_text(
            "SELECT group_concat(name || coalesce(sql, '')) FROM main.sqlite_master");
        return schema + std::to_string(connection.scalar("SELECT count(*) FROM loot"));
    }

    store_test::Scratch scratch_;
    std::string path_ = scratch_ / "a.db";
};

TEST_P(PlantedObject, IsNamedAndNeverRuns) {
    plant();
    const std::string before = state();
    EXPECT_THAT(problems(), Contains(HasSubstr(GetParam().named)));
    for (const std::string& sentence :
         {message_of(open_store(path_, OpenMode::append)), message_of(migrate_store(path_))})
        EXPECT_THAT(sentence, HasSubstr("is not as Peakward made it"));
    const std::string reading = message_of(open_store(path_, OpenMode::read));
    if (GetParam().readers == Readers::refuse)
        EXPECT_THAT(reading, HasSubstr("nothing in it was read"));
    else
        EXPECT_EQ(reading, "");
    EXPECT_EQ(state(), before);
}

// Between the opening and the append, as while a machine is measured.
TEST_P(PlantedObject, IsFoundAgainBeforeARunIsWritten) {
    auto store = open_store(path_, OpenMode::append);
    ASSERT_TRUE(store);
    plant();
    const std::string before = state();
    EXPECT_THAT(message_of((*store)->append(make_small_run(2))),
                HasSubstr("is not as Peakward made it"));
    EXPECT_FALSE((*store)->rebuild());
    EXPECT_EQ(state(), before);
}

INSTANTIATE_TEST_SUITE_P(Every, PlantedObject, ::testing::ValuesIn(planted_objects),
                         [](const auto& tested) { return std::string(tested.param.name); });

class Cases : public ::testing::Test {
protected:
    std::string copy_of(const std::string& name) {
        const std::string copy = scratch_ / "INPUT.db";
        store_test::write_file(
            copy, store_test::read_file(PEAKWARD_SOURCE_DIR "/tests/fixtures/cases/" + name));
        return copy;
    }
    store_test::Scratch scratch_;
};

TEST_F(Cases, ANameThatEndsTheQuotesStaysAName) {
    const std::string path = copy_of("store-trigger-name-injection/INPUT.db");
    EXPECT_THAT(message_of(open_store(path, OpenMode::append)),
                HasSubstr("is not as Peakward made it"));
    auto connection = raw_connection(path);
    EXPECT_EQ(connection.scalar("SELECT count(*) FROM sqlite_master WHERE name = 'owned'"), 0);
    EXPECT_EQ(connection.scalar("SELECT count(*) FROM sqlite_master WHERE name = "
                                "'run_documents_refuse_update'"),
              1);
}

// The file has schema 2, which is migrated before it is verified: the index forbids that.
TEST_F(Cases, AnIndexThatLetsOneMoreRunInIsNamed) {
    const std::string path = copy_of("store-planted-index/INPUT.db");
    for (const OpenMode mode : {OpenMode::inspect, OpenMode::read, OpenMode::append})
        EXPECT_THAT(message_of(open_store(path, mode)), HasSubstr("has an index z"));
    store::SqliteOptions then;
    then.migrations.resize(2);
    auto store = store::open_sqlite_store(path, OpenMode::inspect, then);
    ASSERT_TRUE(store) << message_of(store);
    EXPECT_THAT((*store)->verify()->problems, Contains(HasSubstr("has an index z")));
}

TEST_F(Cases, AViewThatNeverEndsIsRefused) {
    for (const char* name : {"INPUT-endless.db", "INPUT-memory.db"}) {
        const auto rows =
            read_foreign_rows(copy_of(std::string("import-view-that-never-ends/") + name));
        ASSERT_FALSE(rows) << name;
        EXPECT_THAT(rows.error().message, HasSubstr("not authorized")) << name;
    }
}

// A schema 1 is migrated by whatever appends: it is held against its own tables first.
TEST_F(Cases, AnOlderDatabaseIsComparedBeforeItIsMigrated) {
    const std::string path = scratch_ / "old.db";
    store::SqliteOptions first;
    first.migrations.resize(1);
    {
        store::Connection made(path, store::Connection::Access::create, {});
        made.execute(first.migrations.front().sql + "PRAGMA user_version = 1;");
        ASSERT_TRUE(made.status());
    }
    ASSERT_TRUE(migrate_store(path));
    const std::string planted = scratch_ / "planted.db";
    {
        store::Connection made(planted, store::Connection::Access::create, {});
        made.execute(first.migrations.front().sql + "PRAGMA user_version = 1;");
        made.execute(
            "CREATE TRIGGER \"a\"\"; CREATE TABLE owned (x); --\" AFTER INSERT ON scores BEGIN "
            "SELECT 1; END");
        ASSERT_TRUE(made.status());
    }
    EXPECT_THAT(message_of(migrate_store(planted)), HasSubstr("is not as Peakward made it"));
    auto connection = raw_connection(planted);
    EXPECT_EQ(connection.scalar("PRAGMA user_version"), 1);
    EXPECT_EQ(connection.scalar("SELECT count(*) FROM sqlite_master WHERE name = 'owned'"), 0);
}

// The names of a file, in SQL.
TEST(QuotedName, MeansItself) {
    store::Connection connection(":memory:", store::Connection::Access::memory, {});
    for (const std::string name : {"a", "a\"b", "\"; DROP TABLE t; --", "a'b", "a]b`", "", "ü\n"}) {
        connection.execute("CREATE TABLE " + store::quoted_name("t" + name) + " (x)");
        connection.execute("INSERT INTO " + store::quoted_name("t" + name) + " VALUES (1)");
        EXPECT_TRUE(connection.status()) << name;
    }
    EXPECT_EQ(connection.scalar("SELECT count(*) FROM sqlite_master"), 7);
}

TEST(ConnectionTo, AFileThatIsHostileReachesNothingElse) {
    const store_test::Scratch scratch;
    const auto refusal = [&](const std::string& sql) {
        store::Connection connection(scratch / "a.db", store::Connection::Access::create, {});
        connection.execute(sql);
        const auto status = connection.status();
        return status ? "" : status.error().message;
    };
    EXPECT_THAT(refusal("ATTACH '" + scratch.folder() + "/owned.db' AS o"), HasSubstr("attach"));
    EXPECT_THAT(refusal("SELECT load_extension('x')"), HasSubstr("not authorized"));
    EXPECT_THAT(refusal("CREATE VIRTUAL TABLE v USING fts5 (x)"), HasSubstr("no such module"));
    EXPECT_FALSE(refusal("PRAGMA writable_schema = ON; CREATE TABLE t (x); "
                         "UPDATE sqlite_master SET sql = 'x'")
                     .empty());
    EXPECT_FALSE(std::filesystem::exists(scratch / "owned.db"));
}

}  // namespace
}  // namespace peakward
