"""Compiled networks, executed, give the reference's bytes on every machine shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accel_sim.time import simulate_time
from compiler.backend.layers import Edge, Layout
from compiler.graph import Graph, Node, Op, Tensor
from compiler.pipeline import compile_graph
from machine.config import load_machine
from machine.errors import CompileError
from machine.registers import Status
from tests.compiler.backend.random_layers import add_layer, add_product

MACHINES = ["nano4", "edge8", "edge4x8", "edge8x4", "edge16"]
NONE = (0, 0, 0, 0)


def _first_layer(net: Any) -> Graph:
    built = net(1)
    return built.graph(built.conv(built.input(3, 12, 12), 8))


def _many_channels_in(net: Any) -> Graph:
    built = net(1)
    x = built.conv(built.input(20, 7, 7), 18, (1, 1), pads=NONE)
    return built.graph(built.conv(x, 12))


def _stem(net: Any) -> Graph:
    built = net(2)
    x = built.conv(built.input(3, 17, 17), 8, (7, 7), (2, 2), (3, 3, 3, 3))
    return built.graph(built.pool(x, Op.MAX_POOL, (3, 3), (2, 2), (1, 1, 1, 1)))


def _depthwise(net: Any) -> Graph:
    built = net(3)
    x = built.conv(built.input(12, 9, 9), 12, groups=12)
    return built.graph(built.pool(x, Op.AVERAGE_POOL, (3, 3), (2, 2), (1, 1, 1, 1)))


def _digits(net: Any) -> Graph:
    built = net(4)
    x = built.pool(built.conv(built.input(1, 14, 14), 9, (5, 5), pads=(2, 2, 2, 2)), Op.MAX_POOL)
    return built.graph(built.dense(built.reshape(x, 9 * 49), 10))


def _perceptron(net: Any) -> Graph:
    built = net(5)
    return built.graph(built.dense(built.dense(built.input(130), 20), 7))


def _residuals(net: Any) -> Graph:
    built = net(6)
    a = built.conv(built.input(3, 8, 8), 12)
    z = built.add(built.add(a, built.conv(built.conv(a, 12), 12)), a)
    pooled = built.pool(z, Op.AVERAGE_POOL, (8, 8), (1, 1))
    return built.graph(built.dense(built.reshape(pooled, 12), 5), z)


def _strides_dilations_groups(net: Any) -> Graph:
    built = net(7)
    x = built.conv(built.input(8, 9, 9), 6, (3, 3), (2, 2), (0, 1, 1, 0))
    x = built.conv(x, 6, pads=(2, 2, 2, 2), dilations=(2, 2))
    return built.graph(built.conv(x, 8, groups=2))


def _added_to_itself(net: Any) -> Graph:
    built = net(8)
    x = built.conv(built.input(4, 6, 6), 6)
    return built.graph(built.add(x, x))


def _reshapes_inside(net: Any) -> Graph:
    """A reshape that moves channels goes through the dense bytes in memory."""
    built = net(9)
    x = built.reshape(built.conv(built.input(4, 6, 6), 6), 9, 4, 6)
    return built.graph(built.reshape(built.conv(x, 5), 120))


def _wide_kernel(net: Any) -> Graph:
    built = net(10)
    return built.graph(built.conv(built.input(2, 5, 40), 6, (3, 19), (1, 3), (1, 9, 1, 9)))


def _pool_of_the_input(net: Any) -> Graph:
    built = net(11)
    x = built.pool(built.input(5, 10, 10), Op.MAX_POOL)
    return built.graph(built.pool(x, Op.AVERAGE_POOL, (2, 2), (1, 1), (1, 1, 0, 0), include=1))


NETS: list[Callable[[Any], Graph]] = [
    _first_layer, _many_channels_in, _stem, _depthwise, _digits, _perceptron, _residuals, _strides_dilations_groups,
    _added_to_itself, _reshapes_inside, _wide_kernel, _pool_of_the_input,
]


@pytest.mark.parametrize("machine_name", MACHINES)
@pytest.mark.parametrize("make_net", NETS, ids=lambda f: f.__name__.strip("_"))
def test_bytes_of_the_reference(net: Any, check: Any, make_net: Callable[[Any], Graph], machine_name: str) -> None:
    check(load_machine(machine_name), make_net(net))


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_random_networks(net: Any, check: Any, data: Any) -> None:
    draw = data.draw
    machine = load_machine(draw(st.sampled_from(MACHINES)))
    built = net(draw(st.integers(0, 1 << 20)))
    x = built.input(draw(st.integers(1, 12)), draw(st.integers(4, 18)), draw(st.integers(4, 18)))
    for _ in range(draw(st.integers(1, 4))):
        x = add_layer(draw, built, x)
    x = add_product(draw, built, x)
    if built.nodes:
        check(machine, built.graph(x))


@pytest.mark.parametrize("machine_name", MACHINES)
def test_blocked_edges(net: Any, check: Any, machine_name: str) -> None:
    built = net(12)
    x = built.add(built.conv(built.input(13, 6, 6), 13), "x")
    check(load_machine(machine_name), built.graph(x), edge=Edge(Layout.BLOCKED, Layout.BLOCKED))


def test_same_bytes_twice(net: Any) -> None:
    first, second = (compile_graph(load_machine("edge8"), _residuals(net)) for _ in range(2))
    assert first.memory.tobytes() == second.memory.tobytes()
    assert (first.segments, first.nodes) == (second.segments, second.nodes)


def test_a_compiled_program_runs_to_its_end(net: Any) -> None:
    machine = load_machine("nano4")
    program = compile_graph(machine, _residuals(net))
    result = simulate_time(machine, program.instructions, memory_limit=program.memory_bytes)
    assert result.status is Status.DONE
    resources = zip(
        *((n.matrix_cycles, n.vector_cycles, n.read_cycles, n.write_cycles) for n in program.layers), strict=True
    )
    assert result.cycles >= max(sum(cycles) for cycles in resources)


def test_what_the_machine_does_not_execute_is_refused_by_name(net: Any) -> None:
    built = net(13)
    y = built.conv(built.input(3, 6, 6), 4)
    affine = built.tensor(y).quantization
    built.tensors += [Tensor("z", (1, 4, 6, 6), "int8", affine), Tensor("w", (1, 4, 6, 6), "int8", affine)]
    built.nodes.append(Node("odd", Op.RELU, (y,), ("z",)))
    graph = Graph.build(built.nodes, built.tensors, ("x",), ("z",))
    with pytest.raises(CompileError, match=r"node 'odd' \(relu\): the accelerator does not execute this operator"):
        compile_graph(load_machine("nano4"), graph)
