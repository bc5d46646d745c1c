"""Models whose nodes are in no topological order are brought into one; others stay the same object."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from onnx.helper import make_node

from compiler.front import import_model
from compiler.importer.load import load
from compiler.importer.node_order import in_order
from machine.errors import ModelError
from runtime.cpu import run_float


def model(nodes: list[onnx.NodeProto]) -> onnx.ModelProto:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in "xy"]
    graph = helper.make_graph(nodes, "test", values[:1], values[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


CHAIN = [
    make_node("Relu", ["x"], ["a"], "first"), make_node("Sigmoid", ["a"], ["b"], "second"),
    make_node("Add", ["a", "b"], ["c"], "third"), make_node("Mul", ["c", "x"], ["y"], "fourth"),
]


@given(st.permutations(range(len(CHAIN))))
def test_any_order_gives_the_same_graph(order: list[int]) -> None:
    shuffled = model([CHAIN[index] for index in order])
    before = shuffled.SerializeToString()
    loaded = load(shuffled)
    assert [node.name for node in loaded.graph.node] == ["first", "second", "third", "fourth"]
    assert shuffled.SerializeToString() == before, "the caller's model was changed"
    x = np.random.default_rng(0).normal(size=(1, 4)).astype(np.float32)
    expected = run_float(model(CHAIN).SerializeToString(), {"x": x})["y"]
    np.testing.assert_array_equal(run_float(loaded.SerializeToString(), {"x": x})["y"], expected)


def test_a_sorted_model_is_the_same_object() -> None:
    proto = model([*CHAIN[:2], make_node("Relu", ["x"], ["free"], "free"), *CHAIN[2:]])
    assert in_order(proto) is proto


def test_what_a_subgraph_reads_comes_first() -> None:
    branch = helper.make_graph([make_node("Identity", ["b"], ["out"])], "branch", [],
                               [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 4])])
    choice = make_node("If", ["flag"], ["y"], "choice", then_branch=branch, else_branch=branch)
    nodes = [choice, make_node("Relu", ["x"], ["b"], "relu")]
    assert [node.name for node in in_order(model(nodes)).graph.node] == ["relu", "choice"]


def test_a_cycle_is_refused() -> None:
    with pytest.raises(ModelError, match="topologically sorted"):
        import_model(model([make_node("Add", ["x", "y"], ["a"], "one"), make_node("Relu", ["a"], ["y"], "two")]))
