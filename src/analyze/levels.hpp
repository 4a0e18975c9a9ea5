// Levels with first-order autoregressive noise: x_t = level + e_t, e_t = rho e_(t-1) + v_t. The
// likelihood of one step against none, in constant time for any stretch of the series, and the
// choice of steps that is made with it.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace peakward::analysis {

class Levels {
public:
    Levels(std::span<const double> values, double rho);

    std::size_t size() const { return values_.size(); }
    double rho() const { return rho_; }

    // Squared residuals that a step at `at` saves within [begin, end), begin < at < end. Divided by
    // the variance of v_t this is chi-squared with one degree of freedom where there is no step.
    double gain(std::size_t begin, std::size_t at, std::size_t end) const;

    struct Step {
        double before = 0, after = 0;
        double variance = 0;  // of after - before, for a variance of v_t of one
    };
    Step step(std::size_t begin, std::size_t at, std::size_t end) const;

    // Generalised least squares level of [begin, end).
    double level(std::size_t begin, std::size_t end) const;
    // Squared whitened residuals of [begin, end) around one level.
    double cost(std::size_t begin, std::size_t end) const;

private:
    struct Normal {  // normal equations of the two levels
        double a = 0, b = 0, c = 0, u = 0, v = 0;
    };
    Normal equations(std::size_t begin, std::size_t at, std::size_t end) const;
    double sum(std::size_t begin, std::size_t end) const { return sum_[end] - sum_[begin]; }

    std::vector<double> values_;
    std::vector<double> sum_, squares_;  // of the whitened values, before each place
    double rho_, one_minus_rho_, weight_first_;
};

// How many independent looks the search for a change in so many points amounts to.
double looks_of(std::size_t points);

struct StepOptions {
    double bound = 4;            // z that a step must reach
    double bound_youngest = 5;   // when its level is `points_min` old and the last
    std::size_t points_min = 3;  // of a level
};

// First points of the new levels, ascending. `variance` is that of v_t.
std::vector<std::size_t> find_steps(const Levels& levels, double variance,
                                    const StepOptions& options);

}  // namespace peakward::analysis
