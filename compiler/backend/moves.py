"""Lowering of the operators that only move values: each becomes runs of lanes that loads copy (`copies.py`)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from compiler.backend.geometry import Geometry
from compiler.backend.layers import Layout, Run
from compiler.backend.progressions import progressions
from compiler.gather import gather_indices
from compiler.graph import Graph, Node, Op
from machine.config import Machine

Shape = tuple[int, ...]
"""Sizes of a tensor's axes, the batch left out."""
IndexArray = npt.NDArray[np.int64]
MOST_GATHERS = 64
"""More vector instructions than these for an image are not worth it: loads move the values."""


@dataclass(frozen=True, slots=True)
class Part:
    """A box of an output that is copied from one input; one number for each axis of the output, the batch left out.

    Output index `target[a] + i * target_step[a]` of axis a holds the input's index `start[a] + i * step[a]` of its axis
    `axes[a]`.
    """

    name: str
    target: Shape
    size: Shape
    axes: Shape
    start: Shape
    step: Shape
    target_step: Shape


def parts(graph: Graph, node: Node) -> list[Part]:
    """Return what an output is copied from; what no part covers is padding."""
    return list(_PARTS[node.op](graph, node))


def _concat(graph: Graph, node: Node) -> Iterator[Part]:
    axis, first = node.integer("axis") - 1, 0
    for name in node.inputs:
        size = graph.tensors[name].shape[1:]
        zeros, ones = (0,) * len(size), (1,) * len(size)
        yield Part(name, (*zeros[:axis], first, *zeros[axis + 1 :]), size, tuple(range(len(size))), zeros, ones, ones)
        first += size[axis]


def _slice(graph: Graph, node: Node) -> Iterator[Part]:
    size = graph.tensors[node.output].shape[1:]
    starts, steps = node.integers("starts")[1:], node.integers("steps")[1:]
    yield Part(node.inputs[0], (0,) * len(size), size, tuple(range(len(size))), starts, steps, (1,) * len(size))


def _pad(graph: Graph, node: Node) -> Iterator[Part]:
    size = graph.tensors[node.inputs[0]].shape[1:]
    before = node.integers("pads")[1 : 1 + len(size)]
    ones = (1,) * len(size)
    yield Part(node.inputs[0], before, size, tuple(range(len(size))), (0,) * len(size), ones, ones)


def _transpose(graph: Graph, node: Node) -> Iterator[Part]:
    size = graph.tensors[node.output].shape[1:]
    axes = tuple(axis - 1 for axis in node.integers("permutation")[1:])
    ones = (1,) * len(size)
    yield Part(node.inputs[0], (0,) * len(size), size, axes, (0,) * len(size), ones, ones)


def _gather(graph: Graph, node: Node) -> Iterator[Part]:
    by_axis = [progressions(indices) for indices in gather_indices(node)]
    axes = tuple(range(len(by_axis)))
    for chosen in itertools.product(*by_axis):
        yield Part(
            node.inputs[0], tuple(p.target for p in chosen), tuple(p.size for p in chosen), axes,
            tuple(p.start for p in chosen), tuple(p.step for p in chosen), tuple(p.target_step for p in chosen),
        )


def _interleave(graph: Graph, node: Node) -> Iterator[Part]:
    rows, columns = node.integers("factors")
    channels, height, width = graph.tensors[node.output].shape[1:]
    for index, name in enumerate(node.inputs):
        i, j = divmod(index, columns)
        target, size = (0, i, j), (channels, len(range(i, height, rows)), len(range(j, width, columns)))
        yield Part(name, target, size, (0, 1, 2), (0, 0, 0), (1, 1, 1), (1, rows, columns))


_PARTS: Mapping[Op, Callable[[Graph, Node], Iterator[Part]]] = {
    Op.CONCAT: _concat,
    Op.SLICE: _slice,
    Op.PAD: _pad,
    Op.TRANSPOSE: _transpose,
    Op.GATHER: _gather,
    Op.INTERLEAVE: _interleave,
}


def leading(shape: Shape) -> int:
    """Return how many axes of a tensor (the batch left out) are channels; the others are height and width."""
    return max(1, len(shape) - 2) if len(shape) > 2 else 1


