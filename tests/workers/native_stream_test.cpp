// STREAM: every kernel's answer, that a wrong element is found, and that fractions add up to
// passes.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "native/features.hpp"
#include "native/reference.hpp"
#include "native/stream_arrays.hpp"
#include "native/stream_check.hpp"
#include "native/stream_kernels.hpp"
#include "native/stream_plan.hpp"

namespace peakward::native {

// GoogleTest prints parameters with this; CTest shows it in the names of tests.
static void PrintTo(const StreamKernel& kernel, std::ostream* stream) {
    *stream << kernel.text << ' ' << kernel.operation << ' ' << kernel.precision;
}

namespace {

constexpr double factor = 3.0;

// The arrays of one kernel call of n elements, with some elements of room behind the destination.
struct Trial {
    Trial(const StreamKernel& stream_kernel, std::int64_t elements)
        : kernel(stream_kernel),
          n(elements),
          bytes(kernel.precision == "fp64" ? 8 : 4),
          pattern(9, bytes == 8),
          destination(static_cast<std::size_t>((n + room) * bytes)),
          left(static_cast<std::size_t>(n * bytes)),
          right(static_cast<std::size_t>(n * bytes)) {
        pattern.fill_unwritten(destination.data(), {0, n + room});
        pattern.fill_left(left.data(), {0, n});
        pattern.fill_right(right.data(), {0, n});
    }
    void execute() { kernel.execute(destination.data(), left.data(), right.data(), factor, n); }
    double error() const {
        return pattern.error(kernel.operation, factor, destination.data(), {0, n});
    }
    double tolerance() const { return bytes == 8 ? 4 * 0x1p-53 : 4 * 0x1p-24; }

