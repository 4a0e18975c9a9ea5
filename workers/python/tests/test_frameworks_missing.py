"""What a framework's worker says where the framework is missing, broken or of no use."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from framework_cases import SHAPES, case
from partner import PROGRAM, Partner

from peakward_worker.pytorch_backend import PytorchBackend, library_versions

MODULES = {"pytorch": "torch", "onnxruntime": "onnxruntime", "jax": "jax"}
TITLES = {"pytorch": "PyTorch", "onnxruntime": "ONNX Runtime", "jax": "JAX"}

# As much of PyTorch as a hello needs; its driver is broken.
TORCH_WITH_BROKEN_CUDA = """
from types import SimpleNamespace
__version__ = "9.9"
version = SimpleNamespace(cuda="13.0")
def set_num_interop_threads(number): pass
def init(): raise RuntimeError("the NVIDIA driver on your system is too old\\nand more")
cuda = SimpleNamespace(init=init)
__config__ = SimpleNamespace(show=lambda: "Intel(R) MKL-DNN v3.7.1 (Git Hash 8d26)")
"""


# A build for ROCm, whose one device computes.
TORCH_ON_ROCM = """
from types import SimpleNamespace
__version__ = "9.9+rocm6.2"
version = SimpleNamespace(cuda=None, hip="6.2.41133")
float32 = object()
asked = []
class Ones:
    def __matmul__(self, other): return self
    def sum(self): return 64.0**3
def ones(*shape, device):
    assert device == "cuda:0", device
    return Ones()
def set_num_interop_threads(number): pass
cuda = SimpleNamespace(
    init=lambda: None, device_count=lambda: 1,
    get_device_properties=lambda device: SimpleNamespace(
        uuid="8f0a", pci_domain_id=0, pci_bus_id=59, pci_device_id={"cuda:0": 0}[device]))
backends = SimpleNamespace(cudnn=SimpleNamespace(is_available=lambda: False))
__config__ = SimpleNamespace(show=lambda: "")
"""


class FakeModules(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def partner(self, backend: str, text: str, *options: str) -> Partner:
        """A worker that finds this text as its framework."""
        (self.folder / f"{MODULES[backend]}.py").write_text(text)
        return Partner(*options, backend=backend, PYTHONPATH=str(self.folder))

    def error(self, backend: str, text: str, *options: str) -> str:
        with self.partner(backend, text, *options) as partner:
            reply = partner.ask("hello", protocol=1)
            self.assertIs(reply["ok"], False)
            self.assertEqual(partner.wait(), 0)
            return str(reply["error"])

    def test_what_raises_or_exits_is_a_reason(self) -> None:
        text = "import os\nprint('printed')\nos.write(1, b'written')\n"
        for backend, title in TITLES.items():
            error = self.error(backend, text + "raise RuntimeError('no AVX')")
            self.assertEqual(error, f"{title} in {sys.executable} cannot be imported: no AVX")
            error = self.error(backend, text + "raise SystemExit('bye')")
            self.assertIn("cannot be imported: bye", error)
            error = self.error(backend, "import no_such_dependency")
            self.assertIn("cannot be imported: No module named 'no_such_dependency'", error)

    def test_what_dies_ends_the_worker_alone(self) -> None:
        for backend in MODULES:
            with self.partner(backend, "import os\nos._exit(3)") as partner:
                with self.assertRaises(json.JSONDecodeError):  # the end of its stdout
                    partner.ask("hello", protocol=1)
                self.assertEqual(partner.wait(), 3)

    def test_a_framework_without_numpy_says_so(self) -> None:
        # -S -s: no site-packages; the fake is all there is.
        for backend in MODULES:
            error = self.error(backend, "__version__ = '1'", "-S", "-s")
            if "NumPy" not in error:
                self.skipTest("this interpreter finds NumPy without site-packages")
            self.assertIn(f"NumPy is not installed in {sys.executable}", error)

    def test_a_missing_framework_is_named_with_the_way_out(self) -> None:
        for backend, module in MODULES.items():
            with Partner("-S", "-s", backend=backend) as partner:
                reply = partner.ask("hello", protocol=1)
                if reply["ok"]:
                    self.skipTest(f"this interpreter finds {module} without site-packages")
                self.assertIn(f"{TITLES[backend]} is not installed in", reply["error"])
                self.assertIn(f"-m pip install {module}`", reply["error"])

    def test_a_broken_cuda_leaves_the_cpu_and_the_reason(self) -> None:
        with self.partner("pytorch", TORCH_WITH_BROKEN_CUDA) as partner:
            hello = partner.ask("hello", protocol=1)
            self.assertEqual(hello["devices"], ["cpu"])
            reason = "CUDA cannot be used: the NVIDIA driver on your system is too old"
            self.assertEqual(hello["notes"], [reason])
            self.assertEqual(hello["versions"]["onednn"], "3.7.1")
            on_gpu = dict(case("gemm", "fp32", SHAPES["gemm"][0]), device="cuda:0")
            self.assertIn(reason, partner.ask("supports", case=on_gpu)["reason"])

    def test_pytorch_on_rocm_has_devices_of_rocm(self) -> None:
        with self.partner("pytorch", TORCH_ON_ROCM) as partner:
            hello = partner.ask("hello", protocol=1)
            self.assertEqual(hello["devices"], ["cpu", "rocm:0"])
            self.assertNotIn("notes", hello)
            self.assertEqual(hello["versions"]["hip"], "6.2.41133")
            self.assertEqual(hello["device_ids"], {"rocm:0": {"pci": "0000:3b:00.0"}})
            on_gpu = dict(case("gemm", "fp32", SHAPES["gemm"][0]), device="rocm:0")
            self.assertIs(partner.ask("supports", case=on_gpu)["supported"], True)
            tf32 = partner.ask("supports", case=dict(on_gpu, precision="tf32"))
            self.assertIn("not on ROCm", tf32["reason"])
            int16 = dict(on_gpu, precision="int16")
            self.assertIn("CPU only", partner.ask("supports", case=int16)["reason"])


class OldPythonTest(unittest.TestCase):
    def test_is_told_by_every_backend(self) -> None:
        program = (
            "import runpy, sys; sys.version_info = (3, 7, 0, 'final', 0);"
            "runpy.run_path(sys.argv.pop(1), run_name='__main__')"
        )
        for backend in MODULES:
            done = subprocess.run(
                [sys.executable, "-c", program, PROGRAM, backend],
                input=b'{"id":1,"verb":"hello","protocol":1}\n',
                capture_output=True,
                env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1"),
                check=False,
            )
            self.assertEqual(done.returncode, 0, done.stderr)
            error = json.loads(done.stdout)["error"]
            self.assertIn("is Python 3.7, and the workers need 3.8", error)

    def test_answers_while_its_input_is_open(self) -> None:
        """Python 2 reads 8 KiB ahead where a file is iterated: here that ends the worker."""
        program = (
            "import runpy, sys; sys.version_info = (2, 7, 18, 'final', 0)\n"
            "class Reading:\n"
            "    readline = sys.stdin.readline\n"
            "    def __iter__(self): raise SystemExit('waits for more')\n"
            "sys.stdin = Reading()\n"
            "runpy.run_path(sys.argv.pop(1), run_name='__main__')"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, PROGRAM, "numpy"],
            input=b'{"id":1,"verb":"hello","protocol":1}\n',
            capture_output=True,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("is Python 2.7, and the workers need 3.8", json.loads(done.stdout)["error"])

    def test_is_told_by_the_python_2_of_this_machine(self) -> None:
        python2 = shutil.which("python2.7") or shutil.which("python2")
        if not python2 or subprocess.run([python2, "-c", ""], check=False).returncode != 0:
            self.skipTest("there is no Python 2 here")
        with subprocess.Popen(
            [python2, PROGRAM, "numpy"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as worker:
            assert worker.stdin is not None
            assert worker.stdout is not None
            worker.stdin.write(b'{"id":1,"verb":"hello","protocol":1}\n')
            worker.stdin.flush()
            self.assertIn("the workers need 3.8", json.loads(worker.stdout.readline())["error"])


class FakeCuda:
    """Writes down in what order it is used; every pair of events is 1.5 ms apart."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def device(self, _name: str) -> Any:
        return contextlib.nullcontext()

    def synchronize(self) -> None:
        self.told.append("synchronize")

    def Event(self, enable_timing: bool) -> Any:  # noqa: N802 - PyTorch's name
        assert enable_timing
        record = lambda: self.told.append("record")  # noqa: E731
        return SimpleNamespace(record=record, elapsed_time=lambda _end: 1.5)


