// A CUDA driver whose device memory is the host's and whose streams do everything at once: the
// functions that the cuda worker uses, with real arithmetic. Two GPUs: one like an H100, one like a
// T4. What is wrong with it, PEAKWARD_FAKE_CUDA says (one word; each is commented where it acts).
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>

namespace {

constexpr int success = 0, invalid_value = 1, out_of_memory = 2, no_device = 100, not_found = 500,
              unsupported_ptx_version = 222, launch_failed = 719;
constexpr std::size_t memory_bytes = std::size_t{16} << 30;

bool planted(std::string_view fault) {
    const char* set = std::getenv("PEAKWARD_FAKE_CUDA");
    return set != nullptr && fault == set;
}

int current_ordinal = 0;
int records = 0;
std::map<unsigned long long, int>& owners() {  // of each piece of memory
    static std::map<unsigned long long, int> map;
    return map;
}

// "lost": after some blocks every call that waits fails, as after a fault of a kernel.
int state() { return planted("lost") && records > 12 ? launch_failed : success; }

struct Event {
    std::chrono::steady_clock::time_point at;
};

template <typename T>
const T* values(unsigned long long pointer) {
    return reinterpret_cast<const T*>(pointer);
}

template <typename T>
void run(const std::string& name, void** parameters) {
    const auto pointer = [&](int index) {
        return *static_cast<unsigned long long*>(parameters[index]);
    };
    T* const out = reinterpret_cast<T*>(pointer(0));
    const T *const x = values<T>(pointer(1)), *const y = values<T>(pointer(2));
    const T s = *static_cast<T*>(parameters[3]);
    // "short_kernel": the last element is left as it was.
    const long long count =
        *static_cast<long long*>(parameters[4]) - (planted("short_kernel") ? 1 : 0);
    const auto is = [&](const char* operation) { return name.rfind(operation, 0) == 0; };
    for (long long i = 0; i < count; ++i)
        out[i] = is("stream_copy")    ? x[i]
                 : is("stream_scale") ? s * x[i]
                 : is("stream_add")   ? x[i] + y[i]
                                      : x[i] + s * y[i];
}

}  // namespace

