#include "hardware/resource_model.hpp"

#include <algorithm>

#include "catalog/catalog.hpp"
#include "core/numbers.hpp"
#include "core/text.hpp"
#include "hardware/calibration.hpp"
#include "hardware/peaks.hpp"

namespace peakward {
namespace {

constexpr const char* generated =
    "Made by `peakward hardware sync` from the hardware database; do not edit.";

// One product in one power mode.
struct Model {
    const HardwareSpec* spec = nullptr;
    std::string mode;
    std::map<std::string, double> peaks_gops, efficiency;
    std::optional<double> bandwidth_gbps, bandwidth_efficiency, tdp_w, memory_gb;
    double units_count = 0;
};

std::optional<double> value_of(const std::optional<Figure>& figure) {
    return figure ? figure->value : std::nullopt;
}

Model model_of(const HardwareSpec& spec, const std::string& mode) {
    Model model;
    model.spec = &spec;
    model.mode = mode;
    for (const std::string& precision : precisions_of(spec))
        if (const Peak peak = spec_peak(spec, precision, mode); peak.kind != PeakKind::unknown)
            model.peaks_gops[precision] = peak.value;
    if (const Peak peak = spec_bandwidth(spec, mode); peak.kind != PeakKind::unknown)
        model.bandwidth_gbps = peak.value;
    for (const CoreGroup& group : cores_in(spec, mode))
        model.units_count += group.count.value.value_or(0);
    model.tdp_w = spec.tdp_w.value;
    const auto of_mode = spec.power_modes.find(mode);
    if (of_mode != spec.power_modes.end() && of_mode->second.tdp_w)
        model.tdp_w = of_mode->second.tdp_w->value;
    if (spec.memory) model.memory_gb = value_of(spec.memory->capacity_gb);
    for (const CalibrationSummary& summary : calibrations_of(spec))
        if (summary.mode == (mode.empty() ? only_mode : mode)) {
            for (const auto& [precision, ratio] : summary.efficiency)
                model.efficiency[precision] = with_digits(ratio, measured_digits);
            if (summary.bandwidth_efficiency)
                model.bandwidth_efficiency =
                    with_digits(*summary.bandwidth_efficiency, measured_digits);
        }
    return model;
}

std::vector<Model> models_of(const std::vector<const HardwareSpec*>& specs) {
    std::vector<Model> models;
    for (const HardwareSpec* spec : specs) {
        if (spec->kind == "board") continue;
        if (spec->power_modes.empty()) models.push_back(model_of(*spec, ""));
        for (const auto& [name, mode] : spec->power_modes) models.push_back(model_of(*spec, name));
    }
    return models;
}

Json json_of(const Model& model) {
    const HardwareSpec& spec = *model.spec;
    return {{"id", spec.id},
            {"name", spec.name},
            {"kind", spec.kind},
            {"vendor", spec.vendor},
            {"architecture", spec.architecture},
            {"power_mode", model.mode.empty() ? Json(nullptr) : Json(model.mode)},
            {"spec_version", spec.spec_version},
            {"units_count", model.units_count},
            {"peaks_gops", model.peaks_gops},
            {"efficiency", model.efficiency},
            {"bandwidth_gbps", optional_to_json(model.bandwidth_gbps)},
            {"bandwidth_efficiency", optional_to_json(model.bandwidth_efficiency)},
            {"memory_gb", optional_to_json(model.memory_gb)},
            {"tdp_w", optional_to_json(model.tdp_w)}};
}

// The shortest text that reads back as the same number; "0.0" for one that is not known.
std::string literal(const Json& value) {
    const std::string text = fmt::format("{}", value.is_number() ? value.get<double>() : 0.0);
    const bool whole = text.find_first_of(".e") == std::string::npos;
    return whole ? text + ".0" : text;
}

std::string quoted(const std::string& text) { return Json(text).dump(-1, ' ', true); }

std::string cpp_header(const Json& models) {
    const std::vector<std::string> precisions = catalog::precision_names();
    std::string text = fmt::format(
        "// {}\n"
        "// Rates in 10^9 operations or bytes per second, dense; 0.0 stands for not known.\n"
        "#pragma once\n\n"
        "#include <array>\n#include <string_view>\n\n"
        "namespace peakward_hardware {{\n\n"
        "enum Precision {{ {}, precision_count }};\n\n"
        "struct ResourceModel {{\n"
        "    std::string_view id, name, kind, vendor, power_mode;\n"
        "    int spec_version;\n"
        "    double units_count, bandwidth_gbps, bandwidth_efficiency, memory_gb, tdp_w;\n"
        "    std::array<double, precision_count> peaks_gops, efficiency;\n"
        "}};\n\n"
        "inline constexpr std::array<ResourceModel, {}> models{{{{\n",
        generated, fmt::join(precisions, ", "), models.size());
    const auto row = [&](const Json& values) {
        std::vector<std::string> cells;
        for (const std::string& precision : precisions)
            cells.push_back(literal(values.value(precision, Json())));
        return fmt::format("{{{{{}}}}}", fmt::join(cells, ", "));
    };
    for (const Json& m : models) {
        const auto word = [&](const char* key) {
            return quoted(m.at(key).is_string() ? m.at(key).get<std::string>() : "");
        };
        text += fmt::format(
            "    {{{}, {}, {}, {}, {}, {},\n     {}, {}, {}, {}, {},\n     {},\n     {}}},\n",
            word("id"), word("name"), word("kind"), word("vendor"), word("power_mode"),
            m.at("spec_version").get<int>(), literal(m.at("units_count")),
            literal(m.at("bandwidth_gbps")), literal(m.at("bandwidth_efficiency")),
            literal(m.at("memory_gb")), literal(m.at("tdp_w")), row(m.at("peaks_gops")),
            row(m.at("efficiency")));
    }
    return text + "}};\n\n}  // namespace peakward_hardware\n";
}

std::string python_value(const Json& value, int indent) {
    const std::string blanks(static_cast<std::size_t>(indent), ' ');
    if (value.is_null()) return "None";
    if (value.is_string()) return quoted(value.get<std::string>());
    if (!value.is_object()) return value.dump();
    std::string text = "{";
    for (const auto& [key, inner] : value.items())
        text +=
            fmt::format("\n{}    {}: {},", blanks, quoted(key), python_value(inner, indent + 4));
    return text + (value.empty() ? "}" : "\n" + blanks + "}");
}

std::string python_module(const Json& models) {
    std::string text = fmt::format(
        "\"\"\"{}\n\nRates are in 10^9 operations or bytes per second, dense. A figure that is not "
        "known is None or left\nout.\n\"\"\"\n\nMODELS: list[dict[str, object]] = [\n",
        generated);
    for (const Json& model : models) text += "    " + python_value(model, 4) + ",\n";
    return text + "]\n";
}

std::string json_document(const Json& models) {
    const Json document{{"schema_version", 1}, {"generated", generated}, {"models", models}};
    return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

// ---------------------------------------------------------------------------------------------

std::string markdown_cell(std::string text) {
    for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2)
        text.replace(at, 1, "\\|");
    return text.empty() ? "-" : text;
}

std::string tera(const HardwareSpec& spec, const std::string& precision) {
    const Peak peak = spec_peak(spec, precision);
    if (peak.kind == PeakKind::unknown) return "-";
    return fmt::format("{:.4g}", peak.value * 1e-3) + (peak.kind == PeakKind::computed ? " *" : "");
}

std::string page_row(const HardwareSpec& spec) {
    const Peak bandwidth = spec_bandwidth(spec);
    std::string row = fmt::format("| `{}` | {} | {} |", spec.id, markdown_cell(spec.name),
                                  markdown_cell(spec.launched));
    for (const char* precision : {"fp64", "fp32", "bf16", "fp16", "fp8_e4m3", "int8"})
        row += fmt::format(" {} |", tera(spec, precision));
    row += fmt::format(
        " {} | {} |\n",
        bandwidth.kind == PeakKind::unknown ? "-" : fmt::format("{:.5g}", bandwidth.value),
        spec.tdp_w ? fmt::format("{:g}", *spec.tdp_w.value) : "-");
    return row;
}

std::string page_names(const HardwareSpec& spec) {
    std::vector<std::string> modes, parts;
    for (const auto& [name, mode] : spec.power_modes) modes.push_back(name);
    for (const std::string& part : spec.contains) parts.push_back("`" + part + "`");
    std::vector<std::string> aliases;
    for (const std::string& alias : spec.aliases) aliases.push_back("`" + alias + "`");
    return fmt::format("| `{}` | {} | {} | {} |\n", spec.id,
                       markdown_cell(fmt::format("{}", fmt::join(aliases, ", "))),
                       markdown_cell(fmt::format("{}", fmt::join(modes, ", "))),
                       markdown_cell(fmt::format("{}", fmt::join(parts, ", "))));
}

// A link, with nothing in its words that would end it.
std::string page_link(const SpecSource& source) {
    std::string title = source.title;
    for (std::size_t at = 0; (at = title.find_first_of("[]", at)) != std::string::npos; at += 2)
        title.insert(at, 1, '\\');
    return fmt::format("[{}]({})", title, source.url);
}

std::string page_sources(const HardwareDatabase& database) {
    std::string rows;
    int sources = 0, read = 0;
    for (const HardwareSpec& spec : database.specs)
        for (const auto& [key, source] : spec.sources) {
            rows += fmt::format("| `{}` | `{}` | {}, {} | {} |\n", spec.id, key,
                                markdown_cell(source.publisher), markdown_cell(page_link(source)),
                                reading_text(source));
            ++sources;
            read += source.read.empty() ? 0 : 1;
        }
    return fmt::format(
               "\n## Sources\n\nOf {} sources, {} were read on the day that stands beside them; "
               "the "
               "others are cited, not re-read: their figures wait\nfor somebody to compare them "
               "with the document.\n\n| id | key | source | |\n|---|---|---|---|\n",
               sources, read) +
           rows;
}

}  // namespace

Json resource_model_list(const std::vector<const HardwareSpec*>& specs) {
    Json list = Json::array();
    for (const Model& model : models_of(specs)) list.push_back(json_of(model));
    return list;
}

std::vector<GeneratedFile> resource_files(const Json& models) {
    return {{"peakward_hardware.hpp", cpp_header(models)},
            {"peakward_hardware.py", python_module(models)},
            {resource_document_name, json_document(models)}};
}

std::vector<GeneratedFile> resource_models(const std::vector<const HardwareSpec*>& specs) {
    return resource_files(resource_model_list(specs));
}

Result<Json> read_resource_models(std::string_view text, const std::string& file) {
    auto document = parse_json(text, file);
    if (!document) return document;
    const auto is_model = [](const Json& json) {
        const auto all = [&](std::initializer_list<const char*> names, auto&& is_right) {
            return std::all_of(names.begin(), names.end(), [&](const char* name) {
                return json.contains(name) && is_right(json.at(name));
            });
        };
        return json.is_object() &&
               all({"id", "name", "kind", "vendor", "architecture"},
                   [](const Json& value) { return value.is_string(); }) &&
               all({"spec_version"},
                   [](const Json& value) {
                       return value.is_number_integer() && value >= 0 && value <= 1'000'000;
                   }) &&
               all({"peaks_gops", "efficiency"},
                   [](const Json& value) { return value.is_object(); }) &&
               all({"power_mode", "units_count", "bandwidth_gbps", "bandwidth_efficiency",
                    "memory_gb", "tdp_w"},
                   [](const Json& value) { return !value.is_structured(); });
    };
    Json models = document->is_object() ? document->value("models", Json()) : Json();
    if (models.is_array() && std::all_of(models.begin(), models.end(), is_model)) return models;
    return failed(
        fmt::format("{}: not a file of peakward hardware sync, so nothing in it can be kept: sync "
                    "without --id to write all products",
                    file));
}

std::string hardware_page(const HardwareDatabase& database) {
    std::string page = fmt::format(
        "# Products of the hardware database\n\n"
        "Generated from `data/hardware` (`PEAKWARD_UPDATE_GOLDEN=1` with the hardware tests writes "
        "it anew); {} products. Every figure and its\nsource: `peakward hardware show ID`. A new "
        "product is one file: [add a product](howto/add-a-product.md).\n\n"
        "Peaks are dense, in 10^12 operations per second; `*` marks one that is derived from "
        "operations per clock x clock, `-` one that is\nnot known or not stated. Bandwidth is in "
        "GB/s, of one processor with the memory that its entry names.\n",
        database.specs.size());
    for (const auto& [kind, title] :
         {std::pair{"cpu", "Processors"}, {"gpu", "GPUs"}, {"accelerator", "Accelerators"}}) {
        page += fmt::format(
            "\n## {}\n\n| id | product | launched | fp64 | fp32 | bf16 | fp16 | fp8 | int8 | GB/s "
            "| W |\n|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
            title);
        for (const HardwareSpec& spec : database.specs)
            if (spec.kind == kind) page += page_row(spec);
    }
    page +=
        "\n## Names, power modes and boards\n\n| id | also called | power modes | contains |\n"
        "|---|---|---|---|\n";
    for (const HardwareSpec& spec : database.specs) page += page_names(spec);
    page += page_sources(database);
    return page;
}

}  // namespace peakward
