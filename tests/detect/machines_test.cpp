// What detection says of every named machine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "core/records_json.hpp"
#include "detect/caches.hpp"
#include "detect/machines.hpp"

namespace peakward {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;

// "level type KiB x instances / CPUs that share one", one per cache level and kind.
std::vector<std::string> cache_lines(const CpuInfo& cpu) {
    std::vector<std::string> lines;
    for (const CacheLevel& cache : cpu.caches)
        lines.push_back(fmt::format("L{}{} {}K x{} /{}", cache.level, cache.type[0],
                                    cache.size_bytes / 1024, cache.instances,
                                    cache.shared_by_cpus));
    return lines;
}

// "name microarchitecture cores/cpus MHz"
std::vector<std::string> kind_lines(const CpuInfo& cpu) {
    std::vector<std::string> lines;
    for (const CoreKind& kind : cpu.core_kinds)
        lines.push_back(fmt::format("{}:{} {}/{} {:.0f}", kind.name, kind.microarchitecture,
                                    kind.cores, kind.cpus.size(), kind.clock_max_mhz.value_or(0)));
    return lines;
}

struct Expected {
    const char* machine;
    const char* model;
    const char* vendor;
    int sockets, cores, threads, numa_nodes;  // -1: unknown
    const char* microarchitecture;
    double memory_gb;  // -1: unknown
    std::vector<std::string> kinds;
    std::vector<std::string> caches;
};

void PrintTo(const Expected& expected, std::ostream* stream) { *stream << expected.machine; }

class Machine : public testing::TestWithParam<Expected> {};

TEST_P(Machine, IsDetectedAsWhatItIs) {
    const Expected& expected = GetParam();
    const Hardware hardware = detect_on(expected.machine).hardware;
    EXPECT_EQ(hardware.cpu.model.value_or(hardware.cpu.model.reason()), expected.model);
    EXPECT_EQ(hardware.cpu.vendor.value_or(""), expected.vendor);
    EXPECT_EQ(hardware.cpu.sockets.value_or(-1), expected.sockets);
    EXPECT_EQ(hardware.cpu.cores_physical.value_or(-1), expected.cores);
    EXPECT_EQ(hardware.cpu.cores_logical.value_or(-1), expected.threads);
    EXPECT_EQ(hardware.cpu.numa_nodes.value_or(-1), expected.numa_nodes);
    EXPECT_EQ(hardware.cpu.microarchitecture, expected.microarchitecture);
    EXPECT_EQ(hardware.memory.total_gb.value_or(-1), expected.memory_gb);
    EXPECT_EQ(kind_lines(hardware.cpu), expected.kinds);
    // A CPUID dump has no sysfs: only hwloc reads its caches, and a cross build is without hwloc.
    const auto root = machine(expected.machine);
    const bool only_by_hwloc = detail::caches_from_sysfs(*root).caches.empty();
    if (!only_by_hwloc || detail::caches_from_hwloc(*root).reason != "built without hwloc") {
        EXPECT_EQ(cache_lines(hardware.cpu), expected.caches);
    }
    EXPECT_EQ(hardware.fingerprint.size(), 16u);
    EXPECT_EQ(hardware.lineage.size(), 16u);
}

TEST_P(Machine, HasAReasonForEverythingThatIsUnknown) {
    const Context context = detect_on(GetParam().machine);
    const std::string json = canonical_json(to_json(context));
    EXPECT_THAT(json, Not(HasSubstr(R"({"unknown":""})")));
    const Json hardware = to_json(context.hardware);
    EXPECT_THAT(hardware.dump(), Not(HasSubstr("not looked for")));
    EXPECT_EQ(context.install, no_install);
}

#ifdef __x86_64__  // The cross build has no hwloc to compare with.
TEST_P(Machine, HasTheSameCachesByHwlocAndBySysfs) {
    const auto root = machine(GetParam().machine);
    const auto by_hwloc = detail::caches_from_hwloc(*root);
    const auto by_sysfs = detail::caches_from_sysfs(*root);
    EXPECT_EQ(by_hwloc.caches.empty(), !by_hwloc.reason.empty());
    EXPECT_EQ(by_sysfs.caches.empty(), !by_sysfs.reason.empty());
    if (by_hwloc.caches.empty() || by_sysfs.caches.empty()) return;
    EXPECT_EQ(by_hwloc.caches, by_sysfs.caches);
}
#endif

const std::vector<Expected> machines = {
    {"intel-i7-12700k",
     "Intel(R) Core(TM) i7-12700K",
     "GenuineIntel",
     1,
     12,
     20,
     1,
     "alder_lake",
     32,
     {"performance:golden_cove 8/16 4900", "efficiency:gracemont 4/4 3800"},
     {"L1d 48K x8 /2", "L1d 32K x4 /1", "L1i 64K x4 /1", "L1i 32K x8 /2", "L2u 2048K x1 /4",
      "L2u 1280K x8 /2", "L3u 25600K x1 /20"}},
    {"hp-elitebook-i7-1370p",
     "13th Gen Intel(R) Core(TM) i7-1370P",
     "GenuineIntel",
     1,
     14,
     20,
     1,
     "raptor_lake",
     32,
     {"performance:raptor_cove 6/12 5200", "efficiency:gracemont 8/8 3900"},
     {"L1d 48K x6 /2", "L1d 32K x8 /1", "L1i 64K x8 /1", "L1i 32K x6 /2", "L2u 2048K x2 /4",
      "L2u 1280K x6 /2", "L3u 24576K x1 /20"}},
    {"intel-i7-1370p-cpuid",
     "13th Gen Intel(R) Core(TM) i7-1370P",
     "GenuineIntel",
     1,
     14,
     20,
     -1,
     "raptor_lake",
     -1,
     {"performance:raptor_cove 6/12 0", "efficiency:gracemont 8/8 0"},
     {"L1d 48K x6 /2", "L1d 32K x8 /1", "L1i 64K x8 /1", "L1i 32K x6 /2", "L2u 2048K x2 /4",
      "L2u 1280K x6 /2", "L3u 24576K x1 /20"}},
    {"amd-epyc-7763-2s",
     "AMD EPYC 7763 64-Core Processor",
     "AuthenticAMD",
     2,
     128,
     256,
     2,
     "zen3",
     1024,
     {":zen3 128/256 3529"},
     {"L1d 32K x128 /2", "L1i 32K x128 /2", "L2u 512K x128 /2", "L3u 32768K x16 /16"}},
    {"amd-epyc-9654-2s-cpuid",
     "AMD EPYC 9654 96-Core Processor",
     "AuthenticAMD",
     2,
     192,
     384,
     -1,
     "zen4",
     -1,
     {":zen4 192/384 0"},
     {"L1d 32K x192 /2", "L1i 32K x192 /2", "L2u 1024K x192 /2", "L3u 32768K x24 /16"}},
    {"amd-ryzen-ai-9-hx370-cpuid",
     "AMD Ryzen AI 9 HX 370 w/ Radeon 890M",
     "AuthenticAMD",
     1,
     12,
     24,
     -1,
     "zen5",
     -1,
     {"performance:zen5 4/8 0", "efficiency:zen5c 8/16 0"},
     {"L1d 48K x12 /2", "L1i 32K x12 /2", "L2u 1024K x12 /2", "L3u 16384K x1 /8",
      "L3u 8192K x1 /16"}},
    {"intel-xeon-max-9460-2s-cpuid",
     "Intel (R) Xeon (R) CPU Max 9460",
     "GenuineIntel",
     2,
     80,
     160,
     -1,
     "sapphire_rapids",
     -1,
     {":sapphire_rapids 80/160 0"},
     {"L1d 48K x80 /2", "L1i 32K x80 /2", "L2u 2048K x80 /2", "L3u 99840K x2 /80"}},
    {"amd-7950x-rx7900xtx",
     "AMD Ryzen 9 7950X 16-Core Processor",
     "AuthenticAMD",
     1,
     16,
     32,
     1,
     "zen4",
     64,
     {":zen4 16/32 5881"},
     {"L1d 32K x16 /2", "L1i 32K x16 /2", "L2u 1024K x16 /2", "L3u 32768K x2 /16"}},
    {"nvidia-jetson-orin-nano",
     "Cortex-A78AE",
     "ARM",
     1,
     6,
     6,
     1,
     "cortex_a78ae",
     8,
     {":cortex_a78ae 6/6 1728"},
     {"L1d 64K x6 /1", "L1i 64K x6 /1", "L2u 256K x6 /1", "L3u 2048K x1 /4", "L3u 2048K x1 /2"}},
    {"ampere-altra-q80-30",
     "Neoverse-N1",
     "ARM",
     1,
     80,
     80,
     1,
     "neoverse_n1",
     256,
     {":neoverse_n1 80/80 3000"},
     {"L1d 64K x80 /1", "L1i 64K x80 /1", "L2u 1024K x80 /1"}},
    {"nvidia-dgx-gb10",
     "Cortex-X925 + Cortex-A725",
     "ARM",
     1,
     20,
     20,
     1,
     "cortex_x925",
     128,
     {"performance:cortex_x925 10/10 3900", "efficiency:cortex_a725 10/10 2808"},
     {"L1d 64K x20 /1", "L1i 64K x20 /1", "L2u 2048K x10 /1", "L2u 512K x10 /1",
      "L3u 16384K x1 /10", "L3u 8192K x1 /10"}},
    {"huawei-kunpeng-920-2s",
     "TaiShan-v110",
     "HiSilicon",
     2,
     128,
     128,
     4,
     "taishan_v110",
     512,
     {":taishan_v110 128/128 0"},
     {"L1d 64K x128 /1", "L1i 64K x128 /1", "L2u 512K x128 /1", "L3u 32768K x4 /32"}},
    {"nvidia-dgx-h100",
     "Intel(R) Xeon(R) Platinum 8480C",
     "GenuineIntel",
     2,
     112,
     224,
     2,
     "sapphire_rapids",
     2048,
     {":sapphire_rapids 112/224 3800"},
     {"L1d 48K x112 /2", "L1i 32K x112 /2", "L2u 2048K x112 /2", "L3u 107520K x2 /112"}},
    {"nec-aurora-xeon-4108-2s",
     "Intel(R) Xeon(R) Silver 4108 CPU @ 1.80GHz",
     "GenuineIntel",
     2,
     16,
     32,
     2,
     "skylake_server",
     96,
     {":skylake_server 16/32 0"},
     {"L1d 32K x16 /2", "L1i 32K x16 /2", "L2u 1024K x16 /2", "L3u 11264K x2 /16"}},
    {"dell-r740-xeon-6230-2s",
     "Intel(R) Xeon(R) Gold 6230 CPU @ 2.10GHz",
     "GenuineIntel",
     2,
     40,
     80,
     4,
     "cascade_lake",
     1536,
     {":cascade_lake 40/80 0"},
     {"L1d 32K x40 /2", "L1i 32K x40 /2", "L2u 1024K x40 /2", "L3u 28160K x2 /40"}},
    {"supermicro-opteron-6134-4s",
     "AMD Opteron(tm) Processor 6134",
     "AuthenticAMD",
     4,
     32,
     32,
     8,
     "k10",
     128,
     {":k10 32/32 2300"},
     {"L1d 64K x32 /1", "L1i 64K x32 /1", "L2u 512K x32 /1", "L3u 5118K x8 /4"}},
    {"kvm-guest-cascade-lake",
     "Intel(R) Xeon(R) Processor @ 2.50GHz",
     "GenuineIntel",
     1,
     2,
     2,
     1,
     "cascade_lake",
     24,
     {":cascade_lake 2/2 0"},
     {"L1d 32K x2 /1", "L1i 32K x2 /1", "L2u 1024K x2 /1", "L3u 36608K x1 /2"}},
    {"docker-half-cpu",
     "Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz",
     "GenuineIntel",
     1,
     4,
     8,
     1,
     "cascade_lake",
     32,
     {":cascade_lake 4/8 0"},
     {}},
    {"arrow-lake-h",
     "Intel(R) Core(TM) Ultra 9 285H",
     "GenuineIntel",
     1,
     16,
     16,
     1,
     "arrow_lake",
     32,
     {"performance:lion_cove 6/6 5400", "efficiency:skymont 8/8 4500",
      "low_power:crestmont 2/2 2500"},
     {}},
    {"hybrid-half-sysfs",
     "12th Gen Intel(R) Core(TM) i7-12700K",
     "GenuineIntel",
     1,
     12,
     20,
     -1,
     "alder_lake",
     32,
     {"performance:golden_cove 8/16 4900", "unnamed: 4/4 3800"},
     {}},
    {"lxcfs-hybrid",
     "13th Gen Intel(R) Core(TM) i5-13500",
     "GenuineIntel",
     1,
     4,
     4,
     1,
     "raptor_lake",
     8,
     {":gracemont 4/4 3500"},
     {}},
    {"asahi-m1",
     "Firestorm-M1 + Icestorm-M1",
     "Apple",
     1,
     8,
     8,
     1,
     "firestorm_m1",
     8,
     {"performance:firestorm_m1 4/4 3204", "efficiency:icestorm_m1 4/4 2064"},
     {}},
    {"graviton4-m8gd",
     "Neoverse-V2",
     "ARM",
     1,
     96,
     96,
     -1,
     "neoverse_v2",
     192,
     {":neoverse_v2 96/96 0"},
     {}},
    {"coral-gaudi",
     "Intel(R) Xeon(R) Platinum 8480C",
     "GenuineIntel",
     1,
     8,
     8,
     -1,
     "sapphire_rapids",
     128,
     {":sapphire_rapids 8/8 0"},
     {}},
    {"lost-gpu",
     "AMD EPYC 7443P 24-Core Processor",
     "AuthenticAMD",
     1,
     8,
     8,
     -1,
     "zen3",
     128,
     {":zen3 8/8 0"},
     {}},
    {"jetson-thor",
     "Neoverse-V3AE",
     "ARM",
     1,
     14,
     14,
     1,
     "neoverse_v3ae",
     128,
     {":neoverse_v3ae 14/14 0"},
     {}},
    {"orin-nano-capped",
     "Cortex-A78AE",
     "ARM",
     1,
     6,
     6,
     -1,
     "cortex_a78ae",
     8,
     {":cortex_a78ae 6/6 0"},
     {}},
    {"mi250x",
     "Intel(R) Xeon(R) Platinum 8480C",
     "GenuineIntel",
     1,
     8,
     8,
     -1,
     "sapphire_rapids",
     128,
     {":sapphire_rapids 8/8 0"},
     {}},
    {"vgpu-a10",
     "Intel(R) Xeon(R) Platinum 8480C",
     "GenuineIntel",
     1,
     8,
     8,
     -1,
     "sapphire_rapids",
     128,
     {":sapphire_rapids 8/8 0"},
     {}},
    {"almost-nothing", "/proc/cpuinfo: permission denied", "", -1, -1, -1, -1, "", -1, {}, {}},
    {"everything-broken", "/proc/cpuinfo: no line 'model name'", "", -1, -1, 1, -1, "", -1, {}, {}},
};

INSTANTIATE_TEST_SUITE_P(Named, Machine, testing::ValuesIn(machines), [](const auto& tested) {
    std::string name = tested.param.machine;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

TEST(Machines, AreAllExpectedSomewhere) {
    std::vector<std::string> expected;
    for (const Expected& one : machines) expected.emplace_back(one.machine);
    std::sort(expected.begin(), expected.end());
    std::vector<std::string> present;
    for (const auto& entry : std::filesystem::directory_iterator(machine_folder("")))
        present.push_back(entry.path().filename().string());
    std::sort(present.begin(), present.end());
    EXPECT_EQ(present, expected);
}

TEST(Detection, NamesWhatKernelsCanUse) {
    EXPECT_THAT(detect_on("nvidia-dgx-h100").hardware.cpu.isa,
                IsSupersetOf({"sse2", "avx", "fma", "avx2", "avx_vnni", "avx512f", "avx512bw",
                              "avx512vl", "avx512dq", "avx512_vnni", "avx512_bf16", "avx512_fp16",
                              "amx_tile", "amx_int8", "amx_bf16"}));
    const auto desktop = detect_on("intel-i7-12700k").hardware.cpu.isa;
    EXPECT_THAT(desktop, Contains("avx_vnni"));
    EXPECT_THAT(desktop, Not(Contains("avx512f")));
    EXPECT_THAT(detect_on("nvidia-dgx-gb10").hardware.cpu.isa,
                IsSupersetOf({"asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve", "sve2"}));
    EXPECT_THAT(detect_on("intel-xeon-max-9460-2s-cpuid").hardware.cpu.isa,
                IsSupersetOf({"avx2", "avx512_bf16", "avx512_fp16", "avx_vnni"}));
    EXPECT_THAT(detect_on("kvm-guest-cascade-lake").hardware.cpu.isa, Not(Contains("avx512_bf16")));
}

// Seen on 2026-11-29: a guest with AMX whose model number is Rocket Lake's.
TEST(Detection, DoesNotBelieveAModelNumberThatTheInstructionsBelie) {
    const std::string numbers =
        "processor : 0\nvendor_id : GenuineIntel\ncpu family : 6\nmodel : 167\nstepping : 1\n";
    ChangedMachine changed("kvm-guest-cascade-lake");
    changed.file("/proc/cpuinfo", numbers + "flags : sse2 avx avx2 avx512f\n");
    EXPECT_EQ(detect_on(changed).hardware.cpu.microarchitecture, "rocket_lake");
    changed.file("/proc/cpuinfo", numbers + "flags : sse2 avx avx2 avx512f amx_tile\n");
    const CpuInfo cpu = detect_on(changed).hardware.cpu;
    EXPECT_EQ(cpu.microarchitecture, "");
    EXPECT_EQ(*cpu.model_number, 167);  // what was shown is kept
}

TEST(Detection, AsksCpuidForFeaturesThatAnOldKernelHasNoNameFor) {
    ChangedMachine changed("intel-xeon-max-9460-2s-cpuid");
    changed.file("/proc/cpuinfo",
                 "processor : 0\nvendor_id : GenuineIntel\nflags : sse2 avx avx2 fma avx512f\n");
    EXPECT_THAT(detect_on(changed).hardware.cpu.isa, IsSupersetOf({"avx512_fp16", "avx_vnni"}));
    // A kernel that was told to keep AVX-512 off has not forgotten its name.
    changed.file("/proc/cpuinfo", "processor : 0\nvendor_id : GenuineIntel\nflags : sse2 avx\n");
    EXPECT_THAT(detect_on(changed).hardware.cpu.isa, Not(Contains("avx512_fp16")));
}

TEST(Detection, CountsWhatIsOnline) {
    ChangedMachine changed("intel-i7-12700k");
    changed.file("/sys/devices/system/cpu/online", "0-7,16-17\n");
    const CpuInfo cpu = detect_on(changed).hardware.cpu;
    EXPECT_EQ(*cpu.cores_logical, 10);
    EXPECT_EQ(*cpu.cores_physical, 6);
    EXPECT_EQ(kind_lines(cpu), (std::vector<std::string>{"performance:golden_cove 4/8 4900",
                                                         "efficiency:gracemont 2/2 3800"}));
}

TEST(Detection, FallsBackToCpuinfoWithoutSysfs) {
    ChangedMachine changed("amd-epyc-7763-2s");
    changed.absent("/sys", Absence::missing);
    const CpuInfo cpu = detect_on(changed).hardware.cpu;
    EXPECT_EQ(*cpu.cores_physical, 128);
    EXPECT_EQ(*cpu.cores_logical, 256);
    EXPECT_EQ(*cpu.sockets, 2);
    EXPECT_EQ(cpu.cores_physical.source(), "/proc/cpuinfo");
}

TEST(Detection, TellsHybridKindsByEachKindOfEvidence) {
    const std::vector<std::string> expected{"performance:golden_cove 8/16 4900",
                                            "efficiency:gracemont 4/4 3800"};
    ChangedMachine by_base_clock("intel-i7-12700k");
    by_base_clock.absent("/sys/devices/cpu_core", Absence::missing);
    EXPECT_EQ(kind_lines(detect_on(by_base_clock).hardware.cpu), expected);
    ChangedMachine none("intel-i7-12700k");
    none.absent("/sys/devices/cpu_core", Absence::missing);
    for (int cpu = 0; cpu < 20; ++cpu)
        none.absent(fmt::format("/sys/devices/system/cpu/cpu{}/cpufreq", cpu), Absence::missing);
    ChangedMachine nothing("intel-i7-12700k");
    for (const char* kind : {"cpu_core", "cpu_atom"})
        nothing.absent(fmt::format("/sys/devices/{}", kind), Absence::missing);
    for (int cpu = 0; cpu < 20; ++cpu)
        nothing.absent(fmt::format("/sys/devices/system/cpu/cpu{}/cpufreq", cpu), Absence::missing);
    EXPECT_EQ(kind_lines(detect_on(nothing).hardware.cpu),
              std::vector<std::string>{":alder_lake 12/20 0"});
    // cpu_atom alone names its kind; the others are another one, of a design that nothing names.
    EXPECT_EQ(kind_lines(detect_on(none).hardware.cpu),
              (std::vector<std::string>{"efficiency:gracemont 4/4 0", "unnamed: 8/16 0"}));
}

TEST(Detection, ReadsMemoryModules) {
    const MemoryInfo memory = detect_on("amd-7950x-rx7900xtx").hardware.memory;
    EXPECT_EQ(*memory.total_gb, 64);
    EXPECT_EQ(*memory.channels, 2);
    EXPECT_EQ(*memory.configured_mts, 6000);
    EXPECT_EQ(*memory.type, "DDR5");
    EXPECT_THAT(memory.total_gb.source(), HasSubstr("SMBIOS"));
    const MemoryInfo denied = detect_on("ampere-altra-q80-30").hardware.memory;
    EXPECT_EQ(*denied.total_gb, 256);
    EXPECT_THAT(denied.channels.reason(), HasSubstr("permission denied"));
}

TEST(Detection, TakesTheInstalledSizeFromMemoryControllersWhereSmbiosIsDenied) {
    ChangedMachine changed("ampere-altra-q80-30");
    changed.folder("/sys/devices/system/edac/mc", {"mc0", "mc1", "power"});
    changed.file("/sys/devices/system/edac/mc/mc0/size_mb", "131072\n");
    changed.file("/sys/devices/system/edac/mc/mc1/size_mb", "147456\n");
    EXPECT_EQ(*detect_on(changed).hardware.memory.total_gb, 272);
    // Less than the kernel has is not the installed size.
    changed.file("/sys/devices/system/edac/mc/mc1/size_mb", "1024\n");
    EXPECT_EQ(*detect_on(changed).hardware.memory.total_gb, 256);
}

TEST(Detection, FindsTheGpusOfAnH100Server) {
    const Hardware hardware = detect_on("nvidia-dgx-h100").hardware;
    ASSERT_EQ(hardware.gpus.size(), 8u) << "neither the NVSwitch nor the console chip is a GPU";
    EXPECT_TRUE(std::is_sorted(
        hardware.gpus.begin(), hardware.gpus.end(),
        [](const GpuInfo& a, const GpuInfo& b) { return *a.pci_address < *b.pci_address; }));
    for (const GpuInfo& gpu : hardware.gpus) {
        EXPECT_EQ(gpu.vendor, "nvidia");
        EXPECT_EQ(*gpu.model, "NVIDIA H100 80GB HBM3");
        EXPECT_EQ(*gpu.pci_id, "10de:2330");
        EXPECT_EQ(*gpu.vbios, "96.00.74.00.01");
        EXPECT_EQ(*gpu.driver, "535.129.03");
        EXPECT_EQ(*gpu.multiprocessors, 132);
        EXPECT_THAT(gpu.vbios.source(), HasSubstr("/proc/driver/nvidia"));
        EXPECT_THAT(gpu.pci_id.source(), HasSubstr("/sys/bus/pci"));
    }
    EXPECT_EQ(*hardware.product_name, "NVIDIA DGXH100");
}

TEST(Detection, NamesAGpuWithoutADriverByItsPciId) {
    ChangedMachine changed("nvidia-dgx-h100");
    changed.absent("/proc/driver", Absence::missing).absent("/nvml.jsonl", Absence::missing);
    const Hardware hardware = detect_on(changed).hardware;
    ASSERT_EQ(hardware.gpus.size(), 8u);
    EXPECT_EQ(*hardware.gpus[0].model, "NVIDIA H100 80GB HBM3");
    EXPECT_THAT(hardware.gpus[0].model.source(), HasSubstr("PCI id"));
    EXPECT_FALSE(hardware.gpus[0].vbios);
}

TEST(Detection, DoesNotTakeQuestionMarksForAVbios) {
    ChangedMachine changed("intel-i7-12700k");
    changed.file("/proc/driver/nvidia/gpus/0000:01:00.0/information",
                 "Model: \t\t Unknown\nVideo BIOS: \t ??.??.??.??.??\n");
    changed.absent("/nvml.jsonl", Absence::missing);
    const GpuInfo gpu = detect_on(changed).hardware.gpus.at(0);
    EXPECT_THAT(gpu.vbios.reason(), HasSubstr("not initialised"));
    EXPECT_EQ(*gpu.model, "NVIDIA GeForce RTX 4090");
}

TEST(Detection, SeesAJetsonsIntegratedGpu) {
    const Hardware hardware = detect_on("nvidia-jetson-orin-nano").hardware;
    ASSERT_EQ(hardware.gpus.size(), 1u);
    const GpuInfo& gpu = hardware.gpus[0];
    EXPECT_EQ(*gpu.compute_capability, "8.7");
    EXPECT_EQ(*gpu.memory_mb, 8192);
    EXPECT_THAT(gpu.memory_mb.source(), HasSubstr("shared"));
    EXPECT_EQ(*gpu.clock_max_mhz, 1020);
    EXPECT_THAT(gpu.pci_id.reason(), HasSubstr("integrated"));
    EXPECT_THAT(*hardware.product_name, HasSubstr("Jetson Orin Nano"));
}

TEST(Detection, ReadsAmdGpusFromSysfs) {
    const Hardware hardware = detect_on("amd-7950x-rx7900xtx").hardware;
    ASSERT_EQ(hardware.gpus.size(), 2u) << "the card's audio function is no GPU";
    const GpuInfo& card = hardware.gpus[0];
    EXPECT_EQ(*card.pci_id, "1002:744c");
    EXPECT_EQ(*card.vbios, "113-D7020100-102");
    EXPECT_EQ(*card.memory_mb, 24560);
    EXPECT_EQ(*card.clock_max_mhz, 2526);
    EXPECT_EQ(*card.power_limit_w, 339);
    EXPECT_EQ(*card.temperature_c, 45);
    EXPECT_EQ(*hardware.gpus[1].memory_mb, 512);
}

TEST(Detection, FindsCardsWhereAContainerHidesTheBus) {
    ChangedMachine changed("docker-half-cpu");
    const std::string card = "/sys/class/drm/card1/device";
    changed.folder("/sys/class/drm", {"card1", "card1-DP-1", "renderD128"});
    changed.file(card + "/uevent", "DRIVER=amdgpu\nPCI_SLOT_NAME=0000:03:00.0\n");
    changed.file(card + "/vendor", "0x1002\n").file(card + "/device", "0x744c\n");
    changed.file(card + "/class", "0x030000\n").file(card + "/mem_info_vram_total", "1073741824\n");
    const Hardware hardware = detect_on(changed).hardware;
    ASSERT_EQ(hardware.gpus.size(), 1u);
    EXPECT_EQ(*hardware.gpus[0].pci_id, "1002:744c");
    EXPECT_EQ(*hardware.gpus[0].memory_mb, 1024);
}

TEST(Detection, TakesTheBoardsNameWhereTheProductHasNone) {
    EXPECT_EQ(*detect_on("intel-i7-12700k").hardware.product_name,
              "ASUSTeK COMPUTER INC. PRIME Z690-P D4");
    EXPECT_THAT(detect_on("everything-broken").hardware.product_name.reason(),
                HasSubstr("no answer within"));
}

}  // namespace
}  // namespace peakward