class CudaBlockTest(unittest.TestCase):
    def test_times_by_events_on_an_empty_queue(self) -> None:
        backend, cuda = PytorchBackend(), FakeCuda()
        backend._torch = SimpleNamespace(cuda=cuda, inference_mode=contextlib.nullcontext)
        block = backend._cuda_block(lambda calls: cuda.told.append(f"{calls} calls"), "cuda:0")
        self.assertEqual(block(7), 1500000)
        wanted = ["synchronize", "record", "7 calls", "record", "synchronize"]
        self.assertEqual(cuda.told, wanted)


class DeviceIdsTest(unittest.TestCase):
    def ids(self, **facts: object) -> dict[str, dict[str, str]]:
        backend = PytorchBackend()
        backend._devices = ["cpu", "cuda:0"]
        properties = lambda _device: SimpleNamespace(name="GPU", **facts)  # noqa: E731
        backend._torch = SimpleNamespace(cuda=SimpleNamespace(get_device_properties=properties))
        return backend.device_ids()

    def test_are_what_this_pytorch_tells(self) -> None:
        self.assertEqual(self.ids(), {})
        self.assertEqual(self.ids(uuid="8f0a"), {"cuda:0": {"uuid": "GPU-8f0a"}})
        address = {"pci_domain_id": 0, "pci_bus_id": 59, "pci_device_id": 0}
        self.assertEqual(self.ids(**address), {"cuda:0": {"pci": "0000:3b:00.0"}})


class LibraryVersionsTest(unittest.TestCase):
    def test_are_read_from_the_configuration_of_pytorch(self) -> None:
        config = (
            "PyTorch built with:\n  - Intel(R) oneAPI Math Kernel Library Version 2024.2-Product\n"
            "  - Intel(R) MKL-DNN v3.7.1 (Git Hash 8d26)\n"
        )
        self.assertEqual(library_versions(config), {"mkl": "2024.2-Product", "onednn": "3.7.1"})
        self.assertEqual(library_versions("nothing"), {})


class DeviceNameTest(unittest.TestCase):
    def test_of_rocm_is_that_of_the_host_outside_and_of_pytorch_inside(self) -> None:
        backend = PytorchBackend()
        self.assertEqual(backend._ours("cuda:1"), "cuda:1")
        backend._hip, backend._kind = "6.2", "rocm"
        self.assertEqual(backend._ours("cuda:1"), "rocm:1")
        self.assertEqual(backend._theirs("rocm:1"), "cuda:1")
        self.assertEqual((backend._ours("cpu"), backend._theirs("cpu")), ("cpu", "cpu"))


if __name__ == "__main__":
    unittest.main()
