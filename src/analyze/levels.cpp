#include "analyze/levels.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/progress.hpp"

namespace peakward::analysis {

Levels::Levels(std::span<const double> values, double rho)
    : values_(values.begin(), values.end()),
      sum_(values.size() + 1),
      squares_(values.size() + 1),
      rho_(rho),
      one_minus_rho_(1 - rho),
      weight_first_(1 - rho * rho) {
    for (std::size_t t = 0; t < values_.size(); ++t) {
        const double whitened = t > 0 ? values_[t] - rho * values_[t - 1] : 0;
        sum_[t + 1] = sum_[t] + whitened;
        squares_[t + 1] = squares_[t] + whitened * whitened;
    }
}

Levels::Step Levels::step(std::size_t begin, std::size_t at, std::size_t end) const {
    const Normal n = equations(begin, at, end);
    const double determinant = n.a * n.c - n.b * n.b;
    return {(n.c * n.u - n.b * n.v) / determinant, (n.a * n.v - n.b * n.u) / determinant,
            (n.a + n.c + 2 * n.b) / determinant};
}

double Levels::level(std::size_t begin, std::size_t end) const {
    const double g = one_minus_rho_;
    return (weight_first_ * values_[begin] + g * sum(begin + 1, end)) /
           (weight_first_ + g * g * double(end - begin - 1));
}

double Levels::cost(std::size_t begin, std::size_t end) const {
    const double g = one_minus_rho_;
    const double information = weight_first_ + g * g * double(end - begin - 1);
    const double right_side = weight_first_ * values_[begin] + g * sum(begin + 1, end);
    const double squares =
        weight_first_ * values_[begin] * values_[begin] + squares_[end] - squares_[begin + 1];
    return std::max(0.0, squares - right_side * right_side / information);
}

namespace {

// Window lengths of the search: dense where a point more or less matters.
constexpr std::array<std::size_t, 24> window_lengths{3,   4,   5,    7,    10,   14,   20,   28,
                                                     40,  56,  80,   112,  160,  224,  320,  448,
                                                     640, 896, 1280, 1792, 2560, 3584, 5120, 10240};

struct Proposal {
    std::size_t at = 0;
    double gain = 0;
};

// Places where the windows before and after differ more than anywhere near. Long windows are moved
// by more than one point at a time: every place is moved to where it is likeliest later.
void propose_with_window(const Levels& levels, std::size_t length, double gain_min,
                         std::vector<Proposal>& proposals) {
    constexpr std::size_t moves = 28;  // of a window by its own length
    const std::size_t n = levels.size();
    Proposal best;
    for (std::size_t at = 1; at < n; at += std::max<std::size_t>(1, length / moves)) {
        const std::size_t begin = at > length ? at - length : 0;
        const std::size_t end = std::min(n, at + length);
        const double gain = levels.gain(begin, at, end);
        if (best.at > 0 && at - best.at > length / 2) {
            proposals.push_back(best);
            best = {};
        }
        if (gain > gain_min && gain > best.gain) best = {at, gain};
    }
    if (best.at > 0) proposals.push_back(best);
}

std::vector<std::size_t> propose(const Levels& levels, double gain_min) {
    constexpr std::size_t proposals_max = 400;
    std::vector<Proposal> proposals;
    for (const std::size_t length : window_lengths) {
        propose_with_window(levels, length, gain_min, proposals);
        if (length >= levels.size()) break;
    }
    std::sort(proposals.begin(), proposals.end(), [](const Proposal& x, const Proposal& y) {
        return x.gain != y.gain ? x.gain > y.gain : x.at < y.at;
    });
    if (proposals.size() > proposals_max) proposals.resize(proposals_max);
    std::vector<std::size_t> places;
    for (const Proposal& proposal : proposals) places.push_back(proposal.at);
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
    return places;
}

// The cheapest levels whose borders are among `places`, each border at the price of `penalty`.
std::vector<std::size_t> choose(const Levels& levels, const std::vector<std::size_t>& places,
                                double penalty, std::size_t points_min) {
    std::vector<std::size_t> nodes{0};
    nodes.insert(nodes.end(), places.begin(), places.end());
    nodes.push_back(levels.size());
    std::vector<double> price(nodes.size(), std::numeric_limits<double>::infinity());
    std::vector<std::size_t> from(nodes.size());
    price[0] = 0;
    for (std::size_t j = 1; j < nodes.size(); ++j)
        for (std::size_t i = 0; i < j; ++i) {
            if (nodes[j] - nodes[i] < points_min && nodes[i] > 0 && j + 1 < nodes.size()) continue;
            const double candidate = price[i] + levels.cost(nodes[i], nodes[j]) + penalty;
            if (candidate < price[j]) {
                price[j] = candidate;
                from[j] = i;
            }
        }
    std::vector<std::size_t> chosen;
    for (std::size_t j = from.back(); j > 0; j = from[j]) chosen.push_back(nodes[j]);
    std::reverse(chosen.begin(), chosen.end());
    return chosen;
}

// Steps under revision: moved to where they are likeliest, taken out, put in.
class Revision {
public:
    Revision(const Levels& levels, double variance, const StepOptions& options)
        : levels_(levels),
          variance_(variance),
          options_(options),
          points_min_(options.points_min),
          wanders_(options.wander && options.wander->exists()) {}

