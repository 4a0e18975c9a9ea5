#!/usr/bin/env python3
"""A worker for the fault programs. FAULTS_WORKER_WAYS="BACKEND=WAY;..." says who lies, and how.

Without a way it answers well: its blocks really last as long as it says, and cost no CPU time.
LIES names every way.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Reply = dict[str, Any]
BLOCK_NS = 2_000_000
# How long one iteration takes, whatever its size: rates that a CPU may have.
ITERATION_NS = {"dot": 2_000_000, "gemm": 1_000_000_000}
GIB = 1 << 30


def say(text: str | bytes) -> None:
    data = text.encode() if isinstance(text, str) else text
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


def say_json(reply: Reply) -> None:
    say(json.dumps(reply) + "\n")


def stay_silent() -> None:
    while True:
        time.sleep(1000)


class Worker:
    def __init__(self, backend: str, way: str) -> None:
        self.backend = backend
        self.verb, _, self.lie = way.partition(":")
        self.threads = 1
        self.iteration_ns = BLOCK_NS

    # What a good worker answers to each verb.
    def hello(self, _: Reply) -> Reply:
        return {
            "protocol": 1, "backend": self.backend, "versions": {"faults": "1"}, "devices": ["cpu"],
            "precisions": ["fp32"], "operations": list(ITERATION_NS), "isa": [],
        }  # fmt: skip

    def supports(self, _: Reply) -> Reply:
        return {"supported": True}

    def prepare(self, request: Reply) -> Reply:
        self.threads = int(request["case"]["threads"])
        self.iteration_ns = ITERATION_NS[request["case"]["operation"]]
        return {
            "device": "cpu", "implementation": f"{self.backend} by hand", "error": 0.0,
            "correct": True, "iteration_s": self.iteration_ns * 1e-9,
        }  # fmt: skip

    def run(self, request: Reply) -> Reply:
        if path := os.environ.get("FAULTS_RAN"):
            Path(path).touch()
        if pause_s := float(os.environ.get("FAULTS_RUN_PAUSE_S", "0")):
            time.sleep(pause_s)
        samples: list[list[Any]] = []
        blocks, asked_ns, timed_ns = 0, request["min_s"] * 1e9, 0
        while timed_ns < asked_ns or blocks < request["samples"]:
            start = time.monotonic_ns()
            time.sleep(BLOCK_NS * 1e-9)
            wall = time.monotonic_ns() - start
            timed_ns += wall
            blocks += 1
            for thread in range(self.threads):
                # The same rate, however late the sleep wakes.
                samples.append([thread, start, wall, wall, 0, 0, wall / self.iteration_ns, 0])
        return {"samples": samples}

    def release(self, _: Reply) -> Reply:
        return {}

    def shutdown(self, _: Reply) -> Reply:
        return {}

    def serve(self) -> None:
        for line in sys.stdin:
            request = json.loads(line)
            verb = request["verb"]
            answer: Callable[[Reply], Reply] = getattr(self, verb)
            reply = {"id": request["id"], "ok": True, **answer(request)}
            if verb == self.verb:
                LIES[f"{verb}:{self.lie}"](reply)
            else:
                say_json(reply)
            if verb == "shutdown":
                return


# --- the ways to lie: each takes the good reply and says something else ---------------------------

Lie = Callable[[Reply], None]


def with_fields(**fields: object) -> Lie:
    def lie(reply: Reply) -> None:
        say_json({**reply, **fields})

    return lie


def without(name: str) -> Lie:
    def lie(reply: Reply) -> None:
        del reply[name]
        say_json(reply)

    return lie


def text(line: str | bytes) -> Lie:
    return lambda _: say(line)


def column(place: int, value: object) -> Lie:
    """One column of every sample is this value; a function takes what stands there."""

    def lie(reply: Reply) -> None:
        for row in reply["samples"]:
            row[place] = value(row[place]) if callable(value) else value
        say_json(reply)

    return lie


def exit_with(code: int) -> Lie:
    def lie(_: Reply) -> None:
        print("the library refused to start", file=sys.stderr, flush=True)
        os._exit(code)

    return lie


def die_of(number: signal.Signals) -> Lie:
    def lie(_: Reply) -> None:
        signal.signal(number, signal.SIG_DFL) if number != signal.SIGKILL else None
        os.kill(os.getpid(), number)

    return lie


def child_holds_the_pipe(_: Reply) -> None:
    subprocess.Popen(["sleep", "600"])
    os._exit(3)


def child_leaves_the_group(reply: Reply) -> None:
    subprocess.Popen(["sleep", "600"], start_new_session=True, stdout=subprocess.DEVNULL)
    say_json(reply)


def ignore_sigterm(_: Reply) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    stay_silent()


def dribble(reply: Reply) -> None:
    # A byte every tenth of a second: it never says nothing, and never ends.
    for byte in json.dumps(reply).encode() * 1000:
        say(bytes([byte]).replace(b"\n", b" "))
        time.sleep(0.1)


def flood(_: Reply) -> None:
    line = b'{"id":0,"ok":true}\n' * 4096
    for _round in range(4 * GIB // len(line)):
        say(line)


def flood_stderr(reply: Reply) -> None:
    line = b"warning: the same again\n" * 4096
    for _round in range(GIB // 8 // len(line)):
        os.write(2, line)
    say_json(reply)


def long_line(_: Reply) -> None:
    block = b"x" * (1 << 20)
    for _round in range(GIB // len(block)):
        say(block)
    say(b"\n")


def deep(_: Reply) -> None:
    say("[" * 1_000_000 + "\n")


def twice(reply: Reply) -> None:
    say_json(reply)
    say_json(reply)


def rows(make: Callable[[list[list[Any]]], list[list[Any]]]) -> Lie:
    def lie(reply: Reply) -> None:
        say_json({**reply, "samples": make(reply["samples"])})

    return lie


def blocks_of_1_ns(samples: list[list[Any]]) -> list[list[Any]]:
    start = samples[0][1]
    return [[0, start + i, 1, 1, 0, 0, 1, 0] for i in range(500)]


def blocks_of_292_years(samples: list[list[Any]]) -> list[list[Any]]:
    return [[0, samples[0][1], 9_223_372_036_854_775_807, 1, 0, 0, 1, 0] for _ in range(50)]


def more_than_was_waited(samples: list[list[Any]]) -> list[list[Any]]:
    return [[row[0], row[1] * 100, row[2] * 100, row[3] * 100, *row[4:]] for row in samples]


def overlapping(samples: list[list[Any]]) -> list[list[Any]]:
    return [[row[0], samples[0][1], *row[2:]] for row in samples]


def sum_overflows(samples: list[list[Any]]) -> list[list[Any]]:
    return [[row[0], 9_223_372_036_854_775_000, *row[2:]] for row in samples]


def ends_the_worker_later(reply: Reply) -> None:
    say_json(reply)
    os._exit(0)


RUN_LIES: dict[str, Lie] = {
    "no samples": with_fields(samples=[]),
    "samples no list": with_fields(samples={"0": 1}),
    "too few columns": rows(lambda samples: [row[:5] for row in samples]),
    "a thread that is not there": column(0, 7),
    "blocks of 1 ns": rows(blocks_of_1_ns),
    "blocks of 292 years": rows(blocks_of_292_years),
    "longer than the host waited": rows(more_than_was_waited),
    "starts go backwards": rows(lambda samples: [[r[0], s[1], *r[2:]]
                                for r, s in zip(samples, reversed(samples), strict=True)]),
    "blocks overlap": rows(overlapping),
    "start plus wall overflows": rows(sum_overflows),
    "starts an hour ago": column(1, lambda start: max(0, start - 3_600_000_000_000)),
    "cpu ten times wall": column(3, lambda cpu: cpu * 10),
    "wall 0": column(2, 0),
    "wall negative": column(2, -5),
    "iterations 0": column(6, 0),
    "iterations 5e-324": column(6, 5e-324),
    "iterations 1e308": column(6, 1e308),
    "iterations null": column(6, None),
    "iterations NaN": column(6, float("nan")),
    "iterations a text": column(6, "many"),
    "clock 1e308": column(7, 1e308),
    "power 1e308": with_fields(power_w=1e308),
    "power below zero": with_fields(power_w=-4),
    "temperature 1e308": with_fields(temperature_c=1e308),
    "temperature a text": with_fields(temperature_c="hot"),
}  # fmt: skip

ANY_LIES: dict[str, Lie] = {
    "not JSON": text("no worker is as fast as I am\n"),
    "an empty line": text("\n"),
    "a list": text("[1, 2, 3]\n"),
    "invalid UTF-8": text(b'{"id":1,"ok":true,"reason":"\xff\xfe\xc0"}\n'),
    "another id": with_fields(id=99),
    "ok a text": with_fields(ok="yes"),
    "refuses": with_fields(ok=False, error="not today"),
    "refuses without a reason": with_fields(ok=False),
    "deep": deep,
    "flood": flood,
    "a line of 1 GB": long_line,
    "silence": lambda _: stay_silent(),
    "dribbles": dribble,
    "answers twice": twice,
    "exit 0": exit_with(0),
    "exit 3": exit_with(3),
    "SIGSEGV": die_of(signal.SIGSEGV),
    "SIGKILL": die_of(signal.SIGKILL),
    "exit while a child holds the pipe": child_holds_the_pipe,
    "a child in another session": child_leaves_the_group,
    "ignores SIGTERM": ignore_sigterm,
    "floods stderr": flood_stderr,
    "ends after its answer": ends_the_worker_later,
}

LIES: dict[str, Lie] = {
    **{f"{verb}:{name}": lie
       for verb in ("hello", "supports", "prepare", "run", "release", "shutdown")
       for name, lie in ANY_LIES.items()},
    **{f"run:{name}": lie for name, lie in RUN_LIES.items()},
    "hello:protocol 99": with_fields(protocol=99),
    "hello:another name": with_fields(backend="native"),
    "hello:no devices": without("devices"),
    "hello:versions a list": with_fields(versions=["1"]),
    "supports:no, without a reason": with_fields(supported=False),
    "supports:no, with a reason": with_fields(supported=False, reason="this library has no dot"),
    "supports:a number": with_fields(supported=1),
    "prepare:another device": with_fields(device="cuda:0"),
    "prepare:no implementation": without("implementation"),
    "prepare:wrong answer": with_fields(correct=False, error=0.5),
    "prepare:error over the tolerance": with_fields(error=1e300),
    "prepare:error null": with_fields(error=None, correct=True),
    "prepare:iteration 0": with_fields(iteration_s=0),
    "prepare:iteration 1e300": with_fields(iteration_s=1e300),
    "prepare:iteration below zero": with_fields(iteration_s=-1),
}  # fmt: skip


def main() -> None:
    backend = Path(sys.argv[0]).name.removeprefix("peakward-worker-")
    ways = dict(
        part.split("=", 1) for part in os.environ.get("FAULTS_WORKER_WAYS", "").split(";") if part
    )
    Worker(backend, ways.get(backend, "")).serve()


if __name__ == "__main__":
    main()
