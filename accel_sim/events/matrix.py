"""Matrix engine: weight shifts and passes (docs/units/matrix.md)."""

from __future__ import annotations

from typing import Any

from accel_sim.events.control import issue, keep_active, may_issue, schedule_retirement, wake_at
from accel_sim.events.counts import charge, settle_without_segment, until
from accel_sim.events.holds import banks_of, free_of_store, free_of_vector, half_of
from accel_sim.events.state import (
    CLAIM_MATRIX,
    CLAIM_VECTOR,
    DENIED_BANK,
    DENIED_HALF,
    ISSUE,
    NEVER,
    NOT_DENIED,
)
from accel_sim.events.tables import matrix_of
from accel_sim.events.weights import take_tile
from accel_sim.timing.jit import compiled
from accel_sim.timing.setup import (
    BUSY,
    MATRIX,
    ROW_MASK,
    SCRATCHPAD_MASK,
    START,
    WAIT_ACCUMULATOR,
    WAIT_BANK,
    WAIT_SHIFT,
    WAIT_WEIGHTS,
)


@compiled
def settle(upto: int, now: Any) -> None:
    """Charge the cycles up to `upto`, in which nothing was granted or issued."""
    control, matrix = now.control, now.matrix
    cycles = upto - control.charged[MATRIX]
    if cycles <= 0:
        return
    if not matrix.active:
        settle_without_segment(upto, now, MATRIX)
    elif matrix.denied == DENIED_BANK:
        charge(now, MATRIX, WAIT_BANK, WAIT_BANK, matrix.instruction, cycles)
    elif matrix.denied == DENIED_HALF:
        charge(now, MATRIX, WAIT_ACCUMULATOR, WAIT_ACCUMULATOR, matrix.instruction, cycles)
    else:
        before = until(matrix.shift_first, control, MATRIX, upto)
        charge(now, MATRIX, WAIT_WEIGHTS, WAIT_WEIGHTS, matrix.instruction, before)
        charge(now, MATRIX, WAIT_SHIFT, WAIT_SHIFT, matrix.instruction, cycles - before)


@compiled
def _start(t: int, now: Any, place: int) -> None:
    """Charge cycle t, in which there is a grant or an issue, to the instruction `place`."""
    settle(t - 1, now)
    if now.control.charged[MATRIX] < t:
        charge(now, MATRIX, START, START, place, 1)


@compiled
def shift(t: int, now: Any) -> None:
    """Give the next tile's shift a time, if the tile has been granted: in cycle t or when it is present.

    The shadow registers are empty, or are emptied in cycle t.
    """
    setup, control, matrix = now.setup, now.control, now.matrix
    if matrix.tiles < now.weights.tiles:
        matrix.shift_first = take_tile(t, setup, control, now.weights, matrix.tiles)
        matrix.shadow_full = matrix.shift_first + setup.rows
        matrix.tiles += 1
        keep_active(control, matrix.shadow_full - 1)
        if matrix.active:
            control.wake[CLAIM_MATRIX] = max(matrix.read_last, matrix.shadow_full)


@compiled
def claim(t: int, now: Any) -> bool:
    """Present the next pass in cycle t and decide its claims; return whether it is an address error."""
    setup, matrix, holds = now.setup, now.matrix, now.holds
    instruction = matrix_of(now.tables, matrix.instruction)
    taps = matrix.tap0 * instruction.tap_stride0 + matrix.tap1 * instruction.tap_stride1
    taps += matrix.tap2 * instruction.tap_stride2
    base = (instruction.a + matrix.block * instruction.block_stride + taps) & SCRATCHPAD_MASK
    row = (instruction.accumulator + matrix.block * instruction.accumulator_stride) & ROW_MASK
    last_row = row + matrix.rows - 1
    error = base + instruction.a_span >= setup.scratchpad_granules or last_row >= setup.accumulator_rows
    error |= row // setup.half_rows != last_row // setup.half_rows
    half = half_of(setup, row)
    first, end = banks_of(setup, base, instruction.a_span)
    free = max(free_of_store(holds, first, end), free_of_vector(holds, first, end))
    if free > t:
        _deny(t, now, DENIED_BANK, free)
    elif holds.vector_half_until[half] >= t:
        _deny(t, now, DENIED_HALF, holds.vector_half_until[half] + 1)
    else:
        _start(t, now, matrix.instruction)
        matrix.denied = NOT_DENIED
        holds.matrix_first = first
        holds.matrix_end = end
        holds.matrix_until = t + matrix.rows - 1
        holds.matrix_half_until[half] = t + matrix.rows + setup.matrix_latency - 1
        _multiply(t, now, instruction)
    return bool(error)


@compiled
def _deny(t: int, now: Any, why: int, free: int) -> None:
    if now.matrix.denied != why:
        settle(t - 1, now)
        now.matrix.denied = why
    now.control.wake[CLAIM_MATRIX] = free


@compiled
def _multiply(t: int, now: Any, instruction: Any) -> None:
    """Begin the pass that is granted in cycle t, and the shift of the tile after it."""
    setup, control, matrix = now.setup, now.control, now.matrix
    charge(now, MATRIX, BUSY, BUSY, matrix.instruction, matrix.rows)
    matrix.reading = matrix.instruction
    matrix.read_last = t + matrix.rows
    keep_active(control, matrix.read_last + setup.matrix_latency)
    _next_pass(matrix, instruction)
    control.wake[CLAIM_MATRIX] = NEVER
    if matrix.block == instruction.blocks:
        matrix.active = 0
        schedule_retirement(control, MATRIX, matrix.read_last + setup.matrix_latency)
        control.wake[ISSUE + MATRIX] = t
    matrix.shift_first = NEVER
    matrix.shadow_full = NEVER
    shift(t, now)
    if now.vector.denied == DENIED_HALF:
        wake_at(control, CLAIM_VECTOR, t + 1)


@compiled
def _next_pass(matrix: Any, instruction: Any) -> None:
    matrix.tap0 += 1
    if matrix.tap0 == instruction.tap_count0:
        matrix.tap0 = 0
        matrix.tap1 += 1
    if matrix.tap1 == instruction.tap_count1:
        matrix.tap1 = 0
        matrix.tap2 += 1
    if matrix.tap2 == instruction.tap_count2:
        matrix.tap2 = 0
        matrix.block += 1


@compiled
def try_issue(t: int, now: Any) -> None:
    """Issue the head of the queue in cycle t if that can be."""
    control, matrix = now.control, now.matrix
    control.wake[ISSUE + MATRIX] = NEVER
    if matrix.active or not may_issue(now, MATRIX):
        return
    _start(t, now, control.issued[MATRIX])
    matrix.active = 1
    matrix.instruction = control.issued[MATRIX]
    matrix.block = 0
    matrix.tap0 = 0
    matrix.tap1 = 0
    matrix.tap2 = 0
    instruction = matrix_of(now.tables, matrix.instruction)
    matrix.rows = instruction.row_count0 * instruction.row_count1 * instruction.row_count2
    control.wake[CLAIM_MATRIX] = max(t + 1, matrix.read_last, matrix.shadow_full)
    issue(t, now, MATRIX)
