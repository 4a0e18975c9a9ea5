#include "analyze/forecast.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <set>

#include "analyze/distributions.hpp"
#include "core/text.hpp"

namespace peakward {
namespace {

constexpr int stacks_min = 4;  // METHODS 3.3
constexpr double rise_p_max = 0.05;
constexpr int draws_count = 4000;
constexpr int draws_min = 200;
// tau in units of the observed time, evenly in its logarithm: faster is a step, slower a line.
constexpr int tau_steps = 24;
constexpr double tau_share_min = 0.05, tau_share_max = 8;
// Variance of the jumps between stacks, in units of that of runs.
constexpr std::array<double, 8> jump_shares{0, 0.1, 0.3, 1, 3, 10, 30, 100};
constexpr double late_power = 1.5;
constexpr std::array shapes{CurveShape::exponential, CurveShape::hyperbolic, CurveShape::late};
constexpr int back_test_cuts_max = 8;
// Of intervals that promise four in five, fewer than half hold nothing; with fewer than five later
// runs one jump of one stack decides.
constexpr double back_test_share_min = 0.5;
constexpr int back_test_runs_min = 5;
constexpr std::size_t permute_all_up_to = 6;
constexpr int permutations = 1000;

// SplitMix64 and Box-Muller: the same draws on every machine.
class Draw {
public:
    explicit Draw(std::uint64_t seed) : state_(seed) {}
    std::uint64_t bits() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }
    double uniform() { return (static_cast<double>(bits() >> 11) + 0.5) / 9007199254740992.0; }
    double normal() {
        const double radius = std::sqrt(-2 * std::log(uniform()));
        return radius * std::cos(6.283185307179586 * uniform());
    }
    // Marsaglia and Tsang 2000.
    double gamma(double shape) {
        if (shape < 1) return gamma(shape + 1) * std::pow(uniform(), 1 / shape);
        const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
        for (;;) {
            const double x = normal(), v = std::pow(1 + c * x, 3);
            if (v > 0 && std::log(uniform()) < 0.5 * x * x + d - d * v + d * std::log(v))
                return d * v;
        }
    }
    double chi_square(double df) { return 2 * gamma(df / 2); }

private:
    std::uint64_t state_;
};

// Runs of one stack, one after the other.
struct Stack {
    double time = 0;   // since the first point
    double level = 0;  // mean of its runs
    double runs = 0;
};

struct Data {
    std::vector<Stack> stacks;
    double span = 0;     // of the observed time
    double within = 0;   // squares of runs around their stack
    double freedom = 0;  // runs less stacks
    double runs = 0;
    double first_days = 0;
};

Data gather(std::span<const ForecastPoint> points) {
    Data data;
    if (points.empty()) return data;
    data.first_days = points.front().time_days;
    std::size_t first = 0;
    for (std::size_t i = 1; i <= points.size(); ++i) {
        if (i < points.size() && points[i].stack == points[first].stack) continue;
        Stack stack;
        stack.runs = static_cast<double>(i - first);
        for (std::size_t j = first; j < i; ++j) {
            stack.time += (points[j].time_days - data.first_days) / stack.runs;
            stack.level += points[j].value / stack.runs;
        }
        for (std::size_t j = first; j < i; ++j)
            data.within += (points[j].value - stack.level) * (points[j].value - stack.level);
        data.freedom += stack.runs - 1;
        data.stacks.push_back(stack);
        first = i;
    }
    data.span = points.back().time_days - data.first_days;
    data.runs = static_cast<double>(points.size());
    return data;
}

// 0 at the first point, 1 at `span`, and on to plateau_height().
double height(CurveShape shape, double time, double tau, double span) {
    switch (shape) {
        case CurveShape::exponential:
            return std::expm1(-time / tau) / std::expm1(-span / tau);
        case CurveShape::hyperbolic:
            return time / (time + tau) * ((span + tau) / span);
        case CurveShape::late:
            return std::expm1(-std::pow(std::max(0.0, time) / tau, late_power)) /
                   std::expm1(-std::pow(span / tau, late_power));
    }
    return 0;
}

double plateau_height(CurveShape shape, double tau, double span) {
    switch (shape) {
        case CurveShape::exponential:
            return -1 / std::expm1(-span / tau);
        case CurveShape::hyperbolic:
            return (span + tau) / span;
        case CurveShape::late:
            return -1 / std::expm1(-std::pow(span / tau, late_power));
    }
    return 0;
}

double tau_at(int step, double span) {
    const double share = static_cast<double>(step) / (tau_steps - 1);
    return span * tau_share_min * std::pow(tau_share_max / tau_share_min, share);
}

// One shape, tau and share of jumps: weighted least squares for start and rise.
struct Component {
    CurveShape shape = CurveShape::exponential;
    double tau = 0, jumps = 0;
    double start = 0, rise = 0;
    double factor_11 = 0, factor_21 = 0, factor_22 = 0;  // Cholesky of the inverse normal matrix
    double squares = 0;
    double log_weight = -HUGE_VAL;
};

Component fit(const Data& data, CurveShape shape, double tau, double jumps) {
    Component c{shape, tau, jumps};
    double w = 0, wh = 0, whh = 0, wy = 0, why = 0, log_variance = 0;
    for (const Stack& stack : data.stacks) {
        const double variance = jumps + 1 / stack.runs;
        const double h = height(shape, stack.time, tau, data.span);
        w += 1 / variance;
        wh += h / variance;
        whh += h * h / variance;
        wy += stack.level / variance;
        why += h * stack.level / variance;
        log_variance += std::log(variance);
    }
    const double determinant = w * whh - wh * wh;
    if (!(determinant > 1e-12 * w * whh)) return c;
    c.rise = (w * why - wh * wy) / determinant;
    c.start = (wy - c.rise * wh) / w;
    c.squares = data.within;
    for (const Stack& stack : data.stacks) {
        const double h = height(shape, stack.time, tau, data.span);
        const double residual = stack.level - c.start - c.rise * h;
        c.squares += residual * residual / (jumps + 1 / stack.runs);
    }
    c.factor_11 = std::sqrt(whh / determinant);
    c.factor_21 = -wh / determinant / c.factor_11;
    c.factor_22 = std::sqrt(std::max(0.0, w / determinant - c.factor_21 * c.factor_21));
    if (c.squares <= 0) c.squares = 1e-18;
    c.log_weight = -0.5 * log_variance - 0.5 * std::log(determinant) -
                   0.5 * (data.runs - 2) * std::log(c.squares);
    return c;
}

std::vector<Component> fit_all(const Data& data) {
    std::vector<Component> all;
    double most = -HUGE_VAL;
    for (const CurveShape shape : shapes)
        for (int step = 0; step < tau_steps; ++step)
            for (const double jumps : jump_shares) {
                // Without repeats only the sum of both variances can be seen.
                if (data.freedom == 0 && jumps > 0) continue;
                all.push_back(fit(data, shape, tau_at(step, data.span), jumps));
                most = std::max(most, all.back().log_weight);
            }
    double sum = 0;
    for (Component& c : all) sum += c.log_weight = std::exp(c.log_weight - most);
    for (Component& c : all) c.log_weight /= sum;
    return all;  // log_weight holds the weight now
}

// Levels that nobody could reach speak against a curve. Where that leaves none (a straight line so
// far), curves end at the limit instead; where the runs themselves are above it, there is none.
enum class Limit { rejects, ends, none };

std::vector<CurveDraw> draw_curves(const Data& data, const std::vector<Component>& components,
                                   double value_max, Limit limit) {
    Draw random(0x9ea4a12d);
    std::vector<CurveDraw> draws;
    double sum = 0;
    std::size_t place = 0;
    const double freedom = data.runs - 2;
    for (int i = 0; i < draws_count; ++i) {
        const double quantile = (i + 0.5) / draws_count;
        while (place + 1 < components.size() && sum + components[place].log_weight < quantile)
            sum += components[place++].log_weight;
        const Component& c = components[place];
        const double sigma = std::sqrt(c.squares / random.chi_square(freedom));
        const double z1 = random.normal(), z2 = random.normal();
        CurveDraw draw;
        draw.shape = c.shape;
        draw.tau_days = c.tau;
        draw.start = c.start + sigma * c.factor_11 * z1;
        draw.rise = c.rise + sigma * (c.factor_21 * z1 + c.factor_22 * z2);
        draw.scatter = sigma * std::sqrt(c.jumps + 1);
        const double top = draw.start + draw.rise * plateau_height(c.shape, c.tau, data.span);
        if (draw.rise < 0 || (limit == Limit::rejects && top > value_max)) continue;
        if (limit == Limit::ends) draw.value_max = value_max;
        draws.push_back(draw);
    }
    return draws;
}

// Levels against every shape: the best correlation that some order of the stacks reaches.
class RiseTest {
public:
    explicit RiseTest(const Data& data) {
        for (const Stack& stack : data.stacks) levels_.push_back(stack.level);
        for (const CurveShape shape : shapes)
            for (int step = 0; step < tau_steps; step += 3) {
                std::vector<double> curve;
                for (const Stack& stack : data.stacks)
                    curve.push_back(height(shape, stack.time, tau_at(step, data.span), data.span));
                standardise(curve);
                curves_.push_back(std::move(curve));
            }
    }

