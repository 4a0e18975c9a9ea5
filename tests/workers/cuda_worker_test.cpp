// The cuda worker as the host meets it, over a driver, a cuBLASLt and an NVML that compute in the
// memory of this process (fakes/cuda_driver.cpp and its neighbours), in order and out of order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "cuda/backend.hpp"
#include "sdk/small_floats.hpp"
#include "workers/conversation_partner.hpp"

namespace peakward::worker::cuda {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string fake(const std::string& name) { return PEAKWARD_FAKES_DIR "/" + name + ".so"; }

BackendOptions fakes() { return {{fake("cuda_driver"), fake("cublaslt"), fake("nvml")}, false}; }

// A worker in a process of its own, with a fault of the fakes.
std::function<int()> serving(const std::string& fault = "", BackendOptions options = fakes()) {
    return [=] {
        ::setenv("PEAKWARD_FAKE_CUDA", fault.c_str(), 1);
        CudaWorker worker(options);
        return serve(worker);
    };
}

Json gpu_case(const std::string& operation, const std::string& precision, const Json& shape,
              const std::string& device = "cuda:0") {
    Json what = case_json(operation, precision, shape, 2);
    what["backend"] = "cuda";
    what["device"] = device;
    return what;
}

Json square(int n) { return {{"m", n}, {"n", n}, {"k", n}}; }

// The catalog's: 16 roundoffs of the sum times the root of its terms, and 8 of the result.
double tolerance_of(const std::string& precision, int k) {
    if (precision == "int8") return 0;
    const double of_sum = 16 * std::sqrt(k) * (precision == "fp64" ? 0x1p-53 : 0x1p-24);
    if (precision == "fp64" || precision == "fp32") return of_sum;
    return of_sum + 8 * (precision == "fp16" || precision == "tf32" ? 0x1p-11 : 0x1p-8);
}

Json prepare_fields(const Json& what, double tolerance) {
    return {{"case", what}, {"seed", 99}, {"tolerance", tolerance}, {"cpus", Json::array()}};
}

Json gemm_fields(const std::string& precision, int n = 64) {
    return prepare_fields(gpu_case("gemm", precision, square(n)), tolerance_of(precision, n));
}

Json memory_fields(const std::string& operation, const std::string& precision, int elements,
                   const std::string& store) {
    return prepare_fields(
        gpu_case(operation, precision, {{"elements", elements}, {"store", store}}),
        32 * (precision == "fp64" ? 0x1p-53 : 0x1p-24));
}

const Json few_samples = {{"samples", 5}, {"min_s", 0}, {"slice_s", 0.0002}};

std::string reason_of(ConversationPartner& partner, const Json& what) {
    const Json reply = partner.ask("supports", {{"case", what}});
    return reply["supported"] == false ? reply["reason"].get<std::string>() : "supported";
}

// The sentence with which prepare fails.
std::string refusal_of(const std::string& fault, const Json& fields) {
    ConversationPartner partner(serving(fault));
    const Json reply = partner.ask("prepare", fields);
    EXPECT_EQ(reply["ok"], false) << reply;
    return reply.value("error", "");
}

// By the tables of OFP8: 1.0 is 0.0111.000 in e4m3 (bias 7) and 0.01111.00 in e5m2 (bias 15).
TEST(SmallFloats, AreEncodedAsTheirStandardSays) {
    EXPECT_EQ(to_fp8_e4m3(1), 0x38);
    EXPECT_EQ(to_fp8_e4m3(-0.875), 0xb6);
    EXPECT_EQ(to_fp8_e4m3(448), 0x7e);     // the largest
    EXPECT_EQ(to_fp8_e4m3(0x1p-6), 0x08);  // the least that is normal
    EXPECT_EQ(to_fp8_e5m2(1), 0x3c);
    EXPECT_EQ(to_fp8_e5m2(-0.875), 0xbb);
    EXPECT_EQ(to_fp8_e5m2(57344), 0x7b);
    EXPECT_EQ(to_fp8_e5m2(0x1p-14), 0x04);
    EXPECT_EQ(to_fp8_e4m3(0), 0x00);
}

TEST(CudaWorker, SaysWhatItIsAndWhatItLoaded) {
    ConversationPartner partner(serving());
    const Json reply = partner.ask("hello", {{"protocol", 1}});
    EXPECT_EQ(reply["backend"], "cuda");
    EXPECT_EQ(reply["devices"], Json({"cuda:0", "cuda:1"}));
    EXPECT_EQ(reply["precisions"],
              Json({"fp64", "fp32", "tf32", "fp16", "bf16", "fp8_e4m3", "fp8_e5m2", "int8"}));
    EXPECT_EQ(reply["versions"]["cuda"], "13.0");
    EXPECT_EQ(reply["versions"]["driver"], "580.65.06");
    EXPECT_EQ(reply["versions"]["cublaslt"], "13.0.2");
    EXPECT_EQ(reply["versions"]["cublaslt_file"], fake("cublaslt"));
    EXPECT_EQ(reply["versions"]["cuda:1"], "Fake T4");
    EXPECT_EQ(reply["device_ids"], Json::parse(R"({"cuda:0": {"pci": "0000:1B:00.0"},
                                                   "cuda:1": {"pci": "0000:C3:00.0"}})"));
    EXPECT_EQ(reply.contains("notes"), !Kernels::are_built()) << reply;
}

class CudaGemm : public testing::TestWithParam<std::string> {};

TEST_P(CudaGemm, PreparesRunsAndReleases) {
    ConversationPartner partner(serving());
    const Json prepared = partner.ask("prepare", gemm_fields(GetParam()));
    ASSERT_EQ(prepared["ok"], true) << prepared;
    EXPECT_EQ(prepared["correct"], true) << prepared;
    EXPECT_EQ(prepared["device"], "cuda:0");
    EXPECT_THAT(prepared["implementation"].get<std::string>(),
                HasSubstr("cuBLASLt 13.0.2 algo 66 tile 21 stages 36 split-k 1 swizzle 0 ("));
    EXPECT_EQ(prepared["clock_nominal_hz"], 1.98e9);
    EXPECT_GT(prepared["iteration_s"].get<double>(), 0);
    const Json ran = partner.ask("run", few_samples);
    ASSERT_EQ(ran["ok"], true) << ran;
    EXPECT_EQ(ran["temperature_c"], 63);
    EXPECT_EQ(ran["power_w"], 512.5);
    ASSERT_GE(ran["samples"].size(), 5u);
    std::int64_t last_end = 0;
    for (const Json& sample : ran["samples"]) {
        ASSERT_EQ(sample.size(), 9u);
        EXPECT_EQ(sample[0], 0);
        EXPECT_GE(sample[1].get<std::int64_t>(), last_end);
        last_end = sample[1].get<std::int64_t>() + sample[2].get<std::int64_t>();
        EXPECT_GT(sample[2].get<std::int64_t>(), 0);
        // The host's thread only waits: its own time says nothing.
        EXPECT_EQ(sample[3], -1);
        EXPECT_EQ(sample[4], -1);
        const double iterations = sample[6].get<double>();
        EXPECT_EQ(iterations, std::floor(iterations));
        EXPECT_EQ(sample[7], 1.98e9);
        EXPECT_EQ(sample[8], 0);
    }
    EXPECT_EQ(partner.ask("release")["ok"], true);
    EXPECT_EQ(partner.ask("run", few_samples)["ok"], false);
    EXPECT_EQ(partner.ask("shutdown")["ok"], true);
    EXPECT_EQ(partner.wait(), 0);
}

TEST_P(CudaGemm, TakesEdgesThatDiffer) {
    ConversationPartner partner(serving());
    const Json shape = {{"m", 48}, {"n", 80}, {"k", 112}};
    const Json prepared = partner.ask("prepare", prepare_fields(gpu_case("gemm", GetParam(), shape),
                                                                tolerance_of(GetParam(), 112)));
    ASSERT_EQ(prepared["ok"], true) << prepared;
    EXPECT_EQ(prepared["correct"], true) << prepared;
}

TEST_P(CudaGemm, SeesAWrongElement) {
    ConversationPartner partner(serving("wrong_element"));
    const Json prepared = partner.ask("prepare", gemm_fields(GetParam()));
    ASSERT_EQ(prepared["ok"], true) << prepared;
    EXPECT_EQ(prepared["correct"], false) << prepared;
}

TEST_P(CudaGemm, SeesAPlantedWrongAnswer) {
    BackendOptions options = fakes();
    options.plant_wrong_answer = true;
    ConversationPartner partner(serving("", options));
    EXPECT_EQ(partner.ask("prepare", gemm_fields(GetParam()))["correct"], false);
}

INSTANTIATE_TEST_SUITE_P(Precisions, CudaGemm, testing::ValuesIn(gemm_precisions()),
                         [](const auto& instance) { return instance.param; });

TEST(CudaWorker, SeesTf32WhereFp32WasAskedFor) {
    ConversationPartner partner(serving("tf32_for_fp32"));
    EXPECT_EQ(partner.ask("prepare", gemm_fields("fp32"))["correct"], false);
}

TEST(CudaWorker, SeesFp32WhereTf32WasAskedFor) {
    for (const int n : {16, 64, 256})
        EXPECT_THAT(refusal_of("fp32_for_tf32", gemm_fields("tf32", n)),
                    HasSubstr("was asked for tf32 and computed in fp32"))
            << n;
}

TEST(CudaWorker, SaysWhatAGpuIsTooOldFor) {
    ConversationPartner partner(serving());
    for (const char* precision : {"tf32", "bf16"})
        EXPECT_EQ(reason_of(partner, gpu_case("gemm", precision, square(64), "cuda:1")),
                  std::string("Fake T4 has compute capability 7.5, and matrix products in ") +
                      precision + " take 8.0 or newer");
    EXPECT_THAT(reason_of(partner, gpu_case("gemm", "fp8_e4m3", square(64), "cuda:1")),
                HasSubstr("take 8.9 or newer"));
    for (const char* precision : {"fp64", "fp32", "fp16", "int8"})
        EXPECT_EQ(reason_of(partner, gpu_case("gemm", precision, square(64), "cuda:1")),
                  "supported");
}

TEST(CudaWorker, SaysWhichGpuRan) {
    ConversationPartner partner(serving());
    const Json what = gpu_case("gemm", "fp16", square(64), "cuda:1");
    const Json prepared = partner.ask("prepare", prepare_fields(what, tolerance_of("fp16", 64)));
    EXPECT_EQ(prepared["device"], "cuda:1") << prepared;
    EXPECT_EQ(prepared["clock_nominal_hz"], 1.59e9);
    // NVML lists the two the other way round.
    EXPECT_EQ(partner.ask("run", few_samples)["samples"][0][7], 1.59e9);
    ConversationPartner liar(serving("wrong_device"));
    EXPECT_EQ(liar.ask("prepare", gemm_fields("fp32"))["device"], "cuda:1");
}

TEST(CudaWorker, RefusesWhatItCannotDoWithTheReason) {
    ConversationPartner partner(serving());
    const auto reason = [&](const Json& what) { return reason_of(partner, what); };
    EXPECT_THAT(reason(gpu_case("dot", "fp32", {{"n", 8}})), HasSubstr("no operation 'dot'"));
    EXPECT_THAT(reason(gpu_case("gemm", "int4", square(64))), HasSubstr("not in 'int4'"));
    EXPECT_THAT(reason(gpu_case("stream_copy", "bf16", square(64))), HasSubstr("not in 'bf16'"));
    EXPECT_EQ(reason(gpu_case("gemm", "fp32", square(64), "cuda:7")),
              "cuda runs on cuda:0, cuda:1 here, not on 'cuda:7'");
    EXPECT_THAT(reason(gpu_case("gemm", "fp32", square(64), "cpu")), HasSubstr("not on 'cpu'"));
    EXPECT_THAT(reason(gpu_case("gemm", "fp32", {{"m", 8}, {"n", 8}})), HasSubstr("m, n, k"));
    EXPECT_THAT(reason(gpu_case("gemm", "fp32", square(0))), HasSubstr("from 1 to"));
    EXPECT_EQ(reason(gpu_case("gemm", "int8", square(66))),
              "int8 takes edges that are multiples of 4 on CUDA, and m is 66");
    EXPECT_THAT(reason(gpu_case("gemm", "fp8_e5m2", square(72))), HasSubstr("multiples of 16"));
    EXPECT_THAT(reason(gpu_case("device_copy", "fp64", {{"elements", 8}, {"store", "temporal"}})),
                HasSubstr("store: driver"));
    EXPECT_THAT(reason(gpu_case("gemm", "fp64", square(1000000))),
                AllOf(HasSubstr("of memory on cuda:0"), HasSubstr("take a smaller one")));
}

TEST(CudaWorker, AsksCublasltBeforeItPromises) {
    ConversationPartner partner(serving("no_algorithm"));
    EXPECT_EQ(reason_of(partner, gpu_case("gemm", "fp32", square(64))),
              "cuBLASLt 13.0.2 has no algorithm for fp32 64 x 64 x 64 on this GPU: "
              "CUBLAS_STATUS_NOT_SUPPORTED");
    ConversationPartner broken(serving("no_library"));
    EXPECT_EQ(reason_of(broken, gpu_case("gemm", "fp32", square(64))),
              "cublasLtCreate: CUBLAS_STATUS_NOT_INITIALIZED");
}

TEST(CudaWorker, SaysWhenTheMemoryIsTaken) {
    ConversationPartner partner(serving("full"));
    EXPECT_THAT(reason_of(partner, gpu_case("gemm", "fp32", square(1024))),
                AllOf(HasSubstr("this shape needs 0.05 GB of memory on cuda:0"),
                      HasSubstr("0.00 GB of 17.18 GB are free")));
    EXPECT_EQ(refusal_of("out_of_memory", gemm_fields("fp32")),
              "cuMemAlloc: out of memory (CUDA_ERROR_OUT_OF_MEMORY): take a smaller shape, or free "
              "the GPU's memory");
}

TEST(CudaWorker, GoesOnAfterACaseThatFailed) {
    ConversationPartner partner(serving("out_of_memory"));
    EXPECT_EQ(partner.ask("prepare", gemm_fields("fp32"))["ok"], false);
    const Json prepared =
        partner.ask("prepare", memory_fields("device_copy", "fp32", 4096, "driver"));
    EXPECT_EQ(prepared["correct"], true) << prepared;
}

std::string hello_error(const std::string& fault, const BackendOptions& options = fakes()) {
    ConversationPartner partner(serving(fault, options));
    const Json reply = partner.ask("hello", {{"protocol", 1}});
    EXPECT_EQ(reply["ok"], false) << reply;
    EXPECT_EQ(partner.ask("shutdown")["ok"], true);
    EXPECT_EQ(partner.wait(), 0);
    return reply.value("error", "");
}

TEST(CudaWorker, StartsWithoutADriverAndSaysSo) {
    BackendOptions nowhere = fakes();
    nowhere.libraries.driver = "/nowhere/libcuda.so.1";
    EXPECT_THAT(hello_error("", nowhere), AllOf(HasSubstr("/nowhere/libcuda.so.1: cannot open"),
                                                HasSubstr("needs NVIDIA's driver")));
    BackendOptions old = fakes();
    old.libraries.driver = fake("cuda_driver_missing");
    EXPECT_THAT(hello_error("", old), HasSubstr("has no function cuLaunchKernel"));
}

TEST(CudaWorker, SaysWhenTheDriverSeesNoGpu) {
    EXPECT_EQ(hello_error("no_device"),
              "NVIDIA's driver is here and sees no GPU: cuInit: no CUDA-capable device is detected "
              "(CUDA_ERROR_NO_DEVICE)");
    EXPECT_THAT(hello_error("hidden"), HasSubstr("CUDA_VISIBLE_DEVICES"));
}

TEST(CudaWorker, LeavesOutAGpuThatDoesNotCompute) {
    ConversationPartner partner(serving("broken_second"));
    const Json reply = partner.ask("hello", {{"protocol", 1}});
    EXPECT_EQ(reply["devices"], Json({"cuda:0"}));
    const std::string note =
        "cuda:1 cannot be used: its memory does not hold what was written to it";
    EXPECT_EQ(reply["notes"][0], note);
    EXPECT_THAT(reason_of(partner, gpu_case("gemm", "fp32", square(64), "cuda:1")),
                HasSubstr(note));
}

TEST(CudaWorker, MeasuresMemoryWithoutCublaslt) {
    BackendOptions options = fakes();
    options.libraries.blaslt = "/nowhere/libcublasLt.so.13";
    ConversationPartner partner(serving("", options));
    const Json hello = partner.ask("hello", {{"protocol", 1}});
    EXPECT_EQ(hello["ok"], true) << hello;
    EXPECT_THAT(hello["notes"][0].get<std::string>(),
                AllOf(HasSubstr("gemm cannot be used"), HasSubstr("PEAKWARD_CUBLASLT_LIBRARY")));
    EXPECT_THAT(reason_of(partner, gpu_case("gemm", "fp32", square(64))),
                HasSubstr("/nowhere/libcublasLt.so.13"));
    EXPECT_EQ(
        partner.ask("prepare", memory_fields("device_copy", "fp64", 4096, "driver"))["correct"],
        true);
}

TEST(CudaWorker, MeasuresWithoutNvml) {
    for (const char* fault : {"no_nvml", "no_stamps"}) {
        ConversationPartner partner(serving(fault));
        const Json hello = partner.ask("hello", {{"protocol", 1}});
        const bool is_told =
            hello.contains("notes") && hello["notes"][0].get<std::string>().find("nvmlInit") == 0;
        EXPECT_EQ(is_told, std::string(fault) == "no_nvml") << hello;
        EXPECT_EQ(partner.ask("prepare", gemm_fields("fp32"))["correct"], true);
        const Json ran = partner.ask("run", few_samples);
        ASSERT_EQ(ran["ok"], true) << ran;
        EXPECT_FALSE(ran.contains("temperature_c"));
        EXPECT_FALSE(ran.contains("power_w"));
        EXPECT_EQ(ran["samples"][0].size(), 8u);  // what is not known is not said
        EXPECT_EQ(ran["samples"][0][7], 0);
    }
}

TEST(CudaWorker, StampsWhatHoldsTheGpuBack) {
    ConversationPartner slowed(serving("slowed"));
    slowed.ask("prepare", gemm_fields("fp32"));
    int slow = 0, free = 0;
    const Json ran = slowed.ask("run", {{"samples", 9}, {"min_s", 0}, {"slice_s", 0}});
    for (const Json& sample : ran["samples"]) {
        slow += sample[8] == 2 && sample[7] == 1.2e9 ? 1 : 0;
        free += sample[8] == 0 && sample[7] == 1.98e9 ? 1 : 0;
    }
    EXPECT_EQ(slow, 3);
    EXPECT_EQ(free, 6);
    ConversationPartner capped(serving("power_cap"));
    capped.ask("prepare", gemm_fields("fp32"));
    const Json sample = capped.ask("run", few_samples)["samples"][0];
    EXPECT_EQ(sample[8], 1);
    EXPECT_EQ(sample[7], 1.5e9);
}

TEST(CudaWorker, DoesNotBelieveEventsThatCannotBe) {
    EXPECT_THAT(refusal_of("slow_events", gemm_fields("fp32")),
                HasSubstr("the GPU's events are wrong: 1000000000"));
    EXPECT_THAT(refusal_of("no_events", gemm_fields("fp32")),
                HasSubstr("the GPU's events are wrong: 0 ns"));
}

TEST(CudaWorker, EndsWithTheReasonWhenItsGpuIsLost) {
    ConversationPartner partner(serving("lost"));
    Json reply = partner.ask("prepare", gemm_fields("fp32"));
    while (reply.is_object() && reply["ok"] == true)
        reply = partner.ask("run", {{"samples", 20}, {"min_s", 0}, {"slice_s", 0}});
    EXPECT_TRUE(reply.is_null()) << reply;
    EXPECT_EQ(partner.wait(), 1);
    EXPECT_THAT(partner.stderr_text(),
                AllOf(HasSubstr("cuda:0: cu"), HasSubstr("unspecified launch failure")));
}

TEST(CudaWorker, CopiesByTheDriver) {
    for (const char* precision : {"fp64", "fp32"}) {
        ConversationPartner partner(serving());
        const Json prepared =
            partner.ask("prepare", memory_fields("device_copy", precision, 5001, "driver"));
        EXPECT_EQ(prepared["correct"], true) << prepared;
        EXPECT_EQ(prepared["implementation"], "cuMemcpyDtoDAsync of the driver");
        EXPECT_EQ(partner.ask("run", few_samples)["ok"], true);
        ConversationPartner broken(serving("short_copy"));
        EXPECT_EQ(broken.ask("prepare",
                             memory_fields("device_copy", precision, 5001, "driver"))["correct"],
                  false);
    }
}

class CudaStream : public testing::TestWithParam<std::string> {};

TEST_P(CudaStream, RunsInBothPrecisionsAndStores) {
    if (!Kernels::are_built()) GTEST_SKIP() << "built without nvcc";
    for (const char* precision : {"fp64", "fp32"})
        for (const char* store : {"temporal", "nontemporal"}) {
            const Json fields = memory_fields(GetParam(), precision, 5001, store);
            ConversationPartner partner(serving());
            const Json prepared = partner.ask("prepare", fields);
            EXPECT_EQ(prepared["correct"], true) << prepared;
            EXPECT_THAT(prepared["implementation"].get<std::string>(),
                        HasSubstr(GetParam() + "_" + precision + "_" + store + ", "));
            EXPECT_EQ(partner.ask("run", few_samples)["ok"], true);
            ConversationPartner broken(serving("short_kernel"));
            EXPECT_EQ(broken.ask("prepare", fields)["correct"], false);
        }
}

TEST_P(CudaStream, SeesAPlantedWrongAnswer) {
    if (!Kernels::are_built()) GTEST_SKIP() << "built without nvcc";
    BackendOptions options = fakes();
    options.plant_wrong_answer = true;
    ConversationPartner partner(serving("", options));
    EXPECT_EQ(
        partner.ask("prepare", memory_fields(GetParam(), "fp64", 5001, "temporal"))["correct"],
        false);
}

INSTANTIATE_TEST_SUITE_P(Operations, CudaStream,
                         testing::Values("stream_copy", "stream_scale", "stream_add",
                                         "stream_triad"),
                         [](const auto& instance) { return instance.param; });

TEST(CudaWorker, SaysWhyStreamCannotRun) {
    const Json what = gpu_case("stream_triad", "fp64", {{"elements", 4096}, {"store", "temporal"}});
    ConversationPartner partner(serving("old_driver"));
    const std::string reason = reason_of(partner, what);
    if (Kernels::are_built())
        EXPECT_THAT(reason, AllOf(HasSubstr("CUDA_ERROR_UNSUPPORTED_PTX_VERSION"),
                                  HasSubstr("update the driver")));
    else
        EXPECT_EQ(reason,
                  "this worker was built without nvcc, which compiles the kernels of STREAM");
    EXPECT_EQ(reason_of(partner, gpu_case("gemm", "fp32", square(64))), "supported");
}

#ifdef PEAKWARD_RUNS_WORKERS
TEST(CudaWorker, RunsAsAProgram) {
    ::setenv("PEAKWARD_CUDA_DRIVER_LIBRARY", fake("cuda_driver").c_str(), 1);
    ::setenv("PEAKWARD_CUBLASLT_LIBRARY", fake("cublaslt").c_str(), 1);
    ::setenv("PEAKWARD_NVML_LIBRARY", fake("nvml").c_str(), 1);
    ConversationPartner partner(std::vector<std::string>{
        PEAKWARD_BINARY_DIR "/libexec/peakward/workers/peakward-worker-cuda"});
    for (const char* name :
         {"PEAKWARD_CUDA_DRIVER_LIBRARY", "PEAKWARD_CUBLASLT_LIBRARY", "PEAKWARD_NVML_LIBRARY"})
        ::unsetenv(name);
    EXPECT_EQ(partner.ask("hello", {{"protocol", 1}})["backend"], "cuda");
    EXPECT_EQ(partner.ask("prepare", gemm_fields("bf16"))["correct"], true);
    EXPECT_EQ(partner.ask("run", few_samples)["ok"], true);
    EXPECT_EQ(partner.wait(), 0);
}
#endif

}  // namespace
}  // namespace peakward::worker::cuda
