"""Add, Sub, Mul, Div, Sum, PRelu, Min and Max with operands of every shape, in float and in int8."""

from __future__ import annotations

import numpy as np
import pytest
from onnx.helper import make_node

from compiler.front import front
from compiler.graph import Op
from compiler.passes.legality import verify_quantized
from runtime.cpu import run_float
from runtime.reference import ReferenceBackend

RNG = np.random.default_rng(12)
LEAST_DECIBELS = 28.0
"""Signal to quantization noise that int8 operands and results must keep."""


def floats(*shape):
    return RNG.normal(size=shape).astype(np.float32)


SHAPES = [
    ((1, 3, 8, 8), (1, 3, 8, 8)), ((1, 3, 8, 8), (1, 3, 1, 1)), ((1, 3, 8, 8), (1, 1, 8, 8)), ((1, 3, 8, 8), (1, 1)),
    ((1, 3, 8, 8), (1, 8)), ((1, 3, 1, 1), (1, 1, 8, 8)), ((1, 3, 8, 1), (1, 3, 1, 8)), ((1, 5), (1, 1)),
    ((1, 4, 5), (1, 5)), ((1, 2, 3, 4, 5), (1, 2, 1, 4, 5)), ((1, 2, 3, 4, 5), (1, 1, 1, 1, 5)), ((1, 5), (1, 4, 5)),
]
CONSTANTS = [(1, 3, 8, 8), (3, 8, 8), (8, 8), (8,), (3, 1, 1), (1,), (), (3, 8, 1), (1, 1, 1, 8)]


def _near_float(model, samples, least=LEAST_DECIBELS):
    """Quantize, run the reference, and hold the noise against ONNX Runtime; return the quantized graph."""
    graph = front(model, samples)
    verify_quantized(graph)
    result = ReferenceBackend().run(graph, samples)
    for name, got in result.items():
        exact = np.concatenate([
            run_float(model.SerializeToString(), {key: array[i : i + 1] for key, array in samples.items()})[name]
            for i in range(len(got))
        ])
        assert got.shape == exact.shape
        noise = np.square(got - exact).sum()
        assert 10 * np.log10(np.square(exact).sum() / max(noise, 1e-30)) > least
    return graph


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("op_type", ["Add", "Sub", "Mul"])
def test_run_time_operands(make_model, same_as_onnxruntime, op_type, shapes, reverse):
    nodes = [make_node(op_type, ["z", "x"] if reverse else ["x", "z"], ["y"])]
    model = make_model(nodes, shape=shapes[0], more_inputs={"z": shapes[1]})
    same_as_onnxruntime(model)
    _near_float(model, {"x": floats(4, *shapes[0][1:]), "z": floats(4, *shapes[1][1:])})


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("shape", CONSTANTS)
@pytest.mark.parametrize("op_type", ["Add", "Sub", "Mul", "Div"])
def test_constant_operands(make_model, same_as_onnxruntime, op_type, shape, reverse):
    nodes = [make_node("AveragePool", ["x"], ["c"], kernel_shape=[1, 1])] if op_type != "Div" else [
        make_node("Softplus", ["x"], ["p"]), make_node("MaxPool", ["p"], ["c"], kernel_shape=[1, 1])]
    nodes.append(make_node(op_type, ["k", "c"] if reverse else ["c", "k"], ["y"]))
    constant = np.asarray(np.sign(floats(*shape)) * (0.5 + np.abs(floats(*shape))), np.float32)
    model = make_model(nodes, constants={"k": constant})
    same_as_onnxruntime(model)
    _near_float(model, {"x": floats(4, 3, 8, 8)}, least=20.0 if op_type == "Div" and reverse else LEAST_DECIBELS)


def test_sum_of_tensors_and_constants(make_model, same_as_onnxruntime):
    nodes = [make_node("Sum", ["k", "x", "m", "z"], ["y"])]
    model = make_model(nodes, constants={"k": floats(3, 1, 1), "m": floats(8, 8)}, more_inputs={"z": (1, 3, 1, 8)})
    same_as_onnxruntime(model)
    _near_float(model, {"x": floats(4, 3, 8, 8), "z": floats(4, 3, 1, 8)})


@pytest.mark.parametrize(("slope", "expected"), [
    (np.full(1, 0.1, np.float32), [Op.CONV2D, Op.FUNCTION]),
    (np.array([[[0.1]], [[-0.3]], [[0.9]], [[1.0]]], np.float32), [Op.CONV2D, Op.CONV2D, Op.ADD]),
    (np.array([[[1.1]], [[1.0]], [[3.0]], [[1.5]]], np.float32), [Op.CONV2D, Op.CONV2D, Op.ADD]),
    (np.array([[[0.1]], [[-0.3]], [[0.9]], [[2.0]]], np.float32), [Op.CONV2D, Op.FUNCTION, Op.CONV2D, Op.ADD]),
    (np.abs(np.sin(floats(6, 7))), [Op.CONV2D, Op.MUL, Op.ADD]),
    (1 + floats(6, 7), [Op.CONV2D, Op.FUNCTION, Op.MUL, Op.ADD]),
], ids=["one", "channels", "above 1", "on both sides of 1", "positions", "positions on both sides of 1"])
def test_prelu(make_model, same_as_onnxruntime, slope, expected):
    nodes = [make_node("Conv", ["x", "w"], ["c"]), make_node("PRelu", ["c", "s"], ["y"])]
    model = make_model(nodes, constants={"w": floats(4, 3, 3, 2), "s": slope})
    assert sorted(node.op for node in same_as_onnxruntime(model).nodes()) == sorted(expected)
    _near_float(model, {"x": floats(4, 3, 8, 8)})


@pytest.mark.parametrize("op_type", ["Min", "Max"])
def test_min_and_max_with_constants_are_clips(make_model, same_as_onnxruntime, op_type):
    nodes = [make_node("Conv", ["x", "w"], ["c"]), make_node(op_type, ["a", "c", "b"], ["y"])]
    constants = {"w": floats(4, 3, 3, 3), "a": np.float32(0.3), "b": np.array([0.5], np.float32)}
    assert [node.op for node in same_as_onnxruntime(make_model(nodes, constants=constants)).nodes()] == [Op.CONV2D]


def test_clip_of_crossed_bounds_is_its_max(make_model, same_as_onnxruntime):
    nodes = [make_node("Clip", ["x", "a", "b"], ["y"])]
    same_as_onnxruntime(make_model(nodes, constants={"a": np.float32(2), "b": np.float32(1)}))