    double p_value() const {
        std::vector<double> order = levels_;
        const double seen = best(levels_) - 1e-12;
        int as_good = 0, all = 0;
        std::sort(order.begin(), order.end());
        if (order.size() <= permute_all_up_to) {
            do {
                as_good += best(order) >= seen ? 1 : 0;
                ++all;
            } while (std::next_permutation(order.begin(), order.end()));
            return static_cast<double>(as_good) / all;
        }
        Draw random(0x715e);
        for (int i = 0; i < permutations; ++i) {
            for (std::size_t j = order.size(); j > 1; --j)
                std::swap(order[j - 1], order[random.bits() % j]);
            as_good += best(order) >= seen ? 1 : 0;
        }
        return (as_good + 1.0) / (permutations + 1.0);
    }

private:
    static void standardise(std::vector<double>& values) {
        const auto n = static_cast<double>(values.size());
        const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
        double squares = 0;
        for (double& value : values) {
            value -= mean;
            squares += value * value;
        }
        for (double& value : values) value /= squares > 0 ? std::sqrt(squares) : 1;
    }
    double best(const std::vector<double>& levels) const {
        double most = -HUGE_VAL;
        for (const auto& curve : curves_)
            most =
                std::max(most, std::inner_product(curve.begin(), curve.end(), levels.begin(), 0.0));
        return most;
    }

