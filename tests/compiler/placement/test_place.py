"""Which nodes are placed where, and what they and their crossings are held to cost."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.graph import AttributeValue, Graph, Node, Op, Tensor, is_on_host
from compiler.placement.place import CHEAPER, KEPT, PlacementOptions, Policy, place
from compiler.placement.prices import HostModel, accelerator_cycles, crossing_cycles, host_cycles, macs
from machine.config import load_machine
from machine.errors import CompileError

MACHINE = load_machine("edge16")
SHAPE = (1, 16, 8, 8)
WINDOW: dict[str, AttributeValue] = {"strides": (1, 1), "pads": (1, 1, 1, 1), "dilations": (1, 1), "groups": 1}
FUNCTION: dict[str, AttributeValue] = {"expression": "tanh(x)"}


def chain(*ops: Op, shape: tuple[int, ...] = SHAPE) -> Graph:
    """Return a graph of one node after the other, each named by its place and operator."""
    tensors, nodes = [Tensor("t0", shape, "float32")], []
    for index, op in enumerate(ops):
        name, read, attributes = f"{index}_{op}", [f"t{index}"], {}
        if op is Op.CONV2D:
            read += [f"w{index}", f"b{index}"]
            tensors += [Tensor.constant(f"w{index}", np.ones((shape[1], shape[1], 3, 3), np.float32)),
                        Tensor.constant(f"b{index}", np.zeros(shape[1], np.float32))]
            attributes = WINDOW
        elif op is Op.SOFTMAX:
            attributes = {"axis": 1, "log": 0}
        elif op is Op.FUNCTION:
            attributes = FUNCTION
        elif op is Op.MUL:
            read += [f"t{index}"]
        nodes.append(Node(name, op, tuple(read), (f"t{index + 1}",), attributes))
        tensors.append(Tensor(f"t{index + 1}", shape, "float32"))
    return Graph.build(nodes, tensors, ["t0"], [f"t{len(ops)}"])


def on_host(graph: Graph, options: PlacementOptions | None = None) -> dict[str, str]:
    """Return the reasons of the nodes that are placed on the host, by name."""
    placed = place(graph, MACHINE, options or PlacementOptions()).graph
    return {node.name: node.text("reason") for node in placed.nodes() if is_on_host(node)}


def test_what_the_accelerator_cannot_execute_is_on_the_host_and_convolutions_around_it_are_not() -> None:
    reasons = on_host(chain(Op.CONV2D, Op.SOFTMAX, Op.CONV2D))
    assert list(reasons) == ["1_softmax"]
    assert reasons["1_softmax"].startswith("the accelerator does not execute this operator; it executes add, ")


@pytest.mark.parametrize(
    ("ops", "moved"),
    [
        ((Op.CONV2D, Op.SOFTMAX, Op.MUL, Op.SOFTMAX, Op.CONV2D), ["2_mul"]),
        ((Op.SOFTMAX, Op.MUL), ["1_mul"]),
        ((Op.MUL, Op.SOFTMAX), ["0_mul"]),
        ((Op.SOFTMAX, Op.MUL, Op.FUNCTION, Op.SOFTMAX), ["1_mul", "2_function"]),
        ((Op.SOFTMAX, Op.CONV2D, Op.SOFTMAX), []),
        ((Op.SOFTMAX, Op.MUL, Op.CONV2D, Op.MUL, Op.SOFTMAX), []),
        ((Op.MUL,), []),
        ((Op.CONV2D, Op.MUL), []),
    ],
)
def test_only_cheap_nodes_beside_the_hosts_move_to_it(ops: tuple[Op, ...], moved: list[str]) -> None:
    reasons = on_host(chain(*ops))
    assert [name for name, reason in reasons.items() if reason == CHEAPER] == moved
    assert len(reasons) == len(moved) + ops.count(Op.SOFTMAX)


def test_what_costs_more_on_the_host_than_the_way_to_the_accelerator_and_back_crosses() -> None:
    """Forty calls of the host against the calls of two conversions; one call against them stays."""
    model = PlacementOptions(host=HostModel(seconds_per_call=1e-6, operations_per_second=1e30, bytes_per_second=1e30))
    assert len(on_host(chain(Op.SOFTMAX, *[Op.MUL] * 40, Op.SOFTMAX), model)) == 2
    assert len(on_host(chain(Op.SOFTMAX, Op.MUL, Op.SOFTMAX), model)) == 3


def test_a_node_is_kept_in_float_by_name() -> None:
    graph = chain(Op.CONV2D, Op.CONV2D)
    assert on_host(graph, PlacementOptions(keep_float=("1_conv2d",))) == {"1_conv2d": KEPT}


def test_an_unknown_name_to_keep_in_float_is_refused_with_close_ones() -> None:
    with pytest.raises(CompileError, match="^no node is called '1_conv'; close are '1_conv2d', '0_conv2d'$"):
        on_host(chain(Op.CONV2D, Op.CONV2D), PlacementOptions(keep_float=("1_conv",)))


@pytest.mark.parametrize(
    ("graph", "options", "message"),
    [
        (chain(Op.CONV2D, Op.SOFTMAX), PlacementOptions(Policy.ACCELERATOR_ONLY), "node '1_softmax' .softmax.: the"),
        (chain(Op.CONV2D), PlacementOptions(Policy.ACCELERATOR_ONLY, ("0_conv2d",)), "node '0_conv2d' .conv2d.: it"),
    ],
)
def test_accelerator_only_refuses_by_name_with_the_reason(
    graph: Graph, options: PlacementOptions, message: str
) -> None:
    with pytest.raises(CompileError, match=f"^{message} .*; the placement 'accelerator-only' allows"):
        on_host(graph, options)
    assert on_host(chain(Op.CONV2D, Op.MUL), PlacementOptions(Policy.ACCELERATOR_ONLY)) == {}


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        (chain(Op.MUL, shape=(4, 2, 8, 8)), "tensor 't0' is [4, 2, 8, 8]; the accelerator's begin with a 1, the batch"),
        (chain(Op.FUNCTION, shape=(4, 3)), "tensor 't0' is [4, 3]; the accelerator's begin with a 1, the batch"),
    ],
)
def test_a_leading_dimension_other_than_1_is_the_hosts(graph: Graph, reason: str) -> None:
    assert list(on_host(graph).values()) == [reason]


def test_the_same_graph_is_placed_the_same_twice() -> None:
    graph = chain(Op.CONV2D, Op.SOFTMAX, Op.MUL, Op.SOFTMAX, Op.CONV2D)
    first, second = (place(graph, MACHINE, PlacementOptions()) for _ in range(2))
    assert first.cut is not None and second.cut is not None
    assert first.cut.text() == second.cut.text()
    assert [*map(repr, first.graph.nodes())] == [*map(repr, second.graph.nodes())]


def test_prices_follow_from_the_sizes() -> None:
    graph, host = chain(Op.CONV2D), HostModel(1e-6, 1e9, 1e9)
    node, values, weights = graph.node("0_conv2d"), 16 * 8 * 8, 16 * 16 * 9
    assert macs(graph, node) == values * 16 * 9
    assert accelerator_cycles(graph, MACHINE, node) == values * 16 * 9 // (16 * 16)
    seconds = 1e-6 + (2 * values * 16 * 9 + values) / 1e9 + 4 * (2 * values + weights + 16) / 1e9
    assert host_cycles(graph, MACHINE, host, node) == pytest.approx(seconds * MACHINE.clock_hz, abs=1)
    seconds = 1e-6 + values / 1e9 + 5 * values / 1e9
    bus = values * MACHINE.bus_rate_denominator / (MACHINE.bus_bytes * MACHINE.bus_rate_numerator)
    expected = seconds * MACHINE.clock_hz + bus + MACHINE.read_latency_cycles
    assert crossing_cycles(graph, MACHINE, host, "t0") == pytest.approx(expected, abs=2)
