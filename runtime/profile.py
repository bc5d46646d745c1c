"""Where the cycles went: a program's time divided among the model's layers.

A layer ends when the last of its instructions retires. The cycles from the end of the layer before (in program order,
never going back) to its own end are its cycles, so layers add up to the total; the hardware's state counters are
divided at the same cycles, so every lost cycle has a cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accel_sim.stepper import TimeResult, simulate_time
from machine.isa import Engine
from machine.program import Program
from machine.registers import EngineState
from runtime.session import counter_table

_USEFUL = (EngineState.BUSY, EngineState.START)


@dataclass(frozen=True)
class LayerProfile:
    """One layer's share of the program.

    `stall` is the state other than busy in which the layer's main engine (matrix where it has matrix work, else
    vector) spent most of the layer's cycles, `stall_cycles` how many.
    """

    name: str
    operator: str
    macs: int
    cycles: int
    bound_cycles: int
    utilization: float
    engine: str
    stall: str
    stall_cycles: int
    counters: dict[str, dict[str, int]]


def profile_layers(program: Program) -> tuple[list[LayerProfile], TimeResult]:
    """Simulate a program's time and divide it among its layers, in program order.

    Cycles before the first layer's first instruction belong to the first layer, those after the last one's end (halt)
    to the last.
    """
    first = _simulate(program, [])
    order, ends = _layer_ends(program, first)
    if not order:
        return [], first
    timing = _simulate(program, ends.tolist())
    before = np.concatenate([np.zeros_like(timing.snapshots[:1]), timing.snapshots[:-1]])
    starts = np.concatenate([[0], ends[:-1]])
    layers = [
        _layer(program, node, int(end - start), counters)
        for node, start, end, counters in zip(order, starts, ends, timing.snapshots - before, strict=True)
    ]
    return layers, timing


def _simulate(program: Program, marks: Sequence[int]) -> TimeResult:
    return simulate_time(
        program.machine, program.code, program_address=program.program_address,
        memory_limit=program.memory_bytes, marks=marks,
    )


def _layer_ends(program: Program, timing: TimeResult) -> tuple[list[int], npt.NDArray[np.int64]]:
    """Return the nodes that have instructions, in order of first appearance, and the cycle in which each ends."""
    retire = np.zeros(len(program.instructions), np.int64)
    for engine in Engine:
        indices = [i for i, instruction in enumerate(program.instructions) if instruction.engine is engine]
        retire[indices[: len(timing.retire[engine])]] = timing.retire[engine]
    nodes = np.asarray(program.instruction_nodes, np.int64)
    order = list(dict.fromkeys(int(node) for node in nodes if node >= 0))
    ends = np.array([retire[: nodes.size][nodes == node].max() for node in order], np.int64)
    ends = np.maximum.accumulate(ends) if order else ends
    if order:
        ends[-1] = timing.cycles
    return order, ends


def _layer(program: Program, node: int, cycles: int, counters: npt.NDArray[np.int64]) -> LayerProfile:
    record, machine = program.nodes[node], program.machine
    engine = Engine.MATRIX if counters[Engine.MATRIX, EngineState.BUSY] else Engine.VECTOR
    lost = {state: int(counters[engine, state]) for state in EngineState if state not in _USEFUL}
    stall = max(lost, key=lambda state: lost[state])
    return LayerProfile(
        name=record.name,
        operator=record.operator,
        macs=record.macs,
        cycles=cycles,
        bound_cycles=record.bound_cycles,
        utilization=record.macs / (machine.rows * machine.columns * cycles) if cycles else 0.0,
        engine=engine.name.lower(),
        stall=stall.name.lower(),
        stall_cycles=lost[stall],
        counters=counter_table(counters),
    )
