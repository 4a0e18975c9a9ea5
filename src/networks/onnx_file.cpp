// The only file that includes ONNX. A build without it (cross builds: Debian has no libonnx for
// another architecture beside its own) can read nothing of this and says so.
#include "core/text.hpp"
#include "networks/formats.hpp"

#ifdef PEAKWARD_HAS_ONNX
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>
#endif

namespace peakward::detail {

#ifdef PEAKWARD_HAS_ONNX
namespace {

constexpr int ir_version = 8;  // of opset 17 (ONNX's Versioning.md)

void describe(const std::string& name, const catalog::Dimensions& shape,
              onnx::ValueInfoProto& value) {
    value.set_name(name);
    auto* tensor = value.mutable_type()->mutable_tensor_type();
    tensor->set_elem_type(onnx::TensorProto::FLOAT);
    auto* dimensions = tensor->mutable_shape();
    for (const std::int64_t size : shape) dimensions->add_dim()->set_dim_value(size);
}

void add_external(onnx::TensorProto& tensor, const char* key, const std::string& value) {
    auto* entry = tensor.add_external_data();
    entry->set_key(key);
    entry->set_value(value);
}

void write_tensor(const catalog::Initialiser& from, const WeightLayout& layout,
                  onnx::TensorProto& to) {
    to.set_name(from.name);
    for (const std::int64_t size : from.shape) to.add_dims(size);
    if (!from.integers.empty()) {
        to.set_data_type(onnx::TensorProto::INT64);
        for (const std::int64_t value : from.integers) to.add_int64_data(value);
        return;
    }
    to.set_data_type(onnx::TensorProto::FLOAT);
    if (from.shape.empty()) {  // constants of formulas, which optimisers want to see
        to.add_float_data(static_cast<float>(from.mean));
        return;
    }
    to.set_data_location(onnx::TensorProto::EXTERNAL);
    add_external(to, "location", "weights.bin");
    add_external(to, "offset", std::to_string(layout.offset_bytes.at(from.name)));
    add_external(to, "length", std::to_string(catalog::elements(from.shape) * 4));
}

void write_attribute(const std::string& name, const catalog::Attribute& from,
                     onnx::AttributeProto& to) {
    to.set_name(name);
    if (const auto* integer = std::get_if<std::int64_t>(&from)) {
        to.set_type(onnx::AttributeProto::INT);
        to.set_i(*integer);
    } else if (const auto* real = std::get_if<double>(&from)) {
        to.set_type(onnx::AttributeProto::FLOAT);
        to.set_f(static_cast<float>(*real));
    } else {
        to.set_type(onnx::AttributeProto::INTS);
        for (const std::int64_t value : std::get<std::vector<std::int64_t>>(from))
            to.add_ints(value);
    }
}

void write_node(const catalog::Node& from, onnx::NodeProto& to) {
    to.set_op_type(from.op);
    to.set_name(from.name);
    for (const std::string& input : from.inputs) to.add_input(input);
    for (const std::string& output : from.outputs) to.add_output(output);
    for (const auto& [name, value] : from.attributes)
        write_attribute(name, value, *to.add_attribute());
}

}  // namespace

bool has_onnx() { return true; }

Result<std::string> onnx_model(const catalog::Graph& graph, const WeightLayout& layout) {
    onnx::ModelProto model;
    model.set_ir_version(ir_version);
    model.set_producer_name("peakward");
    model.add_opset_import()->set_version(onnx_opset);
    onnx::GraphProto& to = *model.mutable_graph();
    to.set_name(graph.name);
    describe(graph.input, graph.shapes.at(graph.input), *to.add_input());
    describe(graph.output, graph.shapes.at(graph.output), *to.add_output());
    for (const catalog::Initialiser& tensor : graph.initialisers)
        write_tensor(tensor, layout, *to.add_initializer());
    for (const catalog::Node& node : graph.nodes) {
        write_node(node, *to.add_node());
        for (const std::string& name : node.outputs)
            if (name != graph.output) describe(name, graph.shapes.at(name), *to.add_value_info());
    }
    std::string bytes;
    if (!model.SerializeToString(&bytes))
        return failed(fmt::format("network {}: ONNX cannot serialise it", graph.name));
    return bytes;
}

Status check_onnx(const std::string& path) {
    try {
        onnx::checker::check_model(path);
        // Strict: throws where what ONNX infers is not what the file says.
        const onnx::ShapeInferenceOptions strict(true, 1, true);
        onnx::shape_inference::InferShapes(path, "/dev/null", onnx::OpSchemaRegistry::Instance(),
                                           strict);
    } catch (const std::exception& problem) {
        return failed(fmt::format("{} is not well-formed ONNX: {}", path, problem.what()));
    }
    return {};
}

#else

namespace {
tl::unexpected<Error> without() {
    return failed(
        "this peakward was built without ONNX, so that it cannot write networks: build it where "
        "libonnx-dev is installed, or measure the layer micro");
}
}  // namespace

bool has_onnx() { return false; }
Result<std::string> onnx_model(const catalog::Graph&, const WeightLayout&) { return without(); }
Status check_onnx(const std::string&) { return without(); }

#endif

}  // namespace peakward::detail
