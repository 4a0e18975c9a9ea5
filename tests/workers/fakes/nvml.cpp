// An NVML that knows the two GPUs of the fake driver, in the other order. PEAKWARD_FAKE_CUDA:
// "no_nvml" (its driver is not loaded), "slowed" (every third stamp says heat), "always_slowed",
// "power_cap", "no_stamps" (this GPU tells nothing).
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

constexpr int success = 0, not_supported = 3, not_found = 6, driver_not_loaded = 9;

bool planted(std::string_view fault) {
    const char* set = std::getenv("PEAKWARD_FAKE_CUDA");
    return set != nullptr && fault == set;
}

int stamps = 0;
bool is_slowed() { return planted("always_slowed") || (planted("slowed") && stamps % 3 == 0); }
bool is_h100(void* device) { return reinterpret_cast<long>(device) == 2; }

}  // namespace

extern "C" {

int nvmlInit_v2() { return planted("no_nvml") ? driver_not_loaded : success; }
const char* nvmlErrorString(int) { return "Driver Not Loaded"; }
int nvmlSystemGetDriverVersion(char* text, unsigned length) {
    std::strncpy(text, "580.65.06", length);
    return success;
}
int nvmlDeviceGetHandleByPciBusId_v2(const char* id, void** device) {
    if (std::strcmp(id, "0000:1B:00.0") == 0)
        *device = reinterpret_cast<void*>(2L);
    else if (std::strcmp(id, "0000:C3:00.0") == 0)
        *device = reinterpret_cast<void*>(1L);
    else
        return not_found;
    return success;
}
int nvmlDeviceGetClockInfo(void* device, int clock, unsigned* mhz) {
    ++stamps;
    if (planted("no_stamps") || clock != 1) return not_supported;
    *mhz = !is_h100(device) ? 1590 : is_slowed() ? 1200 : planted("power_cap") ? 1500 : 1980;
    return success;
}
int nvmlDeviceGetCurrentClocksThrottleReasons(void*, unsigned long long* bits) {
    if (planted("no_stamps")) return not_supported;
    // Beside what counts: an idle GPU, and clocks that the user has set.
    *bits = 0x3 | (is_slowed() ? 0x40 : 0) | (planted("power_cap") ? 0x4 : 0);
    return success;
}
int nvmlDeviceGetTemperature(void*, int, unsigned* celsius) {
    *celsius = 63;
    return planted("no_stamps") ? not_supported : success;
}
int nvmlDeviceGetPowerUsage(void*, unsigned* milliwatts) {
    *milliwatts = 512500;
    return planted("no_stamps") ? not_supported : success;
}

}  // extern "C"
