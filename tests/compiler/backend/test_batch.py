"""Programs for several samples at once give every sample the bytes that the reference gives it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accel_sim.time import simulate_time
from compiler.backend.layers import Edge, Layout
from compiler.graph import Graph, Op
from compiler.pipeline import compile_graph
from machine.config import load_machine
from tests.compiler.backend.random_layers import KINDS, add_layer, add_product

MACHINES = ["nano4", "edge8", "edge4x8", "edge16"]


def _digits(net: Any) -> Graph:
    built = net(4)
    x = built.pool(built.conv(built.input(1, 14, 14), 9, (5, 5), pads=(2, 2, 2, 2)), Op.MAX_POOL)
    return built.graph(built.dense(built.reshape(x, 9 * 49), 10))


def _residuals(net: Any) -> Graph:
    built = net(6)
    a = built.conv(built.input(3, 9, 9), 12, strides=(2, 2))
    z = built.add(built.add(a, built.conv(built.conv(a, 20, (1, 1), pads=(0, 0, 0, 0)), 12)), a)
    pooled = built.pool(z, Op.AVERAGE_POOL, (5, 5), (1, 1))
    return built.graph(built.dense(built.reshape(pooled, 12), 5), z)


def _depthwise(net: Any) -> Graph:
    built = net(3)
    x = built.conv(built.input(12, 9, 9), 12, groups=12)
    x = built.conv(x, 20, (1, 1), (2, 2), (0, 0, 0, 0))
    return built.graph(built.pool(x, Op.AVERAGE_POOL, (3, 3), (2, 2), (1, 1, 1, 1)))


def _moves(net: Any) -> Graph:
    built = net(5)
    x = built.conv(built.input(5, 8, 6), 7)
    y = built.concat(built.slice(x, c=(1, 6, 1), h=(0, 8, 2)), built.slice(x, c=(0, 3, 1), h=(1, 8, 2)))
    y = built.pad(y, 0, 2, 1, 0, 0, 0, 2, 1)
    return built.graph(built.transpose(built.conv(y, 6), 0, 2, 1, 3))


def _joined(net: Any) -> Graph:
    """A concat of whole blocks: its parts lie in its memory."""
    built = net(7)
    x = built.conv(built.input(4, 6, 6), 16, (1, 1), pads=(0, 0, 0, 0))
    y = built.concat(built.conv(x, 16), built.conv(x, 16, (1, 1), pads=(0, 0, 0, 0)))
    return built.graph(built.conv(y, 5))


def _perceptron(net: Any) -> Graph:
    built = net(5)
    return built.graph(built.dense(built.dense(built.input(130), 20), 7))


def _broadcasts(net: Any) -> Graph:
    built = net(8)
    x = built.conv(built.input(6, 5, 4), 9)
    gate = built.pool(x, Op.AVERAGE_POOL, (5, 4), (1, 1))
    y = built.binary(Op.MUL, x, built.table(gate))
    y = built.binary(Op.ADD, y, built.constant(9, 5, 4))
    return built.graph(built.binary(Op.SUB, built.binary(Op.ADD, y, built.constant(9, 1, 1)), built.constant(9, 5, 1)))


def _flattened(net: Any) -> Graph:
    """A product over the rows of a reshaped image reads dense bytes."""
    built = net(9)
    x = built.reshape(built.conv(built.input(4, 6, 6), 6), 9, 4, 6)
    return built.graph(built.dense(built.reshape(built.conv(x, 5), 120), 6))


NETS: list[Callable[[Any], Graph]] = [
    _digits, _residuals, _depthwise, _moves, _joined, _perceptron, _broadcasts, _flattened,
]


@pytest.mark.parametrize("machine_name", MACHINES)
@pytest.mark.parametrize("make_net", NETS, ids=lambda f: f.__name__.strip("_"))
def test_bytes_of_the_reference(net: Any, check: Any, make_net: Callable[[Any], Graph], machine_name: str) -> None:
    check(load_machine(machine_name), make_net(net), samples=6, batch=3)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_random_networks(net: Any, check: Any, data: Any) -> None:
    draw = data.draw
    machine, batch = load_machine(draw(st.sampled_from(MACHINES))), draw(st.integers(2, 5))
    built = net(draw(st.integers(0, 1 << 20)))
    x = built.input(draw(st.integers(1, 12)), draw(st.integers(1, 12)), draw(st.integers(1, 12)))
    for _ in range(draw(st.integers(1, 4))):
        x = add_layer(draw, built, x, (*KINDS, "gate", "pad"))
    x = add_product(draw, built, x)
    check(machine, built.graph(x), samples=batch, batch=batch)


@pytest.mark.parametrize("machine_name", MACHINES)
def test_blocked_edges(net: Any, check: Any, machine_name: str) -> None:
    built = net(12)
    x = built.add(built.conv(built.input(13, 6, 6), 13), "x")
    check(load_machine(machine_name), built.graph(x), edge=Edge(Layout.BLOCKED, Layout.BLOCKED), samples=4, batch=2)


def test_weights_of_a_product_are_loaded_once_for_the_batch(net: Any) -> None:
    built = net(5)
    graph, machine = built.graph(built.dense(built.dense(built.input(256), 256), 256)), load_machine("edge16")
    one, eight = (compile_graph(machine, graph, batch=batch) for batch in (1, 8))
    cycles = [
        simulate_time(machine, program.instructions, memory_limit=program.memory_bytes).cycles
        for program in (one, eight)
    ]
    assert cycles[1] < 1.25 * cycles[0]
