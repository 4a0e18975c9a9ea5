// C = A B by oneDNN's matmul. B stands for weights: it is packed once, as frameworks do.
#include <cmath>
#include <optional>

#include "onednn/problem.hpp"
#include "sdk/gemm_check.hpp"

namespace peakward::worker::onednn {
namespace {

class Gemm final : public Problem {
public:
    Gemm(const std::string& precision, const Json& shape)
        : m_(axis_of(shape, "m")),
          n_(axis_of(shape, "n")),
          k_(axis_of(shape, "k")),
          type_(type_of(precision)),
          desc_(noted(describe_matmul(plain({m_, k_}, type_), any({k_, n_}, type_),
                                      plain({m_, n_}, result_type_of(precision))))) {
        note_layout("B", desc_.weights_desc());
    }

    void allocate(Random& random) override {
        a_.emplace(Dims{m_, k_}, type_).fill(random);
        b_.emplace(Dims{k_, n_}, type_).fill_weights(random);
        add_step(dnnl::matmul(desc_), {{DNNL_ARG_SRC, a_->memory()},
                                       {DNNL_ARG_WEIGHTS, b_->laid_out(desc_.weights_desc())},
                                       {DNNL_ARG_DST, poisoned(desc_.dst_desc())}});
    }

    double check(Random& random, bool plant) override {
        // About three times the usual size of an element.
        const Tensor c = answer({plant, std::sqrt(static_cast<double>(k_))}, random);
        if (type_ == Type::s8)
            return integer_gemm_error(m_, n_, k_, a_->data<std::int8_t>(), b_->data<std::int8_t>(),
                                      c.data<std::int32_t>(), random);
        // Row-major C = A B is column-major C' = B' A'.
        return gemm_error(n_, m_, k_, b_->as_floats().data(), a_->as_floats().data(),
                          c.as_floats().data(), random);
    }

private:
    std::int64_t m_, n_, k_;
    Type type_;
    dnnl::matmul::primitive_desc desc_;
    std::optional<Tensor> a_, b_;
};

}  // namespace

std::unique_ptr<Problem> make_gemm(const std::string& precision, const Json& shape) {
    return std::make_unique<Gemm>(precision, shape);
}

}  // namespace peakward::worker::onednn
