"""Editing a graph node by node gives what replacing its list of nodes gives, at a cost that does not grow with it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.graph import Graph, Node, Op, Tensor
from compiler.passes.base import Names, only_consumer, unique_name
from compiler.passes.edit import Edit


def chain(count: int, reads: list[int] | None = None) -> Graph:
    """Return nodes n0, n1, ... that write t0, t1, ...; each reads one tensor before it, by default the last."""
    sources = list(range(-1, count - 1)) if reads is None else [r % (i + 1) - 1 for i, r in enumerate(reads[:count])]
    names = {-1: "x"} | {i: f"t{i}" for i in range(count)}
    nodes = [Node(f"n{i}", Op.RELU, (names[source],), (names[i],)) for i, source in enumerate(sources)]
    tensors = [Tensor(name, (1, 2), "float32") for name in names.values()]
    return Graph.build(nodes, tensors, ["x"], [names[count - 1]])


def reads_by_search(graph: Graph, tensor: str) -> list[str]:
    return sorted(node.name for node in graph.nodes() for name in node.inputs if name == tensor)


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=12), st.lists(st.integers(0, 1000), max_size=8))
def test_an_edit_knows_at_each_step_what_its_graph_says(reads: list[int], removed: list[int]) -> None:
    graph = chain(len(reads), reads)
    edit = Edit(graph)
    for choice in removed:
        node = edit.nodes()[choice % len(edit.nodes())]
        if node.output in edit.outputs:
            edit.replace(node, [replace(node, name=edit.unique_node(node.name), op=Op.IDENTITY)])
        else:
            edit.redirect({node.output: node.inputs[0]})
            edit.remove(node)
        now = edit.graph()
        now.verify()
        assert set(edit.tensors) == set(now.tensors)
        for name in now.tensors:
            assert sorted(n.name for n in edit.reads(name)) == reads_by_search(now, name)
            assert edit.producer(name) == now.producer(name)


def test_what_replaces_a_node_stands_in_its_place() -> None:
    edit = Edit(chain(3))
    first, second = edit.node("n0"), edit.node("n1")
    between = Tensor("between", (1, 2), "float32")
    made = [Node("a", Op.RELU, ("t0",), ("between",)), Node("b", Op.RELU, ("between",), ("t1",))]
    edit.replace(second, made, [between])
    assert [node.name for node in edit.graph().nodes()] == ["n0", "a", "b", "n2"]
    edit.exchange({"n0": replace(first, op=Op.IDENTITY)})
    assert edit.node("n0").op is Op.IDENTITY and edit.reads("x") == (edit.node("n0"),)


def test_nodes_that_nothing_reads_are_pruned_with_what_only_they_read() -> None:
    edit = Edit(chain(4))
    last = edit.node("n3")
    edit.replace(last, [replace(last, inputs=("x",))])
    edit.prune(last.inputs)
    assert [node.name for node in edit.graph().nodes()] == ["n3"] and set(edit.tensors) == {"x", "t3"}


def test_the_only_consumer_is_known_to_graphs_and_edits_alike() -> None:
    graph = chain(2)
    for held in (graph, Edit(graph)):
        assert only_consumer(held, "t0") == graph.node("n1")
        assert only_consumer(held, "t1") is None


@given(st.lists(st.sampled_from(["a", "b", "a_2", "b_3"]), max_size=30))
def test_names_are_those_that_a_search_finds(wanted: list[str]) -> None:
    names, taken = Names({"b"}), {"b"}
    for name in wanted:
        expected = unique_name(name, taken)
        assert names.unique(name) == expected
        taken.add(expected)


@pytest.mark.parametrize("tensor", ["x", "t0", "t1", "t2"])
def test_consumers_are_those_that_a_search_finds(tensor: str) -> None:
    graph = chain(3, [0, 1, 1])
    assert [node.name for node in graph.consumers(tensor)] == reads_by_search(graph, tensor)
