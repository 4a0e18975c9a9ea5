#!/usr/bin/env python3
"""House rules as a program: units in names, nothing dead, links that lead somewhere, lengths.

Each check is a function from the tree to findings; CHECKS lists them. Exit status: 0 clean (there
may be warnings), 1 findings, 2 wrong usage.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from findings import Finding, run_checks

FUNCTION_LINES_MAX = 70  # a function fits on a screen (STYLE)
FILE_LINES_WARN = 700  # a longer file is rarely one thing
PROSE_COLUMNS_MAX = 120  # a line of a page can be read and compared in one window

TEXT_SUFFIXES = {
    ".cpp", ".hpp", ".h", ".py", ".sh", ".md", ".txt", ".cmake", ".json", ".sql", ".toml",
    ".yml", ".in", "",
}  # fmt: skip
SKIPPED_FOLDERS = {"build", "__pycache__", "node_modules"}

# A name that carries one of these words says its unit.
UNIT_WORDS = {
    "ns", "us", "ms", "s", "hz", "mhz", "ghz", "bytes", "kb", "mb", "gb", "tb", "mib", "gib",
    "gbps", "gops", "gflops", "tops", "mts", "w", "mw", "j", "mj", "c", "celsius", "v", "ma",
    "percent", "ratio", "share", "factor", "seconds", "days", "unix", "count",
}  # fmt: skip
# A number whose name has one of these words is a quantity and needs a unit.
QUANTITY_WORDS = {
    "time", "duration", "latency", "bandwidth", "memory", "size", "power", "energy",
    "temperature", "clock", "frequency", "wall", "elapsed", "throughput", "rate", "speed",
    "period", "timeout", "interval", "voltage",
}  # fmt: skip
# Numbers without a unit: pure ratios and counts, and values whose unit stands beside them.
DIMENSIONLESS = {
    "efficiency", "bandwidth_efficiency", "spread_within", "spread_between",
    "operations_per_cycle", "iterations", "confidence", "speedup_over_fp32", "error", "tolerance",
    "value", "ci_low", "ci_high",  # of a row that names its metric or unit in the field beside
    "load_average_1m",  # runnable tasks
    "cpu_quota_cpus",  # CPUs
    "arithmetic_intensity",  # operations per byte; the seeds' name
}  # fmt: skip


@dataclass
class Tree:
    """The text files below a root, read once."""

    root: Path
    files: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def load(root: Path) -> Tree:
        tree = Tree(root)
        for path in sorted(root.rglob("*")):
            relative = path.relative_to(root)
            hidden = any(p.startswith(".") for p in relative.parts[:-1] if p != ".ci")
            if hidden or SKIPPED_FOLDERS.intersection(relative.parts) or not path.is_file():
                continue
            # Fixtures are other machines' files, byte for byte; a file without a suffix is ours
            # only where scripts are.
            if path.suffix not in TEXT_SUFFIXES or "fixtures" in relative.parts:
                continue
            if path.suffix == "" and len(relative.parts) > 1 and relative.parts[0] != ".ci":
                continue
            try:
                tree.files[relative.as_posix()] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
        return tree

    def matching(self, pattern: str) -> Iterator[tuple[str, str]]:
        expression = re.compile(pattern)
        return ((name, text) for name, text in self.files.items() if expression.search(name))


def has_unit(name: str) -> bool:
    return bool(UNIT_WORDS.intersection(name.split("_"))) or name in DIMENSIONLESS


def unit_complaint(name: str, is_real: bool) -> str | None:
    """Why a number of this name would leave its unit open, if it would."""
    if has_unit(name):
        return None
    if is_real or QUANTITY_WORDS.intersection(name.split("_")):
        return (
            f"number '{name}' does not say its unit: end the name in one (_s, _bytes, _gbps, "
            "_percent, …) or add it to DIMENSIONLESS in tools/tidy.py with the reason"
        )
    return None


MEMBER = re.compile(
    r"^\s+(?:Fact<|std::optional<)?(double|float|int|std::u?int\d+_t|long)>?\s+(\w+)\s*(?:=|;|\{)"
)
SQL_COLUMN = re.compile(r"^\s+(\w+)\s+(REAL|INTEGER|DOUBLE PRECISION|BIGINT)\b", re.IGNORECASE)


def units_in_names(tree: Tree) -> Iterator[Finding]:
    """Records, tables and schemas: a number's name carries its unit."""
    for name, text in tree.matching(r"^src/[a-z]+/[a-z_]+\.hpp$"):
        in_struct = False
        for number, line in enumerate(text.splitlines(), 1):
            if re.match(r"(struct|class) \w+.*\{$", line):
                in_struct = True
            elif line.startswith("}"):
                in_struct = False
            match = MEMBER.match(line) if in_struct else None
            # The records become JSON: there every real number needs a unit.
            real = match is not None and match[1] == "double" and name == "src/core/records.hpp"
            if match and (complaint := unit_complaint(match[2].rstrip("_"), real)):
                yield Finding(f"{name}:{number}", complaint)
    for name, text in tree.matching(r"^src/store/migrations/.*\.sql$"):
        for number, line in enumerate(text.splitlines(), 1):
            match = SQL_COLUMN.match(line)
            if match and (complaint := unit_complaint(match[1], match[2].upper() != "INTEGER")):
                yield Finding(f"{name}:{number}", complaint)
    for name, text in tree.matching(r"^data/schema/.*\.json$"):
        yield from (Finding(name, c) for c in schema_complaints(json.loads(text)))


