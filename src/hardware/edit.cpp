#include "hardware/edit.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "core/numbers.hpp"
#include "core/text.hpp"
#include "hardware/name_pattern.hpp"

namespace peakward {
namespace {

Json figure(double value, const char* source) {
    return {{"value", without_noise(value)}, {"source", source}};
}

// A name as an expression that matches it and nothing else.
std::string exactly(const std::string& name) {
    std::string expression = "^";
    for (const char c : name) {
        if (std::string_view(".[](){}*+?|\\^$").find(c) != std::string_view::npos)
            expression += '\\';
        expression += c;
    }
    return expression + "$";
}

Json host_source(const std::string& day) {
    return {{"title", "what the host itself shows"},
            {"publisher", "peakward context"},
            {"url", "https://www.kernel.org/doc/html/latest/admin-guide/sysfs-rules.html"},
            {"read", day},
            {"note", "read from /proc, /sys and CPUID; check it against the vendor's documents"}};
}

std::string vendor_word(const std::string& vendor) {
    const std::string lower = to_lower(vendor);
    for (const auto& [part, word] :
         {std::pair{"intel", "intel"}, {"amd", "amd"}, {"nvidia", "nvidia"}, {"arm", "arm"}})
        if (lower.find(part) != std::string::npos) return word;
    return id_from_name(vendor.empty() ? "unknown" : vendor);
}

Json base_of(const std::string& name, const std::string& kind, const std::string& vendor,
             const std::string& day) {
    return {
        {"schema_version", 1},
        {"spec_version", 1},
        {"id", id_from_name(name)},
        {"name", name},
        {"kind", kind},
        {"vendor", vendor},
        {"aliases", Json::array()},
        {"host_architecture", nullptr},
        {"launched", unknown("the host does not tell")},
        {"sources", {{"host", host_source(day)}}},
        {"tdp_w", unknown("the host does not tell")},
        {"memory", {{"type", "unknown"}, {"bandwidth_gbps", unknown("the host does not tell")}}},
        {"clocks_ghz", {{"base", unknown("the host does not tell")}}},
        {"calibration_summary", Json::object()},
        {"calibration_profiles", Json::object()}};
}

Json cores_json(const CpuInfo& cpu) {
    Json cores = Json::array();
    const int sockets = std::max(1, cpu.sockets.value_or(1));
    for (const CoreKind& kind : cpu.core_kinds) {
        if (kind.cores <= 0) continue;
        Json group{{"kind", kind.name.empty() ? "core" : kind.name},
                   {"count", figure(static_cast<double>(kind.cores) / sockets, "host")}};
        if (!kind.microarchitecture.empty()) group["microarchitecture"] = kind.microarchitecture;
        cores.push_back(std::move(group));
    }
    return cores;
}

Json draft_of_cpu(const Context& context, const std::string& name, const std::string& day) {
    const CpuInfo& cpu = context.hardware.cpu;
    Json entry = base_of(name, "cpu", vendor_word(cpu.vendor.value_or("")), day);
    entry["host_architecture"] = cpu.architecture;
    entry["architecture"] = {
        {"name", cpu.microarchitecture.empty() ? "unknown" : cpu.microarchitecture},
        {"isa", cpu.isa}};
    if (!cpu.microarchitecture.empty())
        entry["architecture"]["microarchitecture"] = cpu.microarchitecture;
    if (const Json cores = cores_json(cpu); !cores.empty()) entry["architecture"]["cores"] = cores;
    for (const CoreKind& kind : cpu.core_kinds)
        if (kind.clock_max_mhz)
            entry["clocks_ghz"]["boost"][kind.name.empty() ? "core" : kind.name] =
                figure(*kind.clock_max_mhz * 1e-3, "host");
    Json caches = Json::array();
    for (const CacheLevel& cache : cpu.caches)
        if (cache.size_bytes >= 1024 && cache.level >= 1 && cache.level <= 4)
            caches.push_back(
                {{"level", cache.level},
                 {"kind", cache.type},
                 {"size_kb", figure(static_cast<double>(cache.size_bytes) / 1024, "host")},
                 {"per", cache.shared_by_cpus <= 2 ? "core" : "cluster"}});
    entry["caches"] = caches;
    return entry;
}

Json draft_of_gpu(const GpuInfo& gpu, const std::string& name, const std::string& day) {
    Json entry = base_of(name, "gpu", vendor_word(gpu.vendor), day);
    entry["architecture"] = {{"name", "unknown"}};
    if (gpu.compute_capability)
        entry["architecture"]["compute_capability"] = *gpu.compute_capability;
    if (gpu.multiprocessors)
        entry["architecture"]["cores"] =
            Json::array({{{"kind", gpu.vendor == "amd" ? "cu" : "sm"},
                          {"count", figure(*gpu.multiprocessors, "host")}}});
    if (gpu.clock_max_mhz) entry["clocks_ghz"]["boost"] = figure(*gpu.clock_max_mhz * 1e-3, "host");
    if (gpu.memory_mb) entry["memory"]["capacity_gb"] = figure(*gpu.memory_mb * 1048576e-9, "host");
    if (gpu.power_limit_default_w) entry["tdp_w"] = figure(*gpu.power_limit_default_w, "host");
    return entry;
}

// How hosts show the product: by the expression that was given, else by the name that this one
// shows, which must be a product's.
Result<Json> detection_of(const std::string& shown, const std::string& pci_id, bool of_cpu,
                          const DraftOptions& options) {
    if (options.pattern == no_pattern) return Json(Json::array());
    const bool anonymous = names_no_product(shown) && pci_id.empty();
    if (anonymous && options.pattern.empty())
        return failed(
            fmt::format("'{}' is no product's name: every machine that hides its product shows it, "
                        "and all of them would be taken for this entry; give the product's name "
                        "and how its other hosts show it with --name and --pattern '^...$', or "
                        "--pattern none for an entry that only --preset finds",
                        shown));
    if (!options.pattern.empty()) {
        const auto pattern = NamePattern::make(options.pattern);
        if (!pattern) return wrong_usage("--pattern: " + pattern.error().message);
        if (anonymous && pattern->matches(shown))
            return wrong_usage(
                fmt::format("--pattern: '{}' matches '{}', which every machine that hides its "
                            "product shows; write the name that the product itself shows",
                            options.pattern, shown));
        if (!anonymous && !pattern->matches(shown))
            return wrong_usage(
                fmt::format("--pattern: '{}' does not match '{}', the name that "
                            "this machine shows",
                            options.pattern, shown));
    }
    Json pattern{{of_cpu ? "cpu_model" : "gpu_model",
                  options.pattern.empty() ? exactly(shown) : options.pattern},
                 {"confidence", 0.9},
                 {"reason", !options.pattern.empty() ? "the name that was given for its hosts"
                            : of_cpu                 ? "the name this host gives its processor"
                                                     : "the name this host gives its GPU"}};
    if (!pci_id.empty()) pattern["pci_id"] = to_lower(pci_id);
    return Json(Json::array({pattern}));
}

// With the name and the patterns of the options.
Result<Json> finished_draft(Json entry, const std::string& pci_id, const DraftOptions& options) {
    auto detection = detection_of(entry.at("name").get<std::string>(), pci_id,
                                  entry.at("kind") == "cpu", options);
    if (!detection) return detection;
    entry["detection"] = std::move(*detection);
    if (!options.name.empty()) {
        entry["name"] = options.name;
        entry["id"] = id_from_name(options.name);
    }
    return entry;
}

// ---------------------------------------------------------------------------------------------

// The value at "memory.bandwidth_gbps"; null when there is none yet.
Json* at_path(Json& document, const std::string& field, bool make) {
    Json* here = &document;
    for (const std::string& part : split(field, '.')) {
        if (make && here != &document && here->is_null()) *here = Json::object();
        if (part.empty() || !here->is_object()) return nullptr;
        if (!here->contains(part) && !make) return nullptr;
        here = &(*here)[part];
    }
    return here;
}

// Texts of an entry that a correction may set; everything else is a figure.
bool is_plain_text(const std::string& field) {
    static const std::vector<std::string> texts{"name",
                                                "note",
                                                "architecture.name",
                                                "architecture.microarchitecture",
                                                "memory.type",
                                                "default_power_mode"};
    return std::find(texts.begin(), texts.end(), field) != texts.end();
}

// A number, or the day of the launch.
Result<Json> corrected_value(const Correction& correction) {
    if (correction.field == "launched") {
        if (is_date(correction.value)) return Json(correction.value);
        return wrong_usage(
            fmt::format("--set launched: takes a date as 2022, 2022-10 or 2022-10-04, or 'unknown: "
                        "reason', not '{}'",
                        correction.value));
    }
    const auto number = parse_number(correction.value);
    if (number) return Json(*number);
    return wrong_usage(fmt::format("--set {}: takes a number or 'unknown: reason', not '{}'",
                                   correction.field, correction.value));
}

std::string source_key_for(Json& sources, const std::string& source, const std::string& day) {
    const std::size_t url = source.find("http");
    const std::size_t comma = source.find(',');
    const std::string publisher = trim(source.substr(0, std::min(comma, source.size())));
    std::string title = comma == std::string::npos || comma > url
                            ? publisher
                            : trim(source.substr(comma + 1, url - comma - 1));
    while (!title.empty() && (title.back() == ',' || title.back() == ' ')) title.pop_back();
    const Json entry{{"publisher", publisher},
                     {"title", title.empty() ? publisher : title},
                     {"url", trim(source.substr(url))},
                     {"read", day}};
    for (int n = 1;; ++n) {
        std::string key = fmt::format("correction_{}", n);
        if (!sources.contains(key)) sources[key] = entry;
        if (sources[key] == entry) return key;
    }
}

}  // namespace

Json unknown(const std::string& reason) { return {{"unknown", reason}}; }

std::string id_from_name(const std::string& name) {
    std::string text = name, id;
    for (const char* mark : {"(R)", "(TM)", "(r)", "(tm)"})
        for (std::size_t at; (at = text.find(mark)) != std::string::npos;)
            text.erase(at, std::string(mark).size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 128 && std::isalnum(byte))
            id += static_cast<char>(std::tolower(byte));
        else if (!id.empty() && id.back() != '_')
            id += '_';
    }
    while (!id.empty() && id.back() == '_') id.pop_back();
    return id.empty() ? "unknown" : id;
}

