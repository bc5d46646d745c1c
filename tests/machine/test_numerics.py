"""The golden numerics against a literal transcription of gemmlowp's and TensorFlow Lite's C code in Python integers."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from machine import numerics
from machine.numerics import AddRescale, Rescale

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
@given(int8s, int8s, int8s, int8s, int8s, scales, scales, scales, st.booleans())
def test_add_and_subtract(a, a_zero, b, b_zero, zero_point, a_scale, b_scale, out_scale, subtract):
    """tensorflow/lite/kernels/internal/reference: add.h and sub.h differ in the sign of the second scaled operand."""
    p = numerics.add_rescale(a_scale, b_scale, out_scale)
    scaled = [
        multiply_by_quantized_multiplier((value - zero) * (1 << 20), r.multiplier, 0, r.right)
        for value, zero, r in ((a, a_zero, p.a), (b, b_zero, p.b))
    ]
    total = scaled[0] - scaled[1] if subtract else scaled[0] + scaled[1]
    raw = multiply_by_quantized_multiplier(int32(total), p.out.multiplier, p.out.left, p.out.right) + zero_point
    operands = np.array([a], np.int8), np.array([b], np.int8)
    result = numerics.add(operands[0], a_zero, operands[1], b_zero, p, zero_point, -128, 127, subtract)
    assert int(result[0]) == min(max(int32(raw), -128), 127)


@settings(deadline=None)
@given(int8s, int8s, int8s, int8s, st.floats(1e-3, 10), st.floats(1e-3, 10), st.floats(1 / 16, 16), st.booleans())
def test_a_sum_is_the_nearest_step_of_the_real_sum(a, a_zero, b, b_zero, a_scale, b_scale, ratio, subtract):
    # Rounding each operand costs at most half of 2**-20 of twice the larger scale, 2**-15 of an output step here.
    out_scale = ratio * max(a_scale, b_scale)
    real_a, real_b = a_scale * (a - a_zero), b_scale * (b - b_zero)
    real = (real_a - real_b if subtract else real_a + real_b) / out_scale
    parameters = numerics.add_rescale(a_scale, b_scale, out_scale)
    operands = np.array([a], np.int8), np.array([b], np.int8)
    result = numerics.add(operands[0], a_zero, operands[1], b_zero, parameters, 0, -128, 127, subtract)
    assert abs(int(result[0]) - min(max(real, -128.0), 127.0)) < 0.501


@pytest.mark.parametrize(("a", "b", "subtract", "expected"), [
    (127, 127, False, -64),  # 2 * 2130706431 - 2**32 = -33554434
    (-128, 127, True, 32),  # -2147483647 - 2130706431 + 2**32 = 16777218
    (-128, 127, False, -32),  # -16777216, no wrap
    (127, 127, True, 0),
])
def test_sums_and_differences_wrap_to_32_bits(a, b, subtract, expected):
    # 127 * 2**24 * (1 - 2**-31) is rounded to 2130706431, -128 * 2**24 to -2147483647; then a half, divided by 2**18.
    operand = Rescale(INT32_MAX, 24, 0)
    parameters = AddRescale(operand, operand, Rescale(1 << 30, 0, 18))
    a, b = np.array([a], np.int8), np.array([b], np.int8)
    assert numerics.add(a, 0, b, 0, parameters, 0, -128, 127, subtract).tolist() == [expected]


def test_look_up_by_hand():
    table = np.arange(256).astype(np.uint8).view(np.int8)[::-1].copy()  # entry i is 255 - i, as int8: -1 - i
    values = np.array([[0, 1, 127], [-128, -127, -1]], np.int8)
    assert numerics.look_up(values, table).tolist() == [[-1, -2, -128], [127, 126, 0]]


@settings(deadline=None)
@given(st.lists(int8s, min_size=256, max_size=256), st.lists(int8s, min_size=1, max_size=20))
def test_look_up(table, values):
    found = numerics.look_up(np.array(values, np.int8), np.array(table, np.int8))
    assert found.dtype == np.int8
    assert found.tolist() == [table[value % 256] for value in values]


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


def quantize_multiplier(factor: float) -> tuple[int, int]:
    """tensorflow/lite/kernels/internal/quantization_util.cc, without its saturation of shifts above 30."""
    if factor == 0.0:
        return 0, 0
    mantissa, shift = math.frexp(factor)
    fixed = math.floor(mantissa * (1 << 31) + 0.5)  # TfLiteRound of a positive number
    if fixed == 1 << 31:
        fixed //= 2
        shift += 1
    if shift < -31:
        shift, fixed = 0, 0
    return fixed, shift


LEAST = 2.0**-32
"""The smallest power of two that is not 0: mantissa 1/2, exponent -31."""


@pytest.mark.parametrize(("factor", "expected"), [
    (2.0**-31, Rescale(1 << 30, 0, 30)),
    (2.0**-32, Rescale(1 << 30, 0, 31)),
    (1.75 * 2.0**-32, Rescale(7 << 28, 0, 31)),
    (LEAST * (1 - 2.0**-32), Rescale(1 << 30, 0, 31)),  # its multiplier is rounded up to 2**31, so the exponent rises
    (LEAST * (1 - 2.0**-31), Rescale(0, 0, 0)),
    (2.0**-33, Rescale(0, 0, 0)),
    (0.5, Rescale(1 << 30, 0, 0)),
    (1.0, Rescale(1 << 30, 1, 0)),
    (1 - 2.0**-32, Rescale(1 << 30, 1, 0)),
    (1 - 2.0**-31, Rescale((1 << 31) - 1, 0, 0)),
    (2.0**29, Rescale(1 << 30, 30, 0)),
    (2.0**30 - 0.5, Rescale((1 << 31) - 1, 30, 0)),
])
def test_rescale_from_real_at_the_boundaries(factor, expected):
    assert numerics.rescale_from_real(factor) == expected
    assert quantize_multiplier(factor) == (expected.multiplier, expected.left - expected.right)


@settings(deadline=None)
@given(st.floats(0.5, 1, exclude_max=True), st.integers(-36, 30))
@example(0.5, -31)
@example(0.5, -32)
def test_rescale_from_real_is_quantize_multiplier(mantissa, exponent):
    fixed, shift = quantize_multiplier(mantissa * 2.0**exponent)
    if shift > 30:
        return
    assert numerics.rescale_from_real(mantissa * 2.0**exponent) == Rescale(fixed, max(shift, 0), max(-shift, 0))


@pytest.mark.parametrize("factor", [2.0**30 - 2.0**-2, -1.0, float("nan"), float("inf"), 2.0**30])
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
    first_rounding = Fraction(1, 1 << (rescale.right + 1))
    assert abs(result - exact) <= Fraction(1, 2) + first_rounding + abs(exact) / (1 << 30)


@pytest.mark.parametrize(("in_scale", "out_scale", "count", "expected"), [
    # 49 * 255 has 14 bits: 16 guard bits, left and right (1/49 = 0.653 / 2**5).
    (1.0, 1.0, 49, Rescale(1402438301, 16, 21)),
    (0.05, 0.05, 49, Rescale(1402438301, 16, 21)),
    (0.1, 0.02, 49, Rescale(1753047876, 16, 19)),
    (0.02, 0.5, 4, Rescale(1374389535, 20, 26)),
    (1.0, 1.0, 1, Rescale(1 << 30, 22, 21)),  # 1 = 1/2 * 2**1: 21 guard bits beside the shift left by one
    (4.0, 1.0, 1, Rescale(1 << 30, 22, 19)),
    (3.0, 0.5, 16, Rescale(3 << 29, 18, 19)),
    (1.0, 1.0, 9, Rescale(1908874354, 18, 21)),
    (1.0, 1.0, 1024, Rescale(1 << 30, 12, 21)),
    (1.0, 4096.0, 64, Rescale(1 << 30, 14, 31)),  # 16 would fit the sum: the right shift's 31 is the limit
    (1.0, 2.0**13, 64, Rescale(1 << 30, 13, 31)),
])
def test_average_rescale(in_scale, out_scale, count, expected):
    assert numerics.average_rescale(in_scale, out_scale, count) == expected


@settings(deadline=None)
@given(scales, st.floats(1 / 1024, 16), st.integers(1, 4096))
def test_average_has_all_guard_bits_below_30(in_scale, ratio, count):
    rescale = numerics.average_rescale(in_scale, in_scale * ratio, count)
    assert rescale.right <= 31 and (255 * count) << rescale.left < 1 << 30
    assert rescale.right == 31 or (255 * count) << (rescale.left + 1) >= 1 << 30


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6, 7, 9, 16, 25, 36, 49, 50, 64, 98, 196, 256, 1000])
def test_average_of_equal_scales_is_exact(count):
    rescale = numerics.average_rescale(0.3, 0.3, count)
    totals = np.unique(np.linspace(-255 * count, 255 * count, 20_001).astype(np.int32))
    results = numerics.rescale(totals, rescale.multiplier, rescale.left, rescale.right)
    magnitude = (2 * np.abs(totals.astype(np.int64)) + count) // (2 * count)  # ties away from zero
    assert np.array_equal(results, np.sign(totals) * magnitude)


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
