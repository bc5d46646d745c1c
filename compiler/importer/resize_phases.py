"""Interpolation by whole factors: every phase of the factor weighs the same few neighbours, so each is a depthwise
convolution of the input with its ends repeated, and the phases are interleaved."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from compiler.graph import AttributeValue, Op, Tensor
from compiler.importer.context import Context, OnnxNode
from compiler.importer.handlers_gather import emit_gather

Float32Array = npt.NDArray[np.float32]


MOST_PHASES = 1 << 10
"""Phases that each become a convolution; what has more is resized by matrices."""


@dataclass(frozen=True, slots=True)
class Phase:
    """Output m of a phase is the sum of `weights[t]` times input m + first + t; inputs outside take the end's value."""

    first: int
    weights: tuple[float, ...]

    def matrix(self, size: int) -> npt.NDArray[np.float64]:
        """Return the weights [size, size] of the phase's outputs."""
        result = np.zeros((size, size))
        for m, (tap, weight) in itertools.product(range(size), enumerate(self.weights)):
            result[m, min(max(m + self.first + tap, 0), size - 1)] += weight
        return result


def phases_of(matrix: Float32Array) -> list[Phase] | None:
    """Return the phases of an axis whose outputs are weighed by a matrix [result, size]; None where it has none."""
    result, size = matrix.shape
    if result % size or result // size > MOST_PHASES:
        return None
    factor, middle, found = result // size, size // 2, []
    for index in range(factor):
        row = matrix[middle * factor + index]
        taken = np.flatnonzero(row)
        if not taken.size:
            return None
        first, last = int(taken[0]), int(taken[-1]) + 1
        phase = Phase(first - middle, tuple(float(weight) for weight in row[first:last]))
        if not np.allclose(phase.matrix(size), matrix[index::factor], atol=1e-6):
            return None
        found.append(phase)
    return found


def emit_phases(
    context: Context, node: OnnxNode, x: Tensor, matrices: dict[int, Float32Array], output: str
) -> Tensor | None:
    """Emit the interpolation of an image by a matrix for rows (axis 2), columns (3) or both, if they have phases."""
    if len(x.shape) != 4:
        return None
    found = [phases_of(matrices[axis]) if axis in matrices else [Phase(0, (1.0,))] for axis in (2, 3)]
    rows, columns = found
    if rows is None or columns is None or len(rows) * len(columns) > MOST_PHASES:
        return None
    parts = [_part(context, node, x, row, column) for row, column in itertools.product(rows, columns)]
    attributes: dict[str, AttributeValue] = {
        "factors": (len(rows), len(columns)), "size": (x.shape[2] * len(rows), x.shape[3] * len(columns)),
    }
    return context.emit_as(node, output, Op.INTERLEAVE, parts[0], attributes=attributes, others=parts[1:])


def _part(context: Context, node: OnnxNode, x: Tensor, row: Phase, column: Phase) -> Tensor:
    base, channels = node.outputs[0], x.shape[1]
    chosen = {
        axis: [min(max(at + phase.first, 0), x.shape[axis] - 1) for at in range(x.shape[axis] + len(phase.weights) - 1)]
        for axis, phase in ((2, row), (3, column))
    }
    seen = emit_gather(context, node, context.unique_tensor_name(f"{base}_neighbours"), x, chosen)
    kernel = np.outer(row.weights, column.weights).astype(np.float32)
    weight = np.ascontiguousarray(np.broadcast_to(kernel, (channels, 1, *kernel.shape)))
    attributes: dict[str, AttributeValue] = {
        "strides": (1, 1), "pads": (0, 0, 0, 0), "dilations": (1, 1), "groups": channels,
    }
    name = context.unique_tensor_name(f"{base}_phase")
    return context.emit_as(node, name, Op.CONV2D, seen, {"weight": weight}, attributes)
