// Regressions for continuous integration.
#include "cli/regressions_output.hpp"
#include "core/text.hpp"
#include "present/ci_text.hpp"

namespace peakward::cli {
namespace {

bool fails(const ExplainedRegression& found, const RegressionsOutput& output) {
    return output.strict || found.regression.status == RegressionStatus::confirmed;
}

bool has_no_verdict(const RegressionsReply& reply, const RegressionsOutput& output) {
    return output.require_verdict && reply.report.judged == 0;
}

std::string explanation(const ExplainedRegression& found) {
    return fmt::format("{} on {}: {}\nLikely cause: {}\nRecommendation: {}",
                       to_string(found.regression.status), found.hardware_name, drop_words(found),
                       found.cause.cause, found.cause.recommendation);
}

}  // namespace

std::string regressions_junit(const RegressionsReply& reply, const RegressionsOutput& output) {
    std::string cases;
    std::size_t failures = 0, skipped = 0;
    for (const ExplainedRegression& found : reply.regressions) {
        const bool failure = fails(found, output);
        (failure ? failures : skipped) += 1;
        const std::string message = xml_text(drop_words(found));
        cases += fmt::format("    <testcase classname=\"{}\" name=\"{}\">\n",
                             xml_text(found.hardware_name + " " + found.key.lineage),
                             xml_text(whole_series_words(found.key)));
        if (failure)
            cases += fmt::format("      <failure type=\"regression\" message=\"{}\">{}</failure>\n",
                                 message, xml_text(explanation(found)));
        else
            cases +=
                fmt::format("      <skipped message=\"suspected, run again: {}\"/>\n", message);
        cases += "    </testcase>\n";
    }
    const std::size_t clean = reply.report.judged - reply.regressions.size();
    cases += fmt::format(
        "    <testcase classname=\"peakward\" name=\"{} other series without a regression\"/>\n",
        clean);
    for (const UnjudgedSeries& one : reply.not_judged) {
        ++skipped;
        cases += fmt::format(
            "    <testcase classname=\"{}\" name=\"{}\">\n"
            "      <skipped message=\"not judged: {}\"/>\n    </testcase>\n",
            xml_text(one.hardware_name + " " + one.key.lineage),
            xml_text(whole_series_words(one.key)), xml_text(one.reason));
    }
    std::size_t tests = reply.regressions.size() + 1 + reply.not_judged.size();
    if (has_no_verdict(reply, output)) {
        ++failures;
        ++tests;
        cases += fmt::format(
            "    <testcase classname=\"peakward\" name=\"--require-verdict\">\n"
            "      <failure type=\"verdict\" message=\"{}\"/>\n    </testcase>\n",
            xml_text(judged_words(reply.report)));
    }
    const std::string counts = fmt::format(
        "tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\"", tests, failures, skipped);
    return fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {0}>\n"
        "  <testsuite name=\"peakward regressions\" {0}>\n{1}  </testsuite>\n</testsuites>\n",
        counts, cases);
}

std::string regressions_github(const RegressionsReply& reply, const RegressionsOutput& output) {
    std::string out;
    for (const ExplainedRegression& found : reply.regressions)
        out += fmt::format("::{} title={}::{}\n", fails(found, output) ? "error" : "warning",
                           github_property(whole_series_words(found.key)),
                           github_message(explanation(found)));
    for (const ExplainedModeChange& found : reply.mode_changes)
        out +=
            fmt::format("::warning title={}::{}\n", github_property(whole_series_words(found.now)),
                        github_message(mode_change_words(found)));
    // By the reason: a step shows ten annotations of a kind.
    for (const auto& [reason, count] : reply.report.not_judged)
        out +=
            fmt::format("::notice title=Peakward%3A skipped::{} not judged: {}\n",
                        plural(static_cast<std::size_t>(count), "series"), github_message(reason));
    if (has_no_verdict(reply, output))
        out += fmt::format("::error title=Peakward::{}\n", judged_words(reply.report));
    out += fmt::format(
        "::notice title=Peakward::{} series looked at, {} judged, {} with a regression\n",
        reply.report.series, reply.report.judged, reply.regressions.size());
    return out;
}

}  // namespace peakward::cli
