"""The graph under construction: what is taken back, what cannot be read, and what subgraphs read from outside."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx.helper import make_node

from compiler.graph import Op, Tensor
from compiler.importer.context import Context, OnnxNode
from compiler.importer.fallback import captured_names
from machine.errors import ModelError


@pytest.fixture
def context() -> Context:
    return Context(17, {"": 17}, {"x": Tensor("x", (1, 2, 4, 4), "float32")})


def node(op_type: str, inputs: list[str], outputs: list[str], **attributes: object) -> OnnxNode:
    return OnnxNode.of(make_node(op_type, inputs, outputs, **attributes), op_type.lower())


def state(context: Context) -> tuple[object, ...]:
    return (list(context.tensors), [made.name for made in context.nodes], dict(context.extra_outputs))


def test_undo_takes_back_all_that_was_made_since_the_mark(context: Context) -> None:
    context.emit(node("Relu", ["x"], ["a"]), Op.CLIP, context.tensors["x"], attributes={"min": 0.0})
    before, mark = state(context), context.mark()
    pool = node("MaxPool", ["a"], ["b", "places"])
    for _ in range(2):
        window = {"kernel": (2, 2), "strides": (2, 2), "pads": (0, 0, 0, 0), "dilations": (1, 1)}
        context.emit(pool, Op.MAX_POOL, context.tensors["a"], attributes=window)
        context.emit_as(pool, "c", Op.ADD, context.tensors["b"], {"b": np.ones((1, 2, 2, 2), np.float32)})
        assert [made.name for made in context.nodes] == ["relu", "maxpool", "maxpool_2"]
        assert set(context.tensors) == {"x", "a", "b", "c", "maxpool_2_b"} and set(context.extra_outputs) == {"places"}
        context.undo(mark)
        assert state(context) == before


def test_names_that_are_taken_back_are_given_again(context: Context) -> None:
    assert context.unique_node_name("a") == "a"
    mark = context.mark()
    assert [context.unique_node_name("a"), context.unique_tensor_name("x")] == ["a_2", "x_2"]
    context.undo(mark)
    assert [context.unique_node_name("a"), context.unique_tensor_name("x")] == ["a_2", "x_2"]


def test_who_reads_the_indices_of_a_pool_is_told_what_they_are(context: Context) -> None:
    window = {"kernel": (2, 2), "strides": (2, 2), "pads": (0, 0, 0, 0), "dilations": (1, 1)}
    context.emit(node("MaxPool", ["x"], ["y", "places"]), Op.MAX_POOL, context.tensors["x"], attributes=window)
    with pytest.raises(ModelError, match=r"'cast' \(Cast\): reads 'places', output 2 of node 'maxpool' \(MaxPool\)"):
        context.tensor(node("Cast", ["places"], ["z"], to=TensorProto.FLOAT), 0)


def graph(nodes: list[object], outputs: list[str], inputs: tuple[str, ...] = ()) -> object:
    values = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in (*inputs, *outputs)}
    return helper.make_graph(nodes, "branch", [values[name] for name in inputs], [values[name] for name in outputs])


def test_names_that_nested_subgraphs_read_from_outside() -> None:
    inner = graph([make_node("Add", ["own", "far"], ["p"]), make_node("Relu", ["p"], ["q"])], ["q"])
    other = graph([make_node("Identity", ["near"], ["r"])], ["r"])
    outer = graph(
        [make_node("Neg", ["given"], ["own"]),
         make_node("If", ["which"], ["z"], then_branch=inner, else_branch=other)],
        ["z"], ("given",),
    )
    loop = make_node("Loop", ["", "", "carried"], ["y"], body=outer)
    assert sorted(captured_names(loop)) == ["far", "near", "which"]


def test_an_output_that_nothing_inside_makes_is_read_from_outside() -> None:
    branch = make_node("If", ["c"], ["y"], then_branch=graph([], ["a"]), else_branch=graph([], ["b"]))
    assert sorted(captured_names(branch)) == ["a", "b"]
