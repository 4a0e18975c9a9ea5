// Do forecast intervals hold what they say? Generated maturity curves (several shapes, noises,
// stack counts) are cut at some day; the share of later runs inside the 80 % interval is printed.
// The generator knows nothing of the fit's priors. Usage: forecast_coverage [SEED [CURVES]].
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "analyze/forecast.hpp"
#include "analyze/planted.hpp"
#include "core/text.hpp"

namespace peakward {
namespace {

struct Curve {
    std::string shape;
    std::vector<ForecastPoint> points;
};

// The level at a share of the whole time, 0 to 1 of the way from start to plateau.
double progress(int shape, double time, double tau) {
    switch (shape) {
        case 0:
            return 1 - std::exp(-time / tau);
        case 1:
            return time / (time + tau);
        case 2:
            return std::tanh(time / (1.5 * tau));
        default:
            return 1 - std::pow(1 + time / (3 * tau), -3.0);
    }
}

Curve make_curve(std::uint64_t seed) {
    static const std::vector<std::string> shapes{"exponential", "hyperbolic", "tanh", "power"};
    planted::Gaussian random(seed);
    const auto between = [&](double low, double high) {
        return low + (high - low) * random.uniform();
    };
    const int shape = std::min(3, static_cast<int>(4 * random.uniform()));
    const double start = between(0.35, 0.65), plateau = between(start + 0.12, 0.97);
    const double tau = between(40, 240);
    const double noise = std::exp(between(std::log(0.002), std::log(0.015)));
    const double jump = std::exp(between(std::log(0.001), std::log(0.02)));
    const int stacks = 10 + static_cast<int>(20 * random.uniform());
    const int runs_each = 1 + static_cast<int>(4 * random.uniform());
    const double every_days = between(10, 35);
    Curve curve;
    curve.shape = shapes[static_cast<std::size_t>(shape)];
    double time = 0;
    for (int stack = 0; stack < stacks; ++stack) {
        const double level =
            start + (plateau - start) * progress(shape, time, tau) + jump * random();
        const double days = every_days * between(0.5, 1.5);
        for (int run = 0; run < runs_each; ++run)
            curve.points.push_back(
                {time + days * run / runs_each, level + noise * random(), stack});
        time += days;
    }
    return curve;
}

struct Tally {
    int inside = 0, runs = 0;
    double width = 0;
    void add(bool is_inside, double interval_width) {
        inside += is_inside ? 1 : 0;
        ++runs;
        width += interval_width;
    }
    void print(const std::string& name) const {
        if (runs == 0) return;
        fmt::print("{:<34} {:6.1f} % of {:6} runs   mean width {:.3f}\n", name,
                   100.0 * inside / runs, runs, width / runs);
    }
};

// Runs after a cut, by how far ahead they lie in units of the time before it.
void look(const Curve& curve, std::size_t end, Tally& all, Tally& near_ones, Tally& far_ones,
          Tally& of_shape) {
    ForecastOptions options;
    options.value_max = 1.02;
    options.back_test = false;
    const std::span<const ForecastPoint> points(curve.points);
    const Forecast then = forecast(points.first(end), options);
    if (!then.refused.empty()) return;
    for (const ForecastPoint& later : points.subspan(end)) {
        const Interval there = then.run_at(later.time_days);
        const bool inside = later.value >= there.low && later.value <= there.high;
        const double width = there.high - there.low;
        all.add(inside, width);
        of_shape.add(inside, width);
        const double ahead =
            (later.time_days - then.last_days) / (then.last_days - then.first_days);
        (ahead < 0.5 ? near_ones : far_ones).add(inside, width);
    }
}

int run(std::uint64_t seed, int curves) {
    Tally all, near_ones, far_ones;
    std::vector<std::pair<std::string, Tally>> shapes{
        {"exponential", {}}, {"hyperbolic", {}}, {"tanh", {}}, {"power", {}}};
    std::vector<std::pair<std::string, Tally>> cuts{
        {"known: a third of the stacks", {}}, {"known: half", {}}, {"known: two thirds", {}}};
    int refused = 0;
    for (int i = 0; i < curves; ++i) {
        const Curve curve = make_curve(seed * 1'000'003 + static_cast<std::uint64_t>(i));
        auto& of_shape = std::find_if(shapes.begin(), shapes.end(), [&](const auto& entry) {
                             return entry.first == curve.shape;
                         })->second;
        const double shares[] = {1.0 / 3, 1.0 / 2, 2.0 / 3};
        for (std::size_t cut = 0; cut < 3; ++cut) {
            auto end =
                static_cast<std::size_t>(shares[cut] * static_cast<double>(curve.points.size()));
            while (end < curve.points.size() &&
                   curve.points[end].stack == curve.points[end - 1].stack)
                ++end;
            const int before = all.runs;
            Tally part;
            look(curve, end, all, near_ones, far_ones, part);
            refused += all.runs == before ? 1 : 0;
            for (Tally* sum : {&of_shape, &cuts[cut].second}) {
                sum->inside += part.inside;
                sum->runs += part.runs;
                sum->width += part.width;
            }
        }
    }
    fmt::print("80 % intervals over {} generated curves, seed {}; {} of {} forecasts refused\n",
               curves, seed, refused, 3 * curves);
    all.print("all later runs");
    near_ones.print("up to half the known time ahead");
    far_ones.print("further ahead");
    for (const auto& [name, tally] : cuts) tally.print(name);
    for (const auto& [name, tally] : shapes) tally.print("curves: " + name);
    const double share = 100.0 * all.inside / std::max(1, all.runs);
    return share >= 75 && share <= 85 ? 0 : 1;
}

}  // namespace
}  // namespace peakward

int main(int argc, char** argv) {
    const std::uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 20261127;
    const int curves = argc > 2 ? std::atoi(argv[2]) : 300;
    return peakward::run(seed, curves);
}