def schema_complaints(node: Any) -> Iterator[str]:
    """Walks a JSON schema; yields complaints about the properties that are numbers."""
    if isinstance(node, list):
        for item in node:
            yield from schema_complaints(item)
    if not isinstance(node, dict):
        return
    properties = node.get("properties")
    if isinstance(properties, dict):
        for key, value in properties.items():
            kinds = value.get("type", []) if isinstance(value, dict) else []
            kinds = [kinds] if isinstance(kinds, str) else kinds
            if {"number", "integer"}.intersection(kinds):
                complaint = unit_complaint(key, "number" in kinds)
                if complaint:
                    yield complaint
    for value in node.values():
        yield from schema_complaints(value)


def dead_sources(tree: Tree) -> Iterator[Finding]:
    """Headers nobody includes, sources no CMake list builds, scripts nobody names."""
    included = {
        Path(m[1]).name
        for _, text in tree.matching(r"\.(cpp|hpp)$")
        for m in re.finditer(r'#\s*include\s*"([^"]+)"', text)
    }
    for name, _ in tree.matching(r"^(src|workers|tests|bench)/.*\.hpp$"):
        if Path(name).name not in included:
            yield Finding(name, "no file includes this header")
    for name, _ in tree.matching(r"^(src|workers|tests|bench)/.*\.cpp$"):
        if not is_built(tree, name):
            yield Finding(name, "no CMakeLists.txt builds this source")
    for name, _ in tree.matching(r"\.(py|sh)$"):
        stem = Path(name).stem
        if stem in {"__init__", "__main__"} or re.search(r"(^|/)(test_\w+|\w+_test)\.py$", name):
            continue
        word = re.compile(rf"(?<![\w-]){re.escape(stem)}(?![\w-])")
        dispatched = name.startswith("tools/dev/") and word.search(tree.files.get("dev", ""))
        if not dispatched and not any(
            word.search(text) for other, text in tree.files.items() if other != name
        ):
            yield Finding(name, "nothing runs, imports or names this script")


def is_built(tree: Tree, name: str) -> bool:
    """Whether the nearest CMakeLists.txt above globs its folder or names the file."""
    for folder in Path(name).parents:
        lists = tree.files.get((folder / "CMakeLists.txt").as_posix())
        if lists is None:
            continue
        if re.search(rf"(?<![\w-]){re.escape(Path(name).stem)}(?![\w-])", lists):
            return True
        return bool(re.search(r"file\(GLOB|peakward_(stage|tests|worker|bench)\w*\(", lists))
    return False


FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
GENERATED_PAGES = {"docs/hardware.md"}
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def without_fences(text: str) -> str:
    """The text with fenced code blanked, line numbers kept."""
    return FENCE.sub(lambda m: "\n" * m[0].count("\n"), text)


