// ResNet-50: He et al., Deep Residual Learning for Image Recognition (2016), table 1; version 1.5.
#include "catalog/networks/list.hpp"
#include "catalog/networks/residual.hpp"

namespace peakward::catalog {

Graph resnet50(std::int64_t batch) {
    return residual_network("resnet50", batch, bottleneck_block, {3, 4, 6, 3});
}

}  // namespace peakward::catalog
