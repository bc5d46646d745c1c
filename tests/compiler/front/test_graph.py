"""The graph: networkx in and out, order, verification, serialisation."""

from __future__ import annotations

import contextlib
import copy
import json
import pickle
from random import Random

import networkx as nx
import numpy as np
import pytest
from onnx.helper import make_node

from compiler.front import front
from compiler.graph import Graph, Node, Op, Quantization, Tensor
from compiler.passes.legality import verify_quantized
from machine.errors import ModelError

SHAPE = (1, 2, 4, 4)


def floats(*names):
    return [Tensor(name, SHAPE, "float32") for name in names]


def diamond() -> Graph:
    nodes = [
        Node("join", Op.ADD, ("l", "r"), ("y",)),
        Node("right", Op.CLIP, ("s",), ("r",), {"min": 0.0}),
        Node("left", Op.RELU, ("s",), ("l",)),
        Node("stem", Op.RELU, ("x",), ("s",)),
    ]
    return Graph.build(nodes, floats("x", "s", "l", "r", "y", "unused"), ["x"], ["y"])


def test_order_is_topological_with_ties_by_insertion():
    assert [node.name for node in diamond().nodes()] == ["stem", "right", "left", "join"]


def test_producers_and_consumers():
    graph = diamond()
    assert graph.producer("x") is None
    assert graph.producer("s") == graph.node("stem")
    assert [node.name for node in graph.consumers("s")] == ["right", "left"]


def test_tensors_that_nothing_refers_to_are_left_out():
    assert "unused" not in diamond().tensors


def test_networkx_goes_out_and_comes_in():
    taken_out = diamond().networkx
    assert isinstance(taken_out, nx.MultiDiGraph)
    assert {data["tensor"]: data["input"] for *_, data in taken_out.in_edges("join", data=True)} == {"l": 0, "r": 1}
    assert Graph.from_networkx(taken_out.copy()).nodes() == diamond().nodes()


def test_a_tensor_read_twice_by_one_node_has_two_edges():
    nodes = [Node("a", Op.RELU, ("x",), ("s",)), Node("b", Op.ADD, ("s", "s"), ("y",))]
    graph = Graph.build(nodes, floats("x", "s", "y"), ["x"], ["y"])
    assert graph.networkx.number_of_edges("a", "b") == 2


def test_serialisation_is_lossless():
    weight = Tensor.constant("w", np.arange(4, dtype=np.int8).reshape(2, 2, 1, 1), Quantization((0.1, 1 / 3), 0, 0))
    node = Node("c", Op.CONV2D, ("x", "w"), ("y",), {"pads": (1, 2, 3, 4), "groups": 1, "low": -0.1, "text": "t"})
    activations = [Tensor(name, SHAPE, "int8", Quantization((0.7,), 3)) for name in ("x", "y")]
    graph = Graph.build([node], [weight, *activations], ["x"], ["y"])
    header, arrays = graph.to_dict()
    back = Graph.from_dict(json.loads(json.dumps(header)), arrays)
    assert back.to_dict()[0] == header
    assert back.nodes() == graph.nodes()
    assert back.tensors["w"].quantization == weight.quantization
    np.testing.assert_array_equal(back.tensors["w"].array, weight.array)


def test_deserialisation_refuses_what_is_malformed():
    header, arrays = diamond().to_dict()
    with pytest.raises(ModelError, match="format version 9, expected 1"):
        Graph.from_dict(header | {"version": 9}, arrays)
    with pytest.raises(ModelError, match="malformed description"):
        Graph.from_dict({key: v for key, v in header.items() if key != "nodes"}, arrays)
    with pytest.raises(ModelError, match="malformed description"):
        Graph.from_dict(header | {"nodes": [header["nodes"][0] | {"op": "rm"}]}, arrays)


def damaged(value, random):
    """A JSON value with one of its leaves, or branches, replaced."""
    if isinstance(value, dict | list) and value and random.random() < 0.85:
        key = random.choice(list(value)) if isinstance(value, dict) else random.randrange(len(value))
        copied = value.copy()
        copied[key] = damaged(value[key], random)
        return copied
    return random.choice([None, -1, 0, 3, 1e99, "x", "nothing", [], [1], [[1]], {}, {"a": 1}, True])


