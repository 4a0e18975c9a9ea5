"""Which library is found, and what it says of its threads."""

from __future__ import annotations

import unittest

import numpy as np

from peakward_worker.blas_threads import Blas, find_blas, mapped_libraries
from peakward_worker.numpy_backend import built_with
from peakward_worker.protocol import WorkerError

MAPS = """\
7f00-7f01 r--p 00000000 08:01 11 /usr/lib/x86_64-linux-gnu/libc.so.6
7f02-7f03 r--p 00000000 08:01 12 /usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3
7f04-7f05 r-xp 00001000 08:01 12 /usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3
7f06-7f07 r--p 00000000 08:01 13 /opt/my env/numpy.libs/libscipy_openblas64_-32a4b2a6.so
7f08-7f09 rw-p 00000000 00:00 0
7f0a-7f0b rw-p 00000000 00:00 0 [heap]
"""


class MappedLibrariesTest(unittest.TestCase):
    def test_finds_each_library_once_also_with_spaces_in_its_path(self) -> None:
        self.assertEqual(
            mapped_libraries(MAPS),
            [
                "/usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3",
                "/opt/my env/numpy.libs/libscipy_openblas64_-32a4b2a6.so",
            ],
        )

    def test_says_so_when_there_is_none(self) -> None:
        blas = find_blas(maps="")
        self.assertEqual(blas.name, "NumPy's own loops")
        self.assertIn("pass --threads 1", blas.refuses_threads(2))

    def test_calls_a_library_that_cannot_be_asked_by_its_file(self) -> None:
        blas = find_blas("7f02-7f03 r--p 00000000 08:01 12 /nowhere/libblas.so.3")
        self.assertEqual((blas.name, blas.file), ("libblas.so.3", "/nowhere/libblas.so.3"))
        self.assertEqual(blas.refuses_threads(1), "")
        self.assertIn("pass --threads 1", blas.refuses_threads(2))


class LoadedBlasTest(unittest.TestCase):
    def test_takes_the_threads_it_is_given_or_refuses(self) -> None:
        np.matmul(np.ones((4, 4)), np.ones((4, 4)))
        blas = find_blas()
        for threads in (2, 1):
            if blas.refuses_threads(threads):
                continue
            blas.force_threads(threads)
            if blas.get_threads is not None:
                self.assertEqual(blas.get_threads(), threads)
        self.assertEqual(blas.refuses_threads(1), "")

    def test_notices_a_library_that_keeps_its_own_number(self) -> None:
        blas = Blas("X", "x.so", threads_max=8, set_threads=lambda _n: None, get_threads=lambda: 1)
        blas.force_threads(1)
        with self.assertRaisesRegex(WorkerError, "runs 1 threads where 2 were asked for"):
            blas.force_threads(2)
        with self.assertRaisesRegex(WorkerError, "at most 8 threads"):
            blas.force_threads(9)


class BuiltWithTest(unittest.TestCase):
    def test_reads_both_forms_of_the_configuration(self) -> None:
        class New:
            class __config__:  # noqa: N801
                CONFIG = {
                    "Build Dependencies": {"blas": {"name": "scipy-openblas", "version": "0.3.31"}}
                }

        class Old:
            class __config__:  # noqa: N801
                blas_opt_info = {"libraries": ["blas", "blas"]}

        class Mute:
            pass

        self.assertEqual(built_with(New), "scipy-openblas 0.3.31")
        self.assertEqual(built_with(Old), "blas")
        self.assertEqual(built_with(Mute), "")
        self.assertIsInstance(built_with(np), str)


if __name__ == "__main__":
    unittest.main()
