"""Tiles cover the output exactly once, fit the machine, and what lies at the same time lies apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.backend.layers import Kernel, Layer
from compiler.backend.lower import lower
from compiler.backend.partition import partition
from compiler.backend.plan import Plan, plan_network
from compiler.backend.tile import Item, Tiling, candidates, considered, items
from compiler.graph import Graph, Op
from machine.config import Machine, load_machine
from machine.errors import CompileError

MACHINES = ["nano4", "edge8", "edge4x8", "edge8x4", "edge16"]


def _plan(machine: Machine, graph: Graph) -> Plan:
    return plan_network(machine, lower(machine, graph, partition(graph).parts[0]))


def _marked(machine: Machine, found: list[Item], shape: tuple[int, int, int]) -> Any:
    counts = np.zeros(shape, int)
    for item in found:
        region = item.output
        counts[slice(*region.planes), slice(*region.rows), slice(*region.columns)] += 1
    return counts


@settings(max_examples=25, deadline=None)
@given(
    machine_name=st.sampled_from(MACHINES), channels=st.integers(1, 40), size=st.integers(1, 30),
    outputs=st.integers(1, 40), kernel=st.integers(1, 4), stride=st.integers(1, 2),
)
def test_items_cover_the_output_once_and_fit(
    net: Any, machine_name: str, channels: int, size: int, outputs: int, kernel: int, stride: int
) -> None:
    machine = load_machine(machine_name)
    built = net(0)
    x = built.conv(built.input(channels, size, size), 5, (1, 1), pads=(0, 0, 0, 0))
    y = built.conv(x, outputs, (kernel, kernel), (stride, stride), (kernel // 2,) * 4)
    plan = _plan(machine, built.graph(y))
    for each in plan.layers:
        g = each.layer.geometry
        found = list(items(machine, each.layer, each.tiling))
        assert (_marked(machine, found, (g.planes(machine), g.height, g.width)) == 1).all()
        lanes = machine.block_bytes // machine.columns
        for item in found:
            assert item.output.words * lanes <= machine.accumulator_half_rows
            for buffers, regions in ((each.source, item.inputs), (each.output, (item.output,))):
                assert buffers is None or all(region.words <= buffers.words for region in regions)


@pytest.mark.parametrize("machine_name", MACHINES)
def test_operands_of_a_layer_share_no_bank(net: Any, machine_name: str) -> None:
    machine = load_machine(machine_name)
    built = net(1)
    a = built.conv(built.input(3, 12, 12), 16)
    b = built.add(built.conv(a, 16), a)
    y = built.pool(built.conv(b, 16, groups=16), Op.AVERAGE_POOL)
    plan = _plan(machine, built.graph(y))
    for each in plan.layers:
        banks: list[set[int]] = []
        seen = set()
        for buffers, source in (
            (each.source, each.layer.source.value), (each.residual, each.layer.residual and each.layer.residual.value),
            (each.output, each.layer.output),
        ):
            if source in seen:
                continue
            seen.add(source)
            if buffers is not None:
                first, words = buffers.base, buffers.words * buffers.count
            elif source is not None and source in plan.residents:
                first, words = plan.residents[source].base, plan.residents[source].region.words
            else:
                continue
            last = first + words * machine.granules_per_word - 1
            assert last < machine.scratchpad_granules
            banks.append(set(range(first // machine.bank_granules, last // machine.bank_granules + 1)))
        if each.layer.kernel is Kernel.DEPTHWISE:
            assert each.multipliers is not None
            banks.append({each.multipliers.base // machine.bank_granules})
        assert sum(map(len, banks)) == len(set().union(*banks))


def test_small_activations_stay_in_the_scratchpad(net: Any) -> None:
    built = net(2)
    a = built.conv(built.input(3, 8, 8), 16)
    y = built.dense(built.reshape(built.pool(built.conv(a, 16), Op.MAX_POOL), 256), 10)
    plan = _plan(load_machine("edge16"), built.graph(y))
    assert len(plan.residents) == 4


def test_a_layer_that_fits_no_tile_is_refused_by_name(net: Any) -> None:
    built = net(2)
    y = built.pool(built.input(3, 200, 200), Op.MAX_POOL, (200, 200))
    with pytest.raises(CompileError, match=r"node 'max_pool_0' \(max kernel\): no tile of it fits the scratchpad"):
        _plan(load_machine("nano4"), built.graph(y))


def test_a_memory_slower_than_its_bus_is_in_the_cost(net: Any) -> None:
    """A product of 64 KiB of weights takes at least as long as memory needs to deliver them."""
    built = net(2)
    graph = built.graph(built.dense(built.reshape(built.input(256, 1, 1), 256), 256))
    machine = load_machine("edge16")
    slow = replace(machine, bus_rate_numerator=1, bus_rate_denominator=8)
    fast, slower = (_plan(each, graph).layers[-1].cycles for each in (machine, slow))
    assert fast < 256 * 256 * 8 // machine.bus_bytes <= slower


@pytest.mark.parametrize(("rows", "columns", "least"), [(8, 8, 8), (8, 16, 8), (16, 8, 16), (32, 8, 32)])
def test_too_few_parameter_entries_are_named(net: Any, rows: int, columns: int, least: int) -> None:
    """Both halves of the memory hold two items' entries, one for each group of lanes of a word, and a record."""
    built = net(2)
    graph = built.graph(built.conv(built.input(3, 8, 8), 16))
    machine = replace(load_machine("edge8"), rows=rows, columns=columns, parameter_entries=least)
    _plan(machine, graph)
    too_few = replace(machine, parameter_entries=least // 2)
    text = rf"parameter_entries = {least // 2}; an array of {rows}x{columns} needs {least}"
    with pytest.raises(CompileError, match=text):
        _plan(too_few, graph)


def test_a_budget_bounds_the_search(net: Any, check: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """With few nodes each layer is estimated no more often, still finds what fits, and computes the same."""
    budget, tried = 3, []

    def few(machine: Machine, layer: Layer) -> list[Tiling]:
        found = considered(machine, layer, budget)
        assert len(found) <= budget + 1
        tried.append((layer.name, len(found)))
        return found

    built = net(5)
    x = built.conv(built.input(13, 20, 20), 40)
    graph = built.graph(built.conv(built.pool(x, Op.MAX_POOL), 24))
    machine = load_machine("nano4")
    free = check(machine, graph)
    monkeypatch.setattr("compiler.backend.plan.considered", few)
    bounded = check(machine, graph)
    assert tried and all(count <= budget + 1 for _, count in tried) and any(count > budget for _, count in tried)
    assert sum(r.expected_cycles for r in bounded.layers) >= sum(r.expected_cycles for r in free.layers)


def test_the_smallest_tiling_is_a_candidate_of_its_own(net: Any) -> None:
    """What is added where the budget is spent lies in the space, so leaving out the rest refuses nothing that fits."""
    built = net(6)
    graph = built.graph(built.pool(built.conv(built.conv(built.input(5, 9, 7), 12), 12, groups=12), Op.MAX_POOL))
    machine = load_machine("nano4")
    for layer in lower(machine, graph, partition(graph).parts[0]).layers:
        whole = list(candidates(machine, layer))
        assert considered(machine, layer) == whole
        smallest = considered(machine, layer, 1)[-1]
        assert smallest in whole and all(
            (smallest.height, smallest.width, smallest.planes) <= (t.height, t.width, t.planes) for t in whole)
