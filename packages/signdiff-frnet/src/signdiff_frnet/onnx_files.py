"""ONNX files as data: read within bounds, and written anew, in one form, before OpenCV sees them.

OpenCV's own reader trusts what a file says, and some damaged files end the process in it. So it is only given networks
that were built here from checked parts (see `signdiff_frnet.onnx_shapes`): a few operations whose shapes fit, and
tensors that have all their values. Fields are numbered as in onnx.proto.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

SIDE: Final = 64
"""Sides of an input are multiples of it."""

CHANNELS: Final = 4
"""Of the input: a drawing, and an FR map."""

MAX_NODES: Final = 4096
"""Most operations of a graph."""

MAX_PARTS: Final = 1 << 15
"""Most operations, tensors and notes of a graph together."""

MAX_FIELDS: Final = 64
"""Most fields of a message, and most integers of a list, where no other number is given."""

MAX_AXES: Final = 8

_MAX_SIDE: Final = 1 << 28
_MAX_VARINT: Final = 10  # bytes of an integer of 64 bits
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FLOAT: Final = 1  # ONNX's number of float32
_VERSION, _OPERATIONS = 7, 13
_INTEGERS, _INTEGER, _TEXT = 7, 2, 3


@dataclass(frozen=True)
class Node:
    """One operation: its kind, such as ``Conv``, and the names of its inputs (empty if left out) and of its output.

    ``settings`` are its attributes: integers, lists of integers, text, or a tensor.
    """

    kind: str
    inputs: tuple[str, ...]
    output: str
    settings: dict[str, object]


@dataclass
class Graph:
    """A network: its nodes in order, constants (float32) by name, names of its inputs besides these, and outputs."""

    nodes: list[Node] = field(default_factory=list)
    tensors: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)


def read_graph(model: bytes) -> Graph:
    """Read an ONNX file; that the parts of the graph fit each other is yet to be checked.

    Producer, documentation and noted shapes, which change nothing that is computed, are passed over. A ValueError if it
    is no ONNX file, is cut off, or holds tensors that are not float32 or not whole.
    """
    graphs = [value for number, value in fields(memoryview(model)) if number == 7]
    if len(graphs) != 1:
        raise ValueError(f"it holds {len(graphs)} graphs")
    graph = Graph()
    for number, value in fields(as_bytes(graphs[0]), most=MAX_PARTS):
        if number == 1:
            if len(graph.nodes) == MAX_NODES:
                raise ValueError(f"it has more than {MAX_NODES} nodes")
            graph.nodes.append(_read_node(as_bytes(value)))
        elif number == 5:
            name, tensor = _read_tensor(as_bytes(value))
            if name in graph.tensors:
                raise ValueError(f"the tensor {name!r} is given twice")
            graph.tensors[name] = tensor
        elif number in (11, 12):
            names = [as_text(one) for inner, one in fields(as_bytes(value)) if inner == 1]
            (graph.inputs if number == 11 else graph.outputs).extend(names)
    graph.inputs = [name for name in graph.inputs if name not in graph.tensors]
    return graph


def _read_node(message: memoryview) -> Node:
    inputs: list[str] = []
    outputs: list[str] = []
    kind = domain = ""
    settings: dict[str, object] = {}
    for number, value in fields(message):
        if number == 1:
            inputs.append(as_text(value))
        elif number == 2:
            outputs.append(as_text(value))
        elif number == 4:
            kind = as_text(value)
        elif number == 7:
            domain = as_text(value)
        elif number == 5:
            name, setting = _read_attribute(as_bytes(value))
            settings[name] = setting
    if domain not in ("", "ai.onnx") or len(outputs) != 1:
        raise ValueError(f"a node {kind!r} is of the domain {domain!r} and has {len(outputs)} outputs")
    return Node(kind, tuple(inputs), outputs[0], settings)


def _read_attribute(message: memoryview) -> tuple[str, object]:
    name, numbers = "", []
    setting: object = None
    for number, value in fields(message):
        if number == 1:
            name = as_text(value)
        elif number == 3:
            setting = as_integers(value)[-1]
        elif number == 4:
            setting = as_text(value)
        elif number == 5:
            setting = _read_tensor(as_bytes(value))[1]
        elif number == 8:
            numbers += as_integers(value)
    return name, numbers or setting


def _read_tensor(message: memoryview) -> tuple[str, NDArray[np.float32]]:
    name, kind, shape = "", 0, []
    raw = memoryview(b"")
    for number, value in fields(message):
        if number == 1:
            shape += as_integers(value)
        elif number == 2:
            [kind] = as_integers(value)
        elif number in (4, 9):  # packed floats and raw bytes are the same: both are little-endian
            raw = as_bytes(value)
        elif number == 8:
            name = as_text(value)
        elif number in (13, 14):
            raise ValueError(f"the tensor {name!r} names another file for its values")
    if len(shape) > MAX_AXES or not all(0 < side <= _MAX_SIDE for side in shape):
        raise ValueError(f"the tensor {name!r} has the shape {shape[:MAX_AXES]}")
    size = 4 * math.prod(shape)
    if kind != _FLOAT or size != len(raw):
        raise ValueError(
            f"the tensor {name!r} must be of float32, {_FLOAT}, with {size} bytes, but is of {kind}, with {len(raw)}"
        )
    return name, np.frombuffer(raw, dtype="<f4").reshape(shape)


def write_graph(graph: Graph) -> bytes:
    """Write a graph that passed `check_shapes`; the content of a ``.onnx`` file."""
    nodes = [node for node in graph.nodes if node.output not in graph.tensors]
    names = {name: f"t{number}" for number, name in enumerate(graph.tensors)}
    names |= {name: f"v{number}" for number, name in enumerate([*graph.inputs, *(node.output for node in nodes)])}
    taken = sorted({name for node in nodes for name in node.inputs} & graph.tensors.keys(), key=list(names).index)
    content = b"".join(put(1, _write_node(node, names)) for node in nodes) + put(2, "network")
    for name in taken:
        tensor = graph.tensors[name]
        shape = b"".join(put_int(1, side) for side in tensor.shape)
        content += put(5, shape + put_int(2, _FLOAT) + put(8, names[name]) + put(9, tensor.tobytes()))
    content += put(11, _write_value(names[graph.inputs[0]], CHANNELS)) + put(
        12, _write_value(names[graph.outputs[0]], 1)
    )
    return put_int(1, _VERSION) + put(7, content) + put(8, put(1, "") + put_int(2, _OPERATIONS))


def _write_node(node: Node, names: dict[str, str]) -> bytes:
    content = b"".join(put(1, names[name] if name else "") for name in node.inputs)
    content += put(2, names[node.output]) + put(3, names[node.output]) + put(4, node.kind)
    for name, value in sorted(node.settings.items()):
        if isinstance(value, list):
            setting, kind = b"".join(put_int(8, one) for one in value), _INTEGERS
        elif isinstance(value, str):
            setting, kind = put(4, value), _TEXT
        elif isinstance(value, int):
            setting, kind = put_int(3, value), _INTEGER
        else:
            continue  # a number that only other modes of resizing look at
        content += put(5, put(1, name) + setting + put_int(20, kind))
    return content


def _write_value(name: str, channels: int) -> bytes:
    sides = b"".join(put(1, put_int(1, side)) for side in (1, channels, SIDE, SIDE))
    return put(1, name) + put(2, put(1, put_int(1, _FLOAT) + put(2, sides)))


def fields(message: memoryview, *, most: int = MAX_FIELDS) -> Iterator[tuple[int, int | memoryview]]:
    r"""Give a message's fields: number and value, an integer below 2**64, or bytes that lie in the message.

    A ValueError if it is cut off, is no message, or has more than ``most`` fields.

    Example:
        >>> [(number, value) for number, value in fields(memoryview(b"\x08\x96\x01"))]
        [(1, 150)]
    """
    place = count = 0
    while place < len(message):
        count += 1
        if count > most:
            raise ValueError(f"a message has more than {most} fields")
        tag, place = _read_varint(message, place)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, place = _read_varint(message, place)
            yield number, value
            continue
        if kind == _BYTES:
            size, place = _read_varint(message, place)
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"a field has the unknown type {kind}")
        if size > len(message) - place:
            raise ValueError("it is cut off")
        yield number, message[place : place + size]
        place += size


def as_integers(value: int | memoryview) -> list[int]:
    """Read one value of a repeated integer: one, or many that are packed."""
    if isinstance(value, int):
        return [value]
    found: list[int] = []
    place = 0
    while place < len(value):
        if len(found) == MAX_FIELDS:
            raise ValueError(f"a list has more than {MAX_FIELDS} integers")
        one, place = _read_varint(value, place)
        found.append(one)
    return found


def as_text(value: int | memoryview) -> str:
    """Read a string of UTF-8."""
    return str(as_bytes(value), "utf-8")


def as_bytes(value: int | memoryview) -> memoryview:
    """Read bytes, or a message."""
    if isinstance(value, int):
        raise ValueError("a field holds a number in place of bytes")
    return value


def put_int(number: int, value: int) -> bytes:
    """Write a field that holds an integer."""
    return _varint_of(number << 3 | _VARINT) + _varint_of(value)


def put(number: int, value: bytes | str) -> bytes:
    """Write a field that holds bytes, text or a message."""
    data = value.encode() if isinstance(value, str) else value
    return _varint_of(number << 3 | _BYTES) + _varint_of(len(data)) + data


def _read_varint(message: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for position, byte in enumerate(message[place : place + _MAX_VARINT]):
        value |= (byte & 127) << 7 * position
        if byte < 128:
            if value >= 1 << 64:
                raise ValueError("an integer has more than 64 bits")
            return value, place + position + 1
    raise ValueError("an integer has no end")


def _varint_of(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
