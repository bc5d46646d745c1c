"""Host segments: the operators that the partition leaves to the host, before and after the accelerator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from compiler.graph import Graph, Node, Op
from machine import numerics

AnyArray = npt.NDArray[Any]


def softmax(values: AnyArray, axis: int, log: bool) -> npt.NDArray[np.float32]:
    """Return softmax (or its logarithm) along an axis, computed in double precision."""
    shifted = values.astype(np.float64) - values.max(axis=axis, keepdims=True)
    powers = np.exp(shifted)
    total = powers.sum(axis=axis, keepdims=True)
    return np.asarray(shifted - np.log(total) if log else powers / total, dtype=np.float32)


def _quantize(graph: Graph, node: Node, x: AnyArray) -> AnyArray:
    y = graph.tensors[node.output]
    return numerics.quantize(x, y.scale, y.zero_point)


def _dequantize(graph: Graph, node: Node, x: AnyArray) -> AnyArray:
    tensor = graph.tensors[node.inputs[0]]
    return numerics.dequantize(x, tensor.scale, tensor.zero_point)


def _reshape(graph: Graph, node: Node, x: AnyArray) -> AnyArray:
    return x.reshape(len(x), *graph.tensors[node.output].shape[1:])


def _softmax(graph: Graph, node: Node, x: AnyArray) -> AnyArray:
    return softmax(x, node.integer("axis"), bool(node.integer("log")))


HOST_EXECUTE: Mapping[Op, Callable[[Graph, Node, AnyArray], AnyArray]] = {
    Op.QUANTIZE: _quantize,
    Op.DEQUANTIZE: _dequantize,
    Op.RESHAPE: _reshape,
    Op.SOFTMAX: _softmax,
}


def run_host(graph: Graph, known: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
    """Execute every host operator whose operand is known; returns all values known afterwards.

    Arrays have any number of samples along axis 0.
    """
    values = dict(known)
    for node in graph.nodes():
        if node.output not in values and node.op in HOST_EXECUTE and node.inputs[0] in values:
            values[node.output] = HOST_EXECUTE[node.op](graph, node, values[node.inputs[0]])
    return values
