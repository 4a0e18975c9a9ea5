#include "import/legacy.hpp"

namespace peakward::older {
namespace {

using testing::Contains;
using testing::DoubleEq;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Optional;
using testing::SizeIs;

ImportedRun read(const Json& profile) {
    auto imported = read_older_profile(profile, 0);
    EXPECT_TRUE(imported) << (imported ? "" : imported.error().message);
    return imported ? *imported : ImportedRun{};
}

std::string refusal(const Json& profile) {
    const auto imported = read_older_profile(profile, 0);
    return imported ? "" : imported.error().message;
}

TEST(OlderProfile, OfTheFirstGenerationHasItsFiguresAndNoFramework) {
    const ImportedRun imported = legacy("profiles_i7_12700k_with_fusion.json");
    EXPECT_EQ(imported.run.suite, "import-summary-4x5/1");
    EXPECT_EQ(imported.run.timestamp, "2025-11-05T20:58:12.327496");
    const Measurement* gemm = find(imported, "gemm", "fp32", square(2048));
    ASSERT_NE(gemm, nullptr);
    EXPECT_EQ(gemm->what.backend, "");
    EXPECT_EQ(gemm->what.device, "cpu");
    EXPECT_EQ(gemm->what.threads, 0);
    EXPECT_EQ(gemm->implementation, "numpy_blas");
    EXPECT_THAT(gemm->gops, Optional(DoubleEq(772.4121861470484)));
    EXPECT_THAT(gemm->mean_s, Optional(testing::DoubleNear(0.02224184119841084, 1e-12)));
    EXPECT_THAT(imported.run.backends, IsEmpty());
    EXPECT_EQ(imported.peaks_gops.at("fp32"), 1280.0);
}

TEST(OlderProfile, WhoseCopyIsCalledAddIsACopy) {
    const ImportedRun imported = legacy("profiles_i7_12700k_with_fusion.json");
    const Measurement* copy = find(imported, "stream_copy", "fp32", {{"elements", 67108864}});
    ASSERT_NE(copy, nullptr);
    EXPECT_THAT(copy->gbps, Optional(DoubleEq(51.96124922939835)));
    EXPECT_FALSE(copy->gops.has_value());
}

TEST(OlderProfile, KeepsFusedChainsAsOperationsOfTheirOwn) {
    const ImportedRun imported = legacy("profiles_i7_12700k_with_fusion.json");
    const Shape shape{{"fusion", "fused"}, {"d0", 512}, {"d1", 1024}, {"d2", 1024}};
    const Measurement* fused = find(imported, "linear_bias_relu", "", shape);
    ASSERT_NE(fused, nullptr);
    EXPECT_THAT(fused->gops, Optional(DoubleEq(447.36475854758424)));
    EXPECT_EQ(fused->statistics.kept, 50);
}

TEST(OlderProfile, NeverInventsStatisticsThatAMeanHasNot) {
    const ImportedRun imported = legacy("25W_nvidia_jetson_orin_nano_gpu_pytorch.json");
    const Measurement* gemm = find(imported, "gemm", "fp16", square(4096));
    ASSERT_NE(gemm, nullptr);
    EXPECT_EQ(gemm->statistics.kept, 10);
    EXPECT_EQ(gemm->statistics.median_s, 0);
    EXPECT_EQ(gemm->statistics.ci_low_s, 0);
    EXPECT_DOUBLE_EQ(gemm->statistics.min_s, 0.017256066000300052);
    EXPECT_THAT(gemm->deviation_s, Optional(testing::DoubleNear(0.0011697797679, 1e-12)));
    EXPECT_THAT(gemm->windows, IsEmpty());
}

TEST(OlderProfile, LeavesUnknownWhatItDoesNotSay) {
    const ImportedRun imported = legacy("profiles_i7_12700k_with_fusion.json");
    const Context& context = imported.run.context;
    for (const auto& fact :
         {context.hardware.cpu.vendor, context.hardware.cpu.microcode,
          context.environment.power_mode, context.environment.cpu_governor,
          context.environment.virtualization, context.software.components.at("os_kernel"),
          context.software.components.at("blas_library")}) {
        EXPECT_FALSE(fact);
        EXPECT_EQ(fact.reason(), not_recorded);
    }
    EXPECT_EQ(context.software.components.at("numpy_version").value_or(""), "2.2.6");
    EXPECT_EQ(imported.run.preflight.verdict, CheckStatus::unknown);
}

TEST(OlderProfile, NeverTakesAnArchitectureForAModel) {
    const Json profile = small_profile();
    const ImportedRun imported = read(profile);
    EXPECT_EQ(imported.run.context.hardware.cpu.architecture, "x86_64");
    EXPECT_EQ(imported.run.context.hardware.cpu.model.value_or(""), "Test CPU 9000");
    const ImportedRun jetson = legacy("25W_nvidia_jetson_orin_nano_cpu_numpy.json");
    EXPECT_EQ(jetson.run.context.hardware.cpu.architecture, "aarch64");
    EXPECT_FALSE(jetson.run.context.hardware.cpu.model);
}

TEST(OlderProfile, ReadsClocksAndPreflight) {
    const ImportedRun imported = legacy("jetson_orin_nano_gpu_7W_306MHz_pytorch.json");
    const peakward::Run& run = imported.run;
    EXPECT_EQ(run.context.environment.power_mode.value_or(""), "7W");
    EXPECT_EQ(run.context.environment.cpu_governor.value_or(""), "schedutil");
    EXPECT_EQ(run.context.environment.thermal_state.value_or(""), "cool");
    EXPECT_EQ(run.context.environment.temperature_c.value_or(0), 46);
    EXPECT_EQ(run.origin->recorded.at("gpu_clock.sm_clock_mhz"), "306");
    EXPECT_EQ(run.preflight.verdict, CheckStatus::pass);
    ASSERT_THAT(run.preflight.checks, SizeIs(6));
    EXPECT_EQ(run.preflight.checks[0].status, CheckStatus::unknown);  // a warning
    EXPECT_THAT(run.preflight.checks[0].evidence, HasSubstr("warning"));
    EXPECT_EQ(run.preflight.checks[1].status, CheckStatus::pass);
}

TEST(OlderProfile, ForcedIsFlagged) {
    Json profile = small_profile();
    profile["metadata"]["preflight"] = {{"passed", false}, {"forced", true}};
    const ImportedRun imported = read(profile);
    EXPECT_THAT(imported.run.flags, Contains("forced"));
    EXPECT_EQ(imported.run.preflight.verdict, CheckStatus::fail);
}

// ---------------------------------------------------------------------------------------------

TEST(OlderProfile, IdentityOfAnOperationIgnoresTheDecorationOfItsKey) {
    Json one = small_profile(), other = small_profile();
    const Json entry = one["operation_profiles"].begin().value();
    one["operation_profiles"] = {
        {"blas3_gemm_best_precision=fp32_framework=numpy_size=1000", entry}};
    other["operation_profiles"] = {{"gemm_best_precision=tf32_size=1000", entry}};
    const auto a = read(one).run.measurements, b = read(other).run.measurements;
    ASSERT_THAT(a, SizeIs(1));
    ASSERT_THAT(b, SizeIs(1));
    EXPECT_EQ(a[0].what, b[0].what);
}

TEST(OlderProfile, WithoutAnOperationTypeIsReadByTheHeadOfTheKey) {
    Json profile = small_profile();
    Json entry = profile["operation_profiles"].begin().value();
    entry.erase("operation_type");
    profile["operation_profiles"] = {{"blas3_gemm_best_precision=fp32_size=1000", entry}};
    EXPECT_EQ(read(profile).run.measurements.at(0).what.operation, "gemm");
}

TEST(OlderProfile, BothSpellingsOfARateAreRead) {
    Json profile = small_profile();
    Json& result = only_result(profile);
    result.erase("measured_gops");
    result["measured_gflops"] = 200.0;
    EXPECT_THAT(read(profile).run.measurements.at(0).gops, Optional(DoubleEq(200.0)));
}

TEST(OlderProfile, TimeoutsAndSkipsAreNotUnsupported) {
    const ImportedRun imported = legacy("i7_12700k_performance_1531MHz_numpy.json");
    const Measurement* timed_out = find(imported, "gemm", "int8", square(1024));
    ASSERT_NE(timed_out, nullptr);
    EXPECT_EQ(timed_out->outcome, Outcome::timed_out);
    EXPECT_THAT(timed_out->reason, HasSubstr("Timeout"));
    for (const Measurement& m : imported.run.measurements)
        if (m.outcome == Outcome::unsupported) {
            EXPECT_THAT(m.reason, HasSubstr("not support"));
        }
    const ImportedRun jetson = legacy("25W_nvidia_jetson_orin_nano_cpu_numpy.json");
    ASSERT_THAT(jetson.run.skipped, SizeIs(15));
    EXPECT_THAT(jetson.run.skipped.front().reason, HasSubstr("not measured: Skipped"));
    EXPECT_EQ(find(jetson, "gemm", "fp64", square(1024)), nullptr);
    EXPECT_NE(find(jetson, "gemm", "fp64", square(256)), nullptr);
}

TEST(OlderProfile, ASkipThatMentionsATimeoutIsASkip) {
    Json profile = small_profile();
    only_result(profile) = {
        {"supported", false},
        {"failure_reason", "Skipped (poor performance at size 1K: Timeout (>5s))"}};
    const ImportedRun imported = read(profile);
    EXPECT_THAT(imported.run.measurements, IsEmpty());
    EXPECT_THAT(imported.run.skipped, SizeIs(1));
}

TEST(OlderProfile, AFailureOfTheRuntimeIsNoLackOfSupport) {
    Json profile = small_profile();
    Json& result = only_result(profile);
    result["supported"] = false;
    result["failure_reason"] = "RuntimeError: \"addmm_cuda\" not implemented for 'Char'";
    EXPECT_EQ(read(profile).run.measurements.at(0).outcome, Outcome::unsupported);
    result["failure_reason"] = "CUDA error: out of memory";
    EXPECT_EQ(read(profile).run.measurements.at(0).outcome, Outcome::failed);
}

TEST(OlderProfile, Tf32OnACpuIsNotTakenForTf32) {
    Json profile = small_profile();
    Json& results = profile["operation_profiles"].begin().value()["precision_results"];
    results["tf32"] = results["fp32"];
    const ImportedRun imported = read(profile);
    const Measurement* tf32 = find(imported, "gemm", "tf32", square(1000));
    ASSERT_NE(tf32, nullptr);
    EXPECT_EQ(tf32->outcome, Outcome::invalid);
    EXPECT_EQ(find(imported, "gemm", "fp32", square(1000))->outcome, Outcome::measured);
}

// ---------------------------------------------------------------------------------------------

TEST(OlderProfile, AJetsonWithAnX86CpuIsDoubted) {
    Json profile = small_profile();
    profile["metadata"]["hardware_name"] = "NVIDIA-Jetson-Orin-Nano-GPU";
    const ImportedRun imported = read(profile);
    ASSERT_THAT(doubt_flags(imported), Contains("platform_mismatch"));
    EXPECT_THAT(imported.doubts.front().reason, HasSubstr("x86_64"));
    EXPECT_THAT(doubt_flags(legacy("25W_nvidia_jetson_orin_nano_gpu_pytorch.json")), IsEmpty());
}

TEST(OlderProfile, AnEfficiencyAbove102PercentIsDoubted) {
    const ImportedRun imported = legacy("jetson_orin_nano_gpu_7W_306MHz_pytorch.json");
    ASSERT_THAT(doubt_flags(imported), Contains("above_theoretical"));
    EXPECT_THAT(imported.doubts.front().reason, HasSubstr("158.1 %"));
    Json profile = small_profile();
    profile["theoretical_peak_gflops"] = 200.0 / 1.03;  // by its own figures, stated or not
    EXPECT_THAT(doubt_flags(read(profile)), Contains("above_theoretical"));
    profile["theoretical_peak_gflops"] = 200.0 / 1.01;
    EXPECT_THAT(doubt_flags(read(profile)), IsEmpty());
    only_result(profile)["efficiency"] = 1.021;
    EXPECT_THAT(doubt_flags(read(profile)), Contains("above_theoretical"));
}

TEST(OlderProfile, WithoutOperationsIsDoubted) {
    Json profile = small_profile();
    profile["operation_profiles"] = Json::object();
    EXPECT_THAT(doubt_flags(read(profile)), Contains("no_operations"));
    profile.erase("operation_profiles");
    EXPECT_THAT(doubt_flags(read(profile)), Contains("no_operations"));
}

TEST(OlderProfile, AGpuThatNumPyMeasuredWasACpu) {
    Json profile = small_profile();
    profile["metadata"]["device_type"] = "cuda";
    profile["operation_profiles"].begin().value()["extra_params"].erase("device");
    const ImportedRun imported = read(profile);
    EXPECT_THAT(doubt_flags(imported), Contains("device_fallback"));
    EXPECT_EQ(imported.run.measurements.at(0).what.device, "cpu");
}

TEST(OlderProfile, FiguresThatCannotBeAreNoMeasurements) {
    for (const double gops : {-200.0, 1e12, 0.0}) {
        Json profile = small_profile();
        only_result(profile)["measured_gops"] = gops;
        const ImportedRun imported = read(profile);
        EXPECT_EQ(imported.run.measurements.at(0).outcome, Outcome::invalid) << gops;
        EXPECT_FALSE(imported.run.measurements.at(0).gops.has_value());
        EXPECT_THAT(doubt_flags(imported), Contains("figure_impossible"));
    }
    Json profile = small_profile();
    only_result(profile)["mean_latency_ms"] = -1;
    EXPECT_EQ(read(profile).run.measurements.at(0).outcome, Outcome::invalid);
}

TEST(OlderProfile, ARateThatItsTimeContradictsIsDoubted) {
    Json profile = small_profile();
    only_result(profile)["mean_latency_ms"] = 10000.0;  // microseconds in a field of milliseconds
    EXPECT_THAT(doubt_flags(read(profile)), Contains("rate_disagrees"));
    for (const auto& file : legacy_files())
        EXPECT_THAT(doubt_flags(legacy(file.filename().string())), Not(Contains("rate_disagrees")));
}

TEST(OlderProfile, WrongTypesAreRefusedByTheNameOfTheField) {
    Json profile = small_profile();
    only_result(profile)["measured_gops"] = "fast";
    EXPECT_THAT(refusal(profile), HasSubstr("precision_results.fp32.measured_gops is a text"));
    profile = small_profile();
    profile["metadata"] = Json::array();
    EXPECT_THAT(refusal(profile), HasSubstr("metadata is a list and not an object"));
    profile = small_profile();
    profile["metadata"]["cpu_count"] = 7.5;
    EXPECT_THAT(refusal(profile), HasSubstr("metadata.cpu_count is 7.5 and not a whole number"));
    profile = small_profile();
    profile["operation_profiles"] = {{"x", 1}};
    EXPECT_THAT(refusal(profile), HasSubstr("operation_profiles.x"));
    profile = small_profile();
    profile["metadata"].erase("calibration_date");
    EXPECT_THAT(refusal(profile), HasSubstr("calibration_date is missing"));
}

TEST(OlderProfile, AnExtentThatNoArrayHasIsNoneAndNotANegativeOne) {
    Json profile = Json::parse(legacy_text("profiles_i7_12700k_with_fusion.json"));
    for (Json& fusion : profile["fusion_profiles"])
        fusion["input_shape"] = {std::numeric_limits<std::uint64_t>::max(), 64};
    const auto imported = read_text(profile.dump());
    ASSERT_TRUE(imported) << imported.error().message;
    int seen = 0;
    for (const Measurement& m : imported->run.measurements) {
        if (!m.what.shape.contains("fusion")) continue;
        EXPECT_FALSE(m.what.shape.contains("d0")) << m.what.operation;
        EXPECT_EQ(m.what.shape.at("d1"), AxisValue(std::int64_t{64})) << m.what.operation;
        ++seen;
    }
    EXPECT_GT(seen, 0);
}

TEST(OlderProfile, OfEveryGenerationIsReadWhole) {
    const auto files = legacy_files();
    ASSERT_THAT(files, SizeIs(9));
    for (const auto& file : files) {
        const ImportedRun imported = legacy(file.filename().string());
        EXPECT_THAT(imported.run.measurements, Not(IsEmpty())) << file;
        EXPECT_FALSE(imported.machine.empty()) << file;
        for (const Measurement& m : imported.run.measurements) {
            EXPECT_EQ(m.outcome == Outcome::measured, m.reason.empty()) << file;
            if (m.outcome == Outcome::measured) {
                EXPECT_TRUE(m.gops || m.gbps) << file << " " << to_string(m.what.shape);
            }
        }
    }
}

}  // namespace
}  // namespace peakward::older
