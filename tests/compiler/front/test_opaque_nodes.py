"""`Op.ONNX` nodes: what a node's definition keeps, and how samples are run through ONNX Runtime."""

from dataclasses import replace

import numpy as np
import pytest
from onnx import TensorProto, helper

from compiler.importer.float_session import run_float_graph
from compiler.importer.onnx_import import import_onnx
from compiler.importer.opaque import onnx_node, opaque_node
from machine.errors import DataError, ModelError


def clip() -> tuple:
    proto = helper.make_node("Clip", ["x", "", "high"], ["y"], name="cut")
    return proto, opaque_node(proto, "cut", 13, ["a", "", "c"], ["d"], "no form")


def cumulative_sum(shape: list[int]):
    axis = helper.make_tensor("axis", TensorProto.INT64, [], [0])
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "xy"]
    node = helper.make_node("CumSum", ["x", "axis"], ["y"])
    graph = helper.make_graph([node], "sums", values[:1], values[1:], [axis])
    return import_onnx(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8))


def test_an_omitted_input_keeps_its_place():
    _, node = clip()
    assert node.inputs == ("a", "c")
    assert list(onnx_node(node).input) == ["a", "", "c"]
    assert list(onnx_node(node).output) == ["d"]


def test_renamed_tensors_are_in_the_onnx_node():
    _, node = clip()
    renamed = replace(node, inputs=("p", "q"), outputs=("r",))
    assert list(onnx_node(renamed).input) == ["p", "", "q"]
    assert list(onnx_node(renamed).output) == ["r"]


def test_a_tensor_read_twice_is_read_twice():
    proto = helper.make_node("BitShift", ["x", "x"], ["y"], direction="LEFT")
    node = onnx_node(opaque_node(proto, "shift", 11, ["a", "a"], ["b"], "no form"))
    assert list(node.input) == ["a", "a"]
    assert helper.get_node_attr_value(node, "direction") == b"LEFT"


@pytest.mark.parametrize("definition", ["not base64!", "////"])
def test_a_damaged_definition_is_refused_by_name(definition):
    _, node = clip()
    damaged = replace(node, attributes={**node.attributes, "definition": definition})
    with pytest.raises(ModelError, match=r"cut.*definition is damaged"):
        onnx_node(damaged)


def test_a_definition_of_more_inputs_than_the_node_has_is_refused_by_name():
    _, node = clip()
    with pytest.raises(ModelError, match=r"cut.*definition is damaged"):
        onnx_node(replace(node, inputs=("a",)))


def test_samples_of_several_rows_are_run_one_by_one():
    rows = np.arange(18, dtype=np.float32).reshape(9, 2)
    sums = run_float_graph(cumulative_sum([3, 2]), {"x": rows})["y"]
    assert np.array_equal(sums, np.cumsum(rows.reshape(3, 3, 2), axis=1).reshape(9, 2))


def test_a_part_of_a_sample_is_refused():
    with pytest.raises(DataError, match=r"must have shape \[samples \* 3, 2\], got \[4, 2\]"):
        run_float_graph(cumulative_sum([3, 2]), {"x": np.zeros((4, 2), np.float32)})
