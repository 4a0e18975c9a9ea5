#include "store/foreign_rows.hpp"

#include <gmock/gmock.h>

#include "store/scratch.hpp"
#include "store/sqlite/connection.hpp"

namespace peakward::store_test {
namespace {

using store::Connection;
using testing::HasSubstr;
using testing::SizeIs;

constexpr const char* seed_table =
    "CREATE TABLE calibration_runs (run_id TEXT PRIMARY KEY, hardware_fingerprint TEXT, timestamp "
    "TEXT, timestamp_unix INTEGER, cpu_stepping INTEGER, memory_total_gb REAL, precision TEXT, "
    "device TEXT, peak_measured_gops REAL, efficiency REAL);"
    "INSERT INTO calibration_runs VALUES ('a', 'c3f840a080356806', '2025-12-31T14:30:00', "
    "1767191400, 2, 32.0, 'fp32', 'cpu', 177.25, NULL);";

class ForeignRows : public testing::Test {
protected:
    std::string database(const std::string& sql) {
        const std::string path = scratch_ / "calibrations_v2.db";
        Connection connection(path, Connection::Access::create, std::chrono::milliseconds(0));
        connection.execute(sql);
        EXPECT_TRUE(connection.status());
        return path;
    }
    static std::string refusal(const std::string& path) {
        const auto rows = read_foreign_rows(path);
        return rows ? "" : rows.error().message;
    }
    Scratch scratch_;
};

TEST_F(ForeignRows, AreObjectsByColumn) {
    const auto rows = read_foreign_rows(database(seed_table));
    ASSERT_TRUE(rows) << rows.error().message;
    ASSERT_THAT(*rows, SizeIs(1));
    const Json& row = rows->front();
    EXPECT_EQ(row["run_id"], "a");
    EXPECT_EQ(row["cpu_stepping"], 2);
    EXPECT_EQ(row["peak_measured_gops"], 177.25);
    EXPECT_TRUE(row["efficiency"].is_null());
}

TEST_F(ForeignRows, AreFoundWhateverTheTableIsCalled) {
    const auto rows =
        read_foreign_rows(database(std::string("CREATE TABLE a (timestamp TEXT);") + seed_table +
                                   "ALTER TABLE calibration_runs RENAME TO \"my \"\"runs\"\"\";"));
    ASSERT_TRUE(rows) << rows.error().message;
    EXPECT_THAT(*rows, SizeIs(1));
}

TEST_F(ForeignRows, LeaveTheFileAndItsFolderAsTheyWere) {
    const std::string path = database(seed_table);
    const std::string before = read_file(path);
    ASSERT_TRUE(read_foreign_rows(path));
    EXPECT_FALSE(is_peakward_database(path));
    EXPECT_EQ(read_file(path), before);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(scratch_.folder()), {}), 1);
}

TEST_F(ForeignRows, OfAnotherKindAreRefusedInOneSentence) {
    EXPECT_THAT(refusal(database("CREATE TABLE t (a)")), HasSubstr("without a table of"));
    const std::string cut = scratch_ / "cut.db";
    write_file(cut, read_file(scratch_ / "calibrations_v2.db").substr(0, 5000));
    EXPECT_FALSE(refusal(cut).empty());
    EXPECT_FALSE(refusal(scratch_ / "missing.db").empty());
    std::filesystem::remove(scratch_ / "calibrations_v2.db");
    const std::string empty = database(seed_table);
    {
        Connection connection(empty, Connection::Access::create, std::chrono::milliseconds(0));
        connection.execute("DELETE FROM calibration_runs");
    }
    EXPECT_THAT(refusal(empty), HasSubstr("without a row"));
}

TEST_F(ForeignRows, DamagedAnywhereGiveRowsOrASentence) {
    const std::string whole = read_file(database(seed_table));
    std::mt19937_64 random(11);
    const std::string path = scratch_ / "damaged.db";
    for (int i = 0; i < 200; ++i) {
        std::string damaged = whole.substr(0, i % 4 == 0 ? random() % whole.size() : whole.size());
        for (int byte = 0; byte < 4 && !damaged.empty(); ++byte)
            damaged[random() % damaged.size()] = static_cast<char>(random() & 0xFF);
        write_file(path, damaged);
        const auto rows = read_foreign_rows(path);
        if (!rows) {
            EXPECT_FALSE(rows.error().message.empty());
        }
    }
}

