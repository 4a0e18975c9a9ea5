"""The example worker of docs/howto/add-a-backend.md answers every verb, in under 100 lines."""

import json
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/backend/peakward-worker-purepython"
DOT = {
    "operation": "dot",
    "precision": "fp64",
    "shape": {"n": 1000},
    "device": "cpu",
    "backend": "purepython",
    "threads": 1,
}


def talk(*requests: dict[str, Any]) -> list[dict[str, Any]]:
    """The replies to these requests, and to the shutdown after them."""
    lines = [{"id": i, **request} for i, request in enumerate([*requests, {"verb": "shutdown"}])]
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)],
        input="".join(json.dumps(line) + "\n" for line in lines),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=60,
    )
    replies = [json.loads(line) for line in done.stdout.splitlines()]
    assert [reply["id"] for reply in replies] == [line["id"] for line in lines]
    return replies


class ExampleBackendTest(unittest.TestCase):
    def test_is_short(self) -> None:
        self.assertLess(len(EXAMPLE.read_text("utf-8").splitlines()), 100)

    def test_says_what_it_is_and_what_it_can(self) -> None:
        two = {**DOT, "threads": 2}
        hello, yes, no, other = talk(
            {"verb": "hello", "protocol": 1},
            {"verb": "supports", "case": DOT},
            {"verb": "supports", "case": two},
            {"verb": "supports", "case": {**DOT, "operation": "gemm"}},
        )[:4]
        self.assertEqual((hello["protocol"], hello["backend"]), (1, "purepython"))
        self.assertTrue(yes["supported"])
        self.assertIn("--threads 1", no["reason"])
        self.assertIn("computes dot", other["reason"])

    def test_measures_and_checks_its_answer(self) -> None:
        order = {"verb": "prepare", "case": DOT, "seed": 7, "tolerance": 1e-12, "cpus": []}
        prepared, strict, ran, released, ended = talk(
            order,
            {**order, "tolerance": -1},
            {"verb": "run", "samples": 5, "min_s": 0, "slice_s": 0.001},
            {"verb": "release"},
        )
        self.assertTrue(prepared["correct"], prepared)
        self.assertEqual(prepared["device"], "cpu")
        self.assertFalse(strict["correct"])
        self.assertGreaterEqual(len(ran["samples"]), 5)
        for thread, start_ns, wall_ns, *_rest, iterations, _clock in ran["samples"]:
            self.assertEqual((thread, iterations), (0, 1))
            self.assertGreater(start_ns, 0)
            self.assertGreaterEqual(wall_ns, 0)
        self.assertTrue(released["ok"] and ended["ok"])

    def test_turns_a_failure_into_a_sentence(self) -> None:
        self.assertIn("KeyError", talk({"verb": "prepare", "case": {}})[0]["error"])


if __name__ == "__main__":
    unittest.main()
