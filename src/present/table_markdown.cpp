// A GitHub-flavoured table. Pipes and what would become markup are escaped.
#include "core/text.hpp"
#include "present/display_text.hpp"
#include "present/table_formats.hpp"

namespace peakward::detail {

std::string markdown_text(std::string_view text) {
    std::string out;
    for (const char c : safe_text(text)) {
        if (c == '|' || c == '<' || c == '*' || c == '_' || c == '`' || c == '[' || c == '\\')
            out += '\\';
        out += c;
    }
    return out;
}

namespace {

std::string title_with_unit(const Column& column) {
    const std::string_view label = unit_label(column.unit);
    if (label.empty() || column.title == label) return column.title;
    return fmt::format("{} ({})", column.title, label);
}

}  // namespace

std::string table_markdown(const Table& table) {
    std::string out;
    if (!table.title.empty()) out += "**" + markdown_text(table.title) + "**\n\n";
    out += "|";
    for (const Column& column : table.columns)
        out += " " + markdown_text(title_with_unit(column)) + " |";
    out += "\n|";
    for (const Column& column : table.columns)
        out += column.align == Align::right ? " ---: |" : " --- |";
    out += "\n";
    for (const auto& row : table.rows) {
        out += "|";
        for (std::size_t i = 0; i < table.columns.size(); ++i)
            out += " " +
                   markdown_text(cell_text(i < row.size() ? row[i] : Cell{}, table.columns[i])) +
                   " |";
        out += "\n";
    }
    if (!table.notes.empty()) out += "\n";
    for (const std::string& note : table.notes) out += "- " + markdown_text(note) + "\n";
    return out;
}

}  // namespace peakward::detail
