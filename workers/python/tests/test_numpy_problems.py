"""The check of the answers: right ones pass with room to spare, one wrong element does not."""

from __future__ import annotations

import unittest
from typing import Any

import numpy as np
from partner import SHAPES, tolerance

from peakward_worker.numpy_problems import DTYPES, PROBLEMS, gemm_error


def limit(precision: str, terms: int) -> float:
    return 16 * terms**0.5 * float(np.finfo(DTYPES[precision]).eps) / 2


class GemmErrorTest(unittest.TestCase):
    def matrices(self, precision: str, m: int, n: int, k: int) -> Any:
        random = np.random.default_rng(3)
        a = random.uniform(-1, 1, (m, k)).astype(DTYPES[precision])
        b = random.uniform(-1, 1, (k, n)).astype(DTYPES[precision])
        return a, b, np.matmul(a, b), random

    def test_accepts_right_answers_of_any_shape(self) -> None:
        for precision in DTYPES:
            for shape in ((64, 64, 64), (1, 1, 1), (33, 65, 7), (5, 1, 300), (1, 130, 2)):
                with self.subTest(precision=precision, shape=shape):
                    error = gemm_error(*self.matrices(precision, *shape))
                    self.assertLess(error, limit(precision, shape[2]) / 3)

    def find_one_wrong_element(self, rows: int, n: int, trials: int) -> None:
        """Off by a hundredth of the usual size of an element."""
        for precision in DTYPES:
            a, b, c, random = self.matrices(precision, rows, n, n)
            for _ in range(trials):
                wrong = c.copy()
                i, j = int(random.integers(rows)), int(random.integers(n))
                wrong[i, j] += n**0.5 / 300
                self.assertGreater(gemm_error(a, b, wrong, random), limit(precision, n), (i, j))

    def test_finds_one_wrong_element_at_the_smallest_size(self) -> None:
        self.find_one_wrong_element(64, 64, 40)

    def test_finds_one_wrong_element_at_1024(self) -> None:
        self.find_one_wrong_element(32, 1024, 10)

    def test_finds_swapped_elements(self) -> None:
        a, b, c, random = self.matrices("fp64", 64, 64, 64)
        c[5, 10], c[5, 11] = c[5, 11], c[5, 10]
        self.assertGreater(gemm_error(a, b, c, random), limit("fp64", 64))

    def test_takes_nan_for_an_infinite_error(self) -> None:
        a, b, c, random = self.matrices("fp64", 64, 64, 64)
        c[60, 60] = np.nan
        self.assertEqual(gemm_error(a, b, c, random), float("inf"))


class ProblemTest(unittest.TestCase):
    def test_checks_itself_before_and_after_use(self) -> None:
        for operation, precision in ((o, p) for o in PROBLEMS for p in DTYPES):
            with self.subTest(operation=operation, precision=precision):
                random = np.random.default_rng(1)
                problem = PROBLEMS[operation](SHAPES[operation], DTYPES[precision], random)
                largest = tolerance(operation, precision)
                self.assertLess(problem.check(random, False), largest / 3)
                problem.block(7)
                self.assertLess(problem.check(random, False), largest / 3)
                self.assertGreater(problem.check(random, True), largest)

    def test_gives_the_same_inputs_for_the_same_seed(self) -> None:
        def error(seed: int) -> float:
            random = np.random.default_rng(seed)
            return PROBLEMS["gemm"](SHAPES["gemm"], np.float32, random).check(random, False)

        self.assertEqual(error(5), error(5))
        self.assertNotEqual(error(5), error(6))

    def test_refuses_zero_as_the_answer_of_a_long_dot(self) -> None:
        n = 1 << 23
        random = np.random.default_rng(2)
        problem: Any = PROBLEMS["dot"]({"n": n}, np.float32, random)
        original = np.dot
        try:
            np.dot = lambda _x, _y: np.float32(0)  # type: ignore[assignment]
            self.assertGreater(problem.check(random, False), limit("fp32", n))
        finally:
            np.dot = original


if __name__ == "__main__":
    unittest.main()
