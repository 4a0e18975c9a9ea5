#!/usr/bin/env python3
"""What the cuda worker reaches, against PyTorch and against a bare copy, in one run.

    bench/gpu_reach.py --build build/release --python PYTHON_WITH_PYTORCH [--output evidence.json]

Two questions (docs/benchmarks.md): is a bf16 product of 8192 by the cuda worker at least 0.97 of
what PyTorch reaches, and is the worker's copy bandwidth within 2 % of a bare loop over the driver's
device-to-device copy? Both sides of a question take turns, so that a change of the clock meets
both; every figure is the median over all their blocks, of the GPU's own events. Exit status: 0 both
hold, 1 one does not or could not be asked."""

from __future__ import annotations

import argparse
import ctypes
import datetime
import json
import os
import statistics
import sys
from pathlib import Path
from typing import Any, Callable

from worker_process import PYTHON_WORKER, WorkerProcess

ROOT = Path(__file__).resolve().parent.parent
GEMM_SHARE_MIN = 0.97
COPY_APART_MAX = 0.02
SLOWED = 2  # the ninth column of a sample (docs/worker-protocol.md)
SLICE_S = 0.002


class Worker(WorkerProcess):
    """One that is asked for times, and must know the answer to everything."""

    def __init__(self, backend: str, argv: list[str]) -> None:
        super().__init__(backend, argv)
        self.hello = self.need("hello", protocol=1)

    def prepare(self, device: str, operation: str, precision: str, **shape: Any) -> str:
        """The implementation; a wrong answer or another device is an error here."""
        case = self.case(device, operation, precision, shape)
        # The catalog's tolerance of a bf16 product of 8192; a copy is exact.
        tolerance = 16 * 2.0**-24 * 8192**0.5 + 8 * 2.0**-8 if operation == "gemm" else 0
        reply = self.need("prepare", case=case, seed=1, tolerance=tolerance, cpus=[])
        if not reply["correct"] or reply["device"] != device:
            raise RuntimeError(f"{self.backend}: {operation} is wrong or elsewhere: {reply}")
        return str(reply["implementation"])

    def seconds(self, seconds: float) -> tuple[list[float], list[float]]:
        """Of one call, and the clocks in Hz; blocks that heat or a brake slowed are left out."""
        samples = self.need("run", samples=3, min_s=seconds, slice_s=SLICE_S)["samples"]
        good = [s for s in samples if len(s) < 9 or s[8] != SLOWED]
        return [s[2] * 1e-9 / s[6] for s in good], [s[7] for s in good if s[7] > 0]


class BareCopy:
    """The driver's device-to-device copy in a bare loop between two events."""

    def __init__(self, ordinal: int, size_bytes: int) -> None:
        name = os.environ.get("PEAKWARD_CUDA_DRIVER_LIBRARY") or "libcuda.so.1"
        self.cu = ctypes.CDLL(name)
        self.size = ctypes.c_size_t(size_bytes)
        self.call("cuInit", 0)
        context = ctypes.c_void_p()
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), ordinal)
        self.call("cuCtxSetCurrent", context)
        self.stream, self.begin, self.end = (ctypes.c_void_p() for _ in range(3))
        self.call("cuStreamCreate", ctypes.byref(self.stream), 0)
        for event in (self.begin, self.end):
            self.call("cuEventCreate", ctypes.byref(event), 0)
        self.to, self.source = ctypes.c_uint64(), ctypes.c_uint64()
        for buffer in (self.to, self.source):
            self.call("cuMemAlloc_v2", ctypes.byref(buffer), self.size)
        self.call("cuMemsetD8Async", self.source, ctypes.c_ubyte(0x5A), self.size, self.stream)
        for _ in range(3):
            self.block(1)

    def call(self, name: str, *arguments: Any) -> None:
        error = getattr(self.cu, name)(*arguments)
        if error != 0:
            raise RuntimeError(f"{name}: driver error {error}")

    def block(self, calls: int) -> float:
        self.call("cuStreamSynchronize", self.stream)
        self.call("cuEventRecord", self.begin, self.stream)
        for _ in range(calls):
            self.call("cuMemcpyDtoDAsync_v2", self.to, self.source, self.size, self.stream)
        self.call("cuEventRecord", self.end, self.stream)
        self.call("cuEventSynchronize", self.end)
        milliseconds = ctypes.c_float()
        self.call("cuEventElapsedTime", ctypes.byref(milliseconds), self.begin, self.end)
        return milliseconds.value * 1e-3 / calls

    def seconds(self, seconds: float) -> list[float]:
        once = max(self.block(1), 1e-9)
        calls = max(1, round(SLICE_S / once))
        return [self.block(calls) for _ in range(max(3, int(seconds / (calls * once))))]


def in_turns(rounds: int, sides: list[Callable[[], None]]) -> None:
    for turn in range(rounds):
        for side in sides if turn % 2 == 0 else reversed(sides):
            side()


