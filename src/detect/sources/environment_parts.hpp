// The parts of collect_environment, and the parsers behind them: pure functions over text, so that
// tests and fuzzing can reach them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports.hpp"
#include "core/records.hpp"
#include "core/units.hpp"

namespace peakward::detail {

// ---- clocks and power (environment_power.cpp) ------------------------------------------------

void collect_frequency(const SysRoot& root, Environment& environment);
void collect_power_mode(const SysRoot& root, Environment& environment);

// "25W" from what `nvpmodel -q` prints ("NV Power Mode: MODE_25W").
std::optional<std::string> nvpmodel_mode(std::string_view text);
// The NAME of a mode in /etc/nvpmodel.conf ("< POWER_MODEL ID=1 NAME=MODE_25W >").
std::optional<std::string> nvpmodel_name_of(std::string_view configuration, int id);

// The word in brackets: "madvise" of "always [madvise] never".
std::optional<std::string> chosen_word(std::string_view text);

// "performance", or "mixed: performance on 4 CPUs, powersave on 12 CPUs".
std::string joined_settings(const std::map<std::string, int>& cpus_of);
// The words in what joined_settings made.
std::vector<std::string> settings_in(std::string_view joined);

// ---- heat (environment_thermal.cpp) ----------------------------------------------------------

// Sum of the kernel's counts of thermal throttling, over all CPUs; unknown where none is kept.
Fact<std::int64_t> throttle_count(const SysRoot& root);

// A temperature with the limit at which the machine starts to slow down (0: not stated).
struct Temperature {
    double celsius = 0;
    double limit_celsius = 0;
    std::string source;
};
// CPU sensors of hwmon and of thermal zones; the reason why there are none goes to `reason`.
std::vector<Temperature> cpu_temperatures(const SysRoot& root, std::string& reason);
// "cool", "warm" or "throttled". `throttled_events`: how far the counters moved, if they exist.
void judge_heat(const std::vector<Temperature>& temperatures, const std::string& reason,
                std::optional<std::int64_t> throttled_events, Environment& environment);

// ---- load (environment_load.cpp) -------------------------------------------------------------

// Clock ticks since boot, of one CPU or of all.
struct CpuTimes {
    std::int64_t busy = 0;   // user, nice, system, irq, softirq
    std::int64_t steal = 0;  // the hypervisor ran something else
    std::int64_t total = 0;  // all of it, idle included
    friend bool operator==(const CpuTimes&, const CpuTimes&) = default;
};
// CPU number -> times, and -1 -> the line of all CPUs. Empty when it is no /proc/stat.
std::map<int, CpuTimes> parse_proc_stat(std::string_view text);

// User and system ticks of a process and of its children that have ended, from /proc/PID/stat.
std::optional<std::int64_t> own_ticks(std::string_view text);

// "some avg10=" of a file in /proc/pressure, in percent.
std::optional<double> psi_some_avg10(std::string_view text);

struct LoadReading {
    ReadResult<std::string> stat;
    ReadResult<std::string> self;
};
LoadReading read_load(const SysRoot& root);
// What happened on the CPUs we may use between the two readings.
void judge_load(const LoadReading& before, const LoadReading& after, const std::vector<int>& cpus,
                Environment& environment);
void collect_pressure(const SysRoot& root, Environment& environment);

// ---- limits (environment_limits.cpp) ---------------------------------------------------------

// The reason of an unknown limit begins with this when every place was read and none limits.
inline constexpr std::string_view no_limit = "no limit";

void collect_limits(const SysRoot& root, Environment& environment);

// The folders of this process's cgroups, innermost first, up to the root, as paths below the mount.
struct CgroupPaths {
    std::optional<std::string> unified;              // cgroup v2
    std::map<std::string, std::string> controllers;  // v1: "cpu" -> "/docker/abc"
};
CgroupPaths parse_proc_cgroup(std::string_view text);
// "/a/b", "/a", "" for "/a/b". A path that leads out of our namespace ("/../x") has only "".
std::vector<std::string> levels_of(std::string_view path);

struct Quota {
    bool limited = false;
    double cpus = 0;
};
// "50000 100000" is half a CPU, "max 100000" none; nothing when it is neither.
std::optional<Quota> parse_cpu_max(std::string_view text);

// ---- virtualization (environment_virtualization.cpp) -----------------------------------------

// "none", "kvm", "vmware", "hyper-v", "xen", ...
Fact<std::string> hypervisor_kind(const SysRoot& root);
// "docker", "podman", "lxc", ...; "" when this is no container; unknown when nothing tells.
Fact<std::string> container_kind(const SysRoot& root);
void collect_virtualization(const SysRoot& root, Environment& environment);

}  // namespace peakward::detail
