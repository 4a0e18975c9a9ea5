#include <cmath>

#include "catalog/catalog.hpp"
#include "core/records_json.hpp"
#include "core/text.hpp"
#include "session/fixture.hpp"
#include "session/profile.hpp"

namespace peakward::session_test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class Calibrate : public SessionTest {};

TEST_F(Calibrate, DetectsChecksMeasuresScoresAndStores) {
    add_worker("fake");
    const auto reply = calibrate();
    ASSERT_TRUE(reply) << reply.error().message;
    ASSERT_GE(diary_.events.size(), 5u);
    EXPECT_EQ(std::vector(diary_.events.begin(), diary_.events.begin() + 3),
              (std::vector<std::string>{"detect", "preflight", "measure"}));
    EXPECT_EQ(diary_.events[3], "case fake gemm fp32");
    EXPECT_EQ(diary_.events.back(), "finished");

    const peakward::Run& run = reply->run;
    EXPECT_THAT(run.context.hardware.fingerprint, SizeIs(16));
    EXPECT_FALSE(run.preflight.checks.empty());
    EXPECT_EQ(run.preflight.verdict, CheckStatus::pass);
    EXPECT_EQ(run.suite.substr(0, 6), "quick/");
    EXPECT_EQ(run.seed, 7u);
    ASSERT_THAT(run.measurements, Not(IsEmpty()));
    for (const Measurement& m : run.measurements)
        EXPECT_EQ(m.definition_version,
                  catalog::find_operation(m.what.operation)->definition_version);
    ASSERT_THAT(run.results, SizeIs(1));
    EXPECT_NEAR(run.results[0].blas3_gops.value_or(0), 100, 0.1);
    EXPECT_EQ(reply->store_location, database());
    ASSERT_THAT(stored(), SizeIs(1));
    EXPECT_EQ(canonical_json(to_json(latest(), WithWindows::yes)),
              canonical_json(to_json(run, WithWindows::yes)))
        << "what was stored is what was shown";
}

TEST_F(Calibrate, KeepsNothingWhenAskedNotTo) {
    add_worker("fake");
    request_.keep = false;
    const auto reply = calibrate();
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->store_location, "");
    EXPECT_FALSE(std::filesystem::exists(database()));
}

TEST_F(Calibrate, RefusesAnUnfitMachineBeforeAnyWorkerStarts) {
    add_worker("fake");
    request_.backends = {};  // one that is named is asked whether it is there
    busy_machine();
    const auto reply = calibrate();
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().kind, ErrorKind::refused);
    EXPECT_THAT(reply.error().message, AllOf(HasSubstr("CPU pressure"), HasSubstr("90.0 %"),
                                             HasSubstr("mend it with"), HasSubstr("--force")));
    EXPECT_THAT(launcher_.spawned, IsEmpty());
    EXPECT_THAT(stored(), IsEmpty());
}

TEST_F(Calibrate, WhatIsMissingIsToldBeforeABusyMachineIs) {
    add_worker("fake");
    busy_machine();
    request_.devices = {"cuda:0"};
    const auto reply = calibrate();
    ASSERT_FALSE(reply);
    EXPECT_THAT(reply.error().message, HasSubstr("cuda:0"));
    EXPECT_THAT(reply.error().message, Not(HasSubstr("CPU pressure")));
}

// Whoever disturbs the machine goes after some time.
class ClockOfACalmingMachine final : public Clock {
public:
    ClockOfACalmingMachine(fakes::FakeClock& clock, Seconds calm_at, std::function<void()> calm)
        : clock_(clock), calm_at_(calm_at), calm_(std::move(calm)) {}
    Nanoseconds monotonic() override { return clock_.monotonic(); }
    std::chrono::system_clock::time_point wall_now() override { return clock_.wall_now(); }
    void sleep_for(Nanoseconds duration) override {
        clock_.sleep_for(duration);
        if (clock_.now >= calm_at_) calm_();
    }

private:
    fakes::FakeClock& clock_;
    Seconds calm_at_;
    std::function<void()> calm_;
};

