"""What every engine did, as runs of cycles: the counters and accounts with their order kept (docs/profile.md).

While a model of time goes on it appends rows of `RUN_WORDS` numbers, those of all engines mixed, each engine's in
order and without gaps, so a run begins where the engine's run before has ended. `finish_history` sorts them out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from accel_sim.timing.jit import compiled, compiled_and_kept, text_stamp
from accel_sim.timing.setup import BUSY, IDLE, MATRIX, VECTOR, WAIT_TOKEN, WEIGHTS
from machine.config import Machine
from machine.isa import ENGINE_COUNT, Engine

Int64Array = npt.NDArray[np.int64]

RUN_WORDS = 4
"""A row: engine, cause, place, cycles."""
WEIGHT_BURST = ENGINE_COUNT
"""In place of an engine: a granted burst of the weights engine; the cycle in which its beats are due, the credit of the
bus in that cycle, the number of beats. The events kernel does not know in which order beats and waits came."""
FIRST_CAPACITY = 1 << 16
"""Rows that are tried first; a run that has more is run again with as many as it takes."""


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
        issue: int64[n] for each engine, issue cycle of each of its instructions, -1 for those not issued (the last).
    """
    rows = runs.rows[: runs.written[0]]
    rate = machine.bus_rate_numerator, machine.bus_rate_denominator
    return {engine: History(*_history_kept(rows, int(engine), cycles, issue[engine], *rate)) for engine in Engine}


@compiled
def _history(
    rows: Int64Array, engine: int, cycles: int, issue: Int64Array, numerator: int, denominator: int
) -> Int64Array:
    """Return int64[4, n], the attributes of one engine's `History`."""
    own = beats = 0
    for row in range(len(rows)):
        own += rows[row, 0] == engine
        if engine == WEIGHTS and rows[row, 0] == WEIGHT_BURST:
            beats += rows[row, 3]
    stretches = np.empty((2, beats), np.int64)
    stretch_count = _beats(rows, cycles, numerator, denominator, stretches) if beats > 0 else 0
    found = np.empty((4, own + 2 * stretch_count + len(issue) + 1), np.int64)
    accounted = engine in (MATRIX, VECTOR)
    count = end = stretch = issued = 0
    for row in range(len(rows)):
        if rows[row, 0] != engine:
            continue
        position, end = end, min(end + rows[row, 3], cycles)
        while position < end:
            cause, place, last = rows[row, 1], rows[row, 2], end
            while stretch < stretch_count and stretches[1, stretch] <= position:
                stretch += 1
            if stretch < stretch_count and stretches[0, stretch] <= position + 1:
                # A cycle with a beat is busy, whatever else goes on in it.
                cause, last = BUSY, min(last, stretches[1, stretch])
            elif stretch < stretch_count:
                last = min(last, stretches[0, stretch] - 1)
            if not accounted:
                while issued < len(issue) and 0 < issue[issued] <= position + 1:
                    issued += 1
                if issued < len(issue) and issue[issued] > 0:
                    last = min(last, issue[issued] - 1)
                place = issued if cause in (IDLE, WAIT_TOKEN) else issued - 1
            count = _add_run(found, count, position + 1, last - position, cause, place)
            position = last
    return found[:, :count].copy()


@compiled
def _beats(rows: Int64Array, cycles: int, numerator: int, denominator: int, stretches: Int64Array) -> int:
    """Write first and last cycle of all stretches of cycles with a beat (docs/units/memory.md); return how many."""
    count = 0
    for row in range(len(rows)):
        if rows[row, 0] != WEIGHT_BURST:
            continue
        for beat in range(1, rows[row, 3] + 1):
            waits = max(0, -((rows[row, 2] - beat * denominator) // numerator))
            cycle = rows[row, 1] + (beat - 1 if numerator == denominator else waits)
            if cycle > cycles:
                break
            if count == 0 or stretches[1, count - 1] != cycle - 1:
                stretches[0, count] = cycle
                count += 1
            stretches[1, count - 1] = cycle
    return count


@compiled
def _add_run(found: Int64Array, count: int, start: int, cycles: int, cause: int, place: int) -> int:
    """Write a run behind the others, or join it with the last one where it differs in nothing; return how many."""
    if count > 0 and found[2, count - 1] == cause and found[3, count - 1] == place:
        found[1, count - 1] += cycles
        return count
    found[0, count], found[1, count], found[2, count], found[3, count] = start, cycles, cause, place
    return count + 1


def _kept_history(stamp: int) -> Callable[[Int64Array, int, int, Int64Array, int, int], Int64Array]:
    """Return `_history` with its machine code kept on disk under a stamp of the text of all that it calls."""

    @compiled_and_kept
    def kept_history(
        rows: Int64Array, engine: int, cycles: int, issue: Int64Array, numerator: int, denominator: int
    ) -> Int64Array:
        return _history(rows, engine if stamp else -1, cycles, issue, numerator, denominator)

    return kept_history


_history_kept = _kept_history(text_stamp("timing"))
