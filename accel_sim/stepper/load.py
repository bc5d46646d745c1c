"""Load engine: the request side, and the write side with its segments (docs/units/load.md)."""

from __future__ import annotations

from typing import Any

from accel_sim.stepper.claims import hold_writes, writes_free
from accel_sim.stepper.control import in_flight, queue_empty
from accel_sim.stepper.memory import beats_between, outside, piece_end
from accel_sim.stepper.state import DENIED_BANK, GRANTED, NO_REQUEST
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
def line_start(instruction: Any, line1: int, line2: int, line3: int) -> int:
    """Return the memory address of a line."""
    outer = line3 * instruction.memory_stride3 + line2 * instruction.memory_stride2
    return int((instruction.memory_address + outer + line1 * instruction.memory_stride1) & ADDRESS_MASK)


@compiled
def present(setup: Any, load: Any, instruction: Any, events: Any) -> None:
    """Request side: present the active instruction's next burst if the read buffer has room for it."""
    if not load.active:
        return
    first = line_start(instruction, load.line1, load.line2, load.line3) + load.offset
    left = instruction.line_bytes - load.offset
    end = piece_end(first, first + left)
    if left == 0 or beats_between(setup, first, end) > load.free_beats:
        return
    events.presented[LOAD] = beats_between(setup, first, end)
    events.presented_address[LOAD] = first
    events.last_burst[LOAD] = end - first == left and _last_line(instruction, load.line1, load.line2, load.line3)
    if outside(setup, end):
        events.address_error = 1


@compiled
def _last_line(instruction: Any, line1: int, line2: int, line3: int) -> bool:
    return bool(
        line1 + 1 == instruction.count1 and line2 + 1 == instruction.count2 and line3 + 1 == instruction.count3
    )


@compiled
def finishes(load: Any, instruction: Any, events: Any) -> bool:
    """Return whether the active instruction has its last burst granted in this cycle, or reads nothing."""
    if not load.active:
        return False
    granted = events.read_granted == LOAD and events.last_burst[LOAD]
    return bool(granted or instruction.line_bytes == 0)


@compiled
def accepts(load: Any, control: Any, events: Any) -> bool:
    """Return whether an instruction could be issued in this cycle."""
    return bool((not load.active or events.finished[LOAD]) and in_flight(control, LOAD) < LOAD_IN_FLIGHT)


@compiled
def segment_words(instruction: Any, load: Any) -> int:
    """Return the words of the next segment."""
    return int(min(SEGMENT_WORDS, instruction.words - load.word))


@compiled
def _bytes_needed(instruction: Any, load: Any, words: int) -> int:
    """Return how many bytes of the line must be there for the next segment, of `words` words."""
    if load.word + words == instruction.words:
        return int(instruction.line_bytes)
    last_window = (load.word + words - 1) * instruction.window_stride
    reach = last_window + instruction.window_bytes - instruction.window_pad
    return int(max(0, min(instruction.line_bytes, reach)))


@compiled
def _beats_needed(setup: Any, instruction: Any, load: Any, words: int) -> int:
    needed = _bytes_needed(instruction, load, words)
    if needed == 0:
        return 0
    first = line_start(instruction, load.write_line1, load.write_line2, load.write_line3)
    return beats_between(setup, first, first + needed)


