#include "hardware/peaks.hpp"

#include <algorithm>
#include <set>

#include "catalog/catalog.hpp"
#include "core/numbers.hpp"
#include "core/text.hpp"

namespace peakward {
namespace {

Peak unknown_peak(const HardwareSpec& spec, std::string reason, const char* unit = "gops") {
    Peak peak;
    peak.unit = unit;
    peak.reason = std::move(reason);
    peak.spec_version = fmt::format("{}", spec.spec_version);
    return peak;
}

const PowerMode* mode_of(const HardwareSpec& spec, const std::string& name) {
    const auto it = spec.power_modes.find(name);
    return it == spec.power_modes.end() ? nullptr : &it->second;
}

// Of a class and a kind of core; nothing when the entry does not name it.
const Figure* clock_of(const SpecClocks& clocks, const std::string& name, const std::string& kind) {
    const auto by_kind = clocks.by_class.find(name);
    if (by_kind == clocks.by_class.end()) return nullptr;
    auto figure = by_kind->second.find(kind);
    if (figure == by_kind->second.end()) figure = by_kind->second.find("");
    return figure == by_kind->second.end() ? nullptr : &figure->second;
}

// A mode's own clock outranks the product's. A mode that lowers the boost clock lowers every class
// above it as well: what the mode does not name is capped by what it does.
struct ClockUsed {
    const Figure* figure = nullptr;
    std::string name;
};
ClockUsed clock_in(const HardwareSpec& spec, const PowerMode* mode, const std::string& name,
                   const std::string& kind) {
    if (mode) {
        if (const Figure* own = clock_of(mode->clocks, name, kind)) return {own, name};
        if (const Figure* cap = clock_of(mode->clocks, "boost", kind)) return {cap, "boost"};
    }
    return {clock_of(spec.clocks, name, kind), name};
}

Peak given_peak(const HardwareSpec& spec, const Figure& figure, const std::string& precision) {
    Peak peak;
    peak.kind = PeakKind::datasheet;
    peak.value = *figure.value;
    peak.formula = fmt::format("{} version {}: {}{}", spec.id, spec.spec_version,
                               source_text(spec, figure.source),
                               figure.formula.empty() ? "" : " (" + figure.formula + ")");
    peak.inputs = {{"peak", *figure.value, "gops", source_text(spec, figure.source)}};
    const auto* known = catalog::find_precision(precision);
    peak.accumulator = !figure.accumulator.empty() ? figure.accumulator
                       : known                     ? known->accumulator
                                                   : "";
    peak.spec_version = fmt::format("{}", spec.spec_version);
    return peak;
}

const Figure* find_figure(const std::map<std::string, Figure>& figures, const std::string& name) {
    const auto it = figures.find(name);
    return it == figures.end() ? nullptr : &it->second;
}

const CoreGroup* group_of(const std::vector<CoreGroup>& cores, const std::string& kind) {
    for (const CoreGroup& group : cores)
        if (group.kind == kind) return &group;
    return nullptr;
}

}  // namespace

std::string power_mode_of(const HardwareSpec& spec, const std::string& name) {
    const auto plain = [](const std::string& text) {
        std::string kept;
        for (const char c : to_lower(text))
            if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) kept += c;
        return kept.starts_with("mode") ? kept.substr(4) : kept;
    };
    for (const auto& [mode, figures] : spec.power_modes)
        if (!name.empty() && plain(mode) == plain(name)) return mode;
    return "";
}

std::vector<CoreGroup> cores_in(const HardwareSpec& spec, const std::string& mode_name) {
    const PowerMode* mode = mode_of(spec, mode_name);
    return mode && !mode->cores.empty() ? mode->cores : spec.cores;
}

Peak derived_peak(const HardwareSpec& spec, const std::string& precision,
                  const std::string& mode_name) {
    const auto rates = spec.operations_per_clock.find(precision);
    if (rates == spec.operations_per_clock.end())
        return unknown_peak(
            spec, fmt::format("{} states no {} operations per clock", spec.id, precision));
    const PowerMode* mode = mode_of(spec, mode_name);
    const std::vector<CoreGroup> cores = cores_in(spec, mode_name);
    Peak peak;
    peak.kind = PeakKind::computed;
    std::vector<std::string> terms;
    for (const OperationRate& rate : rates->second) {
        const CoreGroup* group = group_of(cores, rate.per);
        // A mode that names its cores has switched off the kinds that it does not name.
        if (!group && mode && !mode->cores.empty()) continue;
        if (!group || !group->count)
            return unknown_peak(spec,
                                fmt::format("the number of its {} cores is unknown{}", rate.per,
                                            group ? ": " + group->count.unknown : std::string()));
        const auto [clock, clock_name] = clock_in(spec, mode, rate.clock, rate.per);
        if (!clock || !*clock)
            return unknown_peak(spec,
                                fmt::format("its {} clock of {} is unknown{}", rate.clock, rate.per,
                                            clock ? ": " + clock->unknown : std::string()));
        peak.value += *group->count.value * rate.per_clock_count * *clock->value;
        peak.clock_hz = std::max(peak.clock_hz, *clock->value * 1e9);
        terms.push_back(fmt::format("{} {} x {} op/clock x {} GHz", *group->count.value, rate.per,
                                    rate.per_clock_count, *clock->value));
        peak.inputs.push_back({rate.per + " count", *group->count.value, "core",
                               source_text(spec, group->count.source)});
        peak.inputs.push_back({rate.per + " operations_per_clock", rate.per_clock_count, "op/cycle",
                               source_text(spec, rate.source)});
        peak.inputs.push_back({rate.per + " " + clock_name + " clock",
                               without_noise(*clock->value * 1e9), "Hz",
                               source_text(spec, clock->source)});
    }
    if (peak.value <= 0)
        return unknown_peak(
            spec, fmt::format("no core of {} works in power mode {}", spec.id, mode_name));
    peak.value = without_noise(peak.value);
    peak.clock_hz = without_noise(peak.clock_hz);
    const auto* known = catalog::find_precision(precision);
    peak.accumulator = known ? known->accumulator : "";
    peak.formula = fmt::format("{} version {}{}: {}", spec.id, spec.spec_version,
                               mode_name.empty() ? "" : " in power mode " + mode_name,
                               fmt::join(terms, " + "));
    peak.spec_version = fmt::format("{}", spec.spec_version);
    return peak;
}

