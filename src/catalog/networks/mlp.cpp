// Three dense layers with rectifiers between: what recommenders and policies run, and at batch 1 a
// reading of 33 MB of weights.
#include "catalog/networks/builder.hpp"
#include "catalog/networks/list.hpp"

namespace peakward::catalog {

Graph mlp(std::int64_t batch) {
    Builder net("mlp", "input", {batch, 1024});
    auto x = net.relu("relu1", net.linear("fc1", "input", 2048, gain_before_relu));
    x = net.relu("relu2", net.linear("fc2", x, 2048, gain_before_relu));
    return net.finish(net.linear("fc3", x, 1024));
}

}  // namespace peakward::catalog
