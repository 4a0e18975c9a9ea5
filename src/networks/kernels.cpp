#include "networks/kernels.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace peakward::detail {
namespace {

using catalog::Dimensions;

std::size_t index(std::int64_t value) { return static_cast<std::size_t>(value); }

// `axis` counted from the front.
std::size_t from_front(std::int64_t axis, const Dimensions& shape) {
    return index(axis < 0 ? axis + std::ssize(shape) : axis);
}

// Elements of the dimensions before and after `axis`.
std::int64_t before(const Dimensions& shape, std::size_t axis) {
    return catalog::elements({shape.begin(), shape.begin() + std::ptrdiff_t(axis)});
}
std::int64_t after(const Dimensions& shape, std::size_t axis) {
    return catalog::elements({shape.begin() + std::ptrdiff_t(axis) + 1, shape.end()});
}

// Steps through a tensor of shape `walked`; a step along each dimension moves `strides` elements.
// Calls `visit(i, j)`: i counts the steps, j is where the strides lead.
template <typename Visit>
void walk(const Dimensions& walked, const Dimensions& strides, Visit visit) {
    Dimensions at(walked.size(), 0);
    std::int64_t j = 0;
    const std::int64_t count = catalog::elements(walked);
    for (std::int64_t i = 0; i < count; ++i) {
        visit(index(i), index(j));
        for (std::size_t d = walked.size(); d-- > 0;) {
            j += strides[d];
            if (++at[d] < walked[d]) break;
            j -= strides[d] * std::exchange(at[d], 0);
        }
    }
}

Dimensions row_major(const Dimensions& shape) {
    Dimensions strides(shape.size(), 1);
    for (std::size_t d = shape.size(); d-- > 1;) strides[d - 1] = strides[d] * shape[d];
    return strides;
}

// Strides that read `from` as if it had the shape `to`: dimensions that are 1 or lacking repeat.
Dimensions broadcast(const Dimensions& from, const Dimensions& to) {
    const Dimensions own = row_major(from);
    Dimensions strides(to.size(), 0);
    const std::size_t lacking = to.size() - from.size();
    for (std::size_t d = 0; d < from.size(); ++d)
        if (from[d] != 1) strides[lacking + d] = own[d];
    return strides;
}

template <typename Function>
void each(const Call& call, Function function) {
    const std::vector<float>& x = call.in[0]->data;
    std::vector<float>& y = call.out[0]->data;
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = function(x[i]);
}

template <typename Function>
void pairs(const Call& call, Function function) {
    const Tensor &a = *call.in[0], &b = *call.in[1];
    std::vector<float>& y = call.out[0]->data;
    walk(a.shape, broadcast(b.shape, a.shape),
         [&](std::size_t i, std::size_t j) { y[i] = function(a.data[i], b.data[j]); });
}

void add(const Call& call) {
    pairs(call, [](float a, float b) { return a + b; });
}
void multiply(const Call& call) {
    pairs(call, [](float a, float b) { return a * b; });
}
void divide(const Call& call) {
    pairs(call, [](float a, float b) { return a / b; });
}
void relu(const Call& call) {
    each(call, [](float x) { return std::max(x, 0.0F); });
}
void erf(const Call& call) {
    each(call, [](float x) { return static_cast<float>(std::erf(double{x})); });
}
void clip(const Call& call) {
    const float low = call.in[1]->data[0], high = call.in[2]->data[0];
    each(call, [=](float x) { return std::clamp(x, low, high); });
}
void copy(const Call& call) { call.out[0]->data = call.in[0]->data; }

void batch_norm(const Call& call) {
    const Tensor &x = *call.in[0], &scale = *call.in[1], &shift = *call.in[2];
    const Tensor &mean = *call.in[3], &variance = *call.in[4];
    const double epsilon = call.real("epsilon", 1e-5);
    const std::size_t positions = index(after(x.shape, 1)), channels = index(x.shape[1]);
    for (std::size_t i = 0; i < x.data.size(); ++i) {
        const std::size_t c = i / positions % channels;
        const double factor = scale.data[c] / std::sqrt(variance.data[c] + epsilon);
        call.out[0]->data[i] =
            static_cast<float>((double{x.data[i]} - mean.data[c]) * factor + shift.data[c]);
    }
}

void layer_norm(const Call& call) {
    const Tensor &x = *call.in[0], &scale = *call.in[1], &shift = *call.in[2];
    const double epsilon = call.real("epsilon", 1e-5);
    const std::size_t columns = index(x.shape.back());
    for (std::size_t row = 0; row < x.data.size(); row += columns) {
        double sum = 0, squares = 0;
        for (std::size_t i = 0; i < columns; ++i) sum += x.data[row + i];
        const double mean = sum / static_cast<double>(columns);
        for (std::size_t i = 0; i < columns; ++i)
            squares += (x.data[row + i] - mean) * (x.data[row + i] - mean);
        const double root = std::sqrt(squares / static_cast<double>(columns) + epsilon);
        for (std::size_t i = 0; i < columns; ++i)
            call.out[0]->data[row + i] =
                static_cast<float>((x.data[row + i] - mean) / root * scale.data[i] + shift.data[i]);
    }
}

void softmax(const Call& call) {
    const std::vector<float>& x = call.in[0]->data;
    const std::size_t columns = index(call.in[0]->shape.back());
    std::vector<double> weights(columns);
    for (std::size_t row = 0; row < x.size(); row += columns) {
        const double largest = *std::max_element(x.begin() + std::ptrdiff_t(row),
                                                 x.begin() + std::ptrdiff_t(row + columns));
        double sum = 0;
        for (std::size_t i = 0; i < columns; ++i)
            sum += weights[i] = std::exp(x[row + i] - largest);
        for (std::size_t i = 0; i < columns; ++i)
            call.out[0]->data[row + i] = static_cast<float>(weights[i] / sum);
    }
}

void average_pool(const Call& call) {
    const std::vector<float>& x = call.in[0]->data;
    const std::size_t positions = index(after(call.in[0]->shape, 1));
    for (std::size_t i = 0; i < call.out[0]->data.size(); ++i) {
        double sum = 0;
        for (std::size_t j = 0; j < positions; ++j) sum += x[i * positions + j];
        call.out[0]->data[i] = static_cast<float>(sum / static_cast<double>(positions));
    }
}

void transpose(const Call& call) {
    const Dimensions own = row_major(call.in[0]->shape);
    Dimensions strides;
    for (const std::int64_t axis : call.list("perm")) strides.push_back(own[index(axis)]);
    walk(call.out[0]->shape, strides,
         [&](std::size_t i, std::size_t j) { call.out[0]->data[i] = call.in[0]->data[j]; });
}

void expand(const Call& call) {
    walk(call.out[0]->shape, broadcast(call.in[0]->shape, call.out[0]->shape),
         [&](std::size_t i, std::size_t j) { call.out[0]->data[i] = call.in[0]->data[j]; });
}

// Rows of `to` from `at` on, each `width` wide in a tensor `total` wide.
void copy_band(const Tensor& from, Tensor& to, std::int64_t from_at, std::int64_t to_at,
               std::size_t axis) {
    const std::int64_t rest = after(from.shape, axis);
    const std::int64_t from_width = from.shape[axis] * rest, to_width = to.shape[axis] * rest;
    const std::int64_t width = std::min(from_width, to_width);
    for (std::int64_t row = 0; row < before(from.shape, axis); ++row)
        std::copy_n(from.data.begin() + row * from_width + from_at * rest, width,
                    to.data.begin() + row * to_width + to_at * rest);
}

void split(const Call& call) {
    const std::size_t axis = from_front(call.integer("axis", 0), call.in[0]->shape);
    std::int64_t at = 0;
    for (Tensor* part : call.out) {
        copy_band(*call.in[0], *part, at, 0, axis);
        at += part->shape[axis];
    }
}

void concat(const Call& call) {
    const std::size_t axis = from_front(call.integer("axis", 0), call.out[0]->shape);
    std::int64_t at = 0;
    for (const Tensor* part : call.in) {
        copy_band(*part, *call.out[0], 0, at, axis);
        at += part->shape[axis];
    }
}

// One index, which takes its dimension away.
void gather(const Call& call) {
    const Tensor& x = *call.in[0];
    const std::size_t axis = from_front(call.integer("axis", 0), x.shape);
    const std::int64_t rest = after(x.shape, axis);
    for (std::int64_t row = 0; row < before(x.shape, axis); ++row)
        std::copy_n(x.data.begin() + (row * x.shape[axis] + call.in[1]->integers[0]) * rest, rest,
                    call.out[0]->data.begin() + row * rest);
}

// The second matrix is one for all of the first's, or one for each.
void matmul(const Call& call) {
    const Tensor &a = *call.in[0], &b = *call.in[1];
    Tensor& out = *call.out[0];
    const std::int64_t k = a.shape.back(), n = b.shape.back();
    const bool shared = b.shape.size() == 2;
    const std::int64_t m = shared ? catalog::elements(a.shape) / k : a.shape[a.shape.size() - 2];
    const std::int64_t products = catalog::elements(a.shape) / (m * k);
    for (std::int64_t i = 0; i < products; ++i)
        matrix_product({m, n, k}, a.data.data() + i * m * k,
                       b.data.data() + (shared ? 0 : i * k * n), out.data.data() + i * m * n);
}

// a b' + c, as the catalog writes dense layers.
void gemm(const Call& call) {
    const Tensor &a = *call.in[0], &b = *call.in[1], &c = *call.in[2];
    Tensor& out = *call.out[0];
    const std::int64_t m = a.shape[0], k = a.shape[1], n = b.shape[0];
    for (std::int64_t row = 0; row < m; ++row)
        for (std::int64_t column = 0; column < n; ++column) {
            double sum = c.data[index(column)];
            for (std::int64_t i = 0; i < k; ++i)
                sum += double{a.data[index(row * k + i)]} * b.data[index(column * k + i)];
            out.data[index(row * n + column)] = static_cast<float>(sum);
        }
}

struct Entry {
    std::string_view op;
    Kernel kernel;
};
constexpr Entry kernels[] = {
    {"Conv", convolution},
    {"BatchNormalization", batch_norm},
    {"Relu", relu},
    {"Clip", clip},
    {"MaxPool", max_pool},
    {"GlobalAveragePool", average_pool},
    {"Flatten", copy},
    {"Reshape", copy},
    {"Gemm", gemm},
    {"MatMul", matmul},
    {"Add", add},
    {"Mul", multiply},
    {"Div", divide},
    {"Erf", erf},
    {"Softmax", softmax},
    {"LayerNormalization", layer_norm},
    {"Transpose", transpose},
    {"Split", split},
    {"Concat", concat},
    {"Gather", gather},
    {"Expand", expand},
};

}  // namespace

std::int64_t Call::integer(const char* attribute, std::int64_t fallback) const {
    const auto found = node.attributes.find(attribute);
    return found == node.attributes.end() ? fallback : std::get<std::int64_t>(found->second);
}
double Call::real(const char* attribute, double fallback) const {
    const auto found = node.attributes.find(attribute);
    return found == node.attributes.end() ? fallback : std::get<double>(found->second);
}
std::vector<std::int64_t> Call::list(const char* attribute) const {
    return std::get<std::vector<std::int64_t>>(node.attributes.at(attribute));
}

Kernel find_kernel(std::string_view op) {
    for (const Entry& entry : kernels)
        if (entry.op == op) return entry.kernel;
    return nullptr;
}

}  // namespace peakward::detail
