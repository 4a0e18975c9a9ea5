"""An executable that lacks one of the protections is found by what readelf says of it."""

from __future__ import annotations

import unittest

import check_hardening

HARDENED = """
  Type:                              DYN (Position-Independent Executable file)
  Machine:                           Advanced Micro Devices X86-64
  GNU_STACK      0x000000 0x0000000000000000 0x0000000000000000 0x000000 0x000000 RW  0x10
  GNU_RELRO      0x012b10 0x0000000000013b10 0x0000000000013b10 0x0014f0 0x0014f0 R   0x1
 0x000000000000001e (FLAGS)              BIND_NOW
 0x000000006ffffffb (FLAGS_1)            Flags: NOW PIE
     1: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND __stack_chk_fail@GLIBC_2.4 (2)
     2: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND __read_chk@GLIBC_2.4 (2)
     3: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND read@GLIBC_2.2.5 (3)
"""


class Hardening(unittest.TestCase):
    def assert_lacks(self, without: tuple[tuple[str, str], ...], word: str) -> None:
        text = HARDENED
        for old, new in without:
            self.assertIn(old, text)
            text = text.replace(old, new)
        problems = check_hardening.problems_of(text)
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(word, problems[0])

    def test_a_hardened_one_passes(self) -> None:
        self.assertEqual(check_hardening.problems_of(HARDENED), [])

    def test_each_missing_protection_is_named(self) -> None:
        self.assert_lacks((("NOW PIE", "NOW"),), "PIE")
        self.assert_lacks((("GNU_RELRO", "GNU_OTHER"),), "RELRO segment")
        self.assert_lacks((("BIND_NOW", ""), ("NOW PIE", "PIE")), "BIND_NOW")
        self.assert_lacks((("RW  0x10", "RWE 0x10"),), "stack is executable")
        self.assert_lacks((("__stack_chk_fail", "other"),), "canaries")
        self.assert_lacks((("__read_chk", "other"),), "fortified")

    def test_who_calls_nothing_that_can_be_checked_needs_no_fortified_call(self) -> None:
        text = HARDENED.replace("__read_chk", "other").replace("UND read@", "UND getpid@")
        self.assertEqual(check_hardening.problems_of(text), [])


if __name__ == "__main__":
    unittest.main()
