#include "cli/trajectory_view.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/text.hpp"
#include "core/time_text.hpp"
#include "present/measurement_view.hpp"

namespace peakward::cli {
namespace {

constexpr std::size_t fingerprint_characters = 10;  // as seed 000's tables have it

bool shows_efficiency(const FollowedSubject& subject, const FollowedTrajectory& one) {
    for (const PlacedPoint& at : one.trajectory.points)
        if (std::isfinite(efficiency_at(subject, one.trajectory, at))) return true;
    return false;
}

bool several_installs(const FollowedTrajectory& one) { return one.trajectory.members.size() > 1; }

const SeriesKey& member_key(const FollowedSubject& subject, const FollowedTrajectory& one,
                            std::size_t member) {
    return subject.rated[one.trajectory.members[member]].series->key;
}

std::string change_words(const std::vector<ComponentChange>& changes) {
    std::string words;
    for (const ComponentChange& change : changes)
        words += (words.empty() ? "" : ", ") + to_string(change);
    return words.empty() ? "no component that is tracked" : words;
}

std::string_view kind_words(const HistoryEvent& event) {
    return event.kind == HistoryEvent::Kind::firmware ? "firmware" : "software";
}

PlotPoint plot_point(const FollowedSubject& subject, const FollowedTrajectory& one,
                     const PlacedPoint& at, bool as_efficiency) {
    const SeriesPoint& point = point_at(subject, one.trajectory, at);
    PlotPoint drawn;
    drawn.x = static_cast<double>(point.time_unix);
    const double factor =
        as_efficiency ? efficiency_at(subject, one.trajectory, at) / point.value : 1;
    drawn.y = point.value * factor;
    drawn.low = point.ci_low * factor;
    drawn.high = point.ci_high * factor;
    drawn.doubts = doubt_words(point.doubts);
    return drawn;
}

std::string metric_title(const SeriesKey& key) {
    if (key.metric == "peak_measured_gops") return "Best measured compute";
    if (key.metric == "stream_best_gbps") return "Memory bandwidth";
    if (key.metric == "blas3_gops") return "GEMM throughput";
    return key.metric;
}

// A column's title; its unit stands below it where it has a label.
std::string value_title(const SeriesKey& key) {
    if (key.metric == "peak_measured_gops") return "Peak";
    if (key.metric == "blas3_gops") return "GEMM";
    if (key.metric == "stream_best_gbps") return "STREAM";
    return key.metric;
}

bool one_run_a_day(const FollowedSubject& subject, const FollowedTrajectory& one) {
    std::set<std::string> days;
    for (const PlacedPoint& at : one.trajectory.points)
        days.insert(day_words(point_at(subject, one.trajectory, at).time_unix));
    return days.size() == one.trajectory.points.size();
}

// Components that changed with the first run of each change, by seq and member.
std::map<std::pair<std::size_t, std::int64_t>, std::string> changes_by_run(
    const FollowedTrajectory& one) {
    std::map<std::pair<std::size_t, std::int64_t>, std::string> changes;
    for (const MemberEvent& at : one.events) {
        std::string& words = changes[{at.member, at.event.seq_after}];
        words += (words.empty() ? "" : ", ") + change_words(at.event.changes);
    }
    return changes;
}

}  // namespace

Unit unit_of(const SeriesKey& key) {
    if (key.unit == "GOP/s") return Unit::gops;
    if (key.unit == "GB/s") return Unit::gbps;
    if (key.unit == "s") return Unit::seconds;
    if (key.unit == "ratio") return Unit::ratio_as_percent;
    if (key.unit == "W") return Unit::watts;
    if (key.unit == "J") return Unit::joules;
    if (key.unit == "C") return Unit::celsius;
    return Unit::none;
}

std::string series_words(const SeriesKey& key) {
    std::string words = key.precision.empty() ? "precision unknown" : key.precision;
    if (!key.operation.empty()) {
        words = fmt::format("{} {}", key.operation, words);
        if (const std::string shape = short_shape(key.shape); !shape.empty()) words += " " + shape;
    }
    words += fmt::format(", {} on {}", key.backend.empty() ? "unknown backend" : key.backend,
                         key.device);
    if (key.threads > 0)
        words += fmt::format(", {} thread{}", key.threads, key.threads == 1 ? "" : "s");
    if (const std::string suite = keyed_suite(key); !suite.empty()) words += ", suite " + suite;
    if (key.power_mode) words += ", power mode " + *key.power_mode;
    return words;
}

std::string subject_words(const Subject& subject) {
    return subject.name.empty() || subject.name == "unknown" ? subject.id : subject.name;
}

std::string install_words(const Analysed& analysed, const std::string& install) {
    const auto name = analysed.install_names.find(install);
    if (name != analysed.install_names.end()) return name->second;
    constexpr std::size_t uuid_length = 36, shown = 8;
    constexpr std::string_view import_prefix = "imported-";
    if (install.starts_with(import_prefix)) return install.substr(0, import_prefix.size() + shown);
    return install.size() == uuid_length ? install.substr(0, shown) : install;
}

std::string day_words(std::int64_t time_unix) { return iso_text(time_unix).substr(0, 10); }

std::string improvement_steps_words(const Improvement& found) {
    constexpr std::size_t steps_shown_max = 4;
    if (!found.percent_per_month) return "";
    if (found.steps.empty()) return "none";
    std::vector<ImprovementStep> steps = found.steps;
    std::stable_sort(steps.begin(), steps.end(),
                     [](const ImprovementStep& a, const ImprovementStep& b) {
                         return std::abs(a.percent) > std::abs(b.percent);
                     });
    steps.resize(std::min(steps.size(), steps_shown_max));
    std::sort(steps.begin(), steps.end(), [](const ImprovementStep& a, const ImprovementStep& b) {
        return a.time_unix < b.time_unix;
    });
    std::string words;
    for (const ImprovementStep& step : steps)
        words += fmt::format("{}{}: {}", words.empty() ? "" : ", ", day_words(step.time_unix),
                             signed_percent(step.percent));
    const std::size_t others = found.steps.size() - steps.size();
    if (others > 0) words += fmt::format(" and {} smaller step{}", others, others == 1 ? "" : "s");
    return words;
}

std::string signed_percent(const std::optional<double>& percent) {
    if (!percent || !std::isfinite(*percent)) return "-";
    return (*percent < 0 ? "" : "+") + format_value(*percent, Unit::percent);
}

std::string day_number(const MilestoneDay& day) {
    return day.days ? fmt::format("Day {}", *day.days) : "N/A";
}

std::string milestone_name(double level) { return fmt::format("{:.0f}", level * 100); }

Plot trajectory_plot(const Followed& followed, const FollowedSubject& subject,
                     const FollowedTrajectory& one) {
    const Trajectory& t = one.trajectory;
    const bool as_efficiency = shows_efficiency(subject, one);
    Plot plot;
    plot.title =
        fmt::format("{}: {}", subject_words(followed.subject(subject)), series_words(t.key));
    plot.x.scale = AxisScale::time;
    plot.x.title = "Date";
    plot.y.title = as_efficiency ? "Efficiency" : metric_title(t.key);
    plot.y.unit = as_efficiency ? Unit::ratio_as_percent : unit_of(t.key);
    for (std::size_t member = 0; member < t.members.size(); ++member) {
        PlotSeries& series = plot.series.emplace_back();
        if (several_installs(one))
            series.name = "install " + install_words(followed.analysed,
                                                     member_key(subject, one, member).install);
    }
    for (const PlacedPoint& at : t.points) {
        PlotPoint drawn = plot_point(subject, one, at, as_efficiency);
        const SoftwareStack* stack = followed.stack(point_at(subject, t, at));
        if (stack) drawn.detail = "software " + stack->software_fingerprint;
        plot.series[at.member].points.push_back(std::move(drawn));
    }
    for (const MemberEvent& at : one.events)
        plot.marks.push_back({static_cast<double>(at.event.time_unix),
                              at.event.kind == HistoryEvent::Kind::firmware ? PlotEvent::firmware
                                                                            : PlotEvent::software,
                              change_words(at.event.changes),
                              {}});
    if (as_efficiency)
        for (const double level : milestone_levels)
            plot.levels.push_back({level, milestone_name(level) + " %"});
    return plot;
}

Table trajectory_table(const Followed& followed, const FollowedSubject& subject,
                       const FollowedTrajectory& one) {
    const Trajectory& t = one.trajectory;
    const Unit unit = unit_of(t.key);
    const Align right = Align::right;
    const bool dates_are_enough = one_run_a_day(subject, one);
    const auto changes = changes_by_run(one);
    Table table;
    table.columns = {{"timestamp", "Date"},
                     {"software_fingerprint", "SW stack", Unit::none, Align::left, 1},
                     {"value", value_title(t.key), unit, right},
                     {"ci_low", "from", unit, right, 3},
                     {"ci_high", "to", unit, right, 3},
                     {"bandwidth_gbps", "BW", Unit::gbps, right, 2},
                     {"efficiency", "Eff", Unit::ratio_as_percent, right},
                     {"doubts", "Doubts"},
                     {"install", "Install", Unit::none, Align::left, several_installs(one) ? 2 : 9},
                     {"changes", "What changed", Unit::none, Align::left, 5},
                     {"stack_digest", "Stack digest", Unit::none, Align::left, 9}};
    for (std::size_t i = 0; i < t.points.size(); ++i) {
        const PlacedPoint& at = t.points[i];
        const SeriesPoint& point = point_at(subject, t, at);
        const SoftwareStack* stack = followed.stack(point);
        Cell when = cell(iso_text(point.time_unix));
        when.shown = dates_are_enough ? day_words(point.time_unix)
                                      : day_words(point.time_unix) + " " +
                                            iso_text(point.time_unix).substr(11, 5);
        Cell software = cell(stack ? stack->software_fingerprint : "");
        if (stack) software.shown = stack->software_fingerprint.substr(0, fingerprint_characters);
        const std::string doubts = doubt_words(point.doubts);
        const Tone tone = doubts.empty() ? Tone::plain : Tone::doubtful;
        const auto finite = [](double value, Tone how) {
            return std::isfinite(value) ? cell(value, how) : Cell{};
        };
        const std::string& install = member_key(subject, one, at.member).install;
        Cell host = cell(install);
        host.shown = install_words(followed.analysed, install);
        const auto change = changes.find({at.member, point.seq});
        table.rows.push_back(
            {when, software, finite(point.value, doubts.empty() ? Tone::strong : tone),
             finite(point.ci_low, tone), finite(point.ci_high, tone),
             finite(one.bandwidth_gbps[i], tone), finite(efficiency_at(subject, t, at), tone),
             cell(doubts, tone), host, cell(change == changes.end() ? "" : change->second),
             cell(stack ? stack->stack_digest : "")});
    }
    return table;
}

namespace {

void add_milestones(Section& section, const Subject& subject, const Trajectory& t) {
    for (const MilestoneDay& day : t.milestones) {
        Field field{milestone_name(day.level) + " % efficiency", {}, Tone::plain, {}, {}};
        if (day.days) {
            field.value = fmt::format("Day {} ({})", *day.days, day_words(*day.held_unix));
            field.tone = Tone::good;
            if (const auto launch = days_from_launch(subject, day.held_unix))
                field.value += fmt::format(", {} days after the launch", *launch);
        } else {
            field.value = day.touched ? "reached, not held yet (a level counts when it holds)"
                                      : "not reached";
        }
        section.fields.push_back(std::move(field));
    }
}

std::string improvement_words(const Improvement& found) {
    if (!found.percent_per_month) return "unknown: " + found.reason;
    std::string words = signed_percent(found.percent_per_month) + " a month";
    if (found.ci_low_percent_per_month)
        words += fmt::format(" (95 %: {} to {})", signed_percent(found.ci_low_percent_per_month),
                             signed_percent(found.ci_high_percent_per_month));
    words += fmt::format(", {} from the first level to the newest", signed_percent(found.percent));
    if (!found.ci_low_percent_per_month)
        return words + "; no interval: no software stack was measured twice";
    return fmt::format("{}, over {} runs", words, found.points);
}

void add_remarks(Section& section, const FollowedSubject& subject, const FollowedTrajectory& one) {
    const Trajectory& t = one.trajectory;
    if (t.points.size() == 1)
        section.paragraphs.push_back(
            {"One run only: a trajectory begins with the second. peakward calibrate makes one.",
             Tone::plain,
             {}});
    const std::size_t doubtful = t.points.size() - t.counting;
    if (doubtful > 0)
        section.paragraphs.push_back(
            {fmt::format("{} of {} runs {} doubtful: shown, and part of no milestone or rate.",
                         doubtful, t.points.size(), doubtful == 1 ? "is" : "are"),
             Tone::doubtful, "⚠"});
    if (t.out_of_order > 0)
        section.paragraphs.push_back(
            {fmt::format("{} run{} an earlier time than a run that was stored before: a clock that "
                         "was set back, or an import. They stand where their times put them.",
                         t.out_of_order, t.out_of_order == 1 ? " has" : "s have"),
             Tone::doubtful, "⚠"});
    if (!shows_efficiency(subject, one))
        section.paragraphs.push_back(
            {fmt::format("No efficiency: {}. The figures themselves are shown, and there are no "
                         "milestones.",
                         one.peak.reason.empty() ? "no peak is known" : one.peak.reason),
             Tone::plain,
             {}});
    if (one.peak.doubtful)
        section.paragraphs.push_back(
            {"Something was measured above 102 % of the peak: the peak is in doubt, and such runs "
             "meet no milestone.",
             Tone::doubtful, "⚠"});
}

}  // namespace

Section findings_section(const Followed& followed, const FollowedSubject& subject,
                         const FollowedTrajectory& one) {
    const Subject& product = followed.subject(subject);
    const Trajectory& t = one.trajectory;
    Section section;
    section.title = "Milestones";
    if (shows_efficiency(subject, one)) add_milestones(section, product, t);
    section.fields.push_back(
        {"Improvement", improvement_words(t.improvement), Tone::plain, {}, {}});
    if (!t.improvement.steps.empty())
        section.fields.push_back(
            {"Steps", improvement_steps_words(t.improvement), Tone::plain, {}, {}});
    if (t.first)
        section.fields.push_back(
            {"First calibration", day_words(t.first_unix) + ": Day 0", Tone::plain, {}, {}});
    if (product.launched)
        section.fields.push_back({"Launched", *product.launched, Tone::plain, {}, {}});
    if (one.peak.kind != PeakKind::unknown)
        section.fields.push_back(
            {"Peak",
             fmt::format("{} ({}{})",
                         format_with_unit(one.peak.value,
                                          one.peak.unit == "gbps" ? Unit::gbps : Unit::gops),
                         to_string(one.peak.kind),
                         one.peak.formula.empty() ? "" : ": " + one.peak.formula),
             Tone::plain,
             {},
             {}});
    add_remarks(section, subject, one);
    return section;
}

Section events_section(const Followed& followed, const FollowedSubject& subject,
                       const FollowedTrajectory& one, std::size_t most) {
    Section section;
    if (one.events.empty()) return section;
    section.title = "Events";
    Table table;
    table.columns = {{"timestamp", "Date"},
                     {"kind", "Change of"},
                     {"changes", "What changed"},
                     {"install", "Install", Unit::none, Align::left, 1}};
    const std::size_t first = most > 0 && one.events.size() > most ? one.events.size() - most : 0;
    for (std::size_t i = first; i < one.events.size(); ++i) {
        const MemberEvent& at = one.events[i];
        Cell when = cell(iso_text(at.event.time_unix));
        when.shown = day_words(at.event.time_unix);
        table.rows.push_back(
            {when, cell(std::string(kind_words(at.event))), cell(change_words(at.event.changes)),
             cell(install_words(followed.analysed, member_key(subject, one, at.member).install))});
    }
    if (!several_installs(one))
        for (auto& row : table.rows) row.pop_back();
    if (!several_installs(one)) table.columns.pop_back();
    if (first > 0) table.notes.push_back(fmt::format("({} earlier: --limit 0 shows them)", first));
    section.tables.push_back(std::move(table));
    return section;
}

Table trajectories_table(const Followed& followed) {
    Table table;
    const Align right = Align::right;
    table.columns = {{"product", "Product", Unit::none, Align::left, 6},
                     {"precision", "Precision"},
                     {"backend", "Backend"},
                     {"device", "Device", Unit::none, Align::left, 3},
                     {"operation", "Case", Unit::none, Align::left, 1},
                     {"suite", "Suite", Unit::none, Align::left, 4},
                     {"runs", "Runs", Unit::count, right, 2},
                     {"latest", "Newest", Unit::none, right},
                     {"efficiency", "Eff", Unit::ratio_as_percent, right},
                     {"milestone_90", "90 %", Unit::none, right, 1},
                     {"improvement_percent_per_month", "a month", Unit::percent, right, 5}};
    bool has_cases = false;
    for (const FollowedSubject& subject : followed.subjects)
        for (const FollowedTrajectory& one : subject.trajectories) {
            const Trajectory& t = one.trajectory;
            has_cases = has_cases || !t.key.operation.empty();
            Cell runs = cell(static_cast<std::int64_t>(t.points.size()));
            if (t.counting == 0) {
                runs.shown = fmt::format("0 of {} count", t.points.size());
                runs.tone = Tone::doubtful;
            }
            Cell latest, efficiency;
            if (t.latest) {
                latest = cell(point_at(subject, t, *t.latest).value);
                latest.shown =
                    format_with_unit(point_at(subject, t, *t.latest).value, unit_of(t.key));
                const double ratio = efficiency_at(subject, t, *t.latest);
                if (std::isfinite(ratio)) efficiency = cell(ratio);
            }
            Cell ninety = t.milestones[2].days ? cell(*t.milestones[2].days) : Cell{};
            if (t.milestones[2].days) ninety.shown = day_number(t.milestones[2]);
            Cell rate = cell(t.improvement.percent_per_month);
            rate.shown = signed_percent(t.improvement.percent_per_month);
            table.rows.push_back(
                {cell(subject_words(followed.subject(subject))), cell(t.key.precision),
                 cell(t.key.backend), cell(t.key.device),
                 cell(t.key.operation.empty() ? ""
                                              : t.key.operation + " " + short_shape(t.key.shape)),
                 cell(t.key.suite), runs, latest, efficiency, ninety, rate});
        }
    if (!has_cases) {
        table.columns.erase(table.columns.begin() + 4);
        for (auto& row : table.rows) row.erase(row.begin() + 4);
    }
    if (followed.subjects.size() == 1) table.columns.front().priority = 9;
    return table;
}

// ---------------------------------------------------------------------------------------------
// JSON
// ---------------------------------------------------------------------------------------------

Json number_json(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json changes_json(const std::vector<ComponentChange>& changes) {
    Json list = Json::array();
    for (const ComponentChange& change : changes)
        list.push_back({{"component", change.name},
                        {"before", optional_to_json(change.before)},
                        {"after", optional_to_json(change.after)}});
    return list;
}

Json subject_json(const Subject& subject) {
    Json lineages = Json::array(), fingerprints = Json::array();
    for (const KnownHardware& known : subject.hardware) {
        lineages.push_back(known.lineage);
        for (const auto& [fingerprint, first_unix] : known.fingerprints)
            fingerprints.push_back(fingerprint);
    }
    return {{"id", subject.id},
            {"name", subject.name},
            {"launched", optional_to_json(subject.launched)},
            {"lineages", lineages},
            {"fingerprints", fingerprints}};
}

Json key_json(const SeriesKey& key) {
    Json shape = Json::object();
    for (const auto& [name, value] : key.shape)
        std::visit([&, axis = name](const auto& v) { shape[axis] = v; }, value);
    const auto text = [](const std::string& word) {
        return word.empty() ? Json(nullptr) : Json(word);
    };
    return {{"metric", key.metric},
            {"unit", key.unit},
            {"device", key.device},
            {"backend", text(key.backend)},
            {"precision", text(key.precision)},
            {"suite", key.suite},
            {"definition", text(key.definition)},
            {"power_mode", optional_to_json(key.power_mode)},
            {"operation", text(key.operation)},
            {"shape", key.operation.empty() ? Json(nullptr) : shape},
            {"threads", key.threads > 0 ? Json(key.threads) : Json(nullptr)}};
}

namespace {

Json points_json(const Followed& followed, const FollowedSubject& subject,
                 const FollowedTrajectory& one) {
    const Trajectory& t = one.trajectory;
    Json points = Json::array();
    for (std::size_t i = 0; i < t.points.size(); ++i) {
        const SeriesPoint& point = point_at(subject, t, t.points[i]);
        const SoftwareStack* stack = followed.stack(point);
        const SeriesKey& key = member_key(subject, one, t.points[i].member);
        Json doubts = Json::array();
        for (const std::string& word : split_list(doubt_words(point.doubts)))
            doubts.push_back(word);
        points.push_back(
            {{"timestamp", iso_text(point.time_unix)},
             {"software_fingerprint", stack ? Json(stack->software_fingerprint) : Json(nullptr)},
             {"stack_digest", stack ? Json(stack->stack_digest) : Json(nullptr)},
             {"value", number_json(point.value)},
             {"ci_low", number_json(point.ci_low)},
             {"ci_high", number_json(point.ci_high)},
             {"efficiency", number_json(efficiency_at(subject, t, t.points[i]))},
             {"bandwidth_gbps", number_json(one.bandwidth_gbps[i])},
             {"doubts", doubts},
             {"install", key.install},
             {"lineage", key.lineage}});
    }
    return points;
}

Json events_json(const FollowedSubject& subject, const FollowedTrajectory& one) {
    Json events = Json::array();
    for (const MemberEvent& at : one.events)
        events.push_back({{"timestamp", iso_text(at.event.time_unix)},
                          {"kind", kind_words(at.event)},
                          {"before", at.event.before},
                          {"after", at.event.after},
                          {"changes", changes_json(at.event.changes)},
                          {"install", member_key(subject, one, at.member).install}});
    return events;
}

Json peak_json(const Peak& peak) {
    if (peak.kind == PeakKind::unknown)
        return {{"unknown", peak.reason.empty() ? "no peak is known" : peak.reason}};
    return {{"value", peak.value},
            {"unit", peak.unit},
            {"kind", to_string(peak.kind)},
            {"formula", peak.formula},
            {"doubtful", peak.doubtful}};
}

}  // namespace

Json trajectory_summary_json(const Followed& followed, const FollowedSubject& subject,
                             const FollowedTrajectory& one) {
    const Trajectory& t = one.trajectory;
    const Subject& product = followed.subject(subject);
    Json days = Json::object(), dates = Json::object(), launch = Json::object();
    for (const MilestoneDay& day : t.milestones) {
        const std::string name = milestone_name(day.level);
        days[name] = optional_to_json(day.days);
        dates[name] = day.held_unix ? Json(iso_text(*day.held_unix)) : Json(nullptr);
        launch[name] = optional_to_json(days_from_launch(product, day.held_unix));
    }
    const Improvement& found = t.improvement;
    Json document = key_json(t.key);
    document["product"] = product.id;
    document["first_calibration"] = t.first ? Json(iso_text(t.first_unix)) : Json(nullptr);
    document["peak"] = peak_json(one.peak);
    document["counting_points"] = t.counting;
    document["milestones"] = days;
    document["milestone_dates"] = dates;
    document["milestones_from_launch"] = launch;
    document["improvement_percent_per_month"] = optional_to_json(found.percent_per_month);
    document["improvement_ci_low_percent_per_month"] =
        optional_to_json(found.ci_low_percent_per_month);
    document["improvement_ci_high_percent_per_month"] =
        optional_to_json(found.ci_high_percent_per_month);
    document["improvement_percent"] = optional_to_json(found.percent);
    Json steps = Json::array();
    for (const ImprovementStep& step : found.steps)
        steps.push_back({{"at", iso_text(step.time_unix)}, {"percent", step.percent}});
    document["improvement_steps"] = steps;
    document["improvement_unknown"] = found.reason.empty() ? Json(nullptr) : Json(found.reason);
    return document;
}

Json trajectory_json(const Followed& followed, const FollowedSubject& subject,
                     const FollowedTrajectory& one) {
    Json document = trajectory_summary_json(followed, subject, one);
    document["points"] = points_json(followed, subject, one);
    document["events"] = events_json(subject, one);
    return document;
}

}  // namespace peakward::cli
