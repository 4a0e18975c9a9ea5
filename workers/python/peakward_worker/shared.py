"""What backends share: importing what may not be there, and the sentences that refuse a case."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

from .protocol import WorkerError
from .timing import confine_to

AXIS_MAX = (1 << 31) - 1  # beyond, a BLAS needs 64-bit integers
MEMORY_SHARE_MAX = 0.8  # of what is available: the rest of the system lives too


def import_or_refuse(module: str, title: str, package: str) -> Any:
    """The module, or a WorkerError that says how to get it or why it is broken."""
    here = sys.executable
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as problem:
        if problem.name == module:
            raise WorkerError(
                f"{title} is not installed in {here}: "
                f"install it with `{here} -m pip install {package}`"
            ) from None
        raise WorkerError(f"{title} in {here} cannot be imported: {problem}") from None
    except (Exception, SystemExit) as problem:  # a broken library raises whatever it likes
        raise WorkerError(f"{title} in {here} cannot be imported: {problem}") from None


def import_numpy() -> Any:
    return import_or_refuse("numpy", "NumPy", "numpy")


def first_sentence(problem: object) -> str:
    """What a library says went wrong, without the pages that may follow."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(problem).__name__


def available_bytes() -> int | None:
    """What new buffers may take (MemAvailable); None when the kernel does not tell."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return None


def refuses_bytes(needed: int) -> str:
    """ "" when so many bytes can be had, else the reason."""
    available = available_bytes()
    if available is None or needed <= MEMORY_SHARE_MAX * available:
        return ""
    return (
        f"this shape needs {needed * 1e-9:.2f} GB of memory, "
        f"and {available * 1e-9:.2f} GB are available: take a smaller one"
    )


class Cpus:
    """The CPUs that this process may use, as they were when it started."""

    def __init__(self) -> None:
        self.at_start = sorted(os.sched_getaffinity(0))

    def confine(self, cpus: list[int]) -> None:
        """All threads to these, or where empty to those of the start."""
        for cpu in cpus:
            if cpu not in self.at_start:
                raise WorkerError(f"CPU {cpu} does not exist or may not be used by this process")
        confine_to(cpus, self.at_start)
