"""Runs of cycles, where they are asked for (accel_sim/timing/history.py)."""

from __future__ import annotations

from accel_sim.timing.history import Runs
from accel_sim.timing.jit import compiled
from accel_sim.timing.setup import NONE


@compiled
def note_cycle(runs: Runs, engine: int, cause: int, place: int) -> None:
    """Note what an engine's cycle went to."""
    if len(runs.rows) == 0:
        return
    last = runs.last[engine]
    if last != NONE and last < len(runs.rows) and runs.rows[last, 1] == cause and runs.rows[last, 2] == place:
        runs.rows[last, 3] += 1
        return
    row = runs.written[0]
    runs.written[0] += 1
    runs.last[engine] = row
    if row < len(runs.rows):
        runs.rows[row, 0] = engine
        runs.rows[row, 1] = cause
        runs.rows[row, 2] = place
        runs.rows[row, 3] = 1
