#include "measure/measure.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/posix.hpp"
#include "core/text.hpp"
#include "emulated.hpp"
#include "measure/fakes/fakes.hpp"

namespace peakward {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t one_mib = 1 << 20;

Shape cube(std::int64_t n) { return {{"m", n}, {"n", n}, {"k", n}}; }

class Measure : public testing::Test {
protected:
    Measure() {
        native_.name = "native";
        native_.precisions = {"fp64"};
        native_.operations = {"clock_probe", "compute_peak", "stream_copy", "stream_triad"};
        native_.isa = {"scalar", "avx2"};
        blas_.name = "blas";
        for (fakes::Backend* backend : {&native_, &blas_}) {
            backend->clock = &clock_;
            backend->seconds = [this](const Json& what) { return seconds(what); };
            launcher_.scripts[backend->name] = [backend](const Json& request) {
                return (*backend)(request);
            };
            WorkerCommand command;
            command.backend = backend->name;
            command.argv = {backend->name};
            workers_.push_back(command);
        }
        options_.suite.id = "quick";
        options_.suite.entries = {{"clock_probe", {}, {}},
                                  {"compute_peak", {}, {}},
                                  {"stream_copy", {}, {"fp64"}},
                                  {"stream_triad", {}, {"fp64"}},
                                  {"gemm", {cube(64), cube(512), cube(1024)}, {"fp64"}}};
        context_.environment.cpus_allowed = {0, 1};
        context_.hardware.cpu.caches = {{1, "data", 32 * 1024, 2, 1},
                                        {2, "unified", one_mib, 2, 1},
                                        {3, "unified", 36 * one_mib, 1, 2}};
        context_.hardware.memory.available_bytes =
            Fact<std::int64_t>::known(std::int64_t{64} << 30, "test");
    }

    // 20 GB/s beyond the caches, 100 GOPS, 3 GHz.
    double seconds(const Json& what) const {
        const std::string operation = what.at("operation");
        if (operation.starts_with("stream"))
            return 24.0 * what.at("shape").at("elements").get<double>() / (gbps_ * 1e9);
        if (operation == "gemm") {
            const double n = what.at("shape").at("m");
            return 2 * n * n * n / (gemm_gops_ * 1e9);
        }
        return 1e-3;
    }

    Result<MeasureResult> measure() {
        return peakward::measure(options_, workers_, context_, root_, launcher_, clock_, observer_,
                                 stop_);
    }
    MeasureResult measured() {
        auto result = measure();
        EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().message);
        EXPECT_EQ(launcher_.living, 0) << "no worker outlives the run";
        return result.value_or(MeasureResult{});
    }
    static std::vector<std::string> words(const std::vector<Measurement>& rows) {
        std::vector<std::string> texts;
        for (const Measurement& m : rows)
            texts.push_back(fmt::format("{} {}", m.what.operation, to_string(m.what.shape)));
        return texts;
    }

    double gbps_ = 20, gemm_gops_ = 100;
    fakes::FakeClock clock_;
    fakes::FakeRoot root_;
    fakes::ScriptedLauncher launcher_{clock_};
    fakes::Backend native_, blas_;
    fakes::Recorder observer_;
    fakes::StopAfter stop_;
    std::vector<WorkerCommand> workers_;
    MeasureOptions options_;
    Context context_;
};

