"""The backend `pytorch`: operations as PyTorch's users call them, on the CPU and on CUDA."""

from __future__ import annotations

import re
from functools import partial
from typing import Any, Callable, Sequence, Tuple

from .cuda_devices import usable_cuda_devices
from .framework import Arrays, Call, FrameworkBackend, Precisions, Program, block_of
from .protocol import Case, PrepareRequest, WorkerError
from .shared import first_sentence

LAYER = ("fp32", "fp16", "bf16")
FP8 = ("fp8_e4m3", "fp8_e5m2")
ONLY_GPU = ("tf32", *FP8)
ONLY_CPU = ("int32", "int16")
PRECISIONS: Precisions = {
    "dot": ("fp64", "fp32"),
    "axpy": ("fp64", "fp32"),
    "gemv": ("fp64", "fp32"),
    "gemm": ("fp64", "fp32", "tf32", "fp16", "bf16", *FP8, *ONLY_CPU, "int8"),
    "conv2d": LAYER,
    "pooling": LAYER,
    "batch_norm": LAYER,
    "layer_norm": LAYER,
    "softmax": LAYER,
    "eltwise": LAYER,
    "attention": LAYER,
}
DTYPES = {
    "fp64": "float64",
    "fp32": "float32",
    "tf32": "float32",
    "fp16": "float16",
    "bf16": "bfloat16",
    "fp8_e4m3": "float8_e4m3fn",
    "fp8_e5m2": "float8_e5m2",
    "int32": "int32",
    "int16": "int16",
    "int8": "int8",
}
Tensors = Any  # dict of torch.Tensor
Calls = Tuple[Sequence[Call], str]  # made in turn, and what they are


def library_versions(config: str) -> dict[str, str]:
    """MKL and oneDNN as torch.__config__.show() names them."""
    versions = {}
    for name, pattern in (
        ("mkl", r"Math Kernel Library Version (\S+)"),
        ("onednn", r"MKL-DNN v(\S+)|oneDNN v(\S+)"),
    ):
        found = re.search(pattern, config)
        if found:
            versions[name] = next(group for group in found.groups() if group)
    return versions


