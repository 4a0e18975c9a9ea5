#include "catalog/roofline.hpp"

#include <algorithm>

#include "catalog/catalog.hpp"

namespace peakward::catalog {
namespace {

// A theoretical figure comes before a measured one, and the largest of a kind counts.
struct Ceiling {
    double theoretical = 0, measured = 0;

    void add(const Peak& peak, const std::optional<double>& best) {
        if (peak.kind != PeakKind::unknown) theoretical = std::max(theoretical, peak.value);
        measured = std::max(measured, best.value_or(0));
    }
    double value() const { return theoretical > 0 ? theoretical : measured; }
};

std::optional<double> ridge_of(const Run& run, const Case& what) {
    Ceiling compute, memory;
    for (const Score& score : run.results) {
        if (score.device != what.device) continue;
        memory.add(score.theoretical_bandwidth, score.stream_best_gbps);
        if (score.precision == what.precision)
            compute.add(score.theoretical_peak, score.peak_measured_gops);
    }
    if (compute.value() <= 0 || memory.value() <= 0) return std::nullopt;
    return compute.value() / memory.value();
}

}  // namespace

std::optional<double> arithmetic_intensity(const Case& what) {
    const Operation* operation = find_operation(what.operation);
    if (!operation || !find_precision(what.precision)) return std::nullopt;
    if (operation->kind == OperationClass::probe || operation->kind == OperationClass::compute_peak)
        return std::nullopt;
    const double bytes = operation->bytes(what).value();
    if (!(bytes > 0)) return std::nullopt;
    return operation->operations(what).value() / bytes;
}

std::string bound_of(const Run& run, const Case& what) {
    const Operation* operation = find_operation(what.operation);
    if (!operation) return "";
    if (operation->kind == OperationClass::memory) return "memory";
    if (operation->kind == OperationClass::compute_peak) return "compute";
    const auto intensity = arithmetic_intensity(what);
    const auto ridge = ridge_of(run, what);
    if (!intensity || !ridge) return "";
    return *intensity < *ridge ? "memory" : "compute";
}

}  // namespace peakward::catalog