    std::vector<std::size_t> run(std::vector<std::size_t> steps) {
        steps_ = std::move(steps);
        constexpr int rounds_max = 8;
        for (int round = 0; round < rounds_max && !is_stopped(); ++round) {
            move_all();
            move_all();
            while (take_out_weakest()) {
            }
            if (!put_in()) break;
        }
        return steps_;
    }

private:
    std::size_t begin_of(std::size_t i) const { return i == 0 ? 0 : steps_[i - 1]; }
    std::size_t end_of(std::size_t i) const {
        return i + 1 < steps_.size() ? steps_[i + 1] : levels_.size();
    }

    // What a step saves, over what noise alone could save anywhere: from 1 on it is believed.
    double share(std::size_t begin, std::size_t at, std::size_t end) const {
        const bool youngest = end == levels_.size() && end - at == points_min_;
        const double z = youngest ? options_.bound_youngest : options_.bound;
        return weighed(begin, at, end) / (z * z * variance_);
    }

    double weighed(std::size_t begin, std::size_t at, std::size_t end) const {
        const double gain = levels_.gain(begin, at, end);
        if (!wanders_ || !(gain > 0)) return gain;
        return gain / uncertainty(levels_, variance_, *options_.wander, begin, at, end);
    }

    bool is_stopped() const { return options_.stop && options_.stop->stop_requested(); }

    // The likeliest place of one step in [begin, end); 0: there is no room for one. Levels may be
    // shorter than points_min while they are looked at: a place that would be likelier there must
    // not be pushed to where the level looks old enough.
    Proposal best_place(std::size_t begin, std::size_t end) const {
        Proposal best;
        for (std::size_t at = begin + 1; at < end; ++at) {
            const double gain = weighed(begin, at, end);
            if (gain > best.gain) best = {at, gain};
        }
        return best;
    }

    void move(std::size_t i) {
        const Proposal best = best_place(begin_of(i), end_of(i));
        if (best.at > 0) steps_[i] = best.at;
    }

    void move_all() {
        for (std::size_t i = 0; i < steps_.size(); ++i) move(i);
    }

    bool take_out_weakest() {
        std::size_t weakest = 0;
        double least = std::numeric_limits<double>::infinity();
        for (std::size_t i = 0; i < steps_.size(); ++i) {
            const double here = share(begin_of(i), steps_[i], end_of(i));
            if (here < least) {
                least = here;
                weakest = i;
            }
        }
        if (least >= 1) return false;
        steps_.erase(steps_.begin() + std::ptrdiff_t(weakest));
        if (weakest > 0) move(weakest - 1);
        if (weakest < steps_.size()) move(weakest);
        return true;
    }

    bool put_in() {
        bool changed = false;
        std::vector<std::size_t> borders{0};
        borders.insert(borders.end(), steps_.begin(), steps_.end());
        borders.push_back(levels_.size());
        for (std::size_t i = 0; i + 1 < borders.size(); ++i) {
            const Proposal best = best_place(borders[i], borders[i + 1]);
            const bool makes_short_level =
                (borders[i] > 0 && best.at - borders[i] < points_min_) ||
                (borders[i + 1] < levels_.size() && borders[i + 1] - best.at < points_min_);
            if (best.at == 0 || makes_short_level || share(borders[i], best.at, borders[i + 1]) < 1)
                continue;
            steps_.push_back(best.at);
            changed = true;
        }
        std::sort(steps_.begin(), steps_.end());
        return changed;
    }

    const Levels& levels_;
    double variance_;
    StepOptions options_;
    std::size_t points_min_;
    bool wanders_;
    std::vector<std::size_t> steps_;
};

}  // namespace

double uncertainty(const Levels& levels, double variance, const Wander& wander, std::size_t begin,
                   std::size_t at, std::size_t end) {
    const double modelled = levels.step(begin, at, end).variance * variance;
    return std::max(1.0, wander.variance(at - begin, end - at) / modelled);
}

double looks_of(std::size_t points) {
    // On the careful side: series of 365 points without change alarm in at most 0.5 % where alpha
    // is 4 % (docs/benchmarks.md). A short series is looked at again with every new point.
    constexpr double looks_per_point = 2;
    constexpr std::size_t points_least = 100;
    return looks_per_point * double(std::max(points, points_least));
}

std::vector<std::size_t> find_steps(const Levels& levels, double variance,
                                    const StepOptions& options) {
    if (levels.size() < 2 || !(variance > 0)) return {};
    // Proposals are cheap: what the bound will refuse may still be the right place of two steps.
    constexpr double proposal_share = 0.5;
    constexpr double penalty_share = 0.8;
    const double full = options.bound * options.bound * variance;
    const auto places = propose(levels, proposal_share * full);
    if (places.empty()) return {};
    auto steps = choose(levels, places, penalty_share * full, options.points_min);
    return Revision(levels, variance, options).run(std::move(steps));
}

}  // namespace peakward::analysis
