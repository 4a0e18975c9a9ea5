// What a series does when nothing changes: learned from differences, which steps hardly touch, and
// then from what is left around the levels.
#pragma once

#include <span>
#include <vector>

#include "analyze/change_points.hpp"

namespace peakward::analysis {

double median_of(std::vector<double> values);  // NaN of none

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

// Values `far` or more from what stands before and from what stands after. Where so many are found
// that they are the noise itself, none is.
std::vector<bool> outliers_of(std::span<const double> values, double far);

// Distance between two groups of residuals that no single bell would leave; 0: one group.
double distance_of_modes(std::vector<double> residuals);

}  // namespace peakward::analysis
