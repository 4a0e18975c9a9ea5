#include <algorithm>

#include "cli/hardware_actions.hpp"
#include "core/text.hpp"

namespace peakward::cli {
namespace {

using Summaries = std::vector<CalibrationSummary>;

// The newest one: what a product reaches with the software of today.
const CalibrationSummary* newest(const Summaries& summaries) {
    const auto it = std::max_element(
        summaries.begin(), summaries.end(),
        [](const auto& a, const auto& b) { return a.last_calibrated < b.last_calibrated; });
    return it == summaries.end() ? nullptr : &*it;
}

std::string mode_of(const CalibrationSummary* summary) {
    return summary && summary->mode != only_mode ? summary->mode : "";
}

std::optional<double> known(const Peak& peak) {
    return peak.kind == PeakKind::unknown ? std::nullopt : std::optional(peak.value);
}

template <typename Map>
std::optional<double> entry(const Map& values, const std::string& key) {
    const auto it = values.find(key);
    return it == values.end() ? std::nullopt : std::optional<double>(it->second);
}

std::string beside(const std::optional<double>& promised, const std::optional<double>& measured,
                   const std::optional<double>& efficiency, Unit unit) {
    std::string text = promised ? format_with_unit(*promised, unit) : "unknown";
    if (measured) text += "   Measured: " + format_with_unit(*measured, unit);
    if (efficiency) text += fmt::format(" ({:.1f} % eff)", *efficiency * 100);
    return text;
}

Section summary_of(const HardwareSpec& spec) {
    const Summaries summaries = calibrations_of(spec);
    const CalibrationSummary* last = newest(summaries);
    const std::string mode = mode_of(last);
    Section section;
    section.title = spec.name;
    const auto add = [&](const std::string& label, std::string value) {
        section.fields.push_back({label, std::move(value), Tone::plain, {}, {}});
    };
    for (const std::string& precision : precisions_of(spec)) {
        const auto promised = known(spec_peak(spec, precision, mode));
        const auto measured = last ? entry(last->measured_peaks_gops, precision) : std::nullopt;
        if (promised || measured)
            add("Theoretical " + precision,
                beside(promised, measured, last ? entry(last->efficiency, precision) : std::nullopt,
                       Unit::gops));
    }
    add("Theoretical BW", beside(known(spec_bandwidth(spec, mode)),
                                 last ? last->measured_bandwidth_gbps : std::nullopt,
                                 last ? last->bandwidth_efficiency : std::nullopt, Unit::gbps));
    std::vector<std::string> modes;
    for (const CalibrationSummary& summary : summaries) modes.push_back(summary.mode);
    if (!spec.power_modes.empty())
        add("Power Modes Calibrated",
            modes.empty() ? "none" : fmt::format("{}", fmt::join(modes, ", ")));
    add("Last Calibrated", last ? fmt::format("{}{}", last->last_calibrated.substr(0, 10),
                                              mode.empty() ? "" : " in " + mode)
                                : "never");
    return section;
}

Json summary_json(const HardwareSpec& spec) {
    const Summaries summaries = calibrations_of(spec);
    const CalibrationSummary* last = newest(summaries);
    const std::string mode = mode_of(last);
    Json calibrated = Json::object();
    for (const CalibrationSummary& summary : summaries)
        calibrated[summary.mode] = {
            {"measured_peaks_gops", summary.measured_peaks_gops},
            {"efficiency", summary.efficiency},
            {"backend", summary.backend},
            {"measured_bandwidth_gbps", optional_to_json(summary.measured_bandwidth_gbps)},
            {"bandwidth_efficiency", optional_to_json(summary.bandwidth_efficiency)},
            {"avg_efficiency", optional_to_json(summary.avg_efficiency)},
            {"last_calibrated", summary.last_calibrated},
            {"origin", summary.origin}};
    return {{"id", spec.id},
            {"name", spec.name},
            {"power_mode", mode.empty() ? Json(nullptr) : Json(mode)},
            {"theoretical_peaks", peaks_json(spec, mode)},
            {"theoretical_bandwidth_gbps", optional_to_json(known(spec_bandwidth(spec, mode)))},
            {"last_calibrated", last ? Json(last->last_calibrated) : Json(nullptr)},
            {"calibration_summary", calibrated}};
}

// ---------------------------------------------------------------------------------------------

using Specs = std::vector<const HardwareSpec*>;
constexpr Align right = Align::right;

Table compare_peaks(const Specs& specs) {
    Table table;
    table.columns = {{"id", "Product"}};
    const std::vector<std::string> precisions{"fp64", "fp32",     "tf32", "bf16",
                                              "fp16", "fp8_e4m3", "int8", "int4"};
    int priority = 1;
    for (const std::string& precision : precisions)
        table.columns.push_back({precision, precision, Unit::gops, right, priority++});
    for (const HardwareSpec* spec : specs) {
        std::vector<Cell> row{cell(spec->id)};
        for (const std::string& precision : precisions)
            row.push_back(cell(known(spec_peak(*spec, precision))));
        table.rows.push_back(std::move(row));
    }
    return table;
}

Table compare_bandwidth(const Specs& specs) {
    Table table;
    table.columns = {{"id", "Product"},
                     {"power_mode", "Mode", Unit::none, Align::left, 1},
                     {"theoretical_bandwidth_gbps", "Theoretical", Unit::gbps, right},
                     {"measured_bandwidth_gbps", "Measured", Unit::gbps, right},
                     {"bandwidth_efficiency", "Efficiency", Unit::ratio_as_percent, right}};
    for (const HardwareSpec* spec : specs) {
        const Summaries summaries = calibrations_of(*spec);
        if (summaries.empty())
            table.rows.push_back(
                {cell(spec->id), Cell{}, cell(known(spec_bandwidth(*spec))), Cell{}, Cell{}});
        for (const CalibrationSummary& s : summaries)
            table.rows.push_back({cell(spec->id), cell(mode_of(&s)),
                                  cell(known(spec_bandwidth(*spec, mode_of(&s)))),
                                  cell(s.measured_bandwidth_gbps), cell(s.bandwidth_efficiency)});
    }
    return table;
}

Table compare_efficiency(const Specs& specs) {
    Table table;
    table.columns = {{"id", "Product"},
                     {"power_mode", "Mode", Unit::none, Align::left, 1},
                     {"precision", "Precision"},
                     {"theoretical_gops", "Theoretical", Unit::gops, right, 2},
                     {"measured_gops", "Measured", Unit::gops, right},
                     {"efficiency", "Efficiency", Unit::ratio_as_percent, right},
                     {"backend", "Backend", Unit::none, Align::left, 3}};
    for (const HardwareSpec* spec : specs)
        for (const CalibrationSummary& s : calibrations_of(*spec))
            for (const auto& [precision, gops] : s.measured_peaks_gops) {
                const auto backend = s.backend.find(precision);
                table.rows.push_back({cell(spec->id), cell(mode_of(&s)), cell(precision),
                                      cell(known(spec_peak(*spec, precision, mode_of(&s)))),
                                      cell(gops), cell(entry(s.efficiency, precision)),
                                      cell(backend == s.backend.end() ? "" : backend->second)});
            }
    if (table.rows.empty())
        table.notes.push_back(
            "No product is calibrated yet: peakward hardware export-calibration keeps what a run "
            "reached.");
    return table;
}

Table compare_calibration(const Specs& specs) {
    Table table;
    table.columns = {{"id", "Product"},
                     {"modes", "Power modes calibrated"},
                     {"last_calibrated", "Last"},
                     {"avg_efficiency", "Mean efficiency", Unit::ratio_as_percent, right},
                     {"origin", "From", Unit::none, Align::left, 1}};
    for (const HardwareSpec* spec : specs) {
        const Summaries summaries = calibrations_of(*spec);
        const CalibrationSummary* last = newest(summaries);
        std::vector<std::string> modes;
        for (const CalibrationSummary& s : summaries) modes.push_back(s.mode);
        table.rows.push_back({cell(spec->id), cell(fmt::format("{}", fmt::join(modes, ", "))),
                              cell(last ? last->last_calibrated.substr(0, 10) : "never"),
                              cell(last ? last->avg_efficiency : std::nullopt),
                              cell(last ? last->origin : "")});
    }
    return table;
}

Result<Table> comparison(const std::string& aspect, const Specs& specs) {
    if (aspect.empty() || aspect == "peaks") return compare_peaks(specs);
    if (aspect == "bandwidth") return compare_bandwidth(specs);
    if (aspect == "efficiency") return compare_efficiency(specs);
    if (aspect == "calibration") return compare_calibration(specs);
    return wrong_usage("--compare: " + unknown_name_message("aspect", aspect, words_of("ASPECT")));
}

Section exported_section(const CalibrationExport& exported) {
    Section section;
    const Json& summary = exported.summary;
    for (const auto& [precision, gops] : summary.at("measured_peaks_gops").items()) {
        const auto efficiency = summary.at("efficiency").find(precision);
        std::string value = format_with_unit(gops.get<double>(), Unit::gops);
        if (efficiency != summary.at("efficiency").end())
            value += fmt::format(" ({:.1f} % eff)", efficiency->get<double>() * 100);
        section.fields.push_back({precision, std::move(value), Tone::plain, {}, {}});
    }
    if (summary.at("measured_bandwidth_gbps").is_number())
        section.fields.push_back(
            {"bandwidth",
             format_with_unit(summary.at("measured_bandwidth_gbps").get<double>(), Unit::gbps),
             Tone::plain,
             {},
             {}});
    section.paragraphs.push_back(
        {exported.path.empty() ? "Nothing was written (--dry-run)." : "Written to " + exported.path,
         Tone::plain,
         {}});
    return section;
}

}  // namespace

Result<int> hardware_summary(Call& call, const HardwareOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    const HardwareDatabase database = open_database(call, o);
    Specs specs;
    for (const std::string& name : words_in(o.names)) {
        const auto spec = need_product(database, name);
        if (!spec) return tl::make_unexpected(spec.error());
        specs.push_back(*spec);
    }
    if (o.names.empty())
        for (const HardwareSpec& spec : database.specs)
            if (spec.kind != "board") specs.push_back(&spec);
    const auto table = comparison(o.compare, specs);
    if (!table) return tl::make_unexpected(table.error());
    Shown shown;
    shown.document = [&] {
        Json list = Json::array();
        for (const HardwareSpec* spec : specs) list.push_back(summary_json(*spec));
        return Json{{"schema_version", 1}, {"hardware", list}};
    };
    shown.table = [&] { return *table; };
    if (o.compare.empty())
        shown.report = [&] {
            Report report{"HARDWARE DATABASE SUMMARY", {}};
            for (const HardwareSpec* spec : specs) report.sections.push_back(summary_of(*spec));
            return report;
        };
    show(call, *format, shown);
    return 0;
}

Result<int> hardware_export(Call& call, const HardwareOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    if (o.run.empty() == o.calibration.empty())
        return wrong_usage("export-calibration takes --run RUN or --calibration FILE, one of them");
    const auto exported =
        export_calibration({o.common->db, o.run, o.calibration, o.product, o.mode, o.dry_run});
    if (!exported) return tl::make_unexpected(exported.error());
    Shown shown;
    shown.document = [&] {
        return Json{{"schema_version", 1},
                    {"id", exported->product},
                    {"power_mode", exported->mode},
                    {"file", exported->path.empty() ? Json(nullptr) : Json(exported->path)},
                    {"calibration_summary", exported->summary}};
    };
    shown.table = [&] {
        Table table;
        table.columns = {{"precision", "Precision"},
                         {"measured_gops", "Measured", Unit::gops, right},
                         {"efficiency", "Efficiency", Unit::ratio_as_percent, right}};
        for (const auto& [precision, gops] : exported->summary.at("measured_peaks_gops").items()) {
            const auto it = exported->summary.at("efficiency").find(precision);
            table.rows.push_back({cell(precision), cell(gops.get<double>()),
                                  it == exported->summary.at("efficiency").end()
                                      ? Cell{}
                                      : cell(it->get<double>())});
        }
        return table;
    };
    shown.report = [&] {
        return Report{fmt::format("CALIBRATION OF {} ({})", exported->product, exported->mode),
                      {exported_section(*exported)}};
    };
    show(call, *format, shown);
    return 0;
}

Result<int> hardware_sync(Call& call, const HardwareOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    const auto files =
        sync_resource_models(o.folder.empty() ? "." : o.folder, words_in(o.names), o.check);
    if (!files) return tl::make_unexpected(files.error());
    const bool same =
        std::all_of(files->begin(), files->end(), [](const auto& f) { return f.same; });
    const auto outcome = [&](const SyncedFile& file) {
        if (file.same) return "up to date";
        return o.check ? "not up to date" : "written";
    };
    Shown shown;
    shown.document = [&] {
        Json list = Json::array();
        for (const SyncedFile& file : *files)
            list.push_back({{"path", file.path}, {"outcome", outcome(file)}});
        return Json{{"schema_version", 1}, {"files", list}, {"up_to_date", same}};
    };
    shown.table = [&] {
        Table table;
        table.columns = {{"path", "File"}, {"outcome", "Outcome"}};
        for (const SyncedFile& file : *files)
            table.rows.push_back({cell(file.path), cell(outcome(file))});
        return table;
    };
    show(call, *format, shown);
    return o.check && !same ? 1 : 0;
}

Result<int> hardware_assign(Call& call, const HardwareOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    const auto assigned =
        assign_product({o.common->db, o.run, o.product, o.device, o.mode}, &call.stop);
    if (!assigned) return tl::make_unexpected(assigned.error());
    const auto optional_text = [](const std::string& text) {
        return text.empty() ? Json(nullptr) : Json(text);
    };
    Shown shown;
    shown.document = [&] {
        return Json{{"schema_version", 1},
                    {"run_id", assigned->run_id},
                    {"supersedes", optional_text(assigned->supersedes)},
                    {"product", assigned->product},
                    {"device", assigned->device},
                    {"power_mode", optional_text(assigned->power_mode)}};
    };
    shown.table = [&] {
        Table table;
        table.columns = {{"run_id", "Run"},
                         {"product", "Product"},
                         {"device", "Device"},
                         {"power_mode", "Mode", Unit::none, Align::left, 2},
                         {"supersedes", "Supersedes", Unit::none, Align::left, 1}};
        table.rows.push_back({cell(assigned->run_id), cell(assigned->product),
                              cell(assigned->device), cell(assigned->power_mode),
                              cell(assigned->supersedes)});
        table.notes.push_back(
            assigned->supersedes.empty()
                ? "The run had this product already; nothing was written."
                : "The first run stays as it is; the new record takes its place in every series.");
        return table;
    };
    show(call, *format, shown);
    return 0;
}

}  // namespace peakward::cli
