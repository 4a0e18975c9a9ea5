#include "core/device.hpp"

#include <gtest/gtest.h>

#include "core/records_json.hpp"

namespace peakward {
namespace {

TEST(Device, IsAKindAndANumber) {
    EXPECT_EQ(parse_device("cuda:3")->index, 3);
    EXPECT_EQ(parse_device("cuda")->index, 0);
    EXPECT_EQ(parse_device(" HPU:1 ")->kind, "hpu");
    for (const char* broken :
         {"", ":", ":1", "cuda:", "cuda:x", "cuda:-1", "cuda:1:2", "cuda:99999"})
        EXPECT_FALSE(parse_device(broken)) << broken;
    EXPECT_EQ(canonical_device("CUDA"), "cuda:0");
    EXPECT_EQ(canonical_device("cpu"), "cpu");
    EXPECT_EQ(canonical_device("cuda:x"), "cuda:x");
    EXPECT_EQ(older_device("gpu"), "cuda:0");
}

TEST(Device, TellsItsVendorAndAGpuItsOwn) {
    EXPECT_EQ(vendor_of_kind("qaic"), "qualcomm");
    EXPECT_EQ(vendor_of_kind("npu"), "");
    EXPECT_EQ(kind_of_vendor("amd"), "rocm");
    EXPECT_EQ(kind_of_vendor("hailo"), "accelerator");
    EXPECT_EQ(vendor_of_gpu("1DA3:1060", ""), "habana");
    EXPECT_EQ(vendor_of_gpu("", "Tesla V100-SXM2-32GB"), "nvidia");
    EXPECT_EQ(vendor_of_gpu("", "Intel Data Center GPU Max 1550"), "intel");
    EXPECT_EQ(vendor_of_gpu("", "Acme 1"), "");
}

GpuInfo gpu(const char* vendor, const char* device = nullptr) {
    GpuInfo made;
    made.vendor = vendor;
    if (device) made.device = Fact<std::string>::known(device, "test");
    return made;
}

TEST(Device, IsFoundByTheNumberingOfTheRecord) {
    std::vector<GpuInfo> gpus{gpu("nvidia", "cuda:1"), gpu("nvidia", "cuda:0"),
                              gpu("amd", "rocm:0")};
    EXPECT_EQ(gpu_index(gpus, "cuda:0"), 1u);
    EXPECT_EQ(gpu_index(gpus, "cuda"), 1u);
    EXPECT_EQ(gpu_index(gpus, "hip:0"), 2u) << "another name for it";
    EXPECT_FALSE(gpu_index(gpus, "cuda:2"));
    EXPECT_FALSE(gpu_index(gpus, "cpu"));
    gpus[1].device = Fact<std::string>::unknown("hidden");
    EXPECT_FALSE(gpu_index(gpus, "cuda:0")) << "a hidden GPU has no number";
}

TEST(Device, OfARecordWithoutNumbersIsCountedByVendor) {
    const std::vector<GpuInfo> gpus{gpu("amd"), gpu("nvidia"), gpu("amd")};
    EXPECT_EQ(gpu_index(gpus, "cuda:0"), 1u);
    EXPECT_EQ(gpu_index(gpus, "rocm:1"), 2u);
    EXPECT_FALSE(gpu_index(gpus, "cuda:1"));
    EXPECT_EQ(gpu_index({gpu("amd")}, "cuda:0"), 0u) << "as PyTorch on ROCm says";
}

TEST(Device, StaysOutOfDocumentsThatDoNotTellIt) {
    Hardware hardware;
    hardware.gpus = {gpu("nvidia")};
    EXPECT_FALSE(to_json(hardware)["gpus"][0].contains("device"));
    hardware.gpus[0].uuids = {"GPU-1"};
    EXPECT_EQ(to_json(hardware).dump().find("GPU-1"), std::string::npos);
    hardware.gpus[0].device = Fact<std::string>::unknown(std::string(gpu_lost));
    EXPECT_TRUE(is_lost(hardware.gpus[0]));
    EXPECT_EQ(to_json(hardware)["gpus"][0]["device"]["unknown"], "the GPU is lost");
}

}  // namespace
}  // namespace peakward
