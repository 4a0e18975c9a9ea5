// Figures over time (or over any axis), with what stands behind them: bands, doubts, events,
// levels. A result gives one Plot; the terminal and the HTML report draw the same one. No renderer
// needs colour to tell things apart: series differ by their glyphs, events by their letters.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "present/table.hpp"

namespace peakward {

enum class AxisScale {
    linear,
    log10,
    time,  // seconds since 1970, UTC; labelled with dates
};

struct PlotAxis {
    std::string title;  // "Efficiency"
    Unit unit = Unit::none;
    AxisScale scale = AxisScale::linear;
    // Shown at least; the data may widen it. Missing: as the data have it.
    std::optional<double> from = {}, to = {};
};

struct PlotPoint {
    double x = 0;
    double y = 0;  // NaN: a gap in the line
    // 95 % interval; NaN: none is known.
    double low = std::numeric_limits<double>::quiet_NaN();
    double high = std::numeric_limits<double>::quiet_NaN();
    std::string doubts = {};  // "contended, forced": drawn hollow, never joined by the line
    std::string detail = {};  // one line for whoever points at it: run, software stack
};

enum class PlotStyle {
    points,  // measurements: a mark each, joined by a thin line
    line,    // a curve: a fit, a forecast, a roof; no marks
    marks,   // measurements in no order: a mark each, nothing joins them
};

struct PlotSeries {
    std::string name;               // "fp32, blas"; "" for the only one
    std::vector<PlotPoint> points;  // by x
    PlotStyle style = PlotStyle::points;
};

enum class PlotEvent { software, firmware, regression, improvement, milestone, note };
// "S", "F", "R", "I", "M", "N": how an event stands on the axis of a plot without colours.
char letter_of(PlotEvent kind);
// "software change", for legends.
std::string_view words_of(PlotEvent kind);

// Something that happened at one x: a vertical mark.
struct PlotMark {
    double x = 0;
    PlotEvent kind = PlotEvent::note;
    std::string label;        // "pytorch 2.1.0 -> 2.2.0"
    std::string detail = {};  // more than one line of it, where there is more
};

// A y worth seeing: "90 %", the theoretical peak.
struct PlotLevel {
    double y = 0;
    std::string label;
};

struct Plot {
    std::string title;
    PlotAxis x, y;
    std::vector<PlotSeries> series;
    std::vector<PlotMark> marks;     // by x
    std::vector<PlotLevel> levels;   // horizontal lines
    std::vector<std::string> notes;  // printed below
};

enum class PlotGlyphs {
    automatic,  // braille where the terminal has Unicode, else ASCII
    braille,    // 2 x 4 dots in a character
    blocks,     // 1 x 2 halves in a character, for fonts without braille
    ascii,
};
struct PlotSize {
    int columns = 0;  // 0: the terminal's
    int rows = 0;     // of the drawing area; 0: chosen by its width
    PlotGlyphs glyphs = PlotGlyphs::automatic;
};

// The plot as text, a newline at its end; never wider than terminal.columns. One sentence instead
// of a drawing where no series has a point.
std::string render(const Plot& plot, const Terminal& terminal, const PlotSize& size = {});

}  // namespace peakward
