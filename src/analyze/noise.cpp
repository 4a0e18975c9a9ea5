#include "analyze/noise.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace peakward::analysis {
namespace {

constexpr double mad_to_sigma = 1.4826;  // of a normal distribution
constexpr double rho_max = 0.95;
// A series this short tells nothing of its autocorrelation.
constexpr std::size_t points_for_rho = 12;
// Values are read as doubles: spread below this share of the level is rounding.
constexpr double relative_floor = 1e-9;

// Variance of values around their median, each deviation counted up to 2.5 sigma; 0.9775 is what
// that leaves of a normal distribution's variance.
double winsorised_variance(std::vector<double> values) {
    constexpr double limit = 2.5;
    constexpr double left = 0.9775;
    if (values.empty()) return 0;
    const double middle = median_of(values);
    std::vector<double> deviations;
    for (const double v : values) deviations.push_back(std::abs(v - middle));
    double sigma = mad_to_sigma * median_of(deviations);
    if (!(sigma > 0)) {
        // More than half of the values are equal: the mean deviation still sees the others.
        double total = 0;
        for (const double d : deviations) total += d;
        sigma = total / double(deviations.size());
    }
    double squares = 0;
    for (const double d : deviations) squares += std::min(d * d, limit * limit * sigma * sigma);
    return squares / double(deviations.size()) / left;
}

std::vector<double> differences(std::span<const double> values, std::size_t lag) {
    std::vector<double> result;
    for (std::size_t t = lag; t < values.size(); ++t) result.push_back(values[t] - values[t - lag]);
    return result;
}

// Noise taken for whiter than it is makes false alarms, so that what is there is taken a part of
// its standard error larger; but what may well be nothing is taken for nothing.
double cautious_rho(double rho, std::size_t points) {
    constexpr double nothing_below = 0.5, something_from = 2.0;  // standard errors
    constexpr double caution = 1.0;                              // the same
    const double error = std::sqrt(std::max(0.0, 1 - rho * rho) / double(points));
    const double trust =
        std::clamp((rho / error - nothing_below) / (something_from - nothing_below), 0.0, 1.0);
    return std::clamp(trust * (rho + caution * error), 0.0, rho_max);
}

double floor_of(std::span<const double> values) {
    double largest = 0;
    for (const double v : values) largest = std::max(largest, std::abs(v));
    return std::max(largest * relative_floor, std::numeric_limits<double>::min());
}

// The median of up to `count` values from `first` on, step +1 or -1, before the series ends; of an
// even number the one nearer to `towards`, so that one value out of two cannot speak for both.
double local_median(const std::vector<double>& values, std::ptrdiff_t first, int step, int count,
                    double towards) {
    std::array<double, 8> window{};
    std::size_t n = 0;
    for (std::ptrdiff_t t = first;
         n < std::size_t(count) && t >= 0 && t < std::ptrdiff_t(values.size()); t += step)
        window[n++] = values[std::size_t(t)];
    if (n == 0) return std::numeric_limits<double>::quiet_NaN();
    std::sort(window.begin(), window.begin() + std::ptrdiff_t(n));
    const double high = window[n / 2];
    const double low = window[(n - 1) / 2];
    return std::abs(high - towards) < std::abs(low - towards) ? high : low;
}

}  // namespace

