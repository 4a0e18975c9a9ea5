#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>

#include "catalog/catalog.hpp"
#include "core/text.hpp"
#include "hardware/spec.hpp"

namespace peakward {
namespace {

// Thrown inside this file only; read_spec() turns it into an Error.
struct BadField {
    std::string message;
};

[[noreturn]] void bad(const std::string& path, const std::string& what) {
    throw BadField{fmt::format("{}: {}", path, what)};
}

std::string kind_of(const Json& value) { return value.is_null() ? "null" : value.type_name(); }

// The fields of one object; whatever was not asked for when it ends is one that does not exist.
class Fields {
public:
    Fields(const Json& json, std::string path) : json_(json), path_(std::move(path)) {
        if (!json.is_object()) bad(path_, "takes an object, not " + kind_of(json));
    }

    std::string at(const std::string& name) const {
        return path_.empty() ? name : path_ + "." + name;
    }
    const Json* find(const std::string& name) {
        known_.insert(name);
        const auto it = json_.find(name);
        return it == json_.end() ? nullptr : &*it;
    }
    const Json& need(const std::string& name) {
        const Json* value = find(name);
        if (!value) bad(at(name), "is missing");
        return *value;
    }
    std::string text(const std::string& name) { return as_text(need(name), at(name)); }
    std::string text_or(const std::string& name, std::string otherwise = {}) {
        const Json* value = find(name);
        return value ? as_text(*value, at(name)) : otherwise;
    }
    int whole(const std::string& name, int smallest) {
        return as_whole(need(name), at(name), smallest);
    }
    std::optional<int> whole_if(const std::string& name) {
        const Json* value = find(name);
        return value ? std::optional(as_whole(*value, at(name), 0)) : std::nullopt;
    }
    double number(const std::string& name) {
        const Json& value = need(name);
        if (!value.is_number()) bad(at(name), "takes a number, not " + kind_of(value));
        return value.get<double>();
    }
    std::vector<std::string> words(const std::string& name) {
        const Json* list = find(name);
        std::vector<std::string> words;
        if (!list) return words;
        if (!list->is_array()) bad(at(name), "takes a list, not " + kind_of(*list));
        for (std::size_t i = 0; i < list->size(); ++i)
            words.push_back(as_text((*list)[i], fmt::format("{}[{}]", at(name), i)));
        return words;
    }
    void end() const {
        const std::vector<std::string> known(known_.begin(), known_.end());
        for (const auto& [name, value] : json_.items())
            if (!known_.contains(name)) bad(at(name), unknown_name_message("field", name, known));
    }

private:
    static std::string as_text(const Json& value, const std::string& path) {
        if (!value.is_string()) bad(path, "takes a text, not " + kind_of(value));
        auto text = value.get<std::string>();
        if (trim(text).empty()) bad(path, "is empty");
        return text;
    }
    static int as_whole(const Json& value, const std::string& path, int smallest) {
        if (!value.is_number_integer()) bad(path, "takes a whole number, not " + value.dump());
        const auto number = value.get<std::int64_t>();
        if (number < smallest || number > 1'000'000'000)
            bad(path, fmt::format("must be {} or more, not {}", smallest, number));
        return static_cast<int>(number);
    }

    const Json& json_;
    std::string path_;
    std::set<std::string> known_;
};

// "theoretical_peaks_gops.fp16" -> " in 10^9 operations per second": what a figure there counts.
std::string_view unit_of(const std::string& path) {
    constexpr std::pair<std::string_view, std::string_view> units[] = {
        {"_gops", " in 10^9 operations per second"},
        {"_ghz", " in GHz"},
        {"_gbps", " in 10^9 bytes per second"},
        {"_gb", " in 10^9 bytes"},
        {"_kb", " in 1024 bytes"},
        {"_mtps", " in 10^6 transfers per second"},
        {"_bits", " in bits"},
        {"_w", " in watts"},
    };
    for (const auto& [ending, unit] : units)
        for (const std::string& part : split(path, '.'))
            if (part.ends_with(ending)) return unit;
    return "";
}

Figure figure_of(const Json& json, const std::string& path) {
    if (json.is_number())
        bad(path, "a bare number has no source; write {\"value\": …, \"source\": \"KEY\"}");
    Fields fields(json, path);
    Figure figure;
    if (const Json* reason = fields.find("unknown")) {
        if (!reason->is_string() || trim(reason->get<std::string>()).empty())
            bad(path + ".unknown", "takes the reason as a text");
        figure.unknown = reason->get<std::string>();
        if (fields.find("value")) bad(path, "has both a value and a reason why it is unknown");
        fields.end();
        return figure;
    }
    const Json& value = fields.need("value");
    if (!value.is_number())
        bad(path + ".value", fmt::format("takes a number{}, not {} {}", unit_of(path),
                                         kind_of(value), value.dump()));
    figure.value = value.get<double>();
    if (!std::isfinite(*figure.value) || *figure.value <= 0)
        bad(path + ".value", fmt::format("must be above zero, not {}", value.dump()));
    figure.source = fields.text("source");
    figure.formula = fields.text_or("formula");
    figure.note = fields.text_or("note");
    figure.accumulator = fields.text_or("accumulator");
    fields.end();
    return figure;
}

std::optional<Figure> figure_if(Fields& fields, const std::string& name) {
    const Json* json = fields.find(name);
    return json ? std::optional(figure_of(*json, fields.at(name))) : std::nullopt;
}

// One figure, or an object of figures by kind of core.
FigurePerKind per_kind(const Json& json, const std::string& path) {
    if (!json.is_object() || json.contains("value") || json.contains("unknown"))
        return {{"", figure_of(json, path)}};
    FigurePerKind figures;
    for (const auto& [kind, figure] : json.items())
        figures[kind] = figure_of(figure, path + "." + kind);
    return figures;
}

SpecClocks clocks_of(const Json& json, const std::string& path) {
    Fields fields(json, path);
    SpecClocks clocks;
    for (const char* name : {"base", "boost", "all_core_boost", "matrix_boost"})
        if (const Json* clock = fields.find(name))
            clocks.by_class[name] = per_kind(*clock, fields.at(name));
    if (const Json* sustained = fields.find("sustained")) {
        Fields classes(*sustained, fields.at("sustained"));
        for (const char* name : {"avx2", "avx512", "amx"})
            if (const Json* clock = classes.find(name))
                clocks.by_class[std::string("sustained.") + name] =
                    per_kind(*clock, classes.at(name));
        classes.end();
    }
    clocks.memory_ghz = figure_if(fields, "memory");
    fields.end();
    return clocks;
}

std::vector<CoreGroup> cores_of(const Json& json, const std::string& path) {
    if (!json.is_array() || json.empty()) bad(path, "takes a list of at least one kind of core");
    std::vector<CoreGroup> cores;
    for (std::size_t i = 0; i < json.size(); ++i) {
        Fields fields(json[i], fmt::format("{}[{}]", path, i));
        CoreGroup group;
        group.kind = fields.text("kind");
        group.count = figure_of(fields.need("count"), fields.at("count"));
        group.threads_per_core = figure_if(fields, "threads_per_core");
        group.microarchitecture = fields.text_or("microarchitecture");
        fields.end();
        for (const CoreGroup& before : cores)
            if (before.kind == group.kind)
                bad(path, fmt::format("names the kind '{}' twice", group.kind));
        cores.push_back(std::move(group));
    }
    return cores;
}

void check_precision(const std::string& precision, const std::string& path) {
    if (!catalog::find_precision(precision))
        bad(path + "." + precision,
            unknown_name_message("precision", precision, catalog::precision_names()));
}

std::map<std::string, Figure> peaks_of(Fields& fields, const std::string& name) {
    std::map<std::string, Figure> peaks;
    const Json* json = fields.find(name);
    if (!json) return peaks;
    if (!json->is_object()) bad(fields.at(name), "takes an object by precision");
    for (const auto& [precision, figure] : json->items()) {
        check_precision(precision, fields.at(name));
        peaks[precision] = figure_of(figure, fields.at(name) + "." + precision);
    }
    return peaks;
}

std::vector<OperationRate> rates_of(const Json& json, const std::string& path) {
    if (!json.is_array() || json.empty()) bad(path, "takes a list of at least one kind of core");
    std::vector<OperationRate> rates;
    for (std::size_t i = 0; i < json.size(); ++i) {
        Fields fields(json[i], fmt::format("{}[{}]", path, i));
        OperationRate rate;
        rate.per = fields.text("per");
        rate.per_clock_count = fields.number("value");
        if (!std::isfinite(rate.per_clock_count) || rate.per_clock_count <= 0)
            bad(fields.at("value"), "must be above zero");
        rate.clock = fields.text("clock");
        rate.source = fields.text("source");
        rate.formula = fields.text_or("formula");
        rate.note = fields.text_or("note");
        fields.end();
        rates.push_back(std::move(rate));
    }
    return rates;
}

SpecMemory memory_of(const Json& json, const std::string& path, bool of_a_mode) {
    Fields fields(json, path);
    SpecMemory memory;
    if (!of_a_mode) {
        memory.type = fields.text("type");
        memory.capacity_gb = figure_if(fields, "capacity_gb");
        memory.channels = figure_if(fields, "channels");
        memory.bus_width_bits = figure_if(fields, "bus_width_bits");
        fields.need("bandwidth_gbps");
    }
    memory.rate_mtps = figure_if(fields, "rate_mtps");
    memory.bandwidth_gbps = figure_if(fields, "bandwidth_gbps");
    fields.end();
    return memory;
}

DetectionPattern pattern_of(const Json& json, const std::string& path) {
    Fields fields(json, path);
    DetectionPattern pattern;
    const auto word = [&](const char* name, std::optional<std::string>& value) {
        if (const std::string text = fields.text_or(name); !text.empty()) value = text;
    };
    word("cpu_model", pattern.cpu_model);
    word("gpu_model", pattern.gpu_model);
    word("product_name", pattern.product_name);
    word("pci_id", pattern.pci_id);
    word("device_tree", pattern.device_tree);
    word("cpu_vendor", pattern.cpu_vendor);
    pattern.cpu_family = fields.whole_if("cpu_family");
    pattern.cpu_model_number = fields.whole_if("cpu_model_number");
    pattern.cpu_stepping = fields.whole_if("cpu_stepping");
    pattern.cores_per_socket = fields.whole_if("cores_per_socket");
    pattern.confidence = fields.number("confidence");
    if (!(pattern.confidence > 0 && pattern.confidence <= 1))
        bad(fields.at("confidence"), "must be above 0 and at most 1");
    pattern.reason = fields.text("reason");
    pattern.source = fields.text_or("source");
    fields.end();
    return pattern;
}

SpecSource source_of(const Json& json, const std::string& path) {
    Fields fields(json, path);
    SpecSource source;
    source.title = fields.text("title");
    source.publisher = fields.text("publisher");
    source.url = fields.text("url");
    source.section = fields.text_or("section");
    source.read = fields.text_or("read");
    source.note = fields.text_or("note");
    fields.end();
    return source;
}

PowerMode mode_of(const std::string& name, const Json& json, const std::string& path) {
    Fields fields(json, path);
    PowerMode mode;
    mode.name = name;
    mode.tdp_w = figure_if(fields, "tdp_w");
    if (const Json* clocks = fields.find("clocks_ghz"))
        mode.clocks = clocks_of(*clocks, fields.at("clocks_ghz"));
    if (const Json* cores = fields.find("cores")) mode.cores = cores_of(*cores, fields.at("cores"));
    if (const Json* memory = fields.find("memory"))
        mode.memory = memory_of(*memory, fields.at("memory"), true);
    mode.theoretical_peaks_gops = peaks_of(fields, "theoretical_peaks_gops");
    mode.note = fields.text_or("note");
    fields.end();
    return mode;
}

void check_id(const std::string& id, const std::string& path) {
    const bool plain =
        id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
    if (!plain || id.front() == '_' || id.back() == '_')
        bad(path, fmt::format("'{}' is not an id: small letters, digits and single underscores, "
                              "as intel_i7_12700k",
                              id));
}

void read_identity(Fields& fields, HardwareSpec& spec) {
    const int schema_version = fields.whole("schema_version", 1);
    if (schema_version != 1)
        bad("schema_version", fmt::format("is {}; this program reads 1", schema_version));
    spec.spec_version = fields.whole("spec_version", 1);
    spec.id = fields.text("id");
    check_id(spec.id, "id");
    spec.name = fields.text("name");
    spec.kind = fields.text("kind");
    const std::vector<std::string> kinds{"cpu", "gpu", "accelerator", "board"};
    if (std::find(kinds.begin(), kinds.end(), spec.kind) == kinds.end())
        bad("kind", unknown_name_message("kind", spec.kind, kinds));
    spec.vendor = fields.text("vendor");
    check_id(spec.vendor, "vendor");  // it becomes the name of a folder
    fields.need("aliases");
    spec.aliases = fields.words("aliases");
    const Json& host = fields.need("host_architecture");
    if (!host.is_null()) {
        spec.host_architecture = fields.text("host_architecture");
        const std::vector<std::string> known{"x86_64", "aarch64"};
        if (std::find(known.begin(), known.end(), spec.host_architecture) == known.end())
            bad("host_architecture",
                unknown_name_message("architecture", spec.host_architecture, known));
    }
    if (fields.find("devices")) spec.devices = fields.whole("devices", 2);
    Fields launched(fields.need("launched"), "launched");
    if (launched.text_or("unknown").empty()) {
        spec.launched = launched.text("value");
        if (!is_date(spec.launched))
            bad("launched.value", fmt::format("takes a date as 2022, 2022-10 or 2022-10-04, not "
                                              "'{}'",
                                              spec.launched));
        spec.launched_source = launched.text("source");
        launched.text_or("note");
    }
    launched.end();
    spec.note = fields.text_or("note");
}

void read_architecture(Fields& fields, HardwareSpec& spec) {
    Fields part(fields.need("architecture"), "architecture");
    spec.architecture = part.text("name");
    spec.microarchitecture = part.text_or("microarchitecture");
    spec.compute_capability = part.text_or("compute_capability");
    spec.isa = part.words("isa");
    if (const Json* cores = part.find("cores")) spec.cores = cores_of(*cores, "architecture.cores");
    part.end();
}

void read_detection(Fields& fields, HardwareSpec& spec) {
    const Json& list = fields.need("detection");
    if (!list.is_array()) bad("detection", "takes a list of patterns");
    for (std::size_t i = 0; i < list.size(); ++i)
        spec.detection.push_back(pattern_of(list[i], fmt::format("detection[{}]", i)));
    const Json& sources = fields.need("sources");
    if (!sources.is_object() || sources.empty()) bad("sources", "takes at least one source");
    for (const auto& [key, source] : sources.items())
        spec.sources[key] = source_of(source, "sources." + key);
}

void read_figures(Fields& fields, HardwareSpec& spec) {
    const Json* clocks = fields.find("clocks_ghz");
    const Json* memory = fields.find("memory");
    if (spec.kind != "board" && !clocks) bad("clocks_ghz", "is missing");
    if (spec.kind != "board" && !memory) bad("memory", "is missing");
    if (clocks) spec.clocks = clocks_of(*clocks, "clocks_ghz");
    if (memory) spec.memory = memory_of(*memory, "memory", false);
    if (const Json* rates = fields.find("operations_per_clock")) {
        if (!rates->is_object()) bad("operations_per_clock", "takes an object by precision");
        for (const auto& [precision, list] : rates->items()) {
            check_precision(precision, "operations_per_clock");
            spec.operations_per_clock[precision] =
                rates_of(list, "operations_per_clock." + precision);
        }
    }
    spec.theoretical_peaks_gops = peaks_of(fields, "theoretical_peaks_gops");
    spec.vector_peaks_gops = peaks_of(fields, "vector_peaks_gops");
    spec.sparse_peaks_gops = peaks_of(fields, "sparse_peaks_gops");
    spec.tdp_w = figure_of(fields.need("tdp_w"), "tdp_w");
    if (const Json* caches = fields.find("caches")) {
        if (!caches->is_array()) bad("caches", "takes a list");
        for (std::size_t i = 0; i < caches->size(); ++i) {
            Fields part((*caches)[i], fmt::format("caches[{}]", i));
            SpecCache cache;
            cache.level = part.whole("level", 1);
            cache.kind = part.text("kind");
            cache.size_kb = figure_of(part.need("size_kb"), part.at("size_kb"));
            cache.per = part.text("per");
            part.end();
            spec.caches.push_back(std::move(cache));
        }
    }
}

void read_modes(Fields& fields, HardwareSpec& spec) {
    spec.default_power_mode = fields.text_or("default_power_mode");
    if (const Json* modes = fields.find("power_modes")) {
        if (!modes->is_object()) bad("power_modes", "takes an object by mode");
        for (const auto& [name, mode] : modes->items())
            spec.power_modes[name] = mode_of(name, mode, "power_modes." + name);
    }
    if (spec.power_modes.empty() != spec.default_power_mode.empty())
        bad("default_power_mode", "stands with power_modes, and only with them");
    if (!spec.power_modes.empty() && !spec.power_modes.contains(spec.default_power_mode))
        bad("default_power_mode",
            fmt::format("'{}' is none of power_modes", spec.default_power_mode));
    spec.contains = fields.words("contains");
    if ((spec.kind == "board") == spec.contains.empty())
        bad("contains", "a board names its parts, and only a board");
    for (const char* name : {"calibration_summary", "calibration_profiles"})
        if (const Json* part = fields.find(name); part && !part->is_object())
            bad(name, "takes an object");
}

// Every "source" anywhere below names an entry of sources.
void check_sources(const Json& json, const std::string& path, const HardwareSpec& spec) {
    if (json.is_array())
        for (std::size_t i = 0; i < json.size(); ++i)
            check_sources(json[i], fmt::format("{}[{}]", path, i), spec);
    if (!json.is_object()) return;
    for (const auto& [name, value] : json.items()) {
        if (path.empty() &&
            (name == "sources" || name == "calibration_summary" || name == "calibration_profiles"))
            continue;
        const std::string at = path.empty() ? name : path + "." + name;
        if (name == "source" && value.is_string() &&
            !spec.sources.contains(value.get<std::string>())) {
            std::vector<std::string> known;
            for (const auto& [key, source] : spec.sources) known.push_back(key);
            bad(at, unknown_name_message("source", value.get<std::string>(), known));
        }
        check_sources(value, at, spec);
    }
}

}  // namespace

Result<HardwareSpec> spec_from_json(Json document, const std::string& file) {
    try {
        HardwareSpec spec;
        Fields fields(document, "");
        read_identity(fields, spec);
        read_detection(fields, spec);
        read_architecture(fields, spec);
        read_figures(fields, spec);
        read_modes(fields, spec);
        fields.end();
        check_sources(document, "", spec);
        spec.document = std::move(document);
        return spec;
    } catch (const BadField& field) {
        return failed(fmt::format("{}: {}", file, field.message));
    } catch (const Json::exception& error) {
        return failed(fmt::format("{}: {}", file, error.what()));
    }
}

Result<HardwareSpec> read_spec(std::string_view text, const std::string& file) {
    auto json = parse_json(text, file);
    if (!json) return tl::make_unexpected(json.error());
    return spec_from_json(std::move(*json), file);
}

Result<std::vector<Architecture>> read_architectures(std::string_view text,
                                                     const std::string& file) {
    auto json = parse_json(text, file);
    if (!json) return tl::make_unexpected(json.error());
    try {
        std::vector<Architecture> architectures;
        for (const Json& item : json->at("architectures")) {
            Architecture architecture;
            architecture.id = item.at("id").get<std::string>();
            architecture.name = item.value("name", architecture.id);
            for (const Json& entry : item.at("detection")) {
                Architecture::Pattern pattern;
                pattern.cpu_vendor = entry.at("cpu_vendor").get<std::string>();
                pattern.family = entry.at("cpu_family").get<int>();
                pattern.model_first = entry.at("cpu_model_first").get<int>();
                pattern.model_last = entry.at("cpu_model_last").get<int>();
                pattern.stepping_first = optional_from_json<int>(entry, "cpu_stepping_first");
                pattern.stepping_last = optional_from_json<int>(entry, "cpu_stepping_last");
                pattern.isa = entry.value("isa", std::vector<std::string>());
                pattern.confidence = entry.at("confidence").get<double>();
                pattern.reason = entry.at("reason").get<std::string>();
                architecture.detection.push_back(std::move(pattern));
            }
            architectures.push_back(std::move(architecture));
        }
        return architectures;
    } catch (const Json::exception& error) {
        return failed(fmt::format("{}: {}", file, error.what()));
    }
}

std::string source_text(const HardwareSpec& spec, const std::string& key) {
    const auto it = spec.sources.find(key);
    if (it == spec.sources.end()) return key;
    const SpecSource& source = it->second;
    std::string text = fmt::format("{}, {}", source.publisher, source.title);
    if (!source.section.empty()) text += ", " + source.section;
    return text;
}

std::string reading_text(const SpecSource& source) {
    return source.read.empty() ? "cited, not re-read" : "read " + source.read;
}

bool is_date(std::string_view text) {
    const std::string_view pattern = "0000-00-00";
    if (text.size() != 4 && text.size() != 7 && text.size() != 10) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        if (pattern[i] == '0' ? !digit : text[i] != pattern[i]) return false;
    }
    const auto part = [&](std::size_t at, std::size_t length, unsigned otherwise) {
        if (at >= text.size()) return otherwise;
        return static_cast<unsigned>(*parse_integer(text.substr(at, length)));
    };
    const std::chrono::year_month_day day{std::chrono::year(static_cast<int>(part(0, 4, 0))),
                                          std::chrono::month(part(5, 2, 1)),
                                          std::chrono::day(part(8, 2, 1))};
    return text.substr(0, 2) == "20" && day.ok();
}

}  // namespace peakward
