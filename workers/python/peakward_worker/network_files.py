"""The folder that `prepare` names as "network", read without a framework.

docs/worker-protocol.md describes it.
"""

from __future__ import annotations

import json
import math
import sys
from array import array
from pathlib import Path
from typing import Any, Dict, Iterable

from .protocol import WorkerError

Json = Dict[str, Any]

# The catalog's operations of the layers proxy and models.
NETWORKS = (
    "mlp",
    "resnet_bottleneck",
    "depthwise_separable",
    "attention_block",
    "transformer_encoder",
    "resnet18",
    "resnet50",
    "mobilenet_v2",
    "vit_tiny",
)


def read_bytes(path: Path) -> bytearray:
    try:
        return bytearray(path.read_bytes())
    except OSError as problem:
        raise WorkerError(f"the network's file {path} cannot be read: {problem}") from None


def read_json(path: Path) -> Json:
    try:
        value = json.loads(read_bytes(path))
    except ValueError as problem:
        raise WorkerError(f"the network's file {path} is not JSON: {problem}") from None
    if not isinstance(value, dict):
        raise WorkerError(f"the network's file {path} is not a JSON object")
    return value


class NetworkFiles:
    """Graph, weights, input and the answer to its first image or sequence.

    `input_shape` and `output_shape` are those of the whole batch; bytes are fp32, little-endian.
    """

    def __init__(self, folder: str) -> None:
        if sys.byteorder != "little":
            raise WorkerError("networks are little-endian files, which this machine cannot map")
        self.folder = Path(folder)
        self.graph = read_json(self.folder / "graph.json")
        self.model_path = str(self.folder / "model.onnx")
        self.input_name: str = self.graph["input"]
        self.output_name: str = self.graph["output"]
        self.input_shape: list[int] = self.graph["shapes"][self.input_name]
        self.output_shape: list[int] = self.graph["shapes"][self.output_name]

    def weight_bytes(self) -> bytearray:
        return read_bytes(self.folder / "weights.bin")

    def input_bytes(self) -> bytearray:
        return read_bytes(self.folder / "input.bin")

    def deviation(self, first: Iterable[float]) -> float:
        """The largest deviation from the reference, relative to its largest element.

        `first` are the elements of the answer to the first image or sequence, flat. Infinity when
        one is not a number or there are too many or too few.
        """
        reference = array("f")
        reference.frombytes(bytes(read_bytes(self.folder / "output.bin")))
        answer = list(first)
        if len(answer) != len(reference):
            return math.inf
        largest = max(abs(value) for value in reference)
        worst = 0.0
        for is_value, should_be in zip(answer, reference):
            difference = abs(is_value - should_be)
            if not difference <= worst:  # also where it is NaN
                worst = difference
            if math.isnan(worst):
                return math.inf
        return worst / largest
