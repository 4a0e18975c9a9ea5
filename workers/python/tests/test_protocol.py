"""Lines in, lines out: what a request must look like and what goes wrong."""

from __future__ import annotations

import json
import math
import unittest
from typing import Any

from peakward_worker.protocol import (
    LARGEST_DOUBLE,
    Backend,
    Case,
    Conversation,
    Json,
    Prepared,
    PrepareRequest,
    RunRequest,
    Sample,
    WorkerError,
)

CASE = {"operation": "gemm", "precision": "fp32", "shape": {"n": 64}, "device": "cpu", "threads": 2}
PREPARE = {"id": 7, "verb": "prepare", "case": CASE, "seed": 5, "tolerance": 1e-5, "cpus": [0, 3]}
RUN = {"id": 8, "verb": "run", "samples": 2, "min_s": 0.5, "slice_s": 0.001}


class Scripted(Backend):
    def __init__(self) -> None:
        self.problem: Exception | None = None
        self.error = 0.0
        self.prepared: PrepareRequest | None = None
        self.released = 0
        self.samples: list[Sample] = [(0, 1, 2, 3, 4, 5, 6.0, 0.0)] * 2

    def hello(self) -> Json:
        if self.problem:
            raise self.problem
        return {"backend": "scripted"}

    def supports(self, what: Case) -> str:
        return "" if what.operation == "gemm" else "only gemm"

    def prepare(self, request: PrepareRequest) -> Prepared:
        if self.problem:
            raise self.problem
        self.prepared = request
        return Prepared("loops", self.error, 0.1)

    def run(self, request: RunRequest) -> list[Sample]:
        return self.samples

    def release(self) -> None:
        self.released += 1


class ConversationTest(unittest.TestCase):
    def setUp(self) -> None:
        self.backend = Scripted()
        self.conversation = Conversation(self.backend)

    def ask(self, request: object) -> dict[str, Any]:
        line = request if isinstance(request, bytes) else json.dumps(request).encode()
        reply = json.loads(self.conversation.answer(line))
        assert isinstance(reply, dict)
        return reply

    def test_answers_hello_with_protocol_and_id(self) -> None:
        reply = self.ask({"id": 3, "verb": "hello", "protocol": 1})
        self.assertEqual(reply, {"backend": "scripted", "protocol": 1, "id": 3, "ok": True})

    def test_refuses_another_protocol(self) -> None:
        reply = self.ask({"id": 3, "verb": "hello", "protocol": 2})
        self.assertIn("speaks protocol 1, the host protocol 2", reply["error"])

    def test_hands_the_prepare_request_over(self) -> None:
        self.assertTrue(self.ask(PREPARE)["correct"])
        assert self.backend.prepared is not None
        self.assertEqual(self.backend.prepared.cpus, [0, 3])
        self.assertEqual(self.backend.prepared.seed, 5)
        self.assertEqual(self.backend.prepared.what.threads, 2)

    def test_is_correct_only_within_the_tolerance(self) -> None:
        for error, correct in ((1e-5, True), (1.1e-5, False), (math.nan, False), (math.inf, False)):
            self.backend.error = error
            reply = self.ask(PREPARE)
            self.assertEqual(reply["correct"], correct)
            if not math.isfinite(error):
                self.assertEqual(reply["error"], LARGEST_DOUBLE)

    def test_sends_samples_in_the_protocols_order(self) -> None:
        self.ask(PREPARE)
        self.assertEqual(self.ask(RUN)["samples"][0], [0, 1, 2, 3, 4, 5, 6.0, 0.0])

    def test_refuses_fewer_samples_than_asked_for(self) -> None:
        self.ask(PREPARE)
        self.backend.samples = self.backend.samples[:1]
        self.assertIn("1 samples of 2", self.ask(RUN)["error"])

    def test_refuses_to_run_what_is_not_prepared(self) -> None:
        self.assertIn("send prepare first", self.ask(RUN)["error"])
        self.ask(PREPARE)
        self.ask({"id": 1, "verb": "release"})
        self.assertIn("send prepare first", self.ask(RUN)["error"])
        self.assertEqual(self.backend.released, 1)

    def test_releases_what_a_failed_prepare_left(self) -> None:
        self.backend.problem = MemoryError()
        self.assertIn("out of memory", self.ask(PREPARE)["error"])
        self.assertEqual(self.backend.released, 1)

    def test_turns_exceptions_into_errors(self) -> None:
        hello = {"id": 3, "verb": "hello", "protocol": 1}
        self.backend.problem = WorkerError("the kernel is tired")
        self.assertEqual(self.ask(hello), {"id": 3, "ok": False, "error": "the kernel is tired"})
        self.backend.problem = ZeroDivisionError("by zero")
        self.assertEqual(self.ask(hello)["error"], "ZeroDivisionError: by zero")

    def test_ends_with_shutdown(self) -> None:
        self.assertFalse(self.conversation.finished)
        self.assertEqual(self.ask({"id": 9, "verb": "shutdown"}), {"id": 9, "ok": True})
        self.assertTrue(self.conversation.finished)

    def test_refuses_garbled_requests(self) -> None:
        def changed(where: str, name: str, value: object) -> dict[str, Any]:
            request = json.loads(json.dumps(PREPARE))
            (request["case"] if where == "case" else request)[name] = value
            return dict(request)

        garbled: list[tuple[object, str]] = [
            (b"", "not JSON"),
            (b"hello", "not JSON"),
            (b"\xff\x00{", "not JSON"),
            (b"[" * 100000, "not JSON"),
            (b'{"id":NaN,"verb":"release"}', "not JSON"),
            ([1], "not a JSON object"),
            ({}, "has no 'id'"),
            ({"id": "one", "verb": "hello"}, "'id' of the request must be a number"),
            ({"id": True, "verb": "hello"}, "'id' of the request must be a number"),
            ({"id": 1}, "has no 'verb'"),
            ({"id": 1, "verb": "explode"}, 'unknown verb "explode"'),
            ({"id": 1, "verb": "hello"}, "has no 'protocol'"),
            ({"id": 1, "verb": "hello", "protocol": 1.5}, "must be a whole number"),
            ({"id": 1, "verb": "hello", "protocol": True}, "must be a whole number"),
            ({"id": 1, "verb": "supports"}, "has no 'case'"),
            ({"id": 1, "verb": "supports", "case": "gemm"}, "'case' of the request"),
            (changed("case", "threads", 0), "'threads' of the case"),
            (changed("case", "shape", [1]), "'shape' of the case"),
            (changed("case", "shape", {"n": 1.5}), "'n' of the shape"),
            (changed("case", "operation", ""), "'operation' of the case"),
            (changed("request", "seed", -1), "'seed' of the request"),
            (changed("request", "tolerance", None), "'tolerance' of the request"),
            (changed("request", "tolerance", -1), "'tolerance' of the request"),
            (changed("request", "cpus", 3), "'cpus' of the request"),
            (changed("request", "cpus", [1]), "one CPU per thread"),
            (dict(RUN, samples=-1), "'samples' of the request"),
            (dict(RUN, min_s="long"), "'min_s' of the request"),
        ]
        for request, complaint in garbled:
            with self.subTest(complaint=complaint):
                reply = self.ask(request)
                self.assertIs(reply["ok"], False)
                self.assertIn(complaint, reply["error"])
        self.assertIsNone(self.backend.prepared)


if __name__ == "__main__":
    unittest.main()
