// peakward-worker-cuda: see docs/worker-protocol.md. The libraries are those that the loader finds;
// PEAKWARD_CUDA_DRIVER_LIBRARY, PEAKWARD_CUBLASLT_LIBRARY and PEAKWARD_NVML_LIBRARY name others.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "cuda/backend.hpp"

namespace {

std::string from_environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1) {
        std::fprintf(stderr,
                     "peakward-worker-cuda: unknown argument '%s'\n"
                     "usage: peakward-worker-cuda\n",
                     argv[1]);
        return 2;
    }
    peakward::worker::cuda::BackendOptions options;
    options.libraries = {from_environment("PEAKWARD_CUDA_DRIVER_LIBRARY"),
                         from_environment("PEAKWARD_CUBLASLT_LIBRARY"),
                         from_environment("PEAKWARD_NVML_LIBRARY")};
    options.plant_wrong_answer = from_environment("PEAKWARD_PLANT") == "wrong_answer";
    peakward::worker::cuda::CudaWorker worker(std::move(options));
    return peakward::worker::serve(worker);
}
