"""y = scale[c] * x + bias[c] for each channel, as a depthwise 1x1 convolution: the machine's way of doing it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from compiler.graph import AttributeValue, Graph, Node, Op, Tensor
from compiler.passes.base import unique_name

Float32Array = npt.NDArray[np.float32]


def replace_by_channelwise(
    graph: Graph, node: Node, scale: Float32Array, bias: Float32Array, activation: dict[str, AttributeValue]
) -> Graph:
    """Replace a one-input node by a depthwise 1x1 convolution; tensors that are not NCHW are reshaped around it.

    `scale`, `bias`: float32[C], C the size of axis 1; `activation`: attributes `activation_min`, `activation_max`.
    """
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.output]
    channels = x.shape[1]
    weight = _constant(graph, f"{node.name}_weight", scale.reshape(channels, 1, 1, 1))
    offset = _constant(graph, f"{node.name}_bias", bias)
    attributes: dict[str, AttributeValue] = {
        "strides": (1, 1), "pads": (0, 0, 0, 0), "dilations": (1, 1), "groups": channels, **activation,
    }
    source, target = x, y
    around: list[Node] = []
    if len(x.shape) != 4:
        rest = (1, 1, *x.shape[2:])
        image = (x.shape[0], channels, int(np.prod(rest[:-1], dtype=np.int64)), rest[-1])
        source = replace(x, name=unique_name(f"{y.name}_image", graph.tensors), shape=image)
        target = replace(y, name=unique_name(f"{y.name}_scaled", graph.tensors), shape=image)
        before = unique_name(f"{node.name}_to_image", graph.networkx)
        after = unique_name(f"{node.name}_from_image", graph.networkx)
        around = [
            Node(before, Op.RESHAPE, (x.name,), (source.name,), {"shape": image}),
            Node(after, Op.RESHAPE, (target.name,), (y.name,), {"shape": y.shape}),
        ]
    conv = Node(node.name, Op.CONV2D, (source.name, weight.name, offset.name), (target.name,), attributes)
    made = [conv] if not around else [around[0], conv, around[1]]
    nodes = [part for other in graph.nodes() for part in (made if other is node else [other])]
    return graph.replace(nodes=nodes, tensors=[source, target, weight, offset])


def _constant(graph: Graph, wanted: str, data: Float32Array) -> Tensor:
    return Tensor.constant(unique_name(wanted, graph.tensors), np.ascontiguousarray(data, np.float32))
