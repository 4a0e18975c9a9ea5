#include "analyze/series_levels.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

#include "analyze/distributions.hpp"
#include "analyze/noise.hpp"

namespace peakward {
namespace {

// Two-sided 99 % over a series: a level is what a reader acts on.
constexpr double new_level_quantile = 0.995;
// Two runs that repeat to the last digit are still not known more exactly than this.
constexpr double level_sigma_floor = 1e-4;
// A straight line has two parameters: with three points little is left to judge it by.
constexpr std::size_t points_for_line = 4;

struct LoggedRun {
    double log_value = 0;
    std::int64_t time_unix = 0;
    std::int32_t stack = -1;
};

std::vector<LoggedRun> logged_runs(const Series& series) {
    std::vector<LoggedRun> places;
    for (const SeriesPoint& point : series.points) {
        if (point.doubts != 0 || !std::isfinite(point.value)) continue;
        if (!(point.value > 0)) return {};
        places.push_back({std::log(point.value), point.time_unix, point.stack});
    }
    return places;
}

struct RisingLine {
    double slope = 0;
    std::vector<double> residuals;
    double squares = 0;  // of the residuals
};

RisingLine line_through(std::span<const LoggedRun> places) {
    const auto n = static_cast<double>(places.size());
    const double middle = (n - 1) / 2;
    double mean = 0;
    for (const LoggedRun& place : places) mean += place.log_value / n;
    RisingLine line;
    for (std::size_t i = 0; i < places.size(); ++i)
        line.slope += (static_cast<double>(i) - middle) * (places[i].log_value - mean);
    line.slope /= n * (n * n - 1) / 12;
    for (std::size_t i = 0; i < places.size(); ++i) {
        const double fitted = mean + line.slope * (static_cast<double>(i) - middle);
        line.residuals.push_back(places[i].log_value - fitted);
        line.squares += line.residuals.back() * line.residuals.back();
    }
    return line;
}

// Runs of one stack that rise or fall surely: they are no repeats of one level.
bool is_trend(std::span<const LoggedRun> places, const RisingLine& line) {
    const auto n = static_cast<double>(places.size());
    const double spread = std::max(line.squares / (n - 2), level_sigma_floor * level_sigma_floor);
    const double error = std::sqrt(spread / (n * (n * n - 1) / 12));
    return std::abs(line.slope) / error > student_quantile(new_level_quantile, n - 2);
}

// Neighbours of one stack, and each run of a trend for itself.
struct Blocks {
    std::vector<std::span<const LoggedRun>> levels;
    std::vector<std::vector<double>> repeats;  // what noise is learned from
};

Blocks blocks_of(std::span<const LoggedRun> places) {
    Blocks blocks;
    for (std::size_t first = 0, end = 0; first < places.size(); first = end) {
        while (end < places.size() && places[end].stack == places[first].stack) ++end;
        const auto block = places.subspan(first, end - first);
        if (block.size() >= points_for_line) {
            RisingLine line = line_through(block);
            if (is_trend(block, line)) {
                // Widened, so that one degree of freedom less is enough for both parameters.
                const auto n = static_cast<double>(block.size());
                for (double& residual : line.residuals) residual *= std::sqrt((n - 1) / (n - 2));
                blocks.repeats.push_back(std::move(line.residuals));
                for (std::size_t i = 0; i < block.size(); ++i)
                    blocks.levels.push_back(block.subspan(i, 1));
                continue;
            }
        }
        blocks.levels.push_back(block);
        blocks.repeats.emplace_back();
        for (const LoggedRun& place : block) blocks.repeats.back().push_back(place.log_value);
    }
    return blocks;
}

SeriesLevel level_over(std::span<const LoggedRun> places, const NoiseUsed& noise) {
    std::vector<double> values;
    for (const LoggedRun& place : places) values.push_back(place.log_value);
    SeriesLevel level;
    level.value = std::exp(analysis::median_of(std::move(values)));
    level.variance = median_variance(places.size(), noise.rho);
    level.runs = places.size();
    level.first_unix = places.front().time_unix;
    level.last_unix = places.back().time_unix;
    return level;
}

// `chances`: blocks that may begin a new level, each of which is a chance of a false one (Sidak).
bool differ(const SeriesLevel& a, const SeriesLevel& b, const NoiseUsed& noise,
            std::size_t chances) {
    const double apart = std::abs(std::log(a.value / b.value));
    if (noise.freedom <= 0) return apart > level_sigma_floor;
    const double error = noise.sigma * std::sqrt(a.variance + b.variance);
    const double tail = -std::expm1(std::log(new_level_quantile) /
                                    static_cast<double>(std::max<std::size_t>(1, chances)));
    return student_upper_tail(apart / error, noise.freedom) < tail;
}

}  // namespace

double median_variance(std::size_t count, double rho) {
    // n times the variance of the median of n normal values; of two it is their mean (Maritz and
    // Jarrett 1978; by integration of the order statistics' density). From 11 on the limit.
    constexpr std::array<double, 11> times_n{1,     1,     1,     1.346, 1.193, 1.434,
                                             1.288, 1.473, 1.346, 1.497, 1.384};
    const auto n = static_cast<double>(std::max<std::size_t>(1, count));
    const double factor = count < times_n.size() ? times_n[count] : std::numbers::pi / 2;
    return factor / std::max(1.0, n * (1 - rho) / (1 + rho));
}

std::vector<NoiseUsed> learned_noise(std::span<const Series* const> series) {
    std::vector<const SeriesKey*> keys;
    std::vector<Repeats> repeats;
    for (const Series* one : series) {
        const std::vector<LoggedRun> places = logged_runs(*one);
        keys.push_back(&one->key);
        repeats.push_back(learn_repeats(blocks_of(places).repeats));
    }
    return pool_noise(keys, repeats);
}

std::vector<SeriesLevel> series_levels(const Series& series, const NoiseUsed& noise) {
    const std::vector<LoggedRun> places = logged_runs(series);
    const std::span<const LoggedRun> all(places);
    std::vector<SeriesLevel> levels;
    std::size_t begin = 0, end = 0;  // of the level that is being added to
    const auto blocks = blocks_of(all).levels;
    for (const auto block : blocks) {
        const bool is_new =
            end > begin && differ(level_over(all.subspan(begin, end - begin), noise),
                                  level_over(block, noise), noise, blocks.size() - 1);
        if (is_new) {
            levels.push_back(level_over(all.subspan(begin, end - begin), noise));
            begin = end;
        }
        end += block.size();
    }
    if (end > begin) levels.push_back(level_over(all.subspan(begin, end - begin), noise));
    return levels;
}

LevelEffect effect_between(const SeriesLevel& before, const SeriesLevel& after,
                           const NoiseUsed& noise, bool more_is_better, double level_percent) {
    const double change = (more_is_better ? 1 : -1) * std::log(after.value / before.value);
    LevelEffect effect;
    effect.percent = 100 * std::expm1(change);
    if (noise.freedom <= 0) return effect;
    const double reach = student_quantile(0.5 + level_percent / 200, noise.freedom) * noise.sigma *
                         std::sqrt(before.variance + after.variance);
    effect.ci_low_percent = 100 * std::expm1(change - reach);
    effect.ci_high_percent = 100 * std::expm1(change + reach);
    return effect;
}

std::optional<LevelInterval> interval_around(const SeriesLevel& level, const NoiseUsed& noise,
                                             double level_percent) {
    if (noise.freedom <= 0) return std::nullopt;
    const double reach = student_quantile(0.5 + level_percent / 200, noise.freedom) * noise.sigma *
                         std::sqrt(level.variance);
    return LevelInterval{level.value * std::exp(-reach), level.value * std::exp(reach)};
}

}  // namespace peakward
