#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>

#include "cli/analysis_reports.hpp"
#include "cli/regressions_output.hpp"
#include "cli/series_options.hpp"
#include "core/text.hpp"
#include "present/plot.hpp"

namespace peakward::cli {
namespace {

constexpr std::size_t forecasts_shown_max = 6;
constexpr double seconds_per_day = 86'400;
// Of the plot: as long again as the time that is known.
constexpr int curve_points = 60;

struct ForecastVerbOptions {
    std::shared_ptr<CommonOptions> common;
    std::shared_ptr<SeriesOptions> series;
    std::string target;
    bool all = false;
};

std::string date_of(double days) {
    const auto seconds = static_cast<std::time_t>(days * seconds_per_day);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

std::string value_words(const SeriesForecast& s, double value) {
    if (s.is_efficiency) return fmt::format("{:.1f} %", 100 * value);
    if (s.key.metric.ends_with("gops")) return format_with_unit(value, Unit::gops);
    if (s.key.metric.ends_with("gbps")) return format_with_unit(value, Unit::gbps);
    return fmt::format("{:.4g} {}", value, s.key.unit);
}

std::string interval_words(const SeriesForecast& s, const Interval& interval) {
    return fmt::format("{} [{} to {}]", value_words(s, interval.middle),
                       value_words(s, interval.low), value_words(s, interval.high));
}

std::string target_words(const SeriesForecast& s, double target) {
    const Forecast& f = s.forecast;
    const std::string goal = fmt::format("{:g} %", 100 * target);
    if (!f.target) return "no peak is known, so there is no target: " + s.why_no_efficiency;
    const TargetForecast& t = *f.target;
    if (t.reached_already)
        return fmt::format("{} is reached already: {} now", goal, value_words(s, f.now.middle));
    if (t.due)
        return fmt::format(
            "{} may be reached by now (chance {:.0f} %): the newest run is of {}, so calibrate "
            "again",
            goal, 100 * t.chance, date_of(f.last_days));
    if (!t.middle_days)
        return fmt::format("levels out at {}: {} is not reached (chance {:.0f} %)",
                           interval_words(s, f.plateau), goal, 100 * t.chance);
    const std::string low = t.low_days ? date_of(*t.low_days) : "?";
    const std::string high = t.high_days ? date_of(*t.high_days) : "never";
    return fmt::format("{} is reached about {} [{} to {}] (chance {:.0f} %)", goal,
                       date_of(*t.middle_days), low, high, 100 * t.chance);
}

std::string back_test_words(const BackTest& test) {
    if (test.runs == 0) return "too short to forecast any of its own past";
    return fmt::format("{} of {} later runs ({:.0f} %) lay inside the 80 % interval, over {} cut{}",
                       test.inside, test.runs, 100 * test.share(), test.cuts,
                       test.cuts == 1 ? "" : "s");
}

Json interval_json(const Interval& interval) {
    return {{"value", interval.middle}, {"ci_low", interval.low}, {"ci_high", interval.high}};
}

Json target_json(const TargetForecast& t, double target) {
    const auto date = [](const std::optional<double>& days) {
        return days ? Json(date_of(*days)) : Json();
    };
    return {{"efficiency", target},
            {"reached_already", t.reached_already},
            {"chance", t.chance},
            {"due", t.due},
            {"date", date(t.middle_days)},
            {"date_low", date(t.low_days)},
            {"date_high", date(t.high_days)}};
}

Json record_of(const SeriesForecast& s, double target) {
    const Forecast& f = s.forecast;
    Json record{{"hardware", s.key.lineage},
                {"hardware_name", s.hardware_name},
                {"install", s.key.install},
                {"device", s.key.device},
                {"backend", s.key.backend},
                {"precision", s.key.precision},
                {"operation", s.key.operation.empty() ? Json() : Json(s.key.operation)},
                {"metric", s.key.metric},
                {"unit", s.is_efficiency ? "ratio" : s.key.unit},
                {"suite", s.key.suite},
                {"power_mode", optional_to_json(s.key.power_mode)},
                {"stacks", f.stacks},
                {"runs", f.runs},
                {"doubtful", s.doubtful},
                {"refused", f.refused.empty() ? Json() : Json(f.refused)}};
    record["back_test"] = {{"cuts", f.back_test.cuts},
                           {"runs", f.back_test.runs},
                           {"inside", f.back_test.inside},
                           {"share", f.back_test.runs > 0 ? Json(f.back_test.share()) : Json()}};
    if (!f.refused.empty()) return record;
    record["interval_percent"] = f.interval_percent;
    record["shape"] = to_string(f.shape);
    record["shape_weight"] = f.shape_weight;
    record["rise_p_value"] = f.rise_p_value;
    record["now"] = interval_json(f.now);
    record["plateau"] = interval_json(f.plateau);
    record["run_scatter"] = f.scatter;
    record["target"] = f.target ? target_json(*f.target, target) : Json();
    record["statement"] = target_words(s, target);
    return record;
}

Json document_of(const ForecastReply& reply, double target) {
    Json list = Json::array();
    for (const SeriesForecast& s : reply.forecasts) list.push_back(record_of(s, target));
    return {{"schema_version", 1},
            {"store", reply.store_location},
            {"target", target},
            {"forecasts", list}};
}

Table table_of(const std::vector<SeriesForecast>& forecasts, double target) {
    Table table;
    const Align right = Align::right;
    table.columns = {{"device", "Device", Unit::none, Align::left, 3},
                     {"backend", "Backend"},
                     {"precision", "Precision"},
                     {"metric", "Metric", Unit::none, Align::left, 4},
                     {"stacks", "Stacks", Unit::count, right, 5},
                     {"now", "Now", Unit::none, right},
                     {"plateau", "Levels out at", Unit::none, right, 1},
                     {"plateau_low", "from", Unit::none, right, 2},
                     {"plateau_high", "to", Unit::none, right, 2},
                     {"date", "Target on"},
                     {"date_low", "from", Unit::none, Align::left, 2},
                     {"date_high", "to", Unit::none, Align::left, 2},
                     {"back_test_percent", "Held", Unit::percent, right, 6},
                     {"statement", "Forecast", Unit::none, Align::left, 1}};
    for (const SeriesForecast& s : forecasts) {
        const Forecast& f = s.forecast;
        const bool is_there = f.refused.empty();
        const auto value = [&](double number) {
            if (!is_there) return Cell{};
            Cell made = cell(number);
            made.shown = value_words(s, number);
            return made;
        };
        const auto date = [&](const std::optional<double> TargetForecast::*days) {
            return is_there && f.target && (*f.target).*days ? cell(date_of(*((*f.target).*days)))
                                                             : Cell{};
        };
        table.rows.push_back(
            {cell(s.key.device), cell(s.key.backend), cell(s.key.precision), cell(s.key.metric),
             cell(f.stacks), value(f.now.middle), value(f.plateau.middle), value(f.plateau.low),
             value(f.plateau.high), date(&TargetForecast::middle_days),
             date(&TargetForecast::low_days), date(&TargetForecast::high_days),
             f.back_test.runs > 0 ? cell(100 * f.back_test.share()) : Cell{},
             is_there ? cell(target_words(s, target)) : cell("none: " + f.refused, Tone::dim)});
    }
    return table;
}

Section section_of(const SeriesForecast& s, double target) {
    const Forecast& f = s.forecast;
    Section section;
    section.title = whole_series_words(s.key);
    auto& fields = section.fields;
    if (!f.refused.empty()) {
        fields.push_back(field("Forecast", "none: " + f.refused, Tone::dim));
        return section;
    }
    fields.push_back(field("Forecast", target_words(s, target), Tone::strong));
    fields.push_back(field("Now", interval_words(s, f.now)));
    fields.push_back(field("Levels out at", interval_words(s, f.plateau)));
    fields.push_back(field(
        "Stands on",
        fmt::format("{} runs of {} software stacks, {} to {}{}", f.runs, f.stacks,
                    date_of(f.first_days), date_of(f.last_days),
                    s.doubtful > 0 ? fmt::format("; {} doubtful put aside", s.doubtful) : "")));
    fields.push_back(field("Back-tested", back_test_words(f.back_test)));
    return section;
}

// Series that have one reason in common for having no forecast: one line tells of all of them.
struct Refused {
    std::string reason;
    std::vector<SeriesForecast> series;
};

// "numpy on cpu: fp16, fp32; pytorch on cpu: bf16": each once, however many suites it ran in.
std::string names_of(const std::vector<SeriesForecast>& list) {
    std::vector<std::pair<std::string, std::vector<std::string>>> places;
    for (const SeriesForecast& s : list) {
        const std::string place = fmt::format(
            "{} on {}", s.key.backend.empty() ? "unknown backend" : s.key.backend, s.key.device);
        std::string name = s.key.precision.empty() ? s.key.metric : s.key.precision;
        if (!s.key.operation.empty()) name = s.key.operation + " " + name;
        auto at = std::find_if(places.begin(), places.end(),
                               [&](const auto& one) { return one.first == place; });
        if (at == places.end()) at = places.insert(places.end(), {place, {}});
        if (std::find(at->second.begin(), at->second.end(), name) == at->second.end())
            at->second.push_back(name);
    }
    std::string words;
    for (const auto& [place, names] : places)
        words += fmt::format("{}{}: {}", words.empty() ? "" : "; ", place, fmt::join(names, ", "));
    return words;
}

// Takes out of `list` what is folded: several refused for one reason. One alone keeps its place.
std::vector<Refused> fold(std::vector<SeriesForecast>& list) {
    std::vector<Refused> groups;
    for (const SeriesForecast& s : list) {
        if (s.forecast.refused.empty()) continue;
        auto at = std::find_if(groups.begin(), groups.end(), [&](const Refused& one) {
            return one.reason == s.forecast.refused;
        });
        if (at == groups.end()) at = groups.insert(groups.end(), {s.forecast.refused, {}});
        at->series.push_back(s);
    }
    std::erase_if(groups, [](const Refused& one) { return one.series.size() < 2; });
    std::erase_if(list, [&](const SeriesForecast& s) {
        return std::any_of(groups.begin(), groups.end(),
                           [&](const Refused& one) { return one.reason == s.forecast.refused; });
    });
    return groups;
}

void add_listed(Report& report, const std::vector<SeriesForecast>& listed, double target,
                std::size_t sections) {
    const std::size_t shown = std::min(sections, listed.size());
    for (std::size_t i = 0; i < shown; ++i)
        report.sections.push_back(section_of(listed[i], target));
    if (shown < listed.size()) {
        Section rest;
        rest.title = fmt::format("And {} more", listed.size() - shown);
        rest.tables.push_back(
            table_of({listed.begin() + static_cast<std::ptrdiff_t>(shown), listed.end()}, target));
        report.sections.push_back(std::move(rest));
    }
    if (listed.empty() || !listed.front().forecast.refused.empty()) return;
    report.sections.back().paragraphs.push_back(
        {"Brackets are 80 % intervals: of the curve, its parameters and the jumps between stacks.",
         Tone::dim, ""});
}

Report report_of(const ForecastReply& reply, double target, bool all) {
    Report report;
    report.title = fmt::format(
        "FORECAST: {}", reply.forecasts.empty() ? "" : reply.forecasts.front().hardware_name);
    std::vector<SeriesForecast> listed = reply.forecasts;
    const std::vector<Refused> folded = all ? std::vector<Refused>{} : fold(listed);
    add_listed(report, listed, target, all ? listed.size() : forecasts_shown_max);
    if (folded.empty()) return report;
    Section& rest = report.sections.emplace_back();
    for (const Refused& one : folded)
        rest.paragraphs.push_back({fmt::format("No forecast for {} series: {} ({}).",
                                               one.series.size(), one.reason, names_of(one.series)),
                                   Tone::plain,
                                   {}});
    rest.paragraphs.push_back({"--all has a section for each of them.", Tone::dim, {}});
    return report;
}

// What was measured, the curve, and where runs will lie.
Plot plot_of(const SeriesForecast& s, double target) {
    const Forecast& f = s.forecast;
    Plot plot;
    plot.title = whole_series_words(s.key);
    plot.x.scale = AxisScale::time;
    plot.y.title = s.is_efficiency ? "Efficiency" : s.key.metric;
    plot.y.unit = s.is_efficiency ? Unit::ratio_as_percent : Unit::none;
    PlotSeries runs, ahead, below, above;
    runs.name = "runs";
    for (const ForecastPoint& point : s.points)
        runs.points.push_back({point.time_days * seconds_per_day, point.value});
    ahead.name = "forecast";
    below.name = "10 % of runs below";
    above.name = "10 % of runs above";
    for (PlotSeries* line : {&ahead, &below, &above}) line->style = PlotStyle::line;
    const double span = f.last_days - f.first_days;
    for (int i = 0; i <= curve_points; ++i) {
        const double day = f.last_days + span * i / curve_points;
        const Interval there = f.run_at(day);
        ahead.points.push_back({day * seconds_per_day, f.curve_at(day).middle});
        below.points.push_back({day * seconds_per_day, there.low});
        above.points.push_back({day * seconds_per_day, there.high});
    }
    plot.series = {std::move(runs), std::move(ahead), std::move(below), std::move(above)};
    if (f.target) plot.levels.push_back({target, fmt::format("{:g} %", 100 * target)});
    return plot;
}

Result<double> target_from(const std::string& text) {
    const auto number = positive_number("--target", text);
    if (!number) return tl::make_unexpected(number.error());
    const double target = number->value_or(0.9);
    if (target <= 1) return target;
    return wrong_usage(
        fmt::format("--target takes an efficiency above 0 and up to 1, not '{}'{}", text,
                    target <= 100 ? fmt::format("; {:g} % is {:g}", target, target / 100) : ""));
}

Result<int> run(Call& call, const ForecastVerbOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    const auto target = target_from(o.target);
    if (!target) return tl::make_unexpected(target.error());
    if (o.series->hardware.empty())
        return wrong_usage(
            "--hardware is missing: a fingerprint or lineage (the start of it is enough) or a "
            "product id; peakward history shows what there is");
    auto series = request_of(*o.series, call.stop);
    if (!series) return tl::make_unexpected(series.error());
    const auto today = std::chrono::system_clock::to_time_t(call.machine.clock.wall_now());
    const auto reply = look_ahead(o.common->db, {std::move(*series), *target, today});
    if (!reply) return tl::make_unexpected(reply.error());
    show(call, *format,
         {[&] { return document_of(*reply, *target); },
          [&] { return table_of(reply->forecasts, *target); },
          [&] { return report_of(*reply, *target, o.all); }});
    if (*format == Format::text && !reply->forecasts.front().forecast.draws.empty())
        call.console.out << "\n"
                         << render(plot_of(reply->forecasts.front(), *target),
                                   call.console.out_terminal);
    return 0;
}

Action define_forecast(CLI::App& app) {
    auto options = std::make_shared<ForecastVerbOptions>();
    add_value(app, options->target,
              {"--target", "EFFICIENCY", "What is to be reached, from 0 to 1. Default: 0.9."});
    add_flag(app, options->all,
             {"--all", "", "A section also for each of many series that have too little."});
    options->series = add_series_options(app, Offered::needs_hardware);
    options->common = add_common_options(app, Tables::yes);
    return [options](Call& call) { return run(call, *options); };
}

}  // namespace

Report forecast_report(const ForecastReply& reply, double target) {
    return report_of(reply, target, false);
}
Plot forecast_plot(const SeriesForecast& series, double target) { return plot_of(series, target); }

Verb forecast_verb() {
    return {
        "forecast",
        "Look back",
        "when an efficiency will be reached, or where it levels out",
        "Fits saturating curves to the software stacks of each series and says when the target is "
        "reached, or at which level the series comes to rest, with 80 % intervals that include "
        "what is not known of the curve and how far stacks jump around it.\n\n"
        "Each forecast is tested on the series' own past: the share of later runs that lay inside "
        "the interval is printed. It is refused, with the reason, where fewer than 4 software "
        "stacks or no rise support it, where fewer than half of those runs lay inside, and where "
        "the last event is a confirmed regression.",
        {{"peakward forecast --hardware c3f840a0", "when is 90 % reached"},
         {"peakward forecast --hardware nvidia_h100_sxm5 --target 0.8 --precision bf16",
          "one precision of a product"},
         {"peakward forecast --hardware c3f840a0 --json | jq '.forecasts[].statement'",
          "for a script"}},
        define_forecast};
}

}  // namespace peakward::cli
