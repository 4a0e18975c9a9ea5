"""A library without a notice and a licence without a text are found."""

from __future__ import annotations

import unittest

import check_notices
from tree import TreeTest

PROGRAM = (
    "Format: x\n\nFiles: *\nCopyright: us\nLicense: Apache-2.0\n\nLicense: Apache-2.0\n text\n"
)


class Notices(TreeTest):
    def setUp(self) -> None:
        super().setUp()
        self.write("packaging/copyright", PROGRAM)
        self.write("src/core/text.hpp", "#include <fmt/format.h>\n#include <vector>\n")

    def test_a_library_without_a_notice_is_found(self) -> None:
        found = [str(f) for f in check_notices.notices(self.root)]
        self.assertEqual(len(found), 1, found)
        self.assertIn("src/core/text.hpp: includes fmt", found[0])

    def test_its_paragraph_is_its_notice(self) -> None:
        self.write(
            "packaging/copyright",
            PROGRAM + "\nFiles: usr/include/fmt/*\nCopyright: them\nLicense: Expat\n"
            "Comment: fmt, text; its headers are\n compiled in (Debian package libfmt-dev).\n",
        )
        self.assertEqual(list(check_notices.notices(self.root)), [])
        found = [str(f) for f in check_notices.licences(self.root)]
        self.assertEqual(len(found), 1, found)
        self.assertIn("no text of the licence Expat", found[0])

    def test_a_licence_that_spdx_does_not_know_is_found(self) -> None:
        self.write("packaging/copyright", PROGRAM.replace("Apache-2.0", "Own"))
        found = [str(f) for f in check_notices.licences(self.root)]
        self.assertEqual(len(found), 1, found)
        self.assertIn("SPDX's name of Own", found[0])


if __name__ == "__main__":
    unittest.main()
