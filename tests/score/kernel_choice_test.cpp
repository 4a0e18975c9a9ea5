#include "score/kernel_choice.hpp"

#include <gtest/gtest.h>

namespace peakward {
namespace {

CpuInfo with(std::vector<std::string> isa) {
    CpuInfo cpu;
    cpu.isa = std::move(isa);
    return cpu;
}

TEST(KernelChoice, KernelsNarrowerThanTheVectorsOfTheCpuAreNamed) {
    const auto note =
        narrow_kernels(with({"avx2", "avx512f"}), "OpenBLAS 0.3.21 Prescott pthreads");
    ASSERT_TRUE(note);
    EXPECT_NE(note->find("Prescott kernels with vectors of 128 bits"), std::string::npos) << *note;
    EXPECT_NE(note->find("512 (avx512f)"), std::string::npos) << *note;
    EXPECT_NE(note->find("OPENBLAS_CORETYPE"), std::string::npos) << *note;
}

TEST(KernelChoice, TheLibraryInsideAFrameworkIsSeenToo) {
    EXPECT_TRUE(narrow_kernels(with({"avx2", "avx512f"}),
                               "NumPy 1.26.4 matmul, OpenBLAS 0.3.23 Zen pthreads"));
    EXPECT_TRUE(narrow_kernels(with({"avx2", "avx512f"}), "BLIS 0.9.0 haswell OpenMP"));
}

TEST(KernelChoice, KernelsAsWideAsTheCpuAreNoNews) {
    EXPECT_FALSE(narrow_kernels(with({"avx2", "avx512f"}), "OpenBLAS 0.3.31 SkylakeX pthreads"));
    EXPECT_FALSE(narrow_kernels(with({"avx2"}), "OpenBLAS 0.3.21 Haswell pthreads"));
    EXPECT_FALSE(narrow_kernels(with({"avx2", "avx512f"}), "BLIS 0.9.0 skx OpenMP"));
}

TEST(KernelChoice, WhatIsNotKnownIsNotJudged) {
    EXPECT_FALSE(narrow_kernels(with({"avx2", "avx512f"}), "OpenBLAS 9.9 Zen9 pthreads"));
    EXPECT_FALSE(narrow_kernels(with({"avx2", "avx512f"}), "reference BLAS 3.11"));
    EXPECT_FALSE(narrow_kernels(with({"asimd", "sve"}), "OpenBLAS 0.3.21 ARMV8 pthreads"));
    EXPECT_FALSE(narrow_kernels(with({"avx2", "avx512f"}), ""));
    EXPECT_FALSE(narrow_kernels(with({"avx2", "avx512f"}), "OpenBLAS"));
}

}  // namespace
}  // namespace peakward
