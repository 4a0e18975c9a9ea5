#include "cuda/libraries.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "sdk/dynamic_library.hpp"

namespace peakward::worker::cuda {
namespace {

// A library that stays loaded: its functions are in use until the worker ends.
class Loaded {
public:
    Loaded(const std::string& name, const std::vector<std::string>& usual,
           const std::string& way_out)
        : way_out_(way_out) {
        std::string tried;
        for (const std::string& candidate : name.empty() ? usual : std::vector<std::string>{name}) {
            handle_ = ::dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL);
            if (handle_ != nullptr) {
                name_ = candidate;
                return;
            }
            const std::string reason = loader_error();
            // The first reason that is more than "no such file" says what is broken.
            if (tried.empty() || reason.find("No such file") == std::string::npos) tried = reason;
        }
        throw std::runtime_error(tried + ": " + way_out);
    }

    template <typename Function>
    void need(const char* symbol, Function& function) {
        void* address = ::dlsym(handle_, symbol);
        if (address == nullptr)
            throw std::runtime_error(name_ + " has no function " + symbol + ": " + way_out_);
        function = reinterpret_cast<Function>(address);
    }

    // The file that a function of it comes from.
    template <typename Function>
    std::string file_of(Function function) const {
        return file_of_symbol(reinterpret_cast<const void*>(function), name_);
    }

private:
    void* handle_ = nullptr;
    std::string name_, way_out_;
};

// cuBLAS 12.9 and later compute fp32 and fp64 from smaller formats where these ask for it, and the
// tf32 switch turns a precision into another: what is measured under a name has to be that.
void forget_emulation() {
    for (const char* name : {"CUBLAS_EMULATE_SINGLE_PRECISION", "CUBLAS_EMULATE_DOUBLE_PRECISION",
                             "CUBLAS_EMULATION_STRATEGY", "NVIDIA_TF32_OVERRIDE"})
        ::unsetenv(name);
}

}  // namespace

DriverLibrary DriverLibrary::load(const std::string& name) {
    Loaded library(name, {"libcuda.so.1", "libcuda.so"},
                   "the cuda worker needs NVIDIA's driver (libcuda.so.1), and in a container one "
                   "that hands it in, such as NVIDIA's container toolkit");
    DriverLibrary cu = {};
    library.need("cuInit", cu.cuInit);
    library.need("cuDriverGetVersion", cu.cuDriverGetVersion);
    library.need("cuGetErrorName", cu.cuGetErrorName);
    library.need("cuGetErrorString", cu.cuGetErrorString);
    library.need("cuDeviceGetCount", cu.cuDeviceGetCount);
    library.need("cuDeviceGet", cu.cuDeviceGet);
    library.need("cuDeviceGetName", cu.cuDeviceGetName);
    library.need("cuDeviceGetPCIBusId", cu.cuDeviceGetPCIBusId);
    library.need("cuDeviceGetAttribute", cu.cuDeviceGetAttribute);
    library.need("cuDevicePrimaryCtxRetain", cu.cuDevicePrimaryCtxRetain);
    library.need("cuDevicePrimaryCtxRelease_v2", cu.cuDevicePrimaryCtxRelease);
    library.need("cuCtxSetCurrent", cu.cuCtxSetCurrent);
    library.need("cuMemGetInfo_v2", cu.cuMemGetInfo);
    library.need("cuMemAlloc_v2", cu.cuMemAlloc);
    library.need("cuMemFree_v2", cu.cuMemFree);
    library.need("cuMemcpyHtoD_v2", cu.cuMemcpyHtoD);
    library.need("cuMemcpyDtoH_v2", cu.cuMemcpyDtoH);
    library.need("cuMemcpyDtoDAsync_v2", cu.cuMemcpyDtoDAsync);
    library.need("cuMemsetD8Async", cu.cuMemsetD8Async);
    library.need("cuPointerGetAttribute", cu.cuPointerGetAttribute);
    library.need("cuStreamCreate", cu.cuStreamCreate);
    library.need("cuStreamDestroy_v2", cu.cuStreamDestroy);
    library.need("cuStreamSynchronize", cu.cuStreamSynchronize);
    library.need("cuEventCreate", cu.cuEventCreate);
    library.need("cuEventDestroy_v2", cu.cuEventDestroy);
    library.need("cuEventRecord", cu.cuEventRecord);
    library.need("cuEventSynchronize", cu.cuEventSynchronize);
    library.need("cuEventElapsedTime", cu.cuEventElapsedTime);
    library.need("cuModuleLoadData", cu.cuModuleLoadData);
    library.need("cuModuleUnload", cu.cuModuleUnload);
    library.need("cuModuleGetFunction", cu.cuModuleGetFunction);
    library.need("cuLaunchKernel", cu.cuLaunchKernel);
    return cu;
}

