"""Handlers of the operators that only change a tensor's shape, or nothing: Flatten, Reshape, Squeeze, Identity, ..."""

from __future__ import annotations

import math

import numpy as np

from compiler.graph import Op, Tensor
from compiler.importer.context import Context, OnnxNode


def flatten(context: Context, node: OnnxNode) -> None:
    """Flatten to two dimensions at an axis.

    Constraints:
        the batch is kept
    """
    x = context.activation(node)
    axis = node.integer("axis", 1)
    if not -len(x.shape) <= axis <= len(x.shape):
        raise node.error(f"axis {axis} is outside input {list(x.shape)}")
    axis = axis + len(x.shape) if axis < 0 else axis
    if axis == 0 and context.batch > 1:
        raise node.error(f"axis 0 merges the batch of {context.batch} into one row; only other axes are supported")
    _reshape(context, node, x, [math.prod(x.shape[:axis]), math.prod(x.shape[axis:])])


def reshape(context: Context, node: OnnxNode) -> None:
    """Reshape.

    Constraints:
        the shape is a constant; no size is 0
        the batch is kept
    """
    x = context.activation(node)
    wanted = context.integers(node, 1, "shape")
    if context.batch > 1 and wanted[:1] == [1]:
        raise node.error(f"shape {wanted} merges the batch of {context.batch}; only shapes that keep it are supported")
    if wanted and wanted[0] == context.batch:
        wanted[0] = 1
    if 0 in wanted and node.integer("allowzero", 0):
        raise node.error("a dimension of size 0 (allowzero=1) is not supported")
    beyond = any(size == 0 for size in wanted[len(x.shape) :])
    if not wanted or beyond or wanted.count(-1) > 1 or min(wanted) < -1:
        raise node.error(f"shape {wanted} does not fit input {list(x.shape)}")
    shape = [x.shape[i] if v == 0 else v for i, v in enumerate(wanted)]
    if -1 in shape:
        known = -math.prod(shape)
        shape[shape.index(-1)] = math.prod(x.shape) // known
    _reshape(context, node, x, shape)


def squeeze(context: Context, node: OnnxNode) -> None:
    """Squeeze of the given axes, or of every axis of size one.

    Constraints:
        the axes are constants
        the batch is kept
    """
    x = context.activation(node)
    axes = given_axes(context, node, len(x.shape))
    if axes is None:
        axes = [i for i, size in enumerate(x.shape) if size == 1 and (i > 0 or context.batch == 1)]
    if any(x.shape[axis] != 1 or (axis == 0 and context.batch > 1) for axis in axes):
        raise node.error(f"axes {axes} of input {list(x.shape)} are not all of size 1")
    _reshape(context, node, x, [size for i, size in enumerate(x.shape) if i not in axes])


def unsqueeze(context: Context, node: OnnxNode) -> None:
    """Unsqueeze.

    Constraints:
        the axes are constants
        the batch is kept
    """
    x = context.activation(node)
    given = given_axes(context, node, None)
    if given is None:
        raise node.error("the axes are missing")
    rank = len(x.shape) + len(given)
    axes = _positive(node, given, rank)
    if 0 in axes and context.batch > 1:
        raise node.error(f"axis 0 lies before the batch of {context.batch}; only later axes are supported")
    sizes = iter(x.shape)
    _reshape(context, node, x, [1 if i in axes else next(sizes) for i in range(rank)])


def identity(context: Context, node: OnnxNode) -> None:
    """Identity."""
    context.emit(node, Op.IDENTITY, context.activation(node))


def dropout(context: Context, node: OnnxNode) -> None:
    """Dropout in inference form, which does nothing.

    Constraints:
        training_mode is False
        the mask output is not read
    """
    if node.has_input(2) and context.number(node, 2, "training_mode"):
        raise node.error("training_mode=True is not supported")
    context.emit(node, Op.IDENTITY, context.activation(node))


def shape_of(context: Context, node: OnnxNode) -> None:
    """Shape: every shape is known, so it is a constant."""
    shape = context.tensor(node, 0).shape
    end = node.attributes.get("end")
    selected = shape[slice(node.integer("start", 0), None if end is None else int(end))]
    context.tensors[node.outputs[0]] = Tensor.constant(node.outputs[0], np.array(selected, np.int64))


def _reshape(context: Context, node: OnnxNode, x: Tensor, shape: list[int]) -> None:
    context.emit(node, Op.RESHAPE, x, attributes={"shape": tuple(shape)})


def given_axes(context: Context, node: OnnxNode, rank: int | None) -> list[int] | None:
    """Return the axes from the attribute (until opset 12) or from the constant input, None where not given."""
    if "axes" in node.attributes:
        axes = list(node.integers("axes", ()))
    elif node.has_input(1):
        axes = context.integers(node, 1, "axes")
    else:
        return None
    return axes if rank is None else _positive(node, axes, rank)


def _positive(node: OnnxNode, axes: list[int], rank: int) -> list[int]:
    positive = [axis + rank if axis < 0 else axis for axis in axes]
    if len(set(positive)) != len(positive) or any(not 0 <= axis < rank for axis in positive):
        raise node.error(f"axes {axes} are not different axes of {rank} dimensions")
    return positive
