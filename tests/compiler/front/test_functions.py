"""Element-wise functions: expressions, import against ONNX Runtime, their tables, and the ranges they allow."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx.helper import make_node

from compiler.expression import FUNCTIONS, MOST_CALLS, X, call, calls, evaluate, is_bounded, parse, substitute, to_text
from compiler.front import front
from compiler.graph import Op, Quantization
from compiler.importer.export_functions import OPERATORS
from compiler.importer.float_session import run_float_graph
from compiler.importer.handlers_functions import FUNCTION_HANDLERS
from compiler.quantizer.functions import quantize_constant, table_of
from machine import numerics
from machine.errors import ModelError
from runtime.reference import ReferenceBackend

RNG = np.random.default_rng(11)
POSITIVE = {"Log", "Sqrt", "Reciprocal"}


def floats(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def expressions():
    numbers = st.floats(-8, 8).map(lambda value: float(np.float32(value)))

    def calls_of(inner):
        return st.sampled_from(sorted(FUNCTIONS)).flatmap(
            lambda name: st.tuples(*[inner] * FUNCTIONS[name].operands).map(lambda operands: call(name, *operands))
        )

    return st.recursive(st.just(X) | numbers, calls_of, max_leaves=8)


@settings(max_examples=60, deadline=None)
@given(expressions())
def test_text_is_the_expression(expression):
    assert parse(to_text(expression)) == expression


@settings(max_examples=60, deadline=None)
@given(expressions(), expressions())
def test_substitution_is_composition(outer, inner):
    x = np.linspace(-3, 3, 7)
    expected = evaluate(outer, evaluate(inner, x))
    np.testing.assert_array_equal(evaluate(substitute(outer, inner), x), expected)


@pytest.mark.parametrize("text", [
    "y", "sigmoid(x, x)", "unknown(x)", "x + 1", "__import__('os')", "sigmoid(x", "sigmoid(x=x)", "[x]", "True", "",
    "-x", "x.real", "(" * 5000,
])
def test_other_text_is_refused(text):
    with pytest.raises(ModelError, match="is not an expression"):
        parse(text)


def test_every_function_has_an_onnx_operator():
    assert set(OPERATORS) == set(FUNCTIONS)


@pytest.mark.parametrize("name", [name for name, function in FUNCTIONS.items() if function.bounded])
def test_bounded_functions_have_bounds(name):
    parameters = {"clip": (-1.0, 2.0), "hard_sigmoid": (0.2, 0.5)}.get(name, ())
    expression = call(name, X, *parameters)
    assert is_bounded(expression)
    assert np.abs(evaluate(expression, np.linspace(-1e6, 1e6, 1001))).max() <= 2


ATTRIBUTES = {
    "Elu": {"alpha": 0.7}, "Celu": {"alpha": 1.3}, "LeakyRelu": {"alpha": 0.2}, "ThresholdedRelu": {"alpha": 0.5},
    "Shrink": {"bias": 0.3, "lambd": 0.7},
    "Selu": {"alpha": 1.5, "gamma": 1.1}, "HardSigmoid": {"alpha": 0.3, "beta": 0.4},
}
SIMPLE = sorted(set(FUNCTION_HANDLERS) - {"PRelu", "Pow", "Swish"})
OPSET = 20


@pytest.mark.parametrize("attributes", [False, True])
@pytest.mark.parametrize("op_type", SIMPLE)
def test_function(make_model, same_as_onnxruntime, op_type, attributes):
    given = ATTRIBUTES.get(op_type, {}) if attributes else {}
    nodes = [make_node("Abs", ["x"], ["a"]), make_node("Add", ["a", "one"], ["b"])] if op_type in POSITIVE else []
    nodes.append(make_node(op_type, [nodes[-1].output[0] if nodes else "x"], ["y"], **given))
    constants = {"one": np.float32(0.5)} if op_type in POSITIVE else {}
    graph = same_as_onnxruntime(make_model(nodes, constants=constants, opset=OPSET))
    assert [node.op for node in graph.nodes()] == [Op.FUNCTION]


@pytest.mark.parametrize("exponent", [2.0, 3.0, 0.0, -1.0])
def test_pow_with_a_constant_exponent(make_model, same_as_onnxruntime, exponent):
    model = make_model([make_node("Pow", ["x", "e"], ["y"])], constants={"e": np.array([exponent], np.float32)})
    assert [node.op for node in same_as_onnxruntime(model).nodes()] == [Op.FUNCTION]


def test_pow_of_a_constant_base(make_model, same_as_onnxruntime):
    model = make_model([make_node("Pow", ["b", "x"], ["y"])], constants={"b": np.float32(2.5)})
    assert [node.op for node in same_as_onnxruntime(model).nodes()] == [Op.FUNCTION]


@pytest.mark.parametrize("alpha", [1.0, 1.702])
def test_swish(make_model, fused, alpha):
    (node,) = fused(make_model([make_node("Swish", ["x"], ["y"], alpha=alpha)], opset=24)).nodes()
    x = np.linspace(-4, 4, 9)
    np.testing.assert_allclose(evaluate(parse(node.attributes["expression"]), x), x / (1 + np.exp(-alpha * x)))


CONSTANTS = {
    "half": np.float32(0.5), "one": np.float32(1), "three": np.float32(3), "six": np.float32(6),
    "root": np.float32(math.sqrt(2)), "cubic": np.float32(0.044715), "gain": np.float32(math.sqrt(2 / math.pi)),
    "quick": np.float32(1.702),
}
WRITTEN_OUT = {
    "swish": [("Sigmoid", "x", "s"), ("Mul", "x s", "y")],
    "quick gelu": [("Mul", "x quick", "a"), ("Sigmoid", "a", "s"), ("Mul", "x s", "y")],
    "hard swish of HardSigmoid": [("HardSigmoid", "x", "s"), ("Mul", "s x", "y")],
    "hard swish of Relu6": [("Add", "x three", "a"), ("Clip", "a zero six", "b"), ("Mul", "x b", "c"),
                            ("Div", "c six", "y")],
    "gelu": [("Div", "x root", "a"), ("Erf", "a", "b"), ("Add", "b one", "c"), ("Mul", "x c", "d"),
             ("Mul", "d half", "y")],
    "gelu, halved first": [("Div", "x root", "a"), ("Erf", "a", "b"), ("Add", "b one", "c"), ("Mul", "x half", "d"),
                           ("Mul", "d c", "y")],
    "gelu by tanh": [("Pow", "x three", "a"), ("Mul", "a cubic", "b"), ("Add", "x b", "c"), ("Mul", "c gain", "d"),
                     ("Tanh", "d", "e"), ("Add", "e one", "f"), ("Mul", "x half", "g"), ("Mul", "g f", "y")],
    "mish": [("Softplus", "x", "a"), ("Tanh", "a", "b"), ("Mul", "x b", "y")],
    "square": [("Mul", "x x", "y")],
    "hyperbola": [("Neg", "x", "a"), ("Exp", "a", "b"), ("Sub", "one b", "y")],
    "logistic": [("Neg", "x", "a"), ("Exp", "a", "b"), ("Add", "b one", "c"), ("Div", "three c", "y")],
    "difference": [("Tanh", "x", "a"), ("Sub", "x a", "y")],
}


@pytest.mark.parametrize("name", WRITTEN_OUT)
def test_functions_written_out_become_one(make_model, same_as_onnxruntime, name):
    steps = WRITTEN_OUT[name]
    nodes = [make_node(op_type, reads.split(), [write]) for op_type, reads, write in steps]
    constants = CONSTANTS | {"zero": np.float32(0)}
    used = {name for node in nodes for name in node.input}
    model = make_model(nodes, constants={k: v for k, v in constants.items() if k in used})
    assert [node.op for node in same_as_onnxruntime(model).nodes()] == [Op.FUNCTION]


STEPS = ["Sigmoid", "Tanh", "Relu", "Add", "Sub", "Mul", "MaxPool", "AddOne", "Clip"]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=8))
def test_random_element_wise_networks(make_model, same_as_onnxruntime, steps):
    """Whatever is fused, the values stay; tensors read by several nodes and kept by pools included."""
    nodes = [make_node("Conv", ["x", "w"], ["t0"])]
    for index, (op_type, *reads) in enumerate(steps, start=1):
        a, b = (f"t{max(0, index - 1 - read % index)}" for read in reads)
        made = {
            "AddOne": lambda a, b, y: make_node("Add", [a, "one"], [y]),
            "MaxPool": lambda a, b, y: make_node("MaxPool", [a], [y], kernel_shape=[1, 1]),
            "Clip": lambda a, b, y: make_node("Clip", [a, "half", "one"], [y]),
        }.get(op_type, lambda a, b, y, op_type=op_type: make_node(
            op_type, [a, b] if op_type in ("Add", "Sub", "Mul") else [a], [y]))
        nodes.append(made(a, b, f"t{index}"))
    nodes.append(make_node("Mul", [f"t{len(steps)}", "three"], ["y"]))
    constants = {name: CONSTANTS[name] for name in ("one", "half", "three")} | {"w": floats(3, 3, 1, 1)}
    same_as_onnxruntime(make_model(nodes, constants=constants))


def test_long_chains_stay_several_functions(make_model, same_as_onnxruntime):
    nodes = [make_node("Sin", ["x"], ["t0"])]
    nodes += [make_node("Tanh", [f"t{i}"], [f"t{i + 1}"]) for i in range(MOST_CALLS)]
    nodes.append(make_node("Tanh", [f"t{MOST_CALLS}"], ["y"]))
    found = same_as_onnxruntime(make_model(nodes)).nodes()
    assert [calls(parse(node.attributes["expression"])) for node in found] == [MOST_CALLS, 2]


@settings(max_examples=40, deadline=None)
@given(st.floats(0.001, 0.2), st.integers(-128, 127), st.floats(0.001, 0.2), st.integers(-128, 127),
       st.sampled_from(["sigmoid(x)", "mul(x, tanh(softplus(x)))", "sin(x)", "round(x)"]))
def test_a_table_is_the_function_of_every_value(x_scale, x_zero, y_scale, y_zero, text):
    expression = parse(text)
    table = table_of(expression, Quantization((x_scale,), x_zero), Quantization((y_scale,), y_zero))
    values = np.arange(-128, 128, dtype=np.int8)
    real = evaluate(expression, (values.astype(float) - x_zero) * x_scale)
    np.testing.assert_array_equal(numerics.look_up(values, table), numerics.quantize(real, y_scale, y_zero))


def test_a_table_has_values_where_the_function_has_none():
    x, y = Quantization((0.1,), 0), Quantization((0.01,), -128)
    table = table_of(parse("sqrt(x)"), x, y)
    assert (table[128:] == -128).all()  # below zero: the value at zero
    assert table_of(parse("log(x)"), x, y)[0] == -128  # minus infinity: the lowest
    assert table_of(parse("reciprocal(x)"), x, y)[0] == 127
    assert (table_of(parse("sqrt(sub(-1.0, abs(x)))"), x, y) == -128).all()  # nowhere: the zero point


def test_constants_are_rounded_to_the_nearest():
    data = np.array([0.0, 0.04, 0.06, -9.0, 9.0], np.float32)
    assert quantize_constant(data, Quantization((0.1,), 3)).tolist() == [3, 3, 4, -87, 93]


def _quantized(make_model, nodes, constants, scale=1.0):
    samples = (scale * RNG.normal(size=(16, 3, 8, 8))).astype(np.float32)
    return front(make_model(nodes, constants=constants), {"x": samples}), samples


@pytest.mark.parametrize(("op_type", "low", "high"), [("Sigmoid", 0.0, 1.0), ("Tanh", -1.0, 1.0)])
def test_ranges_of_bounded_functions_are_known(make_model, op_type, low, high):
    nodes = [make_node("Conv", ["x", "w"], ["c"]), make_node(op_type, ["c"], ["y"])]
    graph, _ = _quantized(make_model, nodes, {"w": floats(4, 3, 3, 3)}, scale=5)
    y = graph.tensors[graph.nodes()[-1].inputs[0]]
    ends = [(q - y.zero_point) * y.scale for q in (-128, 127)]
    np.testing.assert_allclose(ends, [low, high], atol=0.01)


def test_an_input_gives_up_what_a_function_cannot_tell_apart(make_model):
    nodes = [make_node("Conv", ["x", "w"], ["c"]), make_node("HardSwish", ["c"], ["y"])]
    weight = floats(4, 3, 3, 3)
    graph, _ = _quantized(make_model, nodes, {"w": weight}, scale=4)
    c = graph.tensors[graph.node("Conv_0").output]
    low = (-128 - c.zero_point) * c.scale
    assert -3.1 < low < -2, "below -3 every value is 0"
    read_twice, _ = _quantized(make_model, [*nodes[:1], make_node("HardSwish", ["c"], ["h"]),
                                            make_node("Concat", ["c", "h"], ["y"], axis=1)], {"w": weight}, scale=4)
    c = read_twice.tensors[read_twice.node("Conv_0").output]
    assert (-128 - c.zero_point) * c.scale < -10, "what something else reads stays whole"


def test_a_function_of_a_small_range_stays_whole(make_model):
    graph, samples = _quantized(make_model, [make_node("Round", ["x"], ["y"])], {}, scale=0.01)
    result = ReferenceBackend().run(graph, {"x": samples})["y"]
    assert not result.any()
    assert graph.tensors["x_quantized"].scale > 1e-4


LRN = {
    "defaults": {"size": 3}, "wide": {"size": 5, "alpha": 0.9, "beta": 0.6, "bias": 2.0},
    "even": {"size": 4, "alpha": 2.0},
    "one": {"size": 1, "alpha": 0.5}, "all": {"size": 99, "alpha": 0.5},
}


LEAST_DECIBELS = 30.0
"""Signal to quantization noise that a normalisation keeps; the default alpha of 1e-4 keeps much more."""


def _lrn(x, size, alpha=1e-4, beta=0.75, bias=1.0):
    """The specification's formula, channel by channel (ONNX Runtime takes four dimensions and odd sizes only)."""
    result = np.empty(x.shape)
    for c in range(x.shape[1]):
        first, last = max(0, c - math.floor((size - 1) / 2)), min(x.shape[1] - 1, c + math.ceil((size - 1) / 2))
        squares = np.square(x[:, first : last + 1].astype(np.float64)).sum(axis=1)
        result[:, c] = x[:, c] / (bias + alpha / size * squares) ** beta
    return result


@pytest.mark.parametrize("shape", [(1, 7, 4, 5), (1, 6, 9), (1, 5, 2, 3, 4)])
@pytest.mark.parametrize("attributes", LRN.values(), ids=LRN)
def test_lrn(make_model, fused, attributes, shape):
    model = make_model([make_node("LRN", ["x"], ["y"], **attributes)], shape=shape)
    x = 2 * floats(16, *shape[1:])
    exact = _lrn(x, **attributes)
    np.testing.assert_allclose(run_float_graph(fused(model), {"x": x})["y"], exact, rtol=1e-5, atol=1e-6)
    result = ReferenceBackend().run(front(model, {"x": x}), {"x": x})["y"]
    assert 10 * np.log10(np.square(exact).sum() / np.square(exact - result).sum()) > LEAST_DECIBELS