class PytorchBackend(FrameworkBackend):
    name, title, module, package = "pytorch", "PyTorch", "torch", "torch"
    precisions = PRECISIONS
    network_precisions = LAYER
    # PyTorch calls AMD's devices "cuda" too, in a build for ROCm.
    _hip: Any = None
    _kind = "cuda"

    def set_up(self, module: Any) -> None:
        self._torch = module
        self._devices = ["cpu"]
        self._notes: list[str] = []
        module.set_num_interop_threads(1)  # possible once, before any work
        self._hip = getattr(module.version, "hip", None)
        self._kind = "rocm" if self._hip else "cuda"
        self._find_gpus()
        if self._devices == ["cpu"]:
            gemm = tuple(p for p in PRECISIONS["gemm"] if p not in ONLY_GPU)
            self.precisions = {**PRECISIONS, "gemm": gemm}

    def _find_gpus(self) -> None:
        """Every device of CUDA or ROCm that really computes; of the others the reason."""
        torch = self._torch
        if torch.version.cuda is None and not self._hip:
            self._notes.append(f"PyTorch {torch.__version__} is built without CUDA and ROCm")
            return
        try:
            torch.cuda.init()
            count = torch.cuda.device_count()
        except Exception as problem:  # noqa: BLE001 - a broken driver raises whatever it likes
            title = "ROCm" if self._hip else "CUDA"
            self._notes.append(f"{title} cannot be used: {first_sentence(problem)}")
            return
        devices, notes = usable_cuda_devices(self._try_device, count)
        self._devices += [self._ours(device) for device in devices]
        self._notes += [self._ours(note) for note in notes]

    def _ours(self, text: str) -> str:
        """A device of PyTorch by the name that the host has for it: "rocm:0"."""
        return re.sub(r"^cuda\b", self._kind, text)

    def _theirs(self, device: str) -> str:
        return re.sub(r"^rocm\b", "cuda", device)

    def _try_device(self, device: str) -> None:
        torch = self._torch
        ones = torch.ones(64, 64, device=device)
        total = float((ones @ ones).sum())  # .sum() on the host waits for the kernels
        if total != 64.0**3:
            raise WorkerError(f"a product of ones gave {total:g}, not {64**3}")

    def versions(self) -> dict[str, str]:
        torch = self._torch
        versions = {"torch": str(torch.__version__), **library_versions(torch.__config__.show())}
        if torch.version.cuda:
            versions["cuda"] = str(torch.version.cuda)
        if self._hip:
            versions["hip"] = str(self._hip)
        if len(self._devices) > 1 and torch.backends.cudnn.is_available():
            versions["cudnn"] = str(torch.backends.cudnn.version())
        return versions

    def devices(self) -> list[str]:
        return self._devices

    def device_ids(self) -> dict[str, dict[str, str]]:
        """What this PyTorch tells: older ones tell neither."""
        ids: dict[str, dict[str, str]] = {}
        for device in self._devices[1:]:
            facts = self._torch.cuda.get_device_properties(self._theirs(device))
            parts = [getattr(facts, f"pci_{part}_id", None) for part in ("domain", "bus", "device")]
            known: dict[str, str] = {}
            numbers = [int(part) for part in parts if part is not None]
            if len(numbers) == len(parts):
                known["pci"] = "{:04x}:{:02x}:{:02x}.0".format(*numbers)
            if hasattr(facts, "uuid") and not self._hip:
                known["uuid"] = f"GPU-{facts.uuid}"
            if known:
                ids[device] = known
        return ids

    def notes(self) -> list[str]:
        return self._notes

    def refuses_device(self, what: Case) -> str:
        have = f"pytorch runs on {', '.join(self._devices)} here, not on '{what.device}'"
        return f"{have}: {self._notes[0]}" if self._notes else have

    def refuses(self, what: Case) -> str:
        torch, on_cpu = self._torch, what.device == "cpu"
        reason = self._refuses_on(what, on_cpu)
        if reason:
            return reason
        if not hasattr(torch, DTYPES[what.precision]):
            return f"PyTorch {torch.__version__} has no type {DTYPES[what.precision]}"
        needed = {"int8": "_int_mm", "fp8_e4m3": "_scaled_mm", "fp8_e5m2": "_scaled_mm"}
        call = needed.get(what.precision)
        if call and not hasattr(torch, call):
            return f"PyTorch {torch.__version__} has no torch.{call}"
        if what.operation == "attention" and not self._has_attention():
            return f"PyTorch {torch.__version__} has no scaled_dot_product_attention: 2.0 has"
        return "" if on_cpu or not call else self._refuses_sizes(what)

    def _refuses_on(self, what: Case, on_cpu: bool) -> str:
        """Why a precision is not for this kind of device, or an empty text."""
        if on_cpu and what.precision in ONLY_GPU:
            return f"PyTorch computes gemm in {what.precision} on CUDA only"
        if not on_cpu and what.precision in ONLY_CPU:
            return f"PyTorch multiplies matrices of {what.precision} on the CPU only"
        if self._hip and what.precision == "tf32":
            return "PyTorch computes gemm in tf32 on CUDA only, not on ROCm"
        return ""

    @staticmethod
    def _refuses_sizes(what: Case) -> str:
        """What cuBLASLt wants of the edges of int8 and fp8 matrices."""
        m, n, k = (int(what.shape[axis]) for axis in ("m", "n", "k"))
        step = 8 if what.precision == "int8" else 16
        if n % step or k % step or (what.precision == "int8" and m <= 16):
            least = ", and m above 16" if what.precision == "int8" else ""
            return f"on CUDA {what.precision} needs n and k that {step} divides{least}"
        return ""

    def _has_attention(self) -> bool:
        return hasattr(self._torch.nn.functional, "scaled_dot_product_attention")

    def set_threads(self, request: PrepareRequest) -> None:
        torch, threads = self._torch, request.what.threads
        self.cpus.confine(request.cpus)
        torch.set_num_threads(threads)
        if torch.get_num_threads() != threads:
            raise WorkerError(
                f"PyTorch runs {torch.get_num_threads()} threads where {threads} were asked for"
            )

    def build(self, what: Case, given: Arrays) -> Program:
        on_cpu = what.device == "cpu"
        self._allow_tf32(what.precision == "tf32")
        tensors = {name: self._tensor(array, what) for name, array in given.items()}
        calls, how = CALLS[what.operation](self._torch, tensors, what)
        inner, result = block_of(*calls)
        return Program(
            self._implementation(how, what),
            self._cpu_block(inner) if on_cpu else self._cuda_block(inner, what.device),
            answer=lambda: self._answer(result()),
            device=lambda: self._ours(str(result().device)),
            own_thread=on_cpu and what.threads == 1,
        )

    def build_network(self, what: Case, folder: str) -> Program:
        from .network_torch import TorchNetwork  # noqa: PLC0415

        on_cpu = what.device == "cpu"
        self._allow_tf32(False)
        dtype = getattr(self._torch, DTYPES[what.precision])
        network = TorchNetwork(self._torch, folder, dtype, self._theirs(what.device))
        inner, result = block_of(partial(network.run, network.input()))
        calls = " with ".join(["eager", ", ".join(network.fused)]) if network.fused else "eager"
        return Program(
            self._implementation(f"{what.operation}, {calls}", what),
            self._cpu_block(inner) if on_cpu else self._cuda_block(inner, what.device),
            answer=lambda: self._answer(result()[0]),
            device=lambda: self._ours(str(result().device)),
            own_thread=on_cpu and what.threads == 1,
        )

    def _allow_tf32(self, allowed: bool) -> None:
        """fp32 must be fp32: tf32 is a precision of its own."""
        self._torch.backends.cuda.matmul.allow_tf32 = allowed
        self._torch.backends.cudnn.allow_tf32 = allowed

    def _tensor(self, array: Any, what: Case) -> Any:
        dtype = getattr(self._torch, DTYPES[what.precision])
        # A copy in every case: from_numpy shares memory, and axpy writes.
        device = self._theirs(what.device)
        return self._torch.from_numpy(array).to(device=device, dtype=dtype, copy=True)

    def _answer(self, result: Any) -> Any:
        torch = self._torch
        result = result.detach().cpu()
        kind = torch.float32 if result.dtype in (torch.float16, torch.bfloat16) else result.dtype
        return result.to(kind, copy=True).contiguous().numpy()

    def _cpu_block(self, inner: Callable[[int], Any]) -> Callable[[int], None]:
        inference_mode = self._torch.inference_mode

        def block(calls: int) -> None:
            with inference_mode():
                inner(calls)

        return block

    def _cuda_block(self, inner: Callable[[int], Any], device: str) -> Callable[[int], int]:
        """Times by events of the device, between which nothing else is in its queue."""
        cuda, inference_mode = self._torch.cuda, self._torch.inference_mode
        device = self._theirs(device)
        with cuda.device(device):
            begin, end = (cuda.Event(enable_timing=True) for _ in range(2))

        def block(calls: int) -> int:
            with inference_mode(), cuda.device(device):
                cuda.synchronize()
                begin.record()
                inner(calls)
                end.record()
                cuda.synchronize()
            milliseconds: float = begin.elapsed_time(end)
            return max(1, round(milliseconds * 1e6))

        return block

    def _implementation(self, how: str, what: Case) -> str:
        torch = self._torch
        ran = f"PyTorch {torch.__version__} {how}"
        if what.device == "cpu":
            libraries = library_versions(torch.__config__.show())
            named = {"mkl": "MKL", "onednn": "oneDNN"}
            having = " and ".join(f"{named[key]} {libraries[key]}" for key in libraries)
            return f"{ran}, built with {having}" if having else ran
        software = f"ROCm {self._hip}" if self._hip else f"CUDA {torch.version.cuda}"
        ran += f", {software} on {torch.cuda.get_device_name(self._theirs(what.device))}"
        if what.precision in ("fp32", "tf32"):
            ran += ", tf32 on" if what.precision == "tf32" else ", tf32 off"
        return ran


