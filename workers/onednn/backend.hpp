// The backend `onednn`: matrix products and the layers of networks by oneDNN's primitives.
#pragma once

#include <memory>
#include <string>

#include "onednn/problem.hpp"
#include "sdk/call_timer.hpp"
#include "sdk/worker.hpp"

namespace peakward::worker::onednn {

struct BackendOptions {
    bool plant_wrong_answer = false;  // for the self-test: spoil one element before the check
};

// Whether a name of oneDNN is that of its reference code: "ref:any", "gemm:ref".
bool is_reference(const std::string& implementation);

class OnednnWorker final : public Worker {
public:
    explicit OnednnWorker(const BackendOptions& options) : options_(options) {}

    Json hello() override;
    // Asks oneDNN itself. "No" with its words where it has nothing, and with the implementation's
    // name where it has its reference code only: that is correct and slow, and no measure of a CPU.
    Support supports(const Json& what) override;
    Prepared prepare(const PrepareRequest& request) override;
    std::vector<RunSample> run(const RunRequest& request) override;
    void release() override;

private:
    CallTimer::Calls calls();

    BackendOptions options_;
    std::unique_ptr<Problem> problem_;
    int threads_ = 1;
    CallTimer timer_;
};

}  // namespace peakward::worker::onednn
