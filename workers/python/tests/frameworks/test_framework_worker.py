"""A framework's worker as the host meets it; PEAKWARD_TEST_BACKEND names the backend."""

from __future__ import annotations

import os
import unittest
from typing import Any, Iterator

from framework_cases import SHAPES, case, fields
from partner import Partner

from peakward_worker.network_files import NETWORKS

BACKEND = os.environ["PEAKWARD_TEST_BACKEND"]
MODULE = {"pytorch": "torch"}.get(BACKEND, BACKEND)
RUN = {"samples": 3, "min_s": 0, "slice_s": 0.0005}
LAYER = ("fp32", "fp16", "bf16")
EVERY_LAYER = {
    (operation, precision)
    for operation in (
        ("conv2d", "pooling", "batch_norm", "layer_norm", "softmax", "eltwise", "attention")
    )
    for precision in LAYER
}
BLAS = {(o, p) for o in ("dot", "gemv", "gemm") for p in ("fp64", "fp32")}
# What the pinned versions compute on any x86-64 CPU.
OFFERED = {
    "pytorch": BLAS
    | EVERY_LAYER
    | {("axpy", "fp64"), ("axpy", "fp32"), ("gemm", "fp16"), ("gemm", "bf16"), ("gemm", "int8")},
    "onnxruntime": {(o, "fp32") for o, _ in EVERY_LAYER}
    | {("gemm", "fp64"), ("gemm", "fp32"), ("gemm", "int8"), ("conv2d", "int8")}
    | {("layer_norm", "fp16"), ("attention", "fp16")},
    "jax": BLAS
    | {(o, p) for o, p in EVERY_LAYER if o not in ("pooling", "batch_norm")}
    | {("gemm", "fp16"), ("gemm", "bf16"), ("gemm", "int8"), ("conv2d", "int8")},
}[BACKEND] - ({("attention", "fp16")} if BACKEND == "jax" else set())
VERSIONS = {
    "pytorch": {"torch", "python", "onednn"},
    "onnxruntime": {"onnxruntime", "onnxruntime_providers", "python"},
    "jax": {"jax", "jaxlib", "python"},
}[BACKEND]


def offered_cases() -> Iterator[dict[str, Any]]:
    for operation, precision in sorted(OFFERED):
        for shape in SHAPES[operation]:
            yield case(operation, precision, shape)


