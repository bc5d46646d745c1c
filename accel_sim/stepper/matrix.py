"""Matrix engine: weight shifts and passes (docs/units/matrix.md)."""


from __future__ import annotations

from typing import Any

from accel_sim.stepper.claims import half_free, half_of, hold_half, hold_reads, reads_free
from accel_sim.stepper.control import in_flight, queue_empty
from accel_sim.stepper.state import DENIED_BANK, DENIED_HALF, GRANTED, NO_REQUEST, PIPELINE
from accel_sim.timing.jit import compiled
from accel_sim.timing.setup import (
    BUSY,
    DRAIN,
    IDLE,
    MATRIX,
    ROW_MASK,
    SCRATCHPAD_MASK,
    START,
    WAIT_ACCUMULATOR,
    WAIT_BANK,
    WAIT_SHIFT,
    WAIT_TOKEN,
    WAIT_WEIGHTS,
)


@compiled
def pass_rows(instruction: Any) -> int:
    """Return the rows of each pass of an instruction."""
    return int(instruction.row_count0 * instruction.row_count1 * instruction.row_count2)


@compiled
def request(t: int, setup: Any, matrix: Any, instruction: Any, claims: Any, events: Any) -> None:
    """Present the next pass if its weights are in the shadow registers, and decide its claims."""
    events.claim[MATRIX] = NO_REQUEST
    if not matrix.active or not matrix.shadow_full or t < matrix.read_last:
        return
    taps = matrix.tap0 * instruction.tap_stride0 + matrix.tap1 * instruction.tap_stride1
    taps += matrix.tap2 * instruction.tap_stride2
    base = (instruction.a + matrix.block * instruction.block_stride + taps) & SCRATCHPAD_MASK
    row = (instruction.accumulator + matrix.block * instruction.accumulator_stride) & ROW_MASK
    rows = pass_rows(instruction)
    last_row = row + rows - 1
    if base + instruction.a_span >= setup.scratchpad_granules or last_row >= setup.accumulator_rows:
        events.address_error = 1
    if row // setup.half_rows != last_row // setup.half_rows:
        events.address_error = 1
    half = half_of(setup, row)
    if not reads_free(t, setup, claims, MATRIX, base, instruction.a_span):
        events.claim[MATRIX] = DENIED_BANK
    elif not half_free(t, claims, MATRIX, half):
        events.claim[MATRIX] = DENIED_HALF
    else:
        events.claim[MATRIX] = GRANTED
        hold_reads(setup, claims, MATRIX, base, instruction.a_span, t + rows - 1)
        hold_half(claims, MATRIX, half, t + rows + setup.matrix_latency - 1)


@compiled
def finishes(matrix: Any, instruction: Any, events: Any) -> bool:
    """Return whether the active instruction's last pass is granted in this cycle."""
    if events.claim[MATRIX] != GRANTED:
        return False
    last_tap = (
        matrix.tap0 + 1 == instruction.tap_count0
        and matrix.tap1 + 1 == instruction.tap_count1
        and matrix.tap2 + 1 == instruction.tap_count2
    )
    return bool(last_tap and matrix.block + 1 == instruction.blocks)


@compiled
def accepts(matrix: Any, events: Any) -> bool:
    """Return whether an instruction could be issued in this cycle."""
    return bool(not matrix.active or events.finished[MATRIX])


@compiled
def shifts(t: int, setup: Any, matrix: Any, weights: Any, events: Any) -> bool:
    """Return whether the shift of the next weight tile starts in cycle t."""
    present = weights.arrived >= (matrix.tiles + 1) * setup.tile_beats
    return bool(t > matrix.shift_last and present and (not matrix.shadow_full or events.claim[MATRIX] == GRANTED))


@compiled
def retires(t: int, matrix: Any, control: Any) -> bool:
    """Return whether the last row of the oldest instruction is written in cycle t."""
    return bool(in_flight(control, MATRIX) > 0 and matrix.retire[control.retired[MATRIX] % PIPELINE] == t)


@compiled
def state(t: int, matrix: Any, control: Any, events: Any) -> int:
    """Return the engine's state in cycle t."""
    if t <= matrix.read_last:
        return BUSY
    if events.claim[MATRIX] == GRANTED or events.issued[MATRIX]:
        return START
    if matrix.active and not matrix.shadow_full:
        return WAIT_SHIFT if t <= matrix.shift_last or events.shift else WAIT_WEIGHTS
    if events.claim[MATRIX] == DENIED_BANK:
        return WAIT_BANK
    if events.claim[MATRIX] == DENIED_HALF:
        return WAIT_ACCUMULATOR
    if not queue_empty(control, MATRIX):
        return WAIT_TOKEN
    return DRAIN if in_flight(control, MATRIX) > 0 else IDLE


@compiled
def update(t: int, setup: Any, matrix: Any, instruction: Any, weights: Any, control: Any, events: Any) -> None:
    """Move the registers to the next cycle; free the beats of a weight tile whose shift ends."""
    if t == matrix.shift_last:
        matrix.shadow_full = 1
        weights.free_beats += setup.tile_beats
    if events.claim[MATRIX] == GRANTED:
        matrix.shadow_full = 0
        _next_pass(t, setup, matrix, instruction)
    if events.shift:
        matrix.tiles += 1
        matrix.shift_last = t + setup.rows - 1
    if events.finished[MATRIX]:
        matrix.active = 0
        matrix.retire[matrix.instruction % PIPELINE] = matrix.write_last
    if events.issued[MATRIX]:
        matrix.active = 1
        matrix.instruction = control.issued[MATRIX]
        matrix.block = 0
        matrix.tap0 = 0
        matrix.tap1 = 0
        matrix.tap2 = 0


@compiled
def _next_pass(t: int, setup: Any, matrix: Any, instruction: Any) -> None:
    matrix.read_last = t + pass_rows(instruction)
    matrix.write_last = matrix.read_last + setup.matrix_latency
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
