#include "analyze/regressions.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "analyze/change_points.hpp"
#include "analyze/distributions.hpp"
#include "analyze/in_parallel.hpp"
#include "analyze/noise.hpp"
#include "core/text.hpp"

namespace peakward {
namespace {

// From here on the whole series says enough to contradict the direct test.
constexpr std::size_t points_for_engine = 20;
// Below this the engine is not asked: nothing can stand out of so few points.
constexpr std::size_t points_for_any_engine = 6;
// A change and the update that made it are the same event when they lie so close.
constexpr std::size_t snap_points = 2;
// Tails of the newest block that are looked at by themselves.
constexpr std::size_t tail_runs_max = 3;
// Correlation and the spread around levels want some points to be seen.
constexpr std::size_t points_for_rho = 30;
constexpr std::size_t points_for_spread = 8;
constexpr double rho_max = 0.9;
// A tail that takes this much of the newest block's spread with it is no noise.
constexpr double tail_share_of_spread = 0.4;
// One update that made this much of a drop is where it happened; else it came gradually.
constexpr double onset_share = 0.6;
// From so many runs on a level drops its extremes, 20 % on each side, at 10 % more variance.
constexpr std::size_t runs_to_trim = 5;
constexpr double trim_share = 0.2;
constexpr double trim_variance = 1.1;
constexpr double interval_quantile = 0.975;
// A stack that was measured so often has a level of its own, whatever the engine says.
constexpr std::size_t runs_of_a_level = 3;
// So many newest runs in a row are no mood of the noise, also where the engine is silent.
constexpr int runs_beyond_doubt = 5;
// So many series without repeats show by their newest steps how far two runs lie apart.
constexpr std::size_t steps_to_compare = 4;
// Fewer repeats within installs do not part their noise from that between installs.
constexpr double repeats_of_install_min = 3;
// Levels nearer than this many standard errors are one level.
constexpr double sigmas_of_one_level = 2;
// Nobody measures the past again: a drop that is gone is believed at 1 % only.
constexpr double alpha_of_the_past = 0.01;

// Points [first, end) of the usable ones.
struct Block {
    std::size_t first = 0, end = 0;
    bool in_transition = false;  // inside a ramp: its values rise or fall along it
    std::size_t size() const { return end - first; }
};

struct Prepared {
    const Series* series = nullptr;
    double sign = 1;                  // -1 where less is better
    std::vector<std::size_t> places;  // of usable points in the series
    std::vector<double> good;         // sign x log value: larger is better
    std::vector<Block> blocks;        // of one stack and level
    std::vector<Block> levels;        // of one level, whatever the stack
    std::vector<Change> changes;      // of the engine, moved to the update they belong to
    std::vector<std::int32_t> units;  // of usable points, where several installs share the series
    int installs = 0;                 // how many; 0: the series is of one install
    Noise spread;
    Repeats repeats;
    Repeats between_installs;  // variance beside that of the repeats, and how well it is known
    std::size_t doubtful = 0;
    std::string why_not;

