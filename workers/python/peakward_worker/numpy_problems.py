"""The operations in NumPy: their buffers, their calls, and the check of their answers.

How far an answer is from the truth is measured as workers/sdk/gemm_check.hpp says: relative to the
root of the sum of squares of the products, the size of a sum whose terms have random signs.
References are summed in long double and never by the BLAS under test (np.einsum without
optimisation and np.add.reduceat are NumPy's own loops).
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from itertools import cycle, islice, repeat
from typing import Any

import numpy as np

from .protocol import Case, Json

Array = Any  # np.ndarray; its type parameters differ between NumPy 1.x and 2.x
ALIGNMENT_BYTES = 64  # a cache line; NumPy's own 16 would make repeats differ by luck
CHUNK_ELEMENTS = 1 << 20  # references work in pieces of this many, to need little memory
POISON = 1e30  # what no right answer holds: an element left unwritten shows
GROUPS_MAX, GROUP_WIDTH_MIN, SAMPLED_ELEMENTS = 16, 32, 60

DTYPES: dict[str, Any] = {"fp64": np.float64, "fp32": np.float32}
# Of gemm alone: NumPy multiplies them in loops of its own, without a BLAS.
LOOP_DTYPES: dict[str, Any] = {
    "fp16": np.float16,
    "int32": np.int32,
    "int16": np.int16,
    "int8": np.int8,
}
INT8_MAX = 127
SLOW_GOPS = 50  # METHODS 2: below, larger sizes are not measured
PILOT_EDGE = 192  # some milliseconds in such a loop


def is_integer(array: Array) -> bool:
    return bool(array.dtype.kind == "i")


def empty(shape: tuple[int, ...], dtype: Any) -> Array:
    """An uninitialised, aligned array."""
    count = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.empty(count + ALIGNMENT_BYTES, dtype=np.uint8)
    start = -raw.ctypes.data % ALIGNMENT_BYTES
    return raw[start : start + count].view(dtype).reshape(shape)


def filled(shape: tuple[int, ...], dtype: Any, random: Any) -> Array:
    """Seeded values in [-1, 1), first touched by this thread, as a user's program does."""
    array = empty(shape, dtype)
    drawn = dtype if np.dtype(dtype).itemsize >= np.dtype(np.float32).itemsize else np.float32
    if drawn is dtype:
        random.random(out=array, dtype=dtype)
    else:
        array[...] = random.random(shape, dtype=drawn)
    array *= 2
    array -= 1
    return array


def relative(deviation: Array, size: Array) -> float:
    """The largest |deviation| / size; infinity where an answer is not a number."""
    deviation = np.abs(deviation)
    if np.isnan(deviation).any():
        return float("inf")
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(deviation == 0, 0, deviation / size)
    return float(np.max(ratio))


