"""The profile that tests/score makes is one by data/schema, and a renamed field is none."""

import json
import unittest
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped,import-not-found,unused-ignore]

ROOT = Path(__file__).resolve().parent.parent.parent
SCHEMA = json.loads((ROOT / "data/schema/profile-1.schema.json").read_text("utf-8"))
PROFILE = ROOT / "tests/score/golden/profile.json"


class ProfileSchemaTest(unittest.TestCase):
    def problems(self, document: Any) -> list[str]:
        validator = jsonschema.Draft202012Validator(SCHEMA)
        return [problem.message for problem in validator.iter_errors(document)]

    def test_is_a_schema(self) -> None:
        jsonschema.Draft202012Validator.check_schema(SCHEMA)

    def test_holds_for_what_the_program_writes(self) -> None:
        self.assertEqual(self.problems(json.loads(PROFILE.read_text("utf-8"))), [])

    def test_refuses_a_renamed_field(self) -> None:
        document = json.loads(PROFILE.read_text("utf-8"))
        point = document["precision_results"]["fp32"][0]
        point["measured_gflops"] = point.pop("measured_gops")
        self.assertNotEqual(self.problems(document), [])


if __name__ == "__main__":
    unittest.main()