    std::size_t size() const { return good.size(); }
    const SeriesPoint& point(std::size_t i) const { return series->points[places[i]]; }
};

void take_points(Prepared& p) {
    p.sign = larger_is_better(p.series->key) ? 1 : -1;
    for (std::size_t i = 0; i < p.series->points.size(); ++i) {
        const SeriesPoint& point = p.series->points[i];
        if (point.doubts != 0 || !std::isfinite(point.value) || point.value <= 0) {
            ++p.doubtful;
            continue;
        }
        p.places.push_back(i);
        p.good.push_back(p.sign * std::log(point.value));
        if (!p.series->units.empty()) p.units.push_back(p.series->units[i]);
    }
    p.installs = static_cast<int>(std::set(p.units.begin(), p.units.end()).size());
}

bool is_stack_change(const Prepared& p, std::size_t i) {
    return i > 0 && i < p.size() && p.point(i).stack != p.point(i - 1).stack;
}

// The nearest change of software, when it is near enough to be what the engine saw.
std::size_t snapped(const Prepared& p, std::size_t index) {
    for (std::size_t distance = 0; distance <= snap_points; ++distance) {
        if (is_stack_change(p, index + distance)) return index + distance;
        if (index > distance && is_stack_change(p, index - distance)) return index - distance;
    }
    return index;
}

std::vector<Block> cut_at(const std::set<std::size_t>& cuts, std::size_t n,
                          const std::vector<Change>& changes) {
    std::vector<Block> blocks;
    std::size_t first = 0;
    for (const std::size_t cut : cuts) {
        if (cut == 0 || cut >= n) continue;
        blocks.push_back({first, cut});
        first = cut;
    }
    blocks.push_back({first, n});
    for (Block& block : blocks)
        for (const Change& change : changes)
            if (change.kind != ChangeKind::step && block.first >= change.index &&
                block.first < change.end)
                block.in_transition = true;
    return blocks;
}

void cut_into_blocks(Prepared& p) {
    std::set<std::size_t> at_changes;
    for (const Change& change : p.changes) {
        at_changes.insert(change.index);
        if (change.kind == ChangeKind::step) continue;
        // A ramp has no level; its quarters come near to some.
        for (std::size_t quarter = 1; quarter <= 4; ++quarter)
            at_changes.insert(change.index + (change.end - change.index) * quarter / 4);
    }
    std::set<std::size_t> at_all = at_changes;
    for (std::size_t i = 1; i < p.size(); ++i)
        if (is_stack_change(p, i)) at_all.insert(i);
    p.blocks = cut_at(at_all, p.size(), p.changes);
    p.levels = cut_at(at_changes, p.size(), p.changes);
}

double squares_around_mean(std::span<const double> values) {
    if (values.size() < 2) return 0;
    const double mean =
        std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
    double squares = 0;
    for (const double value : values) squares += (value - mean) * (value - mean);
    return squares;
}

// The last runs of the newest block, when they lie apart from the rest of it: what is under
// suspicion is not noise.
std::size_t tail_apart(std::span<const double> block) {
    const double all = squares_around_mean(block);
    std::size_t best = 0;
    double least = tail_share_of_spread * all;
    for (std::size_t tail = 1; tail <= tail_runs_max && tail + 2 <= block.size(); ++tail) {
        const double apart = squares_around_mean(block.first(block.size() - tail)) +
                             squares_around_mean(block.last(tail));
        if (apart >= least) continue;
        least = apart;
        best = tail;
    }
    return best;
}

// What is left of values around a straight line, widened so that one degree of freedom less is
// enough for both of its parameters.
std::vector<double> around_line(std::span<const double> values) {
    if (values.size() < 3) return {};
    const auto n = static_cast<double>(values.size());
    const double middle = (n - 1) / 2;
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
    double slope = 0;
    for (std::size_t i = 0; i < values.size(); ++i)
        slope += (static_cast<double>(i) - middle) * (values[i] - mean);
    slope /= n * (n * n - 1) / 12;
    const double widen = std::sqrt((n - 1) / (n - 2));
    std::vector<double> residuals;
    for (std::size_t i = 0; i < values.size(); ++i)
        residuals.push_back(widen * (values[i] - mean - slope * (static_cast<double>(i) - middle)));
    return residuals;
}

// Runs of a block by install. `first` is the block's first point.
std::map<std::int32_t, std::vector<double>> by_install(const Prepared& p, std::size_t first,
                                                       std::span<const double> values) {
    std::map<std::int32_t, std::vector<double>> cells;
    for (std::size_t i = 0; i < values.size(); ++i) cells[p.units[first + i]].push_back(values[i]);
    return cells;
}

// One-way random effects: within an install runs differ by the noise of a run, between installs by
// more. Where nearly every run has an install of its own the two are one noise, and that of the
// blocks stays. What is known from few installs is steadied by the table (pooled_noise.hpp).
void learn_between_installs(Prepared& p) {
    std::vector<std::vector<double>> cells;
    double squares = 0, freedom = 0, inverse_runs = 0, means = 0;
    const std::span<const double> all(p.good);
    for (const Block& block : p.blocks) {
        std::vector<double> levels;
        for (auto& [unit, values] :
             by_install(p, block.first, all.subspan(block.first, block.size()))) {
            const auto runs = static_cast<double>(values.size());
            levels.push_back(std::accumulate(values.begin(), values.end(), 0.0) / runs);
            inverse_runs += 1 / runs;
            means += 1;
            cells.push_back(std::move(values));
        }
        squares += squares_around_mean(levels);
        freedom += static_cast<double>(levels.size()) - 1;
    }
    const Repeats within = learn_repeats(cells);
    if (within.freedom < repeats_of_install_min) return;
    const double table = table_install_sigma(p.series->key);
    double between = 0;
    if (freedom > 0)
        between = std::max(0.0, squares / freedom - within.variance * inverse_runs / means);
    p.repeats = within;
    p.between_installs.freedom = freedom + table_freedom;
    p.between_installs.variance =
        (freedom * between + table_freedom * table * table) / p.between_installs.freedom;
}

void learn(Prepared& p) {
    std::vector<std::vector<double>> values;
    const std::span<const double> all(p.good);
    for (const Block& block : p.blocks) {
        const auto part = all.subspan(block.first, block.size());
        if (block.in_transition) {
            values.push_back(around_line(part));
            continue;
        }
        std::size_t tail = block.end == p.size() ? tail_apart(part) : 0;
        values.emplace_back(part.begin(), part.end() - static_cast<std::ptrdiff_t>(tail));
        if (tail > 1)
            values.emplace_back(part.end() - static_cast<std::ptrdiff_t>(tail), part.end());
    }
    p.repeats = learn_repeats(values);
    if (p.installs > 1) learn_between_installs(p);
}

// An excursion is two steps here: a drop and its recovery cut the series into blocks like any
// other.
std::vector<Change> with_both_edges(std::vector<Change> changes) {
    std::vector<Change> edges;
    for (Change& change : changes) {
        if (change.kind != ChangeKind::excursion) {
            edges.push_back(change);
            continue;
        }
        Change back = change;
        change.kind = back.kind = ChangeKind::step;
        back.index = back.end = change.end + 1;
        change.end = change.index;
        change.returned = change.after;
        back.before = change.after;
        back.after = back.returned;
        back.effect_percent = 100 * (back.after - back.before) / std::abs(back.before);
        back.ci_low_percent = back.ci_high_percent = back.effect_percent;
        edges.push_back(change);
        edges.push_back(back);
    }
    return edges;
}

Prepared prepare(const Series& series) {
    Prepared p;
    p.series = &series;
    take_points(p);
    if (p.size() == 0) {
        p.why_not = series.points.empty() ? "no run" : "no run that counts: all are doubtful";
        return p;
    }
    if (p.size() == 1) {
        p.why_not = "one run only";
        return p;
    }
    if (p.size() >= points_for_any_engine) {
        std::vector<double> values;
        values.reserve(p.size());
        for (std::size_t i = 0; i < p.size(); ++i) values.push_back(p.point(i).value);
        // Somebody asks after every run, or at least may.
        ChangeOptions options;
        options.watched = true;
        ChangeReport found = find_changes(values, options);
        p.changes = with_both_edges(std::move(found.changes));
        if (found.suspected) p.changes.push_back(*found.suspected);
        p.spread = found.noise;
    }
    for (Change& change : p.changes) {
        const std::size_t index = snapped(p, change.index);
        if (change.kind == ChangeKind::step) change.end = index;
        change.index = index;
    }
    cut_into_blocks(p);
    learn(p);
    return p;
}

// Level of a block, and the variance of that level in units of one run's.
struct Level {
    double value = 0;
    double variance = 1;
};

Level level_of(const Prepared& p, const Block& block, double rho) {
    std::vector<double> values(p.good.begin() + static_cast<std::ptrdiff_t>(block.first),
                               p.good.begin() + static_cast<std::ptrdiff_t>(block.end));
    const auto n = static_cast<double>(values.size());
    Level level;
    level.variance = 1 / std::max(1.0, n * (1 - rho) / (1 + rho));
    std::size_t trimmed = 0;
    if (values.size() >= runs_to_trim) {
        std::sort(values.begin(), values.end());
        trimmed = static_cast<std::size_t>(trim_share * n);
        level.variance *= trim_variance;
    }
    const auto kept = std::span(values).subspan(trimmed, values.size() - 2 * trimmed);
    level.value = std::accumulate(kept.begin(), kept.end(), 0.0) / static_cast<double>(kept.size());
    return level;
}

// A test of `now` against one earlier block, in logarithms.
struct Test {
    Block before, now;
    Level level_before, level_now;
    double drop = 0;
    double error = 0;    // standard error of the drop
    double freedom = 0;  // of Student's t for it
    double p_direct = 1;
    std::optional<double> p_change_point;
    double p = 1;
};

// Installs that measured the points of a block.
std::map<std::int32_t, double> install_shares(const Prepared& p, const Block& block) {
    std::map<std::int32_t, double> shares;
    if (p.units.empty()) return shares;
    for (std::size_t i = block.first; i < block.end; ++i)
        shares[p.units[i]] += 1 / static_cast<double>(block.size());
    return shares;
}

// The part of a drop's variance that comes from comparing different installs, in units of the
// variance between two draws: 0 where the same installs measured both sides alike.
double install_variance(const Prepared& p, const Block& before, const Block& now) {
    std::map<std::int32_t, double> apart = install_shares(p, now);
    for (const auto& [unit, share] : install_shares(p, before)) apart[unit] -= share;
    double squares = 0;
    for (const auto& [unit, share] : apart) squares += share * share;
    return squares;
}

class Judge {
public:
    Judge(const Prepared& p, const NoiseUsed& noise) : p_(p), noise_(noise) {
        for (const Block& block : p_.blocks) {
            levels_.push_back(level_of(p_, block, noise_.rho));
            for (std::size_t i = block.first; i < block.end && block.size() > 2; ++i)
                residuals_.push_back(p_.good[i] - levels_.back().value);
        }
        std::sort(residuals_.begin(), residuals_.end());
    }

