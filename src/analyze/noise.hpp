// What a series does when nothing changes: learned from differences, which steps hardly touch, and
// then from what is left around the levels.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "analyze/change_points.hpp"

namespace peakward::analysis {

// A series that moves less often tells nothing of how it moves: the moves may all be steps.
inline constexpr std::size_t moves_least = 4;

// Makes the median absolute deviation of normal noise its standard deviation.
inline constexpr double mad_to_sigma = 1.4826;

double median_of(std::vector<double> values);  // NaN of none

// Variance of values around their median, outliers among them drawn in to 2.5 sigma. Also right
// where more than half of the values are equal; where all but a few are, it is 0.
double winsorised_variance(std::vector<double> values);

// Variance of e_t and its lag-1 autocorrelation.
struct Spread {
    double sigma = 0;
    double rho = 0;
    double innovation_variance() const { return sigma * sigma * (1 - rho * rho); }
};

// From differences over one and two points, winsorised so that steps and outliers count little.
Spread spread_of_differences(std::span<const double> values);

// From residuals around `levels` fitted levels, with the bias that fitting causes taken off.
Spread spread_of_residuals(std::span<const double> residuals, std::size_t levels);

// Values `far` or more from what stands before and from what stands after, alone or in twos: three
// in a row are a level. Where so many are found that they are the noise itself, none is.
std::vector<bool> outliers_of(std::span<const double> values, double far);
// As many of so many points may be set aside.
std::size_t outliers_most(std::size_t points);

// Two groups of values that no single bell would leave.
struct Modes {
    double distance = 0;  // between their means; 0: one group
    double border = 0;    // between the two
};
Modes find_modes(std::vector<double> values);
// Whether values change between the two sides of `border` about as often as chance would: those of
// a few levels do not.
bool jumps_between_modes(std::span<const double> values, double border);

}  // namespace peakward::analysis
