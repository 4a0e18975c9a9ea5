"""One SIGINT or SIGTERM at a random moment of every verb that can take long."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faults.material import Material, calibrate_arguments, copy_database, make_workers, stored_runs
from faults.trials import Bench, Ended, Tally, Trial, cpu_pressure_percent

BOUND_S = 1.0
PRESSURE_CALM_PERCENT = (
    10.0  # above, the bound holds for CPU time and not for the clock on the wall
)
LATE_S = 15.0  # however loaded the machine is
SERIES_ROWS = 400_000
CALM_MAX_S = 60.0  # no verb takes longer on what it is given here
WAITING_S = 2.0  # of a verb that waits for a worker
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}


@dataclass(frozen=True)
class Verb:
    name: str
    arguments: tuple[str, ...]  # DB, SOURCE, SERIES and OUT stand for paths
    db: str = "big"  # big: many runs are there; new: none
    worker: str = ""  # the lie of a worker that is asked
    writes: str = ""  # OUT: a file that is whole or not there


CALIBRATE = tuple(calibrate_arguments(Path("DB")))
VERBS = (
    Verb("db verify", ("db", "verify", "--db", "DB")),
    Verb("db rebuild", ("db", "rebuild", "--db", "DB")),
    Verb("db info", ("db", "info", "--db", "DB")),
    Verb("import", ("import", "--db", "DB", "SOURCE"), db="new"),
    Verb("import a database", ("import", "--db", "DB", "BIG"), db="new"),
    Verb("history", ("history", "--db", "DB", "--limit", "0")),
    Verb("trajectory", ("trajectory", "--hardware", "HARDWARE", "--db", "DB")),
    Verb("regressions", ("regressions", "--db", "DB")),
    Verb("maturity", ("maturity", "--db", "DB")),
    Verb("impact", ("impact", "--db", "DB")),
    Verb("compare", ("compare", "HARDWARE", "OTHER", "--db", "DB")),
    Verb("forecast", ("forecast", "--hardware", "HARDWARE", "--db", "DB")),
    Verb("report", ("report", "-o", "OUT.html", "--db", "DB"), writes="OUT.html"),
    Verb("export", ("export", "OUT.csv", "--db", "DB"), writes="OUT.csv"),
    Verb("changes", ("changes", "SERIES"), db=""),
    Verb("calibrate, silent worker", CALIBRATE, db="new", worker="run:silence"),
    Verb("calibrate, worker ignores SIGTERM", CALIBRATE, db="new", worker="run:ignores SIGTERM"),
    Verb("calibrate, silent at hello", CALIBRATE, db="new", worker="hello:silence"),
    Verb("backends, silent worker", ("backends",), db="", worker="hello:silence"),
)  # fmt: skip


class Inputs:
    """What the verbs read; made once."""

    def __init__(self, bench: Bench, material: Material) -> None:
        self.runs = bench.number(3000, 600, 150)
        self.big = material.database_of(self.runs)
        self.folder = bench.folder / "signals-inputs"
        self.folder.mkdir()
        self.source = self.folder / "source.json"
        material.write(self.source, range(self.runs))
        self.series = self.folder / "series.csv"
        rng = bench.random("signals", "series")
        rows = bench.number(SERIES_ROWS, SERIES_ROWS // 4, SERIES_ROWS // 20)
        with self.series.open("w", encoding="ascii") as out:
            out.write("n,a,b\n")
            for row in range(rows):
                level = 100 if row < rows // 2 else 103
                out.write(f"{row},{rng.gauss(level, 2):.3f},{rng.gauss(50, 1):.3f}\n")
        self.hardware = str(material.measured["context"]["hardware"]["lineage"])

    def arguments(self, verb: Verb, folder: Path) -> list[str]:
        paths = {
            "DB": str(folder / "x.db"),
            "BIG": str(self.big),
            "SOURCE": str(self.source),
            "SERIES": str(self.series),
            "HARDWARE": self.hardware,
            "OTHER": self.hardware[::-1],
            "OUT.html": str(folder / "OUT.html"),
            "OUT.csv": str(folder / "OUT.csv"),
        }
        return [paths.get(argument, argument) for argument in verb.arguments]

    def prepare(self, verb: Verb, folder: Path) -> dict[str, str]:
        """Lays out what the verb needs; its environment."""
        if verb.db == "big":
            copy_database(self.big, folder / "x.db")
        if not verb.worker:
            return {}
        workers = make_workers(folder / "workers", "liar")
        return {**workers, "FAULTS_WORKER_WAYS": f"liar={verb.worker}"}


@dataclass
class Moment:
    """The one signal, and what the process had used when it came."""

    number: signal.Signals
    after_s: float
    sent_at: float = 0.0
    cpu_s: float = 0.0

    def send(self, process: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=self.after_s)
            return  # it had ended before
        self.cpu_s = cpu_seconds(process.pid)
        self.sent_at = time.monotonic()
        process.send_signal(self.number)
        last = self.cpu_s
        while process.poll() is None and time.monotonic() - self.sent_at < LATE_S:
            last = max(last, cpu_seconds(process.pid))
            time.sleep(0.01)
        self.cpu_s = last - self.cpu_s
        self.took_s = time.monotonic() - self.sent_at

    took_s: float = 0.0


def cpu_seconds(pid: int) -> float:
    with contextlib.suppress(OSError, IndexError, ValueError):
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def interrupt(
    bench: Bench, inputs: Inputs, tally: Tally, trial: Trial, verb: Verb, moment: Moment
) -> tuple[Ended, Moment]:
    environment = inputs.prepare(verb, trial.folder)
    ended = bench.run(
        inputs.arguments(verb, trial.folder),
        trial.folder,
        moment.after_s + 2 * LATE_S,
        environment,
        interrupt=moment.send,
    )
    tally.check_end(ended, trial)
    if moment.sent_at and not ended.hung:
        check_end(tally, trial, verb, moment, ended)
    return ended, moment


def check_end(tally: Tally, trial: Trial, verb: Verb, moment: Moment, ended: Ended) -> None:
    pressure = cpu_pressure_percent()
    calm = pressure < PRESSURE_CALM_PERCENT
    name = f"{verb.name}, {moment.number.name} after {moment.after_s:.2f} s"
    if moment.cpu_s > BOUND_S or moment.took_s > LATE_S or (calm and moment.took_s > BOUND_S):
        tally.fail(
            "hung",
            f"{name}: ended {moment.took_s:.2f} s later, {moment.cpu_s:.2f} s of CPU"
            f" (CPU pressure {pressure:.0f} %)",
            trial,
        )
    # Ended by the signal itself is what a shell shows as 130 or 143.
    wanted = CODES[moment.number]
    if ended.code not in (0, wanted, -moment.number):
        tally.fail("wrong", f"{name}: expected {wanted}: {ended}", trial)


def check_nothing_half(
    bench: Bench, inputs: Inputs, tally: Tally, trial: Trial, verb: Verb, ended: Ended
) -> None:
    stopped = ended.code != 0
    if verb.writes and stopped and (trial.folder / verb.writes).exists():
        tally.fail(
            "half stored", f"{verb.name}: {verb.writes} is there although it was stopped", trial
        )
    db = trial.folder / "x.db"
    if not verb.db:
        return
    there = len(stored_runs(db))
    if verb.db == "big" and there != inputs.runs:
        tally.fail("lost", f"{verb.name}: {there} of {inputs.runs} runs are left", trial)
    # A database comes in 64 runs at a time, a file whole or not at all.
    if verb.name == "import" and there not in (0, inputs.runs):
        tally.fail("half stored", f"{verb.name}: {there} of {inputs.runs} runs of a file", trial)
    if verb.worker and there:
        tally.fail("wrong", f"{verb.name}: a run was stored although it was stopped", trial)
    if verb.name in ("import", "import a database", "db rebuild") and there:
        sound = bench.run(["db", "verify", "--db", str(db)], trial.folder, 300)
        if sound.code != 0 and "rebuild" in sound.text and verb.name == "db rebuild":
            bench.run(["db", "rebuild", "--db", str(db)], trial.folder, 300)
            sound = bench.run(["db", "verify", "--db", str(db)], trial.folder, 300)
        if sound.code != 0:
            tally.fail("half stored", f"{verb.name}: afterwards {sound}", trial)


def how_long(bench: Bench, inputs: Inputs, tally: Tally, verb: Verb) -> float:
    """Seconds of the verb when nobody stops it; of one that waits for a worker, a guess."""
    if verb.worker:
        return WAITING_S
    with bench.trial("signals", f"calm-{VERBS.index(verb)}") as trial:
        inputs.prepare(verb, trial.folder)
        ended = bench.run(inputs.arguments(verb, trial.folder), trial.folder, CALM_MAX_S)
        tally.check_end(ended, trial)
        if ended.code != 0 and not ended.hung:
            tally.fail("wrong", f"without a signal {ended}", trial)
        return ended.seconds


def moment_of(rng: random.Random, duration_s: float) -> Moment:
    number = rng.choice([signal.SIGINT, signal.SIGTERM])
    # The loader and main() come first: the handlers are there a hundredth of a second later.
    return Moment(number, rng.uniform(0.02, max(0.03, 0.9 * duration_s)))


def run(bench: Bench, material: Material) -> Tally:
    tally = Tally("signals", "one SIGINT or SIGTERM at a random moment")
    inputs = Inputs(bench, material)
    verbs = list(VERBS)
    if bench.scale == "smoke":
        verbs = bench.random("signals").sample(verbs, 4)
    times = bench.number(4, 1, 1)
    too_late: list[str] = []
    longest: list[tuple[float, str]] = []

    def one(number: int) -> None:
        verb = verbs[number]
        duration_s = how_long(bench, inputs, tally, verb)
        for again in range(times):
            rng = bench.random("signals", verb.name, again)
            with bench.trial("signals", f"{number}-{again}") as trial:
                tally.count()
                moment = moment_of(rng, duration_s)
                ended, moment = interrupt(bench, inputs, tally, trial, verb, moment)
                check_nothing_half(bench, inputs, tally, trial, verb, ended)
                if not moment.sent_at:
                    too_late.append(verb.name)
                longest.append((moment.took_s, verb.name))

    each: Callable[[int], None] = one
    bench.in_parallel(each, range(len(verbs)))
    slowest_s, slowest = max(longest)
    tally.note(
        f"{len(too_late)} had ended before; the longest wait was {slowest_s:.2f} s ({slowest});"
        f" CPU pressure {cpu_pressure_percent():.0f} %"
    )
    return tally
