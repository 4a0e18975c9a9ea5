#include "analyze/change_points.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "analyze/distributions.hpp"
#include "analyze/levels.hpp"
#include "analyze/newest.hpp"
#include "analyze/noise.hpp"
#include "analyze/prepared_values.hpp"
#include "analyze/trends.hpp"
#include "core/progress.hpp"

namespace peakward {
namespace {

using namespace analysis;

// One series while it is worked on.
struct Work : PreparedValues {
    Wander wander;
    std::vector<std::size_t> steps;
    std::optional<Trend> trend;            // instead of steps: the series is one long rise or fall
    std::optional<double> newest_p_value;  // the last step was found by the look at the newest

    std::size_t begin_of(std::size_t i) const { return i == 0 ? 0 : steps[i - 1]; }
    std::size_t end_of(std::size_t i) const { return i + 1 < steps.size() ? steps[i + 1] : size(); }
};

// How many values without memory the series is worth when its noise is learned. Autocorrelation is
// learned more slowly than spread, and a watched series is looked at while it is not known well.
double points_worth(const Work& work, const ChangeOptions& options) {
    constexpr double points_enough = 60;
    const double points = double(work.size());
    if (!options.watched) return points;
    return points * std::min(1.0, points / points_enough) * (1 - work.spread.rho);
}

// A bound on z that noise passes with probability `p` in one look: wider where the noise was
// learned from few points.
double bound_of(const Work& work, const ChangeOptions& options, double p) {
    // However young the series and however much it seems to remember: with less freedom than this
    // nothing would ever be seen, and two clear steps would pass for memory.
    constexpr double freedom_least = 8;
    const double taken = double(work.steps.size()) + 2;
    const double plain = std::max(1.0, double(work.size()) - taken);
    const double freedom =
        std::max(points_worth(work, options) - taken, std::min(plain, freedom_least));
    return student_quantile(1 - p / 2, freedom);
}

// A watched series spends its false alarms on the newest values (look_at_newest), where an early
// answer is worth most; the other looks, which come again with every point, must be surer.
StepOptions bounds_for(const Work& work, const ChangeOptions& options) {
    constexpr double other_looks_share = 0.1;
    constexpr double youngest_surcharge = 0.5;
    StepOptions bounds;
    bounds.points_min = options.points_min;
    const double alpha = options.watched ? other_looks_share * options.alpha : options.alpha;
    bounds.bound = bound_of(work, options, alpha / looks_of(work.size()));
    bounds.bound_youngest = bounds.bound + youngest_surcharge;
    bounds.wander = &work.wander;
    bounds.stop = options.stop;
    return bounds;
}

std::vector<double> residuals_of(const Work& work, const Levels& levels) {
    std::vector<double> residuals;
    residuals.reserve(work.size());
    for (std::size_t i = 0; i <= work.steps.size(); ++i) {
        const std::size_t begin = i == 0 ? 0 : work.steps[i - 1];
        const std::size_t end = i < work.steps.size() ? work.steps[i] : work.size();
        const double level = levels.level(begin, end);
        for (std::size_t t = begin; t < end; ++t) residuals.push_back(work.values[t] - level);
    }
    return residuals;
}

// The newest values are left out where there are enough others: if they are a new level that is not
// recognised yet, they would hide it by passing for noise.
Spread learned_spread(const Work& work, const Levels& levels, const ChangeOptions& options) {
    constexpr std::size_t points_enough = 24;
    std::vector<double> residuals = residuals_of(work, levels);
    const std::size_t newest = options.points_min + 2;
    if (residuals.size() >= points_enough + newest) residuals.resize(residuals.size() - newest);
    return spread_of_residuals(residuals, work.steps.size() + 1);
}

// An explanation of the series: its steps, and the noise that is left around the levels.
struct Explanation {
    std::vector<std::size_t> steps;
    std::optional<Trend> trend;
    Spread spread;
    Wander wander;
    double price = 0;  // minus twice the log-likelihood, with the price of its changes
};

// What a change must save, in units of twice the log-likelihood, before it is believed rather than
// noise that remembers. A short series cannot tell the two apart by itself, so that there a change
// pays; a long one can.
double price_of(const Work& work, const ChangeOptions& options, const Spread& spread,
                double changes) {
    constexpr double price_most = 15, price_most_watched = 22;
    constexpr double price_per_point = 0.4, points_to_tell = 120;
    const double variance = std::max(spread.innovation_variance(), work.floor * work.floor);
    const double n = double(work.size());
    const double told = std::min(1.0, points_to_tell / n);
    const double most = options.watched ? price_most_watched : price_most * told * told;
    const double price = std::min(most * told, price_per_point * n);
    return n * std::log(variance) + changes * price;
}

bool is_stopped(const ChangeOptions& options) {
    return options.stop && options.stop->stop_requested();
}

// Steps depend on the noise and the noise on the steps: in turns, until they agree.
Explanation explain(Work work, Spread start, const ChangeOptions& options) {
    constexpr int rounds_max = 4;
    constexpr double rho_settled = 0.02;
    work.spread = start;
    Explanation found;
    for (int round = 0; round < rounds_max && !is_stopped(options); ++round) {
        const Levels levels(work.values, work.spread.rho);
        const StepOptions bounds = bounds_for(work, options);
        auto steps = find_steps(levels, work.spread.innovation_variance(), bounds);
        const bool same_steps = round > 0 && steps == work.steps;
        work.steps = std::move(steps);
        Spread learned = learned_spread(work, levels, options);
        learned = work.at_least(learned);
        const bool settled = std::abs(learned.rho - work.spread.rho) < rho_settled;
        work.spread = learned;
        if (same_steps && settled) break;
    }
    found.price = price_of(work, options, work.spread, double(work.steps.size()));
    found.steps = std::move(work.steps);
    found.spread = work.spread;
    found.wander = std::move(work.wander);
    return found;
}

// The noise of the series beside those of the steps that are none of it: steps of half, one and a
// half … sigma may be levels, or the noise may wander as far.
Wander learn_wander(const Work& work, const Explanation& explanation) {
    constexpr double price_of_step = 3.5;  // in logarithms of the points
    const Levels levels(work.values, explanation.spread.rho);
    const auto& steps = explanation.steps;
    std::vector<double> sizes;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const std::size_t end = i + 1 < steps.size() ? steps[i + 1] : work.size();
        const Levels::Step step = levels.step(i == 0 ? 0 : steps[i - 1], steps[i], end);
        sizes.push_back(std::abs(step.after - step.before) / explanation.spread.sigma);
    }
    Wander best;
    double least = std::numeric_limits<double>::infinity();
    std::size_t tried = steps.size() + 1;
    for (const double size_least : {0.0, 1.0, 1.5, 2.0}) {
        std::vector<std::size_t> kept;
        for (std::size_t i = 0; i < steps.size(); ++i)
            if (sizes[i] >= size_least) kept.push_back(steps[i]);
        if (kept.size() == tried) continue;
        tried = kept.size();
        Wander wander(work.values, kept);
        const double price =
            wander.price() + double(tried) * price_of_step * std::log(double(work.size()));
        if (price >= least) continue;
        least = price;
        best = std::move(wander);
    }
    return best;
}

// z of a trend's rise: its ends are the means of about half of the points each.
double trend_z(const Trend& trend, const Wander& wander, std::size_t points) {
    const std::size_t half = std::max<std::size_t>(1, points / 2);
    const double uncertain =
        wander.exists() ? wander.variance(half, half) / trend.difference_variance : 1;
    return trend.slope_z / std::sqrt(std::max(1.0, uncertain));
}

// One long rise or fall, and the noise around it.
std::optional<Explanation> explain_by_trend(const Work& work, const ChangeOptions& options) {
    constexpr std::size_t points_least = 20;
    // Two levels, a place and a length: a step has no length.
    constexpr double steps_worth = 1.3;
    if (work.size() < points_least) return std::nullopt;
    Explanation found;
    found.spread = work.spread;
    for (int round = 0; round < 2; ++round) {
        found.trend = find_trend(work.values, 0, work.size(), found.spread.rho,
                                 found.spread.innovation_variance());
        if (!found.trend) return std::nullopt;
        std::vector<double> residuals;
        const double rise = found.trend->after - found.trend->before;
        for (std::size_t t = 0; t < work.size(); ++t)
            residuals.push_back(work.values[t] - found.trend->before -
                                rise * found.trend->shape_at(t));
        found.spread = spread_of_residuals(residuals, 2);
        found.spread = work.at_least(found.spread);
        if (round > 0) found.wander = Wander(residuals, {});
    }
    const double bound = bounds_for(work, options).bound;
    if (trend_z(*found.trend, found.wander, work.size()) < bound) return std::nullopt;
    found.price = price_of(work, options, found.spread, steps_worth);
    return found;
}

// A wandering series is explained by steps, by one long movement, or by noise that remembers: each
// is tried, and the cheapest taken.
void find_steps_and_noise(Work& work, const ChangeOptions& options) {
    constexpr double rho_of_a_wanderer = 0.25;
    Explanation first = explain(work, work.spread, options);
    if (!first.steps.empty() || options.watched) work.wander = learn_wander(work, first);
    if (work.wander.exists()) first = explain(work, work.spread, options);
    Explanation best = first;
    const Levels levels(work.values, work.spread.rho);
    const Spread unchanged = work.at_least(spread_of_residuals(residuals_of(work, levels), 1));
    if (!first.steps.empty()) {
        Explanation other = explain(work, unchanged, options);
        if (other.price < best.price) best = std::move(other);
    }
    if (unchanged.rho > rho_of_a_wanderer && first.steps.size() != 1) {
        auto other = explain_by_trend(work, options);
        if (other && other->price < best.price) best = std::move(*other);
    }
    work.steps = std::move(best.steps);
    work.trend = best.trend;
    work.spread = best.spread;
    work.wander = std::move(best.wander);
}

// Levels between two others that are too short for one: their values are set aside. True when there
// were any.
bool set_short_levels_aside(Work& work, const ChangeOptions& options) {
    const std::size_t most = outliers_most(work.size() + work.outliers.size());
    bool changed = false;
    for (std::size_t i = work.steps.size(); i-- > 1;) {
        const std::size_t begin = work.steps[i - 1], end = work.steps[i];
        if (end - begin >= options.points_min) continue;
        if (work.outliers.size() + end - begin > most) {
            work.steps.erase(work.steps.begin() + std::ptrdiff_t(i));
            continue;
        }
        work.set_aside(begin, end);
        changed = true;
        --i;
        if (i == 0) break;
    }
    return changed;
}

// z of the step i.
double step_z(const Work& work, const Levels& levels, std::size_t i) {
    const double variance = work.spread.innovation_variance();
    const std::size_t begin = work.begin_of(i), at = work.steps[i], end = work.end_of(i);
    return std::sqrt(levels.gain(begin, at, end) / variance /
                     uncertainty(levels, variance, work.wander, begin, at, end));
}

// Short levels that the series left again, back to where it was, are taken out, so that the level
// around them is one. True when there were any.
bool take_out_excursions(Work& work) {
    constexpr std::size_t points_most = 10;
    constexpr double back_share = 0.3;  // of its size, that the levels around it may differ by
    const Levels levels(work.values, work.spread.rho);
    bool changed = false;
    for (std::size_t i = work.steps.size(); i-- > 1;) {
        const std::size_t begin = work.steps[i - 1], end = work.steps[i];
        const std::size_t begin_before = work.begin_of(i - 1);
        if (end - begin > points_most || 2 * (end - begin) > begin - begin_before) continue;
        const double before = levels.level(begin_before, begin);
        const double inside = levels.level(begin, end);
        const double after = levels.level(end, work.end_of(i));
        const double size = std::min(std::abs(inside - before), std::abs(inside - after));
        if ((inside > before) != (inside > after) || std::abs(after - before) > back_share * size)
            continue;
        work.take_out(begin, end, inside,
                      std::min(step_z(work, levels, i - 1), step_z(work, levels, i)));
        changed = true;
        if (--i == 0) break;
    }
    return changed;
}

// What is taken out of the series changes what the rest of it shows.
void search(Work& work, const ChangeOptions& options) {
    constexpr int rounds_max = 5;
    for (int round = 0; round < rounds_max; ++round) {
        work.steps.clear();  // of a longer series, from the second round on
        work.trend.reset();
        work.wander = Wander();
        find_steps_and_noise(work, options);
        if (round + 1 == rounds_max || is_stopped(options)) return;
        const bool changed = set_short_levels_aside(work, options);
        if (!changed && !take_out_excursions(work)) return;
    }
}

// Outliers before `at`, by the side of the level they lie on.
void set_tails(NoiseDensity& density, const Work& work, const Levels& levels, std::size_t at) {
    double up = 0, down = 0, up_excess = 0, down_excess = 0;
    std::size_t begin = 0, i = 0;
    for (std::size_t k = 0; k <= work.steps.size() && begin < at; ++k) {
        const std::size_t end = k < work.steps.size() ? std::min(work.steps[k], at) : at;
        const double level = levels.level(begin, end);
        for (; i < work.outliers.size() && work.outliers[i] < work.places[end - 1]; ++i) {
            const double out = work.outlier_values[i] - level;
            (out > 0 ? up : down) += 1;
            (out > 0 ? up_excess : down_excess) += std::max(0.0, std::abs(out) - work.far);
        }
        begin = end;
    }
    density.up = tail_of(up, up > 0 ? up_excess / up : 0, double(at), work.far);
    density.down = tail_of(down, down > 0 ? down_excess / down : 0, double(at), work.far);
}

// The level from `begin` to `at`, and `count` newest values that are compared with it.
struct Split {
    std::size_t begin = 0, at = 0, count = 0;
};

// Quantile of Student's distribution over the normal one `z`, to second order (Cornish and Fisher):
// the exact one would cost as much as the whole search.
double student_to_normal(double z, double freedom) {
    const double z2 = z * z;
    return 1 + (z2 + 1) / (4 * freedom) + (5 * z2 * z2 + 16 * z2 + 3) / (96 * freedom * freedom);
}

// Variance of v_t as it was before `at`. That of the spread goes with an autocorrelation on the
// safe side, which makes it too small.
double variance_before(const Work& work, const Levels& levels, std::size_t at) {
    constexpr double share_least = 0.25;  // of that of the spread
    double squares = 0;
    std::size_t begin = 0, count = 0;
    for (std::size_t k = 0; k <= work.steps.size() && begin < at; ++k, ++count) {
        const std::size_t end = k < work.steps.size() ? std::min(work.steps[k], at) : at;
        squares += levels.cost(begin, end);
        begin = end;
    }
    return std::max(squares / std::max(1.0, double(at) - double(count)),
                    share_least * work.spread.innovation_variance());
}

// The noise the newest values are judged by: wider by what is not known of its spread and of the
// level before, for a test at `p`.
NoiseDensity density_of(const Work& work, const Levels& levels, const Split& split, double p) {
    const double g = 1 - work.spread.rho;
    const double known =
        1 - work.spread.rho * work.spread.rho + g * g * double(split.at - split.begin - 1);
    const double asked = 1 + g * g * double(split.count - 1);
    const double freedom = std::max(1.0, double(split.at) - double(work.steps.size()) - 2);
    const double wider = student_to_normal(normal_quantile(1 - p / 2), freedom);
    NoiseDensity density;
    const double variance = variance_before(work, levels, split.at);
    density.sigma = std::sqrt(variance * (1 + asked / known)) * wider;
    if (work.wander.exists())
        density.sigma *= std::sqrt(uncertainty(levels, variance, work.wander, split.begin, split.at,
                                               split.at + split.count));
    set_tails(density, work, levels, split.at);
    return density;
}

// The newest values in time order, outliers put back.
struct Newest {
    std::vector<double> values;
    std::size_t at = 0;  // the first of them that is not an outlier
};

Newest newest_of(const Work& work, std::size_t count) {
    Newest newest{{}, work.size()};
    std::size_t outlier = work.outliers.size();
    while (newest.values.size() < count && newest.at > 0) {
        if (outlier > 0 && work.outliers[outlier - 1] > work.places[newest.at - 1])
            newest.values.push_back(work.outlier_values[--outlier]);
        else
            newest.values.push_back(work.values[--newest.at]);
    }
    std::reverse(newest.values.begin(), newest.values.end());
    return newest;
}

// The chance that a look at a level of `age` points may alarm with. Neighbouring looks see nearly
// the same values, so that a year of them alarms less than their sum; the first one that can be
// sure gets most. A young series knows its noise badly.
double chance_allowed(const Work& work, const ChangeOptions& options, std::size_t age) {
    constexpr double life_points = 365, points_enough = 100;
    constexpr double share_first = 1.5, share_other = 0.1;  // docs/benchmarks.md: what was seen
    const double points = double(work.size());
    const double known = std::min(1.0, points / points_enough);
    const double share = age == options.points_min + 1 ? share_first : share_other;
    return share * known * known * options.alpha / std::max(points, life_points);
}

constexpr std::size_t age_judged_most = 8;  // of a level that look_at_newest judges
constexpr std::size_t level_before_least = 12;

struct Look {
    std::size_t at = 0;  // 0: the newest values say nothing
    double p_value = 1;
};

Look best_look(const Work& work, const Levels& levels, std::size_t begin,
               const ChangeOptions& options) {
    Look best;
    double least = 1;
    for (std::size_t age = options.points_min; age <= age_judged_most; ++age) {
        Newest newest = newest_of(work, age);
        if (newest.at < begin + level_before_least || newest.at == work.size()) continue;
        const double level = levels.level(begin, newest.at);
        for (double& value : newest.values) value -= level;
        const double allowed = chance_allowed(work, options, age);
        const NoiseDensity density = density_of(work, levels, {begin, newest.at, age}, allowed);
        const double chance = chance_of_newest(newest.values, work.values[newest.at - 1] - level,
                                               work.spread.rho, density);
        if (chance > least * allowed) continue;
        least = chance / allowed;
        best = {newest.at, least * options.alpha};
    }
    return best;
}

// Whether the steps found near the end explain the series from `begin` on so much better than one
// step at `at` that chance has not moved them: then they are what happened.
bool explain_clearly_better(const Work& work, const Levels& levels, std::size_t begin,
                            std::span<const std::size_t> found, std::size_t at) {
    constexpr double clearly = 10;  // in twice the log-likelihood
    double with_found = 0;
    std::size_t from = begin;
    for (const std::size_t step : found) {
        with_found += levels.cost(from, step);
        from = step;
    }
    with_found += levels.cost(from, work.size());
    const double with_one = levels.cost(begin, at) + levels.cost(at, work.size());
    return with_one - with_found > clearly * work.spread.innovation_variance();
}

// In a watched series the newest values decide by themselves, tails and all, whether they are a
// level: against the level before, as if no step near the end had been found yet. That one may
// stand a few points off, where chance makes it likelier.
void look_at_newest(Work& work, const ChangeOptions& options) {
    constexpr std::size_t age_doubtful = 16;
    if (work.trend || !(work.spread.sigma > 0)) return;
    std::vector<std::size_t> settled = work.steps;
    while (!settled.empty() && work.size() - settled.back() < age_doubtful) settled.pop_back();
    const std::size_t begin = settled.empty() ? 0 : settled.back();
    if (work.size() < begin + level_before_least + age_judged_most) return;
    const Levels levels(work.values, work.spread.rho);
    const Look look = best_look(work, levels, begin, options);
    const std::span<const std::size_t> found = std::span(work.steps).subspan(settled.size());
    if (look.at > 0 && explain_clearly_better(work, levels, begin, found, look.at)) return;
    if (look.at > 0) {
        work.steps = std::move(settled);
        work.steps.push_back(look.at);
        work.newest_p_value = look.p_value;
        return;
    }
    std::erase_if(work.steps, [&](std::size_t at) {
        const std::size_t age = work.size() - at;
        return age >= options.points_min && age <= age_judged_most;
    });
}

double p_value_of(const Work& work, double z) {
    const double freedom = std::max(1.0, double(work.size() - work.steps.size()) - 2);
    return std::min(1.0, looks_of(work.size()) * 2 * student_upper_tail(z, freedom));
}

// What a change is besides its places: levels, their difference's variance, and z.
struct Size {
    double before = 0, after = 0, returned = 0;
    double variance = 0;  // of after - before
    double z = 0;
};

void set_size(Change& change, const Work& work, const Size& size) {
    constexpr double two_sided_95 = 1.959964;
    change.before = work.level_in_unit(size.before);
    change.after = work.level_in_unit(size.after);
    change.returned = work.level_in_unit(size.returned);
    change.p_value = p_value_of(work, size.z);
    const double difference = size.after - size.before;
    change.effect_sigma = work.spread.sigma > work.floor ? std::abs(difference) / work.spread.sigma
                                                         : std::numeric_limits<double>::infinity();
    if (change.before == 0) return;
    const double base = std::abs(size.before + work.centre);
    const double half = two_sided_95 * std::sqrt(std::max(0.0, size.variance));
    change.effect_percent = 100 * difference / base;
    change.ci_low_percent = 100 * (difference - half) / base;
    change.ci_high_percent = 100 * (difference + half) / base;
}

Change step_change(const Work& work, const Levels& levels, std::size_t i) {
    const double variance = work.spread.innovation_variance();
    const std::size_t begin = work.begin_of(i), at = work.steps[i], end = work.end_of(i);
    const Levels::Step step = levels.step(begin, at, end);
    const double uncertain = uncertainty(levels, variance, work.wander, begin, at, end);
    Change change;
    change.index = change.end = at;
    set_size(change, work,
             {step.before, step.after, step.after, step.variance * variance * uncertain,
              step_z(work, levels, i)});
    if (work.newest_p_value && i + 1 == work.steps.size())
        change.p_value = std::min(change.p_value, *work.newest_p_value);
    return change;
}

Change trend_change(const Work& work, const Trend& trend) {
    Change change;
    change.kind = trend.kind;
    change.index = trend.begin;
    change.end = trend.end;
    set_size(change, work,
             {trend.before, trend.after, trend.after, trend.difference_variance,
              trend_z(trend, work.wander, work.size())});
    return change;
}

// Places are the caller's.
Change excursion_change(const Work& work, const Levels& levels, const Excursion& excursion) {
    const auto next = std::lower_bound(work.places.begin(), work.places.end(), excursion.first);
    const std::size_t at = std::size_t(next - work.places.begin());
    const auto step = std::lower_bound(work.steps.begin(), work.steps.end(), at);
    const std::size_t begin = step == work.steps.begin() ? 0 : *(step - 1);
    const std::size_t end = step == work.steps.end() ? work.size() : *step;
    const double before = levels.level(begin, std::max(begin + 1, end == at ? at : end));
    const double returned =
        end == at && at < work.size()
            ? levels.level(at, step + 1 == work.steps.end() ? work.size() : *(step + 1))
            : before;
    const double points = double(excursion.last - excursion.first + 1);
    Change change;
    change.kind = ChangeKind::excursion;
    change.index = excursion.first;
    change.end = excursion.last;
    set_size(change, work,
             {before, excursion.level, returned,
              work.spread.sigma * work.spread.sigma * (1 / points + 1 / double(end - begin)),
              excursion.z});
    return change;
}

// Squared whitened residuals of the stairs i..j (inclusive), in variances of v_t.
double price_of_stairs(const Work& work, const Levels& levels, std::size_t i, std::size_t j) {
    const double variance = work.spread.innovation_variance();
    double price = 0;
    std::size_t begin = work.begin_of(i);
    for (std::size_t k = i; k <= j + 1; ++k) {
        const std::size_t end = k <= j ? work.steps[k] : work.end_of(j);
        price += levels.cost(begin, end) / variance;
        begin = end;
    }
    return price;
}

// One change for the steps i..j of one direction: a trend where it explains them better, by the
// Bayesian information criterion (two levels, a place and a length against a level and a place
// each).
std::optional<Change> trend_instead(const Work& work, const Levels& levels, std::size_t i,
                                    std::size_t j) {
    const std::size_t begin = work.begin_of(i);
    const std::size_t end = work.end_of(j);
    const double variance = work.spread.innovation_variance();
    const auto trend = find_trend(work.values, begin, end, work.spread.rho, variance);
    if (!trend) return std::nullopt;
    // A trend that begins or ends where a step stands beside it would make two changes of one.
    if ((begin > 0 && trend->begin <= begin) || (end < work.size() && trend->end + 1 >= end))
        return std::nullopt;
    const double per_parameter = std::log(double(end - begin));
    const double stairs =
        price_of_stairs(work, levels, i, j) + per_parameter * (2 * double(j - i + 1) + 1);
    // One step is the simplest thing that happens: a trend must be clearly better than that.
    const double advantage = i == j ? 6 : 0;
    if (trend->price + per_parameter * 4 + advantage >= stairs) return std::nullopt;
    return trend_change(work, *trend);
}

int direction(const Work& work, const Levels& levels, std::size_t i) {
    const auto step = levels.step(work.begin_of(i), work.steps[i], work.end_of(i));
    return step.after > step.before ? 1 : -1;
}

// Steps, or trends instead of stairs, in places of `work`.
std::vector<Change> lasting_changes(const Work& work, const Levels& levels) {
    std::vector<Change> changes;
    if (work.trend) changes.push_back(trend_change(work, *work.trend));
    for (std::size_t i = 0; i < work.steps.size();) {
        std::size_t j = i;
        const int way = direction(work, levels, i);
        while (j + 1 < work.steps.size() && direction(work, levels, j + 1) == way) ++j;
        if (const auto trend = trend_instead(work, levels, i, j)) {
            changes.push_back(*trend);
        } else {
            for (std::size_t k = i; k <= j; ++k) changes.push_back(step_change(work, levels, k));
        }
        i = j + 1;
    }
    return changes;
}

// The last value, where it was set aside and nothing so far out was seen before: it may be an
// outlier or the first of a new level.
std::optional<Change> suspect_last_value(const Work& work, const Levels& levels,
                                         const ChangeOptions& options) {
    constexpr double usual_share = 0.5;  // of its distance: outliers like it have been seen
    if (work.trend || work.outliers.empty() || work.outliers.back() < work.places.back())
        return std::nullopt;
    const std::size_t begin = work.steps.empty() ? 0 : work.steps.back();
    const double before = levels.level(begin, work.size());
    const double value = work.outlier_values.back();
    const double out = std::abs(value - before);
    for (std::size_t i = 0; i + 1 < work.outliers.size(); ++i)
        if (std::abs(work.outlier_values[i] - before) > usual_share * out) return std::nullopt;
    const double points = double(work.size() - begin);
    const double variance = work.spread.sigma * work.spread.sigma * (1 + 1 / points);
    const double z = out / std::sqrt(variance);
    if (z < bounds_for(work, options).bound_youngest) return std::nullopt;
    Change change;
    change.index = change.end = work.outliers.back();
    set_size(change, work, {before, value, value, variance, z});
    return change;
}

void report_changes(const Work& work, const ChangeOptions& options, ChangeReport& report) {
    const Levels levels(work.values, work.spread.rho);
    const auto add = [&](const Change& change, bool is_young) {
        const bool is_relative = change.before != 0;
        if (std::abs(change.after - change.before) <= work.size_in_unit(work.floor)) return;
        if (is_relative && std::abs(change.effect_percent) < options.effect_min_percent) return;
        if (change.effect_sigma < visible_sigmas)
            report.small.push_back(change);
        else if (is_young)
            report.suspected = change;
        else
            report.changes.push_back(change);
    };
    for (Change change : lasting_changes(work, levels)) {
        const bool is_young = work.size() - change.index < options.points_min &&
                              !(work.newest_p_value && change.index == work.steps.back());
        change.index = work.places[change.index];
        change.end = work.places[change.end];
        add(change, is_young);
    }
    for (const Excursion& excursion : work.excursions)
        add(excursion_change(work, levels, excursion), false);
    if (const auto last = suspect_last_value(work, levels, options); last && !report.suspected) {
        report.outliers[last->index] = false;
        add(*last, true);
    }
    for (std::vector<Change>* list : {&report.changes, &report.small})
        std::sort(list->begin(), list->end(),
                  [](const Change& a, const Change& b) { return a.index < b.index; });
}

}  // namespace

