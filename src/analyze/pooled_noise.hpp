// How far apart two runs of one series lie while nothing changed, learned from its own repeats and
// steadied by those of similar series (METHODS 3.1).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/series.hpp"

namespace peakward {

enum class NoiseSource {
    own,           // three repeats or more under one unchanged stack, of this series
    pooled,        // fewer than three: that of the metric on similar series
    around_level,  // no repeats anywhere: the series' spread around its own levels
    table,         // nothing to learn from: what such a metric usually does, widened for ignorance
    unknown,       // not looked for yet
};
std::string_view to_string(NoiseSource source);

// Noise of log values, which is relative: 0.01 is 1 %.
struct NoiseUsed {
    NoiseSource source = NoiseSource::unknown;
    double sigma = 0;
    double freedom = 0;       // degrees of freedom of Student's t for a comparison with it
    double rho = 0;           // lag-1 autocorrelation: neighbours that tell the same thing
    int repeats = 0;          // of this series; 0 where no stack was ever measured twice
    std::size_t similar = 0;  // series that stand behind a pooled figure
    std::string similar_by;   // "metric, device, backend and precision"; "" when not pooled
    // Of a series that several installs share. How far two installs of one kind lie apart beside
    // `sigma`; 0 where sigma holds it already, because each install has about one run.
    int installs = 0;
    double install_sigma = 0;
    double install_freedom = 0;
};

// What one series tells about its own noise.
struct Repeats {
    double variance = 0;  // of log values within blocks of one stack and one level
    double freedom = 0;   // runs less blocks
};

// Residuals around the levels of blocks that hold two values or more. Single outliers are drawn in
// (to 3 robust standard deviations) where there are enough residuals to know them.
Repeats learn_repeats(std::span<const std::vector<double>> blocks);

// Noise for each series. Series are similar when they share metric, kind of device, backend and
// precision; where too few of those have repeats, when they share less. How much similar series
// differ is learned too (Smyth 2004: an inverse chi-square prior by the moments of log variances),
// and decides how far few repeats of one's own are believed. `keys` and `repeats` go in step.
std::vector<NoiseUsed> pool_noise(std::span<const SeriesKey* const> keys,
                                  std::span<const Repeats> repeats);

// What runs of such a metric usually scatter by, for a series that nothing was learned about: few
// degrees of freedom, so that only a clear drop is suspected. The sources are beside the table.
NoiseUsed table_noise(const SeriesKey& key);
// The standard deviation between installs of one kind, of the same table.
double table_install_sigma(const SeriesKey& key);
inline constexpr double table_freedom = 3;

}  // namespace peakward
