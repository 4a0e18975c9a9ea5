#include <gtest/gtest.h>

#include <limits>

#include "core/records_json.hpp"

namespace peakward {
namespace {

Run a_run() {
    Run run;
    run.run_id = "11111111-2222-4333-8444-555555555555";
    run.timestamp = "2026-11-20T14:30:00Z";
    run.timestamp_unix = 1795271400;
    run.suite = "quick/1";
    run.context.hardware.cpu.model = Fact<std::string>::known("i7-12700K", "/proc/cpuinfo");
    run.context.hardware.memory.total_gb = Fact<double>::known(32, "MemTotal");
    run.context.hardware.gpus.emplace_back();
    run.context.software.components["numpy_version"] = Fact<std::string>::unknown("not installed");
    run.context.environment.cpus_allowed = {0, 1};
    run.preflight.checks.push_back(
        {"cpu_governor", "CPU governor", CheckStatus::fail, "powersave", "cpupower"});
    Measurement m;
    m.what = {"gemm", "fp32", {{"m", std::int64_t{64}}, {"store", std::string("temporal")}},
              "cpu",  "blas", 2};
    m.outcome = Outcome::measured;
    m.gops = 107.4;
    m.statistics.kept = 12;
    m.statistics.exit = Exit::noisy_stable;
    m.windows = {{0, 1000, 2.5, 3.1e9, Verdict::kept}, {1000, 900, 1, 0, Verdict::throttled}};
    run.measurements.push_back(m);
    Score score;
    score.backend = "blas";
    score.theoretical_peak.reason = "no probe";
    score.efficiency = 0.83;
    run.results.push_back(score);
    run.skipped.push_back({m.what, "not measured (slow)"});
    run.supersedes = "99999999-2222-4333-8444-555555555555";
    return run;
}

TEST(RunJson, ComesBackAsItWas) {
    const Json json = to_json(a_run());
    const auto back = run_from_json(json);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(to_json(*back), json);
    EXPECT_EQ(content_hash(to_json(*back)), content_hash(json));
    EXPECT_EQ(back->context.hardware.cpu.model.source(), "/proc/cpuinfo");
    EXPECT_EQ(back->measurements[0].windows[1].verdict, Verdict::throttled);
    EXPECT_EQ(back->measurements[0].what, a_run().measurements[0].what);
}

TEST(RunJson, AMeasurementSaysByWhichDefinitionItWasMade) {
    auto run = a_run();
    EXPECT_FALSE(to_json(run).at("measurements").at(0).contains("definition_version"))
        << "documents of earlier releases do not have it, and their hashes must stay";
    run.measurements[0].definition_version = 2;
    const Json json = to_json(run);
    EXPECT_EQ(json.at("measurements").at(0).at("definition_version").get<int>(), 2);
    const auto back = run_from_json(json);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->measurements[0].definition_version, 2);
}

// Documents of earlier releases have no such fields, and their hashes must stay.
TEST(RunJson, HasWhatADeviceSaidOfItselfOnlyWhereItDid) {
    auto run = a_run();
    Json m = to_json(run).at("measurements").at(0);
    for (const char* name :
         {"clock_nominal_hz", "gops_at_nominal_clock", "temperature_c", "power_w"})
        EXPECT_FALSE(m.contains(name)) << name;
    run.measurements[0].clock_nominal_hz = 1.98e9;
    run.measurements[0].gops_at_nominal_clock = 7e5;
    run.measurements[0].temperature_c = 63;
    run.measurements[0].power_w = 512.5;
    const auto back = run_from_json(to_json(run));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(to_json(*back), to_json(run));
    EXPECT_EQ(back->measurements[0].gops_at_nominal_clock, 7e5);
    EXPECT_EQ(back->measurements[0].power_w, 512.5);
}

TEST(RunJson, HasTheNamesOthersRelyOn) {
    const Json json = to_json(a_run(), WithWindows::no);
    EXPECT_EQ(json.at("context").at("hardware").at("memory_total_gb"), 32.0);
    EXPECT_EQ(json.at("context").at("hardware").at("cpu").at("vendor").at("unknown"),
              "not looked for");
    EXPECT_EQ(json.at("context").at("software").at("components").at("numpy_version").at("unknown"),
              "not installed");
    const Json& m = json.at("measurements").at(0);
    for (const char* name :
         {"operation", "precision", "shape", "device", "backend", "threads", "outcome", "reason",
          "gops", "gbps", "median_s", "ci_low_s", "ci_high_s", "samples", "exit", "implementation"})
        EXPECT_TRUE(m.contains(name)) << name;
    EXPECT_FALSE(m.contains("windows"));
    const Json& r = json.at("results").at(0);
    for (const char* name :
         {"device", "backend", "precision", "stream_best_gbps", "blas3_gops", "peak_measured_gops",
          "theoretical_peak_gops", "theoretical_peak_source", "efficiency", "flags"})
        EXPECT_TRUE(r.contains(name)) << name;
    EXPECT_EQ(r.at("theoretical_peak_gops"), (Json{{"unknown", "no probe"}}));
}

TEST(RunJson, HasEnergyAndNotesOnlyWhereThereAreAny) {
    peakward::Run run = a_run();
    run.backends.emplace_back().backend = "numpy";
    const Json without = to_json(run);
    EXPECT_FALSE(without.at("measurements").at(0).contains("energy"));
    EXPECT_FALSE(without.at("backends").at(0).contains("notes"));
    Energy& energy = run.measurements[0].energy.emplace();
    energy.inference_j = 0.25;
    energy.domain = "package-0";
    run.backends[0].notes = {"built without CUDA"};
    const Json with = to_json(run);
    EXPECT_EQ(with.at("measurements").at(0).at("energy").at("inference_j"), 0.25);
    const auto back = run_from_json(with);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(to_json(*back), with);
}

TEST(DeviceWords, NameTheModelWhereThereIsNoDoubt) {
    Hardware hardware;
    EXPECT_EQ(device_words(hardware, "cpu"), "CPU");
    EXPECT_EQ(device_words(hardware, "cuda:0"), "GPU");
    hardware.cpu.model = Fact<std::string>::known("i7-12700K", "test");
    hardware.gpus.resize(2);
    hardware.gpus[0].model = hardware.gpus[1].model = Fact<std::string>::known("L4", "test");
    EXPECT_EQ(device_words(hardware, "cpu"), "CPU (i7-12700K)");
    EXPECT_EQ(device_words(hardware, "cuda:1"), "GPU (L4)");
    hardware.gpus[1].model = Fact<std::string>::known("T4", "test");
    EXPECT_EQ(device_words(hardware, "cuda:0"), "GPU") << "which of the two is not known";
}

TEST(RunJson, NamesTheFieldThatIsWrong) {
    Json json = to_json(a_run());
    json["measurements"][0]["threads"] = "two";
    auto result = run_from_json(json);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message, "run.measurements[0].threads: has the wrong type (string)");
    json["measurements"][0]["threads"] = 2;
    json["measurements"][0]["outcome"] = "splendid";
    result = run_from_json(json);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message, "run.measurements[0].outcome: unknown word 'splendid'");
}

