"""Small cases of every operation, and the catalog's tolerances (src/catalog/operations)."""

from __future__ import annotations

from typing import Any

IMAGE = {"n": 2, "c": 8, "h": 13, "w": 11}
FILTERS = {"k": 6, "r": 3, "s": 3, "stride": 2, "pad": 1, "groups": 2}

SHAPES: dict[str, list[dict[str, Any]]] = {
    "dot": [{"n": 1000}, {"n": 1}],
    "axpy": [{"n": 1000}],
    "gemv": [{"m": 60, "n": 100}],
    "gemm": [{"m": 65, "n": 70, "k": 64}, {"m": 1, "n": 1, "k": 1}],
    "conv2d": [
        {**IMAGE, **FILTERS},
        {**IMAGE, **FILTERS, "k": 40, "r": 1, "s": 1, "stride": 1, "pad": 0, "groups": 1},
        {**IMAGE, **FILTERS, "k": 8, "stride": 1, "groups": 8},
    ],
    "pooling": [
        {**IMAGE, "window": 2, "stride": 2, "mode": "average"},
        {**IMAGE, "window": 3, "stride": 2, "mode": "max"},
    ],
    "batch_norm": [IMAGE],
    "layer_norm": [{"rows": 9, "columns": 50}],
    "softmax": [{"rows": 9, "columns": 50}],
    "eltwise": [{"elements": 1000, "function": "gelu"}, {"elements": 1000, "function": "relu"}],
    "attention": [{"batch": 2, "heads": 3, "sequence": 20, "head_size": 8}],
}
EPSILON = {"fp64": 2.0**-53, "fp32": 2.0**-24, "fp16": 2.0**-11, "bf16": 2.0**-8}


def terms(operation: str, shape: dict[str, Any]) -> float:
    if operation == "conv2d":
        return float(shape["c"] // shape["groups"] * shape["r"] * shape["s"])
    return float(
        {
            "dot": shape.get("n"),
            "axpy": 2,
            "gemv": shape.get("n"),
            "gemm": shape.get("k"),
            "pooling": shape.get("window", 0) ** 2,
            "batch_norm": 4,
            "layer_norm": shape.get("columns"),
            "softmax": shape.get("columns"),
            "eltwise": 16,
            "attention": shape.get("sequence", 0) + shape.get("head_size", 0),
        }[operation]
    )


def tolerance(operation: str, precision: str, shape: dict[str, Any]) -> float:
    if precision.startswith("int"):
        return 0
    epsilon = EPSILON[precision]
    if precision in ("fp64", "fp32"):
        return float(16 * epsilon * terms(operation, shape) ** 0.5)
    return float(16 * EPSILON["fp32"] * terms(operation, shape) ** 0.5 + 8 * epsilon)


def case(operation: str, precision: str, shape: dict[str, Any], threads: int = 1) -> dict[str, Any]:
    return {
        "operation": operation,
        "precision": precision,
        "shape": shape,
        "device": "cpu",
        "threads": threads,
    }


def fields(what: dict[str, Any]) -> dict[str, Any]:
    """Of a prepare request."""
    limit = tolerance(what["operation"], what["precision"], what["shape"])
    return {"case": what, "seed": 12, "tolerance": limit, "cpus": []}
