// softmax(Q K' / sqrt d) V as three primitives. Q, K and V are all activations: none is packed
// beforehand, K is read transposed, and scores and weights have the precision of the case.
#include <cmath>
#include <optional>

#include "onednn/library.hpp"
#include "onednn/problem.hpp"
#include "onednn/reference.hpp"

namespace peakward::worker::onednn {
namespace {

class AttentionProblem final : public Problem {
public:
    AttentionProblem(const std::string& precision, const Json& shape)
        : type_(type_of(precision)),
          attention_{axis_of(shape, "batch") * axis_of(shape, "heads"), axis_of(shape, "sequence"),
                     axis_of(shape, "head_size"),
                     1 / std::sqrt(static_cast<double>(axis_of(shape, "head_size")))},
          vectors_{attention_.heads, attention_.sequence, attention_.head_size},
          scores_{attention_.heads, attention_.sequence, attention_.sequence},
          // K', by the strides of K.
          transposed_({vectors_[0], vectors_[2], vectors_[1]}, type_,
                      Dims{vectors_[1] * vectors_[2], 1, vectors_[2]}),
          products_(
              noted(describe_matmul(plain(vectors_, type_), transposed_, plain(scores_, type_),
                                    static_cast<float>(attention_.scale)))),
          softmax_(noted(describe_softmax(plain(scores_, type_)))),
          sums_(noted(describe_matmul(plain(scores_, type_), plain(vectors_, type_),
                                      plain(vectors_, type_)))) {}

    void allocate(Random& random) override {
        for (auto* given : {&q_, &k_, &v_}) given->emplace(vectors_, type_).fill(random);
        const dnnl::memory scores = poisoned(plain(scores_, type_));
        const dnnl::memory weights = poisoned(plain(scores_, type_));
        add_step(dnnl::matmul(products_), {{DNNL_ARG_SRC, q_->memory()},
                                           {DNNL_ARG_WEIGHTS, k_->seen_as(transposed_)},
                                           {DNNL_ARG_DST, scores}});
        add_step(dnnl::softmax_forward(softmax_),
                 {{DNNL_ARG_SRC, scores}, {DNNL_ARG_DST, weights}});
        add_step(dnnl::matmul(sums_), {{DNNL_ARG_SRC, weights},
                                       {DNNL_ARG_WEIGHTS, v_->memory()},
                                       {DNNL_ARG_DST, poisoned(sums_.dst_desc())}});
    }

    double check(Random& random, bool plant) override {
        const std::vector<std::int64_t> rows = sampled_rows(random);
        const Plant wrong{plant, 1, rows.back() * attention_.head_size};
        return attention_error(attention_, *q_, *k_, *v_, answer(wrong, random), rows);
    }

private:
    // The first and the last row of the first and the last head, and others.
    std::vector<std::int64_t> sampled_rows(Random& random) const {
        constexpr int between = 28;
        const std::int64_t all = attention_.heads * attention_.sequence;
        std::vector<std::int64_t> rows{0, attention_.sequence - 1, all - attention_.sequence,
                                       all - 1};
        for (int row = 0; row < between; ++row)
            rows.push_back(
                static_cast<std::int64_t>(random.next() % static_cast<std::uint64_t>(all)));
        return rows;
    }

    Type type_;
    Attention attention_;
    Dims vectors_, scores_;
    Layout transposed_;
    dnnl::matmul::primitive_desc products_;
    dnnl::softmax_forward::primitive_desc softmax_;
    dnnl::matmul::primitive_desc sums_;
    std::optional<Tensor> q_, k_, v_;
};

}  // namespace

std::unique_ptr<Problem> make_attention(const std::string& precision, const Json& shape) {
    return std::make_unique<AttentionProblem>(precision, shape);
}

}  // namespace peakward::worker::onednn
