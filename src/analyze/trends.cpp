#include "analyze/trends.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace peakward::analysis {
namespace {

// A shape goes from 0 before it begins to 1 where it ends: value = before + (after - before) shape.
struct Shape {
    ChangeKind kind = ChangeKind::ramp;
    double first = 0;   // last place at 0
    double length = 1;  // of a ramp: places from 0 to 1; of a saturating curve: its time constant

    double at(std::size_t t) const {
        const double passed = double(t) - first;
        if (passed <= 0) return 0;
        return kind == ChangeKind::ramp ? std::min(1.0, passed / length)
                                        : 1 - std::exp(-passed / length);
    }
};

struct ShapeFit {
    double price = 0;
    double before = 0, after = 0;
    double difference_variance = 0;
};

// A stretch of values with what no shape changes: whitened, and the sums of them.
struct Stretch {
    std::vector<double> whitened;
    double rho = 0, variance = 1;
    double first_weight = 1;
    double aa = 0, ay = 0, yy = 0;  // a: the share of the level before in each whitened value

    Stretch(std::span<const double> values, double rho_of_noise, double variance_of_noise)
        : rho(rho_of_noise), variance(variance_of_noise), first_weight(1 - rho * rho) {
        whitened.reserve(values.size());
        whitened.push_back(values.front());
        for (std::size_t t = 1; t < values.size(); ++t)
            whitened.push_back(values[t] - rho * values[t - 1]);
        for (std::size_t t = 0; t < whitened.size(); ++t) {
            const double weight = t == 0 ? first_weight : 1;
            const double a = t == 0 ? 1 : 1 - rho;
            aa += weight * a * a;
            ay += weight * a * whitened[t];
            yy += weight * whitened[t] * whitened[t];
        }
    }
};

// Sums with b, the share of the rise in each whitened value, over the places after the first.
struct RiseSums {
    double b = 0, bb = 0, by = 0;

    void add(double share, double y) {
        b += share;
        bb += share * share;
        by += share * y;
    }
};

RiseSums sum_rise(const Stretch& stretch, const Shape& shape) {
    RiseSums sums;
    const std::size_t n = stretch.whitened.size();
    // Before the shape begins there is no share; an exponential then goes on by a factor.
    std::size_t t = shape.first < 0 ? 1 : std::size_t(shape.first) + 1;
    double before = shape.at(t - 1);
    const double factor = std::exp(-1 / shape.length);
    double left = 1 - shape.at(t);
    for (; t < n; ++t) {
        const double now = shape.kind == ChangeKind::ramp ? shape.at(t) : 1 - left;
        left *= factor;
        sums.add(now - stretch.rho * before, stretch.whitened[t]);
        before = now;
    }
    return sums;
}

// Generalised least squares of the two levels of a shape, whose places count from the stretch's
// first value.
ShapeFit fit_shape(const Stretch& stretch, const Shape& shape) {
    const RiseSums rise_sums = sum_rise(stretch, shape);
    const double at_first = shape.at(0);
    const double weight = stretch.first_weight;
    const double aa = stretch.aa, ay = stretch.ay;
    const double ab = weight * at_first + (1 - stretch.rho) * rise_sums.b;
    const double bb = weight * at_first * at_first + rise_sums.bb;
    const double by = weight * at_first * stretch.whitened.front() + rise_sums.by;
    const double determinant = aa * bb - ab * ab;
    ShapeFit fit;
    if (!(determinant > 1e-12 * aa * bb)) {
        fit.price = stretch.yy / stretch.variance;
        return fit;
    }
    const double base = (bb * ay - ab * by) / determinant;
    const double rise = (aa * by - ab * ay) / determinant;
    fit.price = std::max(0.0, stretch.yy - base * ay - rise * by) / stretch.variance;
    fit.before = base;
    fit.after = base + rise;
    fit.difference_variance = stretch.variance * aa / determinant;
    return fit;
}

struct Search {
    const Stretch& stretch;
    Shape best_shape = {};
    ShapeFit best = {};
    bool any = false;

