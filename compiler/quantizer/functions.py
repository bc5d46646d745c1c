"""Element-wise functions in int8: their tables, and the ranges that they make possible."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from compiler.expression import Expression, Float64Array, evaluate, is_bounded, parse
from compiler.graph import Graph, Op, Quantization, is_on_host
from compiler.quantizer.calibration import Ranges
from machine.numerics import INT8_MAX, INT8_MIN, Int8Array

SAMPLES = 4096
"""Values at which a function's range is taken."""
INDISTINCT = 0.25
"""Outputs that differ by no more than this part of a step are the same."""


def table_of(expression: Expression, x: Quantization, y: Quantization) -> Int8Array:
    """Return the table of a function, int8[256]: entry `q mod 256` is its value at the real value of `q`.

    Values beyond the output's range take its nearest end. Where the function has no value, the entry is that of the
    nearest input that has one.
    """
    steps: Float64Array = np.arange(INT8_MIN, INT8_MAX + 1, dtype=np.float64)
    values = evaluate(expression, x.scale[0] * (steps - x.zero_point))
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return np.full(len(steps), y.zero_point, np.int8)
    nearest = np.abs(known[None, :] - np.arange(len(steps))[:, None]).argmin(axis=1)
    scaled = np.rint(values[known[nearest]] / y.scale[0]) + y.zero_point
    ordered = np.clip(scaled, INT8_MIN, INT8_MAX).astype(np.int8)
    return np.roll(ordered, INT8_MIN)


def quantize_constant(data: npt.NDArray[np.float32], quantization: Quantization) -> Int8Array:
    """Return a constant operand in int8."""
    steps = np.rint(data.astype(np.float64) / quantization.scale[0]) + quantization.zero_point
    quantized: Int8Array = np.clip(steps, INT8_MIN, INT8_MAX).astype(np.int8)
    return quantized


def refine_ranges(graph: Graph, ranges: Ranges) -> Ranges:
    """Return the ranges with what is known of functions put in place of what was measured.

    A bounded function's output takes the exact range that its input's range allows. An input that nothing but the
    function reads gives up what lies where the function is flat: there it cannot be told from the end that is kept.
    """
    refined = dict(ranges)
    for node in graph.nodes():
        if node.op is not Op.FUNCTION or is_on_host(node):
            continue
        source, expression = node.inputs[0], parse(node.text("expression"))
        low, high = min(refined[source][0], 0.0), max(refined[source][1], 0.0)
        grid = np.linspace(low, high, SAMPLES)
        values = evaluate(expression, grid)
        if high <= low or not np.isfinite(values).all():
            continue
        if is_bounded(expression):
            refined[node.output] = float(values.min()), float(values.max())
        if graph.consumers(source) == (node,) and source not in graph.outputs:
            refined[source] = _distinct(grid, values)
    return refined


def _distinct(grid: Float64Array, values: Float64Array) -> tuple[float, float]:
    """Return the part of a range, zero included, beyond which a function stays within a part of an output step."""
    step = (max(values.max(), 0.0) - min(values.min(), 0.0)) / (INT8_MAX - INT8_MIN)
    first = max((i for i in _flat_tails(values, step * INDISTINCT) if grid[i] <= 0), default=0)
    last = max((i for i in _flat_tails(values[::-1], step * INDISTINCT) if grid[-1 - i] >= 0), default=0)
    if step == 0 or first + last >= len(grid) - 1:
        return float(grid[0]), float(grid[-1])
    return float(grid[first]), float(grid[-1 - last])


def _flat_tails(values: Float64Array, tolerance: float) -> npt.NDArray[np.int64]:
    """Return the positions at which all values before are within a tolerance."""
    spread = np.maximum(np.maximum.accumulate(values) - values, values - np.minimum.accumulate(values))
    return np.flatnonzero(spread <= tolerance)