TEST(RunJson, RefusesNumbersThatAFieldCannotHold) {
    const auto message_of = [](const Json& threads) {
        Json json = to_json(a_run());
        json["measurements"][0]["threads"] = threads;
        const auto result = run_from_json(json);
        return result ? "" : result.error().message;
    };
    EXPECT_EQ(message_of(8), "");
    EXPECT_EQ(message_of(8.0), "");
    EXPECT_EQ(message_of(1e300),
              "run.measurements[0].threads: 1e+300 is no whole number that fits there");
    for (const Json& value : {Json(0.5), Json(5'000'000'000), Json(-5'000'000'000),
                              Json(std::numeric_limits<std::uint64_t>::max()), Json(-1e18)})
        EXPECT_NE(message_of(value), "") << value;
    EXPECT_EQ(message_of(true), "run.measurements[0].threads: has the wrong type (boolean)");
    Json json = to_json(a_run());
    json["context"]["hardware"]["cpu"]["cores_physical"] = 1e300;
    EXPECT_FALSE(run_from_json(json)) << "a fact";
    json = to_json(a_run());
    json["schema_version"] = 1e300;
    EXPECT_FALSE(run_from_json(json)) << "what the fuzzer found";
}

TEST(RunJson, KeepsEveryVerdictThereIs) {
    Measurement m;
    for (int v = 0; v <= static_cast<int>(verdict_last); ++v)
        m.windows.push_back({1000 * v, 900, 1, 0, Verdict{v}});
    const auto back = measurement_from_json(to_json(m));
    ASSERT_TRUE(back) << back.error().message;
    for (int v = 0; v <= static_cast<int>(verdict_last); ++v) {
        EXPECT_EQ(back->windows[static_cast<std::size_t>(v)].verdict, Verdict{v});
        EXPECT_NE(to_string(Verdict{v}), "?");
    }
}

TEST(CaseKey, IsCanonicalAndToldApartByEveryPart) {
    Case what{"gemm", "fp32", {{"m", std::int64_t{64}}}, "cpu", "blas", 2};
    EXPECT_EQ(
        case_key(what),
        R"({"backend":"blas","device":"cpu","operation":"gemm","precision":"fp32","shape":{"m":64},"threads":2})");
    Case other = what;
    other.threads = 1;
    EXPECT_NE(case_key(other), case_key(what));
}

TEST(ShapeJson, RefusesFractions) {
    EXPECT_FALSE(shape_from_json(Json{{"m", 1.5}}));
    EXPECT_FALSE(shape_from_json(Json::array()));
    EXPECT_FALSE(shape_from_json(Json{{"m", std::numeric_limits<std::uint64_t>::max()}}));
}

}  // namespace
}  // namespace peakward
