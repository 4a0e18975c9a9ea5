// Which GPU is "cuda:0": lost, hidden and reordered GPUs, and devices of all vendors on the bus.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/device.hpp"
#include "core/text.hpp"
#include "detect/gpus.hpp"
#include "detect/machines.hpp"
#include "detect/visible_devices.hpp"

namespace peakward {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// "cuda:0 0000:01:00.0", by the order of the list; "-" for a GPU that no run can use.
std::vector<std::string> numbers(const Hardware& hardware) {
    std::vector<std::string> texts;
    for (const GpuInfo& gpu : hardware.gpus)
        texts.push_back(gpu.device.value_or("-") + " " + gpu.pci_address.value_or("no address"));
    return texts;
}

TEST(LostGpu, SaysSoAndHasNoNumber) {
    const Context context = detect_on("lost-gpu");
    EXPECT_THAT(numbers(context.hardware),
                ElementsAre("cuda:0 0000:1d:00.0", "- 0000:a1:00.0", "cuda:1 0000:e3:00.0"));
    const GpuInfo& lost = context.hardware.gpus[1];
    EXPECT_TRUE(is_lost(lost));
    EXPECT_THAT(lost.memory_mb.reason(), HasSubstr("the GPU is lost"));
    EXPECT_THAT(lost.clock_max_mhz.reason(), HasSubstr("the GPU is lost"));
    EXPECT_THAT(lost.vbios.reason(), HasSubstr("the GPU is lost"));
    const Preflight checks = preflight(context, {.threads = 1, .uses_gpu = true});
    EXPECT_EQ(checks.verdict, CheckStatus::fail);
    const auto check = std::find_if(checks.checks.begin(), checks.checks.end(),
                                    [](const Check& c) { return c.id == "gpu_lost"; });
    ASSERT_NE(check, checks.checks.end());
    EXPECT_EQ(check->status, CheckStatus::fail);
    EXPECT_THAT(check->evidence, HasSubstr("0000:a1:00.0: the GPU is lost"));
}

// The driver still knows where the GPU sits, and only later calls fail.
TEST(LostGpu, IsToldByAnyCallThatSaysSo) {
    ChangedMachine changed("lost-gpu");
    changed.rewrite("/nvml.jsonl", [](const std::string& said) {
        return said + R"({"gpu":1,"fact":"pci_address","value":"00000000:A1:00.0"})"
                      "\n"
                      R"({"gpu":1,"fact":"model","code":15,"unknown":"nvmlDeviceGetName: lost"})"
                      "\n";
    });
    const Hardware hardware = detect_on(changed).hardware;
    EXPECT_TRUE(is_lost(hardware.gpus[1]));
    EXPECT_EQ(numbers(hardware)[2], "cuda:1 0000:e3:00.0");
}

TEST(LostGpu, AnotherErrorThanLostIsNoHandleEither) {
    ChangedMachine changed("lost-gpu");
    changed.rewrite("/nvml.jsonl", [](std::string said) {
        said.replace(said.find("\"code\":15"), 9, "\"code\":999");
        return said;
    });
    EXPECT_TRUE(is_lost(detect_on(changed).hardware.gpus[1]));
}

TEST(Container, OnlyTheGpusThatTheDriverListsHaveNumbers) {
    ChangedMachine changed("lost-gpu");
    changed.rewrite("/nvml.jsonl", [](const std::string& said) {
        std::string kept;
        for (const std::string& line : split(said, '\n'))
            if (line.find("\"gpu\":2") != std::string::npos ||
                line.find("\"gpu\":-1") != std::string::npos)
                kept += line + "\n";
        return kept;
    });
    const Context context = detect_on(changed);
    EXPECT_THAT(numbers(context.hardware),
                ElementsAre("- 0000:1d:00.0", "- 0000:a1:00.0", "cuda:0 0000:e3:00.0"));
    EXPECT_FALSE(is_lost(context.hardware.gpus[0]));
    EXPECT_THAT(context.hardware.gpus[0].device.reason(), HasSubstr("container"));
    const Preflight checks = preflight(context, {.threads = 1, .uses_gpu = true});
    for (const Check& check : checks.checks)
        if (check.id == "gpu_lost") {
            EXPECT_EQ(check.status, CheckStatus::pass);
        }
}

TEST(Thor, HasOneGpuWhateverAddressItsLibraryGives) {
    for (const bool with_address : {true, false}) {
        ChangedMachine changed("jetson-thor");
        if (!with_address)
            changed.rewrite("/nvml.jsonl", [](std::string said) {
                const std::size_t line = said.find("{\"gpu\":0,\"fact\":\"pci_address\"");
                return said.erase(line, said.find('\n', line) + 1 - line);
            });
        const Hardware hardware = detect_on(changed).hardware;
        ASSERT_THAT(numbers(hardware), ElementsAre("cuda:0 no address"));
        const GpuInfo& gpu = hardware.gpus[0];
        EXPECT_EQ(*gpu.multiprocessors, 20);
        EXPECT_EQ(*gpu.compute_capability, "11.0");
        EXPECT_EQ(*gpu.memory_mb, 131072);
        EXPECT_EQ(*gpu.clock_max_mhz, 1575);
        EXPECT_FALSE(gpu.pci_id) << "the fingerprint does not move with the library";
    }
}

TEST(Thor, HasOneGpuWhereTheKernelShowsItOnTheBus) {
    ChangedMachine changed("jetson-thor");
    const std::string folder = "/sys/bus/pci/devices";
    changed.folder(folder, {"0000:01:00.0"});
    changed.file(folder + "/0000:01:00.0/vendor", "0x10de\n");
    changed.file(folder + "/0000:01:00.0/device", "0x2b00\n");
    changed.file(folder + "/0000:01:00.0/class", "0x030000\n");
    const Hardware hardware = detect_on(changed).hardware;
    ASSERT_THAT(numbers(hardware), ElementsAre("cuda:0 0000:01:00.0"));
    EXPECT_EQ(*hardware.gpus[0].multiprocessors, 20);
    EXPECT_EQ(*hardware.gpus[0].memory_mb, 131072);
    EXPECT_EQ(*hardware.gpus[0].clock_max_mhz, 1575);
    // A card beside it is a GPU of its own.
    changed.file(folder + "/0000:01:00.0/device", "0x2230\n");
    EXPECT_EQ(detect_on(changed).hardware.gpus.size(), 2u);
}

TEST(PciBus, ListsAcceleratorsOfAllVendorsById) {
    const Hardware hardware = detect_on("coral-gaudi").hardware;
    std::vector<std::string> listed;
    for (const GpuInfo& gpu : hardware.gpus) listed.push_back(gpu.vendor + " " + *gpu.pci_id);
    EXPECT_THAT(listed, ElementsAre("google 1ae0:0063", "google 1ac1:089a", "hailo 1e60:2864",
                                    "intel 8086:56a0", "habana 1da3:1060"));
    EXPECT_THAT(numbers(hardware), Contains("hpu:0 0000:19:00.0"));
    EXPECT_THAT(numbers(hardware), Contains("xpu:0 0000:03:00.0"));
    Hardware without = hardware;
    without.gpus.clear();
    EXPECT_EQ(hardware.fingerprint, hardware_fingerprint(without))
        << "devices that were not listed before move no identity";
}

TEST(PciBus, ListsNeitherConsolesNorTheOtherDevicesOfAVendor) {
    const auto listed = [](const char* vendor, const char* pci_class) {
        ChangedMachine changed("docker-half-cpu");
        const std::string folder = "/sys/bus/pci/devices/0000:05:00.0";
        changed.folder("/sys/bus/pci/devices", {"0000:05:00.0"});
        changed.file(folder + "/vendor", vendor).file(folder + "/device", "0x1234\n");
        changed.file(folder + "/class", pci_class);
        return detect_on(changed).hardware.gpus.size();
    };
    EXPECT_EQ(listed("0x1da3\n", "0x120000\n"), 1u) << "Habana";
    EXPECT_EQ(listed("0x17cb\n", "0x120000\n"), 1u) << "Qualcomm";
    EXPECT_EQ(listed("0x1d0f\n", "0x120000\n"), 1u) << "AWS";
    EXPECT_EQ(listed("0x19e5\n", "0x120000\n"), 1u) << "Huawei";
    EXPECT_EQ(listed("0x1e52\n", "0x120000\n"), 1u) << "Tenstorrent";
    EXPECT_EQ(listed("0xabcd\n", "0x120000\n"), 1u) << "an accelerator of a vendor without a name";
    EXPECT_EQ(listed("0x8086\n", "0x120000\n"), 1u) << "an NPU";
    EXPECT_EQ(listed("0x8086\n", "0x0b4000\n"), 0u) << "a co-processor for cryptography";
    EXPECT_EQ(listed("0x1a03\n", "0x030000\n"), 0u) << "the console of a server";
    EXPECT_EQ(listed("0x1234\n", "0x030000\n"), 0u) << "the console of a guest";
    EXPECT_EQ(listed("0x1ae0\n", "0x020000\n"), 0u) << "Google's network";
    EXPECT_EQ(listed("0x1d0f\n", "0x010802\n"), 0u) << "Amazon's disks";
    EXPECT_EQ(listed("0x19e5\n", "0x030000\n"), 0u) << "Huawei's console";
    EXPECT_EQ(listed("0x17cb\n", "0x028000\n"), 0u) << "Qualcomm's wireless network";
}

// ---------------------------------------------------------------------------------------------
// CUDA_VISIBLE_DEVICES and its like
// ---------------------------------------------------------------------------------------------

constexpr const char* first_id = "GPU-00000000-0000-0000-0000-000000000000";
constexpr const char* second_id = "GPU-11111111-1111-1111-1111-111111111111";

Hardware two_gpus(const char* vendor = "nvidia") {
    Hardware hardware;
    for (const auto& [address, model] :
         {std::pair{"0000:07:00.0", "NVIDIA A100-SXM4-80GB"}, {"0000:0f:00.0", "Tesla T4"}}) {
        GpuInfo& gpu = detail::gpu_at(hardware, address, vendor);
        gpu.model = Fact<std::string>::known(model, "test");
    }
    return hardware;
}

// The devices of the two GPUs of measure-cuda-visible-devices: "cuda:0 -".
std::string with_variable(const char* value) {
    Hardware hardware = two_gpus();
    hardware.gpus[0].uuids = {first_id};
    hardware.gpus[1].uuids = {second_id, "MIG-22222222-0000"};
    detail::number_devices({.cuda = value, .rocr = {}, .hip = {}}, hardware);
    return hardware.gpus[0].device.value_or("-") + " " + hardware.gpus[1].device.value_or("-");
}

TEST(CudaVisibleDevices, MovesTheNumbersOfDetectionToo) {
    EXPECT_EQ(with_variable("0,1"), "cuda:0 cuda:1");
    EXPECT_EQ(with_variable("1"), "- cuda:0");
    EXPECT_EQ(with_variable("1,0"), "cuda:1 cuda:0");
    EXPECT_EQ(with_variable(" 1 , 0 "), "cuda:1 cuda:0");
    EXPECT_EQ(with_variable(second_id), "- cuda:0");
    EXPECT_EQ(with_variable("GPU-11,GPU-00"), "cuda:1 cuda:0");
    EXPECT_EQ(with_variable("gpu-11111111"), "- cuda:0");
    EXPECT_EQ(with_variable("MIG-22222222-0000"), "- cuda:0");
    EXPECT_EQ(with_variable("MIG-GPU-11111111-1111-1111-1111-111111111111/1/0"), "- cuda:0");
}

TEST(CudaVisibleDevices, EndsAtTheFirstWordThatNamesNoGpu) {
    EXPECT_EQ(with_variable(""), "- -");
    EXPECT_EQ(with_variable("-1"), "- -");
    EXPECT_EQ(with_variable("NoDevFiles"), "- -");
    EXPECT_EQ(with_variable("1,-1,0"), "- cuda:0");
    EXPECT_EQ(with_variable("0,7,1"), "cuda:0 -");
    EXPECT_EQ(with_variable("GPU-"), "- -") << "the beginning of two ids";
    EXPECT_EQ(with_variable("GPU-33"), "- -");
}

TEST(CudaVisibleDevices, IsNotGuessedWhereIdsAreNotKnown) {
    Hardware hardware = two_gpus();
    detail::number_devices({.cuda = second_id, .rocr = {}, .hip = {}}, hardware);
    EXPECT_TRUE(is_not_numbered(hardware.gpus[0]));
    EXPECT_THAT(hardware.gpus[0].device.reason(), HasSubstr(second_id));
    EXPECT_EQ(with_variable("0,0"), "- -");
    hardware = two_gpus();
    hardware.gpus.pop_back();
    detail::number_devices({.cuda = second_id, .rocr = {}, .hip = {}}, hardware);
    EXPECT_EQ(hardware.gpus[0].device.value_or("-"), "cuda:0") << "there is one only";
}

TEST(RocmVisibleDevices, AreTakenOneAfterTheOther) {
    const auto numbered = [](const detail::VisibleDevices& visible) {
        Hardware hardware = two_gpus("amd");
        hardware.gpus[1].uuids = {"GPU-5c88007eb1a2f3d4"};
        detail::number_devices(visible, hardware);
        return hardware.gpus[0].device.value_or("-") + " " + hardware.gpus[1].device.value_or("-");
    };
    using Visible = detail::VisibleDevices;
    EXPECT_EQ(numbered(Visible{}), "rocm:0 rocm:1");
    EXPECT_EQ(numbered({{}, {}, "1"}), "- rocm:0");
    EXPECT_EQ(numbered({{}, "1", {}}), "- rocm:0");
    EXPECT_EQ(numbered({{}, "1,0", "1"}), "rocm:0 -");
    EXPECT_EQ(numbered({"1", {}, {}}), "- rocm:0") << "HIP takes NVIDIA's variable";
    EXPECT_EQ(numbered({{}, "GPU-5c88007eb1a2f3d4", {}}), "- rocm:0");
}

TEST(CudaVisibleDevices, OfAContextIsWhatTheOptionsSay) {
    const auto root = machine("nvidia-dgx-h100");
    TickingClock clock;
    DetectOptions options;
    options.visible_devices = detail::VisibleDevices{.cuda = "7", .rocr = {}, .hip = {}};
    const Hardware hardware = detect(*root, clock, options).hardware;
    EXPECT_EQ(hardware.gpus[7].device.value_or("-"), "cuda:0");
    EXPECT_FALSE(hardware.gpus[0].device);
    EXPECT_EQ(hardware.fingerprint, detect_on("nvidia-dgx-h100").hardware.fingerprint);
}

}  // namespace
}  // namespace peakward
