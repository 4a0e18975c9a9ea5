// Columns of numbers out of CSV texts, and what is found in them.
#include "session/changes.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "core/text.hpp"

namespace peakward {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class NeverStop final : public StopToken {
public:
    bool stop_requested() const override { return false; }
};

CsvFile read(std::string_view text, const CsvChoice& choice = {}) {
    auto file = read_csv_series(text, "a.csv", choice);
    EXPECT_TRUE(file) << file.error().message;
    return file ? *file : CsvFile{};
}

Error refused_csv(std::string_view text, const CsvChoice& choice = {}) {
    const auto file = read_csv_series(text, "a.csv", choice);
    EXPECT_FALSE(file) << text;
    return file ? Error{} : file.error();
}

std::vector<std::string> columns_of(const CsvFile& file) {
    std::vector<std::string> names;
    for (const CsvSeries& one : file.series) names.push_back(one.column);
    return names;
}

// 100 with 1 % of noise, and a step of `step_percent` at `at`.
std::vector<double> noisy(unsigned seed, std::size_t points, std::size_t at = 0,
                          double step_percent = 0) {
    std::mt19937 random(seed);
    std::vector<double> values;
    for (std::size_t i = 0; i < points; ++i) {
        double noise = -6;  // twelve uniform numbers make a normal one, the same everywhere
        for (int k = 0; k < 12; ++k) noise += double(random()) / 4294967296.0;
        values.push_back((100 + noise) * (i >= at ? 1 + step_percent / 100 : 1));
    }
    return values;
}

TEST(CsvSeries, EveryColumnOfNumbersIsASeriesAndTheFirstHoldsTheTimes) {
    const CsvFile file = read("day,host,gops,watts\n2026-01-01,lab,1.5,2\n2026-01-02,lab,2.5,3\n");
    EXPECT_THAT(columns_of(file), ElementsAre("gops", "watts"));
    EXPECT_THAT(file.times, ElementsAre("2026-01-01", "2026-01-02"));
    EXPECT_THAT(file.series[0].values, ElementsAre(1.5, 2.5));
    EXPECT_TRUE(file.has_dates);
    ASSERT_THAT(file.notes, SizeIs(1));
    EXPECT_THAT(file.notes[0], HasSubstr("left out host (text, first 'lab')"));
}

TEST(CsvSeries, QuotesMarksAndLineEndsAreThoseOfRfc4180) {
    const CsvFile file = read(
        "\xEF\xBB\xBFtime,\"GB/s, \"\"best\"\"\"\r\n\"a\r\nb\",1\r\n\r\n c ,\"2\"\r\nd,+3e0\r\n");
    EXPECT_THAT(columns_of(file), ElementsAre("GB/s, \"best\""));
    EXPECT_THAT(file.times, ElementsAre("a\r\nb", "c", "d"));
    EXPECT_THAT(file.series[0].values, ElementsAre(1, 2, 3));
    EXPECT_THAT(read("t,v\ra,1\rb,2\r").series[0].values, ElementsAre(1, 2));
}

TEST(CsvSeries, TheSeparatorIsFound) {
    EXPECT_THAT(read("t;v\n2026-01-01;1,5\n2026-01-02;-2,5\n").series[0].values,
                ElementsAre(1.5, -2.5));
    EXPECT_THAT(read("t, all;v, x\na;1,5\nb;2\n").series[0].values, ElementsAre(1.5, 2));
    EXPECT_THAT(read("t\tv, x\na\t1.5\nb\t2\n").series[0].values, ElementsAre(1.5, 2));
}

TEST(CsvSeries, TheCellsOfAColumnDecideTogetherWhatACommaIs) {
    const auto values = [](const std::string& a, const std::string& b) {
        return read("t;v\nx;" + a + "\ny;" + b + "\n").series[0].values;
    };
    EXPECT_THAT(values("1,5", "1"), ElementsAre(1.5, 1));
    EXPECT_THAT(values("1,5", "1,006"), ElementsAre(1.5, 1.006));
    EXPECT_THAT(values("0,125", "1,006"), ElementsAre(0.125, 1.006));
    EXPECT_THAT(values("1,234,567", "1,006"), ElementsAre(1234567, 1006));
    EXPECT_THAT(values("1,234.5", "1,006"), ElementsAre(1234.5, 1006));
    EXPECT_THAT(values("1.234,5", "999"), ElementsAre(1234.5, 999));
    EXPECT_THAT(values("1 234.5", "12'345"), ElementsAre(1234.5, 12345));
    EXPECT_THAT(values("1\u202F234,5", "999,25"), ElementsAre(1234.5, 999.25));
    EXPECT_THAT(values("-1,5e3", "+2,5"), ElementsAre(-1500, 2.5));
    for (const auto& [a, b] : {std::pair{"1,006", "994"},
                               {"1,006", "1,012"},
                               {"1,5", "2.5"},
                               {"1,234.5", "1,5"},
                               {"1,234,567", "1,5"}})
        EXPECT_THAT(refused_csv(fmt::format("t;v\nx;{}\ny;{}\n", a, b)).message,
                    HasSubstr("a.csv, column 'v', line "))
            << a << " " << b;
    // Another column shows how the file writes decimals.
    EXPECT_THAT(read("t;v;w\nx;1,006;0,5\ny;1,012;0,25\n").series[0].values,
                ElementsAre(1.006, 1.012));
    // A column that nobody asks for refuses nothing.
    EXPECT_THAT(columns_of(read("t;v;w\nx;1,006;1\ny;994;2\n", {"", {"w"}})), ElementsAre("w"));
}

TEST(CsvSeries, TimesAreReadInAnyCommonForm) {
    const auto order_of = [](const std::string& older, const std::string& newer) {
        const CsvFile file = read("time;v\n" + newer + ";2\n" + older + ";1\n");
        EXPECT_TRUE(file.has_dates) << older;
        return !file.series.empty() && file.series[0].values.front() == 1;
    };
    for (const auto& [older, newer] :
         {std::pair{"2026/05/24 23:00:00.016", "2026/05/25 01:00:00.016"},
          {"2026-05-25 10:00:00,120", "2026-05-25 10:00:00,121"},
          {"2026-05-25 10:00:00 +0200", "2026-05-25 09:00:00 +0000"},
          {"2026-05-25T10:00:00Z", "2026-05-25T10:00:01Z"},
          {"2026-04", "2026-05"},
          {"31/01/2026", "01/02/2026"},
          {"01/31/2026 11:00 PM", "02/01/2026 1:00 AM"},
          {"31.01.2026 10:00", "01.02.2026 09:00"},
          {"25 May 2026", "1 June 2026"},
          {"May 25, 2026 10:00", "Jun 1, 2026 9:00"},
          {"Mon, 25 May 2026 10:00:00 GMT", "Tue, 26 May 2026 09:00:00 GMT"},
          {"Mon May 25 10:00:00 2026 +0200", "Mon May 25 09:00:00 2026 +0000"},
          {"1779703200", "1779703201"},
          {"1779703200000", "1779703200001"},
          {"1779703200000000", "1779703200000001"}})
        EXPECT_TRUE(order_of(older, newer)) << older;
    EXPECT_NEAR(read("time,v\n1779703200000,1\n1779703201000,2\n").instants[0], 1779703200, 1e-6);
    EXPECT_FALSE(read("run,v\n1,1\n2,2\n").has_dates);
}

TEST(CsvSeries, ADayThatMayBeAMonthIsRefused) {
    EXPECT_THAT(refused_csv("t,v\n01/02/2026,1\n03/02/2026,2\n").message,
                HasSubstr("'01/02/2026' may begin with the day or with the month"));
    EXPECT_THAT(refused_csv("t,v\n13/02/2026,1\n03/14/2026,2\n").message,
                HasSubstr("only fit one"));
}

TEST(CsvSeries, TimesThatCannotBeReadAreSaid) {
    EXPECT_THAT(read("time,v\nyesterday,1\ntoday,2\n").notes,
                ElementsAre(HasSubstr("the times in column 'time' ('yesterday') cannot be read")));
    EXPECT_THAT(read("run,v\na,1\nb,2\n").notes, IsEmpty());
}

TEST(CsvSeries, DatesInALaterColumnAreTheTimesWhereTheFirstHoldsLabels) {
    const CsvFile file = read("commit,date,v\nb1,2026-02-01,2\na1,2026-01-01,1\n");
    EXPECT_THAT(file.series[0].values, ElementsAre(1, 2));
    EXPECT_THAT(columns_of(file), ElementsAre("v"));
    EXPECT_THAT(file.notes, testing::Contains(HasSubstr("times are read from column 'date'")));
    // A column of times is no series.
    const CsvFile two =
        read("date,timestamp,v\n2026-01-01,1779703200,2\n2026-01-02,1779703300,1\n");
    EXPECT_THAT(columns_of(two), ElementsAre("v"));
    EXPECT_THAT(two.notes, ElementsAre(HasSubstr("left out timestamp (times)")));
}

TEST(CsvSeries, CommitsAndVersionsAreLabelsThoughTheyLookLikeNumbers) {
    const CsvFile file = read("t,commit,driver_version,v\n1,9509425,1.9,5\n2,1234567,1.10,6\n");
    EXPECT_THAT(columns_of(file), ElementsAre("v"));
    EXPECT_THAT(file.notes, ElementsAre(HasSubstr("left out commit (names and measures nothing), "
                                                  "driver_version")));
    EXPECT_THAT(columns_of(read("t,version,v\n1,1.9,5\n2,1.8,6\n", {"", {"version"}})),
                ElementsAre("version"));
}

TEST(CsvSeries, TablesOfOneRunAndLongTablesAreToldWhatToDo) {
    for (const auto& [header, program] :
         {std::pair{"name,iterations,real_time,cpu_time,time_unit", "Google Benchmark"},
          {"command,mean,stddev,median,user,system,min,max", "hyperfine"},
          {"Benchmark,Device,Device Name,Samples,CPU Time (sec),Noise", "nvbench"},
          {"Benchmark,Mode,Threads,Samples,Score", "JMH"}}) {
        const auto columns = std::count(header, header + std::strlen(header), ',');
        std::string rows;
        for (const char* subject : {"a", "b"}) {
            rows += "\n" + std::string(subject);
            for (int i = 0; i < columns; ++i) rows += ",1";
        }
        EXPECT_THAT(refused_csv(header + rows).message,
                    HasSubstr(fmt::format("is the table of one {} run", program)));
    }
    const Error tests = refused_csv("date,test,v\n1,a,5\n1,b,7\n2,a,5\n2,b,7\n");
    EXPECT_THAT(tests.message, HasSubstr("column 'test' says of 2 subjects"));
    EXPECT_THAT(tests.message, HasSubstr("awk -F',' 'NR == 1 || $2 == \"a\"'"));
}

TEST(CsvSeries, RepeatedNamesOfColumnsAreLeftOutAndSaid) {
    const CsvFile file = read("t,v\n1,1\nt,v\n2,2\n");
    EXPECT_THAT(file.series[0].values, ElementsAre(1, 2));
    EXPECT_THAT(file.notes, ElementsAre(HasSubstr("1 row left out")));
}

TEST(CsvSeries, EveryColumnHasANameOfItsOwn) {
    EXPECT_THAT(columns_of(read("t,v,v\n1,2,3\n2,3,4\n")), ElementsAre("v", "v (column 3)"));
    EXPECT_THAT(columns_of(read("t,v (column 4),v,v\n1,2,3,4\n2,3,4,5\n")),
                ElementsAre("v (column 4)", "v", "v (column 4) (column 4)"));
    EXPECT_THAT(columns_of(read("t,column 3,\n1,2,3\n2,3,4\n")),
                ElementsAre("column 3", "column 3 (column 3)"));
}

TEST(CsvSeries, EmptyCellsNanAndInfinitiesAreGaps) {
    const auto values = read("t,v\na,1\nb,\nc,NaN\nd,-inf\ne, NA \nf,null\ng,2\n").series[0].values;
    ASSERT_THAT(values, SizeIs(7));
    EXPECT_EQ(values[0], 1);
    EXPECT_EQ(values[6], 2);
    for (std::size_t i = 1; i < 6; ++i) EXPECT_TRUE(std::isnan(values[i])) << i;
    // In a file of one column an empty cell is one in quotes: an empty line is no row.
    EXPECT_THAT(read("v\n1\n\"\"\n\n2\n").series[0].values, SizeIs(3));
}

TEST(CsvSeries, ClocksThatJumpBackwardsAreSortedAndRowsOfOneInstantStayInOrder) {
    const CsvFile file = read(
        "t,v\n2026-01-03,1\n2026-01-01T00:00:00.75Z,2\n2026-01-01T00:00:00.5Z,3\n"
        "2026-01-03,4\n2026-01-02T01:00+01:00,5\n");
    EXPECT_THAT(file.series[0].values, ElementsAre(3, 2, 5, 1, 4));
    EXPECT_EQ(file.times.front(), "2026-01-01T00:00:00.5Z");
    ASSERT_THAT(file.notes, SizeIs(1));
    EXPECT_THAT(file.notes[0], HasSubstr("sorted by time"));
    EXPECT_THAT(read("t,v\n10,1\n9,2\n").series[0].values, ElementsAre(2, 1));
    EXPECT_THAT(read("t,v\nv10,1\nv9,2\n").series[0].values, ElementsAre(1, 2));
}

TEST(CsvSeries, ATimeThatCannotBeReadLeavesTheOrderOfTheFileAndIsSaid) {
    const CsvFile file = read("t,v\n3,1\n2,2\nsoon,3\n");
    EXPECT_THAT(file.series[0].values, ElementsAre(1, 2, 3));
    ASSERT_THAT(file.notes, SizeIs(1));
    EXPECT_THAT(file.notes[0], HasSubstr("line 4 ('soon')"));
}

TEST(CsvSeries, AFileOfOneColumnAndOneWithoutNamesAreRead) {
    const CsvFile one = read("gops\n1\n2\n");
    EXPECT_THAT(one.times, IsEmpty());
    EXPECT_THAT(one.series[0].values, ElementsAre(1, 2));
    const CsvFile bare = read("2026-01-01,1\n2026-01-02,2\n");
    EXPECT_THAT(columns_of(bare), ElementsAre("column 2"));
    EXPECT_THAT(bare.series[0].values, ElementsAre(1, 2));
    EXPECT_THAT(bare.notes, SizeIs(1));
}

TEST(CsvSeries, ColumnsAreChosenByNameAndAMissingOneNamesTheNearest) {
    const std::string text = "t,gops,\"a,b\",date\nx,1,2,2026-01-02\ny,3,4,2026-01-01\n";
    EXPECT_THAT(columns_of(read(text, {"", {"a,b"}})), ElementsAre("a,b"));
    EXPECT_THAT(columns_of(read(text, {"", {"a,b", "gops"}})), ElementsAre("a,b", "gops"));
    EXPECT_THAT(columns_of(read("t,p,q\nx,1,2\ny,1,2\n", {"", {"q, p"}})), ElementsAre("q", "p"));
    const CsvFile dated = read(text, {"date", {"gops"}});
    EXPECT_THAT(dated.series[0].values, ElementsAre(3, 1));
    const Error missing = refused_csv(text, {"", {"gop"}});
    EXPECT_EQ(missing.kind, ErrorKind::usage);
    EXPECT_THAT(missing.message, HasSubstr("did you mean gops?"));
    EXPECT_THAT(missing.message, HasSubstr("t, gops, a,b, date"));
    EXPECT_THAT(refused_csv(text, {"when", {}}).message, HasSubstr("--time"));
    EXPECT_EQ(refused_csv(text, {"gops", {"gops"}}).kind, ErrorKind::usage);
    EXPECT_THAT(read(text, {"gops", {}}).times, ElementsAre("1", "3"));
}

TEST(CsvSeries, WhatIsNoTableOfNumbersIsOneSentence) {
    struct Wrong {
        std::string text, says;
    };
    using namespace std::string_literals;
    for (const auto& [text, says] : {
             Wrong{"", "a.csv is empty"},
             {"\xEF\xBB\xBF\n\n", "is empty"},
             {"t,v\n", "no rows"},
             {"t,v\na,1\n", "one row"},
             {"t,v\na,1\0\n"s, "binary"},
             {"\xFF\xFEt", "UTF-16"},
             {"t,v\na,1\nb,x\n", "a.csv, line 3, column 'v': 'x' is not a number"},
             {"t,v\na,1e999\nb,1\n", "line 2, column 'v'"},
             {"t,v\na,x\nb,y\n", "no column of numbers"},
             {"t,v\na,\nb,nan\n", "no column of numbers"},
             {"t,v\na,1,2\nb,2\n", "line 2 has 3 cells"},
             {"t,v\na,1\nb\n", "line 3 has 1 cell,"},
             {"t,v\na,1\nb,\"2\n", "opens in line 3"},
             {"t,v\na,\"1\"2\n", "line 2 has text behind a closing quote"},
         }) {
        const Error error = refused_csv(text);
        EXPECT_THAT(error.message, HasSubstr(says)) << text;
        EXPECT_THAT(error.message, testing::StartsWith("a.csv")) << text;
    }
    EXPECT_THAT(refused_csv("t,v,w\na,1,x\nb,2,y\n", {"", {"w"}}).message,
                HasSubstr("no numbers in column 'w': line 2 has 'x'"));
    // A separator at the end of every row makes no column.
    EXPECT_THAT(columns_of(read("t,v,\na,1,\nb,2,\n")), ElementsAre("v"));
    EXPECT_THAT(columns_of(read("t,v\na,1,\nb,2,\n")), ElementsAre("v"));
}

class Changes : public ::testing::Test {
protected:
    void SetUp() override {
        std::string name = ::testing::TempDir() + "pw-changes-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    // One column a series, a row a day.
    std::string write(const std::string& name, const std::vector<std::vector<double>>& columns) {
        std::ofstream out(folder_ / name);
        out << "run";
        for (std::size_t c = 0; c < columns.size(); ++c) out << ",s" << c;
        for (std::size_t row = 0; row < columns[0].size(); ++row) {
            out << "\nrun " << row;
            for (const auto& column : columns) out << fmt::format(",{:.6f}", column[row]);
        }
        return (folder_ / name).string();
    }
    ChangesReply look(const std::vector<std::string>& paths) {
        auto reply = look_for_changes({paths, {}, {}}, NeverStop());
        EXPECT_TRUE(reply) << reply.error().message;
        return reply ? *reply : ChangesReply{};
    }

    std::filesystem::path folder_;
};

TEST_F(Changes, APlantedStepIsFoundAtItsRowAndTheQuietSeriesBesideItIsQuiet) {
    const ChangesReply reply =
        look({write("a.csv", {noisy(1, 120), noisy(2, 120, 70, 5), noisy(3, 120)})});
    ASSERT_THAT(reply.series, SizeIs(3));
    EXPECT_THAT(reply.series[0].report.changes, IsEmpty());
    EXPECT_THAT(reply.series[2].report.changes, IsEmpty());
    const ChangedSeries& stepped = reply.series[1];
    ASSERT_THAT(stepped.report.changes, SizeIs(1));
    EXPECT_EQ(stepped.name, "s1");
    EXPECT_NEAR(double(stepped.report.changes[0].index), 70, 1);
    EXPECT_EQ(reply.time_of(stepped, 70), "run 70");
    EXPECT_NEAR(stepped.report.changes[0].effect_percent, 5, 1);
    EXPECT_EQ(stepped.p_value, stepped.report.changes[0].p_value);
}

TEST_F(Changes, ManySeriesHoldBackWhatOneAloneWouldShow) {
    // Short series without change, and two whose small step barely shows where they are alone.
    std::vector<std::vector<double>> quiet;
    std::size_t alarms = 0;
    for (unsigned seed = 0; seed < 300; ++seed) {
        quiet.push_back(noisy(1000 + seed, 16));
        alarms += !find_changes(quiet.back()).changes.empty();
    }
    std::size_t barely = 0;
    for (unsigned seed = 0; seed < 2000 && barely < 2; ++seed) {
        const std::vector<double> step = noisy(5000 + seed, 16, 8, 2.0 + 0.1 * (seed % 15));
        const auto report = find_changes(step);
        if (report.changes.size() != 1 || report.changes[0].p_value < 1e-3) continue;
        quiet.push_back(step);
        ++barely;
    }
    ASSERT_EQ(barely, 2u);
    alarms += barely;
    quiet.push_back(noisy(1, 16, 8, 20));
    const ChangesReply reply = look({write("a.csv", quiet)});
    std::size_t held = 0, shown = 0;
    for (const ChangedSeries& one : reply.series) {
        held += one.held_back > 0;
        shown += !one.report.changes.empty();
        EXPECT_FALSE(one.held_back > 0 && !one.report.changes.empty());
    }
    EXPECT_GT(held, 0u);
    EXPECT_EQ(held + shown, alarms + 1);
    EXPECT_THAT(reply.series.back().report.changes, SizeIs(1));
    ASSERT_THAT(reply.notes, SizeIs(1));
    EXPECT_THAT(reply.notes[0],
                HasSubstr(fmt::format("{} of {} series", held, reply.series.size())));
}

TEST_F(Changes, AFolderIsItsCsvFilesEachOnceAndSeriesAreTold) {
    write("b.csv", {noisy(1, 30)});
    write("A.CSV", {noisy(2, 30)});
    std::ofstream(folder_ / "notes.txt") << "none of them\n";
    std::filesystem::create_directory(folder_ / "below");
    write("below/b.csv", {noisy(3, 30)});
    ChangesReply reply = look({folder_.string(), (folder_ / "b.csv").string()});
    ASSERT_THAT(reply.series, SizeIs(2));
    EXPECT_EQ(reply.series[0].name, "A.CSV: s0");
    EXPECT_EQ(reply.series[1].name, "b.csv: s0");
    const std::string below = (folder_ / "below" / "b.csv").string();
    reply = look({(folder_ / "b.csv").string(), below});
    ASSERT_THAT(reply.series, SizeIs(2));
    EXPECT_EQ(reply.series[1].name, below + ": s0");
}

TEST_F(Changes, GapsKeepTheirRows) {
    std::vector<double> values = noisy(5, 120, 70, 5);
    for (const std::size_t gap : {3u, 40u, 41u, 80u})
        values[gap] = std::numeric_limits<double>::quiet_NaN();
    const ChangesReply reply = look({write("a.csv", {values})});
    EXPECT_EQ(reply.series[0].points, 116u);
    ASSERT_THAT(reply.series[0].report.changes, SizeIs(1));
    EXPECT_NEAR(double(reply.series[0].report.changes[0].index), 70, 1);
}

TEST_F(Changes, WhatCannotBeReadIsOneSentence) {
    const auto error_of = [&](const std::string& path) {
        const auto reply = look_for_changes({{path}, {}, {}}, NeverStop());
        EXPECT_FALSE(reply) << path;
        return reply ? std::string() : reply.error().message;
    };
    EXPECT_THAT(error_of((folder_ / "none.csv").string()), HasSubstr("No such file"));
    EXPECT_THAT(error_of(folder_.string()), HasSubstr("there is no .csv file in folder"));
    const auto big = folder_ / "big.csv";
    std::ofstream(big) << "t,v\n";
    std::filesystem::resize_file(big, std::uintmax_t{2} << 30);  // takes no space on the disk
    EXPECT_THAT(error_of(big.string()), HasSubstr("larger than 256 MiB"));
    if (::geteuid() == 0) return;  // who may read everything
    const std::string secret = write("secret.csv", {noisy(1, 10)});
    std::filesystem::permissions(secret, std::filesystem::perms::none);
    EXPECT_THAT(error_of(secret), HasSubstr("Permission denied"));
}

}  // namespace
}  // namespace peakward
