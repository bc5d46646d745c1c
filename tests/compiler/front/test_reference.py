"""The reference backend against loops over single values in Python integers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.graph import Graph, Node, Op, Quantization, Tensor
from compiler.passes.legality import verify_quantized
from compiler.passes.shapes import output_shape
from machine import numerics
from machine.errors import DataError
from machine.numerics import rescale_from_real
from runtime.reference import ReferenceBackend, exact_product

X_SCALE, Y_SCALE = 0.05, 0.04


def int8s(seed, *shape):
    return np.random.default_rng(seed).integers(-128, 128, shape).astype(np.int8)


@given(
    st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 700), st.integers(1, 4)), st.integers(0, 2**32 - 1),
    st.booleans(),
)
def test_products_in_double_precision_are_those_of_integers(sizes, seed, extreme):
    stack, m, k, n = sizes
    choices = np.array([-255, 255] if extreme else range(-255, 256))
    generator = np.random.default_rng(seed)
    a, b = generator.choice(choices, (stack, m, k)), generator.choice(choices, (stack, k, n))
    product = exact_product(a, b)
    assert product.dtype == np.int64
    np.testing.assert_array_equal(product, a @ b)


def test_sums_that_single_precision_would_round():
    """262,145 products of 255 and 255, one less by 255: odd, and above 2**24."""
    a, b = np.full((1, 1 << 18 | 1), 255), np.full((1 << 18 | 1, 2), 255)
    b[-1, 0] = 254
    assert exact_product(a, b).tolist() == [[255 * 255 * (1 << 18 | 1) - 255, 255 * 255 * (1 << 18 | 1)]]


def test_sums_beyond_double_precision_are_refused():
    k = (1 << 53) // 255**2 + 1
    a, b = np.broadcast_to(np.int64(1), (1, k)), np.broadcast_to(np.int64(1), (k, 1))
    with pytest.raises(OverflowError, match=f"a sum of {k} products"):
        exact_product(a, b)


def one_node(op, x_shape, attributes, zeros=(-7, 11), weight=None, bias=None, same=False):
    """A graph of one node from x to y with the zero points `zeros`; int8 in, int8 out."""
    y_quantization = Quantization((X_SCALE,), zeros[0]) if same else Quantization((Y_SCALE,), zeros[1])
    tensors = [Tensor("x", x_shape, "int8", Quantization((X_SCALE,), zeros[0]))]
    if weight is not None:
        scales = tuple(0.001 * (1 + i) for i in range(len(weight)))
        tensors += [Tensor.constant("w", weight, Quantization(scales, 0, 0)), Tensor.constant("b", bias)]
    node = Node("n", op, tuple(t.name for t in tensors), ("y",), attributes)
    tensors.append(Tensor("y", output_shape(node, [t.shape for t in tensors]), "int8", y_quantization))
    graph = Graph.build([node], tensors, ["x"], ["y"])
    verify_quantized(graph)
    return graph


def finish(total, bias, rescale, zero, low, high):
    value = numerics.finish(np.array([total], np.int32), bias, rescale.multiplier, rescale.left, rescale.right, zero,
                            low, high)
    return int(value[0])


def run(graph, x):
    return ReferenceBackend().run_integers(graph, {"x": x})["y"]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([(1, 1), (2, 1), (4, 1), (4, 2)]), st.tuples(*[st.integers(0, 2)] * 4),
       st.tuples(*[st.integers(1, 2)] * 2), st.tuples(*[st.integers(1, 2)] * 2))
def test_conv2d(seed, groups_and_multiplier, pads, strides, dilations):
    groups, multiplier = groups_and_multiplier
    weight, bias = int8s(seed, 4 * multiplier, 4 // groups, 2, 3), np.arange(4 * multiplier, dtype=np.int32) * 100
    attributes = {"strides": strides, "pads": pads, "dilations": dilations, "groups": groups, "activation_min": -100,
                  "activation_max": 90}
    graph = one_node(Op.CONV2D, (1, 4, 6, 6), attributes, weight=weight, bias=bias)
    x = int8s(seed + 1, 2, 4, 6, 6)
    expected = np.zeros((2, *graph.tensors["y"].shape[1:]), np.int8)
    for n, c, i, j in np.ndindex(*expected.shape):
        first = c // (len(weight) // groups) * (4 // groups)
        total = 0
        for k, r, s in np.ndindex(*weight.shape[1:]):
            row = i * strides[0] - pads[0] + r * dilations[0]
            column = j * strides[1] - pads[1] + s * dilations[1]
            if 0 <= row < 6 and 0 <= column < 6:
                total += (int(x[n, first + k, row, column]) + 7) * int(weight[c, k, r, s])
        rescale = rescale_from_real(X_SCALE * 0.001 * (1 + c) / Y_SCALE)
        expected[n, c, i, j] = finish(total, int(bias[c]), rescale, 11, -100, 90)
    np.testing.assert_array_equal(run(graph, x), expected)


def test_dense():
    weight, bias = int8s(1, 5, 9), np.array([-500, 0, 500, 7, -7], np.int32)
    graph = one_node(Op.DENSE, (1, 9), {"activation_min": -128, "activation_max": 127}, weight=weight, bias=bias)
    x = int8s(2, 3, 9)
    expected = [[finish(sum((int(v) + 7) * int(w) for v, w in zip(row, weight[c], strict=True)), int(bias[c]),
                        rescale_from_real(X_SCALE * 0.001 * (1 + c) / Y_SCALE), 11, -128, 127) for c in range(5)]
                for row in x]
    np.testing.assert_array_equal(run(graph, x), np.array(expected))


def test_accumulators_wrap_at_32_bits():
    weight, bias = np.full((1, 2), 127, np.int8), np.array([2**31 - 1], np.int32)
    graph = one_node(Op.DENSE, (1, 2), {"activation_min": -128, "activation_max": 127}, weight=weight, bias=bias)
    assert run(graph, np.array([[127, 127]], np.int8)).tolist() == [[-128]]


@pytest.mark.parametrize("pads", [(0, 0, 0, 0), (1, 0, 1, 1), (1, 1, 0, 0)])
@pytest.mark.parametrize("include", [None, 0, 1])
def test_pools(pads, include):
    attributes = {"kernel": (3, 2), "strides": (2, 1), "pads": pads}
    if include is None:
        graph = one_node(Op.MAX_POOL, (1, 2, 7, 6), attributes, same=True)
    else:
        graph = one_node(Op.AVERAGE_POOL, (1, 2, 7, 6), attributes | {"count_include_pad": include})
    x = int8s(3, 2, 2, 7, 6)
    expected = np.zeros((2, *graph.tensors["y"].shape[1:]), np.int8)
    for n, c, i, j in np.ndindex(*expected.shape):
        rows = [r for r in range(i * 2 - pads[0], i * 2 - pads[0] + 3) if 0 <= r < 7]
        columns = [s for s in range(j - pads[1], j - pads[1] + 2) if 0 <= s < 6]
        window = [int(x[n, c, r, s]) for r, s in itertools.product(rows, columns)]
        count = 6 if include else len(window)
        expected[n, c, i, j] = max(window) if include is None else finish(
            sum(v + 7 for v in window), 0, numerics.average_rescale(X_SCALE, Y_SCALE, count), 11, -128, 127)
    np.testing.assert_array_equal(run(graph, x), expected)


def test_reshape_keeps_the_samples():
    graph = one_node(Op.RESHAPE, (1, 2, 3), {"shape": (1, 6)}, same=True)
    x = int8s(4, 5, 2, 3)
    np.testing.assert_array_equal(run(graph, x), x.reshape(5, 6))


def ends():
    """A float graph with an int8 dense in the middle and a softmax at the end."""
    quantization = Quantization((0.1,), 0)
    tensors = [
        Tensor("x", (1, 3), "float32"), Tensor("xq", (1, 3), "int8", quantization),
        Tensor.constant("w", np.eye(3, dtype=np.int8), Quantization((1.0,) * 3, 0, 0)),
        Tensor.constant("b", np.zeros(3, np.int32)), Tensor("lq", (1, 3), "int8", quantization),
        Tensor("l", (1, 3), "float32"), Tensor("y", (1, 3), "float32"),
    ]
    nodes = [
        Node("q", Op.QUANTIZE, ("x",), ("xq",)),
        Node("d", Op.DENSE, ("xq", "w", "b"), ("lq",), {"activation_min": -128, "activation_max": 127}),
        Node("f", Op.DEQUANTIZE, ("lq",), ("l",)),
        Node("s", Op.SOFTMAX, ("l",), ("y",), {"axis": 1, "log": 0}),
    ]
    return Graph.build(nodes, tensors, ["x"], ["y", "l"])


def test_host_operators_and_batches(monkeypatch):
    x = np.array([[1.04, -2.0, 0.0], [20.0, 0.26, 1.0], [0.0, 0.0, 0.0]], np.float32)
    result = ReferenceBackend().run(ends(), {"x": x})
    np.testing.assert_allclose(result["l"], [[1.0, -2.0, 0.0], [12.7, 0.3, 1.0], [0, 0, 0]], atol=1e-6)
    np.testing.assert_allclose(result["y"].sum(axis=1), 1.0, atol=1e-6)
    monkeypatch.setattr("runtime.reference.BATCH", 2)
    again = ReferenceBackend().run(ends(), {"x": x})
    np.testing.assert_array_equal(again["y"], result["y"])


def test_the_integer_body_alone():
    x = int8s(5, 2, 3)
    values = ReferenceBackend().run_integers(ends(), {"xq": x}, all_tensors=True)
    assert set(values) == {"xq", "lq"}
    assert set(ReferenceBackend().run_integers(ends(), {"xq": x})) == {"lq"}
    np.testing.assert_array_equal(values["lq"], x)


@pytest.mark.parametrize(("inputs", "message"), [
    ({}, r"inputs must be \['x'\], got \[\]"),
    ({"x": np.zeros((1, 4))}, r"input 'x' must have shape \[samples, 3\], got \[1, 4\]"),
    ({"x": np.zeros((0, 3))}, "at least one; got"),
])
def test_inputs_are_checked(inputs, message):
    with pytest.raises(DataError, match=message):
        ReferenceBackend().run(ends(), inputs)


def test_integer_inputs_are_checked():
    with pytest.raises(DataError, match="must be int8"):
        ReferenceBackend().run_integers(ends(), {"xq": np.zeros((1, 3), np.float32)})
    with pytest.raises(DataError, match=r"int8 inputs must be \['xq'\], got \['x'\]"):
        ReferenceBackend().run_integers(ends(), {"x": np.zeros((1, 3), np.int8)})
