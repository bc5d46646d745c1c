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
            ends, causes = _with_beats(ends, causes, *_beats(machine, rows[rows[:, 0] == WEIGHT_BURST], cycles))
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


def _beats(machine: Machine, bursts: Int64Array, cycles: int) -> tuple[Int64Array, Int64Array]:
    """Return first and last cycle of all stretches of cycles with a beat of some bursts (docs/units/memory.md)."""
    _, due, credit, beats = bursts.T
    numerator, denominator = machine.bus_rate_numerator, machine.bus_rate_denominator
    if numerator == denominator:
        firsts, lasts = due, due + beats - 1
    else:
        before = np.repeat(np.cumsum(beats) - beats, beats)
        lacking = (np.arange(len(before), dtype=np.int64) - before + 1) * denominator - np.repeat(credit, beats)
        firsts = lasts = np.repeat(due, beats) + np.maximum(0, -(-lacking // numerator))
    inside = firsts <= cycles
    firsts, lasts = firsts[inside], np.minimum(lasts[inside], cycles)
    apart = firsts[1:] != lasts[:-1] + 1
    return firsts[np.append(True, apart)[: len(firsts)]], lasts[np.append(apart, True)[: len(lasts)]]


def _with_beats(
    ends: Int64Array, causes: Int64Array, firsts: Int64Array, lasts: Int64Array
) -> tuple[Int64Array, Int64Array]:
    """Make the cycles with a beat busy, whatever else went on in them."""
    if not len(firsts):
        return ends, causes
    cuts = _ascending(ends, firsts - 1, lasts)
    stretch = np.minimum(np.searchsorted(lasts, cuts), len(lasts) - 1)
    busy = (firsts[stretch] <= cuts) & (cuts <= lasts[stretch])
    merged = np.where(busy, int(EngineState.BUSY), causes[np.searchsorted(ends, cuts)])
    ends, causes, _ = _merge(cuts, merged, np.zeros_like(merged))
    return ends, causes


def _ascending(*cycles: Int64Array) -> Int64Array:
    """Return the positive cycles of all arrays, ascending and each once (faster than `np.unique`)."""
    sorted_cycles = np.sort(np.concatenate(cycles), kind="stable")
    return sorted_cycles[np.diff(sorted_cycles, prepend=0) > 0]


def _with_places(ends: Int64Array, causes: Int64Array, issue: Int64Array) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Divide runs where an instruction issues, and give each its instruction."""
    issue = issue[issue > 0]
    cuts = _ascending(ends, issue - 1)
    causes = causes[np.searchsorted(ends, cuts)]
    issued = np.searchsorted(issue, cuts, side="right")
    return _merge(cuts, causes, np.where(np.isin(causes, _NEXT), issued, issued - 1))
