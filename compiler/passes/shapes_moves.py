"""Shape rules of the operators that only move values: concat, slice, pad, transpose, gather, interleave."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from compiler.gather import gather_shape, interleave_shape
from compiler.graph import Node, Op

Shape = tuple[int, ...]


def _concat(node: Node, shapes: Sequence[Shape]) -> Shape:
    axis, first = node.integer("axis"), shapes[0]
    if not 0 <= axis < len(first):
        raise node.error(f"axis {axis} is outside input {list(first)}")
    for shape in shapes[1:]:
        if len(shape) != len(first) or shape[:axis] + shape[axis + 1 :] != first[:axis] + first[axis + 1 :]:
            raise node.error(f"inputs {list(first)} and {list(shape)} differ beside axis {axis}")
    return (*first[:axis], sum(shape[axis] for shape in shapes), *first[axis + 1 :])


def _slice(node: Node, shapes: Sequence[Shape]) -> Shape:
    x = shapes[0]
    starts, stops, steps = (node.integers(name) for name in ("starts", "stops", "steps"))
    if not len(x) == len(starts) == len(stops) == len(steps):
        raise node.error(f"starts, stops and steps need one number for each axis of input {list(x)}")
    for start, stop, step, size in zip(starts, stops, steps, x, strict=True):
        if step < 1 or not 0 <= start < stop <= size:
            raise node.error(f"{start}:{stop}:{step} is not a part of an axis of {size}")
    return tuple(-(-(stop - start) // step) for start, stop, step in zip(starts, stops, steps, strict=True))


def _pad(node: Node, shapes: Sequence[Shape]) -> Shape:
    x, pads = shapes[0], node.integers("pads")
    node.number("value")
    if len(pads) != 2 * len(x) or min(pads) < 0:
        raise node.error(f"pads {list(pads)} are not two numbers of at least 0 for each axis of input {list(x)}")
    return tuple(size + pads[i] + pads[len(x) + i] for i, size in enumerate(x))


def _transpose(node: Node, shapes: Sequence[Shape]) -> Shape:
    x, permutation = shapes[0], node.integers("permutation")
    if sorted(permutation) != list(range(len(x))):
        raise node.error(f"permutation {list(permutation)} is not one of the axes of input {list(x)}")
    return tuple(x[axis] for axis in permutation)


MOVE_RULES: Mapping[Op, Callable[[Node, Sequence[Shape]], Shape]] = {
    Op.CONCAT: _concat,
    Op.SLICE: _slice,
    Op.PAD: _pad,
    Op.TRANSPOSE: _transpose,
    Op.GATHER: lambda node, shapes: gather_shape(node, shapes[0]),
    Op.INTERLEAVE: interleave_shape,
}
