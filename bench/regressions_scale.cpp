// Verdicts over many series: time, what was found of what was planted, and false alarms. One series
// in fifty drops by 5 % at its last update; noises differ 20-fold. Usage: regressions_scale [SERIES
// [POINTS [THREADS [SEED]]]].
#include <chrono>
#include <cstdlib>
#include <vector>

#include "analyze/planted.hpp"
#include "analyze/regressions.hpp"
#include "core/text.hpp"

namespace peakward {
namespace {

constexpr std::size_t planted_every = 50;
constexpr int runs_of_a_stack = 12;

Series make_series(std::size_t number, int points, std::uint64_t seed) {
    planted::Gaussian random(seed * 1'000'003 + number);
    const double noise = 0.001 * std::exp(std::log(20.0) * random.uniform());
    const bool drops = number % planted_every == 0;
    Series series;
    series.key = planted::key("backend" + std::to_string(number % 8), number % 2 ? "fp32" : "fp64");
    series.key.operation = "gemm";
    series.key.kind = SeriesKind::measurement;
    series.key.metric = "gops";
    series.key.shape = {{"m", static_cast<std::int64_t>(number)}};
    for (int i = 0; i < points; ++i) {
        const bool after = drops && i >= points - runs_of_a_stack / 2;
        const double level = after ? 950 : 1000;
        planted::add(series, level * (1 + noise * random()),
                     (i + runs_of_a_stack / 2) / runs_of_a_stack);
    }
    return series;
}

int run(std::size_t count, int points, int threads, std::uint64_t seed) {
    std::vector<Series> series;
    std::vector<const Series*> pointers;
    for (std::size_t i = 0; i < count; ++i) series.push_back(make_series(i, points, seed));
    for (const Series& s : series) pointers.push_back(&s);
    RegressionOptions options;
    options.threads = threads;
    const auto began = std::chrono::steady_clock::now();
    const RegressionReport report = find_regressions(pointers, options);
    const double took_s =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    std::size_t hits = 0, confirmed = 0, alarms = 0, alarms_confirmed = 0;
    for (const Regression& r : report.regressions) {
        const bool is_planted = r.series % planted_every == 0;
        const bool sure = r.status == RegressionStatus::confirmed;
        (is_planted ? hits : alarms) += 1;
        (is_planted ? confirmed : alarms_confirmed) += sure ? 1 : 0;
    }
    const std::size_t planted_count = (count + planted_every - 1) / planted_every;
    fmt::print("{} series of {} points in {:.2f} s ({:.3f} ms a series)\n", count, points, took_s,
               1e3 * took_s / static_cast<double>(count));
    fmt::print("planted {}: found {}, of them confirmed {}\n", planted_count, hits, confirmed);
    fmt::print("not planted {}: suspected or confirmed {}, of them confirmed {}\n",
               count - planted_count, alarms, alarms_confirmed);
    return 0;
}

}  // namespace
}  // namespace peakward

int main(int argc, char** argv) {
    const auto number = [&](int place, long long usual) {
        return argc > place ? std::atoll(argv[place]) : usual;
    };
    return peakward::run(static_cast<std::size_t>(number(1, 10'000)),
                         static_cast<int>(number(2, 365)), static_cast<int>(number(3, 0)),
                         static_cast<std::uint64_t>(number(4, 20261127)));
}
