// The backend `blas`: dot, axpy, gemv and gemm of whatever CBLAS is installed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "blas/library.hpp"
#include "blas/problem.hpp"
#include "sdk/call_timer.hpp"
#include "sdk/worker.hpp"

namespace peakward::worker::blas {

struct BackendOptions {
    std::string library;              // path or soname; "": Library::candidates()
    bool plant_wrong_answer = false;  // for the self-test: spoil one element before the check
};

class BlasWorker final : public Worker {
public:
    explicit BlasWorker(BackendOptions options) : options_(std::move(options)) {}

    // Loads the library on the first call of any of these, not earlier: what its constructors
    // print must not reach the protocol.
    Json hello() override;
    Support supports(const Json& what) override;
    Prepared prepare(const PrepareRequest& request) override;
    std::vector<RunSample> run(const RunRequest& request) override;
    void release() override;

private:
    Library& library();
    CallTimer::Calls calls();

    BackendOptions options_;
    std::optional<Library> library_;
    std::unique_ptr<Problem> problem_;
    int threads_ = 1;
    CallTimer timer_;
};

}  // namespace peakward::worker::blas
