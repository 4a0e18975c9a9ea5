#include "score/precision_matrix.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

namespace peakward {
namespace {

using testing::HasSubstr;

Measurement row(const char* operation, const char* precision, const char* backend, Outcome outcome,
                double gops = 0, std::string reason = "") {
    Measurement m;
    m.what = {operation, precision, {}, "cpu", backend, 1};
    m.outcome = outcome;
    m.reason = std::move(reason);
    if (gops > 0) m.gops = gops;
    return m;
}

Run run_of_precisions() {
    Run run;
    BackendInfo blas;
    blas.backend = "blas";
    blas.available = true;
    blas.devices = {"cpu"};
    blas.precisions = {"fp64", "fp32", "bf16", "fp16", "int8"};
    BackendInfo broken = blas;
    broken.backend = "broken";
    broken.available = false;
    run.backends = {blas, broken};
    return run;
}

PrecisionCell cell_of(const Run& run, const std::string& precision) {
    const auto cells = precision_matrix(run);
    const auto found = std::find_if(cells.begin(), cells.end(), [&](const PrecisionCell& cell) {
        return cell.precision == precision;
    });
    if (found == cells.end()) throw std::runtime_error("no cell " + precision);
    return *found;
}

TEST(PrecisionMatrix, KeepsItsThreeValuesApart) {
    peakward::Run run = run_of_precisions();
    run.measurements = {
        row("gemm", "fp32", "blas", Outcome::measured, 100),
        row("gemm", "fp32", "blas", Outcome::measured, 150),
        row("gemm", "fp64", "blas", Outcome::contended, 0, "others took the CPU"),
        row("gemm", "int8", "blas", Outcome::unsupported, 0, "no kernel"),
        row("gemm", "bf16", "blas", Outcome::measured, 600),
    };
    run.skipped = {{{"gemm", "fp16", {}, "cpu", "blas", 1}, "not measured (slow)"}};
    const PrecisionCell fp32 = cell_of(run, "fp32");
    EXPECT_EQ(fp32.status, Capability::supported);
    EXPECT_EQ(fp32.peak_gops, 150);
    EXPECT_EQ(fp32.speedup_over_fp32, 1);
    EXPECT_EQ(cell_of(run, "bf16").speedup_over_fp32, 4);
    const PrecisionCell fp64 = cell_of(run, "fp64");
    EXPECT_EQ(fp64.status, Capability::not_measured);
    EXPECT_THAT(fp64.reason, HasSubstr("others took the CPU"));
    EXPECT_FALSE(fp64.peak_gops);
    const PrecisionCell int8 = cell_of(run, "int8");
    EXPECT_EQ(int8.status, Capability::unsupported);
    EXPECT_EQ(int8.reason, "no kernel");
    const PrecisionCell fp16 = cell_of(run, "fp16");
    EXPECT_EQ(fp16.status, Capability::not_measured) << "a slow size is not unsupported";
    EXPECT_EQ(fp16.reason, "not measured (slow)");
    EXPECT_EQ(cell_of(run, "int4").status, Capability::unsupported);
    EXPECT_THAT(cell_of(run, "tf32").reason, HasSubstr("blas computes in fp64, fp32, bf16"));
}

TEST(PrecisionMatrix, ComparesLikeWithLike) {
    peakward::Run run = run_of_precisions();
    run.measurements = {row("gemm", "fp32", "blas", Outcome::measured, 100),
                        row("conv2d", "bf16", "blas", Outcome::measured, 400)};
    EXPECT_EQ(cell_of(run, "bf16").peak_gops, 400);
    EXPECT_FALSE(cell_of(run, "bf16").speedup_over_fp32) << "a convolution is no gemm";
    run.measurements.push_back(row("gemm", "bf16", "blas", Outcome::measured, 300));
    EXPECT_EQ(cell_of(run, "bf16").speedup_over_fp32, 3);
    // Memory and vectors say nothing of what a precision reaches.
    run.measurements = {row("stream_triad", "fp64", "blas", Outcome::measured, 9),
                        row("dot", "fp64", "blas", Outcome::measured, 9),
                        row("gemm", "fp32", "blas", Outcome::measured, 100)};
    EXPECT_EQ(cell_of(run, "fp64").status, Capability::not_measured);
}

TEST(PrecisionMatrix, HasNoRowsForABackendThatDidNothing) {
    peakward::Run run = run_of_precisions();
    EXPECT_TRUE(precision_matrix(run).empty());
    run.measurements = {row("gemm", "fp32", "blas", Outcome::measured, 100)};
    for (const PrecisionCell& cell : precision_matrix(run)) EXPECT_EQ(cell.backend, "blas");
}

}  // namespace
}  // namespace peakward
