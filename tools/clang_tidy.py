#!/usr/bin/env python3
"""Runs clang-tidy over our sources in parallel, skipping clean files that did not change.

A file's stamp is the hash of its text, of every header of ours that it includes (from the
compiler's own dependency list), of .clang-tidy, of its compile command and of clang-tidy's version;
it names no absolute path, so clones share their stamps ($XDG_CACHE_HOME/peakward/clang-tidy, as
ccache shares objects). Every file is checked, whatever was found in another, and the last lines
name all that have findings. Exit status: 0 clean, 1 findings.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import functools
import hashlib
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLANG = "clang++-16"
CLANG_TIDY = "clang-tidy-16"


def our_sources(build: Path, only: list[str]) -> list[dict[str, str]]:
    """The entries of the compile database for files of this tree that are not generated."""
    entries = json.loads((build / "compile_commands.json").read_text("utf-8"))
    chosen: dict[str, dict[str, str]] = {}
    for entry in entries:
        path = Path(entry["file"])
        # Tests are left to the warnings of two compilers: GoogleTest alone doubles the time.
        if not any(path.is_relative_to(ROOT / top) for top in ("src", "workers", "bench")):
            continue
        if only and not any(part in path.relative_to(ROOT).as_posix() for part in only):
            continue
        chosen.setdefault(entry["file"], entry)
    return [chosen[name] for name in sorted(chosen)]


def dependencies(entry: dict[str, str]) -> list[Path]:
    """The file and all headers of this tree that it includes, generated ones too."""
    words = shlex.split(entry["command"])
    if Path(words[0]).name == "ccache":
        words = words[1:]
    skip = {"-o": 2, "-c": 1}
    command = [CLANG]
    at = 1
    while at < len(words):
        if words[at] in skip:
            at += skip[words[at]]
            continue
        command.append(words[at])
        at += 1
    done = subprocess.run(
        [*command, "-MM", "-MG"],
        cwd=entry["directory"],
        capture_output=True,
        text=True,
        check=False,
    )
    names = done.stdout.replace("\\\n", " ").split()[1:]
    return [p for p in (Path(entry["directory"], n) for n in names) if p.is_file()]


@functools.cache
def version() -> bytes:
    return subprocess.run([CLANG_TIDY, "--version"], capture_output=True, check=False).stdout


def key_of(entry: dict[str, str]) -> str:
    root = str(ROOT)
    digest = hashlib.sha256(version())
    digest.update((ROOT / ".clang-tidy").read_bytes())
    digest.update(entry["command"].replace(root, "").encode())
    for path in sorted({p.resolve() for p in dependencies(entry)} | {Path(entry["file"])}):
        digest.update(path.as_posix().replace(root, "").encode())
        digest.update(path.read_bytes().replace(root.encode(), b""))
    return digest.hexdigest()


def check(entry: dict[str, str], build: Path, stamps: Path) -> tuple[str, float, str]:
    """(findings or "", seconds, file); a clean file leaves a stamp."""
    start = time.monotonic()
    name = Path(entry["file"]).relative_to(ROOT).as_posix()
    stamp = stamps / key_of(entry)
    if stamp.is_file():
        return "", 0.0, name
    done = subprocess.run(
        [CLANG_TIDY, "--quiet", "-p", str(build), entry["file"]],
        capture_output=True,
        text=True,
        check=False,
    )
    findings = done.stdout.strip()
    if done.returncode != 0 and not findings:
        findings = done.stderr.strip() or f"{CLANG_TIDY} ended with {done.returncode}"
    if done.returncode == 0:
        stamp.write_text(name, "utf-8")
        findings = ""
    return findings, time.monotonic() - start, name


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "tidy")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("only", nargs="*", help="parts of paths; default: every source")
    options = parser.parse_args()
    build = options.build.resolve()
    entries = our_sources(build, options.only)
    if not entries:
        print("clang-tidy: no source matches", file=sys.stderr)
        return 2
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    stamps = Path(cache) / "peakward" / "clang-tidy"
    stamps.mkdir(parents=True, exist_ok=True)
    failed: list[str] = []
    checked = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for findings, seconds, name in pool.map(lambda e: check(e, build, stamps), entries):
            checked += seconds > 0
            if findings:
                failed.append(name)
                print(f"{name} ({seconds:.0f} s)\n{findings}\n", flush=True)
    print(f"clang-tidy: {len(entries)} sources, {checked} checked, {len(failed)} with findings")
    for name in failed:
        print(f"  {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
