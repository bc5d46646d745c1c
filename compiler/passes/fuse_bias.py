"""Fuse the addition of a constant for each channel into the bias of the operation before it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from compiler.graph import Graph, Node, Op, Tensor
from compiler.passes.base import AFFINE, only_consumer, unique_name


@dataclass(frozen=True)
class FuseBias:
    """add(conv2d(x, w, b), c) becomes conv2d(x, w, b + c) where c has one value for each channel; dense alike."""

    name: str = "fuse_bias"

    def apply(self, graph: Graph) -> Graph:
        """Return the graph with constant additions fused where that is possible."""
        for node in graph.nodes():
            if node.op in AFFINE and "activation_min" not in node.attributes:
                graph = _fuse(graph, node)
        return graph


def _fuse(graph: Graph, node: Node) -> Graph:
    add = only_consumer(graph, node.output)
    if add is None or add.op is not Op.ADD or add.inputs[0] != node.output:
        return graph
    channels = channel_values(graph.tensors[add.inputs[1]], graph.tensors[node.output].shape)
    if channels is None:
        return graph
    bias = graph.tensors[node.inputs[2]]
    name = unique_name(f"{node.name}_bias", graph.tensors)
    fused = replace(node, inputs=(*node.inputs[:2], name), outputs=add.outputs)
    nodes = [fused if other is node else other for other in graph.nodes() if other is not add]
    return _fuse(graph.replace(nodes=nodes, tensors=[Tensor.constant(name, bias.array + channels)]), fused)


def channel_values(addend: Tensor, shape: tuple[int, ...]) -> npt.NDArray[np.float32] | None:
    """Return float32[C] where a constant has one value for each channel of a tensor of that shape, else None."""
    per_channel = (1, shape[1]) + (1,) * (len(shape) - 2)
    padded = (1,) * (len(shape) - len(addend.shape)) + addend.shape
    if addend.data is None or any(size not in (1, wanted) for size, wanted in zip(padded, per_channel, strict=True)):
        return None
    return np.broadcast_to(addend.data.reshape(padded), per_channel).reshape(-1)
