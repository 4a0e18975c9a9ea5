"""The worker as the host meets it: a process that talks in lines."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import numpy as np
from partner import PROGRAM, Partner, case, prepare_fields

from peakward_worker.timing import WaitReader

RUN = {"samples": 3, "min_s": 0, "slice_s": 0.0005}


class NumpyWorkerTest(unittest.TestCase):
    def test_says_what_it_is(self) -> None:
        with Partner() as partner:
            reply = partner.ask("hello", protocol=1)
        self.assertEqual(reply["backend"], "numpy")
        self.assertEqual(reply["devices"], ["cpu"])
        self.assertEqual(reply["operations"], ["dot", "axpy", "gemv", "gemm"])
        self.assertEqual(reply["precisions"], ["fp64", "fp32", "fp16", "int32", "int16", "int8"])
        self.assertEqual(reply["versions"]["numpy"], np.__version__)
        self.assertEqual(reply["versions"]["python"], ".".join(map(str, sys.version_info[:3])))

    def test_runs_every_operation(self) -> None:
        with Partner() as partner:
            for operation in ("dot", "axpy", "gemv", "gemm"):
                for precision in ("fp64", "fp32"):
                    with self.subTest(operation=operation, precision=precision):
                        self.run_one(partner, operation, precision)
            self.assertEqual(partner.ask("shutdown")["ok"], True)
            self.assertEqual(partner.wait(), 0)

    def test_multiplies_in_loops_of_its_own_in_every_other_precision(self) -> None:
        with Partner() as partner:
            for precision in ("fp16", "int32", "int16", "int8"):
                with self.subTest(precision=precision):
                    fields = prepare_fields("gemm", precision)
                    self.assertTrue(partner.ask("supports", **fields)["supported"])
                    self.assertTrue(partner.ask("prepare", **fields)["correct"])
                    self.assertGreaterEqual(len(partner.ask("run", **RUN)["samples"]), 3)

    def test_what_is_slow_is_not_measured_and_never_unsupported(self) -> None:
        with Partner() as partner:
            for precision in ("fp16", "int32", "int16", "int8"):
                with self.subTest(precision=precision):
                    what = dict(case("gemm", precision), shape=dict.fromkeys("mnk", 1024))
                    reply = partner.ask("supports", case=what)
                    self.assertIs(reply["supported"], False)
                    self.assertIs(reply["not_measured"], True)
                    self.assertRegex(reply["reason"], r"^not measured \(slow\).* GOPS, below 50$")
                    threads = partner.ask("supports", case=case("gemm", precision, threads=2))
                    self.assertIs(threads["not_measured"], True)

    def run_one(self, partner: Partner, operation: str, precision: str) -> None:
        fields = prepare_fields(operation, precision)
        self.assertTrue(partner.ask("supports", **fields)["supported"])
        before_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        prepared = partner.ask("prepare", **fields)
        self.assertTrue(prepared["ok"] and prepared["correct"], prepared)
        self.assertEqual(prepared["device"], "cpu")
        self.assertIn(np.__version__, prepared["implementation"])
        samples = partner.ask("run", **RUN)["samples"]
        self.assertGreaterEqual(len(samples), 3)
        end_ns = before_ns
        for thread, start_ns, wall_ns, cpu_ns, switches, _, iterations, clock_hz in samples:
            self.assertGreaterEqual(start_ns, end_ns)  # CLOCK_MONOTONIC, as here
            end_ns = start_ns + wall_ns
            self.assertGreater(wall_ns, 0)
            self.assertGreaterEqual(cpu_ns, 0)
            self.assertGreaterEqual(switches, 0)
            self.assertEqual(iterations, int(iterations))
            self.assertGreaterEqual(iterations, 1)
            self.assertEqual((thread, clock_hz), (0, 0))
        self.assertLessEqual(end_ns, time.clock_gettime_ns(time.CLOCK_MONOTONIC))
        self.assertTrue(partner.ask("release")["ok"])

    def test_sees_a_planted_wrong_answer(self) -> None:
        with Partner(PEAKWARD_PLANT="wrong_answer") as partner:
            for operation in ("dot", "axpy", "gemv", "gemm"):
                for precision in ("fp64", "fp32"):
                    reply = partner.ask("prepare", **prepare_fields(operation, precision))
                    self.assertIs(reply["correct"], False, (operation, precision, reply))

    def test_tells_nothing_of_the_caller_where_helpers_work(self) -> None:
        with Partner() as partner:
            fields = prepare_fields("gemm", "fp64", threads=2)
            if not partner.ask("supports", **fields)["supported"]:
                self.skipTest("this NumPy's BLAS runs on one thread")
            self.assertTrue(partner.ask("prepare", **fields)["correct"])
            sample = partner.ask("run", **RUN)["samples"][0]
            self.assertEqual(sample[3], -1)

    def test_gives_the_reason_when_a_case_cannot_be_run(self) -> None:
        huge = dict.fromkeys("mnk", 2000000000)
        refused = [
            (case("conv2d", "fp32"), "no operation 'conv2d'"),
            (case("dot", "fp16"), "fp64, fp32, not in 'fp16'"),
            (dict(case("dot", "fp32"), device="cuda:0"), "not on 'cuda:0'"),
            (case("axpy", "fp32", threads=2), "own loops run on one thread"),
            (dict(case("dot", "fp32"), shape={"n": 0}), "whole numbers from 1"),
            (dict(case("dot", "fp32"), shape={"n": "many"}), "whole numbers from 1"),
            (dict(case("gemm", "fp32"), shape={"m": 8, "n": 8}), "m, n, k"),
            (dict(case("dot", "fp32"), shape={"n": 8, "k": 8}), "no other axes"),
            (dict(case("gemm", "fp64"), shape=huge), "take a smaller one"),
        ]
        with Partner() as partner:
            for what, reason in refused:
                with self.subTest(reason=reason):
                    reply = partner.ask("supports", case=what)
                    self.assertIs(reply["supported"], False)
                    self.assertIn(reason, reply["reason"])
                    fields = dict(prepare_fields("dot", "fp32"), case=what)
                    self.assertIn(reason, partner.ask("prepare", **fields)["error"])

    def test_refuses_a_cpu_it_may_not_use(self) -> None:
        with Partner() as partner:
            fields = dict(prepare_fields("dot", "fp32"), cpus=[1000])
            self.assertIn("CPU 1000 does not exist", partner.ask("prepare", **fields)["error"])
            fields["cpus"] = [min(os.sched_getaffinity(0))]
            self.assertTrue(partner.ask("prepare", **fields)["ok"])

    def test_goes_on_after_garbage_and_ends_with_the_input(self) -> None:
        with Partner() as partner:
            self.assertIn("not JSON", partner.send(b"garbage")["error"])
            self.assertIn("not JSON", partner.send(b"x" * (17 << 20))["error"])
            self.assertTrue(partner.ask("release")["ok"])
            self.assertEqual(partner.wait(), 0)


class StrayPrintsTest(unittest.TestCase):
    def test_keeps_prints_of_imported_libraries_off_the_protocol(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            # A numpy that prints, also past Python, and then is no NumPy.
            text = (
                "import os\nprint('printed')\nos.write(1, b'written')\nraise RuntimeError('broken')"
            )
            (Path(folder) / "numpy.py").write_text(text)
            with Partner(PYTHONPATH=folder) as partner:
                reply = partner.ask("hello", protocol=1)
                self.assertIs(reply["ok"], False)
                self.assertIn("cannot be imported: broken", reply["error"])
                self.assertEqual(partner.wait(), 0)
                self.assertIn("written", partner.stderr)

    def test_runs_nothing_of_the_current_folder(self) -> None:
        """Neither what it would import nor what its name promises, nor what Python itself needs."""
        modules = ("numpy", "types", "json", "os", "importlib", "runpy", "random", "readline")
        text = "import sys; sys.stderr.write('taken'); raise RuntimeError('taken')"
        with tempfile.TemporaryDirectory() as folder:
            for module in (*modules, "sitecustomize", "usercustomize"):
                (Path(folder) / f"{module}.py").write_text(text)
            (Path(folder) / "peakward_worker").mkdir()
            (Path(folder) / "peakward_worker" / "__init__.py").write_text(text)
            here = os.getcwd()
            os.chdir(folder)
            try:
                for settings in ({}, {"PYTHONINSPECT": "1"}, {"PYTHONSAFEPATH": "1"}):
                    with Partner(**settings) as partner:
                        self.assertTrue(partner.ask("hello", protocol=1)["ok"])
                        partner.wait()
                        self.assertNotIn("taken", partner.stderr)
            finally:
                os.chdir(here)

    def test_takes_no_package_of_its_name_from_pythonpath(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for module in ("peakward_worker", "protocol", "timing"):
                (Path(folder) / f"{module}.py").write_text("raise RuntimeError('taken')")
            with Partner(PYTHONPATH=folder) as partner:
                self.assertTrue(partner.ask("hello", protocol=1)["ok"])

    def test_leaves_its_modules_with_common_names_to_itself(self) -> None:
        """`import timing` of a framework must not find the worker's own."""
        probe = "import importlib.util as u, sys; sys.stderr.write(str(u.find_spec('timing')))"
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "numpy.py").write_text(probe)
            with Partner(PYTHONPATH=folder) as partner:
                partner.ask("hello", protocol=1)
                partner.wait()
                self.assertIn("None", partner.stderr)


