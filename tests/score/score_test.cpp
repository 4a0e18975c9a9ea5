#include "score/score.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace peakward {
namespace {

Context a_guest() {
    Context context;
    context.environment.virtualization = Fact<std::string>::known("kvm", "CPUID 0x40000000");
    CoreKind kind;
    kind.cores = 2;
    context.hardware.cpu.core_kinds = {kind};
    context.hardware.memory.channels = Fact<int>::unknown("no SMBIOS");
    return context;
}

Measurement measured(std::string operation, std::string precision, Shape shape, std::string backend,
                     double gops) {
    Measurement m;
    m.what = {
        std::move(operation), std::move(precision), std::move(shape), "cpu", std::move(backend), 2};
    m.outcome = Outcome::measured;
    m.gops = gops;
    return m;
}

// Two cores at 3.0 GHz whose AVX-512 kernel runs `per_cycle` operations a cycle.
Measurement kernel(const char* isa, const char* precision, double per_cycle,
                   double clock_ghz = 3.0) {
    Measurement m = measured("compute_peak", precision, {{"isa", std::string(isa)}}, "native",
                             2 * per_cycle * clock_ghz);
    m.clock_hz = clock_ghz * 1e9;
    return m;
}

Measurement stream(const char* operation, std::int64_t elements, double gbps) {
    Measurement m =
        measured(operation, "fp64", {{"elements", elements}, {"store", std::string("nontemporal")}},
                 "native", 1);
    m.gbps = gbps;
    return m;
}

Measurement gemm(std::int64_t n, double gops, const char* precision = "fp32") {
    return measured("gemm", precision, {{"m", n}, {"n", n}, {"k", n}}, "blas", gops);
}

const Score& row(const std::vector<Score>& scores, const std::string& backend,
                 const std::string& precision) {
    const auto it = std::find_if(scores.begin(), scores.end(), [&](const Score& s) {
        return s.backend == backend && s.precision == precision;
    });
    if (it == scores.end()) throw std::runtime_error("no row " + backend + " " + precision);
    return *it;
}

bool has(const std::vector<std::string>& words, const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

TEST(ComputePeak, IsCoresTimesLegalRateTimesClassClock) {
    const std::vector<Measurement> ms{kernel("avx512", "fp32", 62.9, 2.8)};
    const Peak peak = theoretical_compute_peak(a_guest(), ms, "fp32");
    EXPECT_EQ(peak.kind, PeakKind::probed);
    EXPECT_DOUBLE_EQ(peak.value, 2 * 64 * 2.8);
    EXPECT_EQ(peak.accumulator, "fp32");
    EXPECT_FALSE(peak.doubtful);
    ASSERT_EQ(peak.inputs.size(), 3u);
    EXPECT_EQ(peak.inputs[1].value, 64);
    EXPECT_EQ(peak.inputs[2].value, 2.8e9);
    EXPECT_FALSE(peak.inputs[1].source.empty());
}

TEST(ComputePeak, TellsOneUnitFromTwo) {
    EXPECT_DOUBLE_EQ(
        theoretical_compute_peak(a_guest(), std::vector{kernel("avx512", "fp64", 15.9)}, "fp64")
            .value,
        2 * 16 * 3.0);
    EXPECT_DOUBLE_EQ(
        theoretical_compute_peak(a_guest(), std::vector{kernel("avx512", "fp64", 31.0)}, "fp64")
            .value,
        2 * 32 * 3.0);
}

TEST(ComputePeak, TakesTheBestClassThatWasMeasured) {
    std::vector<Measurement> ms{kernel("avx2", "fp64", 16, 3.4), kernel("avx512", "fp64", 32, 2.8)};
    EXPECT_DOUBLE_EQ(theoretical_compute_peak(a_guest(), ms, "fp64").value, 2 * 32 * 2.8);
    // One 512-bit unit at a lower clock: AVX2 does more.
    ms[1] = kernel("avx512", "fp64", 16, 2.8);
    EXPECT_DOUBLE_EQ(theoretical_compute_peak(a_guest(), ms, "fp64").value, 2 * 16 * 3.4);
}

TEST(ComputePeak, IsNeverThatOfANarrowerClass) {
    std::vector<Measurement> ms{kernel("scalar", "fp32", 4, 3.2), kernel("avx2", "fp32", 32, 3.1)};
    for (const Outcome lost : {Outcome::contended, Outcome::failed, Outcome::timed_out}) {
        ms[1].outcome = lost;
        const Peak peak = theoretical_compute_peak(a_guest(), ms, "fp32");
        EXPECT_EQ(peak.kind, PeakKind::unknown);
        EXPECT_NE(peak.reason.find("avx2"), std::string::npos) << peak.reason;
    }
    // What the CPU cannot run here is no wider class of it.
    ms[1].outcome = Outcome::unsupported;
    EXPECT_DOUBLE_EQ(theoretical_compute_peak(a_guest(), ms, "fp32").value, 2 * 4 * 3.2);
    // A class that was never asked for is known by the CPU's own word.
    Context context = a_guest();
    context.hardware.cpu.isa = {"avx2"};
    const Peak peak =
        theoretical_compute_peak(context, std::vector{kernel("scalar", "fp32", 4, 3.2)}, "fp32");
    EXPECT_EQ(peak.kind, PeakKind::unknown);
    EXPECT_NE(peak.reason.find("was not measured"), std::string::npos) << peak.reason;
}

TEST(ComputePeak, WithoutACleanWidestProbeIsTheRateOfTheDesignTimesACleanClockOfTheClass) {
    Context context = a_guest();
    context.hardware.cpu.microarchitecture = "zen3";
    std::vector<Measurement> ms{
        kernel("avx2", "fp32", 32, 3.1),
        measured("clock_probe", "fp64", {{"isa", std::string("avx2")}}, "native", 5.9),
        measured("clock_probe", "fp64", {{"isa", std::string("scalar")}}, "native", 6.6)};
    ms[0].outcome = Outcome::contended;
    ms[1].clock_hz = 2.95e9;
    ms[2].clock_hz = 3.3e9;
    const Peak peak = theoretical_compute_peak(context, ms, "fp32");
    EXPECT_EQ(peak.kind, PeakKind::computed);
    EXPECT_NEAR(peak.value, 2 * 32 * 2.95, 1e-9);
    ASSERT_EQ(peak.inputs.size(), 3u);
    EXPECT_NE(peak.inputs[1].source.find("zen3"), std::string::npos);
    EXPECT_NE(peak.inputs[2].source.find("clock_probe isa=avx2"), std::string::npos);
    // Without a clock of the class there is none: another class may run at another clock.
    ms[1].outcome = Outcome::contended;
    EXPECT_EQ(theoretical_compute_peak(context, ms, "fp32").kind, PeakKind::unknown);
}

TEST(ComputePeak, AnotherPrecisionOfTheClassShowsTheRateOfAnUnknownDesign) {
    std::vector<Measurement> ms{kernel("avx2", "fp32", 32, 3.1), kernel("avx2", "fp64", 15.8, 3.0)};
    ms[0].outcome = Outcome::contended;
    ms[1].operations_per_cycle = 15.8;
    const Peak peak = theoretical_compute_peak(a_guest(), ms, "fp32");
    EXPECT_EQ(peak.kind, PeakKind::computed);
    EXPECT_NEAR(peak.value, 2 * 32 * 3.0, 1e-9);
}

TEST(ComputePeak, BelongsToTheLineageAndNotToOneRun) {
    const std::vector<ProbedClass> history{{"fp32", "avx2", 2, 31.7, 3.0e9, 5, "2026-11-30"},
                                           {"fp32", "scalar", 2, 4.0, 3.2e9, 5, "2026-11-30"},
                                           {"fp32", "avx2", 1, 31.8, 3.4e9, 1, "2026-11-30"}};
    std::vector<Measurement> ms{kernel("avx2", "fp32", 32, 2.7)};
    const Peak peak = theoretical_compute_peak(a_guest(), ms, "fp32", history);
    EXPECT_EQ(peak.kind, PeakKind::probed);
    EXPECT_NEAR(peak.value, 2 * 32 * 3.0, 1e-9) << "a slow day moves no peak";
    EXPECT_NE(peak.inputs[2].source.find("median of 5 runs until 2026-11-30"), std::string::npos);
    ms[0].outcome = Outcome::contended;
    EXPECT_EQ(theoretical_compute_peak(a_guest(), ms, "fp32", history).value, peak.value);
    ms[0].what.threads = 1;
    EXPECT_NEAR(theoretical_compute_peak(a_guest(), ms, "fp32", history).value, 32 * 3.4, 1e-9);
    ms[0].what.threads = 4;
    EXPECT_EQ(theoretical_compute_peak(a_guest(), ms, "fp32", history).kind, PeakKind::unknown)
        << "probes of two threads say nothing of four";
}

TEST(ComputePeak, IsUnknownWithoutAClock) {
    Measurement m = kernel("avx512", "fp64", 32);
    m.clock_hz = 0;
    const Peak peak = theoretical_compute_peak(a_guest(), std::vector{m}, "fp64");
    EXPECT_EQ(peak.kind, PeakKind::unknown);
    EXPECT_NE(peak.reason.find("clock"), std::string::npos);
}

TEST(ComputePeak, UsesTheClassProbeWhenTheKernelHasNoClock) {
    Measurement m = kernel("avx512_vnni", "int8", 256, 2.6);
    m.clock_hz = 0;
    const Measurement wrong_class =
        measured("clock_probe", "fp64", {{"isa", std::string("avx2")}}, "native", 3.5);
    const Measurement probe =
        measured("clock_probe", "fp64", {{"isa", std::string("avx512")}}, "native", 2.6);
    const Peak peak =
        theoretical_compute_peak(a_guest(), std::vector{m, wrong_class, probe}, "int8");
    EXPECT_DOUBLE_EQ(peak.value, 2 * 256 * 2.6);
}

TEST(ComputePeak, RefusesAProbeThatNoCoreCouldReach) {
    const Peak peak =
        theoretical_compute_peak(a_guest(), std::vector{kernel("avx2", "fp64", 33)}, "fp64");
    EXPECT_EQ(peak.kind, PeakKind::unknown);
    EXPECT_NE(peak.reason.find("clock probe is wrong"), std::string::npos);
}

TEST(ComputePeak, IsDoubtfulWhenTheProbeIsNearNoLegalValue) {
    const Peak peak =
        theoretical_compute_peak(a_guest(), std::vector{kernel("avx512", "fp64", 22)}, "fp64");
    EXPECT_DOUBLE_EQ(peak.value, 2 * 32 * 3.0);
    EXPECT_TRUE(peak.doubtful);
}

TEST(ComputePeak, SumsTheKindsOfAHybridFromTheTableOnBareMetal) {
    Context context = a_guest();
    context.environment.virtualization = Fact<std::string>::known("none", "CPUID");
    CoreKind p{"performance", "golden_cove", "", 8, {}, Fact<double>::known(4900, "cpufreq")};
    CoreKind e{"efficiency", "gracemont", "", 4, {}, Fact<double>::known(3800, "cpufreq")};
    context.hardware.cpu.core_kinds = {p, e};
    const Peak peak =
        theoretical_compute_peak(context, std::vector{kernel("avx2", "fp32", 32)}, "fp32");
    EXPECT_EQ(peak.kind, PeakKind::computed);
    EXPECT_NEAR(peak.value, 8 * 32 * 4.9 + 4 * 16 * 3.8, 1e-9);
    context.environment.virtualization = Fact<std::string>::known("kvm", "CPUID");
    EXPECT_EQ(
        theoretical_compute_peak(context, std::vector{kernel("avx2", "fp32", 32)}, "fp32").kind,
        PeakKind::unknown);
}

TEST(Bandwidth, IsChannelsTimesEightBytesTimesRate) {
    Context context = a_guest();
    EXPECT_EQ(theoretical_bandwidth(context).kind, PeakKind::unknown);
    context.hardware.memory.channels = Fact<int>::known(2, "SMBIOS");
    EXPECT_EQ(theoretical_bandwidth(context).kind, PeakKind::unknown);
    context.hardware.memory.configured_mts = Fact<double>::known(4800, "SMBIOS");
    EXPECT_DOUBLE_EQ(theoretical_bandwidth(context).value, 76.8);
    EXPECT_EQ(theoretical_bandwidth(context).unit, "gbps");
}

TEST(Score, TakesTheBestMedianOfOneOperationClass) {
    const std::vector<Measurement> ms{
        kernel("avx512", "fp32", 64), gemm(512, 200), gemm(1024, 310), gemm(2048, 305),
        measured("dot", "fp32", {{"n", std::int64_t{1000}}}, "blas", 9999)};
    const auto scores = score(a_guest(), ms, {});
    const Score& blas = row(scores, "blas", "fp32");
    EXPECT_EQ(blas.blas3_gops, 310);
    EXPECT_EQ(blas.peak_measured_gops, 310);
    EXPECT_EQ(blas.peak_operation, "gemm");
    EXPECT_NEAR(*blas.efficiency, 310 / 384.0, 1e-12);
    const Score& native = row(scores, "native", "fp32");
    EXPECT_EQ(native.peak_operation, "compute_peak");
    EXPECT_FALSE(native.blas3_gops);
}

TEST(Score, NeverMixesPrecisions) {
    const auto scores =
        score(a_guest(), std::vector{gemm(512, 200, "fp32"), gemm(512, 90, "fp64")}, {});
    EXPECT_EQ(row(scores, "blas", "fp64").blas3_gops, 90);
    EXPECT_EQ(row(scores, "blas", "fp32").blas3_gops, 200);
}

TEST(Score, TakesStreamAtThePlateauNeverInCache) {
    std::vector<Measurement> ms{
        stream("stream_triad", 4096, 400), stream("stream_triad", 1 << 24, 20),
        stream("stream_copy", 1 << 24, 22), stream("stream_triad", 1 << 25, 19)};
    EXPECT_EQ(row(score(a_guest(), ms, {}), "native", "fp64").stream_best_gbps, 22);
    // A driver's own copy is no kernel of STREAM.
    std::vector<Measurement> with_copy(ms.begin(), ms.end());
    with_copy.push_back(stream("device_copy", 1 << 24, 90));
    EXPECT_EQ(row(score(a_guest(), with_copy, {}), "native", "fp64").stream_best_gbps, 22);
    ms[2].outcome = Outcome::contended;
    const auto scores = score(a_guest(), ms, {});
    EXPECT_EQ(row(scores, "native", "fp64").stream_best_gbps, 20);
    EXPECT_TRUE(has(row(scores, "native", "fp64").flags, "contended"));
}

TEST(Score, AContendedNumberNeverBecomesAScore) {
    std::vector<Measurement> ms{gemm(1024, 310), kernel("avx512", "fp32", 64)};
    for (const Outcome outcome :
         {Outcome::contended, Outcome::invalid, Outcome::failed, Outcome::timed_out}) {
        ms[0].outcome = outcome;
        const auto scores = score(a_guest(), ms, {});
        const Score& blas = row(scores, "blas", "fp32");
        EXPECT_FALSE(blas.blas3_gops);
        EXPECT_FALSE(blas.peak_measured_gops);
        EXPECT_FALSE(blas.efficiency);
        EXPECT_TRUE(has(blas.flags, std::string(to_string(outcome))));
        ASSERT_EQ(blas.flags.size(), blas.notes.size());
    }
}

TEST(Score, FlagsAndExplainsWhatIsAboveThePeak) {
    Measurement slow_probe = kernel("avx512", "fp32", 64);
    slow_probe.gops = 2 * 31.9 * 3.0;  // a probe that saw one unit of two
    const auto scores = score(a_guest(), std::vector{slow_probe, gemm(1024, 340)}, {});
    const Score& blas = row(scores, "blas", "fp32");
    EXPECT_NEAR(*blas.efficiency, 340 / 192.0, 1e-12);  // shown, not clamped
    EXPECT_TRUE(has(blas.flags, "above_theoretical"));
    EXPECT_TRUE(blas.theoretical_peak.doubtful);
    EXPECT_NE(blas.notes[0].find("177.1 %"), std::string::npos);
}

TEST(Score, OneHundredAndTwoPercentIsTheBorder) {
    const std::vector<Measurement> at{kernel("avx512", "fp32", 64), gemm(1024, 384 * 1.0199)};
    EXPECT_FALSE(has(row(score(a_guest(), at, {}), "blas", "fp32").flags, "above_theoretical"));
    const std::vector<Measurement> above{kernel("avx512", "fp32", 64), gemm(1024, 384 * 1.0201)};
    EXPECT_TRUE(has(row(score(a_guest(), above, {}), "blas", "fp32").flags, "above_theoretical"));
}

TEST(Score, CarriesTheFlagsOfTheRun) {
    const std::vector<std::string> flags{"forced"};
    EXPECT_TRUE(has(row(score(a_guest(), std::vector{gemm(512, 1)}, flags), "blas", "fp32").flags,
                    "forced"));
}

TEST(Score, GivesNoRowForWhatIsUnsupportedOrAProbe) {
    Measurement unsupported = gemm(512, 1);
    unsupported.outcome = Outcome::unsupported;
    const Measurement probe =
        measured("clock_probe", "fp64", {{"isa", std::string("avx2")}}, "native", 3.5);
    EXPECT_TRUE(score(a_guest(), std::vector{unsupported, probe}, {}).empty());
}

TEST(Score, ARowWhoseLibraryChoseNarrowKernelsSaysSo) {
    Context context = a_guest();
    context.hardware.cpu.isa = {"avx2", "avx512f"};
    Measurement m = gemm(1024, 33);
    m.implementation = "OpenBLAS 0.3.21 Prescott pthreads";
    const auto scores = score(context, std::vector{m}, {});
    EXPECT_TRUE(has(row(scores, "blas", "fp32").flags, "narrow_kernels"));
    m.implementation = "OpenBLAS 0.3.31 SkylakeX pthreads";
    EXPECT_FALSE(
        has(row(score(context, std::vector{m}, {}), "blas", "fp32").flags, "narrow_kernels"));
}

}  // namespace
}  // namespace peakward
