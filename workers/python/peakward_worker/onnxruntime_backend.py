"""The backend `onnxruntime`: models of one node, run through IO binding so that no copy is timed.

The weights of a layer are constants of its model, as in a network that is served: ONNX Runtime then
lays them out once. Both matrices of a gemm are inputs, as for every other backend.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Mapping

from . import onnx_bytes as onnx
from .cuda_devices import driver_ids, usable_cuda_devices
from .framework import Arrays, FrameworkBackend, Precisions, Program, block_of
from .onnx_bytes import Node, Value
from .protocol import Case, PrepareRequest, WorkerError
from .shared import first_sentence

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
LAYER = ("fp32", "fp16", "bf16")
PRECISIONS: Precisions = {
    "gemm": ("fp64", "fp32", "tf32", "fp16", "bf16", "int8"),
    "conv2d": (*LAYER, "int8"),
    "pooling": LAYER,
    "batch_norm": LAYER,
    "layer_norm": LAYER,
    "softmax": LAYER,
    "eltwise": LAYER,
    "attention": LAYER,
}
DATA_TYPES = {
    "fp64": onnx.DOUBLE,
    "fp32": onnx.FLOAT,
    "tf32": onnx.FLOAT,
    "fp16": onnx.FLOAT16,
    "bf16": onnx.BFLOAT16,
    "int8": onnx.INT8,
}


@dataclass
class Graph:
    """A case as one ONNX operator."""

    opset: int
    node: Node
    inputs: Mapping[str, tuple[int, ...]]
    output: tuple[int, ...]
    weights: tuple[str, ...]  # the inputs that are constants

    def model(self, what: Case, given: Arrays) -> bytes:
        """Where no values are given, weights are zeros: enough to ask what would run."""
        data_type = DATA_TYPES[what.precision]
        inputs, constants = [], []
        for name, shape in self.inputs.items():
            if name not in self.weights:
                inputs.append(Value(name, data_type, shape))
                continue
            raw = as_given(given[name], what).tobytes() if given else zeros(shape, what)
            constants.append(onnx.tensor(name, data_type, shape, raw))
        out_type = onnx.INT32 if what.precision == "int8" else data_type
        outputs = [Value("y", out_type, self.output)]
        return onnx.model(self.opset, [self.node], inputs, outputs, constants)


def one_node(
    opset: int,
    operator: str,
    inputs: Mapping[str, tuple[int, ...]],
    output: tuple[int, ...],
    weights: tuple[str, ...] = (),
    **attributes: onnx.Attribute,
) -> Graph:
    return Graph(opset, Node(operator, list(inputs), ["y"], attributes), inputs, output, weights)


class OnnxruntimeBackend(FrameworkBackend):
    name, title, module, package = "onnxruntime", "ONNX Runtime", "onnxruntime", "onnxruntime"
    precisions = PRECISIONS
    network_precisions = ("fp32",)  # as model.onnx is

    def set_up(self, module: Any) -> None:
        self._ort = module
        self._devices = ["cpu"]
        self._notes: list[str] = []
        self._session: Any = None
        fatal_only = 4  # what goes wrong comes back as an exception
        module.set_default_logger_severity(fatal_only)
        self._find_cuda()
        if self._devices == ["cpu"]:
            gemm = tuple(p for p in PRECISIONS["gemm"] if p != "tf32")
            self.precisions = {**PRECISIONS, "gemm": gemm}

    def _find_cuda(self) -> None:
        """Every CUDA device on which a session really runs; of others the reason."""
        if CUDA not in self._ort.get_available_providers():
            self._notes.append(f"this build of ONNX Runtime has no {CUDA}")
            return
        devices, notes = usable_cuda_devices(self._try_device)
        self._devices += devices
        self._notes += notes

    def _try_device(self, device: str) -> None:
        self._open(Case("eltwise", "fp32", {"elements": 8, "function": "relu"}, device, 1))

    def versions(self) -> dict[str, str]:
        import numpy  # noqa: PLC0415

        ort = self._ort
        return {
            "onnxruntime": str(ort.__version__),
            "onnxruntime_providers": ", ".join(ort.get_available_providers()),
            "numpy": numpy.__version__,
        }

    def devices(self) -> list[str]:
        return self._devices

    def device_ids(self) -> dict[str, dict[str, str]]:
        return driver_ids(self._devices[1:])

    def notes(self) -> list[str]:
        return self._notes

    def refuses_device(self, what: Case) -> str:
        have = f"onnxruntime runs on {', '.join(self._devices)} here, not on '{what.device}'"
        return f"{have}: {self._notes[0]}" if self._notes else have

    def refuses(self, what: Case) -> str:
        """ONNX Runtime knows what it can run once it has read the model, so it is asked."""
        if what.device == "cpu" and what.precision == "tf32":
            return "tf32 is a precision of CUDA devices"
        try:
            _, ran = self._open(what)
        except WorkerError as problem:
            return str(problem)
        if "Cast" in ran and what.precision in ("fp16", "bf16"):
            return (
                f"{provider_of(what)} of ONNX Runtime {self._ort.__version__} has no "
                f"{what.precision} kernel for {what.operation}: it would compute in fp32 "
                f"between casts ({', '.join(ran)})"
            )
        if what.precision == "bf16":
            return "the Python interface of ONNX Runtime has no bf16 arrays"
        return ""

    def _open(self, what: Case, given: Arrays | None = None) -> tuple[Any, list[str]]:
        """A session of the case, and the operators of the graph that it made of the model."""
        ort, provider = self._ort, provider_of(what)
        options, providers = self._settings(what)
        with tempfile.TemporaryDirectory(prefix="peakward-") as folder:
            path = os.path.join(folder, "optimised.onnx")
            options.optimized_model_filepath = path
            try:
                model = GRAPHS[what.operation](what).model(what, given or {})
                session = ort.InferenceSession(model, options, providers=providers)
            except Exception as problem:  # noqa: BLE001 - ORT's own classes, one per status
                version = f"ONNX Runtime {ort.__version__}"
                raise WorkerError(f"{version} refuses: {sentence_of(problem)}") from None
            with open(path, "rb") as file:
                ran = onnx.operators(file.read())
        if session.get_providers()[0] != provider:
            have = ", ".join(session.get_providers())
            raise WorkerError(f"the session runs on {have} where {provider} was asked for")
        return session, ran

    def _settings(self, what: Case) -> tuple[Any, list[Any]]:
        """Session options and providers: the case's threads and device, and no other."""
        options = self._ort.SessionOptions()
        options.intra_op_num_threads = what.threads
        options.inter_op_num_threads = 1
        if what.device == "cpu":
            return options, [CPU]
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        device_id = int(what.device.rsplit(":", 1)[1])
        use_tf32 = int(what.precision == "tf32")  # on by default, and then fp32 is not fp32
        return options, [(CUDA, {"device_id": device_id, "use_tf32": use_tf32})]

    def build_network(self, what: Case, folder: str) -> Program:
        import numpy as np  # noqa: PLC0415

        from .network_ort import OrtNetwork  # noqa: PLC0415

        options, providers = self._settings(what)
        network = OrtNetwork(self._ort, np, folder, providers, options)
        provider = network.session.get_providers()[0]
        if provider != provider_of(what):
            raise WorkerError(f"the session runs on {provider}, not on {provider_of(what)}")
        device, index = what.device.partition(":")[::2]
        make = partial(
            self._ort.OrtValue.ortvalue_from_numpy, device_type=device, device_id=int(index or 0)
        )
        binding = network.session.io_binding()
        bind_input(binding, network.files.input_name, make(network.input()))
        out = make(np.full(network.files.output_shape, 30000, np.float32))
        binding.bind_ortvalue_output(network.files.output_name, out)
        block, _ = block_of(partial(network.session.run_with_iobinding, binding))

        def answer() -> Any:
            return out.numpy()[0].copy()

        return Program(
            f"ONNX Runtime {self._ort.__version__} {provider} {what.operation}, model.onnx",
            block,
            answer=answer,
            device=lambda: out.device_name() + (f":{index}" if index else ""),
            own_thread=device == "cpu" and what.threads == 1,
        )

    def set_threads(self, request: PrepareRequest) -> None:
        # A session's pool takes the CPUs of the thread that makes it.
        self.cpus.confine(request.cpus)

    def build(self, what: Case, given: Arrays) -> Program:
        session, ran = self._open(what, given)
        threads = session.get_session_options().intra_op_num_threads
        if threads != what.threads:
            raise WorkerError(f"the session has {threads} threads, not {what.threads}")
        device, index = what.device.partition(":")[::2]
        binding = session.io_binding()
        make = partial(self._ort.OrtValue.ortvalue_from_numpy, device_type=device)
        make = partial(make, device_id=int(index or 0))
        for value in session.get_inputs():
            bind_input(binding, value.name, make(as_given(given[value.name], what)))
        out = make(empty_output(session, what))
        binding.bind_ortvalue_output("y", out)
        block, _ = block_of(partial(session.run_with_iobinding, binding))

        def answer() -> Any:
            import numpy as np  # noqa: PLC0415

            result = out.numpy()
            return result.astype(np.float32) if result.dtype == np.float16 else result.copy()

        return Program(
            f"ONNX Runtime {self._ort.__version__} {session.get_providers()[0]} {', '.join(ran)}",
            block,
            answer,
            device=lambda: out.device_name() + (f":{index}" if index else ""),
            own_thread=device == "cpu" and what.threads == 1,
        )


