"""The arithmetic on PyTorch tensors beside the golden one, over its whole range."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine import numerics

torch = pytest.importorskip("torch")

from runtime.gpu.arithmetic import Finisher, Scaler, dequantize, quantize, wrap32  # noqa: E402
from runtime.gpu.products import float_product  # noqa: E402

INT32 = st.integers(-(2**31), 2**31 - 1) | st.sampled_from([-(2**31), 2**31 - 1, -1, 0, 1])
SHIFT = st.integers(0, 31)


def tensor(values: list[int]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.int64)


@given(st.lists(st.tuples(INT32, INT32, st.integers(0, 2**31 - 1), SHIFT, SHIFT), min_size=1, max_size=20),
       st.integers(-128, 127), st.integers(-128, 0), st.integers(0, 127))
def test_finish(rows: list[tuple[int, ...]], zero_point: int, low: int, high: int) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)]
    accumulators, bias, multiplier, left, right = columns
    scaler = Scaler(tensor(multiplier), tensor(left), tensor(right))
    found = Finisher(tensor(bias), scaler, zero_point, low, high)(torch.tensor(accumulators, dtype=torch.int32))
    expected = numerics.finish(np.array(accumulators, np.int32), bias, multiplier, left, right, zero_point, low, high)
    np.testing.assert_array_equal(found.numpy(), expected)


def test_the_zero_point_wraps() -> None:
    one = Scaler(tensor([2**31 - 1]), tensor([0]), tensor([0]))
    for accumulator, zero_point in ((2**31 - 1, 127), (-(2**31), -128)):
        found = Finisher(tensor([0]), one, zero_point, -128, 127)(tensor([accumulator]))
        expected = numerics.finish(
            np.array([accumulator], np.int32), 0, np.array([2**31 - 1]), 0, 0, zero_point, -128, 127)
        assert found.tolist() == expected.tolist()


@given(st.integers(-(2**62), 2**62))
def test_wrapping(value: int) -> None:
    assert wrap32(tensor([value])).tolist() == numerics.wrap32(np.array([value])).tolist()


@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=1), st.floats(1e-6, 1e3), st.integers(-128, 127))
def test_conversions(values: list[float], scale: float, zero_point: int) -> None:
    real = np.array(values, np.float32)
    found, expected = quantize(torch.from_numpy(real), scale, zero_point), numerics.quantize(real, scale, zero_point)
    np.testing.assert_array_equal(found.numpy(), expected)
    back = dequantize(found, scale, zero_point).numpy()
    np.testing.assert_array_equal(back, numerics.dequantize(expected, scale, zero_point), strict=True)


def test_long_sums_are_not_rounded() -> None:
    """The largest operands, and an odd sum beyond what single precision holds."""
    weight = torch.full((1, 3001), 127, dtype=torch.int8)
    x = torch.full((1, 3001), 127, dtype=torch.int8)
    weight[0, -1] = x[0, -1] = 1
    assert float_product(weight)(x).tolist() == [[3000 * 127 * 127 + 1]]
