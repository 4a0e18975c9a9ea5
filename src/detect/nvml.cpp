// Declarations follow NVIDIA's public NVML API reference; only what is called is declared.
#include "detect/nvml.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <set>

#include "core/device.hpp"
#include "core/json.hpp"
#include "core/text.hpp"
#include "detect/child.hpp"
#include "detect/gpus.hpp"
#include "detect/parse.hpp"

namespace peakward::detail {
namespace {

using Device = void*;

struct PciInfo {  // nvmlPciInfo_t
    char bus_id_legacy[16];
    unsigned domain, bus, device;
    unsigned pci_device_id;  // device << 16 | vendor
    unsigned pci_subsystem_id;
    char bus_id[32];
};
struct Memory {  // nvmlMemory_t
    unsigned long long total, free, used;
};

constexpr int success = 0;
constexpr int no_permission = 4;
constexpr int insufficient_size = 7;
constexpr int gpu_is_lost = 15;
constexpr unsigned mig_slices_max = 16;
constexpr unsigned gpus_max = 256;

std::string error_words(int code) {
    switch (code) {
        case 3:
            return "not supported by this GPU";
        case 4:
            return "no permission";
        case 9:
            return "the NVIDIA driver is not loaded";
        case 15:
            return "the GPU is lost: it fell off the bus";
        case 18:
            return "driver and library versions differ";
        default:
            return fmt::format("NVML error {}", code);
    }
}

// Inside the child: asks one thing after the other and says each answer at once.
class Interview {
public:
    Interview(void* library, const Speaker& speaker) : library_(library), speaker_(speaker) {}

    void everything() {
        unsigned count = 0;
        if (!call<int()>(-1, "nvmlInit_v2", "init", [](auto f) { return f(); })) return;
        std::array<char, 96> text{};
        if (call<int(char*, unsigned)>(-1, "nvmlSystemGetDriverVersion", "driver",
                                       [&](auto f) { return f(text.data(), 95); }))
            tell(-1, "driver", text.data());
        if (!call<int(unsigned*)>(-1, "nvmlDeviceGetCount_v2", "count",
                                  [&](auto f) { return f(&count); }))
            return;
        count = std::min(count, gpus_max);
        tell(-1, "count", count);
        std::vector<Device> devices(count, nullptr);
        // Identities of all first: a GPU that hangs later shall not hide its neighbours.
        for (unsigned i = 0; i < count; ++i)
            if (call<int(unsigned, Device*)>(static_cast<int>(i), "nvmlDeviceGetHandleByIndex_v2",
                                             "handle", [&](auto f) { return f(i, &devices[i]); }))
                identity(static_cast<int>(i), devices[i]);
        for (unsigned i = 0; i < count; ++i)
            if (devices[i] != nullptr) state(static_cast<int>(i), devices[i]);
    }

