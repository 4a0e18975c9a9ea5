#include "sdk/cpu_set.hpp"

#include <algorithm>
#include <cerrno>

namespace peakward::worker {
namespace {

// Linux allows 8192 at most today (NR_CPUS).
constexpr int cpus_first = 1024, cpus_max = 1 << 20;

int room_for(const std::vector<int>& cpus) {
    return cpus.empty() ? 1 : std::max(0, *std::max_element(cpus.begin(), cpus.end())) + 1;
}

}  // namespace

CpuSet::CpuSet(int room) : words_(CPU_ALLOC_SIZE(room) / sizeof words_.front(), 0) {}

CpuSet::CpuSet(const std::vector<int>& cpus) : CpuSet(room_for(cpus)) {
    for (const int cpu : cpus)
        if (cpu >= 0) CPU_SET_S(static_cast<std::size_t>(cpu), bytes(), set());
}

CpuSet CpuSet::of_this_thread() {
    for (int room = cpus_first; room <= cpus_max; room *= 2) {
        CpuSet found(room);
        if (::sched_getaffinity(0, found.bytes(), found.set()) == 0) return found;
        if (errno != EINVAL) break;  // EINVAL: the kernel counts more CPUs than that
    }
    return CpuSet(cpus_first);
}

bool CpuSet::contains(int cpu) const {
    return cpu >= 0 && CPU_ISSET_S(static_cast<std::size_t>(cpu), bytes(), set()) != 0;
}

bool CpuSet::bind(pid_t thread) const { return ::sched_setaffinity(thread, bytes(), set()) == 0; }

}  // namespace peakward::worker