LtLibrary LtLibrary::load(const std::string& name) {
    forget_emulation();
    Loaded library(name,
                   {"libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so.11", "libcublasLt.so",
                    "/usr/local/cuda/lib64/libcublasLt.so"},
                   "install cuBLAS (it comes with the CUDA toolkit), or name the libcublasLt.so of "
                   "a Python environment in PEAKWARD_CUBLASLT_LIBRARY");
    LtLibrary lt = {};
    library.need("cublasLtGetVersion", lt.cublasLtGetVersion);
    library.need("cublasLtGetStatusString", lt.cublasLtGetStatusString);
    library.need("cublasLtCreate", lt.cublasLtCreate);
    library.need("cublasLtDestroy", lt.cublasLtDestroy);
    library.need("cublasLtMatmulDescCreate", lt.cublasLtMatmulDescCreate);
    library.need("cublasLtMatmulDescDestroy", lt.cublasLtMatmulDescDestroy);
    library.need("cublasLtMatmulDescSetAttribute", lt.cublasLtMatmulDescSetAttribute);
    library.need("cublasLtMatrixLayoutCreate", lt.cublasLtMatrixLayoutCreate);
    library.need("cublasLtMatrixLayoutDestroy", lt.cublasLtMatrixLayoutDestroy);
    library.need("cublasLtMatmulPreferenceCreate", lt.cublasLtMatmulPreferenceCreate);
    library.need("cublasLtMatmulPreferenceDestroy", lt.cublasLtMatmulPreferenceDestroy);
    library.need("cublasLtMatmulPreferenceSetAttribute", lt.cublasLtMatmulPreferenceSetAttribute);
    library.need("cublasLtMatmulAlgoGetHeuristic", lt.cublasLtMatmulAlgoGetHeuristic);
    library.need("cublasLtMatmulAlgoConfigGetAttribute", lt.cublasLtMatmulAlgoConfigGetAttribute);
    library.need("cublasLtMatmul", lt.cublasLtMatmul);
    lt.file = library.file_of(lt.cublasLtMatmul);
    return lt;
}

// cublas_api.h: major x 10000 + minor x 100 + patch, and in the first releases of CUDA 11 major x
// 1000 + minor x 100 + patch.
std::string LtLibrary::version() const {
    const std::size_t number = cublasLtGetVersion();
    const std::size_t of_major = number >= 100000 ? 10000 : 1000;
    return std::to_string(number / of_major) + "." + std::to_string(number % of_major / 100) + "." +
           std::to_string(number % 100);
}

NvmlLibrary NvmlLibrary::load(const std::string& name) {
    Loaded library(name, {"libnvidia-ml.so.1", "libnvidia-ml.so"},
                   "clocks, heat and throttling of the GPU are not told");
    NvmlLibrary nvml = {};
    library.need("nvmlInit_v2", nvml.nvmlInit);
    library.need("nvmlErrorString", nvml.nvmlErrorString);
    library.need("nvmlSystemGetDriverVersion", nvml.nvmlSystemGetDriverVersion);
    library.need("nvmlDeviceGetHandleByPciBusId_v2", nvml.nvmlDeviceGetHandleByPciBusId);
    library.need("nvmlDeviceGetClockInfo", nvml.nvmlDeviceGetClockInfo);
    library.need("nvmlDeviceGetCurrentClocksThrottleReasons",
                 nvml.nvmlDeviceGetCurrentClocksThrottleReasons);
    library.need("nvmlDeviceGetTemperature", nvml.nvmlDeviceGetTemperature);
    library.need("nvmlDeviceGetPowerUsage", nvml.nvmlDeviceGetPowerUsage);
    return nvml;
}

}  // namespace peakward::worker::cuda
