#include "measure/worker_host.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/posix.hpp"
#include "emulated.hpp"
#include "measure/fakes/fakes.hpp"

namespace peakward {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const std::string fake_worker =
    std::string(PEAKWARD_BINARY_DIR) + "/tests/fakes/peakward_fake_worker";

WorkerCommand command(const std::string& misdeed = "", const std::string& verb = "") {
    WorkerCommand command;
    command.backend = "fake";
    command.argv = {fake_worker, "fake"};
    if (!misdeed.empty()) {
        command.argv.push_back(misdeed);
        command.argv.push_back(verb);
    }
    return command;
}

// Generous where a worker will answer, short where a test waits for one that never does.
WorkerLimits limits(Nanoseconds hello = seconds(60), Nanoseconds others = seconds(60)) {
    WorkerLimits limits;
    limits.hello = hello;
    limits.prepare = limits.other = limits.run_margin = others;
    limits.line_bytes_max = 100'000;
    return limits;
}

Case gemm() { return {"gemm", "fp64", {{"m", 64}, {"n", 64}, {"k", 64}}, "cpu", "fake", 1}; }

class RealWorker : public testing::Test {
protected:
    void SetUp() override { SKIP_IF_EMULATED(); }

    WorkerResult<std::unique_ptr<WorkerHost>> start(const std::string& misdeed = "",
                                                    const std::string& verb = "",
                                                    const WorkerLimits& with = limits()) {
        return WorkerHost::start(command(misdeed, verb), 2, *launcher_, *clock_, stop_, with);
    }
    std::unique_ptr<WorkerHost> started(const std::string& misdeed, const std::string& verb,
                                        const WorkerLimits& with = limits()) {
        auto host = start(misdeed, verb, with);
        EXPECT_TRUE(host.has_value()) << (host ? "" : host.error().reason);
        return std::move(*host);
    }

