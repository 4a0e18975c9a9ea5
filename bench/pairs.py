"""What the programs share that compare a worker with a bare loop, block by block."""

from __future__ import annotations

import time

SLICE_S = 0.002  # aim for a block of this length
CPU_SHARE_MIN = 0.985  # CPU time / wall of a block that had its CPU for itself (METHODS 1.1)


class Pressure:
    """The share of the time, since it was made, in which some task waited for a CPU (PSI)."""

    def __init__(self) -> None:
        self._waited_us, self._started = self._total_us(), time.monotonic()

    @staticmethod
    def _total_us() -> float:
        try:
            with open("/proc/pressure/cpu", encoding="ascii") as file:
                return float(file.readline().rsplit("total=", 1)[1])
        except (OSError, IndexError):
            return float("nan")

    def percent(self) -> float:
        return (self._total_us() - self._waited_us) * 1e-4 / (time.monotonic() - self._started)
