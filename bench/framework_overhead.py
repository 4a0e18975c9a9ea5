#!/usr/bin/env python3
"""What a framework's worker adds to a GEMM: the worker's own blocks against a bare loop.

    bench/framework_overhead.py --python "$(./dev frameworks)" [--backends pytorch onnxruntime jax]
        [--sizes 64 256 1024] [--threads 1]

Both run in one process of that interpreter, in buffers of their own, and take turns: a change of
the clock or of the load meets both. What is left is what the worker's loop adds. The bare loop is
written as a user of the framework writes it. Only pairs of blocks count that had the CPU for
themselves: CPU time of the process / wall >= 0.985 for one thread, for several less than 1 % of the
time waited for a CPU. The table shows the median of the ratios
of such pairs. PSI is the share of the time in which some task of the machine waited for a CPU:
above a few per cent, run again when it is calmer."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, List

from pairs import CPU_SHARE_MIN, SLICE_S, Pressure

ROOT = Path(__file__).resolve().parent.parent
WAIT_SHARE_MAX = 0.01


def bare_pytorch(n: int) -> Callable[[int], None]:
    import torch  # type: ignore[import-not-found,unused-ignore]

    a, b = (torch.rand(n, n) * 2 - 1 for _ in range(2))
    c = torch.empty(n, n)

    def loop(calls: int) -> None:
        with torch.inference_mode():
            for _ in range(calls):
                torch.mm(a, b, out=c)

    return loop


def bare_onnxruntime(n: int) -> Callable[[int], None]:
    import numpy as np
    import onnxruntime as ort  # type: ignore[import-not-found,unused-ignore]
    from peakward_worker.onnxruntime_backend import GRAPHS
    from peakward_worker.protocol import Case

    what = Case("gemm", "fp32", {"m": n, "n": n, "k": n}, "cpu", 1)
    options = ort.SessionOptions()
    options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
    options.inter_op_num_threads = 1
    model = GRAPHS["gemm"](what).model(what, {})
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(2)
    binding = session.io_binding()
    for name in ("a", "b"):
        array = random.uniform(-1, 1, (n, n)).astype(np.float32)
        binding.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(array))
    out = ort.OrtValue.ortvalue_from_numpy(np.zeros((n, n), np.float32))
    binding.bind_ortvalue_output("y", out)

    def loop(calls: int) -> None:
        for _ in range(calls):
            session.run_with_iobinding(binding)

    return loop


def bare_jax(n: int) -> Callable[[int], None]:
    import jax  # type: ignore[import-not-found,unused-ignore]
    import numpy as np

    random = np.random.default_rng(2)
    a, b = (jax.device_put(random.uniform(-1, 1, (n, n)).astype(np.float32)) for _ in range(2))
    matmul = jax.jit(jax.numpy.matmul)
    matmul(a, b).block_until_ready()

    def loop(calls: int) -> None:
        for _ in range(calls):
            matmul(a, b).block_until_ready()

    return loop


BARE = {"pytorch": bare_pytorch, "onnxruntime": bare_onnxruntime, "jax": bare_jax}


def compare(name: str, n: int, threads: int, cpus: List[int], seconds: float) -> None:
    """In the interpreter with the framework: prints the ratios of clean pairs as JSON."""
    from peakward_worker.__main__ import BACKENDS
    from peakward_worker.protocol import Case, PrepareRequest, RunRequest
    from peakward_worker.timing import WaitReader

    module, kind = BACKENDS[name]
    backend = getattr(__import__(f"peakward_worker.{module}", fromlist=[kind]), kind)()
    what = Case("gemm", "fp32", {"m": n, "n": n, "k": n}, "cpu", threads)
    prepared = backend.prepare(PrepareRequest(what, 1, 1e-3, cpus))
    loop = BARE[name](n)
    loop(3)
    calls = max(1, round(SLICE_S / prepared.iteration_s))
    wait, clock, cpu_clock = WaitReader(), time.perf_counter_ns, time.process_time_ns
    ratios: List[float] = []
    calls_us: List[float] = []
    dropped = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end or len(ratios) + dropped < 10:
        waited_ns, cpu_ns, begin_ns = wait.total_ns(), cpu_clock(), clock()
        loop(calls)
        bare_ns = (clock() - begin_ns) / calls
        _, _, wall_ns, _, _, _, iterations, _ = backend.run(RunRequest(1, 0, SLICE_S))[0]
        span_ns, cpu_ns = clock() - begin_ns, cpu_clock() - cpu_ns
        waited_ns = wait.total_ns() - waited_ns
        alone = waited_ns <= WAIT_SHARE_MAX * span_ns
        if threads == 1:  # threads that take turns on one CPU wait for each other
            alone = cpu_ns >= CPU_SHARE_MIN * span_ns
        if not alone:
            dropped += 1
            continue
        ratios.append(wall_ns / iterations / bare_ns)
        calls_us.append(bare_ns * 1e-3)
    print(json.dumps({"ratios": ratios, "calls_us": calls_us, "dropped": dropped}), flush=True)


def measure(name: str, n: int, options: argparse.Namespace) -> float | None:
    """One row of the table; several processes, as each has its own luck with memory."""
    overheads, calls_us, dropped = [], [], 0
    pressure = Pressure()
    for _ in range(options.processes):
        argv = [options.python, "-B", __file__, "--inside", name, "--sizes", str(n)]
        argv += ["--threads", str(options.threads), "--seconds", str(options.seconds)]
        environment = dict(os.environ, OMP_NUM_THREADS=str(options.threads))
        environment["PYTHONPATH"] = str(ROOT / "workers" / "python")
        done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, env=environment, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
        dropped += found["dropped"]
        if found["ratios"]:
            overheads.append(100 * (statistics.median(found["ratios"]) - 1))
            calls_us.append(statistics.median(found["calls_us"]))
    psi = pressure.percent()
    row = [name, str(n), "-", "-", "-", str(dropped), f"{psi:.0f}"]
    if overheads:
        row[2:5] = [
            f"{statistics.median(calls_us):.2f}",
            f"{statistics.median(overheads):+.2f}",
            f"{max(overheads) - min(overheads):.2f}",
        ]
    print("%-12s %5s %11s %11s %10s %8s %6s" % tuple(row), flush=True)
    return statistics.median(overheads) if overheads else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--backends", nargs="+", default=list(BARE))
    parser.add_argument("--sizes", nargs="+", type=int, default=[64, 256, 1024])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--processes", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="per process and size")
    parser.add_argument("--inside", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        cpus = sorted(os.sched_getaffinity(0))[-options.threads :]
        compare(options.inside, options.sizes[0], options.threads, cpus, options.seconds)
        return 0
    header = ("worker", "n", "bare us", "overhead %", "spread %", "dropped", "PSI %")
    print("%-12s %5s %11s %11s %10s %8s %6s" % header)
    found = [measure(name, n, options) for name in options.backends for n in options.sizes]
    return 0 if any(overhead is not None for overhead in found) else 1


if __name__ == "__main__":
    sys.exit(main())