@compiled
def _line_beats_free_after(setup: Any, instruction: Any, load: Any, words: int) -> int:
    """Return how many of the line's beats are free after the next segment's last access."""
    needed = _beats_needed(setup, instruction, load, words)
    if load.word + words == instruction.words:
        return needed
    first = line_start(instruction, load.write_line1, load.write_line2, load.write_line3)
    passed = max(0, (load.word + words) * instruction.window_stride - instruction.window_pad)
    return int(min(needed, (first % setup.bus_bytes + passed) // setup.bus_bytes))


@compiled
def request(t: int, setup: Any, load: Any, instruction: Any, control: Any, claims: Any, events: Any) -> None:
    """Write side: present the next segment of the instruction being written if it is ready; decide its claim."""
    events.claim[LOAD] = NO_REQUEST
    if load.write_instruction == control.issued[LOAD] or t < load.access_last:
        return
    words = segment_words(instruction, load)
    if load.arrived - load.line_base < _beats_needed(setup, instruction, load, words):
        return
    outer = load.write_line3 * instruction.destination_stride3 + load.write_line2 * instruction.destination_stride2
    line = instruction.destination + outer + load.write_line1 * instruction.destination_stride1
    line &= SCRATCHPAD_MASK
    if instruction.space != SCRATCHPAD:
        events.claim[LOAD] = GRANTED
        limit = setup.parameter_words if instruction.space == PARAMETERS else setup.table_words
        if line + load.word + words > limit:
            events.address_error = 1
        return
    base = line + load.word * setup.granules_per_word
    span = (words - 1) * setup.granules_per_word
    if base + span >= setup.scratchpad_granules:
        events.address_error = 1
    if writes_free(t, setup, claims, LOAD, base, span):
        events.claim[LOAD] = GRANTED
        hold_writes(setup, claims, LOAD, base, span, t + words - 1)
    else:
        events.claim[LOAD] = DENIED_BANK


@compiled
def retires(t: int, load: Any) -> bool:
    """Return whether the last access of an instruction's last segment is in cycle t."""
    return bool(load.access_last == t and load.access_retires)


@compiled
def state(t: int, load: Any, control: Any, events: Any) -> int:
    """Return the engine's state in cycle t."""
    if t <= load.access_last:
        return BUSY
    if events.claim[LOAD] == GRANTED or events.issued[LOAD]:
        return START
    if events.claim[LOAD] == DENIED_BANK:
        return WAIT_BANK
    if in_flight(control, LOAD) > 0:
        return WAIT_MEMORY
    return IDLE if queue_empty(control, LOAD) else WAIT_TOKEN


@compiled
def update(t: int, setup: Any, load: Any, active: Any, written: Any, control: Any, events: Any) -> None:
    """Move the registers to the next cycle, given the active instruction and the one being written."""
    if load.access_last == t:
        load.free_beats += load.access_frees
    if events.beat == LOAD:
        load.arrived += 1
    if events.read_granted == LOAD:
        load.free_beats -= events.presented[LOAD]
        _next_burst(load, active)
    if events.claim[LOAD] == GRANTED:
        _next_segment(t, setup, load, written)
    if events.finished[LOAD]:
        load.active = 0
    if events.issued[LOAD]:
        load.active = 1
        load.instruction = control.issued[LOAD]
        load.offset = 0
        load.line1 = 0
        load.line2 = 0
        load.line3 = 0


@compiled
def _next_burst(load: Any, instruction: Any) -> None:
    first = line_start(instruction, load.line1, load.line2, load.line3) + load.offset
    load.offset += piece_end(first, first + instruction.line_bytes - load.offset) - first
    if load.offset < instruction.line_bytes:
        return
    load.offset = 0
    load.line1 += 1
    if load.line1 == instruction.count1:
        load.line1 = 0
        load.line2 += 1
    if load.line2 == instruction.count2:
        load.line2 = 0
        load.line3 += 1


@compiled
def _next_segment(t: int, setup: Any, load: Any, instruction: Any) -> None:
    words = segment_words(instruction, load)
    freed = _line_beats_free_after(setup, instruction, load, words)
    load.access_last = t + words
    load.access_frees = freed - load.line_freed
    load.access_retires = 0
    load.line_freed = freed
    load.word += words
    if load.word < instruction.words:
        return
    last = _last_line(instruction, load.write_line1, load.write_line2, load.write_line3)
    load.access_retires = last
    load.line_base += freed
    load.line_freed = 0
    load.word = 0
    load.write_line1 += 1
    if load.write_line1 == instruction.count1:
        load.write_line1 = 0
        load.write_line2 += 1
    if load.write_line2 == instruction.count2:
        load.write_line2 = 0
        load.write_line3 += 1
    if last:
        load.write_line3 = 0
        load.write_instruction += 1
