// The levels that a series stood at, one after the other, with the noise that two runs of one
// unchanged stack show: what rates of improvement, effects of software stacks and "now" are made
// of. Logarithms throughout, so that noise is relative. Points with doubts decide nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analyze/pooled_noise.hpp"
#include "core/series.hpp"

namespace peakward {

// Of each series, learned from runs that repeat one software stack and pooled over all of these.
// Within a stack that steadily rises or falls the noise is what is left around a line.
std::vector<NoiseUsed> learned_noise(std::span<const Series* const> series);

// Neighbouring runs whose levels the noise does not tell apart.
struct SeriesLevel {
    double value = 0;     // median of the runs, in the series' unit
    double variance = 1;  // of the logarithm of that median, for a variance of one run of 1
    std::size_t runs = 0;
    std::int64_t first_unix = 0, last_unix = 0;
};

// By time. A new level begins where a stack differs from the level before it, with 99 % over the
// series; without
// noise to judge by, with every stack that has another value. Empty where nothing counts or where
// a value is not above zero.
std::vector<SeriesLevel> series_levels(const Series& series, const NoiseUsed& noise);

// Variance of the median of so many values with normal noise of variance 1, of which neighbours
// tell the same thing to `rho`.
double median_variance(std::size_t count, double rho = 0);

// 100 x (after / before - 1) where more is better, 100 x (before / after - 1) where less is. The
// interval holds the truth with `level_percent`; none where no noise is known.
struct LevelEffect {
    double percent = 0;
    std::optional<double> ci_low_percent, ci_high_percent;
};
LevelEffect effect_between(const SeriesLevel& before, const SeriesLevel& after,
                           const NoiseUsed& noise, bool more_is_better, double level_percent = 95);

// Around one level; none where no noise is known.
struct LevelInterval {
    double low = 0, high = 0;
};
std::optional<LevelInterval> interval_around(const SeriesLevel& level, const NoiseUsed& noise,
                                             double level_percent = 95);

}  // namespace peakward
