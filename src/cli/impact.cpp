#include <algorithm>
#include <cmath>

#include "cli/analysis_reports.hpp"
#include "cli/series_options.hpp"
#include "cli/trajectory_view.hpp"
#include "core/text.hpp"
#include "core/time_text.hpp"

namespace peakward::cli {
namespace {

struct ImpactOptions {
    std::shared_ptr<CommonOptions> common;
    std::shared_ptr<SeriesOptions> series;
};

// One install of a product: stacks are compared on one machine only.
struct Subjected {
    const FollowedSubject& subject;
    const FollowedTrajectory& one;
    std::size_t member = 0;

    const SoftwareImpact& impact() const { return one.impact[member]; }
    const Series& series() const { return *subject.rated[one.trajectory.members[member]].series; }
};

std::vector<Subjected> installs_of(const Followed& followed) {
    std::vector<Subjected> all;
    for (const FollowedSubject& subject : followed.subjects) {
        const FollowedTrajectory& one = subject.trajectories.front();
        for (std::size_t member = 0; member < one.trajectory.members.size(); ++member)
            all.push_back({subject, one, member});
    }
    return all;
}

// The median bandwidth of the runs of a stack: of those without a doubt, as its figure is.
std::optional<double> bandwidth_of(const Subjected& at, const StackImpact& row) {
    std::vector<double> values;
    const Trajectory& t = at.one.trajectory;
    for (std::size_t i = 0; i < t.points.size(); ++i) {
        const bool is_used = row.doubtful || at.one.bandwidth_doubts[i] == 0;
        if (is_used && t.points[i].member == at.member && std::isfinite(at.one.bandwidth_gbps[i]) &&
            point_at(at.subject, t, t.points[i]).stack == row.stack)
            values.push_back(at.one.bandwidth_gbps[i]);
    }
    if (values.empty()) return std::nullopt;
    std::sort(values.begin(), values.end());
    return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

std::string version_of(const Followed& followed, const StackImpact& row, const char* component) {
    const auto facts = followed.facts.find(row.first_seq);
    if (facts == followed.facts.end()) return "";
    const auto it = facts->second.components.find(component);
    return it == facts->second.components.end() ? "" : it->second.value_or("");
}

struct ShownComponent {
    const char* name;
    const char* title;
};
constexpr ShownComponent shown_components[] = {
    {"gpu_driver_version", "Driver"}, {"cuda_version", "CUDA"}, {"pytorch_version", "PyTorch"},
    {"numpy_version", "NumPy"},       {"blas_library", "BLAS"}, {"os_kernel", "Kernel"}};

// Columns in which every row says the same, or nothing, only take room.
void drop_equal_components(Table& table, std::size_t first, std::size_t count) {
    for (std::size_t i = first + count; i-- > first;) {
        bool differ = false;
        for (const auto& row : table.rows)
            differ = differ || row[i].value != table.rows.front()[i].value;
        if (differ) continue;
        table.columns.erase(table.columns.begin() + static_cast<std::ptrdiff_t>(i));
        for (auto& row : table.rows) row.erase(row.begin() + static_cast<std::ptrdiff_t>(i));
    }
}

std::string changed_names(const StackImpact& row) {
    std::string words;
    for (const ComponentChange& change : row.changes)
        words += (words.empty() ? "" : ", ") + to_string(change);
    return words;
}

std::vector<Cell> row_cells(const Followed& followed, const Subjected& at, const StackImpact& row) {
    const auto place = static_cast<std::size_t>(row.stack);
    const SoftwareStack stack = row.stack >= 0 && place < followed.analysed.stacks.size()
                                    ? followed.analysed.stacks[place]
                                    : SoftwareStack{};
    const Tone tone = row.doubtful ? Tone::doubtful : Tone::plain;
    const auto bound = [&](std::optional<double> Middle::*part) {
        return row.value ? cell((*row.value).*part, tone) : Cell{};
    };
    Cell since = cell(iso_text(row.first_unix));
    since.shown = day_words(row.first_unix);
    Cell runs = cell(static_cast<std::int64_t>(row.runs));
    if (row.counting < row.runs) {
        runs.shown = fmt::format("{} of {} count", row.counting, row.runs);
        runs.tone = Tone::doubtful;
    }
    Cell change = cell(row.change_percent,
                       row.moved ? (*row.change_percent > 0 ? Tone::good : Tone::bad) : Tone::dim);
    if (row.change_percent)
        change.shown = signed_percent(row.change_percent) + (row.moved ? "" : " ?");
    Cell changes = cell(changed_names(row));
    if (row.changes.size() > 1) {
        changes.shown = fmt::format("{} at once:", row.changes.size());
        for (const ComponentChange& one : row.changes) changes.shown += " " + one.name;
    }
    Cell software = cell(stack.software_fingerprint);
    software.shown = stack.software_fingerprint.substr(0, 10);  // as in seed 000's tables
    std::vector<Cell> cells{software};
    for (const ShownComponent& component : shown_components)
        cells.push_back(cell(version_of(followed, row, component.name)));
    for (Cell& one : std::vector<Cell>{
             row.value ? cell(row.value->median, row.doubtful ? tone : Tone::strong) : Cell{},
             bound(&Middle::ci_low), bound(&Middle::ci_high), cell(bandwidth_of(at, row)), change,
             cell(row.ci_low_percent), cell(row.ci_high_percent), runs, since, changes,
             cell(stack.stack_digest)})
        cells.push_back(std::move(one));
    return cells;
}

Table table_of(const Followed& followed, const Subjected& at) {
    const Align right = Align::right;
    const Unit unit = unit_of(at.series().key);
    Table table;
    table.columns = {{"software_fingerprint", "SW stack"}};
    for (const ShownComponent& component : shown_components)
        table.columns.push_back({component.name, component.title, Unit::none, Align::left, 4});
    for (const Column& column :
         std::vector<Column>{{"value", "Median", unit, right},
                             {"ci_low", "from", unit, right, 2},
                             {"ci_high", "to", unit, right, 2},
                             {"bandwidth_gbps", "BW", Unit::gbps, right, 1},
                             {"change_percent", "Change", Unit::percent, right},
                             {"ci_low_percent", "at least", Unit::percent, right, 6},
                             {"ci_high_percent", "at most", Unit::percent, right, 6},
                             {"runs", "Runs", Unit::count, right, 3},
                             {"first_run", "Since", Unit::none, Align::left, 3},
                             {"changes", "What changed", Unit::none, Align::left},
                             {"stack_digest", "Stack digest", Unit::none, Align::left, 9}})
        table.columns.push_back(column);
    for (const StackImpact& row : at.impact().stacks)
        table.rows.push_back(row_cells(followed, at, row));
    return table;
}

std::string cause_words(const SoftwareImpact& impact) {
    if (!impact.strongest) {
        if (impact.stacks.size() < 2) return "one software stack only: nothing to compare";
        return impact.noise.freedom > 0
                   ? "no step is larger than what the runs themselves vary by"
                   : "unknown: no software stack was measured twice, so the noise is unknown";
    }
    const StackImpact& step = impact.stacks[*impact.strongest];
    const std::string effect =
        fmt::format("{} on {}", signed_percent(step.change_percent), day_words(step.first_unix));
    if (impact.cause)
        return fmt::format("{}: {}, the only component that changed", effect,
                           to_string(*impact.cause));
    if (step.changes.empty()) return effect + ": no component that is tracked changed";
    return fmt::format("{}: confounded, {} components changed at once ({})", effect,
                       step.changes.size(), changed_names(step));
}

std::string total_interval(const SoftwareImpact& impact) {
    if (impact.total_ci_low_percent)
        return fmt::format(" (95 %: {} to {})", signed_percent(impact.total_ci_low_percent),
                           signed_percent(impact.total_ci_high_percent));
    return impact.doubtful ? "" : " (no interval: no software stack was measured twice)";
}

void add_totals(Section& section, const Subjected& at) {
    const SoftwareImpact& impact = at.impact();
    const Unit unit = unit_of(at.series().key);
    const auto add = [&](const char* label, std::string value) {
        section.fields.push_back({label, std::move(value), Tone::plain, {}, {}});
    };
    if (impact.total_percent) {
        add("Total improvement",
            fmt::format("{}{}{}", signed_percent(impact.total_percent), total_interval(impact),
                        impact.doubtful ? ", doubtful: no run counts" : ""));
        add("First SW stack", format_with_unit(impact.stacks[*impact.first].value->median, unit));
        add("Latest SW stack", format_with_unit(impact.stacks[*impact.latest].value->median, unit));
    }
    add("What moved it", impact.doubtful
                             ? "nothing is decided: every run is doubtful (see trajectory)"
                             : cause_words(impact));
}

Report report_of(const Followed& followed) {
    Report report;
    const auto installs = installs_of(followed);
    report.title = "Software impact: " + subject_words(followed.subject(installs.front().subject));
    for (const Subjected& at : installs) {
        Section section;
        section.title = series_words(at.one.trajectory.key);
        if (followed.subjects.size() > 1)
            section.title = subject_words(followed.subject(at.subject)) + ": " + section.title;
        if (at.one.trajectory.members.size() > 1)
            section.title +=
                ", install " + install_words(followed.analysed, at.series().key.install);
        Table table = table_of(followed, at);
        drop_equal_components(table, 1, std::size(shown_components));
        section.tables.push_back(std::move(table));
        Section totals;
        add_totals(totals, at);
        report.sections.push_back(std::move(section));
        report.sections.push_back(std::move(totals));
    }
    std::size_t others = 0;
    for (const FollowedSubject& subject : followed.subjects) others += subject.others;
    if (others > 0)
        report.sections.back().paragraphs.push_back(
            {fmt::format("{} more series: --precision, --backend, --device, --suite choose.",
                         others),
             Tone::dim,
             {}});
    return report;
}

Json install_json(const Followed& followed, const Subjected& at) {
    const SoftwareImpact& impact = at.impact();
    Json stacks = Json::array();
    for (const StackImpact& row : impact.stacks) {
        const auto place = static_cast<std::size_t>(row.stack);
        const bool is_known = row.stack >= 0 && place < followed.analysed.stacks.size();
        Json one;
        one["software_fingerprint"] =
            is_known ? Json(followed.analysed.stacks[place].software_fingerprint) : Json(nullptr);
        one["stack_digest"] =
            is_known ? Json(followed.analysed.stacks[place].stack_digest) : Json(nullptr);
        one["runs"] = row.runs;
        one["counting_runs"] = row.counting;
        one["first_run"] = iso_text(row.first_unix);
        one["last_run"] = iso_text(row.last_unix);
        one["value"] = row.value ? Json(row.value->median) : Json(nullptr);
        one["ci_low"] = row.value ? optional_to_json(row.value->ci_low) : Json(nullptr);
        one["ci_high"] = row.value ? optional_to_json(row.value->ci_high) : Json(nullptr);
        one["bandwidth_gbps"] = optional_to_json(bandwidth_of(at, row));
        one["doubtful"] = row.doubtful;
        one["change_percent"] = optional_to_json(row.change_percent);
        one["ci_low_percent"] = optional_to_json(row.ci_low_percent);
        one["ci_high_percent"] = optional_to_json(row.ci_high_percent);
        one["moved"] = row.moved;
        one["changes"] = changes_json(row.changes);
        Json components = Json::object();
        const auto facts = followed.facts.find(row.first_seq);
        if (facts != followed.facts.end())
            for (const auto& [name, version] : facts->second.components)
                components[name] = optional_to_json(version);
        one["components"] = components;
        stacks.push_back(std::move(one));
    }
    Json document = key_json(at.series().key);
    document["product"] = followed.subject(at.subject).id;
    document["install"] = at.series().key.install;
    document["lineage"] = at.series().key.lineage;
    document["stacks"] = stacks;
    document["doubtful"] = impact.doubtful;
    const NoiseUsed& noise = impact.noise;
    document["noise_percent"] = noise.freedom > 0 ? Json(100 * noise.sigma) : Json(nullptr);
    document["noise_source"] = to_string(noise.source);
    document["total_improvement_percent"] = optional_to_json(impact.total_percent);
    document["total_ci_low_percent"] = optional_to_json(impact.total_ci_low_percent);
    document["total_ci_high_percent"] = optional_to_json(impact.total_ci_high_percent);
    document["cause"] = impact.cause ? changes_json({*impact.cause}).front() : Json(nullptr);
    document["confounded"] =
        impact.strongest && !impact.cause && impact.stacks[*impact.strongest].changes.size() > 1;
    document["explanation"] = cause_words(impact);
    return document;
}

Json impact_document(const Followed& followed) {
    const auto installs = installs_of(followed);
    Json document = install_json(followed, installs.front());
    Json all = Json::array();
    for (const Subjected& at : installs) all.push_back(install_json(followed, at));
    document["schema_version"] = 1;
    document["series"] = all;
    return document;
}

Result<int> run(Call& call, const ImpactOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    const auto request = request_of(*o.series, call.stop);
    if (!request) return tl::make_unexpected(request.error());
    const auto followed = follow(o.common->db, *request, Follow::leading);
    if (!followed) return tl::make_unexpected(followed.error());
    show(call, *format,
         {[&] { return impact_document(*followed); },
          [&] { return table_of(*followed, installs_of(*followed).front()); },
          [&] { return report_of(*followed); }});
    return 0;
}

Action define_impact(CLI::App& app) {
    auto options = std::make_shared<ImpactOptions>();
    options->series = add_series_options(app);
    options->common = add_common_options(app, Tables::yes);
    return [options](Call& call) { return run(call, *options); };
}

}  // namespace

Report impact_report(const Followed& followed) { return report_of(followed); }

Verb impact_verb() {
    return {"impact",
            "Look back",
            "what each software stack was worth, and which component moved it",
            "One row per software stack of one machine, in the order they came: what changed "
            "against the stack before, the median of its runs, and the step, both with a 95 % "
            "interval by the noise of runs that repeat one stack. A step with a question mark is "
            "no larger than what the runs themselves vary by.\n\n"
            "Where one component alone changed at the largest step it is named; where several did "
            "they are confounded, and only runs with one change at a time can tell.",
            {{"peakward impact --hardware c3f840", "by the start of a fingerprint"},
             {"peakward impact --hardware nvidia_h100_sxm5 --precision bf16 --backend pytorch",
              "what driver and PyTorch updates did"},
             {"peakward impact --operation gemm --metric median_s", "the time of single cases"}},
            define_impact};
}

}  // namespace peakward::cli
