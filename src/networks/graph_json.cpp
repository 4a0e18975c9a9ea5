#include "networks/formats.hpp"

namespace peakward::detail {
namespace {

Json attributes_json(const catalog::Node& node) {
    Json attributes = Json::object();
    for (const auto& [name, value] : node.attributes)
        std::visit([&, key = name](const auto& v) { attributes[key] = v; }, value);
    return attributes;
}

Json initialiser_json(const catalog::Initialiser& tensor, const WeightLayout& layout) {
    Json json{{"name", tensor.name}, {"shape", tensor.shape}, {"parameter", tensor.parameter}};
    if (!tensor.integers.empty()) {
        json["type"] = "int64";
        json["values"] = tensor.integers;
        return json;
    }
    json["type"] = "fp32";
    json["offset_bytes"] = layout.offset_bytes.at(tensor.name);
    json["mean"] = tensor.mean;
    json["deviation"] = tensor.deviation;
    return json;
}

}  // namespace

Json graph_json(const catalog::Graph& graph, const WeightLayout& layout) {
    Json initialisers = Json::array(), nodes = Json::array(), shapes = Json::object();
    for (const catalog::Initialiser& tensor : graph.initialisers)
        initialisers.push_back(initialiser_json(tensor, layout));
    for (const catalog::Node& node : graph.nodes)
        nodes.push_back({{"op", node.op},
                         {"name", node.name},
                         {"inputs", node.inputs},
                         {"outputs", node.outputs},
                         {"attributes", attributes_json(node)}});
    for (const auto& [name, shape] : graph.shapes) shapes[name] = shape;
    return {{"schema_version", 1},  {"network", graph.name},       {"opset", onnx_opset},
            {"input", graph.input}, {"output", graph.output},      {"nodes", nodes},
            {"shapes", shapes},     {"initialisers", initialisers}};
}

}  // namespace peakward::detail
