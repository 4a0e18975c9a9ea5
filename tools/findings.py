"""What the programs that check this tree share: a finding, and a command line.

A check is a function from what was loaded to its findings; a program lists its checks and hands
them to run_checks(). Exit status: 0 clean (there may be warnings), 1 findings, 2 wrong usage.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

Loaded = TypeVar("Loaded")


@dataclass(frozen=True)
class Finding:
    place: str
    text: str
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.place}: {'warning: ' if self.warning else ''}{self.text}"


def run_checks(
    doc: str | None,
    load: Callable[[Path], Loaded],
    checks: Sequence[Callable[[Loaded], Iterator[Finding]]],
) -> int:
    """Prints what the checks find below --root, or what the one named by --only does."""
    parser = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    names = [check.__name__ for check in checks]
    parser.add_argument("--only", choices=names, help="run one check")
    arguments = parser.parse_args()
    loaded = load(arguments.root)
    findings = [
        finding
        for name, check in zip(names, checks, strict=True)
        if arguments.only in (None, name)
        for finding in check(loaded)
    ]
    for finding in findings:
        print(finding)
    return 1 if any(not finding.warning for finding in findings) else 0
