// A set of CPUs of any number: the kernel's `cpu_set_t` ends at 1024.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <vector>

namespace peakward::worker {

class CpuSet {
public:
    // Empty, with room for the CPUs below `room`.
    explicit CpuSet(int room);
    // These CPUs; negative ones are left out.
    explicit CpuSet(const std::vector<int>& cpus);

    // Where this thread may run; empty when the kernel does not say.
    static CpuSet of_this_thread();

    bool contains(int cpu) const;
    // False, with errno, when a CPU does not exist or may not be used. 0 is the calling thread.
    bool bind(pid_t thread) const;

private:
    std::size_t bytes() const { return words_.size() * sizeof words_.front(); }
    cpu_set_t* set() { return reinterpret_cast<cpu_set_t*>(words_.data()); }
    const cpu_set_t* set() const { return reinterpret_cast<const cpu_set_t*>(words_.data()); }

    std::vector<unsigned long> words_;
};

}  // namespace peakward::worker