TEST_F(Calibrate, MeasuresAsSoonAsAMachineItWaitsForIsCalm) {
    add_worker("fake");
    busy_machine();
    request_.wait_s = 600;
    ClockOfACalmingMachine clock(clock_, Seconds(20), [&] {
        root_.file("/proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n");
    });
    const auto reply =
        peakward::calibrate({root_, launcher_, clock}, request_, diary_, fakes::StopAfter());
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_THAT(reply->run.flags, IsEmpty());
    EXPECT_EQ(reply->run.preflight.verdict, CheckStatus::pass);
    EXPECT_LT(Seconds(clock_.now).count(), 60);
}

TEST_F(Calibrate, WaitsForACalmMachineWhereItIsAskedTo) {
    add_worker("fake");
    busy_machine();
    request_.wait_s = 60;
    const Nanoseconds begin = clock_.now;
    const auto reply = calibrate();
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().kind, ErrorKind::refused);
    EXPECT_GE(Seconds(clock_.now - begin).count(), 60);
    EXPECT_LT(Seconds(clock_.now - begin).count(), 70);
    EXPECT_THAT(diary_.notes, Contains(HasSubstr("waiting up to 60 s")));
    // Ctrl-C ends the waiting.
    const auto stopped = calibrate(fakes::StopAfter(50));
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().kind, ErrorKind::interrupted);
}

TEST_F(Calibrate, ANamedInstallIsRecorded) {
    add_worker("fake");
    request_.install = "ci-runner-3";
    EXPECT_EQ(calibrated().context.install, "ci-runner-3");
    const auto from_option = install_name("rack-7.a");
    ASSERT_TRUE(from_option);
    EXPECT_EQ(*from_option, "rack-7.a");
    for (const char* bad : {"two words", "imported-0123", "a/b"})
        EXPECT_FALSE(install_name(bad)) << bad;
    ::setenv("PEAKWARD_INSTALL", "from-the-environment", 1);
    const auto from_variable = install_name("");
    const auto option_first = install_name("option");
    ::unsetenv("PEAKWARD_INSTALL");
    EXPECT_EQ(from_variable.value_or(""), "from-the-environment");
    EXPECT_EQ(option_first.value_or(""), "option");
}

TEST_F(Calibrate, MeasuresAnUnfitMachineByForceAndFlagsTheRun) {
    add_worker("fake");
    busy_machine();
    request_.force = true;
    const peakward::Run run = calibrated();
    EXPECT_THAT(run.flags, ElementsAre("forced"));
    EXPECT_EQ(run.preflight.verdict, CheckStatus::fail);
    ASSERT_THAT(run.results, Not(IsEmpty()));
    for (const Score& score : run.results) EXPECT_THAT(score.flags, Contains("forced"));
    EXPECT_THAT(latest().flags, ElementsAre("forced"));
    ASSERT_THAT(stored(), SizeIs(1));
    EXPECT_THAT(stored()[0].flags, Contains("forced"));
}

// At moments all over its way at which the program looks whether the user wants to stop. Once the
// run is measured a file keeps it.
TEST_F(Calibrate, AnInterruptedRunLeavesNothingOrAllOfIt) {
    fakes::Backend& fake = add_worker("fake");
    fake.operations = {"gemm"};
    calibrated();  // makes the database
    constexpr int looks_max = 1'000'000;
    int looks = 0, kept = 0;
    for (; looks < looks_max; looks += 1 + looks / 8) {
        const auto reply = calibrate(fakes::StopAfter(looks));
        EXPECT_EQ(launcher_.living, 0) << "a worker outlived the interruption";
        if (reply && !reply->not_stored) break;
        ASSERT_THAT(stored(), SizeIs(1)) << "interrupted at look " << looks;
        const Error error = reply ? *reply->not_stored : reply.error();
        EXPECT_EQ(error.kind, ErrorKind::interrupted) << error.message;
        if (!reply) continue;
        ++kept;
        EXPECT_THAT(error.message, HasSubstr("is kept in " + reply->kept_in));
        EXPECT_TRUE(std::filesystem::exists(reply->kept_in));
    }
    EXPECT_GT(looks, 3);
    EXPECT_LT(looks, looks_max) << "the run never ended";
    EXPECT_GT(kept, 0);
    EXPECT_THAT(stored(), SizeIs(2));
}

TEST_F(Calibrate, AnInterruptionAfterTheLastCaseStillStoresNothing) {
    add_worker("fake");
    const StopWhenFinished stop(diary_);
    const auto reply = calibrate(stop);
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().message, "interrupted: nothing was stored");
    EXPECT_THAT(stored(), IsEmpty());
}

