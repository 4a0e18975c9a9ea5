// Small helpers for text, and the one place that includes fmt.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace peakward {

std::string trim(std::string_view text);
std::string to_lower(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);
// Splits at spaces and commas, dropping empty parts: the form every list option takes.
std::vector<std::string> split_list(std::string_view text);

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The integer or number that fills the whole (trimmed) text, else nothing.
std::optional<long long> parse_integer(std::string_view text);
std::optional<double> parse_number(std::string_view text);

// "1 run", "12 runs", "2 series": the word gets an s where the count wants one.
std::string plural(std::size_t count, std::string_view word);

// Up to `most` of the known names nearest to `name` by edit distance, best first; names farther
// than half their length are left out.
std::vector<std::string> nearest_names(std::string_view name, std::span<const std::string> known,
                                       std::size_t most = 3);

// "unknown operation 'gem'; did you mean gemm, gemv? Known: ..." The sentence for any closed
// vocabulary.
std::string unknown_name_message(std::string_view kind, std::string_view name,
                                 std::span<const std::string> known);

}  // namespace peakward
