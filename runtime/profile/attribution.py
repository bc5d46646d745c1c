"""To which layer and to which cause each cycle of a program belongs (docs/profile.md).

In every cycle the matrix engine is in one state. That is the cycle's cause, except where the matrix engine waits for
the vector engine or has nothing to do: then it is what the vector engine does in that cycle, and where that has nothing
to do either, what the store engine does. So each cycle is charged once, to whom the array waits for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accel_sim.time import Cause, History, TimeResult
from machine.isa import Engine
from machine.program import Segment
from machine.registers import EngineState
from runtime.profile.model import CAUSES

Int64Array = npt.NDArray[np.int64]

BUSY = "busy"
"""The array reads rows: useful and underused cycles together."""
CHARGED = (BUSY, *CAUSES)
_FOLLOWED = [
    Cause.WAIT_ACCUMULATOR, Cause.TOKEN_VECTOR, Cause.IDLE_FETCH, Cause.IDLE_DISPATCH, Cause.IDLE_END,
]
"""Causes of the matrix engine in which the vector engine is asked."""
_IDLE = [Cause.IDLE_FETCH, Cause.IDLE_DISPATCH, Cause.IDLE_END]


@dataclass(frozen=True, eq=False)
class Stretches:
    """A segment's cycles from 1 to the last, in stretches that belong to one node and have one cause.

    Attributes:
        ends: int64[n], the last cycle of each; the next one begins behind it.
        causes: int64[n], indices of `CHARGED`.
        nodes: int64[n], indices of the program's nodes, -1 for none.
    """

    ends: Int64Array
    causes: Int64Array
    nodes: Int64Array

    def by_node(self, nodes: int) -> Int64Array:
        """Return int64[nodes + 1, len(CHARGED)]: cycles by node and cause; the last row is no node's."""
        found = np.zeros((nodes + 1, len(CHARGED)), np.int64)
        np.add.at(found, (self.nodes, self.causes), np.diff(self.ends, prepend=0))
        return found


def attribute(segment: Segment, timing: TimeResult) -> Stretches:
    """Charge each cycle of a segment; its time must have been simulated with history."""
    matrix, vector, store = (timing.history[engine] for engine in (Engine.MATRIX, Engine.VECTOR, Engine.STORE))
    ends = np.unique(np.concatenate([_ends(matrix), _ends(vector), _ends(store)]))
    by_matrix, by_vector, by_store = (
        np.searchsorted(_ends(runs), ends) for runs in (matrix, vector, store)
    )
    causes = _index(matrix, Engine.MATRIX)[by_matrix]
    nodes = _nodes(segment, timing, Engine.MATRIX)[by_matrix]
    matrix_idle = np.isin(matrix.cause, _IDLE)[by_matrix]
    vector_idle = np.isin(vector.cause, _IDLE)[by_vector]
    follows = np.isin(matrix.cause, _FOLLOWED)[by_matrix] & ~(matrix_idle & vector_idle)
    causes = np.where(follows, _index(vector, Engine.VECTOR)[by_vector], causes)
    nodes = np.where(follows, _nodes(segment, timing, Engine.VECTOR)[by_vector], nodes)
    stores = matrix_idle & vector_idle & ~np.isin(store.cause, [EngineState.IDLE, EngineState.WAIT_TOKEN])[by_store]
    causes = np.where(stores, CHARGED.index("store"), causes)
    nodes = np.where(stores, _nodes(segment, timing, Engine.STORE)[by_store], nodes)
    return Stretches(ends, causes, nodes)


def _ends(runs: History) -> Int64Array:
    return runs.start + runs.cycles - 1


def _index(runs: History, engine: Engine) -> Int64Array:
    """Return the cause of each run as an index of `CHARGED`."""
    table = np.full(max(Cause) + 1, -1, np.int64)
    for cause in Cause:
        name = cause.label
        if cause is Cause.BUSY:
            name = BUSY if engine is Engine.MATRIX else "vector"
        if name in CHARGED:
            table[cause] = CHARGED.index(name)
    return table[runs.cause]


def _nodes(segment: Segment, timing: TimeResult, engine: Engine) -> Int64Array:
    """Return the node of each run, -1 for none."""
    if not segment.instruction_nodes:
        return np.full(len(timing.history[engine].place), -1, np.int64)
    own = np.asarray(segment.instruction_nodes, np.int64)[timing.indices[engine]]
    return np.append(own, -1)[timing.history[engine].place]
