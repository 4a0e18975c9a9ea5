// Builds a graph node by node; every call gives the name of its result and knows its shape.
//
// Weights are scaled so that activations keep their size through any depth (He et al., Delving deep
// into rectifiers, 2015): the mean square of a layer's result is `gain` times that of its input.
#pragma once

#include <string>
#include <vector>

#include "catalog/networks/graph.hpp"

namespace peakward::catalog {

inline constexpr double gain_before_relu = 2;  // a rectifier halves the mean square
inline constexpr double gain_linear = 1;
// Last layer of a branch that is added to its own input: sixteen of them grow the sum sevenfold,
// which fp16 still holds.
inline constexpr double gain_of_branch = 0.125;

struct Filter {
    std::int64_t size = 1;  // rows and columns
    std::int64_t stride = 1;
    std::int64_t pad = 0;  // zeros on each side
    std::int64_t groups = 1;
};

class Builder {
public:
    using Name = std::string;

    Builder(std::string network, const Name& input, Dimensions shape);

    const Dimensions& shape(const Name& tensor) const { return graph_.shapes.at(tensor); }
    Graph finish(const Name& output);

    // Weights are `name`.weight and `name`.bias, as PyTorch calls them.
    Name conv(const std::string& name, const Name& x, std::int64_t channels, Filter filter,
              double gain, bool bias = false);
    Name batch_norm(const std::string& name, const Name& x);
    Name layer_norm(const std::string& name, const Name& x, double epsilon);
    Name max_pool(const std::string& name, const Name& x, Filter filter);
    Name global_average_pool(const std::string& name, const Name& x);
    Name flatten(const std::string& name, const Name& x);
    // Rows of x times a matrix, plus a bias: Gemm where x is a matrix, else MatMul and Add.
    Name linear(const std::string& name, const Name& x, std::int64_t features,
                double gain = gain_linear);
    Name matmul(const std::string& name, const Name& a, const Name& b);

    Name relu(const std::string& name, const Name& x) { return same("Relu", name, {x}); }
    Name relu6(const std::string& name, const Name& x);
    // x/2 (1 + erf(x / sqrt 2)) in the nodes that ONNX exporters write: Gelu is in no opset
    // before 20.
    Name gelu(const std::string& name, const Name& x);
    Name softmax(const std::string& name, const Name& x);  // over the last dimension
    // Element by element; b may lack leading dimensions or have some of size 1.
    Name add(const std::string& name, const Name& a, const Name& b) {
        return same("Add", name, {a, b});
    }
    Name multiply(const std::string& name, const Name& a, const Name& b) {
        return same("Mul", name, {a, b});
    }

    Name reshape(const std::string& name, const Name& x, Dimensions to);
    Name transpose(const std::string& name, const Name& x, std::vector<std::int64_t> order);
    // Equal parts of the last dimension.
    std::vector<Name> split(const std::string& name, const Name& x, std::int64_t parts);
    Name concat(const std::string& name, const std::vector<Name>& parts, std::int64_t axis);
    Name gather(const std::string& name, const Name& x, std::int64_t index, std::int64_t axis);
    Name expand(const std::string& name, const Name& x, Dimensions to);

    Name weight(const std::string& name, Dimensions shape, double mean, double deviation);
    Name constant(const std::string& name, double value);

private:
    Name node(const std::string& op, const std::string& name, std::vector<Name> inputs,
              Dimensions result, std::map<std::string, Attribute> attributes = {});
    // A node whose result is shaped like its first input.
    Name same(const std::string& op, const std::string& name, std::vector<Name> inputs,
              std::map<std::string, Attribute> attributes = {});
    Name statistic(const std::string& name, std::int64_t size, double mean, double deviation);
    Name integers(const std::string& name, Dimensions shape, std::vector<std::int64_t> values);
    Name keep(Initialiser tensor);

    Graph graph_;
};

// Shared by the networks of transformers.
struct Attention {
    std::int64_t heads = 1;
    double gain_out = gain_linear;  // of the projection behind the heads
};
// Self-attention of n x tokens x features: one projection to queries, keys and values, the heads'
// softmax(Q K' / sqrt d) V, and the projection out. Weights are `name`.qkv and `name`.proj.
Builder::Name self_attention(Builder& net, const std::string& name, const Builder::Name& x,
                             Attention options);
// features -> hidden -> features with gelu between: `name`.fc1 and `name`.fc2.
Builder::Name feed_forward(Builder& net, const std::string& name, const Builder::Name& x,
                           std::int64_t hidden);

}  // namespace peakward::catalog
