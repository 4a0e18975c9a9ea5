"""A Python worker in a child process, as the host sees it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

PACKAGE_FOLDER = str(Path(__file__).resolve().parent.parent)
PROGRAM = str(Path(PACKAGE_FOLDER) / "peakward_worker" / "__main__.py")

SHAPES = {
    "dot": {"n": 1000},
    "axpy": {"n": 1000},
    "gemv": {"m": 60, "n": 100},
    "gemm": {"m": 65, "n": 70, "k": 64},
}


def case(operation: str, precision: str, threads: int = 1) -> dict[str, Any]:
    return {
        "operation": operation,
        "precision": precision,
        "shape": dict(SHAPES.get(operation, {"n": 8})),
        "device": "cpu",
        "backend": "numpy",
        "threads": threads,
    }


def tolerance(operation: str, precision: str) -> float:
    """The catalog's: 16 u sqrt(terms), and 8 u of a result that is shorter than its sum."""
    terms = {"dot": 1000, "axpy": 2, "gemv": 100, "gemm": 64}[operation]
    if precision == "fp16":
        return 16 * float(terms) ** 0.5 * 2.0**-24 + 8 * 2.0**-11
    return 16 * float(terms) ** 0.5 * (2.0**-24 if precision == "fp32" else 2.0**-53)


def prepare_fields(operation: str, precision: str, threads: int = 1) -> dict[str, Any]:
    return {
        "case": case(operation, precision, threads),
        "seed": 12,
        "tolerance": tolerance(operation, precision),
        "cpus": [],
    }


class Partner:
    def __init__(self, *options: str, backend: str = "numpy", **environment: str) -> None:
        env = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
        env.update(environment)
        self._process = subprocess.Popen(
            [sys.executable, *options, PROGRAM, backend],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
        )
        self._id = 0
        self.stderr = ""

    def __enter__(self) -> Partner:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def send(self, line: bytes) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + b"\n")
        self._process.stdin.flush()
        reply = json.loads(self._process.stdout.readline())
        assert isinstance(reply, dict)
        return reply

    def ask(self, verb: str, **fields: Any) -> dict[str, Any]:
        self._id += 1
        reply = self.send(json.dumps(dict(fields, id=self._id, verb=verb)).encode())
        assert reply["id"] == self._id
        return reply

    def wait(self) -> int:
        """Closes its input; the exit code."""
        _, err = self._process.communicate(timeout=120)
        self.stderr = err.decode("utf-8", "replace")
        return self._process.returncode
