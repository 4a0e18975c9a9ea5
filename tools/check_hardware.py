#!/usr/bin/env python3
"""The hardware database as a program checks it: schema, sources, peaks, patterns, names.

A second opinion beside src/hardware, written apart from it. Each check is a function from the
database to findings; CHECKS lists them. Exit status: 0 clean, 1 findings, 2 wrong usage.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped,import-not-found,unused-ignore]
from findings import Finding, run_checks

AGREEMENT_RATIO = 0.02  # between a given peak and the one that cores, rates and clocks make
NEIGHBOUR_FACTOR = 1000  # a figure that far from those of its kind has a wrong unit
NEIGHBOURS_MIN = 3  # fewer say nothing about what is usual
PATTERN_LETTERS_MIN = 4  # that a name must have before it can tell a product
ARCHITECTURES = "data/hardware/architectures.json"

Json = dict[str, Any]


@dataclass
class Database:
    """Every product's file below data/hardware, the architectures, and their schemas."""

    products: dict[str, Json] = field(default_factory=dict)  # by path
    architectures: Json = field(default_factory=dict)
    schema: Json = field(default_factory=dict)
    architectures_schema: Json = field(default_factory=dict)
    unreadable: list[Finding] = field(default_factory=list)
    checked: list[tuple[str, Json]] | None = None  # by sound(), once

    @staticmethod
    def load(root: Path) -> Database:
        database = Database()
        folder = root / "data" / "hardware"
        for path in sorted(folder.rglob("*.json")):
            name = path.relative_to(root).as_posix()
            document = database.read(path, name)
            if document is None:
                continue
            if path.parent == folder:
                database.architectures = document
            else:
                database.products[name] = document
        schemas = root / "data" / "schema"
        database.schema = database.read(schemas / "hardware-1.schema.json", "schema") or {}
        database.architectures_schema = (
            database.read(schemas / "hardware-architectures-1.schema.json", "schema") or {}
        )
        return database

    def read(self, path: Path, name: str) -> Json | None:
        try:
            document = json.loads(path.read_text("utf-8"), object_pairs_hook=without_repeats)
        except (OSError, ValueError) as error:
            self.unreadable.append(Finding(name, f"cannot be read: {error}"))
            return None
        if not isinstance(document, dict):
            self.unreadable.append(Finding(name, "is not a JSON object"))
            return None
        return document

    def sound(self) -> list[tuple[str, Json]]:
        """The products that hold to the schema: what the other checks may take for granted."""
        if self.checked is None:
            validator = jsonschema.Draft202012Validator(self.schema)
            self.checked = [(n, p) for n, p in self.products.items() if validator.is_valid(p)]
        return self.checked


def without_repeats(pairs: list[tuple[str, Any]]) -> Json:
    """JSON allows a key twice and keeps the last; here that is a mistake."""
    document = dict(pairs)
    if len(document) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"key '{next(k for k in keys if keys.count(k) > 1)}' stands twice")
    return document


def readable(database: Database) -> Iterator[Finding]:
    """Files that are no JSON, or have a key twice."""
    yield from database.unreadable
    if not database.products:
        yield Finding("data/hardware", "has no product in it")


def deepest(error: Any) -> Any:
    """Of alternatives that all failed, the complaint furthest inside the document."""
    while error.context:
        error = max(error.context, key=lambda e: (len(e.absolute_path), -len(e.message)))
    return error


def schema(database: Database) -> Iterator[Finding]:
    """Every file holds to its JSON Schema."""
    for wanted in (database.schema, database.architectures_schema):
        jsonschema.Draft202012Validator.check_schema(wanted)
    documents = [(n, d, database.schema) for n, d in database.products.items()]
    if database.architectures:
        documents.append((ARCHITECTURES, database.architectures, database.architectures_schema))
    for name, document, wanted in documents:
        for failure in jsonschema.Draft202012Validator(wanted).iter_errors(document):
            error = deepest(failure)
            where = ".".join(str(part) for part in error.absolute_path) or "the document"
            yield Finding(name, f"{where}: {error.message[:200]}")


def places(database: Database) -> Iterator[Finding]:
    """data/hardware/<kind>/<vendor>/<id>.json says the same as the file."""
    for name, product in database.sound():
        path = f"data/hardware/{product['kind']}/{product['vendor']}/{product['id']}.json"
        if name != path:
            yield Finding(name, f"by its kind, vendor and id it belongs in {path}")


def names(database: Database) -> Iterator[Finding]:
    """An id or alias names one product."""
    owner: dict[str, str] = {}
    for name, product in database.sound():
        for word in [product["id"], *product["aliases"]]:
            if word in owner:
                yield Finding(name, f"'{word}' already names {owner[word]}")
            owner.setdefault(word, product["id"])


