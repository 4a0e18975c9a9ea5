#include <algorithm>

#include "cli/hardware_actions.hpp"
#include "cli/options.hpp"
#include "core/text.hpp"

namespace peakward::cli {
namespace {

std::string figure_text(const HardwareSpec& spec, const std::optional<Figure>& figure,
                        const char* unit) {
    if (!figure) return "";
    if (!*figure) return "unknown: " + figure->unknown;
    std::string text =
        fmt::format("{:.6g}{} ({}", *figure->value, unit, source_text(spec, figure->source));
    if (!figure->formula.empty()) text += "; " + figure->formula;
    if (!figure->note.empty()) text += "; " + figure->note;
    return text + ")";
}

Section identity_of(const HardwareSpec& spec) {
    Section section;
    const auto add = [&](const char* label, std::string value) {
        if (!value.empty())
            section.fields.push_back({label, std::move(value), Tone::plain, {}, {}});
    };
    add("Id", fmt::format("{}, version {}{}", spec.id, spec.spec_version,
                          spec.origin.empty() ? ", compiled in" : ", yours: " + spec.origin));
    add("Also called", fmt::format("{}", fmt::join(spec.aliases, ", ")));
    add("Kind", spec.host_architecture.empty()
                    ? spec.kind
                    : fmt::format("{}, for {} hosts", spec.kind, spec.host_architecture));
    add("Architecture",
        spec.compute_capability.empty()
            ? spec.architecture
            : fmt::format("{}, compute capability {}", spec.architecture, spec.compute_capability));
    add("Launched", spec.launched.empty() ? "unknown"
                                          : fmt::format("{} ({})", spec.launched,
                                                        source_text(spec, spec.launched_source)));
    for (const CoreGroup& group : spec.cores)
        add("Cores", fmt::format("{}: {}", group.kind, figure_text(spec, group.count, "")));
    for (const auto& [name, by_kind] : spec.clocks.by_class)
        for (const auto& [kind, figure] : by_kind)
            add("Clock", fmt::format("{}{}: {}", name, kind.empty() ? "" : " of " + kind,
                                     figure_text(spec, figure, " GHz")));
    if (spec.memory) {
        add("Memory", fmt::format("{} {}", spec.memory->type,
                                  figure_text(spec, spec.memory->capacity_gb, " GB")));
        add("Bandwidth", figure_text(spec, spec.memory->bandwidth_gbps, " GB/s"));
    }
    add("TDP", figure_text(spec, spec.tdp_w, " W"));
    add("Contains", fmt::format("{}", fmt::join(spec.contains, ", ")));
    add("Note", spec.note);
    return section;
}

// Where a peak comes from, in words: its formula or why there is none, and each source with
// whether it was read. Peaks that have the same share one.
struct Provenance {
    std::string words;
    std::vector<std::string> sources;
    bool operator==(const Provenance&) const = default;
};
Provenance provenance_of(const HardwareSpec& spec, const Peak& peak) {
    if (peak.kind == PeakKind::unknown) return {"unknown: " + peak.reason, {}};
    Provenance provenance;
    // Without "h100_sxm5 version 1: ": the page has that at its top.
    const std::size_t colon = peak.formula.find(": ");
    const bool named = peak.formula.starts_with(spec.id) && colon != std::string::npos;
    provenance.words = named ? peak.formula.substr(colon + 2) : peak.formula;
    for (const PeakInput& input : peak.inputs)
        for (const auto& [key, source] : spec.sources) {
            if (source_text(spec, key) != input.source) continue;
            // A datasheet's figure has its source for a formula already.
            if (peak.kind == PeakKind::datasheet) {
                provenance.words += "; " + reading_text(source);
                break;
            }
            const std::string text = fmt::format("{}; {}", input.source, reading_text(source));
            if (std::find(provenance.sources.begin(), provenance.sources.end(), text) ==
                provenance.sources.end())
                provenance.sources.push_back(text);
            break;
        }
    return provenance;
}

// The whole of it, for CSV and Markdown, where nothing has to fit.
Table peaks_table(const HardwareSpec& spec, const std::string& mode) {
    Table table;
    table.columns = {{"precision", "Precision"},
                     {"gops", "Dense peak", Unit::gops, Align::right},
                     {"kind", "Kind"},
                     {"accumulator", "Sums in", Unit::none, Align::left, 3},
                     {"sparse_gops", "Sparse", Unit::gops, Align::right, 2},
                     {"formula", "From"},
                     {"sources", "Sources"}};
    for (const std::string& precision : precisions_of(spec)) {
        const Peak peak = spec_peak(spec, precision, mode);
        const Provenance provenance = provenance_of(spec, peak);
        const bool known = peak.kind != PeakKind::unknown;
        const auto sparse = spec.sparse_peaks_gops.find(precision);
        table.rows.push_back(
            {cell(precision), known ? cell(peak.value, Tone::strong) : Cell{},
             cell(std::string(to_string(peak.kind))), cell(known ? peak.accumulator : ""),
             sparse == spec.sparse_peaks_gops.end() ? Cell{} : cell(sparse->second.value),
             cell(provenance.words), cell(fmt::format("{}", fmt::join(provenance.sources, "; ")))});
    }
    return table;
}

// The same for a page: a number in place of the words, and the words below the table.
std::vector<Section> peaks_of(const HardwareSpec& spec, const std::string& mode) {
    Section peaks, from;
    peaks.title = mode.empty() ? "Theoretical peaks" : "Theoretical peaks in " + mode;
    Table table = peaks_table(spec, mode);
    table.columns.resize(5);
    // The last two may go on a narrow terminal, the way to the source may not.
    table.columns.insert(table.columns.begin() + 3, {"from", "From"});
    std::vector<Provenance> seen;
    const std::vector<std::string> precisions = precisions_of(spec);
    for (std::size_t i = 0; i < precisions.size(); ++i) {
        Provenance provenance = provenance_of(spec, spec_peak(spec, precisions[i], mode));
        const auto at = std::find(seen.begin(), seen.end(), provenance) - seen.begin();
        const std::string number = fmt::format("[{}]", at + 1);
        if (at == std::ssize(seen)) {
            from.fields.push_back({number, provenance.words, Tone::plain, {}, provenance.sources});
            seen.push_back(std::move(provenance));
        }
        std::vector<Cell>& row = table.rows[i];
        row.resize(5);
        row.insert(row.begin() + 3, cell(number));
    }
    peaks.tables.push_back(std::move(table));
    return {std::move(peaks), std::move(from)};
}

Section modes_of(const HardwareSpec& spec) {
    Section section;
    section.title = "Power modes";
    Table table;
    table.columns = {{"mode", "Mode"},
                     {"tdp_w", "Power", Unit::watts, Align::right},
                     {"fp32", "fp32", Unit::gops, Align::right},
                     {"fp16", "fp16", Unit::gops, Align::right},
                     {"int8", "int8", Unit::gops, Align::right},
                     {"bandwidth_gbps", "Bandwidth", Unit::gbps, Align::right}};
    for (const auto& [name, mode] : spec.power_modes) {
        std::vector<Cell> row{cell(name == spec.default_power_mode ? name + " (default)" : name),
                              cell(mode.tdp_w ? mode.tdp_w->value : std::nullopt)};
        for (const char* precision : {"fp32", "fp16", "int8"}) {
            const Peak peak = spec_peak(spec, precision, name);
            row.push_back(peak.kind == PeakKind::unknown ? Cell{} : cell(peak.value));
        }
        const Peak bandwidth = spec_bandwidth(spec, name);
        row.push_back(bandwidth.kind == PeakKind::unknown ? Cell{} : cell(bandwidth.value));
        table.rows.push_back(std::move(row));
    }
    section.tables.push_back(std::move(table));
    return section;
}

Section sources_of(const HardwareSpec& spec) {
    Section section;
    section.title = "Sources";
    std::size_t read = 0;
    for (const auto& [key, source] : spec.sources) {
        section.fields.push_back(
            {key, source_text(spec, key), Tone::plain, {}, {reading_text(source), source.url}});
        if (!source.note.empty()) section.fields.back().details.push_back(source.note);
        read += source.read.empty() ? 0 : 1;
    }
    if (read < spec.sources.size())
        section.paragraphs.push_back(
            {fmt::format(
                 "{} of {} sources are cited, but not read again: nobody has compared their "
                 "figures with the document yet.",
                 spec.sources.size() - read, spec.sources.size()),
             Tone::doubtful, "⚠"});
    return section;
}

Json entry_json(const HardwareSpec& spec, const std::string& mode) {
    Json json = spec.document;
    json["origin"] = spec.origin.empty() ? "builtin" : "user";
    if (!spec.origin.empty()) json["file"] = spec.origin;
    json["power_mode"] = mode.empty() ? Json(nullptr) : Json(mode);
    json["theoretical_peaks"] = peaks_json(spec, mode);
    const Peak bandwidth = spec_bandwidth(spec, mode);
    json["theoretical_bandwidth_gbps"] = bandwidth.kind == PeakKind::unknown
                                             ? Json{{"unknown", bandwidth.reason}}
                                             : Json(bandwidth.value);
    if (spec.calibration.is_object())
        for (const char* name : {"calibration_summary", "calibration_profiles"}) {
            const Json part = spec.calibration.value(name, Json::object());
            for (const auto& [key, value] : part.items()) json[name][key] = value;
        }
    return json;
}

Report entry_report(const HardwareSpec& spec, const std::string& mode) {
    Report report{spec.name, {identity_of(spec)}};
    if (!precisions_of(spec).empty())
        for (Section& section : peaks_of(spec, mode)) report.sections.push_back(std::move(section));
    if (!spec.power_modes.empty()) report.sections.push_back(modes_of(spec));
    report.sections.push_back(sources_of(spec));
    return report;
}

}  // namespace

Result<int> hardware_show(Call& call, const HardwareOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    const HardwareDatabase database = open_database(call, o);
    const auto spec = need_product(database, o.product);
    if (!spec) return tl::make_unexpected(spec.error());
    std::string mode;
    if (!o.mode.empty()) {
        mode = power_mode_of(**spec, o.mode);
        std::vector<std::string> known;
        for (const auto& [name, figures] : (*spec)->power_modes) known.push_back(name);
        if (mode.empty())
            return wrong_usage("--power-mode: " +
                               unknown_name_message("power mode", o.mode, known));
    }
    show(call, *format,
         {[&] { return entry_json(**spec, mode); }, [&] { return peaks_table(**spec, mode); },
          [&] { return entry_report(**spec, mode); }});
    return 0;
}

}  // namespace peakward::cli
