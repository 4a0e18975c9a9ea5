"""Samples: wall time, thread CPU time, context switches and run-queue wait of a block of calls."""

from __future__ import annotations

import gc
import os
import resource
import time
from typing import Callable, Optional

from .protocol import RunRequest, Sample

# So many whole calls, one after the other. Returns the nanoseconds they took where a device's own
# clock tells, else None: then the host's clock counts.
Block = Callable[[int], Optional[int]]

TASKS = "/proc/self/task"


class WaitReader:
    """Run-queue wait of all threads of this process (second figure of schedstat), in ns.

    Never falls: what an ended thread had waited stays in the sum. The list of threads is read again
    only when their number changed or a known one has ended.
    """

    def __init__(self) -> None:
        self._descriptors: dict[int, int] = {}
        self._wait_ns: dict[int, int] = {}
        self._ended_ns = 0
        self._told = False

    def total_ns(self) -> int:
        """The sum so far; -1 when the kernel does not tell."""
        # proc(5): the link count of a folder of folders is 2 + its entries.
        moved = os.stat(TASKS).st_nlink != len(self._descriptors) + 2
        if moved or not self._read_known():
            self._list_threads()
            self._read_known()
        return self._ended_ns + sum(self._wait_ns.values()) if self._told else -1

    def _read_known(self) -> bool:
        everyone = True
        for thread, descriptor in list(self._descriptors.items()):
            try:
                _, wait_ns, slices = os.pread(descriptor, 96, 0).split()
            except (OSError, ValueError):
                everyone = False
                self._ended_ns += self._wait_ns.pop(thread, 0)
                os.close(self._descriptors.pop(thread))
                continue
            # A kernel without scheduler information prints three zeros.
            self._told = self._told or slices != b"0"
            self._wait_ns[thread] = int(wait_ns)
        return everyone

    def _list_threads(self) -> None:
        for name in os.listdir(TASKS):
            thread = int(name)
            if thread not in self._descriptors:
                try:
                    path = f"{TASKS}/{name}/schedstat"
                    self._descriptors[thread] = os.open(path, os.O_RDONLY)
                except OSError:
                    continue


def confine_to(cpus: list[int], at_start: list[int]) -> None:
    """Lets all threads of this process run on these CPUs, or where empty on those of the start.

    The threads of a library's pool are not ours to pin one by one. Raises OSError when a CPU may
    not be used.
    """
    for name in os.listdir(TASKS):
        try:
            os.sched_setaffinity(int(name), cpus or at_start)
        except ProcessLookupError:
            continue  # a thread that ended meanwhile


def switches_of_thread() -> int:
    usage = resource.getrusage(resource.RUSAGE_THREAD)
    return usage.ru_nvcsw + usage.ru_nivcsw


def preemptions_of_process() -> int:
    """Involuntary switches of all threads, those that have ended included."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def warm_up(block: Block) -> float:
    """Calls until two agree within 20 %, three at most; returns the seconds of one call."""
    calls_max, agreement, readable_s, long_s = 3, 0.2, 20e-6, 5.0

    def time_calls(calls: int) -> float:
        start_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        of_device_ns = block(calls)
        ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC) - start_ns
        return (ns if of_device_ns is None else of_device_ns) * 1e-9 / calls

    previous = shortest = time_calls(1)
    for _ in range(1, calls_max):
        if previous >= long_s:
            break
        seconds = time_calls(1)
        shortest = min(shortest, seconds)
        agree = abs(seconds - previous) <= agreement * previous
        previous = seconds
        if agree:
            break
    if shortest < readable_s:  # too short for the clock: as a group
        shortest = time_calls(int(readable_s * 10 / max(shortest, 1e-8)) + 1)
    return shortest


class Sampler:
    """Times blocks of whole calls that last about the slice."""

    def __init__(
        self,
        block: Block,
        iteration_s: float,
        own_thread: bool,
        helpers_stay: bool,
        own_cpu: bool = False,
    ) -> None:
        """own_thread: the calling thread does all the work, so its CPU time says something.

        helpers_stay: helper threads outlive the call, so that their waits can be read after it.
        own_cpu: caller and helpers take turns on one CPU. They wait for each other then, which is
        nobody's fault; that the CPU was ours shows in the CPU time of all of them together.
        """
        self._block = block
        self._iteration_s = iteration_s
        self._own_thread = own_thread
        self._helpers_stay = helpers_stay
        self._own_cpu = own_cpu
        self._wait = WaitReader()

    def run(self, request: RunRequest) -> list[Sample]:
        samples: list[Sample] = []
        clock, monotonic = time.clock_gettime_ns, time.CLOCK_MONOTONIC
        started_ns = clock(monotonic)
        collects = gc.isenabled()
        gc.disable()
        try:
            while (
                len(samples) < max(request.samples, 1)
                or (clock(monotonic) - started_ns) * 1e-9 < request.min_s
            ):
                samples.append(self._sample(request.slice_s))
        finally:
            if collects:
                gc.enable()
        return samples

    def _sample(self, slice_s: float) -> Sample:
        calls = max(1, round(slice_s / max(self._iteration_s, 1e-9)))
        clock, monotonic = time.clock_gettime_ns, time.CLOCK_MONOTONIC
        cpu_clock = time.process_time_ns if self._own_cpu else time.thread_time_ns
        block = self._block
        wait_ns = self._wait.total_ns()
        preemptions = preemptions_of_process()
        switches = switches_of_thread()
        cpu_ns = cpu_clock()
        start_ns = clock(monotonic)
        of_device_ns = block(calls)
        wall_ns = clock(monotonic) - start_ns
        cpu_ns = cpu_clock() - cpu_ns
        switches = switches_of_thread() - switches
        wait_end_ns = self._wait.total_ns()
        if of_device_ns is not None:
            wall_ns = of_device_ns
        self._iteration_s = min(self._iteration_s, wall_ns * 1e-9 / calls)
        waited_ns = wait_end_ns - wait_ns if wait_ns >= 0 else -1
        if self._own_cpu:
            switches = waited_ns = -1
        elif not self._own_thread:
            # The caller sleeps while helpers work: its own CPU time and switches say nothing.
            cpu_ns = switches = -1
        if not self._helpers_stay:
            # Their waits are gone with them: the preemptions of the whole process are told.
            waited_ns, switches = -1, preemptions_of_process() - preemptions
        return (0, start_ns, wall_ns, cpu_ns, switches, waited_ns, float(calls), 0.0)
