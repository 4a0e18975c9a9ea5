// A simulated machine: threads that compute in slices while a scheduler takes their CPU away. It
// gives the samples that a worker would report, and knows the truth.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include "core/records.hpp"

namespace peakward::simulated {

// When the CPU of a thread is taken away: [start, end) in ns, ascending and disjoint.
struct Absence {
    std::int64_t start = 0, end = 0;
};
using Absences = std::vector<Absence>;

struct Thread {
    double rate = 1e6;           // iterations per second of an undisturbed core
    double noise = 0;            // relative standard deviation of a slice's rate
    double slice_s = 0.001;      // aimed length
    std::int64_t gap_ns = 1500;  // book-keeping between slices
    std::int64_t start_ns = 0;
    Absences absences = {};
    // After each return the core runs at `cold_share` of its rate for `cold_ns`.
    std::int64_t cold_ns = 0;
    double cold_share = 1;
    std::function<double(std::int64_t)> speed = {};  // of the core over time; empty: 1
    std::function<double(std::int64_t)> clock_hz = {};
};

// Runs from the thread's start to `end_ns` and reports every slice that has begun by then.
inline std::vector<Sample> run_thread(const Thread& thread, int number, std::int64_t end_ns,
                                      std::mt19937_64& random) {
    std::normal_distribution<double> noise(1.0, thread.noise > 0 ? thread.noise : 1e-12);
    std::vector<Sample> samples;
    std::int64_t now = thread.start_ns, cold_until = 0;
    std::size_t next = 0;
    while (now < end_ns) {
        while (next < thread.absences.size() && thread.absences[next].end <= now) {
            cold_until = thread.absences[next].end + thread.cold_ns;
            ++next;
        }
        if (next < thread.absences.size() && thread.absences[next].start <= now) {
            now = thread.absences[next].end;  // lost between two slices: no slice sees it
            continue;
        }
        Sample sample;
        sample.thread = number;
        sample.start_ns = now;
        sample.switches = 0;
        sample.cpu_ns = 0;
        sample.iterations = thread.rate * thread.slice_s;
        const double rate = thread.rate * noise(random) * (thread.speed ? thread.speed(now) : 1.0);
        double left = sample.iterations;
        while (left > 0) {
            const bool cold = now < cold_until;
            const double rate_now = rate * (cold ? thread.cold_share : 1.0);
            std::int64_t until = now + static_cast<std::int64_t>(std::ceil(left / rate_now * 1e9));
            if (cold) until = std::min(until, cold_until);
            const bool lost = next < thread.absences.size() && thread.absences[next].start < until;
            if (lost) until = std::max(now, thread.absences[next].start);
            left -= static_cast<double>(until - now) * 1e-9 * rate_now;
            sample.cpu_ns += until - now;
            now = until;
            if (left <= 1e-9 * sample.iterations) break;
            if (lost) {
                now = thread.absences[next].end;
                cold_until = now + thread.cold_ns;
                ++next;
                ++sample.switches;
            }
        }
        sample.wall_ns = now - sample.start_ns;
        if (thread.clock_hz) sample.clock_hz = thread.clock_hz(sample.start_ns);
        samples.push_back(sample);
        now += thread.gap_ns;
    }
    return samples;
}

// Exponentially distributed stays of the thread and of the intruder.
inline Absences random_absences(double on_s, double off_s, std::int64_t end_ns,
                                std::mt19937_64& random) {
    std::exponential_distribution<double> on(1 / on_s), off(1 / off_s);
    Absences absences = {};
    std::int64_t now = static_cast<std::int64_t>(on(random) * 1e9);
    while (now < end_ns) {
        const auto back = now + static_cast<std::int64_t>(off(random) * 1e9) + 1;
        absences.push_back({now, back});
        now = back + static_cast<std::int64_t>(on(random) * 1e9) + 1;
    }
    return absences;
}

// A scheduler with fixed time slices, as two busy loops on two CPUs meet it; `phase_ns` shifts it.
inline Absences periodic_absences(std::int64_t on_ns, std::int64_t off_ns, std::int64_t phase_ns,
                                  std::int64_t end_ns) {
    Absences absences = {};
    for (std::int64_t at = on_ns + phase_ns; at < end_ns; at += on_ns + off_ns)
        absences.push_back({at, at + off_ns});
    return absences;
}

inline std::vector<Sample> run_threads(const std::vector<Thread>& threads, std::int64_t end_ns,
                                       std::mt19937_64& random) {
    std::vector<Sample> all;
    for (std::size_t i = 0; i < threads.size(); ++i) {
        const auto own = run_thread(threads[i], static_cast<int>(i), end_ns, random);
        all.insert(all.end(), own.begin(), own.end());
    }
    return all;
}

}  // namespace peakward::simulated
