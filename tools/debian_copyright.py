"""Reads packaging/copyright, the one list of what others' code the program has in it.

Its form is Debian's machine-readable one (DEP-5). In the paragraph of a library the comment begins
with the library's name and a comma, and names the Debian package that it comes from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

# Debian's short names of licences -> SPDX's.
SPDX_LICENCES = {
    "Apache-2.0": "Apache-2.0",
    "BSD-2-clause": "BSD-2-Clause",
    "BSD-3-clause-Google": "BSD-3-Clause",
    "BSD-3-clause-Regents": "BSD-3-Clause",
    "BSD-3-clause-hwloc": "BSD-3-Clause",
    "CC0-1.0": "CC0-1.0",
    "Expat": "MIT",
    "public-domain": "blessing",
}


@dataclass(frozen=True)
class Notice:
    files: str
    holders: str
    licence: str  # Debian's short name
    library: str  # "" in the paragraph of the program itself
    package: str  # of Debian; "" where the code stands in this tree
    is_compiled_in: bool


def paragraphs(text: str) -> list[dict[str, str]]:
    """The fields of every paragraph; the lines of a field are joined by line breaks."""
    found = []
    for block in re.split(r"\n\s*\n", text.strip()):
        fields: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            if line.startswith((" ", "\t")):
                fields[name] += "\n" + line.strip()
            else:
                name, _, value = line.partition(":")
                fields[name] = value.strip()
        found.append(fields)
    return found


def read_notices(root: Path) -> list[Notice]:
    notices = []
    for fields in paragraphs((root / "packaging/copyright").read_text("utf-8")):
        if "Files" not in fields:
            continue
        comment = " ".join(fields.get("Comment", "").split())
        package = re.search(r"Debian package ([a-z0-9.+-]+)\)", comment)
        notices.append(
            Notice(
                fields["Files"],
                "; ".join(fields.get("Copyright", "").splitlines()),
                fields.get("License", ""),
                comment.split(",")[0] if "," in comment else "",
                package[1] if package else "",
                not package or "compiled in" in comment,
            )
        )
    return notices


def licence_texts(root: Path) -> set[str]:
    """The short names of the licences that stand in the file with their text."""
    return {
        fields["License"].splitlines()[0]
        for fields in paragraphs((root / "packaging/copyright").read_text("utf-8"))
        if "Files" not in fields and "\n" in fields.get("License", "")
    }
