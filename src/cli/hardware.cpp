#include <algorithm>
#include <functional>
#include <map>

#include "cli/hardware_actions.hpp"
#include "cli/options.hpp"
#include "core/text.hpp"
#include "present/paint.hpp"

namespace peakward::cli {
namespace {

Cell cell_of(const FieldValue& value) {
    if (const auto* number = std::get_if<double>(&value)) return cell(*number);
    if (const auto* text = std::get_if<std::string>(&value)) return cell(*text);
    return {};
}

Unit unit_of_field(const std::string& field) {
    if (field.ends_with("_gbps")) return Unit::gbps;
    if (field == "tdp_w") return Unit::watts;
    if (field == "cores" || field == "spec_version") return Unit::count;
    if (field == "memory_gb" || field == "boost_ghz" || field == "compute_capability")
        return Unit::none;
    return Unit::gops;
}

bool is_number(const std::vector<const HardwareSpec*>& specs, const std::string& field) {
    for (const HardwareSpec* spec : specs)
        if (std::holds_alternative<double>(field_of(*spec, field))) return true;
    return false;
}

// Capacities and clocks as they are printed on boxes: "80", "1.83".
Cell as_printed(Cell made, const std::string& field) {
    const auto* number = std::get_if<double>(&made.value);
    if (number && unit_of_field(field) == Unit::none) made.shown = fmt::format("{:.5g}", *number);
    return made;
}

const std::vector<std::string>& usual_columns() {
    static const std::vector<std::string> columns{
        "id",        "kind",  "fp32",     "fp16",  "int8", "bandwidth_gbps",
        "memory_gb", "tdp_w", "launched", "origin"};
    return columns;
}

Table products_table(const std::vector<const HardwareSpec*>& specs,
                     const std::vector<std::string>& columns) {
    Table table;
    static const std::map<std::string, std::string> titles{
        {"bandwidth_gbps", "Bandwidth"}, {"memory_gb", "GB"}, {"tdp_w", "TDP"}};
    int priority = 0;
    for (const std::string& name : columns) {
        const bool number = is_number(specs, name);
        const auto title = titles.find(name);
        table.columns.push_back({name, title == titles.end() ? name : title->second,
                                 number ? unit_of_field(name) : Unit::none,
                                 number ? Align::right : Align::left, priority++});
    }
    for (const HardwareSpec* spec : specs) {
        std::vector<Cell> row;
        for (const std::string& name : columns)
            row.push_back(as_printed(cell_of(field_of(*spec, name)), name));
        table.rows.push_back(std::move(row));
    }
    table.notes.push_back(
        fmt::format("{} product{}; rates are dense. peakward hardware show ID: "
                    "every figure and its source.",
                    specs.size(), specs.size() == 1 ? "" : "s"));
    return table;
}

Json brief_json(const HardwareSpec& spec) {
    Json peaks = Json::object();
    for (const std::string& precision : precisions_of(spec)) {
        const Peak peak = spec_peak(spec, precision);
        peaks[precision] =
            peak.kind == PeakKind::unknown ? Json{{"unknown", peak.reason}} : Json(peak.value);
    }
    Json json{{"id", spec.id},
              {"name", spec.name},
              {"kind", spec.kind},
              {"vendor", spec.vendor},
              {"architecture", spec.architecture},
              {"aliases", spec.aliases},
              {"launched", spec.launched.empty() ? Json(nullptr) : Json(spec.launched)},
              {"spec_version", spec.spec_version},
              {"origin", spec.origin.empty() ? "builtin" : "user"},
              {"theoretical_peaks", peaks}};
    if (!spec.origin.empty()) json["file"] = spec.origin;
    for (const char* name : {"bandwidth_gbps", "memory_gb", "tdp_w"}) {
        const FieldValue value = field_of(spec, name);
        const auto* number = std::get_if<double>(&value);
        json[name] = number ? Json(*number) : Json(nullptr);
    }
    return json;
}

Result<int> show_products(Call& call, const HardwareOptions& o,
                          const std::vector<const HardwareSpec*>& specs) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    std::vector<std::string> columns = words_in(o.columns), known;
    for (const QueryField& field : query_fields()) known.push_back(field.name);
    for (const std::string& name : columns)
        if (std::find(known.begin(), known.end(), name) == known.end())
            return wrong_usage("--columns: " + unknown_name_message("column", name, known));
    if (columns.empty()) columns = usual_columns();
    Shown shown;
    shown.document = [&] {
        Json list = Json::array();
        for (const HardwareSpec* spec : specs) list.push_back(brief_json(*spec));
        return Json{{"schema_version", 1}, {"hardware", list}};
    };
    shown.table = [&] { return products_table(specs, columns); };
    show(call, *format, shown);
    return 0;
}

// ---------------------------------------------------------------------------------------------
// detect
// ---------------------------------------------------------------------------------------------

Json match_json(const DeviceMatch& match) {
    Json candidates = Json::array();
    for (const Candidate& candidate : match.candidates)
        candidates.push_back({{"id", candidate.spec->id},
                              {"confidence", candidate.confidence},
                              {"reason", candidate.reason}});
    Json json{
        {"device", match.device},
        {"id", match.product ? Json(match.product->id) : Json(nullptr)},
        {"confidence", match.confidence},
        {"reason", match.verdict},
        {"architecture", match.architecture.empty() ? Json(nullptr) : Json(match.architecture)},
        {"candidates", candidates}};
    if (match.product) {
        json["name"] = match.product->name;
        json["origin"] = match.product->origin.empty() ? "builtin" : "user";
        json["spec_version"] = match.product->spec_version;
    }
    return json;
}

Table matches_table(const std::vector<DeviceMatch>& matches) {
    Table table;
    table.columns = {{"device", "Device"},
                     {"id", "Product"},
                     {"confidence", "Confidence", Unit::none, Align::right},
                     {"architecture", "Architecture"},
                     {"reason", "Why", Unit::none, Align::left, 1}};
    for (const DeviceMatch& match : matches) {
        Cell confidence = match.product ? cell(match.confidence) : Cell{};
        if (match.product) confidence.shown = fmt::format("{:.2f}", match.confidence);
        table.rows.push_back({cell(match.device),
                              match.product ? cell(match.product->id, Tone::strong) : Cell{},
                              confidence, cell(match.architecture), cell(match.verdict)});
    }
    return table;
}

Report matches_report(const std::vector<DeviceMatch>& matches) {
    Section section;
    for (const DeviceMatch& match : matches)
        section.fields.push_back(
            {match.device,
             match.product ? fmt::format("{} ({}), confidence {:.2f}{}", match.product->name,
                                         match.product->id, match.confidence,
                                         match.product->origin.empty() ? "" : ", an entry of yours")
                           : "no product",
             match.product ? Tone::good : Tone::doubtful,
             match.product ? "✓" : "?",
             {match.verdict}});
    return {"THIS MACHINE", {std::move(section)}};
}

}  // namespace

