#include "analyze/improvement.hpp"

#include <algorithm>
#include <cmath>

#include "analyze/distributions.hpp"
#include "analyze/series_levels.hpp"

namespace peakward {
namespace {

constexpr double shortest_span_s = 86400;

// What one series says.
struct SeriesRise {
    std::size_t runs = 0;
    double months = 0;
    double change = 0;    // logarithm of newest over first level; above 0 is better
    double variance = 0;  // of `change`
    double freedom = 0;   // 0: the variance is unknown
    std::vector<ImprovementStep> steps;
};

// The first and the last half of a series that stood at one level: what tells that it did.
double variance_of_halves(const SeriesLevel& level, const NoiseUsed& noise) {
    const std::size_t half = level.runs / 2;
    return noise.sigma * noise.sigma *
           (median_variance(half, noise.rho) + median_variance(level.runs - half, noise.rho));
}

SeriesRise rise_of(const std::vector<SeriesLevel>& levels, const NoiseUsed& noise,
                   bool more_is_better) {
    SeriesRise rise;
    for (const SeriesLevel& level : levels) rise.runs += level.runs;
    if (levels.empty()) return rise;
    const SeriesLevel &first = levels.front(), &newest = levels.back();
    rise.months = static_cast<double>(newest.last_unix - first.first_unix) / month_s;
    rise.change = (more_is_better ? 1 : -1) * std::log(newest.value / first.value);
    rise.freedom = noise.freedom;
    rise.variance = levels.size() == 1
                        ? variance_of_halves(first, noise)
                        : noise.sigma * noise.sigma * (first.variance + newest.variance);
    for (std::size_t i = 1; i < levels.size(); ++i)
        rise.steps.push_back(
            {levels[i].first_unix,
             effect_between(levels[i - 1], levels[i], noise, more_is_better).percent});
    return rise;
}

std::size_t decided_points(const Series& series) {
    return static_cast<std::size_t>(std::count_if(
        series.points.begin(), series.points.end(),
        [](const SeriesPoint& point) { return point.doubts == 0 && std::isfinite(point.value); }));
}

std::string why_no_rate(std::span<const Series* const> series, const Improvement& found,
                        bool has_levels) {
    if (found.points == 0) return "no run to decide with";
    if (found.points == 1) return "one run only";
    if (!has_levels) return "a figure of zero or below has no rate";
    const bool is_repeated = std::any_of(
        series.begin(), series.end(), [](const Series* one) { return decided_points(*one) > 1; });
    if (!is_repeated) return "each install has one run only";
    return series.size() == 1 ? "the runs span less than a day"
                              : "the runs of each install span less than a day";
}

// Mean of the series' rates, and of their changes; the interval from their variances.
void put_rates(const std::vector<SeriesRise>& rises, Improvement& found) {
    const auto count = static_cast<double>(rises.size());
    double rate = 0, change = 0, variance = 0, freedom = 0;
    bool is_known = true;
    for (const SeriesRise& rise : rises) {
        rate += 100 * std::expm1(rise.change) / rise.months / count;
        change += 100 * std::expm1(rise.change) / count;
        // Of the rate in percent: the derivative of expm1 is exp.
        const double scale = 100 * std::exp(rise.change) / rise.months / count;
        variance += scale * scale * rise.variance;
        is_known = is_known && rise.freedom > 0;
        freedom = std::max(freedom, rise.freedom);
    }
    found.percent_per_month = rate;
    found.percent = change;
    if (!is_known) return;
    const double reach = student_quantile(0.975, freedom) * std::sqrt(variance);
    found.ci_low_percent_per_month = rate - reach;
    found.ci_high_percent_per_month = rate + reach;
}

}  // namespace

Improvement improvement_of(std::span<const Series* const> series,
                           std::span<const NoiseUsed> noise) {
    Improvement found;
    std::vector<SeriesRise> rises;
    bool has_levels = false;
    for (std::size_t i = 0; i < series.size(); ++i) {
        found.points += decided_points(*series[i]);
        const auto levels = series_levels(*series[i], noise[i]);
        has_levels = has_levels || !levels.empty();
        SeriesRise rise = rise_of(levels, noise[i], larger_is_better(series[i]->key));
        if (rise.runs >= 2 && rise.months * month_s >= shortest_span_s)
            rises.push_back(std::move(rise));
    }
    if (rises.empty()) {
        found.reason = why_no_rate(series, found, has_levels);
        return found;
    }
    put_rates(rises, found);
    const auto longest =
        std::max_element(rises.begin(), rises.end(),
                         [](const SeriesRise& a, const SeriesRise& b) { return a.runs < b.runs; });
    found.steps = std::move(longest->steps);
    return found;
}

}  // namespace peakward