double median_of(std::vector<double> values) {
    if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
    const auto middle = values.begin() + std::ptrdiff_t(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    if (values.size() % 2 == 1) return *middle;
    const double upper = *middle;
    return (upper + *std::max_element(values.begin(), middle)) / 2;
}

Spread spread_of_differences(std::span<const double> values) {
    Spread spread;
    if (values.size() < 2) return spread;
    const double floor = floor_of(values);
    const double one = std::max(winsorised_variance(differences(values, 1)), floor * floor);
    if (values.size() < points_for_rho) {
        spread.sigma = std::sqrt(one / 2);
        return spread;
    }
    // Var(x_(t+1) - x_t) = 2 s^2 (1 - rho) and Var(x_(t+2) - x_t) = 2 s^2 (1 - rho^2).
    const double two = winsorised_variance(differences(values, 2));
    spread.rho = std::clamp(two / one - 1, 0.0, rho_max);
    spread.sigma = std::sqrt(one / (2 * (1 - spread.rho)));
    return spread;
}

Spread spread_of_residuals(std::span<const double> residuals, std::size_t levels) {
    Spread spread;
    const std::size_t n = residuals.size();
    if (n < levels + 2) return spread;
    double squares = 0;
    double products = 0;
    for (std::size_t t = 0; t < n; ++t) {
        squares += residuals[t] * residuals[t];
        if (t > 0) products += residuals[t] * residuals[t - 1];
    }
    if (!(squares > 0)) return spread;
    if (n >= points_for_rho) {
        // Kendall 1954: fitting a level to m points lowers the estimate by (1 + 3 rho) / m.
        const double raw = products / squares;
        const double share = double(levels) / double(n);
        const double rho = (raw + share) / std::max(0.1, 1 - 3 * share);
        spread.rho = cautious_rho(rho, n);
    }
    // A fitted level takes up (1 + rho) / (1 - rho) points' worth of variance.
    const double taken = double(levels) * (1 + spread.rho) / (1 - spread.rho);
    spread.sigma = std::sqrt(squares / std::max(double(n) - taken, double(n) / 2));
    return spread;
}

std::vector<bool> outliers_of(std::span<const double> values, double far) {
    constexpr double share_max = 0.15;  // more than this are no outliers but how the series is
    constexpr double count_max_least = 3;
    constexpr int window = 5;
    std::vector<bool> outliers(values.size(), false);
    const std::ptrdiff_t n = std::ptrdiff_t(values.size());
    if (n < 3) return outliers;
    std::vector<double> kept(values.begin(), values.end());
    double middle = kept[0];
    double count = 0;
    for (std::ptrdiff_t t = 0; t < n; ++t) {
        double& value = kept[std::size_t(t)];
        const double before = local_median(kept, t - 1, -1, window, middle);
        if (t > 0) middle = before;
        const double after = local_median(kept, t + 1, 1, window, middle);
        // At the ends the near side alone speaks; the last value has a witness in the one before
        // it.
        const double from_before = t == 0 ? value - after : value - before;
        if (t + 1 == n && t > 1) {
            const double witness = kept[std::size_t(t - 1)] - before;
            if (std::abs(witness) > far / 2 && (witness > 0) == (from_before > 0)) continue;
        }
        const double from_after = t + 1 == n ? from_before : value - after;
        if (std::abs(from_before) < far || std::abs(from_after) < far) continue;
        if ((from_before > 0) != (from_after > 0)) continue;
        outliers[std::size_t(t)] = true;
        ++count;
        value = t == 0 ? after : before;
    }
    if (count > std::max(count_max_least, share_max * double(n)))
        outliers.assign(values.size(), false);
    return outliers;
}

double distance_of_modes(std::vector<double> residuals) {
    constexpr std::size_t points_min = 20;
    constexpr double share_min = 0.1;
    // Halves of one bell lie 2.65 of their own sigma apart, however it is split best.
    constexpr double apart_min = 4.5;
    const std::size_t n = residuals.size();
    if (n < points_min) return 0;
    std::sort(residuals.begin(), residuals.end());
    double total = 0;
    double squares = 0;
    for (const double r : residuals) {
        total += r;
        squares += r * r;
    }
    double best_within = std::numeric_limits<double>::infinity();
    double distance = 0;
    double left = 0;
    for (std::size_t k = 1; k < n; ++k) {
        left += residuals[k - 1];
        if (double(k) < share_min * double(n) || double(n - k) < share_min * double(n)) continue;
        const double low = left / double(k);
        const double high = (total - left) / double(n - k);
        const double within = squares - double(k) * low * low - double(n - k) * high * high;
        if (within < best_within) {
            best_within = within;
            distance = high - low;
        }
    }
    const double sigma = std::sqrt(std::max(0.0, best_within) / double(n - 2));
    return distance > apart_min * sigma ? distance : 0;
}

}  // namespace peakward::analysis
