// One case on one GPU: what would run for it, its buffers, the calls, the check of the answer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cuda/device.hpp"
#include "cuda/libraries.hpp"
#include "sdk/worker.hpp"

namespace peakward::worker::cuda {

// What outputs hold before a call: 3.4e38 in fp32, 1.4e306 in fp64.
inline constexpr unsigned char poison = 0x7f;

// Made in two steps, because `supports` wants to know what would run without paying for it: the
// constructor asks the library (std::runtime_error where it has nothing), allocate() does the rest.
class Problem {
public:
    virtual ~Problem() = default;

    virtual std::string implementation() const = 0;
    virtual double device_bytes() const = 0;
    virtual double host_bytes() const = 0;  // operands and answer, while they are checked

    // Makes the buffers and fills the operands with seeded values, none of them zero.
    virtual void allocate(Random& random) = 0;
    // Asks for `calls` whole calls, one after the other, and does not wait for them.
    virtual void enqueue(std::int64_t calls) = 0;
    // One call into an output that held what no right answer holds, then the largest relative
    // deviation from the reference. `plant` spoils one element before it is looked at.
    virtual double check(Random& random, bool plant) = 0;
    // Where the output lives, as the driver says.
    virtual std::string device() const = 0;
};

// cuBLASLt on one GPU.
class LtSession {
public:
    LtSession(const LtLibrary& lt, const Gpu& gpu);
    ~LtSession();
    LtSession(const LtSession&) = delete;
    LtSession& operator=(const LtSession&) = delete;

    const LtLibrary& lt() const { return lt_; }
    const Gpu& gpu() const { return gpu_; }
    LtHandle handle() const { return handle_; }

private:
    const LtLibrary& lt_;
    const Gpu& gpu_;
    LtHandle handle_ = nullptr;
};

// gemm {"m","n","k"}: precisions, and why a GPU cannot compute in one ("" when it can).
const std::vector<std::string>& gemm_precisions();
std::string gemm_refuses(const GpuFacts& gpu, const std::string& precision, const Json& shape);
std::unique_ptr<Problem> make_gemm(const LtSession& session, const std::string& precision,
                                   const Json& shape);

// The kernels of this build on one GPU; empty where there was no nvcc.
class Kernels {
public:
    // Throws std::runtime_error where the driver cannot load them.
    explicit Kernels(const Gpu& gpu);
    ~Kernels();
    Kernels(const Kernels&) = delete;
    Kernels& operator=(const Kernels&) = delete;

    static bool are_built();
    static std::string built_by();  // "nvcc 13.0.88"; "" where there was none
    CuFunction find(const std::string& name) const;

private:
    const Gpu& gpu_;
    CuModule module_ = nullptr;
};

// stream_copy, stream_scale, stream_add, stream_triad {"elements","store"} by kernels of ours, and
// device_copy {"elements","store"} by the driver's copy, in fp64 and fp32.
const std::vector<std::string>& memory_operations();
std::unique_ptr<Problem> make_stream(const Gpu& gpu, const Kernels& kernels,
                                     const std::string& operation, const std::string& precision,
                                     const Json& shape);
std::unique_ptr<Problem> make_device_copy(const Gpu& gpu, const std::string& precision,
                                          const Json& shape);

}  // namespace peakward::worker::cuda