Result<Json> draft_entry(const Context& context, const std::string& device, const std::string& day,
                         const DraftOptions& options) {
    if (device == "cpu") {
        const auto& model = context.hardware.cpu.model;
        if (!model)
            return failed(
                fmt::format("the CPU does not say its name ({}); describe it in a file "
                            "and use --from FILE",
                            model.reason()));
        return finished_draft(draft_of_cpu(context, *model, day), "", options);
    }
    const auto host = host_facts(context);
    for (std::size_t i = 0; i < host.gpus.size(); ++i) {
        if (host.gpus[i].device != device) continue;
        if (host.gpus[i].model.empty())
            return failed(
                fmt::format("{} does not say its name; describe it in a file and use "
                            "--from FILE",
                            device));
        const GpuInfo& gpu = context.hardware.gpus[i];
        return finished_draft(draft_of_gpu(gpu, host.gpus[i].model, day), gpu.pci_id.value_or(""),
                              options);
    }
    std::vector<std::string> known{"cpu"};
    for (const auto& gpu : host.gpus) known.push_back(gpu.device);
    return wrong_usage("--device: " + unknown_name_message("device", device, known));
}

Result<HardwareSpec> corrected(const HardwareSpec& spec, const std::vector<Correction>& corrections,
                               const std::string& source, const std::string& day) {
    Json document = spec.document;
    for (const Correction& correction : corrections) {
        const std::string& field = correction.field;
        for (const char* fixed : {"id", "schema_version", "spec_version", "kind", "vendor"})
            if (field == fixed)
                return wrong_usage(
                    fmt::format("--set {}: this field is not corrected; add a new "
                                "product instead",
                                field));
        Json* place = at_path(document, field, true);
        if (!place) return wrong_usage(fmt::format("--set {}: there is no such field", field));
        if (is_plain_text(field)) {
            *place = correction.value;
            continue;
        }
        if (correction.value.starts_with("unknown:")) {
            *place = unknown(trim(correction.value.substr(8)));
            continue;
        }
        const auto value = corrected_value(correction);
        if (!value) return tl::make_unexpected(value.error());
        if (source.find("http") == std::string::npos)
            return wrong_usage(fmt::format(
                "--set {}: a figure needs its source: --source \"Publisher, title, https://…\"",
                field));
        const std::string key = source_key_for(document["sources"], source, day);
        *place = {{"value", *value}, {"source", key}};
    }
    document["spec_version"] = spec.spec_version + 1;
    auto made = spec_from_json(std::move(document), spec.id);
    if (made) made->origin = spec.origin;
    return made;
}

}  // namespace peakward
