"""Which CUDA devices a framework gets: those that compute."""

from __future__ import annotations

import unittest
from typing import Callable

from peakward_worker.cuda_devices import usable_cuda_devices


def failing_on(*bad: str) -> Callable[[str], None]:
    def try_device(device: str) -> None:
        if device in bad:
            raise RuntimeError(f"out of order\nand much more about {device}")

    return try_device


class UsableCudaDevicesTest(unittest.TestCase):
    def test_a_device_that_fails_hides_no_other(self) -> None:
        devices, notes = usable_cuda_devices(failing_on("cuda:1"), count=3)
        self.assertEqual(devices, ["cuda:0", "cuda:2"])
        self.assertEqual(notes, ["cuda:1 cannot be used: out of order"])

    def test_without_a_count_the_first_failure_ends_the_search(self) -> None:
        devices, notes = usable_cuda_devices(failing_on("cuda:2"))
        self.assertEqual((devices, notes), (["cuda:0", "cuda:1"], []))

    def test_without_a_count_a_first_device_that_fails_is_told(self) -> None:
        devices, notes = usable_cuda_devices(failing_on("cuda:0"))
        self.assertEqual((devices, notes), ([], ["cuda:0 cannot be used: out of order"]))

    def test_without_a_count_the_search_has_an_end(self) -> None:
        self.assertEqual(len(usable_cuda_devices(failing_on())[0]), 64)


if __name__ == "__main__":
    unittest.main()
