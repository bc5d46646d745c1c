"""The CPU backend: any number of samples, whatever batch the model has."""

from __future__ import annotations

import numpy as np
import pytest
from onnx.helper import make_node

from machine.errors import DataError, ModelError
from runtime.cpu import BATCH, run_float


@pytest.mark.parametrize("batch", [1, "N"])
def test_samples_run_with_a_fixed_and_an_open_batch(make_model, batch):
    model = make_model([make_node("Relu", ["x"], ["y"])], shape=(batch, 3))
    x = np.random.default_rng(1).normal(size=(BATCH + 3, 3)).astype(np.float32)
    result = run_float(model.SerializeToString(), {"x": x})
    np.testing.assert_array_equal(result["y"], np.maximum(x, 0))


@pytest.mark.parametrize(("inputs", "message"), [
    ({}, "the same number of samples"),
    ({"x": np.zeros((0, 3), np.float32)}, r"at least one; got \[0\]"),
    ({"z": np.zeros((1, 3), np.float32)}, "ONNX Runtime cannot run these inputs"),
    ({"x": np.zeros((1, 4), np.float32)}, "ONNX Runtime cannot run these inputs"),
])
def test_inputs_are_checked(make_model, inputs, message):
    model = make_model([make_node("Relu", ["x"], ["y"])], shape=(1, 3)).SerializeToString()
    with pytest.raises(DataError, match=message) as caught:
        run_float(model, inputs)
    assert "\n" not in str(caught.value)


def test_other_bytes_are_refused():
    with pytest.raises(ModelError, match="ONNX Runtime cannot load the model"):
        run_float(b"not a model", {"x": np.zeros((1, 3), np.float32)})
