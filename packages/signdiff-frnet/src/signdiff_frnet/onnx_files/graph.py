"""From the bytes of an ONNX file to its graph, as onnx.proto numbers the fields."""

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from signdiff_frnet.onnx_files.wire import content, fields, integers, text

MAX_NODES: Final = 4096
"""Most operations of a graph."""

MAX_FIELDS: Final = 1 << 15
"""Most operations, tensors and notes of a graph together."""

MAX_AXES: Final = 8

_MAX_SIDE: Final = 1 << 28

_FLOAT: Final = 1
"""ONNX's number of float32."""


@dataclass(frozen=True)
class Node:
    """One operation.

    Attributes:
        kind: its name, such as ``Conv``.
        inputs: names of values, empty where an optional one is left out.
        output: name of the value that it gives.
        settings: its attributes: integers, lists of integers, text, or a tensor.
    """

    kind: str
    inputs: tuple[str, ...]
    output: str
    settings: dict[str, object]


@dataclass
class Graph:
    """A network.

    Attributes:
        nodes: the operations, in their order.
        tensors: constants, float32, by their names.
        inputs: names of the graph's inputs, besides constants.
        outputs: names of its outputs.
    """

    nodes: list[Node] = field(default_factory=list)
    tensors: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)


def read_graph(model: bytes) -> Graph:
    """Read an ONNX file.

    What has no influence on what is computed is passed over: names of the producer, documentation, shapes that are
    noted down.

    Args:
        model: the file.

    Returns:
        The graph; that its parts fit each other is yet to be checked.

    Raises:
        ValueError: it is no ONNX file, is cut off, or holds tensors that are not float32 or not whole.
    """
    graphs = [value for number, value in fields(memoryview(model)) if number == 7]
    if len(graphs) != 1:
        raise ValueError(f"it holds {len(graphs)} graphs")
    graph = Graph()
    for number, value in fields(content(graphs[0]), most=MAX_FIELDS):
        if number == 1:
            if len(graph.nodes) == MAX_NODES:
                raise ValueError(f"it has more than {MAX_NODES} nodes")
            graph.nodes.append(_node(content(value)))
        elif number == 5:
            name, tensor = _tensor(content(value))
            if name in graph.tensors:
                raise ValueError(f"the tensor {name!r} is given twice")
            graph.tensors[name] = tensor
        elif number in (11, 12):
            names = [text(one) for inner, one in fields(content(value)) if inner == 1]
            (graph.inputs if number == 11 else graph.outputs).extend(names)
    graph.inputs = [name for name in graph.inputs if name not in graph.tensors]
    return graph


def _node(message: memoryview) -> Node:
    inputs: list[str] = []
    outputs: list[str] = []
    kind = domain = ""
    settings: dict[str, object] = {}
    for number, value in fields(message):
        if number == 1:
            inputs.append(text(value))
        elif number == 2:
            outputs.append(text(value))
        elif number == 4:
            kind = text(value)
        elif number == 7:
            domain = text(value)
        elif number == 5:
            name, setting = _attribute(content(value))
            settings[name] = setting
    if domain not in ("", "ai.onnx") or len(outputs) != 1:
        raise ValueError(f"a node {kind!r} is of the domain {domain!r} and has {len(outputs)} outputs")
    return Node(kind, tuple(inputs), outputs[0], settings)


def _attribute(message: memoryview) -> tuple[str, object]:
    name, numbers = "", []
    setting: object = None
    for number, value in fields(message):
        if number == 1:
            name = text(value)
        elif number == 3:
            setting = integers(value)[-1]
        elif number == 4:
            setting = text(value)
        elif number == 5:
            setting = _tensor(content(value))[1]
        elif number == 8:
            numbers += integers(value)
    return name, numbers or setting


def _tensor(message: memoryview) -> tuple[str, NDArray[np.float32]]:
    name, kind, shape = "", 0, []
    raw = memoryview(b"")
    for number, value in fields(message):
        if number == 1:
            shape += integers(value)
        elif number == 2:
            [kind] = integers(value)
        elif number in (4, 9):  # packed floats and raw bytes are the same: both are little-endian
            raw = content(value)
        elif number == 8:
            name = text(value)
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
