"""What is planted, and what is made of the outcome. No compiler runs here."""

from __future__ import annotations

from pathlib import Path

import mutate
from tree import TreeTest


def mutants(code: str, kind: str) -> list[str]:
    return [m.after.strip() for m in mutate.mutations_of("src/score/a.cpp", code) if m.kind == kind]


class Mutations(TreeTest):
    def test_comparisons_flip_and_boundaries_shift(self) -> None:
        self.assertEqual(mutants("return a <= b;\n", "comparison"), ["return a > b;"])
        self.assertEqual(mutants("return a <= b;\n", "boundary"), ["return a < b;"])

    def test_template_brackets_are_not_comparisons(self) -> None:
        self.assertEqual(mutants("std::vector<int> v;\n", "comparison"), [])

    def test_arithmetic_logic_and_truth_change(self) -> None:
        self.assertEqual(mutants("x = a + b;\n", "arithmetic"), ["x = a - b;"])
        self.assertEqual(mutants("return a && b;\n", "logic"), ["return a || b;"])
        self.assertEqual(mutants("return true;\n", "truth"), ["return false;"])

    def test_constants_move_to_a_neighbour(self) -> None:
        self.assertEqual(mutants("return 10;\n", "constant"), ["return 11;"])
        self.assertEqual(mutants("return 0.5;\n", "constant"), ["return 0.75;"])

    def test_conditions_are_negated_and_statements_dropped(self) -> None:
        self.assertEqual(mutants("if (a) return;\n", "condition"), ["if (!(a)) return;"])
        self.assertEqual(mutants("    list.push_back(x);\n", "dropped statement"), [";"])
        self.assertEqual(mutants("    int x = 1;\n", "dropped statement"), [])

    def test_strings_and_comments_stay(self) -> None:
        self.assertEqual(
            list(mutate.mutations_of("a.cpp", 'f("a < b && true 1");  // a < 2\n')), []
        )

    def test_each_mutation_changes_one_line_and_says_where(self) -> None:
        found = list(mutate.mutations_of("src/score/a.cpp", "\nreturn a < 3;\n"))
        self.assertEqual({m.line for m in found}, {2})
        self.assertIn("src/score/a.cpp:2: boundary: return a < 3;", "\n".join(map(str, found)))


class FakeCopy(mutate.Copy):
    """Compiles everything but divisions; its tests notice comparisons only."""

    def make(self, stage: str) -> bool:
        return " / " not in (self.tree / "src/score/a.cpp").read_text("utf-8")

    def passes(self, stage: str) -> bool:
        return " < " in (self.tree / "src/score/a.cpp").read_text("utf-8")


class Verdicts(TreeTest):
    def test_killed_survived_and_not_built_are_told_apart_and_the_copy_is_restored(self) -> None:
        code = "bool f(int a) {\n    return a < 2 * 3;\n}\n"
        self.write("tree/src/score/a.cpp", code)
        copy = FakeCopy(self.root, jobs=1)
        planted = mutate.collect(self.root / "tree", ["score"], [])
        verdicts = {m.kind: copy.verdict(m) for m in planted}
        self.assertEqual(verdicts["comparison"], "killed")
        self.assertEqual(verdicts["constant"], "survived")
        self.assertEqual(verdicts["arithmetic"], "not built")
        self.assertEqual((self.root / "tree/src/score/a.cpp").read_text("utf-8"), code)

    def test_the_copy_follows_the_tree_and_leaves_the_tree_alone(self) -> None:
        target = self.root / "copy"
        self.write("copy/gone.txt", "a file that the tree no longer has\n")
        mutate.copy_tree(target)
        self.assertFalse((target / "gone.txt").exists())
        tool = Path("tools/mutate.py")
        self.assertEqual((target / tool).read_bytes(), (mutate.ROOT / tool).read_bytes())
        before = (target / tool).stat().st_mtime_ns
        mutate.copy_tree(target)
        self.assertEqual((target / tool).stat().st_mtime_ns, before)


if __name__ == "__main__":
    import unittest

    unittest.main()
