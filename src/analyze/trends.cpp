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

struct Fit {
    double price = 0;
    double before = 0, after = 0;
    double difference_variance = 0;
};

// Generalised least squares of the two levels of a shape, in one pass.
Fit fit_shape(std::span<const double> values, std::size_t begin, std::size_t end, double rho,
              double variance, const Shape& shape) {
    const double first_weight = 1 - rho * rho;
    double aa = 0, ab = 0, bb = 0, ay = 0, by = 0, yy = 0;
    auto add = [&](double weight, double a, double b, double y) {
        aa += weight * a * a;
        ab += weight * a * b;
        bb += weight * b * b;
        ay += weight * a * y;
        by += weight * b * y;
        yy += weight * y * y;
    };
    double shape_before = shape.at(begin);
    add(first_weight, 1, shape_before, values[begin]);
    for (std::size_t t = begin + 1; t < end; ++t) {
        const double now = shape.at(t);
        add(1, 1 - rho, now - rho * shape_before, values[t] - rho * values[t - 1]);
        shape_before = now;
    }
    const double determinant = aa * bb - ab * ab;
    Fit fit;
    if (!(determinant > 1e-12 * aa * bb)) {
        fit.price = yy / variance;
        return fit;
    }
    const double base = (bb * ay - ab * by) / determinant;
    const double rise = (aa * by - ab * ay) / determinant;
    fit.price = std::max(0.0, yy - base * ay - rise * by) / variance;
    fit.before = base;
    fit.after = base + rise;
    fit.difference_variance = variance * aa / determinant;
    return fit;
}

struct Search {
    std::span<const double> values;
    std::size_t begin, end;
    double rho, variance;
    Shape best_shape = {};
    Fit best = {};
    bool any = false;

    void look_at(const Shape& shape) {
        const Fit fit = fit_shape(values, begin, end, rho, variance, shape);
        if (any && fit.price >= best.price) return;
        any = true;
        best = fit;
        best_shape = shape;
    }
};

// A grid over where it begins and how long it takes, then a finer one around the best.
void search_kind(Search& search, ChangeKind kind) {
    constexpr int coarse = 9;
    constexpr double length_min = 5;  // shorter ones are steps
    const double span = double(search.end - search.begin - 1);
    auto look = [&](double first, double length) {
        const double low = double(search.begin) - 1;
        if (first < low || length < length_min || first > double(search.end)) return;
        // A ramp ends within the stretch; a curve has levelled to some degree by its end.
        const double room = double(search.end) - 1 - first;
        if (length > (kind == ChangeKind::ramp ? room + 0.5 : room)) return;
        search.look_at({kind, first, length});
    };
    for (int i = 0; i < coarse; ++i)
        for (int j = 1; j <= coarse; ++j)
            look(double(search.begin) - 1 + span * i / coarse,
                 kind == ChangeKind::ramp ? (span + 1) * j / coarse
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

Trend trend_of(const Shape& shape, const Fit& fit, std::size_t begin, std::size_t end) {
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
    std::optional<Trend> chosen;
    for (const ChangeKind kind : {ChangeKind::ramp, ChangeKind::saturate}) {
        Search search{thinned, 0, thinned.size(), rho_thinned, variance_thinned};
        search_kind(search, kind);
        if (!search.any) continue;
        Shape shape = search.best_shape;
        shape.first = double(begin) + shape.first * double(stride);
        shape.length *= double(stride);
        const Fit fit = fit_shape(values, begin, end, rho, variance, shape);
        if (!chosen || fit.price < chosen->price) chosen = trend_of(shape, fit, begin, end);
    }
    return chosen;
}

}  // namespace peakward::analysis
