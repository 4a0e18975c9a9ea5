#include "score/profile.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "golden.hpp"

namespace peakward {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Measurement profiled_gemm(std::int64_t n, double gops, const char* backend,
                          const char* precision = "fp32") {
    Measurement m;
    m.what = {"gemm", precision, {{"m", n}, {"n", n}, {"k", n}}, "cpu", backend, 2};
    m.outcome = Outcome::measured;
    m.gops = gops;
    const double work =
        2.0 * static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n);
    m.statistics.median_s = work / (gops * 1e9);
    m.statistics.ci_low_s = m.statistics.median_s * 0.99;
    m.statistics.ci_high_s = m.statistics.median_s / 0.99;
    m.implementation = "fake loops";
    return m;
}

Run a_run() {
    Run run;
    run.run_id = "0123456789abcdef";
    run.timestamp = "2026-11-21T10:00:00Z";
    run.suite = "quick/3";
    run.context.hardware.cpu.model = Fact<std::string>::known("Intel(R) Xeon(R) @ 2.50GHz", "test");
    run.context.hardware.cpu.architecture = "x86_64";
    run.measurements = {profiled_gemm(512, 100, "blas"), profiled_gemm(1024, 120, "blas"),
                        profiled_gemm(2048, 160, "blas"), profiled_gemm(512, 40, "numpy", "fp64")};
    run.measurements.push_back(profiled_gemm(4096, 300, "blas"));
    run.measurements.back().outcome = Outcome::contended;
    BackendInfo blas;
    blas.backend = "blas";
    blas.versions = {{"openblas", "0.3.21"}};
    run.backends = {blas};
    Score score;
    score.device = "cpu";
    score.backend = "blas";
    score.precision = "fp32";
    score.theoretical_peak.kind = PeakKind::probed;
    score.theoretical_peak.value = 200;
    score.theoretical_peak.formula = "2 cores x 32 op/cycle x 3.1 GHz";
    run.results = {score};
    return run;
}

Profile blas_profile() { return profiles_of(a_run()).front(); }

TEST(Profile, IsOneForEachDeviceAndFramework) {
    const auto profiles = profiles_of(a_run());
    ASSERT_EQ(profiles.size(), 2u);
    EXPECT_EQ(profiles[0].framework, "blas");
    EXPECT_EQ(profiles[0].points.size(), 3u) << "a contended case is no point";
    EXPECT_EQ(profiles[0].points[1].efficiency, 0.6);
    EXPECT_EQ(profiles[0].framework_versions.at("openblas"), "0.3.21");
    EXPECT_EQ(profiles[1].framework, "numpy");
    EXPECT_TRUE(profiles[1].theoretical_peaks.empty());
    EXPECT_FALSE(profiles[1].points[0].efficiency) << "without a peak there is no efficiency";
}

TEST(Profile, IsNamedAfterHardwareDeviceAndFramework) {
    EXPECT_EQ(profile_file_name(blas_profile()), "intel_xeon_2_50ghz_cpu_blas.json");
    Profile gpu = blas_profile();
    gpu.hardware_name = "../NVIDIA H100 (SXM)";
    gpu.device = "cuda:0";
    EXPECT_EQ(profile_file_name(gpu), "nvidia_h100_sxm_cuda_0_blas.json");
}

TEST(Profile, ComesBackFromItsDocument) {
    const Json document = to_json(blas_profile());
    const auto back = profile_from_json(document);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(to_json(*back), document);
    EXPECT_EQ(back->points[0].what, blas_profile().points[0].what);
}

TEST(Profile, IsWrittenAsTheSchemaSays) {
    // tests/tools/profile_schema_test.py holds the golden document against data/schema.
    testing_support::expect_golden(to_json(blas_profile()).dump(1) + "\n",
                                   "score/golden/profile.json");
}

std::string complaint(const std::function<void(Json&)>& spoil) {
    Json document = to_json(blas_profile());
    spoil(document);
    const auto back = profile_from_json(document);
    return back ? "" : back.error().message;
}

