"""The cuda and pytorch workers on a real GPU: every case that they say they support gives the right
answer there, and samples whose clock and time can be true.

    [PEAKWARD_GPU_PYTHON=PYTHON] gpu_test.py BUILD

77 (skipped, as CTest counts it) where no cuda worker finds a GPU."""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
from worker_process import PYTHON_WORKER, WorkerProcess

FLOATS = {"fp64": 2.0**-53, "fp32": 2.0**-24, "tf32": 2.0**-11, "fp16": 2.0**-11, "bf16": 2.0**-8}
GEMM = {"m": 512, "n": 768, "k": 1024}
COPY = {"elements": 1 << 24, "store": "driver"}
STREAM = {"elements": 1 << 24, "store": "temporal"}


def tolerance_of(operation: str, precision: str) -> float:
    """The catalog's, of a product (src/catalog/operations) and of memory operations."""
    if operation != "gemm":
        return 32 * FLOATS[precision]
    if precision == "int8":
        return 0
    of_sum = 16 * (FLOATS[precision] if precision == "fp64" else 2.0**-24) * math.sqrt(GEMM["k"])
    if precision in ("fp64", "fp32"):
        return of_sum
    return of_sum + 8 * FLOATS.get(precision, 2.0**-8)


def check_case(worker: WorkerProcess, device: str, operation: str, precision: str) -> str:
    """ "" when all is well or the case is refused with a reason; else what is wrong."""
    shape = GEMM if operation == "gemm" else COPY if operation == "device_copy" else STREAM
    case = worker.case(device, operation, precision, shape)
    name = f"{worker.backend} {device} {operation} {precision}"
    supported = worker.ask("supports", case=case)
    if not supported.get("supported"):
        print(f"{name}: {supported.get('reason') or supported}")
        return "" if supported.get("reason") else f"{name}: no reason: {supported}"
    tolerance = tolerance_of(operation, precision)
    prepared = worker.ask("prepare", case=case, seed=7, tolerance=tolerance, cpus=[])
    if not prepared.get("correct") or prepared.get("device") != device:
        return f"{name}: {prepared}"
    ran = worker.ask("run", samples=5, min_s=0.05, slice_s=0.001)
    samples = ran.get("samples", [])
    if len(samples) < 5 or any(sample[2] < 1 for sample in samples):
        return f"{name}: {ran}"
    clock_max_hz = 5e9
    if worker.backend == "cuda" and not all(0 <= sample[7] < clock_max_hz for sample in samples):
        return f"{name}: no GPU has such a clock: {samples[0]}"
    print(f"{name}: {prepared['implementation']}, error {prepared['error']:.3g}")
    worker.ask("release")
    return ""


def main() -> int:
    build, python = sys.argv[1], os.environ.get("PEAKWARD_GPU_PYTHON", "python3")
    path = Path(build) / "libexec" / "peakward" / "workers" / "peakward-worker-cuda"
    cuda = WorkerProcess("cuda", [str(path)])
    hello = cuda.ask("hello", protocol=1)
    if not hello["ok"]:
        print(f"skipped: {hello['error']}")
        return 77
    print(json.dumps(hello["versions"]), *hello.get("notes", []), sep="\n")
    workers = [(cuda, hello)]
    torch = WorkerProcess("pytorch", [python, PYTHON_WORKER, "pytorch"])
    torch_hello = torch.ask("hello", protocol=1)
    if torch_hello["ok"]:
        workers.append((torch, torch_hello))
    else:
        print(f"without PyTorch: {torch_hello['error']}")
    wrong = []
    for worker, said in workers:
        for device in said["devices"]:
            for operation in ("gemm", "stream_copy", "stream_scale", "stream_add", "stream_triad",
                              "device_copy"):  # fmt: skip
                if device == "cpu" or operation not in said["operations"]:
                    continue
                precisions = said["precisions"] if operation == "gemm" else ["fp64", "fp32"]
                for precision in precisions:
                    wrong.append(check_case(worker, device, operation, precision))
    wrong = [text for text in wrong if text]
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
