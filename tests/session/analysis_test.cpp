// Which series a request takes, what they belong to, and what their efficiency is a ratio of.
#include "session/analysis.hpp"

#include <cmath>
#include <map>

#include "catalog/catalog.hpp"
#include "score/score.hpp"
#include "session/fixture.hpp"
#include "session/history.hpp"
#include "store/make_run.hpp"

namespace peakward::session_test {
namespace {

using store_test::make_run;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::UnorderedElementsAre;

constexpr std::int64_t day_s = 86400;

class Analysis : public SessionTest {
protected:
    void add(const peakward::Run& run) {
        auto store = open_store(database(), OpenMode::append);
        ASSERT_TRUE(store) << store.error().message;
        const auto outcome = (*store)->append(run);
        ASSERT_TRUE(outcome) << outcome.error().message;
    }
    // A run on all twelve cores of an i7-12700K, whose peak in fp32 is 1459.2 GOPS; measured
    // 729.6 unless told otherwise.
    static peakward::Run i7_run(std::uint64_t seed, int day = 0) {
        auto run = make_run({.seed = seed,
                             .measurements = 6,
                             .windows = 1,
                             .timestamp_unix = 1795000000 + day * day_s});
        for (Measurement& m : run.measurements) m.what.threads = 20;
        for (Score& score : run.results) {
            score.peak_measured_gops = 700;
            score.efficiency = 0.25;
        }
        run.products = {{"cpu", "intel_i7_12700k", 1, 0.98, "its name", ""}};
        return run;
    }
    static peakward::Run gpu_run(std::uint64_t seed, int day = 0) {
        auto run = i7_run(seed, day);
        run.products.push_back({"cuda:0", "h100_sxm5", 1, 0.98, "its name", ""});
        run.context.hardware.lineage = "aaaa000000000001";
        run.context.hardware.fingerprint = "bbbb000000000001";
        GpuInfo gpu;
        gpu.vendor = "nvidia";
        gpu.model = Fact<std::string>::known("NVIDIA H100 80GB HBM3", "NVML");
        run.context.hardware.gpus = {gpu};
        Score score = run.results.front();
        score.device = "cuda:0";
        score.backend = "pytorch";
        score.precision = "fp16";
        score.peak_measured_gops = 494700;
        run.results.push_back(score);
        return run;
    }
    Result<Analysed> ask(const SeriesRequest& request) const {
        return load_series(database(), request);
    }
    // Fails the test when there is nothing.
    Analysed loaded(const SeriesRequest& request) const {
        auto analysed = ask(request);
        EXPECT_TRUE(analysed) << analysed.error().message;
        return analysed ? std::move(*analysed) : Analysed{};
    }
    std::string refusal(const SeriesRequest& request) const {
        const auto analysed = ask(request);
        return analysed ? "it was loaded" : analysed.error().message;
    }
    static std::vector<std::string> ids(const Analysed& analysed) {
        std::vector<std::string> list;
        for (const Subject& subject : analysed.subjects) list.push_back(subject.id);
        return list;
    }
};

TEST_F(Analysis, AllInstallsAndLineagesOfAProductAreOneSubject) {
    add(i7_run(1));
    auto second = i7_run(2, 1);
    second.context.install = "install-b";
    add(second);
    auto third = i7_run(3, 2);
    third.context.hardware.lineage = "eeee000000000001";
    add(third);
    const Analysed analysed = loaded({.precision = "fp32", .backend = "blas"});
    ASSERT_THAT(analysed.subjects, SizeIs(1));
    const Subject& subject = analysed.subjects[0];
    EXPECT_EQ(subject.id, "intel_i7_12700k");
    EXPECT_EQ(subject.name, "Intel Core i7-12700K");
    EXPECT_EQ(subject.device, "cpu");
    EXPECT_EQ(subject.launched, "2021-11-04");
    EXPECT_THAT(subject.hardware, SizeIs(2));
    EXPECT_THAT(subject.series, SizeIs(3)) << "a series each, never mixed";
    EXPECT_EQ(analysed.store_location, database());
    EXPECT_THAT(analysed.stacks, SizeIs(1));
}

TEST_F(Analysis, ImportedHostsHaveNames) {
    const auto imported = [](std::uint64_t seed, const char* install,
                             std::map<std::string, std::string> recorded) {
        auto run = i7_run(seed, static_cast<int>(seed));
        run.context.install = install;
        run.origin.emplace();
        run.origin->kind = "older profile";
        run.origin->recorded = std::move(recorded);
        return run;
    };
    add(imported(1, "imported-0000000000000001", {{"from", "lab3"}, {"hardware_name", "i7"}}));
    add(imported(2, "imported-0000000000000002", {{"hardware_name", "i7"}}));
    add(imported(3, "imported-0000000000000003", {{"hardware_name", "i7"}}));
    auto rows = imported(4, "imported-0000000000000004", {});
    rows.context.hardware.fingerprint = "abcdef0123456789";
    add(rows);
    add(i7_run(5, 5));
    const std::map<std::string, std::string> expected{
        {"imported-0000000000000001", "lab3"},
        {"imported-0000000000000002", "i7 0002"},
        {"imported-0000000000000003", "i7 0003"},
        {"imported-0000000000000004", "host abcdef01"}};
    EXPECT_EQ(loaded({.precision = "fp32", .backend = "blas"}).install_names, expected);
}

TEST_F(Analysis, EachDeviceOfAHostBelongsToItsProduct) {
    add(gpu_run(1));
    add(i7_run(2, 1));
    const Analysed all = loaded({});
    EXPECT_THAT(ids(all), UnorderedElementsAre("intel_i7_12700k", "h100_sxm5"));
    const Analysed gpu = loaded({.hardware = "h100-sxm5"});  // an alias
    ASSERT_THAT(gpu.subjects, SizeIs(1));
    EXPECT_EQ(gpu.subjects[0].device, "cuda:0");
    EXPECT_THAT(gpu.subjects[0].series, SizeIs(1));
    EXPECT_THAT(ids(loaded({.hardware = "intel_i7_12700k"})), ElementsAre("intel_i7_12700k"));
}

TEST_F(Analysis, HardwareIsNamedByTheBeginningOfItsIds) {
    add(gpu_run(1));
    add(i7_run(2, 1));
    for (const char* name : {"aaaa", "bbbb0", "aaaa000000000001", "AAAA"}) {
        const Analysed analysed = loaded({.hardware = name, .device = "cpu"});
        ASSERT_THAT(analysed.subjects, SizeIs(1)) << name;
        EXPECT_EQ(analysed.subjects[0].id, "intel_i7_12700k");
        ASSERT_THAT(analysed.subjects[0].hardware, SizeIs(1)) << name;
        EXPECT_EQ(analysed.subjects[0].hardware[0].lineage, "aaaa000000000001");
    }
}

TEST_F(Analysis, AnUnknownOrAmbiguousNameListsTheCandidates) {
    add(i7_run(1));
    auto other = i7_run(2);
    other.context.hardware.lineage = "5d41ffffffffffff";
    add(other);
    EXPECT_THAT(refusal({.hardware = "5d41"}),
                AllOf(HasSubstr("several"), HasSubstr("5d41402abc4b2a76"),
                      HasSubstr("5d41ffffffffffff"), HasSubstr("i7-12700K")));
    EXPECT_THAT(refusal({.hardware = "zzzz"}),
                AllOf(HasSubstr("zzzz"), HasSubstr("5d41402abc4b2a76"), HasSubstr("product id")));
    EXPECT_THAT(refusal({.hardware = "h100_sxm5"}),
                AllOf(HasSubstr("no run of h100_sxm5"), HasSubstr("5d41402abc4b2a76")));
    EXPECT_EQ(ask({.hardware = "5d41"}).error().kind, ErrorKind::usage);
    EXPECT_EQ(ask({.hardware = "zzzz"}).error().kind, ErrorKind::usage);
}

TEST_F(Analysis, ARequestThatNothingMatchesSaysWhatThereIs) {
    add(i7_run(1));
    EXPECT_THAT(refusal({.precision = "int4"}), AllOf(HasSubstr("fp32"), HasSubstr("fp64")));
    EXPECT_THAT(refusal({.backend = "jax"}), AllOf(HasSubstr("blas"), HasSubstr("native")));
    EXPECT_THAT(refusal({.metrics = {"no_such"}}),
                AllOf(HasSubstr("peak_measured_gops"), HasSubstr("median_s")));
    EXPECT_THAT(refusal({.since = "2030"}), HasSubstr("since 2030"));
    EXPECT_THAT(refusal({.since = "soon"}), HasSubstr("'soon' is not a date"));
}

TEST_F(Analysis, ADatabaseThatIsNotThereOrEmptyIsToldSo) {
    EXPECT_THAT(refusal({}), HasSubstr("there is no database"));
    ASSERT_TRUE(open_store(database(), OpenMode::append));
    EXPECT_THAT(refusal({}), HasSubstr("holds no run"));
}

TEST_F(Analysis, EfficiencyIsOfTodaysPeakAndAsRecordedOfTheRuns) {
    add(i7_run(1));
    SeriesRequest request{.precision = "fp32", .backend = "blas"};
    const Analysed analysed = loaded(request);
    const SubjectSeries& series = analysed.subjects.at(0).series.at(0);
    ASSERT_NE(series.peak.kind, PeakKind::unknown) << series.peak.reason;
    EXPECT_NE(series.peak.value, 300) << "that is what the run recorded";
    EXPECT_THAT(series.efficiency, ElementsAre(700 / series.peak.value));
    request.as_recorded = true;
    const Analysed recorded = loaded(request);
    EXPECT_THAT(recorded.subjects.at(0).series.at(0).efficiency, ElementsAre(0.25));
}

TEST_F(Analysis, ARatioIsAMetricOfItsOwn) {
    add(i7_run(1));
    SeriesRequest request{.precision = "fp32", .backend = "blas", .metrics = {"efficiency"}};
    const Analysed analysed = loaded(request);
    ASSERT_THAT(analysed.subjects.at(0).series, SizeIs(1));
    const SubjectSeries& series = analysed.subjects[0].series[0];
    EXPECT_EQ(series.series.key.metric, "efficiency");
    EXPECT_EQ(series.series.key.unit, "ratio");
    EXPECT_DOUBLE_EQ(series.series.points[0].value, 700 / series.peak.value);
    request.as_recorded = true;
    const Analysed recorded = loaded(request);
    EXPECT_EQ(recorded.subjects.at(0).series.at(0).series.points[0].value, 0.25);
}

TEST_F(Analysis, APeakThatAFigureExceedsIsDoubtedByTodaysPeakAndNotByTheRecorded) {
    auto low = i7_run(1);
    for (Score& score : low.results) score.flags = {"above_theoretical"};
    add(low);
    auto high = i7_run(2, 1);
    for (Score& score : high.results) score.peak_measured_gops = 1e6;
    add(high);
    const Analysed analysed = loaded({.precision = "fp32", .backend = "blas"});
    const SubjectSeries& series = analysed.subjects.at(0).series.at(0);
    ASSERT_THAT(series.series.points, SizeIs(2));
    EXPECT_EQ(series.series.points[0].doubts, 0);
    EXPECT_EQ(series.series.points[1].doubts, doubt_above_theoretical);
    EXPECT_TRUE(series.peak.doubtful);
}

TEST_F(Analysis, HardwareWithoutAProductStandsUnderItsLineageAndSaysWhyThereIsNoRatio) {
    auto run = i7_run(1);
    run.products.clear();
    run.context.hardware.cpu.model = Fact<std::string>::known("Some CPU", "/proc/cpuinfo");
    for (Score& score : run.results) score.theoretical_peak = {};
    add(run);
    const Analysed analysed = loaded({.precision = "fp32"});
    ASSERT_THAT(analysed.subjects, SizeIs(1));
    EXPECT_EQ(analysed.subjects[0].id, "5d41402abc4b2a76");
    EXPECT_EQ(analysed.subjects[0].name, "Some CPU");
    EXPECT_EQ(analysed.subjects[0].launched, std::nullopt);
    const SubjectSeries& series = analysed.subjects[0].series.at(0);
    EXPECT_EQ(series.peak.kind, PeakKind::unknown);
    ASSERT_THAT(series.efficiency, SizeIs(1));
    EXPECT_TRUE(std::isnan(series.efficiency[0]));
}

TEST_F(Analysis, ARunThatNamesNoProductIsMatchedByItsContext) {
    auto run = i7_run(1);
    run.products.clear();
    add(run);
    EXPECT_THAT(ids(loaded({})), ElementsAre("intel_i7_12700k"));
    const auto known = known_hardware(database());
    ASSERT_TRUE(known) << known.error().message;
    EXPECT_EQ(known->at(0).products.at("cpu"), "intel_i7_12700k");
}

TEST_F(Analysis, OneCaseIsLoadedByAMetricOfCases) {
    add(i7_run(1));
    const Analysed analysed = loaded({.operation = "gemm", .metrics = {"gops", "median_s"}});
    ASSERT_THAT(analysed.subjects, SizeIs(1));
    ASSERT_THAT(analysed.subjects[0].series, SizeIs(4)) << "gemm in fp64 and fp32, two metrics";
    for (const SubjectSeries& one : analysed.subjects[0].series) {
        EXPECT_EQ(one.series.key.kind, SeriesKind::measurement);
        const bool is_rate = one.series.key.metric == "gops";
        EXPECT_EQ(one.peak.kind != PeakKind::unknown, is_rate) << one.peak.reason;
        EXPECT_EQ(std::isfinite(one.efficiency.at(0)), is_rate);
    }
}

TEST_F(Analysis, FactsAreFoundByTheRun) {
    add(i7_run(1));
    const auto facts = load_facts(database(), {1});
    ASSERT_TRUE(facts) << facts.error().message;
    EXPECT_EQ(facts->at(1).run_id, i7_run(1).run_id);
}

// ---------------------------------------------------------------------------------------------
// A peak belongs to the hardware
// ---------------------------------------------------------------------------------------------

constexpr double clock_hz = 3e9;

// A guest without a product on two cores at 3 GHz: its AVX2 kernel does `per_cycle` operations a
// cycle in fp32, the scalar one 4, and its BLAS 150 GOP/s.
peakward::Run guest_run(std::uint64_t seed, int day, double per_cycle = 31.8,
                        double hz = clock_hz) {
    auto run = make_run({.seed = seed,
                         .measurements = 3,
                         .windows = 1,
                         .timestamp_unix = 1795000000 + day * day_s});
    run.products.clear();
    run.context.hardware.cpu.core_kinds = {CoreKind{"", "zen3", "", 2, {0, 1}, {}}};
    const auto probe = [&](Measurement& m, const char* isa, double rate) {
        m.what = {"compute_peak", "fp32", {{"isa", std::string(isa)}}, "cpu", "native", 2};
        m.outcome = Outcome::measured;
        m.flags.clear();
        m.clock_hz = hz;
        m.operations_per_cycle = rate;
        m.gops = 2 * rate * hz * 1e-9;
        m.statistics.median_s = catalog::peak_operations_per_iteration / (*m.gops * 1e9);
    };
    probe(run.measurements[0], "scalar", 4);
    probe(run.measurements[1], "avx2", per_cycle);
    Measurement& gemm = run.measurements[2];
    const std::int64_t n = 1024;
    gemm.what = {"gemm", "fp32", {{"m", n}, {"n", n}, {"k", n}}, "cpu", "blas", 2};
    gemm.outcome = Outcome::measured;
    gemm.flags.clear();
    gemm.gops = 150;
    run.results = score(run.context, run.measurements, run.flags);
    return run;
}

// The efficiencies of BLAS by run, as `show` gives them, and as `trajectory` does.
class PeakOfALineage : public Analysis {
protected:
    std::map<std::string, double> shown() const {
        std::map<std::string, double> by_run;
        const auto runs = list_runs(database(), {.limit = 0});
        EXPECT_TRUE(runs);
        for (const RunSummary& summary : *runs) {
            const auto run = find_run(database(), summary.run_id, Efficiencies::current);
            EXPECT_TRUE(run) << run.error().message;
            for (const Score& row : run->results)
                if (row.backend == "blas" && row.efficiency)
                    by_run[summary.run_id] = *row.efficiency;
        }
        return by_run;
    }
    std::vector<double> followed() const {
        std::vector<double> values;
        const Analysed analysed =
            loaded({.precision = "fp32", .backend = "blas", .metrics = {"efficiency"}});
        for (const Subject& subject : analysed.subjects)
            for (const SubjectSeries& series : subject.series)
                for (const SeriesPoint& point : series.series.points) values.push_back(point.value);
        return values;
    }
};

TEST_F(PeakOfALineage, IsTheMedianOfItsUndoubtedProbes) {
    add(guest_run(1, 0));
    add(guest_run(2, 1, 31.7, 2.7e9));  // a slow day
    add(guest_run(3, 2, 31.9, 3.01e9));
    const double expected = 150 / (2 * 32 * 3.0);
    EXPECT_THAT(shown(), SizeIs(3));
    for (const auto& [run, efficiency] : shown()) EXPECT_NEAR(efficiency, expected, 1e-9) << run;
    const auto values = followed();
    ASSERT_THAT(values, SizeIs(3));
    for (const double value : values) EXPECT_NEAR(value, expected, 1e-9);
}

TEST_F(PeakOfALineage, IsNotMovedByARunThatWasForcedContendedOrFlagged) {
    for (int day = 0; day < 3; ++day) add(guest_run(std::uint64_t(day) + 1, day));
    const auto before = shown();
    auto forced = guest_run(10, 3, 31.8, 2.1e9);
    forced.flags = {"forced"};
    auto contended = guest_run(11, 4, 20, 3e9);
    contended.measurements[1].outcome = Outcome::contended;
    for (auto* bad : {&forced, &contended}) {
        bad->results = score(bad->context, bad->measurements, bad->flags);
        add(*bad);
    }
    auto after = shown();
    for (const auto& [run, efficiency] : before) EXPECT_EQ(after.at(run), efficiency) << run;
    // And they themselves are held against the peak of the hardware.
    EXPECT_NEAR(after.at(contended.run_id), before.begin()->second, 1e-9);
}

TEST_F(PeakOfALineage, OfARunWhoseWidestProbeIsContendedIsNeverANarrowerOne) {
    auto alone = guest_run(1, 0);
    alone.measurements[1].outcome = Outcome::contended;
    alone.results = score(alone.context, alone.measurements, alone.flags);
    add(alone);
    EXPECT_THAT(shown(), IsEmpty()) << "12 GOP/s of the scalar kernel are no peak";
    EXPECT_FALSE(ask({.precision = "fp32", .backend = "blas", .metrics = {"efficiency"}}));
}

}  // namespace
}  // namespace peakward::session_test
