// MobileNetV2 1.0: Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks (2018),
// table 2. Names follow torchvision's.
#include <string>

#include "catalog/networks/builder.hpp"
#include "catalog/networks/list.hpp"

namespace peakward::catalog {
namespace {

using Name = Builder::Name;

struct Stage {
    std::int64_t expansion, channels, repeats, stride;
};
constexpr Stage stages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                            {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};

// Convolution `name`.0, normalisation `name`.1 and relu6 `name`.2.
Name clipped(Builder& net, const std::string& name, const Name& x, std::int64_t channels,
             Filter filter) {
    const auto y = net.conv(name + ".0", x, channels, filter, gain_before_relu);
    return net.relu6(name + ".2", net.batch_norm(name + ".1", y));
}

Name inverted_residual(Builder& net, const std::string& name, const Name& x, const Stage& stage,
                       std::int64_t stride) {
    const std::int64_t in = net.shape(x)[1], hidden = in * stage.expansion;
    int part = 0;
    const auto next = [&] { return name + ".conv." + std::to_string(part++); };
    Name y = x;
    if (stage.expansion != 1) y = clipped(net, next(), y, hidden, {});
    y = clipped(net, next(), y, hidden, {.size = 3, .stride = stride, .pad = 1, .groups = hidden});
    const bool added = stride == 1 && in == stage.channels;
    y = net.conv(next(), y, stage.channels, {}, added ? gain_of_branch : gain_linear);
    y = net.batch_norm(next(), y);
    return added ? net.add(name + ".add", x, y) : y;
}

}  // namespace

Graph mobilenet_v2(std::int64_t batch) {
    Builder net("mobilenet_v2", "input", {batch, 3, 224, 224});
    Name x = clipped(net, "features.0", "input", 32, {.size = 3, .stride = 2, .pad = 1});
    int block = 1;
    for (const Stage& stage : stages)
        for (std::int64_t i = 0; i < stage.repeats; ++i)
            x = inverted_residual(net, "features." + std::to_string(block++), x, stage,
                                  i == 0 ? stage.stride : 1);
    x = clipped(net, "features.18", x, 1280, {});
    x = net.flatten("flatten", net.global_average_pool("avgpool", x));
    return net.finish(net.linear("classifier.1", x, 1000));
}

}  // namespace peakward::catalog
