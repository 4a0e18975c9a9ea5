// How hard the machine was pressed while a case ran: the time the hypervisor stole, and the share
// of time in which a task waited for a CPU.
#pragma once

#include <cstdint>
#include <optional>

#include "core/ports.hpp"

namespace peakward {

struct PressureReading {
    std::optional<std::uint64_t> total_ticks, steal_ticks;  // /proc/stat, line "cpu"
    std::optional<std::uint64_t> waited_us;                 // /proc/pressure/cpu, "some", total
    Nanoseconds at{0};
};
PressureReading read_pressure(const SysRoot& root, Clock& clock);

// Percent of the time between two readings; none where a file cannot be read or no time went by.
std::optional<double> steal_percent(const PressureReading& before, const PressureReading& after);
std::optional<double> psi_cpu_some_percent(const PressureReading& before,
                                           const PressureReading& after);

}  // namespace peakward
