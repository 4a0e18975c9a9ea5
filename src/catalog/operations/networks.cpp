// Whole networks and their building blocks (src/catalog/networks), at one batch size. Their work is
// what publications count: the multiply-adds of convolutions and matrix products, two operations
// each.
#include <map>

#include "catalog/networks/graph.hpp"
#include "catalog/operations/operations.hpp"

namespace peakward::catalog {
namespace {

// Of one image or sequence. Every count but that of the weights grows with the batch.
struct Work {
    double operations = 0;
    double weights = 0;      // elements
    double activations = 0;  // elements that come in and go out
};

const Work& work_of(const Case& what) {
    static const std::map<std::string, Work> all = [] {
        std::map<std::string, Work> works;
        for (const Network& network : networks()) {
            const Graph graph = network.build(1);
            works[network.name] = {static_cast<double>(operations(graph)),
                                   static_cast<double>(weight_elements(graph)),
                                   static_cast<double>(elements(graph.shapes.at(graph.input)) +
                                                       elements(graph.shapes.at(graph.output)))};
        }
        return works;
    }();
    return all.at(what.operation);
}

double batch(const Case& what) { return static_cast<double>(axis(what.shape, "batch", 1)); }

Operation network_operation(const Network& network) {
    Operation op;
    op.name = network.name;
    op.definition_version = network.definition_version;
    op.title = network.title;
    op.layer = network.layer;
    op.kind = OperationClass::network;
    op.axes = {{"batch", "images or sequences of one run", {}}};
    op.precisions = {"fp32", "fp16", "bf16"};
    op.operations = [](const Case& what) {
        return Operations(batch(what) * work_of(what).operations);
    };
    // Weights once and what comes in and goes out; what lies between may stay in a cache.
    op.bytes = [](const Case& what) {
        const Work& work = work_of(what);
        return Bytes((work.weights + batch(what) * work.activations) * element_bytes(what));
    };
    op.bus_bytes = op.bytes;
    // Relative to the largest output. fp32 rounds each of some fifty layers' sums of up to 4608
    // products in any order and may use Winograd's transforms, which lose two digits; 16-bit
    // formats round every tensor that lies between two layers. CPUs were seen at 6e-7
    // (fp32), 1.3e-3 (fp16) and 1.1e-2 (bf16). TF32 lies between 4e-4 and 8e-4, within fp32's: a
    // worker that says fp32 has to switch it off.
    op.tolerance = [](const Case& what) { return what.precision == "fp32" ? 1e-4 : 5e-2; };
    op.reference =
        "the first image of the batch, by our own interpreter of the graph (fp32, sums in fp64)";
    return op;
}

}  // namespace

std::vector<Operation> network_operations() {
    std::vector<Operation> all;
    for (const Network& network : networks()) all.push_back(network_operation(network));
    return all;
}

}  // namespace peakward::catalog