TEST(Profile, SaysWhatIsWrongWithADocument) {
    EXPECT_THAT(complaint([](Json& d) { d["schema_version"] = 9; }),
                AllOf(HasSubstr("schema version 9"), HasSubstr("reads 1")));
    EXPECT_THAT(complaint([](Json& d) { d["kind"] = "other"; }),
                HasSubstr("profile.kind is 'other'"));
    EXPECT_THAT(complaint([](Json& d) { d.erase("metadata"); }),
                HasSubstr("profile.metadata is missing"));
    EXPECT_THAT(complaint([](Json& d) { d["metadata"]["threads"] = "two"; }),
                HasSubstr("metadata.threads: has the wrong type"));
    EXPECT_THAT(complaint([](Json& d) {
                    Json& point = d["precision_results"]["fp32"][0];
                    point["measured_gflops"] = point["measured_gops"];
                    point.erase("measured_gops");
                }),
                AllOf(HasSubstr("precision_results.fp32[0].measured_gops is missing"),
                      HasSubstr("there is 'measured_gflops': renamed?")));
    EXPECT_THAT(complaint([](Json& d) { d["precision_results"] = 3; }),
                HasSubstr("precision_results: not an object"));
    EXPECT_THAT(complaint([](Json& d) { d["theoretical_peaks"] = Json::array({1}); }),
                HasSubstr("theoretical_peaks"));
    EXPECT_THAT(complaint([](Json& d) { d = Json::array(); }), HasSubstr("not an object"));
}

TEST(Efficiency, OfAMeasuredSizeIsTheMeasuredOne) {
    const auto found = estimate_efficiency(blas_profile(), "gemm", 1024, "fp32");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->basis, Basis::measured);
    EXPECT_DOUBLE_EQ(found->gops, 120);
    EXPECT_DOUBLE_EQ(*found->efficiency, 0.6);
    EXPECT_NEAR(*found->ci_low, 0.6 * 0.99, 1e-12);
    EXPECT_NEAR(*found->ci_high, 0.6 / 0.99, 1e-12);
}

TEST(Efficiency, BetweenSizesIsLinearInTheLogarithm) {
    // 1448 is 1024 x sqrt 2: half way.
    const auto found = estimate_efficiency(blas_profile(), "gemm", 1448, "fp32");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->basis, Basis::interpolated);
    EXPECT_NEAR(found->gops, 140, 0.02);
    EXPECT_NEAR(found->ci_low_gops, 120 * 0.99, 1e-9) << "as low as the lower neighbour's";
    EXPECT_NEAR(found->ci_high_gops, 160 / 0.99, 1e-9);
    EXPECT_EQ(found->explanation, "between 1024 and 2048");
}

TEST(Efficiency, BeyondTheEndsIsTheEndWithAWiderInterval) {
    const auto above = estimate_efficiency(blas_profile(), "gemm", 4096, "fp32");
    ASSERT_TRUE(above);
    EXPECT_EQ(above->basis, Basis::extrapolated);
    EXPECT_DOUBLE_EQ(above->gops, 160);
    EXPECT_NEAR(above->ci_low_gops, 160 * 0.99 - 40, 1e-9);
    EXPECT_NEAR(above->ci_high_gops, 160 / 0.99 + 40, 1e-9);
    const auto below = estimate_efficiency(blas_profile(), "gemm", 256, "fp32");
    ASSERT_TRUE(below);
    EXPECT_EQ(below->basis, Basis::extrapolated);
    EXPECT_NEAR(below->ci_low_gops, 100 * 0.99 - 20, 1e-9);
}

TEST(Efficiency, RefusesWhatItCannotKnow) {
    const auto why = [](const char* operation, std::int64_t size, const char* precision) {
        const auto found = estimate_efficiency(blas_profile(), operation, size, precision);
        return found ? std::string() : found.error().message;
    };
    EXPECT_THAT(why("gemm", 4097, "fp32"),
                HasSubstr("too far from what was measured (512, 1024, 2048)"));
    EXPECT_THAT(why("gemm", 255, "fp32"), HasSubstr("too far"));
    EXPECT_THAT(why("gemm", 1024, "bf16"), HasSubstr("not measured in bf16; it was in fp32"));
    EXPECT_THAT(why("dot", 1024, "fp32"), HasSubstr("has no measured dot; it has gemm"));
    EXPECT_THAT(why("gem", 1024, "fp32"), HasSubstr("gemm"));
    EXPECT_THAT(why("gemm", 1024, "fp31"), HasSubstr("fp32"));
    Profile one_point = blas_profile();
    one_point.points.resize(1);
    EXPECT_FALSE(estimate_efficiency(one_point, "gemm", 600, "fp32"));
    EXPECT_TRUE(estimate_efficiency(one_point, "gemm", 512, "fp32"));
    Profile flat = blas_profile();
    for (ProfilePoint& point : flat.points) point.what.shape["k"] = std::int64_t{64};
    const auto oblong = estimate_efficiency(flat, "gemm", 512, "fp32");
    ASSERT_FALSE(oblong);
    EXPECT_THAT(oblong.error().message, HasSubstr("unlike axes"));
}

Window kept_window(std::int64_t wall_ns, double iterations, Verdict verdict = Verdict::kept) {
    Window window;
    window.wall_ns = wall_ns;
    window.iterations = iterations;
    window.verdict = verdict;
    return window;
}

