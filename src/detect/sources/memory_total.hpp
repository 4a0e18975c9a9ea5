#pragma once

#include "detect/parse.hpp"

namespace peakward::detail {

// One line of /proc/meminfo, in bytes ("MemTotal", "MemAvailable").
Fact<std::int64_t> meminfo_bytes(const SysRoot& root, std::string_view key);
Fact<std::int64_t> mem_total_bytes(const SysRoot& root);

}  // namespace peakward::detail
