"""One cycle of the machine: all events from visible registers, then all registers (docs/timing.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accel_sim.stepper import accounts, claims, control, load, matrix, memory, runs, store, vector, weights
from accel_sim.stepper.state import GRANTED
from accel_sim.timing.decode import Program
from accel_sim.timing.jit import compiled, compiled_and_kept, text_stamp
from accel_sim.timing.setup import FETCH, LOAD, MATRIX, NONE, RUNNING, STORE, VECTOR, WEIGHTS
from accel_sim.timing.trace import Trace
from machine.isa import ENGINE_COUNT


@compiled
def begin(events: Any) -> None:
    """Clear the wires that the units set only when something happens."""
    events.dispatched = NONE
    events.halt = 0
    events.illegal = 0
    events.address_error = 0
    for owner in range(FETCH + 1):
        events.presented[owner] = 0
    for engine in range(ENGINE_COUNT):
        events.last_burst[engine] = 0


@compiled
def find_events(t: int, now: Any, program: Program) -> None:
    """Fill `now.events` with what happens in cycle t; only claims and wires change."""
    setup, events = now.setup, now.events
    loading = program.loads[now.load.instruction]
    pushing = program.weights[now.weights.instruction]
    multiplying = program.matrices[now.matrix.instruction]
    computing = program.vectors[now.vector.instruction]
    storing = program.stores[now.store.instruction]
    begin(events)
    memory.arrive(t, setup, now.memory, events)
    control.dispatch(setup, now.control, program.engine, events)

    control.present(setup, now.control, events)
    weights.present(setup, now.weights, pushing, events)
    load.present(setup, now.load, loading, events)
    memory.arbitrate(setup, now.memory, events)
    events.write_granted = store.sends(t, setup, now.store, now.memory)

    claims.begin(now.claims)
    store.request(t, setup, now.store, storing, now.claims, events)
    vector.request(t, setup, now.vector, computing, now.claims, events)
    matrix.request(t, setup, now.matrix, multiplying, now.claims, events)
    written = program.loads[now.load.write_instruction]
    load.request(t, setup, now.load, written, now.control, now.claims, events)
    events.shift = matrix.shifts(t, setup, now.matrix, now.weights, events)

    events.retired[LOAD] = load.retires(t, now.load)
    oldest = program.weights[now.control.retired[WEIGHTS]]
    events.retired[WEIGHTS] = weights.retires(setup, now.weights, oldest, events)
    events.retired[MATRIX] = matrix.retires(t, now.matrix, now.control)
    events.retired[VECTOR] = vector.retires(t, now.vector, now.control)
    events.retired[STORE] = store.retires(now.memory, events)

    events.finished[LOAD] = load.finishes(now.load, loading, events)
    events.finished[WEIGHTS] = weights.finishes(events)
    events.finished[MATRIX] = matrix.finishes(now.matrix, multiplying, events)
    events.finished[VECTOR] = events.claim[VECTOR] == GRANTED
    events.finished[STORE] = store.finishes(events)

    accepts_load = load.accepts(now.load, now.control, events)
    accepts_weights = weights.accepts(now.weights, events)
    accepts_matrix = matrix.accepts(now.matrix, events)
    accepts_vector = vector.accepts(now.vector, events)
    accepts_store = store.accepts(now.store, events)
    events.issued[LOAD] = accepts_load and control.may_issue(now.control, program.wait, LOAD)
    events.issued[WEIGHTS] = accepts_weights and control.may_issue(now.control, program.wait, WEIGHTS)
    events.issued[MATRIX] = accepts_matrix and control.may_issue(now.control, program.wait, MATRIX)
    events.issued[VECTOR] = accepts_vector and control.may_issue(now.control, program.wait, VECTOR)
    events.issued[STORE] = accepts_store and control.may_issue(now.control, program.wait, STORE)


@compiled
def is_quiet(t: int, now: Any) -> bool:
    """Return whether nothing at all goes on in cycle t (docs/timing.md, "Deadlock")."""
    events = now.events
    if events.beat != NONE or events.dispatched != NONE or events.read_granted != NONE or events.write_granted:
        return False
    for engine in range(ENGINE_COUNT):
        if events.issued[engine] or events.claim[engine] == GRANTED:
            return False
    if now.memory.reads > 0 or now.memory.writes > 0 or t <= now.store.beat_last:
        return False
    if t <= now.load.access_last or t <= now.matrix.read_last or t <= now.vector.read_last or t <= now.store.read_last:
        return False
    if events.shift or t <= now.matrix.shift_last or t <= now.matrix.write_last:
        return False
    in_matrix = control.in_flight(now.control, MATRIX) - now.matrix.active
    in_vector = control.in_flight(now.control, VECTOR) - now.vector.active
    return bool(in_matrix == 0 and in_vector == 0)


@compiled
def count(trace: Trace, engine: int, state: int) -> None:
    """Count the cycle of an engine whose cycles are not charged to instructions."""
    trace.counters[engine, state] += 1
    runs.note_cycle(trace.runs, engine, state, 0)


@compiled
def record(t: int, now: Any, program: Program, trace: Trace) -> None:
    """Write the cycle's issues, retirements and states into the trace."""
    events = now.events
    for engine in range(ENGINE_COUNT):
        if events.issued[engine]:
            trace.issue[engine, now.control.issued[engine]] = t
        if events.retired[engine]:
            trace.retire[engine, now.control.retired[engine]] = t
    count(trace, LOAD, load.state(t, now.load, now.control, events))
    pushing = program.weights[now.weights.instruction]
    count(trace, WEIGHTS, weights.state(now.setup, now.weights, pushing, now.control, events))
    multiplies = matrix.state(t, now.matrix, now.control, events)
    trace.counters[MATRIX, multiplies] += 1
    accounts.charge(now, program, trace, MATRIX, multiplies, now.matrix)
    computes = vector.state(t, now.vector, now.control, events)
    trace.counters[VECTOR, computes] += 1
    accounts.charge(now, program, trace, VECTOR, computes, now.vector)
    count(trace, STORE, store.state(t, now.store, now.memory, now.control, events))


