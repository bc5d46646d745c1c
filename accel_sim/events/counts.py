"""The counters of an engine, brought up to date a stretch of cycles at a time (docs/timing.md, "Engine states").

`control.charged` is the last cycle that an engine's counters include. What happens in a cycle is charged by whoever
makes it happen; the cycles between, in which the engine only waits, are charged by the units' `settle` functions before
anything that the state depends on changes. Reads and accesses are charged when they are granted, ahead of time.
"""

from __future__ import annotations

from typing import Any

from accel_sim.events.control import in_flight, missing_token, queue_empty
from accel_sim.events.runs import note_run
from accel_sim.events.tables import charge_account
from accel_sim.timing.accounts import FIRST_TOKEN, IDLE_DISPATCH, IDLE_FETCH
from accel_sim.timing.jit import compiled
from accel_sim.timing.setup import DRAIN, IDLE, WAIT_TOKEN


@compiled
def count(now: Any, engine: int, state: int, cycles: int) -> None:
    """Charge the next `cycles` cycles of an engine to a state."""
    note_run(now.history, engine, state, 0, cycles)
    add(now, engine, state, cycles)


@compiled
def add(now: Any, engine: int, state: int, cycles: int) -> None:
    """Add cycles of an engine, whose order is noted otherwise or not at all, to the counter of a state."""
    now.control.counters[engine, state] += cycles
    now.control.charged[engine] += cycles


@compiled
def charge(now: Any, engine: int, state: int, cause: int, place: int, cycles: int) -> None:
    """Charge the next `cycles` cycles of the matrix or vector engine, to an instruction and a cause too."""
    note_run(now.history, engine, cause, place, cycles)
    add(now, engine, state, cycles)
    charge_account(now.tables, engine, place, cause, cycles)


@compiled
def until(t: int, control: Any, engine: int, upto: int) -> int:
    """Return how many of the cycles not charged yet, the last of them `upto`, are before cycle t."""
    return int(max(0, min(t - 1, upto) - control.charged[engine]))


@compiled
def settle_without_segment(upto: int, now: Any, engine: int) -> None:
    """Charge the cycles of the matrix or the vector engine up to `upto`, in which it had no active instruction."""
    control = now.control
    place = control.issued[engine]
    cycles = upto - control.charged[engine]
    if not queue_empty(control, engine):
        cause = FIRST_TOKEN + missing_token(now, engine)
        charge(now, engine, WAIT_TOKEN, cause, place, cycles)
    elif in_flight(control, engine) > 0:
        charge(now, engine, DRAIN, DRAIN, place - 1, cycles)
    elif place < now.tables.counts[engine]:
        fetching = until(control.head_complete, control, engine, upto)
        charge(now, engine, IDLE, IDLE_FETCH, place, fetching)
        charge(now, engine, IDLE, IDLE_DISPATCH, place, cycles - fetching)
    else:
        charge(now, engine, IDLE, IDLE, place, cycles)
