"""Whether the parts of a network fit: every value's channels, and its sides in relation to the input's."""

from collections.abc import Callable
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from signdiff_frnet.onnx_files import CHANNELS, SIDE, Graph, Node

MAX_VALUES: Final = 256
"""Most numbers that a value has for each pixel of the input."""

Shape = tuple[int, Fraction]
"""Channels, and the sides over the input's."""


def check_shapes(graph: Graph) -> None:
    """Make sure that a graph makes one channel of its four, with known operations; a ValueError names the node."""
    if len(graph.inputs) != 1 or len(graph.outputs) != 1 or not graph.nodes:
        raise ValueError(f"it has {len(graph.inputs)} inputs, {len(graph.outputs)} outputs, {len(graph.nodes)} nodes")
    shapes: dict[str, Shape] = {graph.inputs[0]: (CHANNELS, Fraction(1))}
    used: set[str] = set()
    for number, node in enumerate(graph.nodes):
        place = f"node {number}, {node.kind!r}, "
        if not node.output or node.output in shapes or node.output in graph.tensors:
            raise ValueError(f"{place}gives {node.output!r}, which is given twice or has no name")
        if node.kind == "Constant":
            graph.tensors[node.output] = _constant(node)
            continue
        if node.kind == "Identity" and len(node.inputs) == 1 and node.inputs[0] in graph.tensors:
            graph.tensors[node.output] = graph.tensors[node.inputs[0]]  # so torch writes tensors that are equal
            continue
        if node.kind not in _KINDS:
            raise ValueError(f"{place}is none of {', '.join(sorted([*_KINDS, 'Constant', 'Identity']))}")
        try:
            shape = _KINDS[node.kind](node, graph, shapes)
        except LookupError as error:
            raise ValueError(f"{place}takes what is not there: {error}") from error
        except ValueError as error:
            raise ValueError(f"{place}{error}") from error
        channels, scale = shape
        if channels < 1 or scale > 1 or (SIDE * scale).denominator != 1 or channels * scale**2 > MAX_VALUES:
            raise ValueError(f"{place}gives {channels} channels of {scale} of the input's sides")
        shapes[node.output] = shape
        used.update(node.inputs)
    last = graph.nodes[-1].output
    if graph.outputs != [last] or shapes.get(last) != (1, Fraction(1)):
        raise ValueError("its output is not its last node's, of one channel and the input's size")
    if unused := sorted(shapes.keys() - used - {last}):
        raise ValueError(f"nothing takes {unused[0]!r}")


def _constant(node: Node) -> NDArray[np.float32]:
    value = node.settings.get("value")
    if set(node.settings) != {"value"} or not isinstance(value, np.ndarray):
        raise ValueError("a node 'Constant' holds no tensor")
    return value


def _convolution(node: Node, graph: Graph, shapes: dict[str, Shape]) -> Shape:
    channels, scale = shapes[node.inputs[0]]
    weights, bias = graph.tensors[node.inputs[1]], graph.tensors[node.inputs[2]]
    transposed = node.kind == "ConvTranspose"
    if len(node.inputs) != 3 or weights.ndim != 4 or bias.ndim != 1:
        raise ValueError("takes no weights of four axes and a bias of one")
    incoming, outgoing = weights.shape[:2] if transposed else weights.shape[1::-1]
    kernel, stride, pad = weights.shape[2], _all(node, "strides", 2, 1), _all(node, "pads", 4, 0)
    if _all(node, "kernel_shape", 2, kernel) != kernel or weights.shape[3] != kernel or kernel < 1:
        raise ValueError(f"has weights of shape {weights.shape} and another kernel_shape")
    if incoming != channels or bias.shape != (outgoing,):
        raise ValueError(f"takes {channels} channels, with weights for {incoming} and a bias for {bias.shape}")
    if _all(node, "dilations", 2, 1) != 1 or node.settings.get("group", 1) != 1 or not 1 <= stride <= SIDE:
        raise ValueError("has groups, dilations or strides that are not known")
    _only(node, "kernel_shape", "strides", "pads", "dilations", "group")
    # Then a side of n becomes exactly n / stride, or n * stride.
    fits = 2 * pad == kernel - stride if transposed else kernel - stride <= 2 * pad < kernel
    if not fits or pad >= kernel:
        raise ValueError(f"has a kernel of {kernel}, strides of {stride} and pads of {pad}, which do not fit")
    return outgoing, scale * stride if transposed else scale / stride


def _resize(node: Node, graph: Graph, shapes: dict[str, Shape]) -> Shape:
    channels, scale = shapes[node.inputs[0]]
    if len(node.inputs) != 3 or node.inputs[1]:
        raise ValueError("takes something besides a value and scales")
    factors = graph.tensors[node.inputs[2]].tolist()
    known = {"coordinate_transformation_mode": "asymmetric", "mode": "nearest", "nearest_mode": "floor"}
    for name, value in known.items():
        if node.settings.get(name) != value:
            raise ValueError(f"has {node.settings.get(name)!r} as {name}, and not {value!r}")
    _only(node, *known, "cubic_coeff_a")
    if factors not in ([1, 1, 2, 2], [1, 1, 4, 4]):
        raise ValueError("has scales other than 1, 1, 2, 2")
    return channels, scale * int(factors[3])


def _same(node: Node, graph: Graph, shapes: dict[str, Shape]) -> Shape:
    del graph
    if len(node.inputs) != 1:
        raise ValueError(f"takes {len(node.inputs)} values, and not one")
    _only(node)
    return shapes[node.inputs[0]]


def _sum(node: Node, graph: Graph, shapes: dict[str, Shape]) -> Shape:
    del graph
    given = [shapes[name] for name in node.inputs]
    if len(given) != 2 or given[0] != given[1]:
        raise ValueError(f"takes {len(given)} values, and not two of the same shape")
    _only(node)
    return given[0]


_KINDS: Final[dict[str, Callable[[Node, Graph, dict[str, Shape]], Shape]]] = {
    "Add": _sum,
    "Conv": _convolution,
    "ConvTranspose": _convolution,
    "Relu": _same,
    "Resize": _resize,
    "Sigmoid": _same,
}


def _all(node: Node, name: str, count: int, default: int) -> int:
    """Give the one integer of a setting that lists it for every side."""
    values = node.settings.get(name)
    if values is None:
        return default
    if not isinstance(values, list) or len(values) != count or len(set(values)) != 1:
        raise ValueError(f"has {values!r} as {name}, and not {count} equal integers")
    return int(values[0])


def _only(node: Node, *names: str) -> None:
    if unknown := sorted(set(node.settings) - set(names)):
        raise ValueError(f"has the setting {unknown[0]!r}, which is not known")
