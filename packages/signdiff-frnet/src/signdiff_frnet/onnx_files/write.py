"""From a graph that was checked to the bytes of an ONNX file, in one form, with names of our own."""

from typing import Final

from signdiff_frnet.onnx_files.graph import Graph, Node
from signdiff_frnet.onnx_files.shapes import CHANNELS, SIDE
from signdiff_frnet.onnx_files.wire import field, integer

_VERSION, _OPERATIONS = 7, 13
_INTEGERS, _INTEGER, _TEXT = 7, 2, 3
_FLOAT: Final = 1


def write_graph(graph: Graph) -> bytes:
    """Write a graph.

    Args:
        graph: passed `check_shapes`.

    Returns:
        The content of a ``.onnx`` file.
    """
    nodes = [node for node in graph.nodes if node.output not in graph.tensors]
    names = {name: f"t{number}" for number, name in enumerate(graph.tensors)}
    names |= {name: f"v{number}" for number, name in enumerate([*graph.inputs, *(node.output for node in nodes)])}
    taken = sorted({name for node in nodes for name in node.inputs} & graph.tensors.keys(), key=list(names).index)
    content = b"".join(field(1, _node(node, names)) for node in nodes) + field(2, "network")
    for name in taken:
        tensor = graph.tensors[name]
        shape = b"".join(integer(1, side) for side in tensor.shape)
        content += field(5, shape + integer(2, _FLOAT) + field(8, names[name]) + field(9, tensor.tobytes()))
    content += field(11, _value(names[graph.inputs[0]], CHANNELS)) + field(12, _value(names[graph.outputs[0]], 1))
    return integer(1, _VERSION) + field(7, content) + field(8, field(1, "") + integer(2, _OPERATIONS))


def _node(node: Node, names: dict[str, str]) -> bytes:
    content = b"".join(field(1, names[name] if name else "") for name in node.inputs)
    content += field(2, names[node.output]) + field(3, names[node.output]) + field(4, node.kind)
    for name, value in sorted(node.settings.items()):
        if isinstance(value, list):
            setting, kind = b"".join(integer(8, one) for one in value), _INTEGERS
        elif isinstance(value, str):
            setting, kind = field(4, value), _TEXT
        elif isinstance(value, int):
            setting, kind = integer(3, value), _INTEGER
        else:
            continue  # a number that only other modes of resizing look at
        content += field(5, field(1, name) + setting + integer(20, kind))
    return content


def _value(name: str, channels: int) -> bytes:
    sides = b"".join(field(1, integer(1, side)) for side in (1, channels, SIDE, SIDE))
    return field(1, name) + field(2, field(1, integer(1, _FLOAT) + field(2, sides)))
