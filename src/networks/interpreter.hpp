// Runs a graph of the catalog and is the reference of every runtime: plain loops, each result
// rounded to fp32 once, every sum in fp64.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "catalog/networks/graph.hpp"
#include "core/result.hpp"

namespace peakward::detail {

struct Tensor {
    catalog::Dimensions shape;
    std::vector<float> data;
    std::vector<std::int64_t> integers;  // of shapes and indices, which have no data
};
using Tensors = std::map<std::string, Tensor>;

// The initialisers of a graph.
Tensors constants_of(const catalog::Graph& graph);

// The graph's output for `input`, whose elements are as many as the graph's input has. Fails when
// the graph has an operator that the interpreter lacks.
Result<std::vector<float>> interpret(const catalog::Graph& graph, std::vector<float> input);
// The same with tensors given: what a test needs.
Result<std::vector<float>> interpret(const catalog::Graph& graph, Tensors values);

}  // namespace peakward::detail
