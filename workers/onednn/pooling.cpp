// 2-D pooling, in the layout that images have in a network of oneDNN.
#include <optional>

#include "onednn/problem.hpp"
#include "onednn/reference.hpp"

namespace peakward::worker::onednn {
namespace {

class PoolingProblem final : public Problem {
public:
    PoolingProblem(const std::string& precision, const Json& shape)
        : pool_(shape),
          type_(type_of(precision)),
          desc_(noted(
              describe_pooling(pool_, image_layout({pool_.n, pool_.c, pool_.h, pool_.w}, type_),
                               any({pool_.n, pool_.c, pool_.rows, pool_.columns}, type_)))) {
        note_layout("src", desc_.src_desc());
        note_layout("dst", desc_.dst_desc());
    }

    void allocate(Random& random) override {
        src_.emplace(Dims{pool_.n, pool_.c, pool_.h, pool_.w}, type_).fill(random);
        add_step(dnnl::pooling_forward(desc_), {{DNNL_ARG_SRC, src_->laid_out(desc_.src_desc())},
                                                {DNNL_ARG_DST, poisoned(desc_.dst_desc())}});
    }

    double check(Random& random, bool plant) override {
        return pooling_error(pool_, *src_, answer({plant}, random));
    }

private:
    Pooling pool_;
    Type type_;
    dnnl::pooling_forward::primitive_desc desc_;
    std::optional<Tensor> src_;
};

}  // namespace

std::unique_ptr<Problem> make_pooling(const std::string& precision, const Json& shape) {
    return std::make_unique<PoolingProblem>(precision, shape);
}

}  // namespace peakward::worker::onednn
