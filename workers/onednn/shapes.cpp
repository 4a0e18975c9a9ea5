#include "onednn/shapes.hpp"

#include <algorithm>

#include "sdk/process.hpp"
#include "sdk/words.hpp"

namespace peakward::worker::onednn {
namespace {

constexpr double axis_max = 2147483647.0;  // oneDNN counts in 64 bits, its kernels often in 32

struct Axis {
    const char* name;
    std::int64_t least = 1;
    bool optional = false;             // absent: axis_of() knows what it is then
    std::vector<std::string> words{};  // empty: a number
};

struct OperationAxes {
    const char* operation;
    std::vector<Axis> axes;
};

const std::vector<OperationAxes>& table() {
    static const std::vector<OperationAxes> operations = {
        {"gemm", {{"m"}, {"n"}, {"k"}}},
        {"conv2d",
         {{"n"},
          {"c"},
          {"h"},
          {"w"},
          {"k"},
          {"r"},
          {"s"},
          {"stride", 1, true},
          {"pad", 0, true},
          {"groups", 1, true}}},
        {"pooling",
         {{"n"},
          {"c"},
          {"h"},
          {"w"},
          {"window"},
          {"stride", 1, true},
          {"mode", 0, false, {"max", "average"}}}},
        {"batch_norm", {{"n"}, {"c"}, {"h"}, {"w"}}},
        {"layer_norm", {{"rows"}, {"columns"}}},
        {"softmax", {{"rows"}, {"columns"}}},
        {"eltwise", {{"elements"}, {"function", 0, false, {"relu", "gelu"}}}},
        {"attention", {{"batch"}, {"heads"}, {"sequence"}, {"head_size"}}},
    };
    return operations;
}

const std::vector<Axis>& axes_of(const std::string& operation) {
    return std::find_if(table().begin(), table().end(),
                        [&](const OperationAxes& row) { return operation == row.operation; })
        ->axes;
}

std::string refuses_axis(const std::string& operation, const Axis& axis, const Json& shape) {
    const auto value = shape.find(axis.name);
    const std::string name = operation + "'s axis " + quoted(axis.name);
    if (value == shape.end()) return axis.optional ? "" : name + " is missing";
    if (!axis.words.empty()) {
        const bool known = value->is_string() && is_one_of(axis.words, value->get<std::string>());
        return known ? "" : name + " is one of " + listed(axis.words);
    }
    const bool fits = value->is_number_integer() &&
                      value->get<double>() >= static_cast<double>(axis.least) &&
                      value->get<double>() <= axis_max;
    return fits ? ""
                : name + " is a whole number from " + std::to_string(axis.least) + " to 2147483647";
}

std::string refuses_geometry(const std::string& operation, const Json& shape) {
    if (operation == "conv2d") {
        const Convolution conv(shape);
        if (conv.c % conv.groups != 0 || conv.k % conv.groups != 0)
            return "conv2d needs c and k that are multiples of its groups";
        if (conv.rows < 1 || conv.columns < 1)
            return "conv2d needs a filter that fits into the padded image";
    }
    if (operation == "pooling") {
        const Pooling pool(shape);
        if (pool.rows < 1 || pool.columns < 1)
            return "pooling needs a window that fits into the image";
    }
    return "";
}

// Elements of all tensors of a case.
double elements_of(const std::string& operation, const Json& shape) {
    const auto at = [&](const char* name) { return static_cast<double>(axis_of(shape, name)); };
    if (operation == "gemm") return at("m") * at("k") + at("k") * at("n") + at("m") * at("n");
    if (operation == "eltwise") return 2 * at("elements");
    if (operation == "layer_norm" || operation == "softmax") return 2 * at("rows") * at("columns");
    if (operation == "attention")
        return at("batch") * at("heads") * at("sequence") *
               (4 * at("head_size") + 2 * at("sequence"));
    const double image = at("n") * at("c") * at("h") * at("w");
    if (operation != "conv2d") return 2 * image;
    const Convolution conv(shape);
    return image + static_cast<double>(conv.k * conv.terms) +
           static_cast<double>(conv.n * conv.k) * static_cast<double>(conv.rows * conv.columns);
}

// Every tensor is held twice, row-major and as oneDNN likes it; a gemm's check reads floats.
double bytes_of(const std::string& operation, const std::string& precision, const Json& shape) {
    const double element_bytes = precision == "fp32" ? 4 : precision == "int8" ? 1 : 2;
    const double result_bytes = precision == "int8" ? 4 : element_bytes;
    return elements_of(operation, shape) * (2 * std::max(element_bytes, result_bytes) + 4);
}

std::int64_t windows(std::int64_t edge, std::int64_t size, std::int64_t stride, std::int64_t pad) {
    return edge + 2 * pad < size ? 0 : (edge + 2 * pad - size) / stride + 1;
}

}  // namespace

const std::vector<std::string>& operation_names() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> all;
        for (const OperationAxes& row : table()) all.emplace_back(row.operation);
        return all;
    }();
    return names;
}

const std::vector<std::string>& precision_names() {
    static const std::vector<std::string> names = {"fp32", "bf16", "fp16", "int8"};
    return names;
}

bool takes_integers(const std::string& operation) {
    return operation == "gemm" || operation == "conv2d";
}

std::string refuses_shape(const std::string& operation, const std::string& precision,
                          const Json& shape) {
    const std::vector<Axis>& axes = axes_of(operation);
    std::vector<std::string> names;
    for (const Axis& axis : axes) {
        names.emplace_back(axis.name);
        std::string reason = refuses_axis(operation, axis, shape);
        if (!reason.empty()) return reason;
    }
    for (const auto& [name, value] : shape.items())
        if (!is_one_of(names, name)) return operation + " has no other axes than " + listed(names);
    std::string reason = refuses_geometry(operation, shape);
    if (reason.empty()) reason = refuses_memory(bytes_of(operation, precision, shape));
    return reason;
}

std::int64_t axis_of(const Json& shape, const char* name) {
    const auto value = shape.find(name);
    if (value != shape.end()) return value->get<std::int64_t>();
    return std::string(name) == "pad" ? 0 : 1;
}

Convolution::Convolution(const Json& shape)
    : n(axis_of(shape, "n")),
      c(axis_of(shape, "c")),
      h(axis_of(shape, "h")),
      w(axis_of(shape, "w")),
      k(axis_of(shape, "k")),
      r(axis_of(shape, "r")),
      s(axis_of(shape, "s")),
      stride(axis_of(shape, "stride")),
      pad(axis_of(shape, "pad")),
      groups(axis_of(shape, "groups")),
      rows(windows(h, r, stride, pad)),
      columns(windows(w, s, stride, pad)),
      terms(c / groups * r * s) {}

Pooling::Pooling(const Json& shape)
    : n(axis_of(shape, "n")),
      c(axis_of(shape, "c")),
      h(axis_of(shape, "h")),
      w(axis_of(shape, "w")),
      window(axis_of(shape, "window")),
      stride(axis_of(shape, "stride")),
      average(shape.at("mode") == "average"),
      rows(windows(h, window, stride, 0)),
      columns(windows(w, window, stride, 0)) {}

}  // namespace peakward::worker::onednn
