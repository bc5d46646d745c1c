"""What the host executes: conversions and reshapes in NumPy, every other node by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import numpy.typing as npt

from compiler.graph import Graph, Node, Op, is_on_host
from compiler.importer.float_session import FloatSession
from machine import numerics

AnyArray = npt.NDArray[Any]
_sessions: WeakKeyDictionary[Graph, dict[str, FloatSession]] = WeakKeyDictionary()
"""Sessions of the host nodes of each graph that is in use, by the node's name."""


def execute_on_host(graph: Graph, node: Node, values: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
    """Execute a host node, or a reshape, on any number of samples: the arrays of its outputs by name.

    Arrays of S samples are as `compiler.importer.float_session` describes them.

    Raises:
        DataError: ONNX Runtime refuses the values.
        ModelError: ONNX Runtime has no kernel for the node.
    """
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.output]
    if node.op is Op.QUANTIZE:
        return {y.name: numerics.quantize(values[x.name], y.scale, y.zero_point)}
    if node.op is Op.DEQUANTIZE:
        return {y.name: numerics.dequantize(values[x.name], x.scale, x.zero_point)}
    if node.op is Op.RESHAPE and y.shape:
        return {y.name: values[x.name].reshape(-1, *y.shape[1:])}
    known = _sessions.setdefault(graph, {})
    if node.name not in known:
        known[node.name] = FloatSession(_alone(graph, node))
    return known[node.name].run({name: values[name] for name in known[node.name].graph.inputs})


def run_host(graph: Graph, known: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
    """Execute every host node, and every reshape, whose operands are known; returns all values known afterwards."""
    values = dict(known)
    for node in graph.nodes():
        ready = all(name in values or graph.tensors[name].is_constant for name in node.inputs)
        if ready and (is_on_host(node) or node.op is Op.RESHAPE) and not all(name in values for name in node.outputs):
            values |= execute_on_host(graph, node, values)
    return values


def _alone(graph: Graph, node: Node) -> Graph:
    """Return the graph of one node."""
    read = tuple(dict.fromkeys(name for name in node.inputs if not graph.tensors[name].is_constant))
    return Graph.build([node], graph.tensors.values(), read, node.outputs, verify=False)
