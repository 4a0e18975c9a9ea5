// Which CPUs a run uses: one logical CPU per physical core it may use.
#pragma once

#include <vector>

#include "core/ports.hpp"
#include "core/records.hpp"
#include "core/result.hpp"

namespace peakward {

// One logical CPU of each physical core among the allowed ones, ascending, by
// /sys/devices/system/cpu/cpuN/topology/thread_siblings_list; then, after all of these, the
// remaining siblings. Where the siblings cannot be read, the detected number of cores decides how
// many come first. `cores` is how many are cores of their own.
struct CpuOrder {
    std::vector<int> cpus;
    int cores = 0;
};
CpuOrder order_cpus(const Context& context, const SysRoot& root);

// The CPUs to pin to, one per thread of the run. `threads` 0: one per core, at most the cgroup's
// quota rounded up. Fails (usage) when more threads are asked than there are CPUs: they would only
// take turns.
Result<std::vector<int>> choose_cpus(const Context& context, const SysRoot& root, int threads);

// "0-3,8" -> 0 1 2 3 8 (the form of sysfs lists); empty when it is malformed.
std::vector<int> parse_cpu_list(std::string_view text);

}  // namespace peakward
