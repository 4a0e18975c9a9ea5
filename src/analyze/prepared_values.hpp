// The values of a series as the search for changes works on them: without gaps and outliers, scaled
// and centred so that no sum or square leaves the range of a double.
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "analyze/noise.hpp"

namespace peakward::analysis {

// Scaled values are about one. Differences below this are rounding: of a double that some additions
// went through.
inline constexpr double resolution = 64 * std::numeric_limits<double>::epsilon();

// A level of a few points that the series left again: out of the series while the rest is searched.
struct Excursion {
    std::size_t first = 0, last = 0;  // places in the caller's series
    double level = 0;                 // inside, scaled and centred
    double z = 0;                     // of the less clear one of its two edges
};

struct PreparedValues {
    std::vector<double> values;         // (caller's value - centre) x 2^-exponent
    std::vector<std::size_t> places;    // in the caller's series
    std::vector<std::size_t> outliers;  // the same, of values set aside; ascending
    std::vector<double> outlier_values;
    std::vector<Excursion> excursions;
    double far = 0;                   // that outliers lie out
    double floor = resolution;        // what sums of so many values cannot tell apart; scaled
    double sigma_least = resolution;  // of noise that is rounded as the values are
    double centre = 0;                // scaled
    int exponent = 0;
    bool has_modes = false;  // values jump between two levels and back all the time
    double mode_distance = 0;
    Spread spread;  // of differences

    std::size_t size() const { return values.size(); }
    // Noise of no less than the values' own digits can show.
    Spread at_least(Spread learned) const;
    // A level or a size of the caller's series.
    double level_in_unit(double level) const;
    double size_in_unit(double size) const;
    // Takes the values [begin, end) out of the series, as outliers.
    void set_aside(std::size_t begin, std::size_t end);
    // The same as an excursion.
    void take_out(std::size_t begin, std::size_t end, double level, double z);
};

PreparedValues prepare_values(std::span<const double> values);

}  // namespace peakward::analysis
