// How the numbers of a CSV column are written. A comma or a point may part thousands or decimals;
// the cells of a column decide together, and where they cannot, the column is refused.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace peakward {

enum class NumberStyle {
    decimal_point,  // 1234.5, and 1,234.5 where thousands are parted
    decimal_comma,  // 1234,5, and 1.234,5
};

// NaN and infinities are numbers. Spaces, apostrophes and underscores between groups of three
// digits part thousands in either style. Nothing: it is text.
std::optional<double> parse_styled_number(std::string_view cell, NumberStyle style);

// What the cells of one column say about its style. Cells come without surrounding space.
class NumberEvidence {
public:
    // False: the cell is no number in either style.
    bool take(const std::string& cell, std::size_t line);

    bool has_comma() const { return commas_ > 0; }
    // Some cell can only be read in this style.
    bool is_certain_of(NumberStyle style) const {
        return (style == NumberStyle::decimal_comma ? comma_ : point_).line > 0;
    }
    // Every cell has a comma, three digits behind it and nothing else that tells.
    bool is_all_ambiguous() const { return ambiguous_.line > 0 && commas_ == cells_; }

    struct Verdict {
        NumberStyle style = NumberStyle::decimal_point;
        std::string refused;  // why no style fits, beginning with "line N"; "" where one does
    };
    // `file_style`: that other columns of the file are certain of.
    Verdict verdict(std::optional<NumberStyle> file_style) const;

private:
    struct Cell {
        std::size_t line = 0;  // 0: none
        std::string text;
    };
    static void note(Cell& cell, std::size_t line, const std::string& text);

    std::size_t cells_ = 0, commas_ = 0;
    Cell comma_, point_, ambiguous_;
};

}  // namespace peakward
