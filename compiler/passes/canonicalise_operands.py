"""Bring nodes to their canonical operands and attributes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from compiler.graph import AttributeValue, Graph, Node, Op, Tensor
from compiler.passes.base import AFFINE, Either, unique_name


@dataclass(frozen=True)
class CanonicaliseOperands:
    """conv2d and dense get a bias (of zeros), relu becomes clip(min=0), and global average pooling a whole window."""

    name: str = "canonicalise_operands"

    def apply(self, graph: Graph) -> Graph:
        """Return the graph with every node in its canonical form."""
        added: dict[str, Tensor] = {}
        nodes = [_canonical(graph, node, added) for node in graph.nodes()]
        return graph.replace(nodes=nodes, tensors=added.values())


def _canonical(graph: Graph, node: Node, added: dict[str, Tensor]) -> Node:
    if node.op in AFFINE and len(node.inputs) == 2:
        name = unique_name(f"{node.name}_bias", Either(graph.tensors, added))
        channels = graph.tensors[node.inputs[1]].shape[0]
        added[name] = Tensor.constant(name, np.zeros(channels, np.float32))
        return replace(node, inputs=(*node.inputs, name))
    if node.op is Op.RELU:
        return replace(node, op=Op.CLIP, attributes={"min": 0.0})
    if node.op is Op.GLOBAL_AVERAGE_POOL:
        kernel = graph.tensors[node.inputs[0]].shape[2:]
        attributes: dict[str, AttributeValue] = {
            "kernel": kernel, "strides": (1, 1), "pads": (0, 0, 0, 0), "count_include_pad": 0,
        }
        return replace(node, op=Op.AVERAGE_POOL, attributes=attributes)
    return node