    std::optional<Test> compare(Baseline baseline) const {
        const std::vector<std::size_t> starts = candidates();
        std::optional<Test> best;
        for (const std::size_t start : starts) {
            const std::vector<Block> earlier = earlier_blocks(baseline, start);
            if (earlier.empty()) continue;
            const Block before =
                baseline == Baseline::previous ? earlier.back() : best_that_held(earlier);
            Test test = direct(before, {start, p_.size()});
            const std::size_t choices =
                starts.size() * (baseline == Baseline::best ? earlier.size() : 1);
            // Sidak: the chance that any of so many draws is as small.
            test.p_direct = -std::expm1(static_cast<double>(choices) * std::log1p(-test.p_direct));
            test.p_change_point = seen_between(before, start);
            test.p = test.p_direct;
            if (p_.size() >= points_for_any_engine)
                test.p =
                    std::min(1.0, 2 * std::min(test.p_direct, test.p_change_point.value_or(1)));
            if (!best || test.p < best->p) best = test;
        }
        return best;
    }

    Test direct(const Block& before, const Block& now) const {
        Test test;
        test.before = before;
        test.now = now;
        test.level_before = level_of(p_, before, noise_.rho);
        test.level_now = level_of(p_, now, noise_.rho);
        test.drop = test.level_before.value - test.level_now.value;
        const double of_runs =
            noise_.sigma * noise_.sigma * (test.level_before.variance + test.level_now.variance);
        const double of_installs =
            noise_.install_sigma * noise_.install_sigma * install_variance(p_, before, now);
        test.error = std::sqrt(of_runs + of_installs);
        test.freedom = noise_.freedom;
        // Welch and Satterthwaite: each part is known as well as its own repeats tell.
        if (of_installs > 0)
            test.freedom = (of_runs + of_installs) * (of_runs + of_installs) /
                           (of_runs * of_runs / noise_.freedom +
                            of_installs * of_installs / noise_.install_freedom);
        test.p_direct = student_upper_tail(test.drop / test.error, test.freedom);
        // Runs of this series have strayed as far while nothing changed: so may these.
        const auto strayed = std::upper_bound(residuals_.begin(), residuals_.end(), -test.drop);
        const auto count = static_cast<double>(strayed - residuals_.begin());
        if (test.drop > 0 && count > 0) {
            const double share = count / static_cast<double>(residuals_.size());
            test.p_direct =
                std::max(test.p_direct, std::pow(share, static_cast<double>(now.size())));
        }
        test.p_direct = std::clamp(test.p_direct, 0.0, 1.0 - 1e-12);
        return test;
    }

