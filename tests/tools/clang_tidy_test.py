"""tools/clang_tidy.py over programs that answer in clang's place."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tree import TreeTest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "clang_tidy.py"

# Finds fault with every file that has the word "bad" in it.
CLANG_TIDY = """#!/bin/sh
for file; do :; done
[ "$1" = --version ] && echo "version 16" && exit 0
echo "$file" >>"$LOG"
if grep -q bad "$file"; then echo "$file:1:1: error: bad"; exit 1; fi
"""


class ClangTidyTest(TreeTest):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.root / "log"
        programs = self.root / "programs"
        programs.mkdir()
        for name, text in (("clang-tidy-16", CLANG_TIDY), ("clang++-16", "#!/bin/sh\n")):
            (programs / name).write_text(text, "utf-8")
            (programs / name).chmod(0o755)
        (self.root / "tools").mkdir()
        shutil.copy(TOOL, self.root / "tools")
        self.write(".clang-tidy", "Checks: none\n")
        self.environment = dict(
            os.environ,
            PATH=f"{programs}:{os.environ['PATH']}",
            XDG_CACHE_HOME=str(self.root / "cache"),
            LOG=str(self.log),
        )

    def run_tool(self, files: dict[str, str]) -> tuple[int, str]:
        entries = []
        for name, text in files.items():
            self.write(name, text)
            path = str(self.root / name)
            entries.append({"file": path, "directory": str(self.root), "command": f"g++ -c {path}"})
        self.write("build/tidy/compile_commands.json", json.dumps(entries))
        done = subprocess.run(
            [sys.executable, "-B", str(self.root / "tools" / "clang_tidy.py")],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def test_reports_all_findings_of_all_files_in_one_go(self) -> None:
        files = {f"src/{name}.cpp": name for name in ("bad_a", "good", "bad_b", "bad_c")}
        code, text = self.run_tool(files)
        self.assertEqual(code, 1, text)
        for name in ("bad_a", "bad_b", "bad_c"):
            self.assertIn(f"{name}.cpp:1:1: error: bad", text)
        self.assertIn("4 sources, 4 checked, 3 with findings", text)
        last = text.strip().splitlines()[-3:]
        self.assertEqual([line.strip() for line in last], sorted(n for n in files if "bad" in n))

    def test_checks_a_clean_file_once_and_a_finding_again(self) -> None:
        files = {"src/good.cpp": "good", "src/bad.cpp": "bad"}
        self.run_tool(files)
        code, _ = self.run_tool(files)
        self.assertEqual(code, 1)
        seen = self.log.read_text("utf-8")
        self.assertEqual((seen.count("good.cpp"), seen.count("bad.cpp")), (1, 2))


if __name__ == "__main__":
    import unittest

    unittest.main()
