"""The BLAS library that this process has loaded: what it is, and its number of threads.

NumPy has no call for either, so the library is found among the files mapped into the process and
asked through ctypes. The names of its functions depend on how it was built: OpenBLAS as Linux
distributions build it has `openblas_set_num_threads`, NumPy's wheels have
`scipy_openblas_set_num_threads64_`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Callable

from .protocol import WorkerError

try:
    import ctypes
except ImportError:  # an interpreter built without libffi
    ctypes = None  # type: ignore[assignment]

LIBRARY = re.compile(r"/lib[^/]*(openblas|blis|mkl_rt|blas|atlas|flexiblas|armpl|nvpl)[^/]*\.so")
OPENBLAS_DIALECTS = [
    (prefix, suffix) for prefix in ("", "scipy_") for suffix in ("", "64_", "_64", "_64_")
]
UNLIMITED = 65536


@dataclass
class Blas:
    """A BLAS library; `set_threads` is None where the library cannot be told."""

    name: str
    file: str
    version: str = ""
    core: str = ""  # the kernels it chose for this CPU
    threading: str = "one thread"
    threads_max: int = 1
    set_threads: Callable[[int], Any] | None = None
    get_threads: Callable[[], int] | None = None
    # Helper threads live only for one call, so their run-queue wait cannot be read afterwards.
    short_lived_threads: bool = False

    def description(self) -> str:
        """ "OpenBLAS 0.3.21 SkylakeX pthreads"."""
        return " ".join(
            part for part in (self.name, self.version, self.core, self.threading) if part
        )

    def versions(self) -> dict[str, str]:
        versions = {"blas_file": self.file, "blas_threading": self.threading}
        if self.core:
            versions["blas_core"] = self.core
        known = {"OpenBLAS": "openblas", "BLIS": "blis", "MKL": "mkl"}
        if self.name in known:
            versions[known[self.name]] = self.version
        else:
            versions["blas"] = self.name
        return versions

    def refuses_threads(self, threads: int) -> str:
        """ "" when this many threads can be had, else the reason."""
        if threads <= self.threads_max:
            return ""
        if self.threads_max == 1:
            return (
                f"{self.name} has no way to set its threads and runs on one; "
                f"{threads} were asked for: pass --threads 1"
            )
        return (
            f"{self.description()} was built for at most {self.threads_max} threads, "
            f"and {threads} were asked for"
        )

    def force_threads(self, threads: int) -> None:
        """Sets the number and reads it back."""
        refusal = self.refuses_threads(threads)
        if refusal:
            raise WorkerError(refusal)
        if self.set_threads is None or self.get_threads is None:
            return
        self.set_threads(threads)
        in_force = self.get_threads()
        if in_force != threads:
            raise WorkerError(
                f"{self.description()} runs {in_force} threads where {threads} were asked for"
            )


def mapped_libraries(maps: str) -> list[str]:
    """Paths of BLAS libraries in the text of /proc/self/maps, in order, each once."""
    paths: list[str] = []
    for line in maps.splitlines():
        fields = line.split(None, 5)
        if len(fields) == 6 and LIBRARY.search(fields[5]) and fields[5] not in paths:
            paths.append(fields[5])
    return paths


def text_from(library: Any, name: str) -> str:
    """What a C function without arguments that returns a string says; "" when it is not there."""
    function = getattr(library, name, None)
    if function is None:
        return ""
    function.restype = ctypes.c_char_p
    return (function() or b"").decode("utf-8", "replace")


def openblas(library: Any, path: str) -> Blas | None:
    for prefix, suffix in OPENBLAS_DIALECTS:

        def named(name: str, prefix: str = prefix, suffix: str = suffix) -> str:
            return prefix + name + suffix

        config = text_from(library, named("openblas_get_config"))
        if not config:
            continue
        words = config.split()
        blas = Blas("OpenBLAS", path, version=words[1] if len(words) > 1 else "")
        blas.core = text_from(library, named("openblas_get_corename"))
        parallel = getattr(library, named("openblas_get_parallel"), lambda: 0)()
        blas.threading = {0: "sequential", 1: "pthreads"}.get(parallel, "OpenMP")
        setter = getattr(library, named("openblas_set_num_threads"), None)
        getter = getattr(library, named("openblas_get_num_threads"), None)
        if parallel and setter and getter:
            blas.set_threads, blas.get_threads = setter, getter
            most = re.search(r"MAX_THREADS=(\d+)", config)
            blas.threads_max = int(most.group(1)) if most else UNLIMITED
        return blas
    return None


def blis(library: Any, path: str) -> Blas | None:
    version = text_from(library, "bli_info_get_version_str")
    if not version:
        return None
    blas = Blas("BLIS", path, version=version, threading="sequential")
    if hasattr(library, "bli_arch_query_id") and hasattr(library, "bli_arch_string"):
        library.bli_arch_string.restype = ctypes.c_char_p
        blas.core = (library.bli_arch_string(library.bli_arch_query_id()) or b"").decode()
    openmp = getattr(library, "bli_info_get_enable_openmp", lambda: 0)()
    pthreads = getattr(library, "bli_info_get_enable_pthreads", lambda: 0)()
    if openmp or pthreads:
        setter, getter = library.bli_thread_set_num_threads, library.bli_thread_get_num_threads
        setter.argtypes, getter.restype = [ctypes.c_int64], ctypes.c_int64
        blas.set_threads, blas.get_threads = setter, getter
        blas.threads_max = UNLIMITED
        blas.threading = "OpenMP" if openmp else "pthreads"
        blas.short_lived_threads = not openmp
    return blas


def mkl(library: Any, path: str) -> Blas | None:
    if not hasattr(library, "MKL_Get_Version_String"):
        return None
    text = ctypes.create_string_buffer(256)
    library.MKL_Get_Version_String(text, 255)
    found = re.search(r"Version (\S+)", text.value.decode("utf-8", "replace"))
    blas = Blas("MKL", path, version=found.group(1) if found else "")
    if hasattr(library, "MKL_Set_Num_Threads") and hasattr(library, "MKL_Get_Max_Threads"):
        library.MKL_Set_Dynamic(0)  # else MKL may take fewer threads than it is told
        blas.set_threads, blas.get_threads = (
            library.MKL_Set_Num_Threads,
            library.MKL_Get_Max_Threads,
        )
        blas.threads_max, blas.threading = UNLIMITED, "OpenMP"
    return blas


def find_blas(maps: str | None = None) -> Blas:
    """The BLAS loaded into this process; import what uses it first.

    One that says what it is goes before one that does not: Debian's libblas.so.3 is a thin shell
    over the libopenblas.so.0 that is mapped beside it.
    """
    if maps is None:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
            maps = file.read()
    paths = mapped_libraries(maps)
    for path in paths:
        if ctypes is None:
            break
        try:
            # Only what is loaded already: a second library must not come in by asking.
            library = ctypes.CDLL(path, mode=os.RTLD_NOLOAD | os.RTLD_NOW)
        except OSError:
            continue
        for identify in (openblas, blis, mkl):
            blas = identify(library, path)
            if blas is not None:
                return blas
    if paths:
        return Blas(os.path.basename(paths[0]), paths[0])
    return Blas("NumPy's own loops", "inside NumPy")