TEST_F(Measure, GivesOneRowPerCase) {
    const MeasureResult result = measured();
    EXPECT_FALSE(result.interrupted);
    EXPECT_THAT(result.skipped, IsEmpty());
    EXPECT_THAT(words(result.measurements),
                testing::UnorderedElementsAre(
                    "clock_probe isa=scalar", "clock_probe isa=avx2", "compute_peak isa=scalar",
                    "compute_peak isa=avx2",
                    // The sweep of a quick run, and the four kernels at its plateau.
                    "stream_triad elements=4194304 store=temporal",
                    "stream_triad elements=8388608 store=temporal",
                    "stream_triad elements=16777216 store=temporal",
                    "stream_triad elements=8388608 store=nontemporal",
                    "stream_copy elements=8388608 store=temporal",
                    "stream_copy elements=8388608 store=nontemporal", "gemm k=64 m=64 n=64",
                    "gemm k=512 m=512 n=512", "gemm k=1024 m=1024 n=1024"));
    for (const Measurement& m : result.measurements) {
        EXPECT_EQ(m.outcome, Outcome::measured) << m.reason;
        EXPECT_EQ(m.what.threads, 2);
        EXPECT_THAT(m.flags, IsEmpty());
    }
    ASSERT_EQ(result.backends.size(), 2u);
    EXPECT_TRUE(result.backends[0].available);
    EXPECT_EQ(result.backends[1].backend, "blas");
    EXPECT_EQ(launcher_.spawned.size(), 2u) << "each worker is started once";
    EXPECT_THAT(observer_.notes, ElementsAre("requested device cpu: running on CPU",
                                             "framework native on cpu: native 1.0",
                                             "framework blas on cpu: blas 1.0"));
}

TEST_F(Measure, ProbesFirstThenThePlateauThenTheRestShuffled) {
    options_.seed = 5;
    measured();
    const auto& started = observer_.started;
    ASSERT_EQ(started.size(), 13u);
    EXPECT_EQ(started[0].operation, "clock_probe");
    EXPECT_EQ(started[1].operation, "clock_probe");
    for (int i = 2; i < 5; ++i) EXPECT_EQ(started[i].operation, "stream_triad");
    std::set<std::vector<std::string>> orders;
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
        observer_.started.clear();
        options_.seed = seed;
        measured();
        std::vector<std::string> order;
        for (const Case& what : observer_.started)
            order.push_back(what.operation + to_string(what.shape));
        orders.insert(order);
    }
    EXPECT_GT(orders.size(), 1u);
}

TEST_F(Measure, TellsHowFarItIs) {
    measured();
    const auto& done_of = observer_.done_of;
    for (std::size_t i = 0; i < done_of.size(); ++i) {
        EXPECT_EQ(done_of[i].first, static_cast<int>(i));
        EXPECT_GT(done_of[i].second, done_of[i].first);
    }
    EXPECT_EQ(done_of.back().second, static_cast<int>(done_of.size()));
    EXPECT_GT(observer_.left_s.front(), 0);
    EXPECT_EQ(observer_.rows.size(), observer_.started.size());
}

TEST_F(Measure, SweepsTheCachesInALongerRun) {
    options_.suite.id = "standard";
    options_.operations = {"stream_copy"};
    const MeasureResult result = measured();
    EXPECT_THAT(words(result.measurements), Contains("stream_triad elements=2048 store=temporal"));
    EXPECT_THAT(words(result.measurements),
                Contains("stream_triad elements=1048576 store=temporal"));
    EXPECT_THAT(words(result.measurements),
                Contains("stream_copy elements=8388608 store=nontemporal"));
}

TEST_F(Measure, FlagsMemoryWhoseSizeIsInDoubt) {
    context_.hardware.memory.available_bytes = Fact<std::int64_t>::known(400 * one_mib, "test");
    options_.operations = {"stream_copy"};
    for (const Measurement& m : measured().measurements) {
        if (m.what.operation != "stream_copy") continue;
        EXPECT_EQ(to_string(m.what.shape.at("elements")), "4194304");
        EXPECT_THAT(m.flags, ElementsAre("plateau_not_reached"));
    }
}

TEST_F(Measure, FlagsAPlateauWithinTheLastLevelCache) {
    context_.hardware.cpu.caches.back().size_bytes = 480 * one_mib;
    options_.operations = {"stream_copy"};
    bool seen = false;
    for (const Measurement& m : measured().measurements) {
        if (m.what.operation != "stream_copy") continue;
        EXPECT_THAT(m.flags, ElementsAre("within_last_level_cache"));
        seen = true;
    }
    EXPECT_TRUE(seen);
}

