// operation_profiles of an older profile -> measurements. What an operation is comes from its
// operation_type and parameters; the key of the profile is decoration (`best_precision=`,
// `framework=`) that changes from run to run.
#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

#include "catalog/catalog.hpp"
#include "catalog/older_names.hpp"
#include "core/device.hpp"
#include "core/records_json.hpp"
#include "core/text.hpp"
#include "import/profile_parts.hpp"

namespace peakward::older {
namespace {

// Beyond anything built: one device of 2026 reaches 1e7 GOPS and 1e4 GB/s.
constexpr double gops_max = 1e9, gbps_max = 1e7;
// The older tool divided work by mean time; a file where that does not hold was edited or is of
// another unit.
constexpr double disagreement_max = 0.02;

struct Figures {
    std::optional<double> gops, gbps, mean_ms, deviation_ms, min_ms, max_ms;
    std::int64_t trials = 0;
};

Figures figures_of(const Fields& fields) {
    Figures figures;
    // Both spellings are read (DESIGN 7).
    figures.gops = fields.number("measured_gops");
    if (!figures.gops) figures.gops = fields.number("measured_gflops");
    figures.gbps = fields.number("achieved_bandwidth_gbps");
    figures.mean_ms = fields.number("mean_latency_ms");
    figures.deviation_ms = fields.number("std_latency_ms");
    figures.min_ms = fields.number("min_latency_ms");
    figures.max_ms = fields.number("max_latency_ms");
    figures.trials = fields.whole("num_trials").value_or(0);
    return figures;
}

// The key up to its first `name=`: "matmul" of "matmul_device=cuda_matrix_size=256_small".
std::string type_in_key(const std::string& key) {
    const auto equals = key.find('=');
    if (equals == std::string::npos) return key;
    const std::string head = key.substr(0, equals);
    // The parameter's own name has underscores: the longest known type in front of it counts.
    for (const char* type :
         {"stream_copy", "stream_scale", "stream_add", "stream_triad", "blas1_dot", "blas1_axpy",
          "blas2_gemv", "blas3_gemm", "matmul", "add"})
        if (head.starts_with(type)) return type;
    return head.substr(0, head.find('_'));
}

// One operation of the file, before it is split by precision.
struct Entry {
    std::string where;  // "operation_profiles.blas3_gemm_…"
    Case what;          // without precision
    bool falls_back = false;
    std::int64_t elements = 0;  // of one array, 0 where it is not one
    double bytes_per_element = 0;
    std::string implementation;
};

// None where it is no whole number, or one that no array has.
std::optional<std::int64_t> extent_of(const Json& value) {
    if (!value.is_number_integer()) return std::nullopt;
    if (value.is_number_unsigned() && !std::in_range<std::int64_t>(value.get<std::uint64_t>()))
        return std::nullopt;
    return value.get<std::int64_t>();
}

std::int64_t first_extent(const Fields& fields) {
    const Json& shape = fields.list("input_shape");
    return shape.empty() ? 0 : extent_of(shape.front()).value_or(0);
}

void set_shape(Entry& entry, const std::string& older_type, const Fields& fields,
               const Fields& extra, const Json& extra_json) {
    Case& what = entry.what;
    const std::string type = catalog::operation_called(older_type);
    std::int64_t size = extra.whole("matrix_size").value_or(0);
    if (size == 0) size = extra.whole("size").value_or(0);
    const double intensity = fields.number("arithmetic_intensity").value_or(0);
    const auto square = static_cast<double>(size);
    if (type == "gemm") {
        what.operation = "gemm";
        if (size > 0) what.shape = {{"m", size}, {"n", size}, {"k", size}};
        // 2 n^3 operations over 3 n^2 elements.
        if (intensity > 0) entry.bytes_per_element = 2 * square / (3 * intensity);
    } else if (type == "gemv") {
        what.operation = "gemv";
        if (size > 0) what.shape = {{"m", size}, {"n", size}};
    } else if (type == "dot" || type == "axpy") {
        what.operation = type;
        if (size > 0) what.shape = {{"n", size}};
    } else if (type.starts_with("stream_") || extra.text("operation") == "memory_copy") {
        // The first tools called their copy "add"; it counts two arrays, as STREAM's copy does.
        what.operation = type.starts_with("stream_") ? type : "stream_copy";
        entry.elements = first_extent(fields);
        if (entry.elements > 0) what.shape = {{"elements", entry.elements}};
        const double mib = extra.number("size_mb").value_or(0);
        if (entry.elements > 0)
            entry.bytes_per_element = mib * 0x1p20 / static_cast<double>(entry.elements);
    } else {
        what.operation = type;
        for (const auto& [name, value] : extra_json.items()) {
            if (name == "framework" || name == "device" || name == "best_precision") continue;
            if (const auto extent = extent_of(value)) what.shape[name] = *extent;
            if (value.is_string()) what.shape[name] = value.get<std::string>();
        }
    }
    // A shape that the file does not give keeps two sizes of one operation apart by the batch
    // alone.
    if (what.shape.empty() && first_extent(fields) > 0) what.shape["n"] = first_extent(fields);
}

Entry entry_of(const std::string& key, const Fields& fields, const ProfileFacts& facts,
               std::string& trouble) {
    Entry entry;
    entry.where = fields.where();
    const Json& extra_json = fields.object("extra_params");
    const Fields extra(extra_json, fields.where() + ".extra_params", trouble);
    std::string type = to_lower(fields.text("operation_type"));
    if (type.empty()) type = type_in_key(to_lower(key));
    entry.what.threads = 0;  // not recorded
    entry.what.backend = to_lower(extra.text("framework"));
    if (entry.what.backend.empty()) entry.what.backend = facts.framework;
    const std::string device = extra.text("device");
    entry.what.device = device.empty() ? facts.device : older_device(device);
    // NumPy computes on CPUs: whatever device was asked for, that is where it ran.
    if (entry.what.backend == "numpy" && entry.what.device != "cpu" && !entry.what.device.empty())
        entry.what.device = "cpu";
    entry.falls_back = !facts.device.empty() && facts.device != "cpu" && entry.what.device == "cpu";
    entry.implementation = extra.text("implementation");
    set_shape(entry, type, fields, extra, extra_json);
    return entry;
}

std::optional<double> finite(std::optional<double> value, double scale) {
    if (!value || !std::isfinite(*value) || *value <= 0) return std::nullopt;
    return *value * scale;
}

// Why these figures are no measurement; "" when they may be one.
std::string why_invalid(const Figures& f, bool has_rate) {
    for (const auto& [name, value] : {std::pair{"rate", f.gops},
                                      {"bandwidth", f.gbps},
                                      {"mean time", f.mean_ms},
                                      {"deviation", f.deviation_ms},
                                      {"shortest time", f.min_ms},
                                      {"longest time", f.max_ms}})
        if (value && *value < 0)
            return fmt::format("the older profile states a {} of {}, below zero", name, *value);
    if (f.gops && *f.gops > gops_max)
        return fmt::format("the older profile states {:.3g} GOPS, more than any device reaches",
                           *f.gops);
    if (f.gbps && *f.gbps > gbps_max)
        return fmt::format("the older profile states {:.3g} GB/s, more than any device reaches",
                           *f.gbps);
    if (!has_rate) return "the older profile states no rate that is a number above zero";
    return "";
}

// Rates, times and counts of one precision; what the figures contradict becomes a doubt.
Measurement measurement_of(const Entry& entry, const std::string& precision, const Figures& f,
                           std::vector<Doubt>& doubts) {
    Measurement m;
    m.what = entry.what;
    m.what.precision = precision;
    m.device_used = entry.what.device;
    m.implementation = entry.implementation;
    m.statistics.kept = static_cast<int>(std::clamp<std::int64_t>(f.trials, 0, 1'000'000'000));
    m.mean_s = finite(f.mean_ms, 1e-3);
    m.deviation_s = finite(f.deviation_ms, 1e-3);
    m.statistics.min_s = finite(f.min_ms, 1e-3).value_or(0);
    const auto* operation = catalog::find_operation(m.what.operation);
    const bool memory = operation && operation->kind == catalog::OperationClass::memory;
    m.gops = finite(f.gops, 1);
    // Of BLAS the older tool counted bytes in ways of its own: the rate alone is comparable.
    if (memory || !operation) m.gbps = finite(f.gbps, 1);
    const double work = operation ? operation->operations(m.what).value() : 0;
    if (work > 0 && m.mean_s) {
        const double gops = work / *m.mean_s * 1e-9;
        if (!m.gops && !f.gops) m.gops = gops;
        if (m.gops && std::abs(*m.gops / gops - 1) > disagreement_max)
            add_doubt(doubts, "rate_disagrees",
                      fmt::format("{} {}: {:.4g} GOPS do not fit {:.4g} ms, which make {:.4g} GOPS",
                                  m.what.operation, to_string(m.what.shape), *m.gops,
                                  *m.mean_s * 1e3, gops));
    }
    m.reason = why_invalid(f, memory ? m.gbps.has_value() : m.gops || m.gbps);
    m.outcome = m.reason.empty() ? Outcome::measured : Outcome::invalid;
    if (m.outcome == Outcome::invalid) {
        m.gops.reset();
        m.gbps.reset();
        add_doubt(doubts, "figure_impossible",
                  fmt::format("{} {}: {}", m.what.operation, to_string(m.what.shape), m.reason));
    } else if (precision == "tf32" && m.what.device == "cpu") {
        m.outcome = Outcome::invalid;
        m.reason = "a CPU has no tf32: the older tool measured fp32 under this name";
    }
    return m;
}

enum class Refusal { skipped, timed_out, unsupported, failed };

// "Not measured" is never "unsupported": a skip and a timeout say nothing about the hardware.
Refusal refusal_of(const std::string& reason) {
    const std::string words = to_lower(reason);
    if (words.starts_with("skip")) return Refusal::skipped;
    if (words.find("timeout") != std::string::npos || words.find("timed out") != std::string::npos)
        return Refusal::timed_out;
    for (const char* sign : {"not support", "unsupported", "not implemented", "no fp", "no int",
                             "no bf", "no tf", "not available on", "requires "})
        if (words.find(sign) != std::string::npos) return Refusal::unsupported;
    return reason.empty() ? Refusal::unsupported : Refusal::failed;
}

void add_refused(const Entry& entry, const std::string& precision, const std::string& reason,
                 Run& run) {
    Case what = entry.what;
    what.precision = precision;
    const Refusal refusal = refusal_of(reason);
    if (refusal == Refusal::skipped) {
        run.skipped.push_back({std::move(what), fmt::format("not measured: {}", reason)});
        return;
    }
    Measurement m;
    m.what = std::move(what);
    m.outcome = refusal == Refusal::timed_out     ? Outcome::timed_out
                : refusal == Refusal::unsupported ? Outcome::unsupported
                                                  : Outcome::failed;
    m.reason = reason.empty() ? "the older profile marks it so and gives no reason" : reason;
    run.measurements.push_back(std::move(m));
}

// Floating point in the size of element that the file's own figures make; "" where they do not.
std::string precision_by_bytes(double bytes) {
    if (std::abs(bytes - 4) < 0.01) return "fp32";
    if (std::abs(bytes - 8) < 0.01) return "fp64";
    return "";
}

void add_measurement(const Entry& entry, const std::string& precision, const Figures& figures,
                     ImportedRun& imported) {
    Measurement m = measurement_of(entry, precision, figures, imported.doubts);
    if (figures.max_ms && std::isfinite(*figures.max_ms) && *figures.max_ms > 0)
        imported.run.origin->recorded.emplace(catalog::longest_time_name(m.what),
                                              fmt::format("{}", *figures.max_ms));
    imported.run.measurements.push_back(std::move(m));
}

void read_entry(const std::string& key, const Json& json, const ProfileFacts& facts,
                ImportedRun& imported, std::string& trouble) {
    const Fields fields(json, "operation_profiles." + key, trouble);
    if (!trouble.empty()) return;
    const Entry entry = entry_of(key, fields, facts, trouble);
    Run& run = imported.run;
    if (entry.falls_back)
        add_doubt(
            imported.doubts, "device_fallback",
            fmt::format("it is a profile of a GPU, and {} ran on the CPU", entry.what.operation));
    const Json& results = fields.object("precision_results");
    for (const auto& [name, result] : results.items()) {
        const Fields of(result, fmt::format("{}.precision_results.{}", fields.where(), name),
                        trouble);
        if (of.flag("supported").value_or(true))
            add_measurement(entry, to_lower(name), figures_of(of), imported);
        else
            add_refused(entry, to_lower(name), of.text("failure_reason"), run);
    }
    if (!results.empty()) return;
    add_measurement(entry, precision_by_bytes(entry.bytes_per_element), figures_of(fields),
                    imported);
}

// A chain of operators, timed apart and as one: two cases of an operation that only older files
// have. Neither precision nor backend stands in them.
void read_fusion(const std::string& key, const Json& json, const ProfileFacts& facts,
                 ImportedRun& imported, std::string& trouble) {
    const Fields fields(json, "fusion_profiles." + key, trouble);
    for (const char* kind : {"fused", "unfused"}) {
        Entry entry;
        entry.where = fields.where();
        entry.what.operation = to_lower(key);
        entry.what.backend = facts.framework;
        entry.what.device = facts.device;
        entry.what.threads = 0;
        entry.what.shape["fusion"] = std::string(kind);
        const Json& shape = fields.list("input_shape");
        for (std::size_t i = 0; i < shape.size() && i < 16; ++i)
            if (const auto extent = extent_of(shape[i]))
                entry.what.shape[fmt::format("d{}", i)] = *extent;
        Figures f;
        f.gops = fields.number(fmt::format("{}_gflops", kind).c_str());
        f.mean_ms = fields.number(fmt::format("{}_latency_ms", kind).c_str());
        f.trials = fields.whole("num_trials").value_or(0);
        if (f.gops || f.mean_ms)
            imported.run.measurements.push_back(measurement_of(entry, "", f, imported.doubts));
    }
}

// Two entries of one file may be one case: their keys differ by decoration alone. The first stays.
void drop_repeats(Run& run) {
    std::set<std::string> seen;
    std::erase_if(run.measurements,
                  [&](const Measurement& m) { return !seen.insert(case_key(m.what)).second; });
}

}  // namespace

void add_doubt(std::vector<Doubt>& doubts, const std::string& flag, const std::string& reason) {
    for (const Doubt& known : doubts)
        if (known.flag == flag) return;
    doubts.push_back({flag, reason});
}

void read_operations(const Json& document, const ProfileFacts& facts, ImportedRun& imported,
                     std::string& trouble) {
    const Fields top(document, "", trouble);
    for (const auto& [key, json] : top.object("operation_profiles").items())
        read_entry(key, json, facts, imported, trouble);
    for (const auto& [key, json] : top.object("fusion_profiles").items())
        read_fusion(key, json, facts, imported, trouble);
    drop_repeats(imported.run);
}

}  // namespace peakward::older
