// Batch normalisation with given statistics, and layer normalisation. Statistics, scale and shift
// are fp32 whatever the precision of the data, as oneDNN wants them.
#include <optional>

#include "onednn/problem.hpp"
#include "onednn/reference.hpp"

namespace peakward::worker::onednn {
namespace {

constexpr float epsilon = 1e-5F;  // what the frameworks add to the variance

class BatchNorm final : public Problem {
public:
    BatchNorm(const std::string& precision, const Json& shape)
        : dims_{axis_of(shape, "n"), axis_of(shape, "c"), axis_of(shape, "h"), axis_of(shape, "w")},
          type_(type_of(precision)),
          desc_(noted(describe_batch_norm(image_layout(dims_, type_), epsilon))) {
        note_layout("src", desc_.src_desc());
    }

    void allocate(Random& random) override {
        const Dims channels{dims_[1]};
        src_.emplace(dims_, type_).fill(random);
        for (auto* given : {&mean_, &variance_, &scale_, &shift_})
            given->emplace(channels, Type::f32).fill(random);
        // Variances in (1/2, 3/2).
        for (std::int64_t i = 0; i < variance_->count(); ++i)
            variance_->set(i, 1 + variance_->at(i) / 2);
        add_step(dnnl::batch_normalization_forward(desc_),
                 {{DNNL_ARG_SRC, src_->laid_out(desc_.src_desc())},
                  {DNNL_ARG_MEAN, mean_->memory()},
                  {DNNL_ARG_VARIANCE, variance_->memory()},
                  {DNNL_ARG_SCALE, scale_->memory()},
                  {DNNL_ARG_SHIFT, shift_->memory()},
                  {DNNL_ARG_DST, poisoned(desc_.dst_desc())}});
    }

    double check(Random& random, bool plant) override {
        return batch_norm_error(*src_, *mean_, *variance_, {*scale_, *shift_}, epsilon,
                                answer({plant}, random));
    }

private:
    Dims dims_;
    Type type_;
    dnnl::batch_normalization_forward::primitive_desc desc_;
    std::optional<Tensor> src_, mean_, variance_, scale_, shift_;
};

class LayerNorm final : public Problem {
public:
    LayerNorm(const std::string& precision, const Json& shape)
        : dims_{axis_of(shape, "rows"), axis_of(shape, "columns")},
          type_(type_of(precision)),
          desc_(noted(describe_layer_norm(plain(dims_, type_), epsilon))) {}

    void allocate(Random& random) override {
        src_.emplace(dims_, type_).fill(random);
        scale_.emplace(Dims{dims_[1]}, Type::f32).fill(random);
        shift_.emplace(Dims{dims_[1]}, Type::f32).fill(random);
        add_step(dnnl::layer_normalization_forward(desc_),
                 {{DNNL_ARG_SRC, src_->memory()},
                  {DNNL_ARG_SCALE, scale_->memory()},
                  {DNNL_ARG_SHIFT, shift_->memory()},
                  {DNNL_ARG_DST, poisoned(desc_.dst_desc())}});
    }

    double check(Random& random, bool plant) override {
        return layer_norm_error(*src_, {*scale_, *shift_}, epsilon, answer({plant}, random));
    }

private:
    Dims dims_;
    Type type_;
    dnnl::layer_normalization_forward::primitive_desc desc_;
    std::optional<Tensor> src_, scale_, shift_;
};

}  // namespace

std::unique_ptr<Problem> make_batch_norm(const std::string& precision, const Json& shape) {
    return std::make_unique<BatchNorm>(precision, shape);
}

std::unique_ptr<Problem> make_layer_norm(const std::string& precision, const Json& shape) {
    return std::make_unique<LayerNorm>(precision, shape);
}

}  // namespace peakward::worker::onednn
