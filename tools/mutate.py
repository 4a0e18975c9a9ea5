#!/usr/bin/env python3
"""Plants small bugs one at a time and sees whether the tests notice.

Line coverage says what ran; this says what was checked. It works in a copy of the tree under
build/mutate, so the sources are never touched: one mutation is written into the copy, the tests of
that stage are rebuilt and run, the mutation is taken back. Killed: the tests failed, as they
should. Survived: nobody noticed; look at the line. Not built: the mutation does not compile.
Exit status: 0 done (survivors are shown, not judged), 1 something failed, 2 wrong usage.

  ./dev mutate --list                          count what could be planted
  ./dev mutate --sample 40                     40 mutations drawn from all stages
  ./dev mutate --stage score --sample 20       of one stage
  ./dev mutate --file src/measure/gate.cpp     every mutation of one file
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAGES = ["measure", "score", "analyze", "estimate"]  # pure decisions: what is worth mutating
TEST_SECONDS_MAX = 180  # a mutation may make a loop endless

FLIPPED = {"<=": ">", ">=": "<", "==": "!=", "!=": "==", "<": ">=", ">": "<="}
SHIFTED = {"<=": "<", ">=": ">", "<": "<=", ">": ">="}
ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*"}

# kind, pattern on code without comments and strings, replacement
OPERATORS: list[tuple[str, str, Callable[[re.Match[str]], str]]] = [
    ("comparison", r" (<=|>=|==|!=|<|>) ", lambda m: f" {FLIPPED[m[1]]} "),
    ("boundary", r" (<=|>=|<|>) ", lambda m: f" {SHIFTED[m[1]]} "),
    ("arithmetic", r" ([+\-*/]) ", lambda m: f" {ARITHMETIC[m[1]]} "),
    ("logic", r" (&&|\|\|) ", lambda m: " || " if m[1] == "&&" else " && "),
    ("constant", r"(?<![\w.])(\d+\.\d+|\d+)(?![\w.'])", lambda m: next_constant(m[1])),
    ("truth", r"\b(true|false)\b", lambda m: "false" if m[1] == "true" else "true"),
    ("condition", r"\bif \((?!constexpr)(.*)\) ?(\{|return\b.*|continue;|break;)?$",
     lambda m: f"if (!({m[1]})) {m[2] or ''}".rstrip()),
    ("dropped statement",
     r"^\s+(?!return\b|if\b|for\b|while\b|else\b|case\b|const\b|auto\b|using\b|static\b)"
     r"((\+\+|--)?[\w.\->\[\]]+( [+\-*/]?= .*|\(.*\)|\+\+|--)?);$",
     lambda m: m[0][: len(m[0]) - len(m[0].lstrip())] + ";"),
]  # fmt: skip


def next_constant(text: str) -> str:
    """A neighbour that a test at the boundary must tell apart: n+1, and 1.5 x for fractions."""
    if "." in text:
        return repr(float(text) * 1.5 if float(text) else 0.5)
    return str(int(text) + 1)


@dataclass(frozen=True)
class Mutation:
    path: str
    line: int  # from 1
    column: int
    kind: str
    before: str  # the whole line
    after: str

    def __str__(self) -> str:
        return (
            f"{self.path}:{self.line}: {self.kind}: {self.before.strip()}  ->  {self.after.strip()}"
        )


def code_only(line: str) -> str:
    """The line with strings and comments blanked, same length."""
    blank: Callable[[re.Match[str]], str] = lambda m: " " * len(m[0])  # noqa: E731
    line = re.sub(r'"(\\.|[^"\\])*"|\'(\\.|[^\'\\])\'', blank, line)
    return re.sub(r"//.*$", blank, line)


def mutations_of(path: str, text: str) -> Iterator[Mutation]:
    """Every single mutation of a file, in the order of the lines."""
    for number, line in enumerate(text.splitlines(), 1):
        code = code_only(line).rstrip()
        if not code.strip() or re.match(r"\s*(#|using|namespace|template|static_assert)", code):
            continue
        for kind, pattern, replace in OPERATORS:
            for match in re.finditer(pattern, code):
                start, end = match.span()
                # Strings inside the match are taken from the real line.
                real = re.match(pattern, line[start:end]) if start else re.match(pattern, line)
                new = replace(real) if real and real.end() == end - start else replace(match)
                mutant = line[:start] + new + line[end:]
                if mutant != line:
                    yield Mutation(path, number, start, kind, line, mutant)


def collect(root: Path, stages: list[str], files: list[str]) -> list[Mutation]:
    paths = [root / f for f in files] or [
        path for stage in stages for path in sorted((root / "src" / stage).rglob("*.cpp"))
    ]
    return [
        mutation
        for path in paths
        for mutation in mutations_of(path.relative_to(root).as_posix(), path.read_text("utf-8"))
    ]


def copy_tree(target: Path) -> None:
    """Brings the copy up to date; equal files are not touched, so that ninja stays lazy."""
    names = [p for p in ROOT.iterdir() if p.name not in {"build", ".git"}]
    wanted: set[Path] = set()
    for top in names:
        for path in [top, *top.rglob("*")] if top.is_dir() else [top]:
            if "__pycache__" in path.parts or not path.is_file():
                continue
            copy = target / path.relative_to(ROOT)
            wanted.add(copy)
            if not copy.is_file() or copy.read_bytes() != path.read_bytes():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, copy)
    for path in target.rglob("*"):
        if path.is_file() and path not in wanted:
            path.unlink()


class Copy:
    """The copy of the tree with a build folder, and the verdict on one mutation."""

    def __init__(self, folder: Path, jobs: int) -> None:
        self.tree = folder / "tree"
        self.build = folder / "build"
        self.jobs = jobs

    def prepare(self) -> None:
        copy_tree(self.tree)
        if not (self.build / "build.ninja").is_file():
            command = ["cmake", "--preset", "dev", "-B", str(self.build), "-DPEAKWARD_BENCH=OFF"]
            subprocess.run(command, cwd=self.tree, check=True, stdout=subprocess.DEVNULL)

    def make(self, stage: str) -> bool:
        command = ["ninja", "-C", str(self.build), "-j", str(self.jobs), f"peakward_{stage}_tests"]
        # Workers that the tests of measure start are not mutated; they are built once.
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.output = done.stdout[-2000:]
        return done.returncode == 0

    def passes(self, stage: str) -> bool:
        command = [str(self.build / "bin" / f"peakward_{stage}_tests"), "--gtest_brief=1"]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                cwd=self.build,
                timeout=TEST_SECONDS_MAX,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def verdict(self, mutation: Mutation) -> str:
        stage = Path(mutation.path).parts[1]
        file = self.tree / mutation.path
        original = file.read_text("utf-8")
        lines = original.splitlines()
        lines[mutation.line - 1] = mutation.after
        try:
            file.write_text("\n".join(lines) + "\n", "utf-8")
            if not self.make(stage):
                return "not built"
            return "survived" if self.passes(stage) else "killed"
        finally:
            file.write_text(original, "utf-8")


def run(copy: Copy, mutations: list[Mutation]) -> dict[str, list[Mutation]]:
    """Plants them one by one; prints a line each; returns them by verdict."""
    verdicts: dict[str, list[Mutation]] = {"killed": [], "survived": [], "not built": []}
    for number, mutation in enumerate(mutations, 1):
        start = time.monotonic()
        verdict = copy.verdict(mutation)
        verdicts[verdict].append(mutation)
        seconds = time.monotonic() - start
        print(f"[{number}/{len(mutations)}] {verdict} ({seconds:.0f} s) {mutation}", flush=True)
    return verdicts


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    present = [s for s in STAGES if (ROOT / "src" / s).is_dir()]
    parser.add_argument("--stage", nargs="+", choices=present, default=present)
    parser.add_argument("--file", nargs="+", default=[], help="source files of such a stage")
    parser.add_argument("--sample", type=int, help="draw this many (default: all)")
    parser.add_argument("--seed", type=int, default=1, help="of the draw (default: 1)")
    parser.add_argument("--list", action="store_true", help="only show what could be planted")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parsed = parser.parse_args(arguments)
    for file in parsed.file:
        parts = Path(file).parts
        if len(parts) < 3 or parts[0] != "src" or parts[1] not in STAGES:
            parser.error(f"{file}: give files below src/{{{','.join(STAGES)}}}")
        if not (ROOT / file).is_file():
            parser.error(f"{file}: no such file")
    return parsed


def main() -> int:
    options = parse(sys.argv[1:])
    mutations = collect(ROOT, options.stage, options.file)
    if options.list:
        for mutation in mutations:
            print(mutation)
        print(f"{len(mutations)} mutations")
        return 0
    if options.sample is not None and options.sample < len(mutations):
        drawn = set(random.Random(options.seed).sample(range(len(mutations)), options.sample))
        mutations = [m for i, m in enumerate(mutations) if i in drawn]
    copy = Copy(ROOT / "build" / "mutate", options.jobs)
    copy.prepare()
    for stage in sorted({Path(m.path).parts[1] for m in mutations}):
        if not copy.make(stage) or not copy.passes(stage):
            print(f"mutate: the tests of {stage} do not pass unchanged\n{copy.output}")
            return 1
    verdicts = run(copy, mutations)
    judged = len(verdicts["killed"]) + len(verdicts["survived"])
    print(f"\n{len(verdicts['killed'])} of {judged} killed, {len(verdicts['not built'])} not built")
    for mutation in verdicts["survived"]:
        print(f"survived: {mutation}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
