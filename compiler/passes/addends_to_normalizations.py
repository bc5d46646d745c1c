"""Turn what remains of constant additions for each channel into batch normalisations, which always find a place."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from compiler.graph import Graph, Node, Op, Tensor
from compiler.passes.base import Either, unique_name
from compiler.passes.fuse_bias import channel_values


@dataclass(frozen=True)
class AddendsToNormalizations:
    """add(x, c) becomes batch_normalization(x) of scale 1 and shift c, where c has one value for each channel."""

    name: str = "addends_to_normalizations"

    def apply(self, graph: Graph) -> Graph:
        """Return the graph without constant additions for each channel."""
        added: dict[str, Tensor] = {}
        nodes = [_converted(graph, node, added) for node in graph.nodes()]
        return graph.replace(nodes=nodes, tensors=added.values())


def _converted(graph: Graph, node: Node, added: dict[str, Tensor]) -> Node:
    if node.op is not Op.ADD:
        return node
    x, addend = (graph.tensors[name] for name in node.inputs)
    values = channel_values(addend, x.shape) if len(x.shape) > 1 and not x.is_constant else None
    if values is None:
        return node
    zeros, ones = np.zeros(len(values), np.float32), np.ones(len(values), np.float32)
    names = []
    for role, data in (("scale", ones), ("shift", values), ("mean", zeros), ("variance", ones)):
        names.append(unique_name(f"{node.name}_{role}", Either(graph.tensors, added)))
        added[names[-1]] = Tensor.constant(names[-1], np.ascontiguousarray(data))
    return replace(node, op=Op.BATCH_NORMALIZATION, inputs=(x.name, *names), attributes={"epsilon": 0.0})
