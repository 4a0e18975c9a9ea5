// What a worker asks of the kernel about its whole process: where its threads run, how often they
// were stopped, how much memory there is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace peakward::worker {

// Lets all threads of this process run on these CPUs, or where the list is empty on those it was
// started with. The threads of a library's pool are not ours to pin one by one; those it starts
// later inherit the set. Throws when a CPU may not be used.
void confine_threads(const std::vector<int>& cpus);

// Involuntary switches of all threads, those that have ended included.
std::int64_t process_preemptions();

// Why buffers of so many bytes in all should not be made, "" when they fit (MemAvailable).
std::string refuses_memory(double bytes);

// CLOCK_MONOTONIC.
std::int64_t monotonic_ns();

}  // namespace peakward::worker
