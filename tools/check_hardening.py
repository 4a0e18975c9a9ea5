#!/usr/bin/env python3
"""Checks that executables carry Debian's hardening: PIE, RELRO, canaries, fortified calls.

  check_hardening.py EXECUTABLE...

Fortified calls are asked for where a function that the C library can check is called at all.
Branch protection (CET) is not asked for: the start files of Debian 12 lack its mark, so that no
executable has it there. Exit status: 0 all are hardened, 1 findings (one line each), 2 wrong usage.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys

# Functions whose checked form (__read_chk) the C library has: those that this program may call.
CHECKABLE = {
    "fread", "gethostname", "getcwd", "memcpy", "memmove", "memset", "poll", "pread", "pread64",
    "read", "readlink", "realpath", "recv", "snprintf", "sprintf", "strcat", "strcpy", "strncpy",
    "vsnprintf",
}  # fmt: skip


def readelf(executable: str) -> str:
    done = subprocess.run(
        ["readelf", "-hldW", "--dyn-syms", executable], capture_output=True, text=True, check=True
    )
    return done.stdout


def problems_of(text: str) -> list[str]:
    """What the output of readelf lacks."""
    problems = []
    if not re.search(r"Type:\s+DYN", text) or not re.search(r"FLAGS_1.*\bPIE\b", text):
        problems.append("not position-independent (PIE)")
    if "GNU_RELRO" not in text:
        problems.append("no RELRO segment")
    if not re.search(r"BIND_NOW|FLAGS_1.*\bNOW\b", text):
        problems.append("no BIND_NOW: its table of functions stays writable")
    if re.search(r"GNU_STACK.*\bRWE\b", text):
        problems.append("its stack is executable")
    called = set(re.findall(r"\bUND (\w+)", text))
    if "__stack_chk_fail" not in called:
        problems.append("no stack canaries")
    fortified = any(re.fullmatch(r"__\w+_chk", name) for name in called)
    if not fortified and called & CHECKABLE:
        problems.append(f"no fortified calls, but plain {', '.join(sorted(called & CHECKABLE))}")
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("executables", nargs="+")
    found = False
    for executable in parser.parse_args().executables:
        for problem in problems_of(readelf(executable)):
            print(f"{executable}: {problem}")
            found = True
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
