"""Planted violations of the layer rule are found; what is allowed is not reported."""

from __future__ import annotations

import unittest

import check_layers
from tree import TreeTest


class CheckLayers(TreeTest):
    def setUp(self) -> None:
        super().setUp()
        self.write("src/core/text.hpp", "#include <fmt/format.h>\n#include <string>\n")
        self.write("src/core/worker_protocol.hpp", '#include "core/text.hpp"\n')
        self.write("src/catalog/catalog.hpp", '#include "core/text.hpp"\n')
        self.write("src/detect/detect.hpp", '#include "catalog/catalog.hpp"\n')
        self.write("src/measure/gate.cpp", '#include "core/text.hpp"\n#include <sys/wait.h>\n')
        self.write("src/session/session.cpp", '#include "detect/detect.hpp"\n')
        self.write("workers/sdk/worker.hpp", '#include "core/worker_protocol.hpp"\n')
        self.write("workers/native/peak.cpp", '#include "sdk/worker.hpp"\n#include <immintrin.h>\n')

    def complaints(self) -> list[str]:
        return [str(v) for v in check_layers.check(self.root)]

    def assert_complains(self, place: str, words: str) -> None:
        found = self.complaints()
        self.assertEqual(len(found), 1, found)
        self.assertIn(place, found[0])
        self.assertIn(words, found[0])

    def test_a_tree_that_keeps_the_rule_is_clean(self) -> None:
        self.assertEqual(self.complaints(), [])

    def test_a_stage_must_not_include_another_stage(self) -> None:
        self.write("src/measure/bad.cpp", '\n#include "detect/detect.hpp"\n')
        self.assert_complains("src/measure/bad.cpp:2", "may not include")

    def test_core_includes_nothing_of_ours(self) -> None:
        self.write("src/core/bad.cpp", '#include "catalog/catalog.hpp"\n')
        self.assert_complains("src/core/bad.cpp:1", "may not include")

    def test_the_command_line_must_not_reach_into_a_stage(self) -> None:
        self.write("src/cli/bad.cpp", '#include "detect/detect.hpp"\n')
        self.assert_complains("src/cli/bad.cpp:1", "may not include")

    def test_a_library_belongs_to_one_folder(self) -> None:
        self.write("src/measure/bad.cpp", "#include <nlohmann/json.hpp>\n")
        self.assert_complains("src/measure/bad.cpp:1", "src/core only")

    def test_an_unknown_library_is_reported(self) -> None:
        self.write("src/core/bad.cpp", "#include <boost/asio.hpp>\n")
        self.assert_complains("src/core/bad.cpp:1", "LIBRARIES")

    def test_a_worker_knows_the_protocol_only(self) -> None:
        self.write("workers/native/bad.cpp", '#include "catalog/catalog.hpp"\n')
        self.assert_complains("workers/native/bad.cpp:1", "a worker may not include")

    def test_a_worker_must_not_use_another_worker(self) -> None:
        self.write("workers/blas/bad.cpp", '#include "native/kernels.hpp"\n')
        self.write("workers/native/kernels.hpp", "")
        self.assert_complains("workers/blas/bad.cpp:1", "a worker may not include")

    def test_an_unknown_folder_is_reported(self) -> None:
        self.write("src/helpers/any.hpp", "")
        self.assert_complains("src/helpers/any.hpp", "no table")

    def test_tests_of_a_stage_see_what_the_stage_sees(self) -> None:
        self.write("tests/measure/ok_test.cpp", '#include "measure/gate.cpp"\n')
        self.assertEqual(self.complaints(), [])
        self.write("tests/measure/bad_test.cpp", '#include "detect/detect.hpp"\n')
        self.assert_complains("tests/measure/bad_test.cpp:1", "may not include")

    def test_an_include_that_leads_nowhere_is_reported(self) -> None:
        self.write("src/core/bad.cpp", '#include "core/gone.hpp"\n')
        self.assert_complains("src/core/bad.cpp:1", "nowhere")

    def test_a_path_that_climbs_out_of_a_folder_is_judged_by_where_it_leads(self) -> None:
        self.write("src/measure/bad.cpp", '#include "../detect/detect.hpp"\n')
        self.assert_complains("src/measure/bad.cpp:1", "may not include")

    def test_the_link_lists_follow_the_same_table(self) -> None:
        self.write("src/score/CMakeLists.txt", "peakward_stage(score DEPENDS core measure)\n")
        self.assert_complains("src/score/CMakeLists.txt", "may not link measure")


if __name__ == "__main__":
    unittest.main()
