#include "score/score.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "catalog/catalog.hpp"
#include "core/text.hpp"
#include "score/kernel_choice.hpp"
#include "score/spec_peaks.hpp"

namespace peakward {
namespace {

using catalog::OperationClass;

OperationClass class_of(const Measurement& m) {
    const auto* operation = catalog::find_operation(m.what.operation);
    return operation ? operation->kind : OperationClass::probe;
}

struct Row {
    std::vector<const Measurement*> measurements;
};
using RowKey = std::tuple<std::string, std::string, std::string>;  // device, backend, precision

// The best median of a class among the measured ones; a contended or doubtful number never counts.
const Measurement* best_of(const std::vector<const Measurement*>& measurements,
                           OperationClass kind) {
    const Measurement* best = nullptr;
    for (const Measurement* m : measurements) {
        if (class_of(*m) != kind || m->outcome != Outcome::measured || !m->gops) continue;
        if (!best || *m->gops > *best->gops) best = m;
    }
    return best;
}

// A driver's own copy stands beside STREAM and is not one of its kernels.
bool is_stream(const Measurement& m) {
    return class_of(m) == OperationClass::memory && m.what.operation != "device_copy";
}

// The best STREAM kernel of a backend at the DRAM plateau: the size that copy was measured at is
// the plateau (the sweep towards it measures triad alone).
const Measurement* best_stream(std::span<const Measurement> all, const std::string& device,
                               const std::string& backend) {
    std::int64_t plateau = 0, largest = 0;
    for (const Measurement& m : all) {
        if (!is_stream(m) || m.what.device != device || m.what.backend != backend) continue;
        const std::int64_t elements = axis(m.what.shape, "elements");
        largest = std::max(largest, elements);
        if (m.what.operation != "stream_triad") plateau = std::max(plateau, elements);
    }
    if (plateau == 0) plateau = largest;
    const Measurement* best = nullptr;
    for (const Measurement& m : all) {
        if (!is_stream(m) || m.what.device != device || m.what.backend != backend) continue;
        if (m.outcome != Outcome::measured || !m.gbps || axis(m.what.shape, "elements") < plateau)
            continue;
        if (!best || *m.gbps > *best->gbps) best = &m;
    }
    return best;
}

void add_flag(Score& score, const std::string& flag, const std::string& note) {
    if (std::find(score.flags.begin(), score.flags.end(), flag) != score.flags.end()) return;
    score.flags.push_back(flag);
    score.notes.push_back(note);
}

// Above 102 % the peak is in doubt, not the measurement: it is shown, explained and never clamped.
void judge_ratio(Score& score, const char* what, std::optional<double> measured, Peak& peak,
                 std::optional<double>& ratio) {
    if (!measured || peak.kind == PeakKind::unknown || peak.value <= 0) return;
    ratio = *measured / peak.value;
    if (*ratio <= efficiency_max) return;
    peak.doubtful = true;
    add_flag(score, "above_theoretical",
             fmt::format(
                 "{} of {:.1f} is {:.1f} % of the {} peak ({}): the peak is doubtful (a boost "
                 "clock, a wrong specification or a sparse figure), so this row meets no milestone",
                 what, *measured, *ratio * 100, to_string(peak.kind), peak.formula));
}

void note_outcomes(Score& score, const std::vector<const Measurement*>& measurements) {
    std::map<Outcome, std::vector<std::string>> others;
    for (const Measurement* m : measurements)
        if (m->outcome != Outcome::measured && m->outcome != Outcome::unsupported)
            others[m->outcome].push_back(m->what.operation + " " + to_string(m->what.shape));
    for (const auto& [outcome, names] : others)
        add_flag(score, std::string(to_string(outcome)),
                 fmt::format("not scored, {}: {}", to_string(outcome), fmt::join(names, "; ")));
    for (const Measurement* m : measurements)
        for (const std::string& flag : m->flags)
            add_flag(score, flag,
                     fmt::format("{} {}: {}", m->what.operation, to_string(m->what.shape), flag));
}

void note_kernels(Score& score, const Context& context,
                  const std::vector<const Measurement*>& measurements) {
    for (const Measurement* m : measurements)
        if (const auto note = narrow_kernels(context.hardware.cpu, m->implementation))
            add_flag(score, "narrow_kernels", *note);
}

// What the machine itself shows, without the hardware database.
void set_own_peaks(Score& score, const Context& context, std::span<const Measurement> measurements,
                   std::span<const ProbedClass> history) {
    score.theoretical_bandwidth.unit = "gbps";
    if (score.device == "cpu") {
        score.theoretical_peak =
            theoretical_compute_peak(context, measurements, score.precision, history);
        score.theoretical_bandwidth = theoretical_bandwidth(context);
        return;
    }
    score.theoretical_peak.reason = "no source for the peaks of device " + score.device;
    score.theoretical_bandwidth.reason = score.theoretical_peak.reason;
}

const DeviceSpec* spec_for(std::span<const DeviceSpec> specs, const std::string& device) {
    for (const DeviceSpec& spec : specs)
        if (spec.device == device && spec.spec) return &spec;
    return nullptr;
}

// The entry's figures in place of the machine's own, where they hold.
void take_spec(Score& score, const Context& context, std::span<const Measurement> measurements,
               std::span<const DeviceSpec> specs) {
    const DeviceSpec* device = spec_for(specs, score.device);
    if (!device) return;
    const SpecPeaks peaks = spec_peaks(*device, context, measurements, score.precision);
    if (!peaks.why_not.empty()) {
        add_flag(score, peaks.flag, peaks.why_not);
        return;
    }
    if (peaks.compute.kind != PeakKind::unknown) score.theoretical_peak = peaks.compute;
    // The fitted memory is known better than what the product could have.
    const bool fitted = theoretical_bandwidth(context).kind != PeakKind::unknown;
    if (peaks.bandwidth.kind != PeakKind::unknown && (score.device != "cpu" || !fitted))
        score.theoretical_bandwidth = peaks.bandwidth;
}

// What a run brought along, where nothing better is known.
void keep_estimate(Peak& peak, const Peak& recorded) {
    if (peak.kind != PeakKind::unknown || recorded.kind != PeakKind::estimated) return;
    peak = recorded;
    peak.doubtful = false;
}

void judge(Score& score) {
    judge_ratio(score, "compute", score.peak_measured_gops, score.theoretical_peak,
                score.efficiency);
    judge_ratio(score, "bandwidth", score.stream_best_gbps, score.theoretical_bandwidth,
                score.bandwidth_efficiency);
}

void drop_flag(Score& score, const std::string& flag) {
    for (std::size_t i = 0; i < score.flags.size(); ++i) {
        if (score.flags[i] != flag) continue;
        score.flags.erase(score.flags.begin() + static_cast<std::ptrdiff_t>(i));
        if (i < score.notes.size())
            score.notes.erase(score.notes.begin() + static_cast<std::ptrdiff_t>(i));
        return;
    }
}

bool worth_a_row(const std::vector<const Measurement*>& measurements) {
    return std::any_of(measurements.begin(), measurements.end(), [](const Measurement* m) {
        return class_of(*m) != OperationClass::probe && m->outcome != Outcome::unsupported;
    });
}

}  // namespace

std::vector<Score> score(const Context& context, std::span<const Measurement> measurements,
                         std::span<const std::string> run_flags, std::span<const DeviceSpec> specs,
                         std::span<const ProbedClass> history) {
    std::map<RowKey, Row> rows;
    for (const Measurement& m : measurements)
        if (class_of(m) != OperationClass::probe && !is_evidence(m))
            rows[{m.what.device, m.what.backend, m.what.precision}].measurements.push_back(&m);

    std::vector<Score> scores;
    for (const auto& [key, row] : rows) {
        if (!worth_a_row(row.measurements)) continue;
        Score s;
        std::tie(s.device, s.backend, s.precision) = key;
        if (const Measurement* stream = best_stream(measurements, s.device, s.backend))
            s.stream_best_gbps = stream->gbps;
        if (const Measurement* gemm = best_of(row.measurements, OperationClass::blas3))
            s.blas3_gops = gemm->gops;
        const Measurement* peak = best_of(row.measurements, OperationClass::compute_peak);
        if (!peak) peak = best_of(row.measurements, OperationClass::blas3);
        if (peak) {
            s.peak_measured_gops = peak->gops;
            s.peak_operation = peak->what.operation;
        }
        set_own_peaks(s, context, measurements, history);
        take_spec(s, context, measurements, specs);
        judge(s);
        note_outcomes(s, row.measurements);
        note_kernels(s, context, row.measurements);
        for (const std::string& flag : run_flags)
            add_flag(s, flag, "the run was made with " + flag);
        scores.push_back(std::move(s));
    }
    return scores;
}

void take_recorded_peaks(std::vector<Score>& scores, const RecordedPeaks& recorded) {
    const auto estimate = [&](Peak& peak, const char* unit, double value) {
        peak = {};
        peak.kind = PeakKind::estimated;
        peak.unit = unit;
        peak.value = value;
        peak.formula = recorded.source;
    };
    for (Score& score : scores) {
        const auto gops = recorded.compute_gops.find(score.precision);
        if (score.theoretical_peak.kind == PeakKind::unknown && gops != recorded.compute_gops.end())
            estimate(score.theoretical_peak, "gops", gops->second);
        if (score.theoretical_bandwidth.kind == PeakKind::unknown && recorded.bandwidth_gbps)
            estimate(score.theoretical_bandwidth, "gbps", *recorded.bandwidth_gbps);
        drop_flag(score, "above_theoretical");
        judge(score);
    }
}

void rescore(Run& run, std::span<const DeviceSpec> specs, std::span<const ProbedClass> history) {
    for (Score& score : run.results) {
        const bool by_history = score.device == "cpu" && !history.empty();
        if (!spec_for(specs, score.device) && !by_history) continue;
        for (const char* flag : {"above_theoretical", "product_in_part", "power_mode_unknown"})
            drop_flag(score, flag);
        const Peak peak = std::exchange(score.theoretical_peak, {});
        const Peak bandwidth = std::exchange(score.theoretical_bandwidth, {});
        score.efficiency.reset();
        score.bandwidth_efficiency.reset();
        set_own_peaks(score, run.context, run.measurements, history);
        take_spec(score, run.context, run.measurements, specs);
        keep_estimate(score.theoretical_peak, peak);
        keep_estimate(score.theoretical_bandwidth, bandwidth);
        judge(score);
    }
}

}  // namespace peakward
