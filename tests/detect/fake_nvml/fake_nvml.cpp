// Answers like NVIDIA's management library with two GPUs, in the way FAKE_NVML asks for: "" (well),
// "no_driver", "hang" (the second GPU's temperature never comes), "crash" (its name kills the
// process), "garbage" (texts without an end).
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

bool asked_for(std::string_view behaviour) {
    const char* set = std::getenv("FAKE_NVML");
    return set != nullptr && behaviour == set;
}

int index_of(void* device) { return static_cast<int>(reinterpret_cast<long>(device)) - 1; }

int give(char* into, unsigned length, const char* text) {
    if (asked_for("garbage")) {
        std::memset(into, 0xff, length);
        return 0;
    }
    std::strncpy(into, text, length);
    return 0;
}

struct PciInfo {
    char bus_id_legacy[16];
    unsigned domain, bus, device, pci_device_id, pci_subsystem_id;
    char bus_id[32];
};
struct Memory {
    unsigned long long total, free, used;
};

constexpr int not_supported = 3;
constexpr int no_permission = 4;
constexpr int insufficient_size = 7;
constexpr int driver_not_loaded = 9;

}  // namespace

extern "C" {

int nvmlInit_v2() { return asked_for("no_driver") ? driver_not_loaded : 0; }
int nvmlSystemGetDriverVersion(char* text, unsigned length) {
    return give(text, length, "535.129.03");
}
int nvmlDeviceGetCount_v2(unsigned* count) {
    *count = asked_for("garbage") ? 4000000000u : 2;
    return 0;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
    if (index >= 2) return not_supported;
    *device = reinterpret_cast<void*>(static_cast<long>(index) + 1);
    return 0;
}
int nvmlDeviceGetPciInfo_v3(void* device, PciInfo* info) {
    // In the reverse order of their addresses, as CUDA_DEVICE_ORDER=FASTEST_FIRST may list them.
    std::strcpy(info->bus_id, index_of(device) == 0 ? "00000000:C3:00.0" : "00000000:1B:00.0");
    if (asked_for("garbage")) std::memset(info, 0xff, sizeof *info);
    info->pci_device_id = 0x233010de;
    return 0;
}
int nvmlDeviceGetName(void* device, char* text, unsigned length) {
    if (asked_for("crash") && index_of(device) == 1) std::abort();
    return give(text, length, "NVIDIA H100 80GB HBM3");
}
int nvmlDeviceGetVbiosVersion(void*, char* text, unsigned length) {
    return give(text, length, "96.00.74.00.01");
}
int nvmlDeviceGetCudaComputeCapability(void*, int* major, int* minor) {
    *major = 9;
    *minor = 0;
    return 0;
}
int nvmlDeviceGetTotalEnergyConsumption(void* device, unsigned long long* mj) {
    if (index_of(device) == 1) return not_supported;
    *mj = 123456789;
    return 0;
}
int nvmlDeviceGetNumGpuCores(void*, unsigned* cores) {
    *cores = 16896;
    return 0;
}
int nvmlDeviceGetMemoryInfo(void*, Memory* memory) {
    memory->total = 81559ull << 20;
    return 0;
}
int nvmlDeviceGetMaxClockInfo(void*, int, unsigned* mhz) {
    *mhz = 1980;
    return 0;
}
int nvmlDeviceGetEnforcedPowerLimit(void*, unsigned* milliwatts) {
    *milliwatts = 650000;
    return 0;
}
int nvmlDeviceGetPowerManagementDefaultLimit(void*, unsigned* milliwatts) {
    *milliwatts = 700000;
    return 0;
}
int nvmlDeviceGetEccMode(void*, unsigned* current, unsigned* pending) {
    *current = *pending = 1;
    return 0;
}
int nvmlDeviceGetMigMode(void*, unsigned*, unsigned*) { return no_permission; }
int nvmlDeviceGetCurrentClocksThrottleReasons(void* device, unsigned long long* bits) {
    *bits = index_of(device) == 0 ? 0x1 : 0x44;  // idle; software power cap and hardware thermal
    return 0;
}
int nvmlDeviceGetTemperature(void* device, int, unsigned* celsius) {
    if (asked_for("hang") && index_of(device) == 1)
        while (true) ::pause();
    *celsius = 41;
    return 0;
}
int nvmlDeviceGetComputeRunningProcesses_v3(void*, unsigned* count, void*) {
    *count = 3;
    return insufficient_size;
}

}  // extern "C"