HardwareDatabase open_database(Call& call, const HardwareOptions& o) {
    HardwareDatabase database = hardware_database();
    if (!o.common->quiet)
        for (const std::string& problem : database.problems)
            call.console.err << "peakward: left out: "
                             << screen_text(problem, call.console.err_terminal) << "\n";
    return database;
}

Result<int> hardware_list(Call& call, const HardwareOptions& o) {
    const HardwareDatabase database = open_database(call, o);
    const auto contains = [](const std::string& text, const std::string& part) {
        return to_lower(text).find(to_lower(part)) != std::string::npos;
    };
    if (!o.kind.empty())
        if (const auto known = words_of("KIND");
            std::find(known.begin(), known.end(), o.kind) == known.end())
            return wrong_usage("--kind: " + unknown_name_message("kind", o.kind, known));
    std::vector<std::string> vendors;
    for (const HardwareSpec& spec : database.specs)
        if (std::find(vendors.begin(), vendors.end(), spec.vendor) == vendors.end())
            vendors.push_back(spec.vendor);
    if (std::none_of(vendors.begin(), vendors.end(),
                     [&](const std::string& vendor) { return contains(vendor, o.vendor); }))
        return wrong_usage("--vendor: " + unknown_name_message("vendor", o.vendor, vendors));
    std::vector<const HardwareSpec*> specs;
    for (const HardwareSpec& spec : database.specs)
        if ((o.kind.empty() || spec.kind == o.kind) && contains(spec.vendor, o.vendor) &&
            (contains(spec.architecture, o.architecture) ||
             contains(spec.microarchitecture, o.architecture)))
            specs.push_back(&spec);
    return show_products(call, o, specs);
}

