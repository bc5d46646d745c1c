"""Scheduling moves only what commutes."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from compiler.backend.accesses import Access, AccessTable, accesses
from compiler.backend.emit import Emitter, Step
from compiler.backend.lower import lower
from compiler.backend.memory import map_memory
from compiler.backend.partition import partition
from compiler.backend.plan import plan_network
from compiler.backend.schedule import interleave, schedule
from compiler.graph import Graph, Op
from machine.config import Machine, load_machine
from machine.isa import Engine, Instruction


def _steps(machine: Machine, graph: Graph) -> list[Step]:
    network = lower(machine, graph, partition(graph).parts[0])
    plan = plan_network(machine, network)
    return list(Emitter(machine, network, plan, map_memory(machine, network, plan)).steps())


def _graph(net: Any) -> Graph:
    built = net(4)
    x = built.conv(built.input(2, 12, 12), 12)
    x = built.pool(built.conv(x, 12, groups=12), Op.MAX_POOL)
    return built.graph(built.conv(x, 6))


def _overlap(a: Access, b: Access) -> bool:
    if a.space is not b.space or not (a.write or b.write):
        return False
    return any(s < t and u < v for (s, v), (u, t) in itertools.product(
        zip(a.starts, a.stops, strict=True), zip(b.starts, b.stops, strict=True)))


def _conflict(machine: Machine, first: Instruction, second: Instruction) -> bool:
    return any(_overlap(a, b) for a in accesses(machine, first) for b in accesses(machine, second))


@pytest.mark.parametrize("machine_name", ["nano4", "edge16"])
def test_conflicting_instructions_keep_their_order(net: Any, machine_name: str) -> None:
    machine = load_machine(machine_name)
    steps = _steps(machine, _graph(net))
    before = [i for step in steps for i in (*step.loads, *step.body)]
    after, _ = schedule(AccessTable(machine), steps)
    place = {id(instruction): index for index, instruction in enumerate(after)}
    assert sorted(place) == sorted(map(id, before))
    for first, second in itertools.combinations(before, 2):
        if _conflict(machine, first, second):
            assert place[id(first)] < place[id(second)]


def test_weights_and_passes_keep_their_common_order(net: Any) -> None:
    machine = load_machine("nano4")
    steps = _steps(machine, _graph(net))
    after, _ = schedule(AccessTable(machine), steps)
    for engine in (Engine.WEIGHTS, Engine.MATRIX):
        expected = [i for step in steps for i in step.body if i.engine is engine]
        assert [i for i in after if i.engine is engine] == expected


def test_a_vector_layer_runs_between_the_items_before_it(net: Any) -> None:
    built = net(4)
    x = built.conv(built.conv(built.input(16, 32, 32), 16), 16)
    steps = _steps(load_machine("edge16"), built.graph(built.pool(x, Op.MAX_POOL)))
    layers = [step.layer for step in interleave(AccessTable(load_machine("edge16")), steps)]
    assert layers != sorted(layers)
