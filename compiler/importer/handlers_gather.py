"""Handlers of the operators that choose or repeat values by constant indices: Gather, Tile, Expand, and padding that
repeats the input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import numpy as np

from compiler.gather import gather_attributes
from compiler.graph import Op, Tensor
from compiler.importer.context import Context, OnnxNode

PadMode = Literal["edge", "reflect", "wrap"]
MOST_INDICES = 1 << 20
"""Indices that a node may choose by: the machine moves each row and each plane of them by itself."""
PAD_MODES: tuple[PadMode, ...] = get_args(PadMode)
"""The modes of Pad that repeat the input; NumPy calls them the same."""


def emit_gather(
    context: Context, node: OnnxNode, output: str, x: Tensor, chosen: Mapping[int, Sequence[int]]
) -> Tensor:
    """Return the tensor that takes the given indices of some axes, and all of the others."""
    indices = [chosen.get(axis, range(size)) for axis, size in enumerate(x.shape)]
    if all(_is_whole(taken, size) for taken, size in zip(indices, x.shape, strict=True)):
        return context.emit_as(node, output, Op.IDENTITY, x)
    if not _is_whole(indices[0], x.shape[0]):
        raise node.error("changes the batch dimension, which is not supported")
    check_indices(node, sum(len(taken) for taken in indices))
    return context.emit_as(node, output, Op.GATHER, x, attributes=gather_attributes(indices[1:]))


def check_indices(node: OnnxNode, count: int) -> None:
    """Refuse a node that chooses by too many indices; ask before they are listed.

    Raises:
        ModelError: there are more than `MOST_INDICES`.
    """
    if count > MOST_INDICES:
        raise node.error(f"chooses values by {count} indices; up to {MOST_INDICES} are supported")


def _is_whole(taken: Sequence[int], size: int) -> bool:
    return taken == range(size) or list(taken) == list(range(size))


def gather(context: Context, node: OnnxNode) -> None:
    """Gather by constant indices of any shape.

    Constraints:
        the indices are a constant, within the axis
        not along the batch
    """
    x, indices = context.activation(node), context.integers(node, 1, "indices")
    rank, axis = len(x.shape), node.integer("axis", 0)
    if not -rank <= axis < rank:
        raise node.error(f"axis {axis} is outside an input of {rank} dimensions")
    axis %= rank
    if axis == 0:
        raise node.error("axis 0, the batch, is not supported")
    size = x.shape[axis]
    if not indices or min(indices) < -size or max(indices) >= size:
        raise node.error(f"{len(indices)} indices are not some within the {size} of axis {axis}")
    name = context.unique_tensor_name(f"{node.outputs[0]}_gathered")
    taken = emit_gather(context, node, name, x, {axis: [index % size for index in indices]})
    shape = (*x.shape[:axis], *context.tensor(node, 1).shape, *x.shape[axis + 1 :])
    context.emit(node, Op.RESHAPE, taken, attributes={"shape": shape})


def tile(context: Context, node: OnnxNode) -> None:
    """Tile.

    Constraints:
        the repeats are a constant; none is 0
        the batch is kept
    """
    x = context.activation(node)
    repeats = context.integers(node, 1, "repeats")
    if len(repeats) != len(x.shape) or min(repeats) < 1:
        raise node.error(f"repeats {repeats} are not one positive number for each axis of input {list(x.shape)}")
    check_indices(node, sum(size * count for size, count in zip(x.shape, repeats, strict=True)))
    chosen = {axis: list(range(x.shape[axis])) * count for axis, count in enumerate(repeats)}
    emit_gather(context, node, node.outputs[0], x, chosen)


def expand(context: Context, node: OnnxNode) -> None:
    """Expand.

    Constraints:
        the shape is a constant of no more axes than the input has
        the batch is kept
    """
    x = context.activation(node)
    wanted = tuple(context.integers(node, 1, "shape"))
    try:
        shape = np.broadcast_shapes(x.shape, wanted)
    except ValueError:
        raise node.error(f"input {list(x.shape)} does not broadcast to {list(wanted)}") from None
    if len(shape) != len(x.shape) or 0 in shape:
        raise node.error(f"shape {list(wanted)}: only sizes above 0, of no more axes than input {list(x.shape)} has")
    check_indices(node, sum(shape))
    chosen = {axis: [0] * size for axis, size in enumerate(shape) if size != x.shape[axis]}
    emit_gather(context, node, node.outputs[0], x, chosen)


def repeat_at_ends(context: Context, node: OnnxNode, x: Tensor, pads: Sequence[int], mode: PadMode) -> None:
    """Emit a padding that repeats the input; `pads` holds two numbers of at least 0 for each axis."""
    rank = len(x.shape)
    chosen: dict[int, list[int]] = {}
    check_indices(node, sum(x.shape) + sum(pads))
    for axis, size in enumerate(x.shape):
        before, after = pads[axis], pads[rank + axis]
        if mode == "reflect" and max(before, after) >= size:
            raise node.error(f"mode 'reflect' pads axis {axis} of size {size} by at most {size - 1}, got "
                             f"{max(before, after)}")
        indices = np.pad(np.arange(size), (before, after), mode=mode)
        chosen[axis] = [int(index) for index in indices]
    emit_gather(context, node, node.outputs[0], x, chosen)
