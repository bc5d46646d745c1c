"""Integer products through floating point are exact up to the bound, at the worst operands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accel_sim.function.matrix import exact_product


@given(st.integers(1, 5), st.integers(1, 600), st.integers(1, 5), st.integers(0, 2**32 - 1), st.booleans())
def test_equals_integer_arithmetic(m: int, k: int, n: int, seed: int, extreme: bool) -> None:
    rng = np.random.default_rng(seed)
    choices = np.array([-255, -254, 254, 255] if extreme else np.arange(-255, 256), np.int16)
    x, w = rng.choice(choices, (m, k)), rng.choice(choices, (k, n))
    assert np.array_equal(exact_product(x, w), x.astype(np.int64) @ w.astype(np.int64))


@pytest.mark.parametrize("k", [257, 258, 259, 4608])
def test_odd_sums_around_the_single_precision_bound(k: int) -> None:
    x = np.full((1, k), 255, np.int16)
    w = np.full((k, 2), 255, np.int16)
    w[-1, 0] = 254
    assert exact_product(x, w)[0].tolist() == [255 * 255 * k - 255, 255 * 255 * k]
