// One bottleneck of ResNet-50's fourth stage (conv4_x of table 1 in He et al., 2016): 14 x 14 x
// 1024 in and out, 256 channels inside.
#include "catalog/networks/list.hpp"
#include "catalog/networks/residual.hpp"

namespace peakward::catalog {

Graph resnet_bottleneck(std::int64_t batch) {
    Builder net("resnet_bottleneck", "input", {batch, 1024, 14, 14});
    return net.finish(bottleneck_block(net, "block", "input", {.channels = 256, .stride = 1}));
}

}  // namespace peakward::catalog
