"""Which CUDA devices a framework really computes on: each is tried, none is believed."""

from __future__ import annotations

from typing import Callable

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
