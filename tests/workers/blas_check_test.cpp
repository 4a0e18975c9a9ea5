#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "blas/check.hpp"
#include "sdk/gemm_check.hpp"

namespace peakward::worker::blas {
namespace {

template <typename T>
std::vector<T> filled(std::size_t count, Random& random) {
    std::vector<T> values(count);
    for (T& value : values) value = static_cast<T>(random.uniform());
    return values;
}

// The catalog's tolerance: 16 u sqrt(terms).
template <typename T>
double tolerance(std::int64_t terms) {
    const double unit_roundoff = static_cast<double>(std::numeric_limits<T>::epsilon()) / 2;
    return 16 * unit_roundoff * std::sqrt(static_cast<double>(terms));
}

// A gemm that is right up to the roundoff of T, summed in the worst order: one after the other.
template <typename T>
std::vector<T> multiply(std::int64_t m, std::int64_t n, std::int64_t k, const std::vector<T>& a,
                        const std::vector<T>& b) {
    std::vector<T> c(static_cast<std::size_t>(m * n));
    for (std::int64_t j = 0; j < n; ++j)
        for (std::int64_t l = 0; l < k; ++l) {
            const T factor = b[static_cast<std::size_t>(l + j * k)];
            const T* column = a.data() + l * m;
            T* out = c.data() + j * m;
            for (std::int64_t i = 0; i < m; ++i) out[i] += column[i] * factor;
        }
    return c;
}

template <typename T>
class BlasCheck : public testing::Test {};
using Precisions = testing::Types<float, double>;
TYPED_TEST_SUITE(BlasCheck, Precisions);

TYPED_TEST(BlasCheck, AcceptsARightGemmWithRoomToSpare) {
    using T = TypeParam;
    struct Shape {
        std::int64_t m, n, k;
    };
    for (const Shape s : {Shape{64, 64, 64}, Shape{1, 1, 1}, Shape{33, 65, 7}, Shape{5, 1, 300},
                          Shape{1, 130, 2}, Shape{200, 600, 400}}) {
        Random random(3);
        const auto a = filled<T>(static_cast<std::size_t>(s.m * s.k), random);
        const auto b = filled<T>(static_cast<std::size_t>(s.k * s.n), random);
        const auto c = multiply<T>(s.m, s.n, s.k, a, b);
        const double error = gemm_error(s.m, s.n, s.k, a.data(), b.data(), c.data(), random);
        EXPECT_LT(error, tolerance<T>(s.k) / 3) << s.m << "x" << s.n << "x" << s.k;
        EXPECT_GE(error, 0);
    }
}

// One element at a time, anywhere, off by a hundredth of the usual size of an element. Of the rows
// only `m` are made: what is found depends on n (the width of a group) and k (the tolerance) alone.
template <typename T>
void expect_found(std::int64_t m, std::int64_t n, int trials) {
    Random random(11);
    const auto a = filled<T>(static_cast<std::size_t>(m * n), random);
    const auto b = filled<T>(static_cast<std::size_t>(n * n), random);
    auto c = multiply<T>(m, n, n, a, b);
    ASSERT_LE(gemm_error(m, n, n, a.data(), b.data(), c.data(), random), tolerance<T>(n));
    const T usual = std::sqrt(static_cast<T>(n)) / 3;
    for (int trial = 0; trial < trials; ++trial) {
        const std::size_t at = random.next() % c.size();
        const T right = c[at];
        c[at] += (trial % 2 != 0 ? usual : -usual) / 100;
        EXPECT_GT(gemm_error(m, n, n, a.data(), b.data(), c.data(), random), tolerance<T>(n))
            << "element " << at << " of " << m << "x" << n;
        c[at] = right;
    }
}

TYPED_TEST(BlasCheck, FindsOneWrongElementAtTheSmallestSize) {
    expect_found<TypeParam>(64, 64, 64);
}

TYPED_TEST(BlasCheck, FindsOneWrongElementAt1024) { expect_found<TypeParam>(32, 1024, 12); }

TYPED_TEST(BlasCheck, FindsTwoErrorsThatCancelInTheColumnSum) {
    using T = TypeParam;
    Random random(5);
    const auto a = filled<T>(64 * 64, random), b = filled<T>(64 * 64, random);
    auto c = multiply<T>(64, 64, 64, a, b);
    // Two rows of a column, and two columns of a row, swapped: every total stays what it was.
    std::swap(c[10], c[20]);
    EXPECT_GT(gemm_error(64, 64, 64, a.data(), b.data(), c.data(), random), tolerance<T>(64));
    std::swap(c[10], c[20]);
    std::swap(c[10], c[10 + 64]);
    EXPECT_GT(gemm_error(64, 64, 64, a.data(), b.data(), c.data(), random), tolerance<T>(64));
}

TYPED_TEST(BlasCheck, TakesNaNForAnInfiniteError) {
    using T = TypeParam;
    constexpr double infinity = std::numeric_limits<double>::infinity();
    Random random(5);
    const auto a = filled<T>(64 * 64, random), b = filled<T>(64 * 64, random);
    auto c = multiply<T>(64, 64, 64, a, b);
    c[1000] = std::numeric_limits<T>::quiet_NaN();
    EXPECT_EQ(gemm_error(64, 64, 64, a.data(), b.data(), c.data(), random), infinity);
    EXPECT_EQ(dot_error(64, a.data(), b.data(), std::numeric_limits<T>::quiet_NaN()), infinity);
    EXPECT_EQ(gemv_error(64, 64, a.data(), b.data(), c.data() + 960), infinity);
    EXPECT_EQ(axpy_error(64, T(2), a.data(), b.data(), c.data() + 960), infinity);
}

TYPED_TEST(BlasCheck, FindsAMissingTermOfADot) {
    using T = TypeParam;
    for (const std::int64_t n : {std::int64_t{64}, std::int64_t{4096}}) {
        Random random(9);
        const auto x = filled<T>(static_cast<std::size_t>(n), random);
        const auto y = filled<T>(static_cast<std::size_t>(n), random);
        T sum = 0;
        for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
        EXPECT_LT(dot_error(n, x.data(), y.data(), sum), tolerance<T>(n) / 3);
        EXPECT_GT(dot_error(n, x.data(), y.data(), sum - T(0.25)), tolerance<T>(n));
    }
}

// 2^23 terms in fp32: an answer of zero must not pass for the rounding of a long sum.
TYPED_TEST(BlasCheck, RefusesZeroAsTheAnswerOfALongDot) {
    using T = TypeParam;
    constexpr std::int64_t n = 1 << 23;
    Random random(9);
    const auto x = filled<T>(n, random), y = filled<T>(n, random);
    EXPECT_GT(dot_error(n, x.data(), y.data(), T(0)), tolerance<T>(n));
}

TYPED_TEST(BlasCheck, ComparesEveryElementOfGemvAndAxpy) {
    using T = TypeParam;
    constexpr std::int64_t m = 37, n = 64;
    Random random(9);
    const auto a = filled<T>(m * n, random), x = filled<T>(n, random), y = filled<T>(n, random);
    auto product = multiply<T>(m, 1, n, a, x);
    EXPECT_LT(gemv_error(m, n, a.data(), x.data(), product.data()), tolerance<T>(n) / 3);
    std::vector<T> sum(n);
    const T alpha = T(0.3);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] = y[i] + alpha * x[i];
    EXPECT_LT(axpy_error(n, alpha, x.data(), y.data(), sum.data()), tolerance<T>(2) / 3);
    for (std::size_t i = 0; i < product.size(); ++i) {
        auto wrong = product;
        wrong[i] += T(0.05);
        EXPECT_GT(gemv_error(m, n, a.data(), x.data(), wrong.data()), tolerance<T>(n));
    }
    for (std::size_t i = 0; i < sum.size(); ++i) {
        auto wrong = sum;
        wrong[i] += T(0.001);
        EXPECT_GT(axpy_error(n, alpha, x.data(), y.data(), wrong.data()), tolerance<T>(2));
    }
}

// Integers: exact, or how far off.
TEST(IntegerGemmCheck, FindsOneElementThatIsOffByOne) {
    constexpr std::int64_t m = 20, n = 30, k = 40;
    Random random(5);
    std::vector<std::int8_t> a(m * k), b(k * n);
    for (auto* matrix : {&a, &b})
        for (std::int8_t& value : *matrix) value = static_cast<std::int8_t>(random.next() >> 56);
    std::vector<std::int32_t> c(m * n);
    for (std::size_t i = 0; i < m; ++i)
        for (std::size_t j = 0; j < n; ++j)
            for (std::size_t l = 0; l < k; ++l) c[i * n + j] += a[i * k + l] * b[l * n + j];
    EXPECT_EQ(integer_gemm_error(m, n, k, a.data(), b.data(), c.data(), random), 0);
    for (std::size_t at = 0; at < c.size(); at += 7) {
        ++c[at];
        EXPECT_GT(integer_gemm_error(m, n, k, a.data(), b.data(), c.data(), random), 0) << at;
        --c[at];
    }
    std::swap(c[3], c[4]);
    EXPECT_GT(integer_gemm_error(m, n, k, a.data(), b.data(), c.data(), random), 0);
}

}  // namespace
}  // namespace peakward::worker::blas
