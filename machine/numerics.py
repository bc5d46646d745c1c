"""Golden integer arithmetic of the machine, shared by the reference backend and the simulator.

The scheme is the int8 quantization specification that TensorFlow Lite publishes: `real = scale * (q - zero_point)`,
activations asymmetric per tensor, weights symmetric per output channel, int32 bias and wrapping int32 accumulation,
requantization by a 31-bit multiplier and a shift with the two roundings of gemmlowp
(SaturatingRoundingDoublingHighMul, then RoundingDivideByPOT).

All functions are vectorised over NumPy arrays; integers in, integers out, no floating point on the data path.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int8Array = npt.NDArray[np.int8]
Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float32] | npt.NDArray[np.float64]

INT8_MIN = -128
INT8_MAX = 127
ADD_LEFT_SHIFT = 20
"""Left shift of both operands of a quantized addition (TFLite reference kernel `add.h`)."""
MAX_SHIFT = 31
TABLE_SHAPE = (256,)
"""Shape of a look-up table: an entry for each int8 value."""


@dataclass(frozen=True, slots=True)
class Rescale:
    """An integer approximation of a positive real factor: `x -> ((x << left) * multiplier / 2**31) / 2**right`.

    `multiplier` is in [0, 2**31), `left` and `right` in [0, 31].
    """

    multiplier: int
    left: int
    right: int


@dataclass(frozen=True, slots=True)
class AddRescale:
    """The three rescales of a quantized addition and its two operands' zero points."""

    a: Rescale
    b: Rescale
    out: Rescale


def wrap32(values: npt.NDArray[np.int64] | Int32Array) -> Int32Array:
    """Reduce integers modulo 2**32 into int32 (two's complement wrapping)."""
    return np.asarray(values, dtype=np.int64).astype(np.uint32).view(np.int32)


def high_mul(values: Int32Array, multiplier: npt.ArrayLike) -> Int32Array:
    """Return round(values * multiplier / 2**31), ties towards plus infinity: int32 x [0, 2**31) -> int32.

    Equal to gemmlowp's SaturatingRoundingDoublingHighMul for non-negative multipliers, where it never saturates.
    """
    product = values.astype(np.int64) * np.asarray(multiplier, dtype=np.int64)
    return ((product + (1 << 30)) >> 31).astype(np.int32)


def rounding_shift_right(values: Int32Array, shift: npt.ArrayLike) -> Int32Array:
    """Divide int32 by 2**shift (0 to 31), rounding to nearest, ties away from zero (gemmlowp RoundingDivideByPOT)."""
    wide = values.astype(np.int64)
    amount = np.asarray(shift, dtype=np.int64)
    mask = (np.int64(1) << amount) - 1
    threshold = (mask >> 1) + (wide < 0)
    return ((wide >> amount) + ((wide & mask) > threshold)).astype(np.int32)


def rescale(values: Int32Array, multiplier: npt.ArrayLike, left: npt.ArrayLike, right: npt.ArrayLike) -> Int32Array:
    """Requantize int32 values; `multiplier`, `left` and `right` broadcast against `values` (per channel or scalar).

    The left shift wraps modulo 2**32, as the hardware's shifter does.
    """
    shifted = wrap32(values.astype(np.int64) << np.asarray(left, dtype=np.int64))
    return rounding_shift_right(high_mul(shifted, multiplier), right)


def clamp_int8(values: Int32Array, low: int, high: int) -> Int8Array:
    """Clamp int32 values to [low, high], a sub-range of int8."""
    return np.clip(values, low, high).astype(np.int8)


def finish(
    accumulators: Int32Array,
    bias: npt.ArrayLike,
    multiplier: npt.ArrayLike,
    left: npt.ArrayLike,
    right: npt.ArrayLike,
    zero_point: int,
    low: int,
    high: int,
) -> Int8Array:
    """Bias, requantization, output zero point and clamp: int32 accumulators -> int8 (arguments broadcast)."""
    biased = wrap32(accumulators.astype(np.int64) + np.asarray(bias, dtype=np.int64))
    scaled = rescale(biased, multiplier, left, right)
    return clamp_int8(wrap32(scaled.astype(np.int64) + zero_point), low, high)


