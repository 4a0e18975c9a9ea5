// Readers of the hardware database: products, patterns, calibrations, files of the older tool.

#include "fuzz/properties.hpp"
#include "fuzz/targets.hpp"
#include "hardware/calibration.hpp"
#include "hardware/edit.hpp"
#include "hardware/match.hpp"
#include "hardware/name_pattern.hpp"
#include "hardware/peaks.hpp"
#include "hardware/query.hpp"
#include "hardware/resource_model.hpp"

namespace peakward::fuzz {
namespace {

constexpr const char* day = "2026-12-01";

const HardwareDatabase& products() {
    static const HardwareDatabase database = builtin_hardware();
    return database;
}

// What every verb of `hardware` may do with an entry that was accepted.
std::string broken_use(const HardwareSpec& spec) {
    for (const std::string& precision : precisions_of(spec)) {
        (void)spec_peak(spec, precision);
        for (const auto& [name, mode] : spec.power_modes) (void)spec_peak(spec, precision, name);
    }
    (void)spec_bandwidth(spec);
    for (const auto& [name, mode] : spec.power_modes)
        if (power_mode_of(spec, name).empty()) return "a power mode is not found by its own name";
    for (const QueryField& field : query_fields()) (void)field_of(spec, field.name);
    (void)canonical_json(peaks_json(spec));
    for (const GeneratedFile& file : peakward::resource_models({&spec}))
        if (file.name.ends_with(".json") && !parse_json(file.content, file.name))
            return "the resource model is not JSON";
    HardwareDatabase database;
    database.specs.push_back(spec);
    (void)hardware_page(database);
    (void)problems_between(database);
    const Matcher matcher(database);
    HostFacts host;
    host.architecture = "x86_64";
    host.cpu_model = host.product_name = spec.name;
    host.gpus.push_back({"cuda:0", spec.name, "10de:2330"});
    for (const DeviceMatch& match : matcher.match(host))
        if (match.confidence < 0 || match.confidence > 1) return "a confidence outside of 0 to 1";
    return broken_text(spec.name + spec.id + spec.note);
}

std::string broken_entry(const HardwareSpec& spec) {
    const auto again = read_spec(entry_text(spec.document), "the entry");
    if (!again) return "an entry that was read is refused when written: " + again.error().message;
    if (again->document != spec.document) return "an entry changes when it is written and read";
    return broken_use(spec);
}

}  // namespace

std::string product(std::string_view bytes) {
    const auto spec = read_spec(bytes, "product.json");
    if (!spec) return broken_refusal(spec.error());
    std::vector<std::string> problems = problems_of(*spec);
    for (std::string& problem : schema_problems(spec->document))
        problems.push_back(std::move(problem));
    for (const std::string& problem : problems)
        if (std::string broken = broken_text(problem); !broken.empty()) return broken;
    // As loading does: an entry with problems is not used.
    return problems.empty() ? broken_entry(*spec) : "";
}

std::string older_product(std::string_view bytes) {
    const auto file = read_older(bytes, "older.json");
    if (!file) return broken_refusal(file.error());
    const auto entry = older_entry({*file}, day);
    if (!entry) return broken_refusal(entry.error());
    for (const std::string& remark : entry->remarks)
        if (std::string broken = broken_text(remark); !broken.empty()) return broken;
    (void)problems_of(entry->spec);
    return broken_entry(entry->spec);
}

std::string resource_models(std::string_view bytes) {
    const auto models = read_resource_models(bytes, "models.json");
    if (!models) return broken_refusal(models.error());
    for (const GeneratedFile& file : resource_files(*models)) {
        if (file.name != resource_document_name) continue;
        const auto again = read_resource_models(file.content, file.name);
        if (!again || again->size() != models->size())
            return "models that are kept are not those that were read";
    }
    return "";
}

std::string calibration(std::string_view bytes) {
    static const HardwareSpec of = *products().find("intel_i7_12700k");
    HardwareSpec spec = of;
    auto kept = read_calibration(bytes, spec.id, "calibration.json");
    if (!kept) return broken_refusal(kept.error());
    spec.calibration = std::move(*kept);
    const auto summaries = calibrations_of(spec);
    for (const CalibrationSummary& summary : summaries)
        if (std::string broken = broken_text(summary.mode + summary.origin); !broken.empty())
            return broken;
    const auto fresh = summarise(spec, only_mode, {{{"native", {{"fp32", 100}}, 50}}, day, "here"});
    if (!fresh) return "a new summary is refused: " + fresh.error().message;
    const Json document = with_summary(spec, only_mode, *fresh);
    const auto again = read_calibration(canonical_json(document), spec.id, "again.json");
    if (!again) return "a file with a new summary is refused: " + again.error().message;
    spec.calibration = *again;
    if (calibrations_of(spec).size() < std::max<std::size_t>(1, summaries.size()))
        return "a new summary displaces the others";
    return broken_use(spec);
}

std::string name_pattern(std::string_view bytes) {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    const std::string expression(bytes.substr(0, end));
    const std::string name(bytes.substr(std::min(end + 1, bytes.size())));
    (void)names_no_product(name);
    const auto pattern = NamePattern::make(expression);
    if (!pattern) return broken_refusal(pattern.error());
    DetectionPattern detection;
    detection.cpu_model = expression;
    for (const std::string& problem : problems_of(detection, "detection[0]"))
        if (std::string broken = broken_text(problem); !broken.empty()) return broken;
    constexpr std::size_t name_length_max = 256;  // longer ones do not match
    if (name.size() > name_length_max)
        return pattern->matches(name) ? "too long a name matches" : "";
    // What matches a name matches every longer name too, but for the end that "$" and "\\b" see.
    const bool sees_the_end = expression.find_first_of("$\\") != expression.npos;
    if (sees_the_end || name.size() == name_length_max || !pattern->matches(name)) return "";
    return pattern->matches(name + "x") ? "" : "a match is lost when the name goes on";
}

}  // namespace peakward::fuzz
