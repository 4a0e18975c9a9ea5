#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "core/text.hpp"
#include "detect/detect.hpp"
#include "detect/sources/environment_parts.hpp"

namespace peakward {
namespace {

using testing::HasSubstr;
using testing::Not;

Fact<std::string> word(const char* value, const char* source = "/seen/here") {
    return Fact<std::string>::known(value, source);
}
Fact<double> number(double value) { return Fact<double>::known(value, "/seen/here"); }

// A machine of eight cores on which every check passes.
Context calm() {
    Context context;
    Environment& environment = context.environment;
    environment.power_mode = word("performance");
    environment.cpu_governor = word("performance");
    environment.frequency_driver = word("intel_pstate");
    environment.energy_preference = word("performance");
    environment.turbo = word("enabled");
    environment.thermal_state = word("cool");
    environment.virtualization = word("none");
    environment.load_average_1m = number(0.1);
    environment.busy_percent = number(0.5);
    environment.steal_percent = number(0);
    environment.psi_cpu_some_avg10_percent = number(0);
    environment.psi_memory_some_avg10_percent = number(0);
    environment.cpu_quota_cpus = Fact<double>::unknown(std::string(detail::no_limit) + ": none");
    environment.cpus_allowed = {0, 1, 2, 3, 4, 5, 6, 7};
    environment.transparent_huge_pages = word("madvise");
    environment.numa_balancing = word("off");
    context.hardware.cpu.cores_logical = Fact<int>::known(8, "/seen/here");
    context.hardware.cpu.cores_physical = Fact<int>::known(8, "/seen/here");
    context.hardware.cpu.numa_nodes = Fact<int>::known(1, "/seen/here");
    context.hardware.memory.available_bytes =
        Fact<std::int64_t>::known(std::int64_t{16} << 30, "/seen/here");
    return context;
}

GpuInfo calm_gpu() {
    GpuInfo gpu;
    gpu.vendor = "nvidia";
    gpu.model = word("NVIDIA H100");
    gpu.pci_address = word("0000:01:00.0");
    gpu.power_limit_w = number(700);
    gpu.power_limit_default_w = number(700);
    gpu.ecc = word("enabled");
    gpu.mig = word("disabled");
    gpu.throttle = word("");
    gpu.other_processes = Fact<int>::known(0, "NVML");
    return gpu;
}

Check check_of(const Context& context, const std::string& id, PreflightOptions options = {}) {
    const Preflight result = preflight(context, options);
    const auto found = std::ranges::find(result.checks, id, &Check::id);
    if (found == result.checks.end()) {
        ADD_FAILURE() << "no check " << id;
        return {};
    }
    return *found;
}

CheckStatus status_of(const std::string& id, const std::function<void(Context&)>& change,
                      PreflightOptions options = {}) {
    Context context = calm();
    change(context);
    return check_of(context, id, options).status;
}

TEST(Preflight, ACalmMachinePassesEveryCheck) {
    const Preflight result = preflight(calm(), {});
    EXPECT_EQ(result.verdict, CheckStatus::pass);
    EXPECT_EQ(result.checks.size(), 14u);
    for (const Check& check : result.checks) {
        EXPECT_EQ(check.status, CheckStatus::pass) << check.id << ": " << check.evidence;
        EXPECT_EQ(check.remedy, "") << check.id;
    }
}

TEST(Preflight, WhatWasNotReadIsUnknownAndNeverPasses) {
    PreflightOptions options;
    options.uses_gpu = true;
    Context blind;
    blind.hardware.gpus.resize(1);
    for (const Context& context : {Context(), blind}) {
        const Preflight result = preflight(context, options);
        EXPECT_EQ(result.verdict, CheckStatus::pass) << "unknowns are shown, they do not refuse";
        EXPECT_EQ(result.checks.size(), 20u);
        for (const Check& check : result.checks) {
            EXPECT_EQ(check.status, CheckStatus::unknown) << check.id << ": " << check.evidence;
        }
    }
}

TEST(Preflight, EveryEvidenceIsOneSentenceThatNamesItsSource) {
    PreflightOptions options;
    options.uses_gpu = true;
    Context context = calm();
    context.hardware.gpus = {calm_gpu()};
    for (const Check& check : preflight(context, options).checks) {
        EXPECT_EQ(check.status, CheckStatus::pass) << check.id;
        EXPECT_FALSE(check.title.empty()) << check.id;
        EXPECT_TRUE(check.evidence.ends_with('.')) << check.evidence;
        EXPECT_THAT(check.evidence, Not(HasSubstr("..")));
        const bool named = check.evidence.find("/seen/here") != std::string::npos ||
                           check.evidence.find("NVML") != std::string::npos ||
                           check.evidence.find("affinity and cpuset") != std::string::npos ||
                           check.evidence.find("/proc/self/cgroup") != std::string::npos;
        EXPECT_TRUE(named) << check.id << ": " << check.evidence;
    }
}

TEST(Preflight, OneFailureFailsTheVerdictAndNamesTheRemedy) {
    Context context = calm();
    context.environment.cpu_governor =
        word("powersave", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    context.environment.frequency_driver = word("acpi-cpufreq");
    EXPECT_EQ(preflight(context, {}).verdict, CheckStatus::fail);
    const Check check = check_of(context, "cpu_governor");
    EXPECT_EQ(check.status, CheckStatus::fail);
    EXPECT_THAT(check.evidence, HasSubstr("powersave"));
    EXPECT_THAT(check.evidence, HasSubstr("cpu0/cpufreq/scaling_governor"));
    EXPECT_EQ(check.remedy, "sudo cpupower frequency-set -g performance");
}

TEST(Preflight, AReasonForNotKnowingIsTheEvidence) {
    Context context = calm();
    context.environment.cpu_governor =
        Fact<std::string>::unknown("could not be read: /x: permission denied");
    EXPECT_EQ(check_of(context, "cpu_governor").evidence,
              "The CPU governor is not known: could not be read: /x: permission denied.");
}

TEST(PreflightPower, JudgesGovernorsByTheirDriver) {
    const auto judge = [](const char* governor, const char* driver) {
        return status_of("cpu_governor", [&](Context& context) {
            context.environment.cpu_governor = word(governor);
            context.environment.frequency_driver =
                driver == nullptr ? Fact<std::string>::unknown("denied") : word(driver);
        });
    };
    EXPECT_EQ(judge("schedutil", "acpi-cpufreq"), CheckStatus::pass);
    EXPECT_EQ(judge("ondemand", "acpi-cpufreq"), CheckStatus::pass);
    EXPECT_EQ(judge("powersave", "intel_pstate"), CheckStatus::pass);
    EXPECT_EQ(judge("powersave", "amd-pstate-epp"), CheckStatus::pass);
    EXPECT_EQ(judge("powersave", "intel_cpufreq"), CheckStatus::fail);
    EXPECT_EQ(judge("powersave", "mixed: acpi-cpufreq on 4 CPUs, intel_pstate on 4 CPUs"),
              CheckStatus::fail);
    EXPECT_EQ(judge("powersave", nullptr), CheckStatus::fail);
    EXPECT_EQ(judge("conservative", "acpi-cpufreq"), CheckStatus::fail);
    EXPECT_EQ(judge("userspace", "acpi-cpufreq"), CheckStatus::fail);
    EXPECT_EQ(judge("walt", "qcom-cpufreq-hw"), CheckStatus::unknown);
    EXPECT_EQ(judge("mixed: performance on 4 CPUs, powersave on 4 CPUs", "acpi-cpufreq"),
              CheckStatus::fail);
    EXPECT_EQ(judge("mixed: performance on 4 CPUs, schedutil on 4 CPUs", "acpi-cpufreq"),
              CheckStatus::pass);
}

TEST(PreflightPower, JudgesEnergyPreferences) {
    const auto judge = [](const char* preference) {
        return status_of("energy_preference", [&](Context& context) {
            context.environment.energy_preference = word(preference);
        });
    };
    for (const char* good : {"performance", "balance_performance", "default", "0", "128"}) {
        EXPECT_EQ(judge(good), CheckStatus::pass) << good;
    }
    for (const char* bad :
         {"power", "balance_power", "129", "255", "mixed: performance on 1 CPU, power on 1 CPU"}) {
        EXPECT_EQ(judge(bad), CheckStatus::fail) << bad;
    }
    EXPECT_EQ(judge("256"), CheckStatus::unknown);
    EXPECT_EQ(judge("zen"), CheckStatus::unknown);
}

TEST(PreflightPower, SettingsThatOnlyChangeWhatIsMeasuredPassAndAreShown) {
    for (const char* value : {"enabled", "disabled"}) {
        Context context = calm();
        context.environment.turbo = word(value);
        EXPECT_EQ(check_of(context, "turbo").status, CheckStatus::pass);
        EXPECT_THAT(check_of(context, "turbo").evidence, HasSubstr(value));
    }
    for (const char* value : {"always", "madvise", "never"}) {
        Context context = calm();
        context.environment.transparent_huge_pages = word(value);
        EXPECT_EQ(check_of(context, "transparent_huge_pages").status, CheckStatus::pass);
        EXPECT_THAT(check_of(context, "transparent_huge_pages").evidence, HasSubstr(value));
    }
    Context context = calm();
    context.environment.numa_balancing = word("on");
    context.hardware.cpu.numa_nodes = Fact<int>::known(2, "/seen/here");
    EXPECT_EQ(check_of(context, "numa_balancing").status, CheckStatus::pass);
    EXPECT_THAT(check_of(context, "numa_balancing").evidence,
                HasSubstr("sudo sysctl kernel.numa_balancing=0"));
}

TEST(PreflightPower, HeatAndBattery) {
    const auto heat = [](const char* state) {
        return status_of("thermal_state",
                         [&](Context& c) { c.environment.thermal_state = word(state); });
    };
    EXPECT_EQ(heat("warm"), CheckStatus::pass);
    EXPECT_EQ(heat("throttled"), CheckStatus::fail);
    const auto mode = [](const char* name) {
        return status_of("power_mode", [&](Context& c) { c.environment.power_mode = word(name); });
    };
    EXPECT_EQ(mode("15W"), CheckStatus::pass);
    EXPECT_EQ(mode("power-saver"), CheckStatus::pass);
    EXPECT_EQ(mode("balanced on battery"), CheckStatus::fail);
    EXPECT_EQ(mode("on battery"), CheckStatus::fail);
}

TEST(PreflightLoad, JudgesWhatHappenedWhileWatchedAndNotTheLoadAverage) {
    Context after_a_build = calm();
    after_a_build.environment.load_average_1m = number(14);
    const Check check = check_of(after_a_build, "background_load");
    EXPECT_EQ(check.status, CheckStatus::pass);
    EXPECT_THAT(check.evidence, HasSubstr("14.00"));
    const auto busy = [](double percent) {
        return status_of("background_load",
                         [&](Context& c) { c.environment.busy_percent = number(percent); });
    };
    EXPECT_EQ(busy(24.9), CheckStatus::pass);
    EXPECT_EQ(busy(25), CheckStatus::fail);
    EXPECT_EQ(
        status_of("background_load",
                  [](Context& c) { c.environment.busy_percent = Fact<double>::unknown("denied"); }),
        CheckStatus::unknown)
        << "the load average alone decides nothing";
}

TEST(PreflightLoad, PressureCountsOnlyWhileTheWorkGoesOn) {
    const auto pressure = [](double psi, Fact<double> busy) {
        return status_of("psi_cpu", [&](Context& c) {
            c.environment.psi_cpu_some_avg10_percent = number(psi);
            c.environment.busy_percent = busy;
        });
    };
    EXPECT_EQ(pressure(19.9, number(50)), CheckStatus::pass);
    EXPECT_EQ(pressure(20, number(10)), CheckStatus::fail);
    EXPECT_EQ(pressure(80, number(2)), CheckStatus::pass) << "the tail of a build that has ended";
    EXPECT_EQ(pressure(80, Fact<double>::unknown("denied")), CheckStatus::fail);
}

TEST(PreflightLoad, StealAndHypervisor) {
    const auto steal = [](double percent) {
        return status_of("steal",
                         [&](Context& c) { c.environment.steal_percent = number(percent); });
    };
    EXPECT_EQ(steal(4.9), CheckStatus::pass);
    EXPECT_EQ(steal(5), CheckStatus::fail);
    Context guest = calm();
    guest.environment.virtualization = word("docker in kvm");
    EXPECT_EQ(check_of(guest, "hypervisor").status, CheckStatus::pass);
    EXPECT_THAT(check_of(guest, "hypervisor").evidence, HasSubstr("clocks are probed"));
}

TEST(PreflightLimits, AQuotaBelowTheThreadsFails) {
    const auto quota = [](double cpus, int threads) {
        PreflightOptions options;
        options.threads = threads;
        return status_of(
            "cgroup_quota", [&](Context& c) { c.environment.cpu_quota_cpus = number(cpus); },
            options);
    };
    EXPECT_EQ(quota(0.5, 0), CheckStatus::fail);
    EXPECT_EQ(quota(0.5, 1), CheckStatus::fail);
    EXPECT_EQ(quota(2, 8), CheckStatus::fail);
    EXPECT_EQ(quota(2, 2), CheckStatus::pass);
    EXPECT_EQ(quota(2, 0), CheckStatus::pass)
        << "without --threads a run takes no more than its quota";
    EXPECT_EQ(quota(2.5, 0), CheckStatus::fail) << "three threads on two and a half CPUs";
    Context context = calm();
    context.environment.cpu_quota_cpus = number(2.5);
    EXPECT_EQ(check_of(context, "cgroup_quota").remedy, "peakward calibrate --threads 2");
}

TEST(PreflightLimits, NoLimitPassesOnlyWhereItWasRead) {
    EXPECT_EQ(status_of("cgroup_quota", [](Context&) {}), CheckStatus::pass);
    EXPECT_EQ(status_of("cgroup_quota",
                        [](Context& c) {
                            c.environment.cpu_quota_cpus =
                                Fact<double>::unknown("could not be read: x");
                        }),
              CheckStatus::unknown);
}

TEST(PreflightLimits, AllowedCpus) {
    PreflightOptions nine;
    nine.threads = 9;
    EXPECT_EQ(status_of(
                  "cpuset", [](Context&) {}, nine),
              CheckStatus::fail);
    Context half = calm();
    half.environment.cpus_allowed = {0, 1, 2, 3};
    EXPECT_EQ(check_of(half, "cpuset").status, CheckStatus::pass);
    EXPECT_THAT(check_of(half, "cpuset").evidence, HasSubstr("4 of 8 CPUs"));
    EXPECT_EQ(status_of("cpuset", [](Context& c) { c.environment.cpus_allowed.clear(); }),
              CheckStatus::unknown);
}

TEST(PreflightLimits, Memory) {
    const auto bytes = [](std::int64_t value) {
        return Fact<std::int64_t>::known(value, "/seen/here");
    };
    EXPECT_EQ(status_of("memory_available",
                        [&](Context& c) { c.hardware.memory.available_bytes = bytes(511 << 20); }),
              CheckStatus::fail);
    EXPECT_EQ(status_of("memory_available",
                        [&](Context& c) { c.environment.memory_limit_bytes = bytes(256 << 20); }),
              CheckStatus::fail);
    EXPECT_EQ(status_of("memory_available",
                        [&](Context& c) { c.environment.memory_limit_bytes = bytes(1 << 30); }),
              CheckStatus::pass);
    EXPECT_EQ(
        status_of("memory_available",
                  [&](Context& c) { c.environment.psi_memory_some_avg10_percent = number(10); }),
        CheckStatus::fail);
}

CheckStatus gpu_status(const std::string& id, const std::function<void(GpuInfo&)>& change) {
    PreflightOptions options;
    options.uses_gpu = true;
    return status_of(
        id,
        [&](Context& context) {
            context.hardware.gpus = {calm_gpu(), calm_gpu()};
            change(context.hardware.gpus[1]);
        },
        options);
}

TEST(PreflightGpu, IsAskedOnlyWhenAGpuIsMeasured) {
    for (const Check& check : preflight(calm(), {}).checks)
        EXPECT_THAT(check.id, Not(HasSubstr("gpu")));
    PreflightOptions options;
    options.uses_gpu = true;
    EXPECT_EQ(check_of(calm(), "gpu_processes", options).status, CheckStatus::unknown);
}

TEST(PreflightGpu, OneBadGpuFailsAndOneUnaskedGpuIsUnknown) {
    for (const char* id :
         {"gpu_processes", "gpu_throttle", "gpu_ecc", "gpu_mig", "gpu_power_cap"}) {
        EXPECT_EQ(gpu_status(id, [](GpuInfo&) {}), CheckStatus::pass) << id;
        EXPECT_EQ(gpu_status(id, [](GpuInfo& gpu) { gpu = GpuInfo(); }), CheckStatus::unknown)
            << id;
    }
    EXPECT_EQ(gpu_status("gpu_processes",
                         [](GpuInfo& g) { g.other_processes = Fact<int>::known(2, "NVML"); }),
              CheckStatus::fail);
    EXPECT_EQ(gpu_status("gpu_throttle",
                         [](GpuInfo& g) { g.throttle = word("hardware slowdown, sync boost"); }),
              CheckStatus::fail);
    EXPECT_EQ(gpu_status("gpu_throttle", [](GpuInfo& g) { g.throttle = word("gpu_idle"); }),
              CheckStatus::pass);
    EXPECT_EQ(gpu_status("gpu_ecc", [](GpuInfo& g) { g.ecc = word("disabled"); }),
              CheckStatus::pass);
    EXPECT_EQ(gpu_status("gpu_mig", [](GpuInfo& g) { g.mig = word("enabled"); }),
              CheckStatus::fail);
    EXPECT_EQ(gpu_status("gpu_power_cap", [](GpuInfo& g) { g.power_limit_w = number(350); }),
              CheckStatus::fail);
    EXPECT_EQ(
        gpu_status("gpu_power_cap",
                   [](GpuInfo& g) { g.power_limit_default_w = Fact<double>::unknown("not told"); }),
        CheckStatus::unknown);
}

TEST(PreflightGpu, RemediesNameTheGpuByItsAddress) {
    PreflightOptions options;
    options.uses_gpu = true;
    Context context = calm();
    context.hardware.gpus = {calm_gpu(), calm_gpu()};
    context.hardware.gpus[1].mig = word("enabled");
    context.hardware.gpus[1].pci_address = word("0000:02:00.0");
    context.hardware.gpus[1].power_limit_w = number(350);
    EXPECT_EQ(check_of(context, "gpu_mig", options).remedy,
              "sudo nvidia-smi -i 0000:02:00.0 -mig 0");
    EXPECT_EQ(check_of(context, "gpu_power_cap", options).remedy,
              "sudo nvidia-smi -i 0000:02:00.0 -pl 700");
}

TEST(Preflight, EveryFailureHasARemedy) {
    Context worst = calm();
    Environment& environment = worst.environment;
    environment.power_mode = word("on battery");
    environment.cpu_governor = word("userspace");
    environment.energy_preference = word("power");
    environment.thermal_state = word("throttled");
    environment.busy_percent = number(90);
    environment.steal_percent = number(50);
    environment.psi_cpu_some_avg10_percent = number(90);
    environment.cpu_quota_cpus = number(0.5);
    environment.memory_limit_bytes = Fact<std::int64_t>::known(1 << 20, "/seen/here");
    worst.hardware.gpus = {calm_gpu()};
    worst.hardware.gpus[0].other_processes = Fact<int>::known(1, "NVML");
    worst.hardware.gpus[0].throttle = word("hardware slowdown");
    worst.hardware.gpus[0].mig = word("enabled");
    worst.hardware.gpus[0].power_limit_w = number(100);
    PreflightOptions options;
    options.uses_gpu = true;
    options.threads = 9;
    int failures = 0;
    for (const Check& check : preflight(worst, options).checks) {
        if (check.status != CheckStatus::fail) continue;
        ++failures;
        EXPECT_FALSE(check.remedy.empty()) << check.id;
    }
    EXPECT_EQ(failures, 14);
}

}  // namespace
}  // namespace peakward
