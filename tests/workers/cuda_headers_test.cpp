// workers/cuda/api.hpp declares NVIDIA's interfaces by hand: here it is held against the real
// headers, as far as this machine has them (tests/workers/CMakeLists.txt looks for them).
#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <type_traits>

#include "cuda/libraries.hpp"

#ifdef PEAKWARD_HAS_CUDA_HEADER
// cuda.h renames these by macros (cuMemAlloc is cuMemAlloc_v2), so ours are named before it comes.
using OurDevicePrimaryCtxRelease =
    decltype(peakward::worker::cuda::DriverLibrary::cuDevicePrimaryCtxRelease);
using OurMemGetInfo = decltype(peakward::worker::cuda::DriverLibrary::cuMemGetInfo);
using OurMemAlloc = decltype(peakward::worker::cuda::DriverLibrary::cuMemAlloc);
using OurMemFree = decltype(peakward::worker::cuda::DriverLibrary::cuMemFree);
using OurMemcpyHtoD = decltype(peakward::worker::cuda::DriverLibrary::cuMemcpyHtoD);
using OurMemcpyDtoH = decltype(peakward::worker::cuda::DriverLibrary::cuMemcpyDtoH);
using OurMemcpyDtoDAsync = decltype(peakward::worker::cuda::DriverLibrary::cuMemcpyDtoDAsync);
using OurStreamDestroy = decltype(peakward::worker::cuda::DriverLibrary::cuStreamDestroy);
using OurEventDestroy = decltype(peakward::worker::cuda::DriverLibrary::cuEventDestroy);
using OurEventElapsedTime = decltype(peakward::worker::cuda::DriverLibrary::cuEventElapsedTime);

#include <cuda.h>
#endif
#ifdef PEAKWARD_HAS_CUBLASLT_HEADER
#include <cublasLt.h>
#endif
#ifdef PEAKWARD_HAS_NVML_HEADER
#include <nvml.h>
#endif

