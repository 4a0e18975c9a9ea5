#!/usr/bin/env python3
"""Truth under load: what `peakward calibrate` says of every compute peak, calm and beside busy
loops.

Prints one row per peak: the calm and the loaded figure, how far apart they are, the windows kept
and dropped, the seconds it took and the CPU pressure; then Debian's likwid-bench for the kernels
it has, calm and under the same load. Exit status 1 when a peak that was measured under load is
more than --percent from its calm value, took longer than --seconds, or was not measured at all.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

ROOT = Path(__file__).resolve().parent.parent
# Kernels of likwid-bench that do what a compute_peak case does.
LIKWID = {
    ("fp64", "avx2"): "peakflops_avx_fma",
    ("fp32", "avx2"): "peakflops_sp_avx_fma",
    ("fp64", "avx512"): "peakflops_avx512_fma",
    ("fp32", "avx512"): "peakflops_sp_avx512_fma",
}

Row = dict[str, Any]


@contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """`count` busy loops, pinned to the allowed CPUs in turn."""
    cpus = sorted(os.sched_getaffinity(0))
    hogs = [
        subprocess.Popen(
            ["taskset", "-c", str(cpus[i % len(cpus)]), "sh", "-c", "while :; do :; done"]
        )
        for i in range(count)
    ]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


def calibrate(program: Path, threads: int) -> dict[tuple[str, str], Row]:
    """The compute peaks of one calibration, by precision and ISA class."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            str(program),
            "calibrate",
            "--quick",
            "--force",
            "--quiet",
            "--json",
            "--backend",
            "native",
            "--operations",
            "clock_probe,compute_peak",
            "--db",
            f"{folder}/bench.db",
        ]
        if threads > 0:
            command += ["--threads", str(threads)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
    rows = json.loads(done.stdout)["measurements"]
    return {
        (row["precision"], row["shape"].get("isa", "")): row
        for row in rows
        if row["operation"] == "compute_peak"
    }


def likwid(kernel: str, threads: int) -> float | None:
    """Gop/s of a likwid-bench kernel; none where it is not installed or fails."""
    if shutil.which("likwid-bench") is None:
        return None
    done = subprocess.run(
        ["likwid-bench", "-t", kernel, "-s", "1", "-w", f"N:{16 * threads}kB:{threads}"],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"MFlops/s:\s+([0-9.]+)", done.stdout)
    return float(found.group(1)) / 1e3 if found else None


def value(row: Row | None) -> float | None:
    return None if row is None or row["outcome"] != "measured" else row["gops"]


def shown(figure: float | None, form: str = "8.1f") -> str:
    return format(figure, form) if figure is not None else "-".rjust(int(form.split(".")[0]))


def field(row: Row | None, name: str) -> float:
    return float((row or {}).get(name) or 0)


def dropped(row: Row | None) -> int:
    return int(
        sum(
            field(row, name)
            for name in ("dropped_preempted", "dropped_throttled", "dropped_core_shared")
        )
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--program", type=Path, default=ROOT / "build/release/bin/peakward")
    parser.add_argument(
        "--hogs",
        type=int,
        default=len(os.sched_getaffinity(0)),
        help="busy loops; default: one per CPU",
    )
    parser.add_argument(
        "--threads", type=int, default=0, help="threads of ours; default: one per core"
    )
    parser.add_argument("--percent", type=float, default=1.0)
    parser.add_argument(
        "--seconds",
        type=float,
        default=3.2,
        help="most measuring time of a case (3 s and one batch)",
    )
    options = parser.parse_args()

    calm = calibrate(options.program, options.threads)
    threads = max((row["threads"] for row in calm.values()), default=1)
    calm_likwid = {key: likwid(kernel, threads) for key, kernel in LIKWID.items() if key in calm}
    with busy_loops(options.hogs):
        loaded = calibrate(options.program, options.threads)
        loaded_likwid = {
            key: likwid(kernel, threads) for key, kernel in LIKWID.items() if key in calm
        }

    print(f"peakward, {threads} threads, {options.hogs} busy loops; GOPS")
    print(
        f"{'precision':9} {'isa':12} {'calm':>8} {'loaded':>8} {'apart %':>8} "
        f"{'kept':>6} {'dropped':>8} {'s':>5} {'psi %':>6}  exit"
    )
    bad = 0
    for key, row in calm.items():
        other = loaded.get(key)
        before, after = value(row), value(other)
        apart = (after / before - 1) * 100 if before and after else None
        took = field(other, "elapsed_s")
        bad += apart is None or abs(apart) > options.percent or took > options.seconds
        print(
            f"{key[0]:9} {key[1]:12} {shown(before)} {shown(after)} {shown(apart, '8.2f')} "
            f"{int(field(other, 'samples')):6} {dropped(other):8} {took:5.2f} "
            f"{field(other, 'psi_cpu_some_percent'):6.1f}  {(other or {}).get('exit', '-')}"
        )
        for name, it in (("calm", row), ("loaded", other)):
            if it is not None and it["outcome"] != "measured":
                print(f"  {name}: {it['outcome']}: {it['reason']}")
    print("\nlikwid-bench, the same threads and busy loops; GOPS")
    for key, kernel in LIKWID.items():
        if key in calm:
            print(
                f"{key[0]:9} {key[1]:12} {shown(calm_likwid[key])} "
                f"{shown(loaded_likwid[key])}  {kernel}"
            )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
