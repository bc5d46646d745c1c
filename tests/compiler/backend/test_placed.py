"""Transposes to pixels and concats of rows: other layers store them where they belong, and no layer is left of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accel_sim.time import simulate_time
from compiler.backend.layers import Network
from compiler.backend.lower import lower
from compiler.backend.partition import partition
from compiler.graph import Graph, Op
from compiler.pipeline import compile_graph
from machine.config import Machine, load_machine
from machine.program import Program
from runtime.cosim import cosimulate
from runtime.session import Session

MACHINES = ["nano4", "edge8", "edge4x8", "edge16"]


def _network(machine: Machine, graph: Graph, batch: int = 1) -> Network:
    (part,) = partition(graph).parts
    return lower(machine, graph, part, images=batch)


def _head(built: Any, x: str, channels: int, width: int) -> str:
    """Predictions of `width` numbers, one row for each position and anchor."""
    made = built.conv(x, channels)
    rows = built.transpose(made, 0, 2, 3, 1)
    return built.reshape(rows, math.prod(built.tensor(made).shape) // width, width)


def _graph(built: Any, *outputs: str) -> Graph:
    """Return the graph with one quantization for all activations, as values that only move need."""
    for tensor in built.tensors:
        if not tensor.is_constant:
            built._share(tensor.name, built.tensor("x").quantization)
    return built.graph(*outputs)


def _detector(net: Any, channels: int = 4) -> Graph:
    """Two heads of different sizes, their rows one after the other."""
    built = net(21)
    x = built.conv(built.input(3, 8, 6), 6)
    y = built.pool(built.conv(x, 5), Op.MAX_POOL)
    return _graph(built, built.concat(_head(built, x, channels, 2), _head(built, y, channels, 2)))


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("machine_name", MACHINES)
def test_bytes_of_the_reference(net: Any, check: Any, machine_name: str, batch: int) -> None:
    check(load_machine(machine_name), _detector(net), samples=3, batch=batch)


@pytest.mark.parametrize("machine_name", MACHINES)
def test_no_layer_is_left(net: Any, machine_name: str) -> None:
    graph = _detector(net)
    kernels = [str(layer.kernel) for layer in _network(load_machine(machine_name), graph).layers]
    assert sorted(kernels) == ["matrix", "matrix", "matrix", "matrix", "max"]


def test_a_batch_copies_the_concat_only(net: Any) -> None:
    kernels = [str(layer.kernel) for layer in _network(load_machine("edge16"), _detector(net), batch=2).layers]
    assert kernels.count("copy") == 1


def test_more_channels_than_a_word_are_copied(net: Any, check: Any) -> None:
    machine = load_machine("nano4")
    graph = _detector(net, channels=6)
    assert machine.block_bytes < 6
    assert "copy" in [str(layer.kernel) for layer in _network(machine, graph).layers]
    check(machine, graph)


def _through_memory(built: Any, x: str, count: int) -> str:
    """Layers whose results are copied, so that memory is in demand."""
    for _ in range(count):
        x = built.transpose(built.conv(x, 5), 0, 1, 3, 2)
    return x


@pytest.mark.parametrize("is_output", [False, True])
@pytest.mark.parametrize("early_first", [False, True])
def test_what_lies_in_a_concat_keeps_its_bytes(net: Any, check: Any, early_first: bool, is_output: bool) -> None:
    """A part that is made long before the other, or an output, or read long after the concat."""
    built = net(4)
    x = built.conv(built.input(3, 6, 6), 4)
    early = _head(built, x, 3, 3)
    x = _through_memory(built, x, 8)
    late = _head(built, x, 3, 3)
    joined = built.concat(early, late) if early_first else built.concat(late, early)
    twice = built.concat(joined, joined)  # copied: the joined one is no output
    x = _through_memory(built, x, 12)
    outputs = [early] if is_output else [built.concat(early, _head(built, x, 3, 3), built.reshape("x", 36, 3))]
    check(load_machine("nano4"), _graph(built, *outputs, twice, x))


def test_a_part_of_a_part(net: Any, check: Any) -> None:
    built = net(5)
    x = built.conv(built.input(3, 6, 6), 4)
    inner = built.concat(_head(built, x, 2, 2), _head(built, x, 4, 2))
    outer = built.concat(_head(built, x, 2, 2), inner)
    graph, machine = _graph(built, outer), load_machine("edge8")
    assert "copy" not in [str(layer.kernel) for layer in _network(machine, graph).layers]
    check(machine, graph)


def test_what_is_no_place_of_its_own_is_copied(net: Any, check: Any) -> None:
    """A model input, a tensor that is joined twice, a concat that a convolution reads."""
    built = net(6)
    x = built.input(4, 5, 5)
    y = built.conv(x, 4)
    twice = built.concat(_head(built, y, 4, 4), built.reshape(x, 25, 4), built.reshape(x, 25, 4))
    machine = load_machine("edge8")
    graph = _graph(built, twice)
    assert "copy" in [str(layer.kernel) for layer in _network(machine, graph).layers]
    check(machine, graph)
    again = net(7)
    z = again.conv(again.input(4, 5, 5), 4)
    rows = again.transpose(z, 0, 2, 3, 1)
    check(machine, _graph(again, again.conv(again.concat(rows, rows), 3), rows))


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_random_heads(net: Any, check: Any, data: Any) -> None:
    draw = data.draw
    machine, batch = load_machine(draw(st.sampled_from(MACHINES))), draw(st.integers(1, 2))
    built = net(draw(st.integers(0, 1 << 20)))
    x = built.input(draw(st.integers(1, 6)), draw(st.integers(1, 9)), draw(st.integers(1, 9)))
    width, parts, outputs = draw(st.integers(1, 3)), [], []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["head", "head", "planes", "nested"]))
        if kind == "planes":
            y = built.conv(x, width * draw(st.integers(1, 3)))
            part = built.reshape(y, math.prod(built.tensor(y).shape) // width, width)
        else:
            part = _head(built, x, width * draw(st.integers(1, 3)), width)
        if kind == "nested":
            part = built.concat(part, _head(built, x, width, width))
        parts.append(part)
        if draw(st.booleans()):
            outputs.append(part)
        for _ in range(draw(st.integers(0, 6))):
            x = built.transpose(built.conv(x, draw(st.integers(1, 6))), 0, 1, 3, 2)
    check(machine, _graph(built, *outputs, built.concat(*parts)), samples=batch, batch=batch)


def test_storing_pixels_costs_a_cycle_a_position(net: Any) -> None:
    """The heads of a detector cost what their convolutions cost, not a copy of every value."""
    machine = load_machine("edge16")

    def cycles(transposed: bool) -> int:
        built = net(9)
        y = built.conv(built.input(16, 20, 20), 12)
        graph = built.graph(built.transpose(y, 0, 2, 3, 1) if transposed else y)
        program = compile_graph(machine, graph)
        return simulate_time(machine, program.instructions, memory_limit=program.memory_bytes).cycles

    assert cycles(True) < cycles(False)


@pytest.mark.parametrize("machine_name", ["nano4", "edge4x8"])
def test_the_rtl_stores_the_same(net: Any, machine_name: str) -> None:
    machine = load_machine(machine_name)
    program = compile_graph(machine, _detector(net))
    entry, random = program.segment.inputs[0], np.random.default_rng(0)
    memory = np.zeros(program.memory_bytes, np.uint8)
    memory[: len(program.memory)] = program.memory
    memory[entry.address : entry.address + entry.size_bytes] = random.integers(0, 256, entry.size_bytes)
    result = cosimulate(Session(Program.kernel(machine, program.instructions, memory, program.memory_bytes)))
    assert result.equal, result.differences