namespace peakward::worker::cuda {
namespace {

// Parameter by parameter: the same kinds in the same places, whatever their names are.
template <typename A, typename B>
inline constexpr bool alike =
    sizeof(A) == sizeof(B) && std::is_pointer_v<A> == std::is_pointer_v<B>;
template <typename Ours, typename Theirs>
struct SameShape : std::false_type {};
template <typename R, typename... Ours, typename S, typename... Theirs>
struct SameShape<R (*)(Ours...), S(Theirs...)> {
    static constexpr bool value = [] {
        if constexpr (sizeof...(Ours) != sizeof...(Theirs))
            return false;
        else
            return alike<R, S> && (alike<Ours, Theirs> && ...);
    }();
};

#ifdef PEAKWARD_HAS_CUDA_HEADER
static_assert(sizeof(CuDevice) == sizeof(CUdevice));
static_assert(sizeof(CuPointer) == sizeof(CUdeviceptr));
static_assert(sizeof(int) == sizeof(CUresult) && sizeof(int) == sizeof(CUdevice_attribute));
static_assert(cu_success == CUDA_SUCCESS);
static_assert(cu_out_of_memory == CUDA_ERROR_OUT_OF_MEMORY);
static_assert(cu_no_device == CUDA_ERROR_NO_DEVICE);
static_assert(cu_no_binary_for_gpu == CUDA_ERROR_NO_BINARY_FOR_GPU);
static_assert(cu_unsupported_ptx_version == CUDA_ERROR_UNSUPPORTED_PTX_VERSION);
static_assert(cu_attribute_clock_rate_khz == CU_DEVICE_ATTRIBUTE_CLOCK_RATE);
static_assert(cu_attribute_multiprocessors == CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
static_assert(cu_attribute_l2_bytes == CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE);
static_assert(cu_attribute_capability_major == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
static_assert(cu_attribute_capability_minor == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
static_assert(cu_pointer_device_ordinal == CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL);
static_assert(cu_stream_default == CU_STREAM_DEFAULT);
static_assert(cu_event_default == CU_EVENT_DEFAULT);

#define PEAKWARD_SAME(function) \
    static_assert(SameShape<decltype(DriverLibrary::function), decltype(::function)>::value)
PEAKWARD_SAME(cuInit);
PEAKWARD_SAME(cuDriverGetVersion);
PEAKWARD_SAME(cuGetErrorName);
PEAKWARD_SAME(cuGetErrorString);
PEAKWARD_SAME(cuDeviceGetCount);
PEAKWARD_SAME(cuDeviceGet);
PEAKWARD_SAME(cuDeviceGetName);
PEAKWARD_SAME(cuDeviceGetPCIBusId);
PEAKWARD_SAME(cuDeviceGetAttribute);
PEAKWARD_SAME(cuDevicePrimaryCtxRetain);
PEAKWARD_SAME(cuCtxSetCurrent);
PEAKWARD_SAME(cuMemsetD8Async);
PEAKWARD_SAME(cuPointerGetAttribute);
PEAKWARD_SAME(cuStreamCreate);
PEAKWARD_SAME(cuStreamSynchronize);
PEAKWARD_SAME(cuEventCreate);
PEAKWARD_SAME(cuEventRecord);
PEAKWARD_SAME(cuEventSynchronize);
PEAKWARD_SAME(cuModuleLoadData);
PEAKWARD_SAME(cuModuleUnload);
PEAKWARD_SAME(cuModuleGetFunction);
PEAKWARD_SAME(cuLaunchKernel);
static_assert(SameShape<OurDevicePrimaryCtxRelease, decltype(::cuDevicePrimaryCtxRelease)>::value);
static_assert(SameShape<OurMemGetInfo, decltype(::cuMemGetInfo)>::value);
static_assert(SameShape<OurMemAlloc, decltype(::cuMemAlloc)>::value);
static_assert(SameShape<OurMemFree, decltype(::cuMemFree)>::value);
static_assert(SameShape<OurMemcpyHtoD, decltype(::cuMemcpyHtoD)>::value);
static_assert(SameShape<OurMemcpyDtoH, decltype(::cuMemcpyDtoH)>::value);
static_assert(SameShape<OurMemcpyDtoDAsync, decltype(::cuMemcpyDtoDAsync)>::value);
static_assert(SameShape<OurStreamDestroy, decltype(::cuStreamDestroy)>::value);
static_assert(SameShape<OurEventDestroy, decltype(::cuEventDestroy)>::value);
static_assert(SameShape<OurEventElapsedTime, decltype(::cuEventElapsedTime)>::value);
#endif

#ifdef PEAKWARD_HAS_CUBLASLT_HEADER
static_assert(sizeof(LtAlgo) == sizeof(cublasLtMatmulAlgo_t));
static_assert(sizeof(LtHeuristicResult) == sizeof(cublasLtMatmulHeuristicResult_t));
static_assert(offsetof(LtHeuristicResult, state) ==
              offsetof(cublasLtMatmulHeuristicResult_t, state));
static_assert(lt_success == CUBLAS_STATUS_SUCCESS);
static_assert(type_r_32f == CUDA_R_32F && type_r_64f == CUDA_R_64F && type_r_16f == CUDA_R_16F);
static_assert(type_r_8i == CUDA_R_8I && type_r_32i == CUDA_R_32I && type_r_16bf == CUDA_R_16BF);
static_assert(type_r_8f_e4m3 == CUDA_R_8F_E4M3 && type_r_8f_e5m2 == CUDA_R_8F_E5M2);
static_assert(compute_32f == CUBLAS_COMPUTE_32F && compute_64f == CUBLAS_COMPUTE_64F);
static_assert(compute_32i == CUBLAS_COMPUTE_32I);
static_assert(compute_32f_fast_tf32 == CUBLAS_COMPUTE_32F_FAST_TF32);
static_assert(operation_none == CUBLAS_OP_N && operation_transpose == CUBLAS_OP_T);
static_assert(lt_desc_transpose_a == CUBLASLT_MATMUL_DESC_TRANSA);
static_assert(lt_desc_transpose_b == CUBLASLT_MATMUL_DESC_TRANSB);
static_assert(lt_preference_workspace_bytes == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES);
static_assert(lt_algo_id == CUBLASLT_ALGO_CONFIG_ID &&
              lt_algo_tile == CUBLASLT_ALGO_CONFIG_TILE_ID);
static_assert(lt_algo_split_k == CUBLASLT_ALGO_CONFIG_SPLITK_NUM);
static_assert(lt_algo_swizzle == CUBLASLT_ALGO_CONFIG_CTA_SWIZZLING);
static_assert(lt_algo_stages == CUBLASLT_ALGO_CONFIG_STAGES_ID);
#define PEAKWARD_SAME_LT(function) \
    static_assert(SameShape<decltype(LtLibrary::function), decltype(::function)>::value)
PEAKWARD_SAME_LT(cublasLtGetVersion);
PEAKWARD_SAME_LT(cublasLtGetStatusString);
PEAKWARD_SAME_LT(cublasLtCreate);
PEAKWARD_SAME_LT(cublasLtDestroy);
PEAKWARD_SAME_LT(cublasLtMatmulDescCreate);
PEAKWARD_SAME_LT(cublasLtMatmulDescDestroy);
PEAKWARD_SAME_LT(cublasLtMatmulDescSetAttribute);
PEAKWARD_SAME_LT(cublasLtMatrixLayoutCreate);
PEAKWARD_SAME_LT(cublasLtMatrixLayoutDestroy);
PEAKWARD_SAME_LT(cublasLtMatmulPreferenceCreate);
PEAKWARD_SAME_LT(cublasLtMatmulPreferenceDestroy);
PEAKWARD_SAME_LT(cublasLtMatmulPreferenceSetAttribute);
PEAKWARD_SAME_LT(cublasLtMatmulAlgoGetHeuristic);
PEAKWARD_SAME_LT(cublasLtMatmulAlgoConfigGetAttribute);
PEAKWARD_SAME_LT(cublasLtMatmul);
#endif

#ifdef PEAKWARD_HAS_NVML_HEADER
static_assert(nvml_success == NVML_SUCCESS);
static_assert(nvml_clock_sm == NVML_CLOCK_SM);
static_assert(nvml_temperature_gpu == NVML_TEMPERATURE_GPU);
static_assert(nvml_power_cap == nvmlClocksThrottleReasonSwPowerCap);
static_assert(nvml_hardware_slowdown == nvmlClocksThrottleReasonHwSlowdown);
static_assert(nvml_software_thermal == nvmlClocksThrottleReasonSwThermalSlowdown);
static_assert(nvml_hardware_thermal == nvmlClocksThrottleReasonHwThermalSlowdown);
static_assert(nvml_hardware_power_brake == nvmlClocksThrottleReasonHwPowerBrakeSlowdown);
#endif

// What was compared above, so that a report of the tests says it.
TEST(CudaHeaders, AreComparedWhereTheyAre) {
    std::string compared;
#ifdef PEAKWARD_HAS_CUDA_HEADER
    compared += " cuda.h";
#endif
#ifdef PEAKWARD_HAS_CUBLASLT_HEADER
    compared += " cublasLt.h";
#endif
#ifdef PEAKWARD_HAS_NVML_HEADER
    compared += " nvml.h";
#endif
    RecordProperty("compared", compared);
    if (compared.empty()) GTEST_SKIP() << "no header of CUDA is installed here";
}

}  // namespace
}  // namespace peakward::worker::cuda
