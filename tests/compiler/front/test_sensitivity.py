"""The sensitivity report: one layer quantized at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx.helper import make_node

from compiler.importer.float_session import run_float_graph
from compiler.quantizer.calibration import measure_ranges
from compiler.quantizer.quantize import quantize
from compiler.quantizer.scheme import activation_quantization, quantize_weights
from compiler.quantizer.sensitivity import SAMPLES, NoiseRatio, measure_sensitivity
from runtime.reference import ReferenceBackend


def network(make_model, spoilt=False):
    random = np.random.default_rng(5)
    weights = {"w1": random.normal(size=(4, 3, 3, 3)), "w2": random.normal(size=(4, 4, 3, 3)),
               "w3": random.normal(size=(4, 64, 1, 1))[:, :4]}
    if spoilt:  # one tap dwarfs its channel, and multiplies what is nearly always zero
        weights["w2"][:, 3] = 0
        weights["w2"][:, 3, 1, 1] = 3000
        weights["w1"][3] = 0
    nodes = [make_node("Conv", ["x", "w1"], ["c1"], "one"), make_node("Relu", ["c1"], ["r1"]),
             make_node("Conv", ["r1", "w2"], ["c2"], "two"), make_node("Relu", ["c2"], ["r2"]),
             make_node("MaxPool", ["r2"], ["p"], "pool", kernel_shape=[2, 2]),
             make_node("Conv", ["p", "w3"], ["y"], "three")]
    return make_model(nodes, constants={name: array.astype(np.float32) for name, array in weights.items()})


def samples(count=12, seed=6):
    return {"x": np.random.default_rng(seed).normal(size=(count, 3, 8, 8)).astype(np.float32)}


def test_layers_are_reported_in_order_of_execution(make_model, fused):
    rows = measure_sensitivity(fused(network(make_model)), samples())
    assert [(row.layer, row.operator) for row in rows] == [
        ("x", "input"), ("one", "conv2d"), ("two", "conv2d"), ("three", "conv2d")]
    assert all(25 < row.sqnr_db < 70 for row in rows)
    assert rows[0].to_dict() == {"layer": "x", "operator": "input", "sqnr_db": rows[0].sqnr_db,
                                 "outputs_db": {"y": rows[0].sqnr_db}}


def test_the_figure_is_that_of_the_layer_rounded_by_hand(make_model, fused):
    graph, data = fused(network(make_model)), samples()
    ranges = measure_ranges(graph, data)
    node = graph.node("three")
    weight, bias = (graph.tensors[name].array for name in node.inputs[1:])
    x, y = (activation_quantization(*ranges[name]) for name in ("r2", "y"))
    made = quantize_weights(weight, bias, x.scale[0], y.scale[0])
    rounded = (made.weight * np.array(made.scales).reshape(-1, 1, 1, 1)).astype(np.float32)
    pooled, exact = run_float_graph(graph, data, ["p", "y"]).values()
    real = np.einsum("nchw,oc->nohw", pooled, rounded[:, :, 0, 0])
    scale, zero = y.scale[0], y.zero_point
    got = (np.clip(np.rint(real / scale) + zero, -128, 127) - zero) * scale
    expected = 10 * np.log10(np.square(exact).sum() / np.square(got - exact).sum())
    assert measure_sensitivity(graph, data)[-1].sqnr_db == pytest.approx(expected, abs=0.05)


def test_the_layer_that_was_spoilt_is_the_lowest(make_model, fused):
    rows = measure_sensitivity(fused(network(make_model, spoilt=True)), samples())
    assert min(rows, key=lambda row: row.sqnr_db).layer == "two"


def test_noise_of_all_layers_adds_up_to_about_the_whole(make_model, fused):
    graph, data = fused(network(make_model)), samples()
    rows = measure_sensitivity(graph, data)
    exact = run_float_graph(graph, data)["y"]
    whole = NoiseRatio()
    whole.add(exact, ReferenceBackend().run(quantize(graph, data), data)["y"])
    total = -10 * np.log10(sum(10 ** (-row.sqnr_db / 10) for row in rows))
    assert whole.decibels == pytest.approx(total, abs=2)


def test_only_the_first_samples_are_run(make_model, fused):
    graph, data = fused(network(make_model)), samples(SAMPLES)
    more = {"x": np.concatenate([data["x"], data["x"][:3] / 2])}
    assert measure_sensitivity(graph, more) == measure_sensitivity(graph, data)


@given(st.floats(1e-3, 1e3), st.integers(1, 6))
def test_a_ratio_is_that_of_the_powers(amplitude, parts):
    exact = np.linspace(-amplitude, amplitude, 60)
    ratio = NoiseRatio()
    for part in np.array_split(exact, parts):
        ratio.add(part, part * 1.01)
    assert ratio.decibels == pytest.approx(40)


def test_ratios_without_noise_or_signal():
    ratio = NoiseRatio()
    ratio.add(np.zeros(3), np.zeros(3))
    assert ratio.decibels == math.inf
    ratio.add(np.zeros(3), np.ones(3))
    assert ratio.decibels == -math.inf
