// Broken files of every kind: detection may know nothing afterwards, but it comes back.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "core/records_json.hpp"
#include "detect/caches.hpp"
#include "detect/cpuid.hpp"
#include "detect/machines.hpp"
#include "detect/nvml.hpp"
#include "detect/parse.hpp"
#include "detect/seeded_bytes.hpp"
#include "detect/smbios.hpp"
#include "detect/sources/collect.hpp"

namespace peakward::detail {
namespace {

// The hardware sources alone; hwloc reads the untouched tree and would tell nothing.
Hardware hardware_of(const SysRoot& root) {
    TickingClock clock;
    const DetectOptions options;
    Context context;
    for (const auto collect : {collect_cpuinfo, collect_cpuid, collect_topology, collect_smbios,
                               collect_memory, collect_product, collect_pci_gpus,
                               collect_nvidia_proc, collect_amd, collect_jetson, collect_nvml})
        collect(root, clock, options, context);
    return context.hardware;
}

TEST(FuzzHardware, DamagedFilesNeverStopDetection) {
    const std::vector<std::pair<const char*, std::vector<const char*>>> targets = {
        {"intel-i7-12700k",
         {"/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu/online",
          "/sys/devices/cpu_core/cpus", "/proc/driver/nvidia/version", "/nvml.jsonl",
          "/proc/driver/nvidia/gpus/0000:01:00.0/information",
          "/sys/bus/pci/devices/0000:01:00.0/device"}},
        {"nvidia-jetson-orin-nano",
         {"/proc/cpuinfo", "/proc/device-tree/compatible", "/proc/device-tree/model",
          "/sys/devices/system/cpu/cpu3/topology/core_cpus_list"}},
        {"amd-7950x-rx7900xtx",
         {"/sys/firmware/dmi/tables/DMI", "/proc/cpuinfo", "/proc/meminfo",
          "/sys/bus/pci/devices/0000:03:00.0/pp_dpm_sclk",
          "/sys/bus/pci/devices/0000:03:00.0/mem_info_vram_total"}},
    };
    SeededBytes bytes(20261121);
    for (const auto& [name, paths] : targets) {
        const auto whole = machine(name);
        for (const char* path : paths) {
            const std::string original = whole->read(path).value_or("");
            ASSERT_NE(original, "") << path;
            for (int round = 0; round < 12; ++round) {
                ChangedMachine changed(name);
                changed.file(path, round % 5 == 0 ? bytes.noise(4000) : bytes.damaged(original));
                const Hardware hardware = hardware_of(changed);
                EXPECT_EQ(hardware_fingerprint(hardware).size(), 16u);
                EXPECT_FALSE(canonical_json(to_json(hardware)).empty());
                EXPECT_LE(hardware.cpu.cores_logical.value_or(0), cpus_max);
            }
        }
    }
}

TEST(FuzzHardware, ParsersTakeAnyBytes) {
    SeededBytes bytes(4711);
    const std::string dmi =
        machine("amd-epyc-7763-2s")->read("/sys/firmware/dmi/tables/DMI").value_or("");
    const std::string said = machine("nvidia-dgx-h100")->read("/nvml.jsonl").value_or("");
    ASSERT_FALSE(dmi.empty() || said.empty());
    for (int round = 0; round < 500; ++round) {
        const auto structures =
            parse_smbios(round % 2 == 0 ? bytes.damaged(dmi) : bytes.noise(600));
        for (const MemoryDevice& device : populated_memory(structures)) channel_of(device.locator);
        anonymous_memory_table(structures);
        read_nvml({bytes.damaged(said.substr(0, 2000)), ""});
        (void)parse_cpu_list(bytes.damaged("0-3,8,10-4095"));
        (void)parse_blocks(bytes.noise());
        (void)pci_address(bytes.damaged("0000:01:00.0"));
    }
}

// A processor that answers with arbitrary registers.
class NoisyCpuid final : public SysRoot {
public:
    explicit NoisyCpuid(std::uint64_t seed) : seed_(seed) {}
    ReadResult<std::string> read(std::string_view path) const override { return none(path); }
    ReadResult<std::vector<std::string>> list(std::string_view path) const override {
        return none(path);
    }
    ReadResult<std::string> read_link(std::string_view path) const override { return none(path); }
    bool exists(std::string_view) const override { return false; }
    ReadResult<CpuidRegisters> cpuid(int cpu, std::uint32_t leaf,
                                     std::uint32_t subleaf) const override {
        std::mt19937_64 engine(seed_ ^ (static_cast<std::uint64_t>(leaf) << 20) ^
                               (static_cast<std::uint64_t>(subleaf) << 8) ^
                               static_cast<std::uint64_t>(cpu));
        const auto word = [&] { return static_cast<std::uint32_t>(engine()); };
        if (word() % 8 == 0) return none("cpuid");
        return CpuidRegisters{word(), word(), word(), word()};
    }
    ReadResult<CommandOutput> run(const std::vector<std::string>&, Nanoseconds) const override {
        return none("command");
    }
    std::string architecture() const override { return "x86_64"; }
    ReadResult<std::vector<int>> affinity() const override { return std::vector<int>{0, 1, 2, 3}; }
    std::string root_folder() const override { return "/var/empty/none"; }
    bool is_live() const override { return false; }

private:
    static tl::unexpected<ReadFailure> none(std::string_view path) {
        return tl::make_unexpected(ReadFailure{Absence::missing, std::string(path) + ": none"});
    }
    std::uint64_t seed_;
};

TEST(FuzzHardware, AnyCpuidRegistersAreTaken) {
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        const NoisyCpuid root(seed * 0x9e3779b97f4a7c15ull);
        const Hardware hardware = hardware_of(root);
        EXPECT_EQ(hardware_fingerprint(hardware).size(), 16u);
        EXPECT_LE(hardware.cpu.cores_physical.value_or(0), 4);
        EXPECT_FALSE(canonical_json(to_json(hardware)).empty());
    }
}

TEST(FuzzHardware, DamagedCpuidDumpsAreTaken) {
    SeededBytes bytes(99);
    const std::string folder = machine_folder("intel-i7-1370p-cpuid");
    const auto original = read_whole_file(folder + "/cpuid/pu0");
    ASSERT_TRUE(original);
    const std::string scratch = testing::TempDir() + "/fuzz_cpuid_" + std::to_string(::getpid());
    std::filesystem::create_directories(scratch + "/cpuid");
    for (int round = 0; round < 100; ++round) {
        std::ofstream(scratch + "/cpuid/pu0", std::ios::binary) << bytes.damaged(*original);
        std::ofstream(scratch + "/machine.json") << R"({"architecture": "x86_64"})";
        const auto root = captured_sys_root(scratch);
        ASSERT_TRUE(root);
        EXPECT_EQ(hardware_fingerprint(hardware_of(**root)).size(), 16u);
    }
    std::filesystem::remove_all(scratch);
}

}  // namespace
}  // namespace peakward::detail
