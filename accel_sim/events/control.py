"""Control: fetch, dispatch, tokens, issue and retirement (docs/units/control.md)."""

# ruff: noqa: SIM110 - Numba compiles loops, not generators
from __future__ import annotations

from typing import Any

from accel_sim.events.memory import beat_time, grant
from accel_sim.events.state import ASK_FETCH, FETCH_BUFFER, HEAD, ISSUE, NEVER, RETIRE, RETIRING
from accel_sim.events.tables import note_issue, note_retire, send_of, wait_of
from accel_sim.timing.jit import compiled
from accel_sim.timing.setup import BURST_INSTRUCTIONS, FETCH, LARGEST_TOKEN, NONE
from machine.isa import ENGINE_COUNT, INSTRUCTION_BYTES


@compiled
def wake_at(control: Any, slot: int, t: int) -> None:
    """Look at a unit in cycle t, or earlier if that has been arranged."""
    control.wake[slot] = min(control.wake[slot], t)


@compiled
def keep_active(control: Any, t: int) -> None:
    """Note that no cycle up to t is quiet."""
    control.active_until = max(control.active_until, t)


@compiled
def queue_empty(control: Any, engine: int) -> bool:
    """Return whether the engine's queue is empty (visible)."""
    return bool(control.dispatched[engine] == control.issued[engine])


@compiled
def in_flight(control: Any, engine: int) -> int:
    """Return how many instructions the engine has issued and not retired (visible)."""
    return int(control.issued[engine] - control.retired[engine])


@compiled
def all_idle(control: Any) -> bool:
    """Return whether every dispatched instruction has retired (visible)."""
    for engine in range(ENGINE_COUNT):
        if control.dispatched[engine] != control.retired[engine]:
            return False
    return True


@compiled
def fetch_count(setup: Any, control: Any) -> int:
    """Return how many instructions fetch asks for, 0 if it asks for none."""
    aligned = BURST_INSTRUCTIONS - control.fetch_next % BURST_INSTRUCTIONS
    count = min(aligned, setup.program_length - control.fetch_next)
    return int(count) if count <= control.fetch_free else 0


@compiled
def fetch_beats(setup: Any, count: int) -> int:
    """Return the beats of a burst of `count` instructions."""
    return int(INSTRUCTION_BYTES * count // setup.bus_bytes)


@compiled
def fetch(t: int, now: Any, count: int) -> None:
    """Grant the burst of the next `count` instructions in cycle t."""
    setup, control = now.setup, now.control
    address = setup.program_address + INSTRUCTION_BYTES * control.fetch_next
    place = grant(t, now, FETCH, address, fetch_beats(setup, count))
    due, credit = now.memory.due[place], now.memory.credit[place]
    for number in range(count):
        complete = beat_time(setup, due, credit, fetch_beats(setup, number + 1)) + 1
        control.complete[(control.fetch_next + number) % FETCH_BUFFER] = complete
    if control.head == control.fetch_next:
        control.head_complete = control.complete[control.head % FETCH_BUFFER]
        control.wake[HEAD] = control.head_complete
    control.fetch_next += count
    control.fetch_free -= count
    control.wake[ASK_FETCH] = t + 1 if fetch_count(setup, control) > 0 else NEVER


@compiled
def dispatch(t: int, setup: Any, control: Any, engine: int) -> None:
    """Move the head of the fetch buffer into the engine's queue; to be called last in cycle t."""
    if queue_empty(control, engine):
        wake_at(control, ISSUE + engine, t + 1)
    control.dispatched[engine] += 1
    control.head += 1
    control.fetch_free += 1
    keep_active(control, t)
    known = control.head < control.fetch_next
    control.head_complete = control.complete[control.head % FETCH_BUFFER] if known else NEVER
    control.wake[HEAD] = max(t + 1, control.head_complete)
    if control.wake[ASK_FETCH] == NEVER and fetch_count(setup, control) > 0:
        control.wake[ASK_FETCH] = t + 1


@compiled
def may_issue(now: Any, engine: int) -> bool:
    """Return whether the engine's queue has a head and the head has all its tokens."""
    return not queue_empty(now.control, engine) and missing_token(now, engine) == ENGINE_COUNT


@compiled
def missing_token(now: Any, engine: int) -> int:
    """Return the first engine whose token the head of a queue lacks, ENGINE_COUNT if it has them all."""
    wait = wait_of(now.tables, engine, now.control.issued[engine])
    for source in range(ENGINE_COUNT):
        if (wait >> source) & 1 and now.control.token[source, engine] == 0:
            return source
    return ENGINE_COUNT


@compiled
def issue(t: int, now: Any, engine: int) -> None:
    """Take the head off the engine's queue with its tokens in cycle t."""
    control = now.control
    number = control.issued[engine]
    note_issue(now.tables, engine, number, t)
    wait = wait_of(now.tables, engine, number)
    for source in range(ENGINE_COUNT):
        control.token[source, engine] -= (wait >> source) & 1
    control.issued[engine] = number + 1
    keep_active(control, t)
    if control.blocked == engine:
        control.blocked = NONE
        control.wake[HEAD] = t + 1


@compiled
def schedule_retirement(control: Any, engine: int, t: int) -> None:
    """Note that the engine's next instruction retires in cycle t."""
    number = control.scheduled[engine]
    control.retire[engine, number % RETIRING] = t
    if number == control.retired[engine]:
        control.wake[RETIRE + engine] = t
    control.scheduled[engine] = number + 1
    keep_active(control, t)


@compiled
def retire(t: int, now: Any, engine: int) -> bool:
    """Retire the engine's oldest instruction in cycle t and send its tokens; return whether a counter overflows.

    To be called after the issues of the cycle.
    """
    control = now.control
    number = control.retired[engine]
    note_retire(now.tables, engine, number, t)
    control.retired[engine] = number + 1
    later = number + 1 < control.scheduled[engine]
    control.wake[RETIRE + engine] = control.retire[engine, (number + 1) % RETIRING] if later else NEVER
    if control.halted:
        control.wake[HEAD] = t + 1
    overflow = False
    send = send_of(now.tables, engine, number)
    for target in range(ENGINE_COUNT):
        if (send >> target) & 1:
            control.token[engine, target] += 1
            overflow |= control.token[engine, target] > LARGEST_TOKEN
            wake_at(control, ISSUE + target, t + 1)
    return overflow
