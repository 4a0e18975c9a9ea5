"""Runs and databases that the fault programs work on, made with the program itself."""

from __future__ import annotations

import copy
import json
import shutil
import sqlite3
import stat
import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from faults.trials import Bench, Ended

Run = dict[str, Any]
FIRST_RUN = datetime(2016, 3, 1, 12, tzinfo=UTC)  # none of 9,000 runs lies in the future
RUN_APART = timedelta(hours=7)
WORKER_SOURCE = Path(__file__).resolve().with_name("worker.py")
MIGRATIONS = Path(__file__).resolve().parents[2] / "src/store/migrations/sqlite"


def calibrate_arguments(db: Path, *more: str, operations: str = "dot") -> list[str]:
    """The shortest run there is: one case for each worker of the trial."""
    return [
        "calibrate", "--quick", "--force", "--backend", "all", "--operations", operations,
        "--threads", "1", "--budget", "30", "--seed", "7", "--db", str(db), "--quiet", *more,
    ]  # fmt: skip


def make_workers(folder: Path, *backends: str) -> dict[str, str]:
    """Puts workers of these names into a folder; the environment in which they are found."""
    folder.mkdir(parents=True, exist_ok=True)
    for backend in backends:
        path = folder / f"peakward-worker-{backend}"
        shutil.copy(WORKER_SOURCE, path)
        path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return {"PEAKWARD_WORKERS": str(folder)}


def stored_runs(db: Path) -> dict[str, str]:
    """run_id -> SHA-256, as the database says; "" where the document does not fit it."""
    if not db.exists() or db.stat().st_size == 0:
        return {}
    connection = sqlite3.connect(db, timeout=60)
    try:
        if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'runs'").fetchone():
            return {}
        rows = connection.execute(
            "SELECT run_id, sha256, document FROM runs LEFT JOIN run_documents USING (seq)"
        )
        return {
            run_id: digest if document and sha256(document.encode()).hexdigest() == digest else ""
            for run_id, digest, document in rows
        }
    except sqlite3.DatabaseError:  # nothing can be read any more: whatever was there is lost
        return {}
    finally:
        connection.close()


def of_another_machine(run: Run) -> Run:
    """With a GPU and a product, so that every table of a database has rows."""
    run = copy.deepcopy(run)
    hardware = run["context"]["hardware"]
    for name in ("fingerprint", "lineage"):
        hardware[name] = hardware[name][::-1]
    unknown = {"unknown": "not asked"}
    hardware["gpus"] = [
        {
            "vendor": "nvidia", "model": "Test card", "pci_id": "10de:0001", "vbios": "1.2.3",
            "pci_address": "0000:01:00.0", "memory_mb": 8192, "driver": "555.42",
            **dict.fromkeys(("compute_capability", "multiprocessors", "clock_max_mhz",
                             "power_limit_w", "power_limit_default_w", "ecc", "mig", "throttle",
                             "other_processes", "temperature_c"), unknown),
        }
    ]  # fmt: skip
    run["products"] = [
        {
            "device": "cpu", "product": "test_product", "spec_version": 1, "confidence": 0.5,
            "reason": "made up for the fault programs", "power_mode": "",
        }
    ]  # fmt: skip
    return run


@dataclass
class Material:
    """Runs made from one that was really measured; the n-th is always the same one."""

    bench: Bench
    measured: Run = field(init=False)
    other: Run = field(init=False)  # the same, as another machine would have measured it
    _digests: dict[str, str] = field(default_factory=dict)
    _reference: Path | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        home = self.bench.folder / "material"
        home.mkdir()
        workers = make_workers(home / "workers", "good")
        target = home / "run.json"
        ended = self.bench.run(
            calibrate_arguments(home / "first.db", "--output", str(target), operations="dot,gemm"),
            home,
            120,
            workers,
        )
        if ended.code not in (0, 3) or not target.exists():
            raise SystemExit(f"faults: no run can be measured here: {ended}")
        self.measured = json.loads(target.read_text("utf-8"))
        self.other = of_another_machine(self.measured)

    def run_id(self, number: int) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.measured['run_id']}/{number}"))

    def run(self, number: int) -> Run:
        when = FIRST_RUN + number * RUN_APART
        run = copy.copy(self.measured if number % 2 == 0 else self.other)
        run["run_id"] = self.run_id(number)
        run["timestamp"] = when.strftime("%Y-%m-%dT%H:%M:%SZ")
        run["timestamp_unix"] = int(when.timestamp())
        return run

    def write(self, path: Path, numbers: range) -> list[str]:
        """One file with these runs; their ids."""
        path.write_text(json.dumps([self.run(number) for number in numbers]), "utf-8")
        return [self.run_id(number) for number in numbers]

    def make_database(self, db: Path, runs: int) -> None:
        """A database with the runs 0 to `runs` - 1, closed properly."""
        home = db.parent
        source = home / f".{db.name}.source.json"
        self.write(source, range(runs))
        ended = self.bench.run(["import", "--db", str(db), str(source)], home, 600)
        source.unlink()
        if ended.code != 0:
            raise SystemExit(f"faults: a database cannot be made: {ended}")

    def database_of(self, runs: int) -> Path:
        """One that all trials copy and none changes."""
        db = self.bench.folder / "material" / f"{runs}.db"
        with self._lock:
            if not db.exists():
                self.make_database(db, runs)
        return db

    def digests(self, runs: int) -> dict[str, str]:
        """run_id -> SHA-256 that each of the first runs has in every database."""
        with self._lock:
            missing = len(self._digests) < runs
        if missing:
            self._digests = stored_runs(self.database_of(runs))
        return self._digests

    def make_schema_1(self, db: Path, runs: int) -> None:
        """The same runs in a database of the first schema: its tables, with the rows of today's."""
        today = db.with_suffix(".today")
        self.make_database(today, runs)
        connection = sqlite3.connect(db)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript((MIGRATIONS / "0001_runs.sql").read_text("utf-8"))
        triggers = connection.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
        ).fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {quoted(name)}")
        connection.execute("ATTACH ? AS today", (str(today),))
        connection.execute("DELETE FROM chain_head")
        tables = connection.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table'")
        for (table,) in tables.fetchall():
            columns = ", ".join(quoted(name) for name in plain_columns(connection, table))
            connection.execute(
                f"INSERT INTO main.{quoted(table)} ({columns})"
                f" SELECT {columns} FROM today.{quoted(table)}"
            )
        for _, sql in triggers:
            connection.execute(sql)
        connection.execute("PRAGMA user_version = 1")
        connection.commit()
        connection.close()
        today.unlink()


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def plain_columns(connection: sqlite3.Connection, table: str) -> list[str]:
    """Columns that can be written: not the generated ones."""
    rows = connection.execute(f"PRAGMA main.table_xinfo({quoted(table)})")
    return [row[1] for row in rows if row[6] == 0]


def copy_database(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def verify(bench: Bench, db: Path, home: Path, *more: str) -> Ended:
    return bench.run(["db", "verify", "--db", str(db), *more], home, 120)
