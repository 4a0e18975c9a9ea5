// Is this machine fit to measure now? The one list of checks, and the verdict.
#include <algorithm>
#include <array>
#include <cmath>

#include "detect/preflight_checks.hpp"

namespace peakward {
namespace detail {
namespace {

struct Listed {
    CheckFunction check;
    bool of_gpu;
};

constexpr auto checks = std::to_array<Listed>({
    {check_cpu_governor, false},
    {check_energy_preference, false},
    {check_turbo, false},
    {check_thermal_state, false},
    {check_power_mode, false},
    {check_background_load, false},
    {check_psi_cpu, false},
    {check_steal, false},
    {check_cgroup_quota, false},
    {check_cpuset, false},
    {check_memory_available, false},
    {check_transparent_huge_pages, false},
    {check_numa_balancing, false},
    {check_hypervisor, false},
    {check_gpu_lost, true},
    {check_gpu_processes, true},
    {check_gpu_throttle, true},
    {check_gpu_ecc, true},
    {check_gpu_mig, true},
    {check_gpu_power_cap, true},
});

}  // namespace

int threads_of_run(const Context& context, const PreflightOptions& options) {
    if (options.threads > 0) return options.threads;
    const int allowed = static_cast<int>(context.environment.cpus_allowed.size());
    if (allowed == 0) return 0;
    int threads = std::clamp(context.hardware.cpu.cores_physical.value_or(allowed), 1, allowed);
    const Fact<double>& quota = context.environment.cpu_quota_cpus;
    if (quota && *quota > 0 && *quota < threads) {
        threads = std::max(1, static_cast<int>(std::ceil(*quota)));
    }
    return threads;
}

}  // namespace detail

Preflight preflight(const Context& context, const PreflightOptions& options) {
    Preflight result;
    result.verdict = CheckStatus::pass;
    for (const detail::Listed& listed : detail::checks) {
        if (listed.of_gpu && !options.uses_gpu) continue;
        result.checks.push_back(listed.check(context, options));
        if (result.checks.back().status == CheckStatus::fail) result.verdict = CheckStatus::fail;
    }
    return result;
}

bool may_pass_with_time(const Preflight& preflight) {
    constexpr std::string_view passing[] = {"background_load", "psi_cpu",       "steal",
                                            "thermal_state",   "gpu_processes", "gpu_throttle",
                                            "memory_available"};
    return std::all_of(preflight.checks.begin(), preflight.checks.end(), [&](const Check& check) {
        return check.status != CheckStatus::fail ||
               std::find(std::begin(passing), std::end(passing), check.id) != std::end(passing);
    });
}

}  // namespace peakward