def values(node: Any, key: str) -> Iterator[Any]:
    """Every value that stands under `key` anywhere inside."""
    if isinstance(node, list):
        for item in node:
            yield from values(item, key)
    elif isinstance(node, dict):
        for name, item in node.items():
            if name == key:
                yield item
            else:
                yield from values(item, key)


def sources(database: Database) -> Iterator[Finding]:
    """A source that a figure names exists, and one that stands there is used."""
    documents = [*database.sound()]
    if database.architectures:
        documents.append((ARCHITECTURES, database.architectures))
    for name, document in documents:
        listed = set(document.get("sources", {}))
        used = set(values({k: v for k, v in document.items() if k != "sources"}, "source"))
        for key in sorted(used - listed):
            yield Finding(name, f"a figure names the source '{key}', which is not in sources")
        for key in sorted(listed - used):
            yield Finding(name, f"sources.{key} is named by no figure")


def clock_of(clocks: Json, rate: Json) -> float | None:
    """The clock of one rate in GHz; None when it is unknown. KeyError when it is not there."""
    figure: Any = clocks
    for part in rate["clock"].split("."):
        figure = figure[part]
    if "value" not in figure and "unknown" not in figure:
        figure = figure[rate["per"]]
    value = figure.get("value")
    return None if value is None else float(value)


def derived_peak(rates: list[Json], cores: list[Json], clocks: Json) -> float | None:
    """Sum of count x operations per clock x clock in gops; None when a part is unknown."""
    counts = {core["kind"]: core["count"].get("value") for core in cores}
    total = 0.0
    for rate in rates:
        clock = clock_of(clocks, rate)
        count = counts[rate["per"]]
        if clock is None or count is None:
            return None
        total += count * rate["value"] * clock
    return total


def merged(product: Json, mode: Json) -> tuple[list[Json], Json]:
    """Cores and clocks of a product in a power mode, which states what differs."""
    changed = {core["kind"]: core for core in mode.get("cores", [])}
    cores = [changed.get(c["kind"], c) for c in product["architecture"].get("cores", [])]
    return cores, {**product.get("clocks_ghz", {}), **mode.get("clocks_ghz", {})}


def peaks(database: Database) -> Iterator[Finding]:
    """Given and derived peaks agree; rates lead to cores and clocks that are there."""
    for name, product in database.sound():
        modes = {"": {"theoretical_peaks_gops": product.get("theoretical_peaks_gops", {})}}
        modes.update(product.get("power_modes", {}))
        for mode_name, mode in modes.items():
            place = f"power_modes.{mode_name}." if mode_name else ""
            cores, clocks = merged(product, mode)
            given = mode.get("theoretical_peaks_gops", {})
            for precision, rates in product.get("operations_per_clock", {}).items():
                try:
                    derived = derived_peak(rates, cores, clocks)
                except KeyError as missing:
                    text = f"operations_per_clock.{precision} names {missing}, which is not there"
                    yield Finding(name, place + text)
                    continue
                value = given.get(precision, {}).get("value")
                if derived is None or value is None:
                    continue
                if abs(derived / value - 1) > AGREEMENT_RATIO:
                    yield Finding(
                        name,
                        f"{place}theoretical_peaks_gops.{precision} is {value:g}, and cores x "
                        f"operations x clock make {derived:g}: {derived / value - 1:+.1%}",
                    )


def rated(database: Database) -> Iterator[Finding]:
    """Every processor says what it reaches, or why that is not known."""
    for name, product in database.sound():
        said = {"operations_per_clock", "theoretical_peaks_gops"}.intersection(product)
        if product["kind"] != "board" and not said:
            yield Finding(name, "has neither theoretical_peaks_gops nor operations_per_clock")


def order(database: Database) -> Iterator[Finding]:
    """No vector peak above the product's peak, no sparse peak below the dense one."""
    for name, product in database.sound():
        dense = product.get("theoretical_peaks_gops", {})
        for group, sign in (("vector_peaks_gops", 1), ("sparse_peaks_gops", -1)):
            for precision, figure in product.get(group, {}).items():
                other = figure.get("value")
                peak = dense.get(precision, {}).get("value")
                if other is not None and peak is not None and sign * (other - peak) > 0:
                    text = f"{group}.{precision} is {other:g} beside a dense peak of {peak:g}"
                    yield Finding(name, text)


def bandwidths(database: Database) -> Iterator[Finding]:
    """Width x rate of the memory make its bandwidth, in the product and in its power modes."""
    for name, product in database.sound():
        memories = {"": product.get("memory", {})}
        for mode_name, mode in product.get("power_modes", {}).items():
            changed = {**memories[""], **mode.get("memory", {})}
            memories[f"power_modes.{mode_name}."] = changed
        for place, memory in memories.items():
            known = {key: memory.get(key, {}).get("value") for key in memory if key != "type"}
            width, rate = known.get("bus_width_bits"), known.get("rate_mtps")
            given = known.get("bandwidth_gbps")
            if width is None or rate is None or given is None:
                continue
            derived = width / 8 * rate / 1000
            if abs(derived / given - 1) > AGREEMENT_RATIO:
                text = f"memory.bandwidth_gbps is {given:g}, and width x rate make {derived:g}"
                yield Finding(name, place + text)


