"""Planted violations of the house rules are found; what keeps them is not reported."""

from __future__ import annotations

import tidy
from tree import TreeTest

MARK = "TO" + "DO"


class Tidy(TreeTest):
    def findings(self, check: str) -> list[str]:
        tree = tidy.Tree.load(self.root)
        function = next(c for c in tidy.CHECKS if c.__name__ == check)
        return [str(f) for f in function(tree)]

    def assert_finds(self, check: str, *words: str) -> None:
        found = self.findings(check)
        self.assertEqual(len(found), 1, found)
        for word in words:
            self.assertIn(word, found[0])

    # --- units ---------------------------------------------------------------------------------
    def test_a_record_must_say_the_unit_of_a_real_number(self) -> None:
        self.write(
            "src/core/records.hpp", "struct Run {\n    double wall_s = 0;\n    int n = 0;\n};\n"
        )
        self.assertEqual(self.findings("units_in_names"), [])
        self.write("src/core/records.hpp", "struct Run {\n    double wall = 0;\n};\n")
        self.assert_finds("units_in_names", "records.hpp:2", "'wall'")

    def test_a_whole_number_of_a_quantity_must_say_its_unit(self) -> None:
        self.write("src/core/records.hpp", "struct Gpu {\n    Fact<int> memory;\n};\n")
        self.assert_finds("units_in_names", "'memory'")

    def test_a_column_must_say_its_unit(self) -> None:
        self.write("src/store/migrations/sqlite/0001.sql", "CREATE TABLE t (\n    power REAL\n);\n")
        self.assert_finds("units_in_names", "0001.sql:2", "'power'")

    def test_a_schema_property_must_say_its_unit(self) -> None:
        self.write(
            "data/schema/run.json",
            '{"properties": {"a": {"properties": {"latency": {"type": "number"}}}}}\n',
        )
        self.assert_finds("units_in_names", "'latency'")

    # --- dead files ----------------------------------------------------------------------------
    def test_a_header_that_nobody_includes_is_dead(self) -> None:
        self.write("src/core/used.hpp", "")
        self.write("src/core/dead.hpp", "")
        self.write("src/core/a.cpp", '#include "core/used.hpp"\n')
        self.write("src/core/CMakeLists.txt", "peakward_stage(core)\n")
        self.assert_finds("dead_sources", "src/core/dead.hpp")

    def test_a_source_that_no_list_builds_is_dead(self) -> None:
        self.write("workers/sdk/CMakeLists.txt", "add_library(sdk a.cpp)\n")
        self.write("workers/sdk/a.cpp", "")
        self.write("workers/sdk/b.cpp", "")
        self.assert_finds("dead_sources", "workers/sdk/b.cpp")

    def test_a_script_that_nothing_names_is_dead(self) -> None:
        self.write("tools/alive.py", "")
        self.write("tools/lonely.py", "")
        self.write("README.md", "Run `tools/alive.py`.\n")
        self.assert_finds("dead_sources", "tools/lonely.py")

    # --- links ---------------------------------------------------------------------------------
    def test_links_must_lead_somewhere(self) -> None:
        self.write("README.md", "[a](docs/a.md) [web](https://example.org) [b](docs/gone.md)\n")
        self.write("docs/a.md", "# A\n")
        self.assert_finds("links", "README.md:1", "docs/gone.md")

    def test_anchors_must_exist(self) -> None:
        self.write("README.md", "[a](docs/a.md#the-gate) [b](docs/a.md#no-such)\n")
        self.write("docs/a.md", "# A\n## The gate\n")
        self.assert_finds("links", "no such heading")

    def test_links_in_code_are_not_links(self) -> None:
        self.write("README.md", "```\n[a](gone.md)\n```\n")
        self.assertEqual(self.findings("links"), [])

    def test_a_page_that_nobody_links_is_dead(self) -> None:
        self.write("README.md", "nothing\n")
        self.write("docs/lonely.md", "# Lonely\n")
        self.assert_finds("links", "docs/lonely.md", "no other page")

    # --- prose ----------------------------------------------------------------------------------
    def test_a_prose_line_of_more_than_120_columns_is_found(self) -> None:
        self.write("docs/a.md", "# A\n\n" + "word " * 24 + "\n")
        self.assertEqual(self.findings("prose_lines"), [])
        self.write("docs/a.md", "# A\n\n" + "word " * 24 + "more\n")
        self.assert_finds("prose_lines", "docs/a.md:3", "124 columns")

    def test_list_items_and_indented_lines_are_prose(self) -> None:
        for start in ("- ", "  ", "12. "):
            with self.subTest(start=start):
                self.write("README.md", start + "word " * 24 + "\n")
                self.assert_finds("prose_lines", "README.md:1")

    def test_columns_are_characters_and_not_bytes(self) -> None:
        self.write("README.md", "× " * 60 + "\n")
        self.assertEqual(self.findings("prose_lines"), [])

    def test_tables_code_addresses_and_golden_output_may_be_longer(self) -> None:
        long = "word " * 40
        for name, text in (
            ("README.md", f"| {long} |\n"),
            ("README.md", f"```text\n{long}\n```\n"),
            ("README.md", f"[a link](https://example.org/{'x' * 120}) in a sentence\n"),
            ("README.md", f"https://example.org/{'x' * 120}\n"),
            ("tests/present/golden/run.md", f"{long}\n"),
        ):
            with self.subTest(text=text):
                self.write("README.md", "# Peakward\n")
                self.write(name, text)
                self.assertEqual(self.findings("prose_lines"), [])

    # --- changelog -----------------------------------------------------------------------------
    def test_the_changelog_has_a_section_with_known_parts(self) -> None:
        self.write("CMakeLists.txt", "project(peakward VERSION 0.1.0 LANGUAGES CXX)\n")
        self.write("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n\n### Added\n- a\n")
        self.assertEqual(self.findings("changelog"), [])
        self.write("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n\n### New things\n- a\n")
        self.assert_finds("changelog", "'New things'")

    def test_a_changelog_of_another_version_is_not_enough(self) -> None:
        self.write("CMakeLists.txt", "project(peakward VERSION 0.2.0 LANGUAGES CXX)\n")
        self.write("CHANGELOG.md", "# Changelog\n\n## 0.1.0\n\n### Added\n- a\n")
        self.assert_finds("changelog", "no section")

    def test_a_missing_changelog_is_found(self) -> None:
        self.assert_finds("changelog", "is missing")

    # --- lengths and text ----------------------------------------------------------------------
    def function(self, lines: int) -> str:
        body = "    f();\n" * (lines - 3)
        return "namespace peakward {\nint g(int a,\n      int b) {\n" + body + "}\n}\n"

    def test_a_function_of_more_than_seventy_lines_is_found(self) -> None:
        self.write("src/core/a.cpp", self.function(70))
        self.assertEqual(self.findings("long_functions"), [])
        self.write("src/core/a.cpp", self.function(71))
        self.assert_finds("long_functions", "src/core/a.cpp:2", "71 lines")

    def test_a_long_member_function_is_found_and_a_long_class_is_not(self) -> None:
        body = "        f();\n" * 70
        self.write("src/core/a.hpp", "class A {\n    void m() {\n" + body + "    }\n};\n")
        self.assert_finds("long_functions", "src/core/a.hpp:2", "72 lines")

    def test_a_long_python_function_is_found(self) -> None:
        self.write("tools/a.py", "def f() -> None:\n" + "    pass\n" * 70)
        self.assert_finds("long_functions", "f()", "71 lines")

    def test_a_long_file_is_a_warning(self) -> None:
        self.write("src/core/a.cpp", "\n" * 701)
        self.assert_finds("long_files", "warning")

    def test_tabs_marks_and_missing_newlines_are_found(self) -> None:
        for text, word in [
            ("a\tb\n", "tab"),
            (f"// {MARK}: later\n", "unfinished"),
            ("no newline", "newline"),
            ("blank \n", "blanks"),
        ]:
            with self.subTest(word=word):
                self.write("src/core/a.cpp", text)
                self.assert_finds("text_hygiene", word)

    def test_fixtures_and_build_folders_are_not_ours_to_tidy(self) -> None:
        self.write("tests/fixtures/machines/m/proc/cpuinfo", "a\tb")
        self.write("build/dev/a.cpp", "a\tb")
        self.assertEqual(self.findings("text_hygiene"), [])

    # --- how-to pages --------------------------------------------------------------------------
    def test_a_howto_states_the_number_of_files_it_lists(self) -> None:
        self.write("src/core/list.hpp", "")
        page = (
            "# Add\n\nFiles to touch: 2\n\n"
            "1. new `src/core/NAME.cpp`: it\n2. edit `src/core/list.hpp`\n"
        )
        self.write("docs/howto/add.md", page)
        self.assertEqual(self.findings("howto_pages"), [])
        self.write("docs/howto/add.md", page.replace("touch: 2", "touch: 3"))
        self.assert_finds("howto_pages", "states 3 files to touch and lists 2")
        self.write("docs/howto/add.md", page.replace("touch: 2", "touch"))
        self.assert_finds("howto_pages", "does not state")

    def test_a_howto_names_files_that_exist(self) -> None:
        page = "Files to touch: 1\n\n1. new `src/core/NAME.cpp`\n\nSee `src/core/gone.cpp`.\n"
        self.write("src/core/text.hpp", "")
        self.write("docs/howto/add.md", page)
        self.assert_finds("howto_pages", "src/core/gone.cpp")


if __name__ == "__main__":
    import unittest

    unittest.main()
