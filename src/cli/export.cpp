#include "session/export.hpp"

#include "cli/profile_file.hpp"
#include "cli/series_options.hpp"
#include "core/text.hpp"
#include "present/json_text.hpp"
#include "present/paint.hpp"

namespace peakward::cli {
namespace {

struct ExportOptions {
    std::shared_ptr<CommonOptions> common;
    std::shared_ptr<SeriesOptions> series;
    std::string file;
    bool overwrite = false;
};

bool is_flags(const std::string& column) { return column == "flags" || column == "run_flags"; }

// Lists are JSON in the store.
Json flags_of(const StoredValue& value) {
    const auto* text = std::get_if<std::string>(&value);
    const Json list = text ? Json::parse(*text, nullptr, false) : Json();
    return list.is_array() ? list : Json::array();
}

Json json_of(const StoredValue& value) {
    return std::visit(
        [](const auto& v) -> Json {
            if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::monostate>)
                return nullptr;
            else
                return v;
        },
        value);
}

Cell cell_of(const std::string& column, const StoredValue& value) {
    if (is_flags(column)) {
        std::string words;
        for (const Json& flag : flags_of(value))
            if (flag.is_string()) words += (words.empty() ? "" : " ") + flag.get<std::string>();
        return cell(words);
    }
    Cell shown;
    if (const auto* text = std::get_if<std::string>(&value)) shown = cell(*text);
    if (const auto* number = std::get_if<double>(&value)) shown = cell(*number);
    if (const auto* whole = std::get_if<std::int64_t>(&value)) shown = cell(*whole);
    return shown;
}

std::string csv_of(const ExportedRuns& runs) {
    Table table;
    for (const std::string& column : runs.columns) table.columns.push_back({column, column});
    for (const auto& row : runs.rows) {
        std::vector<Cell>& cells = table.rows.emplace_back();
        for (std::size_t i = 0; i < row.size(); ++i)
            cells.push_back(cell_of(runs.columns[i], row[i]));
    }
    return render(table, Format::csv, {});
}

// Names in the order of the columns, as seed 000 has them; one row a line.
std::string json_text_of(const ExportedRuns& runs) {
    const auto text = [](const Json& value) { return json_text(value, -1); };
    std::string out = "{\"schema_version\": 1, \"runs\": [";
    for (std::size_t row = 0; row < runs.rows.size(); ++row) {
        out += row == 0 ? "\n{" : ",\n{";
        for (std::size_t i = 0; i < runs.columns.size(); ++i) {
            const StoredValue& value = runs.rows[row][i];
            out += fmt::format("{}{}: {}", i == 0 ? "" : ", ", text(runs.columns[i]),
                               text(is_flags(runs.columns[i]) ? flags_of(value) : json_of(value)));
        }
        out += "}";
    }
    return out + "\n]}\n";
}

bool ends_with(const std::string& path, const std::string& ending) {
    return to_lower(path).ends_with(ending);
}

// csv or json, by the file's ending or, on stdout, by --format.
Result<Format> format_of(const ExportOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    if (o.file == "-") {
        if (*format == Format::markdown)
            return wrong_usage("export - writes --format csv (the default) or json");
        return *format == Format::json ? Format::json : Format::csv;
    }
    const bool is_json = ends_with(o.file, ".json");
    if (!is_json && !ends_with(o.file, ".csv"))
        return wrong_usage(fmt::format(
            "export {}: the name of the file ends in .csv or .json; - is stdout", o.file));
    if (!o.common->format.empty() && *format != (is_json ? Format::json : Format::csv))
        return wrong_usage(fmt::format("export {}: --format {} does not fit the name of the file",
                                       o.file, o.common->format));
    return is_json ? Format::json : Format::csv;
}

Result<int> run(Call& call, const ExportOptions& o) {
    const auto format = format_of(o);
    if (!format) return tl::make_unexpected(format.error());
    const auto request = request_of(*o.series, call.stop);
    if (!request) return tl::make_unexpected(request.error());
    if (o.file != "-")
        if (auto ok = check_output(o.file, o.overwrite, "export"); !ok)
            return tl::make_unexpected(ok.error());
    const auto runs = export_runs(o.common->db, *request);
    if (!runs) return tl::make_unexpected(runs.error());
    const std::string text = *format == Format::csv ? csv_of(*runs) : json_text_of(*runs);
    Console& console = call.console;
    if (o.file == "-") {
        console.out << text;
        return 0;
    }
    if (auto written = write_output(call, o.file, text); !written)
        return tl::make_unexpected(written.error());
    if (o.common->json || o.common->format == "json")
        print_document(console, {{"schema_version", 1},
                                 {"path", o.file},
                                 {"runs", runs->runs},
                                 {"rows", runs->rows.size()}});
    else if (!o.common->quiet)
        console.out << fmt::format("{}: {} rows of {} runs\n",
                                   screen_text(o.file, console.out_terminal), runs->rows.size(),
                                   runs->runs);
    return 0;
}

Action define_export(CLI::App& app) {
    auto options = std::make_shared<ExportOptions>();
    add_value(app, options->file,
              {"FILE", "FILE", "Where to: FILE.csv or FILE.json; - is stdout.", "Options", true});
    add_flag(app, options->overwrite, {"--overwrite", "", "Replace the file if it exists."});
    options->series = add_series_options(app, Offered::without_metric);
    options->common = add_common_options(app, Tables::yes);
    return [options](Call& call) { return run(call, *options); };
}

}  // namespace

Verb export_verb() {
    return {
        "export",
        "Look back",
        "the runs as CSV or JSON, for spreadsheets, notebooks and dashboards",
        "One row per run, device, precision and backend: first the columns that such databases "
        "have always had (run_id, hardware_fingerprint, ... efficiency), then ours. Peaks and "
        "efficiencies are by the hardware database of today; --as-recorded writes those that "
        "were stored. In CSV, text that a spreadsheet would take for a formula gets an apostrophe "
        "before it. The file is there whole or not at all, and nothing is replaced without "
        "--overwrite.",
        {{"peakward export runs.csv", "everything"},
         {"peakward export h100.json --hardware nvidia_h100_sxm5 --since 2026-01-01",
          "one product, this year"},
         {"peakward export - --precision fp32 | head", "CSV on stdout"}},
        define_export};
}

}  // namespace peakward::cli
