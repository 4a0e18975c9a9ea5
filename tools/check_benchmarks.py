#!/usr/bin/env python3
"""Checks docs/benchmarks.md against docs/benchmarks.csv: the page has the newest figures.

The data file has one row for each figure and the question that the figure answers. The page has
one row for each question: the newest row of the data file. Exit status: 0 clean, 1 findings,
2 wrong usage.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from findings import Finding, run_checks

DATA = "docs/benchmarks.csv"
PAGE = "docs/benchmarks.md"
COLUMNS = [
    "question", "date_utc", "machine", "cpu_pressure", "command", "figure", "seen", "aim",
]  # fmt: skip
MAY_BE_EMPTY = {"figure"}  # only the page needs the short form of an old row
DATE = re.compile(r"\d{4}-\d{2}-\d{2}( \d{2}:\d{2})?")
PAGE_HEAD = "| question | command | newest figure | aim | date (UTC), machine |"


@dataclass
class Benchmarks:
    """The text of the page, and the rows of the data file with their line numbers."""

    page: str
    columns: list[str]
    rows: list[tuple[int, list[str]]]

    @staticmethod
    def load(root: Path) -> Benchmarks:
        with (root / DATA).open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            columns = next(reader, [])
            rows = [(reader.line_num, row) for row in reader]
        return Benchmarks((root / PAGE).read_text("utf-8"), columns, rows)

    def records(self) -> list[dict[str, str]]:
        """The rows that have every column."""
        return [
            dict(zip(COLUMNS, row, strict=True)) for _, row in self.rows if len(row) == len(COLUMNS)
        ]


def page_line(record: dict[str, str]) -> str:
    """The row of the page that shows this row of the data file."""
    cells = ["question", "command", "figure", "aim"]
    place = f"{record['date_utc']}, {record['machine']}"
    return f"| {' | '.join(record[name] for name in cells)} | {place} |"


def data_rows(benchmarks: Benchmarks) -> Iterator[Finding]:
    """Every row of the data file has every column, a date, and no character that ends a cell."""
    if benchmarks.columns != COLUMNS:
        yield Finding(f"{DATA}:1", f"the columns must be {','.join(COLUMNS)}")
        return
    dates: list[str] = []
    for number, row in benchmarks.rows:
        place = f"{DATA}:{number}"
        if len(row) != len(COLUMNS):
            yield Finding(place, f"has {len(row)} columns, not {len(COLUMNS)}")
            continue
        record = dict(zip(COLUMNS, row, strict=True))
        for name, value in record.items():
            if not value.strip() and name not in MAY_BE_EMPTY:
                yield Finding(place, f"'{name}' is empty")
            if "|" in value or "\n" in value:
                yield Finding(place, f"'{name}' has a bar or a line break")
        if not DATE.fullmatch(record["date_utc"]):
            yield Finding(place, f"'{record['date_utc']}' is not written like 2026-12-01 13:15")
        if dates and record["date_utc"] > dates[-1]:
            yield Finding(place, "is newer than the row above: the newest row comes first")
        dates.append(record["date_utc"])


def page_rows(benchmarks: Benchmarks) -> Iterator[Finding]:
    """Every row of the page's table is the newest row of its question, and every question is there.

    Where two rows of a question have one date, the upper one counts as the newer one.
    """
    newest: dict[str, dict[str, str]] = {}
    for record in benchmarks.records():
        current = newest.setdefault(record["question"], record)
        if record["date_utc"] > current["date_utc"]:
            newest[record["question"]] = record
    lines = benchmarks.page.splitlines()
    if PAGE_HEAD not in lines:
        yield Finding(PAGE, f"has no table with the head {PAGE_HEAD}")
        return
    seen: set[str] = set()
    for at in range(lines.index(PAGE_HEAD) + 2, len(lines)):
        line, place = lines[at], f"{PAGE}:{at + 1}"
        if not line.startswith("|"):
            break
        question = line.split("|")[1].strip()
        if question not in newest:
            yield Finding(place, f"{DATA} has no row for the question '{question}'")
        elif question in seen:
            yield Finding(place, f"shows the question '{question}' a second time")
        elif line != page_line(newest[question]):
            yield Finding(place, f"is not the newest row of {DATA}: {page_line(newest[question])}")
        seen.add(question)
    for question, record in newest.items():
        if question not in seen:
            yield Finding(PAGE, f"lacks a row: {page_line(record)}")
        if not record["figure"]:
            yield Finding(DATA, f"the newest row of '{question}' has no figure")


if __name__ == "__main__":
    sys.exit(run_checks(__doc__, Benchmarks.load, [data_rows, page_rows]))
