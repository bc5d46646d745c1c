"""Vector engine: one instruction is one segment (docs/units/vector.md)."""

from __future__ import annotations

from typing import Any

from accel_sim.events.control import issue, may_issue, schedule_retirement
from accel_sim.events.counts import charge, settle_without_segment
from accel_sim.events.holds import (
    banks_of,
    free_of_load,
    free_of_matrix,
    free_of_store,
    free_of_vector_writes,
    half_of,
)
from accel_sim.events.state import CLAIM_MATRIX, CLAIM_VECTOR, DENIED_BANK, DENIED_HALF, ISSUE, NEVER, NOT_DENIED
from accel_sim.events.tables import vector_of
from accel_sim.timing.jit import compiled
from accel_sim.timing.setup import BUSY, START, VECTOR, WAIT_ACCUMULATOR, WAIT_BANK
from machine.config import VECTOR_LATENCY_CYCLES
from machine.isa import VectorReduce, VectorSource

ACCUMULATOR = int(VectorSource.ACCUMULATOR)
MAC = int(VectorReduce.MAC)


@compiled
def settle(upto: int, now: Any) -> None:
    """Charge the cycles up to `upto`, in which nothing was granted or issued."""
    control, vector = now.control, now.vector
    cycles = upto - control.charged[VECTOR]
    if cycles <= 0:
        return
    if vector.active:
        state = WAIT_BANK if vector.denied == DENIED_BANK else WAIT_ACCUMULATOR
        charge(now, VECTOR, state, state, vector.instruction, cycles)
    else:
        settle_without_segment(upto, now, VECTOR)


@compiled
def _start(t: int, now: Any, place: int) -> None:
    """Charge cycle t, in which there is a grant or an issue, to the instruction `place`."""
    settle(t - 1, now)
    if now.control.charged[VECTOR] < t:
        charge(now, VECTOR, START, START, place, 1)


@compiled
def _reads(instruction: Any) -> int:
    """Return the reads of an instruction: the taps of all its results."""
    results = instruction.blocks * instruction.y_count * instruction.x_count
    return int(results * instruction.ky_count * instruction.kx_count)


@compiled
def _uses_b(instruction: Any) -> bool:
    """Return whether the second operand is read."""
    return bool(instruction.reduce == MAC or instruction.use_residual)


@compiled
def _outside(setup: Any, instruction: Any) -> bool:
    """Return whether an operand or the result leaves its memory, or A and B share a bank."""
    a_last, b_last = instruction.a + instruction.a_span, instruction.b + instruction.b_span
    outside = instruction.d + instruction.d_span >= setup.scratchpad_granules
    if instruction.source == ACCUMULATOR:
        outside |= a_last >= setup.accumulator_rows or instruction.a // setup.half_rows != a_last // setup.half_rows
    else:
        outside |= a_last >= setup.scratchpad_granules
    if _uses_b(instruction):
        outside |= b_last >= setup.scratchpad_granules
        if instruction.source != ACCUMULATOR:
            first = max(instruction.a // setup.bank_granules, instruction.b // setup.bank_granules)
            outside |= first <= min(a_last // setup.bank_granules, b_last // setup.bank_granules)
    return bool(outside)


@compiled
def _reads_free(holds: Any, first: int, end: int) -> int:
    """Return from which cycle on the banks [first, end) can be read, own writes to them having ended."""
    others = max(free_of_store(holds, first, end), free_of_matrix(holds, first, end))
    return max(others, free_of_vector_writes(holds, first, end))


@compiled
def claim(t: int, now: Any) -> bool:
    """Present the active instruction in cycle t and decide its claims; return whether it is an address error."""
    setup, vector, holds = now.setup, now.vector, now.holds
    instruction = vector_of(now.tables, vector.instruction)
    a_first, a_end = banks_of(setup, instruction.a, instruction.a_span)
    b_first, b_end = banks_of(setup, instruction.b, instruction.b_span)
    d_first, d_end = banks_of(setup, instruction.d, instruction.d_span)
    half = half_of(setup, instruction.a)
    if instruction.source == ACCUMULATOR:
        a_end = a_first
    if not _uses_b(instruction):
        b_end = b_first
    free = max(_reads_free(holds, a_first, a_end), _reads_free(holds, b_first, b_end))
    free = max(free, free_of_load(holds, d_first, d_end))
    if free > t:
        _deny(t, now, DENIED_BANK, free)
    elif instruction.source == ACCUMULATOR and holds.matrix_half_until[half] >= t:
        _deny(t, now, DENIED_HALF, holds.matrix_half_until[half] + 1)
    else:
        _start(t, now, vector.instruction)
        vector.denied = NOT_DENIED
        holds.vector_a_first = a_first
        holds.vector_a_end = a_end
        holds.vector_b_first = b_first
        holds.vector_b_end = b_end
        holds.vector_until = t + _reads(instruction) - 1
        if instruction.source == ACCUMULATOR:
            holds.vector_half_until[half] = holds.vector_until
        for bank in range(d_first, d_end):
            holds.vector_write_until[bank] = holds.vector_until + VECTOR_LATENCY_CYCLES
        _compute(t, now, _reads(instruction))
    return _outside(setup, instruction)


@compiled
def _deny(t: int, now: Any, why: int, free: int) -> None:
    if now.vector.denied != why:
        settle(t - 1, now)
        now.vector.denied = why
    now.control.wake[CLAIM_VECTOR] = free


@compiled
def _compute(t: int, now: Any, reads: int) -> None:
    """Begin the segment of `reads` reads that is granted in cycle t."""
    control, vector = now.control, now.vector
    charge(now, VECTOR, BUSY, BUSY, vector.instruction, reads)
    vector.active = 0
    vector.reading = vector.instruction
    vector.read_last = t + reads
    schedule_retirement(control, VECTOR, vector.read_last + VECTOR_LATENCY_CYCLES)
    control.wake[CLAIM_VECTOR] = NEVER
    control.wake[ISSUE + VECTOR] = t
    if now.matrix.denied == DENIED_HALF:
        control.wake[CLAIM_MATRIX] = t


@compiled
def try_issue(t: int, now: Any) -> None:
    """Issue the head of the queue in cycle t if that can be."""
    control, vector = now.control, now.vector
    control.wake[ISSUE + VECTOR] = NEVER
    if vector.active or not may_issue(now, VECTOR):
        return
    _start(t, now, control.issued[VECTOR])
    vector.active = 1
    vector.instruction = control.issued[VECTOR]
    control.wake[CLAIM_VECTOR] = max(t + 1, vector.read_last)
    issue(t, now, VECTOR)
