"""What the accelerator is given is one sample: operators on the first axis of a model with a fixed batch."""

from __future__ import annotations

import numpy as np
import pytest
from onnx.helper import make_node

from compiler.front import front, import_model
from compiler.graph import Op
from compiler.importer.float_session import run_float_graph
from runtime.cpu import run_float
from runtime.reference import ReferenceBackend


@pytest.mark.parametrize(("starts", "ends", "steps"), [([0], [3], [1]), ([1], [20], [1]), ([0], [20], [2])])
def test_a_slice_of_the_batch_is_what_onnx_runtime_gives(make_model, starts, ends, steps):
    numbers = {"starts": starts, "ends": ends, "axes": [0], "steps": steps}
    constants = {name: np.array(values, np.int64) for name, values in numbers.items()}
    model = make_model([make_node("Slice", ["x", *constants], ["y"])], constants=constants, shape=(20, 3, 4))
    samples = {"x": np.random.default_rng(0).normal(size=(20, 3, 4)).astype(np.float32)}
    graph = front(model, samples)
    exact = run_float(model.SerializeToString(), samples)["y"]
    np.testing.assert_array_equal(ReferenceBackend().run(graph, samples)["y"], exact)


def test_neg_of_a_sequence_is_on_the_host(make_model):
    model, samples = make_model([make_node("Neg", ["x"], ["y"])], shape=(5,)), {"x": np.arange(5, dtype=np.float32)}
    (node,) = front(model, samples).nodes()
    assert (node.op, "a batch and channels are needed" in node.text("reason")) == (Op.ONNX, True)


def test_the_largest_of_infinities_is_one(make_model):
    """ONNX Runtime's MaxPool begins with the least finite number, its ReduceMax with minus infinity."""
    model = make_model([make_node("ReduceMax", ["x"], ["y"], axes=[2], keepdims=1)], shape=(1, 3, 4), opset=13)
    x = np.full((1, 3, 4), -np.inf, np.float32)
    np.testing.assert_array_equal(run_float_graph(import_model(model), {"x": x})["y"], x[:, :, :1])
