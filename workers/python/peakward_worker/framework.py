"""What the frameworks' backends have in common; each adds how it is loaded and how it computes.

A framework is imported when the first request comes, not earlier: what it or its libraries print
must not reach the protocol, and an interpreter without it must be able to say so.
"""

from __future__ import annotations

import os
import platform
from abc import abstractmethod
from dataclasses import dataclass
from itertools import cycle, islice, repeat
from typing import TYPE_CHECKING, Any, Callable, Dict, Tuple

from .network_files import NETWORKS, NetworkFiles
from .protocol import Backend, Case, Json, Prepared, PrepareRequest, RunRequest, Sample, WorkerError
from .shared import Cpus, first_sentence, import_numpy, import_or_refuse
from .timing import Sampler, warm_up

if TYPE_CHECKING:
    from .timing import Block

Array = Any  # np.ndarray
Call = Callable[[], Any]
Arrays = Dict[str, Array]
Precisions = Dict[str, Tuple[str, ...]]  # of each operation


@dataclass
class Program:
    """One case, ready to run."""

    how: str  # which call of the framework an iteration is, and what it runs on
    block: Block
    answer: Callable[[], Array]  # the output as fp64, fp32 or int32; a copy
    device: Callable[[], str]  # where the output lives, read from the output
    own_thread: bool  # the calling thread does all the work
    own_cpu: bool = False  # it and its helpers take turns on one CPU


def block_of(*calls: Call) -> tuple[Block, Callable[[], Any]]:
    """A block that makes these calls in turn, and what tells the last one's result."""
    last: list[Any] = [None]
    if len(calls) == 1:
        call = calls[0]

        def same(count: int) -> None:
            result = None
            for _ in repeat(None, count):
                result = call()
            last[0] = result

        return same, lambda: last[0]
    turns = cycle(calls)

    def in_turn(count: int) -> None:
        result = None
        for call in islice(turns, count):
            result = call()
        last[0] = result

    return in_turn, lambda: last[0]


class FrameworkBackend(Backend):
    name = ""  # of the backend
    title = ""  # for the user
    module = ""
    package = ""  # what pip installs
    precisions: Precisions = {}
    network_precisions: tuple[str, ...] = ()  # none: it runs no networks

    def __init__(self) -> None:
        self.cpus = Cpus()
        self._plant = os.environ.get("PEAKWARD_PLANT") == "wrong_answer"
        self._loaded: Any = None
        self._program: Program | None = None
        self._sampler: Sampler | None = None

    # What a framework adds.

    def set_up(self, module: Any) -> None:
        """Once, right after the import."""

    @abstractmethod
    def versions(self) -> dict[str, str]:
        """Of what was really loaded; the framework's own under the name of its module."""

    def devices(self) -> list[str]:
        return ["cpu"]

    def notes(self) -> list[str]:
        """Sentences on what cannot be used here."""
        return []

    def device_ids(self) -> dict[str, dict[str, str]]:
        """`pci` and `uuid` of each device, where the framework tells."""
        return {}

    def refuses(self, what: Case) -> str:
        """What else stands against a case whose operation, precision and device are known."""
        return ""

    def refuses_device(self, what: Case) -> str:
        return f"{self.name} runs on the device cpu here, not on '{what.device}'"

    @abstractmethod
    def set_threads(self, request: PrepareRequest) -> None:
        """Grants the case's threads and CPUs, or raises WorkerError."""

    @abstractmethod
    def build(self, what: Case, given: Arrays) -> Program: ...

    def build_network(self, what: Case, folder: str) -> Program:
        """The network of `folder`; its `answer` is the first image's or sequence's, flat."""
        raise WorkerError(f"{self.title} runs no networks here")

    # What they share.

    def load(self) -> Any:
        if self._loaded is None:
            loaded = import_or_refuse(self.module, self.title, self.package)
            import_numpy()  # inputs and checks need it
            self.set_up(loaded)
            self._loaded = loaded
        return self._loaded

    def hello(self) -> Json:
        self.load()
        precisions = [p for of_operation in self.precisions.values() for p in of_operation]
        hello = {
            "backend": self.name,
            "versions": {**self.versions(), "python": platform.python_version()},
            "devices": self.devices(),
            "precisions": list(dict.fromkeys(precisions)),
            "operations": [*self.precisions, *self._networks()],
        }
        if self.notes():
            hello["notes"] = self.notes()
        if self.device_ids():
            hello["device_ids"] = self.device_ids()
        return hello

    def _networks(self) -> tuple[str, ...]:
        return NETWORKS if self.network_precisions else ()

    def supports(self, what: Case) -> str:
        self.load()
        from .operations import refuses_shape  # noqa: PLC0415

        is_network = what.operation in self._networks()
        known = self.network_precisions if is_network else self.precisions.get(what.operation)
        if known is None:
            have = ", ".join(self.precisions)
            return f"{self.name} has no operation '{what.operation}' here: it has {have}"
        if what.precision not in known:
            return (
                f"{self.title} computes {what.operation} in {', '.join(known)} here, "
                f"not in '{what.precision}'"
            )
        if what.device not in self.devices():
            return self.refuses_device(what)
        if is_network:
            return ""
        return refuses_shape(what) or self.refuses(what)

    def prepare(self, request: PrepareRequest) -> Prepared:
        reason = self.supports(request.what)
        if reason:
            raise WorkerError(reason)
        import numpy as np  # noqa: PLC0415

        from .operations import OPERATIONS  # noqa: PLC0415

        self.set_threads(request)
        if request.what.operation in NETWORKS:
            if not request.network:
                raise WorkerError("a network is read from files, and the host named no folder")
            program = self._built(lambda: self.build_network(request.what, request.network))
            error = self._network_error(request.network, program.answer())
        else:
            random = np.random.default_rng(request.seed)
            operation = OPERATIONS[request.what.operation](request.what.shape)
            given = operation.inputs(request.what.precision, random)
            program = self._built(lambda: self.build(request.what, given))
            answer = program.answer()
            if self._plant:
                operation.spoil(answer)
            error = operation.error(given, answer, random)
        iteration_s = warm_up(program.block)
        self._program = program
        self._sampler = Sampler(
            program.block,
            iteration_s,
            program.own_thread,
            helpers_stay=True,
            own_cpu=program.own_cpu,
        )
        return Prepared(program.how, error, iteration_s, program.device())

    def _network_error(self, folder: str, answer: Array) -> float:
        if self._plant:
            answer.reshape(-1)[0] += 1 + abs(answer).max()
        return NetworkFiles(folder).deviation(answer.reshape(-1).tolist())

    def _built(self, build: Callable[[], Program]) -> Program:
        """The program after its first call, which is where frameworks refuse."""
        try:
            program = build()
            program.block(1)
        except (WorkerError, MemoryError):
            raise
        except Exception as problem:  # noqa: BLE001 - each has classes of its own
            version = self.versions()[self.module]
            raise WorkerError(
                f"{self.title} {version} refuses: {first_sentence(problem)}"
            ) from None
        return program

    def run(self, request: RunRequest) -> list[Sample]:
        if self._sampler is None:
            raise WorkerError("run without a prepared case: send prepare first")
        return self._sampler.run(request)

    def release(self) -> None:
        self._program = self._sampler = None
