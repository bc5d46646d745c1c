"""Fold batch normalisation into the weights before it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from compiler.graph import Graph, Node, Op, Tensor
from compiler.passes.base import AFFINE, only_consumer
from compiler.passes.channelwise import replace_by_channelwise
from compiler.passes.edit import Edit


@dataclass(frozen=True)
class FoldBatchNormalization:
    """bn(conv2d(x, w, b)) becomes conv2d(x, w * k, b * k + shift); dense alike.

    After anything else it becomes a depthwise 1x1 convolution. Computed in float64.
    """

    name: str = "fold_batch_normalization"

    def apply(self, graph: Graph) -> Graph:
        """Return the graph without batch normalisations."""
        edit = Edit(graph)
        for node in graph.nodes():
            if node.op is Op.BATCH_NORMALIZATION:
                _fold(edit, edit.node(node.name))
        return edit.graph()


def _fold(edit: Edit, node: Node) -> None:
    scale, bias, mean, variance = (edit.tensors[name].array.astype(np.float64) for name in node.inputs[1:])
    factor = scale / np.sqrt(variance + node.number("epsilon"))
    shift = bias - mean * factor
    producer = edit.producer(node.inputs[0])
    foldable = (
        producer is not None
        and producer.op in AFFINE
        and "activation_min" not in producer.attributes
        and only_consumer(edit, producer.output) is node
    )
    if producer is None or not foldable:
        replace_by_channelwise(edit, node, factor.astype(np.float32), shift.astype(np.float32), {})
        return
    weight, offset = (edit.tensors[name].array for name in producer.inputs[1:])
    per_output = factor.reshape(-1, *(1,) * (weight.ndim - 1))
    new_weight = Tensor.constant(
        edit.unique_tensor(f"{producer.name}_weight"), (weight * per_output).astype(np.float32)
    )
    new_bias = Tensor.constant(
        edit.unique_tensor(f"{producer.name}_bias"), (offset * factor + shift).astype(np.float32)
    )
    fused = replace(
        producer, inputs=(producer.inputs[0], new_weight.name, new_bias.name), outputs=node.outputs
    )
    edit.replace(producer, [fused], [new_weight, new_bias], node)
