"""Handlers of Resize and Upsample.

Nearest takes constant indices of each axis. Linear and cubic weigh neighbours: by a depthwise convolution for each
phase where an image grows by whole factors, else by a constant matrix along each axis that changes, whose rows hold
the weights of one output position.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from compiler.graph import Op, Tensor
from compiler.importer.context import Context, OnnxNode
from compiler.importer.handlers_gather import check_indices, emit_gather
from compiler.importer.handlers_product import project
from compiler.importer.resize_phases import emit_phases
from compiler.passes.shapes import MOST_DIMENSIONS, MOST_ELEMENTS

MOST_WEIGHTS = 1 << 24
"""Weights of the matrix that resizes an axis: 4096 positions to as many."""
Positions = npt.NDArray[np.float32]
"""For each output position of an axis, where it lies in the input."""
SIMPLE = "simple"
"""How Upsample and Resize of opset 10 choose the nearest value."""


@dataclass(frozen=True, slots=True)
class _Axis:
    """An axis that is resized from `size` to `result` positions."""

    size: int
    result: int
    scale: float


def _half_pixel(axis: _Axis, x: Positions) -> Positions:
    return (x + np.float32(0.5)) / np.float32(axis.scale) - np.float32(0.5)


def _half_pixel_symmetric(axis: _Axis, x: Positions) -> Positions:
    adjustment = axis.result / (np.float32(axis.scale) * axis.size)
    return np.float32(axis.size / 2 * (1 - adjustment)) + _half_pixel(axis, x)


TRANSFORMS: Mapping[str, Callable[[_Axis, Positions], Positions]] = {
    "half_pixel": _half_pixel,
    "half_pixel_symmetric": _half_pixel_symmetric,
    "pytorch_half_pixel": lambda axis, x: _half_pixel(axis, x) if axis.result > 1 else 0 * x,
    "align_corners": lambda axis, x: x * np.float32(axis.size - 1) / np.float32(max(axis.result - 1, 1)),
    "asymmetric": lambda axis, x: x / np.float32(axis.scale),
    "tf_half_pixel_for_nn": lambda axis, x: (x + np.float32(0.5)) / np.float32(axis.scale),
}
ROUNDINGS: Mapping[str, Callable[[_Axis, Positions], Positions]] = {
    "round_prefer_floor": lambda axis, x: np.ceil(x - np.float32(0.5)),
    "round_prefer_ceil": lambda axis, x: np.floor(x + np.float32(0.5)),
    "floor": lambda axis, x: np.floor(x),
    "ceil": lambda axis, x: np.ceil(x),
    SIMPLE: lambda axis, x: np.ceil(x) if axis.scale < 1 else np.floor(x),
}


def resize(context: Context, node: OnnxNode) -> None:
    """Resize: nearest (every rounding), linear and cubic along any axes.

    Constraints:
        scales or sizes are a constant
        coordinate_transformation_mode is not tf_crop_and_resize; keep_aspect_ratio_policy is stretch; antialias is 0
        the batch and the channels are kept
    """
    if context.opset < 11:
        _resize(context, node, _given(context, node, 1, "scales"), None, "asymmetric", SIMPLE)
        return
    if node.integer("antialias", 0):
        raise node.error("antialias=1 is not supported")
    if node.text("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise node.error(f"keep_aspect_ratio_policy '{node.attributes['keep_aspect_ratio_policy']}' is not supported; "
                         "'stretch' is")
    scales, sizes = _given(context, node, 2, "scales"), _given(context, node, 3, "sizes")
    transform = node.text("coordinate_transformation_mode", "half_pixel")
    _resize(context, node, scales, sizes, transform, node.text("nearest_mode", "round_prefer_floor"))


def upsample(context: Context, node: OnnxNode) -> None:
    """Upsample, nearest and linear.

    Constraints:
        the scales are a constant
        the batch and the channels are kept
    """
    scales = list(node.attributes["scales"]) if "scales" in node.attributes else _given(context, node, 1, "scales")
    _resize(context, node, scales, None, "asymmetric", SIMPLE)


def _given(context: Context, node: OnnxNode, index: int, what: str) -> list[float] | None:
    """Return the numbers of an optional input, None where it is missing or empty."""
    if not node.has_input(index):
        return None
    data = context.constant(node, index, what)
    if data.dtype.kind not in "fiu" or data.size > MOST_DIMENSIONS:
        raise node.error(f"the {what} '{node.inputs[index]}' is {data.dtype} of {data.size} values; only a number for "
                         "each axis is supported")
    return [float(value) for value in data.reshape(-1)] or None


def _resize(
    context: Context, node: OnnxNode, scales: list[float] | None, sizes: list[float] | None, transform: str,
    rounding: str,
) -> None:
    x, mode = context.activation(node), node.text("mode", "nearest")
    if transform not in TRANSFORMS:
        raise node.error(f"coordinate_transformation_mode '{transform}' is not supported; {', '.join(TRANSFORMS)} are")
    axes = _axes(node, x, scales, sizes)
    if any(axis < 2 for axis in axes):
        raise node.error(f"resizes axis {min(axes)} of input {list(x.shape)}; only axes after batch and channels are "
                         "supported")
    check_indices(node, sum(axis.result for axis in axes.values()))
    size = math.prod(axes[index].result if index in axes else size for index, size in enumerate(x.shape))
    if size > MOST_ELEMENTS:
        raise node.error(f"its output would have {size} values; up to {MOST_ELEMENTS} are supported")
    if mode != "nearest" and max((axis.result * axis.size for axis in axes.values()), default=0) > MOST_WEIGHTS:
        raise node.error(f"needs a matrix of more than {MOST_WEIGHTS} weights, which is not supported")
    positions = {
        index: TRANSFORMS[transform](axis, np.arange(axis.result, dtype=np.float32)) for index, axis in axes.items()
    }
    if mode == "nearest":
        if rounding not in ROUNDINGS:
            raise node.error(f"nearest_mode '{rounding}' is not supported")
        emit_gather(context, node, node.outputs[0], x, {
            index: [int(v) for v in np.clip(ROUNDINGS[rounding](axes[index], at), 0, axes[index].size - 1)]
            for index, at in positions.items()
        })
    elif mode in ("linear", "cubic"):
        weights = _linear if mode == "linear" else _cubic
        matrices = {index: weights(node, axis, positions[index]) for index, axis in axes.items()}
        if not all(np.isfinite(matrix).all() for matrix in matrices.values()):
            raise node.error("its weights are not finite numbers")
        if matrices and emit_phases(context, node, x, matrices, node.outputs[0]) is not None:
            return
        for index in sorted(axes, key=lambda index: axes[index].result / axes[index].size):
            x = project(context, node, x, index, matrices[index])
        context.emit(node, Op.IDENTITY, x)
    else:
        raise node.error(f"mode '{mode}' is not supported; nearest, linear and cubic are")


def _axes(node: OnnxNode, x: Tensor, scales: list[float] | None, sizes: list[float] | None) -> dict[int, _Axis]:
    """Return the axes that change."""
    rank = len(x.shape)
    indices = [axis % rank for axis in node.integers("axes", tuple(range(rank)))]
    given = scales if sizes is None else sizes
    if given is None or len(given) != len(indices) or len(set(indices)) != len(indices):
        raise node.error(f"needs scales or sizes for {len(indices)} different axes of input {list(x.shape)}, got "
                         f"{given}")
    axes = {}
    for index, value in zip(indices, given, strict=True):
        size = x.shape[index]
        scale = value if sizes is None else value / size
        exact = np.floor(np.float32(size) * np.float32(scale)) if sizes is None else value
        result = int(exact) if np.isfinite(exact) else 0
        if result < 1:
            raise node.error(f"axis {index} of input {list(x.shape)} becomes empty: {given}")
        if (scale, result) != (1.0, size):
            axes[index] = _Axis(size, result, scale)
    return axes


def _linear(node: OnnxNode, axis: _Axis, positions: Positions) -> npt.NDArray[np.float32]:
    """Return the weights [result, size] of linear interpolation; positions outside take the value at the end."""
    at = np.clip(positions, 0, axis.size - 1).astype(np.float64)
    first = np.floor(at).astype(np.int64)
    matrix, rows = np.zeros((axis.result, axis.size)), np.arange(axis.result)
    np.add.at(matrix, (rows, first), 1 - (at - first))
    np.add.at(matrix, (rows, np.minimum(first + 1, axis.size - 1)), at - first)
    return matrix.astype(np.float32)


def _cubic(node: OnnxNode, axis: _Axis, positions: Positions) -> npt.NDArray[np.float32]:
    """Return the weights [result, size] of cubic convolution; what lies outside takes the value at the end, or none."""
    a, excluded = node.number("cubic_coeff_a", -0.75), node.integer("exclude_outside", 0)
    at = positions.astype(np.float64)
    matrix, rows = np.zeros((axis.result, axis.size)), np.arange(axis.result)
    for step in range(-1, 3):
        taps = np.floor(at).astype(np.int64) + step
        inside = (taps >= 0) & (taps < axis.size) if excluded else np.ones(axis.result, np.bool_)
        weights = np.where(inside, _cubic_weights(np.abs(at - taps), a), 0.0)
        np.add.at(matrix, (rows, np.clip(taps, 0, axis.size - 1)), weights)
    return (matrix / matrix.sum(axis=1, keepdims=True) if excluded else matrix).astype(np.float32)


def _cubic_weights(distance: npt.NDArray[np.float64], a: float) -> npt.NDArray[np.float64]:
    """Return the weights of values at a distance (Keys' kernel)."""
    near, far = ((a + 2) * distance - (a + 3)) * distance**2 + 1, ((distance - 5) * distance + 8) * distance - 4
    return np.where(distance <= 1, near, np.where(distance < 2, a * far, 0.0))
