#include "measure/core_share.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "catalog/catalog.hpp"
#include "catalog/isa.hpp"
#include "measure/stopping.hpp"

namespace peakward {
namespace {

// The windows of one thread (or of all, where one reports for all) and what they did per cycle.
struct Rated {
    Window* window;
    double per_cycle;
};

std::vector<Rated> rated_windows(std::vector<Window>& timeline, double threads) {
    std::vector<Rated> rated;
    double clock_hz = 0;
    for (Window& window : timeline) {
        if (window.clock_hz > 0) clock_hz = window.clock_hz;
        const bool counts =
            window.verdict == Verdict::kept || window.verdict == Verdict::core_shared;
        if (!counts || !(clock_hz > 0) || window.wall_ns <= 0) continue;
        const double cycles = static_cast<double>(window.wall_ns) * 1e-9 * clock_hz * threads;
        rated.push_back(
            {&window, window.iterations * catalog::peak_operations_per_iteration / cycles});
    }
    return rated;
}

// The rate that only one window in twenty exceeds: the best that was seen, without the odd window
// whose clock was read a moment too low.
double upper_rate(const std::vector<Rated>& rated) {
    std::vector<double> rates;
    for (const Rated& each : rated) rates.push_back(each.per_cycle);
    const auto at =
        rates.begin() + static_cast<std::ptrdiff_t>(0.95 * static_cast<double>(rates.size() - 1));
    std::nth_element(rates.begin(), at, rates.end());
    return *at;
}

// What the best windows are near, rounded up. Where most windows are near a lower legal rate and
// few lie above it, those few had too low a clock: a core that is shared would spread them between
// the rates. 0 where no legal rate is known.
double legal_rate(const std::vector<Rated>& rated, const Case& what,
                  const CoreShareOptions& options) {
    if (rated.empty()) return 0;
    const std::string isa = axis_word(what.shape, "isa");
    const auto count = [&](double from, double to) {
        const auto inside = std::count_if(rated.begin(), rated.end(), [&](const Rated& each) {
            return each.per_cycle >= from && each.per_cycle <= to;
        });
        return static_cast<double>(inside) / static_cast<double>(rated.size());
    };
    double above = std::numeric_limits<double>::infinity();  // where the next higher rate begins
    const std::vector<double> rates = catalog::legal_operations_per_cycle(isa, what.precision);
    for (auto rate = rates.rbegin(); rate != rates.rend(); ++rate) {
        const double from = options.near_legal_min * *rate, to = options.near_legal_max * *rate;
        if (count(from, to) >= options.near_most && count(to, above) <= options.above_few)
            return *rate;
        if (count(from, std::numeric_limits<double>::infinity()) >= options.seen_min) break;
        above = from;
    }
    const auto legal = catalog::round_to_legal(upper_rate(rated), isa, what.precision);
    return legal ? legal->operations_per_cycle : 0;
}

// Of one thread; returns how many are shared, and adds its steady rate.
int mark_thread(const std::vector<Rated>& rated, double legal, double& steady_sum,
                const CoreShareOptions& options) {
    std::vector<double> rates;
    for (const Rated& each : rated)
        if (each.per_cycle >= options.near_legal_min * legal) rates.push_back(each.per_cycle);
    const double steady = rates.empty() ? 0 : median_interval(rates).median;
    steady_sum += steady;
    int shared = 0;
    for (const Rated& each : rated) {
        const bool is_shared = steady == 0 || each.per_cycle < options.share_min * steady;
        each.window->verdict = is_shared ? Verdict::core_shared : Verdict::kept;
        shared += is_shared ? 1 : 0;
    }
    return shared;
}

}  // namespace

CoreShare mark_core_shared(Timelines& timelines, const Case& what,
                           const CoreShareOptions& options) {
    const double count = static_cast<double>(timelines.size());
    std::vector<std::vector<Rated>> threads;
    std::vector<double> legal;
    for (std::vector<Window>& timeline : timelines) {
        threads.push_back(rated_windows(timeline, what.threads / count));
        legal.push_back(legal_rate(threads.back(), what, options));
    }
    CoreShare share;
    for (std::size_t i = 0; i < threads.size(); ++i)
        if (!threads[i].empty() && legal[i] == 0) return share;
    if (options.one_kind_of_core)
        std::fill(legal.begin(), legal.end(), *std::max_element(legal.begin(), legal.end()));
    for (std::size_t i = 0; i < threads.size(); ++i) {
        share.shared += mark_thread(threads[i], legal[i], share.steady, options);
        share.legal += legal[i] / count;
    }
    share.steady /= count;
    return share;
}

}  // namespace peakward