def compare_gemm(options: argparse.Namespace, cuda: Worker, evidence: dict[str, Any]) -> bool:
    """Whether the cuda worker reaches its share of what PyTorch does."""
    n: int = options.size
    torch = Worker("pytorch", [options.python, PYTHON_WORKER, "pytorch"])
    evidence["pytorch"] = torch.hello["versions"]
    times: dict[str, list[float]] = {"cuda": [], "pytorch": []}
    clocks: list[float] = []

    def side(worker: Worker) -> None:
        seconds, hz = worker.seconds(options.seconds)
        times[worker.backend] += seconds
        clocks.extend(hz)

    found = {
        worker.backend: worker.prepare(options.device, "gemm", "bf16", m=n, n=n, k=n)
        for worker in (cuda, torch)
    }
    in_turns(options.rounds, [lambda: side(cuda), lambda: side(torch)])
    gops = {name: 2.0 * n**3 / statistics.median(t) * 1e-9 for name, t in times.items()}
    share: float = gops["cuda"] / gops["pytorch"]
    holds = share >= GEMM_SHARE_MIN
    evidence["gemm"] = {
        "case": f"bf16 {n} x {n} x {n}",
        "gops": gops,
        "clock_mhz": statistics.median(clocks) * 1e-6 if clocks else None,
        "implementations": found,
        "share_of_pytorch": share,
        "aim": f"at least {GEMM_SHARE_MIN}",
        "holds": holds,
    }
    print(
        f"bf16 {n}: cuda {gops['cuda']:.0f} GOPS, PyTorch {gops['pytorch']:.0f}: {share:.3f} of it"
    )
    torch.end()
    cuda.need("release")
    return holds


def compare_copy(options: argparse.Namespace, cuda: Worker, evidence: dict[str, Any]) -> bool:
    """Whether the worker's copy is as fast as a bare one; STREAM's is shown beside it."""
    elements: int = options.elements
    bare = BareCopy(int(options.device.rsplit(":", 1)[1]), 8 * elements)
    rows: dict[str, Any] = {}
    holds = True
    for operation, store in (("device_copy", "driver"), ("stream_copy", "nontemporal")):
        ours: list[float] = []
        theirs: list[float] = []
        how = cuda.prepare(options.device, operation, "fp64", elements=elements, store=store)
        in_turns(
            options.rounds,
            [
                lambda ours=ours: ours.extend(cuda.seconds(options.seconds)[0]),  # type: ignore[misc]
                lambda theirs=theirs: theirs.extend(bare.seconds(options.seconds)),  # type: ignore[misc]
            ],
        )
        gbps = 16.0 * elements / statistics.median(ours) * 1e-9
        bare_gbps = 16.0 * elements / statistics.median(theirs) * 1e-9
        apart = gbps / bare_gbps - 1
        judged = operation == "device_copy"
        holds = holds and (not judged or abs(apart) <= COPY_APART_MAX)
        rows[operation] = {
            "gbps": gbps,
            "bare_gbps": bare_gbps,
            "apart_percent": 100 * apart,
            "implementation": how,
        }
        print(f"{operation}: {gbps:.1f} GB/s, bare copy {bare_gbps:.1f}: {100 * apart:+.2f} %")
    evidence["copy"] = {
        "bytes": 8 * elements,
        **rows,
        "aim": f"device_copy within {100 * COPY_APART_MAX:g} % of the bare copy",
        "holds": holds,
    }
    cuda.need("release")
    return holds


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--build", default=str(ROOT / "build" / "release"))
    parser.add_argument("--python", default=sys.executable, help="an interpreter with PyTorch")
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--size", type=int, default=8192)
    parser.add_argument("--elements", type=int, default=1 << 27, help="of 8 bytes, to copy")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=0.5, help="per side and round")
    parser.add_argument("--output", help="where to write the evidence")
    parser.add_argument("--only-show", action="store_true", help="judge nothing")
    options = parser.parse_args()
    cuda = Worker(
        "cuda", [str(Path(options.build) / "libexec/peakward/workers/peakward-worker-cuda")]
    )
    evidence: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "device": cuda.hello["versions"].get(options.device, options.device),
        "driver": cuda.hello["versions"].get("driver", "not told"),
        "cuda_worker": cuda.hello["versions"],
    }
    holds = True
    for question, ask in (("copy", compare_copy), ("gemm", compare_gemm)):
        try:
            holds = ask(options, cuda, evidence) and holds
        except (RuntimeError, OSError) as problem:
            print(f"{question}: not compared: {problem}", file=sys.stderr)
            evidence[question] = {"not_compared": str(problem)}
            holds = False
    cuda.end()
    if options.output:
        path = Path(options.output)
        new = path.with_name(path.name + ".new")
        new.write_text(json.dumps(evidence, indent=2) + "\n", encoding="utf-8")
        new.replace(path)
        print(f"evidence: {path}")
    return 0 if holds or options.only_show else 1


if __name__ == "__main__":
    sys.exit(main())