    std::vector<double> levels_;
    std::vector<std::vector<double>> curves_;
};

// Whether few stacks rise beyond what their own repeats vary by: the last stands above the first
// with 99 %, and none stands below the one before with as much. Four stacks have 24 orders, so that
// one pair out of place already says "any order would look as good".
bool rises_clearly(const Data& data) {
    if (data.freedom < 1 || data.stacks.size() > permute_all_up_to) return false;
    const double sigma = std::sqrt(data.within / data.freedom);
    const auto distance = [&](const Stack& from, const Stack& to) {
        const double error = sigma * std::sqrt(1 / from.runs + 1 / to.runs);
        const double rise = to.level - from.level;
        return error > 0 ? rise / error : rise > 0 ? HUGE_VAL : rise < 0 ? -HUGE_VAL : 0;
    };
    if (distance(data.stacks.front(), data.stacks.back()) < student_quantile(0.99, data.freedom))
        return false;
    const double fall = -student_quantile(0.99, data.freedom);
    for (std::size_t i = 1; i < data.stacks.size(); ++i)
        if (distance(data.stacks[i - 1], data.stacks[i]) < fall) return false;
    return true;
}

double quantile_of(std::vector<double>& values, double share) {
    const auto place = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), values.begin() + place, values.end());
    return values[static_cast<std::size_t>(place)];
}

Interval interval_of(std::vector<double> values, double interval_percent) {
    Interval found;
    if (values.empty()) return found;
    found.low = quantile_of(values, 0.5 - interval_percent / 200);
    found.high = quantile_of(values, 0.5 + interval_percent / 200);
    found.middle = quantile_of(values, 0.5);
    return found;
}

double level_at(const CurveDraw& draw, double time, double span) {
    return std::min(draw.value_max,
                    draw.start + draw.rise * height(draw.shape, time, draw.tau_days, span));
}

