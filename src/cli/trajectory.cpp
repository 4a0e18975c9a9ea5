#include "cli/series_options.hpp"
#include "cli/trajectory_view.hpp"
#include "core/text.hpp"

namespace peakward::cli {
namespace {

struct TrajectoryOptions {
    std::shared_ptr<CommonOptions> common;
    std::shared_ptr<SeriesOptions> series;
    std::string plot, limit;
    bool ascii = false;
};

constexpr std::size_t rows_default = 40;  // a screen and a half

Result<PlotGlyphs> glyphs_of(const TrajectoryOptions& o) {
    if (o.ascii && !o.plot.empty() && o.plot != "ascii")
        return wrong_usage("--ascii and --plot " + o.plot + " exclude each other");
    if (o.ascii || o.plot == "ascii") return PlotGlyphs::ascii;
    if (o.plot == "braille") return PlotGlyphs::braille;
    if (o.plot == "blocks") return PlotGlyphs::blocks;
    if (o.plot.empty() || o.plot == "none") return PlotGlyphs::automatic;
    return wrong_usage("--plot: " + unknown_name_message("plot", o.plot, words_of("PLOT")));
}

void keep_newest(Table& table, std::size_t most) {
    if (most == 0 || table.rows.size() <= most) return;
    const std::size_t earlier = table.rows.size() - most;
    table.rows.erase(table.rows.begin(), table.rows.begin() + static_cast<std::ptrdiff_t>(earlier));
    table.notes.push_back(
        fmt::format("({} earlier run{}: --limit 0 shows them)", earlier, earlier == 1 ? "" : "s"));
}

Section others_section(const Followed& followed) {
    Section section;
    std::size_t count = 0;
    for (const FollowedSubject& subject : followed.subjects) count += subject.trajectories.size();
    if (count < 2) return section;
    section.title = "All series of this request";
    Table table = trajectories_table(followed);
    constexpr std::size_t rows_max = 20;
    if (table.rows.size() > rows_max) {
        table.notes.push_back(
            fmt::format("({} more: --json has them)", table.rows.size() - rows_max));
        table.rows.resize(rows_max);
    }
    table.notes.emplace_back(
        "The first one is shown above; --precision, --backend, --device, --suite choose others.");
    section.tables.push_back(std::move(table));
    return section;
}

std::string plot_text(const Plot& plot, Format format, const Terminal& terminal,
                      PlotGlyphs glyphs) {
    if (format != Format::markdown) return "\n" + render(plot, terminal, {.glyphs = glyphs});
    Terminal page = terminal;
    page.colour = false;
    return "\n```text\n" + render(plot, page, {.glyphs = glyphs}) + "```\n\n";
}

std::string page_of(const Followed& followed, const TrajectoryOptions& o, PlotGlyphs glyphs,
                    std::size_t limit, Format format, const Terminal& terminal) {
    const FollowedSubject& subject = followed.subjects.front();
    const FollowedTrajectory& one = subject.trajectories.front();
    Report head, body;
    head.title = "Trajectory: " + subject_words(followed.subject(subject));
    Section series;
    std::string fingerprints;
    for (const KnownHardware& known : followed.subject(subject).hardware)
        for (const auto& [fingerprint, first_unix] : known.fingerprints)
            fingerprints += (fingerprints.empty() ? "" : ", ") + fingerprint;
    series.fields = {{"Series", series_words(one.trajectory.key), Tone::plain, {}, {}},
                     {"Hardware", fingerprints, Tone::plain, {}, {}}};
    head.sections.push_back(std::move(series));
    Section runs;
    runs.title = "Runs";
    runs.tables.push_back(trajectory_table(followed, subject, one));
    keep_newest(runs.tables.front(), limit);
    body.sections.push_back(std::move(runs));
    body.sections.push_back(findings_section(followed, subject, one));
    for (Section& section : std::vector<Section>{events_section(followed, subject, one, limit),
                                                 others_section(followed)})
        if (!section.tables.empty()) body.sections.push_back(std::move(section));
    std::string page = render(head, format, terminal);
    if (o.plot != "none")
        page += plot_text(trajectory_plot(followed, subject, one), format, terminal, glyphs);
    return page + render(body, format, terminal);
}

// The leading series stands at the top, named there; all of them are in `series`.
Json trajectory_document(const Followed& followed) {
    const FollowedSubject& first = followed.subjects.front();
    Json document = trajectory_json(followed, first, first.trajectories.front());
    Json all = Json::array(), products = Json::array();
    for (const FollowedSubject& subject : followed.subjects) {
        products.push_back(subject_json(followed.subject(subject)));
        for (const FollowedTrajectory& one : subject.trajectories)
            all.push_back(trajectory_json(followed, subject, one));
    }
    document["schema_version"] = 1;
    document["products"] = products;
    document["series"] = all;
    return document;
}

Result<int> run(Call& call, const TrajectoryOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    const auto glyphs = glyphs_of(o);
    if (!glyphs) return tl::make_unexpected(glyphs.error());
    const auto limit = whole_number("--limit", o.limit, 0, 1'000'000'000);
    if (!limit) return tl::make_unexpected(limit.error());
    const auto request = request_of(*o.series, call.stop);
    if (!request) return tl::make_unexpected(request.error());
    const auto followed = follow(o.common->db, *request, Follow::all);
    if (!followed) return tl::make_unexpected(followed.error());
    Console& console = call.console;
    const FollowedSubject& first = followed->subjects.front();
    if (*format == Format::json)
        print_document(console, trajectory_document(*followed));
    else if (*format == Format::csv)
        console.out << render(trajectory_table(*followed, first, first.trajectories.front()),
                              *format, console.out_terminal);
    else
        console.out << page_of(*followed, o, *glyphs,
                               static_cast<std::size_t>(limit->value_or(rows_default)), *format,
                               console.out_terminal);
    return 0;
}

Action define_trajectory(CLI::App& app) {
    auto options = std::make_shared<TrajectoryOptions>();
    options->series = add_series_options(app);
    add_value(app, options->plot,
              {"--plot", "PLOT", "How to draw. Default: braille where the terminal has Unicode."});
    add_flag(app, options->ascii, {"--ascii", "", "The same as --plot ascii."});
    add_value(app, options->limit,
              {"--limit", "N",
               "At most so many rows and events, the newest; 0 for all. CSV and JSON always have "
               "all. Default: 40."});
    options->common = add_common_options(app, Tables::yes);
    return [options](Call& call) { return run(call, *options); };
}

}  // namespace

Verb trajectory_verb() {
    return {"trajectory",
            "Look back",
            "how a product became better: plot, milestones, rate, events",
            "Every run of one series, with its software stack, its 95 % interval, the memory "
            "bandwidth of the same run and its efficiency; the days on which 70, 80 and 90 % were "
            "first held; the rate of improvement; and the software and firmware changes in "
            "between.\n\n"
            "A milestone counts when the efficiency holds there, not at one lucky run. Doubtful "
            "runs (contended, forced, above the theoretical peak, ...) are drawn hollow and "
            "decide nothing.\n\n"
            "Where several series fit, the one of a library or framework with the most runs is "
            "shown, fp32 before other precisions; the others are listed below it.",
            {{"peakward trajectory --hardware c3f840", "by the start of a fingerprint"},
             {"peakward trajectory --hardware intel_i7_12700k --precision fp64 --backend blas",
              "a product, and one of its series"},
             {"peakward trajectory --metric stream_best_gbps --since 2026-01-01",
              "memory bandwidth, this year"},
             {"peakward trajectory --operation gemm --metric median_s --format csv > gemm.csv",
              "the time of one case, for a spreadsheet"}},
            define_trajectory};
}

}  // namespace peakward::cli
