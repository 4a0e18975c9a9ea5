#!/usr/bin/env python3
"""Breaks things around the program and sees whether it keeps its promises (docs/reliability.md).

  kills     SIGKILL at random moments: four writers, with verify, rebuild and migrate beside them
  power     power cuts, replayed from every write and sync of real calls
  calls     the n-th system call on the database fails
  lies      workers that lie, crash, hang and flood, a good one beside each
  tamper    columns and rows changed behind the program's back; planted triggers, views, tables
  signals   one SIGINT or SIGTERM at a random moment of each verb
  room      a full disk (root only); a database that another process holds while a run ends

Prints one table. A trial that broke a promise leaves its folder in build/faults/kept, with what
broke and how to run it again. Exit status: 0 every promise was kept, 1 one was broken, 2 wrong
usage.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from faults import calls, kills, lies, power, room, signals, tamper
from faults.material import Material
from faults.trials import KINDS, Bench, Tally, cpu_pressure_percent

ROOT = Path(__file__).resolve().parents[2]
Program = Callable[[Bench, Material], Tally]
PROGRAMS: dict[str, Program] = {
    "signals": signals.run,  # first, and alone: it is the one that looks at the clock
    "lies": lies.run,
    "room": room.run,
    "kills": kills.run,
    "power": power.run,
    "calls": calls.run,
    "tamper": tamper.run,
}
WAITING = ("lies", "room")  # they wait more than they compute: beside the others
COLUMNS = ("what", "tried", *KINDS, "seconds")


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev faults",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    usual = ROOT / "build/release/bin/peakward"
    add = parser.add_argument
    add("--program", type=Path, default=usual, metavar="PATH", help="the program to try")
    scale = parser.add_mutually_exclusive_group()
    for name, help_text in (
        ("quick", "a part of each, in about a minute"),
        ("smoke", "a few of each, in seconds: the form that the tests run"),
    ):
        scale.add_argument(
            f"--{name}",
            action="store_const",
            dest="scale",
            const=name,
            default="full",
            help=help_text,
        )
    add(
        "--only",
        action="append",
        choices=sorted(PROGRAMS),
        metavar="NAME",
        help="only this program; may be repeated",
    )
    add("--seed", type=int, metavar="N", help="draws the same trials as an earlier call")
    add(
        "--jobs",
        type=int,
        default=os.cpu_count() or 2,
        metavar="N",
        help="trials at once (the number of CPUs)",
    )
    kept = ROOT / "build/faults/kept"
    add("--kept", type=Path, default=kept, metavar="FOLDER", help="where failed trials are kept")
    options = parser.parse_args(arguments)
    options.program = options.program.resolve()
    if not os.access(options.program, os.X_OK):
        parser.error(f"{options.program} is not a program; './dev build' makes it")
    if options.seed is None:
        options.seed = random.randrange(1_000_000)
    return options


def try_program(name: str, bench: Bench, material: Material, tallies: dict[str, Tally]) -> None:
    started = time.monotonic()
    try:
        tally = PROGRAMS[name](bench, material)
    except (Exception, SystemExit) as error:  # the other programs still run
        tally = Tally(name, PROGRAMS[name].__module__)
        tally.fail("wrong", f"the fault program itself ended: {type(error).__name__}: {error}")
    tally.seconds = time.monotonic() - started
    tallies[name] = tally
    print(
        f"{name}: {tally.tried} tried, {tally.broken} broken, {tally.seconds:.0f} s",
        file=sys.stderr,
        flush=True,
    )


def try_all(names: list[str], bench: Bench, material: Material) -> list[Tally]:
    tallies: dict[str, Tally] = {}
    if "signals" in names:
        try_program("signals", bench, material, tallies)

    def wait() -> None:
        for name in names:
            if name in WAITING:
                try_program(name, bench, material, tallies)

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    for name in names:
        if name not in WAITING and name != "signals":
            try_program(name, bench, material, tallies)
    waiting.join()
    return [tallies[name] for name in names]


def table(tallies: list[Tally]) -> str:
    """The table, in Markdown: docs/reliability.md takes it as it is."""
    lines = ["| " + " | ".join((*COLUMNS, "notes")) + " |", "|" + "---|" * (len(COLUMNS) + 1)]
    for tally in tallies:
        notes = "; ".join(short(tally.notes)) or tally.skipped
        cells = [
            f"{tally.name}: {tally.what}",
            f"{tally.tried:,}",
            *(str(tally.counts[kind]) for kind in KINDS),
            f"{tally.seconds:.0f}",
            notes,
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def short(notes: list[str], most: int = 4) -> list[str]:
    return (
        notes if len(notes) <= most else [*notes[: most - 1], f"{len(notes) - most + 1} more notes"]
    )


def machine() -> str:
    model = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return f"{model}, {os.cpu_count()} CPUs, {platform.system()} {platform.release()}"


def main() -> int:
    options = parse_arguments()
    # So that a call that is ended cleans up. A shell that starts this in the background has SIGINT
    # ignored, and the programs under test would inherit it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    names = [name for name in PROGRAMS if not options.only or name in options.only]
    folder = Path(tempfile.mkdtemp(prefix="peakward-faults-"))
    started = time.monotonic()
    pressure = cpu_pressure_percent()
    shutil.rmtree(options.kept, ignore_errors=True)
    try:
        bench = Bench(
            options.program,
            folder,
            options.kept.resolve(),
            options.seed,
            options.scale,
            options.jobs,
        )
        tallies = try_all(names, bench, Material(bench))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(table(tallies))
    print(
        f"\n{time.strftime('%Y-%m-%d')}, {machine()}; seed {options.seed};"
        f" {time.monotonic() - started:.0f} s; CPU pressure {pressure:.0f} % before"
    )
    failures = [failure for tally in tallies for failure in tally.failures]
    broken = sum(tally.broken for tally in tallies)
    for failure in failures:
        print(f"broken: {failure}")
    if broken > len(failures):
        print(f"broken: {broken - len(failures)} more of the same programs")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
