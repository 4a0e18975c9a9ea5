#include "analyze/pooled_noise.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "analyze/noise.hpp"

namespace peakward {
namespace {

// Fewer than three repeats are not one's own noise (METHODS 3.1): two runs have one difference.
constexpr double freedom_own_min = 2;
// A scale of residuals is trusted to name outliers from here on.
constexpr std::size_t residuals_for_outliers = 8;
constexpr double outlier_sigmas = 3;
// Below this two runs are equal for every purpose; keeps a series that repeats to the last digit
// from claiming infinite certainty.
constexpr double sigma_floor = 1e-4;
// How much series differ is a spread, and takes some series to see.
constexpr std::size_t series_for_prior = 4;
// With fewer, similar series are believed no more than this.
constexpr double prior_freedom_few = 3;
constexpr double prior_freedom_max = 100;

// What repeats of one machine usually scatter by, relative. METHODS 3.1 saw bandwidths repeat to
// 0.1 to 3 % and clean products within that range: 1 % is its middle on a logarithmic scale,
// rounded up. Times of single cases and sensors scatter more.
struct UsualNoise {
    const char* metric;  // "": any other
    double sigma;
};
constexpr std::array<UsualNoise, 8> usual_noise{{{"peak_measured_gops", 0.01},
                                                 {"blas3_gops", 0.01},
                                                 {"stream_best_gbps", 0.01},
                                                 {"efficiency", 0.01},
                                                 {"bandwidth_efficiency", 0.01},
                                                 {"gops", 0.015},
                                                 {"gbps", 0.015},
                                                 {"", 0.03}}};
// Equal machines. GPUs of one kind differ by 8 % on average between the best and the worst of a
// cluster (Sinha et al., Not All GPUs Are Created Equal, SC22, arXiv 2208.11035): taken as four
// standard deviations. For other devices half of it, as no figure was found; power management is
// the cause that the paper names, and a CPU has it too.
constexpr double usual_install_sigma_gpu = 0.02;
constexpr double usual_install_sigma = 0.01;

// Derivatives of log gamma, by recurrence to x >= 6 and the asymptotic series.
double digamma(double x) {
    double sum = 0;
    for (; x < 6; x += 1) sum -= 1 / x;
    const double y = 1 / (x * x);
    return sum + std::log(x) - 0.5 / x -
           y * (1.0 / 12 - y * (1.0 / 120 - y * (1.0 / 252 - y / 240)));
}

double trigamma(double x) {
    double sum = 0;
    for (; x < 6; x += 1) sum += 1 / (x * x);
    const double y = 1 / (x * x);
    return sum + 1 / x + y / 2 + y / x * (1.0 / 6 - y * (1.0 / 30 - y * (1.0 / 42 - y / 30)));
}

// trigamma falls from infinity to 0: by bisection over the logarithm.
double inverse_trigamma(double value) {
    double low = 1e-3, high = 1e4;
    for (int i = 0; i < 60; ++i) {
        const double middle = std::sqrt(low * high);
        (trigamma(middle) > value ? low : high) = middle;
    }
    return std::sqrt(low * high);
}

std::string device_kind(const std::string& device) { return device.substr(0, device.find(':')); }

// What series of a group share, from the closest kin to the widest.
constexpr std::array<const char*, 4> kinships{"metric, device, backend, precision and operation",
                                              "metric, device, backend and precision",
                                              "metric and device", "metric"};

std::string group_of(const SeriesKey& key, std::size_t kinship) {
    std::string group = key.metric;
    if (kinship <= 2) group += "|" + device_kind(key.device);
    if (kinship <= 1) group += "|" + key.backend + "|" + key.precision;
    if (kinship == 0) group += "|" + key.operation;
    return group;
}

// The noise that a series of a group has before its own repeats are looked at.
struct Prior {
    double variance = 0;
    double freedom = 0;  // how much series of the group agree; 0: nothing is known
    std::size_t series = 0;
};

Prior prior_of(const std::vector<Repeats>& members) {
    Prior prior;
    double weight = 0, mean = 0, expected = 0;
    std::vector<double> logs;
    for (const Repeats& member : members) {
        const double half = member.freedom / 2;
        logs.push_back(std::log(std::max(member.variance, sigma_floor * sigma_floor)) -
                       digamma(half) + std::log(half));
        mean += logs.back() * member.freedom;
        weight += member.freedom;
    }
    prior.series = members.size();
    if (weight <= 0) return prior;
    mean /= weight;
    double spread = 0;
    for (std::size_t i = 0; i < logs.size(); ++i) {
        spread += members[i].freedom * (logs[i] - mean) * (logs[i] - mean);
        expected += members[i].freedom * trigamma(members[i].freedom / 2);
    }
    const auto n = static_cast<double>(logs.size());
    if (logs.size() < series_for_prior) {
        prior.freedom = std::min(prior_freedom_few, weight);
        prior.variance = std::exp(mean);
        return prior;
    }
    const double excess = (spread * n / (n - 1) - expected) / weight;
    prior.freedom = prior_freedom_max;
    if (excess > 0) prior.freedom = std::min(2 * inverse_trigamma(excess), prior_freedom_max);
    const double half = prior.freedom / 2;
    prior.variance = std::exp(mean + digamma(half) - std::log(half));
    return prior;
}

NoiseUsed used(const Repeats& own, const Prior& prior, const char* kinship) {
    NoiseUsed noise;
    const bool few = own.freedom < freedom_own_min;
    noise.repeats = own.freedom > 0 ? static_cast<int>(std::lround(own.freedom)) + 1 : 0;
    // With own repeats, relatives count only when there are enough to know how alike they are.
    const bool believe = few || prior.series >= series_for_prior;
    const double prior_freedom = believe ? prior.freedom : 0;
    noise.freedom = own.freedom + prior_freedom;
    if (noise.freedom <= 0) return noise;
    const double variance =
        (own.freedom * own.variance + prior_freedom * prior.variance) / noise.freedom;
    noise.sigma = std::max(std::sqrt(variance), sigma_floor);
    noise.source = few && prior_freedom > 0 ? NoiseSource::pooled : NoiseSource::own;
    if (prior_freedom > 0) {
        noise.similar = prior.series;
        noise.similar_by = kinship;
    }
    return noise;
}

}  // namespace

std::string_view to_string(NoiseSource source) {
    switch (source) {
        case NoiseSource::own:
            return "own";
        case NoiseSource::pooled:
            return "pooled";
        case NoiseSource::around_level:
            return "around_level";
        case NoiseSource::table:
            return "table";
        case NoiseSource::unknown:
            return "unknown";
    }
    return "";
}

NoiseUsed table_noise(const SeriesKey& key) {
    NoiseUsed noise;
    noise.source = NoiseSource::table;
    noise.freedom = table_freedom;
    const auto* row =
        std::find_if(usual_noise.begin(), usual_noise.end() - 1,
                     [&](const UsualNoise& usual) { return key.metric == usual.metric; });
    noise.sigma = row->sigma;
    return noise;
}

double table_install_sigma(const SeriesKey& key) {
    return device_kind(key.device) == "cpu" ? usual_install_sigma : usual_install_sigma_gpu;
}

Repeats learn_repeats(std::span<const std::vector<double>> blocks) {
    Repeats repeats;
    std::vector<double> residuals;
    for (const std::vector<double>& block : blocks) {
        if (block.size() < 2) continue;
        // The mean of a short block; the median where one bad run would drag the mean.
        double level = 0;
        if (block.size() >= 5) {
            level = analysis::median_of(block);
        } else {
            for (const double value : block) level += value;
            level /= static_cast<double>(block.size());
        }
        for (const double value : block) residuals.push_back(value - level);
        repeats.freedom += static_cast<double>(block.size()) - 1;
    }
    if (repeats.freedom <= 0) return repeats;
    double limit = HUGE_VAL;
    if (residuals.size() >= residuals_for_outliers) {
        std::vector<double> sizes_of;
        sizes_of.reserve(residuals.size());
        for (const double residual : residuals) sizes_of.push_back(std::abs(residual));
        const double scale = analysis::mad_to_sigma * analysis::median_of(std::move(sizes_of));
        if (scale > 0) limit = outlier_sigmas * scale;
    }
    double squares = 0;
    for (const double residual : residuals) {
        const double size = std::min(std::abs(residual), limit);
        squares += size * size;
    }
    repeats.variance = squares / repeats.freedom;
    return repeats;
}

std::vector<NoiseUsed> pool_noise(std::span<const SeriesKey* const> keys,
                                  std::span<const Repeats> repeats) {
    std::array<std::map<std::string, std::vector<Repeats>>, kinships.size()> groups;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        if (repeats[i].freedom <= 0) continue;
        for (std::size_t k = 0; k < kinships.size(); ++k)
            groups[k][group_of(*keys[i], k)].push_back(repeats[i]);
    }
    std::array<std::map<std::string, Prior>, kinships.size()> priors;
    for (std::size_t k = 0; k < kinships.size(); ++k)
        for (const auto& [group, members] : groups[k]) priors[k][group] = prior_of(members);

    std::vector<NoiseUsed> noises;
    noises.reserve(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
        Prior best;
        const char* kinship = "";
        for (std::size_t k = 0; k < kinships.size() && best.series < series_for_prior; ++k) {
            const auto prior = priors[k].find(group_of(*keys[i], k));
            if (prior == priors[k].end() || prior->second.series <= best.series) continue;
            best = prior->second;
            kinship = kinships[k];
        }
        // A series is no relative of its own.
        if (best.series == 1 && repeats[i].freedom > 0) best = {};
        noises.push_back(used(repeats[i], best, kinship));
    }
    return noises;
}

}  // namespace peakward
