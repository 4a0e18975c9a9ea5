// The newest values of a watched series: do they stand on a new level? Each of them speaks by its
// likelihood under the noise as it was learned, tails included, so that an outlier among them
// neither makes a level nor hides one.
#pragma once

#include <span>

namespace peakward::analysis {

// Density of v_t: a bell, and on either side a share of values that lie exponentially far out.
struct NoiseDensity {
    struct Tail {
        double share = 0;  // of all values
        double mean = 1;   // distance
    };
    double sigma = 1;
    Tail up, down;
    double operator()(double v) const;
};

// `count` of `points` values were set aside on one side because they lie `far` or more out, on
// average `excess` further: the tail that leaves as many, and a little more.
NoiseDensity::Tail tail_of(double count, double excess, double points, double far);

// The chance that noise alone speaks for a new level as clearly as `newest` does; 1 where it does
// not speak for one. `newest` and `before`, the value before them, are given as what they lie above
// the level so far.
double chance_of_newest(std::span<const double> newest, double before, double rho,
                        const NoiseDensity& density);

}  // namespace peakward::analysis
