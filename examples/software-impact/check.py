#!/usr/bin/env python3
"""Proves from a database that its runs differ in one software component and in nothing else.

    examples/software-impact/check.py [history.db] [--markdown]

Per backend: one install, one hardware fingerprint and lineage, one suite, one seed, one number of
threads, the same cases, the same environment (power mode, governor, turbo, virtualization), and
every component of the software equal but the one that the backend is about. Where that component
differs the stack digest differs, and where it is equal the digest is. Exit status: 0 proved,
1 not, with one line for each difference that should not be."""

from __future__ import annotations

import argparse
import json
import re
import sqlite3
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
# What a backend's runs are about.
SUBJECT = {
    "blas": "blas_library",
    "numpy": "numpy_version",
    "onnxruntime": "onnxruntime_version",
}
STACKS = {"blas": 3, "numpy": 2, "onnxruntime": 2}
ENVIRONMENT = ("power_mode", "cpu_governor", "turbo", "virtualization", "cpus_allowed")
EVIDENCE = "peak_evidence"

Run = dict[str, Any]


def runs_in(path: Path) -> list[Run]:
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        rows = connection.execute("SELECT document FROM run_documents ORDER BY seq").fetchall()
    finally:
        connection.close()
    return [json.loads(document) for (document,) in rows]


def is_evidence(measurement: Run) -> bool:
    return EVIDENCE in measurement["flags"]


def backend_of(run: Run) -> str:
    asked = {m["backend"] for m in run["measurements"] if not is_evidence(m)}
    return asked.pop() if len(asked) == 1 else "several backends"


def subject_of(run: Run) -> str:
    return comparable(run["context"]["software"]["components"][SUBJECT[backend_of(run)]])


def cases_of(run: Run) -> set[str]:
    """What was planned: a larger size that was left out as slow was planned, too."""
    rows = [m for m in run["measurements"] if not is_evidence(m)]
    rows += run["skipped"]
    names = ("operation", "precision", "shape", "device", "backend", "threads")
    return {json.dumps([row[name] for name in names], sort_keys=True) for row in rows}


def comparable(component: Any) -> str:
    """A version, or why there is none without the path of the interpreter that was asked."""
    if isinstance(component, str):
        return component
    return "unknown: " + re.sub(r"/\S+", "PATH", component["unknown"])


def held(run: Run) -> dict[str, Any]:
    """What must be the same in all runs of a backend."""
    context = run["context"]
    components = dict(context["software"]["components"])
    del components[SUBJECT[backend_of(run)]]
    same: dict[str, Any] = {
        f"component {name}": comparable(value) for name, value in components.items()
    }
    same |= {f"environment {name}": context["environment"].get(name) for name in ENVIRONMENT}
    hardware = context["hardware"]
    same |= {f"hardware {name}": hardware[name] for name in ("fingerprint", "lineage", "cpu")}
    same |= {"install": context["install"], "suite": run["suite"], "seed": run["seed"]}
    same |= {"program": run["peakward_version"], "cases": sorted(cases_of(run))}
    return same


def differences(runs: list[Run]) -> list[str]:
    found: list[str] = []
    for backend, wanted in STACKS.items():
        of_backend = [run for run in runs if backend_of(run) == backend]
        stacks = {subject_of(run) for run in of_backend}
        if len(stacks) != wanted:
            found.append(f"{backend}: {len(stacks)} stacks, not {wanted}: {sorted(stacks)}")
        digests: dict[str, set[str]] = {}
        for run in of_backend:
            stack_digest = run["context"]["software"]["stack_digest"]
            digests.setdefault(subject_of(run), set()).add(stack_digest)
        if any(len(digest) != 1 for digest in digests.values()):
            found.append(f"{backend}: one stack has several digests")
        if len(set().union(*digests.values())) != len(digests):
            found.append(f"{backend}: two stacks share a digest")
        for run in of_backend[1:]:
            first, now = held(of_backend[0]), held(run)
            for name in sorted(first.keys() | now.keys()):
                if first.get(name) != now.get(name):
                    found.append(f"{backend}, {run['run_id'][:8]}: {name} differs")
    strangers = [run["run_id"][:8] for run in runs if backend_of(run) not in STACKS]
    if strangers:
        found.append(f"runs of no backend of this example: {', '.join(strangers)}")
    return found


def figures_of(run: Run) -> tuple[str, str]:
    """Best GEMM of the run and its efficiency, as text; what happened where there is none."""
    score = next((row for row in run["results"] if row["backend"] == backend_of(run)), None)
    if score is None or score["blas3_gops"] is None:
        outcomes = {m["outcome"] for m in run["measurements"] if not is_evidence(m)}
        return ", ".join(sorted(outcomes - {"measured"})) or "no score", "-"
    efficiency = score["efficiency"]
    return f"{score['blas3_gops']:.1f}", "-" if efficiency is None else f"{100 * efficiency:.1f} %"


def markdown(runs: list[Run]) -> str:
    lines = [
        "| backend | what differs | software | stack | best GEMM, GOPS | of peak | kept |",
        "|---|---|---|---|---|---|---|",
    ]
    order = list(STACKS)
    for run in sorted(runs, key=lambda run: (order.index(backend_of(run)), subject_of(run))):
        gops, efficiency = figures_of(run)
        software = run["context"]["software"]
        kept = sum(m["outcome"] == "measured" and not is_evidence(m) for m in run["measurements"])
        lines.append(
            f"| {backend_of(run)} | {subject_of(run)} | `{software['fingerprint'][:8]}` "
            f"| `{software['stack_digest'][:8]}` | {gops} | {efficiency} "
            f"| {kept} of {len(cases_of(run))} |"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("database", nargs="?", type=Path, default=HERE / "history.db")
    parser.add_argument("--markdown", action="store_true", help="the table of README.md")
    options = parser.parse_args()
    if not options.database.is_file():
        print(f"check.py: {options.database}: there is no such file", file=sys.stderr)
        return 1
    try:
        runs = runs_in(options.database)
    except sqlite3.DatabaseError as error:
        print(f"check.py: {options.database}: {error}", file=sys.stderr)
        return 1
    found = differences(runs)
    for line in found:
        print(f"check.py: {line}", file=sys.stderr)
    if options.markdown:
        print(markdown(runs))
    elif not found:
        stacks = sum(STACKS.values())
        print(f"{len(runs)} runs of {stacks} stacks differ in one component each, in nothing else")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
