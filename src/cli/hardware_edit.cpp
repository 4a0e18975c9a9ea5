#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "cli/hardware_actions.hpp"
#include "core/text.hpp"

namespace peakward::cli {
namespace {

Result<HardwareSpec> new_product(Call& call, const HardwareOptions& o) {
    if (!o.from.empty() && o.from_detection)
        return wrong_usage("--from and --from-detection exclude each other");
    if (!o.device.empty() && !o.from_detection)
        return wrong_usage("--device goes with --from-detection");
    if (!o.from.empty()) return read_product(o.from);
    if (o.from_detection) return draft_product(call.machine, o.device.empty() ? "cpu" : o.device);
    return ask_for_product(call);
}

// "memory.bandwidth_gbps=936"
Result<std::vector<Correction>> corrections_in(const std::vector<std::string>& settings) {
    std::vector<Correction> corrections;
    for (const std::string& setting : settings) {
        const std::size_t sign = setting.find('=');
        if (sign == std::string::npos || sign == 0)
            return wrong_usage(fmt::format(
                "--set takes FIELD=VALUE, as memory.bandwidth_gbps=936, not '{}'", setting));
        corrections.push_back({trim(setting.substr(0, sign)), trim(setting.substr(sign + 1))});
    }
    return corrections;
}

std::string line_from_terminal(Call& call, const char* question) {
    call.console.err << question << ": " << std::flush;
    std::string line;
    std::getline(std::cin, line);
    return trim(line);
}

}  // namespace

Result<HardwareSpec> ask_for_product(Call& call) {
    if (::isatty(STDIN_FILENO) != 1)
        return wrong_usage(
            "hardware add asks its questions on a terminal; without one, give --from FILE or "
            "--from-detection");
    const auto ask = [&](const char* question) { return line_from_terminal(call, question); };
    const Json unknown{{"unknown", "not given when the entry was added"}};
    const std::string name = ask("Name of the product, as its vendor writes it");
    const std::string kind = ask("Kind (cpu, gpu, accelerator)");
    Json entry{{"schema_version", 1},
               {"spec_version", 1},
               {"id", id_from_name(name)},
               {"name", name},
               {"kind", kind},
               {"vendor", id_from_name(ask("Vendor"))},
               {"aliases", Json::array()},
               {"host_architecture", nullptr},
               {"launched", unknown},
               {"architecture", {{"name", ask("Architecture (as Zen 4, Hopper)")}}},
               {"detection", Json::array()},
               {"clocks_ghz", {{"base", unknown}}}};
    const std::string host = ask("Host architecture (x86_64, aarch64, or empty for any)");
    if (!host.empty()) entry["host_architecture"] = host;
    const std::string pattern =
        ask("Name that a host shows, as an expression that begins with ^ (empty: none)");
    if (!pattern.empty())
        entry["detection"].push_back({{kind == "cpu" ? "cpu_model" : "gpu_model", pattern},
                                      {"confidence", 0.9},
                                      {"reason", "the name that a host shows"}});
    entry["sources"]["given"] = {{"publisher", ask("Figures: publisher of their source")},
                                 {"title", ask("Figures: title of their source")},
                                 {"url", ask("Figures: address of their source (https://...)")}};
    const auto figure = [&](const char* question) {
        const auto number = parse_number(ask(question));
        return number ? Json{{"value", *number}, {"source", "given"}} : unknown;
    };
    for (const char* precision : {"fp64", "fp32", "fp16", "int8"})
        entry["theoretical_peaks_gops"][precision] = figure(
            fmt::format("Dense {} peak in 10^9 operations per second (empty: unknown)", precision)
                .c_str());
    entry["memory"] = {{"type", "unknown"},
                       {"bandwidth_gbps", figure("Memory bandwidth in GB/s (empty: unknown)")}};
    entry["tdp_w"] = figure("Thermal design power in W (empty: unknown)");
    return spec_from_json(std::move(entry), "the new entry");
}

Result<int> hardware_add(Call& call, const HardwareOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    const auto spec = new_product(call, o);
    if (!spec) return tl::make_unexpected(spec.error());
    if (o.dry_run) {
        if (*format == Format::json)
            print_document(call.console, spec->document);
        else
            call.console.out << entry_text(spec->document);
        return 0;
    }
    const auto path = add_product(*spec, o.replace);
    if (!path) return tl::make_unexpected(path.error());
    say(call, *format, fmt::format("{} is in the database: {}", spec->id, *path),
        {{"id", spec->id}, {"file", *path}});
    return 0;
}

Result<int> hardware_update(Call& call, const HardwareOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    const auto corrections = corrections_in(o.settings);
    if (!corrections) return tl::make_unexpected(corrections.error());
    const auto updated = update_product(o.product, *corrections, o.source, call.machine);
    if (!updated) return tl::make_unexpected(updated.error());
    say(call, *format,
        fmt::format("{} is at version {}: {}", updated->id, updated->spec_version, updated->path),
        {{"id", updated->id}, {"file", updated->path}, {"spec_version", updated->spec_version}});
    return 0;
}

Result<int> hardware_delete(Call& call, const HardwareOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    const auto path = delete_product(o.product);
    if (!path) return tl::make_unexpected(path.error());
    say(call, *format, fmt::format("{} is gone", *path), {{"file", *path}, {"deleted", true}});
    return 0;
}

Result<int> hardware_validate(Call& call, const HardwareOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    ValidatedDatabase validated;
    if (o.files.empty()) {
        validated = validate_database();
    } else {
        validated.with_schema = has_schema_library();
        for (const std::string& file : o.files) {
            ++validated.products;
            for (std::string& problem : validate_product(file))
                validated.problems.push_back(std::move(problem));
        }
    }
    const bool sound = validated.problems.empty();
    Shown shown;
    shown.document = [&] {
        return Json{{"schema_version", 1},
                    {"products", validated.products},
                    {"json_schema", validated.with_schema},
                    {"sound", sound},
                    {"problems", validated.problems}};
    };
    shown.table = [&] {
        Table table;
        table.columns = {{"problem", "Problem"}};
        for (const std::string& problem : validated.problems) table.rows.push_back({cell(problem)});
        return table;
    };
    shown.report = [&] {
        Section section;
        for (const std::string& problem : validated.problems)
            section.paragraphs.push_back({problem, Tone::bad, "✗"});
        if (sound)
            section.paragraphs.push_back(
                {fmt::format("{} product{}: nothing is wrong{}.", validated.products,
                             validated.products == 1 ? "" : "s",
                             validated.with_schema
                                 ? ""
                                 : " (this program was built without a JSON Schema library)"),
                 Tone::good, "✓"});
        return Report{{}, {std::move(section)}};
    };
    show(call, *format, shown);
    return sound ? 0 : 1;
}

Result<int> hardware_import(Call& call, const HardwareOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    const ProductImport import = import_products(o.files, o.replace, call.machine);
    Shown shown;
    shown.document = [&] {
        Json flagged = Json::array(), refused = Json::array(), products = Json::array();
        for (const ImportedProduct& product : import.imported) {
            products.push_back({{"id", product.id}, {"file", product.path}});
            for (const std::string& remark : product.remarks)
                flagged.push_back({{"file", product.file}, {"reason", remark}});
        }
        for (const auto& [file, reason] : import.refused)
            refused.push_back({{"file", file}, {"reason", reason}});
        Json duplicates = Json::array();
        for (const auto& [file, id] : import.duplicates) duplicates.push_back(id);
        return Json{{"schema_version", 1},  {"imported", import.imported.size()},
                    {"products", products}, {"duplicates", duplicates},
                    {"flagged", flagged},   {"refused", refused}};
    };
    shown.table = [&] {
        Table table;
        table.columns = {{"file", "File"}, {"outcome", "Outcome"}, {"detail", "Detail"}};
        for (const ImportedProduct& product : import.imported) {
            table.rows.push_back(
                {cell(product.file), cell("imported", Tone::good), cell(product.id)});
            for (const std::string& remark : product.remarks)
                table.rows.push_back({cell(product.file), cell("remark"), cell(remark)});
        }
        for (const auto& [file, id] : import.duplicates)
            table.rows.push_back({cell(file), cell("there already"), cell(id)});
        for (const auto& [file, reason] : import.refused)
            table.rows.push_back({cell(file), cell("refused", Tone::bad), cell(reason)});
        return table;
    };
    show(call, *format, shown);
    return import.refused.empty() ? 0 : 1;
}

}  // namespace peakward::cli
