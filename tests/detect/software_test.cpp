#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detect/memory_sys_root.hpp"
#include "detect/seeded_bytes.hpp"
#include "detect/sources/collect.hpp"
#include "detect/sources/software_facts.hpp"
#include "detect/sources/software_parts.hpp"

namespace peakward {
namespace {

using detail::parse_os_release;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Software software_of(const MemorySysRoot& root, Context context = {}) {
    StillClock clock;
    detail::collect_software(root, clock, {}, context);
    return context.software;
}

constexpr auto nvidia_version =
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  560.35.03  Fri Aug 16 21:39:15 UTC 2024\n"
    "GCC version:  gcc version 12.3.0 (Ubuntu 12.3.0-1ubuntu1~22.04)\n";

TEST(Software, ReadsKernelAndDistribution) {
    MemorySysRoot root;
    root.file("/proc/sys/kernel/osrelease", "6.8.0-90-generic\n")
        .file("/etc/os-release", "NAME=\"Ubuntu\"\nVERSION_ID=\"24.04\"\n");
    const Software software = software_of(root);
    EXPECT_EQ(*software.components.at("os_kernel"), "6.8.0-90-generic");
    EXPECT_EQ(*software.components.at("os_distro"), "Ubuntu 24.04");
    EXPECT_EQ(software.components.at("os_distro").source(), "/etc/os-release");
}

TEST(Software, NamesDistributionsAsSeed000Does) {
    const auto name = [](const char* text) {
        return detail::distribution_name(parse_os_release(text)).value_or("nothing");
    };
    EXPECT_EQ(name("NAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n"), "Debian 12");
    EXPECT_EQ(name("NAME=Fedora\nVERSION_ID=40\n"), "Fedora 40");
    EXPECT_EQ(name("NAME='Rocky Linux'\nVERSION_ID='9.4'\n"), "Rocky Linux 9.4");
    EXPECT_EQ(name("NAME=\"Arch Linux\"\n"), "Arch Linux");
    EXPECT_EQ(name("NAME=\"Debian GNU/Linux\"\nVERSION_CODENAME=trixie\n"), "Debian trixie");
    EXPECT_EQ(name("PRETTY_NAME=\"Buildroot 2023.02\"\n"), "Buildroot 2023.02");
    EXPECT_EQ(name("# a comment\nID=none\n"), "nothing");
}

TEST(Software, UndoesTheQuotesOfOsRelease) {
    const auto variables = parse_os_release(
        "A=plain\r\nB=\"two words\"\nC='it is'\nD=\"a \\\"quote\\\" and "
        "\\$5\"\n#E=no\nF\n=G\nH=\"\nI=\n");
    EXPECT_EQ(variables.at("A"), "plain");
    EXPECT_EQ(variables.at("B"), "two words");
    EXPECT_EQ(variables.at("C"), "it is");
    EXPECT_EQ(variables.at("D"), "a \"quote\" and $5");
    EXPECT_EQ(variables.at("H"), "\"");
    EXPECT_EQ(variables.at("I"), "");
    EXPECT_EQ(variables.size(), 6u);
}

TEST(Software, AlwaysHasTheComponentsOfSeed000) {
    const Software software = software_of(MemorySysRoot());
    for (const char* name : {"os_kernel", "os_distro", "gpu_driver_version", "cuda_version",
                             "pytorch_version", "numpy_version", "blas_library"}) {
        ASSERT_TRUE(software.components.contains(name)) << name;
        EXPECT_FALSE(software.components.at(name)) << name;
        EXPECT_FALSE(software.components.at(name).reason().empty()) << name;
    }
}

TEST(Software, NotInstalledAndNotReadableAreDifferentReasons) {
    EXPECT_THAT(software_of(MemorySysRoot()).components.at("gpu_driver_version").reason(),
                StartsWith("not installed"));
    for (const Absence absence :
         {Absence::denied, Absence::slow, Absence::malformed, Absence::failed}) {
        MemorySysRoot root;
        root.absent("/proc/driver/nvidia/version", absence);
        const auto fact = software_of(root).components.at("gpu_driver_version");
        EXPECT_THAT(fact.reason(), StartsWith("could not be read: /proc/driver/nvidia/version"));
        EXPECT_THAT(fact.reason(), Not(HasSubstr("not installed")));
    }
}

TEST(Software, ReadsTheDriverOfEveryMaker) {
    MemorySysRoot nvidia;
    nvidia.file("/proc/driver/nvidia/version", nvidia_version);
    EXPECT_EQ(*software_of(nvidia).components.at("gpu_driver_version"), "560.35.03");

    EXPECT_EQ(
        detail::nvidia_module_version(
            "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  540.3.0  Release Build\n"),
        "540.3.0");

    MemorySysRoot module;
    module.file("/sys/module/nvidia/version", "570.86.15\n");
    EXPECT_EQ(*software_of(module).components.at("gpu_driver_version"), "570.86.15");

    MemorySysRoot jetson;
    jetson.file("/etc/nv_tegra_release",
                "# R35 (release), REVISION: 4.1, GCID: 33958178, BOARD: t186ref\n");
    EXPECT_EQ(*software_of(jetson).components.at("gpu_driver_version"), "L4T 35.4.1");
    EXPECT_EQ(*software_of(jetson).components.at("jetson_linux"), "L4T 35.4.1");

    MemorySysRoot amd;
    amd.file("/sys/module/amdgpu/version", "6.7.0\n");
    EXPECT_EQ(*software_of(amd).components.at("gpu_driver_version"), "amdgpu 6.7.0");

    MemorySysRoot in_tree;
    in_tree.file("/sys/module/amdgpu/refcnt", "1").file("/proc/sys/kernel/osrelease", "6.1.0\n");
    EXPECT_EQ(*software_of(in_tree).components.at("gpu_driver_version"), "amdgpu of kernel 6.1.0");
}

TEST(Software, TakesTheDriverThatNvmlToldWhereNoFileDoes) {
    Context context;
    context.hardware.gpus.resize(1);
    context.hardware.gpus[0].driver = Fact<std::string>::known("550.54.15", "NVML");
    EXPECT_EQ(*software_of(MemorySysRoot(), context).components.at("gpu_driver_version"),
              "550.54.15");
}

TEST(Software, TellsTheSameCudaVersionWhicheverSourceAnswers) {
    MemorySysRoot json, text, names, tool;
    json.file(
        "/usr/local/cuda/version.json",
        R"({"cuda": {"name": "CUDA SDK", "version": "12.4.20240401"}, "cuda_cccl": {"version": "1"}})");
    text.file("/usr/local/cuda/version.txt", "CUDA Version 12.4.89\n");
    names.file("/usr/local/cuda/lib64/libcudart.so.12", "")
        .file("/usr/local/cuda/lib64/libcudart.so.12.4.127", "")
        .file("/usr/local/cuda/lib64/libcudart.so.9.2.148", "");
    tool.command("nvcc",
                 "nvcc: NVIDIA (R) Cuda compiler driver\n"
                 "Cuda compilation tools, release 12.4, V12.4.131\nBuild cuda_12.4\n");
    for (const MemorySysRoot* root : {&json, &text, &names, &tool}) {
        EXPECT_EQ(*software_of(*root).components.at("cuda_version"), "12.4");
    }
}

TEST(Software, AMalformedCudaFileIsNoAbsence) {
    MemorySysRoot root;
    root.file("/usr/local/cuda/version.json", R"({"cuda": ["12.4"]})");
    EXPECT_THAT(software_of(root).components.at("cuda_version").reason(),
                StartsWith("could not be read: /usr/local/cuda/version.json"));
    root.command("nvcc", "Segmentation fault", 139);
    EXPECT_FALSE(software_of(root).components.at("cuda_version"));
}

TEST(Software, ReadsTheCLibrary) {
    MemorySysRoot glibc, ldd, musl;
    glibc.command("getconf", "glibc 2.36\n");
    ldd.command("ldd", "ldd (Ubuntu GLIBC 2.35-0ubuntu3.8) 2.35\nCopyright (C) 2022\n");
    musl.command("ldd", "", 1, "musl libc (x86_64)\nVersion 1.2.4\nDynamic Program Loader\n");
    EXPECT_EQ(*software_of(glibc).components.at("libc"), "glibc 2.36");
    EXPECT_EQ(*software_of(ldd).components.at("libc"), "glibc 2.35");
    EXPECT_EQ(*software_of(musl).components.at("libc"), "musl 1.2.4");
    EXPECT_FALSE(software_of(MemorySysRoot()).components.at("libc"));
}

TEST(Software, ReadsTheVersionOfHypervisorsThatTellIt) {
    MemorySysRoot bare;
    bare.leaf(1, {0, 0, 0, 0});
    EXPECT_THAT(software_of(bare).components.at("hypervisor").reason(),
                StartsWith("not installed"));

    MemorySysRoot kvm;
    kvm.leaf(1, {0, 0, 1u << 31, 0}).leaf(0x40000000, {0, 0x4b4d564b, 0x564b4d56, 0x4d});
    EXPECT_THAT(software_of(kvm).components.at("hypervisor").reason(),
                HasSubstr("kvm does not tell"));

    MemorySysRoot azure;  // "Microsoft Hv"
    azure.leaf(1, {0, 0, 1u << 31, 0})
        .leaf(0x40000000, {0, 0x7263694d, 0x666f736f, 0x76482074})
        .leaf(0x40000002, {20348, (10u << 16) | 0, 0, 0});
    EXPECT_EQ(*software_of(azure).components.at("hypervisor"), "Hyper-V 10.0.20348");
}

TEST(Software, KeepsWhatAnEarlierSourceKnew) {
    Context context;
    context.software.components["os_kernel"] = Fact<std::string>::known("5.0", "earlier");
    MemorySysRoot root;
    root.file("/proc/sys/kernel/osrelease", "6.1\n");
    EXPECT_EQ(*software_of(root, context).components.at("os_kernel"), "5.0");
}

TEST(SoftwareFacts, FindsTheFirstVersionInAText) {
    EXPECT_EQ(detail::first_version("gcc 12.2.0"), "12.2.0");
    EXPECT_EQ(detail::first_version("r0.3.21"), "0.3.21");
    EXPECT_EQ(detail::first_version("4 and 5.1, 6.2"), "5.1");
    EXPECT_EQ(detail::first_version("12."), std::nullopt);
    EXPECT_EQ(detail::first_version(".so.3.1"), std::nullopt);
    EXPECT_EQ(detail::first_version(""), std::nullopt);
    EXPECT_EQ(detail::major_minor("12.4.131"), "12.4");
    EXPECT_EQ(detail::major_minor("12"), "12");
}

TEST(SoftwareFacts, AnErrorOfAToolCarriesItsLastLine) {
    MemorySysRoot root;
    root.command("tool", "", 3, "first\nlast \x1b[31mline\x07\n\n");
    const auto output = detail::output_of(root, {"tool"}, Nanoseconds(1));
    ASSERT_FALSE(output);
    EXPECT_EQ(output.error().reason, "tool ended with exit code 3: last [31mline");
    EXPECT_EQ(output.error().absence, Absence::failed);
}

TEST(SoftwareParsers, SurviveDamagedInput) {
    SeededBytes bytes(20);
    const std::string release = "NAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nA='b'\nC=\\\n";
    const std::string cuda = R"({"cuda": {"name": "CUDA SDK", "version": "12.4.1"}})";
    for (int i = 0; i < 1000; ++i) {
        for (const std::string& text : {bytes.noise(), bytes.damaged(release), bytes.damaged(cuda),
                                        bytes.damaged(nvidia_version),
                                        bytes.damaged("# R36 (release), REVISION: 3.0, GCID: 1")}) {
            for (const auto& fact : {detail::distribution_name(parse_os_release(text)),
                                     detail::cuda_version_of_json(text),
                                     detail::nvidia_module_version(text), detail::l4t_version(text),
                                     detail::cuda_version_of_names({"libcudart.so." + text}),
                                     detail::nvcc_version(text), detail::compiler_version(text)}) {
                if (fact) {
                    EXPECT_TRUE(detail::is_word(*fact, 200)) << *fact;
                }
            }
        }
    }
}

}  // namespace
}  // namespace peakward
