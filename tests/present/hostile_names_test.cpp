// Names that come from outside are text in every format, whatever they look like.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/csv_text.hpp"
#include "core/text.hpp"
#include "present/ci_text.hpp"
#include "present/display_text.hpp"
#include "present/document.hpp"
#include "present/html_text.hpp"
#include "present/json_text.hpp"
#include "present/paint.hpp"
#include "present/table_formats.hpp"

namespace peakward {
namespace {

const std::vector<std::string> hostile_names{
    "=HYPERLINK(\"http://example.org/?\"&A1,\"x\")",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1+1",
    "\r=1+1",
    " =1+1",
    "＝1+1",
    "x\n::error::planted",
    "::error title=a::planted",
    "  ::warning::planted",
    "\u00A0::error::planted",
    "x\r\n::error::planted",
    "##[error]planted",
    "a ##[add-mask]b",
    "##vso[task.complete result=Failed]",
    "##teamcity[buildStop]",
    ":\u0301:error::planted",
    "#\u0301#[error]planted",
    "\x1b[2J\x1b]0;title\x07",
    "\xC2\x9B"
    "31m",
    "abc\u202Edef\u2066",
    "<script>alert(1)</script>",
    "]]><x/>",
    "\" onmouseover=\"x",
    "a|b",
    "[x](javascript:alert(1))",
    "![x](http://example.org/p.png)",
    "```\n# x",
    "````",
    "www.example.org",
    "https://example.org",
    "100%,a:b",
    std::string("nul\0x", 5),
    "\xEF\xBF\xBE\xEF\xBF\xBF",
    "\xFF\xFE",
    "O'Neil's chip",
};

Table table_of(const std::string& name) {
    Table table;
    table.title = name;
    table.columns = {{"name", "Name"}, {name, name}, {"gops", "Peak", Unit::gops, Align::right}};
    table.rows = {{cell(name), cell(name), cell(-2.5)}, {cell("plain"), cell(name), cell(1.0)}};
    table.rows[1][2].shown = name;
    table.notes = {name, "a sentence with " + name};
    return table;
}

Plot plot_of(const std::string& name) {
    Plot plot;
    plot.title = name;
    plot.x = {name, Unit::none, AxisScale::linear, {}, {}};
    plot.y = {name, Unit::none, AxisScale::linear, {}, {}};
    plot.series = {{name, {{1, 1}, {2, 2, 1.5, 2.5, name, name}, {3, 4}}, PlotStyle::points}};
    plot.marks = {{2, PlotEvent::software, name, name}};
    plot.levels = {{3, name}};
    plot.notes = {name};
    return plot;
}

Document document_of(const std::string& name) {
    Document document;
    document.title = document.lead = document.end = name;
    document.facts = {{name, name, Tone::plain, {}, {name}}};
    document.chapters = {{"a", name, {}}};
    auto& blocks = document.chapters[0].blocks;
    blocks = {Heading{name}, Paragraph{name, Tone::plain, {}}, Facts{{field(name, name)}},
              table_of(name), plot_of(name)};
    return document;
}

// Of any format: nothing that a terminal or the log of a build service obeys.
void expect_harmless(const std::string& text, const std::string& name) {
    EXPECT_EQ(text.find("##["), std::string::npos) << name;
    EXPECT_EQ(text.find("##vso"), std::string::npos) << name;
    for (std::string line : split(text, '\n')) {
        if (line.ends_with('\r')) line.pop_back();
        // Nothing is left to escape but what begins a command elsewhere than here: see below.
        std::string rest = line;
        std::replace_if(
            rest.begin(), rest.end(), [](char c) { return c == ':' || c == '#'; }, '.');
        EXPECT_EQ(safe_text(rest), rest) << name;
        for (const char c : line) EXPECT_FALSE(c >= 0 && c < ' ') << name << ": " << line;
        for (const char* obeyed : {"\xC2\x9B", "\u202E", "\u2066", "\x7F"})
            EXPECT_EQ(line.find(obeyed), std::string::npos) << name;
        const auto begin = line.find_first_not_of(" \u00A0");
        EXPECT_NE(line.compare(std::min(begin, line.size()), 2, "::"), 0) << name << ": " << line;
    }
}

TEST(HostileNames, AreHarmlessInTablesOfEveryFormatAndWidth) {
    for (const std::string& name : hostile_names)
        for (const bool unicode : {true, false})
            for (const int columns : {20, 40, 80})
                for (const std::string& word : format_names())
                    expect_harmless(render(table_of(name), *format_from(word),
                                           {columns, false, unicode, false}),
                                    name);
}

TEST(HostileNames, AreHarmlessInPlotsAndDocuments) {
    for (const std::string& name : hostile_names) {
        for (const bool unicode : {true, false})
            expect_harmless(render(plot_of(name), {60, false, unicode, false}), name);
        for (const auto format : {DocumentFormat::html, DocumentFormat::markdown})
            expect_harmless(render(document_of(name), format), name);
    }
}

// A name that fills a line ends it in the middle of a word.
TEST(HostileNames, NoLineThatWasBrokenBeginsACommand) {
    for (int width = 2; width < 30; ++width)
        for (std::size_t before = 1; before < 60; ++before)
            for (const char* behind : {"::error::planted", ":::error::planted", "a::b::c::d::e"})
                for (const std::string& line :
                     wrap_text(safe_text(std::string(before, 'a') + behind), width))
                    EXPECT_FALSE(line.starts_with("::")) << width << " " << before << " " << behind;
}

TEST(HostileNames, AreNoFormulaInCsvAndFiguresAreFigures) {
    for (const std::string& name : hostile_names) {
        Table table;
        table.columns = {{name, "Name"}, {"gops", "Peak"}};
        table.rows = {{cell(name), cell(-2.5)}};
        const std::string csv = render(table, Format::csv, {});
        const std::string first = csv.substr(csv.starts_with('"') ? 1 : 0);
        EXPECT_EQ(first.find_first_of("=+-@\t\r\n"), first.find_first_of("=+-@\t\r\n", 1)) << csv;
        EXPECT_TRUE(csv.ends_with(",-2.5\r\n")) << csv;
        EXPECT_EQ(first.starts_with('\''), to_csv_name(name) != name) << csv;
    }
}

TEST(HostileNames, AreTheSameValuesInJson) {
    for (const std::string& name : hostile_names) {
        const auto json = parse_json(json_text(Json{{"name", name}}, -1), "json");
        ASSERT_TRUE(json) << json.error().message;
        const bool is_utf8 = name.find('\xFF') == std::string::npos;
        if (is_utf8) {
            EXPECT_EQ((*json)["name"], name);
        }
    }
    EXPECT_EQ(json_text("##a###", -1), "\"#\\u0023a#\\u0023#\"");
}

TEST(HostileNames, AreOnlyTextInHtml) {
    for (const std::string& name : hostile_names) {
        const std::string html = render(document_of(name), DocumentFormat::html);
        EXPECT_EQ(html.find("<script>alert"), std::string::npos);
        // Quotes have their JSON escape in the data of the plot, which are no markup.
        const std::string open = "<script type=\"application/json\">";
        const std::size_t begin = html.find(open) + open.size();
        const std::size_t end = html.find("</script>", begin);
        ASSERT_LT(end, html.size());
        EXPECT_TRUE(parse_json(html.substr(begin, end - begin), "json")) << name;
        EXPECT_EQ((html.substr(0, begin) + html.substr(end)).find("\" onmouseover"),
                  std::string::npos);
    }
}

TEST(HostileNames, AreOnlyTextInMarkdown) {
    for (const std::string& name : hostile_names) {
        const std::string text = detail::markdown_text(name);
        for (std::size_t i = 0; i < text.size(); ++i)
            if (std::string_view("|<>[]`*_&").find(text[i]) != std::string_view::npos) {
                EXPECT_TRUE(i > 0 && text[i - 1] == '\\') << text;
            }
        const auto address = text.find("://");
        EXPECT_TRUE(address == std::string::npos || text[address - 1] == '\\') << text;
        EXPECT_EQ(text.find("www."), std::string::npos) << text;
        EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    }
    // A name of backticks alone, in a drawing that stands in a block of code.
    const std::string page = render(document_of("````"), DocumentFormat::markdown);
    EXPECT_NE(page.find("`````text\n"), std::string::npos);
}

TEST(HostileNames, AreOnlyTextInXml) {
    for (const std::string& name : hostile_names) {
        const std::string text = xml_text(name);
        EXPECT_EQ(text.find_first_of("<>\"'\x1b\t\r"), std::string::npos) << text;
        for (const char* forbidden : {"\xEF\xBF\xBE", "\xEF\xBF\xBF"})
            EXPECT_EQ(text.find(forbidden), std::string::npos);
        EXPECT_EQ(text.find('\0'), std::string::npos);
    }
    EXPECT_EQ(xml_text("a & b\n<c>"), "a &amp; b\n&lt;c&gt;");
}

TEST(HostileNames, NeitherEndACommandOfGitHubNorItsProperty) {
    for (const std::string& name : hostile_names) {
        EXPECT_EQ(github_message(name).find_first_of("\r\n"), std::string::npos);
        EXPECT_EQ(github_property(name).find_first_of("\r\n:,"), std::string::npos);
    }
    EXPECT_EQ(github_message("100 %: a,b\nc"), "100 %25: a,b%0Ac");
    EXPECT_EQ(github_property("100 %: a,b\nc"), "100 %25%3A a%2Cb%0Ac");
}

}  // namespace
}  // namespace peakward
