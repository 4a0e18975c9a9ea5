// Products and peaks of machines that public reports tell of, and of others of their kind: what the
// machine shows against a product outweighs the pattern that fits it.
#include <gmock/gmock.h>

#include <set>

#include "core/device.hpp"
#include "core/text.hpp"
#include "detect/machines.hpp"
#include "hardware/match.hpp"
#include "score/spec_peaks.hpp"
#include "session/products.hpp"

namespace peakward {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

const HardwareDatabase& builtin() {
    static const HardwareDatabase database = builtin_hardware();
    return database;
}

std::vector<DeviceMatch> matched(const Context& context) {
    return Matcher(builtin()).match(host_facts(context));
}

// The product of one device; "" for none.
std::string product(const Context& context, const std::string& device) {
    const auto matches = matched(context);
    const DeviceMatch* match = find_device(matches, device);
    return match && match->product ? match->product->id : "";
}
std::string verdict(const Context& context, const std::string& device) {
    const auto matches = matched(context);
    const DeviceMatch* match = find_device(matches, device);
    return match ? match->verdict : "";
}

SpecPeaks peaks(const Context& context, const std::string& device, const std::string& precision) {
    for (const DeviceSpec& spec :
         device_specs(products_of(matched(context), context, nullptr, {}, builtin()), builtin()))
        if (spec.device == device) return spec_peaks(spec, context, {}, precision);
    SpecPeaks none;
    none.why_not = "no product";
    return none;
}

TEST(ReportedMachine, ASliceOfAnA10IsNoA10) {
    const Context context = detect_on("vgpu-a10");
    EXPECT_EQ(product(context, "cuda:0"), "");
    EXPECT_THAT(verdict(context, "cuda:0"), HasSubstr("NVIDIA A10-6Q"));
}

// The driver may give the name of the whole, and the memory of the slice.
TEST(ReportedMachine, AGpuWithAPartOfTheMemoryIsAnother) {
    ChangedMachine changed("vgpu-a10");
    changed.rewrite("/nvml.jsonl", [](std::string said) {
        return said.replace(said.find("NVIDIA A10-6Q"), 13, "NVIDIA A10");
    });
    EXPECT_EQ(product(detect_on(changed), "cuda:0"), "");
    EXPECT_THAT(verdict(detect_on(changed), "cuda:0"), HasSubstr("6.0 GB of memory"));
    changed.rewrite("/nvml.jsonl", [](std::string said) {
        said.replace(said.find("NVIDIA A10-6Q"), 13, "NVIDIA A10");
        return said.replace(said.find("6144"), 4, "22731");
    });
    EXPECT_EQ(product(detect_on(changed), "cuda:0"), "nvidia_a10");
}

HostFacts::Gpu gpu_of(const std::string& model, const std::string& pci_id, double memory_gb) {
    HostFacts::Gpu gpu{"cuda:0", model, pci_id};
    gpu.memory_gb = memory_gb;
    return gpu;
}

TEST(ReportedMachine, MemoryTellsProductsOfOneNameApart) {
    const auto named = [](const HostFacts::Gpu& gpu, const char* architecture = "x86_64") {
        HostFacts host;
        host.architecture = architecture;
        host.gpus = {gpu};
        const auto matches = Matcher(builtin()).match(host);
        const DeviceMatch* match = find_device(matches, "cuda:0");
        return match->product ? match->product->id : std::string();
    };
    const auto beside_grace = [&](const HostFacts::Gpu& gpu) { return named(gpu, "aarch64"); };
    EXPECT_EQ(named(gpu_of("NVIDIA A100-SXM4-80GB", "10de:20b2", 79.6)), "nvidia_a100_sxm4_80gb");
    EXPECT_EQ(named(gpu_of("NVIDIA A100-SXM4-80GB", "10de:20b2", 39.6)), "");
    EXPECT_EQ(named(gpu_of("NVIDIA A100-SXM4-80GB MIG 1g.10gb", "10de:20b2", 9.5)), "");
    EXPECT_EQ(beside_grace(gpu_of("NVIDIA GH200 480GB", "10de:2342", 95.6)), "nvidia_gh200_gpu");
    EXPECT_EQ(beside_grace(gpu_of("NVIDIA GH200 480GB", "10de:2342", 141)), "");
    EXPECT_EQ(beside_grace(gpu_of("NVIDIA GH200 144G HBM3e", "10de:2342", 141)), "");
    EXPECT_EQ(named(gpu_of("NVIDIA H200", "10de:2335", 140.4)), "nvidia_h200_sxm");
    EXPECT_EQ(named(gpu_of("Tesla T4", "10de:1eb8", 14.75)), "nvidia_t4") << "with ECC";
    EXPECT_EQ(named(gpu_of("", "10de:2206", 12)), "") << "the RTX 3080 with 12 GB is another card";
    EXPECT_EQ(named(gpu_of("NVIDIA L40S-12Q", "10de:26b9", 12)), "");
    EXPECT_EQ(named(gpu_of("GRID T4-8C", "10de:1eb8", 8)), "");
}

TEST(ReportedMachine, EachDieOfAnMi250xIsHeldAgainstHalf) {
    const Context context = detect_on("mi250x");
    for (const char* device : {"rocm:0", "rocm:1"}) {
        EXPECT_EQ(product(context, device), "amd_mi250x");
        EXPECT_THAT(verdict(context, device), HasSubstr("rocm:0 and rocm:1 are one amd_mi250x"));
        const SpecPeaks bf16 = peaks(context, device, "bf16");
        EXPECT_THAT(bf16.why_not, IsEmpty());
        EXPECT_DOUBLE_EQ(bf16.compute.value, 191'500);
        EXPECT_DOUBLE_EQ(bf16.bandwidth.value, 1638.4);
        EXPECT_THAT(bf16.compute.formula, HasSubstr("1 of 2 devices"));
        EXPECT_DOUBLE_EQ(peaks(context, device, "fp64").compute.value, 47'850);
    }
}

TEST(ReportedMachine, APeakIsNotAboveTheClockThatTheDeviceOffers) {
    const Context capped = detect_on("orin-nano-capped");
    EXPECT_EQ(product(capped, "cuda:0"), "jetson_orin_nano_gpu");
    const Peak peak = peaks(capped, "cuda:0", "fp32").compute;
    EXPECT_NEAR(peak.value, 1279.5, 0.1);
    EXPECT_EQ(peak.kind, PeakKind::computed);
    EXPECT_THAT(peak.formula, HasSubstr("0.62475"));
    ChangedMachine changed("orin-nano-capped");
    changed.file("/sys/class/devfreq/17000000.gpu/max_freq", "1020000000\n");
    EXPECT_NEAR(peaks(detect_on(changed), "cuda:0", "fp32").compute.value, 2089, 1);
}

TEST(ReportedMachine, ASliceByMigIsAPartOfTheProduct) {
    Context context = detect_on("nvidia-dgx-h100");
    EXPECT_THAT(peaks(context, "cuda:0", "fp16").why_not, IsEmpty());
    context.hardware.gpus[0].mig = Fact<std::string>::known("enabled", "test");
    EXPECT_EQ(peaks(context, "cuda:0", "fp16").flag, "product_in_part");
    EXPECT_THAT(peaks(context, "cuda:0", "fp16").why_not, HasSubstr("MIG"));
    EXPECT_THAT(peaks(context, "cuda:1", "fp16").why_not, IsEmpty());
}

TEST(ReportedMachine, AcceleratorsOnTheBusAreProducts) {
    const Context context = detect_on("coral-gaudi");
    std::set<std::string> found;
    for (const DeviceMatch& match : matched(context))
        if (match.product) found.insert(match.product->id);
    EXPECT_TRUE(found.contains("google_coral_edge_tpu"));
    EXPECT_TRUE(found.contains("hailo_8"));
    EXPECT_TRUE(found.contains("google_tpu_v5e"));
    EXPECT_EQ(product(context, "hpu:0"), "intel_gaudi3");
    EXPECT_THAT(verdict(context, "xpu:0"), HasSubstr("8086:56a0"));
}

// Every id of the database, as a device without a driver on the bus of a host.
TEST(ReportedMachine, EveryPciIdOfTheDatabaseCanBeMet) {
    int ids = 0;
    for (const HardwareSpec& spec : builtin().specs)
        for (const DetectionPattern& pattern : spec.detection) {
            if (!pattern.pci_id) continue;
            ++ids;
            const auto parts = split(*pattern.pci_id, ':');
            ASSERT_EQ(parts.size(), 2u);
            ChangedMachine changed("docker-half-cpu");
            const std::string folder = "/sys/bus/pci/devices/0000:05:00.0";
            changed.folder("/sys/bus/pci/devices", {"0000:05:00.0"});
            changed.file(folder + "/vendor", "0x" + parts[0] + "\n");
            changed.file(folder + "/device", "0x" + parts[1] + "\n");
            changed.file(folder + "/class", spec.kind == "gpu" ? "0x030200\n" : "0x120000\n");
            Context context = detect_on(changed);
            if (!spec.host_architecture.empty())
                context.hardware.cpu.architecture = spec.host_architecture;
            ASSERT_EQ(context.hardware.gpus.size(), 1u) << spec.id;
            const auto matches = matched(context);
            const DeviceMatch* match = find_device(matches, *context.hardware.gpus[0].device);
            ASSERT_NE(match, nullptr) << spec.id;
            ASSERT_FALSE(match->candidates.empty()) << spec.id;
            EXPECT_EQ(match->candidates[0].spec->id, spec.id);
            EXPECT_EQ(match->product != nullptr, pattern.confidence >= confidence_least)
                << spec.id << ": " << match->verdict;
        }
    EXPECT_GT(ids, 30);
}

TEST(ReportedMachine, ALostGpuIsNoProduct) {
    const Context context = detect_on("lost-gpu");
    EXPECT_EQ(product(context, "cuda:0"), "nvidia_rtx_3090");
    EXPECT_EQ(product(context, "cuda:1"), "nvidia_rtx_4090");
    EXPECT_EQ(product(context, "0000:a1:00.0"), "");
    EXPECT_THAT(verdict(context, "0000:a1:00.0"), HasSubstr("the GPU is lost"));
}

TEST(ReportedMachine, EveryFamilyOfGravitonIsToldByItsGeneration) {
    EXPECT_EQ(product(detect_on("graviton4-m8gd"), "cpu"), "aws_graviton4");
    const auto on = [](const char* family, const char* core) {
        HostFacts host;
        host.architecture = "aarch64";
        host.cpu_model = core;
        host.product_name = fmt::format("Amazon EC2 {}.4xlarge", family);
        const auto matches = Matcher(builtin()).match(host);
        const DeviceMatch* cpu = find_device(matches, "cpu");
        return cpu->product ? cpu->product->id : std::string();
    };
    for (const char* family : {"x8g", "m8gd", "c8gn", "r8gb", "i8g", "i8ge", "m8gn", "hpc8g"})
        EXPECT_EQ(on(family, "Neoverse-V2"), "aws_graviton4") << family;
    for (const char* family : {"m7g", "c7gn", "r7gd", "hpc7g"})
        EXPECT_EQ(on(family, "Neoverse-V1"), "aws_graviton3") << family;
    for (const char* family : {"m6g", "c6gn", "t4g", "x2gd", "g5g", "im4gn", "is4gen"})
        EXPECT_EQ(on(family, "Neoverse-N1"), "aws_graviton2") << family;
    for (const char* family : {"m8i", "m8gd", "g6", "p5"}) EXPECT_EQ(on(family, "Neoverse-N1"), "");
}

HostFacts epyc_7763() {
    HostFacts host;
    host.architecture = "x86_64";
    host.cpu_vendor = "AuthenticAMD";
    host.cpu_model = "AMD EPYC 7763 64-Core Processor";
    return host;
}

TEST(ReportedMachine, CoresOfAnotherDesignAreAnotherProcessor) {
    const auto named = [](const HostFacts& host) {
        const auto matches = Matcher(builtin()).match(host);
        const DeviceMatch* cpu = find_device(matches, "cpu");
        return cpu->product ? cpu->product->id : cpu->verdict;
    };
    HostFacts host = epyc_7763();
    EXPECT_EQ(named(host), "amd_epyc_7763");
    host.microarchitecture = "zen2";
    EXPECT_THAT(named(host), HasSubstr("its cores are zen2"));
    host.microarchitecture.clear();
    host.isa = {"avx2", "avx512f"};
    EXPECT_THAT(named(host), HasSubstr("avx512f"));
    HostFacts grace;
    grace.architecture = "aarch64";
    grace.cpu_model = "Neoverse-V2";
    grace.cores_per_socket = 72;
    grace.cpu_stepping = 0;
    EXPECT_EQ(named(grace), "nvidia_grace");
    grace.cpu_stepping = 1;
    EXPECT_THAT(named(grace), HasSubstr("names no product"));
}

TEST(ReportedMachine, PeaksThatNeedHiddenInstructionsAreNotUsed) {
    HardwareSpec spec = *builtin().find("intel_xeon_8480p");
    const DeviceSpec device{"cpu", &spec, ""};
    Context context;
    context.hardware.cpu.cores_physical = Fact<int>::known(56, "test");
    context.hardware.cpu.isa = {"avx2",        "fma",         "f16c",       "avx512f",
                                "avx512_vnni", "avx512_bf16", "avx512_fp16"};
    EXPECT_THAT(spec_peaks(device, context, {}, "fp32").why_not, IsEmpty());
    const SpecPeaks int8 = spec_peaks(device, context, {}, "int8");
    EXPECT_EQ(int8.flag, "product_in_part");
    EXPECT_THAT(int8.why_not, HasSubstr("amx_int8"));
    context.hardware.cpu.isa = {"avx2", "fma", "f16c"};
    EXPECT_THAT(spec_peaks(device, context, {}, "fp32").why_not, HasSubstr("avx512f"));
}

// ---------------------------------------------------------------------------------------------
// Which GPU is "cuda:0"
// ---------------------------------------------------------------------------------------------

Context two_unlike_gpus(const char* visible) {
    ChangedMachine changed("lost-gpu");
    changed.rewrite("/nvml.jsonl", [](std::string said) {
        const std::size_t line = said.find("{\"gpu\":1,");
        said.erase(line, said.find('\n', line) + 1 - line);
        return said + R"({"gpu":0,"fact":"uuid","value":"GPU-aaaa0000-1"})" + "\n" +
               R"({"gpu":2,"fact":"uuid","value":"GPU-bbbb1111-2"})" + "\n";
    });
    changed.folder("/sys/bus/pci/devices", {"0000:1d:00.0", "0000:e3:00.0"});
    TickingClock clock;
    DetectOptions options;
    options.visible_devices = detail::VisibleDevices{};
    if (visible) options.visible_devices->cuda = visible;
    return detect(changed, clock, options);
}

TEST(VisibleGpus, ProductsFollowTheVariable) {
    EXPECT_EQ(product(two_unlike_gpus(nullptr), "cuda:0"), "nvidia_rtx_3090");
    EXPECT_EQ(product(two_unlike_gpus("1"), "cuda:0"), "nvidia_rtx_4090");
    EXPECT_EQ(product(two_unlike_gpus("GPU-bbbb"), "cuda:0"), "nvidia_rtx_4090");
    EXPECT_EQ(product(two_unlike_gpus("1,0"), "cuda:1"), "nvidia_rtx_3090");
    EXPECT_EQ(product(two_unlike_gpus("-1"), "cuda:0"), "");
}

TEST(VisibleGpus, TheWordOfAWorkerDecides) {
    Context context = two_unlike_gpus("0,0");
    const std::vector<std::string> devices{"cuda:0"};
    EXPECT_TRUE(needs_word_of_workers(context.hardware, devices));
    EXPECT_THAT(why_not_numbered(context.hardware, devices), HasSubstr("0,0"));
    BackendInfo worker;
    worker.backend = "pytorch";
    for (const char* id : {"00000000:E3:00.0", "0000:e3:00.0", "GPU-bbbb1111-2"}) {
        Context told = context;
        worker.device_ids = {{"cuda:0", id}};
        number_by_workers({worker}, told.hardware);
        EXPECT_EQ(product(told, "cuda:0"), "nvidia_rtx_4090") << id;
        EXPECT_EQ(why_not_numbered(told.hardware, devices), "");
    }
    Context other = two_unlike_gpus(nullptr);
    number_by_workers({worker}, other.hardware);
    EXPECT_EQ(product(other, "cuda:0"), "nvidia_rtx_4090");
    EXPECT_FALSE(other.hardware.gpus[0].device) << "cuda:0 is one GPU";
}

TEST(VisibleGpus, OfOneKindNeedNoWord) {
    EXPECT_FALSE(needs_word_of_workers(detect_on("vgpu-a10").hardware, {"cuda:0"}));
    EXPECT_FALSE(needs_word_of_workers(detect_on("nvidia-dgx-h100").hardware, {"cpu"}));
    EXPECT_TRUE(needs_word_of_workers(detect_on("nvidia-dgx-h100").hardware, {"cuda:0"}));
}

}  // namespace
}  // namespace peakward