    std::unique_ptr<ProcessLauncher> launcher_ = posix_launcher();
    std::unique_ptr<Clock> clock_ = system_clock_port();
    fakes::StopAfter stop_;
};

TEST_F(RealWorker, AnswersEveryVerb) {
    auto host = started("", "");
    EXPECT_EQ(host->hello().backend, "fake");
    EXPECT_EQ(host->hello().versions.at("fake"), "1.0");
    EXPECT_EQ(host->hello().versions.at("threads"), "2") << "OMP_NUM_THREADS of its environment";
    EXPECT_THAT(host->hello().devices, ElementsAre("cpu"));
    EXPECT_THAT(host->hello().operations, ElementsAre("gemm", "dot"));
    EXPECT_TRUE(host->hello().isa.empty());
    EXPECT_TRUE(host->supports(gemm())->supported);
    const auto prepared = host->prepare(gemm(), {});
    ASSERT_TRUE(prepared.has_value());
    EXPECT_EQ(prepared->implementation, "fake loops");
    EXPECT_EQ(prepared->device, "cpu");
    EXPECT_TRUE(prepared->correct);
    EXPECT_EQ(prepared->iteration_s, 0.001);
    const auto samples = host->run(gemm(), {1, 0.02, 0.001, 0.001});
    ASSERT_TRUE(samples.has_value());
    EXPECT_EQ(samples->size(), 20u);
    EXPECT_EQ((*samples)[1].wall_ns, 1'000'000);
    EXPECT_EQ((*samples)[1].wait_ns, -1);
    EXPECT_TRUE(host->release().has_value());
    EXPECT_TRUE(host->is_alive());
    host->shutdown();
    EXPECT_FALSE(host->is_alive());
}

TEST_F(RealWorker, IsNotStartedWithAReasonNotTo) {
    WorkerCommand missing;
    missing.backend = "fake";
    missing.unavailable = "it is not installed";
    auto host = WorkerHost::start(missing, 1, *launcher_, *clock_, stop_, limits());
    ASSERT_FALSE(host.has_value());
    EXPECT_EQ(host.error().reason, "it is not installed");
    missing.unavailable.clear();
    missing.argv = {"/nowhere/worker"};
    host = WorkerHost::start(missing, 1, *launcher_, *clock_, stop_, limits());
    ASSERT_FALSE(host.has_value());
    EXPECT_THAT(host.error().reason, StartsWith("/nowhere/worker: cannot run it"));
}

// One row of the table in docs/worker-protocol.md: the deed, and what the host makes of it.
struct Deed {
    const char* misdeed;
    Outcome outcome;
    const char* reason;
};
void PrintTo(const Deed& deed, std::ostream* stream) { *stream << deed.misdeed; }
class Misbehaviour : public RealWorker, public testing::WithParamInterface<Deed> {};

TEST_P(Misbehaviour, AtRunCostsTheCase) {
    const bool waits = GetParam().outcome == Outcome::timed_out;
    auto host = started(GetParam().misdeed, "run",
                        limits(seconds(60), waits ? milliseconds(20) : seconds(60)));
    ASSERT_TRUE(host->prepare(gemm(), {}).has_value());
    const auto samples = host->run(gemm(), {1, 0.01, 0.001, 0});
    ASSERT_FALSE(samples.has_value());
    EXPECT_EQ(samples.error().outcome, GetParam().outcome);
    EXPECT_THAT(samples.error().reason, HasSubstr(GetParam().reason));
    EXPECT_FALSE(samples.error().interrupted);
    EXPECT_FALSE(host->is_alive());
    // And the conversation is over, in a sentence.
    EXPECT_EQ(host->release().error().reason, "no worker to ask for release");
}

TEST_P(Misbehaviour, AtHelloMakesItUnavailable) {
    const bool waits = GetParam().outcome == Outcome::timed_out;
    // What it prints may stand before a reply: a program of its own has `other` for that.
    auto host = start(GetParam().misdeed, "hello",
                      limits(waits ? milliseconds(50) : seconds(60), milliseconds(50)));
    ASSERT_FALSE(host.has_value());
    EXPECT_EQ(host.error().outcome, GetParam().outcome);
}

TEST_P(Misbehaviour, AtSupportsAndPrepareIsAFault) {
    for (const char* verb : {"supports", "prepare"}) {
        const bool waits = GetParam().outcome == Outcome::timed_out;
        auto host = started(GetParam().misdeed, verb,
                            limits(seconds(60), waits ? milliseconds(20) : seconds(60)));
        const std::string reason = std::string(verb) == "supports"
                                       ? host->supports(gemm()).error().reason
                                       : host->prepare(gemm(), {}).error().reason;
        EXPECT_THAT(reason, testing::AnyOf(HasSubstr("protocol error at " + std::string(verb)),
                                           HasSubstr("worker ended during " + std::string(verb)),
                                           HasSubstr("no answer to " + std::string(verb))));
        EXPECT_FALSE(host->is_alive());
    }
}

INSTANTIATE_TEST_SUITE_P(
    Table, Misbehaviour,
    testing::Values(
        Deed{"crash", Outcome::failed, "worker ended during run: signal 11 (SIGSEGV)"},
        Deed{"exit", Outcome::failed,
             "worker ended during run: exit code 3: no such library: libfoo.so"},
        Deed{"close_output", Outcome::failed, "worker ended during run: it closed its output"},
        Deed{"hang", Outcome::timed_out, "no answer to run within 0.03 s"},
        Deed{"stubborn", Outcome::timed_out, "no answer to run within 0.03 s"},
        Deed{"garbage", Outcome::failed,
             "protocol error at run: not JSON: 'INFO: loading kernels ...'"},
        Deed{"not_an_object", Outcome::failed, "the reply is not a JSON object: '[1, 2]'"},
        Deed{"wrong_id", Outcome::failed, "the reply answers request 9999, not"},
        Deed{"no_ok", Outcome::failed, "'ok' is not true or false"},
        Deed{"empty_reply", Outcome::failed, "protocol error at run: the reply's 'samples'"},
        Deed{"overlong", Outcome::failed, "the line is longer than a reply can be"}),
    [](const auto& deed) { return std::string(deed.param.misdeed); });

TEST_F(RealWorker, ThatRefusesARequestLivesOn) {
    auto host = started("refuse", "prepare");
    const auto prepared = host->prepare(gemm(), {});
    ASSERT_FALSE(prepared.has_value());
    EXPECT_EQ(prepared.error().outcome, Outcome::failed);
    EXPECT_EQ(prepared.error().reason, "prepare: out of memory");
    EXPECT_TRUE(host->is_alive());
    EXPECT_TRUE(host->supports(gemm()).has_value());
}

TEST_F(RealWorker, MayPrintALotOnStderr) {
    auto host = started("noisy", "run");
    ASSERT_TRUE(host->prepare(gemm(), {}).has_value());
    EXPECT_TRUE(host->run(gemm(), {1, 0.01, 0.001, 0}).has_value());
}

TEST_F(RealWorker, ThatHangsTakesItsChildrenWithIt) {
    auto host = started("grandchild", "prepare", limits(seconds(60), milliseconds(300)));
    const auto prepared = host->prepare(gemm(), {});
    ASSERT_FALSE(prepared.has_value());
    EXPECT_EQ(prepared.error().outcome, Outcome::timed_out);
}

TEST_F(RealWorker, IsLeftAloneWhenTheUserWantsToStop) {
    const fakes::StopAfter soon(1);
    auto host =
        WorkerHost::start(command("hang", "prepare"), 1, *launcher_, *clock_, soon, limits());
    ASSERT_TRUE(host.has_value());
    const auto prepared = (*host)->prepare(gemm(), {});
    ASSERT_FALSE(prepared.has_value());
    EXPECT_TRUE(prepared.error().interrupted);
    EXPECT_FALSE((*host)->is_alive());
}

TEST_F(RealWorker, ThatCallsItselfOtherwiseIsNotTaken) {
    WorkerCommand other = command();
    other.backend = "blas";
    auto host = WorkerHost::start(other, 1, *launcher_, *clock_, stop_, limits());
    ASSERT_FALSE(host.has_value());
    EXPECT_THAT(host.error().reason, HasSubstr("it calls itself 'fake', not 'blas'"));
}

TEST_F(RealWorker, PoolKeepsItUntilAnotherThreadCountIsWanted) {
    WorkerPool pool({command()}, *launcher_, *clock_, stop_, limits());
    const auto first = pool.get("fake", 2);
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ(*pool.get("fake", 2), *first);
    EXPECT_EQ((*first)->hello().versions.at("threads"), "2");
    const auto other = pool.get("fake", 1);
    EXPECT_EQ((*other)->hello().versions.at("threads"), "1");
    EXPECT_EQ((*other)->threads(), 1);
}

TEST_F(RealWorker, PoolStartsAFreshOneAfterAFault) {
    WorkerPool pool({command("crash", "run")}, *launcher_, *clock_, stop_, limits());
    for (int i = 0; i < 2; ++i) {
        auto host = pool.get("fake", 1);
        ASSERT_TRUE(host.has_value());
        ASSERT_TRUE((*host)->prepare(gemm(), {}).has_value());
        EXPECT_FALSE((*host)->run(gemm(), {}).has_value());
    }
    EXPECT_FALSE(pool.get("other", 1).has_value());
}

TEST_F(RealWorker, ProbeSaysWhatThereIsAndWhyNot) {
    WorkerCommand missing;
    missing.backend = "absent";
    missing.unavailable = "peakward-worker-absent was not found";
    const auto backends = probe_backends({command(), command("exit", "hello"), missing}, *launcher_,
                                         *clock_, limits());
    ASSERT_EQ(backends.size(), 3u);
    EXPECT_TRUE(backends[0].available);
    EXPECT_EQ(backends[0].backend, "fake");
    EXPECT_EQ(backends[0].path, fake_worker);
    EXPECT_EQ(backends[0].versions.at("fake"), "1.0");
    EXPECT_EQ(backends[0].versions.at("threads"), "unset") << "nothing is forced on a probe";
    EXPECT_THAT(backends[0].precisions, ElementsAre("fp64", "fp32"));
    EXPECT_THAT(backends[0].operations, ElementsAre("gemm", "dot"));
    EXPECT_FALSE(backends[1].available);
    EXPECT_EQ(backends[1].reason,
              "worker ended during hello: exit code 3: no such library: libfoo.so");
    EXPECT_FALSE(backends[2].available);
    EXPECT_EQ(backends[2].reason, "peakward-worker-absent was not found");
}

TEST_F(RealWorker, EndsAtOnceThoughItsChildHoldsItsOutput) {
    auto host = started("exit_with_child", "prepare");
    const auto prepared = host->prepare(gemm(), {});
    ASSERT_FALSE(prepared.has_value());
    EXPECT_EQ(prepared.error().outcome, Outcome::failed) << "not after the time limit";
    EXPECT_THAT(prepared.error().reason, StartsWith("worker ended during prepare: exit code 3"));
}

TEST_F(RealWorker, IsPassedOverWhatIsPrintedBeforeItsFirstReply) {
    auto host = started("banner", "hello");
    ASSERT_TRUE(host);
    EXPECT_THAT(host->hello().notes,
                ElementsAre("ignored what was printed before its first reply (lines: 3): "
                            "'overlay: active'"));
    EXPECT_TRUE(host->supports(gemm()).has_value());
}

TEST_F(RealWorker, MayNotPrintForEver) {
    auto host = start("chatter", "hello");
    ASSERT_FALSE(host.has_value());
    EXPECT_THAT(host.error().reason, HasSubstr("protocol error at hello: 101 lines without a "
                                               "reply, the first 'line 0'"));
}

TEST_F(RealWorker, SeesNothingThatBindsItsThreads) {
    for (const char* variable :
         {"OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY", "KMP_AFFINITY", "KMP_HW_SUBSET"}) {
        ::setenv(variable, "0", 1);
        auto host = start();
        ::unsetenv(variable);
        ASSERT_TRUE(host.has_value());
        EXPECT_EQ((*host)->hello().versions.at("bound_by"), "nothing") << variable;
        EXPECT_THAT(
            (*host)->hello().notes,
            ElementsAre(std::string(variable) + " is ignored: the host binds the threads itself"));
    }
}

// ---------------------------------------------------------------------------------------------
// Time limits, on a clock that only moves while we wait
// ---------------------------------------------------------------------------------------------

class ScriptedWorker : public testing::Test {
protected:
    ScriptedWorker() {
        backend_.clock = &clock_;
        launcher_.scripts["fake"] = [this](const Json& request) {
            requests_.push_back(request);
            if (request.at("verb") == hang_at_) return fakes::hangs;
            return backend_(request);
        };
        command_.backend = "fake";
        command_.argv = {"fake"};
    }
    WorkerResult<std::unique_ptr<WorkerHost>> start() {
        return WorkerHost::start(command_, 1, launcher_, clock_, stop_, WorkerLimits{});
    }
    double waited_s() const { return Seconds(clock_.now).count(); }

