// Series with a known truth, the same on every machine: the generator and the normal deviates are
// our own, because those of the C++ library differ from one to another.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

namespace peakward::test {

class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {}

    double uniform() {  // in (0, 1)
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return (double(state_ >> 11) + 0.5) * 0x1p-53;
    }
    double normal() {
        return std::sqrt(-2 * std::log(uniform())) * std::cos(2 * std::numbers::pi * uniform());
    }
    double exponential(double mean) { return -mean * std::log(uniform()); }

private:
    std::uint64_t state_;
};

enum class NoiseKind { gaussian, autoregressive, outliers, two_modes };

// Around 0, one unit of spread (of the bell without the outliers; of each of two modes).
inline std::vector<double> made_noise(NoiseKind kind, std::size_t points, std::uint64_t seed) {
    Random random(seed);
    std::vector<double> noise;
    double before = random.normal();
    for (std::size_t t = 0; t < points; ++t) {
        double value = random.normal();
        if (kind == NoiseKind::autoregressive)
            value = before = 0.5 * before + std::sqrt(0.75) * value;
        if (kind == NoiseKind::outliers && random.uniform() < 0.03) value += random.exponential(6);
        if (kind == NoiseKind::two_modes && random.uniform() < 0.3) value += 2;
        noise.push_back(value);
    }
    return noise;
}

// A level of 100 with noise of 1 %.
inline std::vector<double> made_series(NoiseKind kind, std::size_t points, std::uint64_t seed) {
    std::vector<double> series = made_noise(kind, points, seed);
    for (double& value : series) value += 100;
    return series;
}

}  // namespace peakward::test
