// The day an efficiency was first held (METHODS 3.3).
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "core/series.hpp"

namespace peakward {

// Seed 000's levels, as ratios.
inline constexpr std::array<double, 3> milestone_levels{0.7, 0.8, 0.9};

struct Milestone {
    double level = 0;
    std::optional<std::size_t> held_from;  // place of the point in its series; none: not held
    // Some point that counts lies at the level, and yet it was not held: one run, or a lucky one.
    bool touched = false;
};

// A point counts when it has no doubts and its efficiency is known and at most 1.02.
bool counts(const SeriesPoint& point, double efficiency);

// One a level. Level L is held from the first counting point i for which
//     e_i >= L   and at least half of e_i ... e_k are >= L,   k >= i + 1,
// where e_i ... e_k are the counting points up to the next confirmed fall of the series (a falling
// change of the change-point engine), or to its end; where they are fewer than five, every one of
// them must be at L or above. So a lucky run meets nothing, the newest run alone meets nothing, and
// a regression after the level was held takes nothing back.
std::vector<Milestone> find_milestones(const Series& series, std::span<const double> efficiency,
                                       std::span<const double> levels = milestone_levels);

}  // namespace peakward
