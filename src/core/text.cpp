#include "core/text.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

namespace peakward {
namespace {

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t above = row[j];
            row[j] =
                std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
            diagonal = above;
        }
    }
    return row[b.size()];
}

template <typename T>
std::optional<T> parse_all(std::string_view text) {
    const std::string trimmed = trim(text);
    T value{};
    const char* end = trimmed.data() + trimmed.size();
    const auto [stopped, error] = std::from_chars(trimmed.data(), end, value);
    if (error != std::errc{} || stopped != end || trimmed.empty()) return std::nullopt;
    return value;
}

}  // namespace

std::string trim(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return std::string(text);
}

std::string to_lower(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return lower;
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    std::size_t start = 0;
    while (true) {
        const std::size_t end = text.find(separator, start);
        parts.emplace_back(text.substr(start, end == std::string_view::npos ? end : end - start));
        if (end == std::string_view::npos) return parts;
        start = end + 1;
    }
}

std::vector<std::string> split_list(std::string_view text) {
    std::vector<std::string> parts;
    std::string current;
    for (const char c : text) {
        if (c == ',' || is_space(c)) {
            if (!current.empty()) parts.push_back(std::move(current));
            current.clear();
        } else {
            current.push_back(c);
        }
    }
    if (!current.empty()) parts.push_back(std::move(current));
    return parts;
}

std::optional<long long> parse_integer(std::string_view text) { return parse_all<long long>(text); }
std::optional<double> parse_number(std::string_view text) { return parse_all<double>(text); }

std::vector<std::string> nearest_names(std::string_view name, std::span<const std::string> known,
                                       std::size_t most) {
    std::vector<std::pair<std::size_t, std::string>> ranked;
    const std::string wanted = to_lower(name);
    for (const std::string& candidate : known) {
        const std::string lower = to_lower(candidate);
        std::size_t distance = edit_distance(wanted, lower);
        // "triad" is nearer to stream_triad than letters alone say.
        if (!wanted.empty() &&
            (lower.find(wanted) != std::string::npos || wanted.find(lower) != std::string::npos))
            distance = std::min<std::size_t>(distance, 1);
        const std::size_t length = std::max(wanted.size(), lower.size());
        if (distance * 2 <= length) ranked.emplace_back(distance, candidate);
    }
    std::stable_sort(ranked.begin(), ranked.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<std::string> names;
    for (auto& [distance, candidate] : ranked) {
        if (names.size() == most) break;
        names.push_back(std::move(candidate));
    }
    return names;
}

std::string plural(std::size_t count, std::string_view word) {
    return fmt::format("{} {}{}", count, word, count == 1 || word.ends_with('s') ? "" : "s");
}

std::string unknown_name_message(std::string_view kind, std::string_view name,
                                 std::span<const std::string> known) {
    const auto near = nearest_names(name, known);
    std::string message = fmt::format("unknown {} '{}'", kind, name);
    if (!near.empty())
        message += fmt::format("; did you mean {}?", fmt::join(near, ", "));
    else
        message += ".";
    message += fmt::format(" Known: {}", fmt::join(known, ", "));
    return message;
}

}  // namespace peakward
