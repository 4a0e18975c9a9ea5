// One case: what oneDNN would run for it, its buffers, the call, the check of the answer.
#pragma once

#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "onednn/describe.hpp"
#include "onednn/shapes.hpp"
#include "onednn/tensor.hpp"
#include "sdk/worker.hpp"

namespace peakward::worker::onednn {

// Made in two steps, because `supports` wants to know what would run without paying for it: the
// constructor asks oneDNN (dnnl::error where it has nothing), allocate() does the rest.
class Problem {
public:
    virtual ~Problem() = default;

    // oneDNN's own names of what it runs, in the order of the calls: "brg:avx512_core_amx_bf16".
    const std::vector<std::string>& implementations() const { return implementations_; }
    // The names joined by " + ", and the layouts that oneDNN chose.
    std::string description() const;

    // Makes the primitives and their memory, fills the operands with seeded values and brings them
    // into oneDNN's layout, as a framework does once when it loads its weights.
    virtual void allocate(Random& random) = 0;

    // One call, then the largest deviation from the reference (reference.hpp). `plant` spoils one
    // element of the answer before it is looked at.
    virtual double check(Random& random, bool plant) = 0;

    // `calls` whole calls, one after the other; returns when the results are there.
    void call(std::int64_t calls);

protected:
    using Arguments = std::unordered_map<int, dnnl::memory>;

    // Notes a primitive that will run. Throws nothing: what is wrong with it, supports() sees.
    template <typename PrimitiveDesc>
    PrimitiveDesc noted(PrimitiveDesc desc) {
        implementations_.emplace_back(desc.impl_info_str());
        return desc;
    }
    // Notes a layout that was oneDNN's choice.
    void note_layout(const std::string& operand, const Layout& layout);
    void add_step(dnnl::primitive primitive, Arguments arguments);
    // One call, and the result of its last step in row-major order, with one element spoiled by
    // adding `amount` where a wrong answer is planted. The place: `at`, or where it is negative
    // any.
    struct Plant {
        bool wanted = false;
        double amount = 1;
        std::int64_t at = -1;
    };
    Tensor answer(const Plant& plant, Random& random);

private:
    struct Step {
        dnnl::primitive primitive;
        Arguments arguments;
    };
    std::vector<std::string> implementations_;
    std::string layouts_;
    std::vector<Step> steps_;
    dnnl::stream stream_;
};

// Asks oneDNN for this case; the shape has passed refuses_shape(). Throws dnnl::error.
std::unique_ptr<Problem> make_problem(const std::string& operation, const std::string& precision,
                                      const Json& shape);

// The operations, each in the file of its name; pooling.cpp, normalisation.cpp (batch_norm,
// layer_norm), elements.cpp (softmax, eltwise).
std::unique_ptr<Problem> make_gemm(const std::string& precision, const Json& shape);
std::unique_ptr<Problem> make_convolution(const std::string& precision, const Json& shape);
std::unique_ptr<Problem> make_pooling(const std::string& precision, const Json& shape);
std::unique_ptr<Problem> make_batch_norm(const std::string& precision, const Json& shape);
std::unique_ptr<Problem> make_layer_norm(const std::string& precision, const Json& shape);
std::unique_ptr<Problem> make_softmax(const std::string& precision, const Json& shape);
std::unique_ptr<Problem> make_eltwise(const std::string& precision, const Json& shape);
std::unique_ptr<Problem> make_attention(const std::string& precision, const Json& shape);

}  // namespace peakward::worker::onednn