std::string_view to_string(ChangeKind kind) {
    switch (kind) {
        case ChangeKind::step:
            return "step";
        case ChangeKind::ramp:
            return "ramp";
        case ChangeKind::saturate:
            return "saturate";
        case ChangeKind::excursion:
            return "excursion";
    }
    return "";
}

ChangeReport find_changes(std::span<const double> values, const ChangeOptions& options) {
    ChangeReport report;
    report.outliers.assign(values.size(), false);
    Work work{prepare_values(values), {}, {}, {}, {}};
    const std::size_t points = work.size() + work.outliers.size();
    report.noise.points = work.size();
    if (work.size() < 2) return report;
    search(work, options);
    if (options.watched) look_at_newest(work, options);
    const Levels levels(work.values, work.spread.rho);
    Noise& noise = report.noise;
    noise.sigma = work.spread.sigma > work.floor ? work.size_in_unit(work.spread.sigma) : 0;
    noise.rho = work.spread.rho;
    noise.slow_sigma = work.size_in_unit(work.wander.slow_sigma());
    noise.outlier_share = double(work.outliers.size()) / double(points);
    const double mode_distance =
        work.has_modes ? work.mode_distance : find_modes(residuals_of(work, levels)).distance;
    noise.two_modes = mode_distance > work.floor;
    if (noise.two_modes) noise.mode_distance = work.size_in_unit(mode_distance);
    for (const std::size_t place : work.outliers) report.outliers[place] = true;
    report_changes(work, options, report);
    return report;
}

std::vector<bool> hold_false_discovery_rate(std::span<const double> p_values, double rate) {
    std::vector<std::size_t> order(p_values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return p_values[a] != p_values[b] ? p_values[a] < p_values[b] : a < b;
    });
    std::size_t kept = 0;
    for (std::size_t k = 0; k < order.size(); ++k)
        if (p_values[order[k]] <= rate * double(k + 1) / double(order.size())) kept = k + 1;
    std::vector<bool> keep(p_values.size(), false);
    for (std::size_t k = 0; k < kept; ++k) keep[order[k]] = true;
    return keep;
}

}  // namespace peakward