// Each device has memory of its own: the plateau of one says nothing of the other's.
TEST_F(Measure, FindsThePlateauOfEachDevice) {
    fakes::Backend cuda;
    cuda.name = "cuda";
    cuda.devices = {"cuda:0"};
    cuda.precisions = {"fp64"};
    cuda.operations = {"stream_triad", "device_copy"};
    cuda.clock = &clock_;
    cuda.seconds = [](const Json& what) {
        return 24.0 * what.at("shape").at("elements").get<double>() / 4e12;
    };
    launcher_.scripts["cuda"] = [&cuda](const Json& request) { return cuda(request); };
    workers_.emplace_back().backend = "cuda";
    workers_.back().argv = {"cuda"};
    options_.devices = {"cpu", "cuda:0"};
    options_.suite.entries = {{"stream_triad", {}, {"fp64"}}, {"device_copy", {}, {"fp64"}, false}};
    GpuInfo gpu;
    gpu.memory_mb = Fact<int>::known(81559, "test");
    context_.hardware.gpus = {gpu};
    // The CPU's is in doubt, as in FlagsMemoryWhoseSizeIsInDoubt.
    context_.hardware.memory.available_bytes = Fact<std::int64_t>::known(400 * one_mib, "test");
    std::set<std::int64_t> of_gpu;
    int copies = 0;
    for (const Measurement& m : measured().measurements) {
        EXPECT_EQ(m.outcome, Outcome::measured) << m.reason;
        const bool on_gpu = m.what.device == "cuda:0";
        if (on_gpu) {
            of_gpu.insert(axis(m.what.shape, "elements"));
            EXPECT_THAT(m.flags, IsEmpty());
        }
        if (m.what.operation != "device_copy") continue;
        ++copies;
        EXPECT_TRUE(on_gpu);
        EXPECT_EQ(axis(m.what.shape, "elements"), std::int64_t{1} << 26);
    }
    EXPECT_EQ(copies, 1);
    EXPECT_EQ(*of_gpu.begin(), std::int64_t{1} << 25);
}

TEST_F(Measure, UsesTheSizeThatEarlierRunsSettledOn) {
    options_.known_plateau = {{"cpu", std::int64_t{1} << 24}, {"cuda:0", 1}};
    for (const Measurement& m : measured().measurements)
        if (m.what.operation == "stream_copy") {
            EXPECT_EQ(axis(m.what.shape, "elements"), std::int64_t{1} << 24);
        }
}

TEST_F(Measure, SkipsLargerSizesOfASlowOne) {
    gemm_gops_ = 10;
    options_.operations = {"gemm"};
    const MeasureResult result = measured();
    EXPECT_THAT(words(result.measurements),
                ElementsAre("gemm k=64 m=64 n=64", "gemm k=512 m=512 n=512"));
    ASSERT_EQ(result.skipped.size(), 1u);
    EXPECT_EQ(axis(result.skipped[0].what.shape, "m"), 1024);
    EXPECT_EQ(result.skipped[0].reason,
              "not measured (slow): 10 GOPS at k=512 m=512 n=512, below 50");
}

TEST_F(Measure, ShowsWhatTheBudgetLeftOut) {
    options_.budget_s = 0.5;
    const MeasureResult result = measured();
    EXPECT_GT(result.measurements.size(), 3u);
    ASSERT_FALSE(result.skipped.empty());
    for (const SkippedCase& skipped : result.skipped)
        EXPECT_EQ(skipped.reason, "not measured (budget): the 0.5 s were spent");
    EXPECT_LT(Seconds(clock_.now).count(), 0.8);
}

TEST_F(Measure, EndsWhereCaseAfterCaseHasNoCleanWindow) {
    native_.alter = [](Json& row, int) { row[4] = 1; };
    blas_.alter = native_.alter;
    std::vector<Shape> shapes;
    for (int i = 0; i < 12; ++i) shapes.push_back(cube(512 + i));
    options_.suite.entries = {{"gemm", shapes, {"fp64"}}};
    const MeasureResult result = measured();
    EXPECT_EQ(std::count_if(result.measurements.begin(), result.measurements.end(),
                            [](const Measurement& m) { return m.outcome == Outcome::contended; }),
              8);
    ASSERT_FALSE(result.skipped.empty());
    for (const SkippedCase& skipped : result.skipped)
        EXPECT_THAT(skipped.reason, HasSubstr("not measured (busy): 8 cases in a row"));
}