class FrameworkWorkerTest(unittest.TestCase):
    def test_says_what_it_is(self) -> None:
        with Partner(backend=BACKEND) as partner:
            reply = partner.ask("hello", protocol=1)
        self.assertEqual(reply["backend"], BACKEND)
        self.assertEqual(reply["devices"][0], "cpu")
        self.assertLessEqual(VERSIONS, set(reply["versions"]))
        self.assertTrue(all(isinstance(version, str) for version in reply["versions"].values()))
        networks = set() if BACKEND == "jax" else set(NETWORKS)
        self.assertEqual({o for o, _ in OFFERED} | networks, set(reply["operations"]))
        self.assertLessEqual({p for _, p in OFFERED}, set(reply["precisions"]))

    def test_computes_every_operation_in_every_precision(self) -> None:
        with Partner(backend=BACKEND) as partner:
            version = partner.ask("hello", protocol=1)["versions"][MODULE]
            for what in offered_cases():
                with self.subTest(**what):
                    self.run_one(partner, what, version)
            self.assertTrue(partner.ask("shutdown")["ok"])
            self.assertEqual(partner.wait(), 0)

    @unittest.skipIf(BACKEND == "jax", "it runs no networks")
    def test_refuses_a_network_without_its_files(self) -> None:
        what = case("mlp", "fp32", {"batch": 1})
        with Partner(backend=BACKEND) as partner:
            self.assertTrue(partner.ask("supports", case=what)["supported"])
            order = {"case": what, "seed": 1, "tolerance": 1e-4, "cpus": []}
            refused = partner.ask("prepare", **order)
            self.assertIn("the host named no folder", refused["error"])
            refused = partner.ask("prepare", **order, network="/nowhere")
            self.assertIn("/nowhere", refused["error"])
            int8 = partner.ask("supports", case={**what, "precision": "int8"})
            self.assertIn("int8", int8["reason"])

    def run_one(self, partner: Partner, what: dict[str, Any], version: str) -> None:
        supported = partner.ask("supports", case=what)
        self.assertTrue(supported["supported"], supported)
        prepared = partner.ask("prepare", **fields(what))
        self.assertTrue(prepared["ok"] and prepared["correct"], prepared)
        self.assertEqual(prepared["device"], "cpu")
        self.assertIn(version, prepared["implementation"])
        samples = partner.ask("run", **RUN)["samples"]
        self.assertGreaterEqual(len(samples), 3)
        end_ns = 0
        for _, start_ns, wall_ns, _, _, _, iterations, _ in samples:
            self.assertGreaterEqual(start_ns, end_ns)
            self.assertGreater(wall_ns, 0)
            self.assertGreaterEqual(iterations, 1)
            end_ns = start_ns + wall_ns
        self.assertTrue(partner.ask("release")["ok"])

    def test_gives_a_reason_for_everything_else(self) -> None:
        with Partner(backend=BACKEND) as partner:
            hello = partner.ask("hello", protocol=1)
            for operation in SHAPES:
                for precision in (*hello["precisions"], "fp8_e4m3", "int4"):
                    if (operation, precision) in OFFERED:
                        continue
                    what = case(operation, precision, SHAPES[operation][0])
                    reply = partner.ask("supports", case=what)
                    if reply["supported"]:  # a CPU with more instructions
                        continue
                    self.assertGreater(len(reply["reason"]), 20)
                    prepare = dict(fields(case("gemm", "fp32", SHAPES["gemm"][0])), case=what)
                    self.assertEqual(partner.ask("prepare", **prepare)["error"], reply["reason"])

    def test_refuses_shapes_and_devices_with_the_reason(self) -> None:
        gemm = case("gemm", "fp32", SHAPES["gemm"][0])
        conv2d = SHAPES["conv2d"][0]
        refused = [
            (dict(gemm, shape={"m": 8, "n": 8}), "m, n, k"),
            (dict(gemm, shape={"m": 8, "n": 0, "k": 8}), "whole numbers from 1"),
            (dict(gemm, shape={"m": 8, "n": 8, "k": 8, "z": 8}), "no other axes"),
            (dict(gemm, shape=dict.fromkeys("mnk", 2000000000)), "take a smaller one"),
            (dict(gemm, device="cuda:63"), "not on 'cuda:63'"),
            (case("conv2d", "fp32", dict(conv2d, groups=3)), "3 groups do not divide"),
            (case("conv2d", "fp32", dict(conv2d, r=40)), "larger than the padded image"),
            (case("eltwise", "fp32", {"elements": 8, "function": "sine"}), "one of relu, gelu"),
        ]
        with Partner(backend=BACKEND) as partner:
            for what, reason in refused:
                reply = partner.ask("supports", case=what)
                self.assertIs(reply["supported"], False)
                self.assertIn(reason, reply["reason"])

    def test_sees_a_planted_wrong_answer(self) -> None:
        with Partner(backend=BACKEND, PEAKWARD_PLANT="wrong_answer") as partner:
            for what in offered_cases():
                with self.subTest(**what):
                    reply = partner.ask("prepare", **fields(what))
                    self.assertIs(reply["correct"], False, reply)

    def test_takes_the_threads_it_is_given(self) -> None:
        cpus = sorted(os.sched_getaffinity(0))[:2]
        if len(cpus) < 2:
            self.skipTest("this process may use one CPU only")
        with Partner(backend=BACKEND) as partner:
            what = case("gemm", "fp32", {"m": 256, "n": 256, "k": 256}, threads=2)
            prepared = partner.ask("prepare", **dict(fields(what), cpus=cpus))
            self.assertTrue(prepared["ok"] and prepared["correct"], prepared)
            sample = partner.ask("run", **RUN)["samples"][0]
            # The caller's own CPU time says nothing where helpers work.
            self.assertEqual((sample[3], sample[4]), (-1, -1))

    def test_refuses_a_cpu_it_may_not_use(self) -> None:
        what = case("gemm", "fp32", SHAPES["gemm"][0])
        with Partner(backend=BACKEND) as partner:
            reply = partner.ask("prepare", **dict(fields(what), cpus=[1000]))
            self.assertIn("CPU 1000 does not exist", reply["error"])
            only = [min(os.sched_getaffinity(0))]
            self.assertTrue(partner.ask("prepare", **dict(fields(what), cpus=only))["ok"])


@unittest.skipUnless(BACKEND == "jax", "about XLA's pool of threads")
class JaxThreadsTest(unittest.TestCase):
    def test_refuses_what_xla_cannot_grant(self) -> None:
        what = case("gemm", "fp32", SHAPES["gemm"][0])
        with Partner(backend="jax") as partner:
            many = partner.ask("supports", case=dict(what, threads=60000))
            self.assertIn("XLA makes one thread per CPU", many["reason"])
            self.assertTrue(partner.ask("prepare", **fields(what))["ok"])
            other = partner.ask("supports", case=dict(what, threads=2))
            self.assertIn("cannot change to 2: start another worker", other["reason"])


if __name__ == "__main__":
    unittest.main()
