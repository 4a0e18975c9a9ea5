// RFC 4180: CRLF between records, quotes where a field needs them, quotes doubled inside. Numbers
// are in full precision, an absent value is an empty field. Text is never a formula for a
// spreadsheet; figures are left as they are.
#include "core/csv_text.hpp"
#include "core/text.hpp"
#include "present/display_text.hpp"
#include "present/table_formats.hpp"

namespace peakward::detail {
namespace {

// Line breaks stay, quoted: CSV may hold them. Other control characters do not pass.
std::string field(std::string_view text) {
    std::string safe;
    bool first = true;
    for (const std::string& line : split(text, '\n')) {
        if (!first) safe += '\n';
        safe += safe_text(line);
        first = false;
    }
    // Judged as it was given: an escaped tab is no tab any more.
    if (to_csv_name(text).size() > text.size()) safe.insert(0, "'");
    if (safe.find_first_of(",\"\n\r") == std::string::npos) return safe;
    std::string quoted = "\"";
    for (const char c : safe) {
        if (c == '"') quoted += '"';
        quoted += c;
    }
    return quoted + "\"";
}

std::string cell_field(const Cell& cell) {
    if (const auto* text = std::get_if<std::string>(&cell.value)) return field(*text);
    if (const auto* number = std::get_if<double>(&cell.value)) return fmt::format("{}", *number);
    if (const auto* whole = std::get_if<std::int64_t>(&cell.value))
        return fmt::format("{}", *whole);
    return {};
}

}  // namespace

std::string table_csv(const Table& table) {
    std::string out;
    for (std::size_t i = 0; i < table.columns.size(); ++i)
        out += (i > 0 ? "," : "") + field(table.columns[i].key);
    out += "\r\n";
    for (const auto& row : table.rows) {
        for (std::size_t i = 0; i < table.columns.size(); ++i) {
            if (i > 0) out += ',';
            if (i < row.size()) out += cell_field(row[i]);
        }
        out += "\r\n";
    }
    return out;
}

}  // namespace peakward::detail
