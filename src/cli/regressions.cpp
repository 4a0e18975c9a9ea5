#include <algorithm>

#include "cli/regressions_output.hpp"
#include "cli/series_options.hpp"
#include "core/text.hpp"

namespace peakward::cli {
namespace {

struct RegressionsOptions {
    std::shared_ptr<CommonOptions> common;
    std::shared_ptr<SeriesOptions> series;
    std::string threshold;
    std::vector<std::string> baselines, metrics;
    bool check = false, strict = false, all = false, require_verdict = false;
};

Result<std::vector<Baseline>> baselines_of(const RegressionsOptions& o) {
    std::vector<Baseline> baselines;
    const std::vector<std::string> known = words_of("BASELINE");
    for (const std::string& word : words_in(o.baselines)) {
        const auto baseline = baseline_from(word);
        if (!baseline)
            return wrong_usage("--baseline: " + unknown_name_message("baseline", word, known));
        baselines.push_back(*baseline);
    }
    if (baselines.empty()) return std::vector{Baseline::previous, Baseline::best};
    return baselines;
}

constexpr int found_one = 4, judged_none = 5;  // DESIGN section 6

int exit_code(const RegressionsOptions& o, const RegressionsReply& reply) {
    const bool no_verdict = o.require_verdict && reply.report.judged == 0;
    if (!o.check) return no_verdict ? judged_none : 0;
    const bool fails =
        std::any_of(reply.regressions.begin(), reply.regressions.end(), [&](const auto& found) {
            return o.strict || found.regression.status == RegressionStatus::confirmed;
        });
    if (fails) return found_one;
    return no_verdict ? judged_none : 0;
}

Result<int> run(Call& call, const RegressionsOptions& o) {
    const bool junit = o.common->format == "junit", github = o.common->format == "github";
    if (o.common->json && (junit || github))
        return wrong_usage("--json and --format " + o.common->format + " exclude each other");
    CommonOptions plain = *o.common;
    if (junit || github) plain.format.clear();
    const std::vector<std::string> formats = words_of("CI_FORMAT");
    if (!plain.format.empty() && !format_from(plain.format))
        return wrong_usage("--format: " + unknown_name_message("format", plain.format, formats));
    const auto format = chosen_format(plain);
    if (!format) return tl::make_unexpected(format.error());
    const auto threshold = positive_number("--threshold", o.threshold);
    if (!threshold) return tl::make_unexpected(threshold.error());
    auto baselines = baselines_of(o);
    if (!baselines) return tl::make_unexpected(baselines.error());
    auto series = request_of(*o.series, call.stop);
    if (!series) return tl::make_unexpected(series.error());

    RegressionsRequest request;
    request.series = std::move(*series);
    if (!o.metrics.empty()) request.series.metrics = words_in(o.metrics);
    request.options.threshold_percent = threshold->value_or(request.options.threshold_percent);
    request.options.baselines = *baselines;
    request.with_all_facts = *format == Format::json;
    const auto reply = look_for_regressions(o.common->db, request);
    if (!reply) {
        // A database that can be read and holds nothing of this gives no verdict either.
        const bool gives_none = reply.error().kind == ErrorKind::failed && o.require_verdict &&
                                known_hardware(o.common->db, &call.stop);
        if (!gives_none) return tl::make_unexpected(reply.error());
        say_error(call.console, reply.error().message);
        return judged_none;
    }
    const RegressionsOutput output{request.options.threshold_percent, *baselines, o.all, o.strict,
                                   o.require_verdict};
    if (junit)
        call.console.out << regressions_junit(*reply, output);
    else if (github)
        call.console.out << regressions_github(*reply, output);
    else
        show(call, *format, regressions_shown(*reply, output));
    return exit_code(o, *reply);
}

Action define_regressions(CLI::App& app) {
    auto options = std::make_shared<RegressionsOptions>();
    const char* group = "What counts";
    add_value(app, options->threshold,
              {"--threshold", "PERCENT", "A smaller drop is not relevant. Default: 3.0.", group});
    add_list(app, options->baselines,
             {"--baseline", "BASELINE",
              "What the newest runs are held against: previous (the stack before), best (the "
              "highest level that held). Default: both.",
              group});
    add_flag(app, options->check,
             {"--check", "", "Exit with 4 when there is a confirmed regression.", group});
    add_flag(app, options->strict,
             {"--strict", "", "With --check, a suspected one (of one run) fails too.", group});
    add_flag(app, options->require_verdict,
             {"--require-verdict", "",
              "Exit with 5 when no series could be judged, so that nothing passes unseen.", group});
    add_flag(app, options->all,
             {"--all", "", "Also drops of the past that have recovered.", group});
    options->series = add_series_options(app, Offered::without_metric);
    const char* figures = "Which figures";
    add_value(app, options->series->operation,
              {"--operation", "OPERATION", "Single cases of this one: gemm, dot, ...", figures});
    add_list(app, options->metrics,
             {"--metric", "METRIC",
              "Only these: peak_measured_gops, blas3_gops, stream_best_gbps (the default), or of "
              "single cases gops, gbps, median_s, power_w, ...",
              figures});
    options->common = add_common_options(app, Tables::no);
    add_value(
        app, options->common->format,
        {"--format", "CI_FORMAT",
         "How to print the result; junit and github are for continuous integration.", "Output"});
    return [options](Call& call) { return run(call, *options); };
}

}  // namespace

Verb regressions_verb() {
    return {
        "regressions",
        "Look back",
        "significant, relevant drops, their likely causes, and what to do",
        "Looks at every series (one figure on one machine, in one power mode, run after run) and "
        "reports where its newest runs are worse than before: by more than its own noise, and by "
        "at least the threshold. Doubtful runs (contended, above the theoretical peak, forced "
        "without evidence of clean samples) are ignored.\n\n"
        "Against the previous stack a fresh drop is seen, against the best level also a slow "
        "decline. One run alone makes a suspicion; peakward calibrate --confirm measures it "
        "again, and later runs that agree confirm it. The rate of false discoveries is held at "
        "5 % over all series of the call.\n\n"
        "Where the installs of one kind of hardware have too few runs each (containers, CI jobs, "
        "a reinstalled system), their common series is judged, and the verdict says so.\n\n"
        "Without --metric: peak_measured_gops, blas3_gops and stream_best_gbps.",
        {{"peakward regressions", "every machine of the database"},
         {"peakward regressions --hardware c3f840a0 --threshold 5", "one machine, from 5 % on"},
         {"peakward regressions --metric gops --operation gemm", "single cases"},
         {"peakward regressions --check --format junit > regressions.xml",
          "for a pipeline: exit code 4 when there is one"},
         {"peakward regressions --check --require-verdict", "exit code 5 when nothing is judged"}},
        define_regressions};
}

}  // namespace peakward::cli
