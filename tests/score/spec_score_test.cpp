#include <gmock/gmock.h>

#include "score/score.hpp"

namespace peakward {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Figure figure(double value) {
    Figure made;
    made.value = value;
    made.source = "sheet";
    return made;
}

// Four cores that do 32 operations a cycle at 4 GHz, on a memory of 80 GB/s.
HardwareSpec four_cores() {
    HardwareSpec spec;
    spec.id = "acme_cpu";
    spec.spec_version = 3;
    spec.kind = "cpu";
    spec.sources["sheet"] = {"Sheet", "Acme", "https://example.org", "", "", ""};
    spec.cores = {{"core", figure(4), {}, ""}};
    spec.clocks.by_class["boost"][""] = figure(4);
    spec.operations_per_clock["fp32"] = {{"core", 32, "boost", "sheet", "", ""}};
    spec.memory = SpecMemory{};
    spec.memory->bandwidth_gbps = figure(80);
    return spec;
}

// The same with a power mode that halves the clock.
HardwareSpec four_cores_with_15w() {
    HardwareSpec spec = four_cores();
    PowerMode slow;
    slow.clocks.by_class["boost"][""] = figure(2);
    spec.power_modes["15W"] = slow;
    return spec;
}

Context bare_metal(int sockets = 1) {
    Context context;
    context.environment.virtualization = Fact<std::string>::known("none", "CPUID");
    context.hardware.cpu.sockets = Fact<int>::known(sockets, "sysfs");
    context.hardware.memory.channels = Fact<int>::unknown("no SMBIOS");
    return context;
}

std::vector<Measurement> gemm_of(double gops, int threads) {
    Measurement gemm;
    gemm.what = {"gemm", "fp32", {{"m", std::int64_t{512}}}, "cpu", "blas", threads};
    gemm.outcome = Outcome::measured;
    gemm.gops = gops;
    Measurement triad;
    triad.what = {"stream_triad", "fp32", {{"elements", std::int64_t{1} << 26}},
                  "cpu",          "blas", threads};
    triad.outcome = Outcome::measured;
    triad.gbps = 60;
    return {gemm, triad};
}

Score scored(const HardwareSpec& spec, const Context& context, double gops, int threads,
             const std::string& mode = "") {
    const std::vector<DeviceSpec> specs{{"cpu", &spec, mode}};
    const auto scores = score(context, gemm_of(gops, threads), {}, specs);
    if (scores.size() != 1) throw std::runtime_error("not one row");
    return scores.front();
}

TEST(SpecScore, TakesThePeakOfTheEntryWithItsProvenance) {
    const Score row = scored(four_cores(), bare_metal(), 256, 4);
    EXPECT_DOUBLE_EQ(row.theoretical_peak.value, 4 * 32 * 4.0);
    EXPECT_DOUBLE_EQ(*row.efficiency, 0.5);
    EXPECT_EQ(row.theoretical_peak.spec_version, "3");
    EXPECT_THAT(row.theoretical_peak.formula, HasSubstr("acme_cpu version 3"));
    EXPECT_DOUBLE_EQ(*row.bandwidth_efficiency, 0.75);
    EXPECT_THAT(row.flags, IsEmpty());
}

TEST(SpecScore, ThePowerModeChoosesThePeak) {
    const Score row = scored(four_cores_with_15w(), bare_metal(), 128, 4, "15W");
    EXPECT_DOUBLE_EQ(row.theoretical_peak.value, 4 * 32 * 2.0);
    EXPECT_DOUBLE_EQ(*row.efficiency, 0.5);
}

TEST(SpecScore, AnUnknownPowerModeIsNotTakenForTheFastest) {
    const Score row = scored(four_cores_with_15w(), bare_metal(), 128, 4, "");
    EXPECT_THAT(row.flags, Contains("power_mode_unknown"));
    EXPECT_EQ(row.theoretical_peak.spec_version, "");
    EXPECT_FALSE(row.efficiency);
}

TEST(SpecScore, EverySocketCounts) {
    const Score row = scored(four_cores(), bare_metal(2), 512, 8);
    EXPECT_DOUBLE_EQ(row.theoretical_peak.value, 2 * 4 * 32 * 4.0);
    EXPECT_DOUBLE_EQ(row.theoretical_bandwidth.value, 160);
}

TEST(SpecScore, APartOfTheProductIsNotHeldAgainstTheWhole) {
    const Score row = scored(four_cores(), bare_metal(), 128, 2);
    EXPECT_EQ(row.theoretical_peak.spec_version, "");
    EXPECT_THAT(row.flags, Contains("product_in_part"));
    EXPECT_THAT(row.notes, Contains(HasSubstr("2 of the 4 cores")));
    EXPECT_FALSE(row.efficiency);
}

TEST(SpecScore, FittedMemoryComesBeforeWhatCouldBeFitted) {
    Context context = bare_metal();
    context.hardware.memory.channels = Fact<int>::known(1, "SMBIOS");
    context.hardware.memory.configured_mts = Fact<double>::known(3'200, "SMBIOS");
    const Score row = scored(four_cores(), context, 256, 4);
    EXPECT_DOUBLE_EQ(row.theoretical_bandwidth.value, 25.6);
}

TEST(SpecScore, ACorrectionChangesTheEfficiencyAndNotTheMeasurement) {
    peakward::Run run;
    run.context = bare_metal();
    run.measurements = gemm_of(600, 4);
    HardwareSpec spec = four_cores();
    std::vector<DeviceSpec> specs{{"cpu", &spec, ""}};
    run.results = score(run.context, run.measurements, run.flags, specs);
    EXPECT_THAT(run.results[0].flags, Contains("above_theoretical"));
    spec.clocks.by_class["boost"][""] = figure(5);
    spec.spec_version = 4;
    rescore(run, specs);
    EXPECT_DOUBLE_EQ(*run.results[0].efficiency, 600 / (4 * 32 * 5.0));
    EXPECT_THAT(run.results[0].flags, Not(Contains("above_theoretical")));
    EXPECT_EQ(run.results[0].flags.size(), run.results[0].notes.size());
    EXPECT_EQ(run.results[0].theoretical_peak.spec_version, "4");
    EXPECT_EQ(*run.results[0].peak_measured_gops, 600);
}

TEST(SpecScore, AFigureThatWasWithdrawnIsNoLongerInForce) {
    peakward::Run run;
    run.context = bare_metal();
    run.measurements = gemm_of(300, 4);
    HardwareSpec spec = four_cores();
    const std::vector<DeviceSpec> specs{{"cpu", &spec, ""}};
    run.results = score(run.context, run.measurements, run.flags, specs);
    ASSERT_TRUE(run.results[0].efficiency);
    spec.operations_per_clock.clear();
    rescore(run, specs);
    EXPECT_FALSE(run.results[0].efficiency);
    EXPECT_EQ(run.results[0].theoretical_peak.kind, PeakKind::unknown);
}

TEST(SpecScore, APartThatWasNoneIsTakenForTheWholeAfterTheCorrection) {
    peakward::Run run;
    run.context = bare_metal();
    run.measurements = gemm_of(128, 2);
    HardwareSpec spec = four_cores();
    const std::vector<DeviceSpec> specs{{"cpu", &spec, ""}};
    run.results = score(run.context, run.measurements, run.flags, specs);
    ASSERT_THAT(run.results[0].flags, Contains("product_in_part"));
    spec.cores = {{"core", figure(2), {}, ""}};
    rescore(run, specs);
    EXPECT_THAT(run.results[0].flags, IsEmpty());
    EXPECT_DOUBLE_EQ(*run.results[0].efficiency, 128 / (2 * 32 * 4.0));
}

TEST(SpecScore, WithoutAnEntryStaysAsRecorded) {
    peakward::Run run;
    run.context = bare_metal();
    run.measurements = gemm_of(100, 4);
    const HardwareSpec spec = four_cores();
    const std::vector<DeviceSpec> specs{{"cpu", &spec, ""}};
    run.results = score(run.context, run.measurements, run.flags, specs);
    const auto before = run.results[0].theoretical_peak.value;
    rescore(run, {});
    EXPECT_EQ(run.results[0].theoretical_peak.value, before);
}

TEST(SpecScore, ASliceOfAGpuIsAPart) {
    HardwareSpec spec = four_cores();
    spec.kind = "gpu";
    Context context = bare_metal();
    GpuInfo gpu;
    gpu.vendor = "nvidia";
    gpu.multiprocessors = Fact<int>::known(2, "NVML");
    context.hardware.gpus = {gpu};
    auto measurements = gemm_of(128, 1);
    for (Measurement& m : measurements) m.what.device = "cuda:0";
    const std::vector<DeviceSpec> specs{{"cuda:0", &spec, ""}};
    EXPECT_THAT(score(context, measurements, {}, specs)[0].flags, Contains("product_in_part"));
    context.hardware.gpus[0].multiprocessors = Fact<int>::known(4, "NVML");
    EXPECT_DOUBLE_EQ(*score(context, measurements, {}, specs)[0].efficiency, 128 / 512.0);
}

// Imported summaries do not tell their threads: 0.
TEST(SpecScore, OfUnknownThreadsGoesByTheCoresThatWereSeen) {
    Context context = bare_metal();
    context.hardware.cpu.cores_physical = Fact<int>::known(4, "older profile");
    EXPECT_DOUBLE_EQ(scored(four_cores(), context, 256, 0).theoretical_peak.value, 512);
    context.hardware.cpu.cores_physical = Fact<int>::known(3, "older profile");
    EXPECT_THAT(scored(four_cores(), context, 256, 0).flags, Contains("product_in_part"));
    context.hardware.cpu.cores_physical = Fact<int>::unknown("not recorded");
    EXPECT_THAT(scored(four_cores(), context, 256, 0).flags, Contains("product_in_part"));
}

Run imported_run(double gops) {
    Run run;
    run.context = bare_metal();
    run.context.hardware.cpu.cores_physical = Fact<int>::known(4, "older profile");
    run.measurements = gemm_of(gops, 0);
    run.results = score(run.context, run.measurements, {});
    RecordedPeaks recorded;
    recorded.compute_gops = {{"fp32", 400}};
    recorded.bandwidth_gbps = 100;
    recorded.source = "older profile";
    take_recorded_peaks(run.results, recorded);
    return run;
}

TEST(RecordedPeaks, AreTakenWhereNothingElseIsKnown) {
    const Score row = imported_run(200).results.at(0);
    EXPECT_EQ(row.theoretical_peak.kind, PeakKind::estimated);
    EXPECT_EQ(row.theoretical_peak.formula, "older profile");
    EXPECT_DOUBLE_EQ(row.efficiency.value_or(0), 0.5);
    EXPECT_DOUBLE_EQ(row.bandwidth_efficiency.value_or(0), 0.6);
    EXPECT_THAT(imported_run(500).results.at(0).flags, Contains("above_theoretical"));
}

TEST(RecordedPeaks, GiveWayToAnEntryAndStayWhereItDoesNotHold) {
    peakward::Run run = imported_run(256);
    const HardwareSpec spec = four_cores();
    const std::vector<DeviceSpec> specs{{"cpu", &spec, ""}};
    rescore(run, specs);
    EXPECT_DOUBLE_EQ(run.results.at(0).efficiency.value_or(0), 0.5);
    EXPECT_NE(run.results.at(0).theoretical_peak.kind, PeakKind::estimated);

    peakward::Run unknown_mode = imported_run(200);
    const HardwareSpec modes = four_cores_with_15w();
    const std::vector<DeviceSpec> with_modes{{"cpu", &modes, ""}};
    rescore(unknown_mode, with_modes);
    EXPECT_EQ(unknown_mode.results.at(0).theoretical_peak.kind, PeakKind::estimated);
    EXPECT_DOUBLE_EQ(unknown_mode.results.at(0).efficiency.value_or(0), 0.5);
    EXPECT_THAT(unknown_mode.results.at(0).flags, Contains("power_mode_unknown"));
}

}  // namespace
}  // namespace peakward
