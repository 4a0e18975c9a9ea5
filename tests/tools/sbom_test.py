"""The bill of materials is whole and repeatable; it names what is compiled in and loaded."""

from __future__ import annotations

import copy
import os
import unittest
from collections.abc import Callable
from typing import Any
from unittest import mock

import sbom

NEEDED = " 0x0000000000000001 (NEEDED)             Shared library: [libone.so.1]\n"
LISTED = """
    libone.so.1 (libc6,x86-64) => /lib/x86/libone.so.1
    libone.so.1 (libc6) => /lib/32/libone.so.1
"""
OWNED = "/usr/lib/x86/libone.so.1"


def answer(*command: str) -> str:
    """What the programs of a small Debian say."""
    known = {
        ("readelf", "-dW", "prog"): NEEDED + NEEDED.replace("one", "two"),
        ("ldconfig", "-p"): LISTED,
        ("dpkg-query", "-S", OWNED): f"libone1:amd64: {OWNED}\n",
    }
    if command[:2] == ("dpkg-query", "-W"):
        return {"libone1": "1.2-3\n", "libcli11-dev": "2.1.2+ds-1\n"}.get(command[-1], "")
    return known.get(command, "")


class Sbom(unittest.TestCase):
    def bill(self) -> dict[str, Any]:
        with (
            mock.patch.object(sbom, "output_of", answer),
            mock.patch.dict(os.environ, {"SOURCE_DATE_EPOCH": "1767225600"}),
        ):
            return sbom.bill_of("1.0.0", ["prog"])

    def test_is_whole_and_the_same_again(self) -> None:
        self.assertEqual(sbom.problems_of(self.bill()), [])
        self.assertEqual(self.bill(), self.bill())
        self.assertEqual(self.bill()["creationInfo"]["created"], "2026-01-01T00:00:00Z")

    def test_names_what_is_compiled_in_and_what_is_loaded(self) -> None:
        bill = self.bill()
        packages = {package["name"]: package for package in bill["packages"]}
        self.assertEqual(packages["CLI11"]["versionInfo"], "2.1.2+ds-1")
        self.assertEqual(packages["CLI11"]["licenseDeclared"], "BSD-3-Clause")
        self.assertRegex(packages["uPlot"]["versionInfo"], r"^\d+\.\d+\.\d+$")
        self.assertEqual(packages["libone1"]["versionInfo"], "1.2-3")
        self.assertNotIn("versionInfo", packages["libtwo.so.1"])
        kinds = {r["relatedSpdxElement"]: r["relationshipType"] for r in bill["relationships"]}
        self.assertEqual(kinds[packages["CLI11"]["SPDXID"]], "CONTAINS")
        self.assertEqual(kinds[packages["libone1"]["SPDXID"]], "DYNAMIC_LINK")

    def test_a_damaged_one_is_found(self) -> None:
        bill = self.bill()
        damages: list[Callable[[dict[str, Any]], object]] = [
            lambda b: b.update(spdxVersion="SPDX-2.2"),
            lambda b: b["packages"].append(b["packages"][0]),
            lambda b: b["packages"][1].pop("licenseDeclared"),
            lambda b: b["packages"].pop(1),
            lambda b: b["creationInfo"].update(created="today"),
            lambda b: b["relationships"][0].update(relatedSpdxElement="SPDXRef-nobody"),
        ]
        for damage in damages:
            damaged = copy.deepcopy(bill)
            damage(damaged)
            self.assertNotEqual(sbom.problems_of(damaged), [])


if __name__ == "__main__":
    unittest.main()
