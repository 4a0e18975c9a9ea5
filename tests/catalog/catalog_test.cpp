#include "catalog/catalog.hpp"

#include <gtest/gtest.h>

#include <set>

namespace peakward::catalog {
namespace {

Case gemm(std::int64_t m, std::int64_t n, std::int64_t k, const char* precision) {
    return {"gemm", precision, {{"m", m}, {"n", n}, {"k", k}}, "cpu", "blas", 1};
}

TEST(Catalog, NamesAreUniqueAndFound) {
    std::set<std::string> names;
    for (const Operation& op : operations()) {
        EXPECT_TRUE(names.insert(op.name).second) << op.name;
        EXPECT_EQ(find_operation(op.name)->name, op.name);
        EXPECT_FALSE(op.reference.empty()) << op.name;
        EXPECT_GE(op.definition_version, 1) << op.name << ": part of the key of every series";
        EXPECT_TRUE(op.operations && op.bytes && op.bus_bytes && op.tolerance) << op.name;
        for (const std::string& precision : op.precisions)
            EXPECT_NE(find_precision(precision), nullptr) << op.name << " " << precision;
    }
    EXPECT_EQ(find_operation("gem"), nullptr);
}

TEST(Gemm, CountsTwoOperationsPerProduct) {
    const Operation& op = *find_operation("gemm");
    EXPECT_EQ(op.operations(gemm(2, 3, 5, "fp32")).value(), 60);
    EXPECT_EQ(op.bytes(gemm(2, 3, 5, "fp64")).value(), (2 * 5 + 5 * 3 + 2 * 3) * 8);
}

TEST(Gemm, GivesWiderResultsForNarrowPrecisions) {
    const Operation& op = *find_operation("gemm");
    EXPECT_EQ(op.bytes(gemm(2, 3, 5, "int8")).value(), (2 * 5 + 5 * 3) + 2 * 3 * 4);
    EXPECT_EQ(op.bytes(gemm(2, 3, 5, "fp8_e4m3")).value(), (2 * 5 + 5 * 3) + 2 * 3 * 2);
    EXPECT_EQ(op.bytes(gemm(2, 3, 5, "bf16")).value(), (2 * 5 + 5 * 3 + 2 * 3) * 2);
}

TEST(Gemm, ToleratesTheRoundoffOfAccumulatorAndResult) {
    const Operation& op = *find_operation("gemm");
    EXPECT_EQ(op.tolerance(gemm(64, 64, 1024, "fp32")), 16 * 0x1p-24 * 32);
    EXPECT_EQ(op.tolerance(gemm(64, 64, 1024, "bf16")), 16 * 0x1p-24 * 32 + 8 * 0x1p-8);
    EXPECT_EQ(op.tolerance(gemm(64, 64, 1024, "fp8_e5m2")), 16 * 0x1p-24 * 32 + 8 * 0x1p-8);
    EXPECT_EQ(op.tolerance(gemm(64, 64, 1024, "int8")), 0);
    // An answer of zero deviates by its own size, 1 on average: it must never pass.
    for (const std::string& precision : op.precisions)
        EXPECT_LT(op.tolerance(gemm(64, 64, 8192, precision.c_str())), 0.1) << precision;
}

Case network(const char* operation, Shape shape, const char* precision = "fp32") {
    return {operation, precision, std::move(shape), "cpu", "onednn", 1};
}
Shape convolution(std::int64_t c, std::int64_t k, std::int64_t edge, std::int64_t filter,
                  std::int64_t stride, std::int64_t pad, std::int64_t groups) {
    return {{"n", std::int64_t{1}},
            {"c", c},
            {"h", edge},
            {"w", edge},
            {"k", k},
            {"r", filter},
            {"s", filter},
            {"stride", stride},
            {"pad", pad},
            {"groups", groups}};
}

// He et al., Deep Residual Learning (2016), table 1: the first layer of every ResNet gives 112 x
// 112 x 64 from 224 x 224 x 3, 118,013,952 multiply-adds.
TEST(Conv2d, CountsItsWork) {
    const Operation& op = *find_operation("conv2d");
    const Case first = network("conv2d", convolution(3, 64, 224, 7, 2, 3, 1));
    EXPECT_EQ(op.operations(first).value(), 2.0 * 118013952);
    EXPECT_EQ(op.bytes(first).value(), 4.0 * (3 * 224 * 224 + 64 * 3 * 49 + 64 * 112 * 112));
    const Case depthwise = network("conv2d", convolution(32, 32, 112, 3, 1, 1, 32));
    EXPECT_EQ(op.operations(depthwise).value(), 2.0 * 32 * 112 * 112 * 9);
    const Case pointwise = network("conv2d", convolution(64, 256, 56, 1, 1, 0, 1), "int8");
    EXPECT_EQ(op.operations(pointwise).value(), 2.0 * 56 * 56 * 64 * 256);
    EXPECT_EQ(op.bytes(pointwise).value(), 64 * 56 * 56 + 64 * 256 + 4.0 * 256 * 56 * 56);
}

TEST(Layers, CountTheirWork) {
    const Case pool = network("pooling", {{"n", std::int64_t{2}},
                                          {"c", std::int64_t{3}},
                                          {"h", std::int64_t{8}},
                                          {"w", std::int64_t{8}},
                                          {"window", std::int64_t{2}},
                                          {"stride", std::int64_t{2}},
                                          {"mode", std::string("max")}});
    EXPECT_EQ(find_operation("pooling")->operations(pool).value(), 2 * 3 * 16 * 4);
    EXPECT_EQ(find_operation("pooling")->bytes(pool).value(), 4 * (2 * 3 * 64 + 2 * 3 * 16));
    const Shape rows{{"rows", std::int64_t{10}}, {"columns", std::int64_t{100}}};
    EXPECT_EQ(find_operation("softmax")->operations(network("softmax", rows)).value(), 5000);
    EXPECT_EQ(find_operation("layer_norm")->bytes(network("layer_norm", rows)).value(), 8000);
    const Case heads = network("attention", {{"batch", std::int64_t{2}},
                                             {"heads", std::int64_t{3}},
                                             {"sequence", std::int64_t{16}},
                                             {"head_size", std::int64_t{8}}});
    EXPECT_EQ(find_operation("attention")->operations(heads).value(), 4 * 2 * 3 * 16 * 16 * 8);
    EXPECT_EQ(find_operation("attention")->bytes(heads).value(), 4 * 2 * 3 * 16 * 8 * 4);
}

TEST(Stream, CountsAsStreamDoes) {
    Case what{"stream_triad",
              "fp64",
              {{"elements", std::int64_t{1000}}, {"store", std::string("temporal")}},
              "cpu",
              "native",
              1};
    const Operation& triad = *find_operation("stream_triad");
    const Operation& copy = *find_operation("stream_copy");
    EXPECT_EQ(triad.bytes(what).value(), 24000);
    EXPECT_EQ(triad.bus_bytes(what).value(), 32000);  // x 1.33
    EXPECT_EQ(copy.bytes(what).value(), 16000);
    EXPECT_EQ(copy.bus_bytes(what).value(), 24000);  // x 1.5
    what.shape["store"] = std::string("nontemporal");
    EXPECT_EQ(triad.bus_bytes(what).value(), 24000);
    EXPECT_EQ(copy.bus_bytes(what).value(), 16000);
}

TEST(Catalog, AGpuAllocatesNothingForItsStores) {
    Case what{"stream_triad", "fp64", {{"elements", std::int64_t{1000}}, {"store", "temporal"}},
              "cuda:0",       "cuda", 1};
    EXPECT_EQ(find_operation("stream_triad")->bus_bytes(what).value(), 24000);
    EXPECT_EQ(find_operation("device_copy")->bytes(what).value(), 16000);
    EXPECT_EQ(find_operation("device_copy")->bus_bytes(what).value(), 16000);
    EXPECT_EQ(find_operation("device_copy")->operations(what).value(), 0);
}

TEST(Suites, HaveShapesThatFillAGpuForGpusAlone) {
    for (const char* id : {"quick", "standard", "full"}) {
        const auto suite = find_suite(id);
        ASSERT_TRUE(suite) << suite.error().message;
        std::int64_t largest_cpu = 0, largest_gpu = 0;
        for (const SuiteEntry& entry : suite->entries) {
            EXPECT_TRUE(entry.cpu || entry.operation == "gemm" || entry.operation == "device_copy");
            if (entry.operation != "gemm") continue;
            for (const Shape& shape : entry.shapes)
                (entry.cpu ? largest_cpu : largest_gpu) =
                    std::max(entry.cpu ? largest_cpu : largest_gpu, axis(shape, "m"));
        }
        EXPECT_LE(largest_cpu, 4096) << id;
        EXPECT_EQ(largest_gpu, 8192) << id;
    }
}

TEST(Blas, CountsItsWork) {
    const Case vectors{"dot", "fp32", {{"n", std::int64_t{100}}}, "cpu", "blas", 1};
    EXPECT_EQ(find_operation("dot")->operations(vectors).value(), 200);
    EXPECT_EQ(find_operation("dot")->bytes(vectors).value(), 800);
    EXPECT_EQ(find_operation("axpy")->operations(vectors).value(), 200);
    EXPECT_EQ(find_operation("axpy")->bytes(vectors).value(), 1200);
    const Case matrix{"gemv", "fp64", {{"m", std::int64_t{10}}, {"n", std::int64_t{20}}},
                      "cpu",  "blas", 1};
    EXPECT_EQ(find_operation("gemv")->operations(matrix).value(), 400);
    EXPECT_EQ(find_operation("gemv")->bytes(matrix).value(), 230 * 8);
}

TEST(ComputePeak, IterationDividesByEveryUnrollInUse) {
    // vectors of 1..64 lanes, 2 operations a lane, 8 to 24 accumulators
    for (const double per_pass :
         {2.0 * 8, 2.0 * 12, 2.0 * 16, 2.0 * 16 * 12, 2.0 * 16 * 24, 128.0 * 24, 32768.0 * 4})
        EXPECT_EQ(peak_operations_per_iteration / per_pass,
                  static_cast<double>(static_cast<long>(peak_operations_per_iteration / per_pass)))
            << per_pass;
}

TEST(Tolerance, GrowsWithTheSumAndIsZeroForIntegers) {
    const Operation& op = *find_operation("gemm");
    EXPECT_GT(op.tolerance(gemm(8, 8, 1024, "fp32")), op.tolerance(gemm(8, 8, 8, "fp32")));
    EXPECT_LT(op.tolerance(gemm(8, 8, 4096, "fp64")), 1e-12);
    Case integers{"compute_peak", "int8",   {{"isa", std::string("avx512_vnni")}},
                  "cpu",          "native", 1};
    EXPECT_EQ(find_operation("compute_peak")->tolerance(integers), 0);
}

TEST(Suites, AllLoadAndNameKnownPrecisions) {
    for (const char* id : {"quick", "standard", "full"}) {
        const auto suite = find_suite(id);
        ASSERT_TRUE(suite) << suite.error().message;
        EXPECT_EQ(suite->id, id);
        EXPECT_GE(suite->version, 1);
        EXPECT_FALSE(suite->entries.empty());
        for (const SuiteEntry& entry : suite->entries)
            for (const std::string& precision : entry.precisions)
                EXPECT_NE(find_precision(precision), nullptr);
    }
    EXPECT_GE(find_suite("full")->restarts, 3);
}

TEST(Suites, AnUnknownOneOffersTheNearest) {
    const auto suite = find_suite("quik");
    ASSERT_FALSE(suite);
    EXPECT_EQ(suite.error().kind, ErrorKind::usage);
    EXPECT_NE(suite.error().message.find("did you mean quick?"), std::string::npos);
}

}  // namespace
}  // namespace peakward::catalog