// Days after the first point at which a curve reaches the target; none: it levels out below.
std::optional<double> reaches(const CurveDraw& draw, double span, double target) {
    if (draw.start >= target) return 0.0;
    if (target > draw.value_max) return std::nullopt;
    const double wanted = (target - draw.start) / draw.rise;
    if (!(wanted < plateau_height(draw.shape, draw.tau_days, span))) return std::nullopt;
    if (draw.shape == CurveShape::hyperbolic) {
        const double share = wanted * span / (span + draw.tau_days);
        return share * draw.tau_days / (1 - share);
    }
    // (t/tau)^power of the exponential kinds.
    const double power = draw.shape == CurveShape::late ? late_power : 1;
    const double depth = -std::log1p(wanted * std::expm1(-std::pow(span / draw.tau_days, power)));
    return draw.tau_days * std::pow(depth, 1 / power);
}

TargetForecast target_of(const Forecast& f, double target, const ForecastOptions& options) {
    TargetForecast found;
    found.reached_already = f.now.middle >= target;
    if (found.reached_already) {
        found.chance = 1;
        return found;
    }
    // The past is known: it was not reached until the last run. What lies between that run and
    // today may have come by now.
    const double today = std::max(options.today_days.value_or(f.last_days), f.last_days);
    std::vector<double> days;
    for (const CurveDraw& draw : f.draws) {
        const auto after = reaches(draw, f.last_days - f.first_days, target);
        const double at = f.first_days + after.value_or(HUGE_VAL);
        if (at - f.last_days <= options.horizon_days) days.push_back(std::max(at, today));
    }
    const auto all = static_cast<double>(f.draws.size());
    found.chance = static_cast<double>(days.size()) / all;
    std::sort(days.begin(), days.end());
    const auto at = [&](double share) -> std::optional<double> {
        const auto place = static_cast<std::size_t>(share * all);
        return place < days.size() ? std::optional<double>(days[place]) : std::nullopt;
    };
    found.middle_days = at(0.5);
    found.due = found.middle_days && *found.middle_days <= today && today > f.last_days;
    found.low_days = at(0.5 - options.interval_percent / 200);
    found.high_days = at(0.5 + options.interval_percent / 200);
    return found;
}

int distinct_stacks(std::span<const ForecastPoint> points) {
    std::set<std::int32_t> stacks;
    for (const ForecastPoint& point : points) stacks.insert(point.stack);
    return static_cast<int>(stacks.size());
}

Interval newest_stack(const Data& data, double interval_percent) {
    const Stack& newest = data.stacks.back();
    double reach = 0;
    if (data.freedom >= 1)
        reach = student_quantile(0.5 + interval_percent / 200, data.freedom) *
                std::sqrt(data.within / data.freedom / newest.runs);
    return {newest.level, newest.level - reach, newest.level + reach};
}

// Everything but the target and the back-test.
Forecast fitted(std::span<const ForecastPoint> points, const ForecastOptions& options) {
    Forecast f;
    f.interval_percent = options.interval_percent;
    f.runs = static_cast<int>(points.size());
    f.stacks = distinct_stacks(points);
    if (f.stacks < stacks_min) {
        f.refused = fmt::format("{} software stack{} measured, and a curve takes {} or more",
                                f.stacks, f.stacks == 1 ? "" : "s", stacks_min);
        return f;
    }
    const Data data = gather(points);
    f.first_days = points.front().time_days;
    f.last_days = points.back().time_days;
    if (!(data.span > 0)) {
        f.refused = "all runs are of one moment: there is no time to look along";
        return f;
    }
    f.rise_p_value = RiseTest(data).p_value();
    if (f.rise_p_value > rise_p_max && !rises_clearly(data)) {
        f.refused = fmt::format(
            "no rise: any order of these {} stacks would look as good as theirs (p = {:.2f})",
            f.stacks, f.rise_p_value);
        return f;
    }
    const std::vector<Component> components = fit_all(data);
    const double value_max = options.value_max.value_or(HUGE_VAL);
    const bool is_above = data.stacks.back().level > value_max;
    f.draws = draw_curves(data, components, value_max, Limit::rejects);
    if (f.draws.size() < draws_min)
        f.draws = draw_curves(data, components, value_max, is_above ? Limit::none : Limit::ends);
    if (f.draws.size() < draws_min) {
        f.refused = "no rising curve fits these runs";
        f.draws.clear();
        return f;
    }
    std::vector<double> plateaus, scatters;
    std::array<double, shapes.size()> weights{};
    for (const CurveDraw& draw : f.draws) {
        weights[static_cast<std::size_t>(draw.shape)] += 1;
        plateaus.push_back(std::min(
            draw.value_max,
            draw.start + draw.rise * plateau_height(draw.shape, draw.tau_days, data.span)));
        scatters.push_back(draw.scatter);
    }
    const auto likeliest = std::max_element(weights.begin(), weights.end());
    f.shape = shapes[static_cast<std::size_t>(likeliest - weights.begin())];
    f.shape_weight = *likeliest / static_cast<double>(f.draws.size());
    f.plateau = interval_of(std::move(plateaus), options.interval_percent);
    f.scatter = quantile_of(scatters, 0.5);
    f.now = options.now.value_or(newest_stack(data, options.interval_percent));
    return f;
}