TEST(Profile, HasTheSpreadOfTheSamplesThatCount) {
    auto run = a_run();
    Measurement& m = run.measurements[0];
    m.statistics.kept = 3;
    m.statistics.min_s = 2e-3;
    m.windows = {kept_window(4'000'000, 2), kept_window(3'000'000, 1), kept_window(4'000'000, 1),
                 kept_window(90'000'000, 1, Verdict::preempted)};
    const ProfilePoint point = profiles_of(run).front().points.front();
    EXPECT_EQ(point.samples, 3);
    EXPECT_NEAR(*point.mean_s, 3e-3, 1e-12);
    EXPECT_NEAR(*point.deviation_s, 1e-3, 1e-12);
    EXPECT_EQ(point.min_s, 2e-3);
    EXPECT_NEAR(*point.max_s, 4e-3, 1e-12) << "a dropped sample does not count";
    const auto back = profile_from_json(to_json(profiles_of(run).front()));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->points.front().max_s, point.max_s);
    m.flags = {"threads_apart"};
    EXPECT_FALSE(profiles_of(run).front().points.front().mean_s)
        << "a sum of threads that ran apart has no samples of its own";
}

TEST(Profile, SaysWhatBoundsEachOperation) {
    auto run = a_run();
    Measurement gemv = profiled_gemm(512, 10, "blas");
    gemv.what.operation = "gemv";
    gemv.what.shape = {{"m", 4096}, {"n", 4096}};
    run.measurements = {run.measurements[0], gemv};
    EXPECT_EQ(profiles_of(run).front().points[0].bound, "") << "the bandwidth is unknown";
    run.results[0].stream_best_gbps = 20;  // 200 GOPS over 20 GB/s: 10 operations a byte
    const Profile profile = profiles_of(run).front();
    EXPECT_EQ(profile.points[0].bound, "compute");
    EXPECT_NEAR(*profile.points[0].arithmetic_intensity, 512.0 / 6, 1e-9) << "2 n^3 over 12 n^2";
    EXPECT_EQ(profile.points[1].bound, "memory");
    EXPECT_NEAR(*profile.points[1].arithmetic_intensity, 0.5, 0.001);
    EXPECT_EQ(to_json(profile)["precision_results"]["fp32"][0]["bound"], "compute");
}

TEST(Profile, OfAnEarlierVersionIsRead) {
    Json document = to_json(blas_profile());
    for (Json& point : document["precision_results"]["fp32"])
        for (const char* name : {"mean_s", "deviation_s", "min_s", "max_s", "samples",
                                 "arithmetic_intensity", "bound"})
            point.erase(name);
    const auto read = profile_from_json(document);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->points.size(), 3u);
    EXPECT_FALSE(read->points[0].mean_s);
}

// 100 GOPS at 512 by the mean of ten samples, and no median.
Run mean_run() {
    auto run = a_run();
    run.measurements.resize(1);
    Measurement& m = run.measurements[0];
    m.mean_s = m.statistics.median_s;
    m.statistics = {};
    m.statistics.kept = 10;
    m.deviation_s = *m.mean_s / 10;
    return run;
}

TEST(Profile, OfARunThatHasMeansAloneIsOne) {
    const auto profiles = profiles_of(mean_run());
    ASSERT_EQ(profiles.size(), 1u);
    const Json document = to_json(profiles.front());
    EXPECT_TRUE(document["precision_results"]["fp32"][0]["median_s"].is_null());
    const auto back = profile_from_json(document);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(to_json(*back), document);
}

TEST(Efficiency, OfAMeanHasTheIntervalOfItsSamples) {
    const auto found = estimate_efficiency(profiles_of(mean_run()).front(), "gemm", 512, "fp32");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->efficiency, 0.5);
    // Student's t of 9 degrees of freedom: 2.262; the deviation is a tenth of the mean.
    const double half = 2.262 * 0.1 / std::sqrt(10.0);
    EXPECT_NEAR(*found->ci_low, 0.5 / (1 + half), 1e-3);
    EXPECT_NEAR(*found->ci_high, 0.5 / (1 - half), 1e-3);
}

TEST(Efficiency, KnowsOlderNamesAndTheOnlyPrecision) {
    const auto found = estimate_efficiency(blas_profile(), "matmul", 1024, "");
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_DOUBLE_EQ(*found->efficiency, 0.6);
    const Profile numpy = profiles_of(a_run())[1];  // fp64 alone
    EXPECT_EQ(rate_question(numpy, "matmul", "").precision, "fp64");
    EXPECT_EQ(rate_question(numpy, "matmul", "fp32").precision, "fp32");
    EXPECT_EQ(rate_question(numpy, "dot", "").precision, "fp32") << "nothing was measured";
}

}  // namespace
}  // namespace peakward
