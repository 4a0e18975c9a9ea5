"""A small tree on disk for the tests of the tools."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path


class TreeTest(unittest.TestCase):
    """Each test gets an empty folder `root`; write() fills it."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="peakward-tools-")
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name).resolve()

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