def unwritten(torch: Any, shape: Any, like: Any, dtype: Any = None) -> Any:
    """An output filled with what no right answer holds: an element left unwritten shows."""
    poison = 30000
    return torch.full(tuple(shape), poison, dtype=dtype or like.dtype, device=like.device)


def dot(torch: Any, t: Tensors, what: Case) -> Calls:
    out = unwritten(torch, (), t["x"])
    return [partial(torch.dot, t["x"], t["y"], out=out)], "torch.dot(x, y, out=r)"


def axpy(torch: Any, t: Tensors, what: Case) -> Calls:
    from .operations import Axpy  # noqa: PLC0415

    y = t["y"]
    calls = [partial(torch.add, y, t["x"], alpha=s, out=y) for s in (Axpy.factor, -Axpy.factor)]
    return calls, "torch.add(y, x, alpha=s, out=y)"


def gemv(torch: Any, t: Tensors, what: Case) -> Calls:
    out = unwritten(torch, t["a"].shape[:1], t["a"])
    return [partial(torch.mv, t["a"], t["x"], out=out)], "torch.mv(A, x, out=y)"


def gemm(torch: Any, t: Tensors, what: Case) -> Calls:
    a, b = t["a"], t["b"]

    shape = (a.shape[0], b.shape[1])
    if what.precision == "int8":
        call = partial(torch._int_mm, a, b, out=unwritten(torch, shape, a, torch.int32))
        return [call], "torch._int_mm(A, B, out=C), int8 in and int32 out"
    if what.precision in FP8:
        # cuBLASLt wants B by columns; e5m2 x e5m2 is not among its pairs, so that B is e4m3 then.
        b = b.float().t().contiguous().to(torch.float8_e4m3fn).t()
        one = torch.ones((), dtype=torch.float32, device=a.device)
        call = partial(torch._scaled_mm, a, b, scale_a=one, scale_b=one, out_dtype=torch.bfloat16)
        pair = f"{what.precision} x fp8_e4m3"
        return [call], f"torch._scaled_mm(A, B), {pair} in and bf16 out"
    return [partial(torch.mm, a, b, out=unwritten(torch, shape, a))], "torch.mm(A, B, out=C)"


