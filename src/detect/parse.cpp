#include "detect/parse.hpp"

#include <algorithm>
#include <charconv>

#include "core/text.hpp"

namespace peakward::detail {

std::optional<std::vector<int>> parse_cpu_list(std::string_view text) {
    std::vector<int> cpus;
    const std::string list = trim(text);
    if (list.empty()) return cpus;
    for (const std::string& range : split(list, ',')) {
        const std::size_t dash = range.find('-');
        const auto first = parse_integer(range.substr(0, dash));
        const auto last = dash == std::string::npos ? first : parse_integer(range.substr(dash + 1));
        if (!first || !last || *first < 0 || *last < *first || *last >= cpus_max)
            return std::nullopt;
        for (long long cpu = *first; cpu <= *last; ++cpu) cpus.push_back(static_cast<int>(cpu));
        // Overlapping ranges would let a short text grow without end.
        if (cpus.size() > static_cast<std::size_t>(cpus_max)) return std::nullopt;
    }
    std::sort(cpus.begin(), cpus.end());
    cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
    return cpus;
}

std::optional<std::uint64_t> parse_hex(std::string_view text) {
    std::string digits = trim(text);
    if (digits.starts_with("0x") || digits.starts_with("0X")) digits.erase(0, 2);
    std::uint64_t value = 0;
    const char* end = digits.data() + digits.size();
    const auto [stopped, error] = std::from_chars(digits.data(), end, value, 16);
    if (digits.empty() || stopped != end || error != std::errc{}) return std::nullopt;
    return value;
}

std::vector<KeyValues> parse_blocks(std::string_view text) {
    std::vector<KeyValues> blocks;
    KeyValues block;
    for (const std::string& line : split(text, '\n')) {
        const std::size_t colon = line.find(':');
        if (colon != std::string::npos)
            block.emplace(trim(line.substr(0, colon)), trim(line.substr(colon + 1)));
        if (!trim(line).empty() || block.empty()) continue;
        blocks.push_back(std::move(block));
        block.clear();
    }
    if (!block.empty()) blocks.push_back(std::move(block));
    return blocks;
}

std::string value_of(const KeyValues& block, std::string_view key) {
    const auto found = block.find(key);
    return found == block.end() ? "" : found->second;
}

Fact<std::string> text_fact(const SysRoot& root, const std::string& path) {
    const auto text = root.read(path);
    if (!text) return unknown_because<std::string>(text.error());
    std::string_view content = *text;
    while (!content.empty() && content.back() == '\0') content.remove_suffix(1);
    const std::string value = trim(content.substr(0, content.find('\0')));
    if (value.empty()) return Fact<std::string>::unknown(path + ": empty");
    return Fact<std::string>::known(value, path);
}

Fact<std::int64_t> integer_fact(const SysRoot& root, const std::string& path) {
    const auto text = text_fact(root, path);
    if (!text) return Fact<std::int64_t>::unknown(text.reason());
    const auto value = parse_integer(*text);
    if (!value) return Fact<std::int64_t>::unknown(path + ": not a number");
    return Fact<std::int64_t>::known(*value, path);
}

Fact<std::vector<int>> cpu_list_fact(const SysRoot& root, const std::string& path) {
    const auto text = root.read(path);
    if (!text) return unknown_because<std::vector<int>>(text.error());
    auto cpus = parse_cpu_list(*text);
    if (!cpus) return Fact<std::vector<int>>::unknown(path + ": not a list of CPUs");
    return Fact<std::vector<int>>::known(std::move(*cpus), path);
}

}  // namespace peakward::detail
