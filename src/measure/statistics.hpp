// Windows -> statistics. Pure.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/records.hpp"

namespace peakward {

// Seconds of one iteration for each kept window, in their order.
std::vector<double> kept_seconds(std::span<const Window> windows);
// Wall time of the kept windows, in seconds.
double kept_wall_s(std::span<const Window> windows);
// Median clock of the kept windows that have one, in Hz; 0 when none has.
double kept_clock_hz(std::span<const Window> windows);

// Windows that did not count, whatever the reason.
int dropped_windows(const Statistics& statistics);

// The widest interval that a figure of disturbed calls may have (METHODS 1.1), relative.
inline constexpr double disturbed_width_max = 0.05;
// What a window may owe to waiting: its run-queue wait / its wall time. 0 where that is unknown.
double disturbance(const Window& window);
// Long calls that wait a little for a CPU have a bounded time: it lies between the wall time less
// the wait and the wall time. Where too few windows are clean, keeps the least disturbed of the
// preempted ones whose wait is known, so that `wanted` are kept (or all there are, three at least),
// if the interval that covers the bound is no wider than disturbed_width_max of the median. Returns
// its lower end in seconds per iteration; none where nothing was kept so.
std::optional<double> keep_least_disturbed(std::span<Window> windows, int wanted);

// Counts, median, interval, minimum and outliers of the windows of one process. Settling windows
// count as dropped for preemption: that is what made them. Times of the case are left at 0.
Statistics summarize(std::span<const Window> windows);

// One figure from several worker processes, each a sample of process state (Kalibera and Jones,
// Rigorous Benchmarking in Reasonable Time, ISMM 2013): the median of their medians, with an
// interval that covers all of theirs, and the relative spread within (the median over processes of
// 1.4826 x MAD / median) and between them ((largest - smallest median) / median). One process:
// its own statistics.
Statistics combine(std::span<const std::vector<Window>> processes);

}  // namespace peakward
