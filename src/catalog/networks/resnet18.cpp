// ResNet-18: He et al., Deep Residual Learning for Image Recognition (2016), table 1.
#include "catalog/networks/list.hpp"
#include "catalog/networks/residual.hpp"

namespace peakward::catalog {

Graph resnet18(std::int64_t batch) {
    return residual_network("resnet18", batch, basic_block, {2, 2, 2, 2});
}

}  // namespace peakward::catalog