    int agreeing_runs(const Test& test) const {
        const double half_way = test.level_before.value - test.drop / 2;
        int runs = 0;
        for (std::size_t i = p_.size(); i > test.before.end && p_.good[i - 1] <= half_way; --i)
            ++runs;
        return runs;
    }

    // The drop of all newest runs that agree, by the noise alone: the place of the fewest runs was
    // chosen because they lie lowest.
    Test of_all_agreeing(const Test& test) const {
        const std::size_t start = p_.size() - static_cast<std::size_t>(agreeing_runs(test));
        return start < test.now.first ? direct(test.before, {start, p_.size()}) : test;
    }

    // Whether the newest runs lie at the level of all that agree. In a decline they do not.
    bool is_one_level(const Test& newest, const Test& all) const {
        const double apart = std::abs(newest.level_now.value - all.level_now.value);
        const double error =
            noise_.sigma * std::sqrt(newest.level_now.variance + all.level_now.variance);
        return apart <= sigmas_of_one_level * error;
    }

private:
    // Where "now" may begin: the newest block, or its last runs alone.
    std::vector<std::size_t> candidates() const {
        std::set<std::size_t> starts;
        const Block& newest = p_.blocks.back();
        if (newest.first > 0) starts.insert(newest.first);
        for (std::size_t tail = 1; tail <= tail_runs_max && tail < newest.size(); ++tail)
            starts.insert(p_.size() - tail);
        return {starts.begin(), starts.end()};
    }

    // Blocks that end before `start`. For `best` in a series that the engine can speak of: its
    // levels, across updates that changed nothing, and stacks that were measured often enough.
    std::vector<Block> earlier_blocks(Baseline baseline, std::size_t start) const {
        const bool by_level = baseline == Baseline::best && p_.size() >= points_for_engine;
        std::vector<Block> earlier;
        const auto take = [&](Block block, std::size_t size_min) {
            if (block.first >= start) return;
            block.end = std::min(block.end, start);
            if (block.size() >= size_min) earlier.push_back(block);
        };
        if (by_level)
            for (const Block& block : p_.levels) take(block, 1);
        for (const Block& block : p_.blocks) take(block, by_level ? runs_of_a_level : 1);
        return earlier;
    }

    Block best_that_held(const std::vector<Block>& blocks) const {
        const Block* best = nullptr;
        double highest = -HUGE_VAL;
        for (const Block& block : blocks) {
            const Level level = level_of(p_, block, noise_.rho);
            const double held = level.value - noise_.sigma * std::sqrt(level.variance);
            if (held <= highest) continue;
            highest = held;
            best = &block;
        }
        return *best;
    }

    // The engine's surest change for the worse between the two sides.
    std::optional<double> seen_between(const Block& before, std::size_t start) const {
        std::optional<double> least;
        for (const Change& change : p_.changes) {
            const bool worse = p_.sign * (change.after - change.before) < 0;
            if (!worse || change.index < before.end || change.index > start) continue;
            if (!least || change.p_value < *least) least = change.p_value;
        }
        return least;
    }

