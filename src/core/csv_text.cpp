#include "core/csv_text.hpp"

#include <algorithm>
#include <array>

namespace peakward {
namespace {

// What Excel, LibreOffice and Google Sheets evaluate (OWASP, "CSV Injection"), with the full-width
// forms that they accept under East Asian locales.
constexpr std::array<std::string_view, 11> formula_starts{
    "=", "+", "-", "@", "\t", "\r", "\n", "\uFF1D", "\uFF0B", "\uFF0D", "\uFF20"};

bool is_formula(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of('\''), text.size()));
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    return std::any_of(formula_starts.begin(), formula_starts.end(),
                       [&](std::string_view start) { return text.starts_with(start); });
}

}  // namespace

std::string to_csv_name(std::string_view text) {
    return (is_formula(text) ? "'" : "") + std::string(text);
}

std::string from_csv_name(std::string_view cell) {
    const bool is_protected = cell.starts_with('\'') && is_formula(cell.substr(1));
    return std::string(is_protected ? cell.substr(1) : cell);
}

}  // namespace peakward
