"""Runs the tests in frameworks/ for one backend in the environment that `./dev frameworks` makes.

`python3 workers/python/tests/run_frameworks.py pytorch|onnxruntime|jax`; without the environment
the exit code is 77, which CTest shows as skipped.
"""

import hashlib
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def interpreter() -> Path:
    """As frameworks_folder in tools/dev/frameworks.sh has it."""
    listed = (HERE.parents[2] / "tools" / "python-frameworks.txt").read_bytes()
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    name = "frameworks-" + hashlib.sha256(listed).hexdigest()[:16]
    return Path(cache) / "peakward" / name / "bin" / "python"


def main() -> int:
    python = interpreter()
    if not python.exists():
        print(f"skipped: {python} is not there; `./dev frameworks` makes it")
        return 77
    environment = dict(os.environ, PEAKWARD_TEST_BACKEND=sys.argv[1])
    os.execve(str(python), [str(python), "-B", str(HERE / "run.py"), "frameworks"], environment)
    return 1


if __name__ == "__main__":
    sys.exit(main())