def geometry_of(shape: Shape) -> Geometry:
    """Return a tensor's axes (the batch left out) as channels, height and width: the last two are the image."""
    lead = leading(shape)
    return Geometry(math.prod(shape[:lead]), *_image(shape[lead:], 1))


def _image(values: Sequence[int], missing: int) -> tuple[int, int]:
    """Return the numbers of an image's two axes; a sequence is an image of one row."""
    height, width = (missing, missing, *values)[-2:]
    return height, width


def keeps_channels(part: Part, source: Shape) -> bool:
    """Whether channels come from channels and the image from the image, so that blocks can be copied as such."""
    lead = leading(part.size)
    return all((axis < leading(source)) == (index < lead) for index, axis in enumerate(part.axes))


def runs(
    machine: Machine, part: Part, index: int, source: Shape, output: Shape, layout: Layout, images: int
) -> list[Run]:
    """Return the runs of a part: channels that are neighbours on both sides and lie in one word of the output.

    `index` is the source's position among the layer's, `source` and `output` are the tensors' axes. The runs are the
    first image's of a batch of `images`.
    """
    lead, block = leading(output), machine.block_bytes
    strides = _strides(source) if layout is Layout.DENSE else _blocked_strides(source, block)
    moved = [stride * step for stride, step in zip((strides[axis] for axis in part.axes), part.step, strict=True)]
    image, target, size = _image(moved[lead:], 0), _image(part.target[lead:], 0), _image(part.size[lead:], 1)
    counts = np.indices(part.size[:lead]).reshape(lead, -1).astype(np.int64)
    channels = _weighted(counts, part.target, _strides(output[:lead]), part.target_step)
    chosen = [_strides(source[: leading(source)]) if layout is Layout.BLOCKED else _strides(source)]
    found = _weighted(counts, part.start, [chosen[0][axis] for axis in part.axes[:lead]], part.step)
    if layout is Layout.BLOCKED:
        area = images * math.prod(source[leading(source) :])
        found = found // block * (area * block) + found % block
    found = found + sum(part.start[a] * strides[part.axes[a]] for a in range(lead, len(output)))
    steps = _image(part.target_step[lead:], 1)
    rows, columns = ((target[i], target[i] + (size[i] - 1) * steps[i] + 1) for i in (0, 1))
    return [
        Run(index, int(channels[first]), last - first, rows, columns, int(found[first]), *image, *steps)
        for first, last in _neighbours(channels, found, block)
    ]


def chosen_positions(graph: Graph, node: Node) -> tuple[Shape, Shape] | None:
    """Return the rows and columns that a gather takes of an image where it keeps the channels, each in few runs."""
    if node.op is not Op.GATHER:
        return None
    indices, x = gather_indices(node), graph.tensors[node.inputs[0]].shape[1:]
    lead = leading(x)
    if len(x) < 2 or any(indices[axis] != tuple(range(x[axis])) for axis in range(lead)):
        return None
    rows, columns = ((0,), (0,), *indices[lead:])[-2:]
    return (rows, columns) if len(progressions(rows)) * len(progressions(columns)) <= MOST_GATHERS else None


def _strides(shape: Shape) -> list[int]:
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]


def _blocked_strides(shape: Shape, block: int) -> list[int]:
    """Strides of the image's axes in blocked layout; those of the channels' axes are not used."""
    return [stride * block for stride in _strides(shape)]


def _weighted(counts: IndexArray, first: Shape, strides: list[int], step: Shape) -> IndexArray:
    total = np.zeros(counts.shape[1], np.int64)
    for axis, count in enumerate(counts):
        total += (first[axis] + count * step[axis]) * strides[axis]
    return total


def _neighbours(channels: IndexArray, found: IndexArray, block: int) -> list[tuple[int, int]]:
    """Cut channels, which ascend, into ranges that are neighbours on both sides and do not leave a word."""
    breaks = (np.diff(channels) != 1) | (np.diff(found) != 1) | (channels[1:] % block == 0)
    edges = [0, *(np.flatnonzero(breaks) + 1).tolist(), len(channels)]
    return list(itertools.pairwise(edges))
