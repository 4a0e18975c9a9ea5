#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "cli/options.hpp"
#include "cli/report_chapters.hpp"
#include "cli/series_options.hpp"
#include "cli/trajectory_view.hpp"
#include "core/text.hpp"
#include "present/paint.hpp"
#include "present/run_view.hpp"

namespace peakward::cli {
namespace {

namespace fs = std::filesystem;

struct ReportOptions {
    std::shared_ptr<CommonOptions> common;
    std::shared_ptr<SeriesOptions> series;
    std::string output;
};

// Everything about the path that can be wrong is found before the store is read.
Result<DocumentFormat> check_target(const std::string& path) {
    if (path.empty()) return wrong_usage("--output: the name of the file is empty");
    const auto format = document_format_of(path);
    if (!format)
        return wrong_usage(fmt::format("--output {}: the ending says the format and must be {}",
                                       path, fmt::join(document_endings(), " or ")));
    std::error_code error;
    const fs::path file(path);
    const fs::file_status status = fs::status(file, error);
    if (fs::is_directory(status))
        return wrong_usage(fmt::format("--output {}: this is a folder; name a file in it", path));
    if (fs::exists(status) && !fs::is_regular_file(status))
        return wrong_usage(fmt::format("--output {}: not a regular file", path));
    const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
    if (!fs::is_directory(folder, error))
        return wrong_usage(fmt::format("--output {}: there is no folder {}; make it first", path,
                                       folder.string()));
    if (::access(folder.c_str(), W_OK) != 0)
        return failed(
            fmt::format("--output {}: the folder {} cannot be written to", path, folder.string()));
    return *format;
}

std::string day_of(const std::string& timestamp) { return timestamp.substr(0, 10); }

Document document_of(const ReportParts& parts, const SeriesRequest& request) {
    Document document;
    const bool one = parts.followed && parts.followed->subjects.size() == 1;
    document.title = one ? "Peakward: " + subject_words(parts.followed->analysed.subjects.front())
                         : "Peakward report";
    document.lead = fmt::format("{} run{} on {} kind{} of machine, the newest of {}.", parts.runs,
                                parts.runs == 1 ? "" : "s", parts.machines,
                                parts.machines == 1 ? "" : "s", human_time(parts.newest.timestamp));
    if (!request.since.empty() || !request.until.empty())
        document.lead +=
            fmt::format(" Only runs{}{}.", request.since.empty() ? "" : " since " + request.since,
                        request.until.empty() ? "" : " until " + request.until);
    document.chapters = {machine_chapter(parts),     precisions_chapter(parts),
                         roofline_chapter(parts),    trajectory_chapter(parts),
                         maturity_chapter(parts),    impact_chapter(parts),
                         regressions_chapter(parts), forecast_chapter(parts),
                         environment_chapter(parts), provenance_chapter(parts)};
    document.end =
        fmt::format("Made by peakward {} from {}; newest run {} of {}.", PEAKWARD_VERSION,
                    parts.store_location, parts.newest.run_id, day_of(parts.newest.timestamp));
    return document;
}

Result<int> run(Call& call, const ReportOptions& o) {
    const auto format = check_target(o.output);
    if (!format) return tl::make_unexpected(format.error());
    const auto request = request_of(*o.series, call.stop);
    if (!request) return tl::make_unexpected(request.error());
    const auto today = std::chrono::system_clock::to_time_t(call.machine.clock.wall_now());
    const auto parts = load_report(o.common->db, *request, today);
    if (!parts) return tl::make_unexpected(parts.error());
    const std::string content = render(document_of(*parts, *request), *format);
    if (auto written = write_output(call, o.output, content); !written)
        return tl::make_unexpected(written.error());
    if (o.common->json) {
        print_document(call.console, {{"schema_version", 1},
                                      {"path", o.output},
                                      {"size_bytes", content.size()},
                                      {"newest_run_id", parts->newest.run_id},
                                      {"runs", parts->runs}});
    } else if (!o.common->quiet) {
        call.console.out << fmt::format(
            "{}: {} run{}, {}\n", screen_text(o.output, call.console.out_terminal), parts->runs,
            parts->runs == 1 ? "" : "s",
            format_value(static_cast<double>(content.size()), Unit::bytes));
    }
    return 0;
}

Action define_report(CLI::App& app) {
    auto options = std::make_shared<ReportOptions>();
    add_value(
        app, options->output,
        {"--output,-o", "FILE",
         "Where to: .html for a page that opens offline, .md for Markdown. A file that is there "
         "already is replaced, whole or not at all.",
         "Options", true});
    options->series = add_series_options(app, Offered::without_metric);
    options->common = add_common_options(app, Tables::no);
    return [options](Call& call) { return run(call, *options); };
}

}  // namespace

Verb report_verb() {
    return {
        "report",
        "Look back",
        "write one page of everything: plots, tables, machine, findings",
        "One file. The HTML page opens offline and asks nobody for anything; its plots can be "
        "zoomed and show the figures of a point, and without scripts, on paper or read aloud the "
        "same is there as pictures and tables. Light and dark follow the reader's system. Markdown "
        "has the same content.",
        {{"peakward report -o report.html", "all of the database"},
         {"peakward report -o i7.html --hardware intel_i7_12700k --since 2026-01-01",
          "one product, this year's runs"},
         {"peakward report -o report.md --precision fp32", "for a wiki, one precision"}},
        define_report};
}

}  // namespace peakward::cli
