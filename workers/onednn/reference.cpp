#include "onednn/reference.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sdk/gemm_check.hpp"

namespace peakward::worker::onednn {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

bool all_written(const Tensor& dst) {
    for (std::int64_t i = 0; i < dst.count(); ++i)
        if (is_poison(dst.at(i))) return false;
    return true;
}

std::int64_t below(std::int64_t limit, Random& random) {
    return static_cast<std::int64_t>(random.next() % static_cast<std::uint64_t>(limit));
}

double convolution_deviation(const Convolution& conv, const Tensor& src, const Tensor& weights,
                             double answer, const Position& at) {
    const auto [image, filter, row, column] = at;
    const std::int64_t depth = conv.c / conv.groups;
    const std::int64_t first = filter / (conv.k / conv.groups) * depth;
    double sum = 0, size2 = 0;
    for (std::int64_t c = 0; c < depth; ++c)
        for (std::int64_t r = 0; r < conv.r; ++r)
            for (std::int64_t s = 0; s < conv.s; ++s) {
                const std::int64_t y = row * conv.stride - conv.pad + r;
                const std::int64_t x = column * conv.stride - conv.pad + s;
                if (y < 0 || y >= conv.h || x < 0 || x >= conv.w) continue;
                const double product =
                    src.at(index_of({conv.n, conv.c, conv.h, conv.w}, {image, first + c, y, x})) *
                    weights.at(index_of({conv.k, depth, conv.r, conv.s}, {filter, c, r, s}));
                sum += product;
                size2 += product * product;
            }
    return relative_deviation(answer - sum, std::sqrt(size2));
}

// The largest deviation of a row, relative to the largest of its true results.
double row_error(const std::vector<double>& truth, const Tensor& dst, std::int64_t first) {
    double largest = 0, deviation = 0;
    for (std::size_t j = 0; j < truth.size(); ++j) {
        const double answer = dst.at(first + static_cast<std::int64_t>(j));
        if (is_poison(answer)) return infinity;
        largest = std::max(largest, std::fabs(truth[j]));
        deviation = std::max(deviation, std::fabs(answer - truth[j]));
    }
    return relative_deviation(deviation, largest);
}

// exp(x - max) / sum, in place.
void normalise_exponentials(std::vector<double>& row) {
    const double largest = *std::max_element(row.begin(), row.end());
    double sum = 0;
    for (double& value : row) sum += value = std::exp(value - largest);
    for (double& value : row) value /= sum;
}

std::vector<double> attention_row(const Attention& attention, const Tensor& q, const Tensor& k,
                                  const Tensor& v, std::int64_t row) {
    const std::int64_t d = attention.head_size;
    const std::int64_t head = row / attention.sequence * attention.sequence * d;
    std::vector<double> weights(static_cast<std::size_t>(attention.sequence));
    for (std::size_t key = 0; key < weights.size(); ++key) {
        double sum = 0;
        for (std::int64_t i = 0; i < d; ++i)
            sum += q.at(row * d + i) * k.at(head + static_cast<std::int64_t>(key) * d + i);
        weights[key] = sum * attention.scale;
    }
    normalise_exponentials(weights);
    std::vector<double> result(static_cast<std::size_t>(d));
    for (std::size_t key = 0; key < weights.size(); ++key)
        for (std::size_t i = 0; i < result.size(); ++i)
            result[i] += weights[key] * v.at(head + static_cast<std::int64_t>(key) * d +
                                             static_cast<std::int64_t>(i));
    return result;
}

}  // namespace

std::int64_t index_of(const Position& dims, const Position& position) {
    std::int64_t index = 0;
    for (std::size_t axis = 0; axis < dims.size(); ++axis)
        index = index * dims[axis] + position[axis];
    return index;
}

std::vector<Position> draw_samples(const Position& dims, Random& random) {
    constexpr int corners = 16, between = 1000;
    std::vector<Position> samples;
    for (int corner = 0; corner < corners; ++corner) {
        Position position;
        for (std::size_t axis = 0; axis < dims.size(); ++axis)
            position[axis] = ((corner >> axis) & 1) != 0 ? dims[axis] - 1 : 0;
        samples.push_back(position);
    }
    for (int sample = 0; sample < between; ++sample) {
        Position position;
        for (std::size_t axis = 0; axis < dims.size(); ++axis)
            position[axis] = below(dims[axis], random);
        samples.push_back(position);
    }
    return samples;
}

double convolution_error(const Convolution& conv, const Tensor& src, const Tensor& weights,
                         const Tensor& dst, const std::vector<Position>& samples) {
    if (!all_written(dst)) return infinity;
    double error = 0;
    for (const Position& at : samples) {
        const double answer = dst.at(index_of({conv.n, conv.k, conv.rows, conv.columns}, at));
        error = std::max(error, convolution_deviation(conv, src, weights, answer, at));
    }
    return error;
}

