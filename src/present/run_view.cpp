#include "present/run_view.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "core/text.hpp"
#include "present/context_view.hpp"
#include "present/device_view.hpp"
#include "present/measurement_view.hpp"
#include "present/precision_view.hpp"

namespace peakward {
namespace {

std::string fact_text(const Fact<std::string>& fact) { return fact ? *fact : "unknown"; }

std::string host_line(const Hardware& hardware) {
    const CpuInfo& cpu = hardware.cpu;
    std::string line = cpu.model ? *cpu.model : "unknown CPU";
    if (cpu.cores_physical)
        line +=
            fmt::format(", {} core{}", *cpu.cores_physical, *cpu.cores_physical == 1 ? "" : "s");
    if (cpu.cores_logical && (!cpu.cores_physical || *cpu.cores_logical != *cpu.cores_physical))
        line += fmt::format(", {} threads", *cpu.cores_logical);
    if (hardware.memory.total_gb)
        line += ", " + format_with_unit(*hardware.memory.total_gb, Unit::gib);
    std::map<std::string, int> gpus;
    for (const GpuInfo& gpu : hardware.gpus) ++gpus[gpu.model ? *gpu.model : "unknown GPU"];
    for (const auto& [model, count] : gpus)
        line += count == 1 ? ", " + model : fmt::format(", {} x {}", count, model);
    return line;
}

// The components that say most, in this order; all of them are in `show --json`.
std::string software_line(const Software& software) {
    std::string line;
    for (const char* name : {"os_distro", "os_kernel", "blas_library", "numpy_version",
                             "pytorch_version", "cuda_version", "gpu_driver_version"}) {
        const auto it = software.components.find(name);
        if (it == software.components.end() || !it->second) continue;
        std::string label = name;
        if (label.ends_with("_version")) label.resize(label.size() - 8);
        const bool named = label.starts_with("os_") || label == "blas_library";
        line += (line.empty() ? "" : ", ") + (named ? *it->second : label + " " + *it->second);
    }
    return line;
}

std::string environment_line(const Environment& e) {
    std::vector<std::string> parts{
        "governor " + fact_text(e.cpu_governor), "power mode " + fact_text(e.power_mode),
        "thermal " + fact_text(e.thermal_state), "virtualization " + fact_text(e.virtualization)};
    return fmt::format("{}", fmt::join(parts, ", "));
}

// Where an imported run is from, and what speaks against it.
Field origin_field(const Origin& origin) {
    Field field{"Imported",
                origin.tool.empty() ? origin.kind
                                    : fmt::format("{}, tool version {}", origin.kind, origin.tool),
                origin.doubts.empty() ? Tone::plain : Tone::doubtful,
                {},
                {}};
    for (const std::string& doubt : origin.doubts) field.details.push_back("⚠ " + doubt);
    return field;
}

Section summary_section(const Run& run) {
    Section section;
    auto& fields = section.fields;
    fields.push_back({"Run", run.run_id, Tone::plain, {}, {}});
    fields.push_back({"Host", host_line(run.context.hardware), Tone::strong, {}, {}});
    fields.push_back({"Hardware",
                      fmt::format("{}  lineage {}", run.context.hardware.fingerprint,
                                  run.context.hardware.lineage),
                      Tone::plain,
                      {},
                      {}});
    // What the efficiencies are held against, and who said that it is this.
    for (const MatchedProduct& product : run.products)
        fields.push_back({"Product",
                          fmt::format("{} on {}{}: {}", product.product, product.device,
                                      product.power_mode.empty() ? "" : " in " + product.power_mode,
                                      product.reason),
                          product.confidence > 0 ? Tone::plain : Tone::doubtful,
                          {},
                          {}});
    fields.push_back({"Software",
                      fmt::format("{}  {}", run.context.software.fingerprint,
                                  software_line(run.context.software)),
                      Tone::plain,
                      {},
                      {}});
    fields.push_back(
        {"Environment", environment_line(run.context.environment), Tone::plain, {}, {}});
    fields.push_back({"Suite",
                      run.origin ? run.suite
                                 : fmt::format("{}, seed {}, took {}", run.suite, run.seed,
                                               format_value(run.wall_s, Unit::seconds)),
                      Tone::plain,
                      {},
                      {}});
    if (run.origin) fields.push_back(origin_field(*run.origin));
    const bool passed = run.preflight.verdict == CheckStatus::pass;
    const bool failed = run.preflight.verdict == CheckStatus::fail;
    Field preflight{
        "Preflight",
        (passed   ? "✓ "
         : failed ? "✗ "
                  : "? ") +
            (run.origin && run.preflight.checks.empty() ? "not recorded"
                                                        : preflight_summary(run.preflight)),
        passed   ? Tone::good
        : failed ? Tone::bad
                 : Tone::doubtful,
        {},
        {}};
    for (const Check& check : run.preflight.checks)
        if (check.status == CheckStatus::fail)
            preflight.details.push_back("✗ " + check.title + ": " + check.evidence);
    fields.push_back(std::move(preflight));
    if (run.supersedes) fields.push_back({"Supersedes", *run.supersedes, Tone::plain, {}, {}});
    if (!run.flags.empty())
        fields.push_back(
            {"Flags", fmt::format("⚠ {}", fmt::join(run.flags, ", ")), Tone::doubtful, {}, {}});
    return section;
}

bool has_flag(const std::vector<std::string>& flags, std::string_view wanted) {
    return std::find(flags.begin(), flags.end(), wanted) != flags.end();
}

// A green mark says that the figure can be trusted, not that it is good: nothing is said against
// the row or its run, and half of the peak was reached. Less is often a figure of something else
// than the device (the wrong product, a busy machine), so it has no mark.
Cell efficiency_cell(const Run& run, const Score& score) {
    constexpr double marked_from = 0.5;
    if (!score.efficiency) return {};
    const bool flagged = flags_cell(score.flags).tone == Tone::doubtful || !run.flags.empty();
    const bool trusted = !flagged && *score.efficiency >= marked_from;
    return {*score.efficiency,
            flagged   ? Tone::doubtful
            : trusted ? Tone::good
                      : Tone::plain,
            fmt::format("{} {:>7}",
                        flagged   ? "⚠"
                        : trusted ? "✓"
                                  : " ",
                        format_value(*score.efficiency, Unit::ratio_as_percent))};
}

Cell peak_cell(const Peak& peak) {
    if (peak.kind == PeakKind::unknown) return {std::monostate{}, Tone::dim, "unknown"};
    return {peak.value, peak.doubtful ? Tone::doubtful : Tone::plain};
}

std::string number_with(const std::optional<double>& value, Unit unit) {
    return value ? format_with_unit(*value, unit) : "-";
}

// Flags of the whole run stand at its head, those of single cases beside their numbers.
bool is_said_elsewhere(const Run& run, const std::string& flag) {
    if (has_flag(run.flags, flag) || outcome_from(flag)) return true;
    return std::any_of(run.measurements.begin(), run.measurements.end(),
                       [&](const Measurement& m) { return has_flag(m.flags, flag); });
}

void say_contended(const Run& run, const std::string& device, Section& section) {
    int contended = 0, tried = 0;
    for (const Measurement& m : run.measurements) {
        if (m.what.device != device || m.outcome == Outcome::unsupported) continue;
        ++tried;
        if (m.outcome == Outcome::contended) ++contended;
    }
    if (contended == 0) return;
    section.paragraphs.push_back(
        {fmt::format("{} of {} cases were contended: other work took the CPUs from them, so they "
                     "have no score. Free the machine and run again; peakward doctor says what "
                     "keeps it busy.",
                     contended, tried),
         Tone::doubtful, "⚠"});
}

Section device_section(const Run& run, const std::string& device) {
    Section section;
    section.title = "Results on " + device;
    section.tables.push_back(results_table(run, device));
    std::set<std::string> said;
    const auto say = [&](std::string text, Tone tone, const char* mark) {
        if (said.insert(text).second) section.paragraphs.push_back({std::move(text), tone, mark});
    };
    for (const Score& score : run.results) {
        if (score.device != device) continue;
        if (score.theoretical_peak.kind == PeakKind::unknown && score.peak_measured_gops)
            say(fmt::format("{}: no efficiency, the theoretical peak is unknown: {}",
                            score.precision, score.theoretical_peak.reason),
                Tone::dim, "?");
        const Peak& bandwidth = score.theoretical_bandwidth;
        if (score.stream_best_gbps && bandwidth.kind == PeakKind::unknown)
            say("memory: the theoretical bandwidth is unknown: " + bandwidth.reason, Tone::dim,
                "?");
        if (score.bandwidth_efficiency)
            say(fmt::format("memory, {}: {} of {} ({}) = {}",
                            score.backend.empty() ? "unknown backend" : score.backend,
                            number_with(score.stream_best_gbps, Unit::gbps),
                            format_with_unit(bandwidth.value, Unit::gbps),
                            to_string(bandwidth.kind),
                            format_value(*score.bandwidth_efficiency, Unit::ratio_as_percent)),
                Tone::plain, "");
    }
    say_contended(run, device, section);
    for (const Score& score : run.results) {
        if (score.device != device) continue;
        for (std::size_t i = 0; i < score.notes.size(); ++i) {
            const std::string flag = i < score.flags.size() ? score.flags[i] : "";
            if (is_said_elsewhere(run, flag)) continue;
            say(fmt::format("{} {}: {}{}", score.backend, score.precision,
                            flag == "above_theoretical" ? "ABOVE THEORETICAL: " : "",
                            score.notes[i]),
                Tone::doubtful, "⚠");
        }
    }
    return section;
}

}  // namespace

std::string human_time(const std::string& timestamp) {
    std::string text = timestamp;
    if (text.size() < 19 || text[10] != 'T') return text;
    text[10] = ' ';
    if (text[19] == '.')  // fractions of a second, as older profiles have them
        text.erase(19, std::min(text.find_first_not_of("0123456789", 20), text.size()) - 19);
    if (text.back() == 'Z') {
        text.pop_back();
        text += " UTC";
    }
    return text;
}

std::string short_id(const std::string& run_id) { return run_id.substr(0, 8); }

Table results_table(const Run& run, const std::string& device) {
    Table table;
    const Align right = Align::right;
    table.columns = {{"backend", "Backend"},
                     {"precision", "Precision"},
                     {"stream_best_gbps", "STREAM", Unit::gbps, right, 2},
                     {"blas3_gops", "GEMM", Unit::gops, right, 2},
                     {"peak_measured_gops", "Peak", Unit::gops, right},
                     {"theoretical_peak_gops", "Theory", Unit::gops, right, 1},
                     {"theoretical_peak_source", "From", Unit::none, Align::left, 3},
                     {"efficiency", "Efficiency", Unit::ratio_as_percent, right},
                     {"peak_operation", "Peak by", Unit::none, Align::left, 4},
                     {"flags", "Flags", Unit::none, Align::left, 5}};
    if (device.empty()) table.columns.insert(table.columns.begin(), {"device", "Device"});
    for (const Score& s : run.results) {
        if (!device.empty() && s.device != device) continue;
        std::vector<Cell> row{cell(s.backend),
                              cell(s.precision),
                              cell(s.stream_best_gbps),
                              cell(s.blas3_gops),
                              cell(s.peak_measured_gops, Tone::strong),
                              peak_cell(s.theoretical_peak),
                              cell(std::string(to_string(s.theoretical_peak.kind)), Tone::dim),
                              efficiency_cell(run, s),
                              cell(s.peak_operation, Tone::dim),
                              flags_cell(s.flags)};
        if (device.empty()) row.insert(row.begin(), cell(s.device));
        table.rows.push_back(std::move(row));
    }
    return table;
}

Report run_report(const Run& run) {
    Report report;
    report.title =
        fmt::format("CALIBRATION {}  {}", short_id(run.run_id), human_time(run.timestamp));
    report.sections.push_back(summary_section(run));
    Section execution = execution_section(run);
    if (!execution.fields.empty()) report.sections.push_back(std::move(execution));
    std::vector<std::string> devices;
    for (const Score& score : run.results)
        if (std::find(devices.begin(), devices.end(), score.device) == devices.end())
            devices.push_back(score.device);
    for (const std::string& device : devices) {
        report.sections.push_back(device_section(run, device));
        Section precisions = precision_section(run, device);
        if (!precisions.tables.empty()) report.sections.push_back(std::move(precisions));
    }
    if (devices.empty())
        report.sections.push_back(
            {"Results",
             {},
             {},
             {{"No case gave a score; what happened to each stands below.", Tone::bad, "✗"}}});
    Section details = measurements_section(run);
    if (!details.tables.empty()) report.sections.push_back(std::move(details));
    Section missing = not_measured_section(run);
    if (!missing.fields.empty()) report.sections.push_back(std::move(missing));
    Section explanations = explanations_section(run);
    if (!explanations.paragraphs.empty()) report.sections.push_back(std::move(explanations));
    std::map<Outcome, int> counts;
    for (const Measurement& m : run.measurements) ++counts[m.outcome];
    std::vector<std::string> parts;
    for (const auto& [outcome, count] : counts)
        parts.push_back(fmt::format("{} {}", count, to_string(outcome)));
    if (!run.skipped.empty()) parts.push_back(fmt::format("{} skipped", run.skipped.size()));
    report.sections.push_back(
        {{},
         {},
         {},
         {{fmt::format("{} cases: {}", run.measurements.size() + run.skipped.size(),
                       fmt::join(parts, ", ")),
           Tone::plain,
           {}}}});
    return report;
}

}  // namespace peakward
