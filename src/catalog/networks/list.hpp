// One function per network, each in its own file; list.cpp lists them.
#pragma once

#include "catalog/networks/graph.hpp"

namespace peakward::catalog {

Graph mlp(std::int64_t batch);
Graph resnet_bottleneck(std::int64_t batch);
Graph depthwise_separable(std::int64_t batch);
Graph attention_block(std::int64_t batch);
Graph transformer_encoder(std::int64_t batch);
Graph resnet18(std::int64_t batch);
Graph resnet50(std::int64_t batch);
Graph mobilenet_v2(std::int64_t batch);
Graph vit_tiny(std::int64_t batch);

}  // namespace peakward::catalog
