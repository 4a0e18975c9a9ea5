#include "present/display_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/text.hpp"

namespace peakward {
namespace {

struct Range {
    char32_t first, last;
};

// Not wcwidth(): its answer depends on the locale, and tables must line up in every one.
// Unicode 15 general categories Mn, Me and Cf, the blocks that names of products can hold.
constexpr std::array zero_width{
    Range{0x0300, 0x036F}, Range{0x0483, 0x0489}, Range{0x0591, 0x05BD}, Range{0x0610, 0x061A},
    Range{0x064B, 0x065F}, Range{0x1AB0, 0x1AFF}, Range{0x1DC0, 0x1DFF}, Range{0x200B, 0x200F},
    Range{0x20D0, 0x20FF}, Range{0xFE00, 0xFE0F}, Range{0xFE20, 0xFE2F}, Range{0xFEFF, 0xFEFF}};

// East Asian Width W and F (Unicode 15, EastAsianWidth.txt), neighbouring blocks joined.
constexpr std::array double_width{
    Range{0x1100, 0x115F},   Range{0x231A, 0x231B},   Range{0x2329, 0x232A},
    Range{0x23E9, 0x23EC},   Range{0x2E80, 0x303E},   Range{0x3041, 0x4DBF},
    Range{0x4E00, 0xA4CF},   Range{0xA960, 0xA97F},   Range{0xAC00, 0xD7A3},
    Range{0xF900, 0xFAFF},   Range{0xFE30, 0xFE6F},   Range{0xFF00, 0xFF60},
    Range{0xFFE0, 0xFFE6},   Range{0x1F300, 0x1F64F}, Range{0x1F680, 0x1F6FF},
    Range{0x1F900, 0x1F9FF}, Range{0x20000, 0x3FFFD}};

// Characters that change the order or the lines of what follows them.
constexpr std::array reordering{Range{0x061C, 0x061C}, Range{0x200E, 0x200F}, Range{0x2028, 0x202E},
                                Range{0x2066, 0x2069}};

template <std::size_t N>
bool is_in(const std::array<Range, N>& ranges, char32_t c) {
    return std::any_of(ranges.begin(), ranges.end(),
                       [c](const Range& r) { return c >= r.first && c <= r.last; });
}

// Build services read commands out of the text of a log: GitHub takes "::error::" at the start of a
// line, also behind spaces, and "##[error]" anywhere in it; Azure takes "##vso[", TeamCity
// "##teamcity[". A second colon is harmless only inside a word of ASCII ("std::bad_alloc"), which
// no line begins with.
bool begins_log_command(std::string_view text, std::size_t at) {
    const std::string_view here = text.substr(at);
    if (here.starts_with("::")) return at == 0 || text[at - 1] <= ' ' || text[at - 1] > '~';
    return here.starts_with('#') && at > 0 && text[at - 1] == '#';
}

constexpr char32_t replacement = 0xFFFD;

// One character and the bytes it took; an invalid byte is U+FFFD and takes one.
struct Decoded {
    char32_t character = replacement;
    std::size_t bytes = 1;
};

Decoded decode(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t lead = byte(at);
    if (lead < 0x80) return {lead, 1};
    std::size_t length = 0;
    char32_t c = 0;
    if ((lead & 0xE0) == 0xC0) {
        length = 2;
        c = lead & 0x1F;
    } else if ((lead & 0xF0) == 0xE0) {
        length = 3;
        c = lead & 0x0F;
    } else if ((lead & 0xF8) == 0xF0) {
        length = 4;
        c = lead & 0x07;
    }
    if (length == 0 || at + length > text.size()) return {};
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(at + i) & 0xC0) != 0x80) return {};
        c = (c << 6) | (byte(at + i) & 0x3F);
    }
    constexpr std::array<char32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
    if (c < smallest[length] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) return {};
    return {c, length};
}

int width_of(char32_t c) {
    if (c < 0x300) return 1;
    if (is_in(zero_width, c)) return 0;
    return is_in(double_width, c) ? 2 : 1;
}