def product_error(rows: Array, column: Array, answers: Array) -> float:
    """answers = rows @ column, in long double."""
    step = max(1, CHUNK_ELEMENTS // rows.shape[1])
    error = 0.0
    for start in range(0, rows.shape[0], step):
        products = rows[start : start + step].astype(np.longdouble) * column
        size = np.sqrt(np.sum(products * products, axis=1))
        deviation = answers[start : start + step] - np.sum(products, axis=1)
        error = max(error, relative(deviation, size))
    return error


def sum_groups(matrix: Array, weights: Array, starts: Array) -> tuple[Array, Array]:
    """Per row: weighted sums over groups of columns, and sums of their squares, in fp64."""
    sums = np.empty((matrix.shape[0], len(starts)))
    squares = np.empty_like(sums)
    step = max(1, CHUNK_ELEMENTS // matrix.shape[1])
    for start in range(0, matrix.shape[0], step):
        rows = slice(start, start + step)
        weighted = matrix[rows].astype(np.longdouble) * weights
        sums[rows] = np.add.reduceat(weighted, starts, axis=1)
        squares[rows] = np.add.reduceat(weighted.astype(np.float64) ** 2, starts, axis=1)
    return sums, squares


def freivalds_error(a: Array, b: Array, c: Array, random: Any) -> float:
    """C = A B by Freivalds' check in groups of columns; see workers/sdk/gemm_check.hpp."""
    columns = b.shape[1]
    count = min(max(columns // GROUP_WIDTH_MIN, 1), GROUPS_MAX)
    starts = [-(-group * columns // count) for group in range(count)]
    weights = random.uniform(0.5, 1, columns) * random.choice([-1.0, 1.0], columns)
    b_sums, b_squares = sum_groups(b, weights, starts)
    c_sums, _ = sum_groups(c, weights, starts)
    # Contiguous along k, so that einsum's inner loop is the long one.
    b_sums, b_squares = np.ascontiguousarray(b_sums.T), np.ascontiguousarray(b_squares.T)
    error = 0.0
    step = max(1, CHUNK_ELEMENTS // a.shape[1])
    for start in range(0, a.shape[0], step):
        rows = a[start : start + step].astype(np.float64)
        products = np.einsum("ik,gk->ig", rows, b_sums, optimize=False)
        size = np.sqrt(np.einsum("ik,gk->ig", rows * rows, b_squares, optimize=False))
        error = max(error, relative(c_sums[start : start + step] - products, size))
    return error


def spoil(answer: Array, index: int, terms: int) -> None:
    """Adds about three times the usual size of a sum of `terms` products to one element."""
    answer.reshape(-1)[index] += max(1, round(terms**0.5)) if is_integer(answer) else terms**0.5


class Problem(ABC):
    """One case, ready to run."""

    axes: tuple[str, ...] = ()
    how = ""  # which NumPy call an iteration is
    one_thread = False  # NumPy's element-wise functions never use more

    @abstractmethod
    def __init__(self, shape: Json, dtype: Any, random: Any) -> None: ...

    @staticmethod
    @abstractmethod
    def elements(shape: Json) -> int:
        """Elements of all buffers, those of the check included."""

    @abstractmethod
    def block(self, calls: int) -> None:
        """So many whole calls, one after the other; an iteration of the case is one call."""

    @abstractmethod
    def check(self, random: Any, plant: bool) -> float:
        """The largest relative deviation of one call from the reference.

        `plant` spoils one element of the answer before it is looked at.
        """


class Dot(Problem):
    axes = ("n",)
    how = "np.dot(x, y)"

    def __init__(self, shape: Json, dtype: Any, random: Any) -> None:
        self._x = filled((shape["n"],), dtype, random)
        self._y = filled((shape["n"],), dtype, random)
        self._result: Any = None

    @staticmethod
    def elements(shape: Json) -> int:
        return 2 * int(shape["n"])

    def block(self, calls: int) -> None:
        dot, x, y = np.dot, self._x, self._y
        result = None
        for _ in repeat(None, calls):
            result = dot(x, y)
        self._result = result

    def check(self, random: Any, plant: bool) -> float:
        self.block(1)
        answer = np.array([self._result])
        if plant:
            spoil(answer, 0, len(self._x))
        # In pieces: the sums of each, then the sum of those.
        total, size2 = np.longdouble(0), np.longdouble(0)
        for start in range(0, len(self._x), CHUNK_ELEMENTS):
            piece = slice(start, start + CHUNK_ELEMENTS)
            products = self._x[piece].astype(np.longdouble) * self._y[piece]
            total += np.sum(products)
            size2 += np.sum(products * products)
        return relative(answer - total, np.sqrt(size2))


class Axpy(Problem):
    """y += s x as two passes without allocation: what NumPy can do best without SciPy's BLAS.

    The shorter `y += s * x` makes a new array for every call and then times the allocator; a user
    who cares gives the scratch array, as here. s changes its sign from call to call, so that y
    stays bounded however long it runs.
    """

    axes = ("n",)
    how = "np.multiply(x, s, out=t); np.add(y, t, out=y)"
    one_thread = True

    def __init__(self, shape: Json, dtype: Any, random: Any) -> None:
        self._x = filled((shape["n"],), dtype, random)
        self._y = filled((shape["n"],), dtype, random)
        self._scratch = empty((shape["n"],), dtype)
        self._scratch.fill(0)
        self._factor = dtype(0.6180339887498949)
        self._factors = cycle((self._factor, -self._factor))

    @staticmethod
    def elements(shape: Json) -> int:
        return 4 * int(shape["n"])

    def block(self, calls: int) -> None:
        multiply, add, x, y, scratch = np.multiply, np.add, self._x, self._y, self._scratch
        for factor in islice(self._factors, calls):
            multiply(x, factor, scratch)
            add(y, scratch, y)

    def check(self, random: Any, plant: bool) -> float:
        before = self._y.copy()
        self.block(1)
        if plant:
            spoil(self._y, len(self._y) // 2, 1)
        error = 0.0
        for start in range(0, len(before), CHUNK_ELEMENTS):
            piece = slice(start, start + CHUNK_ELEMENTS)
            product = self._x[piece].astype(np.longdouble) * np.longdouble(self._factor)
            old = before[piece].astype(np.longdouble)
            size = np.sqrt(product * product + old * old)
            error = max(error, relative(self._y[piece] - (product + old), size))
        return error


class Gemv(Problem):
    axes = ("m", "n")
    how = "np.matmul(A, x, out=y)"

    def __init__(self, shape: Json, dtype: Any, random: Any) -> None:
        self._a = filled((shape["m"], shape["n"]), dtype, random)
        self._x = filled((shape["n"],), dtype, random)
        self._y = empty((shape["m"],), dtype)

    @staticmethod
    def elements(shape: Json) -> int:
        m, n = int(shape["m"]), int(shape["n"])
        return m * n + m + n

    def block(self, calls: int) -> None:
        matmul, a, x, y = np.matmul, self._a, self._x, self._y
        for _ in repeat(None, calls):
            matmul(a, x, y)

    def check(self, random: Any, plant: bool) -> float:
        self._y.fill(POISON)
        self.block(1)
        if plant:
            spoil(self._y, len(self._y) // 2, len(self._x))
        return product_error(self._a, self._x, self._y)


class Gemm(Problem):
    axes = ("m", "n", "k")
    how = "np.matmul(A, B, out=C)"

    def __init__(self, shape: Json, dtype: Any, random: Any) -> None:
        m, n, k = shape["m"], shape["n"], shape["k"]
        self._a = filled((m, k), dtype, random)
        self._b = filled((k, n), dtype, random)
        self._c = empty((m, n), dtype)

    @staticmethod
    def elements(shape: Json) -> int:
        m, n, k = (int(shape[axis]) for axis in ("m", "n", "k"))
        return m * k + k * n + m * n

    def block(self, calls: int) -> None:
        matmul, a, b, c = np.matmul, self._a, self._b, self._c
        for _ in repeat(None, calls):
            matmul(a, b, c)

    def check(self, random: Any, plant: bool) -> float:
        self._c.fill(min(POISON, float(np.finfo(self._c.dtype).max)))
        self.block(1)
        if plant:
            spoil(self._c, int(random.integers(self._c.size)), self._a.shape[1])
        return gemm_error(self._a, self._b, self._c, random)


class HalfGemm(Gemm):
    """fp16 in and out, sums in fp32, as NumPy's own loop does it."""

    how = "np.matmul(A, B, out=C), NumPy scalar fp16 loops, no BLAS"
    one_thread = True


class IntegerGemm(Problem):
    """Integers in, sums and result in int32; NumPy widens smaller inputs in every call.

    The values are those of int8 in every type, so that no sum leaves int32.
    """

    axes = ("m", "n", "k")
    how = "np.matmul(A, B, out=C, dtype=np.int32), NumPy scalar integer loops, no BLAS"
    one_thread = True

    def __init__(self, shape: Json, dtype: Any, random: Any) -> None:
        m, n, k = shape["m"], shape["n"], shape["k"]
        self._a = random.integers(-INT8_MAX, INT8_MAX + 1, (m, k), dtype=dtype)
        self._b = random.integers(-INT8_MAX, INT8_MAX + 1, (k, n), dtype=dtype)
        self._c = empty((m, n), np.int32)

    @staticmethod
    def elements(shape: Json) -> int:
        return 8 * Gemm.elements(shape)

    def block(self, calls: int) -> None:
        matmul, a, b, c, wide = np.matmul, self._a, self._b, self._c, np.int32
        for _ in repeat(None, calls):
            matmul(a, b, out=c, dtype=wide)

    def check(self, random: Any, plant: bool) -> float:
        self._c.fill(-1)
        self.block(1)
        if plant:
            spoil(self._c, int(random.integers(self._c.size)), self._a.shape[1])
        return exact_gemm_error(self._a, self._b, self._c, random)


def exact_gemm_error(a: Array, b: Array, c: Array, random: Any) -> float:
    """C = A B in integers by Freivalds' check modulo 2^64, which misses an error once in 2^80."""
    weights = random.integers(1, 1 << 20, (b.shape[1], 4), dtype=np.int64)
    products = np.matmul(b.astype(np.int64), weights)
    worst, step = 0, max(1, CHUNK_ELEMENTS // a.shape[1])
    for start in range(0, a.shape[0], step):
        rows = slice(start, start + step)
        wanted = np.matmul(a[rows].astype(np.int64), products)
        given = np.matmul(c[rows].astype(np.int64), weights)
        worst = max(worst, int(np.max(np.abs(given - wanted))))
    return float(worst) / INT8_MAX**2


def gemm_error(a: Array, b: Array, c: Array, random: Any) -> float:
    """C = A B: Freivalds' check, then sampled elements and the corners, one by one."""
    error = freivalds_error(a, b, c, random)
    m, n = c.shape
    pairs = [(0, 0), (m - 1, 0), (0, n - 1), (m - 1, n - 1)]
    for _ in range(SAMPLED_ELEMENTS):
        pairs.append((int(random.integers(m)), int(random.integers(n))))
    for i, j in pairs:
        error = max(error, product_error(a[i : i + 1], b[:, j], c[i : i + 1, j]))
    return error


PROBLEMS: dict[str, type[Problem]] = {"dot": Dot, "axpy": Axpy, "gemv": Gemv, "gemm": Gemm}
OPERATIONS: list[str] = list(PROBLEMS)
PRECISIONS: list[str] = [*DTYPES, *LOOP_DTYPES]


def problem_of(operation: str, precision: str) -> type[Problem] | None:
    """None where NumPy has nothing for the two together."""
    if precision in DTYPES:
        return PROBLEMS.get(operation)
    if operation != "gemm" or precision not in LOOP_DTYPES:
        return None
    return HalfGemm if precision == "fp16" else IntegerGemm


def make_problem(what: Case, random: Any) -> Problem:
    kind = problem_of(what.operation, what.precision)
    assert kind is not None, "supports() comes first"
    return kind(what.shape, dtype_of(what.precision), random)


def dtype_of(precision: str) -> Any:
    return DTYPES[precision] if precision in DTYPES else LOOP_DTYPES[precision]


def loop_gops(precision: str) -> float:
    """What NumPy's own loop reaches in this precision, by the best of two small products."""
    shape = dict.fromkeys(("m", "n", "k"), PILOT_EDGE)
    what = Case("gemm", precision, shape, "cpu", 1)
    problem = make_problem(what, np.random.default_rng(1))
    problem.block(1)
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        problem.block(1)
        seconds.append(time.perf_counter() - start)
    return 2 * PILOT_EDGE**3 * 1e-9 / max(min(seconds), 1e-9)


def bytes_of(what: Case) -> int:
    """Bytes of all buffers of a case."""
    kind = problem_of(what.operation, what.precision)
    assert kind is not None, "supports() comes first"
    return kind.elements(what.shape) * int(np.dtype(dtype_of(what.precision)).itemsize)
