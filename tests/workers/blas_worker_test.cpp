// The blas worker as the host meets it: a process that talks in lines.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <cmath>
#include <cstdlib>

#include "blas/backend.hpp"
#include "workers/conversation_partner.hpp"

namespace peakward::worker::blas {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string fake(const std::string& kind) {
    return std::string(PEAKWARD_FAKES_DIR) + "/cblas_" + kind + ".so";
}

std::function<int()> serving(const std::string& library, bool plant = false) {
    return [=] {
        BlasWorker worker({library, plant});
        return serve(worker);
    };
}

Json shape_of(const std::string& operation, int n) {
    Json shape;
    for (const std::string& axis : axes_of(operation)) shape[axis] = n;
    return shape;
}

double tolerance_of(const std::string& precision, int n) {
    return 16 * std::sqrt(n) * (precision == "fp32" ? 0x1p-24 : 0x1p-53);
}

Json prepare_fields(const std::string& operation, const std::string& precision, int n,
                    int threads = 1) {
    return {{"case", case_json(operation, precision, shape_of(operation, n), threads)},
            {"seed", 99},
            {"tolerance", tolerance_of(precision, n)},
            {"cpus", Json::array()}};
}

TEST(BlasWorker, SaysWhatItIs) {
    ConversationPartner partner(serving(fake("openblas")));
    const Json reply = partner.ask("hello", {{"protocol", 1}});
    EXPECT_EQ(reply["backend"], "blas");
    EXPECT_EQ(reply["devices"], Json({"cpu"}));
    EXPECT_EQ(reply["precisions"], Json({"fp64", "fp32"}));
    EXPECT_EQ(reply["operations"], Json({"dot", "axpy", "gemv", "gemm"}));
    EXPECT_EQ(reply["versions"]["openblas"], "9.8.7");
}

TEST(BlasWorker, AnswersHelloWithTheReasonWhenTheLibraryIsNotOne) {
    ConversationPartner partner(serving(fake("missing")));
    const Json reply = partner.ask("hello", {{"protocol", 1}});
    EXPECT_EQ(reply["ok"], false);
    EXPECT_THAT(reply["error"], AllOf(HasSubstr(fake("missing")), HasSubstr("cblas_dgemm")));
    EXPECT_EQ(partner.wait(), 0);
}

TEST(BlasWorker, KeepsALibrarysPrintsOffTheProtocol) {
    ConversationPartner partner(serving(fake("prints")));
    EXPECT_EQ(partner.ask("hello", {{"protocol", 1}})["backend"], "blas");
    EXPECT_EQ(partner.ask("prepare", prepare_fields("dot", "fp64", 16))["correct"], true);
    EXPECT_EQ(partner.ask("shutdown")["ok"], true);
    EXPECT_EQ(partner.wait(), 0);
    EXPECT_THAT(partner.stderr_text(),
                AllOf(HasSubstr("printed by a constructor"), HasSubstr("printed by a call")));
}

class BlasWorkerCase : public testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(BlasWorkerCase, PreparesRunsAndReleases) {
    const auto& [operation, precision] = GetParam();
    ConversationPartner partner(serving(fake("good")));
    EXPECT_EQ(partner.ask("supports", prepare_fields(operation, precision, 64))["supported"], true);
    const Json prepared = partner.ask("prepare", prepare_fields(operation, precision, 64));
    ASSERT_EQ(prepared["ok"], true) << prepared;
    EXPECT_EQ(prepared["correct"], true) << prepared;
    EXPECT_EQ(prepared["device"], "cpu");
    EXPECT_EQ(prepared["implementation"], "cblas_good.so one thread");
    EXPECT_GT(prepared["iteration_s"].get<double>(), 0);
    const Json ran = partner.ask("run", {{"samples", 5}, {"min_s", 0}, {"slice_s", 0.0005}});
    ASSERT_EQ(ran["ok"], true) << ran;
    ASSERT_GE(ran["samples"].size(), 5u);
    std::int64_t last_end = 0;
    for (const Json& sample : ran["samples"]) {
        EXPECT_EQ(sample[0], 0);
        EXPECT_GE(sample[1].get<std::int64_t>(), last_end);
        last_end = sample[1].get<std::int64_t>() + sample[2].get<std::int64_t>();
        EXPECT_GT(sample[2].get<std::int64_t>(), 0);
        EXPECT_GE(sample[3].get<std::int64_t>(), 0);  // one thread: its CPU time is told
        EXPECT_GE(sample[4].get<std::int64_t>(), 0);
        const double iterations = sample[6].get<double>();
        EXPECT_GE(iterations, 1);
        EXPECT_EQ(iterations, std::floor(iterations));  // whole calls
    }
    EXPECT_EQ(partner.ask("release")["ok"], true);
    EXPECT_EQ(partner.ask("run", {{"samples", 1}, {"min_s", 0}, {"slice_s", 0}})["ok"], false);
    EXPECT_EQ(partner.ask("shutdown")["ok"], true);
    EXPECT_EQ(partner.wait(), 0);
}

TEST_P(BlasWorkerCase, SeesAPlantedWrongAnswer) {
    const auto& [operation, precision] = GetParam();
    ConversationPartner partner(serving(fake("good"), true));
    const Json prepared = partner.ask("prepare", prepare_fields(operation, precision, 64));
    ASSERT_EQ(prepared["ok"], true) << prepared;
    EXPECT_EQ(prepared["correct"], false) << prepared;
    EXPECT_GT(prepared["error"].get<double>(), tolerance_of(precision, 64));
}

INSTANTIATE_TEST_SUITE_P(All, BlasWorkerCase,
                         testing::Combine(testing::Values("dot", "axpy", "gemv", "gemm"),
                                          testing::Values("fp64", "fp32")),
                         [](const auto& instance) {
                             return std::get<0>(instance.param) + "_" + std::get<1>(instance.param);
                         });

TEST(BlasWorker, SeesALibraryThatAnswersWrong) {
    ConversationPartner partner(serving(fake("wrong")));
    for (const char* precision : {"fp32", "fp64"})
        for (const int n : {64, 200}) {
            const Json prepared = partner.ask("prepare", prepare_fields("gemm", precision, n));
            ASSERT_EQ(prepared["ok"], true) << prepared;
            EXPECT_EQ(prepared["correct"], false) << precision << " " << n << " " << prepared;
        }
}

TEST(BlasWorker, TellsNothingOfTheCallerWhereHelpersWork) {
    ConversationPartner partner(serving(fake("openblas")));
    ASSERT_EQ(partner.ask("prepare", prepare_fields("gemm", "fp64", 32, 2))["correct"], true);
    const Json ran = partner.ask("run", {{"samples", 2}, {"min_s", 0}, {"slice_s", 0}});
    ASSERT_EQ(ran["ok"], true) << ran;
    EXPECT_EQ(ran["samples"][0][3], -1);
    EXPECT_EQ(ran["samples"][0][4], -1);
}

// Helpers that end with the call take their waits along: the preemptions of the process are told.
TEST(BlasWorker, CountsPreemptionsWhereHelpersAreShortLived) {
    ConversationPartner partner(serving(fake("blis")));
    ASSERT_EQ(partner.ask("prepare", prepare_fields("gemm", "fp64", 32, 2))["correct"], true);
    const Json ran = partner.ask("run", {{"samples", 2}, {"min_s", 0}, {"slice_s", 0}});
    ASSERT_EQ(ran["ok"], true) << ran;
    EXPECT_EQ(ran["samples"][0][3], -1);
    EXPECT_GE(ran["samples"][0][4].get<int>(), 0);
    EXPECT_EQ(ran["samples"][0][5], -1);
}

struct Unsupported {
    Json what;
    std::string reason;
};
void PrintTo(const Unsupported& unsupported, std::ostream* stream) {
    *stream << unsupported.reason;
}
class BlasWorkerRefuses : public testing::TestWithParam<Unsupported> {};

TEST_P(BlasWorkerRefuses, WithTheReason) {
    BlasWorker worker({fake("good"), false});
    const Support support = worker.supports(GetParam().what);
    EXPECT_FALSE(support.supported);
    EXPECT_THAT(support.reason, HasSubstr(GetParam().reason));
    PrepareRequest request;
    request.what = GetParam().what;
    EXPECT_THROW(worker.prepare(request), std::runtime_error);
}

Json with(Json what, const std::string& key, const Json& value) {
    what[key] = value;
    return what;
}

INSTANTIATE_TEST_SUITE_P(
    What, BlasWorkerRefuses,
    testing::Values(
        Unsupported{case_json("conv2d", "fp32", {{"n", 8}}), "no operation 'conv2d'"},
        Unsupported{case_json("dot", "fp16", {{"n", 8}}), "fp64, fp32, not in 'fp16'"},
        Unsupported{with(case_json("dot", "fp32", {{"n", 8}}), "device", "cuda:0"),
                    "not on 'cuda:0'"},
        Unsupported{case_json("dot", "fp32", {{"n", 8}}, 2), "pass --threads 1"},
        Unsupported{case_json("dot", "fp32", {{"n", 0}}), "whole numbers from 1"},
        Unsupported{case_json("dot", "fp32", {{"n", -5}}), "whole numbers from 1"},
        Unsupported{case_json("dot", "fp32", {{"n", "many"}}), "whole numbers from 1"},
        Unsupported{case_json("dot", "fp32", {{"n", 5000000000}}), "whole numbers from 1"},
        Unsupported{case_json("gemm", "fp32", {{"m", 8}, {"n", 8}}), "m, n, k"},
        Unsupported{case_json("dot", "fp32", {{"n", 8}, {"k", 8}}), "no other axes"},
        Unsupported{
            case_json("gemm", "fp64", {{"m", 2000000000}, {"n", 2000000000}, {"k", 2000000000}}),
            "are available: take a smaller one"}));

TEST(BlasWorker, RefusesACpuItMayNotUse) {
    ConversationPartner partner(serving(fake("good")));
    Json fields = prepare_fields("dot", "fp32", 64);
    fields["cpus"] = {1000};
    EXPECT_THAT(partner.ask("prepare", fields)["error"], HasSubstr("CPU 1000 does not exist"));
    fields["cpus"] = {::sched_getcpu()};
    EXPECT_EQ(partner.ask("prepare", fields)["ok"], true);
}

TEST(BlasWorker, GivesTheSameInputsForTheSameSeed) {
    ConversationPartner partner(serving(fake("good")));
    const auto error = [&](int seed) {
        Json fields = prepare_fields("gemm", "fp32", 64);
        fields["seed"] = seed;
        return partner.ask("prepare", fields)["error"].get<double>();
    };
    EXPECT_EQ(error(5), error(5));
    EXPECT_NE(error(5), error(6));
}

#ifdef PEAKWARD_RUNS_WORKERS
const std::string program =
    std::string(PEAKWARD_BINARY_DIR) + "/libexec/peakward/workers/peakward-worker-blas";

TEST(BlasWorkerProgram, TakesTheLibraryFromItsArguments) {
    ConversationPartner partner({program, "--library", fake("openblas")});
    EXPECT_EQ(partner.ask("hello", {{"protocol", 1}})["versions"]["openblas"], "9.8.7");
    EXPECT_EQ(partner.wait(), 0);
}

TEST(BlasWorkerProgram, TakesTheLibraryAndThePlantFromTheEnvironment) {
    ::setenv("PEAKWARD_BLAS_LIBRARY", fake("blis").c_str(), 1);
    ::setenv("PEAKWARD_PLANT", "wrong_answer", 1);
    ConversationPartner partner({program});
    ::unsetenv("PEAKWARD_BLAS_LIBRARY");
    ::unsetenv("PEAKWARD_PLANT");
    EXPECT_EQ(partner.ask("hello", {{"protocol", 1}})["versions"]["blis"], "7.6.5");
    EXPECT_EQ(partner.ask("prepare", prepare_fields("gemm", "fp32", 64))["correct"], false);
}

TEST(BlasWorkerProgram, RefusesUnknownArguments) {
    ConversationPartner partner({program, "--lib"});
    EXPECT_EQ(partner.wait(), 2);
    EXPECT_THAT(partner.stderr_text(), HasSubstr("usage: peakward-worker-blas"));
}

// Whatever CBLAS this machine has, with every operation on one thread and on two.
TEST(BlasWorkerProgram, MeasuresTheInstalledLibrary) {
    ConversationPartner partner(std::vector<std::string>{program});
    const Json hello = partner.ask("hello", {{"protocol", 1}});
    if (hello["ok"] == false) GTEST_SKIP() << hello["error"];
    for (const std::string& operation : operation_names())
        for (const char* precision : {"fp64", "fp32"})
            for (const int threads : {1, 2}) {
                const Json fields = prepare_fields(operation, precision, 128, threads);
                if (partner.ask("supports", fields)["supported"] == false) continue;
                const Json prepared = partner.ask("prepare", fields);
                EXPECT_EQ(prepared["correct"], true) << operation << " " << prepared;
                const Json ran =
                    partner.ask("run", {{"samples", 3}, {"min_s", 0}, {"slice_s", 0.001}});
                EXPECT_EQ(ran["ok"], true) << operation << " " << ran;
            }
    EXPECT_EQ(partner.wait(), 0);
}
#endif

}  // namespace
}  // namespace peakward::worker::blas
