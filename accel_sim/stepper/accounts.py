"""Charge a cycle of the matrix or the vector engine to the account (docs/profile.md)."""

from __future__ import annotations

from typing import Any

from accel_sim.stepper.control import head_complete
from accel_sim.stepper.runs import note_cycle
from accel_sim.stepper.state import GRANTED
from accel_sim.timing.accounts import FIRST_TOKEN, IDLE_DISPATCH, IDLE_FETCH
from accel_sim.timing.decode import Program
from accel_sim.timing.jit import compiled
from accel_sim.timing.setup import BUSY, DRAIN, IDLE, WAIT_TOKEN
from accel_sim.timing.trace import Trace
from machine.isa import ENGINE_COUNT


@compiled
def charge(now: Any, program: Program, trace: Trace, engine: int, state: int, unit: Any) -> None:
    """Charge the cycle of one engine, `unit` its registers; to be called before any register moves."""
    control, events, account = now.control, now.events, trace.account
    place = control.issued[engine]
    cause = state
    if state == BUSY:
        place = account.reading[engine]
    elif state == DRAIN:
        place -= 1
    elif unit.active:
        place = unit.instruction
    elif state == WAIT_TOKEN:
        cause = FIRST_TOKEN + _missing(control, program.wait, engine)
    elif state == IDLE and place < account.counts[engine]:
        cause = IDLE_DISPATCH if head_complete(now.setup, control) else IDLE_FETCH
    account.cycles[engine, account.group[engine, place], cause] += 1
    note_cycle(trace.runs, engine, cause, place)
    if events.claim[engine] == GRANTED:
        account.reading[engine] = unit.instruction


@compiled
def _missing(control: Any, waits: Any, engine: int) -> int:
    """Return the first engine whose token the head of a queue lacks; it lacks one."""
    wait = waits[engine, control.issued[engine]]
    source = 0
    while not ((wait >> source) & 1 and control.token[source, engine] == 0) and source < ENGINE_COUNT - 1:
        source += 1
    return source
