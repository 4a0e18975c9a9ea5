// Tables for people: two header lines (title, unit) where a column has a unit, columns lined up,
// never wider than the terminal.
#include <algorithm>
#include <numeric>

#include "core/text.hpp"
#include "present/display_text.hpp"
#include "present/paint.hpp"
#include "present/table_formats.hpp"

namespace peakward::detail {
namespace {

constexpr int gap = 2;              // columns between two columns
constexpr int narrowest_text = 10;  // a cut column keeps at least this much

struct Layout {
    std::vector<std::size_t> shown;  // indices of the columns that fit
    std::vector<int> widths;         // of all columns
    std::size_t left_out = 0;

    int total() const {
        int sum = 0;
        for (const std::size_t i : shown) sum += widths[i];
        return sum + gap * std::max(0, static_cast<int>(shown.size()) - 1);
    }
};

using Texts = std::vector<std::vector<std::string>>;

Texts screen_cells(const Table& table, const Terminal& terminal) {
    Texts texts;
    for (const auto& row : table.rows) {
        std::vector<std::string> line;
        for (std::size_t i = 0; i < table.columns.size(); ++i)
            line.push_back(screen_text(
                cell_text(i < row.size() ? row[i] : Cell{}, table.columns[i]), terminal));
        texts.push_back(std::move(line));
    }
    return texts;
}

Layout lay_out(const Table& table, const Texts& texts, const Terminal& terminal) {
    Layout layout;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        const Column& column = table.columns[i];
        int width = std::max(display_width(screen_text(column.title, terminal)),
                             display_width(unit_label(column.unit)));
        for (const auto& row : texts) width = std::max(width, display_width(row[i]));
        layout.widths.push_back(width);
        layout.shown.push_back(i);
    }
    while (layout.total() > terminal.columns) {
        // Of two equal ones the right one goes: what matters stands left.
        auto worst = layout.shown.begin();
        for (auto it = layout.shown.begin(); it != layout.shown.end(); ++it)
            if (table.columns[*it].priority >= table.columns[*worst].priority) worst = it;
        if (worst == layout.shown.end() || table.columns[*worst].priority == 0) break;
        layout.shown.erase(worst);
        ++layout.left_out;
    }
    // What may not be left out is cut instead, the widest text first.
    while (layout.total() > terminal.columns) {
        std::size_t widest = table.columns.size();
        for (const std::size_t i : layout.shown)
            if (table.columns[i].align == Align::left && layout.widths[i] > narrowest_text &&
                (widest == table.columns.size() || layout.widths[i] > layout.widths[widest]))
                widest = i;
        if (widest == table.columns.size()) break;
        const int excess = layout.total() - terminal.columns;
        layout.widths[widest] = std::max(narrowest_text, layout.widths[widest] - excess);
    }
    return layout;
}

std::string padded(std::string_view text, const Column& column, int width, bool last,
                   const Terminal& terminal) {
    const std::string cut = cut_to_width(text, width, terminal.unicode);
    if (column.align == Align::right) return pad_left(cut, width);
    return last ? cut : pad_right(cut, width);
}

std::string header_line(const Table& table, const Layout& layout, const Terminal& terminal,
                        bool units) {
    std::string line;
    for (std::size_t at = 0; at < layout.shown.size(); ++at) {
        const std::size_t i = layout.shown[at];
        const Column& column = table.columns[i];
        if (at > 0) line.append(gap, ' ');
        const std::string text =
            units ? std::string(unit_label(column.unit)) : screen_text(column.title, terminal);
        line += padded(text, column, layout.widths[i], at + 1 == layout.shown.size(), terminal);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
}

bool has_units(const Table& table, const Layout& layout) {
    return std::any_of(layout.shown.begin(), layout.shown.end(),
                       [&](std::size_t i) { return !unit_label(table.columns[i].unit).empty(); });
}

std::string row_line(const Table& table, std::size_t row, const Texts& texts, const Layout& layout,
                     const Terminal& terminal) {
    std::string line;
    for (std::size_t at = 0; at < layout.shown.size(); ++at) {
        const std::size_t i = layout.shown[at];
        if (at > 0) line.append(gap, ' ');
        const bool empty = i >= table.rows[row].size() ||
                           (std::holds_alternative<std::monostate>(table.rows[row][i].value) &&
                            table.rows[row][i].shown.empty());
        const Tone tone = empty ? Tone::dim : table.rows[row][i].tone;
        line += paint(padded(texts[row][i], table.columns[i], layout.widths[i],
                             at + 1 == layout.shown.size(), terminal),
                      tone, terminal);
    }
    if (!terminal.colour) line.erase(line.find_last_not_of(' ') + 1);
    return line;
}

}  // namespace

TableText table_text(const Table& table, const Terminal& terminal) {
    const Texts texts = screen_cells(table, terminal);
    const Layout layout = lay_out(table, texts, terminal);
    std::string out;
    if (!table.title.empty())
        for (const std::string& line :
             wrap_text(screen_text(table.title, terminal), terminal.columns))
            out += paint(line, Tone::strong, terminal) + "\n";
    out += paint(header_line(table, layout, terminal, false), Tone::strong, terminal) + "\n";
    if (has_units(table, layout))
        out += paint(header_line(table, layout, terminal, true), Tone::dim, terminal) + "\n";
    out += std::string(static_cast<std::size_t>(std::min(layout.total(), terminal.columns)), '-') +
           "\n";
    for (std::size_t row = 0; row < table.rows.size(); ++row)
        out += row_line(table, row, texts, layout, terminal) + "\n";
    for (const std::string& note : table.notes)
        for (const std::string& line : wrap_text(screen_text(note, terminal), terminal.columns))
            out += line + "\n";
    return {std::move(out), layout.left_out};
}

std::string left_out_line(std::size_t left_out, const Terminal& terminal) {
    if (left_out == 0) return {};
    const std::string text =
        fmt::format("({} more column{}: a wider terminal or --format csv shows {})", left_out,
                    left_out == 1 ? "" : "s", left_out == 1 ? "it" : "them");
    std::string lines;
    for (const std::string& line : wrap_text(text, terminal.columns))
        lines += paint(line, Tone::dim, terminal) + "\n";
    return lines;
}

}  // namespace peakward::detail
