"""A worker in a child process, as the host sees it: one side of docs/worker-protocol.md.

For the programs that speak with real workers: bench/gpu_reach.py and tests/workers/gpu_test.py."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PYTHON_WORKER = str(ROOT / "workers/python/peakward_worker/__main__.py")


class WorkerProcess:
    def __init__(self, backend: str, argv: list[str]) -> None:
        self.backend = backend
        self.process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, verb: str, **fields: Any) -> Any:
        """The reply; one with `ok` false where the worker refuses, or has ended."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(dict(fields, id=1, verb=verb)) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return {"ok": False, "error": "the worker ended"}
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"ok": False, "error": "the worker ended"}

    def need(self, verb: str, **fields: Any) -> Any:
        """The reply; a RuntimeError where there is none."""
        reply = self.ask(verb, **fields)
        if not reply["ok"]:
            raise RuntimeError(f"{self.backend}: {reply['error']}")
        return reply

    def case(self, device: str, operation: str, precision: str, shape: dict[str, Any]) -> Any:
        return {
            "operation": operation,
            "precision": precision,
            "shape": shape,
            "device": device,
            "backend": self.backend,
            "threads": 1,
        }

    def end(self) -> None:
        self.process.communicate()
