"""Which CUDA devices a framework really computes on: each is tried, none is believed."""

from __future__ import annotations

import ctypes
from typing import Any, Callable, Iterable

from .shared import first_sentence

DEVICES_MAX = 64  # where a framework cannot say how many there are


def usable_cuda_devices(
    try_device: Callable[[str], object], count: int | None = None
) -> tuple[list[str], list[str]]:
    """The devices that pass, and a sentence for each that does not.

    `try_device` raises where something is wrong. Without a count the search ends at the first
    device that fails, which is only told of when it is the first of all: it may be one too many.
    """
    devices: list[str] = []
    notes: list[str] = []
    for index in range(DEVICES_MAX if count is None else count):
        device = f"cuda:{index}"
        try:
            try_device(device)
            devices.append(device)
        except Exception as problem:  # noqa: BLE001 - a broken driver raises whatever it likes
            if count is not None or index == 0:
                notes.append(f"{device} cannot be used: {first_sentence(problem)}")
            if count is None:
                break
    return devices, notes


def driver_ids(
    devices: Iterable[str], load: Callable[[str], Any] = ctypes.CDLL
) -> dict[str, dict[str, str]]:
    """The PCI address of each of "cuda:0", "cuda:1", … as the CUDA driver numbers them.

    For frameworks that do not tell it. CUDA_VISIBLE_DEVICES holds for the driver as for them.
    Empty without a driver.
    """
    try:
        driver = load("libcuda.so.1")
        if driver.cuInit(0) != 0:
            return {}
    except (OSError, AttributeError):
        return {}
    ids: dict[str, dict[str, str]] = {}
    for device in devices:
        kind, _, index = device.partition(":")
        handle, text = ctypes.c_int(), ctypes.create_string_buffer(32)
        if kind != "cuda" or driver.cuDeviceGet(ctypes.byref(handle), int(index)) != 0:
            continue
        if driver.cuDeviceGetPCIBusId(text, len(text), handle) == 0:
            ids[device] = {"pci": text.value.decode("ascii", "replace").lower()}
    return ids
