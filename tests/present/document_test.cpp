// A report as one HTML file and as Markdown: complete, safe, and small.
#include "present/document.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <regex>

#include "core/text.hpp"
#include "present/html_text.hpp"
#include "present/plot_drawing.hpp"

namespace peakward {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr double start_unix = 1767225600;  // 2026-01-01
constexpr double day_s = 86400;

// What a component, a device or an implementation may call itself.
const std::string hostile =
    "a\"b'c</script><script>alert(1)</script><!--\xE2\x80\xA8x&amp;<img src=x onerror=alert(1)>";

Plot year_plot(int series, int days) {
    Plot plot;
    plot.title = "Efficiency";
    plot.x = {"Date", Unit::none, AxisScale::time};
    plot.y = {"Efficiency", Unit::ratio_as_percent};
    for (int s = 0; s < series; ++s) {
        PlotSeries one{fmt::format("fp{}, backend", s), {}, PlotStyle::points};
        for (int i = 0; i < days; ++i) {
            PlotPoint point;
            point.x = start_unix + i * day_s;
            point.y = 0.5 + 0.03 * s + 0.001 * std::fmod(i * 7919.0, 17);
            point.low = point.y - 0.00731;
            point.high = point.y + 0.00917;
            point.detail =
                fmt::format("software {:010x}, stack {:010x}", 7919 * (i / 7), 104729 * (i / 7));
            one.points.push_back(point);
        }
        plot.series.push_back(std::move(one));
    }
    return plot;
}

Document document_with(Block block) {
    Document document;
    document.title = "Report";
    document.lead = "What was measured.";
    document.end = "The end.";
    document.chapters = {{"first", "First chapter", {std::move(block)}}};
    return document;
}

std::size_t count(const std::string& text, std::string_view what) {
    std::size_t found = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
        ++found;
    return found;
}

// Between the first `open` and the `close` after it.
std::string between(const std::string& text, const std::string& open, const std::string& close) {
    const std::size_t at = text.find(open);
    if (at == std::string::npos) return {};
    const std::size_t from = at + open.size();
    return text.substr(from, text.find(close, from) - from);
}

Json data_of(const std::string& html) {
    const std::string text = between(html, "<script type=\"application/json\">", "</script>");
    Json data = Json::parse(text, nullptr, false);
    EXPECT_FALSE(data.is_discarded()) << text;
    return data;
}

Document hostile_document() {
    Plot plot = year_plot(1, 3);
    plot.title = plot.series[0].name = plot.x.title = plot.y.title = hostile;
    plot.series[0].points[0].detail = plot.series[0].points[0].doubts = hostile;
    plot.marks = {{start_unix, PlotEvent::software, hostile, hostile}};
    plot.levels = {{0.5, hostile}};
    plot.notes = {hostile};
    Table table;
    table.title = hostile;
    table.columns = {{"a", hostile}, {"b", hostile, Unit::gops, Align::right}};
    table.rows = {{cell(hostile), Cell{1.0, Tone::bad, hostile}}};
    table.notes = {hostile};
    Document document = document_with(plot);
    document.title = document.lead = document.end = hostile;
    document.facts = {{hostile, hostile, Tone::plain, hostile, {hostile}}};
    Chapter& chapter = document.chapters.front();
    chapter.title = hostile;
    chapter.blocks.emplace_back(table);
    chapter.blocks.emplace_back(Heading{hostile});
    chapter.blocks.emplace_back(Paragraph{hostile, Tone::bad, hostile});
    chapter.blocks.emplace_back(Facts{document.facts});
    return document;
}

TEST(DocumentHtml, NothingThatDataSayIsMarkupOrScript) {
    const std::string html = render(hostile_document(), DocumentFormat::html);
    EXPECT_EQ(count(html, "<img"), 0u);
    EXPECT_EQ(count(html, "<script"), 2u) << "the data of the plot, and our own";
    EXPECT_EQ(count(html, "</script"), 2u);
    EXPECT_EQ(count(html, "<!--"), 1u) << "the licence of the plotting library";
    EXPECT_EQ(count(html, "\xE2\x80\xA8"), 0u);
    EXPECT_EQ(count(html, "&amp;amp;amp;"), 0u) << "escaped once";
    EXPECT_GT(count(html, "&lt;img src=x"), 10u);
}

TEST(DocumentHtml, TheDataOfAPlotAreJsonThatNamesWhatWasGiven) {
    const Json data = data_of(render(hostile_document(), DocumentFormat::html));
    const std::string name = data["series"][0]["name"];
    EXPECT_THAT(name, HasSubstr("a\"b'c</script><script>alert(1)"));
    EXPECT_THAT(name, HasSubstr("\\u2028x&amp;")) << "visible, and no line end";
    EXPECT_EQ(data["marks"][0][3], name);
    EXPECT_EQ(data["words"][1], name);
}

TEST(DocumentHtml, ItsPolicyForbidsEveryRequestAndEveryOtherScript) {
    const std::string html = render(document_with(year_plot(2, 20)), DocumentFormat::html);
    const std::string policy = between(html, "Content-Security-Policy\" content=\"", "\"");
    EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
    EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
    EXPECT_THAT(policy,
                HasSubstr("script-src 'sha256-" +
                          detail::policy_hash(between(html, "<script>", "</script>")) + "'"));
    EXPECT_THAT(policy, HasSubstr("style-src 'sha256-" +
                                  detail::policy_hash(between(html, "<style>", "</style>")) + "'"));
    for (const char* request : {" src=", "href=\"http", "@import", "fetch(", "XMLHttpRequest",
                                "import(", "<link", "<iframe", " style=\""})
        EXPECT_EQ(count(html, request), 0u) << request;
    EXPECT_EQ(count(html, "url("), count(html, "url(#")) << "only parts of itself";
}

TEST(DocumentHtml, PolicyHashesAreSha256InBase64) {
    EXPECT_EQ(detail::policy_hash(""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    EXPECT_EQ(detail::policy_hash("abc"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
}

TEST(DocumentHtml, WithoutScriptThereIsAPictureAndATableForEveryPlot) {
    Plot plot = year_plot(2, 20);
    plot.marks = {{start_unix + day_s, PlotEvent::firmware, "cpu_microcode 0x1 -> 0x2", ""}};
    const std::string html = render(document_with(plot), DocumentFormat::html);
    EXPECT_THAT(html, HasSubstr("<svg viewBox"));
    EXPECT_THAT(html, HasSubstr("role=\"img\""));
    EXPECT_THAT(html, HasSubstr("<title id=\"plot-1-words\">Efficiency: 2 series, 40 points"));
    EXPECT_THAT(html, HasSubstr("<caption>Efficiency: figures</caption>"));
    EXPECT_THAT(html, HasSubstr("<caption>Efficiency: events</caption>"));
    EXPECT_THAT(html, HasSubstr("cpu_microcode 0x1 -&gt; 0x2"));
    EXPECT_EQ(count(html, "<table"), count(html, "<caption"));
    EXPECT_EQ(count(html, "<tr><th scope=\"row\""), 41u) << "40 figures and an event";
}

TEST(DocumentHtml, AYearOfTenSeriesIsASmallFile) {
    const std::string html = render(document_with(year_plot(10, 365)), DocumentFormat::html);
    EXPECT_LT(html.size(), 400'000u);
    EXPECT_EQ(data_of(html)["series"][9]["y"].size(), 365u) << "and nothing was left out";
    EXPECT_THAT(html, HasSubstr("The 60 newest of 3650 figures"));
}

TEST(DocumentHtml, DoubtfulPointsAreHollowAndNotJoined) {
    Plot plot = year_plot(1, 3);
    plot.series[0].points[1].doubts = "contended";
    const std::string html = render(document_with(plot), DocumentFormat::html);
    EXPECT_THAT(html, HasSubstr("<path class=\"hollow s0\""));
    EXPECT_THAT(html, HasSubstr("⚠ contended"));
    const std::string line = between(html, "<path class=\"line s0 d0\" d=\"M", "\"/>");
    EXPECT_EQ(count(line, "l"), 1u) << "from the first to the third: " << line;
}

TEST(DocumentHtml, AChapterWithoutBlocksIsLeftOutAndAPlotWithoutPointsIsASentence) {
    Document document = document_with(Plot{"Bandwidth", {}, {}, {}, {}, {}, {}});
    document.chapters.push_back({"empty", "Empty chapter", {}});
    for (const DocumentFormat format : {DocumentFormat::html, DocumentFormat::markdown}) {
        const std::string text = render(document, format);
        EXPECT_THAT(text, HasSubstr("Bandwidth: nothing was measured yet."));
        EXPECT_THAT(text, Not(HasSubstr("Empty chapter")));
    }
}

TEST(DocumentMarkdown, HasTheSameContentAndNoMarkupOfOthers) {
    const std::string markdown = render(hostile_document(), DocumentFormat::markdown);
    EXPECT_EQ(std::regex_replace(markdown, std::regex(R"(````text[^]*?````)"), "").find("\n<"),
              std::string::npos);
    for (const std::string& line : split(markdown, '\n'))
        if (line.starts_with("|") || line.starts_with("#")) {
            EXPECT_EQ(count(line, "<"), count(line, "\\<")) << line;
        }
    EXPECT_THAT(markdown, HasSubstr("````text\n"));
    EXPECT_THAT(markdown, HasSubstr("| 2026-01-03 |"));
    EXPECT_THAT(markdown, HasSubstr("## a\"b'c"));
}

TEST(Document, TheEndingOfTheFileSaysTheFormat) {
    EXPECT_EQ(document_format_of("a/report.html"), DocumentFormat::html);
    EXPECT_EQ(document_format_of("REPORT.MD"), DocumentFormat::markdown);
    for (const char* path : {"report", "report.pdf", "html", "report.html.gz"})
        EXPECT_EQ(document_format_of(path), std::nullopt) << path;
}

TEST(PlotDrawing, AThinnedSeriesKeepsItsSpikesAndSaysThatItIsThinned) {
    Plot plot = year_plot(1, 5000);
    plot.series[0].points[1234].y = 9;
    plot.series[0].points[4321].y = -9;
    const Plot thin = detail::thinned(plot, 400);
    EXPECT_LE(thin.series[0].points.size(), 400u);
    double low = 0, high = 0;
    for (const PlotPoint& point : thin.series[0].points) {
        low = std::min(low, point.y);
        high = std::max(high, point.y);
    }
    EXPECT_EQ(high, 9);
    EXPECT_EQ(low, -9);
    ASSERT_EQ(thin.notes.size(), 1u);
    EXPECT_THAT(thin.notes[0], HasSubstr("of 5000 points"));
    EXPECT_TRUE(detail::thinned(year_plot(1, 300), 400).notes.empty());
}

TEST(PlotDrawing, FiguresThatAreNoNumbersAreNothingAndNotZero) {
    Plot plot = year_plot(1, 3);
    plot.series[0].points[1].y = std::nan("");
    plot.series[0].points[1].doubts = "not measured";
    const Table table = detail::points_table(plot, 10);
    ASSERT_EQ(table.rows.size(), 3u);
    EXPECT_TRUE(std::holds_alternative<std::monostate>(table.rows[1][1].value));
    const Json data = data_of(render(document_with(plot), DocumentFormat::html));
    EXPECT_TRUE(data["series"][0]["y"][1].is_null());
}

TEST(PlotDrawing, ANinthSeriesDoesNotLookLikeTheFirst) {
    EXPECT_NE(detail::dash_of(0), detail::dash_of(detail::glyph_count));
}

}  // namespace
}  // namespace peakward
