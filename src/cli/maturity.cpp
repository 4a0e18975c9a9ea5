#include <algorithm>
#include <cmath>

#include "cli/analysis_reports.hpp"
#include "cli/series_options.hpp"
#include "cli/trajectory_view.hpp"
#include "core/text.hpp"
#include "core/time_text.hpp"

namespace peakward::cli {
namespace {

// So many products with the same too little are told of in one line.
constexpr std::size_t products_to_fold = 3;

struct MaturityOptions {
    std::shared_ptr<CommonOptions> common;
    std::shared_ptr<SeriesOptions> series;
    bool all = false;
};

struct Assessment {
    std::string words;
    std::string shown;  // in a narrow column; the legend says the rest
    Tone tone = Tone::plain;
};

// Seed 000's legend.
Assessment assessment_of(const Trajectory& t) {
    const MilestoneDay& ninety = t.milestones.back();
    if (t.counting == 0) return {"Not known: all runs are doubtful", "All doubtful", Tone::dim};
    if (t.rated == 0) return {"Not known: no efficiency", "No efficiency", Tone::dim};
    if (t.rated == 1) return {"Not known: one run only", "One run only", Tone::dim};
    if (!ninety.days) {
        if (ninety.touched)
            return {"90 % reached, not held yet", "90 % not held yet", Tone::doubtful};
        return {"Concerning: may not reach target", "Concerning", Tone::bad};
    }
    if (*ninety.days < 30) return {"Excellent software support", "Excellent", Tone::good};
    if (*ninety.days < 90) return {"Good software support", "Good", Tone::good};
    return {"Slow optimization", "Slow", Tone::doubtful};
}

struct Row {
    const FollowedSubject* subject = nullptr;
    const FollowedTrajectory* one = nullptr;
};

// Who held 90 % first, then 80, then 70; then by current efficiency.
std::vector<Row> rows_of(const Followed& followed) {
    std::vector<Row> rows;
    for (const FollowedSubject& subject : followed.subjects)
        rows.push_back({&subject, &subject.trajectories.front()});
    const auto place = [](const Row& row) {
        std::vector<double> days;
        for (const MilestoneDay& day : row.one->trajectory.milestones)
            days.insert(days.begin(), day.days ? static_cast<double>(*day.days) : 1e12);
        const auto& latest = row.one->trajectory.latest;
        const double ratio = latest ? efficiency_at(*row.subject, row.one->trajectory, *latest) : 0;
        days.push_back(std::isfinite(ratio) ? -ratio : 0);
        return days;
    };
    std::stable_sort(rows.begin(), rows.end(),
                     [&](const Row& a, const Row& b) { return place(a) < place(b); });
    return rows;
}

std::optional<double> current_efficiency(const Row& row) {
    const auto& latest = row.one->trajectory.latest;
    if (!latest) return std::nullopt;
    const double ratio = efficiency_at(*row.subject, row.one->trajectory, *latest);
    return std::isfinite(ratio) ? std::optional(ratio) : std::nullopt;
}

Cell day_cell(const std::optional<std::int64_t>& days) {
    Cell shown = days ? cell(*days) : Cell{};
    shown.shown = days ? fmt::format("Day {}", *days) : "N/A";
    return shown;
}

// Products of which nothing can be said yet, and all of them for the same reason.
struct Folded {
    std::string words;  // "have one run only"
    std::vector<Row> rows;
};

// What is said of several products in place of their assessments; "" where one has something to
// show.
std::string too_little(const Row& row) {
    const Trajectory& t = row.one->trajectory;
    if (t.counting == 0) return "have doubtful runs only";
    if (t.rated == 0) return "have no efficiency, since no peak is known";
    return t.rated == 1 ? "have one run only" : "";
}

std::vector<Folded> fold(std::vector<Row>& rows) {
    std::vector<Folded> groups;
    for (const Row& row : rows) {
        const std::string words = too_little(row);
        if (words.empty()) continue;
        auto at = std::find_if(groups.begin(), groups.end(),
                               [&](const Folded& one) { return one.words == words; });
        if (at == groups.end()) at = groups.insert(groups.end(), {words, {}});
        at->rows.push_back(row);
    }
    std::erase_if(groups, [](const Folded& one) { return one.rows.size() < products_to_fold; });
    std::erase_if(rows, [&](const Row& row) {
        return std::any_of(groups.begin(), groups.end(),
                           [&](const Folded& one) { return one.words == too_little(row); });
    });
    return groups;
}

std::string folded_words(const Followed& followed, const Folded& folded) {
    std::string names;
    for (const Row& row : folded.rows) {
        if (!names.empty()) names += ", ";
        names += subject_words(followed.subject(*row.subject));
        if (const auto ratio = current_efficiency(row))
            names += " (" + format_with_unit(*ratio, Unit::ratio_as_percent) + ")";
    }
    return fmt::format("{} products {}: {}.", folded.rows.size(), folded.words, names);
}

Table table_of(const Followed& followed, const std::vector<Row>& rows) {
    const Align right = Align::right;
    Table table;
    table.columns = {{"product", "Product"},
                     {"days_to_70", "70 %", Unit::none, right},
                     {"days_to_80", "80 %", Unit::none, right},
                     {"days_to_90", "90 %", Unit::none, right},
                     {"launch_days_to_90", "90 % from launch", Unit::none, right, 3},
                     {"current_efficiency", "Current", Unit::ratio_as_percent, right},
                     {"assessment", "Assessment"},
                     {"precision", "Precision", Unit::none, Align::left, 2},
                     {"backend", "Backend", Unit::none, Align::left, 2},
                     {"device", "Device", Unit::none, Align::left, 4},
                     {"suite", "Suite", Unit::none, Align::left, 5},
                     {"power_mode", "Power mode", Unit::none, Align::left, 6},
                     {"runs", "Runs", Unit::count, right, 4},
                     {"first_calibration", "Since", Unit::none, Align::left, 5},
                     {"launched", "Launched", Unit::none, Align::left, 6},
                     {"launch_days_to_70", "70 % from launch", Unit::none, right, 7},
                     {"launch_days_to_80", "80 % from launch", Unit::none, right, 7},
                     {"id", "Id", Unit::none, Align::left, 8}};
    for (const Row& row : rows) {
        const Trajectory& t = row.one->trajectory;
        const Subject& product = followed.subject(*row.subject);
        const Assessment assessment = assessment_of(t);
        Cell verdict = cell(assessment.words, assessment.tone);
        verdict.shown = assessment.shown;
        const auto from_launch = [&](std::size_t i) {
            return day_cell(days_from_launch(product, t.milestones[i].held_unix));
        };
        Cell since = cell(iso_text(t.first_unix));
        since.shown = day_words(t.first_unix);
        table.rows.push_back(
            {cell(subject_words(product), Tone::strong), day_cell(t.milestones[0].days),
             day_cell(t.milestones[1].days), day_cell(t.milestones[2].days), from_launch(2),
             cell(current_efficiency(row)), verdict, cell(t.key.precision), cell(t.key.backend),
             cell(t.key.device), cell(t.key.suite), cell(t.key.power_mode.value_or("")),
             cell(static_cast<std::int64_t>(t.points.size())), since,
             cell(product.launched.value_or("")), from_launch(0), from_launch(1),
             cell(product.id)});
    }
    return table;
}

std::string chosen_words(const Followed& followed, const std::vector<Row>& rows) {
    std::string words;
    for (const Row& row : rows)
        words += fmt::format("{}{}: {}", words.empty() ? "" : "; ",
                             subject_words(followed.subject(*row.subject)),
                             series_words(row.one->trajectory.key));
    return words;
}

Section legend_of(const Followed& followed, const std::vector<Row>& rows) {
    Section legend;
    legend.title = "Assessment, by the days to 90 %";
    legend.fields = {{"Day 0-29", "Excellent software support", Tone::plain, {}, {}},
                     {"Day 30-89", "Good software support", Tone::plain, {}, {}},
                     {"Day 90 on", "Slow optimization", Tone::plain, {}, {}},
                     {"N/A", "Concerning: may not reach the target", Tone::plain, {}, {}}};
    std::size_t others = 0;
    for (const Row& row : rows) others += row.subject->others;
    if (others > 0)
        legend.paragraphs.push_back(
            {fmt::format("One series stands for each product, that of a library or framework with "
                         "the most runs ({}). {} more: --precision, --backend, --device choose.",
                         chosen_words(followed, rows), others),
             Tone::dim,
             {}});
    return legend;
}

Report report_of(const Followed& followed, bool all) {
    std::vector<Row> rows = rows_of(followed);
    const std::vector<Folded> folded = all ? std::vector<Folded>{} : fold(rows);
    Report report;
    report.title = "Time to maturity";
    Section section;
    section.title = "Days from the first calibration until an efficiency was held";
    if (!rows.empty()) section.tables.push_back(table_of(followed, rows));
    for (const Folded& one : folded)
        section.paragraphs.push_back({folded_words(followed, one), Tone::plain, {}});
    if (!folded.empty())
        section.paragraphs.push_back(
            {"--all has a row for each of them; peakward trajectory --hardware ID says more of "
             "one.",
             Tone::dim,
             {}});
    report.sections.push_back(std::move(section));
    if (!rows.empty()) report.sections.push_back(legend_of(followed, rows));
    return report;
}

Json maturity_document(const Followed& followed) {
    Json products = Json::array();
    for (const Row& row : rows_of(followed)) {
        const Trajectory& t = row.one->trajectory;
        Json one = trajectory_summary_json(followed, *row.subject, *row.one);
        one.update(subject_json(followed.subject(*row.subject)));
        one["runs"] = t.points.size();
        one["current_efficiency"] = optional_to_json(current_efficiency(row));
        one["assessment"] = assessment_of(t).words;
        one["other_series"] = row.subject->others;
        products.push_back(std::move(one));
    }
    return {{"schema_version", 1}, {"products", products}};
}

Result<int> run(Call& call, const MaturityOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    const auto request = request_of(*o.series, call.stop);
    if (!request) return tl::make_unexpected(request.error());
    const auto followed = follow(o.common->db, *request, Follow::leading_alone);
    if (!followed) return tl::make_unexpected(followed.error());
    show(call, *format,
         {[&] { return maturity_document(*followed); },
          [&] { return table_of(*followed, rows_of(*followed)); },
          [&] { return report_of(*followed, o.all); }});
    return 0;
}

Action define_maturity(CLI::App& app) {
    auto options = std::make_shared<MaturityOptions>();
    add_flag(app, options->all,
             {"--all", "", "A row also for each of many products that have too little."});
    options->series = add_series_options(app);
    options->common = add_common_options(app, Tables::yes);
    return [options](Call& call) { return run(call, *options); };
}

}  // namespace

Report maturity_report(const Followed& followed) { return report_of(followed, false); }

Verb maturity_verb() {
    return {"maturity",
            "Look back",
            "how long products took to 70, 80 and 90 % of their peaks",
            "One row per product, or per machine that no product was found for: the days from its "
            "first calibration until 70, 80 and 90 % were held, the days from the launch where it "
            "is known, the efficiency of the newest run, and what that says of the software.\n\n"
            "One series stands for a product: that of a library or framework (the probes of "
            "`native` measure the silicon) with the most runs, fp32 before other precisions. The "
            "options choose another.",
            {{"peakward maturity", "all products of the database"},
             {"peakward maturity --precision bf16", "by what their bf16 reached"},
             {"peakward maturity --format csv > maturity.csv", "for a spreadsheet"}},
            define_maturity};
}

}  // namespace peakward::cli
