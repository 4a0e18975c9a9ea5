#include <algorithm>
#include <iterator>

#include "catalog/catalog.hpp"

namespace peakward::catalog {
namespace {

struct Other {
    std::string_view name, today;
};

// The earlier Python tool's words, and those of the frameworks' own modules.
constexpr Other others[] = {
    {"matmul", "its name here is gemm"},
    {"memory", "memory is measured by stream_copy, stream_scale, stream_add and stream_triad"},
    {"torch", "its name here is pytorch"},
    {"onnx", "its name here is onnxruntime"},
    {"ort", "its name here is onnxruntime"},
    {"tensorrt", "NVIDIA GPUs are measured by the backends cuda and pytorch"},
    {"mps", "GPUs of Apple are not measured"},
    {"all", "name each layer: --layers micro,proxy,models"},
};

}  // namespace

std::string_view name_of_today(std::string_view name) {
    const auto* const other = std::find_if(std::begin(others), std::end(others),
                                           [&](const Other& each) { return each.name == name; });
    return other == std::end(others) ? std::string_view() : other->today;
}

}  // namespace peakward::catalog