def add(
    a: Int8Array,
    a_zero_point: int,
    b: Int8Array,
    b_zero_point: int,
    parameters: AddRescale,
    zero_point: int,
    low: int,
    high: int,
    subtract: bool = False,
) -> Int8Array:
    """Quantized addition or subtraction of two int8 arrays of equal shape (TFLite reference kernels `add.h`, `sub.h`).
    """
    a_scaled = _rescale_operand(a, a_zero_point, parameters.a)
    b_scaled = _rescale_operand(b, b_zero_point, parameters.b).astype(np.int64)
    total = wrap32(a_scaled.astype(np.int64) + (-b_scaled if subtract else b_scaled))
    out = rescale(total, parameters.out.multiplier, parameters.out.left, parameters.out.right)
    return clamp_int8(wrap32(out.astype(np.int64) + zero_point), low, high)


def look_up(values: Int8Array, table: Int8Array) -> Int8Array:
    """Replace each int8 value by its entry, `values mod 256`, of a table of 256 entries (docs/units/vector.md)."""
    return table[values.view(np.uint8)]


def _rescale_operand(values: Int8Array, zero_point: int, parameters: Rescale) -> Int32Array:
    centred = values.astype(np.int32) - np.int32(zero_point)
    return rescale(centred, parameters.multiplier, parameters.left, parameters.right)


def rescale_from_real(factor: float) -> Rescale:
    """Approximate a real factor in [0, 2**30) by a 31-bit multiplier and a shift (TFLite QuantizeMultiplier).

    Raises:
        ValueError: the factor is negative, not finite, or too large.
    """
    if not math.isfinite(factor) or factor < 0:
        raise ValueError(f"rescale factor {factor!r} is not a finite non-negative number")
    if factor == 0.0:
        return Rescale(0, 0, 0)
    mantissa, exponent = math.frexp(factor)
    multiplier = math.floor(mantissa * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        multiplier //= 2
        exponent += 1
    if exponent < -MAX_SHIFT:
        return Rescale(0, 0, 0)
    if exponent > 30:
        raise ValueError(f"rescale factor {factor!r} is not below 2**30")
    return Rescale(multiplier, max(exponent, 0), max(-exponent, 0))


def add_rescale(a_scale: float, b_scale: float, out_scale: float) -> AddRescale:
    """Rescales of a quantized addition: both operands to twice the larger scale, shifted left by 20 bits (TFLite)."""
    twice_max = 2.0 * max(a_scale, b_scale)
    a = rescale_from_real(a_scale / twice_max)
    b = rescale_from_real(b_scale / twice_max)
    return AddRescale(
        Rescale(a.multiplier, ADD_LEFT_SHIFT, a.right),
        Rescale(b.multiplier, ADD_LEFT_SHIFT, b.right),
        rescale_from_real(twice_max / ((1 << ADD_LEFT_SHIFT) * out_scale)),
    )


def average_rescale(in_scale: float, out_scale: float, count: int) -> Rescale:
    """Rescale of a sum of `count` centred int8 values to their average, with guard bits.

    The sum's magnitude is at most 255 * count, a number of `n` bits. Both shifts grow by `30 - n - left` guard bits
    (but the right shift to no more than 31): so many that the shifted sum stays below 2**30, 16 for a 7x7 window whose
    input and output have one scale. There the multiplier, off by at most half a unit, moves the product by at most
    2**30 / 2 / 2**31 = 1/4 before its first rounding, so that an exact tie, an integer there, is rounded to itself.
    The first rounding moves any result by at most 2**-(right + 1) output steps, `right` being the right shift returned.
    """
    base = rescale_from_real(in_scale / (out_scale * count))
    guard = max(0, min(MAX_SHIFT - base.right, 30 - (255 * count).bit_length() - base.left))
    return Rescale(base.multiplier, base.left + guard, base.right + guard)


def quantize(values: FloatArray, scale: float, zero_point: int) -> Int8Array:
    """Quantize real values to int8: round half to even of values / scale, plus zero point, clamped."""
    steps: npt.NDArray[np.float64] = np.rint(np.asarray(values, dtype=np.float64) / scale) + zero_point
    clipped: Int8Array = np.clip(steps, INT8_MIN, INT8_MAX).astype(np.int8)
    return clipped


def dequantize(values: Int8Array, scale: float, zero_point: int) -> npt.NDArray[np.float32]:
    """Return the real values `scale * (values - zero_point)` as float32."""
    return ((values.astype(np.int32) - zero_point) * np.float64(scale)).astype(np.float32)
