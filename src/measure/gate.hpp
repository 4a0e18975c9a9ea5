// The gate (METHODS 1.1) and the throttle rule (1.3): which windows count. Pure functions.
#pragma once

#include <span>
#include <vector>

#include "core/records.hpp"

namespace peakward {

struct GateOptions {
    double cpu_share_min = 0.985;   // thread CPU time / wall of a clean slice
    double wait_share_max = 0.01;   // run-queue wait of all threads / wall of a clean call
    double clock_share_min = 0.97;  // of the run's steady clock; below: throttled
    // Several threads: the least share of a window that clean slices of each other thread must
    // cover. What is missing is what a worker does between two slices: book-keeping (a
    // microsecond), a clock probe (10 to 30), or warming up for the next one (100). A thread that
    // lost its CPU there for long leaves a larger hole; one that lost it for less than that does no
    // harm, as only what its clean slices did is counted.
    double coverage_min = 0.5;
    // A slice no longer than this that follows a context switch of its thread is `settling`: its
    // caches and its clock licence are still the intruder's. A longer call outlasts the effect.
    std::int64_t settling_wall_ns_max = 5'000'000;
};

// One thread: each sample is a window, preempted when a context switch fell into it, when its CPU
// share is too low, or when the worker's threads waited too long for a CPU. A sample that carries
// the run-queue wait of all threads is judged by it alone: the threads of a pool sleep and switch
// of their own accord, and one short switch within a long call does no harm. A wait that the
// thread's own CPU time contradicts (both together last longer than the block) is ignored.
//
// Several threads (sample.thread): a window is a slice of the lowest-numbered thread in which every
// other thread ran clean slices, too. Its iterations are the sum over threads of the share of each
// slice inside the span, scaled to the whole span where a gap lies between two slices. The spans
// come from one thread's clock and never from when it went well for all, so that a window's rate
// says nothing about why it was kept. Windows at the edge, before the last thread has begun or
// after the first has ended, are left out.
//
// A sample whose device says that heat or a brake slowed it is throttled, whatever its clock; one
// whose worker says that a neighbour shared its core is core_shared.
//
// Windows are in time order; start_ns is the sample's own.
std::vector<Window> gate(std::span<const Sample> samples, int threads, const GateOptions& options);

// The windows of one thread each.
using Timelines = std::vector<std::vector<Window>>;

// For kernels that share nothing but the clock (compute peaks, clock probes), whose threads need no
// common window: at a CPU share of 20 % two threads run together in 4 % of the time, and each of
// them has most of its slices clean. The windows of each thread that has samples, by thread number;
// all are preempted where some threads, but not only one, have samples. None is settling: a
// register kernel leaves nothing in a cache.
Timelines gate_apart(std::span<const Sample> samples, int threads, const GateOptions& options);

// One list of windows from the timelines of all threads: the i-th kept window of every thread
// together make the i-th kept window, with the sum of their rates over the length of the first. It
// has as many kept windows as the thread with the fewest, and that thread's other windows as they
// are. One timeline stays as it is.
std::vector<Window> join_threads(const Timelines& timelines);

// The steady clock that these windows show: the median of the fastest half of the probed kept (or
// throttled) ones; 0 when none was probed.
double steady_clock_hz(std::span<const Window> windows);

// The median clock of the same windows: what a GPU is judged by. Heavy work brings it to its own
// power limit within a tenth of a second and keeps it there, so that its fastest windows are the
// first ones and not the true ones.
double usual_clock_hz(std::span<const Window> windows);

// Marks kept windows whose clock is below the share of `steady_hz` as throttled, and throttled ones
// that are not below it, and were not slowed by their device's word, as kept; windows without a
// clock stay as they are. Returns how many are throttled. A steady clock of 0 marks none.
int mark_throttled(std::span<Window> windows, double steady_hz, const GateOptions& options);

// The same against the windows' own steady clock, which it returns.
double mark_throttled(std::span<Window> windows, const GateOptions& options);

}  // namespace peakward
