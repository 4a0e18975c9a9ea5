#include <algorithm>
#include <cmath>

#include "cli/series_options.hpp"
#include "cli/trajectory_view.hpp"
#include "core/text.hpp"
#include "session/comparison.hpp"

namespace peakward::cli {
namespace {

struct CompareOptions {
    std::shared_ptr<CommonOptions> common;
    std::shared_ptr<SeriesOptions> series;
    std::vector<std::string> hardware;
};

// The first and newest bandwidth that were measured without a doubt.
std::optional<double> bandwidth_at_end(const FollowedTrajectory& one, bool newest) {
    std::optional<double> found;
    for (std::size_t i = 0; i < one.bandwidth_gbps.size(); ++i) {
        if (!std::isfinite(one.bandwidth_gbps[i]) || one.bandwidth_doubts[i] != 0) continue;
        found = one.bandwidth_gbps[i];
        if (!newest) break;
    }
    return found;
}

struct Figures {
    std::optional<double> first, latest, efficiency;
    Unit unit = Unit::none;
};

Figures figures_of(const ComparedProduct& product) {
    const Trajectory& t = product.trajectory().trajectory;
    Figures figures;
    figures.unit = unit_of(t.key);
    if (t.first) figures.first = point_at(product.subject(), t, *t.first).value;
    if (!t.latest) return figures;
    figures.latest = point_at(product.subject(), t, *t.latest).value;
    const double ratio = efficiency_at(product.subject(), t, *t.latest);
    if (std::isfinite(ratio)) figures.efficiency = ratio;
    return figures;
}

std::string model_of(const ComparedProduct& product) {
    const Subject& subject = product.followed.subject(product.subject());
    return subject.hardware.empty() ? "unknown" : subject.hardware.front().cpu_model;
}
std::string gpu_of(const ComparedProduct& product) {
    const Subject& subject = product.followed.subject(product.subject());
    return subject.hardware.empty() ? "N/A" : subject.hardware.front().gpu_model;
}

// One line of the comparison: a value a product.
using Line = std::function<Cell(const ComparedProduct&)>;

Cell number_cell(const std::optional<double>& value, Unit unit) {
    Cell shown = cell(value);
    if (value) shown.shown = format_value(*value, unit);
    return shown;
}

Cell rate_cell(const ComparedProduct& product) {
    const Improvement& found = product.trajectory().trajectory.improvement;
    Cell shown = cell(found.percent_per_month);
    shown.shown = signed_percent(found.percent_per_month);
    if (found.ci_low_percent_per_month)
        shown.shown += fmt::format(" [{} to {}]", signed_percent(found.ci_low_percent_per_month),
                                   signed_percent(found.ci_high_percent_per_month));
    return shown;
}

Cell change_cell(const ComparedProduct& product) {
    const Improvement& found = product.trajectory().trajectory.improvement;
    Cell shown = cell(found.percent);
    shown.shown = signed_percent(found.percent);
    return shown;
}

std::vector<std::pair<std::string, Line>> lines_of(const Compared& compared) {
    const Unit unit = figures_of(compared.products.front()).unit;
    const std::string label = unit_label(unit).empty()
                                  ? compared.products.front().trajectory().trajectory.key.metric
                                  : std::string(unit_label(unit));
    const auto text = [](auto words) -> Line {
        return [words](const ComparedProduct& p) { return cell(words(p)); };
    };
    const auto milestone = [](std::size_t i) -> Line {
        return [i](const ComparedProduct& p) {
            const MilestoneDay& day = p.trajectory().trajectory.milestones[i];
            Cell shown = day.days ? cell(*day.days) : Cell{};
            shown.shown = day_number(day);
            return shown;
        };
    };
    // None of a product of which nothing could be judged: no drop was found, and none looked for.
    const auto drops = [](int DropCount::*count) -> Line {
        return [count](const ComparedProduct& p) {
            Cell shown = p.drops.judged > 0 ? cell(p.drops.*count) : Cell{};
            if (p.drops.judged == 0) shown.shown = "N/A";
            return shown;
        };
    };
    const auto bandwidth = [](bool newest) -> Line {
        return [newest](const ComparedProduct& p) {
            return number_cell(bandwidth_at_end(p.trajectory(), newest), Unit::gbps);
        };
    };
    return {
        {"Product", text([](const ComparedProduct& p) {
             return subject_words(p.followed.subject(p.subject()));
         })},
        {"CPU model", text(model_of)},
        {"GPU model", text(gpu_of)},
        {"Series", text([](const ComparedProduct& p) {
             return series_words(p.trajectory().trajectory.key);
         })},
        {"First " + label,
         [unit](const ComparedProduct& p) { return number_cell(figures_of(p).first, unit); }},
        {"Latest " + label,
         [unit](const ComparedProduct& p) { return number_cell(figures_of(p).latest, unit); }},
        {"First BW (GB/s)", bandwidth(false)},
        {"Latest BW (GB/s)", bandwidth(true)},
        {"Efficiency",
         [](const ComparedProduct& p) {
             return number_cell(figures_of(p).efficiency, Unit::ratio_as_percent);
         }},
        {"Calibration runs",
         [](const ComparedProduct& p) {
             return cell(static_cast<std::int64_t>(p.trajectory().trajectory.points.size()));
         }},
        {"Improvement (%/month)", rate_cell},
        {"First to newest level", change_cell},
        {"Steps", text([](const ComparedProduct& p) {
             return improvement_steps_words(p.trajectory().trajectory.improvement);
         })},
        {"70 % held from", milestone(0)},
        {"80 % held from", milestone(1)},
        {"90 % held from", milestone(2)},
        {"Regressions, confirmed", drops(&DropCount::confirmed)},
        {"Regressions, suspected", drops(&DropCount::suspected)},
        {"Drops that recovered", drops(&DropCount::recovered)},
        {"First calibration", text([](const ComparedProduct& p) {
             return day_words(p.trajectory().trajectory.first_unix);
         })},
    };
}

Table table_of(const Compared& compared) {
    Table table;
    table.columns = {{"metric", "Metric"}};
    for (const ComparedProduct& product : compared.products)
        table.columns.push_back({product.asked, product.asked, Unit::none, Align::right});
    for (const auto& [label, line] : lines_of(compared)) {
        std::vector<Cell> row{cell(label)};
        for (const ComparedProduct& product : compared.products) row.push_back(line(product));
        table.rows.push_back(std::move(row));
    }
    return table;
}

std::string drops_words(const Compared& compared) {
    std::string words =
        "Regressions are counted over every series of a product: peakward regressions --all "
        "--hardware ID shows them.";
    const bool some_unjudged =
        std::any_of(compared.products.begin(), compared.products.end(),
                    [](const ComparedProduct& one) { return one.drops.judged == 0; });
    if (some_unjudged) words += " N/A: no series has enough runs for a verdict.";
    return words;
}

Report report_of(const Compared& compared) {
    Report report;
    report.title = "Products side by side";
    Section section;
    Table table = table_of(compared);
    // Words wrap in no column; what is long stands once, below.
    const auto is_wordy = [](const std::vector<Cell>& row) {
        const auto* label = std::get_if<std::string>(&row.front().value);
        return label && (*label == "Product" || *label == "Series" || *label == "GPU model" ||
                         *label == "CPU model" || *label == "Steps");
    };
    for (const auto& row : table.rows) {
        if (!is_wordy(row)) continue;
        for (std::size_t i = 1; i < row.size(); ++i) {
            const auto* words = std::get_if<std::string>(&row[i].value);
            section.fields.push_back(
                {i == 1 ? std::get<std::string>(row.front().value) : "",
                 fmt::format("{}: {}", table.columns[i].title, words ? *words : "unknown"),
                 Tone::plain,
                 {},
                 {}});
        }
    }
    std::erase_if(table.rows, is_wordy);
    section.tables.push_back(std::move(table));
    section.paragraphs.push_back({drops_words(compared), Tone::dim, {}});
    if (!compared.unlike.empty())
        section.paragraphs.push_back(
            {"Not like with like: " + compared.unlike + ".", Tone::doubtful, "⚠"});
    report.sections.push_back(std::move(section));
    return report;
}

Json drops_json(const DropCount& drops) {
    const auto count = [&](int found) { return drops.judged > 0 ? Json(found) : Json(); };
    return {{"confirmed", count(drops.confirmed)},
            {"suspected", count(drops.suspected)},
            {"recovered", count(drops.recovered)},
            {"series", drops.series},
            {"judged", drops.judged}};
}

Json document_of(const Compared& compared) {
    Json products = Json::array();
    for (const ComparedProduct& product : compared.products) {
        const Subject& subject = product.followed.subject(product.subject());
        const Figures figures = figures_of(product);
        Json one =
            trajectory_summary_json(product.followed, product.subject(), product.trajectory());
        one.update(subject_json(subject));
        one["asked"] = product.asked;
        one["cpu_model"] = model_of(product);
        one["gpu_model"] = gpu_of(product);
        one["first_value"] = optional_to_json(figures.first);
        one["latest_value"] = optional_to_json(figures.latest);
        one["first_bandwidth_gbps"] =
            optional_to_json(bandwidth_at_end(product.trajectory(), false));
        one["latest_bandwidth_gbps"] =
            optional_to_json(bandwidth_at_end(product.trajectory(), true));
        one["current_efficiency"] = optional_to_json(figures.efficiency);
        one["runs"] = product.trajectory().trajectory.points.size();
        one["regressions"] = drops_json(product.drops);
        products.push_back(std::move(one));
    }
    return {{"schema_version", 1},
            {"products", products},
            {"unlike", compared.unlike.empty() ? Json(nullptr) : Json(compared.unlike)}};
}

Result<int> run(Call& call, const CompareOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    const auto request = request_of(*o.series, call.stop);
    if (!request) return tl::make_unexpected(request.error());
    const auto names = words_in(o.hardware);
    if (names.size() < 2)
        return wrong_usage(fmt::format(
            "compare takes two products or more, by fingerprint, lineage or id{}",
            names.empty() ? ""
                          : fmt::format(", and {} is the only one named; peakward history shows "
                                        "what there is",
                                        names.front())));
    const auto compared = compare_products(o.common->db, names, *request);
    if (!compared) return tl::make_unexpected(compared.error());
    show(call, *format,
         {[&] { return document_of(*compared); }, [&] { return table_of(*compared); },
          [&] { return report_of(*compared); }});
    return 0;
}

Action define_compare(CLI::App& app) {
    auto options = std::make_shared<CompareOptions>();
    add_list(app, options->hardware,
             {"HARDWARE", "ID",
              "Hardware fingerprints, lineages (the start of one is enough) or product ids.",
              "Options", true});
    options->series = add_series_options(app, Offered::without_hardware);
    options->common = add_common_options(app, Tables::yes);
    return [options](Call& call) { return run(call, *options); };
}

}  // namespace

Verb compare_verb() {
    return {"compare",
            "Look back",
            "products side by side",
            "First and newest figures, bandwidth, efficiency, the number of runs, the rate of "
            "improvement and the days to 70, 80 and 90 %, each product by the series that leads "
            "its trajectory, in one precision that all of them have; and how many regressions "
            "all its series show.",
            {{"peakward compare intel_i7_12700k amd_epyc_9654", "two products"},
             {"peakward compare c3f840 9a01 77fe --precision bf16",
              "three machines, by the starts of their fingerprints"}},
            define_compare};
}

}  // namespace peakward::cli
