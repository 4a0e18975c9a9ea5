#include "onednn/problem.hpp"

#include <stdexcept>

#include "onednn/library.hpp"

namespace peakward::worker::onednn {

std::string Problem::description() const {
    std::string text;
    for (const std::string& name : implementations_) text += (text.empty() ? "" : " + ") + name;
    if (!layouts_.empty()) text += " (layouts by oneDNN, reordered untimed: " + layouts_ + ")";
    return text;
}

void Problem::note_layout(const std::string& operand, const Layout& layout) {
    layouts_ += (layouts_.empty() ? "" : ", ") + operand + " " + layout_word(layout);
}

void Problem::add_step(dnnl::primitive primitive, Arguments arguments) {
    if (!stream_) stream_ = dnnl::stream(cpu_engine());
    steps_.push_back({std::move(primitive), std::move(arguments)});
}

void Problem::call(std::int64_t calls) {
    for (std::int64_t i = 0; i < calls; ++i)
        for (const Step& step : steps_) step.primitive.execute(stream_, step.arguments);
    stream_.wait();
}

Tensor Problem::answer(const Plant& plant, Random& random) {
    call(1);
    Tensor answer(steps_.back().arguments.at(DNNL_ARG_DST));
    if (plant.wanted) {
        const auto any =
            static_cast<std::int64_t>(random.next() % static_cast<std::uint64_t>(answer.count()));
        const std::int64_t at = plant.at < 0 ? any : plant.at;
        answer.set(at, answer.at(at) + plant.amount);
    }
    return answer;
}

std::unique_ptr<Problem> make_problem(const std::string& operation, const std::string& precision,
                                      const Json& shape) {
    struct Maker {
        const char* operation;
        std::unique_ptr<Problem> (*make)(const std::string& precision, const Json& shape);
    };
    constexpr Maker makers[] = {
        {"gemm", make_gemm},
        {"conv2d", make_convolution},
        {"pooling", make_pooling},
        {"batch_norm", make_batch_norm},
        {"layer_norm", make_layer_norm},
        {"softmax", make_softmax},
        {"eltwise", make_eltwise},
        {"attention", make_attention},
    };
    for (const Maker& maker : makers)
        if (operation == maker.operation) return maker.make(precision, shape);
    throw std::runtime_error("onednn has no operation '" + operation + "'");
}

}  // namespace peakward::worker::onednn