class WithoutNumpyTest(unittest.TestCase):
    def test_names_the_interpreter_and_the_way_out(self) -> None:
        # -S -s: no site-packages; the standard library alone.
        with Partner("-S", "-s") as partner:
            reply = partner.ask("hello", protocol=1)
            if reply["ok"]:
                self.skipTest("this interpreter finds NumPy without site-packages")
            self.assertIn(f"NumPy is not installed in {sys.executable}", reply["error"])
            self.assertIn("-m pip install numpy", reply["error"])
            self.assertEqual(partner.wait(), 0)


class ProgramTest(unittest.TestCase):
    def test_refuses_an_unknown_backend(self) -> None:
        done = subprocess.run(
            [sys.executable, PROGRAM, "fortran"],
            capture_output=True,
            check=False,
        )
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"usage:", done.stderr)

    def test_dies_with_its_parent(self) -> None:
        """Also in the middle of a verb, when it does not read its input."""
        import_that_hangs = "import os, time\nos.write(2, b'r')\ntime.sleep(600)"
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "numpy.py").write_text(import_that_hangs)
            parent = (
                "import os, subprocess, sys\n"
                "ready, told = os.pipe()\n"
                "child = subprocess.Popen([sys.executable, sys.argv[3], 'numpy'],\n"
                "    stdin=int(sys.argv[1]), stdout=int(sys.argv[2]), stderr=told,\n"
                "    pass_fds=[int(sys.argv[2])])\n"
                "os.read(ready, 1)\n"
            )
            input_read, input_write = os.pipe()
            alive_read, alive_write = os.pipe()
            os.write(input_write, b'{"id":1,"verb":"hello","protocol":1}\n')
            subprocess.run(
                [sys.executable, "-c", parent, str(input_read), str(alive_write), PROGRAM],
                pass_fds=[input_read, alive_write],
                env=dict(os.environ, PYTHONPATH=folder, PYTHONDONTWRITEBYTECODE="1"),
                check=True,
            )
            os.close(alive_write)
            # The end of file says that the worker, who held the last write end, is gone.
            ended, _, _ = select.select([alive_read], [], [], 60)
            self.assertTrue(ended, "the worker still lives")
            self.assertEqual(os.read(alive_read, 1), b"")
            for descriptor in (input_read, input_write, alive_read):
                os.close(descriptor)


class WaitReaderTest(unittest.TestCase):
    def test_never_falls(self) -> None:
        reader = WaitReader()
        last = reader.total_ns()
        for _ in range(20):
            now = reader.total_ns()
            self.assertGreaterEqual(now, last)
            last = now


if __name__ == "__main__":
    unittest.main()
