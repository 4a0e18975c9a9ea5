// A graph in the two formats that runtimes read. Both refer to the elements in weights.bin.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "catalog/networks/graph.hpp"
#include "core/json.hpp"
#include "core/result.hpp"
#include "networks/weights.hpp"

namespace peakward::detail {

inline constexpr int onnx_opset = 17;  // LayerNormalization is from 17 on

// graph.json; docs/worker-protocol.md describes it.
Json graph_json(const catalog::Graph& graph, const WeightLayout& layout);

// model.onnx, and whether what stands in a file is well-formed ONNX with the shapes that the graph
// says; weights.bin must stand beside it. Both fail in a build without ONNX.
bool has_onnx();
Result<std::string> onnx_model(const catalog::Graph& graph, const WeightLayout& layout);
Status check_onnx(const std::string& path);

// Bytes of all files of a network in `folder` when each is there as manifest.json says.
std::optional<std::int64_t> sound_bytes(const std::string& folder);

}  // namespace peakward::detail
