#include "sdk/gemm_check.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace peakward::worker {
namespace {

constexpr std::int64_t groups_max = 16;
constexpr std::int64_t group_width_min = 32;

// Sums over groups of columns, one row of `groups_max` numbers per row of the matrix.
template <typename T>
struct Grouped {
    explicit Grouped(std::int64_t rows) : values(static_cast<std::size_t>(rows * groups_max)) {}
    T* row(std::int64_t i) { return values.data() + i * groups_max; }
    std::vector<T> values;
};

struct Groups {
    std::int64_t count;
    std::vector<double> weights;  // one per column
    std::int64_t of(std::int64_t column) const {
        return column * count / static_cast<std::int64_t>(weights.size());
    }
};

// Weights in +-[1/2, 1): large enough that no element hides, unequal so that two wrong elements do
// not cancel.
Groups draw_groups(std::int64_t columns, Random& random) {
    Groups groups{std::clamp(columns / group_width_min, std::int64_t{1}, groups_max), {}};
    groups.weights.resize(static_cast<std::size_t>(columns));
    for (double& weight : groups.weights) {
        const double value = random.uniform();
        weight = value < 0 ? (value - 1) / 2 : (value + 1) / 2;
    }
    return groups;
}

// Weighted sums of columns, and the sums of their squares where wanted.
template <typename T>
Grouped<double> sum_columns(std::int64_t rows, const T* matrix, const Groups& groups,
                            Grouped<double>* squares) {
    Grouped<long double> sums(rows);
    for (std::size_t j = 0; j < groups.weights.size(); ++j) {
        const T* column = matrix + static_cast<std::int64_t>(j) * rows;
        const std::int64_t group = groups.of(static_cast<std::int64_t>(j));
        const long double weight = groups.weights[j];
        for (std::int64_t i = 0; i < rows; ++i) {
            const long double value = weight * column[i];
            sums.row(i)[group] += value;
            if (squares != nullptr) {
                const double rounded = static_cast<double>(value);
                squares->row(i)[group] += rounded * rounded;
            }
        }
    }
    Grouped<double> rounded(rows);
    std::transform(sums.values.begin(), sums.values.end(), rounded.values.begin(),
                   [](long double value) { return static_cast<double>(value); });
    return rounded;
}

// products += A sums, sizes2 += (A.A) squares, both m x groups_max. Chunks of k keep the rounding
// of the reference small; blocks of rows keep the sums in the first cache.
template <typename T>
void multiply_grouped(std::int64_t m, std::int64_t k, const T* a, Grouped<double>& sums,
                      Grouped<double>& squares, Grouped<double>& products,
                      Grouped<double>& sizes2) {
    constexpr std::int64_t block = 32, chunk = 64;
    for (std::int64_t i0 = 0; i0 < m; i0 += block) {
        const std::int64_t i1 = std::min(i0 + block, m);
        for (std::int64_t l0 = 0; l0 < k; l0 += chunk) {
            double product[block][groups_max] = {}, size2[block][groups_max] = {};
            for (std::int64_t l = l0; l < std::min(l0 + chunk, k); ++l) {
                const double* sum = sums.row(l);
                const double* square = squares.row(l);
                for (std::int64_t i = i0; i < i1; ++i) {
                    const double value = static_cast<double>(a[i + l * m]);
                    for (std::int64_t g = 0; g < groups_max; ++g) {
                        product[i - i0][g] += value * sum[g];
                        size2[i - i0][g] += value * value * square[g];
                    }
                }
            }
            for (std::int64_t i = i0; i < i1; ++i)
                for (std::int64_t g = 0; g < groups_max; ++g) {
                    products.row(i)[g] += product[i - i0][g];
                    sizes2.row(i)[g] += size2[i - i0][g];
                }
        }
    }
}

template <typename T>
double freivalds_error(std::int64_t m, std::int64_t n, std::int64_t k, const T* a, const T* b,
                       const T* c, Random& random) {
    const Groups groups = draw_groups(n, random);
    Grouped<double> b_squares(k), products(m), sizes2(m);
    Grouped<double> b_sums = sum_columns(k, b, groups, &b_squares);
    Grouped<double> c_sums = sum_columns(m, c, groups, nullptr);
    multiply_grouped(m, k, a, b_sums, b_squares, products, sizes2);
    double error = 0;
    for (std::int64_t i = 0; i < m; ++i)
        for (std::int64_t g = 0; g < groups.count; ++g)
            error = std::max(error, relative_deviation(c_sums.row(i)[g] - products.row(i)[g],
                                                       std::sqrt(sizes2.row(i)[g])));
    return error;
}

// Sums modulo 2^64 of each row of a rows x columns matrix times a vector.
template <typename T>
std::vector<std::uint64_t> multiply_modular(std::int64_t rows, const T* matrix,
                                            const std::vector<std::uint64_t>& vector) {
    std::vector<std::uint64_t> sums(static_cast<std::size_t>(rows));
    for (std::uint64_t& sum : sums)
        for (const std::uint64_t factor : vector)
            sum += static_cast<std::uint64_t>(static_cast<std::int64_t>(*matrix++)) * factor;
    return sums;
}

// The largest deviation of one row of C = A B in integers.
double integer_row_error(std::int64_t n, std::int64_t k, const std::int8_t* a_row,
                         const std::int8_t* b, const std::int32_t* c_row) {
    double error = 0;
    for (std::int64_t j = 0; j < n; ++j) {
        std::int64_t sum = 0, size2 = 0;
        for (std::int64_t l = 0; l < k; ++l) {
            const std::int64_t product = a_row[l] * b[l * n + j];
            sum += product;
            size2 += product * product;
        }
        error = std::max(error, relative_deviation(c_row[j] - sum, std::sqrt(size2)));
    }
    return error;
}

}  // namespace

