// A GitHub-flavoured table. Pipes and what would become markup are escaped.
#include "core/text.hpp"
#include "present/display_text.hpp"
#include "present/table_formats.hpp"

namespace peakward::detail {
namespace {

constexpr std::string_view markup = "|<>*_`[]\\~&$";

// A character that would become a heading at the start, or a link without brackets around it.
bool begins_markup(std::string_view text, std::size_t at) {
    const std::string_view here = text.substr(at);
    return here.starts_with("://") || (at == 0 && here.starts_with('#')) ||
           (here.starts_with('.') && at >= 3 && to_lower(text.substr(at - 3, 3)) == "www");
}

}  // namespace

std::string markdown_text(std::string_view text) {
    const std::string safe = safe_text(text);
    std::string out;
    for (std::size_t at = 0; at < safe.size(); ++at) {
        if (markup.find(safe[at]) != std::string_view::npos || begins_markup(safe, at)) out += '\\';
        out += safe[at];
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
