#!/usr/bin/env python3
"""Checks who includes whom: the layer rule of ARCHITECTURE.md, as a program.

Every `#include` of the C++ code and every `peakward_stage(... DEPENDS ...)` is compared with the
tables below. A folder or a library that no table names is a violation too, so that a new one is a
decision and not an accident. Exit status: 0 clean, 1 violations (one line each), 2 wrong usage.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

VOCABULARY = {"core", "catalog"}
STAGES = {
    "detect", "hardware", "networks", "measure", "score", "store", "import", "analyze", "estimate",
    "present",
}  # fmt: skip

# src/FOLDER may include these folders of src, besides itself.
MAY_INCLUDE: dict[str, set[str]] = {
    "core": set(),
    "catalog": {"core"},
    "detect": VOCABULARY,
    "hardware": VOCABULARY,
    "networks": VOCABULARY,
    "measure": VOCABULARY,
    "score": VOCABULARY | {"hardware"},
    "store": VOCABULARY,
    "import": VOCABULARY,
    "analyze": VOCABULARY | {"hardware"},
    "estimate": VOCABULARY,
    "present": VOCABULARY,
    "session": VOCABULARY | STAGES,
    "cli": {"session", "present", "core"},
    "server": {"store", "analyze", "present", "core"},
}

# A worker knows the protocol and nothing else of src.
WORKER_HEADERS = {"core/worker_protocol.hpp"}
# workers/FOLDER may include these other folders of workers.
WORKER_FOLDERS: dict[str, set[str]] = {
    "sdk": set(),
    "native": {"sdk"},
    "blas": {"sdk"},
    "onednn": {"sdk"},
    "cuda": {"sdk"},
}

# Tests of a stage see what the stage sees. These drive the whole program or both ends of the
# protocol and may include anything.
FREE_TESTS = {"cli", "golden", "session", "workers", "server", "support", "fuzz"}

# Each third-party library lives in one folder, behind our own header (STYLE): pattern of the
# include path -> (library, folders).
LIBRARIES: list[tuple[str, str, tuple[str, ...]]] = [
    (r"fmt/.*", "fmt", ("src/core",)),
    (r"nlohmann/.*", "nlohmann-json", ("src/core",)),
    (r"tl/expected\.hpp", "tl::expected", ("src/core",)),
    (r"openssl/.*", "libcrypto", ("src/core",)),
    (r"CLI/.*", "CLI11", ("src/cli",)),
    (r"sqlite3(ext)?\.h", "SQLite", ("src/store", "tests/store")),
    (r"(onnx|google/protobuf)/.*", "ONNX", ("src/networks",)),
    (r"hwloc(\.h|/.*)", "hwloc", ("src/detect",)),
    (r"re2/.*", "RE2", ("src/hardware",)),
    (r"valijson/.*", "valijson", ("src/hardware",)),
    (r"(gtest|gmock)/.*", "GoogleTest", ("tests",)),
    (r"benchmark/.*", "Google Benchmark", ("bench",)),
    (r"(oneapi/dnnl/)?dnnl.*\.h(pp)?", "oneDNN", ("workers/onednn",)),
    (r"(cuda|cublasLt|nvml)\.h", "CUDA", ("tests/workers",)),
]

# Headers of the C++ library have neither a slash nor an extension.
STANDARD = re.compile(r"[a-z_0-9]+$")
SYSTEM = re.compile(
    r"(sys|linux|asm|arpa|net|netinet)/[a-z_0-9]+\.h$"
    r"|(unistd|fcntl|signal|sched|pthread|poll|dirent|dlfcn|time|errno|spawn|termios|getopt|glob"
    r"|link|elf|libgen|limits|stdint|stdlib|stdio|string|syslog|wait|utime|pwd|locale|langinfo"
    r"|immintrin|x86intrin|cpuid|arm_neon|arm_sve|arm_acle|arm_fp16|arm_bf16)\.h$"
)

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
STAGE = re.compile(r"peakward_(?:stage|tests)\(\s*(\w+)([^)]*)\)")


@dataclass(frozen=True)
class Violation:
    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


def sources(root: Path, patterns: tuple[str, ...]) -> Iterator[Path]:
    """All files of the C++ folders whose name matches one of the patterns, sorted."""
    for top in ("src", "workers", "tests", "bench", "bindings"):
        found: set[Path] = set()
        for pattern in patterns:
            found.update((root / top).rglob(pattern))
        yield from sorted(found)


def home_of(relative: Path) -> tuple[str, str]:
    """("src", "core") for src/core/text.hpp; ("bench", "") for a file right in a top folder."""
    parts = relative.parts
    return parts[0], parts[1] if len(parts) > 2 else ""


def check_library(relative: Path, path: str) -> str | None:
    """The complaint about an include in angle brackets, if any."""
    folder = "/".join(relative.parts[:-1])
    for pattern, library, allowed in LIBRARIES:
        if re.fullmatch(pattern, path):
            if any(folder == a or folder.startswith(a + "/") for a in allowed):
                return None
            return f"includes {library} (<{path}>), which belongs to {' and '.join(allowed)} only"
    if STANDARD.match(path) or SYSTEM.match(path):
        return None
    return f"includes <{path}>, a library that the table LIBRARIES of tools/check_layers.py lacks"


def resolve(root: Path, relative: Path, path: str) -> tuple[str, str] | None:
    """Where a quoted include leads: ("src", "core"), ("workers", "sdk"), …; None: nowhere."""
    if path.startswith("embedded/"):
        return "generated", ""
    bases = [root / relative.parent, root / "src", root / "workers", root / "tests", root / "bench"]
    for base in bases:
        target = (base / path).resolve()
        if target.is_file() and target.is_relative_to(root.resolve()):
            return home_of(target.relative_to(root.resolve()))
    return None


def allowed_of_src(folder: str) -> set[str] | None:
    rule = MAY_INCLUDE.get(folder)
    return None if rule is None else rule | {folder}


def check_quoted(root: Path, relative: Path, path: str) -> str | None:
    """The complaint about an include in quotes, if any."""
    top, folder = home_of(relative)
    target = resolve(root, relative, path)
    if target is None:
        return f'includes "{path}", which is nowhere in the tree'
    target_top, target_folder = target
    if target_top == "generated" or target == (top, folder):
        return None
    if top == "src":
        allowed = allowed_of_src(folder) or set()
        if target_top == "src" and target_folder in allowed:
            return None
        return f'src/{folder} may not include "{path}" (allowed: {names(allowed)})'
    if top == "workers":
        if target_top == "src" and path in WORKER_HEADERS:
            return None
        if target_top == "workers" and target_folder in WORKER_FOLDERS.get(folder, set()):
            return None
        return f'a worker may not include "{path}" (allowed: {names(WORKER_HEADERS)}, its own)'
    if top == "tests":
        if target_top == "tests" or folder in FREE_TESTS or folder == "":
            return None
        allowed = allowed_of_src(folder) or set()
        if target_top == "src" and target_folder in allowed | VOCABULARY:
            return None
        return f'tests/{folder} may not include "{path}" (allowed: {names(allowed)})'
    if top == "bindings":
        if target_top == "src" and target_folder in MAY_INCLUDE["cli"]:
            return None
        return f'bindings may not include "{path}"'
    return None if top == "bench" else f'{top} may not include "{path}"'


def names(values: set[str]) -> str:
    return ", ".join(sorted(values)) or "nothing"


def check_folder(relative: Path) -> str | None:
    top, folder = home_of(relative)
    if top == "src" and folder not in MAY_INCLUDE:
        return f"src/{folder} is in no table of tools/check_layers.py: say what it may include"
    if top == "workers" and folder not in WORKER_FOLDERS:
        return f"workers/{folder} is in no table of tools/check_layers.py"
    if top == "tests" and folder and folder not in set(MAY_INCLUDE) | FREE_TESTS | {"fixtures"}:
        return f"tests/{folder} is in no table of tools/check_layers.py"
    return None


def check_includes(root: Path) -> Iterator[Violation]:
    for path in sources(root, ("*.cpp", "*.hpp", "*.h", "*.inc")):
        relative = path.relative_to(root)
        if "fixtures" in relative.parts:
            continue
        complaint = check_folder(relative)
        if complaint:
            yield Violation(str(relative), complaint)
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            check = check_library(relative, match[2]) if match[1] == "<" else None
            if match[1] == '"':
                check = check_quoted(root, relative, match[2])
            if check:
                yield Violation(f"{relative}:{number}", check)


def check_cmake(root: Path) -> Iterator[Violation]:
    """The link lists of the stages follow the same table."""
    for path in sources(root, ("CMakeLists.txt",)):
        relative = path.relative_to(root)
        if relative.parts[0] != "src":
            continue
        for match in STAGE.finditer(path.read_text(encoding="utf-8")):
            stage, arguments = match[1], match[2].split()
            if "DEPENDS" not in arguments:
                continue
            allowed = allowed_of_src(stage)
            for word in arguments[arguments.index("DEPENDS") + 1 :]:
                if word.isupper():
                    break
                if allowed is not None and word not in allowed:
                    yield Violation(str(relative), f"{stage} may not link {word}")


def check(root: Path) -> list[Violation]:
    """All violations below root, in the order of the files."""
    return [*check_includes(root), *check_cmake(root)]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    root: Path = parser.parse_args().root
    if not (root / "src").is_dir():
        print(f"check_layers: {root} has no src folder", file=sys.stderr)
        return 2
    violations = check(root)
    for violation in violations:
        print(violation)
    if violations:
        print(f"{len(violations)} violations of the layer rule (ARCHITECTURE.md)", file=sys.stderr)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
