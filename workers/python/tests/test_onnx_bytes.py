"""The models' bytes, against protobuf's own examples and a reading back."""

from __future__ import annotations

import unittest

from peakward_worker import onnx_bytes as onnx


class OnnxBytesTest(unittest.TestCase):
    def test_encodes_as_the_protobuf_guide_shows(self) -> None:
        self.assertEqual(onnx.whole_field(1, 150), b"\x08\x96\x01")
        self.assertEqual(onnx.text_field(2, "testing"), b"\x12\x07testing")
        self.assertEqual(onnx.varint(-2), b"\xfe" + b"\xff" * 8 + b"\x01")
        self.assertEqual(onnx.float_field(2, 1.0), b"\x15\x00\x00\x80\x3f")

    def test_writes_models_whose_operators_can_be_read(self) -> None:
        nodes = [
            onnx.Node("MatMul", ["a", "b"], ["t"]),
            onnx.Node("Softmax", ["t"], ["y"], {"axis": -1, "some": 0.5, "more": "x", "k": (1, 2)}),
        ]
        given = [onnx.Value(name, onnx.FLOAT, (2, 2)) for name in "ab"]
        constants = [onnx.tensor("c", onnx.INT8, (2,), b"\x01\x02")]
        encoded = onnx.model(13, nodes, given, [onnx.Value("y", onnx.FLOAT, (2, 2))], constants)
        self.assertEqual(onnx.operators(encoded), ["MatMul", "Softmax"])
        graph = dict(onnx.fields(encoded))[7]
        numbers = [number for number, _ in onnx.fields(graph)]
        self.assertEqual(numbers, [1, 1, 2, 5, 11, 11, 12])

    def test_steps_over_fields_that_are_not_bytes(self) -> None:
        message = onnx.whole_field(1, 300) + onnx.float_field(2, 3.0) + onnx.text_field(3, "z")
        self.assertEqual(list(onnx.fields(message)), [(3, b"z")])


if __name__ == "__main__":
    unittest.main()
