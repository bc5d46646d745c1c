"""From event to event: the order of things within a cycle that has events, and the jump to the next one.

Every unit says in `control.wake` when it has something to decide next; what it decides may wake others in the same
cycle (those that come later in it) or in a later one. All signals between units are registered, so the order below is
that of the arbitration in docs/timing.md, and otherwise does not matter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accel_sim.events import control, load, matrix, memory, store, vector, weights
from accel_sim.events.state import (
    ASK_FETCH,
    ASK_LOAD,
    ASK_WEIGHTS,
    CLAIM_LOAD,
    CLAIM_MATRIX,
    CLAIM_STORE,
    CLAIM_VECTOR,
    HEAD,
    ISSUE,
    NEVER,
    RETIRE,
    SEND,
    SLOTS,
)
from accel_sim.events.tables import charge_account, engine_of
from accel_sim.timing.decode import HALT, ILLEGAL
from accel_sim.timing.jit import compiled, compiled_and_kept, text_stamp
from accel_sim.timing.setup import (
    ADDRESS_ERROR,
    BUSY,
    DEADLOCK,
    DONE,
    ILLEGAL_INSTRUCTION,
    LOAD,
    MATRIX,
    NONE,
    RUNNING,
    STORE,
    TOKEN_OVERFLOW,
    VECTOR,
    WEIGHTS,
)
from machine.config import DEADLOCK_CYCLES
from machine.isa import ENGINE_COUNT, INSTRUCTION_BYTES
from machine.registers import STATE_COUNT


@compiled
def arbitrate(t: int, now: Any) -> bool:
    """Grant at most one of the read bursts presented in cycle t; return whether one of them is an address error."""
    setup, wake = now.setup, now.control.wake
    memory.pass_over(t - 1, now.memory)
    granted = now.memory.reads >= setup.outstanding  # nothing more can be
    again = now.memory.last[now.memory.first] + 1 if granted else t + 1
    error = False
    if wake[ASK_FETCH] == t:
        count = control.fetch_count(setup, now.control)
        end = setup.program_address + INSTRUCTION_BYTES * (now.control.fetch_next + count)
        error |= memory.outside(setup, end)
        wake[ASK_FETCH] = again
        if not granted:
            control.fetch(t, now, count)
            granted = True
    if wake[ASK_WEIGHTS] == t and weights.asks(t, now):
        error |= weights.asks_outside(now)
        wake[ASK_WEIGHTS] = again
        if not granted:
            wake[ASK_WEIGHTS] = NEVER
            weights.request(t, now)
            granted = True
            if now.matrix.shift_first == NEVER:
                matrix.shift(t, now)
    if wake[ASK_LOAD] == t and load.asks(t, now):
        error |= load.asks_outside(now)
        wake[ASK_LOAD] = again
        if not granted:
            wake[ASK_LOAD] = NEVER
            load.request(t, now)
    return error


@compiled
def settle(t: int, now: Any) -> None:
    """Charge the cycles of all engines up to t."""
    load.settle(t, now)
    weights.settle(t, now)
    matrix.settle(t, now)
    vector.settle(t, now)
    store.settle(t, now)


@compiled
def close_account(t: int, now: Any, engine: int, reading: int) -> None:
    """Take from an engine's account the reads after cycle t; they are those of the instruction `reading`."""
    charge_account(now.tables, engine, reading, BUSY, -max(0, now.control.charged[engine] - t))


@compiled
def retire(t: int, now: Any) -> bool:
    """Retire what retires in cycle t; return whether a token counter overflows."""
    overflow = False
    for engine in range(ENGINE_COUNT):
        if now.control.wake[RETIRE + engine] == t:
            # States and causes depend on what is in flight and on tokens.
            load.settle(t, now)
            matrix.settle(t, now)
            vector.settle(t, now)
            overflow |= control.retire(t, now, engine)
            if engine == LOAD:
                control.wake_at(now.control, ISSUE + LOAD, t + 1)
    return overflow


@compiled
def dispatch(t: int, now: Any, engine: int) -> None:
    """Dispatch the head of the fetch buffer to an engine in cycle t."""
    # States depend on the queues, causes on the head.
    matrix.settle(t, now)
    vector.settle(t, now)
    if engine == LOAD:
        load.settle(t, now)
    elif engine == WEIGHTS:
        weights.settle(t, now)
    elif engine == STORE:
        store.settle(t, now)
    control.dispatch(t, now.setup, now.control, engine)


@compiled
def decide_head(now: Any) -> tuple[int, int]:
    """Return (engine, status): which queue takes the head of the fetch buffer, or NONE, and how it ends the program."""
    state = now.control
    state.wake[HEAD] = NEVER
    engine = engine_of(now.tables, state.head)
    if engine == HALT:
        state.halted = 1
        return NONE, DONE if control.all_idle(state) else RUNNING
    if engine == ILLEGAL:
        return NONE, ILLEGAL_INSTRUCTION
    if state.dispatched[engine] - state.issued[engine] < now.setup.queue_depth:
        return engine, RUNNING
    state.blocked = engine
    return NONE, RUNNING


