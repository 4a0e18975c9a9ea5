// Levels with first-order autoregressive noise: x_t = level + e_t, e_t = rho e_(t-1) + v_t. The
// likelihood of one step against none, in constant time for any stretch of the series, and the
// choice of steps that is made with it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "analyze/wander.hpp"

namespace peakward {
class StopToken;
}

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

// Here because the search asks for little else.

// The first value of a stretch has the variance of e_t, the others that of v_t given the one
// before. At the step itself the whitened value holds both levels: after - rho x before.
inline Levels::Normal Levels::equations(std::size_t begin, std::size_t at, std::size_t end) const {
    const double g = one_minus_rho_;
    const double left = double(at - begin - 1);
    const double right = double(end - at - 1);
    const double turn = sum(at, at + 1);
    return {weight_first_ + g * g * left + rho_ * rho_, -rho_, 1 + g * g * right,
            weight_first_ * values_[begin] + g * sum(begin + 1, at) - rho_ * turn,
            turn + g * sum(at + 1, end)};
}

inline double Levels::gain(std::size_t begin, std::size_t at, std::size_t end) const {
    const Normal n = equations(begin, at, end);
    const double with = n.c * n.u * n.u - 2 * n.b * n.u * n.v + n.a * n.v * n.v;
    const double determinant = n.a * n.c - n.b * n.b;
    const double g = one_minus_rho_;
    const double information = weight_first_ + g * g * double(end - begin - 1);
    const double right_side = weight_first_ * values_[begin] + g * sum(begin + 1, end);
    return std::max(0.0, (with * information - right_side * right_side * determinant) /
                             (determinant * information));
}

// How many independent looks the search for a change in so many points amounts to.
double looks_of(std::size_t points);

struct StepOptions {
    double bound = 4;            // z that a step must reach
    double bound_youngest = 5;   // when its level is `points_min` old and the last
    std::size_t points_min = 3;  // of a level
    const Wander* wander = nullptr;
    const StopToken* stop = nullptr;  // asked between steps of the search
};

// By how much the wander makes the difference between neighbouring levels less certain: its
// variance over that which first-order noise with innovations of `variance` would give, at least 1.
double uncertainty(const Levels& levels, double variance, const Wander& wander, std::size_t begin,
                   std::size_t at, std::size_t end);

// First points of the new levels, ascending. `variance` is that of v_t. A level between two others
// may be shorter than `points_min` where it clearly differs from both: it is for the caller to say
// what that is.
std::vector<std::size_t> find_steps(const Levels& levels, double variance,
                                    const StepOptions& options);

}  // namespace peakward::analysis