    // Of one GPU alone, and at once: what it takes meanwhile is in the figure.
    void energy(unsigned index) {
        unsigned count = 0;
        Device device = nullptr;
        unsigned long long total_mj = 0;
        const int gpu = static_cast<int>(index);
        if (!call<int()>(-1, "nvmlInit_v2", "init", [](auto f) { return f(); })) return;
        if (call<int(unsigned*)>(-1, "nvmlDeviceGetCount_v2", "count",
                                 [&](auto f) { return f(&count); }))
            tell(-1, "count", count);
        if (!call<int(unsigned, Device*)>(gpu, "nvmlDeviceGetHandleByIndex_v2", "handle",
                                          [&](auto f) { return f(index, &device); }) ||
            !call<int(Device, unsigned long long*)>(gpu, "nvmlDeviceGetTotalEnergyConsumption",
                                                    "total_energy_mj",
                                                    [&](auto f) { return f(device, &total_mj); }))
            return;
        tell(gpu, "read_at_ns", std::chrono::steady_clock::now().time_since_epoch().count());
        tell(gpu, "total_energy_mj", total_mj);
    }

private:
    void identity(int gpu, Device device) {
        std::array<char, 96> text{};
        PciInfo pci{};
        if (call<int(Device, PciInfo*)>(gpu, "nvmlDeviceGetPciInfo_v3", "pci",
                                        [&](auto f) { return f(device, &pci); })) {
            pci.bus_id[31] = '\0';
            tell(gpu, "pci_address", pci.bus_id);
            tell(gpu, "pci_id",
                 fmt::format("{:04x}:{:04x}", pci.pci_device_id & 0xffff, pci.pci_device_id >> 16));
        }
        uuid(gpu, device);
        if (call<int(Device, char*, unsigned)>(gpu, "nvmlDeviceGetName", "model",
                                               [&](auto f) { return f(device, text.data(), 95); }))
            tell(gpu, "model", text.data());
        text.fill('\0');
        if (call<int(Device, char*, unsigned)>(gpu, "nvmlDeviceGetVbiosVersion", "vbios",
                                               [&](auto f) { return f(device, text.data(), 95); }))
            tell(gpu, "vbios", text.data());
        int major = 0, minor = 0;
        if (call<int(Device, int*, int*)>(gpu, "nvmlDeviceGetCudaComputeCapability",
                                          "compute_capability",
                                          [&](auto f) { return f(device, &major, &minor); }))
            tell(gpu, "compute_capability", fmt::format("{}.{}", major, minor));
        number<unsigned>(gpu, device, "nvmlDeviceGetNumGpuCores", "cuda_cores");
    }

    void state(int gpu, Device device) {
        Memory memory{};
        if (call<int(Device, Memory*)>(gpu, "nvmlDeviceGetMemoryInfo", "memory_mb",
                                       [&](auto f) { return f(device, &memory); }))
            tell(gpu, "memory_mb", memory.total >> 20);
        unsigned value = 0;
        constexpr int sm_clock = 1;  // NVML_CLOCK_SM
        if (call<int(Device, int, unsigned*)>(gpu, "nvmlDeviceGetMaxClockInfo", "clock_max_mhz",
                                              [&](auto f) { return f(device, sm_clock, &value); }))
            tell(gpu, "clock_max_mhz", value);
        number<unsigned>(gpu, device, "nvmlDeviceGetEnforcedPowerLimit", "power_limit_mw");
        number<unsigned>(gpu, device, "nvmlDeviceGetPowerManagementDefaultLimit",
                         "power_limit_default_mw");
        mode(gpu, device, "nvmlDeviceGetEccMode", "ecc");
        mode(gpu, device, "nvmlDeviceGetMigMode", "mig");
        number<unsigned long long>(gpu, device, "nvmlDeviceGetCurrentClocksThrottleReasons",
                                   "throttle");
        constexpr int gpu_sensor = 0;  // NVML_TEMPERATURE_GPU
        if (call<int(Device, int, unsigned*)>(
                gpu, "nvmlDeviceGetTemperature", "temperature_c",
                [&](auto f) { return f(device, gpu_sensor, &value); }))
            tell(gpu, "temperature_c", value);
        // With room for none it answers "insufficient size" and how many there are.
        unsigned processes = 0;
        if (call<int(Device, unsigned*, void*)>(
                gpu, "nvmlDeviceGetComputeRunningProcesses_v3", "other_processes", [&](auto f) {
                    const int code = f(device, &processes, nullptr);
                    return code == insufficient_size ? success : code;
                }))
            tell(gpu, "other_processes", processes);
    }

    void uuid(int gpu, Device device) {
        std::array<char, 96> text{};
        if (call<int(Device, char*, unsigned)>(gpu, "nvmlDeviceGetUUID", "uuid",
                                               [&](auto f) { return f(device, text.data(), 95); }))
            tell(gpu, "uuid", text.data());
    }

