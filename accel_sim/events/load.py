"""Load engine: the request side, and the write side with its segments (docs/units/load.md)."""

from __future__ import annotations

from typing import Any

from accel_sim.events.control import in_flight, issue, keep_active, may_issue, queue_empty, schedule_retirement, wake_at
from accel_sim.events.counts import count
from accel_sim.events.holds import banks_of, free_of_vector_writes
from accel_sim.events.memory import beat_time, beats_between, grant, outside, piece_end
from accel_sim.events.state import (
    ASK_LOAD,
    CLAIM_LOAD,
    CLAIM_VECTOR,
    DENIED_BANK,
    DENIED_HALF,
    ISSUE,
    NEVER,
    NOT_DENIED,
)
from accel_sim.events.tables import burst_of, load_of
from accel_sim.timing.jit import compiled
from accel_sim.timing.setup import (
    ADDRESS_MASK,
    BUSY,
    IDLE,
    LOAD,
    SCRATCHPAD_MASK,
    START,
    WAIT_BANK,
    WAIT_MEMORY,
    WAIT_TOKEN,
)
from machine.config import LOAD_IN_FLIGHT, SEGMENT_WORDS
from machine.isa import LoadSpace

SCRATCHPAD = int(LoadSpace.SCRATCHPAD)
PARAMETERS = int(LoadSpace.PARAMETERS)


@compiled
def settle(upto: int, now: Any) -> None:
    """Charge the cycles up to `upto`."""
    control, load = now.control, now.load
    cycles = upto - control.charged[LOAD]
    if cycles <= 0:
        return
    if load.denied:
        state = WAIT_BANK
    elif in_flight(control, LOAD) > 0:
        state = WAIT_MEMORY
    else:
        state = IDLE if queue_empty(control, LOAD) else WAIT_TOKEN
    count(now, LOAD, state, cycles)


@compiled
def _start(t: int, now: Any) -> None:
    """Charge cycle t, in which a segment is granted or an instruction issued."""
    settle(t - 1, now)
    if now.control.charged[LOAD] < t:
        count(now, LOAD, START, 1)


@compiled
def _line_start(instruction: Any, line1: int, line2: int, line3: int) -> int:
    """Return the memory address of a line."""
    outer = line3 * instruction.memory_stride3 + line2 * instruction.memory_stride2
    return int((instruction.memory_address + outer + line1 * instruction.memory_stride1) & ADDRESS_MASK)


@compiled
def _next_burst_end(load: Any, instruction: Any) -> int:
    """Return the end of the active instruction's next burst."""
    return piece_end(load.line + load.offset, load.line + instruction.line_bytes)


@compiled
def _ask_at(t: int, setup: Any, control: Any, load: Any, instruction: Any) -> None:
    """Arrange when the active instruction's next burst, whose line is set, is presented: in cycle t or later."""
    if instruction.line_bytes > 0:
        load.beats = beats_between(setup, load.line + load.offset, _next_burst_end(load, instruction))
        _free_beats(t, load)
        if load.beats > load.free_beats:
            t = load.access_last + 1 if load.access_frees > 0 else NEVER
    control.wake[ASK_LOAD] = t


@compiled
def _free_beats(t: int, load: Any) -> None:
    """Free the beats of the segment granted last if that is visible in cycle t."""
    if load.access_last < t:
        load.free_beats += load.access_frees
        load.access_frees = 0


@compiled
def asks(t: int, now: Any) -> bool:
    """Return whether a burst is presented in cycle t, for which load was woken; see to it if it is not."""
    control, load = now.control, now.load
    instruction = load_of(now.tables, load.instruction)
    control.wake[ASK_LOAD] = NEVER
    if instruction.line_bytes == 0:
        load.active = 0
        control.wake[ISSUE + LOAD] = t
        return False
    _free_beats(t, load)
    if load.beats > load.free_beats:
        _ask_at(t + 1, now.setup, control, load, instruction)
        return False
    return True


@compiled
def asks_outside(now: Any) -> bool:
    """Return whether the presented burst is an address error."""
    return outside(now.setup, _next_burst_end(now.load, load_of(now.tables, now.load.instruction)))


@compiled
def request(t: int, now: Any) -> None:
    """Grant the presented burst in cycle t."""
    setup, control, load = now.setup, now.control, now.load
    instruction = load_of(now.tables, load.instruction)
    place = grant(t, now, LOAD, load.line + load.offset, load.beats)
    burst = burst_of(now.tables, load.bursts)
    burst.before = load.requested
    burst.beats = load.beats
    burst.due = now.memory.due[place]
    burst.credit = now.memory.credit[place]
    load.bursts += 1
    load.requested += load.beats
    load.free_beats -= load.beats
    load.offset = _next_burst_end(load, instruction) - load.line
    if load.offset == instruction.line_bytes:
        _next_line(load, instruction)
    if load.line3 == instruction.count3:
        load.active = 0
        control.wake[ISSUE + LOAD] = t
    else:
        _ask_at(t + 1, setup, control, load, instruction)
    if load.writing < control.issued[LOAD] and control.wake[CLAIM_LOAD] == NEVER:
        _claim_at(t + 1, now)


@compiled
def _next_line(load: Any, instruction: Any) -> None:
    load.offset = 0
    load.line1 += 1
    if load.line1 == instruction.count1:
        load.line1 = 0
        load.line2 += 1
    if load.line2 == instruction.count2:
        load.line2 = 0
        load.line3 += 1
    load.line = _line_start(instruction, load.line1, load.line2, load.line3)


