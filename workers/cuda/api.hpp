// What this worker uses of NVIDIA's libraries, declared by hand: they are loaded at run time, and a
// machine that builds Peakward need not have their headers. Names are the libraries' own without
// the prefix; numbers are those of cuda.h, cublasLt.h and nvml.h, and
// tests/workers/cuda_headers_test.cpp holds them against the real headers where those are
// installed.
//
// Sources: CUDA Driver API, cuBLAS (chapter cuBLASLt) and NVML reference manuals, docs.nvidia.com.
#pragma once

#include <cstddef>
#include <cstdint>

namespace peakward::worker::cuda {

// ---------------------------------------------------------------------------------------------
// Driver API (libcuda.so.1)
// ---------------------------------------------------------------------------------------------

using CuDevice = int;
using CuPointer = unsigned long long;  // CUdeviceptr
using CuContext = struct CuContextOpaque*;
using CuStream = struct CuStreamOpaque*;
using CuEvent = struct CuEventOpaque*;
using CuModule = struct CuModuleOpaque*;
using CuFunction = struct CuFunctionOpaque*;

// CUresult
inline constexpr int cu_success = 0;
inline constexpr int cu_out_of_memory = 2;
inline constexpr int cu_no_device = 100;
inline constexpr int cu_no_binary_for_gpu = 209;
inline constexpr int cu_unsupported_ptx_version = 222;

// CUdevice_attribute
inline constexpr int cu_attribute_clock_rate_khz = 13;
inline constexpr int cu_attribute_multiprocessors = 16;
inline constexpr int cu_attribute_l2_bytes = 38;
inline constexpr int cu_attribute_capability_major = 75;
inline constexpr int cu_attribute_capability_minor = 76;

// CUpointer_attribute
inline constexpr int cu_pointer_device_ordinal = 9;

// CUstream_flags, CUevent_flags. A default stream waits for the copies of the null stream.
inline constexpr unsigned cu_stream_default = 0;
inline constexpr unsigned cu_event_default = 0;

// ---------------------------------------------------------------------------------------------
// cuBLASLt (libcublasLt.so.*)
// ---------------------------------------------------------------------------------------------

using LtHandle = struct LtHandleOpaque*;
using LtMatmulDesc = struct LtMatmulDescOpaque*;
using LtMatrixLayout = struct LtMatrixLayoutOpaque*;
using LtPreference = struct LtPreferenceOpaque*;

struct LtAlgo {  // cublasLtMatmulAlgo_t
    std::uint64_t data[8];
};
struct LtHeuristicResult {  // cublasLtMatmulHeuristicResult_t
    LtAlgo algo;
    std::size_t workspace_bytes;
    int state;  // cublasStatus_t
    float waves;
    int reserved[4];
};

// cublasStatus_t
inline constexpr int lt_success = 0;
inline constexpr int lt_not_initialized = 1;
inline constexpr int lt_alloc_failed = 3;
inline constexpr int lt_invalid_value = 7;
inline constexpr int lt_arch_mismatch = 8;
inline constexpr int lt_execution_failed = 13;
inline constexpr int lt_internal_error = 14;
inline constexpr int lt_not_supported = 15;

// cudaDataType_t (library_types.h)
inline constexpr int type_r_32f = 0;
inline constexpr int type_r_64f = 1;
inline constexpr int type_r_16f = 2;
inline constexpr int type_r_8i = 3;
inline constexpr int type_r_32i = 10;
inline constexpr int type_r_16bf = 14;
inline constexpr int type_r_8f_e4m3 = 28;
inline constexpr int type_r_8f_e5m2 = 29;

// cublasComputeType_t
inline constexpr int compute_32f = 68;
inline constexpr int compute_64f = 70;
inline constexpr int compute_32i = 72;
inline constexpr int compute_32f_fast_tf32 = 77;

// cublasOperation_t
inline constexpr int operation_none = 0;
inline constexpr int operation_transpose = 1;

// cublasLtMatmulDescAttributes_t
inline constexpr int lt_desc_transpose_a = 3;
inline constexpr int lt_desc_transpose_b = 4;

// cublasLtMatmulPreferenceAttributes_t
inline constexpr int lt_preference_workspace_bytes = 1;

// cublasLtMatmulAlgoConfigAttributes_t
inline constexpr int lt_algo_id = 0;
inline constexpr int lt_algo_tile = 1;
inline constexpr int lt_algo_split_k = 2;
inline constexpr int lt_algo_swizzle = 4;
inline constexpr int lt_algo_stages = 6;

// ---------------------------------------------------------------------------------------------
// NVML (libnvidia-ml.so.1)
// ---------------------------------------------------------------------------------------------

using NvmlDevice = struct NvmlDeviceOpaque*;

inline constexpr int nvml_success = 0;
inline constexpr int nvml_clock_sm = 1;         // nvmlClockType_t
inline constexpr int nvml_temperature_gpu = 0;  // nvmlTemperatureSensors_t

// Bits of nvmlDeviceGetCurrentClocksThrottleReasons
inline constexpr unsigned long long nvml_power_cap = 0x4;              // the board's power limit
inline constexpr unsigned long long nvml_hardware_slowdown = 0x8;      // heat, or the power supply
inline constexpr unsigned long long nvml_software_thermal = 0x20;      // the driver, for heat
inline constexpr unsigned long long nvml_hardware_thermal = 0x40;      // the chip, for heat
inline constexpr unsigned long long nvml_hardware_power_brake = 0x80;  // the machine's brake

}  // namespace peakward::worker::cuda
