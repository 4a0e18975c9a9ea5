#include "present/ci_text.hpp"

#include "core/text.hpp"
#include "present/display_text.hpp"
#include "present/html_text.hpp"

namespace peakward {

std::string xml_text(std::string_view text) {
    std::vector<std::string> lines = split(text, '\n');
    for (std::string& line : lines) line = detail::html_text(line);
    return fmt::format("{}", fmt::join(lines, "\n"));
}

// A command is one line. GitHub's own library escapes %, CR and LF in messages, and in properties
// also the characters that end them; safe_text() leaves no CR.
std::string github_message(std::string_view text) {
    std::vector<std::string> lines = split(text, '\n');
    for (std::string& line : lines) {
        std::string escaped;
        for (const char c : safe_text(line)) escaped += c == '%' ? "%25" : std::string(1, c);
        line = escaped;
    }
    return fmt::format("{}", fmt::join(lines, "%0A"));
}

std::string github_property(std::string_view text) {
    std::string out;
    for (const char c : github_message(text))
        out += c == ':' ? "%3A" : c == ',' ? "%2C" : std::string(1, c);
    return out;
}

}  // namespace peakward