    void look_at(const Shape& shape) {
        const ShapeFit fit = fit_shape(stretch, shape);
        if (any && fit.price >= best.price) return;
        any = true;
        best = fit;
        best_shape = shape;
    }
};

// A grid over where it begins and how long it takes, then a finer one around the best.
void search_kind(Search& search, ChangeKind kind) {
    constexpr int coarse = 9;
    constexpr double ramp_min = 10, time_constant_min = 5;  // shorter ones are steps
    const double span = double(search.stretch.whitened.size()) - 1;
    auto look = [&](double first, double length) {
        if (first < -1 || first > span + 1) return;
        if (length < (kind == ChangeKind::ramp ? ramp_min : time_constant_min)) return;
        // A ramp ends within the stretch; a curve has levelled to some degree by its end.
        const double room = span - first;
        if (length > (kind == ChangeKind::ramp ? room + 0.5 : room)) return;
        search.look_at({kind, first, length});
    };
    for (int i = 0; i < coarse; ++i)
        for (int j = 1; j <= coarse; ++j)
            look(span * i / coarse - 1, kind == ChangeKind::ramp
                                            ? (span + 1) * j / coarse
                                            : span * std::pow(0.65, j - 1) * 0.7);
    double first_step = span / coarse / 2;
    double length_step = 0.25;
    for (int round = 0; round < 6 && search.any; ++round) {
        const Shape centre = search.best_shape;
        for (const double df : {-1.0, 0.0, 1.0})
            for (const double dl : {-1.0, 0.0, 1.0})
                if (df != 0 || dl != 0)
                    look(std::round(centre.first + df * first_step),
                         centre.length * (1 + dl * length_step));
        first_step /= 2;
        length_step /= 2;
    }
}

}  // namespace

double Trend::shape_at(std::size_t t) const { return Shape{kind, first, length}.at(t); }

namespace {

Trend trend_of(const Shape& shape, const ShapeFit& fit, std::size_t begin, std::size_t end) {
    Trend trend;
    trend.kind = shape.kind;
    // A saturating curve has come 95 % of its way after three time constants.
    const double last = shape.first + shape.length * (shape.kind == ChangeKind::ramp ? 1 : 3);
    trend.begin = std::size_t(std::max(double(begin), shape.first + 1));
    trend.end = std::min(end - 1, std::size_t(std::max(0.0, std::round(last))));
    trend.before = fit.before;
    trend.after = fit.after;
    trend.difference_variance = fit.difference_variance;
    trend.price = fit.price;
    trend.first = shape.first;
    trend.length = shape.length;
    if (fit.difference_variance > 0)
        trend.slope_z = std::abs(fit.after - fit.before) / std::sqrt(fit.difference_variance);
    return trend;
}

}  // namespace

std::optional<Trend> find_trend(std::span<const double> values, std::size_t begin, std::size_t end,
                                double rho, double variance) {
    constexpr std::size_t points_min = 8;
    // The search looks at some hundred points of a long stretch; the fit is made with all.
    constexpr std::size_t points_searched = 250;
    if (end - begin < points_min) return std::nullopt;
    const std::size_t stride = std::max<std::size_t>(1, (end - begin) / points_searched);
    std::vector<double> thinned;
    for (std::size_t t = begin; t < end; t += stride) thinned.push_back(values[t]);
    // Noise of every k-th point: the same spread, rho to the power of k.
    const double rho_thinned = std::pow(rho, double(stride));
    const double variance_thinned = variance / (1 - rho * rho) * (1 - rho_thinned * rho_thinned);
    const Stretch all(values.subspan(begin, end - begin), rho, variance);
    const Stretch few(thinned, rho_thinned, variance_thinned);
    std::optional<Trend> chosen;
    for (const ChangeKind kind : {ChangeKind::ramp, ChangeKind::saturate}) {
        Search search{few};
        search_kind(search, kind);
        if (!search.any) continue;
        Shape shape = search.best_shape;
        shape.first *= double(stride);
        shape.length *= double(stride);
        const ShapeFit fit = fit_shape(all, shape);
        shape.first += double(begin);
        if (!chosen || fit.price < chosen->price) chosen = trend_of(shape, fit, begin, end);
    }
    return chosen;
}

}  // namespace peakward::analysis
