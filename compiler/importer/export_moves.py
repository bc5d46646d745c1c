"""The operators that only move values, written as ONNX nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

from compiler.gather import gather_indices
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
    """Axis 0 is left alone where all of it is taken: there may be any number of samples when the graph runs."""
    whole = node.integers("stops")[0] - node.integers("starts")[0] == graph.tensors[node.inputs[0]].shape[0]
    first = int(whole and node.integers("steps")[0] == 1)
    names = [_constant(node, role, node.integers(role)[first:], extra) for role in ("starts", "stops")]
    names.append(_constant(node, "axes", range(first, len(node.integers("starts"))), extra))
    names.append(_constant(node, "steps", node.integers("steps")[first:], extra))
    return [helper.make_node("Slice", [node.inputs[0], *names], node.outputs, node.name)]


def _pad(graph: Graph, node: Node, extra: Extra) -> list[onnx.NodeProto]:
    pads, value = _constant(node, "pads", node.integers("pads"), extra), f"{node.output}__value"
    extra.append(numpy_helper.from_array(np.array(node.number("value"), np.float32), value))
    return [helper.make_node("Pad", [node.inputs[0], pads, value], node.outputs, node.name)]


def _transpose(graph: Graph, node: Node, extra: Extra) -> list[onnx.NodeProto]:
    return [helper.make_node("Transpose", node.inputs, node.outputs, node.name, perm=node.integers("permutation"))]


def _gather(graph: Graph, node: Node, extra: Extra) -> list[onnx.NodeProto]:
    x, name = graph.tensors[node.inputs[0]], node.inputs[0]
    written: list[onnx.NodeProto] = []
    for axis, indices in enumerate(gather_indices(node), start=1):
        if indices != tuple(range(x.shape[axis])):
            made = f"{node.output}__along_{axis}"
            chosen = _constant(node, f"indices_{axis}", indices, extra)
            written.append(helper.make_node("Gather", [name, chosen], [made], f"{node.name}__{axis}", axis=axis))
            name = made
    return [*written, helper.make_node("Identity", [name], node.outputs, node.name)]


def _interleave(graph: Graph, node: Node, extra: Extra) -> list[onnx.NodeProto]:
    """Stack the inputs, move their numbers behind the rows and columns, and cut off the rest."""
    rows, columns = node.integers("factors")
    _, channels, height, width = graph.tensors[node.inputs[0]].shape
    out = graph.tensors[node.output].shape
    split = _constant(node, "split", [-1, rows, columns, channels, height, width], extra)
    joined = _constant(node, "joined", [-1, channels, height * rows, width * columns], extra)
    cut = [_constant(node, role, v, extra) for role, v in (("starts", [0, 0]), ("stops", out[2:]), ("axes", [2, 3]))]
    names = [f"{node.output}__{step}" for step in ("stacked", "apart", "moved", "together")]
    return [
        helper.make_node("Concat", node.inputs, [names[0]], f"{node.name}__stack", axis=1),
        helper.make_node("Reshape", [names[0], split], [names[1]], f"{node.name}__split"),
        helper.make_node("Transpose", [names[1]], [names[2]], f"{node.name}__move", perm=(0, 3, 4, 1, 5, 2)),
        helper.make_node("Reshape", [names[2], joined], [names[3]], f"{node.name}__join"),
        helper.make_node("Slice", [names[3], *cut], node.outputs, node.name),
    ]


MOVE_WRITERS: Mapping[Op, Callable[[Graph, Node, Extra], list[onnx.NodeProto]]] = {
    Op.CONCAT: _concat,
    Op.SLICE: _slice,
    Op.PAD: _pad,
    Op.TRANSPOSE: _transpose,
    Op.GATHER: _gather,
    Op.INTERLEAVE: _interleave,
}
