// ViT-Ti/16 at 224 x 224: the vision transformer (Dosovitskiy et al., An Image is Worth 16x16
// Words, 2021) at the width of Touvron et al., DeiT (2021), table 1. Names follow timm's.
#include <string>

#include "catalog/networks/builder.hpp"
#include "catalog/networks/list.hpp"

namespace peakward::catalog {

Graph vit_tiny(std::int64_t batch) {
    constexpr std::int64_t features = 192, patches = 14 * 14, blocks = 12;
    constexpr double epsilon = 1e-6;  // timm's
    Builder net("vit_tiny", "input", {batch, 3, 224, 224});
    auto x = net.conv("patch_embed.proj", "input", features, {.size = 16, .stride = 16},
                      gain_linear, true);
    x = net.reshape("patch_embed.flatten", x, {batch, features, patches});
    x = net.transpose("patch_embed.tokens", x, {0, 2, 1});
    const auto token = net.expand(
        "cls_token.expand", net.weight("cls_token", {1, 1, features}, 0, 1), {batch, 1, features});
    x = net.concat("tokens", {token, x}, 1);
    x = net.add("pos_embed.add", x, net.weight("pos_embed", {1, patches + 1, features}, 0, 0.2));
    for (std::int64_t i = 0; i < blocks; ++i) {
        const std::string name = "blocks." + std::to_string(i);
        auto y = net.layer_norm(name + ".norm1", x, epsilon);
        x = net.add(name + ".add1", x, self_attention(net, name + ".attn", y, {.heads = 3}));
        y = net.layer_norm(name + ".norm2", x, epsilon);
        x = net.add(name + ".add2", x, feed_forward(net, name + ".mlp", y, 4 * features));
    }
    x = net.gather("cls", net.layer_norm("norm", x, epsilon), 0, 1);
    return net.finish(net.linear("head", x, 1000));
}

}  // namespace peakward::catalog