BackTest back_tested(std::span<const ForecastPoint> points, const ForecastOptions& options) {
    // Places where a stack begins: the past that is forecast from ends there.
    std::vector<std::size_t> ends;
    std::set<std::int32_t> seen;
    for (std::size_t i = 0; i < points.size(); ++i)
        if (seen.insert(points[i].stack).second && seen.size() > stacks_min) ends.push_back(i);
    BackTest test;
    const std::size_t step = ends.size() / (back_test_cuts_max + 1) + 1;
    for (std::size_t cut = 0; cut < ends.size(); cut += step) {
        const Forecast then = fitted(points.first(ends[cut]), options);
        if (!then.refused.empty()) continue;
        ++test.cuts;
        for (const ForecastPoint& later : points.subspan(ends[cut])) {
            const Interval there = then.run_at(later.time_days);
            ++test.runs;
            test.inside += later.value >= there.low && later.value <= there.high ? 1 : 0;
        }
    }
    return test;
}

}  // namespace

std::string_view to_string(CurveShape shape) {
    switch (shape) {
        case CurveShape::exponential:
            return "exponential";
        case CurveShape::hyperbolic:
            return "hyperbolic";
        case CurveShape::late:
            return "late";
    }
    return "";
}

Interval Forecast::curve_at(double time_days) const {
    std::vector<double> values;
    values.reserve(draws.size());
    for (const CurveDraw& draw : draws)
        values.push_back(level_at(draw, time_days - first_days, last_days - first_days));
    return interval_of(std::move(values), interval_percent);
}

Interval Forecast::run_at(double time_days) const {
    std::vector<double> values;
    values.reserve(draws.size());
    Draw random(0x5ca77e4);
    for (const CurveDraw& draw : draws)
        values.push_back(level_at(draw, time_days - first_days, last_days - first_days) +
                         draw.scatter * random.normal());
    return interval_of(std::move(values), interval_percent);
}

Forecast forecast(std::span<const ForecastPoint> points, const ForecastOptions& options) {
    Forecast f = fitted(points, options);
    if (!f.refused.empty()) return f;
    if (options.target) f.target = target_of(f, *options.target, options);
    if (!options.back_test) return f;
    f.back_test = back_tested(points, options);
    if (f.back_test.runs < back_test_runs_min || f.back_test.share() >= back_test_share_min)
        return f;
    Forecast refused;
    refused.stacks = f.stacks;
    refused.runs = f.runs;
    refused.rise_p_value = f.rise_p_value;
    refused.first_days = f.first_days;
    refused.last_days = f.last_days;
    refused.now = f.now;
    refused.back_test = f.back_test;
    refused.interval_percent = f.interval_percent;
    refused.refused = fmt::format(
        "it failed on its own past: {} of {} later runs ({:.0f} %) lay inside the {:g} % interval",
        f.back_test.inside, f.back_test.runs, 100 * f.back_test.share(), f.interval_percent);
    return refused;
}

}  // namespace peakward
