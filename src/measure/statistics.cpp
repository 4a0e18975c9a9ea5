#include "measure/statistics.hpp"

#include <algorithm>
#include <cmath>

#include "measure/stopping.hpp"

namespace peakward {
namespace {

// An outlier lies further than this many interquartile ranges from the median (core/records.hpp).
constexpr double outlier_ranges = 3;
// Makes the median absolute deviation of normal noise its standard deviation.
constexpr double mad_to_sigma = 1.4826;

// Linear interpolation between order statistics (Hyndman and Fan, type 7).
double quantile(std::span<const double> sorted, double share) {
    const double position = share * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<std::size_t>(position);
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    return sorted[below] +
           (position - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

int count_outliers(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const double range = quantile(values, 0.75) - quantile(values, 0.25);
    const double median = quantile(values, 0.5);
    return static_cast<int>(std::count_if(values.begin(), values.end(), [&](double value) {
        return std::abs(value - median) > outlier_ranges * range;
    }));
}

double relative_mad(std::span<const double> values) {
    const double median = median_of(values);
    std::vector<double> deviations;
    for (const double value : values) deviations.push_back(std::abs(value - median));
    return mad_to_sigma * median_of(deviations) / median;
}

}  // namespace

int dropped_windows(const Statistics& statistics) {
    return statistics.dropped_preempted + statistics.dropped_throttled +
           statistics.dropped_core_shared;
}

std::vector<double> kept_seconds(std::span<const Window> windows) {
    std::vector<double> seconds;
    for (const Window& window : windows)
        if (window.verdict == Verdict::kept && window.iterations > 0)
            seconds.push_back(static_cast<double>(window.wall_ns) * 1e-9 / window.iterations);
    return seconds;
}

double kept_wall_s(std::span<const Window> windows) {
    double seconds = 0;
    for (const Window& window : windows)
        if (window.verdict == Verdict::kept) seconds += static_cast<double>(window.wall_ns) * 1e-9;
    return seconds;
}

double kept_clock_hz(std::span<const Window> windows) {
    std::vector<double> clocks;
    for (const Window& window : windows)
        if (window.verdict == Verdict::kept && window.clock_hz > 0)
            clocks.push_back(window.clock_hz);
    return median_of(clocks);
}

double disturbance(const Window& window) {
    if (window.waited_ns < 0 || window.wall_ns <= 0) return 0;
    return static_cast<double>(window.waited_ns) / static_cast<double>(window.wall_ns);
}

std::optional<double> keep_least_disturbed(std::span<Window> windows, int wanted) {
    std::vector<Window*> chosen, disturbed;
    for (Window& window : windows) {
        if (!(window.iterations > 0) || window.wall_ns <= 0) continue;
        if (window.verdict == Verdict::kept) chosen.push_back(&window);
        if (window.verdict == Verdict::preempted && window.waited_ns >= 0)
            disturbed.push_back(&window);
    }
    std::stable_sort(disturbed.begin(), disturbed.end(), [](const Window* a, const Window* b) {
        return disturbance(*a) < disturbance(*b);
    });
    for (Window* window : disturbed)
        if (static_cast<int>(chosen.size()) < wanted) chosen.push_back(window);
    constexpr std::size_t windows_min = 3;
    if (chosen.size() < windows_min || disturbed.empty()) return std::nullopt;
    std::vector<double> wall_s, least_s;
    for (const Window* window : chosen) {
        wall_s.push_back(static_cast<double>(window->wall_ns) * 1e-9 / window->iterations);
        least_s.push_back(wall_s.back() * (1 - disturbance(*window)));
    }
    const MedianInterval upper = median_interval(wall_s), lower = median_interval(least_s);
    if (upper.high - lower.low > disturbed_width_max * upper.median) return std::nullopt;
    for (Window* window : chosen) window->verdict = Verdict::kept;
    return lower.low;
}

Statistics summarize(std::span<const Window> windows) {
    Statistics statistics;
    for (const Window& window : windows) {
        switch (window.verdict) {
            case Verdict::kept:
                ++statistics.kept;
                break;
            case Verdict::preempted:
            case Verdict::settling:
                ++statistics.dropped_preempted;
                break;
            case Verdict::throttled:
                ++statistics.dropped_throttled;
                break;
            case Verdict::core_shared:
                ++statistics.dropped_core_shared;
                break;
        }
    }
    const std::vector<double> seconds = kept_seconds(windows);
    if (seconds.empty()) return statistics;
    const MedianInterval interval = median_interval(seconds);
    statistics.median_s = interval.median;
    statistics.ci_low_s = interval.low;
    statistics.ci_high_s = interval.high;
    statistics.min_s = *std::min_element(seconds.begin(), seconds.end());
    statistics.outliers = count_outliers(seconds);
    return statistics;
}

Statistics combine(std::span<const std::vector<Window>> processes) {
    if (processes.size() == 1) return summarize(processes.front());
    Statistics all;
    all.processes = static_cast<int>(processes.size());
    std::vector<double> medians, spreads;
    for (const std::vector<Window>& windows : processes) {
        const Statistics own = summarize(windows);
        all.kept += own.kept;
        all.dropped_preempted += own.dropped_preempted;
        all.dropped_throttled += own.dropped_throttled;
        all.dropped_core_shared += own.dropped_core_shared;
        all.outliers += own.outliers;
        const std::vector<double> seconds = kept_seconds(windows);
        if (seconds.empty()) continue;
        const bool first = medians.empty();
        all.ci_low_s = first ? own.ci_low_s : std::min(all.ci_low_s, own.ci_low_s);
        all.ci_high_s = first ? own.ci_high_s : std::max(all.ci_high_s, own.ci_high_s);
        all.min_s = first ? own.min_s : std::min(all.min_s, own.min_s);
        medians.push_back(own.median_s);
        spreads.push_back(relative_mad(seconds));
    }
    if (medians.empty()) return all;
    all.median_s = median_of(medians);
    if (medians.size() > 1) {
        const auto [low, high] = std::minmax_element(medians.begin(), medians.end());
        all.spread_within = median_of(spreads);
        all.spread_between = (*high - *low) / all.median_s;
    }
    return all;
}

}  // namespace peakward