def bind_input(binding: Any, name: str, value: Any) -> None:
    """Binds it for as long as the binding lives.

    A value on the CPU is the memory of its NumPy array, which up to ONNX Runtime 1.22 at least only
    the Python object holds: without it the runs read memory that was freed."""
    binding.bind_ortvalue_input(name, value)
    binding.peakward_held = [*getattr(binding, "peakward_held", []), value]


def provider_of(what: Case) -> str:
    return CPU if what.device == "cpu" else CUDA


def sentence_of(problem: object) -> str:
    """ORT's errors look like "[ONNXRuntimeError] : 9 : NOT_IMPLEMENTED : what happened"."""
    return first_sentence(problem).rsplit(" : ", 1)[-1]


def as_given(array: Any, what: Case) -> Any:
    import numpy as np  # noqa: PLC0415

    return np.ascontiguousarray(array.astype(np.float16) if what.precision == "fp16" else array)


def zeros(shape: tuple[int, ...], what: Case) -> bytes:
    import numpy as np  # noqa: PLC0415

    return bytes(int(np.prod(shape)) * onnx.WIDTHS[DATA_TYPES[what.precision]])


def empty_output(session: Any, what: Case) -> Any:
    """Filled with what no right answer holds: an element left unwritten shows."""
    import numpy as np  # noqa: PLC0415

    kinds = {"fp64": np.float64, "fp16": np.float16, "int8": np.int32}
    poison = 30000
    return np.full(session.get_outputs()[0].shape, poison, kinds.get(what.precision, np.float32))


