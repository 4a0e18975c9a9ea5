#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detect/memory_sys_root.hpp"
#include "detect/seeded_bytes.hpp"
#include "detect/sources/collect.hpp"
#include "detect/sources/environment_parts.hpp"

namespace peakward {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Environment environment_of(const MemorySysRoot& root) {
    StillClock clock;
    Context context;
    detail::collect_environment(root, clock, {}, context);
    return context.environment;
}

// ---- clocks and power ------------------------------------------------------------------------

const std::string cpu = "/sys/devices/system/cpu";

TEST(EnvironmentPower, AllPoliciesAgree) {
    MemorySysRoot root;
    for (const char* policy : {"policy0", "policy4"}) {
        root.file(cpu + "/cpufreq/" + policy + "/scaling_governor", "performance\n")
            .file(cpu + "/cpufreq/" + policy + "/scaling_driver", "intel_pstate\n")
            .file(cpu + "/cpufreq/" + policy + "/energy_performance_preference", "balance_power\n")
            .file(cpu + "/cpufreq/" + policy + "/affected_cpus", "0 1 2 3\n");
    }
    const Environment environment = environment_of(root);
    EXPECT_EQ(*environment.cpu_governor, "performance");
    EXPECT_THAT(environment.cpu_governor.source(), HasSubstr("8 CPUs in all"));
    EXPECT_EQ(*environment.frequency_driver, "intel_pstate");
    EXPECT_EQ(*environment.energy_preference, "balance_power");
}

TEST(EnvironmentPower, MixedGovernorsAreSaid) {
    MemorySysRoot root;
    root.file(cpu + "/cpu0/cpufreq/scaling_governor", "performance\n")
        .file(cpu + "/cpu1/cpufreq/scaling_governor", "powersave\n")
        .file(cpu + "/cpu2/cpufreq/scaling_governor", "powersave\n")
        .file(cpu + "/cpuidle/current_driver", "none\n");
    const Fact<std::string> governor = environment_of(root).cpu_governor;
    EXPECT_EQ(*governor, "mixed: performance on 1 CPU, powersave on 2 CPUs");
    EXPECT_THAT(detail::settings_in(*governor), ElementsAre("performance", "powersave"));
    EXPECT_THAT(detail::settings_in("schedutil"), ElementsAre("schedutil"));
}

TEST(EnvironmentPower, OfflinePoliciesDoNotCount) {
    MemorySysRoot root;
    root.file(cpu + "/cpufreq/policy0/scaling_governor", "performance\n")
        .file(cpu + "/cpufreq/policy0/affected_cpus", "0\n")
        .absent(cpu + "/cpufreq/policy1/scaling_governor", Absence::failed)
        .file(cpu + "/cpufreq/policy1/affected_cpus", "\n");
    EXPECT_EQ(*environment_of(root).cpu_governor, "performance");
}

TEST(EnvironmentPower, OneUnreadableGovernorLeavesItUnknown) {
    for (const Absence absence : {Absence::denied, Absence::slow, Absence::failed}) {
        MemorySysRoot root;
        root.file(cpu + "/cpu0/cpufreq/scaling_governor", "performance\n")
            .file(cpu + "/cpu1/cpufreq/scaling_driver", "x\n")
            .absent(cpu + "/cpu1/cpufreq/scaling_governor", absence);
        const Fact<std::string> governor = environment_of(root).cpu_governor;
        EXPECT_THAT(governor.reason(), StartsWith("could not be read: "));
    }
    MemorySysRoot malformed;
    malformed.file(cpu + "/cpu0/cpufreq/scaling_governor", "\x01\x02");
    EXPECT_THAT(environment_of(malformed).cpu_governor.reason(), HasSubstr("holds no setting"));
}

TEST(EnvironmentPower, AGuestHasNoGovernor) {
    const Environment environment = environment_of(MemorySysRoot());
    EXPECT_THAT(environment.cpu_governor.reason(), HasSubstr("no cpufreq"));
    EXPECT_THAT(environment.turbo.reason(), HasSubstr("no turbo switch"));
    EXPECT_THAT(environment.power_mode.reason(), HasSubstr("offers no power mode"));
    EXPECT_THAT(environment.thermal_state.reason(), HasSubstr("no CPU temperature sensor"));
}

TEST(EnvironmentPower, TurboOfEveryDriver) {
    const auto turbo = [](const std::string& path, const char* value) {
        MemorySysRoot root;
        root.file(cpu + path, value);
        const Fact<std::string> fact = environment_of(root).turbo;
        return fact.value_or("unknown");
    };
    EXPECT_EQ(turbo("/intel_pstate/no_turbo", "0\n"), "enabled");
    EXPECT_EQ(turbo("/intel_pstate/no_turbo", "1\n"), "disabled");
    EXPECT_EQ(turbo("/cpufreq/boost", "1\n"), "enabled");
    EXPECT_EQ(turbo("/cpufreq/boost", "0\n"), "disabled");
    EXPECT_EQ(turbo("/cpufreq/policy0/boost", "1\n"), "enabled");
    EXPECT_EQ(turbo("/cpufreq/boost", "perhaps\n"), "unknown");
}

TEST(EnvironmentPower, ModesOfJetson) {
    EXPECT_EQ(detail::nvpmodel_mode("NV Fan Mode:quiet\nNV Power Mode: MODE_25W\n1\n"), "25W");
    EXPECT_EQ(detail::nvpmodel_mode("NV Power Mode: MAXN\n0\n"), "MAXN");
    EXPECT_EQ(detail::nvpmodel_mode("NVPM ERROR: no permission\n"), std::nullopt);
    EXPECT_EQ(detail::nvpmodel_mode("NV Power Mode: \n"), std::nullopt);
    MemorySysRoot tool;
    tool.command("nvpmodel", "NV Power Mode: 15W\n0\n");
    EXPECT_EQ(*environment_of(tool).power_mode, "15W");

    MemorySysRoot files;
    files.command("nvpmodel", "", 255, "NVPM ERROR: Error opening /var/lib/nvpmodel/status\n")
        .file("/var/lib/nvpmodel/status", "pmode:0001 fmode:quiet")
        .file("/etc/nvpmodel.conf",
              "# comment\n< POWER_MODEL ID=0 NAME=MAXN >\n< POWER_MODEL ID=1 NAME=MODE_30W >\n");
    EXPECT_EQ(*environment_of(files).power_mode, "30W");

    MemorySysRoot refused;
    refused.command("nvpmodel", "", 255, "must be root\n");
    EXPECT_THAT(environment_of(refused).power_mode.reason(), HasSubstr("must be root"));
    MemorySysRoot slow;
    slow.absent("command:nvpmodel", Absence::slow);
    EXPECT_THAT(environment_of(slow).power_mode.reason(), StartsWith("could not be read: "));
}

TEST(EnvironmentPower, ProfilesAndBatteries) {
    MemorySysRoot root;
    root.file("/sys/firmware/acpi/platform_profile", "balanced\n");
    EXPECT_EQ(*environment_of(root).power_mode, "balanced");
    root.file("/sys/class/power_supply/hidpp_battery_0/type", "Battery\n")
        .file("/sys/class/power_supply/hidpp_battery_0/scope", "Device\n")
        .file("/sys/class/power_supply/hidpp_battery_0/status", "Discharging\n");
    EXPECT_EQ(*environment_of(root).power_mode, "balanced") << "a mouse is no power source";
    root.file("/sys/class/power_supply/BAT0/type", "Battery\n")
        .file("/sys/class/power_supply/BAT0/status", "Discharging\n")
        .file("/sys/class/power_supply/AC/type", "Mains\n")
        .file("/sys/class/power_supply/AC/online", "0\n");
    EXPECT_EQ(*environment_of(root).power_mode, "balanced on battery");
    root.file("/sys/class/power_supply/AC/online", "1\n");
    EXPECT_EQ(*environment_of(root).power_mode, "balanced");

    MemorySysRoot daemon;
    daemon.command("powerprofilesctl", "power-saver\n");
    EXPECT_EQ(*environment_of(daemon).power_mode, "power-saver");
}

// ---- heat ------------------------------------------------------------------------------------

MemorySysRoot warm_chip(const char* millidegrees, const char* critical) {
    MemorySysRoot root;
    root.file("/sys/class/hwmon/hwmon0/name", "nvme\n")
        .file("/sys/class/hwmon/hwmon0/temp1_input", "99000\n")
        .file("/sys/class/hwmon/hwmon1/name", "coretemp\n")
        .file("/sys/class/hwmon/hwmon1/temp1_input", millidegrees)
        .file("/sys/class/hwmon/hwmon1/temp1_max", "60000\n")
        .file("/sys/class/hwmon/hwmon1/temp2_input", "30000\n");
    if (critical != nullptr) root.file("/sys/class/hwmon/hwmon1/temp1_crit", critical);
    return root;
}

TEST(EnvironmentThermal, StatesByTheDistanceToTheLimit) {
    EXPECT_EQ(*environment_of(warm_chip("45000\n", "100000\n")).thermal_state, "cool");
    EXPECT_EQ(*environment_of(warm_chip("85000\n", "100000\n")).thermal_state, "warm");
    EXPECT_EQ(*environment_of(warm_chip("100000\n", "100000\n")).thermal_state, "throttled");
    EXPECT_EQ(*environment_of(warm_chip("74000\n", nullptr)).thermal_state, "cool");
    EXPECT_EQ(*environment_of(warm_chip("75000\n", nullptr)).thermal_state, "warm");
    EXPECT_EQ(*environment_of(warm_chip("99000\n", nullptr)).thermal_state, "warm")
        << "without a limit nobody saw it throttle";
    EXPECT_DOUBLE_EQ(*environment_of(warm_chip("85000\n", nullptr)).temperature_c, 85.0);
}

TEST(EnvironmentThermal, ReadsZonesAndTheirPassiveTrips) {
    MemorySysRoot root;
    const std::string zone = "/sys/class/thermal/thermal_zone1";
    root.file("/sys/class/thermal/thermal_zone0/type", "acpitz\n")
        .file("/sys/class/thermal/thermal_zone0/temp", "98000\n")
        .file(zone + "/type", "CPU-therm\n")
        .file(zone + "/temp", "83000\n")
        .file(zone + "/trip_point_0_type", "critical\n")
        .file(zone + "/trip_point_0_temp", "105000\n")
        .file(zone + "/trip_point_1_type", "passive\n")
        .file(zone + "/trip_point_1_temp", "82000\n");
    const Environment environment = environment_of(root);
    EXPECT_DOUBLE_EQ(*environment.temperature_c, 83.0) << "acpitz is no CPU sensor";
    EXPECT_EQ(*environment.thermal_state, "throttled");
    EXPECT_THAT(environment.thermal_state.source(), HasSubstr("limit 82.0 C"));
}

TEST(EnvironmentThermal, FillersAreNoTemperatures) {
    for (const char* filler : {"-274000\n", "255000\n", "N/A\n", ""}) {
        MemorySysRoot root;
        root.file("/sys/class/thermal/thermal_zone0/type", "x86_pkg_temp\n")
            .file("/sys/class/thermal/thermal_zone0/temp", filler);
        EXPECT_FALSE(environment_of(root).temperature_c) << filler;
    }
    MemorySysRoot trips = MemorySysRoot();
    trips.file("/sys/class/thermal/thermal_zone0/type", "x86_pkg_temp\n")
        .file("/sys/class/thermal/thermal_zone0/temp", "41000\n")
        .file("/sys/class/thermal/thermal_zone0/trip_point_0_type", "passive\n")
        .file("/sys/class/thermal/thermal_zone0/trip_point_0_temp", "0\n")
        .file("/sys/class/thermal/thermal_zone0/trip_point_1_type", "passive\n")
        .file("/sys/class/thermal/thermal_zone0/trip_point_1_temp", "25000\n");
    EXPECT_EQ(*environment_of(trips).thermal_state, "cool") << "an unset trip is no limit";
}

TEST(EnvironmentThermal, ACounterThatMovesIsThrottling) {
    MemorySysRoot root;
    root.sequence(cpu + "/cpu0/thermal_throttle/core_throttle_count", {"7\n", "9\n"})
        .file(cpu + "/cpu0/thermal_throttle/package_throttle_count", "4\n");
    const Environment environment = environment_of(root);
    EXPECT_EQ(*environment.thermal_state, "throttled");
    EXPECT_THAT(environment.thermal_state.source(), HasSubstr("counted 2 throttle events"));

    MemorySysRoot still;
    still.file(cpu + "/cpu0/thermal_throttle/core_throttle_count", "7\n");
    EXPECT_FALSE(environment_of(still).thermal_state) << "no sensor: cool would be a guess";
    EXPECT_THAT(environment_of(still).thermal_state.reason(), HasSubstr("counters did not move"));
}

TEST(EnvironmentThermal, DeniedSensorsAreNotAbsent) {
    MemorySysRoot root;
    root.absent("/sys/class/hwmon", Absence::denied);
    EXPECT_THAT(environment_of(root).temperature_c.reason(),
                StartsWith("could not be read: /sys/class/hwmon"));
}

// ---- load ------------------------------------------------------------------------------------

// Ticks of two CPUs: CPU 0 busy for `busy` of 100, CPU 1 idle.
std::string stat_after(int busy, int steal = 0) {
    return fmt::format(
        "cpu  {0} 0 0 {1} 0 0 0 {2} 0 0\ncpu0 {0} 0 0 {3} 0 0 0 {2} 0 0\ncpu1 0 0 0 100 0 0 0 0 0 "
        "0\nintr 5\n",
        busy, 200 - busy - steal, steal, 100 - busy - steal);
}
constexpr auto stat_at_start =
    "cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\ncpu1 0 0 0 0 0 0 0 0 0 0\nintr 0\n";

std::string self_stat(int ticks) {
    return fmt::format("42 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 {} 0 0 0 20 0 1 0 99 0\n", ticks);
}

TEST(EnvironmentLoad, CountsOthersOnTheCpusWeMayUse) {
    MemorySysRoot root;
    root.sequence("/proc/stat", {stat_at_start, stat_after(40, 10)})
        .sequence("/proc/self/stat", {self_stat(5), self_stat(15)});
    root.cpus({0, 1});
    const Environment both = environment_of(root);
    EXPECT_DOUBLE_EQ(*both.busy_percent, 15.0) << "40 of 200 ticks, 10 of them our own";
    EXPECT_DOUBLE_EQ(*both.steal_percent, 5.0);

    MemorySysRoot one;
    one.sequence("/proc/stat", {stat_at_start, stat_after(40)});
    one.cpus({0});
    EXPECT_DOUBLE_EQ(*environment_of(one).busy_percent, 40.0);

    MemorySysRoot other;
    other.sequence("/proc/stat", {stat_at_start, stat_after(40)});
    other.cpus({1});
    EXPECT_DOUBLE_EQ(*environment_of(other).busy_percent, 0.0);
}

TEST(EnvironmentLoad, CountersThatDoNotMoveTellNothing) {
    MemorySysRoot root;
    root.file("/proc/stat", stat_after(40, 10));
    const Environment environment = environment_of(root);
    EXPECT_THAT(environment.busy_percent.reason(), HasSubstr("did not move"));
    EXPECT_DOUBLE_EQ(*environment.steal_percent, 5.0);
    EXPECT_THAT(environment.steal_percent.source(), HasSubstr("since boot"));
}

TEST(EnvironmentLoad, MissingDeniedAndMalformedAreDifferentReasons) {
    EXPECT_EQ(environment_of(MemorySysRoot()).busy_percent.reason(), "/proc/stat does not exist");
    MemorySysRoot denied, malformed;
    denied.absent("/proc/stat", Absence::denied);
    malformed.file("/proc/stat", "cpu a b c\ncpux 1 2 3 4\n");
    EXPECT_THAT(environment_of(denied).busy_percent.reason(), HasSubstr("permission denied"));
    EXPECT_THAT(environment_of(malformed).busy_percent.reason(), HasSubstr("holds no CPU times"));
}

TEST(EnvironmentLoad, ReadsPressureAndLoadAverage) {
    MemorySysRoot root;
    root.file("/proc/pressure/cpu",
              "some avg10=12.50 avg60=1.16 avg300=0.39 total=9618725\n"
              "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n")
        .absent("/proc/pressure/memory", Absence::failed)
        .file("/proc/loadavg", "1.25 0.90 0.50 2/300 12345\n");
    const Environment environment = environment_of(root);
    EXPECT_DOUBLE_EQ(*environment.psi_cpu_some_avg10_percent, 12.5);
    EXPECT_THAT(environment.psi_memory_some_avg10_percent.reason(),
                StartsWith("could not be read: "));
    EXPECT_DOUBLE_EQ(*environment.load_average_1m, 1.25);
    EXPECT_EQ(detail::psi_some_avg10("some avg10=nan"), std::nullopt);
    EXPECT_EQ(detail::psi_some_avg10("some avg10=101.0"), std::nullopt);
    EXPECT_EQ(detail::psi_some_avg10("full avg10=1.0"), std::nullopt);
}

// ---- limits ----------------------------------------------------------------------------------

TEST(EnvironmentLimits, HalfACpuInAContainer) {
    MemorySysRoot root;
    root.file("/proc/self/cgroup", "0::/\n")
        .file("/sys/fs/cgroup/cpu.max", "50000 100000\n")
        .file("/sys/fs/cgroup/memory.max", "536870912\n");
    const Environment environment = environment_of(root);
    EXPECT_DOUBLE_EQ(*environment.cpu_quota_cpus, 0.5);
    EXPECT_EQ(environment.cpu_quota_cpus.source(), "/sys/fs/cgroup/cpu.max");
    EXPECT_EQ(*environment.memory_limit_bytes, 536870912);
}

TEST(EnvironmentLimits, TheLowestQuotaOnTheWayToTheRootCounts) {
    MemorySysRoot root;
    root.file("/proc/self/cgroup", "0::/user.slice/a/b\n")
        .file("/sys/fs/cgroup/cgroup.controllers", "cpu memory\n")
        .file("/sys/fs/cgroup/user.slice/a/b/cpu.max", "800000 100000\n")
        .file("/sys/fs/cgroup/user.slice/a/cpu.max", "max 100000\n")
        .file("/sys/fs/cgroup/user.slice/cpu.max", "150000 100000\n");
    const auto quota = environment_of(root).cpu_quota_cpus;
    EXPECT_DOUBLE_EQ(*quota, 1.5);
    EXPECT_EQ(quota.source(), "/sys/fs/cgroup/user.slice/cpu.max");
}

TEST(EnvironmentLimits, ReadsVersionOne) {
    MemorySysRoot root;
    root.file("/proc/self/cgroup", "4:memory:/d/x\n2:cpu,cpuacct:/d/x\n0::/\n")
        .file("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "200000\n")
        .file("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n")
        .file("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    const Environment environment = environment_of(root);
    EXPECT_DOUBLE_EQ(*environment.cpu_quota_cpus, 2.0);
    EXPECT_THAT(environment.memory_limit_bytes.reason(), StartsWith(detail::no_limit));

    root.file("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
    EXPECT_THAT(environment_of(root).cpu_quota_cpus.reason(), StartsWith(detail::no_limit));
}

TEST(EnvironmentLimits, NoLimitIsOnlySaidWhereItWasRead) {
    MemorySysRoot free, denied, unmounted, malformed;
    free.file("/proc/self/cgroup", "0::/a\n").file("/sys/fs/cgroup/a/cpu.max", "max 100000\n");
    EXPECT_THAT(environment_of(free).cpu_quota_cpus.reason(), StartsWith(detail::no_limit));
    denied.file("/proc/self/cgroup", "0::/a\n")
        .file("/sys/fs/cgroup/cgroup.controllers", "cpu\n")
        .absent("/sys/fs/cgroup/a/cpu.max", Absence::denied);
    unmounted.file("/proc/self/cgroup", "0::/a\n3:cpu:/a\n");
    malformed.file("/proc/self/cgroup", "0::/\n").file("/sys/fs/cgroup/cpu.max", "half\n");
    for (const MemorySysRoot* root : {&denied, &unmounted, &malformed}) {
        EXPECT_THAT(environment_of(*root).cpu_quota_cpus.reason(),
                    StartsWith("could not be read: "));
    }
    EXPECT_THAT(environment_of(MemorySysRoot()).cpu_quota_cpus.reason(),
                HasSubstr("/proc/self/cgroup does not exist"));
}

TEST(EnvironmentLimits, AllowedCpusAreAffinityWithinTheCpuset) {
    MemorySysRoot root;
    root.cpus({0, 1, 2, 3});
    EXPECT_THAT(environment_of(root).cpus_allowed, ElementsAre(0, 1, 2, 3));
    root.file("/proc/self/cgroup", "0::/a\n")
        .file("/sys/fs/cgroup/cgroup.controllers", "cpuset\n")
        .file("/sys/fs/cgroup/a/cpuset.cpus.effective", "2-5\n");
    EXPECT_THAT(environment_of(root).cpus_allowed, ElementsAre(2, 3));
    MemorySysRoot status;
    status.file("/proc/self/status", "Name:\tx\nCpus_allowed_list:\t0,4-5\n");
    EXPECT_THAT(environment_of(status).cpus_allowed, ElementsAre(0, 4, 5));
    EXPECT_TRUE(environment_of(MemorySysRoot()).cpus_allowed.empty());
}

TEST(EnvironmentLimits, PathsOutsideOfTheNamespaceEndAtItsRoot) {
    EXPECT_THAT(detail::levels_of("/a/b"), ElementsAre("/a/b", "/a", ""));
    EXPECT_THAT(detail::levels_of("/"), ElementsAre(""));
    EXPECT_THAT(detail::levels_of("/../../x"), ElementsAre(""));
    EXPECT_FALSE(detail::parse_cpu_max("0 100000"));
    EXPECT_FALSE(detail::parse_cpu_max("100 0"));
    EXPECT_FALSE(detail::parse_cpu_max("100"));
    EXPECT_FALSE(detail::parse_cpu_max("max 100000")->limited);
}

// ---- virtualization --------------------------------------------------------------------------

MemorySysRoot kvm_guest() {
    MemorySysRoot root;
    root.leaf(1, {0, 0, 1u << 31, 0}).leaf(0x40000000, {0, 0x4b4d564b, 0x564b4d56, 0x4d});
    return root;
}

TEST(EnvironmentVirtualization, AsksCpuidFirst) {
    EXPECT_EQ(*environment_of(kvm_guest()).virtualization, "kvm");
    MemorySysRoot bare;
    bare.leaf(1, {0, 0, 0, 0});
    EXPECT_EQ(*environment_of(bare).virtualization, "none");
    EXPECT_FALSE(environment_of(MemorySysRoot()).virtualization);
}

TEST(EnvironmentVirtualization, KvmThatPosesAsHyperVIsNamedByItsFirmware) {
    MemorySysRoot root;
    root.leaf(1, {0, 0, 1u << 31, 0})
        .leaf(0x40000000, {0, 0x7263694d, 0x666f736f, 0x76482074})
        .file("/sys/class/dmi/id/sys_vendor", "QEMU\n");
    EXPECT_EQ(*environment_of(root).virtualization, "kvm");
    root.file("/sys/class/dmi/id/sys_vendor", "Microsoft Corporation\n")
        .file("/sys/class/dmi/id/product_name", "Virtual Machine\n");
    EXPECT_EQ(*environment_of(root).virtualization, "hyper-v");
}

TEST(EnvironmentVirtualization, WithoutCpuidFlagsFirmwareAndDeviceTreeTell) {
    const auto kind = [](const MemorySysRoot& root) {
        return environment_of(root).virtualization.value_or("unknown");
    };
    MemorySysRoot flags, bare_flags, arm, jetson, cloud, metal, wsl;
    flags.file("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu sse hypervisor avx\n")
        .file("/sys/class/dmi/id/sys_vendor", "VMware, Inc.\n");
    bare_flags.file("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu sse avx\n");
    arm.file("/proc/device-tree/hypervisor/compatible", std::string("linux,kvm\0", 10));
    jetson.file("/proc/device-tree/compatible", "nvidia,p3768\0nvidia,tegra234");
    cloud.file("/sys/class/dmi/id/sys_vendor", "Amazon EC2\n")
        .file("/sys/class/dmi/id/product_name", "c7g.large\n");
    metal.file("/sys/class/dmi/id/sys_vendor", "Amazon EC2\n")
        .file("/sys/class/dmi/id/product_name", "c7g.metal\n");
    wsl.file("/proc/sys/kernel/osrelease", "5.15.153.1-microsoft-standard-WSL2\n");
    EXPECT_EQ(kind(flags), "vmware");
    EXPECT_EQ(kind(bare_flags), "none");
    EXPECT_EQ(kind(arm), "kvm");
    EXPECT_EQ(kind(jetson), "none");
    EXPECT_EQ(kind(cloud), "kvm");
    EXPECT_EQ(kind(metal), "none");
    EXPECT_EQ(kind(wsl), "wsl");
}

TEST(EnvironmentVirtualization, ContainersAreNamedWithWhatTheyRunIn) {
    MemorySysRoot docker;
    docker.leaf(1, {0, 0, 0, 0}).file("/.dockerenv", "");
    EXPECT_EQ(*environment_of(docker).virtualization, "docker");
    MemorySysRoot both = kvm_guest();
    both.file("/run/systemd/container", "lxc\n").link("/proc/self/ns/pid", "pid:[4026532001]");
    EXPECT_EQ(*environment_of(both).virtualization, "lxc in kvm");
    MemorySysRoot pod = kvm_guest();
    pod.file("/proc/1/cgroup", "0::/kubepods/burstable/pod1\n");
    EXPECT_EQ(*environment_of(pod).virtualization, "kubernetes in kvm");
}

TEST(EnvironmentVirtualization, AGuestBootedFromAContainerImageIsNoContainer) {
    MemorySysRoot root = kvm_guest();
    root.file("/.dockerenv", "").link("/proc/self/ns/pid", "pid:[4026531836]");
    EXPECT_EQ(*environment_of(root).virtualization, "kvm");
}

// ---- the rest --------------------------------------------------------------------------------

TEST(Environment, ReadsHugePagesAndNumaBalancing) {
    MemorySysRoot root;
    root.file("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n")
        .file("/proc/sys/kernel/numa_balancing", "2\n");
    EXPECT_EQ(*environment_of(root).transparent_huge_pages, "madvise");
    EXPECT_EQ(*environment_of(root).numa_balancing, "on");
    root.file("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise never\n")
        .absent("/proc/sys/kernel/numa_balancing", Absence::denied);
    EXPECT_FALSE(environment_of(root).transparent_huge_pages);
    EXPECT_THAT(environment_of(root).numa_balancing.reason(), StartsWith("could not be read: "));
}

TEST(Environment, WatchesForAsLongAsAsked) {
    StillClock clock;
    Context context;
    DetectOptions options;
    options.watch = std::chrono::milliseconds(70);
    detail::collect_environment(MemorySysRoot(), clock, options, context);
    EXPECT_EQ(clock.monotonic(), std::chrono::milliseconds(70));
}

TEST(EnvironmentParsers, SurviveDamagedInput) {
    SeededBytes bytes(23);
    for (int i = 0; i < 800; ++i) {
        for (const std::string& text :
             {bytes.noise(), bytes.damaged(stat_after(40, 3)), bytes.damaged(self_stat(7)),
              bytes.damaged("some avg10=0.94 avg60=1.16 total=9\nfull avg10=0.00\n"),
              bytes.damaged("4:cpu,cpuacct:/docker/abc\n0::/../a/b\n"),
              bytes.damaged("50000 100000"), bytes.damaged("NV Power Mode: MODE_25W\n1\n"),
              bytes.damaged("always [madvise] never"),
              bytes.damaged("< POWER_MODEL ID=1 NAME=MODE_30W >\n")}) {
            for (const auto& [number, times] : detail::parse_proc_stat(text)) {
                EXPECT_GE(number, -1);
                EXPECT_GE(times.busy, 0);
                EXPECT_GE(times.total, times.busy + times.steal);
            }
            if (const auto ticks = detail::own_ticks(text)) {
                EXPECT_GE(*ticks, 0);
            }
            if (const auto share = detail::psi_some_avg10(text)) {
                EXPECT_LE(*share, 100);
            }
            if (const auto quota = detail::parse_cpu_max(text)) {
                EXPECT_GE(quota->cpus, 0);
            }
            for (const auto& [name, path] : detail::parse_proc_cgroup(text).controllers) {
                EXPECT_EQ(path[0], '/');
                EXPECT_EQ(detail::levels_of(path).back(), "");
            }
            detail::nvpmodel_mode(text);
            detail::nvpmodel_name_of(text, 1);
            detail::chosen_word(text);
            EXPECT_FALSE(detail::settings_in(text).empty());
        }
    }
}

TEST(EnvironmentParsers, WholeReadingsOfDamagedFilesNeverLeaveTheirRange) {
    SeededBytes bytes(24);
    for (int i = 0; i < 1000; ++i) {
        MemorySysRoot root;
        root.sequence("/proc/stat",
                      {bytes.damaged(stat_at_start), bytes.damaged(stat_after(40, 3))})
            .sequence("/proc/self/stat",
                      {bytes.damaged(self_stat(5)), bytes.damaged(self_stat(15))});
        const Environment environment = environment_of(root);
        for (const Fact<double>& share : {environment.busy_percent, environment.steal_percent}) {
            if (!share) continue;
            EXPECT_GE(*share, 0);
            EXPECT_LE(*share, 100);
        }
    }
}

}  // namespace
}  // namespace peakward
