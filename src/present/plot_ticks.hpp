// Where an axis has its labels: round numbers, decades, or the starts of days, months and years.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "present/plot.hpp"

namespace peakward::detail {

inline constexpr double day_s = 86400;

struct Tick {
    double at = 0;
    std::string label;
};

// At most `most` of them within [from, to] (from < to), ascending; those of a time axis leave
// `label_columns` to each label. Fewer than two may fit.
std::vector<Tick> number_ticks(double from, double to, Unit unit, int most);
std::vector<Tick> decade_ticks(double from, double to, Unit unit, int most);
std::vector<Tick> time_ticks(double from_unix, double to_unix, int most);

// "2026-11-20"; with_clock: "2026-11-20 14:30".
std::string day_text(double time_unix, bool with_clock = false);

}  // namespace peakward::detail