    // CUDA_VISIBLE_DEVICES may name a slice: whose it is, only its id tells.
    void mig_uuids(int gpu, Device device) {
        Json ids = Json::array();
        for (unsigned i = 0; i < mig_slices_max; ++i) {
            Device slice = nullptr;
            std::array<char, 96> text{};
            if (!call<int(Device, unsigned, Device*)>(gpu, "nvmlDeviceGetMigDeviceHandleByIndex",
                                                      "mig_uuids",
                                                      [&](auto f) { return f(device, i, &slice); }))
                break;
            if (call<int(Device, char*, unsigned)>(
                    gpu, "nvmlDeviceGetUUID", "mig_uuids",
                    [&](auto f) { return f(slice, text.data(), 95); }))
                ids.push_back(text.data());
        }
        tell(gpu, "mig_uuids", ids);
    }

    template <typename T>
    void number(int gpu, Device device, const char* symbol, const char* fact) {
        T value = 0;
        if (call<int(Device, T*)>(gpu, symbol, fact, [&](auto f) { return f(device, &value); }))
            tell(gpu, fact, value);
    }

    void mode(int gpu, Device device, const char* symbol, const char* fact) {
        unsigned current = 0, pending = 0;
        if (call<int(Device, unsigned*, unsigned*)>(
                gpu, symbol, fact, [&](auto f) { return f(device, &current, &pending); }))
            tell(gpu, fact, current == 0 ? "disabled" : "enabled");
        if (std::string_view(fact) == "mig" && current != 0) mig_uuids(gpu, device);
    }

    // Says what is asked (so that the parent knows where a hang was), asks, says a failure.
    template <typename Signature, typename Ask>
    bool call(int gpu, const char* symbol, const char* fact, const Ask& ask) {
        void* address = ::dlsym(library_, symbol);
        if (address == nullptr) {
            speaker_.say(
                canonical_json(Json{{"gpu", gpu},
                                    {"fact", fact},
                                    {"unknown", fmt::format("this NVML has no {}", symbol)}}));
            return false;
        }
        speaker_.say(canonical_json(Json{{"gpu", gpu}, {"asking", symbol}, {"fact", fact}}));
        const int code = ask(reinterpret_cast<Signature*>(address));
        if (code == success) return true;
        speaker_.say(
            canonical_json(Json{{"gpu", gpu},
                                {"fact", fact},
                                {"code", code},
                                {"unknown", fmt::format("{}: {}", symbol, error_words(code))}}));
        return false;
    }

    template <typename T>
    void tell(int gpu, const char* fact, const T& value) {
        speaker_.say(canonical_json(Json{{"gpu", gpu}, {"fact", fact}, {"value", value}}));
    }

    void* library_;
    const Speaker& speaker_;
};

void interview(const std::string& library, const Speaker& speaker,
               const std::function<void(Interview&)>& ask) {
    void* handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
        const char* why = ::dlerror();
        speaker.say(canonical_json(
            Json{{"gpu", -1}, {"fact", "library"}, {"unknown", why != nullptr ? why : library}}));
        return;
    }
    Interview interview(handle, speaker);
    ask(interview);
}

// nvmlClocksThrottleReasons bits that mean the GPU runs slower than it could (idle and
// application-clock settings are no throttling).
std::string throttle_words(std::uint64_t bits) {
    static constexpr std::pair<int, const char*> names[] = {
        {2, "software power cap"},
        {3, "hardware slowdown"},
        {4, "sync boost"},
        {5, "software thermal slowdown"},
        {6, "hardware thermal slowdown"},
        {7, "hardware power brake"},
    };
    std::vector<std::string> words;
    for (const auto& [index, name] : names)
        if ((bits >> index & 1) != 0) words.emplace_back(name);
    return fmt::format("{}", fmt::join(words, ", "));
}

// What the child said of one GPU: fact -> value or reason.
struct Said {
    std::map<std::string, Json> values;
    std::map<std::string, std::string> unknown;
    std::string lost;  // what it answered when it had fallen off the bus; "": it had not

