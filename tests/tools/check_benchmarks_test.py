"""The page of benchmarks shows the newest row of each question; planted differences are found."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import check_benchmarks
from tree import TreeTest

ROOT = Path(__file__).resolve().parents[2]
OLD = ["How long?", "2026-11-01 10:00", "A", "1 %", "`a`", "", "9 s", "5 s: missed"]
NEW = ["How long?", "2026-11-02 10:00", "B", "2 %", "`a`", "4 s", "4 s, all of it", "5 s: met"]
PAGE_ROW = "| How long? | `a` | 4 s | 5 s: met | 2026-11-02 10:00, B |"


class CheckBenchmarks(TreeTest):
    def findings(self, rows: list[list[str]], page_rows: list[str]) -> list[str]:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([check_benchmarks.COLUMNS, *rows])
        self.write(check_benchmarks.DATA, text.getvalue())
        page = [check_benchmarks.PAGE_HEAD, "|---|---|---|---|---|", *page_rows, ""]
        self.write(check_benchmarks.PAGE, "# Page\n\n" + "\n".join(page))
        benchmarks = check_benchmarks.Benchmarks.load(self.root)
        checks = (check_benchmarks.data_rows, check_benchmarks.page_rows)
        return [str(finding) for check in checks for finding in check(benchmarks)]

    def assert_finds(self, findings: list[str], *words: str) -> None:
        self.assertEqual(len(findings), 1, findings)
        for word in words:
            self.assertIn(word, findings[0])

    def test_the_page_of_this_tree_shows_the_newest_rows(self) -> None:
        benchmarks = check_benchmarks.Benchmarks.load(ROOT)
        self.assertEqual(list(check_benchmarks.data_rows(benchmarks)), [])
        self.assertEqual(list(check_benchmarks.page_rows(benchmarks)), [])

    def test_the_newest_row_on_the_page_is_right(self) -> None:
        self.assertEqual(self.findings([NEW, OLD], [PAGE_ROW]), [])

    def test_an_older_row_on_the_page_is_found(self) -> None:
        newer = [*NEW[:1], "2026-11-03 10:00", *NEW[2:]]
        self.assert_finds(self.findings([newer, NEW], [PAGE_ROW]), "not the newest", "11-03")

    def test_another_figure_on_the_page_is_found(self) -> None:
        self.assert_finds(self.findings([NEW], [PAGE_ROW.replace("4 s", "3 s")]), "not the newest")

    def test_a_question_that_the_page_lacks_is_found(self) -> None:
        other = ["How much?", *OLD[1:5], "1 GiB", *OLD[6:]]
        self.assert_finds(self.findings([NEW, other], [PAGE_ROW]), "lacks a row", "How much?")

    def test_a_question_without_data_and_one_shown_twice_are_found(self) -> None:
        unknown = PAGE_ROW.replace("How long?", "How high?")
        self.assert_finds(self.findings([NEW], [PAGE_ROW, unknown]), "no row for", "How high?")
        self.assert_finds(self.findings([NEW], [PAGE_ROW, PAGE_ROW]), "a second time")

    def test_a_newest_row_without_a_figure_is_found(self) -> None:
        row = PAGE_ROW.replace("4 s", "", 1)
        self.assert_finds(self.findings([[*NEW[:5], "", *NEW[6:]]], [row]), "has no figure")

    def test_damaged_rows_are_found(self) -> None:
        for row, word in (
            ([*OLD, "more"], "9 columns"),
            ([*OLD[:7], ""], "'aim' is empty"),
            ([*OLD[:6], "a | b", OLD[7]], "bar"),
            ([OLD[0], "1.11.2026", *OLD[2:]], "not written like"),
        ):
            with self.subTest(word):
                self.assert_finds(self.findings([NEW, row], [PAGE_ROW]), word)

    def test_rows_out_of_order_are_found(self) -> None:
        self.assert_finds(self.findings([OLD, NEW], [PAGE_ROW]), "newest row comes first")


if __name__ == "__main__":
    import unittest

    unittest.main()
