// What the drawings of a plot share, still or interactive: extents, ticks, glyphs, tables.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "present/plot.hpp"
#include "present/plot_ticks.hpp"

namespace peakward::detail {

struct Extent {
    double low = 0;
    double high = 1;
};
// What the axis shows: all finite values of series, intervals and levels, `from` and `to`, and some
// room around them. Never empty, and positive on a logarithmic axis.
Extent x_extent(const Plot& plot);
Extent y_extent(const Plot& plot);

// At most about `most` round values inside the extent.
std::vector<Tick> ticks(const PlotAxis& axis, const Extent& extent, int most);

// Where a value stands between the ends of the extent, 0 to 1; the axis' scale is applied.
double place(const PlotAxis& axis, const Extent& extent, double value);

// "2026-03-01" or "2026-03-01 14:30" for a time, else the value with its unit.
std::string axis_text(const PlotAxis& axis, double value);
// "Efficiency (%)": the title with the unit that its numbers leave out.
std::string axis_title(const PlotAxis& axis);

// Paths around (0, 0), about 7 across: series differ by their glyphs where colours cannot be seen.
inline constexpr std::array<std::string_view, 8> glyph_paths{
    "m-3.2 0a3.2 3.2 0 1 0 6.4 0a3.2 3.2 0 1 0-6.4 0z",             // circle
    "m-3-3h6v6h-6z",                                                // square
    "m0-3.9l3.8 6.6h-7.6z",                                         // triangle
    "m0-4.2l4.2 4.2-4.2 4.2-4.2-4.2z",                              // diamond
    "m0 3.9l3.8-6.6h-7.6z",                                         // triangle, point down
    "m-1.2-3.6h2.4v2.4h2.4v2.4h-2.4v2.4h-2.4v-2.4h-2.4v-2.4h2.4z",  // plus
    "m-3.6 0l3.6-1.6 3.6 1.6-3.6 1.6z",                             // flat diamond
    "m-1.6-3.6h3.2v7.2h-3.2z",                                      // bar
};
inline constexpr std::size_t glyph_count = glyph_paths.size();
// Which of the four dashes of web/report.css: a ninth series has the first one's glyph, not its
// dash.
constexpr std::size_t dash_of(std::size_t series) { return (series + series / glyph_count) % 4; }

// The plot with at most about `points_max` points a series; where more were there, each stretch
// keeps its first, smallest, largest and last one, and a note says so.
Plot thinned(const Plot& plot, std::size_t points_max);

// An inline SVG; its classes are those of web/report.css.
std::string plot_svg(const Plot& plot, const std::string& id);
// The same figures as JSON for web/report.js, safe inside <script>.
std::string plot_data(const Plot& plot);

// The figures of a plot as a table, newest (largest x) first, at most `rows_max`; a note says what
// was left out. Empty when the plot has no points that were measured.
Table points_table(const Plot& plot, std::size_t rows_max);
// Its vertical marks; without rows when there are none.
Table marks_table(const Plot& plot, std::size_t rows_max);

// One sentence for whoever cannot see the plot: what is drawn, and from where to where.
std::string plot_words(const Plot& plot);

}  // namespace peakward::detail
