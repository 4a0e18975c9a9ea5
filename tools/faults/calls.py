"""The n-th system call on the files of a database fails: once, or from then on."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from faults.material import (
    Material,
    calibrate_arguments,
    copy_database,
    make_workers,
    stored_runs,
    verify,
)
from faults.trials import Bench, Ended, Tally, Trial

LIMIT_S = 90  # the longest wait for a lock, and then some
RUNS_BEFORE, RUNS_NEW = 5, 3

# Which calls fail with what, as Linux really gives it. 0: forever.
FAULTS: dict[str, dict[int, tuple[int, ...]]] = {
    "pwrite": {errno.EIO: (1, 0), errno.ENOSPC: (1, 0), errno.EINTR: (1, 3)},
    "fsync": {errno.EIO: (1, 0), errno.ENOSPC: (1, 0)},
    "fdatasync": {errno.EIO: (1, 0), errno.ENOSPC: (1, 0)},
    "pread": {errno.EIO: (1, 0), errno.EINTR: (1, 3)},
    "fcntl": {errno.ENOLCK: (1, 0), errno.EACCES: (1,), errno.EINTR: (1,), errno.EIO: (1, 0)},
    "ftruncate": {errno.EIO: (1, 0), errno.EINTR: (1,)},
    "open": {
        errno.EACCES: (1, 0), errno.EMFILE: (1, 0), errno.EIO: (1, 0), errno.ENOMEM: (1, 0),
        errno.EINTR: (1,),
    },
    "mmap": {errno.ENOMEM: (1, 0), errno.EACCES: (1,)},
    "unlink": {errno.EIO: (1, 0), errno.EACCES: (1, 0)},
    "fstat": {errno.EIO: (1, 0), errno.ENOMEM: (1,)},
    "fallocate": {errno.ENOSPC: (1, 0), errno.EIO: (1,)},
}  # fmt: skip


@dataclass(frozen=True)
class Cause:
    """What a message about an errno may say, and what would be untrue."""

    true: str
    untrue: str


NOT_DAMAGED = r"damaged|restore it from|not a Peakward database|report it"
CAUSES = {
    errno.EIO: Cause(
        r"input/output|I/O|disk|drive|device",
        rf"no such file|read-only|no room|full|permission|{NOT_DAMAGED}",
    ),
    errno.ENOSPC: Cause(r"room|space|full", rf"no such file|read-only|permission|{NOT_DAMAGED}"),
    errno.ENOLCK: Cause(r"\block", rf"no such file|read-only|no room|{NOT_DAMAGED}"),
    errno.EACCES: Cause(
        r"permission|read-only|not allowed|\block", rf"no such file|no room|{NOT_DAMAGED}"
    ),
    errno.EMFILE: Cause(
        r"open files|file descriptors", rf"read-only|no such file|permission|no room|{NOT_DAMAGED}"
    ),
    errno.ENOMEM: Cause(r"memory", rf"read-only|no such file|permission|no room|{NOT_DAMAGED}"),
    errno.EINTR: Cause(r"interrupt|\block", rf"no such file|read-only|no room|{NOT_DAMAGED}"),
}


@dataclass(frozen=True)
class Verb:
    """A call of the program during which something fails."""

    name: str
    arguments: tuple[str, ...]  # DB and SOURCE stand for the paths
    runs_before: int
    imports: bool = False
    measures: bool = False


VERBS = (
    Verb("import", ("import", "--db", "DB", "SOURCE", "--json"), RUNS_BEFORE, imports=True),
    Verb("import into a new file", ("import", "--db", "DB", "SOURCE", "--json"), 0, imports=True),
    Verb("rebuild", ("db", "rebuild", "--db", "DB"), RUNS_BEFORE),
    Verb("verify", ("db", "verify", "--db", "DB"), RUNS_BEFORE),
    Verb("history", ("history", "--db", "DB"), RUNS_BEFORE),
    Verb("calibrate", tuple(calibrate_arguments(Path("DB"))), RUNS_BEFORE, measures=True),
)
MEASURING_EVERY = 4  # calibrate takes seconds: of its faults every fourth is tried


@dataclass(frozen=True)
class Fault:
    verb: Verb
    call: str
    error: int
    times: int
    first: int

    def __str__(self) -> str:
        how = {0: "from then on", 1: "once"}.get(self.times, f"{self.times} times")
        name = errno.errorcode[self.error]
        return f"{self.verb.name}: {self.call} number {self.first} fails with {name}, {how}"


class Place:
    """The folders of one trial."""

    def __init__(self, bench: Bench, material: Material, trial: Trial, verb: Verb) -> None:
        self.bench, self.material, self.trial, self.verb = bench, material, trial, verb
        self.watched = trial.folder / "watched"
        self.watched.mkdir()
        self.db = self.watched / "x.db"
        self.source = trial.folder / "new.json"
        self.ran = trial.folder / "measured"
        if verb.runs_before:
            copy_database(material.database_of(verb.runs_before), self.db)
        self.before = {material.run_id(n) for n in range(verb.runs_before)}
        first = verb.runs_before
        self.new = set(material.write(self.source, range(first, first + RUNS_NEW)))
        self.workers = make_workers(trial.folder / "workers", "good") if verb.measures else {}

    def call(self, **environment: str) -> Ended:
        names = {"DB": str(self.db), "SOURCE": str(self.source)}
        arguments = [names.get(argument, argument) for argument in self.verb.arguments]
        return self.bench.run(
            arguments,
            self.trial.folder,
            LIMIT_S,
            {
                **self.workers,
                "FAULTS_RAN": str(self.ran),
                "LD_PRELOAD": str(self.bench.shim),
                "FAULTS_DIR": str(self.watched),
                **environment,
            },
        )


def calls_made(bench: Bench, material: Material, verb: Verb) -> dict[str, int]:
    """How often a verb makes each call when nothing fails."""
    with bench.trial("calls", f"count-{VERBS.index(verb)}") as trial:
        count = trial.folder / "count"
        ended = Place(bench, material, trial, verb).call(FAULTS_COUNT=str(count))
        if ended.code not in (0, 3):
            raise SystemExit(f"faults: without any fault {ended}")
        lines = [line.split() for line in count.read_text("ascii").splitlines()]
        return {name: int(number) for name, number in lines}


def faults_of(bench: Bench, material: Material) -> Iterator[Fault]:
    """Endless: every combination once, then again at other moments."""
    counts = {verb: calls_made(bench, material, verb) for verb in VERBS}
    rng = bench.random("calls")
    measuring = 0
    while True:
        combinations = [
            (verb, call, error, times)
            for verb in VERBS
            for call, errors in FAULTS.items()
            for error, many in errors.items()
            for times in many
            if counts[verb].get(call, 0) > 0
        ]
        rng.shuffle(combinations)
        for verb, call, error, times in combinations:
            measuring += verb.measures
            if verb.measures and measuring % MEASURING_EVERY != 1:
                continue
            yield Fault(verb, call, error, times, rng.randint(1, counts[verb][call]))


def try_fault(bench: Bench, material: Material, tally: Tally, trial: Trial, fault: Fault) -> None:
    place = Place(bench, material, trial, fault.verb)
    ended = place.call(FAULTS_FAIL=f"{fault.call} {fault.first} {fault.times} {fault.error}")
    (trial.folder / "ended.txt").write_text(f"{fault}\n{ended}\n{ended.text}", "utf-8")
    tally.check_end(ended, trial)
    if ended.code not in (0, 3) and not ended.hung:
        check_cause(tally, trial, fault, ended)
    check_content(tally, trial, fault, place, ended)


def check_cause(tally: Tally, trial: Trial, fault: Fault, ended: Ended) -> None:
    cause, said = CAUSES[fault.error], ended.text
    # Paths are no words about a cause.
    said = re.sub(r"/\S+", "", said)
    untrue = re.search(cause.untrue, said, re.IGNORECASE)
    if untrue:
        tally.fail("wrong", f"{fault}: the message says '{untrue[0]}': {ended}", trial)
    elif not re.search(cause.true, said, re.IGNORECASE):
        tally.fail("wrong", f"{fault}: the message names no true cause: {ended}", trial)


def check_content(tally: Tally, trial: Trial, fault: Fault, place: Place, ended: Ended) -> None:
    there = stored_runs(place.db)
    for run_id in place.before - set(there):
        tally.fail("lost", f"{fault}: run {run_id} was stored before", trial)
    new_there = place.new & set(there)
    if fault.verb.imports:
        if len(new_there) not in (0, RUNS_NEW):
            tally.fail("half stored", f"{fault}: {len(new_there)} of {RUNS_NEW} runs", trial)
        if ended.code == 0 and len(new_there) < RUNS_NEW:
            tally.fail("lost", f"{fault}: reported as imported, and not there", trial)
        if ended.code != 0 and new_there:
            tally.note(f"{fault}: reported as failed, and stored")
    if fault.verb.measures and place.ran.exists():
        check_measured(tally, trial, fault, place, ended, set(there) - place.before)
    # Without the fault everything goes on.
    again = place.bench.run(
        ["import", "--db", str(place.db), str(place.source)], trial.folder, LIMIT_S
    )
    tally.check_end(again, trial)
    if again.code != 0:
        tally.fail("wrong", f"{fault}: afterwards {again}", trial)
        return
    sound = verify(place.bench, place.db, trial.folder)
    if sound.code != 0 and "rebuild" in sound.text and fault.verb.name == "rebuild":
        # A rebuild that failed may have to be called again; the runs themselves are whole.
        place.bench.run(["db", "rebuild", "--db", str(place.db)], trial.folder, LIMIT_S)
        sound = verify(place.bench, place.db, trial.folder)
    if sound.code != 0:
        tally.fail("half stored", f"{fault}: afterwards {sound}", trial)


def check_measured(
    tally: Tally, trial: Trial, fault: Fault, place: Place, ended: Ended, stored: set[str]
) -> None:
    """What was measured is in the database, or in a file that the message names."""
    if stored or ended.hung:
        return
    kept = kept_run(ended)
    if kept is None:
        tally.fail("lost", f"{fault}: a measured run is in no file: {ended}", trial)


def kept_run(ended: Ended) -> Path | None:
    """The file with a run that a message names."""
    for name in re.findall(r"(/[^\s'\"]+\.json)", ended.err):
        path = Path(name)
        if path.is_file() and "run_id" in json.loads(path.read_text("utf-8")):
            return path
    return None


def run(bench: Bench, material: Material) -> Tally:
    trials = bench.number(240, 30, 10)
    tally = Tally("calls", "the n-th system call fails")
    material.database_of(RUNS_BEFORE)
    faults = faults_of(bench, material)
    chosen = [next(faults) for _ in range(trials)]

    def one(number: int) -> None:
        with bench.trial("calls", number) as trial:
            tally.count()
            try_fault(bench, material, tally, trial, chosen[number])

    bench.in_parallel(one, range(trials))
    return tally
