"""Fuse the addition of a constant for each channel into the bias of the operation before it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from compiler.graph import Graph, Node, Op, Tensor
from compiler.passes.base import AFFINE, only_consumer
from compiler.passes.edit import Edit


@dataclass(frozen=True)
class FuseBias:
    """add(conv2d(x, w, b), c) becomes conv2d(x, w, b + c) where c has one value for each channel; dense alike."""

    name: str = "fuse_bias"

    def apply(self, graph: Graph) -> Graph:
        """Return the graph with constant additions fused where that is possible."""
        edit = Edit(graph)
        for node in graph.nodes():
            fused: Node | None = node
            while fused is not None and fused.op in AFFINE and "activation_min" not in fused.attributes:
                fused = _fuse(edit, fused)
        return edit.graph()


def _fuse(edit: Edit, node: Node) -> Node | None:
    """Fuse the addition behind a node, and return what becomes of both; None where there is none."""
    add = only_consumer(edit, node.output)
    if add is None or add.op is not Op.ADD or add.inputs[0] != node.output:
        return None
    channels = channel_values(edit.tensors[add.inputs[1]], edit.tensors[node.output].shape)
    if channels is None:
        return None
    bias = edit.tensors[node.inputs[2]]
    name = edit.unique_tensor(f"{node.name}_bias")
    fused = replace(node, inputs=(*node.inputs[:2], name), outputs=add.outputs)
    edit.replace(node, [fused], [Tensor.constant(name, bias.array + channels)], add)
    return fused


def channel_values(addend: Tensor, shape: tuple[int, ...]) -> npt.NDArray[np.float32] | None:
    """Return float32[C] where a constant has one value for each channel of a tensor of that shape, else None."""
    per_channel = (1, shape[1]) + (1,) * (len(shape) - 2)
    padded = (1,) * (len(shape) - len(addend.shape)) + addend.shape
    if addend.data is None or any(size not in (1, wanted) for size, wanted in zip(padded, per_channel, strict=True)):
        return None
    return np.broadcast_to(addend.data.reshape(padded), per_channel).reshape(-1)
