"""The operators that only move values, written as ONNX nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

from compiler.graph import Graph, Node, Op

Extra = list[onnx.TensorProto]
"""Constants that a written node needs."""


def _constant(node: Node, role: str, values: Sequence[int], extra: Extra) -> str:
    name = f"{node.output}__{role}"
    extra.append(numpy_helper.from_array(np.array(values, np.int64), name))
    return name


def _concat(graph: Graph, node: Node, extra: Extra) -> list[onnx.NodeProto]:
    return [helper.make_node("Concat", node.inputs, node.outputs, node.name, axis=node.integer("axis"))]


def _slice(graph: Graph, node: Node, extra: Extra) -> list[onnx.NodeProto]:
    """The batch may be any when the graph runs, so it is left alone."""
    names = [_constant(node, role, node.integers(role)[1:], extra) for role in ("starts", "stops")]
    names.append(_constant(node, "axes", range(1, len(node.integers("starts"))), extra))
    names.append(_constant(node, "steps", node.integers("steps")[1:], extra))
    return [helper.make_node("Slice", [node.inputs[0], *names], node.outputs, node.name)]


def _pad(graph: Graph, node: Node, extra: Extra) -> list[onnx.NodeProto]:
    pads, value = _constant(node, "pads", node.integers("pads"), extra), f"{node.output}__value"
    extra.append(numpy_helper.from_array(np.array(node.number("value"), np.float32), value))
    return [helper.make_node("Pad", [node.inputs[0], pads, value], node.outputs, node.name)]


def _transpose(graph: Graph, node: Node, extra: Extra) -> list[onnx.NodeProto]:
    return [helper.make_node("Transpose", node.inputs, node.outputs, node.name, perm=node.integers("permutation"))]


MOVE_WRITERS: Mapping[Op, Callable[[Graph, Node, Extra], list[onnx.NodeProto]]] = {
    Op.CONCAT: _concat,
    Op.SLICE: _slice,
    Op.PAD: _pad,
    Op.TRANSPOSE: _transpose,
}
