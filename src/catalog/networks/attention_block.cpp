// The attention half of a BERT-base layer (Devlin et al., BERT, 2019): 12 heads of 64 over 128
// tokens, added to its input and normalised.
#include "catalog/networks/builder.hpp"
#include "catalog/networks/list.hpp"

namespace peakward::catalog {

Graph attention_block(std::int64_t batch) {
    Builder net("attention_block", "input", {batch, 128, 768});
    const auto attended = self_attention(net, "attention", "input", {.heads = 12});
    return net.finish(net.layer_norm("norm", net.add("add", "input", attended), 1e-12));
}

}  // namespace peakward::catalog
