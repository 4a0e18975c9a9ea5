// The checks of preflight, one function each; docs/preflight.md tells their thresholds and why. A
// check fails only for what makes figures untrue, is unknown where nothing was read, and never
// claims more than its evidence shows.
#pragma once

#include <string>

#include "core/text.hpp"
#include "detect/detect.hpp"

namespace peakward::detail {

using CheckFunction = Check (*)(const Context& context, const PreflightOptions& options);

#define PEAKWARD_CHECK(name) \
    Check check_##name(const Context& context, const PreflightOptions& options)

// Clock, heat and power (preflight_power.cpp)
PEAKWARD_CHECK(cpu_governor);
PEAKWARD_CHECK(energy_preference);
PEAKWARD_CHECK(turbo);
PEAKWARD_CHECK(thermal_state);
PEAKWARD_CHECK(power_mode);

// Who else is here (preflight_load.cpp)
PEAKWARD_CHECK(background_load);
PEAKWARD_CHECK(psi_cpu);
PEAKWARD_CHECK(steal);
PEAKWARD_CHECK(hypervisor);

// What we may use, and how memory behaves (preflight_limits.cpp)
PEAKWARD_CHECK(cgroup_quota);
PEAKWARD_CHECK(cpuset);
PEAKWARD_CHECK(memory_available);
PEAKWARD_CHECK(transparent_huge_pages);
PEAKWARD_CHECK(numa_balancing);

// Only when a GPU is measured (preflight_gpu.cpp)
PEAKWARD_CHECK(gpu_lost);
PEAKWARD_CHECK(gpu_processes);
PEAKWARD_CHECK(gpu_throttle);
PEAKWARD_CHECK(gpu_ecc);
PEAKWARD_CHECK(gpu_mig);
PEAKWARD_CHECK(gpu_power_cap);

#undef PEAKWARD_CHECK

// What a check has found; the id and the title are put in where it began.
struct Finding {
    std::string id;
    std::string title;

    Check pass(std::string evidence) const {
        return {id, title, CheckStatus::pass, std::move(evidence), ""};
    }
    Check fail(std::string evidence, std::string remedy) const {
        return {id, title, CheckStatus::fail, std::move(evidence), std::move(remedy)};
    }
    Check unknown(std::string evidence) const {
        return {id, title, CheckStatus::unknown, std::move(evidence), ""};
    }
    template <typename T>
    Check unknown(std::string_view what, const Fact<T>& fact) const {
        return unknown(fmt::format("{} is not known: {}.", what, fact.reason()));
    }
};

// How many threads the run will use: as asked, else one for each core we may use, at most as many
// as the CPU quota allows for. 0 when the CPUs are not known.
int threads_of_run(const Context& context, const PreflightOptions& options);

}  // namespace peakward::detail
