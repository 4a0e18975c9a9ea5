"""Which CUDA devices a framework gets: those that compute."""

from __future__ import annotations

import unittest
from typing import Any, Callable

from peakward_worker.cuda_devices import driver_ids, usable_cuda_devices


def failing_on(*bad: str) -> Callable[[str], None]:
    def try_device(device: str) -> None:
        if device in bad:
            raise RuntimeError(f"out of order\nand much more about {device}")

    return try_device


class FakeDriver:
    """libcuda with two devices."""

    def __init__(self, initialised: int = 0) -> None:
        self.initialised = initialised

    def cuInit(self, _flags: int) -> int:  # noqa: N802 - CUDA's name
        return self.initialised

    def cuDeviceGet(self, handle: Any, index: int) -> int:  # noqa: N802
        handle._obj.value = index
        return 0 if index < 2 else 101

    def cuDeviceGetPCIBusId(self, text: Any, _length: int, handle: Any) -> int:  # noqa: N802
        text.value = f"0000:{0x3B + handle.value:02X}:00.0".encode()
        return 0


class DriverIdsTest(unittest.TestCase):
    def test_are_the_addresses_as_the_driver_numbers_its_devices(self) -> None:
        ids = driver_ids(["cuda:0", "cuda:1", "cuda:2", "rocm:0"], lambda _name: FakeDriver())
        self.assertEqual(
            ids, {"cuda:0": {"pci": "0000:3b:00.0"}, "cuda:1": {"pci": "0000:3c:00.0"}}
        )

    def test_without_a_driver_that_works_there_are_none(self) -> None:
        def missing(_name: str) -> object:
            raise OSError("libcuda.so.1: cannot open shared object file")

        self.assertEqual(driver_ids(["cuda:0"], missing), {})
        self.assertEqual(driver_ids(["cuda:0"], lambda _name: FakeDriver(100)), {})
        self.assertEqual(driver_ids(["cuda:0"], lambda _name: object()), {})


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