    fakes::FakeClock clock_;
    fakes::ScriptedLauncher launcher_{clock_};
    fakes::Backend backend_;
    fakes::StopAfter stop_;
    WorkerCommand command_;
    std::string hang_at_;
    std::vector<Json> requests_;
};

TEST_F(ScriptedWorker, HelloHasSixtySeconds) {
    hang_at_ = "hello";
    auto host = start();
    ASSERT_FALSE(host.has_value());
    EXPECT_EQ(host.error().outcome, Outcome::timed_out);
    EXPECT_EQ(host.error().reason, "no answer to hello within 60 s");
    EXPECT_NEAR(waited_s(), 60, 0.01);
    EXPECT_EQ(launcher_.living, 0);
}

TEST_F(ScriptedWorker, PrepareHasSixtyAndOtherVerbsTenSeconds) {
    auto host = start();
    hang_at_ = "prepare";
    EXPECT_EQ((*host)->prepare(gemm(), {}).error().outcome, Outcome::timed_out);
    EXPECT_NEAR(waited_s(), 60, 0.01);
    clock_.now = Nanoseconds(0);
    host = start();
    hang_at_ = "supports";
    EXPECT_EQ((*host)->supports(gemm()).error().outcome, Outcome::timed_out);
    EXPECT_NEAR(waited_s(), 10, 0.01);
}

TEST_F(ScriptedWorker, RunHasItsTimeAndAMargin) {
    auto host = start();
    hang_at_ = "run";
    // 2 s asked for, four samples of 0.5 s announced: 2 + 30 + 5 x 2.
    EXPECT_EQ((*host)->run(gemm(), {4, 2.0, 0.001, 0.5}).error().reason,
              "no answer to run within 42 s");
    EXPECT_NEAR(waited_s(), 42, 0.01);
}

TEST_F(ScriptedWorker, NobodyWaitsLongerThanReasonForAnAnnouncedNonsense) {
    auto host = start();
    hang_at_ = "run";
    EXPECT_EQ((*host)->run(gemm(), {1, 0, 0.001, 1e300}).error().outcome, Outcome::timed_out);
    EXPECT_NEAR(waited_s(), 30 + 5 * 600, 1);
}

TEST_F(ScriptedWorker, IsNotBelievedTimesThatCannotBe) {
    backend_.alter = [](Json& row, int) { row[2] = row[3] = 1; };
    auto host = start();
    ASSERT_TRUE((*host)->prepare(gemm(), {}).has_value());
    const auto samples = (*host)->run(gemm(), {1, 0.03, 0.001, 0.001});
    ASSERT_FALSE(samples.has_value());
    EXPECT_EQ(samples.error().outcome, Outcome::failed);
    EXPECT_THAT(samples.error().reason,
                StartsWith("protocol error at run: its times cannot be: its blocks last"));
    EXPECT_FALSE((*host)->is_alive());
}

TEST_F(ScriptedWorker, IsFoundOutOverSeveralBatches) {
    backend_.alter = [](Json& row, int) { row[2] = row[3] = 10'000; };
    auto host = start();
    ASSERT_TRUE((*host)->prepare(gemm(), {}).has_value());
    EXPECT_TRUE((*host)->run(gemm(), {1, 0.1, 0.001, 0.001}).has_value());
    const auto samples = (*host)->run(gemm(), {1, 0.1, 0.001, 0.001});
    ASSERT_FALSE(samples.has_value());
    EXPECT_THAT(samples.error().reason, HasSubstr("where 200 ms were asked for"));
}

TEST_F(ScriptedWorker, AnnouncesNoIterationThatPrepareHadNoTimeFor) {
    backend_.alter_prepared = [](Json& reply) { reply["iteration_s"] = 1e300; };
    auto host = start();
    const auto prepared = (*host)->prepare(gemm(), {});
    ASSERT_FALSE(prepared.has_value());
    EXPECT_THAT(prepared.error().reason,
                HasSubstr("it announces 1e+300 s for an iteration, and all of prepare took 0 s"));
}

TEST_F(ScriptedWorker, LosesReadingsThatNoDeviceHas) {
    auto host = start();
    ASSERT_TRUE((*host)->prepare(gemm(), {}).has_value());
    EXPECT_FALSE((*host)->condition().has_impossible_reading);
    backend_.clock_hz = 1e308;
    const auto samples = (*host)->run(gemm(), {1, 0.01, 0.001, 0.001});
    ASSERT_TRUE(samples.has_value()) << samples.error().reason;
    EXPECT_EQ(samples->front().clock_hz, 0);
    EXPECT_TRUE((*host)->condition().has_impossible_reading);
    backend_.clock_hz = 3e9;
    ASSERT_TRUE((*host)->run(gemm(), {1, 0.01, 0.001, 0.001}).has_value());
    EXPECT_TRUE((*host)->condition().has_impossible_reading) << "of this case";
    ASSERT_TRUE((*host)->prepare(gemm(), {}).has_value());
    EXPECT_FALSE((*host)->condition().has_impossible_reading) << "another case";
}

class SilentInterpreter : public ScriptedWorker {
protected:
    SilentInterpreter() {
        for (const char* backend : {"numpy", "pytorch", "jax"}) {
            WorkerCommand command;
            command.backend = backend;
            command.argv = {"python", "__main__.py", backend};
            command.interpreter = "python";
            commands_.push_back(command);
        }
        launcher_.scripts["python"] = [this](const Json& request) {
            const bool is_hello = request.at("verb") == "hello";
            if (is_hello && ++asked_ == hangs_at_) return fakes::hangs;
            return Json{{"ok", false}, {"error", "old"}};
        };
    }
    std::vector<std::string> reasons() {
        std::vector<std::string> reasons;
        for (const BackendInfo& info : probe_backends(commands_, launcher_, clock_))
            reasons.push_back(info.reason);
        return reasons;
    }
    std::vector<WorkerCommand> commands_;
    int asked_ = 0, hangs_at_ = 0;
};

TEST_F(SilentInterpreter, IsNotAskedForItsOtherWorkers) {
    hangs_at_ = 1;
    const std::string others = "not asked: python gave no answer to hello within 60 s for numpy";
    EXPECT_THAT(reasons(), ElementsAre("no answer to hello within 60 s", others, others));
    EXPECT_NEAR(waited_s(), 60, 0.01);
}

TEST_F(SilentInterpreter, IsNotBlamedForAFrameworkOnceItHasAnswered) {
    hangs_at_ = 2;
    EXPECT_THAT(reasons(),
                ElementsAre("hello: old", "no answer to hello within 60 s", "hello: old"));
}

TEST_F(ScriptedWorker, IsAskedInTheWordsOfTheProtocol) {
    auto host = start();
    ASSERT_TRUE((*host)->prepare(gemm(), {7, 1e-9, {0}}).has_value());
    ASSERT_TRUE((*host)->run(gemm(), {3, 0.05, 0.0005, 0}).has_value());
    ASSERT_EQ(requests_.size(), 3u);
    EXPECT_EQ(requests_[0], (Json{{"id", 1}, {"verb", "hello"}, {"protocol", 1}}));
    EXPECT_EQ(requests_[1].at("id"), 2);
    EXPECT_EQ(requests_[1].at("seed"), 7);
    EXPECT_EQ(requests_[1].at("tolerance"), 1e-9);
    EXPECT_EQ(requests_[1].at("cpus"), Json::array({0}));
    EXPECT_EQ(requests_[1].at("case").at("operation"), "gemm");
    EXPECT_EQ(requests_[1].at("case").at("threads"), 1);
    EXPECT_EQ(
        requests_[2],
        (Json{{"id", 3}, {"verb", "run"}, {"samples", 3}, {"min_s", 0.05}, {"slice_s", 0.0005}}));
    (*host)->shutdown();
    EXPECT_EQ(requests_.back().at("verb"), "shutdown");
    EXPECT_EQ(launcher_.living, 0);
}

// ---------------------------------------------------------------------------------------------
// Replies, field by field
// ---------------------------------------------------------------------------------------------

Json good_hello() {
    return {{"protocol", 1},      {"backend", "x"},         {"versions", {{"x", "1"}}},
            {"devices", {"cpu"}}, {"precisions", {"fp64"}}, {"operations", {"dot"}}};
}

TEST(WorkerMessages, HelloNeedsEveryField) {
    EXPECT_TRUE(parse_hello(good_hello()).has_value());
    for (const char* name :
         {"protocol", "backend", "versions", "devices", "precisions", "operations"}) {
        Json hello = good_hello();
        hello.erase(name);
        EXPECT_FALSE(parse_hello(hello).has_value()) << name;
        for (const Json& wrong : {Json(7.5), Json(nullptr), Json::array({1})}) {
            hello[name] = wrong;
            EXPECT_FALSE(parse_hello(hello).has_value()) << name << wrong;
        }
    }
    Json hello = good_hello();
    hello["isa"] = {"avx2"};
    EXPECT_THAT(parse_hello(hello)->isa, ElementsAre("avx2"));
    hello["isa"] = "avx2";
    EXPECT_FALSE(parse_hello(hello).has_value());
    hello = good_hello();
    hello["versions"] = {{"x", 1}};
    EXPECT_FALSE(parse_hello(hello).has_value());
}

TEST(WorkerMessages, HelloMayTellWhichDeviceIsMeant) {
    Json hello = good_hello();
    EXPECT_TRUE(parse_hello(hello)->device_ids.empty());
    hello["device_ids"] = {{"cuda:0", {{"pci", "0000:3B:00.0"}, {"uuid", "GPU-1"}}},
                           {"cuda:1", {{"uuid", "GPU-2"}}}};
    const std::map<std::string, DeviceId> ids{{"cuda:0", {"0000:3b:00.0", "GPU-1"}},
                                              {"cuda:1", {"", "GPU-2"}}};
    EXPECT_EQ(parse_hello(hello)->device_ids, ids);
    for (const Json& wrong :
         {Json("cuda:0"), Json{{"cuda:0", "x"}}, Json{{"cuda:0", {{"pci", 1}}}}}) {
        hello["device_ids"] = wrong;
        EXPECT_FALSE(parse_hello(hello).has_value()) << wrong;
    }
}

TEST(WorkerMessages, AnotherProtocolIsRefusedWithAWayOut) {
    Json hello = good_hello();
    hello["protocol"] = 2;
    EXPECT_EQ(parse_hello(hello).error().message,
              "it speaks protocol 2, this program protocol 1: install both from one release");
}

TEST(WorkerMessages, SupportsNeedsAReasonForNo) {
    EXPECT_TRUE(parse_supports({{"supported", true}})->supported);
    EXPECT_EQ(parse_supports({{"supported", false}, {"reason", "no AMX"}})->reason, "no AMX");
    EXPECT_FALSE(parse_supports({{"supported", false}}).has_value());
    EXPECT_FALSE(parse_supports({{"supported", 1}}).has_value());
}

TEST(WorkerMessages, PrepareIsChecked) {
    const Json good{{"device", "cpu"},
                    {"implementation", "x"},
                    {"error", 0.5},
                    {"correct", true},
                    {"iteration_s", 0.25}};
    EXPECT_EQ(parse_prepare(good)->error, 0.5);
    EXPECT_EQ(parse_prepare(good)->iteration_s, 0.25);
    for (const char* name : {"device", "implementation", "error", "correct", "iteration_s"}) {
        Json bad = good;
        bad.erase(name);
        EXPECT_FALSE(parse_prepare(bad).has_value()) << name;
        bad[name] = Json::object();
        EXPECT_FALSE(parse_prepare(bad).has_value()) << name;
    }
    for (const char* name : {"error", "iteration_s"}) {
        Json bad = good;
        bad[name] = -1e-9;
        EXPECT_FALSE(parse_prepare(bad).has_value()) << name;
        bad[name] = 0;
        EXPECT_TRUE(parse_prepare(bad).has_value()) << name;
    }
    Json not_a_number = good;
    not_a_number["error"] = nullptr;
    EXPECT_FALSE(parse_prepare(not_a_number)->correct);
    EXPECT_TRUE(std::isinf(parse_prepare(not_a_number)->error));
}

TEST(WorkerMessages, SamplesAreCheckedColumnByColumn) {
    const Json good{1, 0, 1, -1, -1, -1, 0.5, 0};
    const auto parse = [](const Json& row, int threads = 2) {
        return parse_run({{"samples", {row}}}, threads);
    };
    ASSERT_TRUE(parse(good).has_value());
    const Sample sample = parse(Json{1, 2, 3, 4, 5, 6, 7.5, 8e9})->front();
    EXPECT_EQ(sample.thread, 1);
    EXPECT_EQ(sample.start_ns, 2);
    EXPECT_EQ(sample.wall_ns, 3);
    EXPECT_EQ(sample.cpu_ns, 4);
    EXPECT_EQ(sample.switches, 5);
    EXPECT_EQ(sample.wait_ns, 6);
    EXPECT_EQ(sample.iterations, 7.5);
    EXPECT_EQ(sample.clock_hz, 8e9);

    EXPECT_FALSE(parse(good, 1).has_value()) << "a thread that the case does not have";
    const std::vector<std::pair<std::size_t, Json>> wrong{
        {0, -1}, {1, -1},  {2, 0},   {3, -2},      {4, -2},  {5, -2},      {6, 0},  {6, -1.0},
        {7, -1}, {0, 0.5}, {1, "x"}, {2, nullptr}, {6, "1"}, {7, nullptr}, {3, 1.5}};
    for (const auto& [column, value] : wrong) {
        Json row = good;
        row[column] = value;
        EXPECT_FALSE(parse(row).has_value()) << column << " = " << value;
    }
    Json shorter = good;
    shorter.erase(7);
    EXPECT_FALSE(parse(shorter).has_value());
    Json longer = good;
    longer.push_back(0);
    longer.push_back(0);
    EXPECT_FALSE(parse(longer).has_value());
    EXPECT_FALSE(parse_run({{"samples", Json::array()}}, 1).has_value());
    EXPECT_FALSE(parse_run(Json::object(), 1).has_value());
}

TEST(WorkerMessages, ADeviceMaySayWhatHoldsItBack) {
    const auto throttle = [](const Json& word) -> std::optional<Throttle> {
        const auto samples = parse_run({{"samples", {{0, 1, 2, -1, -1, -1, 1.0, 1e9, word}}}}, 1);
        if (!samples) return std::nullopt;
        return samples->front().throttle;
    };
    EXPECT_EQ(throttle(0), Throttle::none);
    EXPECT_EQ(throttle(1), Throttle::power_cap);
    EXPECT_EQ(throttle(2), Throttle::slowed);
    EXPECT_EQ(throttle(3), Throttle::core_shared);
    for (const Json& wrong : {Json(-1), Json(4), Json(0.5), Json("heat"), Json(nullptr)})
        EXPECT_EQ(throttle(wrong), std::nullopt) << wrong;
    const Json silent{{"samples", {{0, 1, 2, -1, -1, -1, 1.0, 1e9}}}};
    EXPECT_EQ(parse_run(silent, 1)->front().throttle, Throttle::unknown);
}

TEST(WorkerMessages, ADeviceMaySayHowItIs) {
    const auto told = parse_condition({{"temperature_c", 63}, {"power_w", 512.5}});
    EXPECT_EQ(told->temperature_c, 63);
    EXPECT_EQ(told->power_w, 512.5);
    EXPECT_EQ(parse_condition(Json::object())->power_w, std::nullopt);
    EXPECT_FALSE(parse_condition({{"power_w", "much"}}).has_value());
    EXPECT_FALSE(parse_condition({{"temperature_c", -1}}).has_value());
    Json prepared{{"device", "cuda:0"},
                  {"implementation", "x"},
                  {"error", 0},
                  {"correct", true},
                  {"iteration_s", 1e-3}};
    EXPECT_EQ(parse_prepare(prepared)->clock_nominal_hz, std::nullopt);
    prepared["clock_nominal_hz"] = 1.98e9;
    EXPECT_EQ(parse_prepare(prepared)->clock_nominal_hz, 1.98e9);
    prepared["clock_nominal_hz"] = nullptr;
    EXPECT_FALSE(parse_prepare(prepared).has_value());
}

TEST(WorkerMessages, ExcerptIsShortAndPrintable) {
    EXPECT_EQ(excerpt("a\x1b[31mb\xff"), "a?[31mb?");
    EXPECT_EQ(excerpt(std::string(80, 'x')), std::string(80, 'x'));
    EXPECT_EQ(excerpt(std::string(81, 'x')), std::string(80, 'x') + "...");
}

}  // namespace
}  // namespace peakward
