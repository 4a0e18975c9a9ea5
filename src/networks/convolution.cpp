#include <algorithm>
#include <limits>

#include "networks/kernels.hpp"

namespace peakward::detail {
namespace {

constexpr std::int64_t tile_rows = 4, tile_columns = 4;

// `tile_columns` columns of b from `column` on as fp64, one row after the other; zeros beyond n.
void pack_columns(ProductSize size, const float* b, std::int64_t column, double* packed) {
    const std::int64_t width = std::min(tile_columns, size.n - column);
    for (std::int64_t row = 0; row < size.k; ++row)
        for (std::int64_t i = 0; i < tile_columns; ++i)
            packed[row * tile_columns + i] = i < width ? double{b[row * size.n + column + i]} : 0;
}

// `tile_rows` rows of a as fp64, one column after the other; zeros beyond m.
void pack_rows(ProductSize size, const float* a, std::int64_t row, double* packed) {
    const std::int64_t height = std::min(tile_rows, size.m - row);
    for (std::int64_t column = 0; column < size.k; ++column)
        for (std::int64_t i = 0; i < tile_rows; ++i)
            packed[column * tile_rows + i] =
                i < height ? double{a[(row + i) * size.k + column]} : 0;
}

struct Tile {
    double sums[tile_rows][tile_columns] = {};
};

Tile tile_product(std::int64_t k, const double* rows, const double* columns) {
    Tile tile;
    for (; k > 0; --k, rows += tile_rows, columns += tile_columns)
        for (std::int64_t i = 0; i < tile_rows; ++i)
            for (std::int64_t j = 0; j < tile_columns; ++j) tile.sums[i][j] += rows[i] * columns[j];
    return tile;
}

struct Geometry {
    std::int64_t channels, rows, columns;  // of one group of one image
    std::int64_t size, stride, pad;
    std::int64_t out_rows, out_columns;

    std::int64_t image() const { return channels * rows * columns; }
    std::int64_t positions() const { return out_rows * out_columns; }
    bool is_plain() const { return size == 1 && stride == 1 && pad == 0; }
};

// Every window of the image as a column (Chellapilla et al., High performance convolutional neural
// networks, 2006): channels x size x size rows of out_rows x out_columns.
void windows_as_columns(const Geometry& g, const float* image, float* columns) {
    for (std::int64_t c = 0; c < g.channels; ++c)
        for (std::int64_t r = 0; r < g.size; ++r)
            for (std::int64_t s = 0; s < g.size; ++s)
                for (std::int64_t y = 0; y < g.out_rows; ++y) {
                    const std::int64_t row = y * g.stride + r - g.pad;
                    const bool inside = row >= 0 && row < g.rows;
                    for (std::int64_t x = 0; x < g.out_columns; ++x) {
                        const std::int64_t column = x * g.stride + s - g.pad;
                        *columns++ = inside && column >= 0 && column < g.columns
                                         ? image[(c * g.rows + row) * g.columns + column]
                                         : 0;
                    }
                }
}

Geometry geometry(const Call& call, std::int64_t groups) {
    const auto& in = call.in[0]->shape;
    const auto& out = call.out[0]->shape;
    return {
        in[1] / groups,       in[2],  in[3], call.list("kernel_shape")[0], call.list("strides")[0],
        call.list("pads")[0], out[2], out[3]};
}

void add_bias(const Tensor& bias, Tensor& out) {
    const std::int64_t channels = out.shape[1], positions = out.shape[2] * out.shape[3];
    for (std::size_t i = 0; i < out.data.size(); ++i)
        out.data[i] +=
            bias.data[i / static_cast<std::size_t>(positions) % static_cast<std::size_t>(channels)];
}

}  // namespace

void matrix_product(ProductSize size, const float* a, const float* b, float* c) {
    std::vector<double> columns(static_cast<std::size_t>(size.k * tile_columns));
    const std::int64_t bands = (size.m + tile_rows - 1) / tile_rows;
    std::vector<double> rows(static_cast<std::size_t>(bands * tile_rows * size.k));
    for (std::int64_t band = 0; band < bands; ++band)
        pack_rows(size, a, band * tile_rows,
                  &rows[static_cast<std::size_t>(band * tile_rows * size.k)]);
    for (std::int64_t column = 0; column < size.n; column += tile_columns) {
        pack_columns(size, b, column, columns.data());
        for (std::int64_t row = 0; row < size.m; row += tile_rows) {
            const Tile tile =
                tile_product(size.k, &rows[static_cast<std::size_t>(row * size.k)], columns.data());
            for (std::int64_t i = row; i < std::min(row + tile_rows, size.m); ++i)
                for (std::int64_t j = column; j < std::min(column + tile_columns, size.n); ++j)
                    c[i * size.n + j] = static_cast<float>(tile.sums[i - row][j - column]);
        }
    }
}

void convolution(const Call& call) {
    const Tensor &x = *call.in[0], &weights = *call.in[1];
    Tensor& out = *call.out[0];
    const std::int64_t groups = call.integer("group", 1), images = x.shape[0];
    const Geometry g = geometry(call, groups);
    const ProductSize size{weights.shape[0] / groups, g.positions(), g.channels * g.size * g.size};
    std::vector<float> columns(g.is_plain() ? 0 : static_cast<std::size_t>(size.k * size.n));
    for (std::int64_t i = 0; i < images * groups; ++i) {
        const float* image = x.data.data() + i * g.image();
        if (!g.is_plain()) windows_as_columns(g, image, columns.data());
        matrix_product(size, weights.data.data() + i % groups * size.m * size.k,
                       g.is_plain() ? image : columns.data(),
                       out.data.data() + i * size.m * size.n);
    }
    if (call.in.size() > 2) add_bias(*call.in[2], out);
}

void max_pool(const Call& call) {
    const Geometry g = geometry(call, call.in[0]->shape[1]);
    const std::int64_t images = call.in[0]->shape[0] * call.in[0]->shape[1];
    float* out = call.out[0]->data.data();
    for (std::int64_t i = 0; i < images; ++i) {
        const float* image = call.in[0]->data.data() + i * g.image();
        for (std::int64_t y = 0; y < g.out_rows; ++y)
            for (std::int64_t x = 0; x < g.out_columns; ++x) {
                float largest = -std::numeric_limits<float>::infinity();
                const std::int64_t top = y * g.stride - g.pad, left = x * g.stride - g.pad;
                for (auto r = std::max<std::int64_t>(top, 0); r < std::min(top + g.size, g.rows);
                     ++r)
                    for (auto s = std::max<std::int64_t>(left, 0);
                         s < std::min(left + g.size, g.columns); ++s)
                        largest = std::max(largest, image[r * g.columns + s]);
                *out++ = largest;
            }
    }
}

}  // namespace peakward::detail
