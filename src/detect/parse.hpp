// Small readers for what the kernel prints. Every one of them takes any bytes and answers nothing,
// or an absence with its reason, when they are not what they should be.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/device.hpp"
#include "core/fact.hpp"
#include "core/ports.hpp"

namespace peakward::detail {

// More logical CPUs than this in one list is a malformed file.
inline constexpr int cpus_max = 1 << 16;

// "0-3,8" -> {0,1,2,3,8}, ascending, each once. An empty text is an empty list.
std::optional<std::vector<int>> parse_cpu_list(std::string_view text);

// "0x10de", "10de" -> 4318.
std::optional<std::uint64_t> parse_hex(std::string_view text);

// "key : value" lines up to an empty line form one block; keys and values are trimmed.
using KeyValues = std::map<std::string, std::string, std::less<>>;
std::vector<KeyValues> parse_blocks(std::string_view text);
// The value of a key, or "" where there is none.
std::string value_of(const KeyValues& block, std::string_view key);

// The file's text without surrounding space and NUL bytes; an empty file is malformed.
Fact<std::string> text_fact(const SysRoot& root, const std::string& path);
Fact<std::int64_t> integer_fact(const SysRoot& root, const std::string& path);
// A list of CPUs, as "online" and "cpulist" files hold it. An empty file is an empty list.
Fact<std::vector<int>> cpu_list_fact(const SysRoot& root, const std::string& path);

// Fills a fact that is still unknown; the first reason stays when the other is unknown as well.
template <typename T>
void fill(Fact<T>& slot, const Fact<T>& found) {
    slot = slot.or_else(found);
}

template <typename T>
Fact<T> unknown_because(const ReadFailure& failure) {
    return Fact<T>::unknown(failure.reason);
}

}  // namespace peakward::detail