std::string view_of(const std::string& text, const std::string& from) {
    return "CREATE VIEW calibration_runs AS SELECT " + text +
           " AS timestamp, '' AS hardware_fingerprint, '' AS precision, '' AS device " + from;
}

TEST_F(ForeignRows, OfAViewThatIsPlainAreRead) {
    const auto rows = read_foreign_rows(
        database(std::string(seed_table) + "ALTER TABLE calibration_runs RENAME TO old; " +
                 view_of("upper(coalesce(timestamp, strftime('%Y', 'now')))", "FROM old")));
    ASSERT_TRUE(rows) << rows.error().message;
    EXPECT_EQ(rows->front()["timestamp"], "2025-12-31T14:30:00");
}

// The bound is one of work, so that it is the same on every machine.
TEST_F(ForeignRows, ThatAskForEndlessWorkAreRefused) {
    const std::string ten =
        "(SELECT 0 UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 "
        "UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL "
        "SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)";
    std::string product = "FROM " + ten;
    for (int i = 0; i < 30; ++i) product += ", " + ten;
    const std::pair<std::string, const char*> views[] = {
        {view_of("1", product + " WHERE 0 = random()"), "not read here"},
        {view_of("(SELECT count(*) " + product + ")", ""), "more work"},
        {view_of("x",
                 "FROM (WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
                 "SELECT x FROM c)"),
         "not read here"},
        {view_of("hex(zeroblob(20000000))", ""), "not read here"},
        {view_of("printf('%2000000d', 1)", ""), "not read here"},
        {view_of("replace(hex('aaaa'), '6', 'aaaa')", ""), "not read here"},
        {view_of("'a' LIKE '%a%a%a%a'", ""), "not read here"},
        {view_of("load_extension('x')", ""), "not read here"},
        {"CREATE TABLE t (x); INSERT INTO t VALUES (hex(zeroblob(1000000)));" +
             view_of("x", "FROM t"),
         "larger than this program reads"},
        {"CREATE TABLE t (x); INSERT INTO t VALUES (hex(zeroblob(500000)));" +
             view_of("x", "FROM t ORDER BY random()"),
         "not read here"},
    };
    for (const auto& [sql, sentence] : views) {
        const std::string path = database(sql);
        EXPECT_THAT(refusal(path), HasSubstr(sentence)) << sql.substr(0, 200);
        std::filesystem::remove(path);
    }
}

TEST_F(ForeignRows, ThatAreManyAreRefusedBeforeTheyFillTheMemory) {
    std::string columns;
    for (int i = 0; i < 150; ++i) columns += ", '' AS c" + std::to_string(i);
    const std::string digit =
        "(SELECT 0 UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 "
        "UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL "
        "SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)";
    const std::string path = database(
        "CREATE VIEW calibration_runs AS SELECT '' AS timestamp, '' "
        "AS hardware_fingerprint, '' AS precision, '' AS device" +
        columns + " FROM " + digit + "," + digit + "," + digit + "," + digit + "," + digit + "," +
        digit);
    EXPECT_THAT(refusal(path), testing::AnyOf(HasSubstr("MiB of rows"), HasSubstr("more work")));
}

TEST_F(ForeignRows, EndAtASignal) {
    class Stopped final : public StopToken {
        bool stop_requested() const override { return true; }
    } stopped;
    const auto rows = read_foreign_rows(database(seed_table), &stopped);
    ASSERT_FALSE(rows);
    EXPECT_EQ(rows.error().kind, ErrorKind::interrupted);
}

TEST_F(ForeignRows, ADatabaseOfPeakwardIsKnownByItsMark) {
    const std::string path = scratch_ / "runs.db";
    { ASSERT_TRUE(store::open_sqlite_store(path, OpenMode::append)); }
    EXPECT_TRUE(is_peakward_database(path));
    EXPECT_FALSE(is_peakward_database(scratch_ / "missing.db"));
}

}  // namespace
}  // namespace peakward::store_test