    const Prepared& p_;
    const NoiseUsed& noise_;
    std::vector<Level> levels_;
    std::vector<double> residuals_;
};

double percent(const Prepared& p, double drop) { return 100 * std::expm1(-p.sign * drop); }

RunBlock run_block(const Prepared& p, const Block& block, const Level& level) {
    RunBlock out;
    out.level = std::exp(p.sign * level.value);
    for (std::size_t i = block.first; i < block.end; ++i) out.seqs.push_back(p.point(i).seq);
    out.first_unix = p.point(block.first).time_unix;
    out.last_unix = p.point(block.end - 1).time_unix;
    out.stack = p.point(block.end - 1).stack;
    return out;
}

// Both sides and the change between them, with its 95 % interval.
Comparison sides_of(const Prepared& p, Baseline baseline, const Test& test) {
    Comparison c;
    c.baseline = baseline;
    c.before = run_block(p, test.before, test.level_before);
    c.now = run_block(p, test.now, test.level_now);
    c.change_percent = percent(p, test.drop);
    const double reach = student_quantile(interval_quantile, test.freedom) * test.error;
    c.ci_low_percent = percent(p, test.drop + p.sign * reach);
    c.ci_high_percent = percent(p, test.drop - p.sign * reach);
    return c;
}

Comparison comparison_of(const Prepared& p, const Judge& judge, Baseline baseline,
                         const Test& test) {
    Comparison c = sides_of(p, baseline, test);
    c.p_value = test.p;
    c.p_direct = test.p_direct;
    c.p_change_point = test.p_change_point;
    c.agreeing_runs = judge.agreeing_runs(test);
    const auto before = install_shares(p, test.before), now = install_shares(p, test.now);
    c.installs_before = static_cast<int>(before.size());
    c.installs_now = static_cast<int>(now.size());
    c.shares_install = before.empty() ||
                       std::any_of(now.begin(), now.end(),
                                   [&](const auto& entry) { return before.contains(entry.first); });
    return c;
}

// Everything about one series that control over all series still has to pass.
struct Judged {
    std::vector<Comparison> comparisons;
    std::vector<double> least_percent;  // beside each: the smaller drop of the newest and of all
    std::vector<Test> tests;
    std::vector<Regression> recovered;
};

// The update that made the most of a drop, or the two sides themselves.
void find_onset(const Prepared& p, const Test& test, Regression& regression) {
    std::size_t onset = test.now.first;
    double most = 0;
    const std::span<const double> all(p.good);
    for (const Block& block : p.blocks) {
        if (block.first < test.before.end || block.first > test.now.first) continue;
        const auto before = all.subspan(test.before.first, block.first - test.before.first);
        const auto after = all.subspan(block.first);
        const double apart = squares_around_mean(all.subspan(test.before.first)) -
                             squares_around_mean(before) - squares_around_mean(after);
        if (apart <= most) continue;
        most = apart;
        onset = block.first;
    }
    const auto holds = [&](const Block& b) { return b.first < onset && onset <= b.end; };
    const auto left = std::find_if(p.blocks.begin(), p.blocks.end(), holds);
    const auto right = std::find_if(p.blocks.begin(), p.blocks.end(),
                                    [&](const Block& b) { return b.end > onset; });
    const Block before{std::max(left->first, test.before.first), onset};
    const double step = level_of(p, before, 0).value - level_of(p, {onset, right->end}, 0).value;
    if (onset != test.now.first && step < onset_share * test.drop) {
        regression.gradual = true;
        onset = test.now.first;
    } else if (onset == test.now.first && test.before.end != onset &&
               step < onset_share * test.drop) {
        regression.gradual = true;
    }
    regression.seq_before = p.point(regression.gradual ? test.before.end - 1 : onset - 1).seq;
    regression.seq_after = p.point(onset).seq;
    for (std::size_t i = test.before.end; i <= test.now.first; ++i)
        regression.stacks_between += is_stack_change(p, i) ? 1 : 0;
}

// Whether the series moves enough for a drop to have come back: the engine's second look costs
// time.
bool moves_by(const Prepared& p, double drop) {
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (std::size_t i = 2; i < p.size(); ++i) {
        std::array<double, 3> near{p.good[i - 2], p.good[i - 1], p.good[i]};
        std::sort(near.begin(), near.end());
        low = std::min(low, near[1]);
        high = std::max(high, near[1]);
    }
    return high - low >= drop;
}

// Levels of the past: cut where the software changed and where the engine, which looks back once
// and not after every run, sees a change; neighbours that do not differ are one level.
std::vector<Block> levels_of_the_past(const Prepared& p, const NoiseUsed& noise, double drop) {
    std::set<std::size_t> cuts;
    for (const Block& block : p.blocks) cuts.insert(block.first);
    if (p.size() >= points_for_any_engine) {
        std::vector<double> values;
        for (std::size_t i = 0; i < p.size(); ++i) values.push_back(p.point(i).value);
        for (const Change& change : with_both_edges(find_changes(values).changes))
            cuts.insert(snapped(p, change.index));
    }
    std::vector<Block> levels;
    for (const Block& block : cut_at(cuts, p.size(), {})) {
        if (!levels.empty()) {
            const Level before = level_of(p, levels.back(), noise.rho);
            const Level now = level_of(p, block, noise.rho);
            const double error =
                std::sqrt(noise.sigma * noise.sigma * (before.variance + now.variance) +
                          noise.install_sigma * noise.install_sigma *
                              install_variance(p, levels.back(), block));
            const double apart = std::abs(before.value - now.value);
            if (apart < drop / 4 ||
                2 * student_upper_tail(apart / error, noise.freedom) > alpha_of_the_past) {
                levels.back().end = block.end;
                continue;
            }
        }
        levels.push_back(block);
    }
    return levels;
}

// Where a drop begins, of the level before it the runs of the last software stack, when they are
// enough to be a level: two stacks may lie too near to be told apart and yet not be one.
Block just_before(const Prepared& p, const Block& level) {
    for (const Block& block : p.blocks) {
        if (block.end < level.end || block.first >= level.end) continue;
        const Block last{std::max(block.first, level.first), level.end};
        if (last.size() >= runs_of_a_level) return last;
    }
    return level;
}

Regression recovered_regression(const Prepared& p, const NoiseUsed& noise, const Test& test,
                                std::size_t recovered_at) {
    Regression r;
    r.status = RegressionStatus::recovered;
    r.noise = noise;
    r.installs = p.installs;
    Comparison seen = sides_of(p, Baseline::previous, test);
    seen.agreeing_runs = static_cast<int>(test.now.size());
    seen.p_value = seen.p_direct = seen.p_adjusted = test.p_direct;
    r.against = {seen};
    r.seq_before = p.point(test.now.first - 1).seq;
    r.seq_after = p.point(test.now.first).seq;
    r.recovered_unix = p.point(recovered_at).time_unix;
    return r;
}

// Every drop of the past that is gone again, oldest first. One low run is an anomaly and no drop.
std::vector<Regression> recovered_drops(const Prepared& p, const NoiseUsed& noise,
                                        const Judge& judge, double threshold_percent) {
    std::vector<Regression> found;
    const double threshold = std::abs(std::log1p(-p.sign * threshold_percent / 100));
    if (!moves_by(p, threshold)) return found;
    const std::vector<Block> levels = levels_of_the_past(p, noise, threshold);
    std::vector<double> heights;
    for (const Block& level : levels) heights.push_back(level_of(p, level, noise.rho).value);
    for (std::size_t i = 1; i < levels.size(); ++i) {
        const double lost = heights[i - 1] - heights[i];
        if (lost < threshold) continue;
        std::size_t well = i + 1;
        while (well < levels.size() && heights[well] < heights[i - 1] - lost / 2) ++well;
        if (well == levels.size()) continue;
        const Block low{levels[i].first, levels[well].first};
        const Test test = judge.direct(just_before(p, levels[i - 1]), low);
        const double change = std::abs(percent(p, test.drop));
        // Bonferroni over the places where a drop could begin.
        const double p_value = test.p_direct * static_cast<double>(levels.size() - 1);
        if (low.size() >= 2 && change >= threshold_percent && p_value <= alpha_of_the_past)
            found.push_back(recovered_regression(p, noise, test, levels[well].first));
        i = well;
    }
    return found;
}

// Baselines `previous` and `best`, in this order whatever was asked first.
std::vector<Baseline> in_order(const std::vector<Baseline>& asked) {
    std::vector<Baseline> ordered;
    for (const Baseline baseline : {Baseline::previous, Baseline::best})
        if (std::find(asked.begin(), asked.end(), baseline) != asked.end())
            ordered.push_back(baseline);
    return ordered;
}

Judged judge_series(const Prepared& p, const NoiseUsed& noise, const RegressionOptions& options) {
    Judged judged;
    const Judge judge(p, noise);
    for (const Baseline baseline : in_order(options.baselines)) {
        const auto test = judge.compare(baseline);
        if (!test) continue;
        Test all = judge.of_all_agreeing(*test);
        const double least =
            std::min(std::abs(percent(p, all.drop)), std::abs(percent(p, test->drop)));
        const bool one_level = judge.is_one_level(*test, all);
        all.p_direct = test->p_direct;
        all.p_change_point = test->p_change_point;
        all.p = test->p;
        const Test& shown = one_level ? all : *test;
        judged.comparisons.push_back(comparison_of(p, judge, baseline, shown));
        judged.least_percent.push_back(one_level ? std::abs(percent(p, all.drop)) : least);
        judged.tests.push_back(shown);
    }
    judged.recovered = recovered_drops(p, noise, judge, options.threshold_percent);
    return judged;
}

// A series that never repeated, nor any like it, still shows how it scatters around its levels.
void use_spread_around_levels(const Prepared& p, NoiseUsed& noise) {
    if (p.spread.points >= points_for_rho) noise.rho = std::clamp(p.spread.rho, 0.0, rho_max);
    if (noise.source != NoiseSource::unknown || p.spread.points < points_for_spread) return;
    std::vector<double> values;
    for (std::size_t i = 0; i < p.size(); ++i) values.push_back(p.point(i).value);
    std::nth_element(values.begin(),
                     values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    noise.sigma = p.spread.sigma / values[values.size() / 2];
    if (noise.sigma <= 0) return;
    noise.source = NoiseSource::around_level;
    noise.freedom = static_cast<double>(p.spread.points) / 2;
}

// Where no series of a metric ever repeated, they still show how far two runs lie apart: by how
// much the steps to their newest runs differ from each other. A step that all share is no noise.
void steady_table_by_steps(const std::vector<Prepared>& prepared, std::vector<NoiseUsed>& noises) {
    std::map<std::string, std::vector<std::size_t>> by_metric;
    for (std::size_t i = 0; i < prepared.size(); ++i)
        if (prepared[i].why_not.empty() && noises[i].source == NoiseSource::table)
            by_metric[prepared[i].series->key.metric].push_back(i);
    for (const auto& [metric, places] : by_metric) {
        if (places.size() < steps_to_compare) continue;
        std::vector<double> steps;
        for (const std::size_t place : places) {
            const std::vector<double>& good = prepared[place].good;
            steps.push_back(good.back() - good[good.size() - 2]);
        }
        const double shared = analysis::median_of(steps);
        for (double& step : steps) step = std::abs(step - shared);
        const double sigma = analysis::mad_to_sigma * analysis::median_of(steps) / std::sqrt(2.0);
        // The median of n deviations says as much as half of them would.
        const double freedom = static_cast<double>(places.size() - 1) / 2;
        for (const std::size_t place : places) {
            NoiseUsed& noise = noises[place];
            const double all = table_freedom + freedom;
            noise.sigma = std::sqrt(
                (table_freedom * noise.sigma * noise.sigma + freedom * sigma * sigma) / all);
            noise.freedom = all;
            noise.similar = places.size() - 1;
            noise.similar_by = "metric";
        }
    }
}

std::vector<NoiseUsed> noise_of(const std::vector<Prepared>& prepared) {
    std::vector<const SeriesKey*> keys;
    std::vector<Repeats> repeats;
    for (const Prepared& p : prepared) {
        keys.push_back(&p.series->key);
        repeats.push_back(p.repeats);
    }
    std::vector<NoiseUsed> noises = pool_noise(keys, repeats);
    for (std::size_t i = 0; i < prepared.size(); ++i) {
        const Prepared& p = prepared[i];
        if (!p.why_not.empty()) continue;
        NoiseUsed& noise = noises[i];
        use_spread_around_levels(p, noise);
        if (noise.source == NoiseSource::unknown) noise = table_noise(p.series->key);
        noise.installs = p.installs;
        noise.install_sigma = std::sqrt(p.between_installs.variance);
        noise.install_freedom = p.between_installs.freedom;
    }
    steady_table_by_steps(prepared, noises);
    return noises;
}

// The key without power mode and install: what a series would continue if the mode had not changed.
std::string kin_of(const SeriesKey& k) {
    return fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}", k.lineage, k.definition, k.device, k.backend,
                       k.precision, k.operation, to_string(k.shape), k.threads, k.metric);
}

void explain_single_runs(std::vector<Prepared>& prepared) {
    std::map<std::string, std::set<std::optional<std::string>>> modes;
    for (const Prepared& p : prepared)
        modes[kin_of(p.series->key)].insert(p.series->key.power_mode);
    for (Prepared& p : prepared)
        if (p.why_not == "one run only" && modes[kin_of(p.series->key)].size() > 1)
            p.why_not = "one run only in this power mode, and others are not compared with it";
}

// The level of the runs of a mode that lie nearest to its change: of the last block or the first.
Level level_at_change(const Prepared& p, bool is_before, double rho) {
    if (p.blocks.empty()) return level_of(p, {0, p.size()}, rho);  // one run only
    return level_of(p, is_before ? p.blocks.back() : p.blocks.front(), rho);
}

// The newest series of each kin against the one in another power mode that ended before it began.
std::vector<ModeChange> mode_changes(const std::vector<Prepared>& prepared,
                                     const std::vector<NoiseUsed>& noises,
                                     double threshold_percent) {
    std::map<std::string, std::vector<std::size_t>> kin;
    for (std::size_t i = 0; i < prepared.size(); ++i)
        if (prepared[i].size() > 0) kin[kin_of(prepared[i].series->key)].push_back(i);
    std::vector<ModeChange> found;
    for (auto& [key, places] : kin) {
        std::stable_sort(places.begin(), places.end(), [&](std::size_t a, std::size_t b) {
            return prepared[a].point(prepared[a].size() - 1).time_unix <
                   prepared[b].point(prepared[b].size() - 1).time_unix;
        });
        const Prepared& now = prepared[places.back()];
        const std::int64_t begun = now.point(0).time_unix;
        for (std::size_t i = places.size() - 1; i-- > 0;) {
            const Prepared& before = prepared[places[i]];
            if (before.series->key.power_mode == now.series->key.power_mode ||
                before.point(before.size() - 1).time_unix >= begun)
                continue;
            const Level was = level_at_change(before, true, 0), is = level_at_change(now, false, 0);
            const NoiseUsed usual = table_noise(now.series->key);
            const double sigma = std::max(usual.sigma, noises[places[i]].sigma);
            const double drop = was.value - is.value;
            const double change = percent(now, drop);
            if (drop > 0 && std::abs(change) >= threshold_percent &&
                drop > sigmas_of_one_level * sigma * std::sqrt(was.variance + is.variance))
                found.push_back({places[i], places.back(), std::exp(before.sign * was.value),
                                 std::exp(now.sign * is.value), change,
                                 static_cast<int>(before.size()), static_cast<int>(now.size()),
                                 begun});
            break;
        }
    }
    return found;
}

// Adjusted p-values of Benjamini and Hochberg (1995): below the rate means kept.
std::vector<double> adjusted(const std::vector<double>& p_values) {
    std::vector<std::size_t> order(p_values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return p_values[a] < p_values[b]; });
    std::vector<double> result(p_values.size());
    double least = 1;
    for (std::size_t rank = order.size(); rank-- > 0;) {
        const double scaled = p_values[order[rank]] * static_cast<double>(order.size()) /
                              static_cast<double>(rank + 1);
        least = std::min(least, scaled);
        result[order[rank]] = least;
    }
    return result;
}

