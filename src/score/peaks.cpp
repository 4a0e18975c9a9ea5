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
        if (m.what.operation != "clock_probe" || m.outcome != Outcome::measured || !m.gops)
            continue;
        if (axis_word(m.what.shape, "isa") == catalog::clock_class(isa))
            return {*m.gops * 1e9, fmt::format("clock_probe isa={}", catalog::clock_class(isa))};
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

}  // namespace

Peak theoretical_compute_peak(const Context& context, std::span<const Measurement> measurements,
                              const std::string& precision) {
    // The best class that was probed is the peak: a core that has AMX is judged by AMX.
    std::optional<Peak> best;
    std::string why_not, fate;
    for (const Measurement& m : measurements) {
        if (m.what.operation != "compute_peak" || m.what.precision != precision) continue;
        if (m.outcome != Outcome::measured && m.outcome != Outcome::unsupported)
            fate = fmt::format("the probe of {} was not measured: {}", precision,
                               to_string(m.outcome));
        if (m.outcome != Outcome::measured || !m.gops || m.what.threads < 1) continue;
        Peak peak = probed_peak(measurements, m);
        if (peak.kind == PeakKind::unknown)
            why_not = peak.reason;
        else if (!best || peak.value > best->value)
            best = std::move(peak);
    }
    if (context.hardware.cpu.core_kinds.size() > 1) {
        // A probe over cores of several kinds has no one clock; only the sum over kinds is a peak.
        Peak sum = computed_peak(context, precision);
        if (sum.kind != PeakKind::unknown || !best) return sum;
        return unknown_peak("gops", "cores of several kinds, and " + sum.reason);
    }
    if (best) return *best;
    if (!why_not.empty()) return unknown_peak("gops", why_not);
    Peak computed = computed_peak(context, precision);
    if (computed.kind == PeakKind::unknown && !fate.empty()) computed.reason = fate;
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
