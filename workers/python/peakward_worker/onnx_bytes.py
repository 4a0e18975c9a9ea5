"""ONNX models of one or a few nodes as bytes, without the onnx package.

A model is a protobuf message; only the fields that such a model needs are written here. Their
numbers are those of onnx/onnx.proto (ONNX 1.x never changes them); the encoding is described at
https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Iterator, Sequence, Tuple, Union

# TensorProto.DataType
FLOAT, INT8, INT32, FLOAT16, DOUBLE, BFLOAT16 = 1, 3, 6, 10, 11, 16
WIDTHS = {FLOAT: 4, INT8: 1, INT32: 4, FLOAT16: 2, DOUBLE: 8, BFLOAT16: 2}  # bytes
# AttributeProto.AttributeType
_FLOAT, _INT, _STRING, _INTS = 1, 2, 3, 7
_VARINT, _BYTES, _FIXED32 = 0, 2, 5  # wire types

IR_VERSION = 8  # of ONNX 1.10: readers accept all older ones

Attribute = Union[int, float, str, Tuple[int, ...]]


def varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; negative ones as 64-bit two's complement."""
    value &= (1 << 64) - 1
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def whole_field(number: int, value: int) -> bytes:
    return varint(number << 3 | _VARINT) + varint(value)


def bytes_field(number: int, value: bytes) -> bytes:
    return varint(number << 3 | _BYTES) + varint(len(value)) + value


def text_field(number: int, value: str) -> bytes:
    return bytes_field(number, value.encode())


def float_field(number: int, value: float) -> bytes:
    return varint(number << 3 | _FIXED32) + struct.pack("<f", value)


def attribute(name: str, value: Attribute) -> bytes:
    """AttributeProto: name 1, f 2, i 3, s 4, ints 8, type 20."""
    if isinstance(value, float):
        kind, encoded = _FLOAT, float_field(2, value)
    elif isinstance(value, int):
        kind, encoded = _INT, whole_field(3, value)
    elif isinstance(value, str):
        kind, encoded = _STRING, text_field(4, value)
    else:
        kind, encoded = _INTS, b"".join(whole_field(8, item) for item in value)
    return text_field(1, name) + encoded + whole_field(20, kind)


@dataclass
class Node:
    operator: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Attribute] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """NodeProto: input 1, output 2, name 3, op_type 4, attribute 5."""
        return (
            b"".join(text_field(1, name) for name in self.inputs)
            + b"".join(text_field(2, name) for name in self.outputs)
            + text_field(3, self.outputs[0] + "_node")
            + text_field(4, self.operator)
            + b"".join(bytes_field(5, attribute(n, v)) for n, v in self.attributes.items())
        )


@dataclass
class Value:
    """An input or output of the model."""

    name: str
    data_type: int
    shape: tuple[int, ...]

    def encoded(self) -> bytes:
        """ValueInfoProto: name 1, type 2; TypeProto: tensor_type 1; its elem_type 1, shape 2."""
        # TensorShapeProto: dim 1; Dimension: dim_value 1
        dimensions = b"".join(bytes_field(1, whole_field(1, edge)) for edge in self.shape)
        tensor = whole_field(1, self.data_type) + bytes_field(2, dimensions)
        return text_field(1, self.name) + bytes_field(2, bytes_field(1, tensor))


def tensor(name: str, data_type: int, shape: tuple[int, ...], raw: bytes) -> bytes:
    """TensorProto: dims 1, data_type 2, name 8, raw_data 9 (little endian, row by row)."""
    return (
        b"".join(whole_field(1, edge) for edge in shape)
        + whole_field(2, data_type)
        + text_field(8, name)
        + bytes_field(9, raw)
    )


def model(
    opset: int,
    nodes: list[Node],
    inputs: list[Value],
    outputs: list[Value],
    constants: Sequence[bytes] = (),
) -> bytes:
    """ModelProto: ir_version 1, producer_name 2, graph 7, opset_import 8.

    GraphProto: node 1, name 2, initializer 5, input 11, output 12. OperatorSetIdProto: version 2.
    """
    graph = (
        b"".join(bytes_field(1, node.encoded()) for node in nodes)
        + text_field(2, "case")
        + b"".join(bytes_field(5, encoded) for encoded in constants)
        + b"".join(bytes_field(11, value.encoded()) for value in inputs)
        + b"".join(bytes_field(12, value.encoded()) for value in outputs)
    )
    return (
        whole_field(1, IR_VERSION)
        + text_field(2, "peakward")
        + bytes_field(7, graph)
        + bytes_field(8, whole_field(2, opset))
    )


def fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The numbers and values of a message's fields that are bytes; others are stepped over."""
    at = 0

    def read_varint() -> int:
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = read_varint()
        wire = key & 7
        if wire == _BYTES:
            size = read_varint()
            yield key >> 3, message[at : at + size]
            at += size
        elif wire == _VARINT:
            read_varint()
        else:
            at += 4 if wire == _FIXED32 else 8


def operators(encoded: bytes) -> list[str]:
    """The operators of a model in order, those of other domains as domain.Operator."""
    found = []
    for number, graph in fields(encoded):
        for inner, node in fields(graph) if number == 7 else ():
            if inner == 1:
                of_node = dict(fields(node))
                domain = of_node.get(7, b"").decode()
                found.append((domain + "." if domain else "") + of_node[4].decode())
    return found
