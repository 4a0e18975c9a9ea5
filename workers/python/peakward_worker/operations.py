"""The catalog's operations for the frameworks: axes, inputs, and the deviation of an answer.

Inputs are NumPy arrays that hold values of the case's precision (a bf16 input is fp32 with a bf16's
digits), so that a framework's copy of them is exact; answers come back as arrays of fp64, fp32 or
int32. Deviations are measured as src/catalog/operations says: relative to the root of the sum of
squares of what was summed, or where an operation normalises, to the largest result of its row.
Integers must be exact. References are summed in fp64 or wider and never by the library under test.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from .numpy_problems import (
    INT8_MAX,
    Array,
    empty,
    exact_gemm_error,
    filled,
    gemm_error,
    is_integer,
    product_error,
    relative,
)
from .protocol import Case, Json
from .shared import AXIS_MAX, refuses_bytes

BITS = {
    "fp64": 64,
    "fp32": 32,
    "tf32": 32,  # kept as fp32
    "fp16": 16,
    "bf16": 16,
    "fp8_e4m3": 8,
    "fp8_e5m2": 8,
    "int32": 32,
    "int16": 16,
    "int8": 8,
}
# Integers whose sums stay in the type of the result: int32, and for int16 frameworks give int16.
INTEGER_MAX = {"int8": INT8_MAX, "int16": 3, "int32": INT8_MAX}
BUFFERS_AND_COPIES = 3  # the inputs as NumPy's fp32, the framework's copies, the check's pieces
FILTERS_MAX = 32  # filters that one sum of the convolution's check holds: see conv_error
ROWS_ALL, ROWS_SAMPLED = 1024, 256  # of a head: all are checked up to the first


def to_bf16(array: Array) -> Array:
    """Rounds fp32 to bf16's digits, in place: to the nearest, ties away from zero."""
    bits = array.view(np.uint32)
    bits += np.uint32(0x8000)
    bits &= np.uint32(0xFFFF0000)
    return array


def values(shape: tuple[int, ...], precision: str, random: Any) -> Array:
    """Seeded values in [-1, 1), whole ones for integers, that the precision represents exactly."""
    if precision in INTEGER_MAX:
        largest, dtype = INTEGER_MAX[precision], np.dtype(precision)
        array = empty(shape, dtype)
        array[...] = random.integers(-largest, largest + 1, shape, dtype=dtype)
        return array
    if precision.startswith("fp8"):
        # Eighths: three digits at most, which both formats have.
        return np.asarray(random.integers(-8, 8, shape), dtype=np.float32) / np.float32(8)
    array = filled(shape, np.float64 if precision == "fp64" else np.float32, random)
    if precision == "fp16":
        array[...] = array.astype(np.float16)
    return to_bf16(array) if precision == "bf16" else array


class Operation(ABC):
    """One operation of one shape."""

    axes: tuple[str, ...] = ()
    words: dict[str, tuple[str, ...]] = {}  # axes that are words
    may_be_zero: tuple[str, ...] = ()

    def __init__(self, shape: Json) -> None:
        self.shape = shape

    @classmethod
    def refuses(cls, name: str, shape: Json) -> str:
        """Why this shape cannot be run, "" when it can."""
        for axis in cls.axes:
            value, least = shape.get(axis), 0 if axis in cls.may_be_zero else 1
            if axis in cls.words:
                if value not in cls.words[axis]:
                    return f"{axis} of {name} must be one of {', '.join(cls.words[axis])}"
            elif not isinstance(value, int) or not least <= value <= AXIS_MAX:
                return (
                    f"{name} needs a shape of whole numbers from 1 to {AXIS_MAX}: "
                    f"{', '.join(cls.axes)}"
                )
        if len(shape) != len(cls.axes):
            return f"{name} has no other axes than {', '.join(cls.axes)}"
        return cls(shape).refuses_combination()

    def refuses_combination(self) -> str:
        return ""

    def of(self, *axes: str) -> tuple[int, ...]:
        return tuple(int(self.shape[axis]) for axis in axes)

    @abstractmethod
    def elements(self) -> int:
        """Elements of inputs and output."""

    @abstractmethod
    def inputs(self, precision: str, random: Any) -> dict[str, Array]: ...

    @abstractmethod
    def error(self, given: dict[str, Array], answer: Array, random: Any) -> float:
        """The largest relative deviation of the answer."""

    def terms(self) -> int:
        """Products that an element of the answer sums up."""
        return 1

    def spoil(self, answer: Array) -> None:
        """Moves the last element by about three times the usual size of such a sum."""
        answer[(-1,) * answer.ndim] += max(1, int(self.terms() ** 0.5))


