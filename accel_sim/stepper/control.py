"""Control: fetch, dispatch, queues, tokens, the end of a program (docs/units/control.md, docs/timing.md)."""

# ruff: noqa: SIM110 - Numba compiles loops, not generators
from __future__ import annotations

from typing import Any

from accel_sim.stepper.memory import outside
from accel_sim.timing.decode import HALT, ILLEGAL
from accel_sim.timing.jit import compiled
from accel_sim.timing.setup import (
    ADDRESS_ERROR,
    BURST_INSTRUCTIONS,
    DEADLOCK,
    DONE,
    FETCH,
    ILLEGAL_INSTRUCTION,
    LARGEST_TOKEN,
    NONE,
    RUNNING,
    TOKEN_OVERFLOW,
)
from machine.config import DEADLOCK_CYCLES
from machine.isa import ENGINE_COUNT, INSTRUCTION_BYTES

LAST_QUIET = DEADLOCK_CYCLES - 1


@compiled
def burst_instructions(setup: Any, control: Any) -> int:
    """Return how many instructions the next fetch burst reads; 0 at the end of the program."""
    aligned = BURST_INSTRUCTIONS - control.fetch_next % BURST_INSTRUCTIONS
    return int(min(aligned, setup.program_length - control.fetch_next))


@compiled
def present(setup: Any, control: Any, events: Any) -> None:
    """Present the next fetch burst if the fetch buffer has room for it."""
    count = burst_instructions(setup, control)
    if count == 0 or control.fetch_free < count:
        return
    first = setup.program_address + INSTRUCTION_BYTES * control.fetch_next
    end = first + INSTRUCTION_BYTES * count
    events.presented[FETCH] = INSTRUCTION_BYTES * count // setup.bus_bytes
    events.presented_address[FETCH] = first
    if outside(setup, end):
        events.address_error = 1


@compiled
def head_complete(setup: Any, control: Any) -> bool:
    """Return whether the fetch buffer holds the next instruction (visible)."""
    complete = control.fetch_beats * setup.bus_bytes >= INSTRUCTION_BYTES * (control.head + 1)
    return bool(complete and control.head < setup.program_length)


@compiled
def dispatch(setup: Any, control: Any, engines: Any, events: Any) -> None:
    """Decide what happens to the oldest instruction in the fetch buffer."""
    if not head_complete(setup, control):
        return
    engine = engines[control.head]
    if engine == HALT:
        events.halt = 1
    elif engine == ILLEGAL:
        events.illegal = 1
    elif control.dispatched[engine] - control.issued[engine] < setup.queue_depth:
        events.dispatched = engine


@compiled
def may_issue(control: Any, waits: Any, engine: int) -> bool:
    """Return whether the engine's queue has a head and the head has all its tokens."""
    if control.dispatched[engine] == control.issued[engine]:
        return False
    wait = waits[engine, control.issued[engine]]
    for source in range(ENGINE_COUNT):
        if (wait >> source) & 1 and control.token[source, engine] == 0:
            return False
    return True


@compiled
def queue_empty(control: Any, engine: int) -> bool:
    """Return whether the engine's queue is empty (visible)."""
    return bool(control.dispatched[engine] == control.issued[engine])


@compiled
def in_flight(control: Any, engine: int) -> int:
    """Return how many instructions the engine has issued and not retired (visible)."""
    return int(control.issued[engine] - control.retired[engine])


@compiled
def move_tokens(control: Any, waits: Any, sends: Any, events: Any) -> bool:
    """Consume the tokens of issues and send those of retirements; return whether a counter overflows."""
    overflow = False
    for engine in range(ENGINE_COUNT):
        if events.issued[engine]:
            wait = waits[engine, control.issued[engine]]
            for source in range(ENGINE_COUNT):
                control.token[source, engine] -= (wait >> source) & 1
    for engine in range(ENGINE_COUNT):
        if events.retired[engine]:
            send = sends[engine, control.retired[engine]]
            for target in range(ENGINE_COUNT):
                control.token[engine, target] += (send >> target) & 1
                overflow |= control.token[engine, target] > LARGEST_TOKEN
    return overflow


@compiled
def update(setup: Any, control: Any, events: Any, quiet: bool) -> None:
    """Move the instructions that were fetched, dispatched, issued and retired."""
    if events.read_granted == FETCH:
        count = burst_instructions(setup, control)
        control.fetch_next += count
        control.fetch_free -= count
    if events.beat == FETCH:
        control.fetch_beats += 1
    if events.dispatched != NONE:
        control.dispatched[events.dispatched] += 1
        control.head += 1
        control.fetch_free += 1
    for engine in range(ENGINE_COUNT):
        control.issued[engine] += events.issued[engine]
        control.retired[engine] += events.retired[engine]
    control.quiet = control.quiet + 1 if quiet else 0


@compiled
def ending(control: Any, events: Any, overflow: bool, quiet: bool) -> int:
    """Return the status with which this cycle ends the program, or RUNNING. To be called before `update`."""
    if events.illegal:
        return ILLEGAL_INSTRUCTION
    if events.address_error:
        return ADDRESS_ERROR
    if overflow:
        return TOKEN_OVERFLOW
    if events.halt and _all_idle(control):
        return DONE
    if quiet and control.quiet == LAST_QUIET:
        return DEADLOCK
    return RUNNING


@compiled
def _all_idle(control: Any) -> bool:
    for engine in range(ENGINE_COUNT):
        if control.dispatched[engine] != control.retired[engine]:
            return False
    return True
