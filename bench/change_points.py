#!/usr/bin/env python3
"""Peakward's change-point engine beside apache-otava and ruptures, on exactly the same series.

`change_points_bench --write` makes the series and finds changes in them; the others, installed
from the package index into build/change-points-peers, then get the values it wrote:

- otava: compute_change_points at its defaults (windows of 50, p below 0.001);
- ruptures: PELT with min_size 2 and jump 1 (its default of 5 would miss most places by
  construction). Cost l2 with the penalty log n * sigma^2 of its manual (one dimension), and with
  twice that (the Schwarz criterion); cost rbf on values divided by sigma, penalty log n. sigma is
  the standard deviation of the differences of neighbours, over the square root of 2.

PELT takes up to a second a series, so it sees the first --ruptures-series of every set. All
are scored here by one rule: a change is found when one is reported at most 2 points from it; F1
is that of the counts over all series of a set. Times are CPU time of one thread.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import os
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pairs import Pressure

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "build/change-points-peers"
# otava pins numpy and scipy.
PINS = "apache-otava==0.8.0\nruptures==1.1.10\n"
NOISES = ["gaussian", "ar1", "outliers", "two modes"]
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")

Finder = Callable[[list[float]], Iterable[int]]


def need_peers() -> Path:
    """The interpreter of the virtual environment with the peers; made when its pins changed."""
    python, pins = PEERS / "bin/python", PEERS / "pins.txt"
    if not pins.exists() or pins.read_text(encoding="ascii") != PINS:
        print(f"installing {', '.join(PINS.split())} into {PEERS}", flush=True)
        venv.create(PEERS, clear=True, with_pip=True)
        done = subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", *PINS.split()],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            sys.exit(f"pip could not install them (is there a network?): {done.stderr.strip()}")
        pins.write_text(PINS, encoding="ascii")
    return python


def peers() -> dict[str, Finder]:
    """Each takes the values of a series and returns the first points of new levels."""
    numpy: Any = importlib.import_module("numpy")
    otava: Any = importlib.import_module("otava.analysis")
    ruptures: Any = importlib.import_module("ruptures")

    def by_otava(values: list[float]) -> Iterable[int]:
        found, _ = otava.compute_change_points(list(values))
        return (int(change.index) for change in found)

    def by_pelt(cost: str, factor: float) -> Finder:
        def find(values: list[float]) -> Iterable[int]:
            series = numpy.asarray(values)
            sigma = float(numpy.std(numpy.diff(series))) / math.sqrt(2)
            penalty = factor * math.log(len(values))
            if cost == "rbf":
                series = series / sigma
            else:
                penalty *= sigma**2
            algorithm = ruptures.Pelt(model=cost, min_size=2, jump=1)
            return (int(end) for end in algorithm.fit(series).predict(pen=penalty)[:-1])

        return find

    return {
        "apache-otava": by_otava,
        "ruptures PELT l2": by_pelt("l2", 1),
        "ruptures PELT l2, penalty x 2": by_pelt("l2", 2),
        "ruptures PELT rbf": by_pelt("rbf", 1),
    }


class Row:
    """What one method reached: a line of the table."""

    def __init__(self, name: str, tolerance: int) -> None:
        self.name, self.tolerance = name, tolerance
        self.series = 0
        self.alarms: dict[str, float] = {}
        self.f1: dict[tuple[int, str], float] = {}
        self.times_ms: dict[int, list[float]] = {}

    def add(self, part: Any, found: list[list[int]], times_ms: list[float]) -> None:
        """The answers to the first series of a set, in order."""
        self.series = max(self.series, len(found))
        truth = [one["changes_at"] for one in part["series"][: len(found)]]
        points = len(part["series"][0]["values"])
        self.times_ms.setdefault(points, []).extend(times_ms)
        if part["part"] == "false_alarms":
            self.alarms[part["noise"]] = 100 * sum(map(bool, found)) / len(found)
            return
        hits = sum(map(self.hits, truth, found))
        whole = sum(map(len, truth)) + sum(map(len, found))
        self.f1[part["distance_min"], part["noise"]] = 2 * hits / whole if whole else 1.0

    def hits(self, planted: list[int], found: list[int]) -> int:
        """How many planted changes have one found near them; each found serves one."""
        left = sorted(found)
        count = 0
        for at in planted:
            near = next((place for place in left if abs(place - at) <= self.tolerance), None)
            if near is not None:
                left.remove(near)
                count += 1
        return count

    def __str__(self) -> str:
        cells = [f"{self.name:30} {self.series:6}"]
        cells += [f"{self.alarms[noise]:5.1f}" for noise in NOISES]
        for distance in sorted({distance for distance, _ in self.f1}):
            cells.append("")
            cells += [f"{self.f1[distance, noise]:5.3f}" for noise in NOISES]
        cells.append("")
        cells += [f"{statistics.median(self.times_ms[n]):7.2f}" for n in sorted(self.times_ms)]
        return " ".join(cells)


def heading(whole: Any) -> str:
    distances = sorted({part["distance_min"] for part in whole["sets"] if "distance_min" in part})
    points = sorted({len(part["series"][0]["values"]) for part in whole["sets"]})
    noises = " ".join(f"{name[:5]:>5}" for name in NOISES)
    groups = ["alarms in % of series", *(f"F1, steps {n} apart" for n in distances)]
    above = "  ".join(f"{group:23}" for group in groups)
    below = "  ".join([noises] * len(groups))
    times = " ".join(f"{n:>7}" for n in points)
    return f"{'':37} {above}  CPU ms at points\n{'method':30} {'series':>6} {below}  {times}"


def compare(whole: Any, ruptures_series: int) -> None:
    """Prints a line for each method, ours first."""
    for name, count in (("Peakward", None), ("Peakward, what PELT sees", ruptures_series)):
        row = Row(name, whole["tolerance"])
        for part in whole["sets"]:
            series = part["series"][:count]
            row.add(part, [one["found_at"] for one in series], [one["cpu_ms"] for one in series])
        print(row, flush=True)
    for name, find in peers().items():
        row = Row(name, whole["tolerance"])
        find(whole["sets"][0]["series"][0]["values"])  # imports and caches are not timed
        for part in whole["sets"]:
            count = ruptures_series if name.startswith("ruptures") else len(part["series"])
            found, times_ms = [], []
            for one in part["series"][:count]:
                began = time.process_time()
                found.append(list(find(one["values"])))
                times_ms.append(1e3 * (time.process_time() - began))
            row.add(part, found, times_ms)
        print(row, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    program = ROOT / "build/release/bin/change_points_bench"
    parser.add_argument("--program", type=Path, default=program)
    parser.add_argument("--seed", type=int, default=20261128)
    parser.add_argument("--ruptures-series", type=int, default=40)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ruptures_series < 1:
        parser.error("--ruptures-series must be 1 or more")

    if options.read is not None:  # inside the virtual environment
        whole = json.loads(options.read.read_text(encoding="utf-8"))
        print(f"seed {whole['seed']}; found within {whole['tolerance']} points\n")
        print(heading(whole), flush=True)
        compare(whole, options.ruptures_series)
        return 0

    python = need_peers()
    folder = PEERS / "series"
    for part in ("false_alarms", "steps"):
        command = [str(options.program), "--seed", str(options.seed), "--part", part]
        command += ["--write", str(folder / part)]
        # Exit status 1 says that an aim was missed: the table says so too.
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1) or not (folder / part / "change_points.json").exists():
            sys.exit(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
    parts = [
        json.loads((folder / part / "change_points.json").read_text(encoding="utf-8"))
        for part in ("false_alarms", "steps")
    ]
    whole = parts[0] | {"sets": parts[0]["sets"] + parts[1]["sets"]}
    joined = folder / "series.json"
    joined.write_text(json.dumps(whole), encoding="utf-8")

    pressure = Pressure()
    command = [str(python), __file__, "--read", str(joined)]
    command += ["--ruptures-series", str(options.ruptures_series)]
    done_peers = subprocess.run(command, check=False, env=os.environ | ONE_THREAD)
    print(f"\nCPU pressure {pressure.percent():.0f} % while the others ran")
    return done_peers.returncode


if __name__ == "__main__":
    sys.exit(main())
