"""The backend `numpy`: dot, axpy, gemv and gemm as NumPy users call them.

NumPy is imported when the first request comes, not earlier: what it or its libraries print must not
reach the protocol, and an interpreter without NumPy must be able to say so.
"""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING, Any

from .blas_threads import Blas, find_blas
from .protocol import Backend, Case, Json, Prepared, PrepareRequest, RunRequest, Sample, WorkerError
from .shared import AXIS_MAX, Cpus, import_numpy, refuses_bytes
from .timing import Sampler, warm_up

if TYPE_CHECKING:
    from .numpy_problems import Problem


LOOP_PRODUCTS_MAX = 1 << 24  # 256 x 256 x 256, about 20 ms in a loop of NumPy's own


def built_with(numpy: Any) -> str:
    """The BLAS that NumPy's build names, "" where it names none.

    NumPy 1.25 and later keep a CONFIG of nested dictionaries, earlier ones `blas_opt_info`.
    """
    config = getattr(numpy, "__config__", None)
    described = getattr(config, "CONFIG", None)
    if isinstance(described, dict):
        blas = described.get("Build Dependencies", {}).get("blas", {})
        return " ".join(str(blas[key]) for key in ("name", "version") if blas.get(key))
    old = getattr(config, "blas_opt_info", None) or getattr(config, "blas_ilp64_opt_info", None)
    return ", ".join(sorted(set(old.get("libraries", [])))) if isinstance(old, dict) else ""


def refuses_shape(what: Case) -> str:
    """Why this shape cannot be run, "" when it can."""
    from .numpy_problems import PROBLEMS, bytes_of  # noqa: PLC0415

    axes = PROBLEMS[what.operation].axes
    listed = ", ".join(axes)
    for axis in axes:
        value = what.shape.get(axis)
        if not isinstance(value, int) or not 1 <= value <= AXIS_MAX:
            return f"{what.operation} needs a shape of whole numbers from 1 to {AXIS_MAX}: {listed}"
    if len(what.shape) != len(axes):
        return f"{what.operation} has no other axes than {listed}"
    return refuses_bytes(bytes_of(what))


class NumpyBackend(Backend):
    def __init__(self) -> None:
        self._cpus = Cpus()
        self._plant = os.environ.get("PEAKWARD_PLANT") == "wrong_answer"
        self._numpy: Any = None
        self._blas: Blas = Blas("", "")
        self._problem: Problem | None = None
        self._sampler: Sampler | None = None
        self._loop_gops: dict[str, float] = {}  # by precision, as measured here

    def _load(self) -> Any:
        if self._numpy is None:
            self._numpy = import_numpy()
            self._blas = find_blas()
        return self._numpy

    def hello(self) -> Json:
        numpy = self._load()
        from .numpy_problems import OPERATIONS, PRECISIONS  # noqa: PLC0415

        versions = {
            "numpy": numpy.__version__,
            "python": platform.python_version(),
            **self._blas.versions(),
        }
        if built_with(numpy):
            versions["numpy_built_with"] = built_with(numpy)
        return {
            "backend": "numpy",
            "versions": versions,
            "devices": ["cpu"],
            "precisions": PRECISIONS,
            "operations": OPERATIONS,
        }

    def supports(self, what: Case) -> str:
        self._load()
        from .numpy_problems import DTYPES, OPERATIONS, PRECISIONS, problem_of  # noqa: PLC0415

        if what.operation not in OPERATIONS:
            return "numpy has no operation '{}' here: it has {}".format(
                what.operation,
                ", ".join(OPERATIONS),
            )
        if problem_of(what.operation, what.precision) is None:
            have = PRECISIONS if what.operation == "gemm" else DTYPES
            return "NumPy computes {} in {}, not in '{}'".format(
                what.operation, ", ".join(have), what.precision
            )
        if what.device != "cpu":
            return f"numpy runs on the device cpu, not on '{what.device}'"
        return refuses_shape(what) or self._refuses_threads(what)

    def _wants_one_thread(self, what: Case) -> str:
        """Nothing is known of a precision because more threads were asked for."""
        from .numpy_problems import problem_of  # noqa: PLC0415

        kind = problem_of(what.operation, what.precision)
        if kind is None or not kind.one_thread or what.threads == 1:
            return ""
        return (
            "not measured: NumPy's own loops run on one thread, "
            f"and {what.threads} were asked for: pass --threads 1"
        )

    def skips(self, what: Case) -> str:
        """Larger products of a precision whose loop is slow, as METHODS 2 has it.

        The host cannot find out: a suite may ask for one large size alone.
        """
        reason = self._wants_one_thread(what)
        if reason:
            return reason
        from .numpy_problems import LOOP_DTYPES, SLOW_GOPS, loop_gops  # noqa: PLC0415

        if what.operation != "gemm" or what.precision not in LOOP_DTYPES:
            return ""
        products = what.shape["m"] * what.shape["n"] * what.shape["k"]
        if products <= LOOP_PRODUCTS_MAX:
            return ""
        if what.precision not in self._loop_gops:
            self._loop_gops[what.precision] = loop_gops(what.precision)
        gops = self._loop_gops[what.precision]
        if gops >= SLOW_GOPS:
            return ""
        return (
            f"not measured (slow): NumPy multiplies {what.precision} in loops of its own without "
            f"a BLAS, at {gops:.3g} GOPS, below {SLOW_GOPS}"
        )

    def _refuses_threads(self, what: Case) -> str:
        from .numpy_problems import problem_of  # noqa: PLC0415

        kind = problem_of(what.operation, what.precision)
        if kind is not None and kind.one_thread:
            return ""
        return self._blas.refuses_threads(what.threads)

    def prepare(self, request: PrepareRequest) -> Prepared:
        reason = self.supports(request.what) or self._wants_one_thread(request.what)
        if reason:
            raise WorkerError(reason)
        from .numpy_problems import make_problem  # noqa: PLC0415

        self._cpus.confine(request.cpus)
        self._blas.force_threads(request.what.threads)
        random = self._numpy.random.default_rng(request.seed)
        problem = make_problem(request.what, random)
        error = problem.check(random, self._plant)
        iteration_s = warm_up(problem.block)
        own_thread = request.what.threads == 1
        self._problem = problem
        self._sampler = Sampler(
            problem.block,
            iteration_s,
            own_thread,
            helpers_stay=own_thread or not self._blas.short_lived_threads,
        )
        ran = "" if problem.one_thread else ", " + self._blas.description()
        implementation = f"NumPy {self._numpy.__version__} {problem.how}{ran}"
        return Prepared(implementation, error, iteration_s)

    def run(self, request: RunRequest) -> list[Sample]:
        if self._sampler is None:
            raise WorkerError("run without a prepared case: send prepare first")
        return self._sampler.run(request)

    def release(self) -> None:
        self._problem = self._sampler = None
