"""Where the cycles went: a program's time divided among the model's layers.

A layer's main engine is matrix where it has matrix instructions, else vector. A layer ends with the last access of its
main engine; the cycles from the end of the layer before are its cycles, and the hardware's state counters are divided
at the same cycles, so layers add up to the total. Where the main work of a layer begins before that of the layer before
has ended (a depthwise layer under the products of its neighbour), no line can be drawn between them: they are one row.
The largest loss of a row comes from the account of its main engine (docs/profile.md), which charges by instruction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accel_sim.time import TimeResult
from machine.config import VECTOR_LATENCY_CYCLES
from machine.isa import Engine
from machine.program import NodeRecord, Program, Segment, bound_of
from runtime.accounts import EngineAccount, engine_accounts
from runtime.result import counter_table
from runtime.timing import segment_time

_NAME_SEPARATOR = " | "


@dataclass(frozen=True)
class LayerProfile:
    """One layer's share of the program (or that of several layers whose main work overlaps, names joined by ` | `).

    `bound_cycles` is the least that its work takes alone. `loss` and `loss_cycles` are the largest loss in the account
    of its main engine, `engine`: the cycles charged to its own instructions, some of which may be in the time of the
    rows before (a wait for what they compute).
    """

    name: str
    operator: str
    macs: int
    cycles: int
    bound_cycles: int
    utilization: float
    engine: str
    loss: str
    loss_cycles: int
    counters: dict[str, dict[str, int]]


@dataclass
class _Row:
    """Nodes whose main work overlaps: when it begins and ends, and on which engines."""

    nodes: list[int]
    engines: set[Engine]
    first: int
    last: int


def profile_layers(program: Program) -> list[LayerProfile]:
    """Simulate a program's time and divide each segment's among its layers, in program order.

    Cycles before a segment's first layer's work belong to that one's row, those after the last one's (drain, store,
    halt) to the last.
    """
    return [layer for segment in program.segments for layer in _profile_segment(program, segment)]


def _profile_segment(program: Program, segment: Segment) -> list[LayerProfile]:
    first = segment_time(program, segment)
    rows = _rows(program, segment, first)
    if not rows:
        return []
    ends = [row.last for row in rows[:-1]] + [first.cycles]
    timing = segment_time(program, segment, ends)
    before = np.concatenate([np.zeros_like(timing.snapshots[:1]), timing.snapshots[:-1]])
    starts = [0, *ends[:-1]]
    accounts = engine_accounts(program, [timing])
    return [
        _layer(program, row, end - start, counters, accounts)
        for row, start, end, counters in zip(rows, starts, ends, timing.snapshots - before, strict=True)
    ]


def _rows(program: Program, segment: Segment, timing: TimeResult) -> list[_Row]:
    """Return the rows in program order; each begins where the one before has ended, or later."""
    latency = {Engine.MATRIX: program.machine.matrix_latency_cycles, Engine.VECTOR: VECTOR_LATENCY_CYCLES}
    work: dict[int, dict[Engine, tuple[int, int]]] = {}
    for engine in latency:
        events = zip(timing.indices[engine], timing.issue[engine], timing.retire[engine], strict=True)
        for index, issue, retire in events:
            node = segment.instruction_nodes[index] if index < len(segment.instruction_nodes) else -1
            if node >= 0:
                begin, _ = work.setdefault(node, {}).get(engine, (int(issue), 0))
                work[node][engine] = (begin, int(retire) - latency[engine])
    rows: list[_Row] = []
    for node in sorted(work):
        engine = Engine.MATRIX if Engine.MATRIX in work[node] else Engine.VECTOR
        begin, end = work[node][engine]
        row = _Row([node], {engine}, begin, end)
        while rows and row.first < rows[-1].last:
            earlier = rows[-1]
            if engine is Engine.MATRIX and earlier.engines == {Engine.MATRIX}:
                break  # issued ahead, but one engine works in order
            rows.pop()
            row = _Row(
                [*earlier.nodes, *row.nodes], earlier.engines | row.engines, min(earlier.first, row.first),
                max(earlier.last, row.last),
            )
        rows.append(row)
    return rows


def _layer(
    program: Program, row: _Row, cycles: int, counters: npt.NDArray[np.int64], accounts: dict[Engine, EngineAccount]
) -> LayerProfile:
    records: list[NodeRecord] = [program.nodes[node] for node in row.nodes]
    machine = program.machine
    macs = sum(record.macs for record in records)
    engine = Engine.MATRIX if Engine.MATRIX in row.engines else Engine.VECTOR
    loss, loss_cycles = accounts[engine].of(row.nodes).largest_loss
    return LayerProfile(
        name=_NAME_SEPARATOR.join(record.name for record in records),
        operator=_NAME_SEPARATOR.join(record.operator for record in records),
        macs=macs,
        cycles=cycles,
        bound_cycles=bound_of(records),
        utilization=macs / (machine.rows * machine.columns * cycles) if cycles else 0.0,
        engine=engine.name.lower(),
        loss=loss,
        loss_cycles=loss_cycles,
        counters=counter_table(counters),
    )

