"""What the fault programs share: the program under test, its folders, and the tally of trials."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

KINDS = ("lost", "half stored", "crashed", "hung", "wrong")
FAILURES_SHOWN_MAX = 20  # of one program; all are counted
FOLDERS_KEPT_MAX = 8  # of one program
CRASH_SIGNALS = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)
MARK = "FAULTS_MARK"  # an environment variable that every process of one call inherits


@dataclass(frozen=True)
class Ended:
    """How a call of the program ended."""

    arguments: tuple[str, ...]
    code: int  # negative: ended by this signal
    out: str
    err: str
    seconds: float
    hung: bool = False  # it was killed because it took longer than its limit
    survivors: tuple[int, ...] = ()  # its processes that were still alive

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def crashed(self) -> bool:
        return -self.code in CRASH_SIGNALS or self.code - 128 in CRASH_SIGNALS

    @property
    def command(self) -> str:
        return "peakward " + " ".join(self.arguments)

    def __str__(self) -> str:
        said = " | ".join((self.err or self.out).strip().splitlines()[-3:])
        return f"'{self.command}' ended with {self.code}: {said[:400]}"


class Tally:
    """One row of the table."""

    def __init__(self, name: str, what: str) -> None:
        self.name, self.what = name, what
        self.tried = 0
        self.counts = dict.fromkeys(KINDS, 0)
        self.notes: list[str] = []
        self.failures: list[str] = []
        self.skipped = ""
        self.seconds = 0.0
        self._folders_kept = 0
        self._lock = threading.Lock()

    @property
    def broken(self) -> int:
        return sum(self.counts.values())

    def count(self, trials: int = 1) -> None:
        with self._lock:
            self.tried += trials

    def note(self, sentence: str) -> None:
        with self._lock:
            self.notes.append(sentence)

    def fail(
        self, kind: str, sentence: str, trial: Trial | None = None, folder: Path | None = None
    ) -> None:
        """A promise was broken; the folder of the trial is kept."""
        with self._lock:
            self.counts[kind] += 1
            kept = ""
            if trial and trial.keep_folder is None and self._folders_kept < FOLDERS_KEPT_MAX:
                self._folders_kept += 1
                trial.keep_folder = trial.bench.kept / f"{self.name}-{trial.number}"
            if trial and trial.keep_folder:
                kept = f" (kept: {trial.keep_folder})"
                trial.sentences.append(f"{kind}: {sentence}")
            elif folder:
                kept = f" (kept: {folder})"
            if len(self.failures) < FAILURES_SHOWN_MAX:
                where = f"trial {trial.number}: " if trial else ""
                self.failures.append(f"{self.name}: {kind}: {where}{sentence}{kept}")

    def check_end(self, ended: Ended, trial: Trial | None = None) -> bool:
        """Counts a crash, a hang or a surviving process. True: there was none."""
        if ended.hung:
            self.fail("hung", f"'{ended.command}' did not end in {ended.seconds:.0f} s", trial)
        elif ended.crashed:
            self.fail("crashed", str(ended), trial)
        elif "unexpected error" in ended.err:
            self.fail("wrong", str(ended), trial)
        if ended.survivors:
            self.fail("hung", f"{len(ended.survivors)} processes outlive '{ended.command}'", trial)
        return not (ended.hung or ended.crashed or ended.survivors)


@dataclass
class Bench:
    """The program under test and where trials work."""

    program: Path
    folder: Path  # scratch, removed at the end
    kept: Path  # folders of failed trials
    seed: int
    scale: str  # full, quick or smoke
    jobs: int
    program_copy: Path = field(init=False)
    shim: Path = field(init=False)

    def __post_init__(self) -> None:
        # A copy in a folder of its own finds no workers beside it: only those of the trial run.
        self.program_copy = self.folder / "bare" / "peakward"
        self.program_copy.parent.mkdir(parents=True)
        shutil.copy2(self.program, self.program_copy)
        self.shim = self.folder / "io_shim.so"
        source = Path(__file__).resolve().with_name("io_shim.c")
        subprocess.run(
            ["gcc", "-O1", "-fPIC", "-shared", "-o", self.shim, source, "-ldl"], check=True
        )

    def number(self, full: int, quick: int, smoke: int) -> int:
        return {"full": full, "quick": quick, "smoke": smoke}[self.scale]

    def random(self, *names: object) -> random.Random:
        """The same for the same seed and names, whatever ran before."""
        return random.Random("/".join(str(name) for name in (self.seed, *names)))

    def environment(self, home: Path, extra: dict[str, str] | None = None) -> dict[str, str]:
        keep = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        return {
            **keep,
            "HOME": str(home),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "NO_COLOR": "1",
            **(extra or {}),
        }

    def start(
        self,
        arguments: Iterable[str],
        home: Path,
        environment: dict[str, str] | None = None,
        out: int | None = None,
        err: int | None = None,
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [str(self.program_copy), *arguments],
            cwd=home,
            env=self.environment(home, environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if out is None else out,
            stderr=subprocess.DEVNULL if err is None else err,
            start_new_session=True,
        )

    def run(
        self,
        arguments: Iterable[str],
        home: Path,
        limit_s: float = 60,
        environment: dict[str, str] | None = None,
        interrupt: Callable[[subprocess.Popen[bytes]], None] | None = None,
    ) -> Ended:
        """Calls the program and waits. `interrupt` is called once it has started."""
        mark = uuid.uuid4().hex
        arguments = tuple(arguments)
        out_path, err_path = home / f".{mark}.out", home / f".{mark}.err"
        started = time.monotonic()
        # Files and not pipes: a process that outlives the program must not hold us.
        with out_path.open("wb") as out, err_path.open("wb") as err:
            process = self.start(
                arguments, home, {**(environment or {}), MARK: mark}, out.fileno(), err.fileno()
            )
            hung = False
            if interrupt:
                interrupt(process)
            try:
                process.wait(timeout=max(0.1, limit_s - (time.monotonic() - started)))
            except subprocess.TimeoutExpired:
                hung = True
                process.kill()
                process.wait()
        seconds = time.monotonic() - started
        survivors = tuple(marked_processes(mark))
        for pid in survivors:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        out_text, err_text = (path.read_text("utf-8", "replace") for path in (out_path, err_path))
        out_path.unlink()
        err_path.unlink()
        code, alive = process.returncode, () if hung else survivors
        return Ended(arguments, code, out_text, err_text, seconds, hung, alive)

    @contextlib.contextmanager
    def trial(self, name: str, number: object) -> Iterator[Trial]:
        trial = Trial(self, name, number, self.folder / f"{name}-{number}")
        trial.folder.mkdir(parents=True)
        try:
            yield trial
        finally:
            trial.close()

    def in_parallel(self, do: Callable[[int], None], numbers: Iterable[int]) -> None:
        """Runs do(n) for each number, as many at once as there are CPUs."""
        with ThreadPoolExecutor(self.jobs) as pool:
            for result in [pool.submit(do, number) for number in numbers]:
                result.result()


@dataclass
class Trial:
    """One trial and its folder, which is kept when the trial breaks a promise."""

    bench: Bench
    name: str
    number: object
    folder: Path
    keep_folder: Path | None = None
    sentences: list[str] = field(default_factory=list)

    def close(self) -> None:
        if self.keep_folder:
            self.keep_folder.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(self.keep_folder, ignore_errors=True)
            shutil.copytree(self.folder, self.keep_folder, symlinks=True)
            again = f"./dev faults --only {self.name} --seed {self.bench.seed}"
            text = "\n".join([*self.sentences, f"again: {again} (trial {self.number})", ""])
            (self.keep_folder / "FAILURE.txt").write_text(text, "utf-8")
        shutil.rmtree(self.folder, ignore_errors=True)


def marked_processes(mark: str, wait_s: float = 3.0) -> list[int]:
    """Processes that inherited the mark and do not end by themselves within the wait."""
    wanted = f"{MARK}={mark}".encode()
    deadline = time.monotonic() + wait_s
    while True:
        alive = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                if wanted in (entry / "environ").read_bytes():
                    alive.append(int(entry.name))
        if not alive or time.monotonic() > deadline:
            return alive
        time.sleep(0.02)


def cpu_pressure_percent() -> float:
    """Share of the last 10 s in which a task waited for a CPU; 0 where the kernel has no figure."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        first = Path("/proc/pressure/cpu").read_text("ascii").splitlines()[0]
        return float(first.split("avg10=")[1].split()[0])
    return 0.0