@compiled
def _segment_words(instruction: Any, load: Any) -> int:
    """Return the words of the next segment."""
    return int(min(SEGMENT_WORDS, instruction.words - load.word))


@compiled
def _beats_needed(setup: Any, instruction: Any, load: Any) -> int:
    """Return how many beats of the line must be there for the next segment."""
    words = _segment_words(instruction, load)
    needed = instruction.line_bytes
    if load.word + words < instruction.words:
        reach = (load.word + words - 1) * instruction.window_stride + instruction.window_bytes
        needed = max(0, min(needed, reach - instruction.window_pad))
    if needed == 0:
        return 0
    first = _line_start(instruction, load.write_line1, load.write_line2, load.write_line3)
    return beats_between(setup, first, first + needed)


@compiled
def _next_segment(t: int, now: Any) -> None:
    """Arrange when the next segment is presented: in cycle t or later."""
    now.load.needed = _beats_needed(now.setup, load_of(now.tables, now.load.writing), now.load)
    _claim_at(t, now)


@compiled
def _claim_at(t: int, now: Any) -> None:
    """Arrange when the next segment is presented, NEVER while a beat that it needs has not been requested."""
    load = now.load
    target = load.line_base + load.needed
    if load.needed > 0:
        if target > load.requested:
            return
        burst = burst_of(now.tables, load.burst)
        while burst.before + burst.beats < target:
            load.burst += 1
            burst = burst_of(now.tables, load.burst)
        t = max(t, beat_time(now.setup, burst.due, burst.credit, target - burst.before) + 1)
    now.control.wake[CLAIM_LOAD] = max(t, load.access_last)


@compiled
def claim(t: int, now: Any) -> bool:
    """Present the next segment in cycle t and decide its claim; return whether it is an address error."""
    setup, control, load, holds = now.setup, now.control, now.load, now.holds
    instruction = load_of(now.tables, load.writing)
    words = _segment_words(instruction, load)
    outer = load.write_line3 * instruction.destination_stride3 + load.write_line2 * instruction.destination_stride2
    line = instruction.destination + outer + load.write_line1 * instruction.destination_stride1
    line &= SCRATCHPAD_MASK
    if instruction.space == SCRATCHPAD:
        base, span = line + load.word * setup.granules_per_word, (words - 1) * setup.granules_per_word
        error = base + span >= setup.scratchpad_granules
        first, end = banks_of(setup, base, span)
        free = free_of_vector_writes(holds, first, end)
        if free > t:
            settle(t - 1, now)
            load.denied = DENIED_BANK
            control.wake[CLAIM_LOAD] = free
            return bool(error)
        holds.load_first = first
        holds.load_end = end
        holds.load_until = t + words - 1
    else:
        limit = setup.parameter_words if instruction.space == PARAMETERS else setup.table_words
        error = line + load.word + words > limit
    _start(t, now)
    load.denied = NOT_DENIED
    count(now, LOAD, BUSY, words)
    control.wake[CLAIM_LOAD] = NEVER
    _write(t, setup, load, control, instruction, words)
    if load.writing < control.issued[LOAD]:
        _next_segment(t + 1, now)
    if load.active and control.wake[ASK_LOAD] == NEVER:
        control.wake[ASK_LOAD] = load.access_last + 1
    if now.vector.denied == DENIED_HALF:
        wake_at(control, CLAIM_VECTOR, t + 1)
    return bool(error)


@compiled
def _write(t: int, setup: Any, load: Any, control: Any, instruction: Any, words: int) -> None:
    """Write the segment granted in cycle t, and go to the next one."""
    freed = load.needed
    if load.word + words < instruction.words:
        first = _line_start(instruction, load.write_line1, load.write_line2, load.write_line3)
        passed = max(0, (load.word + words) * instruction.window_stride - instruction.window_pad)
        freed = min(freed, (first % setup.bus_bytes + passed) // setup.bus_bytes)
    load.free_beats += load.access_frees
    load.access_frees = freed - load.line_freed
    load.access_last = t + words
    load.line_freed = freed
    load.word += words
    keep_active(control, load.access_last)
    if load.word == instruction.words:
        load.line_base += freed
        load.line_freed = 0
        load.word = 0
        _next_written_line(load, control, instruction)


@compiled
def _next_written_line(load: Any, control: Any, instruction: Any) -> None:
    load.write_line1 += 1
    if load.write_line1 == instruction.count1:
        load.write_line1 = 0
        load.write_line2 += 1
    if load.write_line2 == instruction.count2:
        load.write_line2 = 0
        load.write_line3 += 1
    if load.write_line3 == instruction.count3:
        load.write_line3 = 0
        load.writing += 1
        schedule_retirement(control, LOAD, load.access_last)


@compiled
def try_issue(t: int, now: Any) -> None:
    """Issue the head of the queue in cycle t if that can be."""
    setup, control, load = now.setup, now.control, now.load
    control.wake[ISSUE + LOAD] = NEVER
    if load.active or in_flight(control, LOAD) >= LOAD_IN_FLIGHT or not may_issue(now, LOAD):
        return
    _start(t, now)
    load.active = 1
    load.instruction = control.issued[LOAD]
    load.offset = 0
    load.line1 = 0
    load.line2 = 0
    load.line3 = 0
    instruction = load_of(now.tables, load.instruction)
    load.line = instruction.memory_address
    issue(t, now, LOAD)
    _ask_at(t + 1, setup, control, load, instruction)
    if load.writing == load.instruction:
        _next_segment(t + 1, now)
