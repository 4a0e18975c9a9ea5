#include "cli/report_chapters.hpp"

#include <algorithm>
#include <set>

#include "cli/analysis_reports.hpp"
#include "cli/regressions_output.hpp"
#include "core/text.hpp"
#include "present/context_view.hpp"
#include "present/device_view.hpp"
#include "present/measurement_view.hpp"
#include "present/precision_view.hpp"
#include "present/roofline_view.hpp"
#include "present/run_view.hpp"

namespace peakward::cli {
namespace {

void say(Chapter& chapter, std::string text, Tone tone = Tone::plain, std::string mark = {}) {
    chapter.blocks.emplace_back(Paragraph{std::move(text), tone, std::move(mark)});
}

void append_all(Chapter& chapter, const Report& page) {
    for (const Section& section : page.sections) append(chapter, section);
}

std::vector<std::string> devices_of(const Run& run) {
    std::vector<std::string> devices;
    const auto add = [&](const std::string& device) {
        if (std::find(devices.begin(), devices.end(), device) == devices.end())
            devices.push_back(device);
    };
    for (const Score& score : run.results) add(score.device);
    for (const Measurement& m : run.measurements) add(m.what.device);
    return devices;
}

}  // namespace

Chapter machine_chapter(const ReportParts& parts) {
    Chapter chapter{"machine", "Machine", {}};
    const Run& run = parts.newest;
    Report page = run_report(run);
    // Who, what and when: the head of what `show` prints.
    append(chapter, page.sections.front());
    const Section execution = execution_section(run);
    if (!execution.fields.empty()) append(chapter, execution);
    for (const std::string& device : devices_of(run)) {
        Table results = results_table(run, device);
        if (results.rows.empty()) continue;
        results.title = fmt::format("Results on {}, run {}", device, short_id(run.run_id));
        chapter.blocks.emplace_back(std::move(results));
    }
    if (run.results.empty())
        say(chapter, "The newest run has no score: no case was measured well enough.");
    if (parts.machines > 1)
        say(chapter,
            fmt::format("The database knows {} kinds of machine; this chapter, the precisions, the "
                        "roofline and the environment are of the newest run. peakward report "
                        "--hardware ID shows another, peakward history lists them.",
                        parts.machines),
            Tone::dim);
    return chapter;
}

Chapter precisions_chapter(const ReportParts& parts) {
    Chapter chapter{"precisions", "Precision matrix", {}};
    for (const std::string& device : devices_of(parts.newest)) {
        const Section section = precision_section(parts.newest, device);
        if (!section.tables.empty()) append(chapter, section);
    }
    if (chapter.blocks.empty()) say(chapter, "The newest run has no precision matrix.", Tone::dim);
    return chapter;
}

Chapter roofline_chapter(const ReportParts& parts) {
    Chapter chapter{"roofline", "Roofline", {}};
    for (const std::string& device : devices_of(parts.newest)) {
        Roofline roofline = roofline_of(parts.newest, device);
        if (roofline.plot.series.empty()) continue;
        chapter.blocks.emplace_back(std::move(roofline.plot));
        if (!roofline.roofs.rows.empty()) chapter.blocks.emplace_back(std::move(roofline.roofs));
        for (std::string& sentence : roofline.missing)
            say(chapter, std::move(sentence), Tone::dim, "?");
    }
    if (chapter.blocks.empty())
        say(chapter, "The newest run has no measurement with both operations and bytes to place.",
            Tone::dim);
    return chapter;
}

Chapter maturity_chapter(const ReportParts& parts) {
    Chapter chapter{"maturity", "Time to maturity", {}};
    if (parts.followed)
        append_all(chapter, maturity_report(*parts.followed));
    else
        say(chapter, "No time to maturity: " + parts.followed.error().message, Tone::dim);
    return chapter;
}

Chapter impact_chapter(const ReportParts& parts) {
    Chapter chapter{"impact", "Impact of software", {}};
    if (parts.followed)
        append_all(chapter, impact_report(*parts.followed));
    else
        say(chapter, "No impact of software: " + parts.followed.error().message, Tone::dim);
    return chapter;
}

Chapter regressions_chapter(const ReportParts& parts) {
    Chapter chapter{"regressions", "Regressions", {}};
    if (!parts.regressions) {
        say(chapter, "No regressions: " + parts.regressions.error().message, Tone::dim);
        return chapter;
    }
    RegressionsOutput output;
    output.baselines = {Baseline::previous, Baseline::best};
    append_all(chapter, regressions_shown(*parts.regressions, output).report());
    return chapter;
}

Chapter forecast_chapter(const ReportParts& parts) {
    Chapter chapter{"forecast", "Forecast", {}};
    if (!parts.forecast || parts.forecast->forecasts.empty()) {
        say(chapter,
            "No forecast: " + (parts.forecast ? std::string("there is no series to forecast")
                                              : parts.forecast.error().message),
            Tone::dim);
        return chapter;
    }
    const SeriesForecast& first = parts.forecast->forecasts.front();
    if (!first.forecast.draws.empty())
        chapter.blocks.emplace_back(forecast_plot(first, parts.forecast_target));
    append_all(chapter, forecast_report(*parts.forecast, parts.forecast_target));
    return chapter;
}

Chapter environment_chapter(const ReportParts& parts) {
    Chapter chapter{"environment", "Environment", {}};
    const Run& run = parts.newest;
    for (const Section& section : context_report(run.context, WithSources::no).sections)
        append(chapter, section);
    Table checks = preflight_table(run.preflight);
    checks.title = "Preflight: " + preflight_summary(run.preflight);
    if (!checks.rows.empty()) chapter.blocks.emplace_back(std::move(checks));
    return chapter;
}

Chapter provenance_chapter(const ReportParts& parts) {
    Chapter chapter{"figures", "How the figures came about", {}};
    const Run& run = parts.newest;
    say(chapter,
        "Every figure is a median of samples during which the CPUs were ours, with a 95 % interval "
        "by "
        "order statistics. Only a series is compared with itself: the same install, case, power "
        "mode "
        "and version of the suite. Efficiency is measured over theoretical, by the hardware "
        "database "
        "as it is now. Doubtful runs are shown hollow and decide nothing.");
    Facts facts;
    const auto add = [&](const char* label, std::string value,
                         std::vector<std::string> details = {}) {
        if (!value.empty())
            facts.fields.push_back({label, std::move(value), Tone::plain, {}, std::move(details)});
    };
    add("Database", parts.store_location);
    add("Suite of the newest run", fmt::format("{}, seed {}", run.suite, run.seed));
    add("Measured by", "peakward " + run.peakward_version);
    add("Command", fmt::format("{}", fmt::join(run.arguments, " ")));
    add("Flags of the newest run",
        run.flags.empty() ? "none" : fmt::format("{}", fmt::join(run.flags, ", ")));
    for (const MatchedProduct& product : run.products)
        add("Hardware database",
            fmt::format("{} is {}, entry version {}", product.device, product.product,
                        product.spec_version),
            {product.reason});
    chapter.blocks.emplace_back(std::move(facts));
    const Section missing = not_measured_section(run);
    if (!missing.fields.empty()) append(chapter, missing);
    const Section explanations = explanations_section(run);
    if (!explanations.paragraphs.empty()) append(chapter, explanations);
    return chapter;
}

}  // namespace peakward::cli
