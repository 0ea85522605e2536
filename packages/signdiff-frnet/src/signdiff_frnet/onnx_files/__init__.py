"""ONNX files as data: read within bounds, understood whole, and written anew before OpenCV sees them.

OpenCV's own reader trusts what a file says, and some damaged files end the process in it. So it is only given networks
that were built here from checked parts: a few operations whose shapes fit, and tensors that have all their values.
"""

from signdiff_frnet.onnx_files.graph import Graph, Node, read_graph
from signdiff_frnet.onnx_files.shapes import check_shapes
from signdiff_frnet.onnx_files.write import write_graph

__all__ = ["Graph", "Node", "check_shapes", "read_graph", "write_graph"]
