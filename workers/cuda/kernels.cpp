#include <stdexcept>

#include "cuda/problem.hpp"
#ifdef PEAKWARD_NVCC_VERSION
#include "embedded/cuda_kernels.hpp"
#endif

namespace peakward::worker::cuda {
namespace {

// The PTX as a text with an end; "" where there was no nvcc.
std::string image() {
#ifdef PEAKWARD_NVCC_VERSION
    return std::string(embedded::cuda_kernels().front().content);
#else
    return "";
#endif
}

}  // namespace

bool Kernels::are_built() { return !built_by().empty(); }

std::string Kernels::built_by() {
#ifdef PEAKWARD_NVCC_VERSION
    return "nvcc " PEAKWARD_NVCC_VERSION;
#else
    return "";
#endif
}

Kernels::Kernels(const Gpu& gpu) : gpu_(gpu) {
    gpu.use();
    const std::string ptx = image();
    const int error = gpu.cu().cuModuleLoadData(&module_, ptx.c_str());
    if (error == cu_success) return;
    std::string words = driver_words(gpu.cu(),
                                     "the STREAM kernels cannot be loaded: "
                                     "cuModuleLoadData",
                                     error);
    if (error == cu_unsupported_ptx_version)
        words += ": this driver is too old for kernels by " + built_by() + "; update the driver";
    if (error == cu_no_binary_for_gpu)
        words += ": " + gpu.facts().name + " (compute capability " +
                 gpu.facts().capability_words() + ") is older than any GPU that " + built_by() +
                 " compiles for";
    throw std::runtime_error(words);
}

Kernels::~Kernels() { gpu_.cu().cuModuleUnload(module_); }

CuFunction Kernels::find(const std::string& name) const {
    CuFunction function = nullptr;
    const std::string call = "cuModuleGetFunction(" + name + ")";
    check(gpu_.cu(), call.c_str(), gpu_.cu().cuModuleGetFunction(&function, module_, name.c_str()));
    return function;
}

}  // namespace peakward::worker::cuda
