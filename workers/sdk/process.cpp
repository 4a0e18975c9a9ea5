#include "sdk/process.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "sdk/cpu_set.hpp"

namespace peakward::worker {
namespace {

constexpr double memory_share_max = 0.8;  // of what is available: the rest of the system lives too

// Bytes that a new buffer may take (MemAvailable); negative where the kernel does not tell.
double available_bytes() {
    std::ifstream file("/proc/meminfo");
    std::string line;
    while (std::getline(file, line)) {
        long long kib = 0;
        if (std::sscanf(line.c_str(), "MemAvailable: %lld kB", &kib) == 1)
            return static_cast<double>(kib) * 1024;
    }
    return -1;
}

std::string in_gb(double bytes) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2f GB", bytes * 1e-9);
    return text;
}

}  // namespace

void confine_threads(const std::vector<int>& cpus) {
    static const CpuSet at_start = CpuSet::of_this_thread();
    for (const int cpu : cpus)
        if (!at_start.contains(cpu))
            throw std::runtime_error("CPU " + std::to_string(cpu) +
                                     " does not exist or may not be used by this process");
    const CpuSet set = cpus.empty() ? at_start : CpuSet(cpus);
    DIR* folder = ::opendir("/proc/self/task");
    if (folder == nullptr) throw std::runtime_error("/proc/self/task cannot be read");
    while (const dirent* entry = ::readdir(folder)) {
        const int thread = std::atoi(entry->d_name);
        if (thread > 0) set.bind(thread);
    }
    ::closedir(folder);
}

std::int64_t process_preemptions() {
    rusage usage = {};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nivcsw;
}

std::string refuses_memory(double bytes) {
    const double available = available_bytes();
    if (available < 0 || bytes <= memory_share_max * available) return "";
    return "this shape needs " + in_gb(bytes) + " of memory, and " + in_gb(available) +
           " are available: take a smaller one";
}

std::int64_t monotonic_ns() {
    timespec time = {};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

}  // namespace peakward::worker
