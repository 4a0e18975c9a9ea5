"""Power cuts: writes and syncs of real calls are logged, and disks are made of them."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from faults.material import Material, stored_runs, verify
from faults.replay import Disk, Record, Start, read_log
from faults.trials import Bench, Tally, Trial

IMPORT_LIMIT_S = 120
APPENDS_EVERY = 3  # one of so many disks is also appended to


@dataclass
class Session:
    """Calls of the program in one folder, with what each reported."""

    bench: Bench
    material: Material
    name: str
    home: Path
    start: Start = field(default_factory=lambda: Start({}))
    before: set[str] = field(default_factory=set)  # runs that were there at the start
    reported: dict[int, set[str]] = field(default_factory=dict)  # process id -> its runs
    processes: int = 0
    next_run: int = 0
    log: list[Record] = field(default_factory=list)

    @property
    def watched(self) -> Path:
        return self.home / "disk"

    @property
    def db(self) -> Path:
        return self.watched / "x.db"

    def begin(self, make: Callable[[Path, int], None] | None = None, runs: int = 0) -> None:
        self.watched.mkdir(parents=True)
        if make:
            make(self.db, runs)
            self.before = set(stored_runs(self.db))
            self.next_run = runs
        self.start = Start.of(self.watched)

    def start_call(self, *arguments: str) -> subprocess.Popen[bytes]:
        self.processes += 1
        environment = {
            "LD_PRELOAD": str(self.bench.shim),
            "FAULTS_DIR": str(self.watched),
            "FAULTS_LOG": str(self.home / "log"),
        }
        return self.bench.start([*arguments, "--db", str(self.db)], self.home, environment)

    def start_import(self, runs: int) -> tuple[subprocess.Popen[bytes], set[str]]:
        source = self.home / f"import-{self.next_run}.json"
        ids = self.material.write(source, range(self.next_run, self.next_run + runs))
        self.next_run += runs
        return self.start_call("import", str(source)), set(ids)

    def imports_at_once(self, *sizes: int) -> None:
        started = [self.start_import(size) for size in sizes]
        for process, ids in started:
            if process.wait(timeout=IMPORT_LIMIT_S) != 0:
                raise SystemExit(
                    f"faults: an import failed while power cuts were recorded ({self.home})"
                )
            self.reported[process.pid] = ids

    def call(self, *arguments: str) -> None:
        self.start_call(*arguments).wait(timeout=IMPORT_LIMIT_S)

    def end(self) -> None:
        self.log = read_log(self.home / "log")

    def reported_at(self, cut: int) -> set[str]:
        """The runs of every process that had ended before the cut."""
        ended = {record.pid for record in self.log[:cut] if record.operation == "X"}
        return self.before.union(*(ids for pid, ids in self.reported.items() if pid in ended))


def record_sessions(bench: Bench, material: Material, folder: Path) -> list[Session]:
    def session(name: str) -> Session:
        return Session(bench, material, name, folder / name)

    fresh = session("fresh")
    fresh.begin()
    for size in (1, 3, 40, 2):
        fresh.imports_at_once(size)

    upkeep = session("upkeep")
    upkeep.begin(material.make_database, 30)
    upkeep.imports_at_once(5)
    upkeep.call("db", "rebuild")
    upkeep.call("db", "verify")
    upkeep.imports_at_once(8)

    migrated = session("migrated")
    migrated.begin(material.make_schema_1, 20)
    migrated.imports_at_once(4)
    migrated.imports_at_once(6)

    together = session("together")
    together.begin(material.make_database, 10)
    for sizes in ((4, 9, 2), (7, 1, 12)):
        together.imports_at_once(*sizes)

    sessions = [fresh, upkeep, migrated, together]
    for each in sessions:
        each.end()
    return sessions


def cut_power(session: Session, tally: Tally, trial: Trial, cut: int, rng: random.Random) -> None:
    bench, disk = session.bench, trial.folder / "disk"
    disk.mkdir()
    Disk(session.start, session.log, cut, rng).write_to(disk, session.watched, rng)
    db = disk / "x.db"
    expected = session.reported_at(cut)
    where = f"{session.name}, cut at {cut} of {len(session.log)}"
    shutil.copytree(disk, trial.folder / "after-the-cut")
    if expected or rng.random() < 0.2:
        check_verify(bench, session, tally, trial, db, where, expected)
    if rng.randrange(APPENDS_EVERY) == 0:
        append_one(session, tally, trial, db, where)
    there, digests = stored_runs(db), session.material.digests(session.next_run)
    for run_id in expected - set(there):
        tally.fail("lost", f"{where}: run {run_id} was reported before the cut", trial)
    for run_id in set(there) & set(digests):
        if there[run_id] != digests[run_id]:
            tally.fail("half stored", f"{where}: run {run_id} is not whole", trial)


def check_verify(
    bench: Bench,
    session: Session,
    tally: Tally,
    trial: Trial,
    db: Path,
    where: str,
    expected: set[str],
) -> None:
    ended = verify(bench, db, trial.folder)
    tally.check_end(ended, trial)
    if ended.code == 0 or not expected:
        return
    # A schema of yesterday, whose migration the cut undid, is migrated and not verified.
    if "migrate" in ended.err:
        bench.run(["db", "migrate", "--db", str(db)], trial.folder, 120)
        ended = verify(bench, db, trial.folder)
    # A rebuild that was cut may have to be called again; the runs themselves are whole.
    elif "rebuild" in ended.text:
        bench.run(["db", "rebuild", "--db", str(db)], trial.folder, 120)
        tally.note(f"{where}: the rebuild had to be called again")
        ended = verify(bench, db, trial.folder)
    if ended.code != 0:
        tally.fail("half stored", f"{where}: {ended}", trial)


def append_one(session: Session, tally: Tally, trial: Trial, db: Path, where: str) -> None:
    """The disk after the cut takes a new run."""
    bench, source = session.bench, trial.folder / "new.json"
    session.material.write(source, range(session.next_run, session.next_run + 1))
    ended = bench.run(["import", "--db", str(db), str(source)], trial.folder, 60)
    tally.check_end(ended, trial)
    if ended.code != 0:
        tally.fail("wrong", f"{where}: a new run is refused: {ended}", trial)
        return
    ended = verify(bench, db, trial.folder)
    if ended.code != 0:
        tally.fail("half stored", f"{where}: after a new run {ended}", trial)


def run(bench: Bench, material: Material) -> Tally:
    cuts = bench.number(720, 60, 12)
    tally = Tally("power", "power cuts, torn and reordered writes")
    home = bench.folder / "power"
    sessions = record_sessions(bench, material, home)
    material.digests(max(session.next_run for session in sessions))

    def one(number: int) -> None:
        rng = bench.random("power", number)
        session = sessions[number % len(sessions)]
        with bench.trial("power", number) as trial:
            tally.count()
            cut_power(session, tally, trial, rng.randint(0, len(session.log)), rng)

    bench.in_parallel(one, range(cuts))
    processes = sum(session.processes for session in sessions)
    records = sum(len(session.log) for session in sessions)
    tally.note(
        f"{records} writes, syncs and changes of {processes} processes; journalled metadata assumed"
    )
    if tally.broken:  # what the cuts were made of
        shutil.copytree(home, bench.kept / "power-sessions", dirs_exist_ok=True)
    shutil.rmtree(home)
    return tally
