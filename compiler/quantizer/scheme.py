"""How a range or a weight becomes integers: the int8 scheme that `machine.numerics` computes with."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from compiler.graph import Quantization
from machine.numerics import INT8_MAX, INT8_MIN, Int8Array, Int32Array

Float64Array = npt.NDArray[np.float64]
STEPS = INT8_MAX - INT8_MIN
WEIGHT_MAX = 127
BIAS_MAX = 1 << 30
"""Bound on a quantized bias: half of int32 remains for the sum of products."""
SMALLEST_RANGE = 1e-30


@dataclass(frozen=True, slots=True, eq=False)
class QuantizedWeights:
    """`weight: int8[CO, ...]`, its scale for each output channel, and `bias: int32[CO]` in units of s_x * s_w."""

    weight: Int8Array
    bias: Int32Array
    scales: tuple[float, ...]


def activation_quantization(low: float, high: float) -> Quantization:
    """Return the asymmetric int8 quantization of a range, widened to include zero, which is exactly representable.

    A tensor that is always zero has scale 1.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    if high - low < SMALLEST_RANGE:
        return Quantization((1.0,), 0)
    scale = (high - low) / STEPS
    zero_point = round(INT8_MIN - low / scale)
    return Quantization((scale,), max(INT8_MIN, min(INT8_MAX, zero_point)))


def quantize_weights(
    weight: npt.NDArray[np.float32], bias: npt.NDArray[np.float32], x_scale: float, y_scale: float
) -> QuantizedWeights:
    """Quantize weights [CO, ...] symmetrically to -127..127 for each output channel, and their bias [CO].

    A channel's scale is at least what keeps its bias within `BIAS_MAX`; a channel of zeros takes the scale at which
    one unit of the bias is one step of the output.
    """
    flat = np.abs(weight.astype(np.float64)).reshape(len(weight), -1)
    wide_bias = bias.astype(np.float64)
    scales: Float64Array = np.maximum(flat.max(axis=1) / WEIGHT_MAX, np.abs(wide_bias) / (x_scale * BIAS_MAX))
    dead = flat.max(axis=1) == 0
    scales[dead] = np.maximum(scales[dead], y_scale / x_scale)
    scales = np.maximum(scales, SMALLEST_RANGE)
    per_channel = scales.reshape(-1, *(1,) * (weight.ndim - 1))
    steps = np.clip(np.rint(weight / per_channel), -WEIGHT_MAX, WEIGHT_MAX).astype(np.int8)
    units = np.clip(np.rint(wide_bias / (x_scale * scales)), -BIAS_MAX, BIAS_MAX).astype(np.int32)
    return QuantizedWeights(steps, units, tuple(float(s) for s in scales))


def rounded_weights(
    weight: npt.NDArray[np.float32], bias: npt.NDArray[np.float32], x_scale: float, y_scale: float
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the weights [CO, ...] and the bias [CO] as the quantized layer has them, in float again."""
    made = quantize_weights(weight, bias, x_scale, y_scale)
    scales: Float64Array = np.array(made.scales)
    rounded = made.weight * scales.reshape(-1, *(1,) * (weight.ndim - 1))
    return rounded.astype(np.float32), (made.bias * (x_scale * scales)).astype(np.float32)


def quantized_bound(value: float | None, quantization: Quantization, missing: int) -> int:
    """Return an activation bound in the int8 domain of the output, `missing` where there is none."""
    if value is None:
        return missing
    steps = value / quantization.scale[0]
    if not math.isfinite(steps):
        return missing
    return max(INT8_MIN, min(INT8_MAX, round(steps) + quantization.zero_point))
