"""Runs the graph of a network with PyTorch's functions, in eager mode.

Each node is one call of a function, but for three that people who write PyTorch call by one name:
a dense layer (`linear`), `gelu` and attention (`scaled_dot_product_attention`).
"""

from __future__ import annotations

from typing import Any, Callable, List, NamedTuple

from .network_files import Json, NetworkFiles
from .protocol import WorkerError

Tensor = Any
Arguments = List[Tensor]


class Step(NamedTuple):
    """One call: takes the tensors `inputs`, makes `outputs`; then `last` are read no more."""

    call: Callable[[Arguments], list[Tensor]]
    inputs: list[str]
    outputs: list[str]
    last: list[str]


class Fused(NamedTuple):
    """Nodes in a row that are one function, and what it is called with."""

    name: str
    ops: list[str]


FUSED = (
    Fused("attention", ["MatMul", "Mul", "Softmax", "MatMul"]),
    Fused("gelu", ["Div", "Erf", "Add", "Mul", "Mul"]),
    Fused("linear", ["MatMul", "Add"]),
)


def plain(function: Callable[..., Tensor]) -> Callable[[Any, Json], Any]:
    """A function of all inputs, whatever the node's attributes."""
    return lambda _node, _attributes: lambda inputs: [function(*inputs)]


