"""Bound inputs live as long as their binding, also with runtimes that hold none of their memory."""

from __future__ import annotations

import gc
import unittest
import weakref
from types import SimpleNamespace
from typing import Any

import numpy as np

from peakward_worker.onnxruntime_backend import OnnxruntimeBackend, bind_input
from peakward_worker.protocol import Case


class Value:
    """What ortvalue_from_numpy() gives: the only holder of its array."""

    alive: Any = weakref.WeakSet()

    def __init__(self, array: Any) -> None:
        self.array = array
        Value.alive.add(self)

    def device_name(self) -> str:
        return "cpu"


class Binding:
    """As up to ONNX Runtime 1.22: it takes addresses and no references."""

    def bind_ortvalue_input(self, name: str, value: Value) -> None:
        assert name and value.array.size

    bind_ortvalue_output = bind_ortvalue_input


class BindInputTest(unittest.TestCase):
    def setUp(self) -> None:
        Value.alive = weakref.WeakSet()

    def alive(self) -> int:
        gc.collect()
        return len(Value.alive)

    def test_holds_its_values_as_long_as_the_binding_lives(self) -> None:
        binding = Binding()
        for name in ("a", "b"):
            bind_input(binding, name, Value(np.ones(4)))
        self.assertEqual(self.alive(), 2)
        del binding
        self.assertEqual(self.alive(), 0)

    def test_is_how_a_program_binds_its_inputs(self) -> None:
        session = SimpleNamespace(
            io_binding=Binding,
            run_with_iobinding=lambda binding: None,
            get_providers=lambda: ["CPUExecutionProvider"],
            get_session_options=lambda: SimpleNamespace(intra_op_num_threads=1),
            get_inputs=lambda: [SimpleNamespace(name="a"), SimpleNamespace(name="b")],
            get_outputs=lambda: [SimpleNamespace(shape=[2, 2])],
        )
        backend: Any = OnnxruntimeBackend()
        values = SimpleNamespace(ortvalue_from_numpy=lambda array, **_: Value(array))
        backend._ort = SimpleNamespace(__version__="1.22.0", OrtValue=values)
        backend._open = lambda what, given: (session, ["MatMul"])
        given = {"a": np.ones((2, 2), np.float32), "b": np.ones((2, 2), np.float32)}
        program = backend.build(Case("gemm", "fp32", {"m": 2, "n": 2, "k": 2}, "cpu", 1), given)
        self.assertEqual(self.alive(), 3, "two inputs and the output")
        del program
        self.assertEqual(self.alive(), 0)


if __name__ == "__main__":
    unittest.main()