def sizes(what: Case, *axes: str) -> tuple[int, ...]:
    return tuple(int(what.shape[axis]) for axis in axes)


def gemm(what: Case) -> Graph:
    m, n, k = sizes(what, "m", "n", "k")
    given = {"a": (m, k), "b": (k, n)}
    if what.precision == "int8":
        return one_node(10, "MatMulInteger", given, (m, n))
    return one_node(13, "MatMul", given, (m, n))


def conv2d(what: Case) -> Graph:
    from .operations import Conv2d  # noqa: PLC0415

    n, c, h, w, k, r, s = sizes(what, "n", "c", "h", "w", "k", "r", "s")
    stride, pad, groups = sizes(what, "stride", "pad", "groups")
    integer = what.precision == "int8"
    return one_node(
        10 if integer else 11,
        "ConvInteger" if integer else "Conv",
        {"x": (n, c, h, w), "filters": (k, c // groups, r, s)},
        Conv2d(what.shape).out(),
        weights=("filters",),
        strides=(stride, stride),
        pads=(pad,) * 4,
        group=groups,
    )


def pooling(what: Case) -> Graph:
    from .operations import Pooling  # noqa: PLC0415

    window, stride = sizes(what, "window", "stride")
    return one_node(
        12,
        "MaxPool" if what.shape["mode"] == "max" else "AveragePool",
        {"x": sizes(what, "n", "c", "h", "w")},
        Pooling(what.shape).out(),
        kernel_shape=(window, window),
        strides=(stride, stride),
    )


def batch_norm(what: Case) -> Graph:
    from .operations import BatchNorm  # noqa: PLC0415

    image, channels = sizes(what, "n", "c", "h", "w"), sizes(what, "c")
    given = {"x": image, "scale": channels, "shift": channels, "mean": channels}
    given["variance"] = channels
    weights = ("scale", "shift", "mean", "variance")
    return one_node(15, "BatchNormalization", given, image, weights, epsilon=BatchNorm.epsilon)


def layer_norm(what: Case) -> Graph:
    from .operations import LayerNorm  # noqa: PLC0415

    matrix, row = sizes(what, "rows", "columns"), sizes(what, "columns")
    given = {"x": matrix, "scale": row, "shift": row}
    attributes = {"axis": 1, "epsilon": LayerNorm.epsilon}
    return one_node(17, "LayerNormalization", given, matrix, ("scale", "shift"), **attributes)


def softmax(what: Case) -> Graph:
    matrix = sizes(what, "rows", "columns")
    return one_node(13, "Softmax", {"x": matrix}, matrix, axis=1)


def eltwise(what: Case) -> Graph:
    vector = sizes(what, "elements")
    if what.shape["function"] == "relu":
        return one_node(14, "Relu", {"x": vector}, vector)
    return one_node(20, "Gelu", {"x": vector}, vector)


def attention(what: Case) -> Graph:
    heads = sizes(what, "batch", "heads", "sequence", "head_size")
    return one_node(23, "Attention", {"q": heads, "k": heads, "v": heads}, heads)


GRAPHS: dict[str, Callable[[Case], Graph]] = {
    function.__name__: function
    for function in (gemm, conv2d, pooling, batch_norm, layer_norm, softmax, eltwise, attention)
}
