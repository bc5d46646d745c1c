"""Every operator of the float graph on PyTorch's CPU device, compared with ONNX Runtime."""

from __future__ import annotations

import re

import numpy as np
import pytest

from compiler import expression
from compiler.graph import Graph, Op
from compiler.importer.float_session import run_float_graph
from compiler.passes.legality import IMPORTED
from tests.runtime.gpu.float_cases import CASES, function

torch = pytest.importorskip("torch")

from runtime.gpu import DeviceGraph  # noqa: E402
from runtime.gpu.float_operators import FLOAT  # noqa: E402
from runtime.gpu.functions import FUNCTIONS  # noqa: E402

CPU = torch.device("cpu")
EXPRESSIONS = {
    "acos": "acos(mul(x, 0.2))", "acosh": "acosh(add(abs(x), 1.0))", "add": "add(x, 1.0)", "asin": "asin(mul(x, 0.2))",
    "atanh": "atanh(mul(x, 0.2))", "celu": "celu(x, 0.7)", "clip": "clip(x, -0.5, 0.25)", "div": "div(x, 3.0)",
    "elu": "elu(x, 0.7)", "hard_sigmoid": "hard_sigmoid(x, 0.3, 0.4)", "leaky_relu": "leaky_relu(x, 0.1)",
    "log": "log(add(abs(x), 0.1))", "mul": "mul(x, x)", "pow": "pow(abs(x), 1.5)",
    "reciprocal": "reciprocal(add(abs(x), 0.5))", "selu": "selu(x, 1.6, 1.05)", "shrink": "shrink(x, 0.2, 0.5)",
    "sqrt": "sqrt(abs(x))", "sub": "sub(1.0, x)", "thresholded_relu": "thresholded_relu(x, 0.5)",
}
"""Calls of functions that need more than x, or have values for a part of the numbers only."""


def run(graph: Graph, inputs: dict[str, np.ndarray], dtype: torch.dtype = torch.float32) -> dict[str, np.ndarray]:
    prepared = DeviceGraph(graph, CPU, dtype)
    values, _ = prepared.run(prepared.upload(inputs))
    return prepared.download(values)


def inputs_of(graph: Graph, samples: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)
    shapes = {name: graph.tensors[name].shape for name in graph.inputs}
    return {name: random.normal(size=(samples * s[0], *s[1:])).astype(np.float32) for name, s in shapes.items()}


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}: {case[1]}")
def test_float32_is_what_onnx_runtime_computes(case: tuple[Op, str], samples: int) -> None:
    graph = CASES[case]
    inputs = inputs_of(graph, samples)
    expected, found = run_float_graph(graph, inputs)["y"], run(graph, inputs)["y"]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5, strict=True)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}: {case[1]}")
def test_float16_is_near(case: tuple[Op, str]) -> None:
    graph = CASES[case]
    inputs = inputs_of(graph, 2)
    expected, found = run_float_graph(graph, inputs)["y"], run(graph, inputs, torch.float16)["y"]
    half = np.clip(expected, np.finfo(np.float16).min, np.finfo(np.float16).max)
    np.testing.assert_allclose(found, half, rtol=1e-2, atol=2e-2, strict=True)


@pytest.mark.parametrize("name", expression.FUNCTIONS)
def test_functions_are_what_onnx_runtime_computes(name: str) -> None:
    graph = function(EXPRESSIONS.get(name, f"{name}(x)"))
    inputs = inputs_of(graph, 1)
    np.testing.assert_allclose(run(graph, inputs)["y"], run_float_graph(graph, inputs)["y"], rtol=1e-5, atol=1e-6)


def test_averages_of_large_numbers_stay_within_float16() -> None:
    graph = CASES[Op.AVERAGE_POOL, "edges"]
    inputs = {"x": np.full(graph.tensors["x"].shape, 30000, np.float32)}
    np.testing.assert_allclose(run(graph, inputs, torch.float16)["y"], 30000, rtol=1e-2)


def test_every_operator_and_function_has_a_case() -> None:
    assert FUNCTIONS.keys() == expression.FUNCTIONS.keys()
    assert all(re.search(rf"\b{name}\(", text) for name, text in EXPRESSIONS.items())
    assert {op for op, _ in CASES} == FLOAT.keys() == set(IMPORTED) - {Op.ONNX}


def test_a_function_without_x_has_the_shape_of_x() -> None:
    graph = function("2.5")
    np.testing.assert_array_equal(run(graph, inputs_of(graph, 2))["y"], np.full((2, 6, 7, 9), 2.5, np.float32))
