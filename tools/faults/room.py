"""A full disk, and a database that another process holds, while a measured run is stored."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from faults.calls import kept_run
from faults.material import Material, calibrate_arguments, copy_database, make_workers, stored_runs
from faults.trials import Bench, Tally, Trial

RUN_PAUSE_S = "1.5"  # the worker takes so long for its first samples: time to fill the disk
HELD_MAX_S = 240  # no program waits longer for a lock
RUNS = 5
READERS = (
    ("history",),
    ("show", "latest"),
    ("db", "info"),
    ("db", "verify"),
    ("trajectory",),
    ("export", "-"),
)


@contextlib.contextmanager
def small_disk(folder: Path, size_mib: int) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "tmpfs", folder],
        check=True,
        capture_output=True,
    )
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=False, capture_output=True)


def can_mount(folder: Path) -> bool:
    if os.geteuid() != 0:
        return False
    try:
        with small_disk(folder, 1):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


def fill(folder: Path) -> None:
    with contextlib.suppress(OSError), (folder / "fill").open("wb", buffering=0) as out:
        for size in (1 << 16, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while True:
                    out.write(b"x" * size)


def wait_for_file(path: Path, limit_s: float = 60) -> bool:
    deadline = time.monotonic() + limit_s
    while not path.exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def read_full_disk(
    bench: Bench, material: Material, tally: Tally, trial: Trial, size_mib: int
) -> None:
    disk = trial.folder / "disk"
    with small_disk(disk, size_mib):
        db = disk / "x.db"
        copy_database(material.database_of(RUNS), db)
        fill(disk)
        for reader in READERS:
            tally.count()
            ended = bench.run([*reader, "--db", str(db)], trial.folder, 60)
            tally.check_end(ended, trial)
            if ended.code != 0:
                tally.fail("wrong", f"full disk of {size_mib} MiB: {ended}", trial)
            left = sorted(path.name for path in disk.iterdir() if path.name not in ("x.db", "fill"))
            if left:
                tally.fail("wrong", f"full disk: '{ended.command}' leaves {', '.join(left)}", trial)
                for name in left:
                    (disk / name).unlink()


def import_to_full_disk(
    bench: Bench, material: Material, tally: Tally, trial: Trial, size_mib: int
) -> None:
    """More runs than there is room for: none of them, and those before are there."""
    disk, source = trial.folder / "disk", trial.folder / "new.json"
    with small_disk(disk, size_mib):
        db = disk / "x.db"
        copy_database(material.database_of(RUNS), db)
        material.write(source, range(RUNS, RUNS + 600))
        tally.count()
        ended = bench.run(["import", "--db", str(db), str(source)], trial.folder, 120)
        tally.check_end(ended, trial)
        there = set(stored_runs(db))
        before = {material.run_id(number) for number in range(RUNS)}
        if before - there:
            tally.fail("lost", f"disk of {size_mib} MiB fills during an import", trial)
        if len(there - before) not in (0, 600):
            tally.fail(
                "half stored", f"{len(there - before)} of 600 runs of a file: {ended}", trial
            )
        if ended.code != 0 and not any(word in ended.text for word in ("room", "space", "full")):
            tally.fail("wrong", f"disk of {size_mib} MiB: {ended}", trial)


def measure_while(
    bench: Bench, tally: Tally, trial: Trial, db: Path, blocker: threading.Thread, what: str
) -> None:
    """Calibrates while nothing can be stored; the run is kept and comes in afterwards."""
    output = trial.folder / "output.json"
    workers = make_workers(trial.folder / "workers", "good")
    environment = {
        **workers,
        "FAULTS_RAN": str(trial.folder / "measured"),
        "FAULTS_RUN_PAUSE_S": RUN_PAUSE_S,
    }
    blocker.start()
    arguments = calibrate_arguments(db, "--json", "--output", str(output))
    ended = bench.run(arguments, trial.folder, HELD_MAX_S + 60, environment)
    (trial.folder / "done").touch()
    blocker.join()
    (trial.folder / "ended.txt").write_text(f"{ended}\n{ended.text}", "utf-8")
    tally.check_end(ended, trial)
    if ended.code in (0, 3):
        if not stored_runs(db):
            tally.fail("lost", f"{what}: reported as stored, and not there", trial)
        tally.note(f"{what}: it was stored after all")
        return
    if not output.exists():
        tally.fail("wrong", f"{what}: --output was not written", trial)
    try:
        json.loads(ended.out)
    except ValueError:
        tally.fail("wrong", f"{what}: --json gives no run", trial)
    kept = kept_run(ended)
    if kept is None:
        tally.fail("lost", f"{what}: the message names no file with the run: {ended}", trial)
        return
    (db.parent / "fill").unlink(missing_ok=True)
    imported = bench.run(["import", "--db", str(db), str(kept)], trial.folder, 60)
    run_id = json.loads(kept.read_text("utf-8"))["run_id"]
    if imported.code != 0 or run_id not in stored_runs(db):
        tally.fail("lost", f"{what}: the kept run does not come in: {imported}", trial)


def fill_while_measuring(bench: Bench, material: Material, tally: Tally, trial: Trial) -> None:
    disk = trial.folder / "disk"
    with small_disk(disk, 8):
        db = disk / "x.db"
        copy_database(material.database_of(RUNS), db)

        def block() -> None:
            if wait_for_file(trial.folder / "measured"):
                fill(disk)

        tally.count()
        measure_while(bench, tally, trial, db, threading.Thread(target=block), "the disk fills up")
        if trial.keep_folder:  # the disk goes away with its mount
            shutil.copytree(disk, trial.folder / "disk-as-it-was", dirs_exist_ok=True)


def hold_while_measuring(bench: Bench, material: Material, tally: Tally, trial: Trial) -> None:
    db = trial.folder / "x.db"
    copy_database(material.database_of(RUNS), db)

    def block() -> None:
        if not wait_for_file(trial.folder / "measured"):
            return
        connection = sqlite3.connect(db, timeout=10, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        wait_for_file(trial.folder / "done", HELD_MAX_S)
        connection.execute("ROLLBACK")
        connection.close()

    tally.count()
    measure_while(
        bench, tally, trial, db, threading.Thread(target=block), "another process holds the lock"
    )


def run(bench: Bench, material: Material) -> Tally:
    tally = Tally("room", "full disk; a database held while a run ends")
    locked: list[threading.Thread] = []
    if bench.scale == "full":  # waits for as long as the program does

        def locked_trial() -> None:
            with bench.trial("room", "locked") as trial:
                hold_while_measuring(bench, material, tally, trial)

        locked.append(threading.Thread(target=locked_trial))
        locked[0].start()
    if not can_mount(bench.folder / "mount-test"):
        tally.note("full disks were skipped: they need root and the right to mount")
        if not locked:
            tally.skipped = "needs root and the right to mount"
    else:
        for size_mib in bench.random("room").sample((3, 4, 5, 6, 8), bench.number(5, 2, 1)):
            with bench.trial("room", f"read-{size_mib}") as trial:
                read_full_disk(bench, material, tally, trial, size_mib)
            with bench.trial("room", f"import-{size_mib}") as trial:
                import_to_full_disk(bench, material, tally, trial, size_mib)
        if bench.scale != "smoke":
            with bench.trial("room", "fills") as trial:
                fill_while_measuring(bench, material, tally, trial)
    for thread in locked:
        thread.join()
    return tally
