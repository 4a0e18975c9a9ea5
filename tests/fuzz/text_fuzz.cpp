// Readers of plain text and JSON that every other reader stands on.
#include "core/text.hpp"
#include "core/time_text.hpp"
#include "fuzz/properties.hpp"
#include "fuzz/targets.hpp"
#include "hardware/spec.hpp"
#include "store/period.hpp"

namespace peakward::fuzz {
namespace {

constexpr int depth_max = 200;  // of parse_json()

int depth_of(const Json& value, int above = 0) {
    int depth = above + (value.is_structured() ? 1 : 0);
    if (depth > 2 * depth_max || !value.is_structured()) return depth;
    int deepest = depth;
    for (const Json& item : value) deepest = std::max(deepest, depth_of(item, depth));
    return deepest;
}

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

std::string json_text(std::string_view bytes) {
    const auto value = parse_json(bytes, "the text");
    if (!value) return broken_refusal(value.error());
    if (depth_of(*value) > depth_max + 1) return "nested deeper than the parser allows";
    const std::string text = canonical_json(*value);
    const auto again = parse_json(text, "the text again");
    if (!again) return "canonical JSON is refused: " + again.error().message;
    if (*again != *value) return "a value changes when it is written and read";
    return canonical_json(*again) == text ? "" : "canonical JSON is not canonical";
}

std::string display_text(std::string_view bytes) {
    if (std::string broken = broken_text(bytes); !broken.empty()) return broken;
    const std::string safe = safe_text(bytes);
    const std::string ascii = to_ascii(safe);
    if (!is_ascii(ascii)) return "ASCII text has other letters";
    for (const int width : {1, 7, 40}) {
        for (const bool unicode : {true, false})
            if (display_width(cut_to_width(safe, width, unicode)) > width)
                return "cut text is wider than asked for";
        for (const std::string& line : wrap_text(safe, width))
            if (width > 1 && display_width(line) > width)
                return "a wrapped line is wider than asked for";
    }
    return display_width(pad_right(safe, 40)) < 40 ? "padded text is too narrow" : "";
}

std::string period(std::string_view bytes) {
    const auto period = store::parse_period(bytes);
    if (!period) {
        if (is_date(bytes)) return "a date of a product is refused as a date of a run";
        return broken_refusal(period.error());
    }
    if (period->begin >= period->end) return "a period that ends before it begins";
    if (period->end - period->begin > 366 * 86400) return "a period longer than a year";
    // A time with an offset may lie in the year before the first or after the last.
    const auto first = store::parse_period("1970"), last = store::parse_period("9999");
    if (!first || !last) return "the first or the last year is refused";
    if (period->begin < first->begin || period->begin >= last->end) return "";
    const auto again = store::parse_period(iso_text(period->begin));
    if (!again) return "an instant that is written is refused: " + again.error().message;
    return again->begin == period->begin ? "" : "an instant changes when it is written and read";
}

}  // namespace peakward::fuzz
