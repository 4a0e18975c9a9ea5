// The older tool's two forms of a product: a flat specification (ops_per_clock, compute_units,
// power_profiles) and a database entry (system, core_info, memory_subsystem). Where there are both,
// the specification's figures stand and the database entry completes them.
#include <algorithm>
#include <cmath>

#include "catalog/catalog.hpp"
#include "core/numbers.hpp"
#include "core/text.hpp"
#include "hardware/edit.hpp"

namespace peakward {
namespace {

constexpr const char* source_key = "older_file";

Json figure(double value, const std::string& formula = {}) {
    Json made{{"value", without_noise(value)}, {"source", source_key}};
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
    std::string expression = pattern;
    for (const std::string mark : {"(R)", "(TM)"})
        for (auto at = expression.find(mark); at != std::string::npos;
             at = expression.find(mark, at + mark.size() + 2))
            expression.replace(at, mark.size(), "\\" + mark.substr(0, mark.size() - 1) + "\\)");
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

// Rates of the whole chip, by core where they divide; else the peak that they make, since a third
// of an operation is no rate.
void take_rates(const Older& older, Json& entry, const std::string& unit, double units,
                double boost_ghz) {
    const Json* rates = older.find("ops_per_clock");
    for (const auto& [name, value] : rates->items()) {
        if (!value.is_number() || value.get<double>() <= 0) continue;
        const std::string precision = precision_of(name);
        if (precision.empty()) {
            older.remark(fmt::format("ops_per_clock.{}: no precision of this program", name));
            continue;
        }
        const auto per_clock = value.get<double>();
        if (std::fmod(per_clock, units) != 0 && boost_ghz > 0) {
            entry["theoretical_peaks_gops"][precision] =
                figure(per_clock * boost_ghz, fmt::format("{} operations per clock of the whole "
                                                          "chip x {} GHz",
                                                          value.dump(), boost_ghz));
            continue;
        }
        entry["operations_per_clock"][precision] = Json::array(
            {{{"per", unit},
              {"value", without_noise(per_clock / units)},
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
        const bool known = value.get<double>() > 0;
        if (!known)
            entry["theoretical_peaks_gops"][precision] =
                unknown("0 in the older file, which stands for not supported or not known");
        else if (older.find("power_profiles"))
            entry["theoretical_peaks_gops"][precision] =
                unknown("the older file does not say of which power mode its peak is");
        else
            entry["theoretical_peaks_gops"][precision] = figure(value.get<double>());
    }
}

double number_in(const Json& object, const char* key) {
    const auto it = object.find(key);
    return it != object.end() && it->is_number() ? it->get<double>() : 0.0;
}

Json mode_of(const Json& profile) {
    Json mode = Json::object();
    if (const double w = number_in(profile, "power_limit_w"); w > 0) mode["tdp_w"] = figure(w);
    if (const double mhz = number_in(profile, "clock_mhz"); mhz > 0)
        mode["clocks_ghz"]["boost"] = figure(mhz * 1e-3);
    if (const double mhz = number_in(profile, "emc_mhz"); mhz > 0)
        mode["clocks_ghz"]["memory"] = figure(mhz * 1e-3);
    if (const double gbps = number_in(profile, "peak_bandwidth_gbps"); gbps > 0)
        mode["memory"]["bandwidth_gbps"] = figure(gbps);
    return mode;
}

// The older files mix the modes in what they say of the whole product (the clock of one, the
// bandwidth of another): of one that has modes, the default mode's figures are the product's.
void take_modes(const Older& older, Json& entry) {
    const Json* modes = older.find("power_profiles");
    if (!modes || !modes->is_object() || modes->empty()) return;
    double most = 0;
    entry["default_power_mode"] = modes->begin().key();
    for (const auto& [name, profile] : modes->items()) {
        entry["power_modes"][name] = mode_of(profile);
        if (number_in(profile, "clock_mhz") <= most) continue;
        most = number_in(profile, "clock_mhz");
        entry["default_power_mode"] = name;
    }
    older.remark("default_power_mode: the older file names none; the fastest was taken");
    const auto chosen = entry["default_power_mode"].get<std::string>();
    const Json& mode = entry["power_modes"][chosen];
    const auto settle = [&](const char* what, Json& whole, const char* field) {
        const Json::json_pointer pointer(field);
        if (!mode.contains(pointer)) return;
        const Json& own = mode.at(pointer);
        if (whole.contains("value") && whole["value"] != own["value"])
            older.remark(fmt::format("{}: {} is of another power mode; {} of {} was taken", what,
                                     whole["value"].dump(), own["value"].dump(), chosen));
        whole = own;
        whole["note"] = "in power mode " + chosen;
    };
    settle("clock", entry["clocks_ghz"]["boost"], "/clocks_ghz/boost");
    settle("bandwidth", entry["memory"]["bandwidth_gbps"], "/memory/bandwidth_gbps");
    settle("tdp", entry["tdp_w"], "/tdp_w");
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
               {"launched", is_date(released) ? Json{{"value", released}, {"source", source_key}}
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
    for (const auto& [name, path] : {std::pair{"base", "core_info.base_frequency_ghz"},
                                     {"boost", "core_info.boost_frequency_ghz"}})
        if (!entry["clocks_ghz"][name].contains("value"))
            entry["clocks_ghz"][name] = older.figure_of({path});
    if (units > 0)
        entry["architecture"]["cores"] = Json::array({{{"kind", unit}, {"count", figure(units)}}});
    const Json* rates = older.find("ops_per_clock");
    const Json& boost = entry["clocks_ghz"]["boost"];
    if (rates && rates->is_object() && units > 0)
        take_rates(older, entry, unit, units, boost.value("value", 0.0));
    else
        take_peaks(older, entry);
    take_modes(older, entry);
    if (older.find("calibration_summary"))
        older.remark(
            "calibration_summary: left out; import the profile it came from and use "
            "export-calibration");
    return entry;
}

std::string file_name(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? path : path.substr(slash + 1);
}

// The paths under which a specification and a database entry say the same of a product.
constexpr std::pair<const char*, const char*> same_fact[] = {
    {"/model", "/system/model"},
    {"/device_type", "/system/device_type"},
    {"/compute_units", "/core_info/cores"},
    {"/memory_gb", "/memory_subsystem/total_size_gb"},
};
// The same, of facts that follow the power mode.
struct FactOfMode {
    const char *what, *flat, *nested;
    double factor;  // from the unit of the one to that of the other
};
constexpr FactOfMode facts_of_mode[] = {
    {"boost clock in GHz", "/boost_clock_mhz", "/core_info/boost_frequency_ghz", 1e-3},
    {"bandwidth in GB/s", "/peak_bandwidth_gbps", "/memory_subsystem/peak_bandwidth_gbps", 1},
    {"TDP in W", "/tdp_watts", "/system/tdp_watts", 1},
};

const Json* fact(const Json& json, const char* path) {
    const Json::json_pointer pointer(path);
    return json.contains(pointer) ? &json.at(pointer) : nullptr;
}

// What two files say differently of one product; "" when they agree.
std::string disagreement(const OlderFile& flat, const OlderFile& nested) {
    for (const auto& [one, other] : same_fact) {
        const Json *a = fact(flat.document, one), *b = fact(nested.document, other);
        if (a && b && *a != *b)
            return fmt::format("{} is {} in {} and {} in {}", one + 1, a->dump(),
                               file_name(flat.path), b->dump(), file_name(nested.path));
    }
    if (flat.document.contains("power_profiles")) return {};  // the modes settle the others
    for (const FactOfMode& of_mode : facts_of_mode) {
        const Json *a = fact(flat.document, of_mode.flat),
                   *b = fact(nested.document, of_mode.nested);
        if (!a || !b || !a->is_number() || !b->is_number()) continue;
        const double one = without_noise(a->get<double>() * of_mode.factor);
        const auto other = b->get<double>();
        if (one > 0 && other > 0 && std::abs(one / other - 1) > 0.02)
            return fmt::format("the {} is {} in {} and {} in {}", of_mode.what, one,
                               file_name(flat.path), other, file_name(nested.path));
    }
    return {};
}

// A product that was calibrated in a power mode has several, and its one figure for each thing
// belongs to nobody knows which.
std::string why_modes_are_mixed(const Json& document) {
    if (document.contains("power_profiles")) return {};
    const Json* mode = fact(document, "/calibration_summary/power_mode");
    if (!mode || !mode->is_string()) return {};
    return fmt::format(
        "it was calibrated in power mode {} and does not say which of its power modes its clock, "
        "bandwidth and TDP belong to; import it together with the older tool's specification of "
        "the product, which has power_profiles",
        mode->get<std::string>());
}

Result<Json> merged(const std::vector<OlderFile>& files) {
    if (files.size() == 1) return files.front().document;
    if (files.size() > 2 || files[0].is_database_entry == files[1].is_database_entry)
        return failed(fmt::format(
            "several files of one form describe {}, and they differ; import the one that holds",
            files.front().id));
    const OlderFile& flat = files[files[0].is_database_entry ? 1 : 0];
    const OlderFile& nested = files[files[0].is_database_entry ? 0 : 1];
    if (const std::string why = disagreement(flat, nested); !why.empty())
        return failed(fmt::format("{}; import the one that holds", why));
    Json document = nested.document;
    document.update(flat.document);
    return document;
}

}  // namespace

Result<OlderFile> read_older(std::string_view text, const std::string& path) {
    auto json = parse_json(text, path);
    if (!json) return tl::make_unexpected(json.error());
    const bool known = json->is_object() && json->contains("id") && json->at("id").is_string() &&
                       (json->contains("system") || json->contains("device_type"));
    if (!known)
        return failed(
            fmt::format("{}: neither a specification (id, device_type) nor a database "
                        "entry (id, system) of the older tool",
                        path));
    OlderFile file{path, json->at("id").get<std::string>(), json->contains("system"), {}};
    file.document = std::move(*json);
    return file;
}

Result<OlderEntry> older_entry(const std::vector<OlderFile>& files, const std::string& day) {
    std::vector<std::string> paths, names;
    for (const OlderFile& file : files) {
        paths.push_back(file.path);
        names.push_back(file_name(file.path));
    }
    const std::string all_paths = fmt::format("{}", fmt::join(paths, ", "));
    const auto document = merged(files);
    if (!document) return failed(fmt::format("{}: {}", all_paths, document.error().message));
    if (const std::string why = why_modes_are_mixed(*document); !why.empty())
        return failed(fmt::format("{}: {}", all_paths, why));
    OlderEntry older;
    const Older reader(*document, older.remarks);
    auto spec = spec_from_json(entry_of(reader, fmt::format("{}", fmt::join(names, " and ")), day),
                               all_paths);
    if (!spec) return tl::make_unexpected(spec.error());
    older.spec = std::move(*spec);
    return older;
}

}  // namespace peakward
