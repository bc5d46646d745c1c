"""The golden numerics against a literal transcription of gemmlowp's and TensorFlow Lite's C code in Python integers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from machine import numerics
from machine.numerics import Rescale

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1
int32s = st.one_of(
    st.integers(INT32_MIN, INT32_MAX),
    st.sampled_from([INT32_MIN, INT32_MIN + 1, -(1 << 30), -2, -1, 0, 1, 2, 1 << 30, INT32_MAX - 1, INT32_MAX]),
)
int8s = st.integers(-128, 127)
multipliers = st.one_of(st.integers(0, INT32_MAX), st.sampled_from([0, 1, 1 << 30, (1 << 30) + 1, INT32_MAX]))
shifts = st.integers(0, 31)
scales = st.floats(1e-4, 1e2)


def int32(value: int) -> int:
    """A value stored in a C int32 (two's complement)."""
    return (value - INT32_MIN) % (1 << 32) + INT32_MIN


def c_divide(a: int, b: int) -> int:
    """Integer division of C: towards zero."""
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def saturating_rounding_doubling_high_mul(a: int, b: int) -> int:
    """gemmlowp/fixedpoint/fixedpoint.h."""
    overflow = a == b and a == INT32_MIN
    ab_64 = a * b
    nudge = (1 << 30) if ab_64 >= 0 else (1 - (1 << 30))
    ab_x2_high32 = c_divide(ab_64 + nudge, 1 << 31)
    return INT32_MAX if overflow else ab_x2_high32


def rounding_divide_by_pot(x: int, exponent: int) -> int:
    """gemmlowp/fixedpoint/fixedpoint.h."""
    mask = (1 << exponent) - 1
    remainder = x & mask
    threshold = (mask >> 1) + (1 if x < 0 else 0)
    return (x >> exponent) + (1 if remainder > threshold else 0)


def multiply_by_quantized_multiplier(x: int, multiplier: int, left: int, right: int) -> int:
    """tensorflow/lite/kernels/internal/common.cc, the shift given as its two parts; the left shift wraps."""
    return rounding_divide_by_pot(saturating_rounding_doubling_high_mul(int32(x << left), multiplier), right)


def array(value: int) -> np.ndarray:
    return np.array([value], np.int32)


@settings(deadline=None)
@given(st.integers(-(1 << 62), 1 << 62))
@example(INT32_MIN - 1)
@example(INT32_MAX + 1)
def test_wrap32(value):
    assert int(numerics.wrap32(np.array([value], np.int64))[0]) == int32(value)


@settings(deadline=None)
@given(int32s, multipliers)
def test_high_mul(value, multiplier):
    result = numerics.high_mul(array(value), multiplier)
    assert int(result[0]) == saturating_rounding_doubling_high_mul(value, multiplier)


@settings(deadline=None)
@given(int32s, shifts)
def test_rounding_shift_right(value, shift):
    assert int(numerics.rounding_shift_right(array(value), shift)[0]) == rounding_divide_by_pot(value, shift)


@pytest.mark.parametrize(("value", "shift", "expected"), [
    (5, 1, 3), (-5, 1, -3), (3, 2, 1), (2, 2, 1), (-2, 2, -1), (1, 2, 0), (-1, 2, 0), (6, 2, 2), (-6, 2, -2), (7, 0, 7),
    (INT32_MAX, 31, 1), (INT32_MIN, 31, -1),
])
def test_rounding_shift_right_takes_ties_away_from_zero(value, shift, expected):
    assert int(numerics.rounding_shift_right(array(value), shift)[0]) == expected


@settings(deadline=None)
@given(int32s, multipliers, shifts, shifts)
def test_rescale(value, multiplier, left, right):
    result = numerics.rescale(array(value), multiplier, left, right)
    assert int(result[0]) == multiply_by_quantized_multiplier(value, multiplier, left, right)


@settings(deadline=None)
@given(int32s, int32s, multipliers, st.integers(0, 8), shifts, int8s, int8s, int8s)
def test_finish(accumulator, bias, multiplier, left, right, zero_point, one, other):
    low, high = sorted((one, other))
    scaled = multiply_by_quantized_multiplier(int32(accumulator + bias), multiplier, left, right)
    expected = min(max(int32(scaled + zero_point), low), high)
    result = numerics.finish(array(accumulator), bias, multiplier, left, right, zero_point, low, high)
    assert (result.dtype, int(result[0])) == (np.int8, expected)


@settings(deadline=None)
@given(int8s, int8s, int8s, int8s, int8s, scales, scales, scales)
def test_add(a, a_zero, b, b_zero, zero_point, a_scale, b_scale, out_scale):
    p = numerics.add_rescale(a_scale, b_scale, out_scale)
    scaled = [
        multiply_by_quantized_multiplier((value - zero) * (1 << 20), r.multiplier, 0, r.right)
        for value, zero, r in ((a, a_zero, p.a), (b, b_zero, p.b))
    ]
    raw = multiply_by_quantized_multiplier(int32(sum(scaled)), p.out.multiplier, p.out.left, p.out.right) + zero_point
    operands = np.array([a], np.int8), np.array([b], np.int8)
    result = numerics.add(operands[0], a_zero, operands[1], b_zero, p, zero_point, -128, 127)
    assert int(result[0]) == min(max(int32(raw), -128), 127)


@settings(deadline=None)
@given(st.floats(2.0**-30, 2.0**29))
@example(1.0)
@example(0.5)
@example(np.nextafter(1.0, 0.0))
def test_rescale_from_real_is_within_half_a_unit_of_the_multiplier(factor):
    rescale = numerics.rescale_from_real(factor)
    assert 1 << 30 <= rescale.multiplier < 1 << 31
    assert min(rescale.left, rescale.right) == 0
    value = Fraction(rescale.multiplier, 1 << 31) * (1 << rescale.left) / (1 << rescale.right)
    assert abs(value / Fraction(factor) - 1) <= Fraction(1, 1 << 31)


def test_rescale_from_real_of_next_to_nothing_is_zero():
    assert numerics.rescale_from_real(0.0) == Rescale(0, 0, 0)
    assert numerics.rescale_from_real(2.0**-40) == Rescale(0, 0, 0)


@pytest.mark.parametrize("factor", [-1.0, float("nan"), float("inf"), 2.0**30])
def test_rescale_from_real_refuses(factor):
    with pytest.raises(ValueError, match="rescale factor"):
        numerics.rescale_from_real(factor)


@settings(deadline=None)
@given(scales, st.floats(1 / 16, 16), st.integers(1, 1024), st.data())
def test_average_is_the_nearest_step(in_scale, ratio, count, data):
    out_scale = in_scale * ratio
    total = data.draw(st.integers(-255 * count, 255 * count))
    rescale = numerics.average_rescale(in_scale, out_scale, count)
    result = int(numerics.rescale(array(total), rescale.multiplier, rescale.left, rescale.right)[0])
    exact = Fraction(in_scale) / Fraction(out_scale) * Fraction(total, count)
    assert abs(result - exact) <= Fraction(1, 2) + Fraction(1, 100) + abs(exact) / (1 << 30)


@settings(deadline=None)
@given(st.floats(-1e6, 1e6), scales, int8s)
def test_quantize_is_the_nearest_step(value, scale, zero_point):
    result = int(numerics.quantize(np.array([value], np.float64), scale, zero_point)[0])
    assert result == min(max(round(value / scale) + zero_point, -128), 127)


@settings(deadline=None)
@given(int8s, scales, int8s)
def test_quantize_undoes_dequantize(value, scale, zero_point):
    real = numerics.dequantize(np.array([value], np.int8), scale, zero_point)
    assert real.dtype == np.float32
    assert int(numerics.quantize(real, scale, zero_point)[0]) == value