def conv2d(torch: Any, t: Tensors, what: Case) -> Calls:
    stride, pad, groups = (int(what.shape[axis]) for axis in ("stride", "pad", "groups"))
    call = partial(
        torch.nn.functional.conv2d,
        t["x"],
        t["filters"],
        stride=stride,
        padding=pad,
        groups=groups,
    )
    return [call], "torch.nn.functional.conv2d, contiguous n c h w"


def pooling(torch: Any, t: Tensors, what: Case) -> Calls:
    name = "max_pool2d" if what.shape["mode"] == "max" else "avg_pool2d"
    function = getattr(torch.nn.functional, name)
    window, stride = int(what.shape["window"]), int(what.shape["stride"])
    return [partial(function, t["x"], window, stride)], f"torch.nn.functional.{name}"


def batch_norm(torch: Any, t: Tensors, what: Case) -> Calls:
    from .operations import BatchNorm  # noqa: PLC0415

    call = partial(
        torch.nn.functional.batch_norm,
        t["x"],
        t["mean"],
        t["variance"],
        t["scale"],
        t["shift"],
        training=False,
        eps=BatchNorm.epsilon,
    )
    return [call], "torch.nn.functional.batch_norm, inference"


def layer_norm(torch: Any, t: Tensors, what: Case) -> Calls:
    from .operations import LayerNorm  # noqa: PLC0415

    x = t["x"]
    call = partial(
        torch.nn.functional.layer_norm, x, x.shape[1:], t["scale"], t["shift"], LayerNorm.epsilon
    )
    return [call], "torch.nn.functional.layer_norm"


def softmax(torch: Any, t: Tensors, what: Case) -> Calls:
    out = unwritten(torch, t["x"].shape, t["x"])
    return [partial(torch.softmax, t["x"], 1, out=out)], "torch.softmax(x, 1, out=y)"


def eltwise(torch: Any, t: Tensors, what: Case) -> Calls:
    name = str(what.shape["function"])
    return [partial(getattr(torch.nn.functional, name), t["x"])], f"torch.nn.functional.{name}"


def attention(torch: Any, t: Tensors, what: Case) -> Calls:
    function = torch.nn.functional.scaled_dot_product_attention
    how = "torch.nn.functional.scaled_dot_product_attention"
    return [partial(function, t["q"], t["k"], t["v"])], how


CALLS: dict[str, Callable[[Any, Tensors, Case], Calls]] = {
    function.__name__: function
    for function in (
        dot,
        axpy,
        gemv,
        gemm,
        conv2d,
        pooling,
        batch_norm,
        layer_norm,
        softmax,
        eltwise,
        attention,
    )
}
