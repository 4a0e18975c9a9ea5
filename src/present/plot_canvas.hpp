// Dots in character cells: what a plot is drawn on before it is text.
#pragma once

#include <string>
#include <vector>

#include "present/plot.hpp"

namespace peakward::detail {

// What lies above hides what lies below it, where a cell can show only one.
enum class Ink { nothing, event, level, band, line };

class Canvas {
public:
    // In character cells. `glyphs` is not automatic.
    Canvas(int columns, int rows, PlotGlyphs glyphs);

    // In dots, the origin at the bottom left.
    int dot_columns() const { return columns_ * dots_across_; }
    int dot_rows() const { return rows_ * dots_up_; }
    int row_of(int y) const { return rows_ - 1 - y / dots_up_; }  // 0 is the top

    // What lies outside the canvas is left out.
    void dot(int x, int y, Ink ink, Tone tone = Tone::plain);
    void line(int x0, int y0, int x1, int y1, Tone tone);
    // Every other dot of the column between the two heights, so that a line shows on it.
    void band(int x, int y_low, int y_high);
    void vertical(int x);  // an event
    void level(int y);     // a horizontal line
    // A character over whatever is in the cell of that dot; the first one there stays.
    void mark(int x, int y, std::string glyph, Tone tone);

    // One line of `columns` cells, painted as the terminal allows; `row` 0 is the top.
    std::string row_text(int row, const Terminal& terminal) const;

private:
    struct Cell {
        unsigned dots = 0;       // of lines
        unsigned band_dots = 0;  // of the band
        Ink ink = Ink::nothing;
        Tone tone = Tone::plain;
        std::string glyph;
    };
    Cell* cell_at(int x, int y);
    unsigned bit_at(int x, int y) const;
    std::string glyph_of(const Cell& cell) const;

    int columns_, rows_;
    PlotGlyphs glyphs_;
    int dots_across_, dots_up_;
    std::vector<Cell> cells_;
};

}  // namespace peakward::detail