TEST_F(Calibrate, ChecksTheRequestBeforeItTouchesAnything) {
    add_worker("fake");
    const auto refuses = [&](auto change, const char* word) {
        const CalibrateRequest before = request_;
        change(request_);
        const auto reply = calibrate();
        request_ = before;
        ASSERT_FALSE(reply) << word;
        EXPECT_EQ(reply.error().kind, ErrorKind::usage) << reply.error().message;
        EXPECT_THAT(reply.error().message, HasSubstr(word));
        EXPECT_THAT(diary_.events, IsEmpty());
        EXPECT_FALSE(std::filesystem::exists(database()));
    };
    refuses([](auto& r) { r.operations = {"gemmm"}; }, "gemm");
    refuses([](auto& r) { r.precisions = {"fp33"}; }, "fp32");
    refuses([](auto& r) { r.layers = {"model"}; }, "models");
    refuses([](auto& r) { r.suite = "brief"; }, "brief");
    refuses([](auto& r) { r.backends = {"nobody"}; }, "nobody");
    refuses([](auto& r) { r.python = "/nope/python3"; }, "--python /nope/python3");
    refuses([](auto& r) { r.blas_library = "/nope/libblas.so"; }, "--blas-library");
    refuses([](auto& r) { r.threads = -1; }, "--threads");
    refuses([](auto& r) { r.budget_s = -1; }, "--budget");
}

TEST_F(Calibrate, AStoreThatCannotBeUsedCostsNoMeasuringTime) {
    add_worker("fake");
    std::ofstream(database()) << "this is a letter, not a database, and it is longer than a page";
    const auto reply = calibrate();
    ASSERT_FALSE(reply);
    EXPECT_THAT(reply.error().message, HasSubstr(database()));
    EXPECT_THAT(launcher_.spawned, IsEmpty());
}

TEST_F(Calibrate, ADeviceThatNoWorkerHasIsRefusedWithTheReasonOfEach) {
    fakes::Backend& fake = add_worker("fake");
    fake.notes = {"CUDA cannot be used: no driver is loaded"};
    add_worker("other").operations = {"dot"};
    request_.backends = {"fake", "other"};
    request_.devices = {"cuda:0"};
    const auto reply = calibrate();
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().kind, ErrorKind::refused);
    EXPECT_THAT(reply.error().message,
                AllOf(HasSubstr("cuda:0"),
                      HasSubstr("fake runs on cpu only: CUDA cannot be used: no driver is loaded"),
                      HasSubstr("other runs on cpu only")));
    EXPECT_THAT(stored(), IsEmpty());
}

TEST_F(Calibrate, AWorkerThatCannotBeStartedSaysWhyInTheRefusal) {
    request_.backends = {};
    request_.devices = {"cuda:0"};
    const auto reply = calibrate();
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().kind, ErrorKind::refused);
    EXPECT_THAT(reply.error().message,
                AllOf(HasSubstr("pytorch: "), HasSubstr((folder_ / "workers").string())));
}

class Fallback : public SessionTest {
protected:
    // It says that it has a GPU, and computes on the CPU.
    void SetUp() override {
        SessionTest::SetUp();
        fakes::Backend& fake = add_worker("fake");
        fake.devices = {"cpu", "cuda:0"};
        fake.alter_prepared = [](Json& reply) { reply["device"] = "cpu"; };
        request_.devices = {"cuda:0"};
    }
};

TEST_F(Fallback, EndsTheRunAndStoresNothing) {
    const auto reply = calibrate();
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().kind, ErrorKind::refused);
    EXPECT_THAT(
        reply.error().message,
        AllOf(HasSubstr("fake gemm fp32"), HasSubstr("asked for cuda:0, the output lives on cpu"),
              HasSubstr("Nothing was stored"), HasSubstr("--allow-fallback")));
    EXPECT_THAT(stored(), IsEmpty());
    EXPECT_EQ(launcher_.living, 0);
}

