"""The engines' time as arrays for the page: runs of cycles by state, and instructions from issue to retirement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from machine.isa import Engine
from runtime.profile import NetworkProfile
from runtime.report.arrays import ArrayPacker

Int64Array = npt.NDArray[np.int64]

LONGEST_RUNS = 2_000_000
"""Runs of an engine that a report holds; those of a longer history are added up over equal steps of time."""
STEPS = 40_000
"""Steps of such a history."""
LONGEST_INSTRUCTIONS = 400_000
"""Instructions of an engine that a report holds; of a longer program it has none."""


@dataclass(frozen=True, eq=False)
class EngineRuns:
    """What one engine did: contiguous runs from cycle 1 of the first segment to the last cycle of the last.

    Attributes:
        cycles: int64[runs], the length of each.
        state: int64[runs], `Cause` of the matrix and the vector engine, `EngineState` of the others.
        layer: int64[runs], the layer's place in the profile plus 1, 0 for none.
        issue: int64[instructions], absolute cycle of issue, ascending.
        duration_cycles: int64[instructions], from there to retirement.
        instruction_layer: int64[instructions], as `layer`.
        resolution_cycles: 1 where runs are exact; else runs are in order only between steps of so many cycles.
    """

    cycles: Int64Array
    state: Int64Array
    layer: Int64Array
    issue: Int64Array
    duration_cycles: Int64Array
    instruction_layer: Int64Array
    resolution_cycles: int = 1

    def pack(self, packer: ArrayPacker, name: str) -> None:
        """Add the arrays, which the page finds under the engine's name."""
        packer.add(f"{name}.cycles", self.cycles)
        packer.add(f"{name}.state", self.state)
        packer.add(f"{name}.layer", self.layer)
        packer.add(f"{name}.issue", self.issue, differences=True)
        packer.add(f"{name}.duration", self.duration_cycles)
        packer.add(f"{name}.instruction_layer", self.instruction_layer)


def engine_runs(profile: NetworkProfile, engine: Engine, place: Mapping[int, int]) -> EngineRuns:
    """Return an engine's history over all segments; `place` gives a node's place among the layers."""
    layer_of_node = np.zeros(len(profile.program.nodes) + 1, np.int64)
    for node, index in place.items():
        layer_of_node[node] = index + 1  # the last entry stays 0: node -1 is none
    parts: list[tuple[Int64Array, ...]] = []
    start = 0
    for segment, time in zip(profile.program.segments, profile.times, strict=True):
        nodes = np.asarray(segment.instruction_nodes or (-1,) * len(segment.instructions), np.int64)
        layers = layer_of_node[nodes[time.indices[engine]]]
        after = np.append(layers, 0)  # the place after the last instruction
        history, issue, retire = time.history[engine], time.issue[engine], time.retire[engine]
        issued = issue >= 0
        ended = np.where(retire < 0, time.cycles, retire)
        parts.append((
            history.cycles, history.cause, after[history.place],
            issue[issued] + start, (ended - issue)[issued], layers[issued],
        ))
        start += time.cycles
    if not parts:
        none = np.zeros(0, np.int64)
        return EngineRuns(none, none, none, none, none, none)
    cycles, state, layer, issue, duration, instruction_layer = (
        np.concatenate(columns).astype(np.int64) for columns in zip(*parts, strict=True)
    )
    if len(issue) > LONGEST_INSTRUCTIONS:
        issue, duration, instruction_layer = (array[:0] for array in (issue, duration, instruction_layer))
    resolution = 1
    if len(cycles) > LONGEST_RUNS:
        resolution = -(-start // STEPS)
        cycles, state, layer = _reduced(cycles, state, layer, resolution)
    return EngineRuns(cycles, state, layer, issue, duration, instruction_layer, resolution)


def _reduced(
    cycles: Int64Array, state: Int64Array, layer: Int64Array, step: int
) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Add runs up by step, layer and state, in this order; the total of every state and layer stays exact."""
    ends = np.cumsum(cycles)
    cuts = np.union1d(ends, np.arange(step, ends[-1], step))
    pieces = np.diff(cuts, prepend=0)
    run = np.searchsorted(ends, cuts)  # a piece lies in the run in which its last cycle does
    keys = np.stack([(cuts - 1) // step, layer[run], state[run]])
    kinds, index = np.unique(keys, axis=1, return_inverse=True)
    totals = np.zeros(kinds.shape[1], np.int64)
    np.add.at(totals, index.reshape(-1), pieces)
    return totals, kinds[2], kinds[1]