Result<int> hardware_query(Call& call, const HardwareOptions& o) {
    const auto query = Query::parse(o.question);
    if (!query) return tl::make_unexpected(query.error());
    const HardwareDatabase database = open_database(call, o);
    std::vector<const HardwareSpec*> specs;
    for (const HardwareSpec& spec : database.specs)
        if (query->selects(spec)) specs.push_back(&spec);
    return show_products(call, o, specs);
}

Result<int> hardware_detect(Call& call, const HardwareOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    const HardwareDatabase database = open_database(call, o);
    const DetectedHardware detected = detect_hardware(call.machine, database);
    Shown shown;
    shown.document = [&] {
        Json devices = Json::array(), found = Json::array();
        for (const DeviceMatch& match : detected.devices) {
            devices.push_back(match_json(match));
            if (match.product) found.push_back(match_json(match));
        }
        return Json{{"schema_version", 1},
                    {"host_architecture", detected.host.architecture},
                    {"devices", devices},
                    {"hardware", found}};
    };
    shown.table = [&] { return matches_table(detected.devices); };
    shown.report = [&] { return matches_report(detected.devices); };
    show(call, *format, shown);
    return 0;
}

namespace {

using Define = void (*)(CLI::App&, HardwareOptions&);
struct HardwareAction {
    const char* name;
    const char* summary;
    Result<int> (*run)(Call&, const HardwareOptions&);
    Define define;
};

void add_columns(CLI::App& app, HardwareOptions& o) {
    add_list(app, o.columns,
             {"--columns", "FIELD", "What to show of each product, in this order."});
}

constexpr OptionText product_text{"ID", "PRODUCT", "A product's id or another of its names.",
                                  "Options", true};

const HardwareAction hardware_actions[] = {
    {"list", "all products, or those of a kind, vendor or architecture", hardware_list,
     [](CLI::App& app, HardwareOptions& o) {
         add_value(app, o.kind, {"--kind", "KIND", "Only products of this kind."});
         add_value(app, o.vendor, {"--vendor", "TEXT", "Only products of this vendor."});
         add_value(app, o.architecture,
                   {"--architecture", "TEXT", "Only products whose architecture's name has this."});
         add_columns(app, o);
     }},
    {"show", "one product: every figure with its source", hardware_show,
     [](CLI::App& app, HardwareOptions& o) {
         add_value(app, o.product, product_text);
         add_value(app, o.mode, {"--power-mode", "MODE", "Its peaks in this power mode."});
     }},
    {"query", "products that answer a question, as \"fp16 > 100000 and memory_gb >= 24\"",
     hardware_query,
     [](CLI::App& app, HardwareOptions& o) {
         add_value(app, o.question,
                   {"QUESTION", "TEXT",
                    "Comparisons (= != < <= > >= ~) of fields, joined by not, and, or and "
                    "parentheses. Rates are in 10^9 operations per second.",
                    "Options", true});
         add_columns(app, o);
     }},
    {"detect", "which products this machine is made of, how sure that is, and why", hardware_detect,
     [](CLI::App&, HardwareOptions&) {}},
    {"add", "a new product, from a file, from this machine, or by answering questions",
     hardware_add,
     [](CLI::App& app, HardwareOptions& o) {
         add_value(app, o.from,
                   {"--from", "FILE", "A product file (docs/howto/add-a-product.md)."});
         add_flag(app, o.from_detection,
                  {"--from-detection", "", "What this machine shows of one of its devices."});
         add_value(app, o.device,
                   {"--device", "DEVICE", "With --from-detection: cpu (the default), cuda:0, ..."});
         add_value(app, o.name,
                   {"--name", "NAME",
                    "With --from-detection: the product's name, where this machine hides it."});
         add_value(app, o.pattern,
                   {"--pattern", "EXPRESSION",
                    "With --from-detection: the name that its hosts show, as '^Example 9000$'; or "
                    "the word none, for an entry that only --preset finds."});
         add_flag(app, o.replace,
                  {"--replace", "", "Put it in the place of an entry with its id."});
         add_flag(app, o.dry_run,
                  {"--dry-run", "", "Show what would be written, and write nothing."});
     }},
    {"update", "correct a product; its spec_version goes up", hardware_update,
     [](CLI::App& app, HardwareOptions& o) {
         add_value(app, o.product, product_text);
         add_list(app, o.settings,
                  {"--set", "FIELD=VALUE",
                   "A figure, a text or the day of the launch: memory.bandwidth_gbps=936, "
                   "launched=2022-10-04. 'unknown: REASON' takes one back.",
                   "Options", true});
         add_value(
             app, o.source,
             {"--source", "TEXT", "Where the figures come from: Publisher, title, https://..."});
     }},
    {"delete", "remove an entry of yours", hardware_delete,
     [](CLI::App& app, HardwareOptions& o) { add_value(app, o.product, product_text); }},
    {"validate", "check product files, or without one the whole database; ends with 1 on a problem",
     hardware_validate,
     [](CLI::App& app, HardwareOptions& o) {
         add_list(app, o.files, {"FILE", "FILE", "Product files."});
     }},
    {"summary", "promised beside measured, with the power modes that were calibrated",
     hardware_summary,
     [](CLI::App& app, HardwareOptions& o) {
         add_list(app, o.names, {"ID", "PRODUCT", "Only these products."});
         add_value(app, o.compare,
                   {"--compare", "ASPECT", "One table of all products about this."});
     }},
    {"export-calibration", "keep what a run reached as the summary of its product", hardware_export,
     [](CLI::App& app, HardwareOptions& o) {
         add_value(app, o.run, {"--run", "RUN", "A run of the database; or the word latest."});
         add_value(app, o.calibration, {"--calibration", "FILE", "A profile, instead of a run."});
         add_value(app, o.product,
                   {"--hardware-id", "PRODUCT", "The product it was made on.", "Options", true});
         add_value(app, o.mode,
                   {"--power-mode", "MODE",
                    "The power mode it was made in, where the run did not record it."});
         add_flag(app, o.dry_run, {"--dry-run", "", "Show the summary, and write nothing."});
     }},
    {"assign", "give a stored run to a product that its machine does not show", hardware_assign,
     [](CLI::App& app, HardwareOptions& o) {
         add_value(
             app, o.run,
             {"RUN", "RUN", "A run_id or the start of one; or the word latest.", "Options", true});
         add_value(app, o.product, product_text);
         add_value(app, o.device,
                   {"--device", "DEVICE", "Which device of the run, where it has several."});
         add_value(app, o.mode,
                   {"--power-mode", "MODE",
                    "The power mode it was made in, where the run did not record it."});
     }},
    {"sync", "resource models for mappers: a C++ header, a Python module and JSON", hardware_sync,
     [](CLI::App& app, HardwareOptions& o) {
         add_list(app, o.names,
                  {"--id", "PRODUCT",
                   "Update these products; the models of others in the folder stay."});
         add_value(app, o.folder, {"--output", "FOLDER", "Where to write them. Default: here."});
         add_flag(app, o.check,
                  {"--check", "", "Write nothing; end with 1 when a file is not up to date."});
     }},
    {"import", "products in the older tool's format", hardware_import,
     [](CLI::App& app, HardwareOptions& o) {
         add_list(app, o.files, {"PATH", "FILE", "Files, or folders of them.", "Options", true});
         add_flag(app, o.replace,
                  {"--replace", "", "Put them in the place of entries with their ids."});
     }},
};

Action define_hardware(CLI::App& app) {
    std::map<const CLI::App*, std::function<Result<int>(Call&)>> runs;
    for (const HardwareAction& action : hardware_actions) {
        CLI::App& sub = add_action(app, action.name, action.summary);
        auto options = std::make_shared<HardwareOptions>();
        action.define(sub, *options);
        options->common = add_common_options(sub, Tables::yes);
        runs[&sub] = [run = action.run, options](Call& call) { return run(call, *options); };
    }
    return [&app, runs](Call& call) { return runs.at(chosen_action(app))(call); };
}

}  // namespace

Verb hardware_verb() {
    return {
        "hardware",
        "Look up",
        "the hardware database: what each product should do",
        "Processors, GPUs, accelerators and boards with their dense peaks per precision, memory "
        "bandwidth and power modes. Every figure names its source, or says why it is unknown. "
        "Scores take their theoretical peaks from here.\n\n"
        "The database is compiled in; entries of your own in "
        "$XDG_DATA_HOME/peakward/hardware win over it and are shown as yours. A correction raises "
        "spec_version, and efficiencies of stored runs follow when they are read.",
        {{"peakward hardware list --kind gpu", "all GPUs"},
         {"peakward hardware query \"fp16 > 100000 and memory_gb >= 24\"", "a question"},
         {"peakward hardware show h100-sxm5", "every figure and where it comes from"},
         {"peakward hardware detect", "what is this machine?"},
         {"peakward hardware summary --compare efficiency", "promised beside measured"}},
        define_hardware};
}

}  // namespace peakward::cli
