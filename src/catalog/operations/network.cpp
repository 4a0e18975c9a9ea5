// The layers that networks are made of, as oneDNN, cuDNN and the frameworks offer them. Activations
// are n x c x h x w whatever the memory format a library prefers. Integer precisions take int8 in,
// sum in int32 and give int32 out.
//
// An answer's deviation is measured relative to the size of what was summed (as for gemm), or,
// where an operation normalises, relative to the largest result of its row.
#include <cmath>

#include "catalog/operations/operations.hpp"

namespace peakward::catalog {
namespace {

double at(const Case& what, const char* name) {
    return static_cast<double>(axis(what.shape, name, 1));
}

Operation layer(const char* name, int definition_version, const char* title) {
    Operation op;
    op.name = name;
    op.definition_version = definition_version;
    op.title = title;
    op.layer = "micro";
    op.kind = OperationClass::network;
    op.precisions = {"fp32", "fp16", "bf16"};
    return op;
}

double activations(const Case& what) {
    return at(what, "n") * at(what, "c") * at(what, "h") * at(what, "w");
}

// Elements that a window of `size` makes of an edge of `edge` elements (Dumoulin and Visin, A guide
// to convolution arithmetic, relationship 6).
double windows(double edge, double size, double stride, double pad) {
    return std::floor((edge + 2 * pad - size) / stride) + 1;
}
double conv_rows(const Case& what) {
    return windows(at(what, "h"), at(what, "r"), at(what, "stride"),
                   static_cast<double>(axis(what.shape, "pad")));
}
double conv_columns(const Case& what) {
    return windows(at(what, "w"), at(what, "s"), at(what, "stride"),
                   static_cast<double>(axis(what.shape, "pad")));
}
double conv_results(const Case& what) {
    return at(what, "n") * at(what, "k") * conv_rows(what) * conv_columns(what);
}
// Products that one result of a convolution sums up.
double conv_terms(const Case& what) {
    return at(what, "c") / at(what, "groups") * at(what, "r") * at(what, "s");
}
double pooled(const Case& what) {
    return at(what, "n") * at(what, "c") *
           windows(at(what, "h"), at(what, "window"), at(what, "stride"), 0) *
           windows(at(what, "w"), at(what, "window"), at(what, "stride"), 0);
}

const std::vector<Axis> image_axes{{"n", "images of a batch", {}},
                                   {"c", "channels in", {}},
                                   {"h", "rows of an image", {}},
                                   {"w", "columns of an image", {}}};

}  // namespace

Operation conv2d() {
    Operation op = layer("conv2d", 1, "2-D convolution, forward");
    op.axes = image_axes;
    op.axes.insert(op.axes.end(), {{"k", "channels out", {}},
                                   {"r", "rows of a filter", {}},
                                   {"s", "columns of a filter", {}},
                                   {"stride", "step of the filter", {}},
                                   {"pad", "zeros on each side", {}},
                                   {"groups", "groups of channels; c: depthwise", {}}});
    op.precisions = {"fp32", "fp16", "bf16", "int8"};
    op.operations = [](const Case& what) {
        return Operations(2 * conv_results(what) * conv_terms(what));
    };
    op.bytes = [](const Case& what) {
        const double read = activations(what) + at(what, "k") * conv_terms(what);
        return Bytes(read * element_bytes(what) + conv_results(what) * result_bytes(what));
    };
    op.bus_bytes = op.bytes;
    op.tolerance = [](const Case& what) { return sum_tolerance(conv_terms(what), what); };
    op.reference = "sampled results, corners among them, summed in higher precision";
    return op;
}

Operation pooling() {
    Operation op = layer("pooling", 1, "2-D pooling");
    op.axes = image_axes;
    op.axes.insert(op.axes.end(), {{"window", "rows and columns of the window", {}},
                                   {"stride", "step of the window", {}},
                                   {"mode", "what is taken of a window", {"max", "average"}}});
    op.operations = [](const Case& what) {
        return Operations(pooled(what) * at(what, "window") * at(what, "window"));
    };
    op.bytes = [](const Case& what) {
        return Bytes((activations(what) + pooled(what)) * element_bytes(what));
    };
    op.bus_bytes = op.bytes;
    op.tolerance = [](const Case& what) {
        return sum_tolerance(at(what, "window") * at(what, "window"), what);
    };
    op.reference = "every result in higher precision";
    return op;
}

Operation batch_norm() {
    Operation op = layer("batch_norm", 1, "batch normalisation, inference");
    op.axes = image_axes;
    // (x - mean) * factor + shift: two operations an element once the factor is known.
    op.operations = [](const Case& what) { return Operations(2 * activations(what)); };
    op.bytes = [](const Case& what) { return Bytes(2 * activations(what) * element_bytes(what)); };
    op.bus_bytes = op.bytes;
    op.tolerance = [](const Case& what) { return sum_tolerance(4, what); };
    op.reference = "every result in higher precision";
    return op;
}

Operation layer_norm() {
    Operation op = layer("layer_norm", 1, "layer normalisation");
    op.axes = {{"rows", "vectors", {}}, {"columns", "elements of a vector", {}}};
    // Mean, variance, and (x - mean) * factor + shift: 1 + 2 + 3 operations an element.
    op.operations = [](const Case& what) {
        return Operations(6 * at(what, "rows") * at(what, "columns"));
    };
    op.bytes = [](const Case& what) {
        return Bytes(2 * at(what, "rows") * at(what, "columns") * element_bytes(what));
    };
    op.bus_bytes = op.bytes;
    op.tolerance = [](const Case& what) { return sum_tolerance(at(what, "columns"), what); };
    op.reference = "every result in higher precision";
    return op;
}

Operation softmax() {
    Operation op = layer("softmax", 1, "softmax of rows");
    op.axes = {{"rows", "vectors", {}}, {"columns", "elements of a vector", {}}};
    // Maximum, difference, exponential, sum, quotient: each counted as one operation an element.
    op.operations = [](const Case& what) {
        return Operations(5 * at(what, "rows") * at(what, "columns"));
    };
    op.bytes = [](const Case& what) {
        return Bytes(2 * at(what, "rows") * at(what, "columns") * element_bytes(what));
    };
    op.bus_bytes = op.bytes;
    op.tolerance = [](const Case& what) { return sum_tolerance(at(what, "columns"), what); };
    op.reference = "every result in higher precision, relative to the largest of its row";
    return op;
}

Operation eltwise() {
    Operation op = layer("eltwise", 1, "element-wise function");
    op.axes = {{"elements", "elements", {}}, {"function", "of each element", {"relu", "gelu"}}};
    op.operations = [](const Case& what) { return Operations(at(what, "elements")); };
    op.bytes = [](const Case& what) {
        return Bytes(2 * at(what, "elements") * element_bytes(what));
    };
    op.bus_bytes = op.bytes;
    // gelu = x/2 (1 + erf(x / sqrt 2)); libraries approximate erf to a few roundoffs.
    op.tolerance = [](const Case& what) { return sum_tolerance(16, what); };
    op.reference = "every result in higher precision, relative to the largest";
    return op;
}

Operation attention() {
    Operation op = layer("attention", 1, "attention, softmax(Q K' / sqrt d) V");
    op.axes = {{"batch", "sequences of a batch", {}},
               {"heads", "heads of a sequence", {}},
               {"sequence", "tokens of a sequence", {}},
               {"head_size", "elements of a head's vector, d", {}}};
    // Two products of 2 s s d operations for each head; the softmax is not counted.
    op.operations = [](const Case& what) {
        const double s = at(what, "sequence");
        return Operations(4 * at(what, "batch") * at(what, "heads") * s * s *
                          at(what, "head_size"));
    };
    op.bytes = [](const Case& what) {
        return Bytes(4 * at(what, "batch") * at(what, "heads") * at(what, "sequence") *
                     at(what, "head_size") * element_bytes(what));
    };
    op.bus_bytes = op.bytes;
    op.tolerance = [](const Case& what) {
        return sum_tolerance(at(what, "sequence") + at(what, "head_size"), what);
    };
    op.reference = "sampled rows in higher precision, relative to the largest element of V";
    return op;
}

}  // namespace peakward::catalog