TEST_F(Measure, GivesACaseNoMoreThanTheRestOfTheBudget) {
    options_.operations = {"compute_peak"};
    options_.budget_s = 1;
    native_.alter = [](Json& row, int) { row[4] = 1; };
    const MeasureResult result = measured();
    ASSERT_EQ(result.measurements.size(), 1u);
    EXPECT_EQ(result.measurements[0].outcome, Outcome::contended);
    EXPECT_LE(result.measurements[0].statistics.elapsed_s, 1.1);
}

TEST_F(Measure, BeginsNoEnergyThatWouldOutlastTheBudget) {
    blas_.operations = {"resnet18"};
    blas_.precisions = {"fp32"};
    options_.suite.entries = {{"resnet18", {{{"batch", std::int64_t{1}}}}, {"fp32"}}};
    options_.layers = {"models"};
    options_.backends = {"blas"};
    options_.peak_evidence = false;
    options_.network_folder = [](const Case&) { return Result<std::string>("/nowhere"); };
    const auto reason = [&] {
        const MeasureResult result = measured();
        EXPECT_EQ(result.measurements.size(), 1u);
        const auto& energy = result.measurements.at(0).energy;
        return energy ? energy->reason : "was not asked for";
    };
    EXPECT_THAT(reason(), HasSubstr("not here")) << "this machine has no counter";
    options_.budget_s = 1;  // an idle stretch and six blocks take 1.2 s
    const Nanoseconds begin = clock_.now;
    EXPECT_THAT(reason(), HasSubstr("the budget has no room"));
    EXPECT_LE(Seconds(clock_.now - begin).count(), 1.0);
}

TEST_F(Measure, RestartsWorkersAsTheSuiteAsks) {
    options_.suite.restarts = 3;
    options_.operations = {"compute_peak"};
    const MeasureResult result = measured();
    for (const Measurement& m : result.measurements) EXPECT_EQ(m.statistics.processes, 3);
    EXPECT_GE(launcher_.spawned.size(), 6u);
}

TEST_F(Measure, HoldsPeaksToHalfAPercent) {
    // An interval of 0.8 %: enough for a GEMM, not for a peak.
    options_.operations = {"compute_peak", "gemm"};
    options_.suite.entries[4].shapes = {cube(512)};
    const auto jitter = [](Json& row, int index) {
        row[2] = row[3] =
            static_cast<std::int64_t>(row[2].get<double>() * (index % 2 ? 1.008 : 0.992));
    };
    native_.alter = blas_.alter = jitter;
    for (const Measurement& m : measured().measurements)
        EXPECT_EQ(m.statistics.exit,
                  m.what.operation == "gemm" ? Exit::converged : Exit::noisy_stable);
}

TEST_F(Measure, UsesTheThreadsAskedFor) {
    options_.threads = 1;
    options_.operations = {"compute_peak"};
    EXPECT_EQ(measured().measurements.front().what.threads, 1);
    for (const auto& [name, value] : launcher_.spawned.front().environment) {
        if (name == "OMP_NUM_THREADS") {
            EXPECT_EQ(value, "1");
        }
    }
    options_.threads = 3;
    EXPECT_EQ(measure().error().kind, ErrorKind::usage);
}

TEST_F(Measure, GoesOnWithoutABackendThatIsNotThereAndSaysSo) {
    workers_[1].unavailable = "libblas.so was not found";
    const MeasureResult result = measured();
    EXPECT_THAT(observer_.notes,
                Contains("backend blas is not available: libblas.so was not found"));
    EXPECT_FALSE(result.backends[1].available);
    EXPECT_EQ(result.backends[1].reason, "libblas.so was not found");
    EXPECT_GT(result.measurements.size(), 5u);
}

TEST_F(Measure, FailsWhenABackendAskedForIsNotThere) {
    workers_[1].unavailable = "libblas.so was not found";
    options_.backends = {"blas"};
    const auto result = measure();
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().kind, ErrorKind::failed);
    EXPECT_EQ(result.error().message, "backend blas is not available: libblas.so was not found");
}

