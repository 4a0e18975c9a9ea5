// The block that MobileNet repeats five times at 14 x 14 x 512 (Howard et al., MobileNets, 2017,
// table 1): a 3 x 3 convolution of each channel alone, then a 1 x 1 convolution of all.
#include "catalog/networks/builder.hpp"
#include "catalog/networks/list.hpp"

namespace peakward::catalog {

Graph depthwise_separable(std::int64_t batch) {
    Builder net("depthwise_separable", "input", {batch, 512, 14, 14});
    auto x = net.conv("depthwise.conv", "input", 512, {.size = 3, .pad = 1, .groups = 512},
                      gain_before_relu);
    x = net.relu("depthwise.relu", net.batch_norm("depthwise.bn", x));
    x = net.conv("pointwise.conv", x, 512, {}, gain_before_relu);
    return net.finish(net.relu("pointwise.relu", net.batch_norm("pointwise.bn", x)));
}

}  // namespace peakward::catalog
