#include "cli/regressions_output.hpp"

#include <algorithm>

#include "core/records_json.hpp"
#include "core/text.hpp"
#include "core/time_text.hpp"
#include "present/run_view.hpp"

namespace peakward::cli {
namespace {

// Sections on a page; the rest stands in one table.
constexpr std::size_t regressions_shown_max = 8;

const RunFacts* facts_of(const RegressionsReply& reply, std::int64_t seq) {
    const auto found = reply.facts.find(seq);
    return found == reply.facts.end() ? nullptr : &found->second;
}

const RunFacts* newest(const RegressionsReply& reply, const RunBlock& block) {
    return block.seqs.empty() ? nullptr : facts_of(reply, block.seqs.back());
}

std::string value_words(double value, const SeriesKey& key) {
    if (key.unit == "GOP/s" || key.metric.ends_with("gops"))
        return format_with_unit(value, Unit::gops);
    if (key.unit == "GB/s" || key.metric.ends_with("gbps"))
        return format_with_unit(value, Unit::gbps);
    if (key.unit == "s") return format_with_unit(value, Unit::seconds);
    if (key.unit == "ratio") return format_with_unit(value, Unit::ratio_as_percent);
    if (key.unit == "W") return format_with_unit(value, Unit::watts);
    return fmt::format("{:.5g}{}{}", value, key.unit.empty() ? "" : " ", key.unit);
}

std::string percent_words(const Comparison& c) {
    return fmt::format("{:+.1f} % [{:+.1f} to {:+.1f}]", c.change_percent, c.ci_low_percent,
                       c.ci_high_percent);
}

std::string noise_words(const NoiseUsed& noise) {
    std::string text = fmt::format("{:.2g} %", 100 * noise.sigma);
    switch (noise.source) {
        case NoiseSource::own:
            text += fmt::format(", learned from {} repeats of this series", noise.repeats);
            // The series itself is one of those that are alike.
            if (noise.similar > 1) text += fmt::format(" and {} similar ones", noise.similar - 1);
            break;
        case NoiseSource::pooled:
            text += fmt::format(
                ", pooled: fewer than 3 repeats here, so it is that of {} series of the same {}",
                noise.similar, noise.similar_by);
            break;
        case NoiseSource::around_level:
            text += ", the spread around its own levels: no stack was measured twice";
            break;
        case NoiseSource::table:
            text += ", from a table of usual scatter";
            if (noise.similar > 0)
                text += fmt::format(" and the newest steps of {} series of the same {}",
                                    noise.similar, noise.similar_by);
            text += ": nothing like it was measured twice";
            break;
        case NoiseSource::unknown:
            break;
    }
    if (noise.install_sigma > 0)
        text += fmt::format("; {:.2g} % between installs", 100 * noise.install_sigma);
    else if (noise.installs > 1)
        text += "; the spread between installs is part of it";
    return text;
}

// ---------------------------------------------------------------------------------------------
// JSON
// ---------------------------------------------------------------------------------------------

Json side_json(const RegressionsReply& reply, const RunBlock& block) {
    Json ids = Json::array();
    for (const std::int64_t seq : block.seqs)
        if (const RunFacts* facts = facts_of(reply, seq)) ids.push_back(facts->run_id);
    const RunFacts* last = newest(reply, block);
    return {{"runs", block.seqs.size()},
            {"run_ids", ids},
            {"timestamp", last ? Json(last->timestamp) : Json()},
            {"software_fingerprint", last ? Json(last->software_fingerprint) : Json()},
            {"stack_digest", last ? Json(last->stack_digest) : Json()}};
}

Json cause_json(const LikelyCause& cause) {
    Json list = Json::array();
    for (const Difference& d : cause.differences)
        list.push_back(
            {{"kind", to_string(d.kind)},
             {"name", d.name},
             {"before", d.before},
             {"after", d.after},
             {"seen_elsewhere", d.places},
             {"effect_elsewhere_percent", d.places > 0 ? Json(d.effect_percent) : Json()}});
    return list;
}

Json series_json(const SeriesKey& key) {
    Json shape = Json::object();
    for (const auto& [axis, value] : key.shape)
        std::visit([&, name = axis](const auto& v) { shape[name] = v; }, value);
    return {{"device", key.device},
            {"backend", key.backend},
            {"precision", key.precision},
            {"metric", key.metric},
            {"unit", key.unit},
            {"operation", key.operation.empty() ? Json() : Json(key.operation)},
            {"shape", key.operation.empty() ? Json() : shape},
            {"threads", key.operation.empty() ? Json() : Json(key.threads)},
            {"suite", key.suite},
            {"definition", key.definition.empty() ? Json(nullptr) : Json(key.definition)},
            {"install", key.install.empty() ? Json() : Json(key.install)},
            {"lineage", key.lineage},
            {"power_mode", optional_to_json(key.power_mode)}};
}

Json noise_json(const NoiseUsed& noise) {
    return {{"source", to_string(noise.source)},
            {"percent", 100 * noise.sigma},
            {"degrees_of_freedom", noise.freedom},
            {"autocorrelation", noise.rho},
            {"repeats", noise.repeats},
            {"similar_series", noise.similar},
            {"similar_by", noise.similar_by},
            {"between_installs_percent",
             noise.install_sigma > 0 ? Json(100 * noise.install_sigma) : Json()}};
}

// One record a baseline, so that each names its own.
Json record_json(const RegressionsReply& reply, const ExplainedRegression& found,
                 const Comparison& c) {
    Json record = series_json(found.key);
    const RunFacts* now = newest(reply, c.now);
    record["hardware"] = now ? now->hardware_fingerprint : found.key.lineage;
    record["hardware_name"] = found.hardware_name;
    record["status"] = to_string(found.regression.status);
    record["suspected_because"] =
        found.regression.doubt.empty() ? Json() : Json(found.regression.doubt);
    record["installs"] = std::max(1, found.regression.installs);
    record["baseline"] = to_string(c.baseline);
    record["previous"] = c.before.level;
    record["current"] = c.now.level;
    record["change_percent"] = c.change_percent;
    record["ci_low_percent"] = c.ci_low_percent;
    record["ci_high_percent"] = c.ci_high_percent;
    record["p_value"] = c.p_value;
    record["p_value_adjusted"] = c.p_adjusted;
    record["p_value_direct"] = c.p_direct;
    record["p_value_change_point"] = optional_to_json(c.p_change_point);
    record["confidence"] = 1 - c.p_adjusted;
    record["agreeing_runs"] = c.agreeing_runs;
    record["gradual"] = found.regression.gradual;
    const bool is_gone = found.regression.status == RegressionStatus::recovered;
    record["recovered_at"] = is_gone ? Json(iso_text(found.regression.recovered_unix)) : Json();
    record["noise"] = noise_json(found.regression.noise);
    record["previous_runs"] = side_json(reply, c.before);
    record["current_runs"] = side_json(reply, c.now);
    record["likely_cause"] = found.cause.cause;
    record["recommendation"] = found.cause.recommendation;
    record["confounded"] = found.cause.confounded;
    record["differences"] = cause_json(found.cause);
    return record;
}

Json records_json(const RegressionsReply& reply, const std::vector<ExplainedRegression>& list) {
    Json records = Json::array();
    for (const ExplainedRegression& found : list)
        for (const Comparison& c : found.regression.against)
            records.push_back(record_json(reply, found, c));
    return records;
}

Json not_judged_json(const RegressionsReply& reply) {
    Json list = Json::array();
    for (const UnjudgedSeries& one : reply.not_judged) {
        Json entry = series_json(one.key);
        entry["hardware_name"] = one.hardware_name;
        entry["reason"] = one.reason;
        list.push_back(std::move(entry));
    }
    return list;
}

Json mode_changes_json(const RegressionsReply& reply) {
    Json list = Json::array();
    for (const ExplainedModeChange& found : reply.mode_changes) {
        Json entry = series_json(found.now);
        entry["hardware_name"] = found.hardware_name;
        entry["power_mode_before"] = optional_to_json(found.before.power_mode);
        entry["changed_at"] = iso_text(found.change.changed_unix);
        entry["previous"] = found.change.before;
        entry["current"] = found.change.now;
        entry["change_percent"] = found.change.change_percent;
        entry["previous_runs"] = found.change.runs_before;
        entry["current_runs"] = found.change.runs_now;
        list.push_back(std::move(entry));
    }
    return list;
}

int count_of(const RegressionsReply& reply, RegressionStatus status) {
    return static_cast<int>(
        std::count_if(reply.regressions.begin(), reply.regressions.end(),
                      [&](const auto& found) { return found.regression.status == status; }));
}

Json document_of(const RegressionsReply& reply, const RegressionsOutput& output) {
    Json baselines = Json::array(), not_judged = Json::array();
    for (const Baseline baseline : output.baselines) baselines.push_back(to_string(baseline));
    for (const auto& [reason, count] : reply.report.not_judged)
        not_judged.push_back({{"reason", reason}, {"series", count}});
    Json document{{"schema_version", 1},
                  {"store", reply.store_location},
                  {"threshold_percent", output.threshold_percent},
                  {"baselines", baselines},
                  {"series", reply.report.series},
                  {"series_judged", reply.report.judged},
                  {"runs", reply.report.points},
                  {"runs_doubtful", reply.report.doubtful},
                  {"not_judged", not_judged},
                  {"not_judged_series", not_judged_json(reply)},
                  {"power_mode_changes", mode_changes_json(reply)},
                  {"confirmed", count_of(reply, RegressionStatus::confirmed)},
                  {"suspected", count_of(reply, RegressionStatus::suspected)},
                  {"regressions", records_json(reply, reply.regressions)}};
    if (output.all) document["recovered"] = records_json(reply, reply.recovered);
    return document;
}

// ---------------------------------------------------------------------------------------------
// Tables and pages
// ---------------------------------------------------------------------------------------------

Tone tone_of(RegressionStatus status) {
    if (status == RegressionStatus::confirmed) return Tone::bad;
    return status == RegressionStatus::suspected ? Tone::doubtful : Tone::dim;
}

Cell number_cell(double number, std::string shown) {
    Cell made = cell(number);
    made.shown = std::move(shown);
    return made;
}

Table table_of(const RegressionsReply& reply, const std::vector<ExplainedRegression>& list) {
    Table table;
    const Align right = Align::right;
    table.columns = {{"status", "Status"},
                     {"hardware", "Hardware", Unit::none, Align::left, 4},
                     {"device", "Device", Unit::none, Align::left, 2},
                     {"backend", "Backend"},
                     {"precision", "Precision", Unit::none, Align::left, 1},
                     {"operation", "Operation", Unit::none, Align::left, 3},
                     {"metric", "Metric"},
                     {"baseline", "Against"},
                     {"previous", "Before", Unit::none, right},
                     {"current", "Now", Unit::none, right},
                     {"change_percent", "Change", Unit::none, right},
                     {"p_value", "p", Unit::none, right, 5},
                     {"confidence", "Confidence", Unit::ratio_as_percent, right, 6},
                     {"likely_cause", "Likely cause", Unit::none, Align::left, 7},
                     {"recommendation", "Recommendation", Unit::none, Align::left, 8}};
    for (const ExplainedRegression& found : list) {
        for (const Comparison& c : found.regression.against) {
            const RunFacts* now = newest(reply, c.now);
            const SeriesKey& key = found.key;
            const RegressionStatus status = found.regression.status;
            table.rows.push_back(
                {cell(std::string(to_string(status)), tone_of(status)),
                 cell(now ? now->hardware_fingerprint : key.lineage), cell(key.device),
                 cell(key.backend), cell(key.precision),
                 cell(key.operation.empty() ? "" : key.operation + " " + to_string(key.shape)),
                 cell(key.metric), cell(std::string(to_string(c.baseline))),
                 number_cell(c.before.level, value_words(c.before.level, key)),
                 number_cell(c.now.level, value_words(c.now.level, key)),
                 number_cell(c.change_percent, fmt::format("{:+.1f} %", c.change_percent)),
                 number_cell(c.p_value, fmt::format("{:.2g}", c.p_value)), cell(1 - c.p_adjusted),
                 cell(found.cause.cause), cell(found.cause.recommendation)});
        }
    }
    return table;
}

// What a release manager knows a stack by.
std::vector<std::string> stack_details(const RunFacts& facts, const SeriesKey& key) {
    std::vector<std::string> details{facts.timestamp.empty() ? "" : human_time(facts.timestamp),
                                     "software stack " + facts.software_fingerprint};
    std::vector<std::pair<const char*, const char*>> shown{{"gpu_driver_version", "driver"},
                                                           {"pytorch_version", "PyTorch"}};
    if (key.device == "cpu") shown = {{"os_kernel", "kernel"}, {"blas_library", "BLAS"}};
    if (key.backend == "numpy") shown.emplace_back("numpy_version", "NumPy");
    if (key.backend == "pytorch" && key.device == "cpu")
        shown.emplace_back("pytorch_version", "PyTorch");
    for (const auto& [component, name] : shown) {
        const auto found = facts.components.find(component);
        if (found != facts.components.end() && found->second)
            details.back() += fmt::format(", {} {}", name, *found->second);
    }
    return details;
}

Field side_field(const char* label, const RegressionsReply& reply, const RunBlock& block,
                 const SeriesKey& key) {
    Field field;
    field.label = label;
    field.value = fmt::format("{}  ({} run{})", value_words(block.level, key), block.seqs.size(),
                              block.seqs.size() == 1 ? "" : "s");
    if (const RunFacts* facts = newest(reply, block)) field.details = stack_details(*facts, key);
    return field;
}

Section section_of(const RegressionsReply& reply, const ExplainedRegression& found,
                   std::size_t number) {
    const Regression& r = found.regression;
    const Comparison& c = r.main();
    const RunFacts* now = newest(reply, c.now);
    Section section;
    section.title = fmt::format("Regression #{}: {}", number, to_string(r.status));
    if (r.status == RegressionStatus::recovered)
        section.title = fmt::format("Recovered #{}", number);
    auto& fields = section.fields;
    fields.push_back(field(
        "Hardware", fmt::format("{} ({})", now ? now->hardware_fingerprint : found.key.lineage,
                                found.hardware_name)));
    std::string series = whole_series_words(found.key);
    if (r.installs > 1) series += fmt::format(", {} installs of one kind", r.installs);
    fields.push_back(field("Series", std::move(series)));
    fields.push_back(
        side_field(c.baseline == Baseline::best ? "Best" : "Previous", reply, c.before, found.key));
    fields.push_back(side_field(r.status == RegressionStatus::recovered ? "Low" : "Current", reply,
                                c.now, found.key));
    Field drop = field("Regression",
                       fmt::format("{}, p = {:.2g}, {} agreeing run{}", percent_words(c), c.p_value,
                                   c.agreeing_runs, c.agreeing_runs == 1 ? "" : "s"),
                       tone_of(r.status));
    for (std::size_t i = 1; i < r.against.size(); ++i)
        drop.details.push_back(fmt::format("against the {} ({}): {}, p = {:.2g}",
                                           to_string(r.against[i].baseline),
                                           value_words(r.against[i].before.level, found.key),
                                           percent_words(r.against[i]), r.against[i].p_value));
    fields.push_back(std::move(drop));
    if (!r.doubt.empty()) fields.push_back(field("Not confirmed", r.doubt));
    if (r.status == RegressionStatus::recovered)
        fields.push_back(field("Recovered", fmt::format("{}, by the first run that shows it",
                                                        human_time(iso_text(r.recovered_unix)))));
    fields.push_back(field("Noise", noise_words(r.noise)));
    fields.push_back(field("Likely cause", found.cause.cause));
    if (r.status != RegressionStatus::recovered)
        fields.push_back(field("Recommendation", found.cause.recommendation));
    return section;
}

std::vector<Paragraph> looked_at(const RegressionsReply& reply) {
    const RegressionReport& report = reply.report;
    std::vector<Paragraph> lines;
    std::string text = fmt::format("Looked at {} with {}", plural(report.series, "series"),
                                   plural(report.points, "run point"));
    if (report.doubtful > 0)
        text += fmt::format("; {} doubtful one{} stand aside", report.doubtful,
                            report.doubtful == 1 ? "" : "s");
    text += fmt::format("; {} could be judged.",
                        report.judged == report.series ? "all" : std::to_string(report.judged));
    if (report.by_table > 0)
        text += fmt::format(
            " {} with noise from a table: a second run of the same software stack "
            "makes the verdict surer.",
            report.by_table);
    lines.push_back({text, Tone::dim, ""});
    for (const auto& [reason, count] : report.not_judged)
        lines.push_back({fmt::format("Not judged: {}: {}.",
                                     plural(static_cast<std::size_t>(count), "series"), reason),
                         Tone::dim, ""});
    return lines;
}

std::string summary(const RegressionsReply& reply) {
    if (reply.regressions.empty())
        return reply.report.judged > 0
                   ? fmt::format("No regressions. {}.", judged_words(reply.report))
                   : fmt::format(
                         "Nothing can be judged yet ({} of {}): none has enough runs for a "
                         "verdict.",
                         reply.report.judged, plural(reply.report.series, "series"));
    const int suspected = count_of(reply, RegressionStatus::suspected);
    std::string text = fmt::format("Found {}: {} confirmed, {} suspected.",
                                   plural(reply.regressions.size(), "regression"),
                                   count_of(reply, RegressionStatus::confirmed), suspected);
    text += fmt::format(" {}.", judged_words(reply.report));
    if (suspected == 0) return text;
    const bool can_confirm =
        std::any_of(reply.regressions.begin(), reply.regressions.end(), [](const auto& found) {
            return found.regression.status == RegressionStatus::suspected &&
                   !is_imported_suite(found.key.suite);
        });
    return text + (can_confirm ? " A suspicion needs another run: peakward calibrate --confirm "
                                 "measures it again."
                               : " A suspicion needs another run.");
}

std::string recovered_words(const RegressionsReply& reply, bool all) {
    const std::size_t count = reply.recovered.size();
    return fmt::format("{} of the past {} recovered{}", plural(count, "drop"),
                       count == 1 ? "has" : "have",
                       all ? "." : fmt::format(": --all shows {}.", count == 1 ? "it" : "them"));
}

void add_list(Report& report, const RegressionsReply& reply,
              const std::vector<ExplainedRegression>& list) {
    for (std::size_t i = 0; i < std::min(regressions_shown_max, list.size()); ++i)
        report.sections.push_back(section_of(reply, list[i], i + 1));
    if (list.size() <= regressions_shown_max) return;
    Section rest;
    rest.title = fmt::format("And {} more", list.size() - regressions_shown_max);
    rest.tables.push_back(table_of(reply, {list.begin() + regressions_shown_max, list.end()}));
    report.sections.push_back(std::move(rest));
}

Report report_of(const RegressionsReply& reply, const RegressionsOutput& output) {
    Report report;
    report.title =
        fmt::format("REGRESSION DETECTION (threshold: {:.1f} %)", output.threshold_percent);
    Section head;
    head.paragraphs.push_back({summary(reply), Tone::plain, ""});
    if (!reply.recovered.empty())
        head.paragraphs.push_back({recovered_words(reply, output.all), Tone::plain, ""});
    for (std::size_t i = 0; i < std::min(regressions_shown_max, reply.mode_changes.size()); ++i)
        head.paragraphs.push_back({mode_change_words(reply.mode_changes[i]), Tone::doubtful, "⚠"});
    if (reply.mode_changes.size() > regressions_shown_max)
        head.paragraphs.push_back(
            {fmt::format("{} more series changed with their power mode: see --json.",
                         reply.mode_changes.size() - regressions_shown_max),
             Tone::dim, ""});
    report.sections.push_back(std::move(head));
    add_list(report, reply, reply.regressions);
    if (output.all && !reply.recovered.empty()) add_list(report, reply, reply.recovered);
    Section foot;
    foot.paragraphs = looked_at(reply);
    report.sections.push_back(std::move(foot));
    return report;
}

// ---------------------------------------------------------------------------------------------
// calibrate --confirm
// ---------------------------------------------------------------------------------------------

std::string outcome_words(const ConfirmedSuspect& suspect) {
    if (!suspect.left_out.empty()) return "not measured again: " + suspect.left_out;
    if (!suspect.after) return "gone: the new run does not show it";
    return suspect.after->regression.status == RegressionStatus::confirmed ? "confirmed"
                                                                           : "still suspected";
}

Tone outcome_tone(const ConfirmedSuspect& suspect) {
    if (!suspect.left_out.empty()) return Tone::dim;
    return suspect.after ? tone_of(suspect.after->regression.status) : Tone::good;
}

Json confirm_document(const ConfirmReply& reply, const RegressionsOutput& output) {
    Json document = document_of(reply.after, output);
    Json runs = Json::array(), suspects = Json::array();
    for (const Run& run : reply.runs) runs.push_back(run.run_id);
    for (const ConfirmedSuspect& suspect : reply.suspects) {
        Json entry = series_json(suspect.before.key);
        entry["change_percent"] = suspect.before.regression.main().change_percent;
        entry["verdict"] = outcome_words(suspect);
        entry["change_percent_now"] =
            suspect.after ? Json(suspect.after->regression.main().change_percent) : Json();
        suspects.push_back(std::move(entry));
    }
    document["run_ids"] = runs;
    document["suspects"] = suspects;
    return document;
}

Table confirm_table(const ConfirmReply& reply) {
    Table table;
    table.columns = {{"series", "Suspected"},
                     {"change_percent", "Before", Unit::none, Align::right},
                     {"change_percent_now", "Now", Unit::none, Align::right},
                     {"verdict", "Verdict"}};
    for (const ConfirmedSuspect& suspect : reply.suspects) {
        const double was = suspect.before.regression.main().change_percent;
        Cell now;
        if (suspect.after) {
            const double is = suspect.after->regression.main().change_percent;
            now = number_cell(is, fmt::format("{:+.1f} %", is));
        }
        table.rows.push_back({cell(whole_series_words(suspect.before.key)),
                              number_cell(was, fmt::format("{:+.1f} %", was)), now,
                              cell(outcome_words(suspect), outcome_tone(suspect))});
    }
    return table;
}

Report confirm_report(const ConfirmReply& reply, const RegressionsOutput& output) {
    Report report;
    report.title = fmt::format("SUSPECTED REGRESSIONS, MEASURED AGAIN (threshold: {:.1f} %)",
                               output.threshold_percent);
    Section head;
    if (!reply.any_suspected)
        head.paragraphs.push_back(
            {"Nothing is suspected on this host: nothing was measured.", Tone::plain, ""});
    else
        head.tables.push_back(confirm_table(reply));
    for (const Run& run : reply.runs)
        head.paragraphs.push_back(
            {fmt::format("Stored as run {} (suite {}, {} measurements).", short_id(run.run_id),
                         run.suite, run.measurements.size()),
             Tone::dim, ""});
    report.sections.push_back(std::move(head));
    std::size_t number = 0;
    for (const ConfirmedSuspect& suspect : reply.suspects)
        if (suspect.after && number < regressions_shown_max)
            report.sections.push_back(section_of(reply.after, *suspect.after, ++number));
    return report;
}

}  // namespace

std::string whole_series_words(const SeriesKey& key) {
    std::string text = key.device;
    for (const std::string& part : {key.backend, key.precision})
        if (!part.empty()) text += ", " + part;
    if (!key.operation.empty()) text += fmt::format(", {} {}", key.operation, to_string(key.shape));
    text += ", " + key.metric;
    const std::string suite = keyed_suite(key);
    return suite.empty() ? text : fmt::format("{} (suite {})", text, suite);
}

std::string mode_change_words(const ExplainedModeChange& found) {
    return fmt::format(
        "Power mode {} -> {} on {}: {} changed by {:+.1f} %, from {} to {}. Another mode is "
        "another "
        "series, so this is no regression.",
        found.before.power_mode.value_or("unknown"), found.now.power_mode.value_or("unknown"),
        iso_text(found.change.changed_unix).substr(0, 10), whole_series_words(found.now),
        found.change.change_percent, value_words(found.change.before, found.before),
        value_words(found.change.now, found.now));
}

std::string judged_words(const RegressionReport& report) {
    return fmt::format("{} of {} could be judged", report.judged, plural(report.series, "series"));
}

std::string drop_words(const ExplainedRegression& found) {
    const Comparison& c = found.regression.main();
    return fmt::format("{} from {} to {} against the {} {}", percent_words(c),
                       value_words(c.before.level, found.key), value_words(c.now.level, found.key),
                       to_string(c.baseline), c.baseline == Baseline::best ? "level" : "stack");
}

Shown regressions_shown(const RegressionsReply& reply, const RegressionsOutput& output) {
    Shown shown;
    shown.document = [&reply, output] { return document_of(reply, output); };
    shown.table = [&reply, output] {
        std::vector<ExplainedRegression> all = reply.regressions;
        if (output.all) all.insert(all.end(), reply.recovered.begin(), reply.recovered.end());
        return table_of(reply, all);
    };
    shown.report = [&reply, output] { return report_of(reply, output); };
    return shown;
}

Shown confirm_shown(const ConfirmReply& reply, const RegressionsOutput& output) {
    Shown shown;
    shown.document = [&reply, output] { return confirm_document(reply, output); };
    shown.table = [&reply] { return confirm_table(reply); };
    shown.report = [&reply, output] { return confirm_report(reply, output); };
    return shown;
}

}  // namespace peakward::cli
