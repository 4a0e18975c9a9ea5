#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <new>
#include <stdexcept>

#include "sdk/requests.hpp"
#include "workers/conversation_partner.hpp"

namespace peakward::worker {
namespace {

using testing::HasSubstr;

// Records what it was asked; `fail` makes the named verb throw.
class ScriptedWorker : public Worker {
public:
    Json hello() override {
        maybe_throw("hello");
        return {{"backend", "scripted"}, {"devices", {"cpu"}}};
    }
    Support supports(const Json& what) override {
        maybe_throw("supports");
        if (what["operation"] == "gemm") return {true, ""};
        return {false, "only gemm"};
    }
    Prepared prepare(const PrepareRequest& request) override {
        maybe_throw("prepare");
        prepare_request = request;
        ++prepared;
        Prepared reply;
        reply.implementation = implementation;
        reply.error = error;
        reply.correct = true;
        reply.clock_nominal_hz = clock_nominal_hz;
        return reply;
    }
    std::vector<RunSample> run(const RunRequest& request) override {
        maybe_throw("run");
        run_request = request;
        return samples;
    }
    Json condition() override { return how_it_is; }
    void release() override { ++released; }

    Json how_it_is = Json::object();
    double clock_nominal_hz = 0;
    std::string fail, implementation = "loops";
    double error = 0;
    std::vector<RunSample> samples = std::vector<RunSample>(3);
    PrepareRequest prepare_request;
    RunRequest run_request;
    int prepared = 0, released = 0;

private:
    void maybe_throw(const std::string& verb) const {
        if (fail == verb + " runtime_error") throw std::runtime_error("the kernel is tired");
        if (fail == verb + " bad_alloc") throw std::bad_alloc();
        if (fail == verb + " int") throw 42;
    }
};

class WorkerConversation : public testing::Test {
protected:
    Json ask(const char* line) { return ask(std::string(line)); }
    Json ask(const std::string& line) { return Json::parse(conversation.answer(line)); }
    Json ask(const Json& request) { return ask(request.dump()); }

    static Json prepare_request() {
        return {{"id", 7},
                {"verb", "prepare"},
                {"case", case_json("gemm", "fp32", {{"n", 64}}, 2)},
                {"seed", 12345},
                {"tolerance", 1e-5},
                {"cpus", {0, 3}}};
    }
    static Json run_request() {
        return {{"id", 8}, {"verb", "run"}, {"samples", 3}, {"min_s", 0.5}, {"slice_s", 0.001}};
    }

