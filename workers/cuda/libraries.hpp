// NVIDIA's libraries, loaded at run time (ADR 10): the driver, without which nothing goes;
// cuBLASLt, without which there is no gemm; NVML, without which clocks and heat are not told. Each
// is a table of functions under their own names; api.hpp has the types.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cuda/api.hpp"

namespace peakward::worker::cuda {

// Which files to load: a path or soname; "": the usual names.
struct LibraryNames {
    std::string driver, blaslt, nvml;
};

struct DriverLibrary {
    int (*cuInit)(unsigned flags);
    int (*cuDriverGetVersion)(int* version);
    int (*cuGetErrorName)(int error, const char** text);
    int (*cuGetErrorString)(int error, const char** text);
    int (*cuDeviceGetCount)(int* count);
    int (*cuDeviceGet)(CuDevice* device, int ordinal);
    int (*cuDeviceGetName)(char* name, int length, CuDevice device);
    int (*cuDeviceGetPCIBusId)(char* id, int length, CuDevice device);
    int (*cuDeviceGetAttribute)(int* value, int attribute, CuDevice device);
    int (*cuDevicePrimaryCtxRetain)(CuContext* context, CuDevice device);
    int (*cuDevicePrimaryCtxRelease)(CuDevice device);
    int (*cuCtxSetCurrent)(CuContext context);
    int (*cuMemGetInfo)(std::size_t* free, std::size_t* total);
    int (*cuMemAlloc)(CuPointer* pointer, std::size_t bytes);
    int (*cuMemFree)(CuPointer pointer);
    int (*cuMemcpyHtoD)(CuPointer to, const void* from, std::size_t bytes);
    int (*cuMemcpyDtoH)(void* to, CuPointer from, std::size_t bytes);
    int (*cuMemcpyDtoDAsync)(CuPointer to, CuPointer from, std::size_t bytes, CuStream stream);
    int (*cuMemsetD8Async)(CuPointer at, unsigned char value, std::size_t bytes, CuStream stream);
    int (*cuPointerGetAttribute)(void* value, int attribute, CuPointer pointer);
    int (*cuStreamCreate)(CuStream* stream, unsigned flags);
    int (*cuStreamDestroy)(CuStream stream);
    int (*cuStreamSynchronize)(CuStream stream);
    int (*cuEventCreate)(CuEvent* event, unsigned flags);
    int (*cuEventDestroy)(CuEvent event);
    int (*cuEventRecord)(CuEvent event, CuStream stream);
    int (*cuEventSynchronize)(CuEvent event);
    int (*cuEventElapsedTime)(float* milliseconds, CuEvent start, CuEvent end);
    int (*cuModuleLoadData)(CuModule* module, const void* image);
    int (*cuModuleUnload)(CuModule module);
    int (*cuModuleGetFunction)(CuFunction* function, CuModule module, const char* name);
    int (*cuLaunchKernel)(CuFunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                          unsigned block_x, unsigned block_y, unsigned block_z,
                          unsigned shared_bytes, CuStream stream, void** parameters, void** extra);

    // Throws std::runtime_error with the way out when there is no driver, or one that lacks a
    // function. Calls nothing of it.
    static DriverLibrary load(const std::string& name);
};

struct LtLibrary {
    std::size_t (*cublasLtGetVersion)();
    const char* (*cublasLtGetStatusString)(int status);
    int (*cublasLtCreate)(LtHandle* handle);
    int (*cublasLtDestroy)(LtHandle handle);
    int (*cublasLtMatmulDescCreate)(LtMatmulDesc* desc, int compute_type, int scale_type);
    int (*cublasLtMatmulDescDestroy)(LtMatmulDesc desc);
    int (*cublasLtMatmulDescSetAttribute)(LtMatmulDesc desc, int attribute, const void* value,
                                          std::size_t bytes);
    int (*cublasLtMatrixLayoutCreate)(LtMatrixLayout* layout, int type, std::uint64_t rows,
                                      std::uint64_t columns, std::int64_t leading);
    int (*cublasLtMatrixLayoutDestroy)(LtMatrixLayout layout);
    int (*cublasLtMatmulPreferenceCreate)(LtPreference* preference);
    int (*cublasLtMatmulPreferenceDestroy)(LtPreference preference);
    int (*cublasLtMatmulPreferenceSetAttribute)(LtPreference preference, int attribute,
                                                const void* value, std::size_t bytes);
    int (*cublasLtMatmulAlgoGetHeuristic)(LtHandle handle, LtMatmulDesc desc, LtMatrixLayout a,
                                          LtMatrixLayout b, LtMatrixLayout c, LtMatrixLayout d,
                                          LtPreference preference, int wanted,
                                          LtHeuristicResult* results, int* found);
    int (*cublasLtMatmulAlgoConfigGetAttribute)(const LtAlgo* algo, int attribute, void* value,
                                                std::size_t bytes, std::size_t* written);
    int (*cublasLtMatmul)(LtHandle handle, LtMatmulDesc desc, const void* alpha, const void* a,
                          LtMatrixLayout a_layout, const void* b, LtMatrixLayout b_layout,
                          const void* beta, const void* c, LtMatrixLayout c_layout, void* d,
                          LtMatrixLayout d_layout, const LtAlgo* algo, void* workspace,
                          std::size_t workspace_bytes, CuStream stream);
    std::string file;  // that was loaded

    static LtLibrary load(const std::string& name);  // as above
    std::string version() const;                     // "13.0.2"
};

struct NvmlLibrary {
    int (*nvmlInit)();
    const char* (*nvmlErrorString)(int error);
    int (*nvmlSystemGetDriverVersion)(char* text, unsigned length);
    int (*nvmlDeviceGetHandleByPciBusId)(const char* id, NvmlDevice* device);
    int (*nvmlDeviceGetClockInfo)(NvmlDevice device, int clock, unsigned* mhz);
    int (*nvmlDeviceGetCurrentClocksThrottleReasons)(NvmlDevice device, unsigned long long* bits);
    int (*nvmlDeviceGetTemperature)(NvmlDevice device, int sensor, unsigned* celsius);
    int (*nvmlDeviceGetPowerUsage)(NvmlDevice device, unsigned* milliwatts);

    static NvmlLibrary load(const std::string& name);  // as above
};

}  // namespace peakward::worker::cuda