class Dot(Operation):
    axes = ("n",)

    def elements(self) -> int:
        return 2 * int(self.shape["n"])

    def terms(self) -> int:
        return int(self.shape["n"])

    def inputs(self, precision: str, random: Any) -> dict[str, Array]:
        return {name: values(self.of("n"), precision, random) for name in ("x", "y")}

    def error(self, given: dict[str, Array], answer: Array, random: Any) -> float:
        # In pieces: a row of one sum would need much memory.
        total, size2, step = np.longdouble(0), np.longdouble(0), 1 << 20
        for start in range(0, len(given["x"]), step):
            piece = slice(start, start + step)
            products = given["x"][piece].astype(np.longdouble) * given["y"][piece]
            total += np.sum(products)
            size2 += np.sum(products * products)
        return relative(answer.reshape(1) - total, np.sqrt(size2))


class Axpy(Operation):
    """y += s x; the sign of s changes from call to call, so that y stays bounded."""

    axes = ("n",)
    factor = 0.625  # exact in every precision

    def elements(self) -> int:
        return 3 * int(self.shape["n"])

    def inputs(self, precision: str, random: Any) -> dict[str, Array]:
        return {name: values(self.of("n"), precision, random) for name in ("x", "y")}

    def error(self, given: dict[str, Array], answer: Array, random: Any) -> float:
        product = given["x"].astype(np.longdouble) * self.factor
        size = np.sqrt(product * product + given["y"].astype(np.longdouble) ** 2)
        return relative(answer - (product + given["y"]), size)


class Gemv(Operation):
    axes = ("m", "n")

    def elements(self) -> int:
        m, n = self.of("m", "n")
        return m * n + m + n

    def terms(self) -> int:
        return int(self.shape["n"])

    def inputs(self, precision: str, random: Any) -> dict[str, Array]:
        return {
            "a": values(self.of("m", "n"), precision, random),
            "x": values(self.of("n"), precision, random),
        }

    def error(self, given: dict[str, Array], answer: Array, random: Any) -> float:
        return product_error(given["a"], given["x"], answer.reshape(-1))


class Gemm(Operation):
    axes = ("m", "n", "k")

    def elements(self) -> int:
        m, n, k = self.of("m", "n", "k")
        return m * k + k * n + m * n

    def terms(self) -> int:
        return int(self.shape["k"])

    def inputs(self, precision: str, random: Any) -> dict[str, Array]:
        return {
            "a": values(self.of("m", "k"), precision, random),
            "b": values(self.of("k", "n"), precision, random),
        }

    def error(self, given: dict[str, Array], answer: Array, random: Any) -> float:
        check = exact_gemm_error if is_integer(given["a"]) else gemm_error
        return check(given["a"], given["b"], answer, random)


def windows(edge: int, size: int, stride: int, pad: int) -> int:
    """Elements that a window of `size` makes of an edge."""
    return (edge + 2 * pad - size) // stride + 1


