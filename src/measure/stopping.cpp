#include "measure/stopping.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace peakward {
namespace {

// 97.5 % point of the normal distribution.
constexpr double normal_quantile = 1.959963984540054;
// Up to here the binomial is summed exactly; beyond, its normal approximation is off by less than
// one rank.
constexpr std::size_t exact_count_max = 500;
// The interval has to narrow by this share to count as still shrinking: below it, what moves is
// the noise of the interval's own ends.
constexpr double shrink_share = 0.02;

double median_of_sorted(std::span<const double> sorted) {
    const std::size_t n = sorted.size();
    if (n == 0) return 0;
    return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

// The largest r (from 1) with P(X < r) <= 0.025 for X ~ Binomial(n, 1/2): the r-th smallest and the
// r-th largest value then enclose the median with at least 95 %. 0 when no rank is that sure.
std::size_t lower_rank(std::size_t n) {
    const double count = static_cast<double>(n);
    if (n > exact_count_max)
        return static_cast<std::size_t>((count - normal_quantile * std::sqrt(count)) / 2);
    double below = 0;
    std::size_t rank = 0;
    for (std::size_t k = 0; k < n; ++k) {
        const double x = static_cast<double>(k);
        below += std::exp(std::lgamma(count + 1) - std::lgamma(x + 1) - std::lgamma(count - x + 1) -
                          count * std::log(2.0));
        if (below > 0.025) break;
        rank = k + 1;
    }
    return rank;
}

}  // namespace

double median_of(std::span<const double> values) {
    std::vector<double> sorted(values.begin(), values.end());
    std::sort(sorted.begin(), sorted.end());
    return median_of_sorted(sorted);
}

MedianInterval median_interval(std::span<const double> values) {
    if (values.empty()) return {};
    std::vector<double> sorted(values.begin(), values.end());
    std::sort(sorted.begin(), sorted.end());
    const std::size_t rank = std::max<std::size_t>(lower_rank(sorted.size()), 1);
    return {median_of_sorted(sorted), sorted[rank - 1], sorted[sorted.size() - rank]};
}

Exit StoppingRule::check(std::span<const double> seconds_per_iteration, double kept_s,
                         double elapsed_s) {
    const bool budget_spent = elapsed_s >= options_.seconds_max;
    const Exit otherwise = budget_spent ? Exit::budget : Exit::none;
    const std::size_t n = seconds_per_iteration.size();
    if (n < 2 || static_cast<int>(n) < options_.samples_min || kept_s < options_.seconds_min)
        return otherwise;

    const MedianInterval interval = median_interval(seconds_per_iteration);
    if (!(interval.median > 0)) return otherwise;
    const double half_width = (interval.high - interval.low) / 2 / interval.median;
    const double halves_apart = std::abs(median_of(seconds_per_iteration.first(n / 2)) -
                                         median_of(seconds_per_iteration.subspan(n / 2))) /
                                interval.median;
    if (half_width <= options_.half_width_max && halves_apart <= options_.half_width_max)
        return Exit::converged;
    // A drift never is stable: its halves lie further apart than the whole interval is wide.
    const bool halves_agree = halves_apart <= std::max(2 * half_width, options_.half_width_max);
    if (halves_agree && options_.seconds_enough > 0 && elapsed_s >= options_.seconds_enough &&
        half_width <= options_.half_width_enough)
        return Exit::fair;

    if (narrowest_at_s_ < 0 || half_width < narrowest_ * (1 - shrink_share)) {
        narrowest_ = half_width;
        narrowest_at_s_ = elapsed_s;
    }
    if (halves_agree && elapsed_s - narrowest_at_s_ >= options_.stable_window_s)
        return Exit::noisy_stable;
    return otherwise;
}

}  // namespace peakward
