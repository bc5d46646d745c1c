"""Random calibration draws samples of every type that an input may have."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.graph import Graph, Tensor
from compiler.quantizer.calibration import RANDOM_SAMPLES, RandomCalibration, check_calibration

FLOATS = ("float32", "float64")
INTEGERS = ("int8", "uint8", "int16", "int32", "int64", "bool")
ROWS = 3


def inputs(dtype: str) -> Graph:
    tensors = [Tensor("x", (ROWS, 50), dtype), Tensor("few", (ROWS,), dtype)]
    return Graph.build([], tensors, ["x", "few"], ["x"])


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS])
def test_samples_have_the_inputs_shape_and_type_and_are_the_same_again(dtype: str) -> None:
    graph = inputs(dtype)
    drawn = RandomCalibration(3).draw(graph)
    assert {name: (array.shape, array.dtype.name) for name, array in drawn.items()} == {
        "x": ((ROWS * RANDOM_SAMPLES, 50), dtype), "few": ((ROWS * RANDOM_SAMPLES,), dtype),
    }
    check_calibration(graph, drawn)
    again, other = RandomCalibration(3).draw(graph), RandomCalibration(4).draw(graph)
    assert all(np.array_equal(drawn[name], again[name]) for name in drawn)
    assert not np.array_equal(drawn["x"], other["x"])


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_and_truth_values_are_0_or_1(dtype: str) -> None:
    drawn = RandomCalibration().draw(inputs(dtype))["x"]
    assert set(np.unique(drawn).tolist()) == {0, 1}


@pytest.mark.parametrize("dtype", FLOATS)
def test_real_values_are_normally_distributed(dtype: str) -> None:
    drawn = RandomCalibration().draw(inputs(dtype))["x"]
    assert abs(drawn.mean()) < 0.1 and abs(drawn.std() - 1) < 0.1
