// What the native worker can be asked for: one class per kind of operation, each prepared once and
// run as often as the host likes.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sdk/worker.hpp"

namespace peakward::native {

// Faults that `calibrate --self-test` plants through PEAKWARD_PLANT (docs/worker-protocol.md).
enum class Plant { none, wrong_answer, throttle };
Plant plant_from(std::string_view word);  // an unknown word is none

class PreparedCase {
public:
    virtual ~PreparedCase() = default;
    virtual worker::Prepared prepared() const = 0;
    virtual std::vector<worker::RunSample> run(const worker::RunRequest& request) = 0;
};

std::string isa_of(const Json& shape);  // "" where it names none

// "" when the shape and precision can run here, else the reason. `shape` as in the protocol.
std::string why_not_peak(std::string_view precision, const Json& shape);
std::string why_not_clock(std::string_view precision, const Json& shape);
std::string why_not_stream(std::string_view operation, std::string_view precision,
                           const Json& shape);

// Allocate, fill, warm up, check. Throw std::runtime_error with one sentence.
std::unique_ptr<PreparedCase> prepare_peak(const worker::PrepareRequest& request, Plant plant);
std::unique_ptr<PreparedCase> prepare_clock(const worker::PrepareRequest& request, Plant plant);
std::unique_ptr<PreparedCase> prepare_stream(const worker::PrepareRequest& request, Plant plant);

// The backend as the protocol knows it. `plant` is for the self-test.
std::unique_ptr<worker::Worker> make_native_worker(Plant plant);

}  // namespace peakward::native
