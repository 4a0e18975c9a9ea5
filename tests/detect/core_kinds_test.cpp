// Which kinds of cores a processor has: public reports of machines that were read wrongly, and
// others of their kind. Whatever a source says, the kinds hold each CPU once, or there is one kind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/text.hpp"
#include "detect/machines.hpp"
#include "detect/memory_sys_root.hpp"

namespace peakward {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// "performance:lion_cove 0-5 5400"
std::vector<std::string> kinds_of(const Context& context) {
    std::vector<std::string> kinds;
    for (const CoreKind& kind : context.hardware.cpu.core_kinds)
        kinds.push_back(fmt::format("{}:{} {}-{} {:.0f}", kind.name, kind.microarchitecture,
                                    kind.cpus.front(), kind.cpus.back(),
                                    kind.clock_max_mhz.value_or(0)));
    return kinds;
}

struct Cluster {
    int first, last;
    int capacity = 0;       // 0: no such file
    int clock_khz = 0;      // 0: no such file
    std::string part = "";  // of Arm's cores
};

// A processor made of clusters of cores, each CPU a core.
class MadeMachine {
public:
    MadeMachine(const char* architecture, const std::vector<Cluster>& clusters) {
        root_.architecture(architecture);
        std::string cpuinfo;
        for (const Cluster& cluster : clusters)
            for (int cpu = cluster.first; cpu <= cluster.last; ++cpu) {
                const std::string folder = fmt::format("/sys/devices/system/cpu/cpu{}", cpu);
                root_.file(folder + "/topology/core_cpus_list", fmt::format("{}\n", cpu));
                if (cluster.capacity > 0)
                    root_.file(folder + "/cpu_capacity", fmt::format("{}\n", cluster.capacity));
                if (cluster.clock_khz > 0)
                    root_.file(folder + "/cpufreq/cpuinfo_max_freq",
                               fmt::format("{}\n", cluster.clock_khz));
                cpuinfo += fmt::format("processor : {}\n{}\n", cpu,
                                       cluster.part.empty()
                                           ? ""
                                           : "CPU implementer : 0x41\nCPU architecture: 8\nCPU "
                                             "variant : 0x0\nCPU part : " +
                                                 cluster.part + "\nCPU revision : 1\n");
                allowed_.push_back(cpu);
            }
        root_.file("/proc/cpuinfo", cpuinfo).cpus(allowed_);
        root_.file("/sys/devices/system/cpu/online",
                   fmt::format("{}-{}\n", allowed_.front(), allowed_.back()));
    }
    MemorySysRoot& root() { return root_; }
    Context detected() const { return detect_on(root_); }

private:
    MemorySysRoot root_;
    std::vector<int> allowed_;
};

TEST(CoreKinds, OfArrowLakeAreThree) {
    const Context context = detect_on("arrow-lake-h");
    EXPECT_THAT(kinds_of(context),
                ElementsAre("performance:lion_cove 0-5 5400", "efficiency:skymont 6-13 4500",
                            "low_power:crestmont 14-15 2500"));
    EXPECT_EQ(*context.hardware.cpu.cores_physical, 16);
}

TEST(CoreKinds, OfHalfASysfsAreNotAllPerformanceCores) {
    const Context context = detect_on("hybrid-half-sysfs");
    EXPECT_THAT(kinds_of(context),
                ElementsAre("performance:golden_cove 0-15 4900", "unnamed: 16-19 3800"));
    EXPECT_THAT(context.hardware.cpu.core_kinds[1].unknown_design, HasSubstr("performance"));
}

TEST(CoreKinds, OfTheOtherHalfOfASysfs) {
    ChangedMachine changed("hybrid-half-sysfs");
    changed.absent("/sys/devices/cpu_core", Absence::missing);
    changed.file("/sys/devices/cpu_atom/cpus", "16-19\n");
    EXPECT_THAT(kinds_of(detect_on(changed)),
                ElementsAre("efficiency:gracemont 16-19 3800", "unnamed: 0-15 4900"));
}

TEST(CoreKinds, AreNotBelievedWhereTheyOverlap) {
    ChangedMachine changed("hybrid-half-sysfs");
    changed.file("/sys/devices/cpu_atom/cpus", "12-19\n");
    const Context context = detect_on(changed);
    EXPECT_THAT(kinds_of(context), ElementsAre(":alder_lake 0-19 4900"));
}

TEST(CoreKinds, AThirdUnitThatIsMissingLeavesAThirdKind) {
    ChangedMachine changed("arrow-lake-h");
    changed.absent("/sys/devices/cpu_lowpower", Absence::denied);
    EXPECT_THAT(kinds_of(detect_on(changed)),
                ElementsAre("performance:lion_cove 0-5 5400", "efficiency:skymont 6-13 4500",
                            "unnamed: 14-15 2500"));
}

TEST(CoreKinds, InAContainerAreThoseOfTheCpusThatMayBeUsed) {
    const Context context = detect_on("lxcfs-hybrid");
    const CpuInfo& cpu = context.hardware.cpu;
    EXPECT_THAT(kinds_of(context), ElementsAre(":gracemont 16-19 3500"));
    EXPECT_EQ(*cpu.cores_physical, 4);
    EXPECT_EQ(*cpu.cores_logical, 4);
    EXPECT_THAT(cpu.cores_logical.source(), HasSubstr("affinity"));
    EXPECT_EQ(context.environment.cpus_allowed, (std::vector<int>{16, 17, 18, 19}));
}

// "online" counts from 0 whatever CPUs are given: some of them may be among these.
TEST(CoreKinds, InAContainerWhoseCpusAreOnlineInPart) {
    for (const char* online : {"0-3", "0-17"}) {
        ChangedMachine changed("lxcfs-hybrid");
        changed.file("/sys/devices/system/cpu/online", online);
        EXPECT_THAT(kinds_of(detect_on(changed)), ElementsAre(":gracemont 16-19 3500")) << online;
    }
}

TEST(CoreKinds, OfAContainerOnArmAreThoseOfItsCpus) {
    MadeMachine made("aarch64", {{4, 5, 300, 1800000, "0xd05"}, {6, 7, 1024, 2800000, "0xd0b"}});
    // lxcfs numbers the processors from 0 in both files.
    std::string cpuinfo = made.root().read("/proc/cpuinfo").value_or("");
    for (int cpu = 4; cpu < 8; ++cpu) {
        const std::string line = fmt::format("processor : {}\n", cpu);
        cpuinfo.replace(cpuinfo.find(line), line.size(), fmt::format("processor : {}\n", cpu - 4));
    }
    made.root().file("/proc/cpuinfo", cpuinfo).file("/sys/devices/system/cpu/online", "0-3\n");
    EXPECT_THAT(kinds_of(made.detected()),
                ElementsAre("performance:cortex_a76 6-7 2800", "efficiency:cortex_a55 4-5 1800"));
}

TEST(CoreKinds, OfAnAppleM1BeginWithThePerformanceCore) {
    for (const bool with_capacity : {true, false})
        for (const bool with_clock : {true, false}) {
            ChangedMachine changed("asahi-m1");
            for (int cpu = 0; cpu < 8; ++cpu) {
                const std::string folder = fmt::format("/sys/devices/system/cpu/cpu{}", cpu);
                if (!with_capacity) changed.absent(folder + "/cpu_capacity", Absence::missing);
                if (!with_clock) changed.absent(folder + "/cpufreq", Absence::missing);
            }
            const CpuInfo cpu = detect_on(changed).hardware.cpu;
            EXPECT_EQ(*cpu.model, "Firestorm-M1 + Icestorm-M1");
            EXPECT_EQ(cpu.microarchitecture, "firestorm_m1");
            EXPECT_EQ(*cpu.model_number, 0x23);
            ASSERT_EQ(cpu.core_kinds.size(), 2u);
            EXPECT_EQ(cpu.core_kinds[0].name, "performance");
            EXPECT_EQ(cpu.core_kinds[0].microarchitecture, "firestorm_m1");
            EXPECT_EQ(cpu.core_kinds[0].cpus, (std::vector<int>{4, 5, 6, 7}));
        }
}

// Parts without a name in the table sort by number: there the capacity or the clock decides.
TEST(CoreKinds, OfUnnamedPartsGoByCapacityOrClock) {
    for (const int capacity : {0, 1024}) {
        MadeMachine made("aarch64", {{0, 3, capacity * 2 / 5, 1800000, "0xdf5"},
                                     {4, 7, capacity, 2900000, "0xdf4"}});
        const CpuInfo cpu = made.detected().hardware.cpu;
        EXPECT_EQ(*cpu.model_number, 0xdf4);
        EXPECT_EQ(cpu.core_kinds.at(0).cpus, (std::vector<int>{4, 5, 6, 7}));
    }
}

TEST(CoreKinds, OfThreeClusters) {
    MadeMachine made("aarch64", {{0, 3, 250, 1800000, "0xd05"},
                                 {4, 6, 870, 2400000, "0xd41"},
                                 {7, 7, 1024, 2800000, "0xd44"}});
    EXPECT_THAT(kinds_of(made.detected()),
                ElementsAre("performance:cortex_x1 7-7 2800", "middle:cortex_a78 4-6 2400",
                            "efficiency:cortex_a55 0-3 1800"));
    EXPECT_EQ(*made.detected().hardware.cpu.model, "Cortex-X1 + Cortex-A78 + Cortex-A55");
}

TEST(CoreKinds, OfThreeClustersWithoutPartsGoByCapacity) {
    MadeMachine made("aarch64", {{0, 3, 250}, {4, 6, 700}, {7, 7, 1024}});
    EXPECT_THAT(kinds_of(made.detected()),
                ElementsAre("performance: 7-7 0", "middle: 4-6 0", "efficiency: 0-3 0"));
}

TEST(CoreKinds, OfACpuWithoutAPartAreNotBelieved) {
    MadeMachine made("aarch64", {{0, 3, 0, 0, "0xd05"}, {4, 7, 0, 0, ""}});
    EXPECT_THAT(kinds_of(made.detected()), ElementsAre(":cortex_a55 0-7 0"));
}

// Strix Point without CPUID: four cores of Zen 5 and eight of Zen 5c, at two thirds of the clock.
TEST(CoreKinds, OfAmdHybridsGoByClock) {
    const auto amd = [](int dense_khz) {
        MadeMachine made("x86_64", {{0, 3, 0, 5157000}, {4, 11, 0, dense_khz}});
        std::string cpuinfo;
        for (int cpu = 0; cpu < 12; ++cpu)
            cpuinfo += fmt::format(
                "processor : {}\nvendor_id : AuthenticAMD\ncpu family : 26\nmodel : 36\nmodel name "
                ": AMD Ryzen AI 9 HX 370 w/ Radeon 890M\nstepping : 0\n\n",
                cpu);
        made.root().file("/proc/cpuinfo", cpuinfo);
        return kinds_of(made.detected());
    };
    EXPECT_THAT(amd(3302000),
                ElementsAre("performance:zen5 0-3 5157", "efficiency:zen5c 4-11 3302"));
    EXPECT_THAT(amd(4900000), ElementsAre(":zen5 0-11 5157")) << "favoured cores are one kind";
}

TEST(Topology, IdsOfMinusOneAreNoCoreAndNoSocket) {
    MadeMachine made("riscv64", {{0, 3}});
    for (int cpu = 0; cpu < 4; ++cpu) {
        const std::string folder = fmt::format("/sys/devices/system/cpu/cpu{}/topology", cpu);
        made.root().file(folder + "/core_id", "-1\n");
        made.root().file(folder + "/physical_package_id", "-1\n");
    }
    const CpuInfo alone = made.detected().hardware.cpu;
    EXPECT_EQ(*alone.cores_physical, 4) << "each CPU lists itself alone";
    EXPECT_FALSE(alone.sockets);
    for (int cpu = 0; cpu < 4; ++cpu)
        made.root().file(fmt::format("/sys/devices/system/cpu/cpu{}/topology/core_cpus_list", cpu),
                         "0-3\n");
    const CpuInfo together = made.detected().hardware.cpu;
    EXPECT_FALSE(together.cores_physical) << "four CPUs of core -1 are not known to be one core";
    EXPECT_EQ(*together.cores_logical, 4);
}

TEST(Topology, OfflineCpusAndThoseOfSmtThatIsOffDoNotCount) {
    MadeMachine made("x86_64", {{0, 7}});
    made.root().file("/sys/devices/system/cpu/online", "0,2,4,6\n").cpus({0, 2, 4, 6});
    const CpuInfo cpu = made.detected().hardware.cpu;
    EXPECT_EQ(*cpu.cores_logical, 4);
    EXPECT_EQ(*cpu.cores_physical, 4);
}

TEST(Topology, CountsMoreThan1024Cpus) {
    MadeMachine made("x86_64", {{0, 2303}});
    const Context context = made.detected();
    EXPECT_EQ(*context.hardware.cpu.cores_logical, 2304);
    EXPECT_EQ(*context.hardware.cpu.cores_physical, 2304);
    EXPECT_EQ(context.environment.cpus_allowed.size(), 2304u);
}

}  // namespace
}  // namespace peakward
