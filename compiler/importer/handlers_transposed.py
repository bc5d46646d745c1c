"""Handler of ConvTranspose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compiler.graph import AttributeValue, Op
from compiler.importer.context import AnyArray, Context, OnnxNode
from compiler.importer.images import emit_over_image


@dataclass(frozen=True, slots=True)
class _Axis:
    """An axis of a transposed convolution; `extra` outputs follow those that the kernel reaches."""

    stride: int
    dilation: int
    before: int
    after: int
    extra: int


def conv_transpose(context: Context, node: OnnxNode) -> None:
    """ConvTranspose: any kernel, stride, padding, dilation, output padding or shape, and groups.

    Constraints:
        the input has three or four dimensions
        weight and bias are finite float32 constants
        pads are at least 0, and leave something of the output
    """
    x, weight = context.activation(node), context.weight(node, 1, "weight")
    spatial = len(x.shape) - 2
    if spatial not in (1, 2) or weight.ndim != len(x.shape):
        raise node.error(f"only 1-D and 2-D convolutions are supported, got input {list(x.shape)}, weight "
                         f"{list(weight.shape)}")
    groups = node.integer("group", 1)
    if groups < 1 or weight.shape[0] != x.shape[1] or weight.shape[0] % groups:
        raise node.error(f"weight {list(weight.shape)} with group={groups} does not fit input {list(x.shape)}")
    if node.integers("kernel_shape", weight.shape[2:]) != weight.shape[2:]:
        raise node.error(f"kernel_shape {node.attributes['kernel_shape']} contradicts weight {list(weight.shape)}")
    axes = _axes(node, x.shape[2:], weight.shape[2:])
    axes = [_Axis(1, 1, 0, 0, 0), *axes][-2:]
    attributes: dict[str, AttributeValue] = {
        "strides": tuple(axis.stride for axis in axes), "dilations": tuple(axis.dilation for axis in axes),
        "pads": (*(axis.before for axis in axes), *(axis.after for axis in axes)),
        "output_padding": tuple(axis.extra for axis in axes), "groups": groups,
    }
    operands = {"weight": _outputs_first(weight.reshape(*weight.shape[:2], *(1, *weight.shape[2:])[-2:]), groups)}
    if node.has_input(2):
        operands["bias"] = context.weight(node, 2, "bias")
    emit_over_image(context, node, Op.CONV_TRANSPOSE2D, x, operands, attributes)


def _outputs_first(weight: AnyArray, groups: int) -> AnyArray:
    """Return weights [CI, CO / groups, ...] as [CO, CI / groups, ...]."""
    per_in, per_out = weight.shape[0] // groups, weight.shape[1]
    split = weight.reshape(groups, per_in, per_out, *weight.shape[2:])
    return np.ascontiguousarray(np.moveaxis(split, 1, 2)).reshape(groups * per_out, per_in, *weight.shape[2:])


def _axes(node: OnnxNode, sizes: tuple[int, ...], kernel: tuple[int, ...]) -> list[_Axis]:
    """Return the axes with the padding that `pads`, `auto_pad` or `output_shape` ask for."""
    spatial = len(sizes)
    strides, dilations = (_numbers(node, name, spatial, 1) for name in ("strides", "dilations"))
    given_extra = _numbers(node, "output_padding", spatial, 0)
    pads, automatic = _numbers(node, "pads", 2 * spatial, 0), node.text("auto_pad", "NOTSET")
    if automatic not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER", ""):
        raise node.error(f"auto_pad '{automatic}' is not supported")
    if min(*strides, *dilations, *kernel) < 1 or min(*given_extra, *pads) < 0:
        raise node.error(f"strides {strides}, dilations {dilations} and the kernel must be positive, output_padding "
                         f"{given_extra} and pads {pads} at least 0")
    given = node.integers("output_shape", ())
    if given and len(given) not in (spatial, spatial + 2):
        raise node.error(f"output_shape must be {spatial} numbers, or {spatial + 2} with batch and channels, got "
                         f"{list(given)}")
    wanted = list(given)[-spatial:]
    if not wanted and automatic.startswith("SAME"):
        wanted = [size * stride for size, stride in zip(sizes, strides, strict=True)]
    axes = []
    for axis, (size, stride, dilation) in enumerate(zip(sizes, strides, dilations, strict=True)):
        extra, before, after = given_extra[axis], pads[axis], pads[spatial + axis]
        full = (size - 1) * stride + dilation * (kernel[axis] - 1) + 1
        if wanted:
            total = full + extra - wanted[axis]
            small, large = max(total, 0) // 2, max(total, 0) - max(total, 0) // 2
            before, after = (small, large) if automatic == "SAME_UPPER" else (large, small)
            extra += max(-total, 0)
        elif automatic == "VALID":
            before = after = 0
        axes.append(_Axis(stride, dilation, before, after, extra))
    return axes


def _numbers(node: OnnxNode, name: str, count: int, default: int) -> list[int]:
    values = list(node.integers(name, (default,) * count))
    if len(values) != count:
        raise node.error(f"{name} must be {count} numbers, got {values}")
    return values
