// Databases with a history: a machine whose software became better over 36 weeks, with a firmware
// change, a contended run and a regression at the end.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "cli/fixture.hpp"
#include "store/make_run.hpp"
#include "store/run_store.hpp"

namespace peakward::cli {

struct HistoryMachine {
    std::string cpu_model = "Example Processor 12";
    std::string fingerprint = "c3f840a080356806";
    std::string fingerprint_later = "9d1e840a08035680";  // after the firmware change
    std::string lineage = "5d41402abc4b2a76";
    std::string install = "install-a";
    double peak_gops = 1000;  // fp32; 0: unknown
    std::uint64_t seed = 1;
};

struct HistoryStack {
    int first_week;
    const char* blas;
    const char* kernel;
    double efficiency;  // of blas in fp32
};
inline constexpr HistoryStack history_stacks[] = {
    {0, "OpenBLAS 0.3.10", "6.1.0-13", 0.615},  {5, "OpenBLAS 0.3.15", "6.1.0-13", 0.712},
    {11, "OpenBLAS 0.3.21", "6.1.0-13", 0.815}, {17, "OpenBLAS 0.3.26", "6.1.0-13", 0.921},
    {25, "OpenBLAS 0.3.26", "6.8.0-90", 0.922}, {32, "OpenBLAS 0.3.27", "6.8.0-91", 0.861}};
inline constexpr int history_weeks = 36;
inline constexpr std::int64_t history_start_unix = 1767614400;  // 2026-01-05 12:00 UTC

inline Score history_score(const HistoryMachine& machine, const char* backend,
                           const char* precision, double gops) {
    Score score;
    score.device = "cpu";
    score.backend = backend;
    score.precision = precision;
    score.peak_measured_gops = gops;
    score.peak_operation = "gemm";
    score.theoretical_bandwidth.unit = "gbps";
    score.theoretical_bandwidth.reason = "no SMBIOS in this guest";
    if (machine.peak_gops == 0) {
        score.theoretical_peak.reason = "the clock of this processor could not be read";
        return score;
    }
    const double peak = machine.peak_gops * (std::string(precision) == "fp64" ? 0.5 : 1);
    score.theoretical_peak.kind = PeakKind::probed;
    score.theoretical_peak.value = peak;
    score.theoretical_peak.formula = "cores x operations per cycle x clock";
    score.efficiency = gops / peak;
    return score;
}

// The run of one week, as made by `stack`.
inline Run history_run(const HistoryMachine& machine, int week, const HistoryStack& stack) {
    Run run = store_test::make_run({.seed = machine.seed * 1000 + std::uint64_t(week),
                                    .measurements = 0,
                                    .windows = 0,
                                    .timestamp_unix = history_start_unix + week * 7 * 86400,
                                    .install = machine.install,
                                    .fingerprint = machine.fingerprint,
                                    .lineage = machine.lineage});
    using Text = Fact<std::string>;
    run.context.hardware.cpu.model = Text::known(machine.cpu_model, "/proc/cpuinfo");
    if (week >= 22) {
        run.context.hardware.fingerprint = machine.fingerprint_later;
        run.context.hardware.cpu.microcode = Text::known("0x2f", "/proc/cpuinfo");
    }
    Software& software = run.context.software;
    software.components["blas_library"] = Text::known(stack.blas, "libblas.so.3");
    software.components["os_kernel"] = Text::known(stack.kernel, "uname");
    const std::string digits = std::to_string(10 + (&stack - history_stacks));
    software.fingerprint = digits + "86d41799aa0011";
    software.stack_digest = digits + "23456789abcdef";
    run.results.clear();
    const double shake = 1 + 0.004 * ((week * 7 % 5) - 2) / 2.0;  // 0.4 % either way
    const double fast = (machine.peak_gops == 0 ? 1000 : machine.peak_gops) * stack.efficiency;
    run.results.push_back(history_score(machine, "blas", "fp32", fast * shake));
    run.results.push_back(history_score(machine, "blas", "fp64", fast * 0.45 * shake));
    run.results.push_back(history_score(machine, "native", "fp32", machine.peak_gops * 0.985));
    run.results.back().stream_best_gbps = 72.4 + 0.2 * week;
    if (machine.peak_gops == 0) run.results.pop_back();
    if (week == 8) {  // other work took a third of the CPUs
        for (Score& score : run.results)
            score.peak_measured_gops = *score.peak_measured_gops * 0.66;
        run.results[0].flags = run.results[1].flags = {"contended"};
    }
    return run;
}

inline std::vector<Run> history_of(const HistoryMachine& machine, int weeks = history_weeks) {
    std::vector<Run> runs;
    for (int week = 0; week < weeks; ++week) {
        const HistoryStack* now = &history_stacks[0];
        for (const HistoryStack& stack : history_stacks)
            if (stack.first_week <= week) now = &stack;
        runs.push_back(history_run(machine, week, *now));
    }
    return runs;
}

class HistoryTest : public CliTest {
protected:
    void store_runs(const std::vector<peakward::Run>& runs) {
        auto store = open_store(database(), OpenMode::append);
        ASSERT_TRUE(store) << store.error().message;
        for (const peakward::Run& run : runs) {
            const auto appended = (*store)->append(run);
            ASSERT_TRUE(appended) << appended.error().message;
        }
    }
    Ended at_width(int columns, const std::vector<std::string>& arguments) {
        terminal_.columns = columns;
        return run(arguments);
    }
};

}  // namespace peakward::cli
