#!/usr/bin/env python3
"""Checks that every library that the program includes has its notice in packaging/copyright.

Headers without a library behind them are compiled in, and their licences ask for a notice in what
is distributed. Exit status: 0 clean, 1 findings, 2 wrong usage.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from check_layers import INCLUDE, LIBRARIES
from debian_copyright import SPDX_LICENCES, licence_texts, read_notices
from findings import Finding, run_checks


def included_libraries(root: Path) -> dict[str, str]:
    """Library -> the first file of src or workers that includes it."""
    found: dict[str, str] = {}
    paths = [p for top in ("src", "workers") for p in (root / top).rglob("*.[ch]pp")]
    for path in sorted(paths):
        for line in path.read_text("utf-8").splitlines():
            match = INCLUDE.match(line)
            for pattern, library, _ in LIBRARIES if match else ():
                if match and re.fullmatch(pattern, match[2]):
                    found.setdefault(library, path.relative_to(root).as_posix())
    return found


def notices(root: Path) -> Iterator[Finding]:
    """Every library that is included has a paragraph."""
    known = {notice.library for notice in read_notices(root)}
    for library, path in sorted(included_libraries(root).items()):
        if library not in known:
            yield Finding(
                path,
                f"includes {library}, which packaging/copyright does not name: add a paragraph "
                f"whose comment begins with '{library},'",
            )


def licences(root: Path) -> Iterator[Finding]:
    """Every licence that a paragraph names stands in the file, and has a name in SPDX."""
    texts = licence_texts(root)
    for notice in read_notices(root):
        if notice.licence not in texts:
            yield Finding("packaging/copyright", f"has no text of the licence {notice.licence}")
        if notice.licence not in SPDX_LICENCES:
            yield Finding(
                "tools/debian_copyright.py", f"does not know SPDX's name of {notice.licence}"
            )


if __name__ == "__main__":
    sys.exit(run_checks(__doc__, lambda root: root, [notices, licences]))
