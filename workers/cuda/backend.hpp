// The backend `cuda`: matrix products by cuBLASLt and memory bandwidth, on NVIDIA's GPUs.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cuda/libraries.hpp"
#include "cuda/problem.hpp"
#include "cuda/sampler.hpp"
#include "sdk/worker.hpp"

namespace peakward::worker::cuda {

struct BackendOptions {
    LibraryNames libraries;
    bool plant_wrong_answer = false;  // for the self-test: spoil one element before the check
};

class CudaWorker final : public Worker {
public:
    explicit CudaWorker(BackendOptions options) : options_(std::move(options)) {}

    // Loads the libraries on the first call of any of these, not earlier: what they print must not
    // reach the protocol. Throws where there is no driver or no GPU that computes.
    Json hello() override;
    Support supports(const Json& what) override;
    Prepared prepare(const PrepareRequest& request) override;
    std::vector<RunSample> run(const RunRequest& request) override;
    Json condition() override;
    void release() override;

private:
    // A GPU, and what was made on it so far.
    struct Station {
        Station(const DriverLibrary& cu, const NvmlLibrary* nvml, int ordinal)
            : gpu(cu, ordinal), monitor(nvml, gpu.facts().pci_address) {}
        Gpu gpu;
        Monitor monitor;
        std::unique_ptr<LtSession> lt;
        std::unique_ptr<Kernels> kernels;
    };

    void load();
    void find_gpus();
    std::vector<std::string> devices() const;
    Station* find_station(const std::string& device);
    std::string refuses_words(const Json& what);
    // What would run for a case that refuses_words() has let pass; throws with the reason.
    std::unique_ptr<Problem> make_problem(Station& station, const Json& what);
    Prepared prepare_on(Station& station, const PrepareRequest& request);

    BackendOptions options_;
    bool loaded_ = false;
    std::optional<DriverLibrary> cu_;
    std::optional<LtLibrary> lt_;
    std::optional<NvmlLibrary> nvml_;
    std::string no_lt_;  // why there is no cuBLASLt
    std::vector<std::string> notes_;
    std::vector<std::unique_ptr<Station>> stations_;
    std::unique_ptr<Problem> problem_;
    std::unique_ptr<Sampler> sampler_;
    const Station* at_ = nullptr;  // where the prepared case runs
};

}  // namespace peakward::worker::cuda