double relative_deviation(long double deviation, long double size) {
    if (std::isnan(deviation)) return std::numeric_limits<double>::infinity();
    if (deviation == 0) return 0;
    return static_cast<double>(std::fabs(deviation) / size);
}

template <typename T>
double sum_error(std::int64_t stride_a, std::int64_t terms, const T* a, const T* b, T answer) {
    long double sum = 0, size2 = 0;
    for (std::int64_t l = 0; l < terms; ++l) {
        const long double product = static_cast<long double>(a[l * stride_a]) * b[l];
        sum += product;
        size2 += product * product;
    }
    return relative_deviation(answer - sum, std::sqrt(size2));
}

template <typename T>
double gemm_error(std::int64_t m, std::int64_t n, std::int64_t k, const T* a, const T* b,
                  const T* c, Random& random) {
    double error = freivalds_error(m, n, k, a, b, c, random);
    const auto check = [&](std::int64_t i, std::int64_t j) {
        error = std::max(error, sum_error(m, k, a + i, b + j * k, c[i + j * m]));
    };
    check(0, 0), check(m - 1, 0), check(0, n - 1), check(m - 1, n - 1);
    constexpr int samples = 60;
    for (int sample = 0; sample < samples; ++sample)
        check(static_cast<std::int64_t>(random.next() % static_cast<std::uint64_t>(m)),
              static_cast<std::int64_t>(random.next() % static_cast<std::uint64_t>(n)));
    return error;
}

double integer_gemm_error(std::int64_t m, std::int64_t n, std::int64_t k, const std::int8_t* a,
                          const std::int8_t* b, const std::int32_t* c, Random& random) {
    std::vector<std::uint64_t> weights(static_cast<std::size_t>(n));
    for (std::uint64_t& weight : weights) weight = random.next() | 1;
    const auto products = multiply_modular(m, a, multiply_modular(k, b, weights));
    const auto sums = multiply_modular(m, c, weights);
    constexpr int rows_max = 16;  // a broken kernel breaks many, and one row costs n k products
    double error = 0;
    int wrong_rows = 0;
    for (std::int64_t i = 0; i < m && wrong_rows < rows_max; ++i) {
        const auto row = static_cast<std::size_t>(i);
        if (sums[row] == products[row]) continue;
        ++wrong_rows;
        error = std::max(error, integer_row_error(n, k, a + i * k, b, c + i * n));
    }
    return error;
}

template double sum_error(std::int64_t, std::int64_t, const float*, const float*, float);
template double sum_error(std::int64_t, std::int64_t, const double*, const double*, double);
template double gemm_error(std::int64_t, std::int64_t, std::int64_t, const float*, const float*,
                           const float*, Random&);
template double gemm_error(std::int64_t, std::int64_t, std::int64_t, const double*, const double*,
                           const double*, Random&);

}  // namespace peakward::worker