extern "C" {

// "no_device": a driver without a GPU.
int cuInit(unsigned) { return planted("no_device") ? no_device : success; }
int cuDriverGetVersion(int* version) {
    *version = 13000;
    return success;
}
int cuGetErrorName(int error, const char** text) {
    static const std::map<int, const char*> names = {
        {out_of_memory, "CUDA_ERROR_OUT_OF_MEMORY"},
        {no_device, "CUDA_ERROR_NO_DEVICE"},
        {not_found, "CUDA_ERROR_NOT_FOUND"},
        {unsupported_ptx_version, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"},
        {launch_failed, "CUDA_ERROR_LAUNCH_FAILED"}};
    const auto known = names.find(error);
    if (known == names.end()) return invalid_value;
    *text = known->second;
    return success;
}
int cuGetErrorString(int error, const char** text) {
    static const std::map<int, const char*> texts = {
        {out_of_memory, "out of memory"},
        {no_device, "no CUDA-capable device is detected"},
        {launch_failed, "unspecified launch failure"}};
    const auto known = texts.find(error);
    if (known == texts.end()) return invalid_value;
    *text = known->second;
    return success;
}
// "hidden": as CUDA_VISIBLE_DEVICES does it.
int cuDeviceGetCount(int* count) {
    *count = planted("hidden") ? 0 : 2;
    return success;
}
int cuDeviceGet(int* device, int ordinal) {
    *device = ordinal;
    return ordinal < 2 ? success : invalid_value;
}
int cuDeviceGetName(char* name, int length, int device) {
    std::strncpy(name, device == 0 ? "Fake H100" : "Fake T4", static_cast<std::size_t>(length));
    return success;
}
int cuDeviceGetPCIBusId(char* id, int length, int device) {
    std::strncpy(id, device == 0 ? "0000:1B:00.0" : "0000:C3:00.0",
                 static_cast<std::size_t>(length));
    return success;
}
int cuDeviceGetAttribute(int* value, int attribute, int device) {
    const bool is_h100 = device == 0;
    switch (attribute) {
        case 13:
            *value = is_h100 ? 1980000 : 1590000;
            return success;
        case 16:
            *value = is_h100 ? 132 : 40;
            return success;
        case 38:
            *value = 65536;
            return success;
        case 75:
            *value = is_h100 ? 9 : 7;
            return success;
        case 76:
            *value = is_h100 ? 0 : 5;
            return success;
        default:
            return invalid_value;
    }
}
int cuDevicePrimaryCtxRetain(void** context, int device) {
    *context = reinterpret_cast<void*>(static_cast<std::uintptr_t>(device) + 1);
    return success;
}
int cuDevicePrimaryCtxRelease_v2(int) { return success; }
int cuCtxSetCurrent(void* context) {
    current_ordinal = static_cast<int>(reinterpret_cast<std::uintptr_t>(context)) - 1;
    return success;
}
// "full": another program has nearly all of it.
int cuMemGetInfo_v2(std::size_t* free, std::size_t* total) {
    *total = memory_bytes;
    *free = planted("full") ? 1 << 20 : memory_bytes - (1 << 20);
    return success;
}
// "out_of_memory": what was free a moment ago is taken.
int cuMemAlloc_v2(unsigned long long* pointer, std::size_t bytes) {
    if (bytes == 0) return invalid_value;
    if (bytes > memory_bytes || (planted("out_of_memory") && bytes > 1 << 20)) return out_of_memory;
    void* memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
    if (memory == nullptr) return out_of_memory;
    *pointer = reinterpret_cast<unsigned long long>(memory);
    owners()[*pointer] = current_ordinal;
    return success;
}
int cuMemFree_v2(unsigned long long pointer) {
    if (owners().erase(pointer) == 0) return invalid_value;
    std::free(reinterpret_cast<void*>(pointer));
    return success;
}
int cuMemcpyHtoD_v2(unsigned long long to, const void* from, std::size_t bytes) {
    std::memcpy(reinterpret_cast<void*>(to), from, bytes);
    return state();
}
int cuMemcpyDtoH_v2(void* to, unsigned long long from, std::size_t bytes) {
    std::memcpy(to, reinterpret_cast<const void*>(from), bytes);
    return state();
}
int cuMemcpyDtoDAsync_v2(unsigned long long to, unsigned long long from, std::size_t bytes, void*) {
    // "short_copy": the last byte stays behind.
    std::memcpy(reinterpret_cast<void*>(to), reinterpret_cast<const void*>(from),
                bytes - (planted("short_copy") ? 1 : 0));
    return success;
}
int cuMemsetD8Async(unsigned long long at, unsigned char value, std::size_t bytes, void*) {
    // "broken_second": the second GPU's memory forgets.
    if (planted("broken_second") && current_ordinal == 1) value ^= 1;
    std::memset(reinterpret_cast<void*>(at), value, bytes);
    return success;
}
int cuPointerGetAttribute(void* value, int attribute, unsigned long long pointer) {
    const auto owner = owners().find(pointer);
    if (attribute != 9 || owner == owners().end()) return invalid_value;
    // "wrong_device": the memory is on the neighbour.
    *static_cast<int*>(value) = planted("wrong_device") ? 1 - owner->second : owner->second;
    return success;
}
int cuStreamCreate(void** stream, unsigned) {
    *stream = new char;
    return success;
}
int cuStreamDestroy_v2(void* stream) {
    delete static_cast<char*>(stream);
    return success;
}
int cuStreamSynchronize(void*) { return state(); }
int cuEventCreate(void** event, unsigned) {
    *event = new Event;
    return success;
}
int cuEventDestroy_v2(void* event) {
    delete static_cast<Event*>(event);
    return success;
}
int cuEventRecord(void* event, void*) {
    ++records;
    static_cast<Event*>(event)->at = std::chrono::steady_clock::now();
    return success;
}
int cuEventSynchronize(void*) { return state(); }
int cuEventElapsedTime(float* milliseconds, void* start, void* end) {
    const auto time = static_cast<Event*>(end)->at - static_cast<Event*>(start)->at;
    *milliseconds = std::chrono::duration<float, std::milli>(time).count();
    // "slow_events" say more than the host saw, "no_events" nothing.
    if (planted("slow_events")) *milliseconds = 1e6F;
    if (planted("no_events")) *milliseconds = 0;
    return success;
}
// "old_driver": it does not know this PTX.
int cuModuleLoadData(void** module, const void* image) {
    if (planted("old_driver")) return unsupported_ptx_version;
    *module = new std::string(static_cast<const char*>(image));
    return success;
}
int cuModuleUnload(void* module) {
    delete static_cast<std::string*>(module);
    return success;
}
int cuModuleGetFunction(void** function, void* module, const char* name) {
    static std::map<std::string, std::string> names;
    const std::string entry = ".entry " + std::string(name) + "(";
    if (static_cast<std::string*>(module)->find(entry) == std::string::npos) return not_found;
    *function = &names.try_emplace(name, name).first->second;
    return success;
}
#ifndef FAKE_MISSING
int cuLaunchKernel(void* function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                   unsigned, void*, void** parameters, void**) {
    const std::string& name = *static_cast<std::string*>(function);
    if (name.find("_fp64_") != std::string::npos)
        run<double>(name, parameters);
    else
        run<float>(name, parameters);
    return success;
}
#endif

}  // extern "C"
