#include "cuda/device.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <stdexcept>

namespace peakward::worker::cuda {
namespace {

constexpr double memory_share_max = 0.9;  // of what is free: libraries load kernels of their own

std::string in_gb(double bytes) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.2f GB", bytes * 1e-9);
    return text.data();
}

}  // namespace

std::string driver_words(const DriverLibrary& cu, const char* call, int error) {
    const char *name = nullptr, *text = nullptr;
    if (cu.cuGetErrorName(error, &name) != cu_success || name == nullptr)
        return std::string(call) + ": driver error " + std::to_string(error);
    const bool explained = cu.cuGetErrorString(error, &text) == cu_success && text != nullptr;
    return std::string(call) + ": " + (explained ? std::string(text) + " (" + name + ")" : name);
}

void check(const DriverLibrary& cu, const char* call, int error) {
    if (error == cu_success) return;
    std::string words = driver_words(cu, call, error);
    if (error == cu_out_of_memory) words += ": take a smaller shape, or free the GPU's memory";
    throw std::runtime_error(words);
}

std::string GpuFacts::capability_words() const {
    return std::to_string(capability / 10) + "." + std::to_string(capability % 10);
}

Gpu::Gpu(const DriverLibrary& cu, int ordinal) : cu_(cu) {
    facts_.ordinal = ordinal;
    check(cu_, "cuDeviceGet", cu_.cuDeviceGet(&device_, ordinal));
    describe();
    check(cu_, "cuDevicePrimaryCtxRetain", cu_.cuDevicePrimaryCtxRetain(&context_, device_));
    try {
        use();
        check(cu_, "cuStreamCreate", cu_.cuStreamCreate(&stream_, cu_stream_default));
        try_memory();
    } catch (...) {
        if (stream_ != nullptr) cu_.cuStreamDestroy(stream_);
        cu_.cuDevicePrimaryCtxRelease(device_);
        throw;
    }
}

Gpu::~Gpu() {
    cu_.cuCtxSetCurrent(context_);
    cu_.cuStreamDestroy(stream_);
    cu_.cuDevicePrimaryCtxRelease(device_);
}

void Gpu::describe() {
    std::array<char, 256> text{};
    check(cu_, "cuDeviceGetName",
          cu_.cuDeviceGetName(text.data(), static_cast<int>(text.size()) - 1, device_));
    facts_.name = text.data();
    text.fill('\0');
    check(cu_, "cuDeviceGetPCIBusId",
          cu_.cuDeviceGetPCIBusId(text.data(), static_cast<int>(text.size()) - 1, device_));
    facts_.pci_address = text.data();
    const auto attribute = [this](int which) {
        int value = 0;
        check(cu_, "cuDeviceGetAttribute", cu_.cuDeviceGetAttribute(&value, which, device_));
        return value;
    };
    facts_.capability =
        10 * attribute(cu_attribute_capability_major) + attribute(cu_attribute_capability_minor);
    facts_.multiprocessors = attribute(cu_attribute_multiprocessors);
    facts_.l2_bytes = static_cast<std::size_t>(attribute(cu_attribute_l2_bytes));
    facts_.clock_nominal_hz = attribute(cu_attribute_clock_rate_khz) * 1e3;
}

void Gpu::use() const { check(cu_, "cuCtxSetCurrent", cu_.cuCtxSetCurrent(context_)); }

void Gpu::try_memory() const {
    const DeviceBuffer buffer(*this, 4096);
    constexpr unsigned char pattern = 0x5a;
    buffer.fill(pattern);
    wait();
    std::vector<unsigned char> seen(buffer.bytes());
    buffer.read(seen.data(), seen.size());
    for (const unsigned char value : seen)
        if (value != pattern)
            throw std::runtime_error("its memory does not hold what was written to it");
}

std::string Gpu::refuses_memory(double bytes) const {
    use();
    std::size_t free = 0, total = 0;
    check(cu_, "cuMemGetInfo", cu_.cuMemGetInfo(&free, &total));
    if (bytes <= memory_share_max * static_cast<double>(free)) return "";
    return "this shape needs " + in_gb(bytes) + " of memory on " + facts_.device() + ", and " +
           in_gb(static_cast<double>(free)) + " of " + in_gb(static_cast<double>(total)) +
           " are free: take a smaller one";
}

void Gpu::wait() const { check(cu_, "cuStreamSynchronize", cu_.cuStreamSynchronize(stream_)); }

bool Gpu::is_lost() const { return cu_.cuStreamSynchronize(stream_) != cu_success; }

DeviceBuffer::DeviceBuffer(const Gpu& gpu, std::size_t bytes) : gpu_(gpu), bytes_(bytes) {
    check(gpu.cu(), "cuMemAlloc", gpu.cu().cuMemAlloc(&at_, bytes));
}

DeviceBuffer::~DeviceBuffer() { gpu_.cu().cuMemFree(at_); }

// The driver's API says pointers of the device as numbers, cuBLASLt as pointers.
void* DeviceBuffer::pointer() const {
    return reinterpret_cast<void*>(at_);  // NOLINT(performance-no-int-to-ptr): it is one
}

void DeviceBuffer::write(const void* from, std::size_t bytes) const {
    check(gpu_.cu(), "cuMemcpyHtoD", gpu_.cu().cuMemcpyHtoD(at_, from, bytes));
}

void DeviceBuffer::read(void* to, std::size_t bytes) const {
    gpu_.wait();
    check(gpu_.cu(), "cuMemcpyDtoH", gpu_.cu().cuMemcpyDtoH(to, at_, bytes));
}

void DeviceBuffer::fill(unsigned char value) const {
    check(gpu_.cu(), "cuMemsetD8Async",
          gpu_.cu().cuMemsetD8Async(at_, value, bytes_, gpu_.stream()));
}

std::string DeviceBuffer::device() const {
    int ordinal = -1;
    check(gpu_.cu(), "cuPointerGetAttribute",
          gpu_.cu().cuPointerGetAttribute(&ordinal, cu_pointer_device_ordinal, at_));
    return "cuda:" + std::to_string(ordinal);
}

EventTimer::EventTimer(const Gpu& gpu) : gpu_(gpu) {
    const DriverLibrary& cu = gpu.cu();
    check(cu, "cuEventCreate", cu.cuEventCreate(&begin_, cu_event_default));
    const int error = cu.cuEventCreate(&end_, cu_event_default);
    if (error != cu_success) cu.cuEventDestroy(begin_);
    check(cu, "cuEventCreate", error);
}

EventTimer::~EventTimer() {
    gpu_.cu().cuEventDestroy(begin_);
    gpu_.cu().cuEventDestroy(end_);
}

void EventTimer::begin() {
    check(gpu_.cu(), "cuEventRecord", gpu_.cu().cuEventRecord(begin_, gpu_.stream()));
}

void EventTimer::end() {
    check(gpu_.cu(), "cuEventRecord", gpu_.cu().cuEventRecord(end_, gpu_.stream()));
}

std::int64_t EventTimer::elapsed_ns() {
    const DriverLibrary& cu = gpu_.cu();
    check(cu, "cuEventSynchronize", cu.cuEventSynchronize(end_));
    float milliseconds = 0;
    check(cu, "cuEventElapsedTime", cu.cuEventElapsedTime(&milliseconds, begin_, end_));
    return std::llround(static_cast<double>(milliseconds) * 1e6);
}

}  // namespace peakward::worker::cuda
