#include "store/point_rows.hpp"

#include <algorithm>
#include <cmath>

#include "catalog/catalog.hpp"

namespace peakward::store {
namespace {

using catalog::OperationClass;

std::uint16_t doubts_of(const std::vector<std::string>& flags) {
    unsigned doubts = 0;
    for (const std::string& flag : flags) doubts |= doubt_of_flag(flag);
    return std::uint16_t(doubts);
}

double number_or_nan(const Value& value) {
    const auto* real = std::get_if<double>(&value);
    return real ? *real : no_number;
}

OperationClass class_of(const Measurement& m) {
    const auto* operation = catalog::find_operation(m.what.operation);
    return operation ? operation->kind : OperationClass::probe;
}

bool encloses_median(const Statistics& s) {
    return s.median_s > 0 && s.ci_low_s > 0 && s.ci_high_s > 0;
}

}  // namespace

std::optional<PointRow> point_of(const Run& run, const Measurement& measurement,
                                 const std::vector<Row>& values) {
    if (measurement.outcome == Outcome::unsupported) return std::nullopt;
    PointRow point;
    point.doubts = std::uint16_t(doubts_of(run.flags) | doubts_of(measurement.flags));
    if (measurement.outcome == Outcome::contended) point.doubts |= doubt_contended;
    if (measurement.outcome != Outcome::measured && measurement.outcome != Outcome::contended)
        return point;
    for (const Row& row : values)
        if (const auto* value = std::get_if<double>(&row[1]))
            point.figures.push_back({std::get<std::string>(row[0]), std::get<std::string>(row[2]),
                                     *value, number_or_nan(row[3]), number_or_nan(row[4]), 0});
    return point;
}

bool is_score_metric(std::string_view metric) {
    static constexpr std::string_view metrics[] = {"bandwidth_efficiency", "blas3_gops",
                                                   "efficiency", "peak_measured_gops",
                                                   "stream_best_gbps"};
    return std::find(std::begin(metrics), std::end(metrics), metric) != std::end(metrics);
}

// A rate of a score, and where it comes from.
struct ScorePoints::Rate {
    std::optional<double> value;
    bool is_bandwidth = false;
    std::vector<OperationClass> classes;  // that it is the best of
    std::string operation = {};           // the same, where the run tells

    bool may_be_of(const Measurement& m) const {
        return m.what.operation == operation ||
               std::find(classes.begin(), classes.end(), class_of(m)) != classes.end();
    }
};

ScorePoints::ScorePoints(const Run& run) : run_(run) {
    for (const Measurement& m : run.measurements) {
        const Place place(m.what.device, m.what.backend, m.what.precision);
        const Place any_precision(m.what.device, m.what.backend, "");
        const bool is_of_memory = class_of(m) == OperationClass::memory;
        if (m.outcome == Outcome::contended) {
            contended_[place].push_back(&m);
            contended_devices_.insert(any_precision);
            if (is_of_memory) contended_memories_.insert(any_precision);
        }
        if (m.outcome != Outcome::measured || !encloses_median(m.statistics)) continue;
        if (m.gops && std::isfinite(*m.gops)) rates_[{place, *m.gops}].push_back(&m);
        if (is_of_memory && m.gbps && std::isfinite(*m.gbps))
            bandwidths_[{any_precision, *m.gbps}].push_back(&m);
    }
}

// Bounds as factors of the rate: the shortest time gives the highest rate.
std::pair<double, double> ScorePoints::interval_of(const Score& score, const Rate& rate) const {
    if (!rate.value || !std::isfinite(*rate.value)) return {no_number, no_number};
    const Place place(score.device, score.backend, rate.is_bandwidth ? "" : score.precision);
    const auto& sources = rate.is_bandwidth ? bandwidths_ : rates_;
    const auto source = sources.find({place, *rate.value});
    if (source == sources.end()) return {no_number, no_number};
    for (const Measurement* m : source->second) {
        if (!rate.is_bandwidth && !rate.may_be_of(*m)) continue;
        const Statistics& s = m->statistics;
        return {s.median_s / s.ci_high_s, s.median_s / s.ci_low_s};
    }
    return {no_number, no_number};
}

// The flag says that some case of the row was contended. Where the run shows which, only the rates
// that could have been that case's are in doubt.
bool ScorePoints::is_contended(const Score& score, const Rate& rate) const {
    if (std::find(score.flags.begin(), score.flags.end(), "contended") == score.flags.end())
        return false;
    const Place any_precision(score.device, score.backend, "");
    if (!contended_devices_.contains(any_precision)) return true;
    if (rate.is_bandwidth) return contended_memories_.contains(any_precision);
    const auto cases = contended_.find({score.device, score.backend, score.precision});
    return cases != contended_.end() &&
           std::any_of(cases->second.begin(), cases->second.end(),
                       [&](const Measurement* m) { return rate.may_be_of(*m); });
}

PointRow ScorePoints::point_of(const Score& score) const {
    const Rate blas3{score.blas3_gops, false, {OperationClass::blas3}};
    const Rate stream{score.stream_best_gbps, true, {OperationClass::memory}};
    Rate peak{
        score.peak_measured_gops, false, {OperationClass::compute_peak}, score.peak_operation};
    const auto* operation = catalog::find_operation(score.peak_operation);
    if (!operation || operation->kind != OperationClass::compute_peak)
        peak.classes.push_back(OperationClass::blas3);
    PointRow point;
    point.doubts = std::uint16_t((doubts_of(run_.flags) | doubts_of(score.flags)) &
                                 ~unsigned{doubt_contended});
    if (doubts_of(run_.flags) & doubt_contended) point.doubts |= doubt_contended;
    const auto add = [&](const char* metric, const char* unit, std::optional<double> value,
                         const Rate& rate) {
        if (!value || !std::isfinite(*value)) return;
        const auto [low, high] = interval_of(score, rate);
        const bool contended = is_contended(score, rate);
        point.figures.push_back({metric, unit, *value, *value * low, *value * high,
                                 contended ? std::uint16_t{doubt_contended} : std::uint16_t{0}});
    };
    add("bandwidth_efficiency", "ratio", score.bandwidth_efficiency, stream);
    add("blas3_gops", "GOP/s", score.blas3_gops, blas3);
    add("efficiency", "ratio", score.efficiency, peak);
    add("peak_measured_gops", "GOP/s", score.peak_measured_gops, peak);
    add("stream_best_gbps", "GB/s", score.stream_best_gbps, stream);
    return point;
}

}  // namespace peakward::store
