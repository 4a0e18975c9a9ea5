// The two blocks of residual networks (He et al., Deep Residual Learning for Image Recognition,
// 2016, figure 5), with the stride of a bottleneck in its 3 x 3 convolution as torchvision has it.
#pragma once

#include "catalog/networks/builder.hpp"

namespace peakward::catalog {

struct ResidualBlock {
    std::int64_t channels = 64;  // inside; a bottleneck gives four times as many
    std::int64_t stride = 1;
};
Builder::Name basic_block(Builder& net, const std::string& name, const Builder::Name& x,
                          ResidualBlock block);
Builder::Name bottleneck_block(Builder& net, const std::string& name, const Builder::Name& x,
                               ResidualBlock block);

// A whole network of such blocks: the stem, four stages of `depths` blocks, the classifier.
Graph residual_network(const char* name, std::int64_t batch,
                       Builder::Name (*block)(Builder&, const std::string&, const Builder::Name&,
                                              ResidualBlock),
                       const std::vector<int>& depths);

}  // namespace peakward::catalog
