#!/usr/bin/env python3
"""The native worker beside Debian's likwid-bench, kernel by kernel, in interleaved order.

Prints one row per kernel and number of threads: the median of both over the rounds, their ratio,
and with --hogs N the same again while N busy loops run, with how far each program moved from its
calm value. Compute is in Gop/s, memory in GB/s (STREAM's count of bytes, which is likwid's too).
Exit status 1 when a calm ratio is below --least (judge it on a calm machine only; the last lines
say how calm it was)."""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ITERATION_OPERATIONS = 3 * 2**20
STREAM_ELEMENTS = 32 * 2**20  # fp64: 256 MiB an array


@dataclass(frozen=True)
class Pair:
    """One kernel of likwid-bench and the case of ours that does the same."""

    likwid: str
    operation: str
    precision: str
    word: str  # the isa of a peak, the store of a stream
    arrays: int = 0  # of a stream

    @property
    def is_stream(self) -> bool:
        return self.arrays > 0

    def case(self, threads: int) -> dict[str, object]:
        shape: dict[str, object] = {"isa": self.word}
        if self.is_stream:
            shape = {"elements": STREAM_ELEMENTS, "store": self.word}
        return {
            "operation": self.operation,
            "precision": self.precision,
            "shape": shape,
            "device": "cpu",
            "backend": "native",
            "threads": threads,
        }


PAIRS = [
    Pair("peakflops_avx_fma", "compute_peak", "fp64", "avx2"),
    Pair("peakflops_sp_avx_fma", "compute_peak", "fp32", "avx2"),
    Pair("peakflops_avx512_fma", "compute_peak", "fp64", "avx512"),
    Pair("peakflops_sp_avx512_fma", "compute_peak", "fp32", "avx512"),
    Pair("copy_avx512", "stream_copy", "fp64", "temporal", 2),
    Pair("copy_mem_avx512", "stream_copy", "fp64", "nontemporal", 2),
    Pair("stream_avx512_fma", "stream_triad", "fp64", "temporal", 3),
    Pair("stream_mem_avx512", "stream_triad", "fp64", "nontemporal", 3),
]


