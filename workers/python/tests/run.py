"""Runs the tests of this folder or of one below: `python3 workers/python/tests/run.py [FOLDER]`.

Needs NumPy; without it the exit code is 77, which CTest shows as skipped. Finding no test is an
error, which unittest itself calls a success before Python 3.12.
"""

import importlib.util
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> int:
    if importlib.util.find_spec("numpy") is None:
        print(f"skipped: {sys.executable} has no NumPy")
        return 77
    sys.path[:0] = [str(HERE.parent), str(HERE)]
    folder = HERE / (sys.argv[1] if len(sys.argv) > 1 else "")
    suite = unittest.defaultTestLoader.discover(str(folder), pattern="test_*.py")
    if suite.countTestCases() == 0:
        print(f"no tests were found in {folder}")
        return 1
    result = unittest.TextTestRunner(verbosity=1).run(suite)
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.exit(main())
