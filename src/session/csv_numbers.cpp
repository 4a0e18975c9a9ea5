#include "session/csv_numbers.hpp"

#include <algorithm>

#include "core/text.hpp"

namespace peakward {
namespace {

constexpr std::size_t group_digits = 3;

// Spaces that printers put between groups of digits, as one byte each.
std::string with_plain_groups(std::string_view cell) {
    std::string text;
    for (std::size_t i = 0; i < cell.size(); ++i) {
        const std::string_view left = cell.substr(i);
        if (left.starts_with("\xC2\xA0")) {  // no-break space
            text += ' ';
            ++i;
        } else if (left.starts_with("\xE2\x80\xAF") || left.starts_with("\xE2\x80\x89") ||
                   left.starts_with("\xE2\x80\x99")) {  // narrow and thin space, apostrophe
            text += ' ';
            i += 2;
        } else {
            text += cell[i] == '\'' || cell[i] == '_' ? ' ' : cell[i];
        }
    }
    return text;
}

// The digits before the decimals, without `separator` between groups of three; false where the
// groups are none: "1,23,456", "0,123", ",5".
bool take_groups(std::string& whole, char separator) {
    const std::size_t first = whole.find(separator);
    if (first == std::string::npos) return true;
    const std::size_t sign = whole.front() == '-' ? 1 : 0;
    if (first <= sign || first - sign > group_digits || whole[sign] == '0') return false;
    for (std::size_t at = first; at < whole.size(); at += group_digits + 1) {
        if (whole[at] != separator || at + group_digits >= whole.size()) return false;
        for (std::size_t i = 1; i <= group_digits; ++i)
            if (!is_digit(whole[at + i])) return false;
    }
    std::erase(whole, separator);
    return true;
}

}  // namespace

std::optional<double> parse_styled_number(std::string_view cell, NumberStyle style) {
    std::string text = with_plain_groups(cell);
    if (text.size() > 1 && text[0] == '+' && text[1] != '-' && text[1] != '+') text.erase(0, 1);
    if (text.empty()) return std::nullopt;
    const bool comma = style == NumberStyle::decimal_comma;
    const char decimal = comma ? ',' : '.', thousands = comma ? '.' : ',';
    const std::size_t behind = std::min(text.find(decimal), text.find_first_of("eE"));
    std::string whole = text.substr(0, behind);
    std::string rest = behind == std::string::npos ? "" : text.substr(behind);
    if (whole.find_first_of(".,") != std::string::npos && whole.find(' ') != std::string::npos)
        return std::nullopt;
    if (!whole.empty() && (!take_groups(whole, thousands) || !take_groups(whole, ' ')))
        return std::nullopt;
    if (!rest.empty() && rest.front() == decimal) rest.front() = '.';
    if (rest.find(',') != std::string::npos) return std::nullopt;
    return parse_number(whole + rest);
}

void NumberEvidence::note(Cell& cell, std::size_t line, const std::string& text) {
    if (cell.line == 0) cell = {line, text};
}

bool NumberEvidence::take(const std::string& cell, std::size_t line) {
    const bool has_comma = cell.find(',') != std::string::npos;
    const auto by_point = parse_styled_number(cell, NumberStyle::decimal_point);
    if (!has_comma && cell.find('.') == std::string::npos) {
        cells_ += by_point ? 1 : 0;
        return by_point.has_value();
    }
    const auto by_comma = parse_styled_number(cell, NumberStyle::decimal_comma);
    if (!by_point && !by_comma) return false;
    ++cells_;
    commas_ += has_comma ? 1 : 0;
    if (!by_comma)
        note(point_, line, cell);
    else if (!by_point)
        note(comma_, line, cell);
    else if (has_comma)
        note(ambiguous_, line, cell);
    return true;
}

NumberEvidence::Verdict NumberEvidence::verdict(std::optional<NumberStyle> file_style) const {
    if (comma_.line > 0 && point_.line > 0)
        return {
            NumberStyle::decimal_point,
            fmt::format("line {} has '{}' and line {} has '{}': a comma cannot be both, and the "
                        "numbers of a column are written in one way",
                        comma_.line, comma_.text, point_.line, point_.text)};
    if (comma_.line > 0) return {NumberStyle::decimal_comma, ""};
    if (point_.line > 0 || ambiguous_.line == 0) return {NumberStyle::decimal_point, ""};
    if (file_style && is_all_ambiguous()) return {*file_style, ""};
    return {
        NumberStyle::decimal_point,
        fmt::format("line {}: '{}' may be a number with decimals or one of thousands, and no cell "
                    "of the column tells which; write it without the comma, or with a decimal "
                    "point",
                    ambiguous_.line, ambiguous_.text)};
}

}  // namespace peakward
