"""The backend `jax`: jitted functions that XLA compiles for the CPU; compiling is never timed.

XLA has no call that sets its threads: it makes one for each CPU that the process may use at the
time of the first array, and keeps them. So the first case decides, and another number of threads
needs another process, which is what the host starts.
"""

from __future__ import annotations

import os
from functools import partial
from typing import Any, Callable

from .framework import Arrays, FrameworkBackend, Precisions, Program, block_of
from .protocol import Case, PrepareRequest, WorkerError
from .shared import import_or_refuse
from .timing import TASKS

LAYER = ("fp32", "fp16", "bf16")
PRECISIONS: Precisions = {
    "dot": ("fp64", "fp32"),
    "gemv": ("fp64", "fp32"),
    "gemm": ("fp64", "fp32", "fp16", "bf16", "int8"),
    "conv2d": (*LAYER, "int8"),
    "layer_norm": LAYER,
    "softmax": LAYER,
    "eltwise": LAYER,
    "attention": ("fp32", "bf16"),  # XLA for the CPU refuses JAX's attention in fp16
}
DTYPES = {
    "fp64": "float64",
    "fp32": "float32",
    "fp16": "float16",
    "bf16": "bfloat16",
    "int8": "int8",
}
WORKER_THREAD = "tf_XLAEigen"  # what XLA calls the threads of its pool


def threads_of_pool() -> int:
    """XLA's worker threads in this process; 0 where they have other names."""
    count = 0
    for name in os.listdir(TASKS):
        try:
            with open(f"{TASKS}/{name}/comm", encoding="utf-8", errors="replace") as file:
                count += file.read().startswith(WORKER_THREAD)
        except OSError:
            continue  # a thread that ended meanwhile
    return count


class JaxBackend(FrameworkBackend):
    name, title, module, package = "jax", "JAX", "jax", "jax"
    precisions = PRECISIONS

    def set_up(self, module: Any) -> None:
        self._jax = module
        self._threads = 0  # of XLA's pool, once there is one
        module.config.update("jax_platforms", "cpu")
        module.config.update("jax_enable_x64", True)
        # Else an accelerator, or a CPU library, may round fp32 before it multiplies.
        module.config.update("jax_default_matmul_precision", "highest")

    def versions(self) -> dict[str, str]:
        import numpy  # noqa: PLC0415

        jaxlib = import_or_refuse("jaxlib", "jaxlib", "jaxlib")
        return {
            "jax": str(self._jax.__version__),
            "jaxlib": str(jaxlib.__version__),
            "numpy": numpy.__version__,
        }

    def refuses_device(self, what: Case) -> str:
        return f"this worker runs JAX on the CPU only, not on '{what.device}'"

    def refuses(self, what: Case) -> str:
        if self._threads and what.threads != self._threads:
            return (
                f"XLA made its {self._threads} threads with the first case of this process "
                f"and cannot change to {what.threads}: start another worker"
            )
        if what.threads > len(self.cpus.at_start):
            return (
                "XLA makes one thread per CPU, and this process may use "
                f"{len(self.cpus.at_start)}; {what.threads} were asked for"
            )
        if what.operation == "attention" and not hasattr(self._jax.nn, "dot_product_attention"):
            return f"JAX {self._jax.__version__} has no jax.nn.dot_product_attention"
        return ""

    def set_threads(self, request: PrepareRequest) -> None:
        # As many CPUs as threads also where none are named: XLA has other threads beside its pool.
        self.cpus.confine(request.cpus or self.cpus.at_start[: request.what.threads])
        if not self._threads:
            self._jax.device_put(0.0).block_until_ready()  # makes the pool
            self._threads = request.what.threads
            made = threads_of_pool()
            if made and made != self._threads:
                raise WorkerError(f"XLA made {made} threads where {self._threads} were asked for")

    def build(self, what: Case, given: Arrays) -> Program:
        jax = self._jax
        dtype = getattr(jax.numpy, DTYPES[what.precision])
        function, how = FUNCTIONS[what.operation](jax, what)
        compiled = jax.jit(function)
        arrays = [self._array(array, what, dtype) for array in given.values()]

        def call() -> Any:
            return compiled(*arrays).block_until_ready()

        block, result = block_of(call)
        return Program(
            f"JAX {jax.__version__} {how}, compiled by XLA of jaxlib {self.versions()['jaxlib']}",
            block,
            answer=lambda: self._answer(result(), what),
            device=lambda: next(iter(result().devices())).platform,
            own_thread=False,  # the pool's threads work while the caller waits
            own_cpu=what.threads == 1,
        )

    def _array(self, array: Any, what: Case, dtype: Any) -> Any:
        if what.operation == "attention":
            array = array.transpose(0, 2, 1, 3)  # JAX wants batch, sequence, heads, head_size
        return self._jax.device_put(self._jax.numpy.asarray(array, dtype=dtype))

    def _answer(self, result: Any, what: Case) -> Any:
        import numpy as np  # noqa: PLC0415

        kind = {2: np.float32}.get(result.dtype.itemsize, result.dtype)
        answer = np.array(result).astype(kind)
        return answer.transpose(0, 2, 1, 3) if what.operation == "attention" else answer


