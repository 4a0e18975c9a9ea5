#include "present/plot_canvas.hpp"

#include <algorithm>
#include <cstdlib>

#include "present/paint.hpp"

namespace peakward::detail {
namespace {

// U+2800 and the 255 after it, in UTF-8.
std::string braille(unsigned dots) {
    return {static_cast<char>(0xe2), static_cast<char>(0xa0 + (dots >> 6)),
            static_cast<char>(0x80 + (dots & 0x3f))};
}

}  // namespace

Canvas::Canvas(int columns, int rows, PlotGlyphs glyphs)
    : columns_(columns),
      rows_(rows),
      glyphs_(glyphs),
      dots_across_(glyphs == PlotGlyphs::braille ? 2 : 1),
      dots_up_(glyphs == PlotGlyphs::braille  ? 4
               : glyphs == PlotGlyphs::blocks ? 2
                                              : 1),
      cells_(static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows)) {}

Canvas::Cell* Canvas::cell_at(int x, int y) {
    if (x < 0 || y < 0 || x >= dot_columns() || y >= dot_rows()) return nullptr;
    return &cells_[static_cast<std::size_t>(row_of(y)) * static_cast<std::size_t>(columns_) +
                   static_cast<std::size_t>(x / dots_across_)];
}

unsigned Canvas::bit_at(int x, int y) const {
    // By column and height from the top, as Unicode numbers the dots.
    static constexpr unsigned braille_bits[2][4] = {{0x01, 0x02, 0x04, 0x40},
                                                    {0x08, 0x10, 0x20, 0x80}};
    const int from_top = dots_up_ - 1 - y % dots_up_;
    if (glyphs_ == PlotGlyphs::braille) return braille_bits[x % 2][from_top];
    return 1u << from_top;
}

void Canvas::dot(int x, int y, Ink ink, Tone tone) {
    Cell* cell = cell_at(x, y);
    if (!cell) return;
    if (ink == Ink::line) cell->dots |= bit_at(x, y);
    if (ink == Ink::band) cell->band_dots |= bit_at(x, y);
    if (ink < cell->ink) return;
    cell->ink = ink;
    cell->tone = tone;
}

void Canvas::line(int x0, int y0, int x1, int y1, Tone tone) {
    const int steps = std::max({std::abs(x1 - x0), std::abs(y1 - y0), 1});
    for (int i = 0; i <= steps; ++i) {
        const auto between = [&](int a, int b) {
            const double part = static_cast<double>(i) / steps;
            return static_cast<int>(a + (b - a) * part + (b >= a ? 0.5 : -0.5));
        };
        dot(between(x0, x1), between(y0, y1), Ink::line, tone);
    }
}

void Canvas::band(int x, int y_low, int y_high) {
    // A checkerboard where a cell has several dots; whole cells where it has one.
    const int step = glyphs_ == PlotGlyphs::braille ? 2 : 1;
    const int first = step == 2 ? y_low + ((x + y_low) & 1) : y_low;
    for (int y = first; y <= y_high; y += step) dot(x, y, Ink::band, Tone::dim);
}

void Canvas::vertical(int x) {
    for (int y = 0; y < dot_rows(); ++y) dot(x, y, Ink::event, Tone::dim);
}

void Canvas::level(int y) {
    for (int x = 0; x < dot_columns(); ++x) dot(x, y, Ink::level, Tone::dim);
}

void Canvas::mark(int x, int y, std::string glyph, Tone tone) {
    Cell* cell = cell_at(x, y);
    if (!cell || !cell->glyph.empty()) return;
    cell->glyph = std::move(glyph);
    cell->tone = tone;
    cell->ink = Ink::line;
}

std::string Canvas::glyph_of(const Cell& cell) const {
    if (!cell.glyph.empty()) return cell.glyph;
    const bool ascii = glyphs_ == PlotGlyphs::ascii;
    if (cell.ink == Ink::event) return ascii ? "|" : "┊";
    if (cell.ink == Ink::level) return ascii ? "-" : "┈";
    if (glyphs_ == PlotGlyphs::braille && (cell.dots | cell.band_dots) != 0)
        return braille(cell.dots | cell.band_dots);
    if (cell.dots != 0) {
        if (ascii) return ".";
        static const char* const halves[] = {" ", "▀", "▄", "█"};
        return halves[cell.dots & 3];
    }
    if (cell.band_dots != 0) return ascii ? ":" : "░";
    return " ";
}

std::string Canvas::row_text(int row, const Terminal& terminal) const {
    std::string text, stretch;
    Tone tone = Tone::plain;
    for (int column = 0; column < columns_; ++column) {
        const Cell& cell =
            cells_[static_cast<std::size_t>(row) * static_cast<std::size_t>(columns_) +
                   static_cast<std::size_t>(column)];
        if (cell.tone != tone && !stretch.empty()) {
            text += paint(stretch, tone, terminal);
            stretch.clear();
        }
        tone = cell.tone;
        stretch += glyph_of(cell);
    }
    return text + paint(stretch, tone, terminal);
}

}  // namespace peakward::detail
