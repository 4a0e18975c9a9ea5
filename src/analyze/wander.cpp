#include "analyze/wander.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace peakward::analysis {
namespace {

// With fewer values nothing slow can be told from levels.
constexpr std::size_t points_least = 64;
// Correlation of the slow component from point to point: it lasts for 1 / (1 - rho) points.
constexpr std::array<double, 5> slow_rhos{0.8, 0.9, 0.95, 0.98, 0.99};
// Its share of the variance.
constexpr std::array<double, 6> slow_shares{0.04, 0.08, 0.14, 0.22, 0.35, 0.6};
// Of noise without white noise, which the levels' own model knows.
constexpr std::array<double, 8> first_order_rhos{0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9};

// White noise and a slow component of total variance one, as Kalman's filter sees it `k` points
// after the beginning of a level.
class Filter {
public:
    Filter(double rho, double share) {
        const double white = 1 - share;
        double predicted = share, level = 0;
        for (std::size_t k = 0; k < points_settling; ++k) {
            Place& place = places_[k];
            place.variance = predicted + white;
            place.gain = rho * predicted / place.variance;
            place.level = 1 - level;
            place.log_variance = std::log(place.variance);
            level = rho * level + place.gain * place.level;
            predicted =
                rho * rho * predicted * (1 - predicted / place.variance) + share * (1 - rho * rho);
        }
        rho_ = rho;
    }

    struct Sums {
        double squares = 0, log_variance = 0;
    };
    // Of the innovations of `values` around the level that fits them best.
    Sums sums(std::span<const double> values) const {
        double yy = 0, ay = 0, aa = 0, state = 0;
        Sums sums;
        for (std::size_t t = 0; t < values.size(); ++t) {
            const Place& place = places_[std::min(t, points_settling - 1)];
            const double innovation = values[t] - state;
            state = rho_ * state + place.gain * innovation;
            yy += innovation * innovation / place.variance;
            ay += innovation * place.level / place.variance;
            aa += place.level * place.level / place.variance;
            sums.log_variance += place.log_variance;
        }
        sums.squares = aa > 0 ? yy - ay * ay / aa : yy;
        return sums;
    }

private:
    // As many points after its beginning the filter has settled.
    static constexpr std::size_t points_settling = 64;
    struct Place {
        double variance = 1, gain = 0, level = 1, log_variance = 0;
    };
    std::array<Place, points_settling> places_;
    double rho_ = 0;
};

struct Fit {
    double price = std::numeric_limits<double>::infinity();
    double variance = 0;  // of the values around their levels
    double rho = 0, share = 0;
    // What the slow component adds to the variance of a long level's mean, times its points.
    double long_run() const { return variance * share * (1 + rho) / (1 - rho); }
};

Fit fit(std::span<const double> values, std::span<const std::size_t> steps, double rho,
        double share) {
    const Filter filter(rho, share);
    double squares = 0, log_variance = 0;
    std::size_t begin = 0;
    for (std::size_t k = 0; k <= steps.size(); ++k) {
        const std::size_t end = k < steps.size() ? steps[k] : values.size();
        const Filter::Sums sums = filter.sums(values.subspan(begin, end - begin));
        squares += sums.squares;
        log_variance += sums.log_variance;
        begin = end;
    }
    const double n = double(values.size());
    Fit fit{0, squares / n, rho, share};
    fit.price =
        n * std::log(std::max(fit.variance, std::numeric_limits<double>::min())) + log_variance;
    return fit;
}

double mean_variance(double rho, double length) {
    const double left = 1 - rho;
    return ((1 + rho) / left - 2 * rho * (1 - std::pow(rho, length)) / (length * left * left)) /
           length;
}
double reach_of(double rho, double length) {
    return (1 - std::pow(rho, length)) / ((1 - rho) * length);
}

}  // namespace

Wander::Wander(std::span<const double> values, std::span<const std::size_t> steps) {
    // Of models that explain the values nearly as well, the one with the most wander is taken.
    constexpr double nearly = 1;
    if (values.size() < points_least) return;
    const double per_parameter = std::log(double(values.size()));
    for (const double rho : first_order_rhos) {
        const double price = fit(values, steps, rho, 1).price + (rho > 0 ? per_parameter : 0);
        price_ = rho > 0 ? std::min(price_, price) : price;
    }
    std::vector<Fit> fits;
    double least = std::numeric_limits<double>::infinity();
    for (const double rho : slow_rhos)
        for (const double share : slow_shares) {
            fits.push_back(fit(values, steps, rho, share));
            least = std::min(least, fits.back().price);
        }
    if (least + 2 * per_parameter >= price_) return;
    price_ = least + 2 * per_parameter;
    Fit most;
    for (const Fit& candidate : fits)
        if (candidate.price <= least + nearly && candidate.long_run() > most.long_run())
            most = candidate;
    slow_variance_ = most.variance * most.share;
    white_variance_ = most.variance - slow_variance_;
    rho_ = most.rho;
    constexpr std::size_t lengths_known = 2048;  // longer levels have forgotten their beginning
    const std::size_t lengths = std::min(lengths_known, values.size());
    mean_.resize(lengths);
    reach_.resize(lengths);
    for (std::size_t length = 1; length < lengths; ++length) {
        mean_[length] = mean_variance(rho_, double(length));
        reach_[length] = reach_of(rho_, double(length));
    }
}

double Wander::variance(std::size_t left, std::size_t right) const {
    const auto mean = [&](std::size_t length) {
        return length < mean_.size() ? mean_[length] : mean_variance(rho_, double(length));
    };
    const auto reach = [&](std::size_t length) {
        return length < reach_.size() ? reach_[length] : reach_of(rho_, double(length));
    };
    return white_variance_ * (1 / double(left) + 1 / double(right)) +
           slow_variance_ * (mean(left) + mean(right) - 2 * rho_ * reach(left) * reach(right));
}

}  // namespace peakward::analysis
