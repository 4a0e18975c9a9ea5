#!/usr/bin/env python3
"""One history made for real: the same matrix product through seven software stacks on one machine.

    examples/software-impact/measure.py [--peakward build/release/bin/peakward] [--db history.db]
        [--repeats 2]

Three BLAS libraries (Debian's reference BLAS, BLIS and OpenBLAS, unpacked into the cache and not
installed), two versions of NumPy and two of ONNX Runtime (virtual environments in the cache, from
the Python package index). Everything else is held: one thread, one seed, one suite, one interpreter
binary. check.py proves from the database that it was."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "peakward"
FOLDER = CACHE / "software-impact"

# Debian 12's packages, and the library in each.
LIBRARIES = {
    "libblas3": "blas/libblas.so.3",
    "libblis4-pthread": "blis-pthread/libblis.so.4",
    "libopenblas0-pthread": "openblas-pthread/libopenblas.so.0",
}
NUMPY = ("numpy==1.26.4",)
# Beside ONNX Runtime stands one and the same NumPy.
ENVIRONMENTS = {
    "numpy-1.26.4": NUMPY,
    "numpy-2.2.6": ("numpy==2.2.6",),
    "onnxruntime-1.17.3": ("onnxruntime==1.17.3", *NUMPY),
    "onnxruntime-1.22.0": ("onnxruntime==1.22.0", *NUMPY),
}


class Trouble(Exception):
    """One sentence for the user."""


@dataclass
class Stack:
    backend: str
    python: str
    more: list[str] = field(default_factory=list)


def run(argv: list[str], what: str, cwd: Path | None = None) -> None:
    done = subprocess.run(
        argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=cwd
    )
    if done.returncode != 0:
        last = (done.stdout.strip().splitlines() or ["it said nothing"])[-1]
        raise Trouble(f"{what}: {argv[0]} ended with {done.returncode}: {last}")


def library(package: str) -> str:
    """The path of a Debian package's library, unpacked into the cache."""
    folder = FOLDER / package
    if not folder.is_dir():
        with tempfile.TemporaryDirectory(dir=FOLDER) as aside:
            run(["apt-get", "download", "-q", package], f"fetching {package}", Path(aside))
            archive = next(Path(aside).glob("*.deb"))
            run(["dpkg-deb", "-x", str(archive), f"{aside}/root"], f"unpacking {package}")
            (Path(aside) / "root").rename(folder)
    found = next(folder.glob(f"usr/lib/*/{LIBRARIES[package]}"), None)
    if found is None:
        raise Trouble(f"{folder}: has no {LIBRARIES[package]}; remove it and run this again")
    return str(found)


def environment(name: str) -> str:
    """The interpreter of a virtual environment, made aside and renamed when it is whole."""
    folder = FOLDER / name
    if not (folder / "bin/python").exists():
        with tempfile.TemporaryDirectory(dir=FOLDER) as aside:
            made = Path(aside) / name
            run([sys.executable, "-m", "venv", str(made)], f"making the environment {name}")
            pip = [str(made / "bin/python"), "-m", "pip", "install", "--disable-pip-version-check"]
            run([*pip, "-q", *ENVIRONMENTS[name]], f"installing {name}")
            made.rename(folder)
    return str(folder / "bin/python")


def stacks() -> list[Stack]:
    FOLDER.mkdir(parents=True, exist_ok=True)
    plain = environment("numpy-1.26.4")
    found = [Stack("blas", plain, ["--blas-library", library(name)]) for name in LIBRARIES]
    for name in ENVIRONMENTS:
        found.append(Stack(name.split("-")[0], environment(name)))
    return found


def calibrate(peakward: str, stack: Stack, database: str, force: bool) -> None:
    argv = [peakward, "calibrate", "--quick", "--operations", "gemm", "--precision", "fp32"]
    argv += ["--threads", "1", "--seed", "1", "--backend", stack.backend, "--python", stack.python]
    argv += [*stack.more, "--db", database, "--quiet", "--format", "csv"]
    print("  " + " ".join(argv[1:-3]), flush=True)
    done = subprocess.run(argv + (["--force"] if force else []), stdout=subprocess.DEVNULL)
    if done.returncode != 0:
        raise Trouble(f"peakward ended with {done.returncode}; nothing was kept")


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--peakward", default=str(ROOT / "build/release/bin/peakward"))
    parser.add_argument("--db", default=str(HERE / "history.db"))
    parser.add_argument("--repeats", type=int, default=2, help="rounds over all stacks")
    parser.add_argument("--force", action="store_true", help="also where preflight fails; flagged")
    options = parser.parse_args()
    target = Path(options.db).resolve()
    try:
        if target.exists():
            raise Trouble(f"{target} exists; move it away, or name another with --db")
        found = stacks()
        with tempfile.TemporaryDirectory(dir=target.parent) as aside:
            database = str(Path(aside) / "history.db")
            for _ in range(options.repeats):  # in turns, so that a drift meets all stacks alike
                for stack in found:
                    calibrate(options.peakward, stack, database, options.force)
            Path(database).rename(target)
    except (Trouble, OSError) as trouble:
        print(f"measure.py: {trouble}", file=sys.stderr)
        return 1
    print(f"{target}: {options.repeats * len(found)} runs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