TEST_F(Fallback, IsStoredUnderTheDeviceThatWorkedWhereAllowed) {
    request_.allow_fallback = true;
    calibrated();
    const peakward::Run run = latest();
    EXPECT_THAT(run.flags, ElementsAre("device_fallback"));
    ASSERT_THAT(run.measurements, Not(IsEmpty()));
    for (const Measurement& m : run.measurements) {
        EXPECT_EQ(m.what.device, "cpu");
        EXPECT_EQ(m.device_used, "cpu");
        EXPECT_THAT(m.flags, Contains("device_fallback"));
    }
    ASSERT_THAT(run.results, SizeIs(1));
    EXPECT_EQ(run.results[0].device, "cpu");
    EXPECT_THAT(run.results[0].flags, Contains("device_fallback"));
}

TEST_F(Calibrate, ARunWithoutAFallbackHasNoSuchFlag) {
    add_worker("fake");
    request_.allow_fallback = true;
    EXPECT_THAT(calibrated().flags, IsEmpty());
}

// A kernel of 32 GOPS beside a product of 100: the peak is in doubt, and stays so in the store.
TEST_F(Calibrate, ADoubtfulResultKeepsItsFlag) {
    fakes::Backend& native = add_worker("native");
    native.operations = {"compute_peak"};
    native.precisions = {"fp64"};
    native.isa = {"avx2"};
    native.clock_hz = 1e9;  // 2 threads x 16 op/cycle x 1 GHz
    native.seconds = [](const Json&) { return catalog::peak_operations_per_iteration / 32e9; };
    add_worker("fake");
    request_.backends = {"native", "fake"};
    request_.operations = {"compute_peak", "gemm"};
    request_.precisions = {"fp64"};
    calibrated();
    const peakward::Run run = latest();
    ASSERT_THAT(run.results, SizeIs(2));
    const Score& fake = run.results[0];
    EXPECT_EQ(fake.backend, "fake");
    EXPECT_NEAR(fake.theoretical_peak.value, 32, 0.1);
    EXPECT_NEAR(fake.efficiency.value_or(0), 100 / 32.0, 0.01) << "shown, never clamped";
    EXPECT_THAT(fake.flags, Contains("above_theoretical"));
    EXPECT_TRUE(fake.theoretical_peak.doubtful);
    EXPECT_THAT(run.results[1].flags, Not(Contains("above_theoretical")));
}

// A framework alone has no peak; the native probes that make one run beside it.
class PeakEvidence : public SessionTest {
protected:
    void SetUp() override {
        SessionTest::SetUp();
        add_worker("fake");
        native_ = &add_worker("native");
        native_->operations = {"clock_probe", "compute_peak", "stream_copy"};
        native_->precisions = {"fp64", "fp32"};
        native_->isa = {"scalar", "avx2"};
        native_->clock_hz = 2e9;  // fp32: 2 threads x 32 op/cycle x 2 GHz = 128 GOPS
        native_->seconds = [](const Json&) {
            return catalog::peak_operations_per_iteration / 128e9;
        };
        native_->why_not = [](const Case& what) {
            return axis_word(what.shape, "isa") == "avx2" ? "" : "not on this machine";
        };
    }
    fakes::Backend* native_ = nullptr;
};

TEST_F(PeakEvidence, GivesAFrameworkAloneItsEfficiency) {
    calibrated();
    const peakward::Run run = latest();
    ASSERT_THAT(run.results, SizeIs(1)) << "nobody asked for a row of native";
    EXPECT_EQ(run.results[0].backend, "fake");
    EXPECT_EQ(run.results[0].theoretical_peak.kind, PeakKind::probed);
    EXPECT_NEAR(run.results[0].theoretical_peak.value, 128, 0.1);
    EXPECT_NEAR(run.results[0].efficiency.value_or(0), 100 / 128.0, 0.01);
    EXPECT_THAT(run.results[0].flags, IsEmpty());
    for (const PrecisionCell& cell : run.precision_matrix) EXPECT_EQ(cell.backend, "fake");
}

