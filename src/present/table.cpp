#include "present/table.hpp"

#include <array>

#include "core/text.hpp"
#include "present/table_formats.hpp"

namespace peakward {
namespace {

constexpr std::array<std::pair<Format, std::string_view>, 4> format_words{
    {{Format::text, "text"},
     {Format::json, "json"},
     {Format::csv, "csv"},
     {Format::markdown, "markdown"}}};

}  // namespace

std::optional<Format> format_from(std::string_view word) {
    for (const auto& [format, known] : format_words)
        if (known == word) return format;
    return std::nullopt;
}

std::vector<std::string> format_names() {
    std::vector<std::string> names;
    for (const auto& [format, word] : format_words) names.emplace_back(word);
    return names;
}

std::string render(const Table& table, Format format, const Terminal& terminal) {
    switch (format) {
        case Format::text: {
            const detail::TableText drawn = detail::table_text(table, terminal);
            return drawn.text + detail::left_out_line(drawn.left_out, terminal);
        }
        case Format::json:
            return detail::table_json(table);
        case Format::csv:
            return detail::table_csv(table);
        case Format::markdown:
            return detail::table_markdown(table);
    }
    return {};
}

Cell cell(std::string text, Tone tone) {
    if (text.empty()) return {};
    return {std::move(text), tone};
}
Cell cell(const char* text, Tone tone) { return cell(std::string(text), tone); }
Cell cell(double number, Tone tone) { return {number, tone}; }
Cell cell(std::int64_t number, Tone tone) { return {number, tone}; }
Cell cell(int number, Tone tone) { return {std::int64_t{number}, tone}; }
Cell cell(const std::optional<double>& number, Tone tone) {
    if (!number) return {};
    return {*number, tone};
}

std::string detail::cell_text(const Cell& cell, const Column& column) {
    if (!cell.shown.empty()) return cell.shown;
    if (const auto* text = std::get_if<std::string>(&cell.value)) return *text;
    if (const auto* number = std::get_if<double>(&cell.value))
        return format_value(*number, column.unit);
    if (const auto* whole = std::get_if<std::int64_t>(&cell.value)) {
        if (column.unit == Unit::none || column.unit == Unit::count)
            return fmt::format("{}", *whole);
        return format_value(static_cast<double>(*whole), column.unit);
    }
    return "-";
}

}  // namespace peakward
