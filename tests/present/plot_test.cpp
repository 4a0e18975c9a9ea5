#include "present/plot.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/text.hpp"
#include "golden.hpp"
#include "present/display_text.hpp"
#include "present/plot_ticks.hpp"

namespace peakward {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double plot_start_unix = 1767225600;  // 2026-01-01
constexpr double week_s = 7 * 86400;

Plot rising_plot() {
    Plot plot;
    plot.title = "Intel Core i7-12700K, fp32, blas";
    plot.x.scale = AxisScale::time;
    plot.y = {"Efficiency", Unit::ratio_as_percent};
    plot.levels = {{0.7, "70 %"}, {0.8, "80 %"}, {0.9, "90 %"}};
    plot.series.emplace_back();
    for (int i = 0; i < 20; ++i) {
        const double y = 0.93 - 0.33 * std::exp(-i / 6.0);
        plot.series[0].points.push_back({plot_start_unix + i * week_s, y, y - 0.02, y + 0.02});
    }
    plot.series[0].points[4] = {plot_start_unix + 4 * week_s, 0.45, nan, nan, "contended"};
    plot.marks = {{plot_start_unix + 5 * week_s, PlotEvent::software, "numpy 1.26 -> 2.2"},
                  {plot_start_unix + 12 * week_s, PlotEvent::firmware, "microcode 0x2c -> 0x2f"}};
    return plot;
}

int widest(const std::string& text) {
    int width = 0;
    for (const std::string& line : split(text, '\n')) width = std::max(width, display_width(line));
    return width;
}

TEST(Plot, DrawsEfficiencyOverTime) {
    std::string all;
    const Terminal narrow{80, false, true, false}, ascii{80, false, false, false};
    all += render(rising_plot(), narrow) + "\n";
    all += render(rising_plot(), narrow, {.rows = 8, .glyphs = PlotGlyphs::blocks}) + "\n";
    all += render(rising_plot(), ascii, {.rows = 8}) + "\n";
    all += render(rising_plot(), narrow, {.columns = 60, .rows = 8, .glyphs = PlotGlyphs::ascii});
    testing_support::expect_golden(all, "present/golden/plot.txt");
}

TEST(Plot, NeverGetsWiderThanTheTerminal) {
    for (const int columns : {20, 33, 80, 160, 500})
        for (const bool unicode : {true, false})
            EXPECT_LE(widest(render(rising_plot(), {columns, false, unicode, false})), columns);
}

TEST(Plot, IsPlainAsciiWhereTheTerminalHasNoUnicode) {
    for (const auto glyphs : {PlotGlyphs::automatic, PlotGlyphs::braille, PlotGlyphs::blocks})
        for (const char c : render(rising_plot(), {80, false, false, false}, {.glyphs = glyphs}))
            ASSERT_TRUE(c == '\n' || (c >= ' ' && c <= '~')) << int(c);
}

TEST(Plot, HasNoColourUnlessTheTerminalHas) {
    EXPECT_EQ(render(rising_plot(), {80, false, true, true}).find('\x1b'), std::string::npos);
    EXPECT_NE(render(rising_plot(), {80, true, true, true}).find('\x1b'), std::string::npos);
}

TEST(Plot, TellsEventsAndDoubtsWithoutColour) {
    const std::string text = render(rising_plot(), {80, false, true, false});
    for (const char* words :
         {"○ doubtful", "S software change", "F firmware change", "95 % interval"})
        EXPECT_NE(text.find(words), std::string::npos) << words;
    Plot calm = rising_plot();
    calm.marks.clear();
    calm.series[0].points.erase(calm.series[0].points.begin() + 4);
    for (PlotPoint& point : calm.series[0].points) point.low = point.high = nan;
    const std::string quiet = render(calm, {80, false, true, false});
    for (const char* words : {"doubtful", "change", "interval"})
        EXPECT_EQ(quiet.find(words), std::string::npos) << words;
}

TEST(Plot, OnePointAndEqualPointsAreDrawn) {
    Plot plot;
    plot.x.scale = AxisScale::time;
    plot.series = {{"", {{plot_start_unix, 5}}}};
    EXPECT_NE(render(plot, {}).find("●"), std::string::npos);
    plot.series[0].points.push_back({plot_start_unix, 5});
    EXPECT_NE(render(plot, {}).find("●"), std::string::npos);
    plot.series[0].points = {{plot_start_unix, 0}};
    EXPECT_NE(render(plot, {}).find("●"), std::string::npos);
}

TEST(Plot, WithoutAnyPointItSaysSo) {
    Plot plot;
    plot.title = "Efficiency";
    EXPECT_EQ(render(plot, {}), "Efficiency: no point that could be drawn\n");
    plot.series = {{"", {{plot_start_unix, nan}, {nan, 3}}}};
    EXPECT_EQ(render(plot, {}), "Efficiency: no point that could be drawn\n");
}

TEST(Plot, SeriesDifferByTheirGlyphs) {
    Plot plot = rising_plot();
    plot.series[0].name = "fp32";
    plot.series.push_back({"fp64", {{plot_start_unix, 0.5}, {plot_start_unix + week_s, 0.6}}});
    const std::string text = render(plot, {80, false, true, false});
    EXPECT_NE(text.find("● fp32"), std::string::npos);
    EXPECT_NE(text.find("■ fp64"), std::string::npos);
}

TEST(Plot, LogarithmicAxesLeaveOutWhatTheyCannotShow) {
    Plot plot;
    plot.x = {"Intensity", Unit::none, AxisScale::log10};
    plot.y = {"GOPS", Unit::gops, AxisScale::log10};
    plot.series = {{"", {{0, 1}, {0.1, 10}, {10, 1000}, {100, -1}}, PlotStyle::line}};
    const std::string text = render(plot, {80, false, true, false});
    for (const char* label : {"1000.0", "10.0", "Intensity"})
        EXPECT_NE(text.find(label), std::string::npos) << text;
}

TEST(PlotTicks, AreRoundNumbersOfEqualLength) {
    const auto labels = [](const std::vector<detail::Tick>& ticks) {
        std::string all;
        for (const detail::Tick& tick : ticks) all += tick.label + "|";
        return all;
    };
    EXPECT_EQ(labels(detail::number_ticks(0.58, 0.93, Unit::ratio_as_percent, 5)),
              "60 %|70 %|80 %|90 %|");
    EXPECT_EQ(labels(detail::number_ticks(-1, 1, Unit::none, 5)), "-1.0|-0.5|0.0|0.5|1.0|");
    EXPECT_EQ(labels(detail::number_ticks(100.02, 100.1, Unit::gops, 5)),
              "100.02|100.04|100.06|100.08|100.10|");
    EXPECT_EQ(labels(detail::time_ticks(plot_start_unix, plot_start_unix + 120 * 86400, 5)),
              "2026-01|2026-02|2026-03|2026-04|2026-05|");
    EXPECT_EQ(labels(detail::time_ticks(plot_start_unix, plot_start_unix + 7200, 3)),
              "01-01 00:00|01-01 01:00|01-01 02:00|");
    EXPECT_EQ(labels(detail::time_ticks(plot_start_unix + 10, plot_start_unix + 30, 4)),
              "2026-01-01 00:00|");
    EXPECT_EQ(labels(detail::time_ticks(plot_start_unix, plot_start_unix + 8 * 366 * 86400.0, 5)),
              "2026|2028|2030|2032|2034|");
}

}  // namespace
}  // namespace peakward
