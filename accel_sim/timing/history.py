"""What every engine did, as runs of cycles: the counters and accounts with their order kept (docs/profile.md).

While a model of time goes on it appends rows of `RUN_WORDS` numbers, those of all engines mixed, each engine's in
order and without gaps, so a run begins where the engine's run before has ended. `finish_history` sorts them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from machine.config import Machine
from machine.isa import ENGINE_COUNT, Engine
from machine.registers import EngineState

Int64Array = npt.NDArray[np.int64]

RUN_WORDS = 4
"""A row: engine, cause, place, cycles."""
WEIGHT_BURST = ENGINE_COUNT
"""In place of an engine: a granted burst of the weights engine; the cycle in which its beats are due, the credit of the
bus in that cycle, the number of beats. The events kernel does not know in which order beats and waits came."""
FIRST_CAPACITY = 1 << 16
"""Rows that are tried first; a run that has more is run again with as many as it takes."""
_NEXT = (EngineState.IDLE, EngineState.WAIT_TOKEN)
"""States in which an engine has to do with its next instruction rather than with those that it has issued."""


@dataclass(frozen=True, eq=False)
class History:
    """One engine's cycles 1 to the last one of the program, in runs in which nothing changes.

    Attributes:
        start: int64[n], first cycle of each run.
        cycles: int64[n], its length; the next run begins behind it.
        cause: int64[n], of matrix and vector a `Cause`, of the other engines an `EngineState`.
        place: int64[n], to which of the engine's instructions the cycles belong, by its place among them; the number
            of the instructions if to none. For matrix and vector it is that of the account. For load, weights and
            store it is the instruction issued last; while the engine is idle or waits for a token, the next one.
    """

    start: Int64Array
    cycles: Int64Array
    cause: Int64Array
    place: Int64Array


class Runs(NamedTuple):
    """Where runs are written.

    Attributes:
        rows: int64[capacity, RUN_WORDS]; rows behind the capacity are counted and lost.
        written: int64[1], rows written or lost.
        last: int64[ENGINE_COUNT], row of each engine's latest run, -1 for none.
    """

    rows: Int64Array
    written: Int64Array
    last: Int64Array


def open_runs(capacity: int) -> Runs:
    """Return an empty record of runs; one without capacity records nothing."""
    return Runs(
        np.zeros((capacity, RUN_WORDS), np.int64), np.zeros(1, np.int64), np.full(ENGINE_COUNT, -1, np.int64)
    )


def finish_history(
    machine: Machine, runs: Runs, cycles: int, issue: Mapping[Engine, Int64Array]
) -> dict[Engine, History]:
    """Return what the engines did from the rows of a run of `cycles` cycles, none of them lost.

    Args:
        machine: the machine.
        runs: the rows.
        cycles: the last cycle; what was recorded ahead of time behind it is left out.
        issue: int64[n] for each engine, issue cycle of each of its instructions, -1 for those not issued.
    """
    rows = runs.rows[: runs.written[0]]
    found: dict[Engine, History] = {}
    for engine in Engine:
        own = rows[rows[:, 0] == engine]
        ends = np.minimum(np.cumsum(own[:, 3]), cycles)
        ends, causes, places = _merge(ends, own[:, 1], own[:, 2])
        if engine is Engine.WEIGHTS:
            ends, causes = _with_beats(ends, causes, _beat_cycles(machine, rows[rows[:, 0] == WEIGHT_BURST]))
        if engine not in (Engine.MATRIX, Engine.VECTOR):
            ends, causes, places = _with_places(ends, causes, issue[engine])
        start = np.concatenate([np.ones(1, np.int64), ends[:-1] + 1])[: len(ends)]
        found[engine] = History(start, ends - start + 1, causes, places)
    return found


def _merge(ends: Int64Array, causes: Int64Array, places: Int64Array) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Join runs that differ in nothing, and drop those of no cycles."""
    kept = np.diff(ends, prepend=0) > 0
    ends, causes, places = ends[kept], causes[kept], places[kept]
    changes = np.append((np.diff(causes) != 0) | (np.diff(places) != 0), True)[: len(ends)]
    return ends[changes], causes[changes], places[changes]


def _beat_cycles(machine: Machine, bursts: Int64Array) -> Int64Array:
    """Return the cycle of every beat of bursts (docs/units/memory.md), ascending."""
    _, due, credit, beats = bursts.T
    first = np.repeat(np.cumsum(beats) - beats, beats)
    number = np.arange(len(first), dtype=np.int64) - first + 1
    due, credit = np.repeat(due, beats), np.repeat(credit, beats)
    numerator, denominator = machine.bus_rate_numerator, machine.bus_rate_denominator
    waits = number - 1 if numerator == denominator else np.maximum(0, -((credit - number * denominator) // numerator))
    cycles: Int64Array = due + waits
    return cycles


def _with_beats(ends: Int64Array, causes: Int64Array, beats: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Make the cycles with a beat busy, whatever else went on in them."""
    beats = beats[beats <= (ends[-1] if len(ends) else 0)]
    if not len(beats):
        return ends, causes
    breaks = np.flatnonzero(np.diff(beats) != 1)
    firsts, lasts = beats[np.append(0, breaks + 1)], beats[np.append(breaks, len(beats) - 1)]
    cuts = np.unique(np.concatenate([ends, firsts - 1, lasts]))
    cuts = cuts[cuts > 0]
    base = causes[np.searchsorted(ends, cuts)]
    interval = np.minimum(np.searchsorted(lasts, cuts), len(lasts) - 1)
    busy = (firsts[interval] <= cuts) & (cuts <= lasts[interval])
    merged = np.where(busy, int(EngineState.BUSY), base)
    ends, causes, _ = _merge(cuts, merged, np.zeros_like(merged))
    return ends, causes


def _with_places(ends: Int64Array, causes: Int64Array, issue: Int64Array) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Divide runs where an instruction issues, and give each its instruction."""
    issue = issue[issue > 0]
    cuts = np.unique(np.concatenate([ends, issue[issue <= (ends[-1] if len(ends) else 0)] - 1]))
    cuts = cuts[cuts > 0]
    causes = causes[np.searchsorted(ends, cuts)]
    issued = np.searchsorted(issue, cuts, side="right")
    return _merge(cuts, causes, np.where(np.isin(causes, _NEXT), issued, issued - 1))
