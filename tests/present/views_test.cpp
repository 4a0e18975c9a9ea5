#include <gtest/gtest.h>

#include <filesystem>

#include "core/text.hpp"
#include "golden.hpp"
#include "present/context_view.hpp"
#include "present/display_text.hpp"
#include "present/measurement_view.hpp"
#include "present/run_view.hpp"
#include "present/sample_run.hpp"

namespace peakward {
namespace {

using testing_support::expect_golden;

Terminal terminal(int columns, bool unicode = true) { return {columns, false, unicode, false}; }

void expect_fits(const std::string& text, int columns) {
    for (const std::string& line : split(text, '\n'))
        EXPECT_LE(display_width(line), columns) << line;
}

TEST(RunReport, At80Columns) {
    const std::string text = render(run_report(sample_run()), Format::text, terminal(80));
    expect_fits(text, 80);
    expect_golden(text, "present/golden/run_80.txt");
}

TEST(RunReport, At180ColumnsShowsEveryColumn) {
    const std::string text = render(run_report(sample_run()), Format::text, terminal(180));
    expect_fits(text, 180);
    EXPECT_EQ(text.find("left out"), std::string::npos);
    expect_golden(text, "present/golden/run_180.txt");
}

TEST(RunReport, InAscii) {
    const std::string text = render(run_report(sample_run()), Format::text, terminal(80, false));
    for (const char c : text) EXPECT_GE(c, 0);
    expect_golden(text, "present/golden/run_ascii.txt");
}

TEST(RunReport, AsMarkdown) {
    expect_golden(render(run_report(sample_run()), Format::markdown, terminal(80)),
                  "present/golden/run.md");
}

TEST(RunReport, FitsAnyWidth) {
    for (const int columns : {60, 80, 100, 133, 200})
        expect_fits(render(run_report(sample_run()), Format::text, terminal(columns)), columns);
}

TEST(RunReport, AnEmptyRunSaysSo) {
    peakward::Run run;
    run.run_id = "x";
    const std::string text = render(run_report(run), Format::text, terminal(80));
    EXPECT_NE(text.find("No case gave a score"), std::string::npos);
    EXPECT_NE(text.find("unknown CPU"), std::string::npos);
}

TEST(RunReport, NamesWhatIsAboveTheoretical) {
    const std::string text = render(run_report(sample_run()), Format::text, terminal(180));
    EXPECT_NE(text.find("⚠ ABOVE THEORETICAL"), std::string::npos);
}

// Marks mean "trustworthy", not "good".
TEST(ResultsTable, MarksOnlyWhatCanBeTrusted) {
    Score score;
    score.device = "cpu";
    score.backend = "blas";
    score.precision = "fp32";
    const auto efficiency = [](const peakward::Run& run) {
        const Table table = results_table(run, "cpu");
        for (std::size_t i = 0; i < table.columns.size(); ++i)
            if (table.columns[i].key == "efficiency") return table.rows.at(0).at(i);
        return Cell{};
    };
    peakward::Run run;
    score.efficiency = 0.92;
    run.results = {score};
    EXPECT_EQ(efficiency(run).tone, Tone::good);
    EXPECT_NE(efficiency(run).shown.find("✓"), std::string::npos);
    for (const char* flag : {"contended", "forced", "above_theoretical", "product_in_part"}) {
        run.results[0].flags = {flag};
        EXPECT_EQ(efficiency(run).tone, Tone::doubtful) << flag;
        EXPECT_EQ(efficiency(run).shown.find("✓"), std::string::npos) << flag;
    }
    run.results[0].flags = {"peak_evidence"};
    EXPECT_EQ(efficiency(run).tone, Tone::good) << "that says nothing against it";
    run.flags = {"forced"};
    EXPECT_EQ(efficiency(run).tone, Tone::doubtful);
    run.flags.clear();
    run.results[0].flags.clear();
    run.results[0].efficiency = 0.49;
    EXPECT_EQ(efficiency(run).tone, Tone::plain);
    EXPECT_EQ(efficiency(run).shown.find("✓"), std::string::npos);
}

// Seed 004's pages: one framework on a GPU, with what has to be said once.
peakward::Run gpu_run() {
    peakward::Run run = sample_run();
    GpuInfo gpu;
    gpu.model = Fact<std::string>::known("Orin", "test");
    run.context.hardware.gpus = {gpu};
    BackendInfo pytorch;
    pytorch.backend = "pytorch";
    pytorch.available = true;
    pytorch.versions = {{"cuda", "12.1"}, {"torch", "2.8.0"}};
    pytorch.devices = {"cpu", "cuda:0"};
    run.backends = {pytorch};
    const Shape size{{"m", std::int64_t{512}}, {"n", std::int64_t{512}}, {"k", std::int64_t{512}}};
    run.measurements = {sample_measurement("gemm", "fp32", size, "pytorch", 1143.2)};
    run.measurements[0].what.device = run.measurements[0].device_used = "cuda:0";
    run.results = {};
    run.skipped[0].reason = "not measured (slow): 4.3 GOPS at m=512, below 50";
    run.flags = {};
    return run;
}

TEST(ExecutionDevice, SaysWhatWasAskedForAndWhatRan) {
    const std::string text = render(run_report(gpu_run()), Format::text, terminal(80));
    expect_fits(text, 80);
    expect_golden(text, "present/golden/run_gpu.txt");
}

TEST(ExecutionDevice, ShowsAFallbackAsOne) {
    peakward::Run run = gpu_run();
    Measurement& m = run.measurements[0];
    m.what.device = m.device_used = "cpu";
    m.flags = {"device_fallback"};
    m.reason = "asked for cuda:0, the output lives on cpu";
    run.flags = {"device_fallback"};
    const std::string text = render(run_report(run), Format::text, terminal(80));
    EXPECT_NE(text.find("⚠ CPU (Intel(R) Xeon(R) Processor @ 2.60GHz), a fallback"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("asked for cuda:0, the output lives on cpu"), std::string::npos);
    EXPECT_EQ(text.find("Requested"), std::string::npos);
}

TEST(ExecutionDevice, TellsProbesForThePeakFromWhatWasAskedFor) {
    peakward::Run run = gpu_run();
    run.measurements[0].what.device = "cpu";
    run.measurements.push_back(sample_measurement("compute_peak", "fp32",
                                                  {{"isa", std::string("avx2")}}, "native", 120.1));
    run.measurements[1].flags = {"peak_evidence"};
    const std::string text = render(run_report(run), Format::text, terminal(180));
    EXPECT_NE(text.find("Peak from   native, beside it"), std::string::npos) << text;
    EXPECT_NE(text.find("for the peak"), std::string::npos);
    EXPECT_EQ(text.find("peak evidence"), std::string::npos) << "that is no warning";
}

TEST(Energy, StandsBesideTheTimeOrSaysWhyItDoesNot) {
    peakward::Run run = sample_run();
    run.measurements = {
        sample_measurement("resnet18", "fp32", {{"batch", std::int64_t{1}}}, "onnxruntime", 90)};
    Energy& energy = run.measurements[0].energy.emplace();
    energy.reason = "/sys/class/powercap: no such file";
    std::string text = render(run_report(run), Format::text, terminal(180));
    EXPECT_NE(text.find("energy of one inference: unknown: /sys/class/powercap: no such file"),
              std::string::npos)
        << text;
    energy = {0.0612, 0.0606, 0.0618, 18.25, 6, "package-0 + dram-0", ""};
    text = render(run_report(run), Format::text, terminal(180));
    EXPECT_NE(text.find("61.2 mJ"), std::string::npos) << text;
    EXPECT_NE(text.find("1.0 %"), std::string::npos) << text;
    EXPECT_NE(text.find("package-0 + dram-0, with the 18.2 W of the idle device taken off"),
              std::string::npos)
        << text;
}

TEST(MeasurementsTable, HasARowForEveryCaseWhateverItsOutcome) {
    const auto run = sample_run();
    const Table table = measurements_table(run);
    EXPECT_EQ(table.rows.size(), run.measurements.size());
    const std::string csv = render(table, Format::csv, {});
    EXPECT_NE(csv.find("dot,fp32,n=1048576,cpu,numpy,2,failed,"), std::string::npos);
    EXPECT_NE(csv.find("signal 11 (SIGSEGV)"), std::string::npos);
}

TEST(ResultsTable, CarriesDesignNamesAndFullNumbers) {
    const std::string csv = render(results_table(sample_run(), ""), Format::csv, {});
    EXPECT_EQ(csv.substr(0, csv.find('\r')),
              "device,backend,precision,stream_best_gbps,blas3_gops,peak_measured_gops,"
              "theoretical_peak_gops,theoretical_peak_source,efficiency,peak_operation,flags");
    EXPECT_NE(csv.find("above_theoretical"), std::string::npos);
}

TEST(HumanTime, IsToTheSecondAndNamesTheZoneThatIsKnown) {
    EXPECT_EQ(human_time("2026-11-20T14:30:05Z"), "2026-11-20 14:30:05 UTC");
    EXPECT_EQ(human_time("2026-11-20T14:30:05.25Z"), "2026-11-20 14:30:05 UTC");
    EXPECT_EQ(human_time("2025-11-28T09:32:42.466487"), "2025-11-28 09:32:42");
    EXPECT_EQ(human_time("2026-11-20T14:30:05+01:00"), "2026-11-20 14:30:05+01:00");
    EXPECT_EQ(human_time("yesterday"), "yesterday");
}

TEST(ShortShape, IsAsShortAsItStaysClear) {
    using I = std::int64_t;
    EXPECT_EQ(short_shape({{"m", I{512}}, {"n", I{512}}, {"k", I{512}}}), "m=n=k=512");
    EXPECT_EQ(short_shape({{"m", I{64}}, {"n", I{32}}, {"k", I{16}}}), "m=64 n=32 k=16");
    EXPECT_EQ(short_shape({{"elements", I{33554432}}, {"store", std::string("temporal")}}),
              "32Mi temporal");
    EXPECT_EQ(short_shape({{"n", I{1000}}}), "n=1000");
    EXPECT_EQ(short_shape({{"isa", std::string("avx2")}}), "avx2");
    EXPECT_EQ(short_shape({}), "");
}

TEST(ContextReport, ShowsWhatIsUnknownWithItsReason) {
    const std::string text =
        render(context_report(sample_context(), WithSources::no), Format::text, terminal(80));
    EXPECT_NE(text.find("unknown (/proc/cpuinfo: no line microcode)"), std::string::npos);
    expect_fits(text, 80);
    expect_golden(text, "present/golden/context.txt");
}

TEST(ContextReport, NamesItsSourcesWhenAsked) {
    const std::string text =
        render(context_report(sample_context(), WithSources::yes), Format::text, terminal(80));
    EXPECT_NE(text.find("from /etc/os-release"), std::string::npos);
}

TEST(ContextReport, ALyingModelNameCannotDriveTheTerminal) {
    Context context = sample_context();
    context.hardware.cpu.model = Fact<std::string>::known("\x1b[2J\x1b]0;owned\x07", "sysfs");
    const std::string text =
        render(context_report(context, WithSources::no), Format::text, terminal(80));
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(PreflightReport, GivesEachCheckItsEvidenceAndRemedy) {
    const std::string text =
        render(preflight_report(sample_run().preflight), Format::text, terminal(80));
    EXPECT_NE(text.find("✗ Background load"), std::string::npos);
    EXPECT_NE(text.find("→ stop other programs"), std::string::npos);
    EXPECT_NE(text.find("? CPU governor"), std::string::npos);
    EXPECT_EQ(preflight_summary(sample_run().preflight), "fail: 1 passed, 1 failed, 1 unknown");
}

TEST(BackendsReport, SaysWhyOneIsNotAvailable) {
    BackendInfo numpy;
    numpy.backend = "numpy";
    numpy.reason = "/usr/bin/python3 has no module numpy";
    BackendInfo native;
    native.backend = "native";
    native.available = true;
    native.versions = {{"native", "0.1.0"}};
    native.devices = {"cpu"};
    native.notes = {"this build has no CUDA"};
    const std::vector<BackendInfo> both{native, numpy};
    const std::string text = render(backends_report(both), Format::text, terminal(80));
    EXPECT_NE(text.find("BACKENDS 1 of 2 available"), std::string::npos);
    EXPECT_NE(text.find("not available: /usr/bin/python3 has no module numpy"), std::string::npos);
    EXPECT_NE(text.find("kernels of our own"), std::string::npos);
    EXPECT_NE(text.find("? this build has no CUDA"), std::string::npos);
    EXPECT_NE(render(backends_report({}), Format::text, terminal(80)).find("PEAKWARD_WORKERS"),
              std::string::npos);
}

}  // namespace
}  // namespace peakward
