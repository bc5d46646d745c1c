"""A stable textual form of a graph, one line a node: for `--dump-stages` and for golden tests."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from compiler.graph import Graph, Node, Quantization, Tensor
from machine.text import text_of_lines

SHOWN_VALUES = 8
"""A constant of at most this many values is printed in full; a larger one as its range and a checksum."""


def print_graph(graph: Graph) -> str:
    """Return the graph as text: inputs, constants, nodes in topological order, outputs; it ends in a newline."""
    parts = [f"input {_typed(graph.tensors[name])}" for name in graph.inputs]
    parts += [f"const {_typed(t)} = {_values(t)}" for name in _constants(graph) for t in [graph.tensors[name]]]
    parts += [_node(graph, node) for node in graph.nodes()]
    parts += [f"output {name}" for name in graph.outputs]
    return text_of_lines(parts)


def _constants(graph: Graph) -> Sequence[str]:
    read = [name for node in graph.nodes() for name in node.inputs]
    return [name for name in dict.fromkeys(read) if graph.tensors[name].is_constant]


def _node(graph: Graph, node: Node) -> str:
    results = ", ".join(_typed(graph.tensors[name]) for name in node.outputs)
    attributes = " ".join(f"{key}={_attribute(value)}" for key, value in sorted(node.attributes.items()))
    call = f"{results} = {node.op}({', '.join(node.inputs)})"
    return " ".join(part for part in (call, attributes, f"@ {node.name}") if part)


def _typed(tensor: Tensor) -> str:
    sizes = ", ".join(map(str, tensor.shape))
    quantization = "" if tensor.quantization is None else " " + _quantization(tensor.quantization)
    return f"{tensor.name}: {tensor.dtype}[{sizes}]{quantization}"


def _quantization(quantization: Quantization) -> str:
    scales = quantization.scale
    if quantization.axis is None:
        return f"(scale {scales[0]:.6g}, zero point {quantization.zero_point})"
    return f"(axis {quantization.axis}, scales {min(scales):.6g}..{max(scales):.6g})"


def _values(tensor: Tensor) -> str:
    data = tensor.array
    if data.size <= SHOWN_VALUES:
        return f"[{', '.join(f'{value:.6g}' for value in data.reshape(-1).tolist())}]"
    checksum = zlib.crc32(np.ascontiguousarray(data).tobytes())
    return f"{data.min():.6g}..{data.max():.6g} crc32 {checksum:08x}"


def _attribute(value: object) -> str:
    return f"({', '.join(map(str, value))})" if isinstance(value, tuple) else str(value)
