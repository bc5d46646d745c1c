"""The attributes of `gather` and `interleave`, in one place for everything that reads them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from compiler.graph_types import AttributeValue, Node

Shape = tuple[int, ...]


def gather_attributes(indices: Sequence[Sequence[int]]) -> dict[str, AttributeValue]:
    """Return the attributes of a `gather`: for each axis but the batch, the input's index of every output index."""
    return {
        "counts": tuple(len(axis) for axis in indices),
        "indices": tuple(int(index) for axis in indices for index in axis),
    }


def gather_indices(node: Node) -> list[Shape]:
    """Return, for each axis but the batch, the input's index of every output index.

    Raises:
        ModelError: the attributes contradict each other.
    """
    counts, indices = node.integers("counts"), node.integers("indices")
    if sum(counts) != len(indices) or min(counts, default=0) < 1:
        raise node.error(f"counts {list(counts)} do not divide {len(indices)} indices")
    ends = [sum(counts[: axis + 1]) for axis in range(len(counts))]
    return [indices[end - count : end] for count, end in zip(counts, ends, strict=True)]


def gather_shape(node: Node, x: Shape) -> Shape:
    """Return the output's shape of a `gather`.

    Raises:
        ModelError: an index is outside the input, or the axes differ in number.
    """
    indices = gather_indices(node)
    if len(indices) != len(x) - 1:
        raise node.error(f"needs indices for {len(x) - 1} axes of input {list(x)}, got {len(indices)}")
    for axis, (chosen, size) in enumerate(zip(indices, x[1:], strict=True), start=1):
        if min(chosen) < 0 or max(chosen) >= size:
            raise node.error(f"indices {min(chosen)} to {max(chosen)} of axis {axis} are outside input {list(x)}")
    return (x[0], *(len(chosen) for chosen in indices))


def interleave_shape(node: Node, shapes: Sequence[Shape]) -> Shape:
    """Return the output's shape of an `interleave`: input (i, j) holds rows i, i + FY, ... and columns j, j + FX, ...

    The attribute `factors` is (FY, FX), `size` the output's height and width. All inputs have the size of the first;
    what lies outside the output is dropped.

    Raises:
        ModelError: the inputs do not fit together.
    """
    factors, size = node.integers("factors"), node.integers("size")
    if min(factors) < 1 or math.prod(factors) != len(shapes) or len(shapes[0]) != 4:
        raise node.error(f"factors {list(factors)} need as many images, got {[list(shape) for shape in shapes]}")
    wanted = (*shapes[0][:2], *(-(-whole // factor) for whole, factor in zip(size, factors, strict=True)))
    for index, shape in enumerate(shapes):
        if shape != wanted:
            raise node.error(f"input {index} must be {list(wanted)}, got {list(shape)}")
    return (*shapes[0][:2], *size)
