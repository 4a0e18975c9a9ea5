// The older tool's two forms of a product: a flat specification (ops_per_clock, compute_units) and
// a database entry (system, core_info, memory_subsystem).
#include <algorithm>
#include <regex>

#include "catalog/catalog.hpp"
#include "core/text.hpp"
#include "hardware/edit.hpp"

namespace peakward {
namespace {

constexpr const char* source_key = "older_file";

Json unknown(const std::string& reason) { return {{"unknown", reason}}; }

Json figure(double value, const std::string& formula = {}) {
    Json made{{"value", value}, {"source", source_key}};
    if (!formula.empty()) made["formula"] = formula;
    return made;
}

// What a file of that form says of one thing, wherever it stands.
class Older {
public:
    Older(const Json& file, std::vector<std::string>& remarks) : file_(file), remarks_(remarks) {}

    const Json* find(const std::string& path) const {
        const Json* here = &file_;
        for (const std::string& part : split(path, '.')) {
            if (!here->is_object() || !here->contains(part)) return nullptr;
            here = &here->at(part);
        }
        return here;
    }
    std::string text(std::initializer_list<const char*> paths) const {
        for (const char* path : paths)
            if (const Json* value = find(path); value && value->is_string())
                return value->get<std::string>();
        return "";
    }
    // A zero stands for "not known" in these files.
    double number(std::initializer_list<const char*> paths) const {
        for (const char* path : paths)
            if (const Json* value = find(path); value && value->is_number())
                if (const double number = value->get<double>(); number > 0) return number;
        return 0;
    }
    Json figure_of(std::initializer_list<const char*> paths, double factor = 1) const {
        const double value = number(paths);
        return value > 0 ? figure(value * factor) : unknown("not in the older file");
    }
    void remark(std::string text) const { remarks_.push_back(std::move(text)); }

private:
    const Json& file_;
    std::vector<std::string>& remarks_;
};

// Our name of an older precision; "" where we have none.
std::string precision_of(const std::string& older) {
    if (older == "fp8") return "fp8_e4m3";
    return catalog::find_precision(older) ? older : "";
}

std::string expression_of(const std::string& pattern) {
    // "(R)" was meant as written and not as a group.
    std::string expression = std::regex_replace(pattern, std::regex("\\((R|TM)\\)"), "\\($1\\)");
    return expression.starts_with('^') ? expression : "^.*" + expression;
}

Json detection_of(const Older& older, const std::string& kind, const std::string& model) {
    Json detection = Json::array();
    const char* key = kind == "cpu" ? "cpu_model" : "gpu_model";
    const auto add = [&](const std::string& pattern) {
        detection.push_back({{key, expression_of(pattern)},
                             {"confidence", 0.5},
                             {"reason", "a pattern of the older file"}});
    };
    const Json* patterns = older.find("detection_patterns");
    if (patterns && patterns->is_array())
        for (const Json& pattern : *patterns)
            if (pattern.is_string()) add(pattern.get<std::string>());
    if (detection.empty())
        older.remark(fmt::format("no detection patterns: '{}' is found by --preset alone", model));
    return detection;
}

void take_rates(const Older& older, Json& entry, const std::string& unit, double units) {
    const Json* rates = older.find("ops_per_clock");
    for (const auto& [name, value] : rates->items()) {
        if (!value.is_number() || value.get<double>() <= 0) continue;
        const std::string precision = precision_of(name);
        if (precision.empty()) {
            older.remark(fmt::format("ops_per_clock.{}: no precision of this program", name));
            continue;
        }
        entry["operations_per_clock"][precision] = Json::array(
            {{{"per", unit},
              {"value", value.get<double>() / units},
              {"clock", "boost"},
              {"source", source_key},
              {"formula", fmt::format("{} of the whole chip / {}", value.dump(), units)}}});
    }
    if (older.find("theoretical_peaks"))
        older.remark("theoretical_peaks: left out, since they follow from ops_per_clock x clock");
}

void take_peaks(const Older& older, Json& entry) {
    const Json* peaks = older.find("theoretical_peaks");
    if (!peaks || !peaks->is_object()) return;
    for (const auto& [name, value] : peaks->items()) {
        const std::string precision = precision_of(name);
        if (precision.empty()) {
            if (value.is_number() && value.get<double>() > 0)
                older.remark(
                    fmt::format("theoretical_peaks.{}: no precision of this program", name));
            continue;
        }
        if (!value.is_number()) continue;
        entry["theoretical_peaks_gops"][precision] =
            value.get<double>() > 0
                ? figure(value.get<double>())
                : unknown("0 in the older file, which stands for not supported or not known");
    }
}

void take_modes(const Older& older, Json& entry) {
    const Json* modes = older.find("power_profiles");
    if (!modes || !modes->is_object() || modes->empty()) return;
    double most = 0;
    for (const auto& [name, mode] : modes->items()) {
        Json made = Json::object();
        const auto number = [&, &values = mode](const char* key) {
            const auto it = values.find(key);
            return it != values.end() && it->is_number() ? it->get<double>() : 0.0;
        };
        if (const double w = number("power_limit_w"); w > 0) made["tdp_w"] = figure(w);
        if (const double mhz = number("clock_mhz"); mhz > 0)
            made["clocks_ghz"]["boost"] = figure(mhz * 1e-3);
        if (const double gbps = number("peak_bandwidth_gbps"); gbps > 0)
            made["memory"]["bandwidth_gbps"] = figure(gbps);
        entry["power_modes"][name] = made;
        if (number("clock_mhz") >= most) {
            most = number("clock_mhz");
            entry["default_power_mode"] = name;
        }
    }
    older.remark("default_power_mode: the older file names none; the fastest was taken");
}

Json memory_of(const Older& older) {
    static const std::vector<std::string> types{
        "DDR3",  "DDR4",   "DDR5",  "LPDDR4", "LPDDR4X", "LPDDR5", "LPDDR5X", "GDDR5",
        "GDDR6", "GDDR6X", "GDDR7", "HBM2",   "HBM2e",   "HBM3",   "HBM3e",   "SRAM"};
    Json memory{{"type", "unknown"}};
    const Json* channels = older.find("memory_subsystem.memory_channels");
    if (channels && channels->is_array() && !channels->empty() && channels->front().is_object()) {
        const auto named = channels->front().find("type");
        const std::string type = named != channels->front().end() && named->is_string()
                                     ? to_lower(named->get<std::string>())
                                     : "";
        for (const std::string& known : types)
            if (to_lower(known) == type) memory["type"] = known;
        memory["channels"] = figure(static_cast<double>(channels->size()));
    }
    if (const double gb = older.number({"memory_gb", "memory_subsystem.total_size_gb"}); gb > 0)
        memory["capacity_gb"] = figure(gb);
    memory["bandwidth_gbps"] =
        older.figure_of({"peak_bandwidth_gbps", "memory_subsystem.peak_bandwidth_gbps"});
    return memory;
}

Json entry_of(const Older& older, const std::string& file, const std::string& day) {
    const std::string type = older.text({"device_type", "system.device_type"});
    const std::string kind = type == "cpu" || type == "gpu" ? type : "accelerator";
    const std::string unit = kind == "cpu" ? "core" : kind == "gpu" ? "sm" : "core";
    const std::string model = older.text({"model", "system.model"});
    const std::string released = older.text({"release_date", "system.release_date"});
    const bool dated = std::regex_match(
        released, std::regex("20[0-9]{2}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?"));
    std::string platform = older.text({"platform", "system.platform"});
    if (platform == "arm64") platform = "aarch64";
    const double units = older.number({"compute_units", "core_info.cores"});
    Json entry{{"schema_version", 1},
               {"spec_version", 1},
               {"id", older.text({"id"})},
               {"name", model},
               {"kind", kind},
               {"vendor", id_from_name(older.text({"vendor", "system.vendor"}))},
               {"aliases", Json::array()},
               {"launched", dated ? Json{{"value", released}, {"source", source_key}}
                                  : unknown("not in the older file")},
               {"sources",
                {{source_key,
                  {{"title", "hardware specification of the older calibration tool, " + file},
                   {"publisher", "branes-ai/graphs"},
                   {"url", "https://github.com/branes-ai/graphs"},
                   {"read", day},
                   {"note", "its figures name no sources of their own"}}}}},
               {"detection", detection_of(older, kind, model)},
               {"architecture", {{"name", older.text({"architecture", "system.architecture"})}}},
               {"clocks_ghz",
                {{"base", older.figure_of({"base_clock_mhz"}, 1e-3)},
                 {"boost", older.figure_of({"boost_clock_mhz"}, 1e-3)}}},
               {"memory", memory_of(older)},
               {"tdp_w", older.figure_of({"tdp_watts", "system.tdp_watts"})}};
    entry["host_architecture"] =
        platform == "x86_64" || platform == "aarch64" ? Json(platform) : Json(nullptr);
    if (older.number({"core_info.boost_frequency_ghz"}) > 0)
        entry["clocks_ghz"] = {{"base", older.figure_of({"core_info.base_frequency_ghz"})},
                               {"boost", older.figure_of({"core_info.boost_frequency_ghz"})}};
    if (units > 0)
        entry["architecture"]["cores"] = Json::array({{{"kind", unit}, {"count", figure(units)}}});
    const Json* rates = older.find("ops_per_clock");
    if (rates && rates->is_object() && units > 0)
        take_rates(older, entry, unit, units);
    else
        take_peaks(older, entry);
    take_modes(older, entry);
    if (older.find("calibration_summary"))
        older.remark(
            "calibration_summary: left out; import the profile it came from and use "
            "export-calibration");
    return entry;
}

}  // namespace

Result<OlderEntry> read_older(std::string_view text, const std::string& file,
                              const std::string& day) {
    auto json = parse_json(text, file);
    if (!json) return tl::make_unexpected(json.error());
    const bool known = json->is_object() && json->contains("id") &&
                       (json->contains("system") || json->contains("device_type"));
    if (!known)
        return failed(
            fmt::format("{}: neither a specification (id, device_type) nor a database "
                        "entry (id, system) of the older tool",
                        file));
    OlderEntry older;
    const Older reader(*json, older.remarks);
    const std::size_t slash = file.rfind('/');
    auto spec = spec_from_json(
        entry_of(reader, slash == std::string::npos ? file : file.substr(slash + 1), day), file);
    if (!spec) return tl::make_unexpected(spec.error());
    older.spec = std::move(*spec);
    return older;
}

}  // namespace peakward
