"""The history of examples/software-impact holds what its README says, and the check can fail."""

import copy
import importlib.util
import unittest
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "examples/software-impact"
SPEC = importlib.util.spec_from_file_location("software_impact_check", FOLDER / "check.py")
assert SPEC is not None and SPEC.loader is not None
check = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(check)


class SoftwareImpactTest(unittest.TestCase):
    def setUp(self) -> None:
        self.runs = check.runs_in(FOLDER / "history.db")

    def changed(self, change: str, value: object) -> list[str]:
        """What the check says when one field of the last run of `blas` is another."""
        runs = copy.deepcopy(self.runs)
        place = [run for run in runs if check.backend_of(run) == "blas"][-1]
        *way, last = change.split(".")
        for name in way:
            place = place[name]
        place[last] = value
        found: list[str] = check.differences(runs)
        return found

    def test_its_runs_differ_in_one_component_and_in_nothing_else(self) -> None:
        self.assertEqual(check.differences(self.runs), [])
        self.assertEqual({check.backend_of(run) for run in self.runs}, set(check.STACKS))

    def test_the_readme_shows_its_figures(self) -> None:
        self.assertIn(check.markdown(self.runs), (FOLDER / "README.md").read_text("utf-8"))

    def test_nothing_in_it_names_a_person_or_a_host(self) -> None:
        text = str(self.runs)
        self.assertNotIn("/home/", text)

    def test_another_difference_is_noticed(self) -> None:
        for change, value in (
            ("context.software.components.os_kernel", "6.0.0"),
            ("context.hardware.fingerprint", "0" * 16),
            ("context.environment.cpu_governor", "powersave"),
            ("context.install", "another"),
            ("suite", "full/1"),
            ("seed", 2),
            ("skipped", [{**self.runs[0]["measurements"][0], "threads": 2}]),
        ):
            with self.subTest(change):
                self.assertTrue(self.changed(change, value))

    def test_two_stacks_under_one_digest_are_noticed(self) -> None:
        first = next(run for run in self.runs if check.backend_of(run) == "blas")
        digest = first["context"]["software"]["stack_digest"]
        self.assertTrue(self.changed("context.software.stack_digest", digest))

    def test_a_missing_stack_is_noticed(self) -> None:
        runs = [run for run in self.runs if check.backend_of(run) != "numpy"]
        self.assertTrue(check.differences(runs))


if __name__ == "__main__":
    unittest.main()
