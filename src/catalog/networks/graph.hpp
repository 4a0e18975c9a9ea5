// Networks as data: a graph of standard ONNX operators (opset 17) with seeded weights. A network is
// defined once, here; the stage `networks` writes it as files, and every runtime runs those.
//
// Elements are fp32 in n x c x h x w or n x tokens x features, row-major. Weights are described by
// a distribution and made when they are needed: a graph is small, whatever its network weighs.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace peakward::catalog {

using Dimensions = std::vector<std::int64_t>;
// Elements of a tensor of these dimensions; 1 for a scalar.
std::int64_t elements(const Dimensions& shape);

// What an operator has besides tensors: "strides", "epsilon", "axis".
using Attribute = std::variant<std::int64_t, double, std::vector<std::int64_t>>;

struct Node {
    std::string op;    // as ONNX spells it: "Conv", "MatMul"
    std::string name;  // "layer1.0.conv1"
    std::vector<std::string> inputs;
    std::vector<std::string> outputs;
    std::map<std::string, Attribute> attributes;
};

// A tensor that stands before the network runs. Its elements are drawn from a normal distribution
// around `mean`; a `deviation` of 0 makes them all equal.
struct Initialiser {
    std::string name;
    Dimensions shape;
    double mean = 0;
    double deviation = 0;
    bool parameter = true;  // learned; running statistics and constants of formulas are not
    // Shapes and indices, 64-bit. When there are any, the tensor is these and nothing is drawn.
    std::vector<std::int64_t> integers;
};

struct Graph {
    std::string name;
    std::string input;  // the one tensor that comes in, and the one that goes out
    std::string output;
    std::vector<Node> nodes;  // each after those that make its inputs
    std::vector<Initialiser> initialisers;
    std::map<std::string, Dimensions> shapes;  // of every tensor, by name
};

// Learned numbers: what publications count as parameters.
std::int64_t parameters(const Graph& graph);
// All fp32 numbers that stand before a run: parameters, running statistics and constants.
std::int64_t weight_elements(const Graph& graph);
// Products with their additions, of Conv, Gemm and MatMul (the products of attention are MatMul).
// Normalisation, activations, pooling, softmax and additions of biases are not counted, as no
// publication counts them.
std::int64_t multiply_adds(const Graph& graph);
// Two for each multiply-add.
std::int64_t operations(const Graph& graph);
// Nodes by operator: {"Conv", 53}.
std::map<std::string, int> node_counts(const Graph& graph);

struct Network {
    std::string name;            // also of the operation: "resnet50"
    int definition_version = 0;  // the same: up when the graph changes
    std::string title;           // "ResNet-50 v1.5, 224 x 224"
    std::string layer;           // "proxy", "models"
    Graph (*build)(std::int64_t batch);
};
// All networks, in the order tables show them: building blocks, then whole models.
std::span<const Network> networks();
const Network* find_network(std::string_view name);

}  // namespace peakward::catalog
