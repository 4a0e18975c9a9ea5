#include "store/rows.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/device.hpp"
#include "core/json.hpp"
#include "core/records_json.hpp"
#include "core/sha256.hpp"
#include "core/text.hpp"
#include "store/point_rows.hpp"

namespace peakward::store {

const std::vector<const char*> measurement_columns = {"outcome",
                                                      "reason",
                                                      "exit",
                                                      "samples",
                                                      "dropped_preempted",
                                                      "dropped_throttled",
                                                      "dropped_core_shared",
                                                      "implementation",
                                                      "device_used",
                                                      "flags"};
const std::vector<const char*> value_columns = {"metric", "value", "unit", "ci_low", "ci_high"};

std::span<const IndexTable> run_tables() {
    static const std::vector<IndexTable> tables = {
        {"run_facts",
         {"peakward_version",
          "wall_s",
          "preflight_verdict",
          "cases",
          "measured",
          "best_gops",
          "best_precision",
          "stream_best_gbps",
          "flags",
          "cpu_model",
          "cpu_vendor",
          "cpu_stepping",
          "cpu_microcode",
          "cpu_cores_physical",
          "cpu_cores_logical",
          "memory_total_gb",
          "stack_digest",
          "power_mode",
          "cpu_governor",
          "thermal_state",
          "virtualization"}},
        {"gpus", {"position", "vendor", "model", "pci_id", "vbios", "memory_mb", "driver"}},
        {"components", {"name", "version", "reason"}},
        {"scores",
         {"position", "device", "backend", "precision", "gpu", "stream_best_gbps", "blas3_gops",
          "peak_measured_gops", "peak_operation", "theoretical_peak_gops", "theoretical_peak_kind",
          "theoretical_bandwidth_gbps", "theoretical_bandwidth_kind", "efficiency",
          "bandwidth_efficiency", "flags"}},
        {"run_products", {"device", "product", "spec_version", "confidence", "power_mode"}},
    };
    return tables;
}

namespace {

Value null() { return std::monostate{}; }
Value number(std::int64_t value) { return value; }
Value number(double value) { return std::isfinite(value) ? Value(value) : null(); }
Value word(std::string_view text) { return std::string(text); }

Value number(const std::optional<double>& value) { return value ? number(*value) : null(); }
Value number(const Fact<double>& fact) { return fact ? number(*fact) : null(); }
Value number(const Fact<int>& fact) { return fact ? number(std::int64_t{*fact}) : null(); }
Value word(const Fact<std::string>& fact) { return fact ? Value(*fact) : null(); }
Value words(const std::vector<std::string>& list) { return canonical_json(Json(list)); }

Row facts_row(const Run& run) {
    std::optional<double> best_gops, stream_best;
    Value best_precision = null();
    for (const Score& score : run.results) {
        if (score.peak_measured_gops && (!best_gops || *score.peak_measured_gops > *best_gops)) {
            best_gops = score.peak_measured_gops;
            best_precision = score.precision;
        }
        if (score.stream_best_gbps && (!stream_best || *score.stream_best_gbps > *stream_best))
            stream_best = score.stream_best_gbps;
    }
    const auto measured =
        std::count_if(run.measurements.begin(), run.measurements.end(),
                      [](const Measurement& m) { return m.outcome == Outcome::measured; });
    const CpuInfo& cpu = run.context.hardware.cpu;
    const Environment& environment = run.context.environment;
    return {word(run.peakward_version),
            number(run.wall_s),
            word(to_string(run.preflight.verdict)),
            number(std::int64_t(run.measurements.size())),
            number(std::int64_t{measured}),
            number(best_gops),
            best_precision,
            number(stream_best),
            words(run.flags),
            word(cpu.model),
            word(cpu.vendor),
            number(cpu.stepping),
            word(cpu.microcode),
            number(cpu.cores_physical),
            number(cpu.cores_logical),
            number(run.context.hardware.memory.total_gb),
            word(run.context.software.stack_digest),
            word(environment.power_mode),
            word(environment.cpu_governor),
            word(environment.thermal_state),
            word(environment.virtualization)};
}

std::vector<Row> gpu_rows(const Run& run) {
    std::vector<Row> rows;
    for (const GpuInfo& gpu : run.context.hardware.gpus)
        rows.push_back({number(std::int64_t(rows.size())), word(gpu.vendor), word(gpu.model),
                        word(gpu.pci_id), word(gpu.vbios), number(gpu.memory_mb),
                        word(gpu.driver)});
    return rows;
}

std::vector<Row> component_rows(const Run& run) {
    std::vector<Row> rows;  // std::map: ascending by name, as the primary key
    for (const auto& [name, version] : run.context.software.components)
        rows.push_back({word(name), word(version), version ? null() : word(version.reason())});
    return rows;
}

// The row of gpus a score belongs to; for the CPU the host's first GPU, as seed 000 shows one GPU
// per run.
Value gpu_of(const std::string& device, const std::vector<GpuInfo>& gpus) {
    if (device == "cpu") return gpus.empty() ? null() : number(std::int64_t{0});
    const auto index = gpu_index(gpus, device);
    return index ? number(static_cast<std::int64_t>(*index)) : null();
}

Value peak_value(const Peak& peak) {
    return peak.kind == PeakKind::unknown ? null() : number(peak.value);
}

std::vector<Row> score_rows(const Run& run) {
    std::vector<Row> rows;
    for (const Score& score : run.results)
        rows.push_back({number(std::int64_t(rows.size())), word(score.device), word(score.backend),
                        word(score.precision), gpu_of(score.device, run.context.hardware.gpus),
                        number(score.stream_best_gbps), number(score.blas3_gops),
                        number(score.peak_measured_gops), word(score.peak_operation),
                        peak_value(score.theoretical_peak),
                        word(to_string(score.theoretical_peak.kind)),
                        peak_value(score.theoretical_bandwidth),
                        word(to_string(score.theoretical_bandwidth.kind)), number(score.efficiency),
                        number(score.bandwidth_efficiency), words(score.flags)});
    return rows;
}

// At most one for each device (records.hpp); of two the first.
std::vector<Row> product_rows(const Run& run) {
    std::map<std::string, const MatchedProduct*> by_device;
    for (const MatchedProduct& product : run.products) by_device.emplace(product.device, &product);
    std::vector<Row> rows;
    for (const auto& [device, product] : by_device)
        rows.push_back({word(device), word(product->product),
                        number(std::int64_t{product->spec_version}),
                        std::isfinite(product->confidence) ? product->confidence : 0.0,
                        word(product->power_mode)});
    return rows;
}

// Rates carry the interval of the time they are made of: the shortest time gives the highest rate.
std::vector<Row> value_rows(const Measurement& measurement) {
    std::vector<Row> rows;
    const Statistics& s = measurement.statistics;
    const bool encloses = s.median_s > 0 && s.ci_low_s > 0 && s.ci_high_s > 0;
    auto add = [&](const char* metric, std::optional<double> value, const char* unit) {
        if (value && std::isfinite(*value))
            rows.push_back({word(metric), number(*value), word(unit), null(), null()});
    };
    auto add_rate = [&](const char* metric, std::optional<double> rate, const char* unit) {
        if (!rate || !std::isfinite(*rate)) return;
        rows.push_back({word(metric), number(*rate), word(unit),
                        encloses ? number(*rate * (s.median_s / s.ci_high_s)) : null(),
                        encloses ? number(*rate * (s.median_s / s.ci_low_s)) : null()});
    };
    auto positive = [](double value) {
        return value > 0 ? std::optional<double>(value) : std::nullopt;
    };
    // In ascending order of the metric's name, as the primary key.
    add_rate("bus_gbps", measurement.bus_gbps, "GB/s");
    add("clock_hz", positive(measurement.clock_hz), "Hz");
    add_rate("gbps", measurement.gbps, "GB/s");
    add_rate("gops", measurement.gops, "GOP/s");
    add_rate("gops_at_nominal_clock", measurement.gops_at_nominal_clock, "GOP/s");
    add("mean_s", measurement.mean_s, "s");
    if (encloses)
        rows.push_back({word("median_s"), number(s.median_s), word("s"), number(s.ci_low_s),
                        number(s.ci_high_s)});
    else
        add("median_s", positive(s.median_s), "s");
    add("min_s", positive(s.min_s), "s");
    add("operations_per_cycle", measurement.operations_per_cycle, "op/cycle");
    add("power_w", measurement.power_w, "W");
    add("temperature_c", measurement.temperature_c, "C");
    return rows;
}

Row measurement_row(const Measurement& m) {
    return {word(to_string(m.outcome)),
            word(m.reason),
            word(to_string(m.statistics.exit)),
            number(std::int64_t{m.statistics.kept}),
            number(std::int64_t{m.statistics.dropped_preempted}),
            number(std::int64_t{m.statistics.dropped_throttled}),
            number(std::int64_t{m.statistics.dropped_core_shared}),
            word(m.implementation),
            word(m.device_used),
            words(m.flags)};
}

}  // namespace

std::string series_key(const Run& run, const Measurement& measurement) {
    const Fact<std::string>& power_mode = run.context.environment.power_mode;
    const std::string definition = is_imported_suite(run.suite)
                                       ? run.suite
                                       : fmt::format("{}/{}", measurement.what.operation,
                                                     measurement.definition_version.value_or(1));
    return canonical_json(Json{{"case", to_json(measurement.what)},
                               {"definition", definition},
                               {"install", run.context.install},
                               {"lineage", run.context.hardware.lineage},
                               {"power_mode", power_mode ? Json(*power_mode) : Json(nullptr)}});
}

std::string score_series_key(const Run& run, const Score& score) {
    const Fact<std::string>& power_mode = run.context.environment.power_mode;
    return canonical_json(Json{{"backend", score.backend},
                               {"device", score.device},
                               {"install", run.context.install},
                               {"lineage", run.context.hardware.lineage},
                               {"power_mode", power_mode ? Json(*power_mode) : Json(nullptr)},
                               {"precision", score.precision},
                               {"suite", run.suite}});
}

RunRows rows_of(const Run& run) {
    RunRows rows;
    rows.origin = {run.context.hardware.lineage,
                   run.context.hardware.fingerprint,
                   run.context.install,
                   run.context.software.fingerprint,
                   run.context.software.stack_digest,
                   run.timestamp_unix,
                   std::int64_t(run.measurements.size())};
    rows.tables = {
        {facts_row(run)}, gpu_rows(run), component_rows(run), score_rows(run), product_rows(run)};
    for (const Measurement& measurement : run.measurements) {
        std::string key = series_key(run, measurement);
        std::string sha256 = sha256_hex(key);
        std::vector<Row> values = value_rows(measurement);
        auto point = point_of(run, measurement, values);
        rows.measurements.push_back({std::move(key), std::move(sha256),
                                     measurement_row(measurement), std::move(values),
                                     std::move(point)});
    }
    const ScorePoints points(run);
    for (const Score& score : run.results) {
        std::string key = score_series_key(run, score);
        std::string sha256 = sha256_hex(key);
        rows.scores.push_back({std::move(key), std::move(sha256), points.point_of(score)});
    }
    return rows;
}

}  // namespace peakward::store