def test_damaged_descriptions_are_refused_or_read_but_never_break(make_model):
    nodes = [make_node("Conv", ["x", "w"], ["c"]), make_node("MaxPool", ["c"], ["p"], kernel_shape=[2, 2]),
             make_node("Add", ["p", "p"], ["y"])]
    model = make_model(nodes, shape=SHAPE, constants={"w": np.ones((2, 2, 1, 1), np.float32)})
    header, arrays = front(model, {"x": np.ones(SHAPE, np.float32)}).to_dict()
    random = Random(1)
    for _ in range(1000):
        with contextlib.suppress(ModelError):
            verify_quantized(Graph.from_dict(damaged(header, random), arrays))


@pytest.mark.parametrize(("nodes", "message"), [
    ([Node("a", Op.RELU, ("nothing",), ("y",))], "tensor 'nothing' does not exist"),
    ([Node("a", Op.RELU, ("s",), ("y",))], "tensor 's' is read, but no node writes it"),
    ([Node("a", Op.RELU, ("x",), ("y",)), Node("b", Op.RELU, ("x",), ("y",))], "'y' is written twice"),
    ([Node("a", Op.RELU, ("x",), ("y",)), Node("a", Op.RELU, ("x",), ("s",))], "another node has the same name"),
    ([Node("a", Op.ADD, ("x", "s"), ("y",)), Node("b", Op.RELU, ("y",), ("s",))], "the nodes form a cycle"),
    ([Node("a", Op.RELU, ("x",), ("x",))], "'x' is written twice, or is a graph input"),
])
def test_unsound_graphs_are_refused(nodes, message):
    with pytest.raises(ModelError, match=message):
        Graph.build(nodes, floats("x", "s", "y"), ["x"], ["y"])


def test_networkx_graphs_that_contradict_themselves_are_refused():
    graph = diamond().networkx.copy()
    graph.remove_edge("stem", "left")
    with pytest.raises(ModelError, match="edges contradict"):
        Graph.from_networkx(graph)
    with pytest.raises(ModelError, match="graph attribute 'tensors' is missing"):
        Graph.from_networkx(nx.MultiDiGraph())
    graph = diamond().networkx.copy()
    graph.add_node("stray")
    with pytest.raises(ModelError, match="node 'stray' needs an attribute 'node'"):
        Graph.from_networkx(graph)


def test_tensors_are_checked():
    with pytest.raises(ModelError, match="dimensions must be positive"):
        Graph.build([Node("a", Op.RELU, ("x",), ("y",))], [Tensor("x", (1, 0), "float32"), *floats("y")], ["x"], ["y"])
    wrong = Tensor("w", (2,), "int8", None, np.zeros(3, np.int8))
    with pytest.raises(ModelError, match=r"tensor 'w' is int8\[2\], its data int8\[3\]"):
        Graph.build([Node("a", Op.ADD, ("x", "w"), ("y",))], [wrong, *floats("x", "y")], ["x"], ["y"])


@pytest.mark.parametrize("scales", [(), (0.0,), (-1.0,), (float("nan"),), (float("inf"),), (1.0, 2.0)])
def test_quantization_is_checked(scales):
    with pytest.raises(ModelError, match="quantization"):
        Quantization(scales, 0)


def test_graphs_can_be_copied_deeply_and_sent_to_other_processes():
    taken_out = diamond().networkx
    for other in (copy.deepcopy(taken_out), pickle.loads(pickle.dumps(taken_out))):
        assert Graph.from_networkx(other).nodes() == diamond().nodes()
    assert len(set(diamond().nodes())) == 4


def test_attributes_are_typed():
    node = Node("a", Op.CLIP, ("x",), ("y",), {"pads": (1, 0.5), "text": "t"})
    with pytest.raises(ModelError, match=r"node 'a' \(clip\): attribute 'pads' must be a tuple of integers"):
        node.integers("pads")
    with pytest.raises(ModelError, match="attribute 'text' must be a number, got 't'"):
        node.number("text")
    with pytest.raises(ModelError, match="attribute 'axis' must be an integer, got None"):
        node.integer("axis")
