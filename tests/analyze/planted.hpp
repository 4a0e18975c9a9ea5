// Series whose truth is known, because it was planted: a seeded generator for tests and benches.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "core/series.hpp"

namespace peakward::planted {

// Gaussian noise that is the same with every standard library.
class Gaussian {
public:
    explicit Gaussian(std::uint64_t seed) : random_(seed) {}
    double operator()() {
        const double u = (static_cast<double>(random_() >> 11) + 0.5) / 9007199254740992.0;
        const double v = static_cast<double>(random_() >> 11) / 9007199254740992.0;
        return std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * v);
    }
    double uniform() { return static_cast<double>(random_() >> 11) / 9007199254740992.0; }

private:
    std::mt19937_64 random_;
};

// Runs of one software stack.
struct Stretch {
    int runs = 1;
    double level = 1000;
};

inline SeriesKey key(const std::string& backend = "blas", const std::string& precision = "fp32") {
    SeriesKey k;
    k.install = "install-a";
    k.lineage = "1111222233334444";
    k.power_mode = "performance";
    k.definition = k.suite = "quick/1";
    k.device = "cpu";
    k.backend = backend;
    k.precision = precision;
    k.metric = "peak_measured_gops";
    k.unit = "GOP/s";
    return k;
}

inline void add(Series& series, double value, int stack, std::uint16_t doubts = 0) {
    SeriesPoint point;
    point.seq = static_cast<std::int64_t>(series.points.size()) + 1;
    point.time_unix = 1'700'000'000 + point.seq * 86'400;
    point.value = value;
    point.ci_low = point.ci_high = std::nan("");
    point.stack = stack;
    point.doubts = doubts;
    series.points.push_back(point);
}

// One stack a stretch, relative Gaussian noise.
inline Series series(const std::vector<Stretch>& stretches, double noise, std::uint64_t seed,
                     SeriesKey k = key()) {
    Gaussian gaussian(seed);
    Series made;
    made.key = std::move(k);
    int stack = 0;
    for (const Stretch& stretch : stretches) {
        for (int i = 0; i < stretch.runs; ++i)
            add(made, stretch.level * (1 + noise * gaussian()), stack);
        ++stack;
    }
    return made;
}

}  // namespace peakward::planted
