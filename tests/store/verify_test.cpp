// Whatever is changed behind the store's back, verify() finds it and names the run.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <random>

#include "core/json.hpp"
#include "core/sha256.hpp"
#include "store/scratch.hpp"

namespace peakward {
namespace {

using store_test::make_run_id;
using store_test::make_small_run;
using store_test::tamper;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class Verify : public ::testing::Test {
protected:
    Verify() {
        auto store = open_store(path_, OpenMode::append);
        for (std::uint64_t seed = 1; seed <= 5; ++seed) EXPECT_TRUE((*store)->append(run_of(seed)));
    }
    static peakward::Run run_of(std::uint64_t seed) {
        auto run = make_small_run(seed);
        run.flags = {"forced"};
        run.products = {{"cpu", "intel_i7_12700k", 1, 0.98, "its name", ""}};
        return run;
    }
    std::vector<std::string> problems() {
        auto store = open_store(path_, OpenMode::inspect);
        if (!store) return {"cannot be opened: " + store.error().message};
        auto report = (*store)->verify();
        return report ? report->problems : std::vector{"no report: " + report.error().message};
    }
    // Run 6, with software of its own.
    void add_second_stack() {
        auto run = make_small_run(6);
        run.context.software.stack_digest = "another";
        EXPECT_TRUE((*open_store(path_, OpenMode::append))->append(run));
    }
    static auto names(std::uint64_t seed, const std::string& what) {
        return AllOf(HasSubstr(make_run_id(seed)), HasSubstr(what));
    }

    store_test::Scratch scratch_;
    std::string path_ = scratch_ / "a.db";
};

TEST_F(Verify, FindsAChangedDocument) {
    tamper(path_,
           "UPDATE run_documents SET document = replace(document, '41.5', '40.5') WHERE seq = 3");
    EXPECT_THAT(problems(), ElementsAre(names(3, "its document was changed")));
}

TEST_F(Verify, FindsAChangedDocumentWhoseHashWasMadeToAgree) {
    tamper(path_,
           "UPDATE run_documents SET document = replace(document, '41.5', '40.5') WHERE seq = 3");
    std::string document;
    {
        auto connection = store_test::raw_connection(path_);
        document = connection.scalar_text("SELECT document FROM run_documents WHERE seq = 3");
    }
    tamper(path_, "UPDATE runs SET sha256 = '" + sha256_hex(document) +
                      "' WHERE seq = 3;"
                      "UPDATE runs SET previous_sha256 = '" +
                      sha256_hex(document) + "' WHERE seq = 4");
    EXPECT_THAT(problems(), Contains(names(3, "chain hash")));
}

TEST_F(Verify, FindsChangedRawWindows) {
    tamper(path_,
           "UPDATE run_windows SET windows = "
           "CAST(substr(windows, 1, length(windows) - 1) || x'07' AS BLOB) WHERE seq = 2");
    EXPECT_THAT(problems(), ElementsAre(names(2, "raw windows were changed")));
}

TEST_F(Verify, FindsMissingDocumentsAndWindows) {
    tamper(path_, "DELETE FROM run_documents WHERE seq = 2; DELETE FROM run_windows WHERE seq = 4");
    EXPECT_THAT(problems(), Contains(names(2, "document is missing")));
    EXPECT_THAT(problems(), Contains(names(4, "raw windows are missing")));
}

const std::string every_table[] = {
    "measurement_values", "measurements", "scores",      "components",    "gpus",
    "run_facts",          "run_products", "run_windows", "run_documents", "runs"};

// Without the rows of `kept`, which stay.
std::string removal_of(int seq, const std::string& kept = {}) {
    std::string sql;
    for (const std::string& table : every_table)
        if (table != kept)
            sql += "DELETE FROM " + table + " WHERE seq = " + std::to_string(seq) + ";";
    return sql;
}

TEST_F(Verify, FindsARunRemovedFromTheMiddle) {
    tamper(path_, removal_of(3));
    EXPECT_THAT(problems(),
                ElementsAre(AllOf(names(2, "a run is missing after"), names(4, "seq 3 to 3"))));
}

TEST_F(Verify, FindsARunRemovedFromTheBeginning) {
    tamper(path_, removal_of(1));
    EXPECT_THAT(problems(), ElementsAre(names(2, "a run is missing at the beginning")));
}

TEST_F(Verify, FindsRunsRemovedFromTheEnd) {
    tamper(path_, removal_of(5) + removal_of(4));
    EXPECT_THAT(problems(), ElementsAre(names(3, "2 runs are missing at the end")));
    tamper(path_, removal_of(3) + removal_of(2) + removal_of(1));
    EXPECT_THAT(problems(), ElementsAre(HasSubstr("there are none left (seq 1 to 5)")));
}

TEST_F(Verify, FindsRunsInAnotherOrder) {
    std::string sql;
    for (const std::string& table : every_table)
        sql += "UPDATE " + table + " SET seq = 100 WHERE seq = 2; UPDATE " + table +
               " SET seq = 2 WHERE seq = 3; UPDATE " + table + " SET seq = 3 WHERE seq = 100;";
    tamper(path_, sql);
    EXPECT_THAT(problems(), Contains(names(3, "link to the run before it")));
    EXPECT_THAT(problems(), Contains(names(2, "link to the run before it")));
}

TEST_F(Verify, FindsEditedColumnsOfARun) {
    for (const char* column : {"timestamp", "install", "hardware_fingerprint", "lineage",
                               "software_fingerprint", "suite", "run_id"}) {
        const std::string name = column;
        tamper(path_, "UPDATE runs SET " + name + " = " + name + " || 'x' WHERE seq = 4");
        EXPECT_THAT(problems(), ElementsAre(names(4, "runs." + name))) << name;
        tamper(path_, "UPDATE runs SET " + name + " = rtrim(" + name + ", 'x') WHERE seq = 4");
    }
    tamper(path_, "UPDATE runs SET timestamp_unix = 5 WHERE seq = 4");
    EXPECT_THAT(problems(), ElementsAre(names(4, "runs.timestamp_unix")));
}

TEST_F(Verify, FindsEditedIndexRowsAndRebuildMakesThemAnew) {
    const std::vector<std::pair<std::string, std::string>> edits = {
        {"UPDATE scores SET efficiency = 0.99 WHERE seq = 2 AND position = 1", "scores.efficiency"},
        {"UPDATE components SET version = '9.9' WHERE seq = 2 AND name = 'numpy_version'",
         "components.version"},
        {"DELETE FROM components WHERE seq = 2 AND name = 'glibc'", "components has 7 rows"},
        {"INSERT INTO components VALUES (2, 'zlib', '1', NULL)", "components has 9 rows"},
        {"UPDATE run_facts SET flags = '[\"x\"]' WHERE seq = 2", "run_facts.flags"},
        {"UPDATE measurements SET outcome = 'contended' WHERE seq = 2 AND position = 1",
         "measurements.outcome"},
        {"UPDATE measurement_values SET value = 1e9 WHERE seq = 2 AND position = 1 AND metric = "
         "'gops'",
         "measurement_values.value"},
        {"DELETE FROM measurement_values WHERE seq = 2 AND position = 1 AND metric = 'gops'",
         "measurement_values has 6 rows"},
        {"UPDATE measurement_values SET series_id = 3 - series_id WHERE seq = 2 AND position < 2",
         "measurement_values"},
        {"INSERT INTO gpus VALUES (2, 0, 'nvidia', NULL, NULL, NULL, NULL, NULL)",
         "gpus has 1 rows"}};
    for (const auto& [sql, problem] : edits) {
        tamper(path_, sql);
        EXPECT_THAT(problems(), Contains(names(2, problem))) << sql;
        auto store = open_store(path_, OpenMode::append);
        ASSERT_TRUE((*store)->rebuild());
        EXPECT_THAT(problems(), IsEmpty()) << sql;
    }
}

TEST_F(Verify, FindsEditedPointsAndRebuildMakesThemAnew) {
    const std::vector<std::pair<std::string, std::string>> edits = {
        {"UPDATE points SET timestamp_unix = 5 WHERE kind = 1 AND seq = 2 AND position = 1",
         "points differs"},
        {"UPDATE points SET doubts = 0 WHERE kind = 0 AND seq = 2 AND position = 1",
         "points differs"},
        {"UPDATE points SET stack_id = 2 WHERE kind = 0 AND seq = 2 AND position = 1",
         "points differs"},
        {"UPDATE points SET figures = x'00' WHERE kind = 0 AND seq = 2 AND position = 1",
         "points differs"},
        {"UPDATE points SET figures = (SELECT figures FROM points p WHERE p.kind = 0 AND p.seq = 3 "
         "AND p.position = 1) WHERE kind = 0 AND seq = 2 AND position = 1",
         "points differs"},
        {"DELETE FROM points WHERE kind = 1 AND seq = 2 AND position = 1", "points lacks"},
        {"UPDATE score_series SET key = '{}' WHERE id = 1", "the series of its score"},
        {"UPDATE metrics SET unit = 'furlong' WHERE name = 'gops'", "points differs"},
        {"UPDATE metrics SET name = 'speed' WHERE name = 'blas3_gops'", "points differs"},
        {"DELETE FROM run_products WHERE seq = 2", "run_products has 0 rows"},
        {"UPDATE run_products SET product = 'x' WHERE seq = 2", "run_products.product"},
    };
    add_second_stack();
    for (const auto& [sql, problem] : edits) {
        tamper(path_, sql);
        EXPECT_THAT(problems(), Contains(names(2, problem))) << sql;
        ASSERT_TRUE((*open_store(path_, OpenMode::append))->rebuild());
        EXPECT_THAT(problems(), IsEmpty()) << sql;
    }
}

TEST_F(Verify, FindsEditedSummaries) {
    add_second_stack();
    std::vector<peakward::Run> more;
    for (std::uint64_t seed = 10; seed <= 140; ++seed) more.push_back(make_small_run(seed));
    ASSERT_TRUE((*open_store(path_, OpenMode::append))->append_all(more));
    EXPECT_THAT(problems(), IsEmpty());
    const std::vector<std::pair<std::string, std::string>> edits = {
        {"UPDATE hosts SET runs = runs + 1", "hosts does not agree"},
        {"UPDATE hosts SET newest_seq = 1", "hosts does not agree"},
        {"UPDATE hosts SET install = 'x'", "hosts does not agree"},
        {"DELETE FROM hosts", "hosts has 0 rows"},
        {"UPDATE stacks SET id = 10 - id", "stacks does not list"},
        {"INSERT INTO stacks VALUES (77, 'a', 'b')", "stacks does not list"},
        {"UPDATE sealed_points SET points = x'0100' WHERE id = 5", "sealed_points does not agree"},
        {"UPDATE sealed_points SET last_seq = last_seq + 1 WHERE id = 5",
         "sealed_points does not agree"},
        {"DELETE FROM sealed_points WHERE id = 5", "sealed_points does not agree"},
        {"UPDATE sealed_points SET id = 9999 WHERE id = 1", "sealed_points does not number"},
        {"INSERT INTO sealed_points VALUES (9999, 0, 1, 99, 3, x'0100')",
         "sealed_points has 1 rows"},
        {"UPDATE points SET unsealed = unsealed % 64 + 1 WHERE kind = 1 AND seq = 2",
         "points does not count"},
        {"INSERT INTO points VALUES (0, 1, 1, 99, 1, 1, 0, 1, x'')", "points has 1 rows"},
    };
    store_test::raw_connection(path_).scalar_text("PRAGMA wal_checkpoint(TRUNCATE)");
    const std::string whole = store_test::read_file(path_);
    for (const auto& [sql, problem] : edits) {
        tamper(path_, sql);
        EXPECT_THAT(problems(), Contains(HasSubstr(problem))) << sql;
        store_test::write_file(path_, whole);
    }
    for (std::size_t i = 0; i < edits.size(); i += 3) tamper(path_, edits[i].first);
    ASSERT_TRUE((*open_store(path_, OpenMode::append))->rebuild());
    EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(Verify, FindsAnEditedSeriesKey) {
    tamper(path_, "UPDATE series SET key = replace(key, 'install-a', 'install-b') WHERE id = 1");
    EXPECT_THAT(problems(), Contains(names(1, "the series of its measurement")));
    EXPECT_THAT(problems(), SizeIs(5));
}

TEST_F(Verify, FindsRowsOfRunsThatDoNotExist) {
    tamper(path_,
           "INSERT INTO components VALUES (77, 'glibc', '1', NULL);"
           "INSERT INTO run_windows VALUES (78, x'01')");
    EXPECT_THAT(problems(), ElementsAre(HasSubstr("components has 1 rows that belong to no"),
                                        HasSubstr("run_windows has 1 rows"),
                                        HasSubstr("runs may be missing at the end")));
}

TEST_F(Verify, FindsAMovedHead) {
    tamper(path_, "UPDATE chain_head SET seq = 4");
    EXPECT_THAT(problems(), ElementsAre(names(5, "chain_head does not name the newest run")));
    tamper(path_, "DELETE FROM chain_head");
    EXPECT_THAT(problems(), ElementsAre(HasSubstr("chain_head has lost its row")));
}

TEST_F(Verify, FindsAMissingOrChangedOrForeignTrigger) {
    auto connection = store_test::raw_connection(path_);
    connection.execute("DROP TRIGGER scores_refuse_update");
    connection.execute("DROP TRIGGER runs_refuse_delete");
    connection.execute(
        "CREATE TRIGGER runs_refuse_delete BEFORE DELETE ON runs BEGIN SELECT 1; END");
    connection.execute("CREATE TRIGGER sly AFTER INSERT ON runs BEGIN SELECT 1; END");
    connection.execute("CREATE TABLE mine (x); CREATE VIEW my_view AS SELECT * FROM runs");
    connection.execute("CREATE TRIGGER my_trigger AFTER INSERT ON mine BEGIN SELECT 1; END");
    ASSERT_TRUE(connection.status());
    EXPECT_THAT(problems(),
                ElementsAre(HasSubstr("runs_refuse_delete is not as Peakward made it"),
                            HasSubstr("scores_refuse_update is missing"),
                            HasSubstr("there is a table mine that is not Peakward's"),
                            HasSubstr("view mine has a trigger my_trigger"),
                            HasSubstr("the table runs has a trigger sly that is not Peakward's"),
                            HasSubstr("there is a view my_view that is not Peakward's"),
                            HasSubstr("the pages of the file were not checked")));
}

TEST_F(Verify, ReportsAndDoesNotFailWhenATableIsGone) {
    {
        auto connection = store_test::raw_connection(path_);
        connection.execute(
            "PRAGMA foreign_keys = OFF; DROP VIEW calibration_runs; DROP TABLE gpus");
        ASSERT_TRUE(connection.status());
    }
    EXPECT_THAT(problems(), Contains(HasSubstr("the table gpus is missing")));
}

// One byte of the file, anywhere in the pages that hold runs: found, or the file does not open.
TEST_F(Verify, FindsAnyChangedByteOfAStoredRun) {
    std::string document, windows;
    {
        auto connection = store_test::raw_connection(path_);
        document = connection.scalar_text("SELECT document FROM run_documents WHERE seq = 3");
        connection.scalar_text("PRAGMA wal_checkpoint(TRUNCATE)");
    }
    const std::string whole = store_test::read_file(path_);
    // A stretch of the document that lies in one page.
    const std::size_t at = whole.find(document.substr(document.size() / 2, 200));
    ASSERT_NE(at, std::string::npos);
    std::mt19937 random(7);
    for (int i = 0; i < 20; ++i) {
        std::string changed = whole;
        changed[at + random() % 200] ^= char(1 << (random() % 7));
        store_test::write_file(path_, changed);
        EXPECT_THAT(problems(), Contains(HasSubstr(make_run_id(3)))) << i;
    }
    store_test::write_file(path_, whole);
    EXPECT_THAT(problems(), IsEmpty());
}

// Damage anywhere must give problems or a sentence, never a crash and never silence about a run
// that reads differently.
TEST_F(Verify, SurvivesDamageAnywhereInTheFile) {
    {
        auto connection = store_test::raw_connection(path_);
        connection.scalar_text("PRAGMA wal_checkpoint(TRUNCATE)");
    }
    const std::string whole = store_test::read_file(path_);
    std::mt19937 random(11);
    int silent = 0;
    for (int i = 0; i < 30; ++i) {
        std::string changed = whole;
        const std::size_t at = 100 + random() % (whole.size() - 164);
        for (std::size_t j = 0; j < 64; ++j) changed[at + j] = char(random());
        store_test::write_file(path_, changed);
        if (!problems().empty()) continue;
        ++silent;  // unused space of a page: then every run must read as it was
        auto store = open_store(path_, OpenMode::read);
        for (std::uint64_t seed = 1; seed <= 5; ++seed)
            EXPECT_TRUE((*store)->find(make_run_id(seed))) << "byte " << at;
    }
    EXPECT_LT(silent, 20) << "most of the file is used";
}

// The index is then all that tells of the runs that were removed.
TEST_F(Verify, RebuildDoesNotHideARemovedTail) {
    std::string sha256, chain;
    {
        auto connection = store_test::raw_connection(path_);
        sha256 = connection.scalar_text("SELECT sha256 FROM runs WHERE seq = 3");
        chain = connection.scalar_text("SELECT chain_sha256 FROM runs WHERE seq = 3");
    }
    const std::string head = "UPDATE chain_head SET seq = 3, run_sha256 = '" + sha256 +
                             "', chain_sha256 = '" + chain + "';";
    const std::string tail = removal_of(4) + removal_of(5) + head;
    const std::string points = "DELETE FROM points WHERE seq > 3;";
    const std::string hosts = "UPDATE hosts SET last_seq = 3, newest_seq = 3";
    std::vector<std::string> tamperings{tail, tail + points, tail + points + hosts};
    for (const char* kept : {"scores", "components", "measurements", "measurement_values"})
        tamperings.push_back(removal_of(4, kept) + removal_of(5, kept) + head + points + hosts +
                             ", runs = 3");
    const std::string whole = store_test::read_file(path_);
    for (const std::string& traces : tamperings) {
        store_test::write_file(path_, whole);
        tamper(path_, traces);
        EXPECT_THAT(problems(), Contains(HasSubstr("may be missing"))) << traces;
        auto store = open_store(path_, OpenMode::append);
        ASSERT_TRUE(store) << store.error().message;
        const auto status = (*store)->rebuild();
        ASSERT_FALSE(status) << traces;
        EXPECT_THAT(status.error().message, HasSubstr("nothing was rebuilt"));
        EXPECT_THAT(problems(), Contains(HasSubstr("may be missing"))) << traces;
    }
}

// Without a trace in the file only somebody who kept a head can tell.
TEST_F(Verify, FindsACleanlyRemovedTailByAHeadThatWasKept) {
    const auto with_head = [&](const std::string& head) {
        auto store = open_store(path_, OpenMode::inspect);
        return *(*store)->verify(head);
    };
    std::string third;
    {
        auto connection = store_test::raw_connection(path_);
        third = connection.scalar_text("SELECT chain_sha256 FROM runs WHERE seq = 3");
    }
    const ChainHead newest = with_head("").head;
    EXPECT_EQ(newest.seq, 5);
    EXPECT_THAT(with_head(newest.chain_sha256).problems, IsEmpty());
    EXPECT_EQ(with_head(newest.chain_sha256).expected_seq, 5);
    EXPECT_EQ(with_head(third).expected_seq, 3);
    EXPECT_THAT(with_head(std::string(64, 'a')).problems,
                ElementsAre(HasSubstr("no run has the chain hash aaaa")));

    // An older copy: of the time when it had three runs.
    std::filesystem::remove(path_);
    {
        auto store = open_store(path_, OpenMode::append);
        for (std::uint64_t seed = 1; seed <= 3; ++seed) ASSERT_TRUE((*store)->append(run_of(seed)));
    }
    const VerifyReport report = with_head(newest.chain_sha256);
    EXPECT_THAT(report.problems, Contains(HasSubstr("no run has the chain hash")));
    EXPECT_TRUE(report.lasting_problem);
}

TEST_F(Verify, SaysThatItWentBackUntilItIsThereAgain) {
    const std::string whole = store_test::read_file(path_);
    EXPECT_EQ((*open_store(path_, OpenMode::inspect))->verify()->seen->seq, 5);
    {
        auto store = open_store(path_, OpenMode::append);
        EXPECT_THAT((*store)->notices(), IsEmpty());
        ASSERT_TRUE((*store)->append(run_of(6)));
    }
    const std::string longer = store_test::read_file(path_);
    store_test::write_file(path_, whole);
    EXPECT_THAT(problems(), ElementsAre(HasSubstr("went back: run seq 6")));
    {
        auto store = open_store(path_, OpenMode::append);
        EXPECT_THAT((*store)->notices(), ElementsAre(HasSubstr("went back: run seq 6")));
        ASSERT_TRUE((*store)->append(run_of(7)));
    }
    EXPECT_THAT(problems(), ElementsAre(HasSubstr("went back: run seq 6")));
    store_test::write_file(path_, longer);
    EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(Verify, TakesANewDatabaseInThePlaceOfAnotherForANewOne) {
    std::filesystem::remove(path_);
    auto store = open_store(path_, OpenMode::append);
    EXPECT_THAT((*store)->notices(), IsEmpty());
    ASSERT_TRUE((*store)->append(run_of(17)));
    EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(Verify, AMemoryThatCannotBeWrittenIsNoError) {
    StoreOptions options;
    options.memory_folder = "/proc/no/such/folder";
    auto store = open_store(path_, OpenMode::append, options);
    ASSERT_TRUE(store);
    EXPECT_TRUE((*store)->append(run_of(6)));
    EXPECT_THAT((*store)->verify()->problems, IsEmpty());
}

TEST_F(Verify, RebuildRefusesADamagedDocumentAndChangesNothing) {
    tamper(path_,
           "UPDATE run_documents SET document = replace(document, '41.5', '40.5') WHERE seq = 3;"
           "UPDATE scores SET efficiency = 0.99 WHERE seq = 1 AND position = 0");
    const auto before = problems();
    auto store = open_store(path_, OpenMode::append);
    const auto status = (*store)->rebuild();
    ASSERT_FALSE(status);
    EXPECT_THAT(status.error().message, names(3, "nothing was rebuilt"));
    EXPECT_EQ(problems(), before);
}

TEST_F(Verify, FindRefusesADamagedRun) {
    tamper(path_,
           "UPDATE run_documents SET document = replace(document, '41.5', '40.5') WHERE seq = 3;"
           "UPDATE run_windows SET windows = x'01' WHERE seq = 4");
    auto store = open_store(path_, OpenMode::read);
    for (const std::uint64_t seed : {3, 4})
        EXPECT_THAT((*store)->find(make_run_id(seed)).error().message,
                    names(seed, "'peakward db verify'"));
    EXPECT_TRUE((*store)->find(make_run_id(2)));
}

}  // namespace
}  // namespace peakward
