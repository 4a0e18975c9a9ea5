#include "analyze/prepared_values.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace peakward::analysis {
namespace {

// Values of ordinary size have a median of about one. A value that lies further out than this is
// an outlier whatever it is, and its square must stay finite.
constexpr double scaled_most = 1e100;

int exponent_of(const std::vector<double>& values) {
    std::vector<double> sizes;
    for (const double v : values)
        if (v != 0) sizes.push_back(std::abs(v));
    if (sizes.empty()) return 0;
    const auto middle = sizes.begin() + std::ptrdiff_t(sizes.size() / 2);
    std::nth_element(sizes.begin(), middle, sizes.end());
    int exponent = 0;
    std::frexp(*middle, &exponent);
    return exponent;
}

double scaled(double value, int exponent) {
    return std::clamp(std::ldexp(value, -exponent), -scaled_most, scaled_most);
}

// One in 2,000 values of a normal distribution is 3.5 sigma out. Where more are, the tails are
// heavy, and what lies nearer is suspect too.
std::vector<bool> mark_outliers(PreparedValues& prepared) {
    constexpr double far = 3.5, far_in_heavy_tails = 2.8;
    constexpr double heavy_share = 0.01;
    constexpr std::ptrdiff_t heavy_count = 3;
    const auto& values = prepared.values;
    const double sigma = std::max(spread_of_differences(values).sigma, resolution);
    auto outliers = outliers_of(values, far * sigma);
    const auto count = std::count(outliers.begin(), outliers.end(), true);
    const bool heavy = count >= heavy_count && double(count) > heavy_share * double(values.size());
    prepared.far = (heavy ? far_in_heavy_tails : far) * sigma;
    return heavy ? outliers_of(values, prepared.far) : outliers;
}

void drop(PreparedValues& prepared, std::size_t begin, std::size_t end) {
    const auto from = std::ptrdiff_t(begin), to = std::ptrdiff_t(end);
    prepared.values.erase(prepared.values.begin() + from, prepared.values.begin() + to);
    prepared.places.erase(prepared.places.begin() + from, prepared.places.begin() + to);
}

void find_modes_of_series(PreparedValues& prepared) {
    const Modes modes = find_modes(prepared.values);
    if (modes.distance <= resolution || !jumps_between_modes(prepared.values, modes.border)) return;
    prepared.has_modes = true;
    prepared.mode_distance = modes.distance;
}

// Each value of a sum loses half of the last digit of the sum.
double floor_of(std::span<const double> values) {
    double largest = 0;
    for (const double v : values) largest = std::max(largest, std::abs(v));
    return resolution +
           4 * std::numeric_limits<double>::epsilon() * double(values.size()) * largest;
}

// Values that move in quanta, as whole numbers do, may hide noise of up to a part of one. Values
// that hardly ever move tell nothing of quanta.
double quantum_sigma(std::span<const double> values) {
    constexpr double sigma_of_rounding =
        0.2887;  // 1 / sqrt(12): every place within one is as likely
    double quantum = std::numeric_limits<double>::infinity();
    std::size_t moves = 0;
    for (std::size_t t = 1; t < values.size(); ++t) {
        const double move = std::abs(values[t] - values[t - 1]);
        if (move <= resolution) continue;
        quantum = std::min(quantum, move);
        ++moves;
    }
    return moves < moves_least ? 0 : sigma_of_rounding * quantum;
}

// Where values jump, the jumps are the noise and none of them is an outlier.
Spread spread_of_jumps(std::span<const double> values) {
    double squares = 0;
    for (std::size_t t = 1; t < values.size(); ++t)
        squares += (values[t] - values[t - 1]) * (values[t] - values[t - 1]);
    return {std::sqrt(squares / (2 * double(values.size() - 1))), 0};
}

}  // namespace

Spread PreparedValues::at_least(Spread learned) const {
    return learned.sigma > sigma_least ? learned : Spread{sigma_least, 0};
}

double PreparedValues::level_in_unit(double level) const {
    const double sum = level + centre;
    return std::ldexp(std::abs(sum) < resolution ? 0 : sum, exponent);
}

double PreparedValues::size_in_unit(double size) const { return std::ldexp(size, exponent); }

void PreparedValues::set_aside(std::size_t begin, std::size_t end) {
    for (std::size_t t = begin; t < end; ++t) {
        const auto at = std::lower_bound(outliers.begin(), outliers.end(), places[t]);
        outlier_values.insert(outlier_values.begin() + (at - outliers.begin()), values[t]);
        outliers.insert(at, places[t]);
    }
    drop(*this, begin, end);
}

void PreparedValues::take_out(std::size_t begin, std::size_t end, double level, double z) {
    excursions.push_back({places[begin], places[end - 1], level, z});
    drop(*this, begin, end);
}

PreparedValues prepare_values(std::span<const double> values) {
    PreparedValues prepared;
    for (std::size_t i = 0; i < values.size(); ++i)
        if (std::isfinite(values[i])) {
            prepared.values.push_back(values[i]);
            prepared.places.push_back(i);
        }
    if (prepared.values.empty()) return prepared;
    prepared.exponent = exponent_of(prepared.values);
    for (double& v : prepared.values) v = scaled(v, prepared.exponent);
    prepared.centre = median_of(prepared.values);
    for (double& v : prepared.values) v -= prepared.centre;
    prepared.sigma_least = quantum_sigma(prepared.values);
    find_modes_of_series(prepared);
    std::vector<bool> outliers(prepared.size(), false);
    if (!prepared.has_modes) outliers = mark_outliers(prepared);
    std::size_t kept = 0;
    for (std::size_t t = 0; t < outliers.size(); ++t) {
        if (outliers[t]) {
            prepared.outliers.push_back(prepared.places[t]);
            prepared.outlier_values.push_back(prepared.values[t]);
            continue;
        }
        prepared.values[kept] = prepared.values[t];
        prepared.places[kept++] = prepared.places[t];
    }
    prepared.values.resize(kept);
    prepared.places.resize(kept);
    prepared.floor = floor_of(prepared.values);
    prepared.spread = prepared.has_modes ? spread_of_jumps(prepared.values)
                                         : spread_of_differences(prepared.values);
    prepared.sigma_least = std::max(prepared.sigma_least, prepared.floor);
    prepared.spread = prepared.at_least(prepared.spread);
    return prepared;
}

}  // namespace peakward::analysis