    static constexpr std::int64_t room = 64;
    const StreamKernel& kernel;
    std::int64_t n, bytes;
    StreamPattern pattern;
    AlignedBytes destination, left, right;
};

class NativeStreamKernel : public testing::TestWithParam<StreamKernel> {
protected:
    void SetUp() override {
        if (GetParam().isa == "sse2") return;  // the baseline
        const std::string reason = why_not_runnable(GetParam().isa, GetParam().precision);
        if (!reason.empty()) GTEST_SKIP() << reason;
    }
};

TEST_P(NativeStreamKernel, ComputesEveryElementAndNoOther) {
    for (const std::int64_t n : {1, 7, 16, 63, 64, 65, 129, 1000, 8193, 140'001}) {
        Trial trial(GetParam(), n);
        EXPECT_GT(trial.error(), trial.tolerance()) << "passes before anything is written";
        trial.execute();
        EXPECT_LE(trial.error(), trial.tolerance()) << n;
        Trial untouched(GetParam(), n);
        const auto end = static_cast<std::size_t>(n * trial.bytes);
        for (std::size_t i = end; i < trial.destination.size(); ++i)
            ASSERT_EQ(trial.destination.data()[i], untouched.destination.data()[i]) << i;
    }
}

TEST_P(NativeStreamKernel, OneWrongElementAnywhereIsFound) {
    constexpr std::int64_t n = 5000;
    for (const std::int64_t at : {std::int64_t{0}, n / 2, n - 1}) {
        Trial trial(GetParam(), n);
        trial.execute();
        trial.pattern.corrupt(trial.destination.data() + at * trial.bytes);
        EXPECT_GT(trial.error(), trial.tolerance()) << at;
    }
}

TEST_P(NativeStreamKernel, ElementsInEachOthersPlaceAreFound) {
    Trial trial(GetParam(), 4096);
    trial.execute();
    for (std::size_t i = 0; i < static_cast<std::size_t>(trial.bytes); ++i)
        std::swap(trial.destination.data()[i], trial.destination.data()[2048 * 8 / 2 + i]);
    EXPECT_GT(trial.error(), trial.tolerance());
}

std::string stream_name_of(const testing::TestParamInfo<StreamKernel>& info) {
    return std::string(info.param.isa) + "_" + std::string(info.param.operation) + "_" +
           std::string(info.param.precision) + "_" + std::string(info.param.store);
}

INSTANTIATE_TEST_SUITE_P(Kernels, NativeStreamKernel, testing::ValuesIn(stream_kernels()),
                         stream_name_of);

TEST(NativeStreamTable, HasEveryOperationPrecisionAndStore) {
    for (const char* operation : {"stream_copy", "stream_scale", "stream_add", "stream_triad"})
        for (const char* precision : {"fp64", "fp32"})
            for (const char* store : {"temporal", "nontemporal"})
                EXPECT_NE(widest_stream(operation, precision, store), nullptr)
                    << operation << " " << precision << " " << store;
    EXPECT_EQ(widest_stream("stream_copy", "fp16", "temporal"), nullptr);
}

TEST(StreamPlan, PartsAndChunksTileThePassExactly) {
    for (const std::int64_t elements : {64, 100, 4099, 1 << 20, 1000003}) {
        for (const std::int64_t threads : {1, 2, 3, 7}) {
            std::int64_t at = 0;
            for (std::int64_t t = 0; t < threads; ++t) {
                const Range part = divide({0, elements}, threads, t, 8);
                EXPECT_EQ(part.begin, at);
                EXPECT_EQ(part.begin % 8, 0);
                at = part.end;
                const ChunkPlan plan = plan_chunks(part.size(), 1e-9, 1e-5, 8);
                std::int64_t within = part.begin;
                double fractions = 0;
                for (std::int64_t c = 0; c < plan.chunks; ++c) {
                    const Range chunk = divide(part, plan.chunks, c, 8);
                    EXPECT_EQ(chunk.begin, within);
                    EXPECT_GT(chunk.size(), 0);
                    within = chunk.end;
                    fractions += static_cast<double>(chunk.size()) / static_cast<double>(elements);
                }
                EXPECT_EQ(within, part.end);
                EXPECT_NEAR(fractions,
                            static_cast<double>(part.size()) / static_cast<double>(elements),
                            1e-12);
            }
            EXPECT_EQ(at, elements);
        }
    }
}

TEST(StreamPlan, ChunksOfALongPartAndSweepsOfAShortOne) {
    // 1 ns an element: 10^7 elements are 10 ms, ten slices of 1 ms.
    EXPECT_EQ(plan_chunks(10'000'000, 1e-9, 1e-3, 8).chunks, 10);
    EXPECT_EQ(plan_chunks(10'000'000, 1e-9, 1e-3, 8).sweeps, 1);
    EXPECT_EQ(plan_chunks(1000, 1e-9, 1e-3, 8).chunks, 1);
    EXPECT_EQ(plan_chunks(1000, 1e-9, 1e-3, 8).sweeps, 1000);
    // Never more chunks than cache lines.
    EXPECT_EQ(plan_chunks(16, 1, 1e-3, 8).chunks, 2);
}

TEST(StreamArrays, DoNotOverlapNorShareAPlaceInAPage) {
    constexpr std::size_t bytes = 5'000'000;
    StreamArrays arrays(3, bytes);
    for (int i = 0; i < 3; ++i) {
        arrays.array(i)[0] = std::byte{1};
        arrays.array(i)[bytes - 1] = std::byte{1};
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(arrays.array(i)) % 64, 0u);
        for (int j = 0; j < i; ++j) {
            const auto gap = arrays.array(i) - arrays.array(j);
            EXPECT_GE(static_cast<std::size_t>(gap), bytes);
            EXPECT_NE(gap % 4096, 0);
        }
    }
}

TEST(StreamArrays, ASizeThatTheSystemRefusesIsAClearError) {
    try {
        StreamArrays arrays(3, std::size_t{1} << 60);
        FAIL();
    } catch (const std::runtime_error& error) {
        EXPECT_NE(std::string(error.what()).find("choose fewer elements"), std::string::npos);
    }
}

}  // namespace
}  // namespace peakward::native
