"""Cross-layer equalisation: the float function stays, and the channels become alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx.helper import make_node

from compiler.importer.float_session import run_float_graph
from compiler.passes.legality import verify_fused
from compiler.quantizer.equalize import equalize, find_pairs
from compiler.quantizer.options import QuantizationOptions
from compiler.quantizer.quantize import quantize
from runtime.reference import ReferenceBackend


def network(make_model, seed, activation="Relu", pool="MaxPool", groups=2, uneven=3.0):
    """Return conv, activation, pool, grouped or depthwise conv, activation, flatten, dense; uneven channels."""
    random = np.random.default_rng(seed)

    def weights(*shape):
        uneven_rows = np.exp(random.normal(size=(shape[0], *(1,) * (len(shape) - 1))) * uneven)
        return (random.normal(size=shape) * uneven_rows / np.sqrt(np.prod(shape[1:]))).astype(np.float32)

    nodes = [
        make_node("Conv", ["x", "w1", "b1"], ["c1"], "first", pads=[1] * 4),
        make_node(activation, ["c1", *(["low", "high"] if activation == "Clip" else [])], ["r1"]),
        make_node(pool, ["r1"], ["p1"], kernel_shape=[2, 2], strides=[2, 2]),
        make_node("Conv", ["p1", "w2", "b2"], ["c2"], "second", pads=[1] * 4, group=groups),
        make_node("Relu", ["c2"], ["r2"]),
        make_node("Flatten", ["r2"], ["f"]),
        make_node("Gemm", ["f", "w3", "b3"], ["y"], "third", transB=1),
    ]
    constants = {
        "w1": weights(8, 3, 3, 3), "b1": weights(8), "w2": weights(8, 8 // groups, 3, 3), "b2": weights(8),
        "w3": weights(5, 8 * 16), "b3": weights(5),
    }
    if activation == "Clip":
        constants |= {"low": np.float32(0), "high": np.float32(6)}
    return make_model(nodes, constants=constants)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["Relu", "Identity"]), st.sampled_from(["MaxPool", "AveragePool"]),
       st.sampled_from([1, 2, 8]))
def test_the_float_function_is_preserved(make_model, fused, seed, activation, pool, groups):
    graph = fused(network(make_model, seed, activation, pool, groups))
    made = equalize(graph)
    verify_fused(made)
    x = {"x": np.random.default_rng(seed + 1).normal(size=(3, 3, 8, 8)).astype(np.float32)}
    expected, got = (run_float_graph(each, x)["y"] for each in (graph, made))
    assert [pair.first for pair in find_pairs(graph)] == ["first", "second"]
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_both_layers_become_equally_large_in_each_channel(make_model, fused, seed):
    made = equalize(fused(network(make_model, seed, groups=1)))
    first, second, third = (made.tensors[made.node(name).inputs[1]].array for name in ("first", "second", "third"))
    made_by_first, made_by_second = (np.abs(array).max(axis=(1, 2, 3)) for array in (first, second))
    np.testing.assert_allclose(made_by_first, np.abs(second).max(axis=(0, 2, 3)), rtol=0.01)
    np.testing.assert_allclose(made_by_second, np.abs(third).reshape(5, 8, 16).max(axis=(0, 2)), rtol=0.01)


def test_scaled_tensors_have_names_of_their_own_and_outputs_keep_theirs(make_model, fused):
    graph = fused(network(make_model, 1))
    made = equalize(graph)
    x = {"x": np.random.default_rng(2).normal(size=(2, 3, 8, 8)).astype(np.float32)}
    same = [node.output for node in made.nodes() if node.output in graph.tensors]
    assert same == ["y"] and made.outputs == graph.outputs
    unequal = run_float_graph(graph, x, ["p1"])["p1"], run_float_graph(made, x, ["p1_equalized"])["p1_equalized"]
    assert not np.allclose(*unequal)


def test_a_bounded_activation_is_no_pair(make_model, fused):
    assert [pair.first for pair in find_pairs(fused(network(make_model, 1, "Clip")))] == ["second"]


def residual(make_model):
    nodes = [make_node("Conv", ["x", "w1"], ["a"]), make_node("Conv", ["a", "w2"], ["b"], pads=[1] * 4),
             make_node("Add", ["a", "b"], ["c"]), make_node("Conv", ["c", "w1b"], ["y"])]
    random = np.random.default_rng(1)
    shapes = {"w1": (4, 3, 3, 3), "w2": (4, 4, 3, 3), "w1b": (2, 4, 1, 1)}
    return make_model(nodes, constants={n: random.normal(size=s).astype(np.float32) for n, s in shapes.items()})


def test_what_is_read_twice_or_added_is_left_alone(make_model, fused):
    graph = fused(residual(make_model))
    assert find_pairs(graph) == ()
    assert {node.output for node in equalize(graph).nodes()} == {node.output for node in graph.nodes()}


def test_dead_channels_are_left_alone(make_model, fused):
    model = network(make_model, 3)
    graph = fused(model)
    tensors = []
    for name in ("first", "second"):
        weight = graph.tensors[graph.node(name).inputs[1]]
        data = weight.array.copy()
        data[2] = 0
        tensors.append(type(weight).constant(weight.name, data))
    dead = graph.replace(tensors=tensors)
    x = {"x": np.random.default_rng(2).normal(size=(2, 3, 8, 8)).astype(np.float32)}
    expected, got = (run_float_graph(each, x)["y"] for each in (dead, equalize(dead)))
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def spread(graph, factors):
    """Multiply the first layer's channels and divide the second's weights for them: what equalisation undoes."""
    first, second = graph.node("first"), graph.node("second")
    weight, bias = (graph.tensors[name] for name in first.inputs[1:])
    reader = graph.tensors[second.inputs[1]]
    return graph.replace(tensors=[
        type(weight).constant(weight.name, weight.array * factors[:, None, None, None]),
        type(bias).constant(bias.name, bias.array * factors),
        type(reader).constant(reader.name, reader.array / factors[None, :, None, None]),
    ])


@pytest.mark.parametrize("seed", range(5))
def test_channels_that_were_spread_lose_less_when_equalised(make_model, fused, seed):
    random = np.random.default_rng(seed + 1)
    factors = np.exp(random.normal(size=8) * 2).astype(np.float32)
    graph = spread(fused(network(make_model, seed, groups=1, uneven=0.2)), factors)
    x = {"x": random.normal(size=(64, 3, 8, 8)).astype(np.float32)}
    exact = run_float_graph(graph, x)["y"]
    noise = []
    for options in (QuantizationOptions(), QuantizationOptions(equalize=True)):
        got = ReferenceBackend().run(quantize(graph, x, options), x)["y"]
        noise.append(float(np.square(got - exact).sum()))
    print(f"noise with equalisation: {noise[1] / noise[0]:.3f} of that without")
    assert noise[1] < noise[0] / 4
