"""Vector engine: one instruction is one segment (docs/units/vector.md)."""

from __future__ import annotations

from typing import Any

from accel_sim.stepper.claims import (
    half_free,
    half_of,
    hold_half,
    hold_reads,
    hold_writes,
    reads_free,
    writes_free,
    writes_here,
)
from accel_sim.stepper.control import in_flight, queue_empty
from accel_sim.stepper.state import DENIED_BANK, DENIED_HALF, GRANTED, NO_REQUEST, PIPELINE
from accel_sim.timing.jit import compiled
from accel_sim.timing.setup import BUSY, DRAIN, IDLE, START, VECTOR, WAIT_ACCUMULATOR, WAIT_BANK, WAIT_TOKEN
from machine.config import VECTOR_LATENCY_CYCLES
from machine.isa import VectorReduce, VectorSource

ACCUMULATOR = int(VectorSource.ACCUMULATOR)
MAC = int(VectorReduce.MAC)


@compiled
def reads(instruction: Any) -> int:
    """Return the reads of an instruction: the taps of all its results."""
    results = instruction.blocks * instruction.y_count * instruction.x_count
    return int(results * instruction.ky_count * instruction.kx_count)


@compiled
def uses_b(instruction: Any) -> bool:
    """Return whether the second operand is read."""
    return bool(instruction.reduce == MAC or instruction.use_residual)


@compiled
def _outside(setup: Any, instruction: Any) -> bool:
    """Return whether an operand or the result leaves its memory, or A and B share a bank."""
    a, a_last = instruction.a, instruction.a + instruction.a_span
    b, b_last = instruction.b, instruction.b + instruction.b_span
    if instruction.d + instruction.d_span >= setup.scratchpad_granules:
        return True
    if uses_b(instruction) and b_last >= setup.scratchpad_granules:
        return True
    if instruction.source == ACCUMULATOR:
        return bool(a_last >= setup.accumulator_rows or a // setup.half_rows != a_last // setup.half_rows)
    if a_last >= setup.scratchpad_granules:
        return True
    if not uses_b(instruction):
        return False
    return bool(a // setup.bank_granules <= b_last // setup.bank_granules and
                b // setup.bank_granules <= a_last // setup.bank_granules)


@compiled
def _bank_denied(t: int, setup: Any, claims: Any, instruction: Any) -> bool:
    if not writes_free(t, setup, claims, VECTOR, instruction.d, instruction.d_span):
        return True
    if instruction.source != ACCUMULATOR and _read_denied(t, setup, claims, instruction.a, instruction.a_span):
        return True
    return uses_b(instruction) and _read_denied(t, setup, claims, instruction.b, instruction.b_span)


@compiled
def _read_denied(t: int, setup: Any, claims: Any, base: int, span: int) -> bool:
    own_writes = writes_here(t, setup, claims, VECTOR, base, span)
    return own_writes or not reads_free(t, setup, claims, VECTOR, base, span)


@compiled
def request(t: int, setup: Any, vector: Any, instruction: Any, claims: Any, events: Any) -> None:
    """Present the active instruction, and decide its claims."""
    events.claim[VECTOR] = NO_REQUEST
    if not vector.active or t < vector.read_last:
        return
    if _outside(setup, instruction):
        events.address_error = 1
    accumulator = instruction.source == ACCUMULATOR
    half = half_of(setup, instruction.a)
    if _bank_denied(t, setup, claims, instruction):
        events.claim[VECTOR] = DENIED_BANK
    elif accumulator and not half_free(t, claims, VECTOR, half):
        events.claim[VECTOR] = DENIED_HALF
    else:
        events.claim[VECTOR] = GRANTED
        last_hold = t + reads(instruction) - 1
        if accumulator:
            hold_half(claims, VECTOR, half, last_hold)
        else:
            hold_reads(setup, claims, VECTOR, instruction.a, instruction.a_span, last_hold)
        if uses_b(instruction):
            hold_reads(setup, claims, VECTOR, instruction.b, instruction.b_span, last_hold)
        hold_writes(setup, claims, VECTOR, instruction.d, instruction.d_span, last_hold + VECTOR_LATENCY_CYCLES)


@compiled
def accepts(vector: Any, events: Any) -> bool:
    """Return whether an instruction could be issued in this cycle."""
    return bool(not vector.active or events.finished[VECTOR])


@compiled
def retires(t: int, vector: Any, control: Any) -> bool:
    """Return whether the last result of the oldest instruction is written in cycle t."""
    return bool(in_flight(control, VECTOR) > 0 and vector.retire[control.retired[VECTOR] % PIPELINE] == t)


@compiled
def state(t: int, vector: Any, control: Any, events: Any) -> int:
    """Return the engine's state in cycle t."""
    if t <= vector.read_last:
        return BUSY
    if events.claim[VECTOR] == GRANTED or events.issued[VECTOR]:
        return START
    if events.claim[VECTOR] == DENIED_BANK:
        return WAIT_BANK
    if events.claim[VECTOR] == DENIED_HALF:
        return WAIT_ACCUMULATOR
    if not queue_empty(control, VECTOR):
        return WAIT_TOKEN
    return DRAIN if in_flight(control, VECTOR) > 0 else IDLE


@compiled
def update(t: int, vector: Any, instruction: Any, control: Any, events: Any) -> None:
    """Move the registers to the next cycle."""
    if events.claim[VECTOR] == GRANTED:
        vector.active = 0
        vector.read_last = t + reads(instruction)
        vector.retire[vector.instruction % PIPELINE] = vector.read_last + VECTOR_LATENCY_CYCLES
    if events.issued[VECTOR]:
        vector.active = 1
        vector.instruction = control.issued[VECTOR]