TEST_F(PeakEvidence, StandsInTheRunAndSaysWhatItIs) {
    const peakward::Run run = calibrated();
    int probes = 0;
    for (const Measurement& m : run.measurements) {
        if (m.what.backend != "native") continue;
        EXPECT_THAT(m.flags, ElementsAre("peak_evidence"));
        if (m.what.operation == "compute_peak") {
            EXPECT_EQ(m.what.precision, "fp32") << "a precision nobody asked for";
            ++probes;
        }
        EXPECT_NE(m.what.operation, "stream_copy");
    }
    EXPECT_EQ(probes, 1);
    ASSERT_THAT(run.backends, SizeIs(2));
    EXPECT_EQ(run.backends[1].backend, "native") << "whose figures these are stays known";
    EXPECT_THAT(diary_.notes, Contains("native is probed beside it, for the peak of fp32"));
    const auto first_gemm =
        std::find(diary_.events.begin(), diary_.events.end(), "case fake gemm fp32");
    const auto probe =
        std::find(diary_.events.begin(), diary_.events.end(), "case native compute_peak fp32");
    EXPECT_LT(probe, first_gemm) << "a budget would else be spent before there is a peak";
}

TEST_F(PeakEvidence, IsNotMeasuredTwice) {
    request_.backends = {"fake", "native"};
    request_.operations = {"gemm", "compute_peak"};
    const peakward::Run run = calibrated();
    for (const Measurement& m : run.measurements) EXPECT_THAT(m.flags, IsEmpty());
    EXPECT_THAT(run.results, SizeIs(2));
}

TEST_F(PeakEvidence, IsNoMatterOfOperationsWithoutAPeak) {
    request_.backends = {"native"};
    request_.operations = {"stream_copy"};
    request_.precisions = {"fp64"};
    for (const Measurement& m : calibrated().measurements)
        EXPECT_EQ(m.what.operation, "stream_copy");
}

TEST_F(PeakEvidence, ThatCannotBeHadLeavesThePeakUnknownWithTheReason) {
    std::filesystem::remove(folder_ / "workers" / "peakward-worker-native");
    const peakward::Run run = calibrated();
    ASSERT_THAT(run.results, SizeIs(1));
    EXPECT_EQ(run.results[0].theoretical_peak.kind, PeakKind::unknown);
    EXPECT_FALSE(run.results[0].efficiency);
    EXPECT_THAT(diary_.notes, Contains(AllOf(HasSubstr("no peak to compare fp32 with"),
                                             HasSubstr("peakward-worker-native was not found"))));
}

TEST_F(PeakEvidence, ThatWasDisturbedSaysSo) {
    native_->alter = [](Json& row, int) { row[4] = 3; };  // context switches in every sample
    const peakward::Run run = calibrated();
    ASSERT_THAT(run.results, SizeIs(1));
    EXPECT_EQ(run.results[0].theoretical_peak.kind, PeakKind::unknown);
    EXPECT_THAT(run.results[0].theoretical_peak.reason,
                HasSubstr("the probe of fp32 was not measured: contended"));
}

TEST_F(PeakEvidence, IsNoProfileOfItsOwn) {
    const auto profiles = export_profiles(calibrated(), folder_.string());
    ASSERT_TRUE(profiles) << profiles.error().message;
    ASSERT_THAT(*profiles, SizeIs(1));
    EXPECT_THAT(profiles->front().path, HasSubstr("_cpu_fake.json"));
}

TEST_F(Calibrate, WhatAWorkerReallyLoadedOutranksWhatWasDetected) {
    fakes::Backend& numpy = add_python_worker("numpy");
    request_.backends = {"numpy"};
    const peakward::Run first = calibrated();
    const auto& component = first.context.software.components.at("numpy_version");
    ASSERT_TRUE(component) << component.reason();
    EXPECT_EQ(*component, "1.0");
    EXPECT_THAT(component.source(), HasSubstr("numpy worker"));

    numpy.before = [&](const Json& request) -> std::optional<Json> {
        if (request.at("verb") != "hello") return std::nullopt;
        return Json{
            {"protocol", 1},      {"backend", "numpy"},     {"versions", {{"numpy", "2.0"}}},
            {"devices", {"cpu"}}, {"precisions", {"fp32"}}, {"operations", {"gemm"}}};
    };
    const peakward::Run second = calibrated();
    EXPECT_EQ(second.context.hardware.fingerprint, first.context.hardware.fingerprint);
    EXPECT_NE(second.context.software.fingerprint, first.context.software.fingerprint);
    EXPECT_NE(second.context.software.stack_digest, first.context.software.stack_digest);
}

