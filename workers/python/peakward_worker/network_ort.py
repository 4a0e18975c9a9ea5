"""Runs model.onnx of a network with ONNX Runtime."""

from __future__ import annotations

from typing import Any

from .network_files import NetworkFiles


class OrtNetwork:
    """A session on a network of the catalog, in fp32 as its file is.

    `onnxruntime` and `numpy` are the modules; `providers` are asked for in their order and
    `session.get_providers()` tells which came. `options` are SessionOptions with the threads set.
    """

    def __init__(
        self,
        onnxruntime: Any,
        numpy: Any,
        folder: str,
        providers: list[str],
        options: Any | None = None,
    ) -> None:
        self.files = NetworkFiles(folder)
        self._numpy = numpy
        self.session = onnxruntime.InferenceSession(
            self.files.model_path, sess_options=options, providers=providers
        )

    def input(self) -> Any:
        """The whole seeded batch, an array of the host."""
        flat = self._numpy.frombuffer(self.files.input_bytes(), dtype=self._numpy.float32)
        return flat.reshape(self.files.input_shape)

    def run(self, x: Any) -> Any:
        """The output for a batch as `input` gives it, an array of the host."""
        return self.session.run([self.files.output_name], {self.files.input_name: x})[0]

    __call__ = run

    def deviation(self, output: Any) -> float:
        """Largest deviation of an output's first image or sequence, relative to the largest."""
        return self.files.deviation(output[0].reshape(-1).tolist())
