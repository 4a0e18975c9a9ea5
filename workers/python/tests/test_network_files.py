"""Networks as folders: what is read of one, and that PyTorch, if there is one, runs its graph."""

from __future__ import annotations

import importlib.util
import json
import struct
import tempfile
import unittest
from pathlib import Path
from typing import Any

from peakward_worker.network_files import NetworkFiles
from peakward_worker.protocol import WorkerError


def node(op: str, name: str, inputs: list[str], **attributes: Any) -> dict[str, Any]:
    return {
        "op": op,
        "name": name,
        "inputs": inputs,
        "outputs": [name + ".out"],
        "attributes": attributes,
    }


# relu(x W) + b of one row of two: W = [[1, 2], [3, 4]], b = [10, 20].
GRAPH = {
    "schema_version": 1,
    "network": "tiny",
    "input": "x",
    "output": "add.out",
    "shapes": {"x": [1, 1, 2], "add.out": [1, 1, 2], "w": [2, 2], "b": [2]},
    "initialisers": [
        {"name": "w", "shape": [2, 2], "type": "fp32", "offset_bytes": 0},
        {"name": "b", "shape": [2], "type": "fp32", "offset_bytes": 64},
    ],
    "nodes": [
        node("MatMul", "product", ["x", "w"]),
        node("Relu", "relu", ["product.out"]),
        node("Add", "add", ["relu.out", "b"]),
    ],
}


def floats(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


class NetworkFolder(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "graph.json").write_text(json.dumps(GRAPH), encoding="utf-8")
        (self.folder / "weights.bin").write_bytes(
            floats(1, 2, 3, 4) + bytes(48) + floats(10, 20) + bytes(56)
        )
        (self.folder / "input.bin").write_bytes(floats(1, -1))
        (self.folder / "output.bin").write_bytes(floats(10, 20))

    def write_graph(self, **changes: Any) -> None:
        text = json.dumps({**GRAPH, **changes})
        (self.folder / "graph.json").write_text(text, encoding="utf-8")


class NetworkFilesTest(NetworkFolder):
    def test_knows_names_shapes_and_bytes(self) -> None:
        files = NetworkFiles(str(self.folder))
        self.assertEqual(
            (files.input_name, files.output_name, files.input_shape), ("x", "add.out", [1, 1, 2])
        )
        self.assertEqual(files.input_bytes(), floats(1, -1))
        self.assertEqual(len(files.weight_bytes()), 128)

    def test_measures_deviation_against_the_largest_element(self) -> None:
        files = NetworkFiles(str(self.folder))
        self.assertEqual(files.deviation([10, 20]), 0)
        self.assertEqual(files.deviation([10, 21]), 0.05)
        self.assertEqual(files.deviation([8, 20]), 0.1)

    def test_takes_what_is_no_answer_for_an_infinite_deviation(self) -> None:
        files = NetworkFiles(str(self.folder))
        for answer in ([float("nan"), 20], [10, float("nan")], [10], [10, 20, 30], []):
            self.assertEqual(files.deviation(answer), float("inf"))

    def test_says_which_file_is_bad(self) -> None:
        (self.folder / "output.bin").unlink()
        with self.assertRaisesRegex(WorkerError, "output.bin cannot be read"):
            NetworkFiles(str(self.folder)).deviation([])
        (self.folder / "graph.json").write_text("{", encoding="utf-8")
        with self.assertRaisesRegex(WorkerError, "graph.json is not JSON"):
            NetworkFiles(str(self.folder))
        (self.folder / "graph.json").write_text("[]", encoding="utf-8")
        with self.assertRaisesRegex(WorkerError, "not a JSON object"):
            NetworkFiles(str(self.folder))


@unittest.skipUnless(importlib.util.find_spec("torch"), "there is no PyTorch here")
class TorchNetworkTest(NetworkFolder):
    def network(self) -> Any:
        import torch  # noqa: PLC0415

        from peakward_worker.network_torch import TorchNetwork  # noqa: PLC0415

        return TorchNetwork(torch, str(self.folder), torch.float32, "cpu")

    def test_runs_the_graph(self) -> None:
        network = self.network()
        output = network.run(network.input())
        self.assertEqual(output.tolist(), [[[10.0, 20.0]]])  # relu(-2, -2) is nothing
        self.assertEqual(network.deviation(output), 0)
        self.assertEqual(network.fused, [])

    def test_calls_a_dense_layer_by_its_name(self) -> None:
        nodes = [GRAPH["nodes"][0], node("Add", "add", ["product.out", "b"])]
        self.write_graph(nodes=nodes)
        network = self.network()
        self.assertEqual(network.fused, ["linear"])
        self.assertEqual(network.run(network.input()).tolist(), [[[8.0, 18.0]]])

    def test_leaves_nodes_apart_whose_results_others_read(self) -> None:
        self.write_graph(
            nodes=[GRAPH["nodes"][0], node("Add", "add", ["product.out", "product.out"])]
        )
        network = self.network()
        self.assertEqual(network.fused, [])
        self.assertEqual(network.run(network.input()).tolist(), [[[-4.0, -4.0]]])

    def test_names_an_operator_that_it_lacks(self) -> None:
        self.write_graph(nodes=[node("Celu", "add", ["x"])])
        with self.assertRaisesRegex(WorkerError, "no operator Celu"):
            self.network()
