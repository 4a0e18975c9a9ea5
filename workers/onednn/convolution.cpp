// 2-D convolution: images, filters and results in the layouts that oneDNN asks for.
#include <cmath>
#include <optional>

#include "onednn/problem.hpp"
#include "onednn/reference.hpp"

namespace peakward::worker::onednn {
namespace {

class ConvolutionProblem final : public Problem {
public:
    ConvolutionProblem(const std::string& precision, const Json& shape)
        : conv_(shape),
          type_(type_of(precision)),
          desc_(noted(describe_convolution(conv_, type_, result_type_of(precision)))) {
        note_layout("src", desc_.src_desc());
        note_layout("weights", desc_.weights_desc());
        note_layout("dst", desc_.dst_desc());
    }

    void allocate(Random& random) override {
        src_.emplace(Dims{conv_.n, conv_.c, conv_.h, conv_.w}, type_).fill(random);
        // Row-major g x k/g x c/g x r x s is row-major k x c/g x r x s too.
        const Dims filters = conv_.groups == 1 ? Dims{conv_.k, conv_.c, conv_.r, conv_.s}
                                               : Dims{conv_.groups, conv_.k / conv_.groups,
                                                      conv_.c / conv_.groups, conv_.r, conv_.s};
        weights_.emplace(filters, type_).fill_weights(random);
        add_step(dnnl::convolution_forward(desc_),
                 {{DNNL_ARG_SRC, src_->laid_out(desc_.src_desc())},
                  {DNNL_ARG_WEIGHTS, weights_->laid_out(desc_.weights_desc())},
                  {DNNL_ARG_DST, poisoned(desc_.dst_desc())}});
    }

    double check(Random& random, bool plant) override {
        const Position dims{conv_.n, conv_.k, conv_.rows, conv_.columns};
        const std::vector<Position> samples = draw_samples(dims, random);
        const double usual = std::sqrt(static_cast<double>(conv_.terms));
        const Tensor dst = answer({plant, usual, index_of(dims, samples.back())}, random);
        return convolution_error(conv_, *src_, *weights_, dst, samples);
    }

private:
    Convolution conv_;
    Type type_;
    dnnl::convolution_forward::primitive_desc desc_;
    std::optional<Tensor> src_, weights_;
};

}  // namespace

std::unique_ptr<Problem> make_convolution(const std::string& precision, const Json& shape) {
    return std::make_unique<ConvolutionProblem>(precision, shape);
}

}  // namespace peakward::worker::onednn
