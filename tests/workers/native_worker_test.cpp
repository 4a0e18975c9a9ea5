// The native worker as serve() calls it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <stdexcept>

#include "native/cases.hpp"

namespace peakward::native {
namespace {

using testing::Contains;
using testing::HasSubstr;

worker::PrepareRequest request_for(const std::string& operation, const std::string& precision,
                                   const Json& shape, int threads = 1) {
    worker::PrepareRequest request;
    request.operation = operation;
    request.precision = precision;
    request.shape = shape;
    request.threads = threads;
    request.seed = 11;
    // A clock probe's "error" is how far a latency is from a whole number of cycles: load and
    // emulators move it, so the tests do not ask for it.
    request.tolerance = operation == "clock_probe" ? 1e9 : 1e-6;
    request.what = {{"operation", operation}, {"precision", precision}, {"shape", shape},
                    {"device", "cpu"},        {"backend", "native"},    {"threads", threads}};
    return request;
}

struct Asked {
    std::string operation;
    Json shape;
};
const std::vector<Asked>& asked() {
    static const std::vector<Asked> all = {
        {"compute_peak", {{"isa", "scalar"}}},
        {"clock_probe", {{"isa", "scalar"}}},
        {"stream_copy", {{"elements", 100'000}, {"store", "temporal"}}},
        {"stream_triad", {{"elements", 1000}, {"store", "nontemporal"}}},
    };
    return all;
}

TEST(NativeWorker, SaysWhatItIsAndWhichClassesRunHere) {
    const Json hello = make_native_worker(Plant::none)->hello();
    EXPECT_EQ(hello["backend"], "native");
    EXPECT_EQ(hello["devices"], Json({"cpu"}));
    EXPECT_TRUE(hello["versions"].contains("peakward-native"));
    EXPECT_TRUE(hello["versions"].contains("compiler"));
    EXPECT_THAT(hello["isa"], Contains("scalar"));
    EXPECT_THAT(hello["precisions"], Contains("fp64"));
    EXPECT_THAT(hello["operations"], Contains("compute_peak"));
    EXPECT_EQ(hello["operations"].size(), 6u);
    EXPECT_EQ(hello["kernels"]["scalar"], Json({"fp64", "fp32"}));
}

TEST(NativeWorker, PreparesAndRunsEveryOperationWithOneAndTwoThreads) {
    for (const Asked& each : asked()) {
        for (const int threads : {1, 2}) {
            auto worker = make_native_worker(Plant::none);
            const auto request = request_for(each.operation, "fp64", each.shape, threads);
            EXPECT_TRUE(worker->supports(request.what).supported) << each.operation;
            const worker::Prepared prepared = worker->prepare(request);
            EXPECT_TRUE(prepared.correct) << each.operation << " error " << prepared.error;
            EXPECT_EQ(prepared.device, "cpu");
            EXPECT_GT(prepared.iteration_s, 0);
            EXPECT_NE(prepared.implementation, "");
            worker::RunRequest run;
            run.samples = 5;
            std::map<int, int> count;
            for (const auto& sample : worker->run(run)) {
                ++count[sample.thread];
                EXPECT_GT(sample.wall_ns, 0);
                EXPECT_GE(sample.cpu_ns, 0);
                EXPECT_GE(sample.switches, 0);
                EXPECT_GT(sample.iterations, 0);
            }
            EXPECT_EQ(count.size(), static_cast<std::size_t>(threads));
            for (const auto& [thread, delivered] : count) EXPECT_GE(delivered, 5);
            worker->release();
            EXPECT_THROW(worker->run(run), std::runtime_error);
        }
    }
}

TEST(NativeWorker, SamplesOfAStreamAreWholeElements) {
    auto worker = make_native_worker(Plant::none);
    constexpr double elements = 300'000;
    worker->prepare(
        request_for("stream_add", "fp32", {{"elements", 300'000}, {"store", "temporal"}}, 2));
    worker::RunRequest run;
    run.samples = 20;
    run.slice_s = 0.3e-3;
    for (const auto& sample : worker->run(run)) {
        const double done = sample.iterations * elements;
        EXPECT_NEAR(done, std::round(done), 1e-6 * done);
    }
}

TEST(NativeWorker, APeakIsProbedForItsClock) {
    auto worker = make_native_worker(Plant::none);
    worker->prepare(request_for("compute_peak", "fp32", {{"isa", "scalar"}}));
    worker::RunRequest run;
    run.samples = 3;
    for (const auto& sample : worker->run(run)) EXPECT_GT(sample.clock_hz, 0);
}

TEST(NativeWorker, APlantedWrongAnswerIsFoundInEveryOperation) {
    for (const Asked& each : asked()) {
        auto worker = make_native_worker(Plant::wrong_answer);
        auto request = request_for(each.operation, "fp64", each.shape);
        if (each.operation == "clock_probe") request.tolerance = 0.05;
        const worker::Prepared prepared = worker->prepare(request);
        EXPECT_FALSE(prepared.correct) << each.operation;
        EXPECT_GT(prepared.error, request.tolerance) << each.operation;
    }
}

TEST(NativeWorker, SaysWhyACaseIsNotSupported) {
    auto worker = make_native_worker(Plant::none);
    const auto reason = [&](const std::string& operation, const std::string& precision,
                            const Json& shape) {
        const worker::Support support =
            worker->supports(request_for(operation, precision, shape).what);
        EXPECT_FALSE(support.supported);
        return support.reason;
    };
    EXPECT_EQ(reason("gemm", "fp64", Json::object()), "native has no operation 'gemm'");
    EXPECT_THAT(reason("compute_peak", "fp64", {{"isa", "mmx"}}),
                HasSubstr("no kernel for isa 'mmx' on this architecture; known: scalar"));
    EXPECT_EQ(reason("compute_peak", "int4", {{"isa", "scalar"}}),
              "scalar has no int4 kernel, only fp64, fp32");
    EXPECT_THAT(reason("clock_probe", "fp64", {{"isa", "mmx"}}), HasSubstr("known: scalar"));
    EXPECT_EQ(reason("stream_copy", "fp16", {{"elements", 100}, {"store", "temporal"}}),
              "stream_copy has no fp16 kernel, only fp64, fp32");
    EXPECT_THAT(reason("stream_copy", "fp64", {{"elements", 100}, {"store", "sideways"}}),
                HasSubstr("temporal or nontemporal"));
    EXPECT_THAT(reason("stream_copy", "fp64", {{"elements", 0}, {"store", "temporal"}}),
                HasSubstr("whole number"));
    EXPECT_THAT(reason("stream_copy", "fp64", Json::array()), HasSubstr("store must be"));
}

TEST(NativeWorker, RefusesWhatCannotBePreparedInOneSentence) {
    auto worker = make_native_worker(Plant::none);
    EXPECT_THROW(worker->prepare(request_for("gemm", "fp64", Json::object())), std::runtime_error);
    EXPECT_THROW(worker->prepare(request_for("compute_peak", "fp64", {{"isa", "mmx"}})),
                 std::runtime_error);
    EXPECT_THROW(worker->prepare(request_for("stream_copy", "fp64",
                                             {{"elements", 8}, {"store", "temporal"}}, 2)),
                 std::runtime_error);
    EXPECT_THROW(worker->run({}), std::runtime_error);
}

TEST(Plant, KnowsItsWords) {
    EXPECT_EQ(plant_from("wrong_answer"), Plant::wrong_answer);
    EXPECT_EQ(plant_from("throttle"), Plant::throttle);
    EXPECT_EQ(plant_from(""), Plant::none);
    EXPECT_EQ(plant_from("hog"), Plant::none);
}

}  // namespace
}  // namespace peakward::native
