#include "analyze/noise.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>

namespace peakward::analysis {
namespace {

constexpr double rho_max = 0.95;
// A series this short tells nothing of its autocorrelation.
constexpr std::size_t points_for_rho = 12;

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

double winsorised_variance(std::vector<double> values) {
    constexpr double limit = 2.5;
    constexpr double left = 0.9775;  // of a normal distribution's variance
    if (values.empty()) return 0;
    const double middle = median_of(values);
    for (double& v : values) v = std::abs(v - middle);
    double most = limit * mad_to_sigma * median_of(values);
    if (!(most > 0)) {
        // More than half of the values are equal, as whole numbers are that wobble by one: those
        // that differ are no outliers, and count in full where they differ as usual.
        std::vector<double> others;
        std::copy_if(values.begin(), values.end(), std::back_inserter(others),
                     [](double d) { return d > 0; });
        // A few that differ are steps, or outliers after all.
        most = others.size() < moves_least ? 0 : median_of(std::move(others));
    }
    double squares = 0;
    for (const double d : values) squares += std::min(d, most) * std::min(d, most);
    return squares / double(values.size()) / left;
}

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
    const double one =
        std::max(winsorised_variance(differences(values, 1)), std::numeric_limits<double>::min());
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

namespace {

// The end of the values from `first` on that lie on the same side of `level`, far out.
std::ptrdiff_t end_of_run(const std::vector<double>& values, std::ptrdiff_t first, double level,
                          double far) {
    const bool is_above = values[std::size_t(first)] > level;
    std::ptrdiff_t end = first;
    while (end < std::ptrdiff_t(values.size())) {
        const double out = values[std::size_t(end)] - level;
        if (std::abs(out) < far / 2 || (out > 0) != is_above) break;
        ++end;
    }
    return end;
}

}  // namespace

std::vector<bool> outliers_of(std::span<const double> values, double far) {
    constexpr int window = 5;
    constexpr std::ptrdiff_t level_points = 3;  // so many in a row are a level
    std::vector<bool> outliers(values.size(), false);
    const std::ptrdiff_t n = std::ptrdiff_t(values.size());
    if (n < 3) return outliers;
    std::vector<double> kept(values.begin(), values.end());
    double middle = kept[0];
    std::size_t count = 0;
    for (std::ptrdiff_t t = 0; t < n; ++t) {
        const double before = t == 0 ? local_median(kept, 1, 1, window, middle)
                                     : local_median(kept, t - 1, -1, window, middle);
        if (t > 0) middle = before;
        if (std::abs(kept[std::size_t(t)] - before) < far) continue;
        const std::ptrdiff_t end = end_of_run(kept, t, before, far);
        // At the end of the series two values are witnesses of each other.
        if (end - t >= level_points || (end == n && end - t > 1)) {
            t = end - 1;
            continue;
        }
        const double after = end < n ? local_median(kept, end, 1, window, middle) : before;
        const double value = kept[std::size_t(t)];
        if (std::abs(value - after) < far || (value > before) != (value > after)) continue;
        outliers[std::size_t(t)] = true;
        ++count;
        kept[std::size_t(t)] = t == 0 ? after : before;
    }
    if (count > outliers_most(values.size())) outliers.assign(values.size(), false);
    return outliers;
}

std::size_t outliers_most(std::size_t points) {
    constexpr double share_max = 0.15;  // more than this are no outliers but how the series is
    return std::max(std::size_t{1}, std::size_t(share_max * double(points)));
}

bool jumps_between_modes(std::span<const double> values, double border) {
    constexpr double share_least = 0.5;  // of the jumps that modes without memory would make
    std::size_t high = 0, jumps = 0;
    for (std::size_t t = 0; t < values.size(); ++t) {
        const bool is_high = values[t] > border;
        high += is_high ? 1 : 0;
        if (t > 0) jumps += is_high != (values[t - 1] > border) ? 1 : 0;
    }
    const double n = double(values.size());
    const double share = double(high) / n;
    return double(jumps) >= share_least * 2 * share * (1 - share) * (n - 1);
}

Modes find_modes(std::vector<double> values) {
    constexpr std::size_t points_min = 20;
    constexpr double share_min = 0.1;
    // Halves of one bell lie 2.65 of their own sigma apart, those of an even spread 3.46, however
    // they are split best; of so few values they may lie further.
    constexpr double apart_min = 3.8, few_values_surcharge = 20;
    const std::size_t n = values.size();
    if (n < points_min) return {};
    std::sort(values.begin(), values.end());
    double total = 0;
    double squares = 0;
    for (const double v : values) {
        total += v;
        squares += v * v;
    }
    double best_within = std::numeric_limits<double>::infinity();
    Modes modes;
    double left = 0;
    for (std::size_t k = 1; k < n; ++k) {
        left += values[k - 1];
        if (double(k) < share_min * double(n) || double(n - k) < share_min * double(n)) continue;
        const double low = left / double(k);
        const double high = (total - left) / double(n - k);
        const double within = squares - double(k) * low * low - double(n - k) * high * high;
        if (within < best_within) {
            best_within = within;
            modes.distance = high - low;
            modes.border = (values[k - 1] + values[k]) / 2;
        }
    }
    const double sigma = std::sqrt(std::max(0.0, best_within) / double(n - 2));
    const double apart = apart_min + few_values_surcharge / double(n);
    return modes.distance > apart * sigma ? modes : Modes{};
}

}  // namespace peakward::analysis
