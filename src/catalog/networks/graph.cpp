#include "catalog/networks/graph.hpp"

namespace peakward::catalog {
namespace {

// Products that one element of the node's result sums up; 0 for operators that are not counted.
std::int64_t terms(const Graph& graph, const Node& node) {
    if (node.op == "Conv") {
        const Dimensions& filter = graph.shapes.at(node.inputs[1]);
        return elements(filter) / filter[0];
    }
    if (node.op == "Gemm" || node.op == "MatMul") return graph.shapes.at(node.inputs[0]).back();
    return 0;
}

}  // namespace

std::int64_t elements(const Dimensions& shape) {
    std::int64_t product = 1;
    for (const std::int64_t size : shape) product *= size;
    return product;
}

std::int64_t parameters(const Graph& graph) {
    std::int64_t sum = 0;
    for (const Initialiser& tensor : graph.initialisers)
        if (tensor.parameter) sum += elements(tensor.shape);
    return sum;
}

std::int64_t weight_elements(const Graph& graph) {
    std::int64_t sum = 0;
    for (const Initialiser& tensor : graph.initialisers)
        if (tensor.integers.empty()) sum += elements(tensor.shape);
    return sum;
}

std::int64_t multiply_adds(const Graph& graph) {
    std::int64_t sum = 0;
    for (const Node& node : graph.nodes)
        sum += terms(graph, node) * elements(graph.shapes.at(node.outputs[0]));
    return sum;
}

std::int64_t operations(const Graph& graph) { return 2 * multiply_adds(graph); }

std::map<std::string, int> node_counts(const Graph& graph) {
    std::map<std::string, int> counts;
    for (const Node& node : graph.nodes) ++counts[node.op];
    return counts;
}

}  // namespace peakward::catalog
