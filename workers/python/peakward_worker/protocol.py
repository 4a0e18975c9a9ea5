"""The worker protocol, version 1 (docs/worker-protocol.md), for backends in Python.

A backend derives from `Backend`; `serve` does the rest: lines, ids, errors, and keeping what
libraries print off the protocol's stdout. The C++ side is workers/sdk; both refuse the same
requests.
"""

from __future__ import annotations

import json
import math
import os
import signal
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Dict, Iterator, NoReturn, Tuple

PROTOCOL_VERSION = 1
REQUEST_BYTES_MAX = 16 << 20
LARGEST_DOUBLE = sys.float_info.max

Json = Dict[str, Any]
# thread, start_ns, wall_ns, cpu_ns, switches, wait_ns, iterations, clock_hz
Sample = Tuple[int, int, int, int, int, int, float, float]


class WorkerError(Exception):
    """One sentence for the user: what happened, where, and the way out."""


@dataclass
class Case:
    """operation x precision x shape x device x threads."""

    operation: str
    precision: str
    shape: Json
    device: str
    threads: int


@dataclass
class PrepareRequest:
    what: Case
    seed: int
    tolerance: float
    cpus: list[int] = field(default_factory=list)  # one per thread to pin to; may be empty
    network: str = ""  # the folder of a network's files; only for networks


@dataclass
class Prepared:
    implementation: str  # what will run
    error: float  # largest relative deviation; NaN and infinity are sent as the largest double
    iteration_s: float  # rough time of one iteration
    device: str = "cpu"  # where the output lives


@dataclass
class RunRequest:
    samples: int  # at least this many
    min_s: float  # and at least this long
    slice_s: float  # aim for the length of a sample where an iteration is shorter


class Backend(ABC):
    """What a backend implements. Raise WorkerError with one sentence where something fails."""

    @abstractmethod
    def hello(self) -> Json:
        """Returns backend, versions, devices, precisions, operations."""

    @abstractmethod
    def supports(self, what: Case) -> str:
        """Returns "" when the case can be run, else the reason why not."""

    def skips(self, what: Case) -> str:
        """Why a case that could be run is better not measured; "" when it is worth its time."""
        return ""

    @abstractmethod
    def prepare(self, request: PrepareRequest) -> Prepared:
        """Allocates, fills with seeded data, warms up, checks the answer."""

    @abstractmethod
    def run(self, request: RunRequest) -> list[Sample]:
        """Runs the prepared case: the only timed region."""

    @abstractmethod
    def release(self) -> None:
        """Frees what `prepare` made."""


def refuse(sentence: str) -> NoReturn:
    raise WorkerError(sentence)


def excerpt(value: object) -> str:
    """The start of a value, for an error sentence."""
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:60] + "..."


def required(values: Json, name: str, where: str) -> Any:
    if name not in values:
        refuse(f"the {where} has no '{name}'")
    return values[name]


def refuse_field(where: str, name: str, value: object, wanted: str) -> NoReturn:
    refuse(f"'{name}' of the {where} must be {wanted}, not {excerpt(value)}")


def is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def word(values: Json, name: str, where: str) -> str:
    value = required(values, name, where)
    if not isinstance(value, str) or not value:
        refuse_field(where, name, value, "a word")
    return value


def whole(values: Json, name: str, where: str, least: int, most: int) -> int:
    value = required(values, name, where)
    if not is_whole(value) or not least <= value <= most:
        refuse_field(where, name, value, f"a whole number from {least} to {most}")
    return int(value)


def number(values: Json, name: str, where: str) -> float:
    value = required(values, name, where)
    if not (is_whole(value) or isinstance(value, float)) or not 0 <= value <= LARGEST_DOUBLE:
        refuse_field(where, name, value, "a number, zero or more")
    return float(value)


def case_of(request: Json) -> Case:
    what = required(request, "case", "request")
    if not isinstance(what, dict):
        refuse_field("request", "case", what, "an object")
    operation, precision, device = (
        word(what, name, "case") for name in ("operation", "precision", "device")
    )
    threads = whole(what, "threads", "case", 1, 65536)
    shape = required(what, "shape", "case")
    if not isinstance(shape, dict):
        refuse_field("case", "shape", shape, "an object")
    for name, value in shape.items():
        if not is_whole(value) and not isinstance(value, str):
            refuse_field("shape", name, value, "a whole number or a word")
    return Case(operation, precision, shape, device, threads)


def prepare_request_of(request: Json) -> PrepareRequest:
    what = case_of(request)
    seed = required(request, "seed", "request")
    if not is_whole(seed) or not 0 <= seed < 1 << 64:
        refuse_field("request", "seed", seed, "a whole number, zero or more")
    tolerance = number(request, "tolerance", "request")
    cpus = required(request, "cpus", "request")
    if not isinstance(cpus, list) or not all(is_whole(c) and 0 <= c <= 1 << 20 for c in cpus):
        refuse_field("request", "cpus", cpus, "a list of CPU numbers")
    if cpus and len(cpus) != what.threads:
        refuse_field("request", "cpus", cpus, "empty or one CPU per thread of the case")
    network = request.get("network", "")
    if not isinstance(network, str):
        refuse_field("request", "network", network, "the name of a folder")
    return PrepareRequest(what, seed, tolerance, cpus, network)


def run_request_of(request: Json) -> RunRequest:
    return RunRequest(
        whole(request, "samples", "request", 0, (1 << 31) - 1),
        number(request, "min_s", "request"),
        number(request, "slice_s", "request"),
    )