Function = Callable[..., Any]


def dot(jax: Any, what: Case) -> tuple[Function, str]:
    return jax.numpy.dot, "jax.numpy.dot(x, y)"


def gemv(jax: Any, what: Case) -> tuple[Function, str]:
    return jax.numpy.matmul, "jax.numpy.matmul(A, x)"


def gemm(jax: Any, what: Case) -> tuple[Function, str]:
    if what.precision == "int8":
        matmul = partial(jax.numpy.matmul, preferred_element_type=jax.numpy.int32)
        return matmul, "jax.numpy.matmul(A, B), int8 in and int32 out"
    return jax.numpy.matmul, "jax.numpy.matmul(A, B)"


def conv2d(jax: Any, what: Case) -> tuple[Function, str]:
    stride, pad, groups = (int(what.shape[axis]) for axis in ("stride", "pad", "groups"))
    integer = what.precision == "int8"

    def convolve(x: Any, filters: Any) -> Any:
        return jax.lax.conv_general_dilated(
            x,
            filters,
            (stride, stride),
            [(pad, pad), (pad, pad)],
            feature_group_count=groups,
            preferred_element_type=jax.numpy.int32 if integer else None,
        )

    return convolve, "jax.lax.conv_general_dilated, n c h w"


def layer_norm(jax: Any, what: Case) -> tuple[Function, str]:
    from .operations import LayerNorm  # noqa: PLC0415

    def normalise(x: Any, scale: Any, shift: Any) -> Any:
        wide = x.astype(jax.numpy.float32)  # as the libraries over JAX do
        wide = wide - wide.mean(axis=1, keepdims=True)
        variance = (wide * wide).mean(axis=1, keepdims=True)
        return (wide * jax.lax.rsqrt(variance + LayerNorm.epsilon) * scale + shift).astype(x.dtype)

    return normalise, "layer norm in jax.numpy, in fp32"


def softmax(jax: Any, what: Case) -> tuple[Function, str]:
    return lambda x: jax.nn.softmax(x, axis=1), "jax.nn.softmax"


def eltwise(jax: Any, what: Case) -> tuple[Function, str]:
    if what.shape["function"] == "relu":
        return jax.nn.relu, "jax.nn.relu"
    return lambda x: jax.nn.gelu(x, approximate=False), "jax.nn.gelu"


def attention(jax: Any, what: Case) -> tuple[Function, str]:
    return jax.nn.dot_product_attention, "jax.nn.dot_product_attention"


FUNCTIONS: dict[str, Callable[[Any, Case], tuple[Function, str]]] = {
    function.__name__: function
    for function in (dot, gemv, gemm, conv2d, layer_norm, softmax, eltwise, attention)
}
