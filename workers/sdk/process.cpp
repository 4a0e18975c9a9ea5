#include "sdk/process.hpp"

#include <dirent.h>
#include <sched.h>
#include <sys/resource.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

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
    static const cpu_set_t at_start = [] {
        cpu_set_t set;
        CPU_ZERO(&set);
        ::sched_getaffinity(0, sizeof set, &set);
        return set;
    }();
    cpu_set_t set = at_start;
    if (!cpus.empty()) {
        CPU_ZERO(&set);
        for (int cpu : cpus) {
            if (cpu < 0 || cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, &at_start))
                throw std::runtime_error("CPU " + std::to_string(cpu) +
                                         " does not exist or may not be used by this process");
            CPU_SET(cpu, &set);
        }
    }
    DIR* folder = ::opendir("/proc/self/task");
    if (folder == nullptr) throw std::runtime_error("/proc/self/task cannot be read");
    while (const dirent* entry = ::readdir(folder)) {
        const int thread = std::atoi(entry->d_name);
        if (thread > 0) ::sched_setaffinity(thread, sizeof set, &set);
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
