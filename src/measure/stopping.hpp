// When to stop (METHODS 1.2): one rule, three exits. Pure; fed with the kept windows so far.
#pragma once

#include <span>

#include "core/records.hpp"

namespace peakward {

struct StoppingOptions {
    double half_width_max = 0.01;  // of the 95 % CI of the median, relative (peaks: 0.005)
    int samples_min = 10;
    double seconds_min = 0.05;  // of kept time
    double seconds_max = 3.0;   // of elapsed time: the budget
    // From then on a case ends as `fair` once its median is known within half_width_enough; 0:
    // never.
    double seconds_enough = 0;
    double half_width_enough = 0.025;
    double stable_window_s = 0.5;  // noisy-stable: the CI did not shrink over this long
};

struct MedianInterval {
    double median = 0, low = 0, high = 0;
};
// Median and its 95 % confidence interval by order statistics (binomial ranks, exact for small n;
// Conover, Practical Nonparametric Statistics, 3rd ed., 3.2). Needs at least 6 values for a finite
// interval; with fewer, low and high are the extremes.
MedianInterval median_interval(std::span<const double> values);

double median_of(std::span<const double> values);  // 0 of none

class StoppingRule {
public:
    explicit StoppingRule(const StoppingOptions& options) : options_(options) {}
    // Seconds per iteration of all kept windows so far, in time order, and the clock of the case.
    // Returns Exit::none while more is wanted.
    Exit check(std::span<const double> seconds_per_iteration, double kept_s, double elapsed_s);

private:
    StoppingOptions options_;
    double narrowest_ = 0;  // relative half-width when it last shrank
    double narrowest_at_s_ = -1;
};

}  // namespace peakward
