#include "catalog/catalog.hpp"

#include "catalog/operations/operations.hpp"

namespace peakward::catalog {

// The one list of operations. Order is the order of tables.
std::span<const Operation> operations() {
    static const std::vector<Operation> all = [] {
        std::vector<Operation> list{
            clock_probe(),  compute_peak(), stream_copy(), stream_scale(), stream_add(),
            stream_triad(), device_copy(),  dot(),         axpy(),         gemv(),
            gemm(),         conv2d(),       pooling(),     batch_norm(),   layer_norm(),
            softmax(),      eltwise(),      attention(),
        };
        for (Operation& network : network_operations()) list.push_back(std::move(network));
        return list;
    }();
    return all;
}

const Operation* find_operation(std::string_view name) {
    for (const Operation& operation : operations())
        if (operation.name == name) return &operation;
    return nullptr;
}

std::vector<std::string> operation_names() {
    std::vector<std::string> names;
    for (const Operation& operation : operations()) names.push_back(operation.name);
    return names;
}

std::vector<std::string> layer_names() { return {"micro", "proxy", "models"}; }

}  // namespace peakward::catalog
