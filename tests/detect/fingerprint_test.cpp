#include <gtest/gtest.h>

#include "core/sha256.hpp"
#include "core/text.hpp"
#include "detect/machines.hpp"

namespace peakward {
namespace {

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    for (std::size_t at = text.find(from); at != std::string::npos;
         at = text.find(from, at + to.size()))
        text.replace(at, from.size(), to);
    return text;
}

std::string mem_total(const std::string& meminfo, std::int64_t kilobytes) {
    return fmt::format("MemTotal: {} kB\n", kilobytes) + meminfo.substr(meminfo.find('\n') + 1);
}

TEST(Fingerprint, IsSeed000sFormula) {
    const Context context = detect_on("intel-i7-12700k");
    const std::string parts =
        "Intel(R) Core(TM) i7-12700K|GenuineIntel|4|0x2c|12|10de:2684|95.02.18.40.84|32";
    EXPECT_EQ(context.hardware.fingerprint, sha256_hex(parts).substr(0, 16));
    EXPECT_EQ(context.hardware.fingerprint, "054de5bd0d50f132");
    EXPECT_EQ(
        context.hardware.lineage,
        sha256_hex("Intel(R) Core(TM) i7-12700K|GenuineIntel|4|12|10de:2684|32").substr(0, 16));
}

TEST(Fingerprint, SaysNoGpuAndUnknown) {
    Hardware hardware;
    hardware.cpu.model = Fact<std::string>::known("X", "test");
    hardware.memory.total_gb = Fact<double>::known(15.5, "test");
    EXPECT_EQ(hardware_fingerprint(hardware),
              sha256_hex("X|unknown|unknown|unknown|unknown|no_gpu|no_gpu|15.5").substr(0, 16));
    EXPECT_EQ(hardware_lineage(hardware),
              sha256_hex("X|unknown|unknown|unknown|no_gpu|15.5").substr(0, 16));
}

TEST(Fingerprint, DoesNotMoveWithKernelMemoryReservations) {
    const Context before = detect_on("intel-i7-12700k");
    // From a kernel that keeps nothing for itself to one that reserves 9 % (crash kernel,
    // graphics).
    for (const std::int64_t kilobytes : {33554432ll, 32600228ll, 31500000ll, 30600000ll}) {
        ChangedMachine changed("intel-i7-12700k");
        changed.rewrite("/proc/meminfo",
                        [&](const std::string& text) { return mem_total(text, kilobytes); });
        EXPECT_EQ(detect_on(changed).hardware.fingerprint, before.hardware.fingerprint)
            << kilobytes;
    }
    ChangedMachine doubled("intel-i7-12700k");
    doubled.rewrite("/proc/meminfo",
                    [](const std::string& text) { return mem_total(text, 65200456); });
    EXPECT_NE(detect_on(doubled).hardware.fingerprint, before.hardware.fingerprint);
}

class FingerprintWithoutTools : public testing::TestWithParam<std::pair<const char*, Absence>> {};

TEST_P(FingerprintWithoutTools, DoesNotMove) {
    const auto& [name, absence] = GetParam();
    const Context before = detect_on(name);
    ChangedMachine changed(name);
    for (const char* path : {"command:nvidia-smi", "command:python3", "command:nvcc", "/nvml.jsonl",
                             "/sys/class/hwmon", "/usr/local/cuda", "/sys/class/dmi",
                             "/sys/class/thermal", "/sys/class/devfreq"})
        changed.absent(path, absence);
    const Context after = detect_on(changed);
    EXPECT_EQ(after.hardware.fingerprint, before.hardware.fingerprint);
    EXPECT_EQ(after.hardware.lineage, before.hardware.lineage);
}

INSTANTIATE_TEST_SUITE_P(Absent, FingerprintWithoutTools,
                         testing::Values(std::pair("intel-i7-12700k", Absence::missing),
                                         std::pair("intel-i7-12700k", Absence::slow),
                                         std::pair("intel-i7-12700k", Absence::denied),
                                         std::pair("intel-i7-12700k", Absence::malformed),
                                         std::pair("nvidia-dgx-h100", Absence::missing),
                                         std::pair("amd-7950x-rx7900xtx", Absence::missing),
                                         std::pair("nvidia-jetson-orin-nano", Absence::slow)));

TEST(Fingerprint, DoesNotMoveWithWhatOnlyRootMayRead) {
    const Context as_root = detect_on("amd-epyc-7763-2s");
    ASSERT_EQ(as_root.hardware.memory.channels.value_or(0), 16);
    ChangedMachine changed("amd-epyc-7763-2s");
    changed.absent("/sys/firmware/dmi", Absence::denied);
    const Context as_user = detect_on(changed);
    EXPECT_FALSE(as_user.hardware.memory.channels);
    EXPECT_EQ(as_user.hardware.fingerprint, as_root.hardware.fingerprint);
}

TEST(Fingerprint, DoesNotMoveWithTheOrderOrPlaceOfGpus) {
    const Context before = detect_on("amd-7950x-rx7900xtx");
    ASSERT_EQ(before.hardware.gpus.size(), 2u);
    Hardware swapped = before.hardware;
    std::swap(swapped.gpus[0], swapped.gpus[1]);
    std::swap(swapped.gpus[0].pci_address, swapped.gpus[1].pci_address);
    EXPECT_EQ(hardware_fingerprint(swapped), before.hardware.fingerprint);
    EXPECT_EQ(hardware_lineage(swapped), before.hardware.lineage);
    swapped.gpus.pop_back();
    EXPECT_NE(hardware_fingerprint(swapped), before.hardware.fingerprint);

    ChangedMachine changed("amd-7950x-rx7900xtx");
    auto names = *machine("amd-7950x-rx7900xtx")->list("/sys/bus/pci/devices");
    std::reverse(names.begin(), names.end());
    changed.folder("/sys/bus/pci/devices", names);
    const Context after = detect_on(changed);
    EXPECT_EQ(after.hardware.fingerprint, before.hardware.fingerprint);
    ASSERT_EQ(after.hardware.gpus.size(), 2u);
    EXPECT_EQ(*after.hardware.gpus[0].pci_address, "0000:03:00.0") << "sorted by address";
}

TEST(Fingerprint, MovesWithMicrocodeAndVbiosWhileTheLineageStays) {
    const Context before = detect_on("intel-i7-12700k");
    ChangedMachine microcode("intel-i7-12700k");
    microcode.rewrite("/proc/cpuinfo", [](const std::string& text) {
        return replaced(text, "microcode\t: 0x2c", "microcode\t: 0x2e");
    });
    ChangedMachine vbios("intel-i7-12700k");
    vbios.rewrite("/proc/driver/nvidia/gpus/0000:01:00.0/information", [](const std::string& text) {
        return replaced(text, "95.02.18.40.84", "95.02.18.40.99");
    });
    for (const SysRoot* changed :
         {static_cast<SysRoot*>(&microcode), static_cast<SysRoot*>(&vbios)}) {
        const Context after = detect_on(*changed);
        EXPECT_NE(after.hardware.fingerprint, before.hardware.fingerprint);
        EXPECT_EQ(after.hardware.lineage, before.hardware.lineage);
    }
}

TEST(Fingerprint, OfTheSoftwareIsFiveComponentsAndTheDigestAll) {
    Software software;
    const auto set = [&](const char* name, const char* version) {
        software.components[name] = Fact<std::string>::known(version, "test");
    };
    set("os_kernel", "6.8.0-90-generic");
    set("gpu_driver_version", "560.35.03");
    set("cuda_version", "12.4");
    set("pytorch_version", "2.7.1");
    set("numpy_version", "2.2.6");
    const std::string five = "6.8.0-90-generic|560.35.03|12.4|2.7.1|2.2.6";
    EXPECT_EQ(software_fingerprint(software), sha256_hex(five).substr(0, 16));
    const std::string digest = stack_digest(software);
    EXPECT_EQ(digest,
              sha256_hex("cuda_version=12.4|gpu_driver_version=560.35.03|"
                         "numpy_version=2.2.6|os_kernel=6.8.0-90-generic|pytorch_version=2.7.1")
                  .substr(0, 16));
    set("libc", "glibc 2.39");
    EXPECT_EQ(software_fingerprint(software), sha256_hex(five).substr(0, 16));
    EXPECT_NE(stack_digest(software), digest);
    software.components["cuda_version"] = Fact<std::string>::unknown("not installed");
    EXPECT_EQ(software_fingerprint(software),
              sha256_hex("6.8.0-90-generic|560.35.03|unknown|2.7.1|2.2.6").substr(0, 16));
}

TEST(NominalMemory, IsTheUsualSizeThatMemTotalFillsToNineTenths) {
    const auto gib = [](double value) {
        return static_cast<std::int64_t>(value * 1024 * 1024 * 1024);
    };
    for (const auto& [mem_total_gb, nominal] :
         std::vector<std::pair<double, double>>{{31.09, 32},
                                                {32, 32},
                                                {28.81, 32},
                                                {7.44, 8},
                                                {3.7, 4},
                                                {0.46, 0.5},
                                                {23.54, 24},
                                                {119.7, 128},
                                                {92.93, 96},
                                                {251.7, 256},
                                                {502.6, 512},
                                                {1007.5, 1024},
                                                {1486.8, 1536},
                                                {2015.5, 2048},
                                                {45.9, 48},
                                                {187.5, 192},
                                                {755.4, 768}})
        EXPECT_EQ(nominal_memory_gb(gib(mem_total_gb)), nominal) << mem_total_gb;
    // No usual size: a guest with a slice, rounded up coarsely enough to stay put.
    EXPECT_EQ(nominal_memory_gb(gib(27.3)), 28);
    EXPECT_EQ(nominal_memory_gb(gib(27.9)), 28);
    EXPECT_EQ(nominal_memory_gb(gib(590)), nominal_memory_gb(gib(581)));
    EXPECT_EQ(nominal_memory_gb(0), 0);
    EXPECT_EQ(nominal_memory_gb(-5), 0);
}

}  // namespace
}  // namespace peakward
