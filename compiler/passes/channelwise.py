"""y = scale[c] * x + bias[c] for each channel, as a depthwise 1x1 convolution: the machine's way of doing it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from compiler.graph import AttributeValue, Node, Op, Tensor
from compiler.passes.edit import Edit

Float32Array = npt.NDArray[np.float32]


def replace_by_channelwise(
    edit: Edit, node: Node, scale: Float32Array, bias: Float32Array, activation: dict[str, AttributeValue]
) -> None:
    """Replace a one-input node by a depthwise 1x1 convolution; tensors that are not NCHW are reshaped around it.

    `scale`, `bias`: float32[C], C the size of axis 1; `activation`: attributes `activation_min`, `activation_max`.
    """
    x, y = edit.tensors[node.inputs[0]], edit.tensors[node.output]
    channels = x.shape[1]
    weight = _constant(edit, f"{node.name}_weight", scale.reshape(channels, 1, 1, 1))
    offset = _constant(edit, f"{node.name}_bias", bias)
    attributes: dict[str, AttributeValue] = {
        "strides": (1, 1), "pads": (0, 0, 0, 0), "dilations": (1, 1), "groups": channels, **activation,
    }
    source, target = x, y
    around: list[Node] = []
    if len(x.shape) != 4:
        rest = (1, 1, *x.shape[2:])
        image = (x.shape[0], channels, int(np.prod(rest[:-1], dtype=np.int64)), rest[-1])
        source = replace(x, name=edit.unique_tensor(f"{y.name}_image"), shape=image)
        target = replace(y, name=edit.unique_tensor(f"{y.name}_scaled"), shape=image)
        before = edit.unique_node(f"{node.name}_to_image")
        after = edit.unique_node(f"{node.name}_from_image")
        around = [
            Node(before, Op.RESHAPE, (x.name,), (source.name,), {"shape": image}),
            Node(after, Op.RESHAPE, (target.name,), (y.name,), {"shape": y.shape}),
        ]
    conv = Node(node.name, Op.CONV2D, (source.name, weight.name, offset.name), (target.name,), attributes)
    made = [conv] if not around else [around[0], conv, around[1]]
    edit.replace(node, made, [source, target, weight, offset])


def _constant(edit: Edit, wanted: str, data: Float32Array) -> Tensor:
    return Tensor.constant(edit.unique_tensor(wanted), np.ascontiguousarray(data, np.float32))