void control_discoveries(std::vector<Judged>& judged, const RegressionOptions& options) {
    std::vector<double> p_values;
    for (const Judged& j : judged)
        for (const Comparison& c : j.comparisons) p_values.push_back(c.p_value);
    const std::vector<double> q = adjusted(p_values);
    std::size_t next = 0;
    for (Judged& j : judged) {
        for (std::size_t i = 0; i < j.comparisons.size(); ++i) {
            Comparison& c = j.comparisons[i];
            c.p_adjusted = q[next++];
            c.is_regression = 100 * c.p_adjusted <= options.false_discovery_percent &&
                              j.least_percent[i] >= options.threshold_percent &&
                              c.agreeing_runs >= 1;
        }
    }
}

// Why a comparison is no more than a suspicion; "" when it confirms the drop.
std::string why_not_sure(const Prepared& p, const Comparison& c, const NoiseUsed& noise,
                         const RegressionOptions& options) {
    if (c.agreeing_runs < 2) return "one run only shows it";
    if (noise.source == NoiseSource::table)
        return "the noise is that of a table: no software stack was measured twice";
    if (!c.shares_install && std::min(c.installs_before, c.installs_now) < 2)
        return "another install measured it: the machine may differ, and not the software";
    const double nearest = std::min(std::abs(c.ci_low_percent), std::abs(c.ci_high_percent));
    if (nearest < options.threshold_percent || c.ci_low_percent * c.ci_high_percent < 0)
        return fmt::format("its interval reaches into the threshold of {:.1f} %",
                           options.threshold_percent);
    if (p.size() >= points_for_engine && !c.p_change_point && c.agreeing_runs < runs_beyond_doubt)
        return "the change-point engine does not see it yet";
    return "";
}

