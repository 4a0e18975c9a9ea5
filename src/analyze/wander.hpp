// The slow component of a series' noise. Real series wander: beside what differs from point to
// point they have a part that stays for many points, which lag-1 autocorrelation cannot see. It
// makes the level of L points less certain than L independent points would be.
//
// The noise is white noise and a first-order autoregressive process added up, which is ARMA(1,1).
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace peakward::analysis {

class Wander {
public:
    Wander() = default;

    // The likeliest noise of `values` around levels that begin at `steps` (ascending). No wander
    // where first-order noise explains them about as well, or where they are too few to tell.
    Wander(std::span<const double> values, std::span<const std::size_t> steps);

    bool exists() const { return slow_variance_ > 0; }
    double slow_sigma() const { return std::sqrt(slow_variance_); }
    // Minus twice the log-likelihood of the noise, with the price of its parameters by the Bayesian
    // information criterion: the lower the better `steps` and the noise together explain the
    // values.
    double price() const { return price_; }

    // Variance of the difference between the means of neighbouring levels of so many points.
    double variance(std::size_t left, std::size_t right) const;

private:
    double white_variance_ = 0, slow_variance_ = 0, rho_ = 0, price_ = 0;
    std::vector<double> mean_, reach_;  // of the slow component, by length
};

}  // namespace peakward::analysis
