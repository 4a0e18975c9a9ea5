#include "analyze/newest.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "analyze/noise.hpp"

namespace peakward::analysis {
namespace {

// One value's word for the new level, as logarithm of its likelihood ratio, counts at most this.
constexpr double word_most = 16;

double word_of(const NoiseDensity& density, double v, double shift) {
    constexpr double least = 1e-300;  // where noise is so small that nothing is likely
    const double ratio =
        std::log(std::max(least, density(v - shift))) - std::log(std::max(least, density(v)));
    return std::clamp(ratio, -word_most, word_most);
}

// How likely which word is where there is no new level: cells of `cell` from -word_most on.
constexpr double cell = 0.25;
using Words = std::vector<double>;

Words words_of_noise(const NoiseDensity& density, double shift) {
    constexpr int parts = 512;
    constexpr double sigmas = 8, means = 3;
    const double up = std::abs(shift) + sigmas * density.sigma + means * density.up.mean;
    const double down = std::abs(shift) + sigmas * density.sigma + means * density.down.mean;
    Words words(std::size_t(std::lround(2 * word_most / cell)) + 2);
    const double width = (up + down) / parts;
    for (int i = 0; i < parts; ++i) {
        const double v = -down + (i + 0.5) * width;
        const double place = (word_of(density, v, shift) + word_most) / cell;
        const auto below = std::size_t(place);
        const double part = place - double(below);
        words[below] += (1 - part) * density(v) * width;
        words[below + 1] += part * density(v) * width;
    }
    return words;
}

Words words_of_both(const Words& a, const Words& b) {
    Words both(a.size() + b.size() - 1);
    for (std::size_t i = 0; i < a.size(); ++i)
        for (std::size_t j = 0; j < b.size(); ++j) both[i + j] += a[i] * b[j];
    return both;
}

// The chance of words that sum up to `sum` or more, one like `first` and the others like `other`.
double chance_of_sum(const Words& first, const Words& other, std::size_t count, double sum) {
    Words words = first;
    for (std::size_t i = 2; i < count; ++i) words = words_of_both(words, other);
    // Half of a cell's share lies above its middle, and between the middles it is shared out.
    Words above(other.size() + 1);
    double beyond = 0;
    for (std::size_t j = other.size(); j-- > 0; beyond += other[j])
        above[j] = beyond + other[j] / 2;
    const double needed = (sum + double(count) * word_most) / cell;
    double chance = 0;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const double left = std::max(0.0, needed - double(i));
        const auto below = std::size_t(left);
        if (below + 1 >= above.size()) continue;
        const double part = left - double(below);
        chance += words[i] * ((1 - part) * above[below] + part * above[below + 1]);
    }
    return chance;
}

}  // namespace

double NoiseDensity::operator()(double v) const {
    const double z = v / sigma;
    const double bell = std::exp(-z * z / 2) / (sigma * std::sqrt(2 * std::numbers::pi)) *
                        (1 - up.share - down.share);
    const Tail& tail = v > 0 ? up : down;
    return bell + tail.share * std::exp(-std::abs(v) / tail.mean) / tail.mean;
}

NoiseDensity::Tail tail_of(double count, double excess, double points, double far) {
    // As if more had been seen, as far again. Where none was, there may be some yet: of those that
    // come once in so many values, none is seen with chance exp(-points / usual).
    constexpr double usual = 30;
    const double more = count > 0 ? 1 : std::max(0.005, 0.5 * std::exp(-points / usual));
    constexpr double share_most = 0.2;
    const double mean = (count * excess + more * far) / (count + more);
    const double share = (count + more) / points * std::exp(far / mean);
    return {std::min(share_most, share), mean};
}

double chance_of_newest(std::span<const double> newest, double before, double rho,
                        const NoiseDensity& density) {
    // Noise reaches a ratio of e^4 far more often than any watch could bear.
    constexpr double words_least = 4;
    const double shift = median_of({newest.begin(), newest.end()});
    double words = 0;
    double previous = before;
    for (std::size_t i = 0; i < newest.size(); ++i) {
        words += word_of(density, newest[i] - rho * previous, i == 0 ? shift : (1 - rho) * shift);
        previous = newest[i];
    }
    if (newest.size() < 2 || words < words_least) return 1;
    const Words first = words_of_noise(density, shift);
    const Words other = rho > 0 ? words_of_noise(density, (1 - rho) * shift) : first;
    return std::min(1.0, 2 * chance_of_sum(first, other, newest.size(), words));
}

}  // namespace peakward::analysis
