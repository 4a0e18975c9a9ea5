#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "cli/hardware_actions.hpp"
#include "core/text.hpp"
#include "present/display_text.hpp"
#include "present/paint.hpp"

namespace peakward::cli {
namespace {

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

// The questions, asked on the terminal.
Result<HardwareSpec> ask_for_product(Call& call) {
    if (::isatty(STDIN_FILENO) != 1)
        return wrong_usage(
            "hardware add asks its questions on a terminal; without one, give --from FILE or "
            "--from-detection");
    std::ostream& err = call.console.err;
    const Terminal& terminal = call.console.err_terminal;
    const AskLine ask = [&](const std::string& question) -> std::optional<std::string> {
        err << screen_text(question, terminal) << ": " << std::flush;
        std::string line;
        if (!std::getline(std::cin, line)) return std::nullopt;
        return trim(line);
    };
    return product_from_answers(hardware_database(), ask, [&](const std::string& complaint) {
        err << paint(screen_text("✗", terminal), Tone::bad, terminal) << " "
            << screen_text(complaint, terminal) << "\n";
    });
}

Result<HardwareSpec> new_product(Call& call, const HardwareOptions& o) {
    if (!o.from.empty() && o.from_detection)
        return wrong_usage("--from and --from-detection exclude each other");
    for (const auto& [option, value] :
         {std::pair{"--device", &o.device}, {"--name", &o.name}, {"--pattern", &o.pattern}})
        if (!value->empty() && !o.from_detection)
            return wrong_usage(fmt::format("{} goes with --from-detection", option));
    if (!o.from.empty()) return read_product(o.from);
    if (o.from_detection)
        return draft_product(call.machine, o.device.empty() ? "cpu" : o.device,
                             {o.name, o.pattern});
    return ask_for_product(call);
}

// Every remark and reason in full, which a table has no room for.
Report import_report(const ProductImport& import) {
    Section section;
    for (const ImportedProduct& product : import.imported)
        section.fields.push_back({"imported", fmt::format("{}: {}", product.file, product.id),
                                  Tone::good, "✓", product.remarks});
    for (const auto& [file, id] : import.duplicates)
        section.fields.push_back(
            {"there already", fmt::format("{}: {}", file, id), Tone::dim, "·", {}});
    for (const auto& [file, reason] : import.refused) {
        const bool named = reason.find(file) != std::string::npos;
        section.fields.push_back(
            {"refused", named ? reason : fmt::format("{}: {}", file, reason), Tone::bad, "✗", {}});
    }
    return {{}, {std::move(section)}};
}

}  // namespace

Result<int> hardware_add(Call& call, const HardwareOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    const auto spec = new_product(call, o);
    if (!spec) return tl::make_unexpected(spec.error());
    if (o.dry_run) {
        if (*format == Format::json)
            print_document(call.console, spec->document);
        else
            for (const std::string& line : split(trim(entry_text(spec->document)), '\n'))
                call.console.out << safe_text(line) << "\n";
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
    shown.report = [&] { return import_report(import); };
    show(call, *format, shown);
    return import.refused.empty() ? 0 : 1;
}

}  // namespace peakward::cli
