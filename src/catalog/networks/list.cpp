#include "catalog/networks/list.hpp"

namespace peakward::catalog {

std::span<const Network> networks() {
    static const std::vector<Network> all{
        {"mlp", 1, "three dense layers, 1024-2048-2048-1024", "proxy", mlp},
        {"resnet_bottleneck", 1, "bottleneck of ResNet-50, stage 4", "proxy", resnet_bottleneck},
        {"depthwise_separable", 1, "block of MobileNet, 14 x 14 x 512", "proxy",
         depthwise_separable},
        {"attention_block", 1, "self-attention of BERT-base, 128 tokens", "proxy", attention_block},
        {"transformer_encoder", 1, "layer of BERT-base, 128 tokens", "proxy", transformer_encoder},
        {"resnet18", 1, "ResNet-18, 224 x 224", "models", resnet18},
        {"resnet50", 1, "ResNet-50 v1.5, 224 x 224", "models", resnet50},
        {"mobilenet_v2", 1, "MobileNetV2 1.0, 224 x 224", "models", mobilenet_v2},
        {"vit_tiny", 1, "ViT-Ti/16, 224 x 224", "models", vit_tiny},
    };
    return all;
}

const Network* find_network(std::string_view name) {
    for (const Network& network : networks())
        if (network.name == name) return &network;
    return nullptr;
}

}  // namespace peakward::catalog
