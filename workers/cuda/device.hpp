// The GPUs of this process, and what is made on one of them: memory, a stream, events. Objects free
// what they made; failures are std::runtime_error in the driver's own words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cuda/libraries.hpp"

namespace peakward::worker::cuda {

// "cuMemAlloc: out of memory (CUDA_ERROR_OUT_OF_MEMORY)"
std::string driver_words(const DriverLibrary& cu, const char* call, int error);
void check(const DriverLibrary& cu, const char* call, int error);

// What the driver says of a GPU.
struct GpuFacts {
    int ordinal = 0;
    std::string name, pci_address;
    int capability = 0;  // 90 for 9.0
    int multiprocessors = 0;
    std::size_t l2_bytes = 0;
    double clock_nominal_hz = 0;  // "typical clock" of the driver: the boost clock of its sheet

    std::string device() const { return "cuda:" + std::to_string(ordinal); }
    std::string capability_words() const;  // "9.0"
};

// One GPU with its primary context, which is made current for the calling thread.
class Gpu {
public:
    // Also writes to its memory and reads it back: a GPU that is listed and cannot compute throws.
    Gpu(const DriverLibrary& cu, int ordinal);
    ~Gpu();
    Gpu(const Gpu&) = delete;
    Gpu& operator=(const Gpu&) = delete;

    const DriverLibrary& cu() const { return cu_; }
    const GpuFacts& facts() const { return facts_; }
    CuStream stream() const { return stream_; }
    void use() const;  // makes its context current
    // Why buffers of so many bytes should not be made, "" when they fit.
    std::string refuses_memory(double bytes) const;
    // Returns when all that was asked of the stream is done.
    void wait() const;
    // After a fault of a kernel or of the device, nothing of this process runs there any more.
    bool is_lost() const;

private:
    void describe();
    void try_memory() const;

    const DriverLibrary& cu_;
    CuDevice device_ = 0;
    CuContext context_ = nullptr;
    CuStream stream_ = nullptr;
    GpuFacts facts_;
};

class DeviceBuffer {
public:
    DeviceBuffer(const Gpu& gpu, std::size_t bytes);
    ~DeviceBuffer();
    DeviceBuffer(const DeviceBuffer&) = delete;
    DeviceBuffer& operator=(const DeviceBuffer&) = delete;

    CuPointer at() const { return at_; }
    void* pointer() const;  // as cuBLASLt takes it
    std::size_t bytes() const { return bytes_; }
    void write(const void* from, std::size_t bytes) const;
    void read(void* to, std::size_t bytes) const;
    // Every byte, in the order of the stream.
    void fill(unsigned char value) const;
    // "cuda:1": the device that the driver says the memory is on.
    std::string device() const;

private:
    const Gpu& gpu_;
    CuPointer at_ = 0;
    std::size_t bytes_;
};

// Times what stands between begin() and end() in the stream by the GPU's own clock.
class EventTimer {
public:
    explicit EventTimer(const Gpu& gpu);
    ~EventTimer();
    EventTimer(const EventTimer&) = delete;
    EventTimer& operator=(const EventTimer&) = delete;

    void begin();
    void end();
    // Waits for the end; nanoseconds.
    std::int64_t elapsed_ns();

private:
    const Gpu& gpu_;
    CuEvent begin_ = nullptr, end_ = nullptr;
};

}  // namespace peakward::worker::cuda
