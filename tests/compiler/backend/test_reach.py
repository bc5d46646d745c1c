"""Grouped and banded convolutions take only the input planes that their weights reach, and the bytes are right."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.backend.lower import lower
from compiler.backend.partition import partition
from compiler.backend.reach import weight_reach
from compiler.backend.tile import Tiling, items
from compiler.graph import Graph, Tensor
from machine.config import load_machine
from machine.isa import Opcode

NONE = (0, 0, 0, 0)
MACHINES = ["nano4", "edge4x8", "edge8x4", "edge16"]


def _masked(net: Any, mask: npt.NDArray[np.bool_], size: int, kernel: int = 1, groups: int = 1) -> Graph:
    """A convolution behind another; its weights are zero where the mask is."""
    built = net(3)
    x = built.conv(built.input(3, size, size), mask.shape[1], (1, 1), pads=NONE)
    y = built.conv(x, mask.shape[0], (kernel, kernel), pads=(kernel // 2,) * 4, groups=groups)
    if groups == 1:
        name = built.nodes[-1].inputs[1]
        built.tensors = [
            replace(tensor, data=tensor.array * mask[:, :, None, None]) if tensor.name == name else tensor
            for tensor in built.tensors
        ]
    return built.graph(y)


def _band(channels: int, width: int) -> npt.NDArray[np.bool_]:
    index = np.arange(channels)
    return np.abs(index[:, None] - index[None, :]) < width


def _passes(program: Any) -> list[int]:
    """Weight tiles that the matrix instructions of the second layer take."""
    return [
        math.prod(i[f"tap_count{n}"] for n in range(3)) * i["blocks"]
        for i, layer in zip(program.instructions, program.segment.instruction_nodes, strict=True)
        if i.opcode is Opcode.MATRIX and layer == 1
    ]


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("kernel", [1, 3])
def test_a_band(net: Any, check: Callable[..., Any], machine: str, kernel: int) -> None:
    check(load_machine(machine), _masked(net, _band(70, 5), 9, kernel))


def test_a_band_over_more_than_the_scratchpad_holds(net: Any, check: Callable[..., Any]) -> None:
    """Input planes come one chunk at a time; chunks that the band does not reach are not loaded."""
    banded = check(load_machine("nano4"), _masked(net, _band(128, 5), 16, 3), samples=1)
    dense = check(load_machine("nano4"), _masked(net, np.ones((128, 128), np.bool_), 16, 3), samples=1)
    assert banded.layers[1].read_cycles < dense.layers[1].read_cycles / 4
    assert banded.layers[1].expected_cycles < dense.layers[1].expected_cycles / 4


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.floats(0, 0.5))
def test_chunks_are_those_that_are_reached(
    net: Any, seed: int, outputs: int, inputs: int, chunk: int, density: float
) -> None:
    machine = load_machine("nano4")
    blocks = np.random.default_rng(seed).random((outputs, inputs)) < density
    graph = _masked(net, np.repeat(np.repeat(blocks, 4, axis=0), 4, axis=1), 4)
    layer = lower(machine, graph, partition(graph).parts[0]).layers[1]
    for item in items(machine, layer, Tiling(4, 4, 1, chunk)):
        first, stop = layer.reached(machine, item.output.planes)
        found = [plane for region in item.inputs for plane in range(*region.planes)]
        assert set(range(first, stop)) <= set(found) and len(found) == len(set(found))
        assert all(region.planes[0] < stop and region.planes[1] > first for region in item.inputs)


def test_layers_that_differ_in_nothing_else(net: Any, check: Callable[..., Any]) -> None:
    built = net(4)
    x = built.conv(built.input(3, 8, 8), 32, (1, 1), pads=NONE)
    for groups in (1, 8, 1, 8):
        x = built.conv(x, 32, groups=groups)
    program = check(load_machine("nano4"), built.graph(built.conv(x, 8)))
    dense, grouped = (layer.expected_cycles for layer in program.layers[3:5])
    assert grouped < dense / 4


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("groups", [2, 3, 12])
def test_groups(net: Any, check: Callable[..., Any], machine: str, groups: int) -> None:
    check(load_machine(machine), _masked(net, np.ones((48, 48), np.bool_), 9, 3, groups))


def test_one_plane_for_each_where_groups_are_planes(net: Any, check: Callable[..., Any]) -> None:
    program = check(load_machine("nano4"), _masked(net, np.ones((16, 16), np.bool_), 16, groups=4))
    assert set(_passes(program)) == {1}
    assert program.layers[1].matrix_cycles == 16 * 16 * 4


def test_outputs_without_weights(net: Any, check: Callable[..., Any]) -> None:
    mask = _band(24, 3)
    mask[4:12] = False
    check(load_machine("nano4"), _masked(net, mask, 6))


def test_reach() -> None:
    machine = load_machine("nano4")

    def reach(mask: npt.NDArray[np.bool_]) -> tuple[tuple[int, int], ...]:
        return weight_reach(machine, mask.astype(np.int8)[:, :, None, None])

    assert reach(_band(12, 2)) == ((0, 2), (0, 3), (1, 3))
    assert reach(_band(10, 1)) == ((0, 1), (1, 2), (2, 3))
    assert reach(_band(12, 9)) == () == reach(np.ones((4, 9), np.bool_)), "all planes reach all"
    assert reach(np.zeros((12, 8), np.bool_)) == ((0, 1), (1, 2), (1, 2)), "nothing still takes one plane"
    assert reach(_band(4, 1)) == (), "one input plane"


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 1000), st.sampled_from(MACHINES), st.integers(1, 60), st.integers(1, 60), st.integers(1, 12),
    st.sampled_from([1, 3]), st.floats(0, 0.2),
)
def test_random_masks(
    net: Any, check: Callable[..., Any], seed: int, machine: str, outputs: int, inputs: int, size: int, kernel: int,
    density: float,
) -> None:
    blocks = np.random.default_rng(seed).random((-(-outputs // 4), -(-inputs // 4))) < density
    mask = np.repeat(np.repeat(blocks, 4, axis=0), 4, axis=1)[:outputs, :inputs]
    check(load_machine(machine), _masked(net, mask, size, kernel))


def test_the_graph_s_tensor_is_what_was_masked(net: Any) -> None:
    graph = _masked(net, _band(12, 1), 4)
    weight: Tensor = graph.tensors[graph.nodes()[-1].inputs[1]]
    assert np.count_nonzero(weight.array) <= 12
