#include "session/changes.hpp"

#include <algorithm>
#include <cmath>

#include "cli/options.hpp"
#include "core/text.hpp"
#include "present/plot.hpp"

namespace peakward::cli {
namespace {

// Of how many series the noise is told on a page.
constexpr std::size_t noise_lines_max = 5;
constexpr double alpha_max = 0.5;

struct ChangesOptions {
    CommonOptions common;
    std::vector<std::string> paths, columns;
    std::string time, alpha, threshold;
    bool watched = false;
};

// What the page is made from.
struct Looked {
    const ChangesReply& reply;
    const ChangeOptions& options;
};

Json number_json(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json change_json(const ChangesReply& reply, const ChangedSeries& one, const Change& change) {
    const auto time = [&](std::size_t index) {
        const std::string text = reply.time_of(one, index);
        return text.empty() ? Json() : Json(text);
    };
    return {{"series", one.name},
            {"index", change.index},
            {"time", time(change.index)},
            {"end", change.end},
            {"end_time", time(change.end)},
            {"kind", to_string(change.kind)},
            {"before", number_json(change.before)},
            {"after", number_json(change.after)},
            {"returned", number_json(change.returned)},
            {"effect_sigma", number_json(change.effect_sigma)},
            {"effect_percent", number_json(change.effect_percent)},
            {"ci_low_percent", number_json(change.ci_low_percent)},
            {"ci_high_percent", number_json(change.ci_high_percent)},
            {"p_value", number_json(change.p_value)}};
}

Json series_json(const ChangesReply& reply, const ChangedSeries& one) {
    const Noise& noise = one.report.noise;
    const auto& suspected = one.report.suspected;
    return {{"series", one.name},
            {"file", reply.files[one.file].name},
            {"column", reply.column_of(one)},
            {"rows", reply.values_of(one).size()},
            {"points", one.points},
            {"noise",
             {{"sigma", number_json(noise.sigma)},
              {"rho", number_json(noise.rho)},
              {"slow_sigma", number_json(noise.slow_sigma)},
              {"outlier_share", number_json(noise.outlier_share)},
              {"two_modes", noise.two_modes},
              {"mode_distance", number_json(noise.mode_distance)}}},
            {"held_back", one.held_back},
            {"suspected", suspected ? change_json(reply, one, *suspected) : Json()}};
}

Json document_of(const Looked& looked) {
    const ChangesReply& reply = looked.reply;
    Json changes = Json::array(), small = Json::array(), series = Json::array();
    for (const ChangedSeries& one : reply.series) {
        series.push_back(series_json(reply, one));
        for (const Change& change : one.report.changes)
            changes.push_back(change_json(reply, one, change));
        for (const Change& change : one.report.small)
            small.push_back(change_json(reply, one, change));
    }
    return {{"schema_version", 1},
            {"watched", looked.options.watched},
            {"alpha", looked.options.alpha},
            {"threshold_percent", looked.options.effect_min_percent},
            {"false_discovery_share", reply.false_discovery_share},
            {"changes", changes},
            {"small", small},
            {"series", series},
            {"notes", reply.notes}};
}

// Figures and words of one change, for people.
std::string when_words(const ChangesReply& reply, const ChangedSeries& one, const Change& change) {
    const auto at = [&](std::size_t index) {
        const std::string time = reply.time_of(one, index);
        return time.empty() ? fmt::format("row {}", index) : time;
    };
    if (change.end <= change.index) return at(change.index);
    return at(change.index) + " to " + at(change.end);
}

std::string kind_words(const Change& change) {
    return change.kind == ChangeKind::saturate ? "saturating" : std::string(to_string(change.kind));
}

std::string effect_words(const Change& change) {
    // There is no percentage of zero.
    if (change.before == 0) return fmt::format("from 0 to {:.4g}", change.after);
    return fmt::format("{:+.2f} % [{:+.2f} to {:+.2f}]", change.effect_percent,
                       change.ci_low_percent, change.ci_high_percent);
}

std::string sigma_words(const Change& change) {
    return std::isfinite(change.effect_sigma) ? fmt::format("{:.1f}", change.effect_sigma) : "-";
}

Table people_table(const ChangesReply& reply) {
    const Align right = Align::right;
    Table table;
    table.columns = {{"series", "Series"},
                     {"time", "When"},
                     {"kind", "What"},
                     {"effect", "Effect", Unit::none, right},
                     {"effect_sigma", "Sigmas", Unit::none, right, 1},
                     {"before", "Before", Unit::none, right, 2},
                     {"after", "After", Unit::none, right, 2},
                     {"p_value", "p", Unit::none, right, 1}};
    for (const ChangedSeries& one : reply.series)
        for (const Change& change : one.report.changes)
            table.rows.push_back(
                {cell(one.name), cell(when_words(reply, one, change)), cell(kind_words(change)),
                 cell(effect_words(change), Tone::strong), cell(sigma_words(change)),
                 cell(fmt::format("{:.4g}", change.before)),
                 cell(fmt::format("{:.4g}", change.after)),
                 cell(fmt::format("{:.2g}", change.p_value))});
    return table;
}

Table csv_table(const ChangesReply& reply) {
    Table table;
    for (const char* key :
         {"series", "index", "time", "kind", "effect_percent", "ci_low_percent", "ci_high_percent",
          "p_value", "before", "after", "end", "end_time", "status", "returned", "effect_sigma"})
        table.columns.push_back({key, key});
    const auto add = [&](const ChangedSeries& one, const Change& c, const char* status) {
        table.rows.push_back({cell(one.name), cell(static_cast<std::int64_t>(c.index)),
                              cell(reply.time_of(one, c.index)),
                              cell(std::string(to_string(c.kind))), cell(c.effect_percent),
                              cell(c.ci_low_percent), cell(c.ci_high_percent), cell(c.p_value),
                              cell(c.before), cell(c.after), cell(static_cast<std::int64_t>(c.end)),
                              cell(reply.time_of(one, c.end)), cell(status), cell(c.returned),
                              std::isfinite(c.effect_sigma) ? cell(c.effect_sigma) : cell("")});
    };
    for (const ChangedSeries& one : reply.series) {
        for (const Change& change : one.report.changes) add(one, change, "found");
        for (const Change& change : one.report.small) add(one, change, "small");
        if (one.report.suspected) add(one, *one.report.suspected, "suspected");
    }
    return table;
}

// Of fewer the figures say nothing: a scatter of 0, half of them outliers.
constexpr std::size_t points_for_noise = 6;

std::string noise_words(const ChangedSeries& one) {
    const Noise& noise = one.report.noise;
    std::string text = plural(one.points, "point");
    if (one.points < points_for_noise) return text + ": too few to learn their noise";
    text += fmt::format(", scatter {:.3g}", noise.sigma);
    if (noise.slow_sigma > 0)
        text += fmt::format(" (of it {:.3g} wanders slowly)", noise.slow_sigma);
    if (noise.rho >= 0.1) text += fmt::format(", autocorrelation {:.2f}", noise.rho);
    if (noise.outlier_share > 0)
        text += fmt::format(", {:.1f} % outliers set aside", 100 * noise.outlier_share);
    if (noise.two_modes) text += fmt::format(", two modes {:.3g} apart", noise.mode_distance);
    return text;
}

// "No change in gops, watts (60 points).", "No change in 40 series (200 to 365 points)."; "" where
// every series has one.
std::string quiet_words(const ChangesReply& reply) {
    constexpr std::size_t names_most = 5;
    std::size_t least = 0, most = 0;
    std::vector<std::string> quiet;
    for (const ChangedSeries& one : reply.series) {
        if (!one.report.changes.empty()) continue;
        least = quiet.empty() ? one.points : std::min(least, one.points);
        most = std::max(most, one.points);
        quiet.push_back(one.name);
    }
    if (quiet.empty()) return "";
    return fmt::format("No change in {} ({}{}).",
                       quiet.size() > names_most ? plural(quiet.size(), "series")
                                                 : fmt::format("{}", fmt::join(quiet, ", ")),
                       least < most ? fmt::format("{} to ", least) : "", plural(most, "point"));
}

// Changes that are surely there and that nobody would see.
std::string small_words(const ChangesReply& reply) {
    constexpr std::size_t places_most = 5;
    std::vector<std::string> places;
    for (const ChangedSeries& one : reply.series)
        for (const Change& change : one.report.small)
            places.push_back(fmt::format("{} at {} ({})", one.name, when_words(reply, one, change),
                                         effect_words(change)));
    if (places.empty()) return "";
    const std::size_t count = places.size();
    if (count > places_most) places.resize(places_most);
    return fmt::format("Small, below one sigma, and no alarm: {}{}.", fmt::join(places, "; "),
                       count > places_most ? fmt::format(" and {} more", count - places_most) : "");
}

Report report_of(const ChangesReply& reply) {
    Report report;
    report.title = "Changes";
    Section found;
    Table table = people_table(reply);
    if (!table.rows.empty()) found.tables.push_back(std::move(table));
    for (const ChangedSeries& one : reply.series)
        if (const auto& change = one.report.suspected)
            found.paragraphs.push_back(
                {fmt::format("{}: {} of {} at {}, suspected: run again", one.name,
                             kind_words(*change), effect_words(*change),
                             when_words(reply, one, *change)),
                 Tone::doubtful,
                 {}});
    if (const std::string quiet = quiet_words(reply); !quiet.empty())
        found.paragraphs.push_back({quiet, Tone::plain, {}});
    if (const std::string small = small_words(reply); !small.empty())
        found.paragraphs.push_back({small, Tone::dim, {}});
    report.sections.push_back(std::move(found));
    if (reply.series.size() <= noise_lines_max) {
        Section noise;
        noise.title = "Noise";
        for (const ChangedSeries& one : reply.series)
            noise.fields.push_back({one.name, noise_words(one), Tone::plain, {}, {}});
        report.sections.push_back(std::move(noise));
    }
    if (!reply.notes.empty()) {
        Section notes;
        notes.title = "Notes";
        for (const std::string& note : reply.notes)
            notes.paragraphs.push_back({note, Tone::dim, {}});
        report.sections.push_back(std::move(notes));
    }
    return report;
}

// The only series of a call: its values, and where it changed.
Plot plot_of(const ChangesReply& reply) {
    const ChangedSeries& one = reply.series.front();
    const CsvFile& file = reply.files.front();
    Plot plot;
    plot.y.title = reply.column_of(one);
    plot.x.title = file.has_dates ? "Date" : "Row";
    if (file.has_dates) plot.x.scale = AxisScale::time;
    const auto x_of = [&](std::size_t index) {
        return file.has_dates ? file.instants[index] : static_cast<double>(index);
    };
    const std::vector<double>& values = reply.values_of(one);
    PlotSeries& series = plot.series.emplace_back();
    for (std::size_t i = 0; i < values.size(); ++i) {
        PlotPoint point;
        point.x = x_of(i);
        point.y = values[i];
        series.points.push_back(std::move(point));
    }
    for (const Change& change : one.report.changes)
        plot.marks.push_back({x_of(change.index),
                              PlotEvent::note,
                              kind_words(change) + " " + effect_words(change),
                              {}});
    return plot;
}

Result<ChangesRequest> request_of(const ChangesOptions& o) {
    ChangesRequest request;
    request.paths = o.paths;
    request.choice = {o.time, o.columns};
    request.options.watched = o.watched;
    const auto alpha = positive_number("--alpha", o.alpha);
    if (!alpha) return tl::make_unexpected(alpha.error());
    request.options.alpha = alpha->value_or(request.options.alpha);
    if (request.options.alpha > alpha_max)
        return wrong_usage(fmt::format(
            "--alpha is the share of series without change that may report one: above 0 and up to "
            "{:g}, not {}",
            alpha_max, o.alpha));
    const auto threshold = positive_number("--threshold", o.threshold);
    if (!threshold) return tl::make_unexpected(threshold.error());
    request.options.effect_min_percent = threshold->value_or(0);
    return request;
}

Result<int> run(Call& call, const ChangesOptions& o) {
    const auto format = chosen_format(o.common);
    if (!format) return tl::make_unexpected(format.error());
    const auto request = request_of(o);
    if (!request) return tl::make_unexpected(request.error());
    const auto reply = look_for_changes(*request, call.stop);
    if (!reply) return tl::make_unexpected(reply.error());
    const Looked looked{*reply, request->options};
    show(call, *format,
         {[&] { return document_of(looked); }, [&] { return csv_table(*reply); },
          [&] { return report_of(*reply); }});
    const Terminal& terminal = call.console.out_terminal;
    if (*format == Format::text && terminal.is_terminal && reply->series.size() == 1)
        call.console.out << "\n" << render(plot_of(*reply), terminal);
    return 0;
}

Action define_changes(CLI::App& app) {
    auto options = std::make_shared<ChangesOptions>();
    add_list(app, options->paths,
             {"FILE", "FILE",
              "CSV files, folders of them, or - for standard input. Separated by commas, "
              "semicolons or tabs.",
              "Options", true});
    const char* columns = "Which columns";
    add_each(app, options->columns,
             {"--column", "NAME",
              "Only this column of values. Default: every column with numbers in it.", columns});
    add_value(app, options->time,
              {"--time", "NAME", "The column of times or labels. Default: the first.", columns});
    const char* group = "What counts";
    add_flag(app, options->watched,
             {"--watched", "",
              "The series is looked at again after every new row: every look must be surer, for "
              "the same false alarms over a year of daily looks.",
              group});
    add_value(
        app, options->alpha,
        {"--alpha", "SHARE",
         "Share of series without any change in which one is reported. Default: 0.04.", group});
    add_value(app, options->threshold,
              {"--threshold", "PERCENT",
               "A smaller change is not reported, however sure it is. Default: none is too small.",
               group});
    add_flag(app, options->common.json,
             {"--json", "",
              "Print one JSON document on stdout (the same as --format json). An error is a "
              "document too: {\"error\": {\"kind\", \"message\"}, \"exit_code\"}.",
              "Output"});
    add_value(app, options->common.format,
              {"--format", "FORMAT", "How to print the result.", "Output"});
    return [options](Call& call) { return run(call, *options); };
}

}  // namespace

Verb changes_verb() {
    return {"changes",
            "Look back",
            "where anyone's numbers changed: steps, ramps, and how sure that is",
            "Reads CSV files with a column of times (dates, numbers or any labels; the first one "
            "unless --time names another) and columns of values, and looks for steps, ramps and "
            "saturating rises in each. The noise is learned from the series: scatter, "
            "autocorrelation, slow wander, outliers, two modes. A short level that the series "
            "leaves again "
            "is one excursion. A change below one sigma is small: listed apart, never an alarm. No "
            "database is needed.\n\n"
            "Empty cells, NaN and infinities are gaps. Rows count from 0 in the order of the file; "
            "where times can be read and go backwards, rows are sorted by time first and the notes "
            "say so. Several columns, files or a folder are many series of one call: the rate of "
            "false discoveries is held at 5 % over all of them.\n\n"
            "A new level of fewer than three points is suspected, not reported: run again.",
            {{"peakward changes nightly.csv", "every column of numbers"},
             {"peakward changes nightly.csv --column \"GB/s, best\" --time date", "one of them"},
             {"peakward changes results/ --threshold 2 --format csv > changes.csv",
              "all .csv files of a folder, changes of 2 % and more"},
             {"my-benchmark | peakward changes - --watched --json | jq '.changes[].time'",
              "for a script that asks every day"}},
            define_changes};
}

}  // namespace peakward::cli
