// What programs of bench/ print: times with their spread, beside the CPU time and the pressure.
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "core/text.hpp"

namespace peakward::bench {

using SteadyClock = std::chrono::steady_clock;

inline double milliseconds_since(SteadyClock::time_point start) {
    return std::chrono::duration<double, std::milli>(SteadyClock::now() - start).count();
}

inline double cpu_ms() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    auto ms = [](const timeval& t) { return double(t.tv_sec) * 1e3 + double(t.tv_usec) * 1e-3; };
    return ms(usage.ru_utime) + ms(usage.ru_stime);
}

[[noreturn]] inline void die(const std::string& message) {
    fmt::print(stderr, "{}\n", message);
    std::exit(1);
}

template <typename T>
T must(Result<T> result) {
    if (!result) die(result.error().message);
    return std::move(*result);
}

inline void print_pressure(const char* when) {
    for (const char* kind : {"cpu", "io"}) {
        std::ifstream in(std::string("/proc/pressure/") + kind);
        std::string line;
        if (std::getline(in, line)) fmt::print("{} pressure {:<6} {}\n", kind, when, line);
    }
}

// Calls `step` `count` times and prints the distribution of its wall time, and its mean CPU time.
inline void report(const std::string& name, int count, const std::function<void(int)>& step) {
    std::vector<double> times;
    const double cpu_before = cpu_ms();
    for (int i = 0; i < count; ++i) {
        const auto start = SteadyClock::now();
        step(i);
        times.push_back(milliseconds_since(start));
    }
    const double cpu = (cpu_ms() - cpu_before) / count;
    std::sort(times.begin(), times.end());
    const auto at = [&](double q) { return times[std::size_t(q * double(times.size() - 1))]; };
    fmt::print(
        "{:<44} n {:>4}  min {:>8.2f}  median {:>8.2f}  p90 {:>8.2f}  max {:>8.2f} ms  "
        "CPU {:>7.2f} ms\n",
        name, count, times.front(), at(0.5), at(0.9), times.back(), cpu);
    std::fflush(stdout);
}

inline long memory_max_mib() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
}

}  // namespace peakward::bench