Peak spec_peak(const HardwareSpec& spec, const std::string& precision,
               const std::string& mode_name) {
    const PowerMode* mode = mode_of(spec, mode_name);
    const bool own = mode && (!mode->clocks.by_class.empty() || !mode->cores.empty());
    const Figure* stated = nullptr;
    if (mode) stated = find_figure(mode->theoretical_peaks_gops, precision);
    if (!stated && !own) stated = find_figure(spec.theoretical_peaks_gops, precision);
    if (stated && *stated) return given_peak(spec, *stated, precision);
    Peak derived = derived_peak(spec, precision, mode_name);
    if (derived.kind != PeakKind::unknown) return derived;
    if (stated) return unknown_peak(spec, stated->unknown);
    if (own && spec.theoretical_peaks_gops.contains(precision) &&
        !spec.operations_per_clock.contains(precision))
        return unknown_peak(spec, fmt::format("{} states no {} peak for power mode {}", spec.id,
                                              precision, mode_name));
    if (!spec.operations_per_clock.contains(precision))
        return unknown_peak(spec, fmt::format("{} states no {} peak", spec.id, precision));
    return derived;
}

Peak peak_at_most(Peak peak, const HardwareSpec& spec, const std::string& mode_name,
                  double limit_hz) {
    constexpr double rounding = 0.99;  // drivers tell whole MHz or steps of 15 MHz
    if (peak.kind == PeakKind::unknown) return peak;
    double clock_hz = peak.clock_hz;
    if (clock_hz == 0) {
        for (const CoreGroup& group : cores_in(spec, mode_name)) {
            const auto used = clock_in(spec, mode_of(spec, mode_name), "boost", group.kind);
            if (used.figure && *used.figure)
                clock_hz = std::max(clock_hz, *used.figure->value * 1e9);
        }
    }
    if (clock_hz == 0 || limit_hz >= rounding * clock_hz) return peak;
    peak.kind = PeakKind::computed;
    peak.value = without_noise(peak.value * limit_hz / clock_hz);
    peak.clock_hz = limit_hz;
    peak.formula = fmt::format("({}) x {:g} of {:g} GHz, the highest clock that this device offers",
                               peak.formula, limit_hz * 1e-9, clock_hz * 1e-9);
    peak.inputs.push_back({"device clock_max", limit_hz, "Hz", "the device's driver"});
    return peak;
}

Peak spec_bandwidth(const HardwareSpec& spec, const std::string& mode_name) {
    const PowerMode* mode = mode_of(spec, mode_name);
    const std::optional<Figure>& own = mode && mode->memory.bandwidth_gbps
                                           ? mode->memory.bandwidth_gbps
                                       : spec.memory ? spec.memory->bandwidth_gbps
                                                     : std::nullopt;
    if (!own) return unknown_peak(spec, spec.id + " states no memory bandwidth", "gbps");
    if (!*own) return unknown_peak(spec, own->unknown, "gbps");
    Peak peak = given_peak(spec, *own, "");
    peak.unit = "gbps";
    peak.accumulator.clear();
    peak.inputs = {{"bandwidth", *own->value, "gbps", source_text(spec, own->source)}};
    return peak;
}

std::vector<std::string> precisions_of(const HardwareSpec& spec) {
    std::vector<std::string> precisions;
    for (const std::string& precision : catalog::precision_names())
        if (spec.theoretical_peaks_gops.contains(precision) ||
            spec.operations_per_clock.contains(precision))
            precisions.push_back(precision);
    return precisions;
}

Json peaks_json(const HardwareSpec& spec, const std::string& mode) {
    Json peaks = Json::object();
    for (const std::string& precision : precisions_of(spec)) {
        const Peak peak = spec_peak(spec, precision, mode);
        if (peak.kind == PeakKind::unknown) {
            peaks[precision] = {{"unknown", peak.reason}};
            continue;
        }
        peaks[precision] = {{"value", peak.value},
                            {"unit", "gops"},
                            {"kind", std::string(to_string(peak.kind))},
                            {"formula", peak.formula}};
        if (!peak.accumulator.empty()) peaks[precision]["accumulator"] = peak.accumulator;
    }
    return peaks;
}

}  // namespace peakward
