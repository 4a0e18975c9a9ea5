#include <gtest/gtest.h>

#include "core/text.hpp"
#include "present/display_text.hpp"
#include "present/table.hpp"

namespace peakward {
namespace {

Table sample() {
    Table table;
    table.title = "Peaks";
    table.columns = {{"backend", "Backend"},
                     {"gops", "Peak", Unit::gops, Align::right},
                     {"median_s", "Median", Unit::seconds, Align::right, 1},
                     {"implementation", "Implementation", Unit::none, Align::left, 2}};
    table.rows = {{cell("native"), cell(214.93), cell(3.2e-5), cell("avx512 fma, 24 accumulators")},
                  {cell("blas"), cell(9.5, Tone::doubtful), cell(0.0123), cell("")}};
    return table;
}

Terminal wide() { return {80, false, true, false}; }

int widest_line(const std::string& text) {
    int widest = 0;
    for (const std::string& line : split(text, '\n'))
        widest = std::max(widest, display_width(line));
    return widest;
}

TEST(TableText, LinesUpColumnsUnderTitleAndUnit) {
    EXPECT_EQ(render(sample(), Format::text, wide()),
              "Peaks\n"
              "Backend   Peak   Median  Implementation\n"
              "          GOPS\n" +
                  std::string(52, '-') +
                  "\n"
                  "native   214.9  32.0 us  avx512 fma, 24 accumulators\n"
                  "blas       9.5  12.3 ms  -\n");
}

TEST(TableText, LeavesOutTheColumnOfHighestPriorityNumberFirst) {
    Terminal narrow = wide();
    narrow.columns = 40;
    const std::string text = render(sample(), Format::text, narrow);
    EXPECT_EQ(text.find("Implementation"), std::string::npos);
    EXPECT_NE(text.find("Median"), std::string::npos);
    EXPECT_NE(text.find("(1 more column"), std::string::npos);
    narrow.columns = 20;
    EXPECT_EQ(render(sample(), Format::text, narrow).find("Median"), std::string::npos);
}

TEST(TableText, CutsTextThatMayNotBeLeftOut) {
    Table table = sample();
    for (Column& column : table.columns) column.priority = 0;
    Terminal narrow = wide();
    narrow.columns = 45;
    const std::string text = render(table, Format::text, narrow);
    EXPECT_LE(widest_line(text), 45);
    EXPECT_NE(text.find("…"), std::string::npos);
    narrow.unicode = false;
    EXPECT_NE(render(table, Format::text, narrow).find("~"), std::string::npos);
}

TEST(TableText, LinesUpWideCharacters) {
    Table table;
    table.columns = {{"cpu", "CPU"}, {"gops", "Peak", Unit::none, Align::right}};
    table.rows = {{cell("龍芯 3A6000"), cell(1.5)}, {cell("EPYC"), cell(22.5)}};
    const auto lines = split(render(table, Format::text, wide()), '\n');
    EXPECT_EQ(display_width(lines[2]), display_width(lines[3]));
}

TEST(TableText, ColoursOnlyWhereColourIsAllowed) {
    EXPECT_EQ(render(sample(), Format::text, wide()).find('\x1b'), std::string::npos);
    Terminal colour = wide();
    colour.colour = true;
    EXPECT_NE(render(sample(), Format::text, colour).find("\x1b[33m"), std::string::npos);
}

TEST(TableText, NeverPassesAnEscapeSequenceOn) {
    Table table = sample();
    table.rows[0][0] = cell("na\x1b[2Jtive\xC2\x9B");
    table.notes = {"note\x1b]0;title\x07"};
    for (const Format format : {Format::text, Format::json, Format::csv, Format::markdown}) {
        const std::string text = render(table, format, wide());
        EXPECT_EQ(text.find('\x1b'), std::string::npos);
        EXPECT_EQ(text.find("\xC2\x9B"), std::string::npos);
    }
}

TEST(TableText, IsPlainAsciiWithoutUnicode) {
    Table table = sample();
    table.rows[0][0] = cell("µ-龍");
    table.rows[1][1].shown = "⚠ 9.5";
    Terminal ascii = wide();
    ascii.unicode = false;
    for (const char c : render(table, Format::text, ascii)) EXPECT_GE(c, 0);
}

TEST(TableText, ShowsWhatACellIsToShow) {
    Table table = sample();
    table.rows[0][1].shown = "✓ 214.9";
    EXPECT_NE(render(table, Format::text, wide()).find("✓ 214.9"), std::string::npos);
    EXPECT_NE(render(table, Format::csv, wide()).find("native,214.93,"), std::string::npos);
}

TEST(TableText, ARowMayBeShorterThanTheHeader) {
    Table table = sample();
    table.rows.push_back({cell("numpy")});
    EXPECT_NE(render(table, Format::text, wide()).find("numpy        -"), std::string::npos);
    EXPECT_NE(render(table, Format::csv, wide()).find("numpy,,,\r\n"), std::string::npos);
}

TEST(TableCsv, FollowsRfc4180) {
    Table table;
    table.columns = {{"name", "Name"}, {"value", "Value"}};
    table.rows = {{cell("a,b"), cell(0.1)},
                  {cell("say \"hi\""), cell(std::int64_t{7})},
                  {cell("two\nlines"), Cell{}}};
    EXPECT_EQ(render(table, Format::csv, wide()),
              "name,value\r\n\"a,b\",0.1\r\n\"say \"\"hi\"\"\",7\r\n\"two\nlines\",\r\n");
}

TEST(TableJson, HasAnObjectPerRowUnderTheColumnsKeys) {
    const auto json = parse_json(render(sample(), Format::json, wide()), "table");
    ASSERT_TRUE(json);
    EXPECT_EQ(json->size(), 2u);
    EXPECT_EQ((*json)[0]["gops"], 214.93);
    EXPECT_TRUE((*json)[1]["implementation"].is_null());
}

TEST(TableMarkdown, EscapesPipesAndAlignsNumbers) {
    Table table;
    table.columns = {{"name", "Name"}, {"gops", "Peak", Unit::gops, Align::right}};
    table.rows = {{cell("a|b_c"), cell(1.0)}};
    EXPECT_EQ(render(table, Format::markdown, wide()),
              "| Name | Peak (GOPS) |\n| --- | ---: |\n| a\\|b\\_c | 1.0 |\n");
}

TEST(FormatNames, AllCanBeAskedFor) {
    for (const std::string& name : format_names()) EXPECT_TRUE(format_from(name)) << name;
    EXPECT_FALSE(format_from("yaml"));
}

}  // namespace
}  // namespace peakward
