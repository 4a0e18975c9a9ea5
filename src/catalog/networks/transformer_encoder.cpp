// One of the twelve layers of BERT-base (Devlin et al., BERT, 2019): 768 features, 12 heads, 3072
// hidden, normalised after each addition; 128 tokens.
#include "catalog/networks/builder.hpp"
#include "catalog/networks/list.hpp"

namespace peakward::catalog {

Graph transformer_encoder(std::int64_t batch) {
    constexpr double epsilon = 1e-12;  // BERT's
    Builder net("transformer_encoder", "input", {batch, 128, 768});
    auto y = self_attention(net, "attention", "input", {.heads = 12});
    const auto x = net.layer_norm("norm1", net.add("add1", "input", y), epsilon);
    y = feed_forward(net, "mlp", x, 3072);
    return net.finish(net.layer_norm("norm2", net.add("add2", x, y), epsilon));
}

}  // namespace peakward::catalog