def slug(heading: str) -> str:
    """The anchor that GitHub makes of a heading."""
    text = re.sub(r"[`*_]", "", heading.strip().lower())
    return re.sub(r"\s", "-", re.sub(r"[^\w\- ]", "", text))


def links(tree: Tree) -> Iterator[Finding]:
    """Relative links lead to files and headings that exist; every page is linked from another."""
    linked: set[str] = set()
    for name, text in tree.matching(r"\.md$"):
        folder = (tree.root / name).parent
        for number, line in enumerate(without_fences(text).splitlines(), 1):
            for match in LINK.finditer(line):
                target, _, anchor = match[1].partition("#")
                if re.match(r"[a-z]+:", target):
                    continue
                path = (folder / target).resolve() if target else tree.root / name
                if not path.exists():
                    yield Finding(f"{name}:{number}", f"link to {match[1]}, which does not exist")
                    continue
                if path.is_relative_to(tree.root.resolve()) and target:
                    linked.add(path.relative_to(tree.root.resolve()).as_posix())
                if anchor and path.suffix == ".md":
                    headings = re.findall(r"^#+\s+(.*)$", path.read_text("utf-8"), re.MULTILINE)
                    if anchor not in {slug(h) for h in headings}:
                        yield Finding(f"{name}:{number}", f"link to {match[1]}: no such heading")
    for name, _ in tree.matching(r"^docs/.*\.md$"):
        folder_linked = any(name.startswith(f"{p}/") for p in linked if p != "docs")
        if name not in linked and not folder_linked:
            yield Finding(name, "no other page links here")


def prose_lines(tree: Tree) -> Iterator[Finding]:
    """Prose lines of at most PROSE_COLUMNS_MAX columns, without tables, code and addresses.

    The address of a link does not count, nor does a line that is one word (a long address).
    Golden files and GENERATED_PAGES are output of the program.
    """
    for name, text in tree.matching(r"\.md$"):
        if "/golden/" in name or name in GENERATED_PAGES:
            continue
        for number, line in enumerate(without_fences(text).splitlines(), 1):
            if line.lstrip().startswith("|") or len(line.split()) == 1:
                continue
            columns = len(LINK.sub(lambda m: m[0].removesuffix(f"({m[1]})"), line))
            if columns > PROSE_COLUMNS_MAX:
                yield Finding(
                    f"{name}:{number}", f"{columns} columns of prose (at most {PROSE_COLUMNS_MAX})"
                )


SECTIONS = ("Added", "Changed", "Fixed", "Schema")


def changelog(tree: Tree) -> Iterator[Finding]:
    """CHANGELOG.md: a section for the version in CMakeLists.txt or Unreleased, known parts only."""
    text = tree.files.get("CHANGELOG.md")
    if text is None:
        yield Finding("CHANGELOG.md", "is missing")
        return
    version = re.search(r"project\(\w+ VERSION ([\d.]+)", tree.files.get("CMakeLists.txt", ""))
    releases = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    titles = [r.splitlines()[0].strip("[] ") for r in releases]
    known = [t for t in titles if t.startswith("Unreleased") or (version and version[1] in t)]
    if not known:
        yield Finding("CHANGELOG.md", "has no section 'Unreleased' nor one for this version")
    for title, body in zip(titles, releases, strict=True):
        parts = re.findall(r"^### (.*)$", body, re.MULTILINE)
        if not parts:
            yield Finding("CHANGELOG.md", f"{title} has none of the parts {', '.join(SECTIONS)}")
        for part in parts:
            if part.strip() not in SECTIONS:
                yield Finding("CHANGELOG.md", f"{title}: '{part}' is not one of {SECTIONS}")


CONTROL = re.compile(
    r"\s*(if|for|while|switch|else|do|try|namespace|struct|class|enum|union|extern|return|case"
    r"|default|#|//)\b|.*=\s*(\w+(::\w+)*)?\{$"
)


def signature_start(lines: list[str], opening: int) -> int:
    """The line on which the statement begins that opens a block on line `opening`."""
    depth = 0
    for at in range(opening, max(-1, opening - 20), -1):
        depth += lines[at].count(")") - lines[at].count("(")
        if depth <= 0:
            return at
    return opening


