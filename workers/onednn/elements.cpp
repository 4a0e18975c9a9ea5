// Softmax of rows, and functions of single elements. Arguments in (-4, 4), so that exponentials
// differ and both arms of the functions are met.
#include <optional>

#include "onednn/problem.hpp"
#include "onednn/reference.hpp"

namespace peakward::worker::onednn {
namespace {

constexpr double argument_max = 4;

class Softmax final : public Problem {
public:
    Softmax(const std::string& precision, const Json& shape)
        : dims_{axis_of(shape, "rows"), axis_of(shape, "columns")},
          type_(type_of(precision)),
          desc_(noted(describe_softmax(plain(dims_, type_)))) {}

    void allocate(Random& random) override {
        src_.emplace(dims_, type_).fill(random, argument_max);
        add_step(dnnl::softmax_forward(desc_),
                 {{DNNL_ARG_SRC, src_->memory()}, {DNNL_ARG_DST, poisoned(desc_.dst_desc())}});
    }

    double check(Random& random, bool plant) override {
        return softmax_error(dims_[1], *src_, answer({plant}, random));
    }

private:
    Dims dims_;
    Type type_;
    dnnl::softmax_forward::primitive_desc desc_;
    std::optional<Tensor> src_;
};

class Eltwise final : public Problem {
public:
    Eltwise(const std::string& precision, const Json& shape)
        : dims_{axis_of(shape, "elements")},
          type_(type_of(precision)),
          is_relu_(shape.at("function") == "relu"),
          desc_(noted(describe_eltwise(
              is_relu_ ? dnnl::algorithm::eltwise_relu : dnnl::algorithm::eltwise_gelu_erf,
              plain(dims_, type_)))) {}

    void allocate(Random& random) override {
        src_.emplace(dims_, type_).fill(random, argument_max);
        add_step(dnnl::eltwise_forward(desc_),
                 {{DNNL_ARG_SRC, src_->memory()}, {DNNL_ARG_DST, poisoned(desc_.dst_desc())}});
    }

    double check(Random& random, bool plant) override {
        return eltwise_error(is_relu_ ? relu : gelu, *src_, answer({plant}, random));
    }

private:
    Dims dims_;
    Type type_;
    bool is_relu_;
    dnnl::eltwise_forward::primitive_desc desc_;
    std::optional<Tensor> src_;
};

}  // namespace

std::unique_ptr<Problem> make_softmax(const std::string& precision, const Json& shape) {
    return std::make_unique<Softmax>(precision, shape);
}

std::unique_ptr<Problem> make_eltwise(const std::string& precision, const Json& shape) {
    return std::make_unique<Eltwise>(precision, shape);
}

}  // namespace peakward::worker::onednn
