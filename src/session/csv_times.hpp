// The times of a CSV column, in the forms that programs and people write.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace peakward {

// How a column of times is to be read: all its cells in one way.
struct TimeColumn {
    std::vector<double> instants;  // one a cell; empty where they are labels
    bool has_dates = false;        // instants are seconds since 1970, UTC
    std::string refused;           // why dates cannot be read without guessing; "" else
    // The first cell that is unlike those before it; none where all are alike.
    std::optional<std::size_t> odd_cell;
};

// ISO 8601 and its looser forms ("2026/05/25 23:00:00,016 +0200"), days and months in words ("Mon,
// 25 May 2026 10:00:00 GMT"), 25.05.2026, 25/05/2026 and 05/25/2026 where some day above 12 tells
// which, 12 hours with AM and PM; numbers, which are seconds, milliseconds, microseconds or
// nanoseconds since 1970 where all lie between 2000 and 2100. Without an offset times are UTC.
TimeColumn read_times(std::span<const std::string> cells);

// "time", "start date", "created_at": the name of a column of times.
bool is_name_of_times(const std::string& column);

}  // namespace peakward
