// Every kernel of the native worker that the CPU at hand can run, against its scalar reference.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "native/features.hpp"
#include "native/kernels.hpp"
#include "native/reference.hpp"
#include "sdk/small_floats.hpp"

namespace peakward::native {

// GoogleTest prints parameters with this; CTest shows it in the names of tests.
static void PrintTo(const PeakKernel& kernel, std::ostream* stream) {
    *stream << kernel.isa << ' ' << kernel.precision;
}

namespace {

using worker::from_bf16;
using worker::from_fp16;
using worker::to_bf16;
using worker::to_fp16;

// As the catalog has it: 64 roundoffs; whole numbers are exact.
double tolerance_of(const PeakKernel& kernel) {
    if (kernel.precision == "fp64") return 64 * 0x1p-53;
    if (kernel.precision == "fp32") return 64 * 0x1p-24;
    if (kernel.precision == "fp16") return 64 * 0x1p-11;
    if (kernel.precision == "bf16") return 64 * 0x1p-8;
    return 0;
}

int element_bytes(const PeakKernel& kernel) {
    if (kernel.precision == "fp64") return 8;
    if (kernel.precision == "fp32") return 4;
    return kernel.precision == "int8" ? 1 : 2;
}

// Operations of one instruction from first principles: result elements x products x 2.
int operations_by_definition(const PeakKernel& kernel) {
    const int bytes = kernel.register_bytes, size = element_bytes(kernel);
    switch (kernel.recurrence) {
        case Recurrence::affine_unfused:
            return bytes / size;  // a multiply or an add
        case Recurrence::affine:
        case Recurrence::self_affine:
        case Recurrence::dot:
            return bytes / size * 2;
        case Recurrence::matrix_segment:
            return bytes / 16 * (2 * 2 * (8 / size)) * 2;
        case Recurrence::matrix_tile:
            return 16 * 16 * (64 / size) * 2;
    }
    return 0;
}

int instructions_by_definition(const PeakKernel& kernel) {
    if (kernel.recurrence == Recurrence::matrix_tile) return kernel.chains;
    return kernel.recurrence == Recurrence::affine_unfused ? 4 * kernel.chains : 2 * kernel.chains;
}

class NativePeakKernel : public testing::TestWithParam<PeakKernel> {
protected:
    void SetUp() override {
        const std::string reason = why_not_runnable(kernel().isa, kernel().precision);
        if (!reason.empty()) GTEST_SKIP() << reason;
        acquire(kernel().isa);
    }
    static const PeakKernel& kernel() { return GetParam(); }
    static AlignedBytes execute(const PeakData& data, std::int64_t turns) {
        AlignedBytes result = make_result(kernel());
        kernel().execute(data.operands.data(), data.start.data(), result.data(), turns);
        return result;
    }
    static double error_after(std::int64_t turns, std::uint64_t seed) {
        const PeakData data = make_peak_data(kernel(), seed);
        return peak_error(kernel(), data, execute(data, turns), turns);
    }
};

TEST_P(NativePeakKernel, FollowsItsRecurrence) {
    for (const std::int64_t turns : {1, 2, 3, 5, 64, 1000})
        for (const std::uint64_t seed : {1u, 2u, 77u})
            EXPECT_LE(error_after(turns, seed), tolerance_of(kernel())) << turns << " turns";
}

TEST_P(NativePeakKernel, NeitherOverflowsNorFallsIntoSubnormals) {
    EXPECT_LE(error_after(20'000, 3), tolerance_of(kernel()));
}

TEST_P(NativePeakKernel, DriftsSoLittleThatSumsStayExactOverTheLongestBlock) {
    if (kernel().precision == "int8" || kernel().recurrence < Recurrence::dot)
        GTEST_SKIP() << "wraps around, or settles";
    const PeakData data = make_peak_data(kernel(), 3);
    const AlignedBytes result = execute(data, 1);
    for (std::size_t at = 0; at < result.size(); at += sizeof(float)) {
        float before = 0, after = 0;
        std::memcpy(&before, data.start.data() + at, sizeof before);
        std::memcpy(&after, result.data() + at, sizeof after);
        // 5 * 10^5 turns are 2 ms of the fastest kernel; fp32 counts to 2^24 without gaps.
        EXPECT_LT(std::fabs(after - before) * 5e5f, 0x1p24f);
    }
}

TEST_P(NativePeakKernel, TakesExactlyTheTurnsItIsAskedFor) {
    const PeakData data = make_peak_data(kernel(), 4);
    const AlignedBytes result = execute(data, 3);
    EXPECT_GT(peak_error(kernel(), data, result, 2), tolerance_of(kernel()));
    EXPECT_GT(peak_error(kernel(), data, result, 4), tolerance_of(kernel()));
}

TEST_P(NativePeakKernel, CorruptedAnswerIsFound) {
    const PeakData data = make_peak_data(kernel(), 5);
    AlignedBytes result = execute(data, 5);
    ASSERT_LE(peak_error(kernel(), data, result, 5), tolerance_of(kernel()));
    corrupt(kernel(), result);
    EXPECT_GT(peak_error(kernel(), data, result, 5), tolerance_of(kernel()));
}

TEST_P(NativePeakKernel, AWrongLastAccumulatorIsFound) {
    const PeakData data = make_peak_data(kernel(), 6);
    AlignedBytes result = execute(data, 5);
    result.data()[result.size() - 1] ^= std::byte{0x40};  // its most significant bits
    EXPECT_GT(peak_error(kernel(), data, result, 5), tolerance_of(kernel()));
}

std::string name_of(const testing::TestParamInfo<PeakKernel>& info) {
    return std::string(info.param.isa) + "_" + std::string(info.param.precision);
}

INSTANTIATE_TEST_SUITE_P(Kernels, NativePeakKernel, testing::ValuesIn(peak_kernels()), name_of);

TEST(NativePeakTable, CountsTheOperationsOfItsInstructions) {
    for (const PeakKernel& kernel : peak_kernels()) {
        EXPECT_EQ(kernel.operations_per_instruction, operations_by_definition(kernel))
            << kernel.isa << " " << kernel.precision;
        EXPECT_EQ(kernel.instructions_per_turn, instructions_by_definition(kernel))
            << kernel.isa << " " << kernel.precision;
    }
}

TEST(NativePeakTable, WholeTurnsMakeAnIterationOfExactly3Times2To20Operations) {
    for (const PeakKernel& kernel : peak_kernels()) {
        const int bytes = kernel.register_bytes;
        if ((bytes & (bytes - 1)) != 0) continue;  // an SVE length that is no power of two
        EXPECT_EQ(3 * 1048576 % kernel.operations_per_turn(), 0)
            << kernel.isa << " " << kernel.precision;
    }
    EXPECT_EQ(iteration_operations, 3 * 1048576);
}

TEST(NativePeakTable, HasAtLeastTwelveChainsExceptForTiles) {
    for (const PeakKernel& kernel : peak_kernels())
        EXPECT_GE(kernel.chains, kernel.recurrence == Recurrence::matrix_tile ? 6 : 12)
            << kernel.isa << " " << kernel.precision;
}

TEST(NativePeakTable, EveryKernelHasAClockClassWithAChainAndAWarmingKernel) {
    for (const PeakKernel& kernel : peak_kernels()) {
        const std::string_view name = clock_class(kernel.isa);
        EXPECT_NE(find_chain(name), nullptr) << kernel.isa;
        EXPECT_NE(warming_kernel(name), nullptr) << kernel.isa;
    }
}

TEST(SmallFloats, EveryFiniteFp16SurvivesTheWayToDoubleAndBack) {
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
        const auto half = static_cast<std::uint16_t>(bits);
        if ((half & 0x7c00) == 0x7c00) continue;
        ASSERT_EQ(to_fp16(from_fp16(half)), half) << bits;
    }
}

TEST(SmallFloats, RoundsToNearestEven) {
    EXPECT_EQ(to_fp16(1.0), 0x3c00);
    EXPECT_EQ(to_fp16(1.0 + 0x1p-11), 0x3c00);            // halfway: to the even one
    EXPECT_EQ(to_fp16(1.0 + 0x1p-10 + 0x1p-11), 0x3c02);  // halfway: to the even one
    EXPECT_EQ(to_fp16(1.0 + 0x1p-11 + 0x1p-20), 0x3c01);
    EXPECT_EQ(to_fp16(2.0 - 0x1p-12), 0x4000);  // carries into the exponent
    EXPECT_EQ(to_fp16(65504.0), 0x7bff);
    EXPECT_EQ(to_fp16(1e6), 0x7c00);
    EXPECT_EQ(to_fp16(-0x1p-24), 0x8001);
    EXPECT_EQ(from_bf16(to_bf16(-7.0)), -7.0);
}

#if defined(__x86_64__)
// A Sapphire Rapids: all that the kernels ask for but AMX-FP16.
CpuidWords sapphire_rapids() {
    CpuidWords words;
    words.leaf1_ecx = (1u << 12) | (1u << 27);
    words.leaf7_ebx = (1u << 5) | (1u << 16);
    words.leaf7_ecx = 1u << 11;
    words.leaf7_edx = (1u << 22) | (1u << 23) | (1u << 24) | (1u << 25);
    words.leaf7_1_eax = (1u << 4) | (1u << 5);
    words.xcr0 = 0x600e7;
    return words;
}

TEST(NativeFeatures, AServerWithEverythingRunsAllButWhatItLacks) {
    for (const PeakKernel& kernel : peak_kernels()) {
        const std::string reason =
            why_not_by_cpuid(sapphire_rapids(), kernel.isa, kernel.precision);
        const bool lacks = kernel.isa == "amx" && kernel.precision == "fp16";
        EXPECT_EQ(reason, lacks ? "this CPU has no amx_fp16" : "") << kernel.isa;
    }
}

TEST(NativeFeatures, NamesTheFeatureThatIsMissing) {
    CpuidWords words = sapphire_rapids();
    words.leaf7_1_eax = 0;
    EXPECT_EQ(why_not_by_cpuid(words, "avx512_bf16", "bf16"), "this CPU has no avx512_bf16");
    EXPECT_EQ(why_not_by_cpuid(words, "avx_vnni", "int8"), "this CPU has no avx_vnni");
    EXPECT_EQ(why_not_by_cpuid(words, "avx512", "fp64"), "");
    EXPECT_EQ(why_not_by_cpuid(CpuidWords{}, "amx", "int8"), "this CPU has no amx");
    EXPECT_EQ(why_not_by_cpuid(CpuidWords{}, "avx2", "fp32"), "this CPU has no avx2 with fma");
    EXPECT_EQ(why_not_by_cpuid(CpuidWords{}, "scalar", "fp64"), "");
}

TEST(NativeFeatures, TellsADisabledRegisterStateFromAMissingFeature) {
    CpuidWords words = sapphire_rapids();
    words.xcr0 = 0xe7;
    EXPECT_EQ(why_not_by_cpuid(words, "amx", "bf16"),
              "the operating system does not save AMX tile registers");
    words.xcr0 = 0x7;
    EXPECT_EQ(why_not_by_cpuid(words, "avx512_vnni", "int8"),
              "the operating system does not save AVX-512 registers");
    EXPECT_EQ(why_not_by_cpuid(words, "avx2", "fp64"), "");
}
#endif

}  // namespace
}  // namespace peakward::native
