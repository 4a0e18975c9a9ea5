#include "detect/nvml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "core/text.hpp"
#include "detect/gpus.hpp"

namespace peakward::detail {
namespace {

using ::testing::HasSubstr;

constexpr auto patient = std::chrono::seconds(30);

class Nvml : public testing::Test {
protected:
    static NvmlReport ask(const char* behaviour, Nanoseconds limit = patient) {
        ::setenv("FAKE_NVML", behaviour, 1);
        const auto transcript =
            interview_nvml(std::string(PEAKWARD_BINARY_DIR) + "/fixtures/fake-nvml.so", limit);
        ::unsetenv("FAKE_NVML");
        return read_nvml(transcript);
    }
};

TEST_F(Nvml, TellsWhatItKnowsOfEachGpu) {
    const NvmlReport report = ask("");
    EXPECT_EQ(report.driver.value_or(""), "535.129.03");
    EXPECT_EQ(report.reason, "");
    ASSERT_EQ(report.gpus.size(), 2u);
    const GpuInfo& gpu = report.gpus[0];
    EXPECT_EQ(*gpu.model, "NVIDIA H100 80GB HBM3");
    EXPECT_EQ(*gpu.pci_address, "0000:c3:00.0");
    EXPECT_EQ(*gpu.pci_id, "10de:2330");
    EXPECT_EQ(*gpu.vbios, "96.00.74.00.01");
    EXPECT_EQ(*gpu.memory_mb, 81559);
    EXPECT_EQ(*gpu.compute_capability, "9.0");
    EXPECT_EQ(*gpu.multiprocessors, 132);
    EXPECT_EQ(*gpu.clock_max_mhz, 1980);
    EXPECT_EQ(*gpu.power_limit_w, 650);
    EXPECT_EQ(*gpu.power_limit_default_w, 700);
    EXPECT_EQ(*gpu.ecc, "enabled");
    EXPECT_THAT(gpu.mig.reason(), HasSubstr("no permission"));
    EXPECT_EQ(*gpu.throttle, "") << "idle is no throttling";
    EXPECT_EQ(*report.gpus[1].throttle, "software power cap, hardware thermal slowdown");
    EXPECT_EQ(*gpu.other_processes, 3);
    EXPECT_EQ(*gpu.temperature_c, 41);
}

TEST_F(Nvml, TellsTheEnergyOfOneGpuAndWhenThatWas) {
    const std::string library = std::string(PEAKWARD_BINARY_DIR) + "/fixtures/fake-nvml.so";
    const auto energy = read_gpu_energy(library, 0, patient);
    ASSERT_TRUE(energy) << energy.error().reason;
    EXPECT_EQ(energy->total_mj, 123456789u);
    EXPECT_EQ(energy->gpus, 2);
    EXPECT_GT(energy->at.count(), 0);
}

TEST_F(Nvml, SaysWhyThereIsNoEnergy) {
    const std::string library = std::string(PEAKWARD_BINARY_DIR) + "/fixtures/fake-nvml.so";
    const auto second = read_gpu_energy(library, 1, patient);
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().reason, HasSubstr("not supported by this GPU"));
    const auto none = read_gpu_energy("libno-such-nvml.so", 0, patient);
    ASSERT_FALSE(none);
    EXPECT_THAT(none.error().reason, HasSubstr("libno-such-nvml.so"));
}

TEST_F(Nvml, KernelFilesWinOverIt) {
    Hardware hardware;
    GpuInfo& known = gpu_at(hardware, "0000:1b:00.0", "nvidia");
    known.pci_id = Fact<std::string>::known("10de:ffff", "sysfs");
    known.vbios = Fact<std::string>::known("from the kernel", "procfs");
    merge_nvml(ask(""), hardware);
    sort_gpus(hardware);
    ASSERT_EQ(hardware.gpus.size(), 2u);
    EXPECT_EQ(*hardware.gpus[0].pci_address, "0000:1b:00.0");
    EXPECT_EQ(*hardware.gpus[0].pci_id, "10de:ffff");
    EXPECT_EQ(*hardware.gpus[0].vbios, "from the kernel");
    EXPECT_EQ(*hardware.gpus[0].memory_mb, 81559);
    EXPECT_EQ(*hardware.gpus[1].pci_id, "10de:2330");
}

TEST_F(Nvml, SaysThatNoDriverIsLoaded) {
    const NvmlReport report = ask("no_driver");
    EXPECT_TRUE(report.gpus.empty());
    EXPECT_THAT(report.reason, HasSubstr("driver is not loaded"));
}

TEST_F(Nvml, KeepsWhatWasToldBeforeADriverHung) {
    // Long enough for every call that answers, on any machine that runs tests at all.
    const NvmlReport report = ask("hang", std::chrono::seconds(3));
    ASSERT_EQ(report.gpus.size(), 2u);
    EXPECT_EQ(*report.gpus[0].temperature_c, 41);
    EXPECT_EQ(*report.gpus[1].vbios, "96.00.74.00.01") << "identities are asked before states";
    EXPECT_FALSE(report.gpus[1].temperature_c);
    EXPECT_THAT(report.gpus[1].temperature_c.reason(), HasSubstr("nvmlDeviceGetTemperature"));
    EXPECT_THAT(report.reason, HasSubstr("did not answer within"));
}

TEST_F(Nvml, SurvivesALibraryThatCrashes) {
    const NvmlReport report = ask("crash");
    ASSERT_EQ(report.gpus.size(), 2u);
    EXPECT_TRUE(report.gpus[0].model);
    EXPECT_FALSE(report.gpus[1].model);
    EXPECT_THAT(report.reason, HasSubstr("signal 6"));
}

TEST_F(Nvml, TakesNoGarbageForFacts) {
    const NvmlReport report = ask("garbage");
    EXPECT_LE(report.gpus.size(), 256u);
    for (const GpuInfo& gpu : report.gpus) EXPECT_FALSE(gpu.pci_address);
}

TEST_F(Nvml, SaysThatThereIsNoLibrary) {
    const NvmlReport report = read_nvml(interview_nvml("libno-such-nvml.so.1", patient));
    EXPECT_TRUE(report.gpus.empty());
    EXPECT_THAT(report.reason, HasSubstr("libno-such-nvml.so.1"));
    Hardware hardware;
    gpu_at(hardware, "0000:01:00.0", "nvidia");
    merge_nvml(report, hardware);
    EXPECT_THAT(hardware.gpus[0].memory_mb.reason(), HasSubstr("libno-such-nvml.so.1"));
}

TEST_F(Nvml, ReadsOnlyLinesOfItsOwnForm) {
    const NvmlReport report =
        read_nvml({"nonsense\n{}\n{\"gpu\":\"x\",\"fact\":\"model\"}\n{\"gpu\":0,\"fact\":7}\n[1]\n"
                   "{\"gpu\":99999,\"fact\":\"model\",\"value\":\"far\"}\n"
                   "{\"gpu\":0,\"fact\":\"memory_mb\",\"value\":1e300}\n"
                   "{\"gpu\":0,\"fact\":\"model\",\"value\":[1]}\n"
                   "{\"gpu\":0,\"fact\":\"vbios\",\"value\":\"ok\"}\n",
                   ""});
    ASSERT_EQ(report.gpus.size(), 1u);
    EXPECT_FALSE(report.gpus[0].memory_mb);
    EXPECT_FALSE(report.gpus[0].model);
    EXPECT_EQ(*report.gpus[0].vbios, "ok");
}

}  // namespace
}  // namespace peakward::detail
