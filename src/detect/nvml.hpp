// NVIDIA's management library, loaded at run time and asked in a child process: a driver that
// hangs or crashes costs its answers and nothing else. Nothing of NVIDIA's is needed to build.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/fact.hpp"
#include "core/ports.hpp"
#include "core/records.hpp"

namespace peakward::detail {

inline constexpr const char* nvml_library = "libnvidia-ml.so.1";

struct NvmlReport {
    Fact<std::string> driver;  // "560.35.03"
    // In the library's order; what it did not tell is unknown. One that stopped answering is lost
    // (core/device.hpp).
    std::vector<GpuInfo> gpus;
    std::string reason;  // why there is no GPU in it, or why it is not complete
};

// What the library says, one JSON object a line, as it was asked for: for a capture.
struct NvmlTranscript {
    std::string said;
    std::string misfortune;  // why it is not complete; "" when it is
};
// Each single call is given `call_limit`; what was told before a hang is kept. `library` is a
// soname or a path.
NvmlTranscript interview_nvml(const std::string& library, Nanoseconds call_limit);
NvmlReport read_nvml(const NvmlTranscript& transcript);

// Adds what the report knows and files did not tell: kernel files always win. A GPU that the
// library lists and cannot ask is the one on the bus that the report does not tell of.
void merge_nvml(const NvmlReport& report, Hardware& hardware);

// What the GPU has taken since its driver was loaded, and when that was read. Needs Volta or newer.
struct GpuEnergy {
    std::uint64_t total_mj = 0;
    Nanoseconds at{0};  // CLOCK_MONOTONIC
    int gpus = 0;       // that the library knows
};
// Of the GPU at this place in the library's list.
ReadResult<GpuEnergy> read_gpu_energy(const std::string& library, int index,
                                      Nanoseconds call_limit);

// CUDA cores per multiprocessor by compute capability ("9.0"), from the CUDA Programming Guide,
// "Arithmetic Instructions"; 0 when not known.
int cuda_cores_per_multiprocessor(const std::string& compute_capability);

}  // namespace peakward::detail
