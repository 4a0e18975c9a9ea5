// What this process may use, and how the kernel treats its memory.
#include <algorithm>

#include "detect/preflight_checks.hpp"
#include "detect/sources/environment_parts.hpp"

namespace peakward::detail {
namespace {

constexpr double mebibyte = 1024.0 * 1024.0;
// GEMM of 4096 x 4096 in fp64 holds three matrices of 128 MiB; the rest is for the programs.
constexpr double memory_least_mib = 512;
constexpr double psi_memory_percent_most = 10;

}  // namespace

Check check_cgroup_quota(const Context& context, const PreflightOptions& options) {
    const Finding found{"cgroup_quota", "CPU quota"};
    const Fact<double>& quota = context.environment.cpu_quota_cpus;
    if (!quota) {
        if (quota.reason().starts_with(no_limit)) {
            return found.pass(
                fmt::format("There is {} (/proc/self/cgroup and /sys/fs/cgroup).", quota.reason()));
        }
        return found.unknown("The CPU quota", quota);
    }
    const int threads = threads_of_run(context, options);
    const std::string seen =
        fmt::format("The control group may use {:.2f} CPUs ({})", *quota, quota.source());
    if (threads == 0) return found.unknown(seen + ", and how many threads will run is not known.");
    if (*quota < threads) {
        const std::string kept = fmt::format(
            "{}, fewer than the {} thread{} of this run, so it would be stopped in every "
            "period",
            seen, threads, threads == 1 ? "" : "s");
        if (*quota < 1) {
            return found.fail(kept + ".",
                              "docker update --cpus 1 CONTAINER, or in systemd: sudo "
                              "systemctl set-property --runtime UNIT CPUQuota=100%");
        }
        return found.fail(kept + ".", fmt::format("peakward calibrate --threads {}",
                                                  static_cast<int>(std::min(*quota, 65536.0))));
    }
    return found.pass(fmt::format("{}, enough for the {} thread{} of this run.", seen, threads,
                                  threads == 1 ? "" : "s"));
}

Check check_cpuset(const Context& context, const PreflightOptions& options) {
    const Finding found{"cpuset", "Allowed CPUs"};
    const int allowed = static_cast<int>(context.environment.cpus_allowed.size());
    if (allowed == 0) {
        return found.unknown(
            "Which CPUs this process may use is not known: neither its affinity nor "
            "its cpuset could be read.");
    }
    const Fact<int>& logical = context.hardware.cpu.cores_logical;
    const std::string seen =
        logical ? fmt::format("This process may use {} of {} CPUs (affinity and cpuset)", allowed,
                              *logical)
                : fmt::format("This process may use {} CPUs (affinity and cpuset)", allowed);
    if (options.threads > allowed) {
        return found.fail(
            fmt::format("{}, fewer than the {} threads asked for, which would take turns.", seen,
                        options.threads),
            fmt::format("peakward calibrate --threads {}", allowed));
    }
    if (logical && allowed < *logical) return found.pass(seen + ", and only those are measured.");
    return found.pass(seen + ".");
}

Check check_memory_available(const Context& context, const PreflightOptions&) {
    const Finding found{"memory_available", "Available memory"};
    const Fact<std::int64_t>& available = context.hardware.memory.available_bytes;
    const Fact<std::int64_t>& limit = context.environment.memory_limit_bytes;
    const Fact<double>& pressure = context.environment.psi_memory_some_avg10_percent;
    constexpr auto remedy = "ps -eo pid,rss,comm --sort=-rss | head";
    if (pressure && *pressure >= psi_memory_percent_most) {
        return found.fail(
            fmt::format(
                "Tasks waited for memory in {:.1f} % of the last 10 s ({}), so pages are being "
                "reclaimed while we would measure.",
                *pressure, pressure.source()),
            remedy);
    }
    if (limit && static_cast<double>(*limit) / mebibyte < memory_least_mib) {
        return found.fail(
            fmt::format(
                "The control group is limited to {:.0f} MiB ({}), less than the {:.0f} MiB that "
                "the largest case needs.",
                static_cast<double>(*limit) / mebibyte, limit.source(), memory_least_mib),
            "docker update --memory 1g --memory-swap 1g CONTAINER, or in systemd: sudo systemctl "
            "set-property --runtime UNIT MemoryMax=1G");
    }
    if (!available) return found.unknown("Available memory", available);
    const double mib = static_cast<double>(*available) / mebibyte;
    const std::string seen = fmt::format("{:.0f} MiB are available ({})", mib, available.source());
    if (mib < memory_least_mib) {
        return found.fail(fmt::format("{}, less than the {:.0f} MiB that the largest case needs.",
                                      seen, memory_least_mib),
                          remedy);
    }
    const std::string group =
        limit ? fmt::format("; the control group is limited to {:.0f} MiB ({})",
                            static_cast<double>(*limit) / mebibyte, limit.source())
              : std::string();
    return found.pass(seen + group + ".");
}

Check check_transparent_huge_pages(const Context& context, const PreflightOptions&) {
    const Finding found{"transparent_huge_pages", "Transparent huge pages"};
    const Fact<std::string>& pages = context.environment.transparent_huge_pages;
    if (!pages) return found.unknown("The setting of transparent huge pages", pages);
    return found.pass(fmt::format(
        "Transparent huge pages are set to {} ({}), which is a part of what is measured.", *pages,
        pages.source()));
}

Check check_numa_balancing(const Context& context, const PreflightOptions&) {
    const Finding found{"numa_balancing", "NUMA balancing"};
    const Fact<std::string>& balancing = context.environment.numa_balancing;
    if (!balancing) return found.unknown("Whether the kernel balances NUMA memory", balancing);
    const Fact<int>& nodes = context.hardware.cpu.numa_nodes;
    const std::string seen =
        fmt::format("NUMA balancing is {} ({})", *balancing, balancing.source());
    if (*balancing == "off") return found.pass(seen + ".");
    if (nodes && *nodes == 1) return found.pass(seen + ", with one node to balance.");
    return found.pass(seen +
                      ", so pages may move although threads are pinned to where they touched "
                      "them first; sudo sysctl kernel.numa_balancing=0 would stop that.");
}

}  // namespace peakward::detail
