// Energy of networks, by counters of the machine read around blocks of runs (METHODS 1.8).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/ports.hpp"
#include "core/progress.hpp"
#include "core/records.hpp"

namespace peakward {

class WorkerHost;

// One counter that only grows, and starts again at 0 beyond `range_uj`; 0: it never does.
struct EnergyCounter {
    std::string domain;  // "package-0"
    std::uint64_t value_uj = 0;
    std::uint64_t range_uj = 0;
};
struct EnergyReading {
    Nanoseconds at{0};  // monotonic
    std::vector<EnergyCounter> counters;
};

// Where the energy of a device is read, and how often its counters move.
struct EnergySource {
    std::function<ReadResult<EnergyReading>()> read;
    Nanoseconds update_period{0};
};

// The packages of this machine's CPUs, and the memory beside them where the kernel counts it, from
// Linux's powercap tree (intel_rapl drives AMD's counters too). References outlive the source.
EnergySource rapl_energy(const SysRoot& root, Clock& clock);

// Joules between two readings of the same counters; none when they are not the same.
std::optional<double> joules_between(const EnergyReading& before, const EnergyReading& after);

// What a network that is prepared in this worker takes for one inference, of which one iteration
// makes as many as the shape's `batch`. An idle stretch first, then blocks; a block in which the
// CPU was not ours does not count. Nothing begins that would end after `deadline` (monotonic): the
// energy is then unmeasurable for want of time. None when the user interrupted.
std::optional<Energy> measure_energy(const EnergySource& source, WorkerHost& worker,
                                     const Case& what, double iteration_s, Clock& clock,
                                     const StopToken& stop,
                                     std::optional<Nanoseconds> deadline = std::nullopt);

}  // namespace peakward
