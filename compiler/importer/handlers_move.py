"""Handlers of the operators that only move values: Concat, Slice, Split, Pad, Transpose, DepthToSpace, SpaceToDepth."""

from __future__ import annotations

import math
from collections.abc import Sequence

from compiler.graph import AttributeValue, Op, Tensor
from compiler.importer.context import Context, OnnxNode
from compiler.importer.handlers_gather import PAD_MODES, check_indices, emit_gather, repeat_at_ends


def concat(context: Context, node: OnnxNode) -> None:
    """Concat; all inputs take the output's quantization.

    Constraints:
        every input is computed at run time
        not along the batch
    """
    parts = [context.activation(node, index) for index in range(len(node.inputs))]
    axis = _axis(node, node.integer("axis", 1), len(parts[0].shape))
    context.emit(node, Op.CONCAT, parts[0], attributes={"axis": axis}, others=parts[1:])


def slice_of(context: Context, node: OnnxNode) -> None:
    """Slice; with negative steps the values are moved one by one.

    Constraints:
        starts, ends, axes and steps are constants
        no step is 0
        the result is not empty
        the batch is kept
    """
    x = context.activation(node)
    rank = len(x.shape)
    starts, ends = (_integers(context, node, 1 + i, name) for i, name in enumerate(("starts", "ends")))
    if starts is None or ends is None:
        raise node.error("starts and ends are missing")
    axes = _integers(context, node, 3, "axes") or list(range(len(starts)))
    steps = _integers(context, node, 4, "steps") or [1] * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise node.error(f"starts {starts}, ends {ends}, axes {axes} and steps {steps} differ in number")
    if 0 in steps:
        raise node.error(f"steps {steps}: one is 0")
    parts = [slice(0, size, 1) for size in x.shape]
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        index = _axis(node, axis, rank)
        if index == 0 and slice(start, end, step).indices(context.batch) != (0, context.batch, 1):
            raise node.error(f"takes {start} to {end} by {step} of axis 0, the batch of {context.batch}")
        parts[index] = slice(*slice(start, end, step).indices(x.shape[index]))
    if not all(range(part.start, part.stop, part.step) for part in parts):
        raise node.error("the result is empty")
    if min(steps, default=1) > 0:
        _slice(context, node, node.outputs[0], x, parts)
        return
    check_indices(node, sum(x.shape))
    chosen = {index: list(range(part.start, part.stop, part.step)) for index, part in enumerate(parts)}
    emit_gather(context, node, node.outputs[0], x, chosen)


