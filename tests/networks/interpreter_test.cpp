// Every operator against numbers by hand or the plainest loop that could be written of its
// definition.
#include "networks/interpreter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "catalog/networks/builder.hpp"
#include "networks/kernels.hpp"
#include "networks/weights.hpp"

namespace peakward::detail {
namespace {

using catalog::Builder;
using catalog::Dimensions;
using catalog::Filter;
using testing::ElementsAre;
using testing::FloatNear;
using testing::Pointwise;

// What the graph makes of `input`, with some of its weights given instead of drawn.
std::vector<float> run(const catalog::Graph& graph, std::vector<float> input,
                       const std::map<std::string, std::vector<float>>& given = {}) {
    Tensors values = constants_of(graph);
    values[graph.input] = {graph.shapes.at(graph.input), std::move(input), {}};
    for (const auto& [name, data] : given) values.at(name).data = data;
    const auto result = interpret(graph, std::move(values));
    EXPECT_TRUE(result) << result.error().message;
    return result ? *result : std::vector<float>();
}

std::vector<float> drawn(const char* name, std::int64_t count) {
    const std::vector<double> values = draw("test", name, count);
    return {values.begin(), values.end()};
}

struct Image {
    const std::vector<float>& data;
    Dimensions shape;
    double at(std::int64_t n, std::int64_t c, std::int64_t y, std::int64_t x) const {
        if (y < 0 || x < 0 || y >= shape[2] || x >= shape[3]) return 0;
        return data[std::size_t(((n * shape[1] + c) * shape[2] + y) * shape[3] + x)];
    }
};

// The definition of a convolution, one sum at a time.
std::vector<float> plain_convolution(const Image& image, const Image& weights, Filter filter,
                                     const Dimensions& out) {
    std::vector<float> results;
    const std::int64_t in_group = weights.shape[1], out_group = out[1] / filter.groups;
    for (std::int64_t n = 0; n < out[0]; ++n)
        for (std::int64_t k = 0; k < out[1]; ++k)
            for (std::int64_t y = 0; y < out[2]; ++y)
                for (std::int64_t x = 0; x < out[3]; ++x) {
                    double sum = 0;
                    for (std::int64_t c = 0; c < in_group; ++c)
                        for (std::int64_t r = 0; r < filter.size; ++r)
                            for (std::int64_t s = 0; s < filter.size; ++s)
                                sum += weights.at(k, c, r, s) *
                                       image.at(n, k / out_group * in_group + c,
                                                y * filter.stride + r - filter.pad,
                                                x * filter.stride + s - filter.pad);
                    results.push_back(static_cast<float>(sum));
                }
    return results;
}

TEST(Interpreter, ConvolvesAsTheDefinitionSays) {
    for (const Filter filter :
         {Filter{.size = 3, .pad = 1}, Filter{.size = 3, .stride = 2}, Filter{.size = 1},
          Filter{.size = 1, .stride = 2}, Filter{.size = 3, .pad = 1, .groups = 2},
          Filter{.size = 3, .stride = 2, .pad = 1, .groups = 6}}) {
        Builder net("test", "input", {2, 6, 7, 5});
        const auto graph = net.finish(net.conv("conv", "input", 12, filter, 1));
        const Dimensions shape = graph.shapes.at("conv.weight");
        const auto input = drawn("input", 2 * 6 * 7 * 5);
        const auto weights = drawn("weights", catalog::elements(shape));
        const auto expected = plain_convolution({input, {2, 6, 7, 5}}, {weights, shape}, filter,
                                                graph.shapes.at(graph.output));
        EXPECT_THAT(run(graph, input, {{"conv.weight", weights}}),
                    Pointwise(FloatNear(1e-6F), expected))
            << filter.size << " " << filter.stride << " " << filter.pad << " " << filter.groups;
    }
}

TEST(Interpreter, AddsTheBiasOfAConvolution) {
    Builder net("test", "input", {1, 1, 2, 2});
    const auto graph = net.finish(net.conv("conv", "input", 2, {}, 1, true));
    EXPECT_THAT(run(graph, {1, 2, 3, 4}, {{"conv.weight", {1, 10}}, {"conv.bias", {0.5, -1}}}),
                ElementsAre(1.5, 2.5, 3.5, 4.5, 9, 19, 29, 39));
}

TEST(Interpreter, MultipliesMatricesOfAnySize) {
    for (const ProductSize size : {ProductSize{1, 1, 1}, ProductSize{4, 4, 3},
                                   ProductSize{5, 7, 11}, ProductSize{9, 2, 1}}) {
        const auto a = drawn("a", size.m * size.k), b = drawn("b", size.k * size.n);
        std::vector<float> c(std::size_t(size.m * size.n));
        matrix_product(size, a.data(), b.data(), c.data());
        for (std::int64_t i = 0; i < size.m; ++i)
            for (std::int64_t j = 0; j < size.n; ++j) {
                double sum = 0;
                for (std::int64_t l = 0; l < size.k; ++l)
                    sum += double{a[std::size_t(i * size.k + l)]} * b[std::size_t(l * size.n + j)];
                EXPECT_FLOAT_EQ(c[std::size_t(i * size.n + j)], float(sum)) << i << " " << j;
            }
    }
}

TEST(Interpreter, DenseLayersAreTheSameForRowsAndTokens) {
    Builder rows("test", "input", {2, 2});
    const auto flat = rows.finish(rows.linear("fc", "input", 2));
    // Gemm keeps its matrix transposed: y0 = x0 + 2 x1, y1 = 3 x0 + 4 x1.
    EXPECT_THAT(run(flat, {1, 10, 2, 20}, {{"fc.weight", {1, 2, 3, 4}}, {"fc.bias", {0, 1}}}),
                ElementsAre(21, 44, 42, 87));
    Builder tokens("test", "input", {1, 2, 2});
    const auto deep = tokens.finish(tokens.linear("fc", "input", 2));
    EXPECT_THAT(run(deep, {1, 10, 2, 20}, {{"fc.weight", {1, 3, 2, 4}}, {"fc.bias", {0, 1}}}),
                ElementsAre(21, 44, 42, 87));
}

TEST(Interpreter, NormalisesABatchWithItsStatistics) {
    Builder net("test", "input", {1, 2, 1, 2});
    const auto graph = net.finish(net.batch_norm("bn", "input"));
    const auto y = run(graph, {1, 2, 3, 4},
                       {{"bn.weight", {1, 2}},
                        {"bn.bias", {0, 5}},
                        {"bn.running_mean", {1, 3}},
                        {"bn.running_var", {1, 4}}});
    EXPECT_THAT(y, Pointwise(FloatNear(1e-4F), std::vector<float>{0, 1, 5, 6}));
}

TEST(Interpreter, NormalisesRowsToMeanNoughtAndVarianceOne) {
    Builder net("test", "input", {1, 2, 4});
    const auto graph = net.finish(net.layer_norm("ln", "input", 0));
    const auto y = run(graph, {1, 1, -1, -1, 3, 7, 3, 7},
                       {{"ln.weight", {1, 1, 1, 2}}, {"ln.bias", {0, 0, 0, 10}}});
    EXPECT_THAT(y, ElementsAre(1, 1, -1, 8, -1, 1, -1, 12));
}

TEST(Interpreter, PoolsWithoutLookingAtThePadding) {
    Builder net("test", "input", {1, 1, 3, 3});
    const auto graph =
        net.finish(net.max_pool("pool", "input", {.size = 3, .stride = 2, .pad = 1}));
    EXPECT_THAT(run(graph, {-9, -8, -7, -6, -5, -4, -3, -2, -1}), ElementsAre(-5, -4, -2, -1));
    Builder mean("test", "input", {1, 2, 1, 2});
    EXPECT_THAT(run(mean.finish(mean.global_average_pool("avg", "input")), {1, 3, 10, 20}),
                ElementsAre(2, 15));
}

TEST(Interpreter, AppliesFunctionsElementByElement) {
    Builder relu("test", "input", {1, 3});
    EXPECT_THAT(run(relu.finish(relu.relu("f", "input")), {-1, 0, 2}), ElementsAre(0, 0, 2));
    Builder relu6("test", "input", {1, 3});
    EXPECT_THAT(run(relu6.finish(relu6.relu6("f", "input")), {-1, 3, 8}), ElementsAre(0, 3, 6));
    Builder gelu("test", "input", {1, 3});
    // x Phi(x), with Phi(1) = 0.8413447.
    EXPECT_THAT(run(gelu.finish(gelu.gelu("f", "input")), {-1, 0, 1}),
                Pointwise(FloatNear(1e-6F), std::vector<float>{-0.1586553F, 0, 0.8413447F}));
    Builder soft("test", "input", {2, 2});
    EXPECT_THAT(run(soft.finish(soft.softmax("f", "input")), {0, 0, 100, 100 + std::log(3.0F)}),
                Pointwise(FloatNear(1e-5F), std::vector<float>{0.5F, 0.5F, 0.25F, 0.75F}));
}

TEST(Interpreter, MovesElementsWhereTheyBelong) {
    Builder turned("test", "input", {1, 2, 3});
    EXPECT_THAT(run(turned.finish(turned.transpose("t", "input", {0, 2, 1})), {1, 2, 3, 4, 5, 6}),
                ElementsAre(1, 4, 2, 5, 3, 6));
    Builder parts("test", "input", {1, 2, 4});
    const auto halves = parts.split("s", "input", 2);
    const auto swapped = parts.concat("c", {halves[1], halves[0]}, 2);
    EXPECT_THAT(run(parts.finish(swapped), {1, 2, 3, 4, 5, 6, 7, 8}),
                ElementsAre(3, 4, 1, 2, 7, 8, 5, 6));
    Builder taken("test", "input", {2, 2, 2});
    EXPECT_THAT(run(taken.finish(taken.gather("g", "input", 1, 1)), {1, 2, 3, 4, 5, 6, 7, 8}),
                ElementsAre(3, 4, 7, 8));
    Builder repeated("test", "input", {1, 2});
    EXPECT_THAT(run(repeated.finish(repeated.expand("e", "input", {2, 2})), {1, 2}),
                ElementsAre(1, 2, 1, 2));
}

TEST(Interpreter, RepeatsTheSmallerTensorOfASum) {
    Builder net("test", "input", {2, 1, 2});
    const auto bias = net.weight("bias", {2}, 0, 1);
    EXPECT_THAT(run(net.finish(net.add("add", "input", bias)), {1, 2, 3, 4}, {{"bias", {10, 20}}}),
                ElementsAre(11, 22, 13, 24));
}

// One head over two tokens of one feature, by hand: q = k = v = x, so that token i is a mean of x
// weighted by exp(x_i x_j).
TEST(Interpreter, Attends) {
    Builder net("test", "input", {1, 2, 1});
    const auto graph = net.finish(catalog::self_attention(net, "a", "input", {.heads = 1}));
    const auto y = run(graph, {1, 2},
                       {{"a.qkv.weight", {1, 1, 1}},
                        {"a.qkv.bias", {0, 0, 0}},
                        {"a.proj.weight", {1}},
                        {"a.proj.bias", {0}}});
    const auto token = [](double x) {
        return float((std::exp(x) + 2 * std::exp(2 * x)) / (std::exp(x) + std::exp(2 * x)));
    };
    EXPECT_THAT(y, Pointwise(FloatNear(1e-5F), std::vector<float>{token(1), token(2)}));
}

TEST(Interpreter, NamesAnOperatorThatItLacks) {
    Builder net("test", "input", {1, 2});
    catalog::Graph graph = net.finish(net.relu("f", "input"));
    graph.nodes[0].op = "Celu";
    const auto result = interpret(graph, std::vector<float>{1, 2});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message,
              "network test: the interpreter has no operator Celu (node f)");
}

TEST(Weights, AreDrawnWithTheirMeanAndDeviation) {
    const auto values = draw("test", "tensor", 100000);
    double sum = 0, squares = 0;
    for (const double value : values) {
        sum += value;
        squares += value * value;
        ASSERT_LE(std::abs(value), 6);
    }
    EXPECT_NEAR(sum / 100000, 0, 0.02);
    EXPECT_NEAR(squares / 100000, 1, 0.02);
    EXPECT_NE(draw("test", "tensor", 3), draw("test", "other", 3));
    EXPECT_NE(draw("test", "tensor", 3), draw("else", "tensor", 3));
}

// Bytes that any later build, compiler and architecture must draw again: the names of the folders
// do not change with them, so a change here needs another `format` in materialise.cpp.
TEST(Weights, AreTheSameForEver) {
    const auto values = draw("resnet18", "conv1.weight", 3);
    EXPECT_EQ(values.size(), 3U);
    EXPECT_EQ(draw("resnet18", "conv1.weight", 1)[0], values[0]);
    EXPECT_THAT(values, ElementsAre(24073.0 / 65536, 96016.0 / 65536, -91314.0 / 65536));
}

TEST(Weights, StandOnWholeCacheLines) {
    const auto graph = catalog::find_network("vit_tiny")->build(1);
    const WeightLayout layout = weight_layout(graph);
    for (const auto& [name, offset] : layout.offset_bytes) EXPECT_EQ(offset % 64, 0) << name;
    EXPECT_GE(layout.total_bytes, 4 * catalog::weight_elements(graph));
    EXPECT_EQ(std::ssize(weight_bytes(graph, layout)), layout.total_bytes);
}

}  // namespace
}  // namespace peakward::detail