TEST_F(Calibrate, AnotherOneDnnIsAnotherStackAndNoOtherSoftwareFingerprint) {
    add_worker("fake");
    fakes::Backend& onednn = add_worker("onednn");
    const auto version = [](const peakward::Run& run) {
        return run.context.software.components.at("onednn_version").value_or("unknown");
    };
    const peakward::Run without = calibrated();  // the run is about `fake` alone
    request_.backends = {"fake", "onednn"};
    const peakward::Run with = calibrated();
    EXPECT_EQ(version(with), "1.0");
    EXPECT_EQ(version(without), "1.0");
    EXPECT_EQ(without.context.software.stack_digest, with.context.software.stack_digest)
        << "which backends a run is about is no change of its software";

    onednn.version = "1.1";
    const peakward::Run later = calibrated();
    EXPECT_EQ(version(later), "1.1");
    EXPECT_NE(later.context.software.stack_digest, with.context.software.stack_digest);
    EXPECT_EQ(later.context.software.fingerprint, with.context.software.fingerprint);
    EXPECT_EQ(latest().context.software.stack_digest, later.context.software.stack_digest);
}

TEST_F(Calibrate, WhatCannotBeAskedIsAComponentThatIsUnknown) {
    add_worker("fake");
    fakes::Backend& cuda = add_worker("cuda");
    const peakward::Run none = calibrated();
    const auto& unnamed = none.context.software.components.at("cublaslt_version");
    EXPECT_FALSE(unnamed);
    EXPECT_THAT(unnamed.reason(), HasSubstr("the cuda worker names none"));
    cuda.before = [](const Json&) -> std::optional<Json> { return fakes::dies; };
    const peakward::Run dead = calibrated();
    EXPECT_FALSE(dead.context.software.components.at("cublaslt_version"));
    EXPECT_EQ(dead.context.software.stack_digest, none.context.software.stack_digest);
}

TEST_F(Calibrate, AWorkerThatDiesCostsItsCaseAndTheRunIsKept) {
    fakes::Backend& fake = add_worker("fake");
    fake.before = [](const Json& request) -> std::optional<Json> {
        if (request.at("verb") == "run") return fakes::dies;
        return std::nullopt;
    };
    calibrated();
    const peakward::Run run = latest();
    ASSERT_THAT(run.measurements, Not(IsEmpty()));
    for (const Measurement& m : run.measurements) {
        EXPECT_EQ(m.outcome, Outcome::failed);
        EXPECT_THAT(m.reason, HasSubstr("last words"));
    }
    for (const Score& score : run.results) EXPECT_FALSE(score.peak_measured_gops);
}

TEST_F(Calibrate, MemoryCasesKeepTheSizeOfEarlierRuns) {
    fakes::Backend& fake = add_worker("fake");
    fake.operations = {"stream_copy", "stream_triad"};
    fake.precisions = {"fp64"};
    root_.file("/proc/meminfo", "MemTotal: 8000000 kB\nMemAvailable: 7000000 kB\n");
    // 20 GB/s beyond the knee, a fifth more with every halving before it.
    request_.suite = "standard";
    double knee = 1 << 24;
    fake.seconds = [&](const Json& what) {
        const double elements = what.at("shape").at("elements");
        const double gbps = 20 * std::pow(std::max(1.0, knee / elements), 0.3);
        return 24 * elements / (gbps * 1e9);
    };
    request_.operations = {"stream_copy"};
    request_.precisions = {};
    const auto size_of = [](const peakward::Run& run) {
        for (const Measurement& m : run.measurements)
            if (m.what.operation == "stream_copy") return axis(m.what.shape, "elements");
        return std::int64_t{0};
    };
    const std::int64_t first = size_of(calibrated());
    EXPECT_GT(first, 0);
    knee = 1 << 10;
    EXPECT_EQ(size_of(calibrated()), first);
    request_.store_location = (folder_ / "older.db").string();
    peakward::Run older = latest();
    older.suite = "standard/1";
    ASSERT_TRUE((*open_store(request_.store_location, OpenMode::append))->append(older));
    EXPECT_EQ(size_of(calibrated()), first) << "of an older version of the suite";
    request_.store_location = (folder_ / "other.db").string();
    EXPECT_LT(size_of(calibrated()), first) << "without a history the plateau is found anew";
}

}  // namespace
}  // namespace peakward::session_test
