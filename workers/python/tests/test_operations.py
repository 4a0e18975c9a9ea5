"""The check of the frameworks' answers: right ones pass, one wrong element does not."""

from __future__ import annotations

import unittest
from typing import Any

import numpy as np
from framework_cases import SHAPES, tolerance

from peakward_worker.operations import OPERATIONS, Conv2d, erf, to_bf16, values


def right_answer(operation: str, shape: dict[str, Any], given: dict[str, Any]) -> Any:
    """Straight from the definitions, in fp64 or int64."""
    x = given.get("x")
    if operation in ("dot", "axpy", "gemv", "gemm"):
        return of_blas(operation, given)
    if operation == "conv2d":
        return convolution(shape, x, given["filters"])
    if operation == "pooling":
        return pooled(shape, given["x"].astype(float))
    if operation == "batch_norm":
        mean, variance, scale, shift = (
            given[name].astype(float)[:, None, None]
            for name in ("mean", "variance", "scale", "shift")
        )
        return (x - mean) / np.sqrt(variance + 1e-5) * scale + shift
    return of_rows(operation, shape, given)


def of_blas(operation: str, given: dict[str, Any]) -> Any:
    integer = next(iter(given.values())).dtype.kind == "i"
    wide = {name: array.astype(np.int64 if integer else float) for name, array in given.items()}
    if operation == "axpy":
        return wide["y"] + 0.625 * wide["x"]
    return np.array(np.matmul(*wide.values()))


def of_rows(operation: str, shape: dict[str, Any], given: dict[str, Any]) -> Any:
    if operation == "attention":
        q, k, v = (given[name].astype(float) for name in "qkv")
        shares = np.exp(np.einsum("bhsd,bhtd->bhst", q, k) / np.sqrt(shape["head_size"]))
        return np.einsum("bhst,bhtd->bhsd", shares / shares.sum(-1, keepdims=True), v)
    x = given["x"].astype(float)
    if operation == "layer_norm":
        normal = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
        return normal * given["scale"] + given["shift"]
    if operation == "softmax":
        return np.exp(x) / np.exp(x).sum(1, keepdims=True)
    return np.maximum(x, 0) if shape["function"] == "relu" else x / 2 * (1 + erf(x / 2**0.5))


def convolution(shape: dict[str, Any], x: Any, filters: Any) -> Any:
    n, k, rows, columns = Conv2d(shape).out()
    stride, pad, groups = shape["stride"], shape["pad"], shape["groups"]
    wide = np.int64 if x.dtype == np.int8 else np.float64
    padded = np.pad(x.astype(wide), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    result = np.empty((n, k, rows, columns), wide)
    channels = shape["c"] // groups
    for image, out, row, column in np.ndindex(n, k, rows, columns):
        first = out // (k // groups) * channels
        top, left = row * stride, column * stride
        window = padded[image, first : first + channels, top : top + shape["r"]]
        window = window[:, :, left : left + shape["s"]]
        result[image, out, row, column] = np.sum(window * filters[out].astype(wide))
    return result


def pooled(shape: dict[str, Any], x: Any) -> Any:
    window, stride = shape["window"], shape["stride"]
    rows, columns = ((edge - window) // stride + 1 for edge in x.shape[2:])
    take = np.max if shape["mode"] == "max" else np.mean
    return np.array(
        [
            [
                take(
                    x[:, :, i * stride : i * stride + window, j * stride : j * stride + window],
                    axis=(2, 3),
                )
                for j in range(columns)
            ]
            for i in range(rows)
        ]
    ).transpose(2, 3, 0, 1)


class OperationsTest(unittest.TestCase):
    def test_accepts_right_answers_and_finds_one_wrong_element(self) -> None:
        for operation, shapes in SHAPES.items():
            for shape in shapes:
                for precision in ("fp32", "bf16"):
                    with self.subTest(operation=operation, precision=precision, **shape):
                        self.check(operation, shape, precision)

    def check(self, operation: str, shape: dict[str, Any], precision: str) -> None:
        random = np.random.default_rng(5)
        kind = OPERATIONS[operation]
        self.assertEqual(kind.refuses(operation, shape), "")
        given = kind(shape).inputs(precision, random)
        answer = np.array(right_answer(operation, shape, given), dtype=np.float32)
        if precision == "bf16":
            answer = to_bf16(np.atleast_1d(answer)).reshape(answer.shape)
        limit = tolerance(operation, precision, shape)
        self.assertLess(kind(shape).error(given, answer, random), limit)
        for index in (0, answer.size // 2, answer.size - 1):
            wrong = answer.copy()
            wrong.reshape(-1)[index] += max(1.0, kind(shape).terms() ** 0.5)
            self.assertGreater(kind(shape).error(given, wrong, random), limit, index)
            wrong.reshape(-1)[index] = np.nan
            self.assertEqual(kind(shape).error(given, wrong, random), float("inf"))

    def test_wants_integers_to_be_exact(self) -> None:
        for operation, precision in (
            ("gemm", "int8"),
            ("gemm", "int16"),
            ("gemm", "int32"),
            ("conv2d", "int8"),
        ):
            for shape in SHAPES[operation]:
                random = np.random.default_rng(5)
                kind = OPERATIONS[operation](shape)
                given = kind.inputs(precision, random)
                answer = right_answer(operation, shape, given).astype(np.int32)
                self.assertEqual(kind.error(given, answer, random), 0)
                answer.reshape(-1)[answer.size // 3] += 1
                self.assertGreater(kind.error(given, answer, random), 0)

    def test_spoils_more_than_any_tolerance(self) -> None:
        for operation, shapes in SHAPES.items():
            shape, random = shapes[0], np.random.default_rng(5)
            kind = OPERATIONS[operation](shape)
            given = kind.inputs("fp32", random)
            answer = np.array(right_answer(operation, shape, given), dtype=np.float32)
            kind.spoil(answer)
            self.assertGreater(
                kind.error(given, answer, random), tolerance(operation, "bf16", shape), operation
            )


class ValuesTest(unittest.TestCase):
    def test_are_what_the_precision_can_hold(self) -> None:
        random = np.random.default_rng(1)
        half = values((1000,), "fp16", random)
        self.assertTrue(np.array_equal(half, half.astype(np.float16)))
        bf16 = values((1000,), "bf16", random)
        self.assertFalse(np.any(bf16.view(np.uint32) & 0xFFFF))
        for fp8 in ("fp8_e4m3", "fp8_e5m2"):
            self.assertTrue(np.all(values((1000,), fp8, random) * 8 % 1 == 0))
        for name, dtype in (("int8", np.int8), ("int16", np.int16), ("int32", np.int32)):
            self.assertEqual(values((10,), name, random).dtype, dtype)
        self.assertEqual(values((10,), "fp64", random).dtype, np.float64)

    def test_erf_is_that_of_the_books(self) -> None:
        x = np.array([-2.0, -0.5, 0.0, 0.1, 1.0, 3.0])
        book = [-0.9953222650, -0.5204998778, 0, 0.1124629160, 0.8427007929, 0.9999779095]
        self.assertLess(np.max(np.abs(erf(x) - book)), 2e-7)


if __name__ == "__main__":
    unittest.main()