@compiled
def happen(t: int, now: Any) -> int:
    """Let happen what happens in cycle t; return the status with which it ends the program, or RUNNING."""
    wake = now.control.wake
    dispatched, ending = NONE, RUNNING
    if wake[HEAD] == t:
        dispatched, ending = decide_head(now)
    error = False
    if wake[ASK_FETCH] == t or wake[ASK_WEIGHTS] == t or wake[ASK_LOAD] == t:
        error = arbitrate(t, now)
    if wake[SEND] == t:
        store.send(t, now)
    if wake[CLAIM_STORE] == t:
        error |= store.claim(t, now)
    if wake[CLAIM_VECTOR] == t:
        error |= vector.claim(t, now)
    if wake[CLAIM_MATRIX] == t:
        error |= matrix.claim(t, now)
    if wake[CLAIM_LOAD] == t:
        error |= load.claim(t, now)
    if wake[ISSUE + LOAD] == t:
        load.try_issue(t, now)
    if wake[ISSUE + WEIGHTS] == t:
        weights.try_issue(t, now)
    if wake[ISSUE + MATRIX] == t:
        matrix.try_issue(t, now)
    if wake[ISSUE + VECTOR] == t:
        vector.try_issue(t, now)
    if wake[ISSUE + STORE] == t:
        store.try_issue(t, now)
    overflow = retire(t, now)
    if dispatched != NONE:
        dispatch(t, now, dispatched)
    if ending == ILLEGAL_INSTRUCTION:
        return ILLEGAL_INSTRUCTION
    if error:
        return ADDRESS_ERROR
    return TOKEN_OVERFLOW if overflow else ending


@compiled
def next_event(wake: Any) -> int:
    """Return the next cycle in which a unit has something to decide."""
    t = wake[0]
    for slot in range(1, SLOTS):
        t = min(t, wake[slot])
    return int(t)


@compiled
def next_deadlock(t: int, now: Any) -> int:
    """Return the cycle of a deadlock before the next event, which is in cycle t; else NEVER."""
    deadlock = now.control.active_until + DEADLOCK_CYCLES
    return int(deadlock) if deadlock < t else NEVER


@compiled
def take_snapshot(t: int, now: Any, snapshots: Any, place: int) -> None:
    """Copy the counters at the end of cycle t, without the busy cycles after it that were charged ahead of time."""
    settle(t, now)
    for engine in range(ENGINE_COUNT):
        for state in range(STATE_COUNT):
            snapshots[place, engine, state] = now.control.counters[engine, state]
        snapshots[place, engine, BUSY] -= max(0, now.control.charged[engine] - t)


@compiled
def run(state: Any, marks: Any, snapshots: Any, max_cycles: int) -> tuple[int, int, int, int]:
    """Run a program from the write of the start register on; return what `Ending` has.

    Args:
        state: `STATE[1]`, initial.
        marks: int64[k], as in `Trace`.
        snapshots: int64[k + 1, 5, 11], to be filled with the counters at the marks and at the end.
        max_cycles: when to give up.
    """
    now = state[0]
    taken = 0
    t, status = 0, RUNNING
    while status == RUNNING:
        following = next_event(now.control.wake)
        deadlock = next_deadlock(following, now)
        while taken < len(marks) and max(1, marks[taken]) < min(following, deadlock, max_cycles + 1):
            take_snapshot(max(1, marks[taken]), now, snapshots, taken)
            taken += 1
        if min(following, deadlock) > max_cycles:
            t = max_cycles
            break
        if deadlock < following:
            t, status = deadlock, DEADLOCK
        else:
            t, status = following, happen(following, now)
    settle(t, now)
    close_account(t, now, MATRIX, now.matrix.reading)
    close_account(t, now, VECTOR, now.vector.reading)
    while taken < len(marks) and marks[taken] <= t:
        take_snapshot(t, now, snapshots, taken)
        taken += 1
    take_snapshot(t, now, snapshots, len(marks))
    return status, t, memory.read_beats(t, now.setup, now.memory), store.write_beats(t, now.store)


def _kept_run(stamp: int) -> Callable[[Any, Any, Any, int], tuple[int, int, int, int]]:
    """Return `run` with its machine code kept on disk under a stamp of the text of all that it calls."""

    @compiled_and_kept
    def kept_run(state: Any, marks: Any, snapshots: Any, max_cycles: int) -> tuple[int, int, int, int]:
        if stamp == NONE:
            return RUNNING, 0, 0, 0
        return run(state, marks, snapshots, max_cycles)

    return kept_run


run_kept = _kept_run(text_stamp("events"))