TEST_F(Measure, FailsWhenThereIsNoBackendAtAll) {
    for (WorkerCommand& worker : workers_) worker.unavailable = "gone";
    EXPECT_EQ(measure().error().message, "no backend is available; 'peakward backends' says why");
}

TEST_F(Measure, ChecksNamesBeforeItStartsAnything) {
    options_.operations = {"gem"};
    EXPECT_EQ(measure().error().kind, ErrorKind::usage);
    options_.operations = {};
    options_.backends = {"blass"};
    EXPECT_EQ(measure().error().kind, ErrorKind::usage);
    EXPECT_THAT(launcher_.spawned, IsEmpty());
}

TEST_F(Measure, RefusesADeviceThatNobodyHas) {
    options_.devices = {"cuda:0"};
    const auto result = measure();
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().kind, ErrorKind::refused);
    EXPECT_EQ(launcher_.living, 0);
}

TEST_F(Measure, RefusesARunWhoseOutputLivesElsewhere) {
    blas_.devices = {"cpu", "cuda:0"};
    blas_.alter_prepared = [](Json& reply) { reply["device"] = "cpu"; };
    options_.backends = {"blas"};
    options_.devices = {"cuda:0"};
    const auto result = measure();
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().kind, ErrorKind::refused);
    EXPECT_THAT(result.error().message,
                AllOf(HasSubstr("asked for cuda:0, the output lives on cpu"),
                      HasSubstr("--allow-fallback")));
    EXPECT_EQ(launcher_.living, 0);

    options_.allow_fallback = true;
    const MeasureResult kept = measured();
    ASSERT_FALSE(kept.measurements.empty());
    for (const Measurement& row : kept.measurements) EXPECT_EQ(row.what.device, "cpu");
}

TEST_F(Measure, FailsWhenNothingIsLeftToMeasure) {
    options_.backends = {"native"};
    options_.layers = {"models"};
    const auto result = measure();
    ASSERT_FALSE(result.has_value());
    EXPECT_THAT(result.error().message, HasSubstr("nothing to measure: layer models"));
}

TEST_F(Measure, RowsOfOtherCasesSurviveACrash) {
    blas_.before = [](const Json& request) -> std::optional<Json> {
        if (request.at("verb") == "prepare" && request.at("case").at("shape").at("m") == 512)
            return fakes::dies;
        return std::nullopt;
    };
    options_.operations = {"gemm"};
    const MeasureResult result = measured();
    ASSERT_EQ(result.measurements.size(), 3u);
    EXPECT_EQ(result.measurements[0].outcome, Outcome::measured);
    EXPECT_EQ(result.measurements[1].outcome, Outcome::failed);
    EXPECT_EQ(result.measurements[2].outcome, Outcome::measured);
}

TEST_F(Measure, StopsBetweenTwoBatches) {
    stop_ = fakes::StopAfter(4);
    const MeasureResult result = measured();
    EXPECT_TRUE(result.interrupted);
    EXPECT_LT(result.measurements.size(), 4u);
}

TEST_F(Measure, StopsWhileAWorkerSaysHello) {
    native_.before = [](const Json&) { return std::optional(fakes::hangs); };
    stop_ = fakes::StopAfter(0);
    EXPECT_TRUE(measured().interrupted);
    EXPECT_LT(Seconds(clock_.now).count(), 1);
}

TEST_F(Measure, AskedInVainWhatItSupportsAWorkerFailsAndIsAskedNoMore) {
    int asked = 0;
    blas_.before = [&asked](const Json& request) -> std::optional<Json> {
        if (request.at("verb") != "supports") return std::nullopt;
        ++asked;
        return fakes::hangs;
    };
    const MeasureResult result = measured();
    int failed = 0;
    for (const Measurement& m : result.measurements) {
        if (m.what.backend != "blas") continue;
        ++failed;
        EXPECT_EQ(m.outcome, Outcome::timed_out);
        EXPECT_EQ(m.reason, "no answer to supports within 10 s");
    }
    EXPECT_EQ(failed, 3);
    EXPECT_EQ(asked, 1);
}

