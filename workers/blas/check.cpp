#include "blas/check.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace peakward::worker::blas {

template <typename T>
double dot_error(std::int64_t n, const T* x, const T* y, T answer) {
    return sum_error<T>(1, n, x, y, answer);
}

template <typename T>
double axpy_error(std::int64_t n, T alpha, const T* x, const T* y, const T* answer) {
    double error = 0;
    for (std::int64_t i = 0; i < n; ++i) {
        const long double product = static_cast<long double>(alpha) * x[i];
        const long double size =
            std::sqrt(product * product + static_cast<long double>(y[i]) * y[i]);
        error = std::max(error, relative_deviation(answer[i] - (product + y[i]), size));
    }
    return error;
}

template <typename T>
double gemv_error(std::int64_t m, std::int64_t n, const T* a, const T* x, const T* answer) {
    std::vector<long double> sums(static_cast<std::size_t>(m)), sizes2(sums);
    for (std::int64_t j = 0; j < n; ++j)
        for (std::int64_t i = 0; i < m; ++i) {
            const long double product = static_cast<long double>(a[i + j * m]) * x[j];
            sums[static_cast<std::size_t>(i)] += product;
            sizes2[static_cast<std::size_t>(i)] += product * product;
        }
    double error = 0;
    for (std::size_t i = 0; i < sums.size(); ++i)
        error = std::max(error, relative_deviation(answer[i] - sums[i], std::sqrt(sizes2[i])));
    return error;
}

template double dot_error(std::int64_t, const float*, const float*, float);
template double dot_error(std::int64_t, const double*, const double*, double);
template double axpy_error(std::int64_t, float, const float*, const float*, const float*);
template double axpy_error(std::int64_t, double, const double*, const double*, const double*);
template double gemv_error(std::int64_t, std::int64_t, const float*, const float*, const float*);
template double gemv_error(std::int64_t, std::int64_t, const double*, const double*, const double*);

}  // namespace peakward::worker::blas
