#include "detect/sources/software_facts.hpp"

#include <algorithm>
#include <cctype>

namespace peakward::detail {
namespace {

bool is_printable(char c) {
    // Bytes above 127 belong to UTF-8 sequences; JSON output replaces broken ones.
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 32 && byte != 127;
}

}  // namespace

void Tried::failed(const ReadFailure& failure) {
    if (failure.absence != Absence::missing && obstacle_.empty()) obstacle_ = failure.reason;
}

void Tried::malformed(std::string_view where, std::string_view what) {
    if (obstacle_.empty()) obstacle_ = fmt::format("{}: {}", where, what);
}

std::string Tried::reason(std::string_view when_absent) const {
    if (obstacle_.empty()) return std::string(when_absent);
    return fmt::format("could not be read: {}", obstacle_);
}

std::string last_line(std::string_view text) {
    std::string last;
    for (const std::string& line : lines_of(text)) {
        std::string clean;
        for (const char c : line) {
            if (is_printable(c)) clean += c;
        }
        clean = trim(clean);
        if (!clean.empty()) last = clean;
    }
    constexpr std::size_t longest = 200;
    if (last.size() > longest) last.resize(longest);
    return last;
}

ReadResult<std::string> output_of(const SysRoot& root, const std::vector<std::string>& argv,
                                  Nanoseconds limit) {
    auto ran = root.run(argv, limit);
    if (!ran) return tl::make_unexpected(ran.error());
    if (ran->exit_code == 0) return std::move(ran->out);
    std::string said = last_line(ran->err);
    if (said.empty()) said = last_line(ran->out);
    if (said.empty()) said = "it said nothing";
    return tl::make_unexpected(ReadFailure{
        Absence::failed,
        fmt::format("{} ended with exit code {}: {}", argv.front(), ran->exit_code, said)});
}

ReadResult<std::string> output_of_any_exit(const SysRoot& root,
                                           const std::vector<std::string>& argv,
                                           Nanoseconds limit) {
    auto ran = root.run(argv, limit);
    if (!ran) return tl::make_unexpected(ran.error());
    return std::move(ran->out);
}

std::optional<std::string> first_version(std::string_view text) {
    for (std::size_t start = 0; start < text.size(); ++start) {
        const bool begins = is_digit(text[start]) &&
                            (start == 0 || (!is_digit(text[start - 1]) && text[start - 1] != '.'));
        if (!begins) continue;
        std::size_t end = start;
        while (end < text.size() &&
               (is_digit(text[end]) ||
                (text[end] == '.' && end + 1 < text.size() && is_digit(text[end + 1])))) {
            ++end;
        }
        const std::string_view token = text.substr(start, end - start);
        if (token.find('.') != std::string_view::npos && token.size() <= 40) {
            return std::string(token);
        }
        start = end;
    }
    return std::nullopt;
}

std::string major_minor(std::string_view version) {
    const std::size_t dot = version.find('.');
    if (dot == std::string_view::npos) return std::string(version);
    return std::string(version.substr(0, version.find('.', dot + 1)));
}

void set_component(Software& software, const std::string& name, const Fact<std::string>& fact) {
    fill(software.components[name], fact);
}

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines = split(text, '\n');
    for (std::string& line : lines) {
        if (!line.empty() && line.back() == '\r') line.pop_back();
    }
    if (!lines.empty() && lines.back().empty()) lines.pop_back();
    return lines;
}

bool is_word(std::string_view text, std::size_t longest) {
    return !text.empty() && text.size() <= longest && std::ranges::all_of(text, is_printable);
}

}  // namespace peakward::detail
