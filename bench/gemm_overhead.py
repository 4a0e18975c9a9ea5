#!/usr/bin/env python3
"""What a worker adds to a GEMM: the worker through its protocol against a bare loop.

    bench/gemm_overhead.py --build build/release [--python /usr/bin/python3] [--sizes 64 256 1024]

Both run on one thread, pinned to one CPU, over the same library (C++) or in the same interpreter
(NumPy). One pair of processes is one sample of process state (where pages and buffers came to
lie), so several pairs are started; within a pair the two take turns, so that a change of the clock
or of the load meets both. Only blocks that had the CPU for themselves count: CPU time / wall >=
0.985. Per pair the medians of both are compared; the table shows the median over the pairs. PSI is
the share of the time in which some task of the machine waited for a CPU: above a few per cent, run
again when it is calmer."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, List, Tuple

from pairs import CPU_SHARE_MIN, SLICE_S, Pressure

ROOT = Path(__file__).resolve().parent.parent
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"), "1"
)
Blocks = List[Tuple[float, float]]  # wall_ns of one call, CPU time / wall of the block


def bare_numpy() -> None:
    """The bare loop of NumPy; same lines in and out as bench/gemm_overhead.cpp."""
    import gc

    import numpy as np

    gc.disable()
    clock, monotonic, thread = time.clock_gettime_ns, time.CLOCK_MONOTONIC, time.thread_time_ns
    for line in sys.stdin:
        precision, size, calls_text, blocks = line.split()
        n, calls = int(size), int(calls_text)
        random = np.random.default_rng(1)
        dtype = np.float64 if precision == "fp64" else np.float32
        a, b = (random.uniform(-1, 1, (n, n)).astype(dtype) for _ in range(2))
        c = np.empty((n, n), dtype)
        matmul = np.matmul
        matmul(a, b, c)
        matmul(a, b, c)
        figures = []
        for _ in range(int(blocks)):
            cpu_ns, start_ns = thread(), clock(monotonic)
            for _ in range(calls):
                matmul(a, b, c)
            figures += [clock(monotonic) - start_ns, thread() - cpu_ns]
        print(*figures, flush=True)


class Child:
    def __init__(self, argv: List[str], cpu: int, **environment: str) -> None:
        self.process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=dict(os.environ, **ONE_THREAD, **environment),
            preexec_fn=lambda: os.sched_setaffinity(0, [cpu]),
        )

    def ask(self, line: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        reply = self.process.stdout.readline()
        if not reply:
            sys.exit(f"{self.process.args!r} ended")
        return reply

    def end(self) -> None:
        self.process.communicate()


class Bare(Child):
    def blocks(self, precision: str, n: int, calls: int, blocks: int) -> Blocks:
        figures = [int(word) for word in self.ask(f"{precision} {n} {calls} {blocks}").split()]
        return [(w / calls, c / w) for w, c in zip(figures[::2], figures[1::2])]


class Worker(Child):
    def verb(self, verb: str, **fields: Any) -> Any:
        reply = json.loads(self.ask(json.dumps(dict(fields, id=1, verb=verb))))
        if not reply["ok"]:
            sys.exit(reply["error"])
        return reply

    def prepare(self, backend: str, precision: str, n: int) -> float:
        case = {
            "operation": "gemm",
            "precision": precision,
            "shape": {"m": n, "n": n, "k": n},
            "device": "cpu",
            "backend": backend,
            "threads": 1,
        }
        reply = self.verb("prepare", case=case, seed=1, tolerance=1e-3, cpus=[])
        return float(reply["iteration_s"])

    def blocks(self, blocks: int) -> Blocks:
        samples = self.verb("run", samples=blocks, min_s=0, slice_s=SLICE_S)["samples"]
        return [(s[2] / s[6], s[3] / s[2]) for s in samples]


def clean(blocks: Blocks) -> List[float]:
    return [call_ns for call_ns, share in blocks if share >= CPU_SHARE_MIN]


def one_pair(
    worker: Worker, bare: Bare, backend: str, precision: str, n: int, seconds: float
) -> Tuple[List[float], List[float], int]:
    """Clean times of one call, in ns: worker, bare; and how many blocks were dropped."""
    call_s = worker.prepare(backend, precision, n)
    calls = max(1, round(SLICE_S / call_s))
    rounds = 6
    blocks = max(2, int(seconds / (2 * rounds * calls * call_s)))
    of_worker: Blocks = []
    of_bare: Blocks = []
    for turn in range(rounds):
        if turn % 2 == 0:
            of_worker += worker.blocks(blocks)
        of_bare += bare.blocks(precision, n, calls, blocks)
        if turn % 2 == 1:
            of_worker += worker.blocks(blocks)
    worker.verb("release")
    kept_worker, kept_bare = clean(of_worker), clean(of_bare)
    dropped = len(of_worker) + len(of_bare) - len(kept_worker) - len(kept_bare)
    return kept_worker, kept_bare, dropped


def measure(backend: str, options: argparse.Namespace, rows: List[List[str]]) -> None:
    folder = Path(options.build).resolve()
    cpu = options.cpu
    if backend == "blas":
        argv = [str(folder / "libexec/peakward/workers/peakward-worker-blas")]
        argv += ["--library", options.blas_library] if options.blas_library else []
    else:
        argv = [options.python, str(ROOT / "workers/python/peakward_worker/__main__.py"), "numpy"]
    for precision in options.precisions:
        for n in options.sizes:
            overheads, calls_us, dropped = [], [], 0
            pressure = Pressure()
            for _ in range(options.pairs):
                worker = Worker(argv, cpu)
                versions = worker.verb("hello", protocol=1)["versions"]
                if backend == "blas":
                    bare = Bare([str(folder / "bin/gemm_overhead"), versions["blas_file"]], cpu)
                else:
                    bare = Bare([options.python, __file__, "--bare-numpy"], cpu)
                ours, theirs, lost = one_pair(worker, bare, backend, precision, n, options.seconds)
                worker.end()
                bare.end()
                dropped += lost
                if ours and theirs:
                    calls_us.append(statistics.median(theirs) * 1e-3)
                    overheads.append(statistics.median(ours) / statistics.median(theirs) - 1)
            psi = pressure.percent()
            row = [backend, precision, str(n)]
            if overheads:
                spread = max(overheads) - min(overheads)
                row += [f"{statistics.median(calls_us):.2f}"]
                row += [f"{100 * statistics.median(overheads):+.2f}", f"{100 * spread:.2f}"]
            else:
                row += ["-", "-", "-"]
            row += [str(len(overheads)), str(dropped), f"{psi:.0f}"]
            rows.append(row)
            print(("%-6s %-4s %5s %11s %11s %10s %5s %8s %6s" % tuple(row)), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=str(ROOT / "build" / "release"))
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--blas-library", default="")
    parser.add_argument("--backends", nargs="+", default=["blas", "numpy"])
    parser.add_argument("--precisions", nargs="+", default=["fp64", "fp32"])
    parser.add_argument("--sizes", nargs="+", type=int, default=[64, 128, 256, 512, 1024, 2048])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="per pair and size")
    parser.add_argument("--cpu", type=int, default=max(os.sched_getaffinity(0)))
    parser.add_argument("--bare-numpy", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare_numpy:
        bare_numpy()
        return 0
    header = ["worker", "", "n", "bare us", "overhead %", "spread %", "pairs", "dropped", "PSI %"]
    print("%-6s %-4s %5s %11s %11s %10s %5s %8s %6s" % tuple(header))
    rows: List[List[str]] = []
    for backend in options.backends:
        measure(backend, options, rows)
    found = [abs(float(row[4])) for row in rows if row[4] != "-"]
    if found:
        print(f"largest overhead: {max(float(row[4]) for row in rows if row[4] != '-'):+.2f} %")
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