class Conv2d(Operation):
    axes = ("n", "c", "h", "w", "k", "r", "s", "stride", "pad", "groups")
    may_be_zero = ("pad",)

    def refuses_combination(self) -> str:
        c, k, groups = self.of("c", "k", "groups")
        if c % groups or k % groups:
            return f"{groups} groups do not divide {c} channels in and {k} out"
        return "" if min(self.out()[2:]) >= 1 else "the filter is larger than the padded image"

    def out(self) -> tuple[int, int, int, int]:
        n, k, h, w, r, s, stride, pad = self.of("n", "k", "h", "w", "r", "s", "stride", "pad")
        return n, k, windows(h, r, stride, pad), windows(w, s, stride, pad)

    def terms(self) -> int:
        c, groups, r, s = self.of("c", "groups", "r", "s")
        return c // groups * r * s

    def elements(self) -> int:
        n, c, h, w, k = self.of("n", "c", "h", "w", "k")
        return n * c * h * w + k * self.terms() + int(np.prod(self.out()))

    def inputs(self, precision: str, random: Any) -> dict[str, Array]:
        c, k, r, s, groups = self.of("c", "k", "r", "s", "groups")
        return {
            "x": values(self.of("n", "c", "h", "w"), precision, random),
            "filters": values((k, c // groups, r, s), precision, random),
        }

    def error(self, given: dict[str, Array], answer: Array, random: Any) -> float:
        """Freivalds' check of every result: the weighted sum over a few filters is one filter.

        A sum holds FILTERS_MAX of a group's filters at most, so that one wrong result shows.
        """
        groups = int(self.shape["groups"])
        n, k, rows, columns = self.out()
        per_group = k // groups
        exact = is_integer(given["x"])
        kind = np.int64 if exact else np.float64
        weights = random.integers(1, 1 << 20, k) if exact else random.uniform(0.5, 1, k)
        weights = (weights * random.choice([-1, 1], k)).astype(kind)
        starts = list(range(0, per_group, FILTERS_MAX))
        filters = given["filters"].astype(kind) * weights[:, None, None, None]
        filters = filters.reshape(groups, per_group, *filters.shape[1:])
        x = given["x"].astype(kind)
        wanted = self._convolve(x, np.add.reduceat(filters, starts, axis=1))
        weighted = answer.astype(kind) * weights[:, None, None]
        got = np.add.reduceat(weighted.reshape(n, groups, per_group, rows, columns), starts, axis=2)
        if exact:
            return float(np.max(np.abs(got - wanted))) / INT8_MAX**2
        size = self._convolve(x * x, np.add.reduceat(filters**2, starts, axis=1))
        return relative(got - wanted, np.sqrt(size))

    def _convolve(self, x: Array, filters: Array) -> Array:
        """x: n c h w; filters: groups, sums, channels of a group, r, s."""
        groups, r, s, stride, pad = self.of("groups", "r", "s", "stride", "pad")
        n, _, rows, columns = self.out()
        padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        padded = padded.reshape(n, groups, -1, *padded.shape[2:])
        total = np.zeros((n, groups, filters.shape[1], rows, columns), x.dtype)
        for i in range(r):
            for j in range(s):
                seen = padded[
                    ..., i : i + stride * rows : stride, j : j + stride * columns : stride
                ]
                total += np.einsum("ngcyx,gbc->ngbyx", seen, filters[..., i, j])
        return total


class Pooling(Operation):
    axes = ("n", "c", "h", "w", "window", "stride", "mode")
    words = {"mode": ("max", "average")}

    def refuses_combination(self) -> str:
        h, w, window = self.of("h", "w", "window")
        return "" if window <= min(h, w) else "the window is larger than the image"

    def out(self) -> tuple[int, int, int, int]:
        n, c, h, w, window, stride = self.of("n", "c", "h", "w", "window", "stride")
        return n, c, windows(h, window, stride, 0), windows(w, window, stride, 0)

    def elements(self) -> int:
        return int(np.prod(self.of("n", "c", "h", "w"))) + int(np.prod(self.out()))

    def inputs(self, precision: str, random: Any) -> dict[str, Array]:
        return {"x": values(self.of("n", "c", "h", "w"), precision, random)}

    def error(self, given: dict[str, Array], answer: Array, random: Any) -> float:
        window, stride = self.of("window", "stride")
        _, _, rows, columns = self.out()
        x = given["x"]
        views = [
            x[:, :, i : i + stride * rows : stride, j : j + stride * columns : stride]
            for i in range(window)
            for j in range(window)
        ]
        if self.shape["mode"] == "max":
            largest = views[0].copy()
            for view in views[1:]:
                np.maximum(largest, view, out=largest)
            return relative(answer.astype(np.float64) - largest, np.abs(largest))
        total, squares = np.zeros(self.out()), np.zeros(self.out())
        for view in views:
            total += view
            squares += view.astype(np.float64) ** 2
        return relative(answer - total / window**2, np.sqrt(squares) / window**2)


class BatchNorm(Operation):
    axes = ("n", "c", "h", "w")
    epsilon = 1e-5

    def elements(self) -> int:
        return 2 * int(np.prod(self.of("n", "c", "h", "w"))) + 4 * int(self.shape["c"])

    def inputs(self, precision: str, random: Any) -> dict[str, Array]:
        channels = self.of("c")
        given = {"x": values(self.of("n", "c", "h", "w"), precision, random)}
        for name in ("mean", "scale", "shift"):
            given[name] = values(channels, precision, random)
        # A variance is never negative, and far from zero no rounding of the epsilon matters.
        variance = np.abs(values(channels, precision, random)) + np.float32(1)
        given["variance"] = to_bf16(variance) if precision == "bf16" else variance
        if precision == "fp16":
            given["variance"][...] = variance.astype(np.float16)
        return given

    def error(self, given: dict[str, Array], answer: Array, random: Any) -> float:
        def of_channel(name: str) -> Array:
            return given[name].astype(np.float64)[:, None, None]

        factor = of_channel("scale") / np.sqrt(of_channel("variance") + self.epsilon)
        x, mean, shift = given["x"].astype(np.float64), of_channel("mean"), of_channel("shift")
        size = np.sqrt(((x * x) + mean * mean) * factor * factor + shift * shift)
        return relative(answer - ((x - mean) * factor + shift), size)


def row_error(answer: Array, wanted: Array) -> float:
    """Relative to the largest result of each row."""
    return relative(answer - wanted, np.max(np.abs(wanted), axis=-1, keepdims=True))


class Rows(Operation):
    axes = ("rows", "columns")

    def elements(self) -> int:
        return 2 * int(np.prod(self.of("rows", "columns")))

    def inputs(self, precision: str, random: Any) -> dict[str, Array]:
        return {"x": values(self.of("rows", "columns"), precision, random)}


class LayerNorm(Rows):
    epsilon = 1e-5

    def inputs(self, precision: str, random: Any) -> dict[str, Array]:
        given = super().inputs(precision, random)
        for name in ("scale", "shift"):
            given[name] = values(self.of("columns"), precision, random)
        return given

    def error(self, given: dict[str, Array], answer: Array, random: Any) -> float:
        x = given["x"].astype(np.float64)
        x -= np.mean(x, axis=1, keepdims=True)
        x /= np.sqrt(np.mean(x * x, axis=1, keepdims=True) + self.epsilon)
        return row_error(answer, x * given["scale"] + given["shift"])


class Softmax(Rows):
    def error(self, given: dict[str, Array], answer: Array, random: Any) -> float:
        wanted = np.exp(given["x"].astype(np.float64))
        wanted /= np.sum(wanted, axis=1, keepdims=True)
        return row_error(answer, wanted)


def erf(x: Array) -> Array:
    """Of fp64, to 1.5e-7 (Abramowitz and Stegun, 7.1.26), which is enough for fp32's tolerance.

    NumPy has none, and Python's own takes a second for a few million elements.
    """
    t = 1 / (1 + 0.3275911 * np.abs(x))
    total = np.zeros_like(t)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        total = (total + factor) * t  # Horner's scheme
    return np.sign(x) * (1 - total * np.exp(-x * x))


class Eltwise(Operation):
    axes = ("elements", "function")
    words = {"function": ("relu", "gelu")}

    def elements(self) -> int:
        return 2 * int(self.shape["elements"])

    def inputs(self, precision: str, random: Any) -> dict[str, Array]:
        return {"x": values(self.of("elements"), precision, random)}

    def error(self, given: dict[str, Array], answer: Array, random: Any) -> float:
        x = given["x"].astype(np.float64)
        relu = self.shape["function"] == "relu"
        wanted = np.maximum(x, 0) if relu else x / 2 * (1 + erf(x / np.sqrt(2)))
        return row_error(answer, wanted)


class Attention(Operation):
    axes = ("batch", "heads", "sequence", "head_size")

    def elements(self) -> int:
        batch, heads, sequence, size = self.of(*self.axes)
        # The scores too: not every framework keeps them in the cache.
        return batch * heads * sequence * (4 * size + 2 * sequence)

    def inputs(self, precision: str, random: Any) -> dict[str, Array]:
        return {name: values(self.of(*self.axes), precision, random) for name in ("q", "k", "v")}

    def error(self, given: dict[str, Array], answer: Array, random: Any) -> float:
        batch, heads, sequence, size = self.of(*self.axes)
        rows = np.arange(sequence)
        if sequence > ROWS_ALL:
            ends = [0, sequence - 1]
            rows = np.union1d(random.choice(sequence, ROWS_SAMPLED, replace=False), ends)
        error = 0.0
        for b, h in np.ndindex(batch, heads):
            q, k, v = (given[name][b, h].astype(np.float64) for name in ("q", "k", "v"))
            shares = np.exp(q[rows] @ k.T / np.sqrt(size))
            shares /= np.sum(shares, axis=1, keepdims=True)
            largest = np.full(1, np.max(np.abs(v)))
            error = max(error, relative(answer[b, h][rows] - shares @ v, largest))
        return error


OPERATIONS: dict[str, type[Operation]] = {
    "dot": Dot,
    "axpy": Axpy,
    "gemv": Gemv,
    "gemm": Gemm,
    "conv2d": Conv2d,
    "pooling": Pooling,
    "batch_norm": BatchNorm,
    "layer_norm": LayerNorm,
    "softmax": Softmax,
    "eltwise": Eltwise,
    "attention": Attention,
}


def refuses_shape(what: Case) -> str:
    """Why this shape cannot be run, "" when it can."""
    kind = OPERATIONS[what.operation]
    reason = kind.refuses(what.operation, what.shape)
    if reason:
        return reason
    width = max(4, BITS[what.precision] // 8)
    return refuses_bytes(BUFFERS_AND_COPIES * kind(what.shape).elements() * width)
