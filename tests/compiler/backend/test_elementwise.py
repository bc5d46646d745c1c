"""Tables, and sums, differences and products of activations on the machine: the reference's bytes everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accel_sim.time import simulate_time
from compiler.backend.layers import Edge, Layout
from compiler.backend.tables import TableSlots
from compiler.graph import Graph, Op
from machine.config import load_machine
from machine.isa import LoadSpace, Opcode
from machine.registers import Status
from tests.compiler.backend.operator_forms import BROADCAST

MACHINES = ["nano4", "edge4x8", "edge8x4", "edge16"]
BINARY = [Op.ADD, Op.SUB, Op.MUL]
NONE = (0, 0, 0, 0)


def _layers(program: Any) -> list[tuple[str, int]]:
    """Kernel and number of nodes of each layer."""
    return [(layer.kernel, len(layer.operator.split("+"))) for layer in program.layers]


def _table_loads(program: Any) -> int:
    return sum(i.opcode is Opcode.LOAD and i["space"] == LoadSpace.TABLES for i in program.instructions)


def _fused(net: Any, maker: str) -> Graph:
    built = net(1)
    x = built.conv(built.input(3, 9, 9), 12)
    y = {
        "conv": lambda: built.conv(x, 10),
        "depthwise": lambda: built.conv(x, 12, groups=12),
        "max": lambda: built.pool(x, Op.MAX_POOL),
        "average": lambda: built.pool(x, Op.AVERAGE_POOL, (3, 3), (2, 2), (1, 1, 1, 1)),
        "product": lambda: built.binary(Op.MUL, x, x),
        "dense": lambda: built.dense(built.reshape(x, 12 * 81), 7),
    }[maker]()
    return built.graph(built.table(y))


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("maker", ["conv", "depthwise", "max", "average", "product", "dense"])
def test_a_table_is_fused_into_its_maker(net: Any, check: Callable[..., Any], maker: str, machine: str) -> None:
    program = check(load_machine(machine), _fused(net, maker))
    assert _layers(program)[-1][1] == 2
    assert _table_loads(program) == 1


def test_a_fused_table_costs_its_load_only(net: Any, check: Callable[..., Any]) -> None:
    machine = load_machine("edge8")
    cycles = []
    for with_table in (False, True):
        built = net(2)
        x = built.conv(built.input(8, 16, 16), 16)
        y = built.conv(x, 16)
        program = check(machine, built.graph(built.table(y) if with_table else y))
        time = simulate_time(machine, program.instructions, memory_limit=program.memory_bytes)
        assert time.status is Status.DONE
        cycles.append(time.cycles)
    assert cycles[1] - cycles[0] <= machine.read_latency_cycles + 256 // machine.bus_bytes


def _alone(net: Any) -> Graph:
    built = net(3)
    x = built.conv(built.input(3, 8, 8), 12)
    a = built.table(built.add(built.conv(x, 12), x))
    b = built.table(x)
    return built.graph(built.table(built.concat(a, b)), built.table(built.reshape(a, 12 * 64)))


def _of_inputs(net: Any) -> Graph:
    built = net(4)
    x = built.input(5, 6, 7)
    return built.graph(built.table(x), built.table(built.reshape(x, 210)))


def _read_twice(net: Any) -> Graph:
    built = net(5)
    x = built.conv(built.input(3, 8, 8), 8)
    return built.graph(x, built.table(x), built.binary(Op.MUL, x, built.table(x)))


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("make", [_alone, _of_inputs, _read_twice])
def test_tables_alone(net: Any, check: Callable[..., Any], make: Callable[[Any], Graph], machine: str) -> None:
    program = check(load_machine(machine), make(net))
    assert ("table", 1) in _layers(program)


def test_equal_tables_are_loaded_once(net: Any, check: Callable[..., Any]) -> None:
    built = net(6)
    entries = [np.roll(np.arange(-128, 128), shift).astype(np.int8) for shift in range(3)]
    x = built.input(3, 8, 8)
    for index in (0, 0, 1, 0, 1, 2, 0, 2):
        x = built.table(built.conv(x, 8), entries[index])
    assert _table_loads(check(load_machine("nano4"), built.graph(x))) == 4


def test_the_table_used_longest_ago_makes_room() -> None:
    slots = TableSlots()
    found = [slots.take(table) for table in (b"a", b"b", b"a", b"c", b"a", b"b")]
    assert found == [(0, True), (1, True), (0, False), (1, True), (0, False), (1, True)]


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("shape", BROADCAST.values(), ids=BROADCAST)
@pytest.mark.parametrize("op", BINARY)
def test_operands_broadcast(net: Any, check: Callable[..., Any], op: Op, shape: tuple[int, ...], machine: str) -> None:
    built = net(7)
    x = built.input(*shape)
    small = built.conv(x, shape[0], (1, 1), pads=NONE)
    large = built.binary(Op.ADD, built.constant(12, 8, 9), small)
    fused = built.conv(large, 12)
    check(load_machine(machine), built.graph(
        built.binary(op, fused, small), built.binary(op, small, large), built.binary(op, x, built.table(large)),
    ))


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("shape", BROADCAST.values(), ids=BROADCAST)
@pytest.mark.parametrize("op", BINARY)
def test_constants_broadcast(net: Any, check: Callable[..., Any], op: Op, shape: tuple[int, ...], machine: str) -> None:
    built = net(8)
    x = built.conv(built.input(5, 8, 9), 12)
    y = built.binary(op, built.conv(x, 12), built.constant(*shape))
    check(load_machine(machine), built.graph(
        y, built.binary(op, built.constant(*shape), x), built.binary(op, built.constant(*shape), built.table(y)),
    ))


@pytest.mark.parametrize("op", BINARY)
def test_both_operands_broadcast(net: Any, check: Callable[..., Any], op: Op) -> None:
    built = net(9)
    x = built.conv(built.input(3, 8, 9), 12)
    gate = built.pool(x, Op.AVERAGE_POOL, (8, 9), (1, 1))
    image = built.pool(built.conv(x, 1, (1, 1), pads=NONE), Op.MAX_POOL, (1, 1), (1, 1))
    program = check(load_machine("edge4x8"), built.graph(built.binary(op, gate, image), built.binary(op, image, gate)))
    assert sum(kernel == "matrix" for kernel, _ in _layers(program)) == 3, "the image is put into all lanes once"


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("is_output", [False, True])
def test_a_map_that_a_convolution_makes(net: Any, check: Callable[..., Any], machine: str, is_output: bool) -> None:
    built = net(14)
    x = built.conv(built.input(3, 8, 9), 12)
    image = built.table(built.conv(x, 1))
    y, z = built.binary(Op.MUL, x, image), built.binary(Op.SUB, image, x)
    program = check(load_machine(machine), built.graph(y, z, *([image] if is_output else [])))
    makers = [layer for layer in program.layers if layer.kernel == "matrix"]
    assert len(makers) == (3 if is_output else 2), "the convolution itself computes it in all lanes"


@pytest.mark.parametrize("machine", MACHINES)
def test_a_subtraction_is_fused_with_what_it_subtracts_from(net: Any, check: Callable[..., Any], machine: str) -> None:
    built = net(10)
    x = built.conv(built.input(3, 8, 9), 12)
    a, b = built.binary(Op.SUB, built.conv(x, 12), x), built.binary(Op.SUB, x, built.conv(x, 12))
    program = check(load_machine(machine), built.graph(a, b))
    assert sorted(_layers(program)) == [("add", 1), ("matrix", 1), ("matrix", 1), ("matrix", 2)]


@pytest.mark.parametrize("machine", MACHINES)
def test_gates_of_squeeze_and_excitation(net: Any, check: Callable[..., Any], machine: str) -> None:
    built = net(11)
    x = built.table(built.conv(built.input(3, 12, 12), 24))
    pooled = built.reshape(built.pool(x, Op.AVERAGE_POOL, (12, 12), (1, 1)), 24)
    gate = built.table(built.dense(built.dense(pooled, 6), 24))
    y = built.binary(Op.MUL, x, built.reshape(gate, 24, 1, 1))
    program = check(load_machine(machine), built.graph(built.conv(y, 8)))
    assert "product" in [kernel for kernel, _ in _layers(program)]


@pytest.mark.parametrize("machine", MACHINES)
def test_a_map_behind_a_residual(net: Any, check: Callable[..., Any], machine: str) -> None:
    built = net(15)
    x = built.conv(built.input(3, 8, 9), 12)
    image = built.add(built.conv(x, 1), built.pool(built.conv(x, 1), Op.MAX_POOL, (1, 1), (1, 1)))
    check(load_machine(machine), built.graph(built.binary(Op.MUL, x, image)))


@pytest.mark.parametrize("op", BINARY)
def test_an_activation_with_itself(net: Any, check: Callable[..., Any], op: Op) -> None:
    built = net(12)
    x = built.conv(built.input(4, 6, 6), 6)
    check(load_machine("nano4"), built.graph(built.binary(op, x, x)))


@pytest.mark.parametrize("op", BINARY)
def test_other_ranks(net: Any, check: Callable[..., Any], op: Op) -> None:
    built = net(13)
    x = built.input(2, 3, 4, 5)
    y = built.binary(op, built.reshape(x, 6, 20), built.constant(1, 20))
    z = built.binary(op, x, built.constant(1, 1, 4, 1))
    check(load_machine("edge8"), built.graph(y, built.binary(op, built.reshape(z, 120), built.constant(1))))


@settings(max_examples=12, deadline=None)
@given(
    st.integers(0, 1000), st.sampled_from(MACHINES), st.sampled_from(BINARY),
    st.tuples(st.integers(1, 40), st.integers(1, 14), st.integers(1, 14)), st.tuples(*[st.booleans()] * 6),
    st.booleans(),
)
def test_random_operands(
    net: Any, check: Callable[..., Any], seed: int, machine: str, op: Op, shape: tuple[int, ...],
    ones: tuple[bool, ...], blocked: bool,
) -> None:
    built = net(seed)
    first, second = (
        tuple(1 if one else n for n, one in zip(shape, part, strict=True)) for part in (ones[:3], ones[3:])
    )
    a = built.input(*first)
    b = built.conv(built.binary(Op.ADD, a, built.constant(*second)), 1 if ones[3] else shape[0], (1, 1), pads=NONE)
    edge = Layout.BLOCKED if blocked else Layout.DENSE
    check(load_machine(machine), built.graph(built.table(built.binary(op, a, b))), edge=Edge(edge, edge))