std::optional<Regression> verdict(const Prepared& p, const Judged& judged, const NoiseUsed& noise,
                                  const RegressionOptions& options) {
    Regression r;
    r.noise = noise;
    r.installs = p.installs;
    for (std::size_t i = 0; i < judged.comparisons.size(); ++i) {
        const Comparison& c = judged.comparisons[i];
        if (!c.is_regression) continue;
        if (r.against.empty()) find_onset(p, judged.tests[i], r);
        const std::string doubt = why_not_sure(p, c, noise, options);
        if (doubt.empty()) r.status = RegressionStatus::confirmed;
        if (r.against.empty()) r.doubt = doubt;
        r.against.push_back(c);
    }
    if (r.against.empty()) return std::nullopt;
    if (r.status == RegressionStatus::confirmed) r.doubt.clear();
    return r;
}

bool comes_first(const Regression& a, const Regression& b) {
    const bool a_sure = a.status == RegressionStatus::confirmed;
    const bool b_sure = b.status == RegressionStatus::confirmed;
    if (a_sure != b_sure) return a_sure;
    return std::abs(a.main().change_percent) > std::abs(b.main().change_percent);
}

}  // namespace

std::string_view to_string(Baseline baseline) {
    return baseline == Baseline::previous ? "previous" : "best";
}

