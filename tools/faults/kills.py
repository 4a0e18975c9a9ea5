"""SIGKILL at random moments: four writers, and verify, rebuild and migrate beside them."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

from faults.material import Material, stored_runs, verify
from faults.trials import Bench, Tally, Trial

WRITERS = 4
RUNS_PER_IMPORT_MAX = 40
ATTEMPTS_MAX = 5  # on the same runs; the next one is left alone, and says how long one lasts
KILLS_BETWEEN_UPKEEP = 20
IMPORT_LIMIT_S = 120  # an import may wait for the lock of a rebuild


class Shared:
    """What the writers know together."""

    def __init__(self, bench: Bench, kills: int) -> None:
        self.lock = threading.Lock()
        self.kills_wanted = kills
        self.kills = 0
        self.next_run = 0
        self.typical_s = 0.3  # how long an import lasts; the moments of the kills follow it
        self.reported: set[str] = set()
        self.upkeep_due = threading.Event()

    def take(self, count: int) -> range:
        with self.lock:
            first = self.next_run
            self.next_run += count
            return range(first, first + count)

    def killed(self) -> None:
        with self.lock:
            self.kills += 1
            if self.kills % KILLS_BETWEEN_UPKEEP == 0:
                self.upkeep_due.set()

    @property
    def done(self) -> bool:
        return self.kills >= self.kills_wanted


def kill_or_end(process: subprocess.Popen[bytes], rng: random.Random, shared: Shared) -> int | None:
    """Its exit code; None when it was killed."""
    started = time.monotonic()
    try:
        code = process.wait(timeout=rng.uniform(0, 1.15 * shared.typical_s))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        code = process.wait()
    if code == -signal.SIGKILL:
        shared.killed()
        return None
    with shared.lock:
        shared.typical_s = 0.8 * shared.typical_s + 0.2 * (time.monotonic() - started)
    return code


def write_until_done(
    bench: Bench, material: Material, tally: Tally, trial: Trial, shared: Shared, writer: int
) -> None:
    rng = bench.random("kills", writer)
    db, source = trial.folder / "x.db", trial.folder / f"writer-{writer}.json"
    ids: list[str] = []
    attempts = ATTEMPTS_MAX  # the first import is left alone
    while not shared.done:
        if not ids:
            ids = material.write(source, shared.take(rng.randint(1, RUNS_PER_IMPORT_MAX)))
        error = trial.folder / f"writer-{writer}.err"
        with error.open("wb") as err:
            process = bench.start(
                ["import", "--db", str(db), str(source)], trial.folder, err=err.fileno()
            )
            attempts += 1
            is_left_alone = attempts > ATTEMPTS_MAX
            code = wait_for(process, shared) if is_left_alone else kill_or_end(process, rng, shared)
        tally.count()
        there = len(set(ids) & ids_in(db))
        if there not in (0, len(ids)):
            tally.fail("half stored", f"{there} of the {len(ids)} runs of one file", trial)
        if code == 0:
            with shared.lock:
                shared.reported.update(ids)
            ids, attempts = [], 0
        elif code is not None:
            said = error.read_text("utf-8", "replace").strip()
            kind = "crashed" if code < 0 else "wrong"
            tally.fail(kind, f"an import beside the others ended with {code}: {said[-300:]}", trial)
            ids, attempts = [], 0


def wait_for(process: subprocess.Popen[bytes], shared: Shared) -> int | None:
    started = time.monotonic()
    code = process.wait(timeout=IMPORT_LIMIT_S)
    with shared.lock:
        shared.typical_s = 0.5 * shared.typical_s + 0.5 * (time.monotonic() - started)
    return code


def ids_in(db: Path) -> set[str]:
    if not db.exists():
        return set()
    connection = sqlite3.connect(f"file:{db}?mode=ro", uri=True, timeout=60)
    try:
        return {row[0] for row in connection.execute("SELECT run_id FROM runs")}
    except sqlite3.OperationalError:  # no table yet
        return set()
    finally:
        connection.close()


def keep_up(bench: Bench, tally: Tally, trial: Trial, shared: Shared) -> int:
    """verify, rebuild and migrate in turn, beside the writers; how many were called."""
    db = trial.folder / "x.db"
    verbs = ("verify", "rebuild", "migrate")
    calls = 0
    while not shared.done:
        if not shared.upkeep_due.wait(timeout=0.1) or not ids_in(db):
            continue
        shared.upkeep_due.clear()
        ended = bench.run(["db", verbs[calls % len(verbs)], "--db", str(db)], trial.folder, 120)
        calls += 1
        tally.check_end(ended, trial)
        if ended.code != 0 and not ended.hung:
            tally.fail("wrong", f"beside the writers {ended}", trial)
    return calls


def run(bench: Bench, material: Material) -> Tally:
    kills = bench.number(450, 40, 6)
    tally = Tally("kills", "SIGKILL, 4 writers, upkeep beside them")
    shared = Shared(bench, kills)
    with bench.trial("kills", 0) as trial:
        writers = [
            threading.Thread(
                target=write_until_done, args=(bench, material, tally, trial, shared, writer)
            )
            for writer in range(WRITERS)
        ]
        for writer in writers:
            writer.start()
        upkeep = keep_up(bench, tally, trial, shared)
        for writer in writers:
            writer.join()
        check_whole(bench, material, tally, trial, shared)
    tally.tried = shared.kills
    tally.note(f"{len(shared.reported)} runs reported; {upkeep} verify, rebuild and migrate beside")
    return tally


def check_whole(
    bench: Bench, material: Material, tally: Tally, trial: Trial, shared: Shared
) -> None:
    db = trial.folder / "x.db"
    ended = verify(bench, db, trial.folder)
    tally.check_end(ended, trial)
    if ended.code != 0 and shared.reported:
        tally.fail("half stored", f"after the kills {ended}", trial)
    there, expected = stored_runs(db), material.digests(shared.next_run)
    for run_id in sorted(shared.reported):
        if run_id not in there:
            tally.fail("lost", f"run {run_id} was reported as stored", trial)
        elif there[run_id] != expected[run_id]:
            tally.fail("half stored", f"run {run_id} has other content than was imported", trial)
