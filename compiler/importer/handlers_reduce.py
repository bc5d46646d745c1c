"""Handlers of ReduceMean, ReduceSum and ReduceMax.

Over the image it is a pool whose window is the whole axis. A sum over channels is a product by constant weights; a
maximum over them, and anything over the axes of other tensors, is a pool over an image into which they are transposed.
"""

from __future__ import annotations

import math
from enum import Enum, auto

import numpy as np

from compiler.graph import AttributeValue, Op, Tensor
from compiler.importer.context import Context, OnnxNode
from compiler.importer.handlers_affine import scale
from compiler.importer.handlers_product import project
from compiler.importer.handlers_shape import given_axes
from compiler.importer.images import image_of, reshaped, transposed

LARGEST_WINDOW = 256


class _Kind(Enum):
    MEAN = auto()
    SUM = auto()
    MAX = auto()


def reduce_mean(context: Context, node: OnnxNode) -> None:
    """ReduceMean over any axes.

    Constraints:
        the axes are constants
        the batch is kept
    """
    _reduce(context, node, _Kind.MEAN)


def reduce_sum(context: Context, node: OnnxNode) -> None:
    """ReduceSum over any axes.

    Constraints:
        the axes are constants
        the batch is kept
    """
    _reduce(context, node, _Kind.SUM)


def reduce_max(context: Context, node: OnnxNode) -> None:
    """ReduceMax over any axes.

    Constraints:
        the axes are constants
        the batch is kept
    """
    _reduce(context, node, _Kind.MAX)


def _reduce(context: Context, node: OnnxNode, kind: _Kind) -> None:
    x = context.activation(node)
    axes = sorted(given_axes(context, node, len(x.shape)) or [])
    if not axes and node.integer("noop_with_empty_axes", 0):
        context.emit(node, Op.IDENTITY, x)
        return
    axes = axes or list(range(len(x.shape)))
    if not axes:
        raise node.error(f"input '{x.name}' has no dimensions; a batch and channels are needed")
    if 0 in axes:
        raise node.error("axis 0, the batch, is not supported")
    reduced = _over(context, node, kind, x, axes)
    keep = node.integer("keepdims", 1)
    shape = tuple(1 if axis in axes else size for axis, size in enumerate(x.shape) if keep or axis not in axes)
    if kind is _Kind.SUM:
        count = np.array(math.prod(x.shape[axis] for axis in axes if axis != 1), np.float32)
        name = context.unique_tensor_name(f"{node.outputs[0]}_sum")
        reduced = reduced if count == 1 else scale(context, node, name, reduced, count)
    context.emit(node, Op.RESHAPE, reduced, attributes={"shape": shape})


def _over(context: Context, node: OnnxNode, kind: _Kind, x: Tensor, axes: list[int]) -> Tensor:
    """Return the maximum, or the mean (over channels the sum, for a sum), as many values as the result holds."""
    if kind is not _Kind.MAX and 1 in axes:
        others = [axis for axis in axes if axis != 1]
        x = _over(context, node, kind, x, others) if others else x
        x = reshaped(context, node, x, (*x.shape[:2], math.prod(x.shape[2:])), "positions")
        weight = np.full((1, x.shape[1]), 1 / x.shape[1] if kind is _Kind.MEAN else 1, np.float32)
        return project(context, node, x, 1, weight)
    op = Op.MAX_POOL if kind is _Kind.MAX else Op.AVERAGE_POOL
    if len(x.shape) in (3, 4) and 1 not in axes:
        image = image_of(context, node, x)
        offset = len(image.shape) - len(x.shape)
        inside = {axis + offset for axis in axes}
        return _pool(context, node, op, image, tuple(image.shape[axis] if axis in inside else 1 for axis in (2, 3)))
    kept = [axis for axis in range(1, len(x.shape)) if axis not in axes]
    last = transposed(context, node, x, (0, *kept, *axes), "reduced_last")
    image = reshaped(context, node, last, _image(x, kept, axes), "window")
    return _pool(context, node, op, image, image.shape[2:])


def _image(x: Tensor, kept: list[int], axes: list[int]) -> tuple[int, int, int, int]:
    """Return [batch, kept, H, W] with H and W no longer than a window where the reduced axes allow it."""
    sizes = [x.shape[axis] for axis in axes]
    cuts = [(math.prod(sizes[:cut]), math.prod(sizes[cut:])) for cut in range(len(sizes))]
    height, width = min(cuts, key=max)
    return x.shape[0], math.prod(x.shape[axis] for axis in kept), height, width


def _pool(context: Context, node: OnnxNode, op: Op, image: Tensor, window: tuple[int, ...]) -> Tensor:
    """Return the pool of a window that is the whole of an axis or 1; long axes in several steps of equal parts."""
    while max(window) > 1:
        kernel = tuple(_part(node, size) for size in window)
        name = context.unique_tensor_name(f"{node.outputs[0]}_pool")
        attributes: dict[str, AttributeValue] = {
            "kernel": kernel, "strides": kernel, "pads": (0, 0, 0, 0), "dilations": (1, 1),
        }
        if op is Op.AVERAGE_POOL:
            attributes["count_include_pad"] = 0
        image = context.emit_as(node, name, op, image, attributes=attributes)
        window = tuple(size // part for size, part in zip(window, kernel, strict=True))
    return image


def _part(node: OnnxNode, size: int) -> int:
    """Return the largest window that divides an axis."""
    part = next(part for part in range(min(size, LARGEST_WINDOW), 0, -1) if size % part == 0)
    if part == 1 and size > 1:
        raise node.error(f"an axis of {size}, longer than {LARGEST_WINDOW} and not divisible, is not supported")
    return part