def long_functions(tree: Tree) -> Iterator[Finding]:
    """Functions of more than FUNCTION_LINES_MAX lines; relies on clang-format's layout."""
    for name, text in tree.matching(r"^(src|workers|tests|bench)/.*\.(cpp|hpp)$"):
        lines = text.splitlines()
        for opening, line in enumerate(lines):
            if not (line.endswith("{") and ")" in line):
                continue
            start = signature_start(lines, opening)
            indent = len(lines[start]) - len(lines[start].lstrip())
            if indent not in (0, 4) or CONTROL.match(lines[start]):
                continue
            closing = " " * indent + "}"
            end = next(
                (i for i in range(opening + 1, len(lines)) if lines[i].startswith(closing)), None
            )
            if end is not None and end - start + 1 > FUNCTION_LINES_MAX:
                yield Finding(
                    f"{name}:{start + 1}",
                    f"function of {end - start + 1} lines (at most {FUNCTION_LINES_MAX})",
                )
    for name, text in tree.matching(r"\.py$"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES_MAX:
                    yield Finding(
                        f"{name}:{node.lineno}",
                        f"{node.name}() has {length} lines (at most {FUNCTION_LINES_MAX})",
                    )


def long_files(tree: Tree) -> Iterator[Finding]:
    for name, text in tree.matching(r"\.(cpp|hpp|py|sh)$|^dev$"):
        if (count := text.count("\n")) > FILE_LINES_WARN:
            yield Finding(name, f"{count} lines: is it still one thing?", warning=True)


# Written apart, so that this file passes its own check.
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3]) + r")\b")


def text_hygiene(tree: Tree) -> Iterator[Finding]:
    """Tabs, missing final newlines, marks of unfinished work, trailing blanks."""
    for name, text in tree.files.items():
        if name == "LICENSE":
            continue
        if text and not text.endswith("\n"):
            yield Finding(name, "does not end with a newline")
        for number, line in enumerate(text.splitlines(), 1):
            if "\t" in line:
                yield Finding(f"{name}:{number}", "tab")
            if line != line.rstrip() and not name.endswith(".md"):
                yield Finding(f"{name}:{number}", "blanks at the end of the line")
            if UNFINISHED.search(line):
                yield Finding(f"{name}:{number}", "mark of unfinished work")


STATED = re.compile(r"^Files to touch: (\d+)$", re.MULTILINE)
ITEM = re.compile(r"^(\d+)\. (new|edit) `([^`]+)`", re.MULTILINE)
PATH = re.compile(r"`((?:src|workers|tests|data|docs|tools|packaging|bench|cmake)/[^`\s]+)`")


def howto_pages(tree: Tree) -> Iterator[Finding]:
    """A how-to page states how many files are touched, lists that many, and names real ones.

    The list has one line per file: "1. new `src/catalog/operations/NAME.cpp` …" or
    "2. edit `src/catalog/operations.hpp` …". NAME stands for what the reader chooses.
    """
    for name, text in tree.matching(r"^docs/howto/[a-z].*\.md$"):
        stated = STATED.search(text)
        if not stated:
            yield Finding(name, "does not state 'Files to touch: N' on a line of its own")
            continue
        items = ITEM.findall(text)
        if len(items) != int(stated[1]):
            yield Finding(name, f"states {stated[1]} files to touch and lists {len(items)}")
        for _, kind, path in items:
            if kind == "edit" and not (tree.root / path).is_file():
                yield Finding(name, f"says to edit {path}, which does not exist")
            folder = Path(re.split(r"[A-Z]{4,}", path)[0] + "x").parent
            if kind == "new" and not (tree.root / folder).is_dir():
                yield Finding(name, f"puts a file into {folder}, which does not exist")
        for path in PATH.findall(without_fences(text)):
            if not re.search(r"NAME|MACHINE|BACKEND|\*", path) and not (tree.root / path).exists():
                yield Finding(name, f"names {path}, which does not exist")


CHECKS: list[Callable[[Tree], Iterator[Finding]]] = [
    units_in_names,
    dead_sources,
    links,
    prose_lines,
    changelog,
    long_functions,
    long_files,
    text_hygiene,
    howto_pages,
]


if __name__ == "__main__":
    sys.exit(run_checks(__doc__, Tree.load, CHECKS))
