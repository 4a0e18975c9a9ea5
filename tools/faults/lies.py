"""Workers that lie, each beside a good one. The table says what must come of each lie."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from faults.material import Material, calibrate_arguments, make_workers
from faults.trials import Bench, Tally, Trial

BOUND_S = 10.0  # a run with two cases takes about one
SLACK_S = 30.0  # for a loaded machine
AT_ONCE = 6  # the trials wait more than they compute
RATE_FACTOR_MAX = 3.0  # a case that is believed has about the rate of the good worker
FIGURE_MAX = (
    1e25  # nothing in a stored measurement is larger; times since the epoch in ns have 19 digits
)


@dataclass(frozen=True)
class Way:
    """A lie, and the outcomes of its case that are true."""

    lie: str
    outcomes: (
        str  # words of the protocol, "absent" (no case: the worker is not available), "refused"
    )
    reason: str = ""  # what the reason must say
    bound_s: float = BOUND_S


WAYS = (
    # hello: the worker is not available, with a reason, and the run goes on without it.
    Way("hello:not JSON", "absent"),
    Way("hello:an empty line", "absent"),
    Way("hello:invalid UTF-8", "absent"),
    Way("hello:another id", "absent"),
    Way("hello:flood", "absent"),
    Way("hello:deep", "absent"),
    Way("hello:protocol 99", "absent", "protocol"),
    Way("hello:another name", "absent", "native"),
    Way("hello:no devices", "absent", "devices"),
    Way("hello:versions a list", "absent", "versions"),
    Way("hello:exit 3", "absent", "code 3|status 3"),
    Way("hello:exit while a child holds the pipe", "absent", "code 3|status 3"),
    Way("hello:silence", "absent", "60 s", bound_s=65),
    # supports: what a worker breaks is failed; unsupported is what it says.
    Way("supports:not JSON", "failed"),
    Way("supports:another id", "failed"),
    Way("supports:a number", "failed", "supported"),
    Way("supports:no, without a reason", "failed", "reason"),
    Way("supports:refuses", "failed", "not today"),
    Way("supports:SIGSEGV", "failed"),
    Way("supports:no, with a reason", "unsupported", "has no dot"),
    Way("supports:silence", "timed_out failed", "10 s", bound_s=30),
    # prepare
    Way("prepare:another device", "refused", "cuda:0"),
    Way("prepare:no implementation", "failed", "implementation"),
    Way("prepare:wrong answer", "invalid"),
    Way("prepare:error over the tolerance", "invalid failed"),
    Way("prepare:error null", "invalid"),
    Way("prepare:iteration 0", "measured failed"),
    Way("prepare:iteration 1e300", "measured failed"),
    Way("prepare:iteration below zero", "failed", "iteration_s"),
    Way("prepare:refuses without a reason", "failed", "error"),
    Way("prepare:SIGKILL", "failed"),
    Way("prepare:silence", "timed_out", "60 s", bound_s=65),
    Way("prepare:dribbles", "timed_out failed", bound_s=65),
    # run: shape
    Way("run:not JSON", "failed"),
    Way("run:a list", "failed"),
    Way("run:ok a text", "failed"),
    Way("run:deep", "failed"),
    Way("run:flood", "failed"),
    Way("run:a line of 1 GB", "failed", bound_s=30),
    Way("run:answers twice", "failed measured"),
    Way("run:no samples", "failed"),
    Way("run:samples no list", "failed"),
    Way("run:too few columns", "failed"),
    Way("run:a thread that is not there", "failed"),
    # run: processes
    Way("run:exit 3", "failed", "code 3|status 3"),
    Way("run:exit while a child holds the pipe", "failed", "code 3|status 3"),
    Way("run:a child in another session", "measured failed"),
    Way("run:floods stderr", "measured failed"),
    Way("run:ends after its answer", "failed measured"),
    Way("run:silence", "timed_out", bound_s=40),
    Way("run:ignores SIGTERM", "timed_out", bound_s=40),
    # run: times
    Way("run:blocks of 1 ns", "failed invalid"),
    Way("run:blocks of 292 years", "failed invalid"),
    Way("run:longer than the host waited", "failed invalid"),
    Way("run:starts go backwards", "failed invalid measured"),
    Way("run:blocks overlap", "failed invalid"),
    Way("run:start plus wall overflows", "failed invalid"),
    Way("run:starts an hour ago", "failed invalid measured"),
    Way("run:cpu ten times wall", "failed invalid flagged"),
    Way("run:wall 0", "failed"),
    Way("run:wall negative", "failed"),
    # run: figures
    Way("run:iterations 0", "failed"),
    Way("run:iterations 5e-324", "failed invalid"),
    Way("run:iterations 1e308", "failed invalid"),
    Way("run:iterations null", "failed"),
    Way("run:iterations NaN", "failed"),
    Way("run:iterations a text", "failed"),
    Way("run:clock 1e308", "failed invalid flagged"),
    Way("run:power 1e308", "failed flagged"),
    Way("run:power below zero", "failed flagged"),
    Way("run:temperature 1e308", "failed flagged"),
    Way("run:temperature a text", "failed flagged"),
    # release and shutdown: the numbers stand.
    Way("release:not JSON", "measured"),
    Way("release:exit 3", "measured"),
    Way("release:silence", "measured", bound_s=30),
    Way("shutdown:silence", "measured"),
    Way("shutdown:ignores SIGTERM", "measured"),
    Way("shutdown:a child in another session", "measured"),
)


def try_way(bench: Bench, tally: Tally, trial: Trial, way: Way) -> None:
    workers = make_workers(trial.folder / "workers", "good", "liar")
    db = trial.folder / "x.db"
    ended = bench.run(
        calibrate_arguments(db),
        trial.folder,
        way.bound_s + SLACK_S,
        {**workers, "FAULTS_WORKER_WAYS": f"liar={way.lie}"},
    )
    (trial.folder / "ended.txt").write_text(f"{way}\n{ended}\n{ended.text}", "utf-8")
    if not tally.check_end(ended, trial) and ended.hung:
        return
    if way.outcomes == "refused":
        if ended.code != 3 or not re.search(way.reason, ended.err):
            tally.fail("wrong", f"{way.lie}: the run is not refused: {ended}", trial)
        return
    shown = bench.run(["show", "latest", "--json", "--db", str(db)], trial.folder)
    if shown.code != 0 or ended.code not in (0, 3):
        tally.fail("lost", f"{way.lie}: the run is not stored: {ended}", trial)
        return
    run = json.loads(shown.out)
    for sentence in complaints(way, run.get("run", run)):
        tally.fail("wrong", f"{way.lie}: {sentence}", trial)


def cases_of(run: dict[str, Any], backend: str) -> list[dict[str, Any]]:
    return [row for row in run["measurements"] if row["backend"] == backend]


def complaints(way: Way, run: dict[str, Any]) -> Iterator[str]:
    good, liar = cases_of(run, "good"), cases_of(run, "liar")
    if not good or any(row["outcome"] != "measured" for row in good):
        yield f"the good worker lost its measurement: {[said_of(row) for row in good]}"
        return
    if way.outcomes == "absent":
        infos = [info for info in run["backends"] if info["backend"] == "liar"]
        if liar or len(infos) != 1 or infos[0].get("available"):
            yield "a worker that did not say hello is taken for available"
        elif not re.search(way.reason or ".", infos[0].get("reason", "")):
            yield f"the reason does not say '{way.reason}': '{infos[0].get('reason')}'"
        return
    if not liar:
        yield f"no case is recorded; expected: {way.outcomes}"
    for row in liar:
        yield from complaints_about(way, row, float(good[0]["gops"]))


def complaints_about(way: Way, row: dict[str, Any], true_gops: float) -> Iterator[str]:
    outcome, allowed = row["outcome"], way.outcomes.split()
    if outcome == "measured" and "flagged" in allowed:
        if not row.get("flags"):
            yield f"believed without a flag: {said_of(row)}"
    elif outcome not in allowed:
        yield f"is {said_of(row)}; expected: {' or '.join(allowed)}"
        return
    if outcome != "measured" and not re.search(way.reason or ".", row.get("reason") or ""):
        yield f"the reason does not say '{way.reason or 'anything'}': {said_of(row)}"
    if outcome == "measured":
        rate = float(row["gops"] or 0)
        if not true_gops / RATE_FACTOR_MAX < rate < true_gops * RATE_FACTOR_MAX:
            yield f"a rate of {rate} GOPS is believed"
    for name, value in numbers_in(row):
        # What the worker said of a wrong answer is evidence, whatever its size.
        if outcome == "invalid" and name.endswith("error"):
            continue
        if not math.isfinite(value) or abs(value) > FIGURE_MAX:
            yield f"{name} of {value} is stored"


def said_of(row: dict[str, Any]) -> str:
    return f"{row['outcome']} ('{row.get('reason') or ''}', flags {row.get('flags')})"


def numbers_in(value: Any, name: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from numbers_in(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from numbers_in(item, name)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield name, float(value)


def run(bench: Bench, material: Material) -> Tally:
    del material
    tally = Tally("lies", "workers that lie, a good one beside each")
    ways = list(WAYS)
    if bench.scale != "full":  # without those that take a minute by design
        ways = [way for way in WAYS if way.bound_s <= BOUND_S]
        ways = bench.random("lies").sample(ways, bench.number(0, 24, 5))
    # Those that wait longest begin first.
    ways.sort(key=lambda way: -way.bound_s)

    def one(number: int) -> None:
        with bench.trial("lies", number) as trial:
            tally.count()
            try_way(bench, tally, trial, ways[number])

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for result in [pool.submit(one, number) for number in range(len(ways))]:
            result.result()
    return tally