class TorchNetwork:
    """A network of the catalog on one device in one type.

    `torch` is the module, `folder` what `prepare` names as "network", `dtype` a torch.dtype of
    floating point, `device` a torch.device or its name. `input()` gives the seeded batch there;
    `run` takes it and returns the output, without waiting for the device.
    """

    def __init__(self, torch: Any, folder: str, dtype: Any, device: Any) -> None:
        self.files = NetworkFiles(folder)
        self._torch = torch
        self._dtype = dtype
        self._device = device
        self._integers: dict[str, list[int]] = {}
        self._numbers: dict[str, float] = {}
        self._constants: dict[str, Tensor] = {}
        self._load()
        self.fused: list[str] = []  # "linear", "gelu", "attention": what `run` really calls
        self._steps = self._compile(self.files.graph["nodes"])

    def input(self) -> Tensor:
        """The whole seeded batch."""
        flat = self._torch.frombuffer(self.files.input_bytes(), dtype=self._torch.float32)
        return flat.reshape(self.files.input_shape).to(self._device, self._dtype)

    def run(self, x: Tensor) -> Tensor:
        """The output for a batch as `input` gives it."""
        with self._torch.inference_mode():
            tensors = dict(self._constants)
            tensors[self.files.input_name] = x
            for step in self._steps:
                results = step.call([tensors[name] for name in step.inputs])
                for name in step.last:
                    del tensors[name]
                tensors.update(zip(step.outputs, results))
            return tensors[self.files.output_name]

    __call__ = run

    def deviation(self, output: Tensor) -> float:
        """Largest deviation of an output's first image or sequence, relative to the largest."""
        first = output[0].to("cpu", self._torch.float32)
        return self.files.deviation(first.reshape(-1).tolist())

    # -- loading ---------------------------------------------------------------------------------

    def _load(self) -> None:
        torch = self._torch
        weights = self.files.weight_bytes()
        for tensor in self.files.graph["initialisers"]:
            name, shape = tensor["name"], tensor["shape"]
            if tensor["type"] == "int64":
                self._integers[name] = tensor["values"]
                continue
            count = 1
            for size in shape:
                count *= size
            flat = torch.frombuffer(
                weights, dtype=torch.float32, count=count, offset=tensor["offset_bytes"]
            )
            # A copy: aligned as PyTorch likes it, and free of the file's bytes.
            value = flat.reshape(shape).clone().to(self._device, self._dtype)
            self._constants[name] = value
            if not shape:
                self._numbers[name] = float(flat[0])

    # -- from nodes to calls ---------------------------------------------------------------------

    def _compile(self, nodes: list[Json]) -> list[Step]:
        steps: list[Step] = []
        at = 0
        while at < len(nodes):
            fused = next((f for f in FUSED if self._matches(f, nodes[at : at + len(f.ops)])), None)
            if fused is not None:
                steps.append(self._fused_step(fused, nodes[at : at + len(fused.ops)]))
                if fused.name not in self.fused:
                    self.fused.append(fused.name)
                at += len(fused.ops)
            else:
                steps.append(self._plain_step(nodes[at]))
                at += 1
        return self._with_ends(steps)

    def _matches(self, fused: Fused, nodes: list[Json]) -> bool:
        if [node["op"] for node in nodes] != fused.ops:
            return False
        if fused.name == "linear":
            matrix, bias = nodes[0]["inputs"][1], nodes[1]["inputs"][1]
            if not self._has_rank(matrix, 2) or not self._has_rank(bias, 1):
                return False
        # Each node's result goes into the next, and nowhere else.
        uses: dict[str, int] = {}
        for node in self.files.graph["nodes"]:
            for name in node["inputs"]:
                uses[name] = uses.get(name, 0) + 1
        return all(
            before["outputs"][0] in after["inputs"] and uses[before["outputs"][0]] == 1
            for before, after in zip(nodes, nodes[1:])
        )

    def _has_rank(self, name: str, rank: int) -> bool:
        return name in self._constants and self._constants[name].dim() == rank

    def _fused_step(self, fused: Fused, nodes: list[Json]) -> Step:
        functional = self._torch.nn.functional
        first, last = nodes[0]["inputs"], nodes[-1]
        outputs = last["outputs"]
        if fused.name == "gelu":
            return Step(lambda x: [functional.gelu(x[0])], first[:1], outputs, [])
        if fused.name == "linear":
            # PyTorch keeps the matrix of a dense layer transposed.
            self._constants[first[1]] = self._constants[first[1]].t().contiguous()
            inputs = [*first, last["inputs"][1]]
            return Step(lambda x: [functional.linear(*x)], inputs, outputs, [])
        factor = next(name for name in nodes[1]["inputs"] if name != nodes[0]["outputs"][0])
        scale = self._numbers[factor]

        def attend(x: Arguments) -> list[Tensor]:
            keys = x[1].transpose(-1, -2)  # the graph has them transposed
            return [functional.scaled_dot_product_attention(x[0], keys, x[2], scale=scale)]

        return Step(attend, [*first, last["inputs"][1]], outputs, [])

    def _plain_step(self, node: Json) -> Step:
        make = self._functions().get(node["op"])
        if make is None:
            raise WorkerError(
                f"PyTorch's worker has no operator {node['op']} (node {node['name']})"
            )
        # Integers are arguments, not tensors.
        inputs = [name for name in node["inputs"] if name not in self._integers]
        return Step(make(node, node["attributes"]), inputs, node["outputs"], [])

    def _with_ends(self, steps: list[Step]) -> list[Step]:
        """Fills in `last`, so that a tensor's memory is free once nothing reads it."""
        seen = {self.files.output_name, *self._constants}
        done: list[Step] = []
        for step in reversed(steps):
            last = [name for name in dict.fromkeys(step.inputs) if name not in seen]
            seen.update(last)
            done.append(step._replace(last=last))
        return done[::-1]

    def _functions(self) -> dict[str, Callable[[Any, Json], Any]]:
        torch, functional = self._torch, self._torch.nn.functional
        return {
            "Add": plain(torch.add),
            "Mul": plain(torch.mul),
            "Div": plain(torch.div),
            "Erf": plain(torch.erf),
            "Relu": plain(torch.relu),
            "MatMul": plain(torch.matmul),
            "Gemm": plain(functional.linear),  # transB is what PyTorch always has
            "GlobalAveragePool": plain(lambda x: functional.adaptive_avg_pool2d(x, 1)),
            "Flatten": lambda _, a: lambda x: [torch.flatten(x[0], a["axis"])],
            "Softmax": lambda _, a: lambda x: [torch.softmax(x[0], a["axis"])],
            "Clip": self._clip,
            "Conv": self._conv,
            "MaxPool": self._max_pool,
            "BatchNormalization": self._batch_norm,
            "LayerNormalization": self._layer_norm,
            "Reshape": self._reshape,
            "Expand": self._expand,
            "Transpose": lambda _, a: lambda x: [x[0].permute(a["perm"])],
            "Split": self._split,
            "Concat": lambda _, a: lambda x: [torch.cat(x, a["axis"])],
            "Gather": self._gather,
        }

    def _clip(self, node: Json, _: Json) -> Any:
        low, high = (self._numbers[name] for name in node["inputs"][1:])
        return lambda x: [self._torch.clamp(x[0], low, high)]

    def _conv(self, _: Json, attributes: Json) -> Any:
        stride, pad, groups = attributes["strides"], attributes["pads"][:2], attributes["group"]
        conv2d = self._torch.nn.functional.conv2d
        return lambda x: [conv2d(x[0], x[1], x[2] if len(x) > 2 else None, stride, pad, 1, groups)]

    def _max_pool(self, _: Json, attributes: Json) -> Any:
        size, stride = attributes["kernel_shape"], attributes["strides"]
        pad, pool = attributes["pads"][:2], self._torch.nn.functional.max_pool2d
        return lambda x: [pool(x[0], size, stride, pad)]

    def _batch_norm(self, _: Json, attributes: Json) -> Any:
        norm, epsilon = self._torch.nn.functional.batch_norm, attributes["epsilon"]
        return lambda x: [norm(x[0], x[3], x[4], x[1], x[2], eps=epsilon)]

    def _layer_norm(self, _: Json, attributes: Json) -> Any:
        norm, epsilon = self._torch.nn.functional.layer_norm, attributes["epsilon"]
        return lambda x: [norm(x[0], x[1].shape, x[1], x[2], epsilon)]

    def _reshape(self, node: Json, _: Json) -> Any:
        shape = self._integers[node["inputs"][1]]
        return lambda x: [x[0].reshape(shape)]

    def _expand(self, node: Json, _: Json) -> Any:
        shape = self._integers[node["inputs"][1]]
        return lambda x: [x[0].expand(shape)]

    def _split(self, node: Json, attributes: Json) -> Any:
        parts, axis = len(node["outputs"]), attributes["axis"]
        return lambda x: list(self._torch.chunk(x[0], parts, axis))

    def _gather(self, node: Json, attributes: Json) -> Any:
        index, axis = self._integers[node["inputs"][1]][0], attributes["axis"]
        return lambda x: [x[0].select(axis, index)]