def figures(node: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Every figure with a value and where it stands; list items by what they are, not where."""
    if isinstance(node, list):
        for item in node:
            if isinstance(item, dict):
                mark = item.get("level", item.get("kind", item.get("per", "")))
                yield from figures(item, f"{path}[{mark}]")
    elif isinstance(node, dict):
        if isinstance(node.get("value"), int | float):
            yield path, float(node["value"])
        for key, item in node.items():
            if key not in ("sources", "power_modes", "detection"):
                yield from figures(item, f"{path}.{key}" if path else key)


def magnitudes(database: Database) -> Iterator[Finding]:
    """No figure is 1000 times its neighbours': the same field of products of the same kind."""
    seen: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for name, product in database.sound():
        for path, value in figures(product):
            seen.setdefault((product["kind"], path), []).append((name, value))
    for (_, path), entries in seen.items():
        for name, value in entries:
            others = [other for owner, other in entries if owner != name]
            if len(others) < NEIGHBOURS_MIN:
                continue
            usual = statistics.median(others)
            if not usual / NEIGHBOUR_FACTOR < value < usual * NEIGHBOUR_FACTOR:
                text = f"{path} is {value:g}, where its neighbours have {usual:g}: a wrong unit?"
                yield Finding(name, text)


class NotPlainError(ValueError):
    """A regular expression with more in it than a product's name needs."""


def alternatives(pattern: str, at: int = 0, depth: int = 0) -> tuple[list[str], int]:
    """The texts that a plain expression stands for, and where reading stopped.

    Plain: characters, escaped punctuation, \\b, groups with |, and ? behind any of these. All
    engines read that alike, and what it matches can be counted.
    """
    texts: list[str] = []
    branch = [""]
    while at < len(pattern) and (pattern[at] != ")" or depth == 0):
        char = pattern[at]
        if char == "|":
            texts, branch, at = texts + branch, [""], at + 1
            continue
        if char == "(":
            piece, at = alternatives(pattern, at + 1, depth + 1)
            if at >= len(pattern):
                raise NotPlainError("a group is not closed")
        elif char == "\\" and pattern[at + 1 : at + 2] == "b":
            piece, at = [""], at + 1
        elif char == "\\" and re.match(r"[^A-Za-z0-9]", pattern[at + 1 : at + 2]):
            piece, at = [pattern[at + 1]], at + 1
        elif char in "\\.*+?[]{}^$)":
            raise NotPlainError(f"'{char}' at column {at + 1}")
        else:
            piece = [char]
        at += 1
        if pattern[at : at + 1] == "?":
            piece, at = [*piece, ""], at + 1
        branch = [text + end for text in branch for end in piece]
    return texts + branch, at


def names_matched(pattern: str) -> list[str]:
    """What a pattern of the database matches (before whatever follows, if it ends without $)."""
    re.compile(pattern)
    texts, _ = alternatives(pattern.removeprefix("^").removesuffix("$"))
    return texts


NAME_KEYS = ("cpu_model", "gpu_model", "product_name")
CONDITIONS = (
    *NAME_KEYS, "pci_id", "device_tree", "cpu_vendor", "cpu_family", "cpu_model_number",
    "cpu_stepping", "cores_per_socket",
)  # fmt: skip


def patterns(database: Database) -> Iterator[Finding]:
    """Expressions compile, are plain, and name something; a board alone is no processor."""
    for name, product in database.sound():
        for number, pattern in enumerate(product["detection"]):
            place = f"detection.{number}"
            for key in NAME_KEYS:
                if key not in pattern:
                    continue
                try:
                    texts = names_matched(pattern[key])
                except (re.error, NotPlainError) as error:
                    text = f"{place}.{key}: '{pattern[key]}' is not a plain expression: {error}"
                    yield Finding(name, text)
                    continue
                if any(len(re.findall(r"\w", text)) < PATTERN_LETTERS_MIN for text in texts):
                    yield Finding(name, f"{place}.{key}: '{pattern[key]}' matches everything")
            if not set(pattern).intersection(CONDITIONS):
                yield Finding(name, f"{place}: without a condition it matches everything")


def matches(pattern: str, name: str) -> bool:
    try:
        return re.search(pattern, name) is not None
    except re.error:
        return False  # patterns() says so


def confidence(product: Json, host: Json) -> float:
    """How sure the product is of a host: its most confident pattern that holds; 0 for none."""
    best = 0.0
    for pattern in product["detection"]:
        holds = all(
            key in host
            and (
                matches(pattern[key], host[key]) if key in NAME_KEYS else host[key] == pattern[key]
            )
            for key in CONDITIONS
            if key in pattern
        )
        best = max(best, pattern["confidence"] if holds else 0.0)
    return best


def hosts_of(pattern: Json) -> Iterator[Json]:
    """Hosts that just fulfil a pattern: one for each name that its expressions stand for."""
    hosts: list[Json] = [{k: pattern[k] for k in CONDITIONS if k in pattern and k not in NAME_KEYS}]
    for key in NAME_KEYS:
        if key in pattern:
            hosts = [{**host, key: text} for host in hosts for text in names_matched(pattern[key])]
    yield from hosts


def ambiguities(database: Database) -> Iterator[Finding]:
    """A host that one product describes is not taken for another one as surely."""
    by_kind: dict[str, list[tuple[str, Json]]] = {}
    for name, product in database.sound():
        by_kind.setdefault(product["kind"], []).append((name, product))
    for entries in by_kind.values():
        for name, product in entries:
            for pattern in product["detection"]:
                try:
                    hosts = list(hosts_of(pattern))
                except (re.error, NotPlainError):
                    continue  # patterns() says so
                rivals = {
                    other["id"]
                    for host in hosts
                    for _, other in entries
                    if other is not product and confidence(other, host) >= confidence(product, host)
                }
                for rival in sorted(rivals):
                    text = f"a host of this product is as surely {rival}: {pattern['reason']}"
                    yield Finding(name, text)


def power_modes(database: Database) -> Iterator[Finding]:
    """The default is one of the modes; a mode has no core that the product lacks."""
    for name, product in database.sound():
        modes = product.get("power_modes", {})
        default = product.get("default_power_mode")
        if modes and default not in modes:
            yield Finding(name, f"default_power_mode '{default}' is none of {', '.join(modes)}")
        counts = {c["kind"]: c["count"] for c in product["architecture"].get("cores", [])}
        for mode_name, mode in modes.items():
            for core in mode.get("cores", []):
                most = counts.get(core["kind"], {}).get("value", 0)
                if core["count"].get("value", 0) > most:
                    place = f"power_modes.{mode_name}.cores[{core['kind']}]"
                    yield Finding(name, f"{place}: more than the product's {most:g}")


def boards(database: Database) -> Iterator[Finding]:
    """What a board contains exists, is no board, and knows the board's power modes."""
    by_id = {p["id"]: p for _, p in database.sound()}
    for name, product in database.sound():
        for part_id in product.get("contains", []):
            part = by_id.get(part_id)
            if part is None:
                yield Finding(name, f"contains '{part_id}', which is no product")
            elif part["kind"] == "board":
                yield Finding(name, f"contains '{part_id}', which is a board itself")
            elif set(product.get("power_modes", {})) - set(part.get("power_modes", {})):
                yield Finding(name, f"has power modes that its part '{part_id}' does not know")


def architectures(database: Database) -> Iterator[Finding]:
    """No processor number means two architectures; every CPU product's architecture is listed."""
    if not database.architectures:
        yield Finding(ARCHITECTURES, "is missing")
        return
    taken: dict[tuple[Any, ...], str] = {}
    listed = set()
    for entry in database.architectures.get("architectures", []):
        if entry["id"] in listed:
            yield Finding(ARCHITECTURES, f"'{entry['id']}' stands twice")
        listed.add(entry["id"])
        for pattern in entry["detection"]:
            for model in range(pattern["cpu_model_first"], pattern["cpu_model_last"] + 1):
                first = pattern.get("cpu_stepping_first", 0)
                for stepping in range(first, pattern.get("cpu_stepping_last", 255) + 1):
                    key = (pattern["cpu_vendor"], pattern["cpu_family"], model, stepping)
                    other = taken.setdefault(key, entry["id"])
                    if other != entry["id"]:
                        text = f"{entry['id']} and {other} both claim model {model:#x}"
                        yield Finding(ARCHITECTURES, f"{text}, stepping {stepping}")
                        return
    for name, product in database.sound():
        known = product["architecture"].get("microarchitecture")
        if product["kind"] == "cpu" and known not in listed:
            yield Finding(
                name, f"architecture.microarchitecture '{known}' is not in {ARCHITECTURES}"
            )


CHECKS: list[Callable[[Database], Iterator[Finding]]] = [
    readable,
    schema,
    places,
    names,
    sources,
    peaks,
    rated,
    order,
    bandwidths,
    magnitudes,
    patterns,
    ambiguities,
    power_modes,
    boards,
    architectures,
]


if __name__ == "__main__":
    sys.exit(run_checks(__doc__, Database.load, CHECKS))
