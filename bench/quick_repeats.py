#!/usr/bin/env python3
"""How repeatable is `peakward calibrate --quick`? Runs it several times into a database of its own
and prints, per score and per measurement, the spread (max - min) / median over the runs, with the
wall time and the CPU pressure of each run.

Aims (issue "Calibrate the machine it stands on"): wall time at most 20 s, spread under 3 % for
compute and 5 % for bandwidth, on two calm cores.

usage: bench/quick_repeats.py [--program build/release/bin/peakward] [--repeats 10] [options of
calibrate]"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any


def cpu_pressure_us() -> int | None:
    """Microseconds in which some task waited for a CPU, since boot; None without PSI."""
    try:
        with open("/proc/pressure/cpu", encoding="ascii") as file:
            return int(file.readline().rsplit("total=", 1)[1])
    except (OSError, IndexError, ValueError):
        return None


def one_run(
    program: str, database: str, extra: list[str]
) -> tuple[dict[str, Any], float, float | None]:
    before, start = cpu_pressure_us(), time.monotonic()
    command = [program, "calibrate", "--quick", "--json", "--quiet", "--db", database, *extra]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wall = time.monotonic() - start
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
    after = cpu_pressure_us()
    pressure = None if before is None or after is None else (after - before) / 1e4 / wall
    return json.loads(done.stdout), wall, pressure


def spread(values: list[float]) -> float:
    return (max(values) - min(values)) / statistics.median(values) * 100


def gather(runs: list[dict[str, Any]]) -> dict[tuple[str, str], list[float]]:
    """{(kind, name): values}; a value is there for each run in which it was measured."""
    series: dict[tuple[str, str], list[float]] = {}
    for run in runs:
        for row in run["results"]:
            name = f"{row['backend']} {row['precision']}"
            if row["peak_measured_gops"] is not None:
                series.setdefault(("score compute", name), []).append(row["peak_measured_gops"])
            if row["stream_best_gbps"] is not None:
                series.setdefault(("score bandwidth", name), []).append(row["stream_best_gbps"])
        for m in run["measurements"]:
            if m["outcome"] != "measured":
                continue
            shape = " ".join(f"{k}={v}" for k, v in sorted(m["shape"].items()))
            name = f"{m['backend']} {m['operation']} {m['precision']} {shape} x{m['threads']}"
            memory = m["operation"].startswith("stream_")
            value = m["gbps"] if memory else m["gops"]
            series.setdefault(("bandwidth" if memory else "compute", name), []).append(value)
    return series


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--program", default="build/release/bin/peakward")
    parser.add_argument("--repeats", type=int, default=10)
    arguments, extra = parser.parse_known_args()
    print(
        f"{platform.node()} {platform.processor() or platform.machine()}, {os.cpu_count()} CPUs, "
        f"{time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}, load {os.getloadavg()[0]:.2f}"
    )
    runs, walls = [], []
    with tempfile.TemporaryDirectory() as folder:
        for index in range(arguments.repeats):
            run, wall, pressure = one_run(
                arguments.program, os.path.join(folder, "repeats.db"), extra
            )
            not_measured = sum(m["outcome"] != "measured" for m in run["measurements"])
            shown = "unknown" if pressure is None else f"{pressure:.1f} %"
            print(
                f"run {index + 1}: {wall:.1f} s wall, CPU pressure {shown}, "
                f"{len(run['measurements'])} measurements, {not_measured} not measured",
                flush=True,
            )
            runs.append(run)
            walls.append(wall)
    print(
        f"\nwall: median {statistics.median(walls):.1f} s, largest {max(walls):.1f} s (aim: 20 s)\n"
    )
    print(f"{'kind':<16} {'series':<62} {'runs':>4} {'median':>9} {'spread':>8}  aim")
    for (kind, name), values in sorted(gather(runs).items()):
        aim = 5 if "bandwidth" in kind else 3
        verdict = "met" if spread(values) < aim and len(values) == len(runs) else "MISSED"
        print(
            f"{kind:<16} {name:<62} {len(values):>4} {statistics.median(values):>9.1f} "
            f"{spread(values):>7.2f}%  {aim} % {verdict}"
        )


if __name__ == "__main__":
    main()
