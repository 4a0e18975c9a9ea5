// Dates and times as people type them, and as records carry them.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/result.hpp"

namespace peakward::store {

// Seconds since 1970-01-01 UTC, begin inclusive, end exclusive.
struct Period {
    std::int64_t begin = 0;
    std::int64_t end = 0;
};

// ISO 8601, from a year to a second: "2026", "2026-11", "2026-11-20", "2026-11-20T14:30",
// "2026-11-20 14:30:05.25+01:00". Without an offset it is UTC. The period is all that the text can
// mean: a day is 86400 s. The error is one sentence that quotes the text.
Result<Period> parse_period(std::string_view text);

}  // namespace peakward::store