TEST_F(Measure, TellsThatItIgnoresWhatBindsThreads) {
    ::setenv("OMP_PROC_BIND", "TRUE", 1);
    const MeasureResult result = measured();
    ::unsetenv("OMP_PROC_BIND");
    EXPECT_THAT(observer_.notes,
                Contains("OMP_PROC_BIND is ignored: peakward binds the threads itself"));
    for (const BackendInfo& info : result.backends)
        EXPECT_THAT(info.notes,
                    Contains("OMP_PROC_BIND is ignored: the host binds the threads itself"));
}

// The real launcher and a real process.
TEST(MeasureForReal, TalksToAProcessAndLeavesNone) {
    SKIP_IF_EMULATED();
    MeasureOptions options;
    options.suite.id = "quick";
    options.suite.entries = {{"gemm", {cube(64)}, {}}, {"dot", {{{"n", std::int64_t{64}}}}, {}}};
    WorkerCommand worker;
    worker.backend = "fake";
    worker.argv = {std::string(PEAKWARD_BINARY_DIR) + "/tests/fakes/peakward_fake_worker", "fake"};
    Context context;
    context.environment.cpus_allowed = {0};
    fakes::FakeRoot root;
    fakes::Recorder observer;
    const fakes::StopAfter never;
    const auto launcher = posix_launcher();
    const auto clock = system_clock_port();
    const auto result =
        measure(options, {worker}, context, root, *launcher, *clock, observer, never);
    ASSERT_TRUE(result.has_value()) << result.error().message;
    ASSERT_EQ(result->measurements.size(), 4u);
    for (const Measurement& m : result->measurements) {
        EXPECT_EQ(m.outcome, Outcome::measured) << m.reason;
        EXPECT_EQ(m.statistics.exit, Exit::converged);
    }
}

// The workers of tests/fixtures/workers, as the cases of the field found them.
class FixtureWorker : public testing::Test {
protected:
    void SetUp() override { SKIP_IF_EMULATED(); }

    Result<MeasureResult> measure_beside_a_good_one(const std::string& folder) {
        MeasureOptions options;
        options.suite.id = "quick";
        options.suite.entries = {{"dot", {{{"n", std::int64_t{64}}}}, {"fp32"}}};
        WorkerCommand odd, good;
        odd.backend = "odd";
        odd.argv = {std::string(PEAKWARD_SOURCE_DIR) + "/tests/fixtures/workers/" + folder +
                    "/peakward-worker-odd"};
        good.backend = "fake";
        good.argv = {std::string(PEAKWARD_BINARY_DIR) + "/tests/fakes/peakward_fake_worker",
                     "fake"};
        Context context;
        context.environment.cpus_allowed = {0};
        fakes::FakeRoot root;
        fakes::Recorder observer;
        const fakes::StopAfter never;
        const auto launcher = posix_launcher();
        const auto clock = system_clock_port();
        return measure(options, {odd, good}, context, root, *launcher, *clock, observer, never);
    }
    static void expect_only_odd_failed(const MeasureResult& result, const std::string& reason) {
        ASSERT_EQ(result.measurements.size(), 2u);
        for (const Measurement& m : result.measurements) {
            const bool is_odd = m.what.backend == "odd";
            EXPECT_EQ(m.outcome, is_odd ? Outcome::failed : Outcome::measured) << m.reason;
            EXPECT_THAT(m.reason, is_odd ? testing::StartsWith(reason) : testing::StartsWith(""));
        }
    }
};

TEST_F(FixtureWorker, ThatBreaksTheProtocolAtSupportsFails) {
    const auto result = measure_beside_a_good_one("noise-at-supports");
    ASSERT_TRUE(result.has_value()) << result.error().message;
    expect_only_odd_failed(*result, "protocol error at supports: not JSON: 'not json'");
}

TEST_F(FixtureWorker, WhoseFiguresAreBeyondDoublesFails) {
    const auto result = measure_beside_a_good_one("figure-beyond-doubles");
    ASSERT_TRUE(result.has_value()) << result.error().message;
    expect_only_odd_failed(*result, "protocol error at run: its times cannot be");
}

}  // namespace
}  // namespace peakward
