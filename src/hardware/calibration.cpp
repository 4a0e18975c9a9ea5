#include "hardware/calibration.hpp"

#include <algorithm>

#include "core/numbers.hpp"
#include "core/text.hpp"
#include "hardware/peaks.hpp"

namespace peakward {
namespace {

std::string entry_mode(const std::string& mode) { return mode == only_mode ? "" : mode; }

std::optional<double> ratio(double measured, const Peak& peak) {
    if (peak.kind == PeakKind::unknown || peak.value <= 0) return std::nullopt;
    return measured / peak.value;
}

std::map<std::string, double> numbers_in(const Json& object, const char* key) {
    std::map<std::string, double> numbers;
    const auto it = object.find(key);
    if (it == object.end() || !it->is_object()) return numbers;
    for (const auto& [name, value] : it->items())
        if (value.is_number()) numbers[name] = value.get<double>();
    return numbers;
}

void judge(CalibrationSummary& summary, const HardwareSpec& spec) {
    const std::string mode = entry_mode(summary.mode);
    double sum = 0;
    for (const auto& [precision, gops] : summary.measured_peaks_gops)
        if (const auto efficiency = ratio(gops, spec_peak(spec, precision, mode))) {
            summary.efficiency[precision] = *efficiency;
            sum += *efficiency;
        }
    if (!summary.efficiency.empty())
        summary.avg_efficiency = sum / static_cast<double>(summary.efficiency.size());
    if (summary.measured_bandwidth_gbps)
        summary.bandwidth_efficiency =
            ratio(*summary.measured_bandwidth_gbps, spec_bandwidth(spec, mode));
}

Json measured_json(const std::optional<double>& value) {
    return value ? Json(with_digits(*value, measured_digits)) : Json(nullptr);
}

Json measured_json(const std::map<std::string, double>& values) {
    Json json = Json::object();
    for (const auto& [name, value] : values) json[name] = with_digits(value, measured_digits);
    return json;
}

Json json_of(const CalibrationSummary& summary, int spec_version) {
    return {{"measured_peaks_gops", measured_json(summary.measured_peaks_gops)},
            {"efficiency", measured_json(summary.efficiency)},
            {"backend", summary.backend},
            {"measured_bandwidth_gbps", measured_json(summary.measured_bandwidth_gbps)},
            {"bandwidth_efficiency", measured_json(summary.bandwidth_efficiency)},
            {"avg_efficiency", measured_json(summary.avg_efficiency)},
            {"last_calibrated", summary.last_calibrated},
            {"power_mode", summary.mode},
            {"origin", summary.origin},
            {"spec_version", spec_version}};
}

CalibrationSummary summary_from(const std::string& mode, const Json& json) {
    CalibrationSummary summary;
    summary.mode = mode;
    const auto text = [&](const char* key) {
        const auto it = json.find(key);
        return it != json.end() && it->is_string() ? it->get<std::string>() : std::string();
    };
    summary.last_calibrated = text("last_calibrated");
    summary.origin = text("origin");
    summary.measured_peaks_gops = numbers_in(json, "measured_peaks_gops");
    const auto backends = json.find("backend");
    if (backends != json.end() && backends->is_object())
        for (const auto& [precision, name] : backends->items())
            if (name.is_string()) summary.backend[precision] = name.get<std::string>();
    const auto bandwidth = json.find("measured_bandwidth_gbps");
    if (bandwidth != json.end() && bandwidth->is_number())
        summary.measured_bandwidth_gbps = bandwidth->get<double>();
    return summary;
}

// What the entry's own file holds, with the user's summaries over it.
Json summaries_of(const HardwareSpec& spec) {
    Json all = spec.document.value("calibration_summary", Json::object());
    if (!spec.calibration.is_object()) return all;
    const Json own = spec.calibration.value("calibration_summary", Json::object());
    for (const auto& [mode, summary] : own.items()) all[mode] = summary;
    return all;
}

}  // namespace

Result<std::string> calibration_mode(const HardwareSpec& spec, const std::string& asked,
                                     const std::string& seen) {
    if (spec.power_modes.empty()) {
        if (!asked.empty() && asked != only_mode)
            return wrong_usage(
                fmt::format("--power-mode {}: {} has no power modes", asked, spec.id));
        return only_mode;
    }
    std::vector<std::string> known;
    for (const auto& [name, mode] : spec.power_modes) known.push_back(name);
    if (asked.empty()) {
        if (!seen.empty()) return seen;
        return wrong_usage(
            fmt::format("{} has power modes; say with --power-mode in which of them "
                        "it was calibrated: {}",
                        spec.id, fmt::join(known, ", ")));
    }
    const std::string mode = power_mode_of(spec, asked);
    if (mode.empty())
        return wrong_usage("--power-mode: " + unknown_name_message("power mode", asked, known));
    if (!seen.empty() && seen != mode)
        return wrong_usage(fmt::format("--power-mode {}: the run was made in {}", asked, seen));
    return mode;
}

Result<Json> summarise(const HardwareSpec& spec, const std::string& mode,
                       const MeasuredProduct& measured) {
    CalibrationSummary summary;
    summary.mode = mode;
    summary.last_calibrated = measured.timestamp;
    summary.origin = measured.origin;
    for (const MeasuredDevice& device : measured.backends) {
        for (const auto& [precision, gops] : device.peaks_gops) {
            double& best = summary.measured_peaks_gops[precision];
            if (gops <= best) continue;
            best = gops;
            summary.backend[precision] = device.backend;
        }
        if (device.bandwidth_gbps)
            summary.measured_bandwidth_gbps =
                std::max(summary.measured_bandwidth_gbps.value_or(0), *device.bandwidth_gbps);
    }
    if (summary.measured_peaks_gops.empty() && !summary.measured_bandwidth_gbps)
        return failed(fmt::format("{} measured nothing on {}", measured.origin, spec.id));
    judge(summary, spec);
    return json_of(summary, spec.spec_version);
}

Json with_summary(const HardwareSpec& spec, const std::string& mode, const Json& summary) {
    Json document = spec.calibration.is_object() ? spec.calibration : Json::object();
    document["schema_version"] = 1;
    document["id"] = spec.id;
    document["calibration_summary"][mode] = summary;
    document["calibration_profiles"][mode] = summary.at("origin");
    return document;
}

Result<Json> read_calibration(std::string_view text, const std::string& id,
                              const std::string& file) {
    auto json = parse_json(text, file);
    if (!json) return json;
    const auto is_object = [&](const char* key) {
        const auto part = json->find(key);
        return part != json->end() && part->is_object();
    };
    const bool sound =
        json->is_object() && json->value("id", Json()) == id && is_object("calibration_summary") &&
        (!json->contains("calibration_profiles") || is_object("calibration_profiles"));
    if (!sound)
        return failed(
            fmt::format("{}: not the calibration summary of {}; delete it and run peakward "
                        "hardware export-calibration again",
                        file, id));
    return json;
}

std::vector<CalibrationSummary> calibrations_of(const HardwareSpec& spec) {
    std::vector<CalibrationSummary> summaries;
    const Json all = summaries_of(spec);
    for (const auto& [mode, json] : all.items()) {
        if (!json.is_object()) continue;
        summaries.push_back(summary_from(mode, json));
        judge(summaries.back(), spec);
    }
    return summaries;
}

}  // namespace peakward