@compiled
def update(t: int, now: Any, program: Program, quiet: bool) -> None:
    """Move all registers to the next cycle."""
    setup, events = now.setup, now.events
    memory.update(t, setup, now.memory, now.dram, events)
    loading, written = program.loads[now.load.instruction], program.loads[now.load.write_instruction]
    pushing = program.weights[now.weights.instruction]
    multiplying = program.matrices[now.matrix.instruction]
    computing = program.vectors[now.vector.instruction]
    storing = program.stores[now.store.instruction]
    load.update(t, setup, now.load, loading, written, now.control, events)
    weights.update(setup, now.weights, pushing, now.control, events)
    matrix.update(t, setup, now.matrix, multiplying, now.weights, now.control, events)
    vector.update(t, now.vector, computing, now.control, events)
    store.update(t, setup, now.store, storing, now.memory, now.dram, now.control, events)
    control.update(setup, now.control, events, quiet)


@compiled
def run(state: Any, program: Program, trace: Trace, max_cycles: int) -> tuple[int, int]:
    """Run cycles 1, 2, ... until the program ends; return (status, last cycle), RUNNING after `max_cycles`."""
    now = state[0]
    taken = 0
    for t in range(1, max_cycles + 1):
        find_events(t, now, program)
        quiet = is_quiet(t, now)
        record(t, now, program, trace)
        while taken < len(trace.marks) and trace.marks[taken] <= t:
            trace.snapshots[taken] = trace.counters
            taken += 1
        overflow = control.move_tokens(now.control, program.wait, program.send, now.events)
        status = control.ending(now.control, now.events, overflow, quiet)
        update(t, now, program, quiet)
        if status != RUNNING:
            return status, t
    return RUNNING, max_cycles


def _kept_run(stamp: int) -> Callable[[Any, Program, Trace, int], tuple[int, int]]:
    """Return `run` with its machine code kept on disk under a stamp of the text of all that it calls."""

    @compiled_and_kept
    def kept_run(state: Any, program: Program, trace: Trace, max_cycles: int) -> tuple[int, int]:
        if stamp == NONE:
            return RUNNING, 0
        return run(state, program, trace, max_cycles)

    return kept_run


run_kept = _kept_run(text_stamp("stepper"))
