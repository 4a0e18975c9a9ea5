#include "session/history.hpp"

#include <algorithm>

#include "cli/options.hpp"
#include "core/text.hpp"
#include "present/measurement_view.hpp"
#include "present/run_view.hpp"

namespace peakward::cli {
namespace {

struct HistoryOptions {
    std::shared_ptr<CommonOptions> common;
    std::string limit, hardware, since, until;
};

Json run_json(const RunSummary& r) {
    return {{"run_id", r.run_id},
            {"timestamp", r.timestamp},
            {"hardware_fingerprint", r.hardware_fingerprint},
            {"software_fingerprint", r.software_fingerprint},
            {"lineage", r.lineage},
            {"suite", r.suite},
            {"cpu_model", r.cpu_model},
            {"gpu_model", r.gpu_model},
            {"wall_s", r.wall_s},
            {"measured", r.measured},
            {"cases", r.cases},
            {"flags", r.flags},
            {"best_gops", optional_to_json(r.best_gops)},
            {"best_precision", optional_to_json(r.best_precision)},
            {"stream_best_gbps", optional_to_json(r.stream_best_gbps)},
            {"supersedes", optional_to_json(r.supersedes)}};
}

Json document_of(const std::vector<RunSummary>& runs) {
    Json list = Json::array();
    for (const RunSummary& run : runs) list.push_back(run_json(run));
    return {{"schema_version", 1}, {"runs", list}};
}

// What --hardware takes must be seen where there is more than one; where all rows are of one, it
// makes room.
Column hardware_column(const std::vector<RunSummary>& runs) {
    const bool one = std::all_of(runs.begin(), runs.end(), [&](const RunSummary& run) {
        return run.lineage == runs.front().lineage;
    });
    return {"hardware_fingerprint", "Hardware", Unit::none, Align::left, one ? 3 : 0};
}

Table table_of(const std::vector<RunSummary>& runs) {
    Table table;
    const Align right = Align::right;
    table.columns = {{"run_id", "Run"},
                     {"timestamp", "When"},
                     hardware_column(runs),
                     {"software_fingerprint", "Software", Unit::none, Align::left, 1},
                     {"suite", "Suite"},
                     {"best_gops", "Peak", Unit::gops, right},
                     {"best_precision", "in"},
                     {"stream_best_gbps", "STREAM", Unit::gbps, right},
                     {"measured", "Measured", Unit::count, right, 5},
                     {"wall_s", "Took", Unit::seconds, right, 6},
                     {"flags", "Flags", Unit::none, Align::left, 2},
                     {"cpu_model", "CPU", Unit::none, Align::left, 7},
                     {"gpu_model", "GPU", Unit::none, Align::left, 8},
                     {"lineage", "Lineage", Unit::none, Align::left, 9}};
    for (const RunSummary& r : runs) {
        Cell when = cell(r.timestamp);
        when.shown = human_time(r.timestamp).substr(0, 16);
        Cell id = cell(r.run_id, Tone::strong);
        id.shown = short_id(r.run_id);
        Cell hardware = cell(r.hardware_fingerprint);
        hardware.shown = short_id(r.hardware_fingerprint);
        Cell measured = cell(r.measured);
        measured.shown = fmt::format("{}/{}", r.measured, r.cases);
        table.rows.push_back({id, when, hardware, cell(r.software_fingerprint), cell(r.suite),
                              cell(r.best_gops), cell(r.best_precision.value_or("")),
                              cell(r.stream_best_gbps), measured, cell(r.wall_s),
                              flags_cell(r.flags), cell(r.cpu_model), cell(r.gpu_model),
                              cell(r.lineage)});
    }
    return table;
}

// Why nothing is listed. A database may hold runs that the options leave out.
Result<std::string> why_empty(const HistoryOptions& o) {
    RunFilter all;
    all.limit = 0;
    const auto runs = list_runs(o.common->db, all);
    if (!runs) return tl::make_unexpected(runs.error());
    if (runs->empty()) return "No runs yet. peakward calibrate makes one.";
    std::vector<std::string> asked, known;
    for (const auto& [option, value] :
         {std::pair{"--hardware", o.hardware}, {"--since", o.since}, {"--until", o.until}})
        if (!value.empty()) asked.push_back(fmt::format("{} {}", option, value));
    for (const RunSummary& run : *runs) {
        const std::string name = run.gpu_model == "N/A" ? run.cpu_model : run.gpu_model;
        const std::string line = fmt::format("{} ({})", run.hardware_fingerprint, name);
        if (std::find(known.begin(), known.end(), line) == known.end()) known.push_back(line);
    }
    constexpr std::size_t most = 10;
    const std::string more =
        known.size() > most ? fmt::format(" and {} more", known.size() - most) : "";
    known.resize(std::min(known.size(), most));
    return fmt::format("No run matches {}. The database has {} run{}, from {} to {}, of: {}{}.",
                       fmt::join(asked, " "), runs->size(), runs->size() == 1 ? "" : "s",
                       human_time(runs->back().timestamp), human_time(runs->front().timestamp),
                       fmt::join(known, ", "), more);
}

// An ISO 8601 date or time, as far as it goes: "2026-11-20", "2026-11-20T14:30:00Z".
Status check_date(const char* option, const std::string& text) {
    const std::string_view pattern = "0000-00-00T00:00:00Z";
    bool fits = text.empty() || text.size() == 10 || text.size() == 19 || text.size() == 20;
    for (std::size_t i = 0; fits && i < text.size(); ++i) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        fits = pattern[i] == '0' ? digit : text[i] == pattern[i];
    }
    if (fits) return {};
    return wrong_usage(fmt::format(
        "{} takes a date like 2026-11-20 or a time like 2026-11-20T14:30:00Z (UTC), not '{}'",
        option, text));
}

Result<int> run(Call& call, const HistoryOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    const auto limit = whole_number("--limit", o.limit, 0, 1'000'000'000);
    if (!limit) return tl::make_unexpected(limit.error());
    RunFilter filter;
    // One more than is shown: whether there are more is said.
    const auto most = static_cast<std::size_t>(limit->value_or(20));
    filter.limit = most > 0 ? static_cast<int>(most) + 1 : 0;
    filter.hardware = o.hardware;
    for (const auto& [option, text] : {std::pair{"--since", o.since}, {"--until", o.until}})
        if (auto ok = check_date(option, text); !ok) return tl::make_unexpected(ok.error());
    filter.since = o.since;
    filter.until = o.until;
    auto runs = list_runs(o.common->db, filter, &call.stop);
    if (!runs) return tl::make_unexpected(runs.error());
    const bool has_more = most > 0 && runs->size() > most;
    if (has_more) runs->resize(most);
    Table table = table_of(*runs);
    if (has_more) table.notes.push_back(fmt::format("(the newest {}; --limit 0 shows all)", most));
    if (runs->empty()) {
        auto why = why_empty(o);
        if (!why) return tl::make_unexpected(why.error());
        table.notes.push_back(std::move(*why));
    }
    show(call, *format, {[&] { return document_of(*runs); }, [&] { return table; }, {}});
    return 0;
}

Action define_history(CLI::App& app) {
    auto options = std::make_shared<HistoryOptions>();
    add_value(app, options->limit,
              {"--limit", "N",
               "At most so many, the newest; 0 for all. "
               "Default: 20."});
    add_value(app, options->hardware,
              {"--hardware", "ID",
               "Only runs of this hardware fingerprint or lineage; the start of it is enough."});
    add_value(app, options->since,
              {"--since", "DATE", "Only runs from this day or time on (UTC)."});
    add_value(app, options->until, {"--until", "DATE", "Only runs up to this day or time (UTC)."});
    options->common = add_common_options(app, Tables::yes);
    return [options](Call& call) { return run(call, *options); };
}

}  // namespace

Verb history_verb() {
    return {"history",
            "Look back",
            "list the runs of a database, newest first",
            "One line per run. Peak is the best compute peak measured in it and the precision it "
            "was measured in; STREAM the best memory bandwidth.",
            {{"peakward history", "the newest 20 runs"},
             {"peakward history --limit 0 --format csv > runs.csv",
              "all of them, for a "
              "spreadsheet"},
             {"peakward history --hardware c3f840 --since 2026-01-01",
              "one machine, this year's runs"}},
            define_history};
}

}  // namespace peakward::cli