    template <typename T>
    Fact<T> fact(const std::string& name, double scale = 1) const {
        const auto found = values.find(name);
        const auto why = unknown.find(name);
        if (found == values.end())
            return Fact<T>::unknown(why == unknown.end() ? "NVML was not asked" : why->second);
        if constexpr (std::is_same_v<T, std::string>) {
            if (found->second.is_string() && !found->second.get<std::string>().empty())
                return Fact<T>::known(found->second.get<std::string>(), "NVML");
        } else if (found->second.is_number()) {
            const double value = found->second.get<double>() * scale;
            if (value >= 0 && value < 1e9) return Fact<T>::known(static_cast<T>(value), "NVML");
        }
        return Fact<T>::unknown("NVML: not a usable answer");
    }
};

GpuInfo gpu_from(const Said& said) {
    GpuInfo gpu;
    gpu.vendor = "nvidia";
    gpu.model = said.fact<std::string>("model");
    gpu.pci_id = said.fact<std::string>("pci_id");
    const auto address = said.fact<std::string>("pci_address");
    gpu.pci_address = address;
    if (address)
        gpu.pci_address = pci_address(*address).empty()
                              ? Fact<std::string>::unknown("NVML: not a PCI address")
                              : Fact<std::string>::known(pci_address(*address), "NVML");
    gpu.vbios = said.fact<std::string>("vbios");
    gpu.memory_mb = said.fact<int>("memory_mb");
    gpu.compute_capability = said.fact<std::string>("compute_capability");
    gpu.multiprocessors = said.fact<int>("cuda_cores");
    if (gpu.multiprocessors) {
        const int each = cuda_cores_per_multiprocessor(gpu.compute_capability.value_or(""));
        gpu.multiprocessors =
            each > 0 ? Fact<int>::known(*gpu.multiprocessors / each,
                                        fmt::format("NVML: CUDA cores / {} a multiprocessor", each))
                     : Fact<int>::unknown("cores per multiprocessor of this GPU are not known");
    }
    gpu.clock_max_mhz = said.fact<double>("clock_max_mhz");
    gpu.power_limit_w = said.fact<double>("power_limit_mw", 1e-3);
    gpu.power_limit_default_w = said.fact<double>("power_limit_default_mw", 1e-3);
    gpu.ecc = said.fact<std::string>("ecc");
    gpu.mig = said.fact<std::string>("mig");
    const auto throttle = said.values.find("throttle");
    if (throttle != said.values.end() && throttle->second.is_number_unsigned())
        gpu.throttle =
            Fact<std::string>::known(throttle_words(throttle->second.get<std::uint64_t>()), "NVML");
    else
        gpu.throttle = Fact<std::string>::unknown(said.fact<double>("throttle").reason());
    gpu.other_processes = said.fact<int>("other_processes");
    gpu.temperature_c = said.fact<double>("temperature_c");
    if (!said.lost.empty())
        gpu.device = Fact<std::string>::unknown(fmt::format("{} ({})", gpu_lost, said.lost));
    return gpu;
}

std::vector<std::string> uuids_from(const Said& said) {
    std::vector<std::string> uuids;
    const auto own = said.values.find("uuid");
    if (own != said.values.end() && own->second.is_string())
        uuids.push_back(own->second.get<std::string>());
    const auto slices = said.values.find("mig_uuids");
    if (slices != said.values.end() && slices->second.is_array())
        for (const Json& id : slices->second)
            if (id.is_string()) uuids.push_back(id.get<std::string>());
    return uuids;
}

// A GPU without a handle answers nothing, whatever the library calls the reason; one that another
// process owns is not lost.
bool tells_of_a_lost_gpu(const std::string& fact, int code) {
    return code == gpu_is_lost || (fact == "handle" && code != no_permission);
}

// The GPUs on the bus that the report does not tell of, where there are as many as the library
// lists and cannot ask.
void mark_lost(const NvmlReport& report, const std::set<std::string>& told, Hardware& hardware) {
    std::vector<const GpuInfo*> lost;
    for (const GpuInfo& gpu : report.gpus)
        if (is_lost(gpu) && !gpu.pci_address) lost.push_back(&gpu);
    std::vector<GpuInfo*> silent;
    for (GpuInfo& gpu : hardware.gpus)
        if (gpu.vendor == "nvidia" && gpu.pci_address && !told.contains(*gpu.pci_address))
            silent.push_back(&gpu);
    if (lost.size() == silent.size()) {
        for (std::size_t i = 0; i < lost.size(); ++i) silent[i]->device = lost[i]->device;
    } else if (lost.empty() && !told.empty() && report.reason.empty()) {
        for (GpuInfo* gpu : silent)
            gpu->device = Fact<std::string>::unknown(
                "the NVIDIA driver does not list it: it is not given to this container, or another "
                "driver holds it");
    }
}

// What the library lists as a GPU of its own with a bus address may be the integrated GPU of a
// Tegra, of which there is one: unless the bus has a GPU there, which then is another card.
GpuInfo* integrated_gpu(Hardware& hardware) {
    for (GpuInfo& gpu : hardware.gpus)
        if (gpu.vendor == "nvidia" && !gpu.pci_address) return &gpu;
    return nullptr;
}

GpuInfo* gpu_told(const GpuInfo& told, Hardware& hardware) {
    const auto at_address =
        std::find_if(hardware.gpus.begin(), hardware.gpus.end(), [&](const GpuInfo& gpu) {
            return told.pci_address && gpu.pci_address && *gpu.pci_address == *told.pci_address;
        });
    if (at_address != hardware.gpus.end()) return &*at_address;
    if (GpuInfo* integrated = integrated_gpu(hardware)) return integrated;
    return told.pci_address ? &gpu_at(hardware, *told.pci_address, "nvidia") : nullptr;
}

}  // namespace

