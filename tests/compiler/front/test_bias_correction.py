"""Bias correction: the mean error of rounded weights is gone, and nothing else changes."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx.helper import make_node

from compiler.front import front
from compiler.graph import Tensor
from compiler.importer.float_session import run_float_graph
from compiler.passes.legality import verify_fused
from compiler.quantizer.bias_correction import correct_biases
from compiler.quantizer.calibration import measure_ranges
from compiler.quantizer.options import QuantizationOptions
from compiler.quantizer.scheme import rounded_weights
from compiler.quantizer.ties import tied_quantizations


def network(make_model, seed, groups):
    random = np.random.default_rng(seed)
    nodes = [make_node("Conv", ["x", "w1", "b1"], ["c1"], "conv", pads=[1, 0, 0, 1], strides=[2, 1], group=groups),
             make_node("Flatten", ["c1"], ["f"]), make_node("Gemm", ["f", "w2", "b2"], ["y"], "dense", transB=1)]
    shapes = {"w1": (8, 4 // groups, 3, 3), "b1": (8,), "w2": (5, 8 * 4 * 7), "b2": (5,)}
    constants = {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return make_model(nodes, shape=(1, 4, 8, 8), constants=constants)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 2, 4]))
def test_each_channel_of_a_rounded_layer_has_the_float_mean(make_model, fused, seed, groups):
    graph = fused(network(make_model, seed, groups))
    x = {"x": np.random.default_rng(seed + 1).uniform(0, 4, (6, 4, 8, 8)).astype(np.float32)}
    quantizations = tied_quantizations(graph, measure_ranges(graph, x))
    corrected = correct_biases(graph, x, quantizations)
    verify_fused(corrected)
    exact = run_float_graph(graph, x, ["c1", "y"])
    for name in ("conv", "dense"):
        before, after = graph.node(name), corrected.node(name)
        weight, bias = (graph.tensors[operand].array for operand in before.inputs[1:])
        scales = (quantizations[operand].scale[0] for operand in (before.inputs[0], before.output))
        rounded, _ = rounded_weights(weight, bias, *scales)
        layer = graph.replace(
            nodes=[after if node.name == name else node for node in graph.nodes()],
            tensors=[Tensor.constant(after.inputs[1], rounded), corrected.tensors[after.inputs[2]]],
        )
        got = run_float_graph(layer, x, [before.output])[before.output]
        axes = tuple(axis for axis in range(got.ndim) if axis != 1)
        size = np.abs(exact[before.output]).max()
        np.testing.assert_allclose(got.mean(axis=axes), exact[before.output].mean(axis=axes), atol=1e-5 * size)


def test_weights_and_activations_are_those_without_it(make_model):
    model = network(make_model, 1, 1)
    x = {"x": np.random.default_rng(2).uniform(0, 4, (6, 4, 8, 8)).astype(np.float32)}
    plain, corrected = (front(model, x, options=QuantizationOptions(bias_correction=on)) for on in (False, True))
    moved = 0
    for name, tensor in plain.tensors.items():
        other = corrected.tensors[name]
        assert other.quantization == tensor.quantization
        if tensor.dtype == "int8" and tensor.data is not None:
            np.testing.assert_array_equal(tensor.array, other.array)
        elif tensor.dtype == "int32":
            moved += int((tensor.array != other.array).sum())
    assert moved > 0


def test_a_graph_without_weights_is_returned_as_it_is(make_model, fused):
    graph = fused(make_model([make_node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2])]))
    x = {"x": np.ones((2, 3, 8, 8), np.float32)}
    assert correct_biases(graph, x, tied_quantizations(graph, measure_ranges(graph, x))) is graph
