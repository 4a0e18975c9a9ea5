"""Planted faults in product files are found; the products as they are hold to what was promised."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import check_hardware
from tree import TreeTest

ROOT = Path(__file__).resolve().parent.parent.parent
SCHEMAS = ("hardware-1.schema.json", "hardware-architectures-1.schema.json")


def figure(value: float) -> dict[str, Any]:
    return {"value": value, "source": "sheet"}


def gpu(number: int) -> dict[str, Any]:
    """A product without a fault: 10 SMs x 1000 operations x 2 GHz = 20,000 gops."""
    return {
        "schema_version": 1,
        "spec_version": 1,
        "id": f"acme_g{number}",
        "name": f"Acme G{number}",
        "kind": "gpu",
        "vendor": "acme",
        "aliases": [f"g{number}"],
        "host_architecture": None,
        "launched": {"value": "2024-05-01", "source": "sheet"},
        "sources": {"sheet": {"title": "Sheet", "publisher": "Acme", "url": "https://acme.test"}},
        "detection": [
            {"gpu_model": f"^Acme G{number}$", "confidence": 0.9, "reason": "its name"},
            {"pci_id": f"10de:000{number}", "confidence": 0.8, "reason": "its id"},
        ],
        "architecture": {"name": "A", "cores": [{"kind": "sm", "count": figure(10)}]},
        "clocks_ghz": {"boost": figure(2.0)},
        "operations_per_clock": {
            "fp16": [{"per": "sm", "value": 1000, "clock": "boost", "source": "sheet"}]
        },
        "theoretical_peaks_gops": {"fp16": figure(20000), "int4": {"unknown": "not stated"}},
        "memory": {"type": "HBM3", "bandwidth_gbps": figure(3000)},
        "tdp_w": figure(300 + number),
        "power_modes": {"LOW": {"clocks_ghz": {"boost": figure(1.0)}}},
        "default_power_mode": "LOW",
    }


ARCHITECTURES: dict[str, Any] = {
    "schema_version": 1,
    "sources": {"sheet": {"title": "Sheet", "publisher": "Acme", "url": "https://acme.test"}},
    "architectures": [
        {
            "id": f"a{number}",
            "name": "A",
            "host_architecture": "x86_64",
            "detection": [
                {
                    "cpu_vendor": "Acme",
                    "cpu_family": 6,
                    "cpu_model_first": 10 * number,
                    "cpu_model_last": 10 * number + 5,
                    "confidence": 0.9,
                    "reason": "its numbers",
                    "source": "sheet",
                }
            ],
            "operations_per_clock_per_core": {},
        }
        for number in (1, 2)
    ],
}


class CheckHardware(TreeTest):
    """Four sound products and two architectures; each test breaks one thing."""

    def setUp(self) -> None:
        super().setUp()
        for name in SCHEMAS:
            self.write(f"data/schema/{name}", (ROOT / "data/schema" / name).read_text("utf-8"))
        self.products = {number: gpu(number) for number in range(1, 5)}
        self.architectures = copy.deepcopy(ARCHITECTURES)
        self.put()

    def put(self) -> None:
        for number, product in self.products.items():
            self.write(f"data/hardware/gpu/acme/acme_g{number}.json", json.dumps(product))
        self.write("data/hardware/architectures.json", json.dumps(self.architectures))

    def findings(self) -> list[str]:
        database = check_hardware.Database.load(self.root)
        return [str(f) for check in check_hardware.CHECKS for f in check(database)]

    def assert_finds(self, *words: str) -> None:
        self.put()
        found = self.findings()
        self.assertTrue(any(all(w in f for w in words) for f in found), found)

    def test_sound_products_are_clean(self) -> None:
        self.assertEqual(self.findings(), [])

    # --- the file ------------------------------------------------------------------------------
    def test_malformed_json_is_found_with_its_line(self) -> None:
        self.write("data/hardware/gpu/acme/acme_g1.json", '{\n  "id": }\n')
        self.assertIn("line 2", "\n".join(self.findings()))

    def test_a_key_that_stands_twice_is_found(self) -> None:
        self.write("data/hardware/gpu/acme/acme_g1.json", '{"id": "a", "id": "b"}')
        self.assertIn("'id' stands twice", "\n".join(self.findings()))

    def test_a_database_without_products_is_found(self) -> None:
        for number in self.products:
            (self.root / f"data/hardware/gpu/acme/acme_g{number}.json").unlink()
        self.products = {}
        self.assert_finds("has no product")

    # --- the schema ----------------------------------------------------------------------------
    def test_an_unknown_field_is_found(self) -> None:
        self.products[1]["memory"]["bandwith_gbps"] = figure(1)
        self.assert_finds("acme_g1", "bandwith_gbps")

    def test_a_wrong_unit_is_an_unknown_field(self) -> None:
        self.products[1]["tdp_kw"] = self.products[1].pop("tdp_w")
        self.assert_finds("acme_g1", "tdp_")

    def test_a_figure_without_a_source_is_found(self) -> None:
        self.products[1]["tdp_w"] = {"value": 300}
        self.assert_finds("acme_g1", "tdp_w", "'source' is a required property")

    def test_negative_and_zero_figures_are_found(self) -> None:
        for value in (-300, 0):
            with self.subTest(value=value):
                self.products[1]["tdp_w"] = figure(value)
                self.assert_finds("acme_g1", "tdp_w.value", "less than or equal to")

    def test_an_unknown_without_a_reason_is_found(self) -> None:
        self.products[1]["tdp_w"] = {"unknown": ""}
        self.assert_finds("acme_g1", "tdp_w")

    def test_a_precision_that_does_not_exist_is_found(self) -> None:
        self.products[1]["theoretical_peaks_gops"]["fp17"] = figure(1)
        self.assert_finds("acme_g1", "fp17")

    # --- names and places ----------------------------------------------------------------------
    def test_the_file_is_named_after_the_id(self) -> None:
        self.products[1]["id"] = "acme_other"
        self.assert_finds("acme_g1.json", "data/hardware/gpu/acme/acme_other.json")

    def test_the_folder_is_kind_and_vendor(self) -> None:
        self.products[1]["vendor"] = "other"
        self.assert_finds("acme_g1.json", "data/hardware/gpu/other/acme_g1.json")

    def test_an_alias_names_one_product(self) -> None:
        self.products[2]["aliases"] = ["g1"]
        self.assert_finds("acme_g2", "'g1' already names acme_g1")

    # --- sources -------------------------------------------------------------------------------
    def test_a_source_that_is_not_listed_is_found(self) -> None:
        self.products[1]["tdp_w"]["source"] = "rumour"
        self.assert_finds("acme_g1", "'rumour'")

    def test_a_source_that_nothing_uses_is_found(self) -> None:
        self.products[1]["sources"]["spare"] = self.products[1]["sources"]["sheet"]
        self.assert_finds("acme_g1", "sources.spare")

    # --- peaks ---------------------------------------------------------------------------------
    def test_given_and_derived_peaks_agree_within_two_percent(self) -> None:
        self.products[1]["theoretical_peaks_gops"]["fp16"] = figure(20390)
        self.put()
        self.assertEqual(self.findings(), [])
        self.products[1]["theoretical_peaks_gops"]["fp16"] = figure(20500)
        self.assert_finds("acme_g1", "theoretical_peaks_gops.fp16", "-2.4%")

    def test_a_power_mode_has_its_own_clock(self) -> None:
        mode = self.products[1]["power_modes"]["LOW"]
        mode["theoretical_peaks_gops"] = {"fp16": figure(10000)}
        self.put()
        self.assertEqual(self.findings(), [])
        mode["theoretical_peaks_gops"] = {"fp16": figure(20000)}
        self.assert_finds("acme_g1", "power_modes.LOW", "-50.0%")

    def test_a_rate_leads_to_cores_and_a_clock(self) -> None:
        rate = self.products[1]["operations_per_clock"]["fp16"][0]
        rate["per"] = "cu"
        self.assert_finds("acme_g1", "operations_per_clock.fp16", "'cu'")
        rate.update(per="sm", clock="matrix_boost")
        self.assert_finds("acme_g1", "operations_per_clock.fp16", "'matrix_boost'")

    def test_a_product_without_any_peak_is_found(self) -> None:
        for key in ("operations_per_clock", "theoretical_peaks_gops"):
            del self.products[1][key]
        self.assert_finds("acme_g1", "has neither theoretical_peaks_gops")

    def test_a_sparse_figure_among_the_dense_is_found(self) -> None:
        self.products[1]["sparse_peaks_gops"] = {"fp16": figure(10000)}
        self.assert_finds("acme_g1", "sparse_peaks_gops.fp16")

    def test_a_vector_peak_above_the_peak_is_found(self) -> None:
        self.products[1]["vector_peaks_gops"] = {"fp16": figure(30000)}
        self.assert_finds("acme_g1", "vector_peaks_gops.fp16")

    def test_width_and_rate_make_the_bandwidth(self) -> None:
        memory = self.products[1]["memory"]
        memory.update(bus_width_bits=figure(4000), rate_mtps=figure(6000))
        self.put()
        self.assertEqual(self.findings(), [])
        self.products[1]["power_modes"]["LOW"]["memory"] = {"rate_mtps": figure(3000)}
        self.assert_finds("acme_g1", "power_modes.LOW.memory.bandwidth_gbps", "make 1500")
        memory["rate_mtps"] = figure(7000)
        self.assert_finds("acme_g1", "memory.bandwidth_gbps is 3000", "make 3500")

    def test_a_figure_a_thousand_times_its_neighbours_is_found(self) -> None:
        self.products[1]["memory"]["bandwidth_gbps"] = figure(3000000)
        self.assert_finds("acme_g1", "memory.bandwidth_gbps", "a wrong unit?")
        self.products[1]["memory"]["bandwidth_gbps"] = figure(3)
        self.assert_finds("acme_g1", "memory.bandwidth_gbps", "a wrong unit?")

    # --- patterns ------------------------------------------------------------------------------
    def test_patterns_that_are_not_plain_are_found(self) -> None:
        for pattern in ("^Acme .*", "^Acme (G1", "^Acme [A-Z]+", "^Acme(?!X)", r"^Acme \d"):
            with self.subTest(pattern=pattern):
                self.products[1]["detection"][0]["gpu_model"] = pattern
                self.assert_finds("acme_g1", "detection.0.gpu_model", "not a plain expression")

    def test_an_unanchored_pattern_is_found(self) -> None:
        self.products[1]["detection"][0]["gpu_model"] = "Acme G1"
        self.assert_finds("acme_g1", "detection.0.gpu_model")

    def test_a_pattern_that_matches_everything_is_found(self) -> None:
        for pattern in ("^(Acme G1)?", "^A$|^$", "^(G|H)1?"):
            with self.subTest(pattern=pattern):
                self.products[1]["detection"][0]["gpu_model"] = pattern
                self.assert_finds("acme_g1", "detection.0.gpu_model")

    def test_a_pattern_without_a_condition_is_found(self) -> None:
        pattern = {"confidence": 0.9, "reason": "none", "source": "sheet"}
        self.products[1]["detection"][0] = pattern
        self.assert_finds("acme_g1", "detection.0", "without a condition")

    def test_two_products_for_one_host_are_found(self) -> None:
        self.products[2]["detection"][1]["pci_id"] = "10de:0001"
        self.assert_finds("acme_g1", "as surely acme_g2")

    def test_a_shorter_name_that_swallows_a_longer_one_is_found(self) -> None:
        self.products[1]["detection"][0]["gpu_model"] = "^Acme G"
        self.assert_finds("acme_g2", "as surely acme_g1")

    def test_a_more_confident_pattern_settles_a_shared_id(self) -> None:
        self.products[2]["detection"] = [
            {
                "pci_id": "10de:0001",
                "gpu_model": "^Acme G2$",
                "confidence": 0.95,
                "reason": "its id and its name",
            }
        ]
        self.put()
        self.assertEqual(self.findings(), [])

    # --- power modes and boards ----------------------------------------------------------------
    def test_the_default_power_mode_exists(self) -> None:
        self.products[1]["default_power_mode"] = "HIGH"
        self.assert_finds("acme_g1", "'HIGH' is none of LOW")

    def test_a_mode_has_no_more_cores_than_the_product(self) -> None:
        cores = [{"kind": "sm", "count": figure(11)}]
        self.products[1]["power_modes"]["LOW"]["cores"] = cores
        self.assert_finds("acme_g1", "power_modes.LOW.cores[sm]")

    def board(self, *parts: str) -> None:
        board = gpu(9)
        for key in ("clocks_ghz", "operations_per_clock", "memory", "theoretical_peaks_gops"):
            del board[key]
        board.update(id="acme_board", aliases=[], kind="board", contains=list(parts))
        board["detection"] = []
        self.write("data/hardware/board/acme/acme_board.json", json.dumps(board))

    def test_a_board_contains_products(self) -> None:
        self.board("acme_g1", "acme_g2")
        self.assertEqual(self.findings(), [])
        self.board("acme_g1", "acme_g77")
        self.assert_finds("acme_board", "'acme_g77', which is no product")
        self.board("acme_board")
        self.assert_finds("acme_board", "a board itself")

    def test_the_parts_know_the_boards_power_modes(self) -> None:
        for key in ("power_modes", "default_power_mode"):
            del self.products[1][key]
        self.board("acme_g1")
        self.assert_finds("acme_board", "its part 'acme_g1' does not know")

    # --- architectures -------------------------------------------------------------------------
    def test_architectures_do_not_overlap(self) -> None:
        self.architectures["architectures"][0]["detection"][0]["cpu_model_last"] = 20
        self.assert_finds("architectures.json", "both claim model 0x14")

    def test_a_cpu_names_an_architecture_that_is_listed(self) -> None:
        cpu = gpu(9)
        cpu.update(id="acme_cpu", aliases=[], kind="cpu", detection=[])
        cpu["architecture"]["microarchitecture"] = "a1"
        place = "data/hardware/cpu/acme/acme_cpu.json"
        self.write(place, json.dumps(cpu))
        self.assertEqual(self.findings(), [])
        cpu["architecture"]["microarchitecture"] = "a3"
        self.write(place, json.dumps(cpu))
        self.assert_finds("acme_cpu", "'a3' is not in")

    # --- the how-to page -----------------------------------------------------------------------
    def test_the_product_of_the_howto_page_is_sound(self) -> None:
        page = (ROOT / "docs/howto/add-a-product.md").read_text("utf-8")
        example = page.split("```json\n")[1].split("```")[0]
        product = json.loads(example)
        self.write(f"data/hardware/gpu/nvidia/{product['id']}.json", example)
        self.assertEqual(self.findings(), [])


# Products whose datasheets must follow from cores, rates and clocks within 1 %.
DERIVED = (
    "nvidia_v100_sxm2_16gb", "nvidia_v100_sxm2_32gb", "nvidia_v100_pcie_16gb",
    "nvidia_a100_sxm4_40gb", "nvidia_a100_sxm4_80gb", "nvidia_a100_pcie_40gb",
    "nvidia_a100_pcie_80gb", "nvidia_l4", "nvidia_l40s", "h100_sxm5", "nvidia_h100_pcie",
    "nvidia_h200_sxm", "jetson_orin_agx_gpu",
)  # fmt: skip

# What the first users named, by id or alias.
PROMISED = (
    "i7-12700k", "h100-sxm5", "jetson-orin-agx", "jetson-orin-nano", "ampere-altra-max",
    "jetson-orin-agx-cpu", "jetson-orin-agx-gpu", "jetson-orin-nano-cpu", "jetson-orin-nano-gpu",
    "intel_i7_12700k", "jetson_orin_nano_gpu", "jetson_orin_nano_cpu", "h100_sxm5", "nvidia_h100",
    "jetson_orin_nx", "amd_mi300x", "intel_gaudi3", "cloud-ai-100", "amd_epyc_9654", "w9-3495x",
    "coral", "hailo-8", "raspberry_pi_5", "tpu-v4", "tpu-v5e", "tpu-v5p", "graviton2", "graviton3",
    "graviton4", "nvidia_grace", "b200", "rtx-3090", "rtx-4090", "rtx-5090", "amd_mi250x",
    "amd_mi325x", "jetson-thor", "jetson-orin-nano-super", "jetson-orin-nx-super", "nvidia_b300",
    "nvidia_gb200", "nvidia_gb300", "b200-sxm", "gb200", "rtx-pro-6000-server", "rtx-5080",
    "rtx-5070-ti", "rtx-5070", "rtx-5060-ti", "amd_mi355x", "intel_gaudi2", "tpu-v6e", "trainium2",
    "apple_m1", "apple_m4_max", "snapdragon-x-elite", "intel_arc_b580", "intel_core_ultra_9_285k",
    "intel_core_ultra_7_155h", "intel_core_ultra_7_258v", "amd_epyc_9655", "graviton3e",
)  # fmt: skip

# FP4 is stated with sparsity by NVIDIA and without by AMD: dense, in gops.
FP4 = {
    ("nvidia_b200", "nvfp4"): 9_000_000, ("nvidia_gb200_gpu", "nvfp4"): 10_000_000,
    ("nvidia_gb300_gpu", "nvfp4"): 15_000_000, ("nvidia_rtx_5090", "nvfp4"): 1_676_000,
    ("nvidia_rtx_pro_6000_server", "nvfp4"): 2_000_000, ("amd_mi355x", "mxfp4"): 10_066_300,
    ("jetson_thor_t5000_gpu", "nvfp4"): 1_035_000,
}  # fmt: skip


class Products(TreeTest):
    """The database as it is."""

    def setUp(self) -> None:
        super().setUp()
        database = check_hardware.Database.load(ROOT)
        self.products = {p["id"]: p for p in database.products.values()}

    def test_published_peaks_follow_within_one_percent(self) -> None:
        for name in DERIVED:
            product = self.products[name]
            compared = 0
            for precision, rates in product["operations_per_clock"].items():
                cores, clocks = check_hardware.merged(product, {})
                derived = check_hardware.derived_peak(rates, cores, clocks)
                given = product["theoretical_peaks_gops"].get(precision, {}).get("value")
                if derived is not None and given is not None:
                    with self.subTest(product=name, precision=precision):
                        self.assertLessEqual(abs(derived / given - 1), 0.01)
                    compared += 1
            self.assertGreaterEqual(compared, 3, name)

    def test_what_was_promised_is_there(self) -> None:
        names = {w for p in self.products.values() for w in [p["id"], *p["aliases"]]}
        self.assertEqual([name for name in PROMISED if name not in names], [])
        self.assertGreaterEqual(len(self.products), 50)

    def test_fp4_peaks_are_dense(self) -> None:
        for (name, precision), dense in FP4.items():
            given = self.products[name]["theoretical_peaks_gops"]
            self.assertEqual(given[precision]["value"], dense, name)

    def test_precisions_are_those_of_the_catalog(self) -> None:
        rows = (ROOT / "src/catalog/precisions.cpp").read_text("utf-8")
        catalog = re.findall(r'^    \{"(\w+)", \d', rows, re.MULTILINE)
        self.assertIn("nvfp4", catalog)
        for name in SCHEMAS:
            schema = json.loads((ROOT / "data/schema" / name).read_text("utf-8"))
            listed = next(enum for enum in check_hardware.values(schema, "enum") if "bf16" in enum)
            self.assertEqual(listed, catalog, name)


if __name__ == "__main__":
    import unittest

    unittest.main()
