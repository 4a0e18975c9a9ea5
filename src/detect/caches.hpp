// Caches, as hwloc sees them (it knows the quirks of many kernels and asks CPUID where sysfs is
// silent), and as sysfs tells them.
#pragma once

#include <vector>

#include "core/ports.hpp"
#include "core/records.hpp"

namespace peakward::detail {

struct CachesFound {
    std::vector<CacheLevel> caches;  // sorted by level, then data, instruction, unified
    std::string reason;              // why there are none
};

CachesFound caches_from_hwloc(const SysRoot& root);
CachesFound caches_from_sysfs(const SysRoot& root);

// Adds one instance to the level it belongs to, or starts that level.
void add_cache(std::vector<CacheLevel>& caches, const CacheLevel& one);
void sort_caches(std::vector<CacheLevel>& caches);

}  // namespace peakward::detail