double pooling_error(const Pooling& pool, const Tensor& src, const Tensor& dst) {
    double error = 0;
    std::int64_t at = 0;
    const auto check_window = [&](const double* sums, double largest) {
        const double answer = dst.at(at++);
        if (is_poison(answer)) return error = infinity;
        const auto elements = static_cast<double>(pool.window * pool.window);
        const double truth = pool.average ? sums[0] / elements : largest;
        const double size = pool.average ? std::sqrt(sums[1]) / elements : std::fabs(largest);
        return error = std::max(error, relative_deviation(answer - truth, size));
    };
    for (std::int64_t plane = 0; plane < pool.n * pool.c; ++plane)
        for (std::int64_t row = 0; row < pool.rows; ++row)
            for (std::int64_t column = 0; column < pool.columns; ++column) {
                double sums[2] = {}, largest = -infinity;
                for (std::int64_t r = 0; r < pool.window; ++r)
                    for (std::int64_t s = 0; s < pool.window; ++s) {
                        const double value =
                            src.at((plane * pool.h + row * pool.stride + r) * pool.w +
                                   column * pool.stride + s);
                        sums[0] += value;
                        sums[1] += value * value;
                        largest = std::max(largest, value);
                    }
                check_window(sums, largest);
            }
    return error;
}

double batch_norm_error(const Tensor& src, const Tensor& mean, const Tensor& variance,
                        const Affine& affine, float epsilon, const Tensor& dst) {
    const std::int64_t channels = mean.count();
    const Dims dims = src.dims();
    const std::int64_t plane = dims[2] * dims[3];
    double error = 0;
    for (std::int64_t i = 0; i < src.count(); ++i) {
        const std::int64_t channel = i / plane % channels;
        const double factor = affine.scale.at(channel) /
                              std::sqrt(variance.at(channel) + static_cast<double>(epsilon));
        const double x = src.at(i) * factor, centre = mean.at(channel) * factor,
                     shift = affine.shift.at(channel);
        if (is_poison(dst.at(i))) return infinity;
        error =
            std::max(error, relative_deviation(dst.at(i) - (x - centre + shift),
                                               std::sqrt(x * x + centre * centre + shift * shift)));
    }
    return error;
}

double layer_norm_error(const Tensor& src, const Affine& affine, float epsilon, const Tensor& dst) {
    const std::int64_t columns = affine.scale.count();
    std::vector<double> row(static_cast<std::size_t>(columns));
    double error = 0;
    for (std::int64_t first = 0; first < src.count(); first += columns) {
        double mean = 0, variance = 0;
        for (std::int64_t j = 0; j < columns; ++j) mean += src.at(first + j);
        mean /= static_cast<double>(columns);
        for (std::int64_t j = 0; j < columns; ++j) {
            const double difference = src.at(first + j) - mean;
            variance += difference * difference;
        }
        variance /= static_cast<double>(columns);
        const double factor = 1 / std::sqrt(variance + static_cast<double>(epsilon));
        for (std::int64_t j = 0; j < columns; ++j)
            row[static_cast<std::size_t>(j)] =
                (src.at(first + j) - mean) * factor * affine.scale.at(j) + affine.shift.at(j);
        error = std::max(error, row_error(row, dst, first));
    }
    return error;
}

double softmax_error(std::int64_t columns, const Tensor& src, const Tensor& dst) {
    std::vector<double> row(static_cast<std::size_t>(columns));
    double error = 0;
    for (std::int64_t first = 0; first < src.count(); first += columns) {
        for (std::int64_t j = 0; j < columns; ++j)
            row[static_cast<std::size_t>(j)] = src.at(first + j);
        normalise_exponentials(row);
        error = std::max(error, row_error(row, dst, first));
    }
    return error;
}

double relu(double x) { return x > 0 ? x : 0; }

double gelu(double x) { return x / 2 * (1 + std::erf(x / std::sqrt(2.0))); }

double eltwise_error(double (*function)(double), const Tensor& src, const Tensor& dst) {
    double largest = 0, deviation = 0;
    for (std::int64_t i = 0; i < src.count(); ++i) {
        const double truth = function(src.at(i)), answer = dst.at(i);
        if (is_poison(answer)) return infinity;
        largest = std::max(largest, std::fabs(truth));
        deviation = std::max(deviation, std::fabs(answer - truth));
    }
    return relative_deviation(deviation, largest);
}

double attention_error(const Attention& attention, const Tensor& q, const Tensor& k,
                       const Tensor& v, const Tensor& dst, const std::vector<std::int64_t>& rows) {
    if (!all_written(dst)) return infinity;
    double largest = 0, deviation = 0;
    for (std::int64_t i = 0; i < v.count(); ++i) largest = std::max(largest, std::fabs(v.at(i)));
    for (const std::int64_t row : rows) {
        const std::vector<double> truth = attention_row(attention, q, k, v, row);
        for (std::size_t i = 0; i < truth.size(); ++i)
            deviation = std::max(deviation, std::fabs(dst.at(row * attention.head_size +
                                                             static_cast<std::int64_t>(i)) -
                                                      truth[i]));
    }
    return relative_deviation(deviation, largest);
}

}  // namespace peakward::worker::onednn
