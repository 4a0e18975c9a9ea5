#include "networks/interpreter.hpp"

#include <utility>

#include "core/text.hpp"
#include "networks/kernels.hpp"
#include "networks/weights.hpp"

namespace peakward::detail {
namespace {

Tensor empty_tensor(const catalog::Dimensions& shape) {
    return {shape, std::vector<float>(static_cast<std::size_t>(catalog::elements(shape))), {}};
}

// The last node that reads each tensor: after it the tensor's memory is given back.
std::map<std::string, std::size_t> last_readers(const catalog::Graph& graph) {
    std::map<std::string, std::size_t> last;
    for (std::size_t i = 0; i < graph.nodes.size(); ++i)
        for (const std::string& input : graph.nodes[i].inputs) last[input] = i;
    return last;
}

}  // namespace

Tensors constants_of(const catalog::Graph& graph) {
    Tensors values;
    for (const catalog::Initialiser& tensor : graph.initialisers) {
        Tensor value{tensor.shape, {}, tensor.integers};
        if (tensor.integers.empty()) value.data = elements_of(graph, tensor);
        values[tensor.name] = std::move(value);
    }
    return values;
}

Result<std::vector<float>> interpret(const catalog::Graph& graph, std::vector<float> input) {
    Tensors values = constants_of(graph);
    values[graph.input] = {graph.shapes.at(graph.input), std::move(input), {}};
    return interpret(graph, std::move(values));
}

Result<std::vector<float>> interpret(const catalog::Graph& graph, Tensors values) {
    const std::map<std::string, std::size_t> last = last_readers(graph);
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        const catalog::Node& node = graph.nodes[i];
        const Kernel kernel = find_kernel(node.op);
        if (kernel == nullptr)
            return failed(fmt::format("network {}: the interpreter has no operator {} (node {})",
                                      graph.name, node.op, node.name));
        for (const std::string& name : node.outputs)
            values[name] = empty_tensor(graph.shapes.at(name));
        Call call{node, {}, {}};
        for (const std::string& name : node.inputs) call.in.push_back(&values.at(name));
        for (const std::string& name : node.outputs) call.out.push_back(&values.at(name));
        kernel(call);
        for (const std::string& name : node.inputs)
            if (last.at(name) == i) values.erase(name);
    }
    return std::move(values.at(graph.output).data);
}

}  // namespace peakward::detail
