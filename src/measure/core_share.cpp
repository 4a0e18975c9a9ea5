#include "measure/core_share.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "catalog/catalog.hpp"
#include "catalog/isa.hpp"
#include "measure/stopping.hpp"

namespace peakward {
namespace {

bool counts(const Window& window) {
    return (window.verdict == Verdict::kept || window.verdict == Verdict::core_shared) &&
           window.clock_hz > 0 && window.wall_ns > 0;
}

double per_cycle(const Window& window, int threads) {
    return window.iterations * catalog::peak_operations_per_iteration * 1e9 /
           (static_cast<double>(window.wall_ns) * window.clock_hz * threads);
}

// The rate that only one window in twenty exceeds: the best that was seen, without the odd window
// whose clock was read a moment too low.
double upper_rate(std::vector<double> rates) {
    const auto at =
        rates.begin() + static_cast<std::ptrdiff_t>(0.95 * static_cast<double>(rates.size() - 1));
    std::nth_element(rates.begin(), at, rates.end());
    return *at;
}

}  // namespace

CoreShare mark_core_shared(std::span<Window> windows, const Case& what,
                           const CoreShareOptions& options) {
    CoreShare share;
    std::vector<double> rates;
    for (const Window& window : windows)
        if (counts(window)) rates.push_back(per_cycle(window, what.threads));
    if (rates.empty()) return share;
    const auto legal =
        catalog::round_to_legal(upper_rate(rates), axis_word(what.shape, "isa"), what.precision);
    if (!legal) return share;
    share.legal = legal->operations_per_cycle;
    std::erase_if(rates, [&](double rate) { return rate < options.near_legal_min * share.legal; });
    share.steady = rates.empty() ? 0 : median_interval(rates).median;
    for (Window& window : windows) {
        if (!counts(window)) continue;
        const bool shared =
            share.steady == 0 || per_cycle(window, what.threads) < options.share_min * share.steady;
        window.verdict = shared ? Verdict::core_shared : Verdict::kept;
        share.shared += shared ? 1 : 0;
    }
    return share;
}

}  // namespace peakward