def split(context: Context, node: OnnxNode) -> None:
    """Split into parts of equal or given sizes.

    Constraints:
        the sizes are constants
        not along the batch
    """
    x = context.activation(node)
    axis = _axis(node, node.integer("axis", 0), len(x.shape))
    given, size = _integers(context, node, 1, "split"), x.shape[axis]
    if given is None:
        count = node.integer("num_outputs", len(node.outputs))
        if count != len(node.outputs) or count > size:
            raise node.error(f"cannot divide the {size} of axis {axis} into num_outputs={count} parts, of which "
                             f"{len(node.outputs)} are named")
        each = -(-size // count)
        given = [min(each, size - first) for first in range(0, size, each)]
    if sum(given) != size or len(given) != len(node.outputs) or min(given) < 1:
        raise node.error(f"sizes {given} do not divide the {size} of axis {axis} among {len(node.outputs)} outputs")
    first = 0
    for output, length in zip(node.outputs, given, strict=True):
        parts = [slice(0, other, 1) for other in x.shape]
        parts[axis] = slice(first, first + length, 1)
        first += length
        if output:
            _slice(context, node, output, x, parts)


def pad(context: Context, node: OnnxNode) -> None:
    """Pad; zeros before a convolution become its padding.

    Constraints:
        mode is constant, edge, reflect (by less than the axis) or wrap
        pads, axes and the value are constants
        pads are at least 0
        the batch is kept
    """
    x = context.activation(node)
    rank = len(x.shape)
    mode = node.text("mode", "constant")
    repeating = next((known for known in PAD_MODES if known == mode), None)
    if mode != "constant" and repeating is None:
        raise node.error(f"mode '{mode}' is not supported; constant, {', '.join(PAD_MODES)} are")
    given = _integers(context, node, 1, "pads")
    if given is None:
        raise node.error("the pads are missing")
    axes = [_axis(node, axis, rank) for axis in _integers(context, node, 3, "axes") or range(rank)]
    if len(given) != 2 * len(axes) or min(given, default=0) < 0:
        raise node.error(f"pads must be two numbers of at least 0 for each of {len(axes)} axes, got {given}")
    value = node.number("value", 0.0)
    if node.has_input(2):
        value = context.number(node, 2, "value")
    if not math.isfinite(value):
        raise node.error(f"the value {value} is not supported; a finite one is")
    pads = [0] * (2 * rank)
    for index, axis in enumerate(axes):
        pads[axis], pads[rank + axis] = given[index], given[len(axes) + index]
    if repeating is not None:
        repeat_at_ends(context, node, x, pads, repeating)
    elif any(pads):
        context.emit(node, Op.PAD, x, attributes={"pads": tuple(pads), "value": value})
    else:
        context.emit(node, Op.IDENTITY, x)


def transpose(context: Context, node: OnnxNode) -> None:
    """Transpose.

    Constraints:
        the batch stays first
    """
    x = context.activation(node)
    permutation = node.integers("perm", tuple(reversed(range(len(x.shape)))))
    context.emit(node, Op.TRANSPOSE, x, attributes={"permutation": permutation})


def depth_to_space(context: Context, node: OnnxNode) -> None:
    """DepthToSpace, modes DCR and CRD: slices of the channels, interleaved.

    Constraints:
        the input has four dimensions
        the channels divide by the square of the block size
    """
    x, block = _image(context, node)
    batch, channels, height, width = x.shape
    depth = channels // (block * block)
    if channels % (block * block):
        raise node.error(f"{channels} channels do not divide by a block of {block}x{block}")
    together = _depth_first(node)
    parts = []
    for index in range(block * block):
        chosen = slice(index * depth, (index + 1) * depth, 1) if together else slice(index, channels, block * block)
        name = context.unique_tensor_name(f"{node.outputs[0]}_part")
        limits = [slice(0, batch, 1), chosen, slice(0, height, 1), slice(0, width, 1)]
        parts.append(_slice(context, node, name, x, limits))
    attributes: dict[str, AttributeValue] = {"factors": (block, block), "size": (height * block, width * block)}
    context.emit(node, Op.INTERLEAVE, parts[0], attributes=attributes, others=parts[1:])


def space_to_depth(context: Context, node: OnnxNode) -> None:
    """SpaceToDepth, modes DCR and CRD: a transposition between two reshapes.

    Constraints:
        the input has four dimensions
        height and width divide by the block size
    """
    x, block = _image(context, node)
    batch, channels, height, width = x.shape
    if height % block or width % block:
        raise node.error(f"an image of {height}x{width} does not divide by a block of {block}x{block}")
    rows, columns = height // block, width // block
    _rearrange(context, node, x, (batch, channels, rows, block, columns, block),
               (0, 3, 5, 1, 2, 4) if _depth_first(node) else (0, 1, 3, 5, 2, 4),
               (batch, channels * block * block, rows, columns))


def _depth_first(node: OnnxNode) -> bool:
    """Whether a pixel's place in its block comes before its channel: mode DCR, not CRD."""
    mode = node.text("mode", "DCR")
    if mode not in ("DCR", "CRD"):
        raise node.error(f"mode {mode!r} is not known; legal are DCR and CRD")
    return mode == "DCR"


def _image(context: Context, node: OnnxNode) -> tuple[Tensor, int]:
    x, block = context.activation(node), node.integer("blocksize", 0)
    if len(x.shape) != 4 or block < 1:
        raise node.error(f"input {list(x.shape)} must have 4 dimensions, blocksize {block} be at least 1")
    return x, block


def _rearrange(
    context: Context, node: OnnxNode, x: Tensor, split_shape: tuple[int, ...], permutation: tuple[int, ...],
    shape: tuple[int, ...],
) -> None:
    base = node.outputs[0]
    parts = context.emit_as(node, context.unique_tensor_name(f"{base}_split"), Op.RESHAPE, x,
                            attributes={"shape": split_shape})
    moved = context.emit_as(node, context.unique_tensor_name(f"{base}_moved"), Op.TRANSPOSE, parts,
                            attributes={"permutation": permutation})
    context.emit(node, Op.RESHAPE, moved, attributes={"shape": shape})


def _slice(context: Context, node: OnnxNode, output: str, x: Tensor, parts: Sequence[slice]) -> Tensor:
    if parts == [slice(0, size, 1) for size in x.shape]:
        return context.emit_as(node, output, Op.IDENTITY, x)
    return context.emit_as(node, output, Op.SLICE, x, attributes={
        "starts": tuple(part.start for part in parts), "stops": tuple(part.stop for part in parts),
        "steps": tuple(part.step for part in parts),
    })


def _axis(node: OnnxNode, axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise node.error(f"axis {axis} is outside an input of {rank} dimensions")
    return axis % rank


def _integers(context: Context, node: OnnxNode, index: int, name: str) -> list[int] | None:
    """Return numbers that are an attribute in old opsets and a constant input in new ones; None where not given."""
    if node.has_input(index):
        return context.integers(node, index, name)
    old = "paddings" if name == "pads" and "paddings" in node.attributes else name
    return list(node.integers(old, ())) if old in node.attributes else None