int cuda_cores_per_multiprocessor(const std::string& compute_capability) {
    if (compute_capability == "6.0" || compute_capability == "8.0") return 64;
    if (compute_capability.starts_with("7.")) return 64;
    for (const char* major : {"5.", "6.", "8.", "9.", "10.", "11.", "12."})
        if (compute_capability.starts_with(major)) return 128;
    return 0;
}

NvmlTranscript interview_nvml(const std::string& library, Nanoseconds call_limit) {
    const ChildReport child = ask_in_child(
        [&library](const Speaker& speaker) {
            interview(library, speaker, [](Interview& asked) { asked.everything(); });
        },
        call_limit);
    return {child.said, child.misfortune};
}

ReadResult<GpuEnergy> read_gpu_energy(const std::string& library, int index,
                                      Nanoseconds call_limit) {
    const ChildReport child = ask_in_child(
        [&](const Speaker& speaker) {
            interview(library, speaker,
                      [&](Interview& asked) { asked.energy(static_cast<unsigned>(index)); });
        },
        call_limit);
    GpuEnergy energy;
    std::string reason = child.misfortune.empty() ? "" : "NVML " + child.misfortune;
    bool known = false;
    for (const std::string& line : split(child.said, '\n')) {
        const Json word = Json::parse(line, nullptr, false);
        if (!word.is_object()) continue;
        const std::string fact = word.value("fact", "");
        const Json value = word.value("value", Json());
        if (fact == "count" && value.is_number_unsigned()) energy.gpus = value.get<int>();
        if (fact == "read_at_ns" && value.is_number_integer())
            energy.at = Nanoseconds(value.get<std::int64_t>());
        if (fact == "total_energy_mj" && value.is_number_unsigned()) {
            energy.total_mj = value.get<std::uint64_t>();
            known = true;
        }
        if (word.contains("unknown") && word["unknown"].is_string() && reason.empty())
            reason = word["unknown"].get<std::string>();
    }
    if (known) return energy;
    if (reason.empty()) reason = "NVML did not tell its energy";
    return tl::make_unexpected(ReadFailure{Absence::failed, reason});
}

