#include "catalog/networks/residual.hpp"

#include <string>

namespace peakward::catalog {
namespace {

using Name = Builder::Name;

// Convolution `conv<n>` and normalisation `bn<n>` of a block, as torchvision names them.
Name normalised(Builder& net, const std::string& name, int n, const Name& x, std::int64_t channels,
                Filter filter, double gain) {
    const std::string number = std::to_string(n);
    return net.batch_norm(name + ".bn" + number,
                          net.conv(name + ".conv" + number, x, channels, filter, gain));
}

Name rectified(Builder& net, const std::string& name, int n, const Name& x, std::int64_t channels,
               Filter filter) {
    return net.relu(name + ".relu" + std::to_string(n),
                    normalised(net, name, n, x, channels, filter, gain_before_relu));
}

// The input itself, or a projection of it where the block changes its shape.
Name shortcut(Builder& net, const std::string& name, const Name& x, std::int64_t channels,
              std::int64_t stride) {
    if (stride == 1 && net.shape(x)[1] == channels) return x;
    const auto projected =
        net.conv(name + ".downsample.0", x, channels, {.size = 1, .stride = stride}, gain_linear);
    return net.batch_norm(name + ".downsample.1", projected);
}

Name joined(Builder& net, const std::string& name, const Name& branch, const Name& direct) {
    return net.relu(name + ".relu", net.add(name + ".add", branch, direct));
}

}  // namespace

Name basic_block(Builder& net, const std::string& name, const Name& x, ResidualBlock block) {
    const Filter first{.size = 3, .stride = block.stride, .pad = 1}, second{.size = 3, .pad = 1};
    auto y = rectified(net, name, 1, x, block.channels, first);
    y = normalised(net, name, 2, y, block.channels, second, gain_of_branch);
    return joined(net, name, y, shortcut(net, name, x, block.channels, block.stride));
}

Name bottleneck_block(Builder& net, const std::string& name, const Name& x, ResidualBlock block) {
    const std::int64_t channels = 4 * block.channels;
    auto y = rectified(net, name, 1, x, block.channels, {});
    y = rectified(net, name, 2, y, block.channels, {.size = 3, .stride = block.stride, .pad = 1});
    y = normalised(net, name, 3, y, channels, {}, gain_of_branch);
    return joined(net, name, y, shortcut(net, name, x, channels, block.stride));
}

Graph residual_network(const char* name, std::int64_t batch,
                       Name (*block)(Builder&, const std::string&, const Name&, ResidualBlock),
                       const std::vector<int>& depths) {
    Builder net(name, "input", {batch, 3, 224, 224});
    auto x = net.conv("conv1", "input", 64, {.size = 7, .stride = 2, .pad = 3}, gain_before_relu);
    x = net.relu("relu", net.batch_norm("bn1", x));
    x = net.max_pool("maxpool", x, {.size = 3, .stride = 2, .pad = 1});
    std::int64_t channels = 64;
    for (std::size_t stage = 0; stage < depths.size(); ++stage, channels *= 2)
        for (int i = 0; i < depths[stage]; ++i) {
            const std::string own = "layer" + std::to_string(stage + 1) + "." + std::to_string(i);
            const std::int64_t stride = stage > 0 && i == 0 ? 2 : 1;
            x = block(net, own, x, {.channels = channels, .stride = stride});
        }
    x = net.flatten("flatten", net.global_average_pool("avgpool", x));
    return net.finish(net.linear("fc", x, 1000));
}

}  // namespace peakward::catalog