std::string_view ascii_for(char32_t c) {
    switch (c) {
        case U'✓':
            return "ok";
        case U'✗':
            return "x";
        case U'⚠':
            return "!";
        case U'±':
            return "+-";
        case U'×':
            return "x";
        case U'·':
            return "*";
        case U'…':
            return "...";
        case U'→':
            return "->";
        case U'°':
            return "";
        case U'µ':
            return "u";
        case U'–':
        case U'—':
            return "-";
        default:
            return "?";
    }
}

}  // namespace

int display_width(std::string_view text) {
    int width = 0;
    for (std::size_t at = 0; at < text.size();) {
        const Decoded next = decode(text, at);
        width += width_of(next.character);
        at += next.bytes;
    }
    return width;
}

std::string safe_text(std::string_view text) {
    std::string safe;
    safe.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const Decoded next = decode(text, at);
        const char32_t c = next.character;
        if (c == U'\n')
            safe += "\\n";
        else if (c == U'\t')
            safe += "\\t";
        else if (c < 0x20 || (c >= 0x7F && c < 0xA0) || begins_log_command(text, at))
            safe += fmt::format("\\x{:02x}", static_cast<std::uint32_t>(c));
        else if (is_in(reordering, c) || c == 0xFFFE || c == 0xFFFF)
            safe += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(c));
        else if (c == replacement)
            safe += "\xEF\xBF\xBD";
        else
            safe += text.substr(at, next.bytes);
        at += next.bytes;
    }
    return safe;
}

std::string to_ascii(std::string_view text) {
    std::string ascii;
    for (std::size_t at = 0; at < text.size();) {
        const Decoded next = decode(text, at);
        if (next.character < 0x80)
            ascii += static_cast<char>(next.character);
        else if (width_of(next.character) > 0)
            ascii += ascii_for(next.character);
        at += next.bytes;
    }
    return ascii;
}

std::string cut_to_width(std::string_view text, int width, bool unicode) {
    if (display_width(text) <= width) return std::string(text);
    if (width <= 0) return {};
    std::string cut;
    int used = 0;
    for (std::size_t at = 0; at < text.size();) {
        const Decoded next = decode(text, at);
        const int wide = width_of(next.character);
        if (used + wide > width - 1) break;
        cut += text.substr(at, next.bytes);
        used += wide;
        at += next.bytes;
    }
    return cut + (unicode ? "…" : "~");
}

std::vector<std::string> wrap_text(std::string_view text, int width) {
    width = std::max(width, 1);
    std::vector<std::string> lines;
    std::string line;
    const auto flush = [&] {
        lines.push_back(std::move(line));
        line.clear();
    };
    for (const std::string& word : split(text, ' ')) {
        if (word.empty()) continue;
        if (!line.empty() && display_width(line) + 1 + display_width(word) > width) flush();
        if (!line.empty()) line += ' ';
        for (std::size_t at = 0; at < word.size();) {
            const Decoded next = decode(word, at);
            // A log takes a line that begins with "::" for a command.
            const bool is_command = line == ":" && word[at] == ':';
            const bool is_full = display_width(line) + width_of(next.character) > width;
            if (is_command || (is_full && !line.empty())) flush();
            line += word.substr(at, next.bytes);
            at += next.bytes;
        }
    }
    if (!line.empty() || lines.empty()) flush();
    return lines;
}

std::string break_between_words(std::string_view text, int width, int used, int indent) {
    std::string out;
    int line_start = used;
    for (const std::string& word : split(text, ' ')) {
        const int wide = display_width(word);
        if (used > line_start && used + 1 + wide > width) {
            out += "\n" + std::string(static_cast<std::size_t>(indent), ' ');
            used = line_start = indent;
        } else if (used > line_start) {
            out += ' ';
            ++used;
        }
        out += word;
        used += wide;
    }
    return out;
}

std::string pad_right(std::string_view text, int width) {
    std::string padded(text);
    padded.append(static_cast<std::size_t>(std::max(0, width - display_width(text))), ' ');
    return padded;
}

std::string pad_left(std::string_view text, int width) {
    std::string padded(static_cast<std::size_t>(std::max(0, width - display_width(text))), ' ');
    return padded.append(text);
}

}  // namespace peakward