NvmlReport read_nvml(const NvmlTranscript& transcript) {
    NvmlReport report;
    std::map<int, Said> said;
    std::pair<int, std::string> asked_last{-1, ""};
    std::string asked_symbol;
    for (const std::string& line : split(transcript.said, '\n')) {
        const Json word = Json::parse(line, nullptr, false);
        if (!word.is_object() || !word.value("gpu", Json()).is_number_integer() ||
            !word.value("fact", Json()).is_string())
            continue;
        const int gpu = word["gpu"].get<int>();
        if (gpu < -1 || gpu >= static_cast<int>(gpus_max)) continue;
        const std::string fact = word["fact"].get<std::string>();
        if (word.value("asking", Json()).is_string()) {
            asked_last = {gpu, fact};
            asked_symbol = word["asking"].get<std::string>();
        } else if (word.contains("value")) {
            said[gpu].values[fact] = word["value"];
        } else if (word.value("unknown", Json()).is_string()) {
            said[gpu].unknown[fact] = word["unknown"].get<std::string>();
            const Json code = word.value("code", Json());
            if (gpu >= 0 && code.is_number_integer() && tells_of_a_lost_gpu(fact, code.get<int>()))
                said[gpu].lost = said[gpu].unknown[fact];
            if (gpu < 0 && report.reason.empty()) report.reason = said[gpu].unknown[fact];
        }
    }
    if (!transcript.misfortune.empty()) {
        report.reason = asked_symbol.empty()
                            ? fmt::format("NVML {}", transcript.misfortune)
                            : fmt::format("{} {}", asked_symbol, transcript.misfortune);
        said[asked_last.first].unknown[asked_last.second] = report.reason;
    }
    report.driver = said[-1].fact<std::string>("driver");
    said.erase(-1);
    for (const auto& [index, words] : said) {
        report.gpus.push_back(gpu_from(words));
        report.gpus.back().uuids = uuids_from(words);
        // Everything after the call that hung was not asked, for its sake.
        if (transcript.misfortune.empty()) continue;
        GpuInfo& gpu = report.gpus.back();
        for (Fact<std::string>* f : {&gpu.model, &gpu.pci_id, &gpu.vbios, &gpu.compute_capability,
                                     &gpu.ecc, &gpu.mig, &gpu.throttle})
            if (!*f && f->reason() == "NVML was not asked")
                *f = Fact<std::string>::unknown("not asked: " + report.reason);
    }
    return report;
}

void merge_nvml(const NvmlReport& report, Hardware& hardware) {
    std::set<std::string> addresses;
    for (const GpuInfo& told : report.gpus) {
        if (is_lost(told) && !told.pci_address) continue;
        GpuInfo* gpu = gpu_told(told, hardware);
        if (gpu == nullptr) continue;
        if (gpu->pci_address) addresses.insert(*gpu->pci_address);
        fill(gpu->device, told.device);
        gpu->uuids = told.uuids;
        fill(gpu->model, told.model);
        // An integrated GPU has neither; what newer libraries make up for it would move the
        // fingerprint with the library.
        if (gpu->pci_address) {
            fill(gpu->pci_id, told.pci_id);
            fill(gpu->vbios, told.vbios);
        }
        fill(gpu->memory_mb, told.memory_mb);
        fill(gpu->driver, report.driver);
        fill(gpu->compute_capability, told.compute_capability);
        fill(gpu->multiprocessors, told.multiprocessors);
        fill(gpu->clock_max_mhz, told.clock_max_mhz);
        fill(gpu->power_limit_w, told.power_limit_w);
        fill(gpu->power_limit_default_w, told.power_limit_default_w);
        fill(gpu->ecc, told.ecc);
        fill(gpu->mig, told.mig);
        fill(gpu->throttle, told.throttle);
        fill(gpu->other_processes, told.other_processes);
        fill(gpu->temperature_c, told.temperature_c);
    }
    mark_lost(report, addresses, hardware);
    for (GpuInfo& gpu : hardware.gpus) {
        if (gpu.vendor != "nvidia") continue;
        // What a lost GPU would have told is unknown for that reason, and for no other.
        if (is_lost(gpu))
            for_each_fact(gpu, [&](auto& fact) {
                if (!fact) fact = unknown_like(fact, gpu.device.reason());
            });
        else if (!report.reason.empty())
            for_each_fact(gpu, [&](auto& fact) { fill(fact, unknown_like(fact, report.reason)); });
    }
}

}  // namespace peakward::detail