class Conversation:
    """From a line of the protocol to the line that answers it."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._prepared = False
        self.finished = False  # True after the reply to `shutdown`

    def answer(self, line: bytes) -> str:
        """The reply to one request, without newline. Never raises: what goes wrong is a reply."""
        number_of_request = None
        try:
            request = self._parse(line)
            value = required(request, "id", "request")
            if not (is_whole(value) or isinstance(value, float)):
                refuse_field("request", "id", value, "a number")
            number_of_request = value
            reply = self._reply_to(request)
            reply.update(id=number_of_request, ok=True)
            return json.dumps(reply, separators=(",", ":"), allow_nan=False)
        except MemoryError:
            error = "out of memory: take a smaller shape or fewer threads"
        except WorkerError as problem:
            error = str(problem)
        except Exception as problem:  # noqa: BLE001 - whatever a library raises ends one case only
            error = f"{type(problem).__name__}: {problem}"
        return json.dumps({"id": number_of_request, "ok": False, "error": error})

    @staticmethod
    def _parse(line: bytes) -> Json:
        def refuse_constant(name: str) -> NoReturn:
            raise ValueError(name)

        try:
            request = json.loads(line.decode("utf-8"), parse_constant=refuse_constant)
        except (ValueError, RecursionError):
            refuse(
                "the request is not JSON: {}".format(excerpt(line[:80].decode("utf-8", "replace")))
            )
        if not isinstance(request, dict):
            refuse(f"the request is not a JSON object: {excerpt(request)}")
        return request

    def _reply_to(self, request: Json) -> Json:
        verb = word(request, "verb", "request")
        if verb == "hello":
            return self._hello(request)
        if verb == "supports":
            return self._supports(case_of(request))
        if verb == "prepare":
            return self._prepare(request)
        if verb == "run":
            return self._run(request)
        if verb in ("release", "shutdown"):
            self._release()
            self.finished = verb == "shutdown"
            return {}
        refuse(
            f"unknown verb {excerpt(verb)}: "
            "this worker knows hello, supports, prepare, run, release, shutdown"
        )

    def _supports(self, what: Case) -> Json:
        reason = self._backend.supports(what)
        if reason:
            return {"supported": False, "reason": reason}
        reason = self._backend.skips(what)
        if reason:
            return {"supported": False, "not_measured": True, "reason": reason}
        return {"supported": True}

    def _hello(self, request: Json) -> Json:
        version = whole(request, "protocol", "request", 0, (1 << 31) - 1)
        if version != PROTOCOL_VERSION:
            refuse(
                f"this worker speaks protocol {PROTOCOL_VERSION}, the host protocol {version}: "
                "install worker and host from one release"
            )
        return dict(self._backend.hello(), protocol=PROTOCOL_VERSION)

    def _prepare(self, request: Json) -> Json:
        parsed = prepare_request_of(request)
        self._release()
        try:
            prepared = self._backend.prepare(parsed)
        except BaseException:
            self._backend.release()  # half-made buffers must not outlive the case
            raise
        self._prepared = True
        error = prepared.error if math.isfinite(prepared.error) else LARGEST_DOUBLE
        return {
            "device": prepared.device,
            "implementation": prepared.implementation,
            "error": error,
            "correct": error <= parsed.tolerance,
            "iteration_s": prepared.iteration_s,
        }

    def _run(self, request: Json) -> Json:
        parsed = run_request_of(request)
        if not self._prepared:
            refuse("run without a prepared case: send prepare first")
        samples = self._backend.run(parsed)
        if len(samples) < max(parsed.samples, 1):
            refuse(f"{len(samples)} samples of {parsed.samples} asked for")
        return {"samples": samples}

    def _release(self) -> None:
        if self._prepared:
            self._prepared = False
            self._backend.release()


def take_descriptors() -> tuple[int, int]:
    """Private copies of stdin and stdout.

    The standard ones are then /dev/null and stderr: nothing that a library prints, at the level of
    the file descriptor or above, can garble the protocol.
    """
    incoming, outgoing = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # stderr is closed
        os.dup2(null, 1)
    os.close(null)
    sys.stdout.flush()  # what was printed before this line is no reply either
    return incoming, outgoing


def end_with_parent() -> None:
    """Ends this process when its parent dies.

    The kernel sends the signal when the *thread* that forked us ends (prctl(2)), which is no reason
    to stop while its process lives: only a new parent is.
    """
    parent = os.getppid()

    def on_parent_death(_signal: int, _frame: object) -> None:
        if os.getppid() != parent:
            os._exit(0)

    signal.signal(signal.SIGHUP, on_parent_death)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback when the user stops a run
    try:
        import ctypes  # noqa: PLC0415
    except ImportError:
        return  # an interpreter built without libffi: the end of stdin must do
    set_parent_death_signal = 1  # PR_SET_PDEATHSIG, linux/prctl.h
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGHUP)


def write_whole(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def lines_of(stream: BinaryIO) -> Iterator[bytes]:
    """Lines; one beyond REQUEST_BYTES_MAX is given cut short and its rest is skipped."""
    while True:
        line = stream.readline(REQUEST_BYTES_MAX)
        if not line:
            return
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(REQUEST_BYTES_MAX)
        yield line


def serve(backend: Backend) -> int:
    """Answers requests until shutdown or the end of stdin; returns the exit code."""
    try:
        incoming, outgoing = take_descriptors()
    except (OSError, AttributeError):
        sys.stderr.write("stdin or stdout is closed; the host starts workers with both\n")
        return 1
    end_with_parent()
    conversation = Conversation(backend)
    with os.fdopen(incoming, "rb") as stream:
        for line in lines_of(stream):
            try:
                write_whole(outgoing, conversation.answer(line).encode("ascii") + b"\n")
            except BrokenPipeError:
                return 1
            if conversation.finished:
                break
    return 0
