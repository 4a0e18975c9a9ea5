#include "catalog/networks/builder.hpp"

#include <cassert>
#include <cmath>
#include <numbers>
#include <utility>

namespace peakward::catalog {
namespace {

// Small, so that biases neither vanish nor drive a rectifier to one side.
constexpr double bias_deviation = 0.1;
constexpr double batch_norm_epsilon = 1e-5;  // PyTorch's default

// Windows along an edge (Dumoulin and Visin, A guide to convolution arithmetic, relationship 6).
std::int64_t windows(std::int64_t edge, const Filter& filter) {
    return (edge + 2 * filter.pad - filter.size) / filter.stride + 1;
}

std::map<std::string, Attribute> filter_attributes(const Filter& filter) {
    using List = std::vector<std::int64_t>;
    return {{"kernel_shape", List(2, filter.size)},
            {"strides", List(2, filter.stride)},
            {"pads", List(4, filter.pad)}};
}

double scaled(double gain, std::int64_t terms) {
    return std::sqrt(gain / static_cast<double>(terms));
}

}  // namespace

Builder::Builder(std::string network, const Name& input, Dimensions shape) {
    graph_.name = std::move(network);
    graph_.input = input;
    graph_.shapes[input] = std::move(shape);
}

Graph Builder::finish(const Name& output) {
    graph_.output = output;
    return std::move(graph_);
}

Builder::Name Builder::node(const std::string& op, const std::string& name,
                            std::vector<Name> inputs, Dimensions result,
                            std::map<std::string, Attribute> attributes) {
    Name output = name + ".out";
    assert(!graph_.shapes.contains(output));
    graph_.shapes[output] = std::move(result);
    graph_.nodes.push_back({op, name, std::move(inputs), {output}, std::move(attributes)});
    return output;
}

Builder::Name Builder::same(const std::string& op, const std::string& name,
                            std::vector<Name> inputs, std::map<std::string, Attribute> attributes) {
    Dimensions result = shape(inputs[0]);
    return node(op, name, std::move(inputs), std::move(result), std::move(attributes));
}

Builder::Name Builder::keep(Initialiser tensor) {
    Name name = tensor.name;
    assert(!graph_.shapes.contains(name));
    graph_.shapes[name] = tensor.shape;
    graph_.initialisers.push_back(std::move(tensor));
    return name;
}

Builder::Name Builder::weight(const std::string& name, Dimensions shape, double mean,
                              double deviation) {
    return keep({name, std::move(shape), mean, deviation, true, {}});
}

Builder::Name Builder::statistic(const std::string& name, std::int64_t size, double mean,
                                 double deviation) {
    return keep({name, {size}, mean, deviation, false, {}});
}

Builder::Name Builder::constant(const std::string& name, double value) {
    return keep({name, {}, value, 0, false, {}});
}

Builder::Name Builder::integers(const std::string& name, Dimensions shape,
                                std::vector<std::int64_t> values) {
    return keep({name, std::move(shape), 0, 0, false, std::move(values)});
}

Builder::Name Builder::conv(const std::string& name, const Name& x, std::int64_t channels,
                            Filter filter, double gain, bool bias) {
    const Dimensions in = shape(x);
    assert(in.size() == 4 && in[1] % filter.groups == 0 && channels % filter.groups == 0);
    const Dimensions weights{channels, in[1] / filter.groups, filter.size, filter.size};
    std::vector<Name> inputs{
        x, weight(name + ".weight", weights, 0, scaled(gain, elements(weights) / channels))};
    if (bias) inputs.push_back(weight(name + ".bias", {channels}, 0, bias_deviation));
    auto attributes = filter_attributes(filter);
    attributes["group"] = filter.groups;
    return node("Conv", name, std::move(inputs),
                {in[0], channels, windows(in[2], filter), windows(in[3], filter)},
                std::move(attributes));
}

Builder::Name Builder::batch_norm(const std::string& name, const Name& x) {
    const std::int64_t channels = shape(x)[1];
    return same("BatchNormalization", name,
                {x, weight(name + ".weight", {channels}, 1, 0.1),
                 weight(name + ".bias", {channels}, 0, bias_deviation),
                 statistic(name + ".running_mean", channels, 0, 0.1),
                 statistic(name + ".running_var", channels, 1, 0.1)},
                {{"epsilon", batch_norm_epsilon}});
}

Builder::Name Builder::layer_norm(const std::string& name, const Name& x, double epsilon) {
    const std::int64_t features = shape(x).back();
    return same("LayerNormalization", name,
                {x, weight(name + ".weight", {features}, 1, 0.1),
                 weight(name + ".bias", {features}, 0, bias_deviation)},
                {{"axis", std::int64_t{-1}}, {"epsilon", epsilon}});
}

Builder::Name Builder::max_pool(const std::string& name, const Name& x, Filter filter) {
    const Dimensions in = shape(x);
    return node("MaxPool", name, {x},
                {in[0], in[1], windows(in[2], filter), windows(in[3], filter)},
                filter_attributes(filter));
}

Builder::Name Builder::global_average_pool(const std::string& name, const Name& x) {
    return node("GlobalAveragePool", name, {x}, {shape(x)[0], shape(x)[1], 1, 1});
}

Builder::Name Builder::flatten(const std::string& name, const Name& x) {
    const std::int64_t rows = shape(x)[0];
    return node("Flatten", name, {x}, {rows, elements(shape(x)) / rows},
                {{"axis", std::int64_t{1}}});
}

Builder::Name Builder::linear(const std::string& name, const Name& x, std::int64_t features,
                              double gain) {
    Dimensions result = shape(x);
    const std::int64_t terms = std::exchange(result.back(), features);
    const double deviation = scaled(gain, terms);
    if (result.size() == 2) {
        const Name matrix = weight(name + ".weight", {features, terms}, 0, deviation);
        const Name bias = weight(name + ".bias", {features}, 0, bias_deviation);
        return node("Gemm", name, {x, matrix, bias}, std::move(result),
                    {{"transB", std::int64_t{1}}});
    }
    const Name matrix = weight(name + ".weight", {terms, features}, 0, deviation);
    const Name bias = weight(name + ".bias", {features}, 0, bias_deviation);
    const Name product = node("MatMul", name, {x, matrix}, std::move(result));
    return add(name + ".add", product, bias);
}

Builder::Name Builder::matmul(const std::string& name, const Name& a, const Name& b) {
    Dimensions result = shape(a);
    assert(result.back() == shape(b)[shape(b).size() - 2]);
    result.back() = shape(b).back();
    return node("MatMul", name, {a, b}, std::move(result));
}

Builder::Name Builder::relu6(const std::string& name, const Name& x) {
    if (!graph_.shapes.contains("zero")) {
        constant("zero", 0);
        constant("six", 6);
    }
    return same("Clip", name, {x, "zero", "six"});
}

Builder::Name Builder::gelu(const std::string& name, const Name& x) {
    if (!graph_.shapes.contains("root_of_two")) {
        constant("root_of_two", std::numbers::sqrt2);
        constant("one", 1);
        constant("half", 0.5);
    }
    const Name scaled_down = same("Div", name + ".div", {x, "root_of_two"});
    const Name error = same("Erf", name + ".erf", {scaled_down});
    const Name weighted = multiply(name + ".mul", x, add(name + ".add", error, "one"));
    return multiply(name, weighted, "half");
}

Builder::Name Builder::softmax(const std::string& name, const Name& x) {
    return same("Softmax", name, {x}, {{"axis", std::int64_t{-1}}});
}

Builder::Name Builder::reshape(const std::string& name, const Name& x, Dimensions to) {
    assert(elements(to) == elements(shape(x)));
    const std::int64_t rank = static_cast<std::int64_t>(to.size());
    const Name target = integers(name + ".shape", {rank}, to);
    return node("Reshape", name, {x, target}, std::move(to));
}

Builder::Name Builder::transpose(const std::string& name, const Name& x,
                                 std::vector<std::int64_t> order) {
    Dimensions result;
    for (const std::int64_t axis : order)
        result.push_back(shape(x)[static_cast<std::size_t>(axis)]);
    return node("Transpose", name, {x}, std::move(result), {{"perm", std::move(order)}});
}

std::vector<Builder::Name> Builder::split(const std::string& name, const Name& x,
                                          std::int64_t parts) {
    Dimensions part = shape(x);
    assert(part.back() % parts == 0);
    part.back() /= parts;
    Node cut{"Split", name, {x}, {}, {{"axis", std::int64_t{-1}}}};
    for (std::int64_t i = 0; i < parts; ++i) {
        cut.outputs.push_back(name + ".out" + std::to_string(i));
        graph_.shapes[cut.outputs.back()] = part;
    }
    std::vector<Name> names = cut.outputs;
    graph_.nodes.push_back(std::move(cut));
    return names;
}

Builder::Name Builder::concat(const std::string& name, const std::vector<Name>& parts,
                              std::int64_t axis) {
    const auto at = static_cast<std::size_t>(axis);
    Dimensions result = shape(parts[0]);
    result[at] = 0;
    for (const Name& part : parts) result[at] += shape(part)[at];
    return node("Concat", name, parts, std::move(result), {{"axis", axis}});
}

Builder::Name Builder::gather(const std::string& name, const Name& x, std::int64_t index,
                              std::int64_t axis) {
    Dimensions result = shape(x);
    result.erase(result.begin() + axis);
    const Name which = integers(name + ".index", {}, {index});
    return node("Gather", name, {x, which}, std::move(result), {{"axis", axis}});
}

Builder::Name Builder::expand(const std::string& name, const Name& x, Dimensions to) {
    const std::int64_t rank = static_cast<std::int64_t>(to.size());
    const Name target = integers(name + ".shape", {rank}, to);
    return node("Expand", name, {x, target}, std::move(to));
}

Builder::Name self_attention(Builder& net, const std::string& name, const Builder::Name& x,
                             Attention options) {
    const Dimensions in = net.shape(x);
    const std::int64_t features = in[2], size = features / options.heads;
    const auto parts = net.split(name + ".split", net.linear(name + ".qkv", x, 3 * features), 3);
    // n x tokens x heads x size, then the heads before the tokens; keys come transposed.
    const auto head = [&](const char* which, const Builder::Name& part, bool transposed) {
        const std::string own = name + "." + which;
        const auto cut = net.reshape(own + ".heads", part, {in[0], in[1], options.heads, size});
        return net.transpose(own, cut,
                             transposed ? Dimensions{0, 2, 3, 1} : Dimensions{0, 2, 1, 3});
    };
    const auto queries = head("q", parts[0], false);
    const auto keys = head("k", parts[1], true);
    const auto values = head("v", parts[2], false);
    const auto scale =
        net.constant(name + ".scale_factor", 1 / std::sqrt(static_cast<double>(size)));
    const auto scores =
        net.multiply(name + ".scale", net.matmul(name + ".scores", queries, keys), scale);
    const auto mixed = net.matmul(name + ".mix", net.softmax(name + ".softmax", scores), values);
    const auto together =
        net.reshape(name + ".join", net.transpose(name + ".back", mixed, {0, 2, 1, 3}), in);
    return net.linear(name + ".proj", together, features, options.gain_out);
}

Builder::Name feed_forward(Builder& net, const std::string& name, const Builder::Name& x,
                           std::int64_t hidden) {
    const std::int64_t features = net.shape(x).back();
    const auto wide = net.linear(name + ".fc1", x, hidden, gain_before_relu);
    return net.linear(name + ".fc2", net.gelu(name + ".act", wide), features);
}

}  // namespace peakward::catalog
