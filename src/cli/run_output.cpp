#include "cli/run_output.hpp"

#include "core/text.hpp"
#include "present/measurement_view.hpp"
#include "present/run_view.hpp"

namespace peakward::cli {
namespace {

Json faults_document(const std::vector<PlantedFault>& faults) {
    Json list = Json::array();
    for (const PlantedFault& f : faults)
        list.push_back({{"name", f.name},
                        {"planted", f.planted},
                        {"expected", f.expected},
                        {"seen", f.seen},
                        {"caught", f.caught}});
    return {{"schema_version", 1}, {"self_test", list}};
}

Table faults_table(const std::vector<PlantedFault>& faults) {
    Table table;
    table.columns = {{"name", "Fault"},
                     {"planted", "Planted"},
                     {"expected", "Expected"},
                     {"seen", "Seen"},
                     {"caught", "Caught"}};
    for (const PlantedFault& f : faults)
        table.rows.push_back({cell(f.name), cell(f.planted), cell(f.expected), cell(f.seen),
                              cell(f.caught ? "yes" : "no", f.caught ? Tone::good : Tone::bad)});
    return table;
}

Report faults_report(const std::vector<PlantedFault>& faults) {
    Section section;
    int caught = 0;
    for (const PlantedFault& f : faults) {
        caught += f.caught ? 1 : 0;
        section.fields.push_back({f.name,
                                  f.seen,
                                  f.caught ? Tone::good : Tone::bad,
                                  f.caught ? "✓" : "✗",
                                  {"planted: " + f.planted, "expected: " + f.expected}});
    }
    return {fmt::format("SELF-TEST {} of {} planted faults caught", caught, faults.size()),
            {std::move(section)}};
}

}  // namespace

Shown run_shown(const Run& run, const RunOutput& output) {
    Shown shown;
    shown.document = [&run, output] {
        Json document = to_json(run, output.windows);
        if (!output.stored_in.empty()) document["store"] = output.stored_in;
        if (!output.written_to.empty()) document["profile"] = output.written_to;
        if (!output.kept_in.empty()) document["kept_in"] = output.kept_in;
        if (output.failure) document.update(error_document(*output.failure, output.exit_code));
        return document;
    };
    shown.table = [&run, output] {
        return output.table == "results" ? results_table(run, "") : measurements_table(run);
    };
    shown.report = [&run, output] {
        Report report = run_report(run);
        Section& last = report.sections.back();
        if (!output.stored_in.empty()) {
            last.paragraphs.push_back({"Stored in " + output.stored_in, Tone::plain, {}});
            last.paragraphs.push_back(
                {"See it again with: peakward show " + short_id(run.run_id), Tone::plain, {}});
        }
        if (!output.kept_in.empty())
            last.paragraphs.push_back(
                {"Not stored; kept in " + output.kept_in, Tone::doubtful, {}});
        if (!output.written_to.empty())
            last.paragraphs.push_back({"Profile written to " + output.written_to, Tone::plain, {}});
        return report;
    };
    return shown;
}

Shown self_test_shown(const std::vector<PlantedFault>& faults) {
    return {[&faults] { return faults_document(faults); },
            [&faults] { return faults_table(faults); },
            [&faults] { return faults_report(faults); }};
}

}  // namespace peakward::cli
