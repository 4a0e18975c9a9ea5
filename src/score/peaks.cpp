// Theoretical peaks with their provenance (METHODS 1.4).
#include <algorithm>

#include "catalog/catalog.hpp"
#include "catalog/isa.hpp"
#include "core/text.hpp"
#include "score/score.hpp"

namespace peakward {
namespace {

Peak unknown_peak(std::string unit, std::string reason) {
    Peak peak;
    peak.unit = std::move(unit);
    peak.reason = std::move(reason);
    return peak;
}

// What a clock probe read; 0 for anything else.
double probe_clock_hz(const Measurement& m) {
    if (m.what.operation != "clock_probe" || m.outcome != Outcome::measured || !m.gops) return 0;
    return m.clock_hz > 0 ? m.clock_hz : *m.gops * 1e9;
}

// Clock of the class, measured in the same run: woven into the kernel's own blocks, else by the
// class's own probe.
struct ClassClock {
    double hz = 0;
    std::string source;
};
ClassClock class_clock(std::span<const Measurement> measurements, const Measurement& kernel,
                       std::string_view isa) {
    if (kernel.clock_hz > 0)
        return {kernel.clock_hz,
                fmt::format("{} chain between the kernel's own blocks, median of kept windows",
                            catalog::clock_class(isa))};
    for (const Measurement& m : measurements) {
        if (probe_clock_hz(m) <= 0) continue;
        if (axis_word(m.what.shape, "isa") == catalog::clock_class(isa))
            return {probe_clock_hz(m),
                    fmt::format("clock_probe isa={}", catalog::clock_class(isa))};
    }
    return {};
}

// A peak from one measured kernel: threads x legal operations per cycle x class clock.
Peak probed_peak(std::span<const Measurement> measurements, const Measurement& kernel) {
    const std::string isa = axis_word(kernel.what.shape, "isa");
    const ClassClock clock = class_clock(measurements, kernel, isa);
    if (clock.hz <= 0)
        return unknown_peak("gops", fmt::format("the clock of the {} class was not probed", isa));
    const double per_cycle = *kernel.gops * 1e9 / clock.hz / kernel.what.threads;
    const auto legal = catalog::round_to_legal(per_cycle, isa, kernel.what.precision);
    if (!legal)
        return unknown_peak("gops", fmt::format("{} {} ran {:.1f} operations per cycle, more than "
                                                "any core can: the clock probe is wrong",
                                                isa, kernel.what.precision, per_cycle));
    Peak peak;
    peak.kind = PeakKind::probed;
    peak.value = kernel.what.threads * legal->operations_per_cycle * clock.hz * 1e-9;
    peak.clock_hz = clock.hz;
    const auto* precision = catalog::find_precision(kernel.what.precision);
    peak.accumulator = precision ? precision->accumulator : "";
    peak.formula = fmt::format("{} cores x {:.0f} op/cycle ({}) x {:.3f} GHz", kernel.what.threads,
                               legal->operations_per_cycle, isa, clock.hz * 1e-9);
    peak.inputs = {
        {"cores", static_cast<double>(kernel.what.threads), "core",
         "threads of the run, one per core"},
        {"operations_per_cycle", legal->operations_per_cycle, "op/cycle",
         fmt::format("probe: {:.2f} measured{}, nearest legal value not below it", per_cycle,
                     legal->agrees ? "" : " (further than 6 % from it)")},
        {"clock", clock.hz, "Hz", clock.source},
    };
    if (!legal->agrees) {
        peak.doubtful = true;
        peak.reason = fmt::format(
            "the probe gave {:.2f} operations per cycle, not near a legal value", per_cycle);
    }
    return peak;
}

// Without a probe: the catalog of microarchitectures and the clock the system states, on bare metal
// only. A guest's clock figures are the host's business and not to be believed.
struct PerCycle {
    std::string_view microarchitecture, precision;
    double operations;
};
// METHODS 1.4, table of core classes.
constexpr PerCycle per_cycle_table[] = {
    {"haswell", "fp64", 16},
    {"haswell", "fp32", 32},
    {"broadwell", "fp64", 16},
    {"broadwell", "fp32", 32},
    {"skylake", "fp64", 16},
    {"skylake", "fp32", 32},
    {"golden_cove", "fp64", 16},
    {"golden_cove", "fp32", 32},
    {"golden_cove", "int8", 128},
    {"raptor_cove", "fp64", 16},
    {"raptor_cove", "fp32", 32},
    {"raptor_cove", "int8", 128},
    {"gracemont", "fp64", 8},
    {"gracemont", "fp32", 16},
    {"gracemont", "int8", 64},
    {"crestmont", "fp64", 8},
    {"crestmont", "fp32", 16},
    {"crestmont", "int8", 64},
    {"zen2", "fp64", 16},
    {"zen2", "fp32", 32},
    {"zen3", "fp64", 16},
    {"zen3", "fp32", 32},
    {"zen4", "fp64", 16},
    {"zen4", "fp32", 32},
    {"zen4", "bf16", 64},
    {"zen4", "int8", 128},
    {"sapphire_rapids", "fp64", 32},
    {"sapphire_rapids", "fp32", 64},
    {"sapphire_rapids", "fp16", 128},
    {"sapphire_rapids", "bf16", 1024},
    {"sapphire_rapids", "int8", 2048},
    {"neoverse_n1", "fp64", 8},
    {"neoverse_n1", "fp32", 16},
    {"neoverse_n1", "fp16", 32},
    {"neoverse_n2", "fp64", 8},
    {"neoverse_n2", "fp32", 16},
    {"neoverse_n2", "fp16", 32},
    {"neoverse_n2", "bf16", 64},
    {"neoverse_n2", "int8", 128},
    {"neoverse_v1", "fp64", 16},
    {"neoverse_v1", "fp32", 32},
    {"neoverse_v1", "fp16", 64},
    {"neoverse_v1", "bf16", 128},
    {"neoverse_v1", "int8", 256},
    {"neoverse_v2", "fp64", 16},
    {"neoverse_v2", "fp32", 32},
    {"neoverse_v2", "fp16", 64},
    {"neoverse_v2", "bf16", 128},
    {"neoverse_v2", "int8", 256},
};

double per_cycle_of(std::string_view microarchitecture, std::string_view precision) {
    for (const PerCycle& row : per_cycle_table)
        if (row.microarchitecture == microarchitecture && row.precision == precision)
            return row.operations;
    return 0;
}

Peak computed_peak(const Context& context, const std::string& precision) {
    const CpuInfo& cpu = context.hardware.cpu;
    const auto& virtualization = context.environment.virtualization;
    if (!virtualization || *virtualization != "none")
        return unknown_peak(
            "gops", "no probe of this precision, and in a guest the stated clock is not evidence");
    if (cpu.core_kinds.empty()) return unknown_peak("gops", "the kinds of core are not known");
    Peak peak;
    peak.kind = PeakKind::computed;
    std::vector<std::string> terms;
    for (const CoreKind& kind : cpu.core_kinds) {
        const std::string& name =
            kind.microarchitecture.empty() ? cpu.microarchitecture : kind.microarchitecture;
        const double rate = per_cycle_of(name, precision);
        if (rate == 0)
            return unknown_peak(
                "gops",
                fmt::format("no probe, and no {} rate is known for core '{}'", precision, name));
        if (!kind.clock_max_mhz)
            return unknown_peak(
                "gops", fmt::format("no probe, and the clock of core '{}' is unknown: {}", name,
                                    kind.clock_max_mhz.reason()));
        peak.value += kind.cores * rate * *kind.clock_max_mhz * 1e-3;
        peak.clock_hz = std::max(peak.clock_hz, *kind.clock_max_mhz * 1e6);
        terms.push_back(fmt::format("{} {} x {:.0f} op/cycle x {:.3f} GHz", kind.cores, name, rate,
                                    *kind.clock_max_mhz * 1e-3));
        peak.inputs.push_back(
            {name + " cores", static_cast<double>(kind.cores), "core", "topology"});
        peak.inputs.push_back(
            {name + " operations_per_cycle", rate, "op/cycle", "table of core classes"});
        peak.inputs.push_back(
            {name + " clock", *kind.clock_max_mhz * 1e6, "Hz", kind.clock_max_mhz.source()});
    }
    const auto* known = catalog::find_precision(precision);
    peak.accumulator = known ? known->accumulator : "";
    peak.formula = fmt::format("{}", fmt::join(terms, " + "));
    return peak;
}

// What is known of one host's compute kernels.
struct Evidence {
    const Context& context;
    std::span<const Measurement> measurements;
    std::span<const ProbedClass> history;
    int threads;
};

// The peak of a run is that of as many cores as it has threads, also where a kernel gave no figure.
int threads_of(std::span<const Measurement> measurements) {
    int threads = 0;
    for (const Measurement& m : measurements)
        if (m.what.device == "cpu") threads = std::max(threads, m.what.threads);
    return threads;
}

bool is_peak_case(const Measurement& m, std::string_view precision, std::string_view isa) {
    return m.what.operation == "compute_peak" && m.what.precision == precision &&
           axis_word(m.what.shape, "isa") == isa;
}

// Any row of the class, in any precision, shows that the CPU runs it.
bool runs_class(const Evidence& evidence, std::string_view isa) {
    const auto of_class = [&](const Measurement& m) {
        return m.what.operation == "compute_peak" && axis_word(m.what.shape, "isa") == isa &&
               m.outcome != Outcome::unsupported;
    };
    if (std::any_of(evidence.measurements.begin(), evidence.measurements.end(), of_class))
        return true;
    const auto known = [&](const ProbedClass& probed) { return probed.isa == isa; };
    if (std::any_of(evidence.history.begin(), evidence.history.end(), known)) return true;
    // Tiles need a permission that the CPU's word does not show.
    const auto& isa_words = evidence.context.hardware.cpu.isa;
    return isa != "amx" && isa != "scalar" &&
           std::find(isa_words.begin(), isa_words.end(), catalog::cpu_flag_of(isa)) !=
               isa_words.end();
}

// "" where no class of this precision is known to run.
std::string widest_class(const Evidence& evidence, const std::string& precision) {
    std::string widest;
    for (const std::string_view isa : catalog::isa_classes(precision)) {
        const auto refused = [&](const Measurement& m) {
            return is_peak_case(m, precision, isa) && m.outcome == Outcome::unsupported;
        };
        const bool is_refused =
            std::any_of(evidence.measurements.begin(), evidence.measurements.end(), refused);
        if (!is_refused && runs_class(evidence, isa)) widest = isa;
    }
    return widest;
}

bool is_clean(const Evidence& evidence, std::string_view precision, std::string_view isa) {
    return std::any_of(
        evidence.measurements.begin(), evidence.measurements.end(), [&](const Measurement& m) {
            return is_peak_case(m, precision, isa) && m.outcome == Outcome::measured && m.gops;
        });
}

// The best of the classes that were probed: a core with one 512-bit unit may do more in AVX2.
Peak best_probed_peak(std::span<const Measurement> measurements, const std::string& precision) {
    std::optional<Peak> best;
    std::string why_not;
    for (const Measurement& m : measurements) {
        if (m.what.operation != "compute_peak" || m.what.precision != precision) continue;
        if (m.outcome != Outcome::measured || !m.gops || m.what.threads < 1) continue;
        Peak peak = probed_peak(measurements, m);
        if (peak.kind == PeakKind::unknown)
            why_not = peak.reason;
        else if (!best || peak.value > best->value)
            best = std::move(peak);
    }
    return best ? *best : unknown_peak("gops", why_not);
}

// cores x operations per cycle x clock, each with its source.
Peak class_peak(PeakKind kind, const Evidence& evidence, const std::string& precision,
                std::string_view isa, const PeakInput& rate, const PeakInput& clock) {
    Peak peak;
    peak.kind = kind;
    peak.value = evidence.threads * rate.value * clock.value * 1e-9;
    peak.clock_hz = clock.value;
    const auto* known = catalog::find_precision(precision);
    peak.accumulator = known ? known->accumulator : "";
    peak.formula = fmt::format("{} cores x {:.0f} op/cycle ({}) x {:.3f} GHz", evidence.threads,
                               rate.value, isa, clock.value * 1e-9);
    peak.inputs = {{"cores", static_cast<double>(evidence.threads), "core",
                    "threads of the run, one per core"},
                   rate,
                   clock};
    return peak;
}

// The median over the undoubted probes of the lineage; the best class, as above.
Peak peak_of_lineage(const Evidence& evidence, const std::string& precision,
                     const std::string& widest) {
    Peak best;
    bool has_widest = false;
    for (const ProbedClass& probed : evidence.history) {
        if (probed.precision != precision || probed.threads != evidence.threads) continue;
        const auto legal =
            catalog::round_to_legal(probed.operations_per_cycle, probed.isa, precision);
        if (!legal || !legal->agrees) continue;
        has_widest = has_widest || probed.isa == widest;
        const std::string source =
            fmt::format("median of {} runs until {}", probed.runs, probed.until);
        Peak peak =
            class_peak(PeakKind::probed, evidence, precision, probed.isa,
                       {"operations_per_cycle", legal->operations_per_cycle, "op/cycle",
                        fmt::format("probe: {:.2f}, {}", probed.operations_per_cycle, source)},
                       {"clock", probed.clock_hz, "Hz",
                        fmt::format("{} chain, {}", catalog::clock_class(probed.isa), source)});
        if (best.kind == PeakKind::unknown || peak.value > best.value) best = std::move(peak);
    }
    return has_widest ? best : unknown_peak("gops", "");
}

// Operations per cycle of the widest class: of the architecture, else what another precision of
// the class showed (fp32 is twice fp64 in every class of vectors).
PeakInput rate_of_class(const Evidence& evidence, const std::string& precision,
                        const std::string& isa) {
    PeakInput input{"operations_per_cycle", 0, "op/cycle", ""};
    const auto legal = catalog::legal_operations_per_cycle(isa, precision);
    const std::string& design = evidence.context.hardware.cpu.microarchitecture;
    const double rate = per_cycle_of(design, precision);
    if (std::find(legal.begin(), legal.end(), rate) != legal.end()) {
        input.value = rate;
        input.source = fmt::format("table of core classes: {}", design);
        return input;
    }
    const std::string twin = precision == "fp32" ? "fp64" : precision == "fp64" ? "fp32" : "";
    for (const Measurement& m : evidence.measurements) {
        if (!is_peak_case(m, twin, isa) || m.outcome != Outcome::measured ||
            !m.operations_per_cycle)
            continue;
        const auto shown = catalog::round_to_legal(*m.operations_per_cycle, isa, twin);
        if (!shown || !shown->agrees) continue;
        input.value = shown->operations_per_cycle * (twin == "fp64" ? 2 : 0.5);
        input.source =
            fmt::format("the {} probe of the class: {:.2f}", twin, *m.operations_per_cycle);
    }
    return input;
}

// A clock that the class really ran at: its own probe, or another of its kernels.
PeakInput clock_of_class(const Evidence& evidence, const std::string& isa) {
    PeakInput input{"clock", 0, "Hz", ""};
    const std::string_view wanted = catalog::clock_class(isa);
    for (const Measurement& m : evidence.measurements) {
        const std::string own = axis_word(m.what.shape, "isa");
        if (own.empty() || catalog::clock_class(own) != wanted || m.outcome != Outcome::measured ||
            m.what.device != "cpu")
            continue;
        const bool is_probe = probe_clock_hz(m) > 0;
        const double clock_hz = is_probe                             ? probe_clock_hz(m)
                                : m.what.operation == "compute_peak" ? m.clock_hz
                                                                     : 0;
        if (!(clock_hz > 0) || (input.value > 0 && !is_probe)) continue;
        input.value = clock_hz;
        input.source = fmt::format("{} isa={} {}", m.what.operation, own, m.what.precision);
    }
    return input;
}

// Where the widest class gave no clean window.
Peak peak_by_class_clock(const Evidence& evidence, const std::string& precision,
                         const std::string& widest) {
    if (widest.empty()) return {};
    const PeakInput rate = rate_of_class(evidence, precision, widest);
    const PeakInput clock = clock_of_class(evidence, widest);
    if (rate.value == 0 || clock.value == 0) return {};
    return class_peak(PeakKind::computed, evidence, precision, widest, rate, clock);
}

std::string why_not_probed(const Evidence& evidence, const std::string& precision,
                           const std::string& widest) {
    for (const Measurement& m : evidence.measurements)
        if (is_peak_case(m, precision, widest))
            return fmt::format(
                "the probe of {} was not measured: {} ({} is the widest kernel of this CPU, and a "
                "narrower one is no peak)",
                precision, to_string(m.outcome), widest);
    return fmt::format("the {} kernel, the widest of this CPU, was not measured in {}", widest,
                       precision);
}

}  // namespace

Peak theoretical_compute_peak(const Context& context, std::span<const Measurement> measurements,
                              const std::string& precision, std::span<const ProbedClass> history) {
    // A probe over cores of several kinds has no one clock; only the sum over kinds is a peak.
    if (context.hardware.cpu.core_kinds.size() > 1) {
        Peak sum = computed_peak(context, precision);
        if (sum.kind == PeakKind::unknown) sum.reason = "cores of several kinds: " + sum.reason;
        return sum;
    }
    const Evidence evidence{context, measurements, history, threads_of(measurements)};
    const std::string widest = widest_class(evidence, precision);
    if (Peak peak = peak_of_lineage(evidence, precision, widest); peak.kind != PeakKind::unknown)
        return peak;
    Peak probed = best_probed_peak(measurements, precision);
    const bool widest_was_measured = !widest.empty() && is_clean(evidence, precision, widest);
    if (widest_was_measured) return probed;
    if (Peak peak = peak_by_class_clock(evidence, precision, widest);
        peak.kind != PeakKind::unknown)
        return peak;
    Peak computed = computed_peak(context, precision);
    if (computed.kind == PeakKind::unknown && !widest.empty())
        computed.reason = why_not_probed(evidence, precision, widest);
    return computed;
}

Peak theoretical_bandwidth(const Context& context) {
    const MemoryInfo& memory = context.hardware.memory;
    if (!memory.channels)
        return unknown_peak("gbps", "memory channels are unknown: " + memory.channels.reason());
    if (!memory.configured_mts)
        return unknown_peak(
            "gbps", "the configured memory rate is unknown: " + memory.configured_mts.reason());
    Peak peak;
    peak.kind = PeakKind::computed;
    peak.unit = "gbps";
    peak.value = *memory.channels * 8.0 * *memory.configured_mts * 1e-3;
    peak.formula =
        fmt::format("{} channels x 8 B x {:.0f} MT/s", *memory.channels, *memory.configured_mts);
    peak.inputs = {
        {"channels", static_cast<double>(*memory.channels), "channel", memory.channels.source()},
        {"bus", 8, "B", "64-bit channel"},
        {"configured_rate", *memory.configured_mts * 1e6, "T/s", memory.configured_mts.source()}};
    return peak;
}

}  // namespace peakward
