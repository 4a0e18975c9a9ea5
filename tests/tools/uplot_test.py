"""The plotting library in the tree is the one that was taken in, and its record is whole."""

import base64
import hashlib
import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "src/present/web/uplot"


class UplotTest(unittest.TestCase):
    def test_its_files_are_those_that_were_recorded(self) -> None:
        recorded: dict[str, str] = {}
        for line in (FOLDER / "SHA256SUMS").read_text("utf-8").splitlines():
            digest, name = line.split(maxsplit=1)
            recorded[name] = digest
        self.assertEqual(set(recorded), {"LICENSE", "uPlot.iife.min.js", "uPlot.min.css"})
        for name, digest in recorded.items():
            found = hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()
            self.assertEqual(found, digest, f"{name}: run tools/update_uplot.sh")

    def test_the_version_in_the_file_is_the_recorded_one(self) -> None:
        version = (FOLDER / "VERSION").read_text("utf-8").strip()
        self.assertRegex(version, r"^\d+\.\d+\.\d+$")
        head = (FOLDER / "uPlot.iife.min.js").read_text("utf-8")[:200]
        self.assertIn(f"(v{version})", head)

    def test_the_integrity_of_the_tarball_is_a_sha512(self) -> None:
        kind, _, digest = (FOLDER / "INTEGRITY").read_text("utf-8").strip().partition("-")
        self.assertEqual(kind, "sha512")
        self.assertEqual(len(base64.b64decode(digest, validate=True)), 64)

    def test_its_licence_is_named_where_packages_look(self) -> None:
        copyright_text = (ROOT / "packaging/copyright").read_text("utf-8")
        self.assertIn("src/present/web/uplot/*", copyright_text)
        holder = re.search(r"Copyright \(c\) (.+)", (FOLDER / "LICENSE").read_text("utf-8"))
        assert holder is not None
        self.assertIn(holder[1].strip(), copyright_text)


class OwnScriptTest(unittest.TestCase):
    """Our script is plain: strict, no code from text, nothing that asks anybody."""

    def test_it_evaluates_nothing_and_asks_nobody(self) -> None:
        script = (ROOT / "src/present/web/report.js").read_text("utf-8")
        self.assertIn("'use strict'", script)
        for word in ("eval(", "new Function", "innerHTML", "outerHTML", "document.write", "fetch(",
                     "XMLHttpRequest", "localStorage", "://"):  # fmt: skip
            self.assertNotIn(word, script)

    def test_its_style_fetches_nothing(self) -> None:
        style = (ROOT / "src/present/web/report.css").read_text("utf-8")
        for word in ("@import", "url(", "@font-face"):
            self.assertNotIn(word, style)

    def test_a_series_of_every_number_has_a_colour_in_both_schemes(self) -> None:
        style = (ROOT / "src/present/web/report.css").read_text("utf-8")
        for number in range(8):
            self.assertEqual(len(re.findall(rf"--s{number}: #", style)), 2)


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


class ContrastTest(unittest.TestCase):
    def test_text_and_series_can_be_read_on_the_page_in_both_schemes(self) -> None:
        style = (ROOT / "src/present/web/report.css").read_text("utf-8")
        blocks = re.findall(r":root \{([^}]*--page[^}]*)\}", style)
        self.assertEqual(len(blocks), 2)
        for block in blocks:
            colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block))
            page = luminance(colours["page"])
            for name, colour in colours.items():
                if name in {"page", "rule", "soft"}:
                    continue
                lighter, darker = sorted((page, luminance(colour)), reverse=True)
                least = 3 if re.fullmatch(r"s\d", name) else 4.5
                self.assertGreaterEqual((lighter + 0.05) / (darker + 0.05), least, name)


if __name__ == "__main__":
    unittest.main()