class NativeWorker:
    def __init__(self, path: Path) -> None:
        self._process = subprocess.Popen(
            [str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._id = 0
        self.isa = self.ask("hello", protocol=1)["isa"]

    def ask(self, verb: str, **fields: object) -> dict[str, Any]:
        assert self._process.stdin and self._process.stdout
        self._id += 1
        request = {"id": self._id, "verb": verb, **fields}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        reply: dict[str, Any] = json.loads(self._process.stdout.readline())
        if not reply["ok"]:
            sys.exit(f"peak_vs_likwid: the native worker refused {verb}: {reply['error']}")
        return reply

    def close(self) -> None:
        self.ask("shutdown")
        self._process.wait()


def is_clean(sample: list[Any]) -> bool:
    """The gate of METHODS 1.1, for one slice of one thread."""
    wall_ns, cpu_ns, switches, wait_ns = sample[2:6]
    if wait_ns >= 0:
        return bool(wait_ns < 0.01 * wall_ns)
    return bool(switches == 0 and cpu_ns >= 0.985 * wall_ns)


@dataclass
class Readings:
    """What one program reported for one pair in one phase, a value per round."""

    likwid: list[float] = field(default_factory=list)
    native: list[float] = field(default_factory=list)
    kept: int = 0
    taken: int = 0


def read_native(worker: NativeWorker, pair: Pair, cpus: list[int], readings: Readings) -> None:
    reply = worker.ask("prepare", case=pair.case(len(cpus)), seed=1, tolerance=1e-6, cpus=cpus)
    if not reply["correct"]:
        sys.exit(f"peak_vs_likwid: wrong answer of {reply['implementation']}: {reply['error']}")
    unit = pair.arrays * 8 * STREAM_ELEMENTS if pair.is_stream else ITERATION_OPERATIONS
    rates: dict[int, list[float]] = {thread: [] for thread in range(len(cpus))}
    end = time.monotonic() + 3.0  # the most that a kernel may take
    while time.monotonic() < end and min(map(len, rates.values())) < 200:
        for sample in worker.ask("run", samples=20, min_s=0.2, slice_s=0.001)["samples"]:
            readings.taken += 1
            if is_clean(sample):
                readings.kept += 1
                rates[sample[0]].append(sample[6] * unit / sample[2])
    worker.ask("release")
    if all(rates.values()):
        readings.native.append(sum(statistics.median(rate) for rate in rates.values()))


def read_likwid(pair: Pair, threads: int, readings: Readings) -> None:
    kib = pair.arrays * 8 * STREAM_ELEMENTS // 1024 if pair.is_stream else 20 * threads
    command = ["likwid-bench", "-t", pair.likwid, "-w", f"N:{kib}kB:{threads}", "-s", "1"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    name = "MByte/s" if pair.is_stream else "MFlops/s"
    found = re.search(rf"^{name}:\s+([0-9.]+)", run.stdout, re.MULTILINE)
    if run.returncode != 0 or not found:
        sys.exit(f"peak_vs_likwid: {' '.join(command)} failed:\n{run.stdout}{run.stderr}")
    readings.likwid.append(float(found.group(1)) / 1000)


def pressure_us() -> int | None:
    try:
        text = Path("/proc/pressure/cpu").read_text("ascii")
    except OSError:
        return None
    found = re.search(r"^some .*total=(\d+)", text)
    return int(found.group(1)) if found else None


def measure(
    worker: NativeWorker, pairs: list[Pair], counts: list[int], cpus: list[int], rounds: int
) -> tuple[dict[tuple[Pair, int], Readings], float | None]:
    """All pairs, `rounds` times, each program right behind the other; and the CPU pressure in %."""
    results = {(pair, count): Readings() for pair in pairs for count in counts}
    pressure, start = pressure_us(), time.monotonic()
    for turn in range(rounds):
        for (pair, count), readings in results.items():
            steps = [
                lambda p=pair, c=count, r=readings: read_likwid(p, c, r),
                lambda p=pair, c=count, r=readings: read_native(worker, p, cpus[:c], r),
            ]
            for step in steps if turn % 2 == 0 else reversed(steps):
                step()
            print(
                f"\r{pair.likwid} x{count}, round {turn + 1}/{rounds}   ",
                end="",
                file=sys.stderr,
                flush=True,
            )
    print(file=sys.stderr)
    after = pressure_us()
    if pressure is None or after is None:
        return results, None
    return results, (after - pressure) / 1e4 / (time.monotonic() - start)


def median(values: list[float]) -> float:
    return statistics.median(values) if values else float("nan")


def row(pair: Pair, count: int, calm: Readings, loaded: Readings | None) -> tuple[str, float]:
    likwid, native = median(calm.likwid), median(calm.native)
    text = (
        f"{pair.likwid:<24}{count:>3}{likwid:>9.2f}{native:>10.2f}{native / likwid:>8.3f}"
        f"{max(calm.native, default=0) / max(calm.likwid):>8.3f}"
        f"{100 * (1 - calm.kept / max(1, calm.taken)):>7.0f}%"
    )
    if loaded:
        text += (
            f"{median(loaded.likwid) / likwid:>10.3f}{median(loaded.native) / native:>10.3f}"
            f"{100 * (1 - loaded.kept / max(1, loaded.taken)):>7.0f}%"
        )
    return text, native / likwid


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--worker",
        type=Path,
        default=ROOT / "build/release/libexec/peakward/workers/peakward-worker-native",
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hogs", type=int, default=0, help="repeat under N busy loops")
    parser.add_argument("--kernels", default="", help="regular expression on likwid's names")
    parser.add_argument("--least", type=float, default=0.0, help="smallest calm ratio that passes")
    options = parser.parse_args()
    if not options.worker.exists():
        sys.exit(f"peak_vs_likwid: no worker at {options.worker}: build it, or name it by --worker")
    cpus = sorted(os.sched_getaffinity(0))
    counts = sorted({1, len(cpus)})
    worker = NativeWorker(options.worker)
    avx512 = "avx512" in worker.isa
    pairs = [
        Pair(p.likwid.replace("avx512", "avx"), p.operation, p.precision, p.word, p.arrays)
        if p.is_stream and not avx512
        else p
        for p in PAIRS
        if (p.is_stream or p.word in worker.isa) and re.search(options.kernels, p.likwid)
    ]
    calm, calm_pressure = measure(worker, pairs, counts, cpus, options.rounds)
    loaded, loaded_pressure = None, None
    if options.hogs > 0:
        hogs = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(options.hogs)]
        try:
            loaded, loaded_pressure = measure(worker, pairs, counts, cpus, options.rounds)
        finally:
            for hog in hogs:
                hog.kill()
                hog.wait()
    worker.close()

    print(
        f"{'kernel':<24}{'thr':>3}{'likwid':>9}{'peakward':>10}{'ratio':>8}"
        + f"{'of best':>8}{'dropped':>8}"
        + (f"{'likwid l/c':>10}{'peakw. l/c':>10}{'dropped':>8}" if loaded else "")
    )
    least = float("inf")
    for (pair, count), readings in calm.items():
        text, ratio = row(pair, count, readings, loaded[pair, count] if loaded else None)
        print(text)
        least = min(least, ratio)
    print(
        "Gop/s and GB/s; ratio: medians, peakward / likwid; of best: the same of the best rounds;"
        " l/c: loaded / calm"
    )
    if calm_pressure is not None:
        print(
            f"CPU pressure (some): {calm_pressure:.0f} % of the calm phase"
            + (f", {loaded_pressure:.0f} % under {options.hogs} busy loops" if loaded else "")
            + "; our own threads count, one each over the number of CPUs is to be expected at most"
        )
    return 1 if least < options.least else 0


if __name__ == "__main__":
    sys.exit(main())
