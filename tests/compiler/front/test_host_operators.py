"""Operators without a handler: the tables say what becomes of a node, and that is what becomes of it."""

from __future__ import annotations

import warnings
from collections import defaultdict

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.helper import make_node

from compiler.front import import_model
from compiler.graph import Op
from compiler.importer.host_operators import COMPILE_TIME, HOST_OPERATORS, NEWEST_OPSET, REFUSED_OPERATORS
from compiler.importer.operators import Where, operators
from compiler.importer.registry import HANDLERS
from machine.errors import ModelError
from tests.e2e.onnx_nodes import forms

FLOAT, INT64, UINT8, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.UINT8, TensorProto.BOOL
SCALE, ZERO, KERNEL = np.float32(0.1), np.uint8(3), np.ones((1, 1, 2, 2), np.uint8)
BOX = np.ones((1, 4), np.float32)

# operator -> type and shape of `x`, other inputs (constants) in order, attributes, opset
EXAMPLES = {
    "BlackmanWindow": (INT64, (), (), {}, 17),
    "Cast": (FLOAT, (1, 4), (), {"to": TensorProto.INT32}, 17),
    "CastLike": (FLOAT, (1, 4), (np.zeros(1, np.int32),), {}, 17),
    "ConstantOfShape": (INT64, (2,), (), {}, 17),
    "ConvInteger": (UINT8, (1, 1, 4, 4), (KERNEL,), {}, 17),
    "CumSum": (FLOAT, (1, 4), (np.int64(1),), {}, 17),
    "DequantizeLinear": (UINT8, (1, 4), (SCALE, ZERO), {}, 17),
    "GlobalLpPool": (FLOAT, (1, 2, 4, 4), (), {}, 17),
    "HammingWindow": (INT64, (), (), {}, 17),
    "HannWindow": (INT64, (), (), {}, 17),
    "MaxRoiPool": (FLOAT, (1, 1, 4, 4), (np.zeros((1, 5), np.float32),), {"pooled_shape": [2, 2]}, 17),
    "MelWeightMatrix": (INT64, (), (np.int64(8), np.int64(8), np.float32(0), np.float32(9)), {}, 17),
    "Multinomial": (FLOAT, (1, 4), (), {}, 17),
    "Not": (BOOL, (1, 4), (), {}, 17),
    "OneHot": (INT64, (1, 4), (np.int64(3), np.array([0, 1], np.float32)), {}, 17),
    "Optional": (FLOAT, (1, 4), (), {}, 17),
    "OptionalGetElement": (FLOAT, (1, 4), (), {}, 18),
    "OptionalHasElement": (FLOAT, (1, 4), (), {}, 18),
    "QLinearConv": (UINT8, (1, 1, 4, 4), (SCALE, ZERO, KERNEL, SCALE, ZERO, SCALE, ZERO), {}, 17),
    "QuantizeLinear": (FLOAT, (1, 4), (SCALE, ZERO), {}, 17),
    "RandomNormalLike": (FLOAT, (1, 4), (), {}, 17),
    "RandomUniformLike": (FLOAT, (1, 4), (), {}, 17),
    "Range": (INT64, (), (np.int64(8), np.int64(1)), {}, 17),
    "RoiAlign": (FLOAT, (1, 1, 4, 4), (BOX, np.zeros(1, np.int64)), {}, 16),
    "SequenceConstruct": (FLOAT, (1, 4), (), {}, 17),
}
"""Examples of operators of which the tests of the `onnx` package have none that begins with opset 7 and tensors."""
UNTRIED = {
    "ConcatFromSequence", "SequenceAt", "SequenceErase", "SequenceInsert", "SequenceLength", "SequenceMap",
    "SequenceEmpty", "RandomNormal", "RandomUniform",
}
"""Refused operators that read a sequence, which nothing gives them, or that have no input."""


def example(operator: str) -> onnx.ModelProto:
    """Return a model of one node."""
    kind, shape, others, attributes, opset = EXAMPLES[operator]
    constants = [numpy_helper.from_array(np.asarray(value), f"c{index}") for index, value in enumerate(others)]
    node = make_node(operator, ["x", *(constant.name for constant in constants)], ["y"], name="n", **attributes)
    graph = helper.make_graph(
        [node], "test", [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info("y", FLOAT, ["any"])], constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def on_the_host(model: onnx.ModelProto) -> bool:
    """Whether a model's node becomes one of the host; it is refused otherwise."""
    try:
        return [node.op for node in import_model(model).nodes()] == [Op.ONNX]
    except ModelError:
        return False


def test_every_operator_is_in_one_table():
    tables = [set(HANDLERS), HOST_OPERATORS, set(REFUSED_OPERATORS), {COMPILE_TIME}]
    first: dict[str, int] = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.domain == "":
            first[schema.name] = min(schema.since_version, first.get(schema.name, schema.since_version))
    known = {name for name, version in first.items() if version <= NEWEST_OPSET}
    assert known <= set().union(*tables)
    assert sum(map(len, tables)) == len(set().union(*tables))


def test_operators_are_where_the_tables_say():
    where = {entry.name: entry.where for entry in operators()}
    assert {where[name] for name in HOST_OPERATORS} == {Where.HOST}
    assert {where[name] for name in REFUSED_OPERATORS} == {Where.REFUSED}
    assert where[COMPILE_TIME] is Where.REMOVED


@pytest.mark.parametrize("operator", EXAMPLES)
def test_examples(operator):
    assert on_the_host(example(operator)) == (operator in HOST_OPERATORS)


@pytest.mark.slow
def test_the_tests_of_the_onnx_package():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package's generators divide by zero on purpose
        from onnx.backend.test.loader import load_model_tests

        cases = load_model_tests(kind="node")
    found: dict[str, set[bool]] = defaultdict(set)
    for operator in EXAMPLES:
        found[operator].add(on_the_host(example(operator)))
    for case in cases:
        nodes = case.model.graph.node
        operator = nodes[0].op_type
        if len(nodes) == 1 and operator in HOST_OPERATORS | set(REFUSED_OPERATORS):
            found[operator] |= {on_the_host(form.model) for form in forms(case)}
    assert {operator for operator, outcomes in found.items() if True in outcomes} == HOST_OPERATORS
    assert {operator for operator, outcomes in found.items() if outcomes} >= set(REFUSED_OPERATORS) - UNTRIED