std::optional<Baseline> baseline_from(std::string_view word) {
    for (const Baseline baseline : {Baseline::previous, Baseline::best})
        if (word == to_string(baseline)) return baseline;
    return std::nullopt;
}

std::string_view to_string(RegressionStatus status) {
    switch (status) {
        case RegressionStatus::suspected:
            return "suspected";
        case RegressionStatus::confirmed:
            return "confirmed";
        case RegressionStatus::recovered:
            return "recovered";
    }
    return "";
}

RegressionReport find_regressions(std::span<const Series* const> series,
                                  const RegressionOptions& options,
                                  std::span<const Series* const> teachers) {
    std::vector<const Series*> all(series.begin(), series.end());
    all.insert(all.end(), teachers.begin(), teachers.end());
    std::vector<Prepared> prepared(all.size());
    in_parallel(all.size(), options.threads,
                [&](std::size_t i) { prepared[i] = prepare(*all[i]); });
    const std::vector<NoiseUsed> noises = noise_of(prepared);
    prepared.resize(series.size());
    explain_single_runs(prepared);
    std::vector<Judged> judged(series.size());
    in_parallel(series.size(), options.threads, [&](std::size_t i) {
        if (prepared[i].why_not.empty()) judged[i] = judge_series(prepared[i], noises[i], options);
    });
    control_discoveries(judged, options);

    RegressionReport report;
    report.series = series.size();
    for (std::size_t i = 0; i < series.size(); ++i) {
        report.points += prepared[i].size();
        report.doubtful += prepared[i].doubtful;
        if (!prepared[i].why_not.empty()) {
            ++report.not_judged[prepared[i].why_not];
            report.reasons.emplace_back(i, prepared[i].why_not);
            continue;
        }
        ++report.judged;
        report.by_table += noises[i].source == NoiseSource::table ? 1 : 0;
        for (Regression& gone : judged[i].recovered) {
            gone.series = i;
            report.recovered.push_back(std::move(gone));
        }
        auto found = verdict(prepared[i], judged[i], noises[i], options);
        if (!found) continue;
        found->series = i;
        report.regressions.push_back(std::move(*found));
    }
    std::stable_sort(report.regressions.begin(), report.regressions.end(), comes_first);
    report.mode_changes = mode_changes(prepared, noises, options.threshold_percent);
    return report;
}

}  // namespace peakward