    ScriptedWorker worker;
    Conversation conversation{worker};
};

TEST_F(WorkerConversation, AnswersHelloWithProtocolAndId) {
    const Json reply = ask(R"({"id":3,"verb":"hello","protocol":1})");
    EXPECT_EQ(reply, (Json{{"id", 3},
                           {"ok", true},
                           {"protocol", 1},
                           {"backend", "scripted"},
                           {"devices", {"cpu"}}}));
}

TEST_F(WorkerConversation, RefusesAnotherProtocolVersion) {
    const Json reply = ask(R"({"id":3,"verb":"hello","protocol":2})");
    EXPECT_EQ(reply["ok"], false);
    EXPECT_THAT(reply["error"], HasSubstr("speaks protocol 1, the host protocol 2"));
}

TEST_F(WorkerConversation, GivesTheReasonWhenACaseIsNotSupported) {
    EXPECT_EQ(
        ask({{"id", 1}, {"verb", "supports"}, {"case", case_json("gemm", "fp32", {{"n", 2}})}}),
        (Json{{"id", 1}, {"ok", true}, {"supported", true}}));
    EXPECT_EQ(
        ask({{"id", 2}, {"verb", "supports"}, {"case", case_json("dot", "fp32", {{"n", 2}})}}),
        (Json{{"id", 2}, {"ok", true}, {"supported", false}, {"reason", "only gemm"}}));
}

TEST_F(WorkerConversation, HandsTheWholePrepareRequestOver) {
    EXPECT_EQ(ask(prepare_request())["ok"], true);
    EXPECT_EQ(worker.prepare_request.operation, "gemm");
    EXPECT_EQ(worker.prepare_request.precision, "fp32");
    EXPECT_EQ(worker.prepare_request.shape, (Json{{"n", 64}}));
    EXPECT_EQ(worker.prepare_request.threads, 2);
    EXPECT_EQ(worker.prepare_request.cpus, (std::vector<int>{0, 3}));
    EXPECT_EQ(worker.prepare_request.seed, 12345u);
    EXPECT_EQ(worker.prepare_request.tolerance, 1e-5);
}

TEST_F(WorkerConversation, AcceptsTheLargestSeed) {
    Json request = prepare_request();
    request["seed"] = std::numeric_limits<std::uint64_t>::max();
    EXPECT_EQ(ask(request)["ok"], true);
    EXPECT_EQ(worker.prepare_request.seed, std::numeric_limits<std::uint64_t>::max());
}

TEST_F(WorkerConversation, SendsSamplesAsRowsInTheProtocolsOrder) {
    ask(prepare_request());
    worker.samples[0] = {0, 20, 30, 40, 50, 60, 7.5, 8e9};
    const Json reply = ask(run_request());
    ASSERT_EQ(reply["ok"], true) << reply;
    EXPECT_EQ(reply["samples"][0], Json::parse("[0,20,30,40,50,60,7.5,8e9]"));
    EXPECT_EQ(reply["samples"][0].size(), static_cast<std::size_t>(protocol::sample_columns));
    EXPECT_EQ(worker.run_request.samples, 3);
    EXPECT_EQ(worker.run_request.min_s, 0.5);
    EXPECT_EQ(worker.run_request.slice_s, 0.001);
}

TEST_F(WorkerConversation, SaysWhatADeviceSaysOfItselfAndNothingElse) {
    Json prepared = ask(prepare_request());
    EXPECT_FALSE(prepared.contains("clock_nominal_hz"));
    Json ran = ask(run_request());
    EXPECT_EQ(ran["samples"][0].size(), 8u);
    EXPECT_FALSE(ran.contains("power_w"));
    worker.clock_nominal_hz = 1.98e9;
    worker.how_it_is = {{"power_w", 500}};
    worker.samples[1].throttle = Throttle::slowed;
    prepared = ask(prepare_request());
    EXPECT_EQ(prepared["clock_nominal_hz"], 1.98e9);
    ran = ask(run_request());
    EXPECT_EQ(ran["power_w"], 500);
    EXPECT_EQ(ran["samples"][0].size(), 8u);
    EXPECT_EQ(ran["samples"][1][8], 2);
}

TEST_F(WorkerConversation, RefusesFewerSamplesThanAskedFor) {
    ask(prepare_request());
    worker.samples.resize(2);
    const Json reply = ask(run_request());
    EXPECT_EQ(reply["ok"], false);
    EXPECT_THAT(reply["error"], HasSubstr("2 samples of 3"));
}

TEST_F(WorkerConversation, CountsSamplesPerThread) {
    ask(prepare_request());
    worker.samples = std::vector<RunSample>(4);
    worker.samples[3].thread = 1;
    EXPECT_THAT(ask(run_request())["error"], HasSubstr("thread 1 returned 1 samples of 3"));
}

TEST_F(WorkerConversation, IsCorrectOnlyWithinTheTolerance) {
    worker.error = 2e-5;
    EXPECT_EQ(ask(prepare_request())["correct"], false);
    worker.error = 1e-5;
    EXPECT_EQ(ask(prepare_request())["correct"], true);
}

TEST_F(WorkerConversation, SendsANaNErrorAsTheLargestDoubleAndWrong) {
    for (const double error : {std::nan(""), std::numeric_limits<double>::infinity()}) {
        worker.error = error;
        const Json reply = ask(prepare_request());
        EXPECT_EQ(reply["correct"], false);
        EXPECT_EQ(reply["error"], std::numeric_limits<double>::max());
    }
}

TEST_F(WorkerConversation, RefusesToRunWhatIsNotPrepared) {
    EXPECT_THAT(ask(run_request())["error"], HasSubstr("send prepare first"));
    ask(prepare_request());
    ask(R"({"id":1,"verb":"release"})");
    EXPECT_THAT(ask(run_request())["error"], HasSubstr("send prepare first"));
}

TEST_F(WorkerConversation, ReleasesOnceAndBeforeTheNextCase) {
    ask(prepare_request());
    EXPECT_EQ(worker.released, 0);
    ask(prepare_request());
    EXPECT_EQ(worker.released, 1);
    ask(R"({"id":1,"verb":"release"})");
    EXPECT_EQ(ask(R"({"id":2,"verb":"release"})")["ok"], true);
    EXPECT_EQ(worker.released, 2);
}

TEST_F(WorkerConversation, ReleasesWhatAFailedPrepareLeftBehind) {
    worker.fail = "prepare bad_alloc";
    EXPECT_THAT(ask(prepare_request())["error"], HasSubstr("out of memory"));
    EXPECT_EQ(worker.released, 1);
    EXPECT_EQ(ask(run_request())["ok"], false);
}

TEST_F(WorkerConversation, TurnsExceptionsIntoErrors) {
    worker.fail = "hello runtime_error";
    EXPECT_EQ(ask(R"({"id":3,"verb":"hello","protocol":1})"),
              (Json{{"id", 3}, {"ok", false}, {"error", "the kernel is tired"}}));
    worker.fail = "hello int";
    EXPECT_THAT(ask(R"({"id":3,"verb":"hello","protocol":1})")["error"],
                HasSubstr("not an exception"));
}

TEST_F(WorkerConversation, EndsWithShutdown) {
    ask(prepare_request());
    EXPECT_FALSE(conversation.finished());
    EXPECT_EQ(ask(R"({"id":9,"verb":"shutdown"})"), (Json{{"id", 9}, {"ok", true}}));
    EXPECT_TRUE(conversation.finished());
    EXPECT_EQ(worker.released, 1);
}

TEST_F(WorkerConversation, RepliesInUtf8WhateverALibrarySays) {
    worker.implementation = "kernel \xff\xfe";
    EXPECT_EQ(ask(prepare_request())["implementation"], "kernel \xEF\xBF\xBD\xEF\xBF\xBD");
}

struct Garbled {
    std::string line, complaint;
};
void PrintTo(const Garbled& garbled, std::ostream* stream) { *stream << garbled.complaint; }
class GarbledRequest : public testing::TestWithParam<Garbled> {};

TEST_P(GarbledRequest, GetsAClearError) {
    ScriptedWorker worker;
    Conversation conversation(worker);
    const Json reply = Json::parse(conversation.answer(GetParam().line));
    EXPECT_EQ(reply["ok"], false);
    EXPECT_THAT(reply["error"], HasSubstr(GetParam().complaint));
    EXPECT_EQ(worker.prepared, 0);
    EXPECT_FALSE(conversation.finished());
}

std::string garbled_prepare(const std::string& pointer, const Json& value) {
    Json request = {
        {"id", 7},       {"verb", "prepare"}, {"case", case_json("gemm", "fp32", {{"n", 64}}, 2)},
        {"seed", 12345}, {"tolerance", 1e-5}, {"cpus", {0, 3}}};
    request[Json::json_pointer(pointer)] = value;
    return request.dump();
}

INSTANTIATE_TEST_SUITE_P(
    Worker, GarbledRequest,
    testing::Values(
        Garbled{"", "not JSON"}, Garbled{"hello", "not JSON"},
        Garbled{R"({"id":1,"verb":"hello")", "not JSON"},
        Garbled{std::string("\0\x01\xff{", 4), "not JSON"},
        Garbled{R"({"id":1,"verb":"hello","protocol":1} {"id":2})", "not JSON"},
        Garbled{"[1,2]", "not a JSON object"}, Garbled{"{}", "has no 'id'"},
        Garbled{std::string(100000, '['), "not JSON"},
        Garbled{std::string(100000, '[') + std::string(100000, ']'), "nests deeper"},
        Garbled{R"({"id":"one","verb":"hello"})", "'id' of the request must be a number"},
        Garbled{R"({"id":1})", "has no 'verb'"},
        Garbled{R"({"id":1,"verb":7})", "'verb' of the request must be a word"},
        Garbled{R"({"id":1,"verb":"explode"})", R"(unknown verb "explode")"},
        Garbled{R"({"id":1,"verb":"hello"})", "has no 'protocol'"},
        Garbled{R"({"id":1,"verb":"hello","protocol":"1"})", "must be a whole number"},
        Garbled{R"({"id":1,"verb":"hello","protocol":1.5})", "must be a whole number"},
        Garbled{R"({"id":1,"verb":"hello","protocol":99999999999999999999})",
                "must be a whole number"},
        Garbled{R"({"id":1,"verb":"supports"})", "has no 'case'"},
        Garbled{R"({"id":1,"verb":"supports","case":"gemm"})",
                "'case' of the request must be an object"},
        Garbled{R"({"id":1,"verb":"supports","case":{"operation":"gemm"}})",
                "case has no 'precision'"},
        Garbled{garbled_prepare("/case/threads", 0), "'threads' of the case"},
        Garbled{garbled_prepare("/case/threads", "2"), "'threads' of the case"},
        Garbled{garbled_prepare("/case/shape", Json::array({1})), "'shape' of the case"},
        Garbled{garbled_prepare("/case/shape/n", 1.5), "'n' of the shape"},
        Garbled{garbled_prepare("/case/operation", ""), "'operation' of the case"},
        Garbled{garbled_prepare("/seed", -1), "'seed' of the request"},
        Garbled{garbled_prepare("/tolerance", nullptr), "'tolerance' of the request"},
        Garbled{garbled_prepare("/tolerance", -0.1), "'tolerance' of the request"},
        Garbled{garbled_prepare("/cpus", 3), "'cpus' of the request"},
        Garbled{garbled_prepare("/cpus", {1}), "one CPU per thread"},
        Garbled{garbled_prepare("/cpus", {1, -1}), "'cpus' of the request"},
        Garbled{R"({"id":1,"verb":"run","samples":-1,"min_s":0,"slice_s":0})",
                "'samples' of the request"},
        Garbled{R"({"id":1,"verb":"run","samples":1,"min_s":"long","slice_s":0})",
                "'min_s' of the request"},
        Garbled{R"({"id":1,"verb":"run","samples":1,"min_s":0})", "has no 'slice_s'"}));

}  // namespace
}  // namespace peakward::worker
