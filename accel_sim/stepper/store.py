"""Store engine: burst reads, burst buffers and the write channel (docs/units/store.md)."""

from __future__ import annotations

from typing import Any

from accel_sim.stepper.claims import hold_reads, reads_free
from accel_sim.stepper.control import queue_empty
from accel_sim.stepper.memory import beats_between, outside, piece_end, queue_write
from accel_sim.stepper.state import DENIED_BANK, GRANTED, NO_REQUEST
from accel_sim.timing.jit import compiled
from accel_sim.timing.setup import (
    ADDRESS_MASK,
    BUSY,
    IDLE,
    SCRATCHPAD_MASK,
    START,
    STORE,
    WAIT_BANK,
    WAIT_MEMORY,
    WAIT_ROOM,
    WAIT_TOKEN,
)
from machine.config import STORE_BUFFERS, STORE_PACK_CYCLES
from machine.isa import INSTRUCTION_BYTES


@compiled
def next_burst(store: Any, instruction: Any) -> tuple[int, int]:
    """Return the memory bytes [first, end) of the active instruction's next burst."""
    outer = store.line3 * instruction.memory_stride3 + store.line2 * instruction.memory_stride2
    line = (instruction.memory_address + outer + store.line1 * instruction.memory_stride1) & ADDRESS_MASK
    return line + store.offset, piece_end(line + store.offset, line + instruction.words * instruction.window_bytes)


@compiled
def burst_reads(store: Any, instruction: Any) -> int:
    """Return the scratchpad words that the next burst reads."""
    first, end = next_burst(store, instruction)
    last_byte = store.offset + end - first - 1
    return int(last_byte // instruction.window_bytes - store.offset // instruction.window_bytes + 1)


@compiled
def request(t: int, setup: Any, store: Any, instruction: Any, claims: Any, events: Any) -> None:
    """Present the reads of the next burst if a burst buffer is free, and decide their claim."""
    events.claim[STORE] = NO_REQUEST
    if not store.active or t < store.read_last or store.taken == STORE_BUFFERS:
        return
    outer = store.line3 * instruction.source_stride3 + store.line2 * instruction.source_stride2
    base = (instruction.source + outer + store.line1 * instruction.source_stride1) & SCRATCHPAD_MASK
    first, end = next_burst(store, instruction)
    program_end = setup.program_address + INSTRUCTION_BYTES * setup.program_length
    if base + instruction.source_span >= setup.scratchpad_granules or outside(setup, end):
        events.address_error = 1
    if first < program_end and end > setup.program_address:
        events.address_error = 1
    events.last_burst[STORE] = _last_burst(store, instruction)
    if reads_free(t, setup, claims, STORE, base, instruction.source_span):
        events.claim[STORE] = GRANTED
        hold_reads(setup, claims, STORE, base, instruction.source_span, t + burst_reads(store, instruction) - 1)
    else:
        events.claim[STORE] = DENIED_BANK


@compiled
def _last_burst(store: Any, instruction: Any) -> bool:
    first, end = next_burst(store, instruction)
    last_line = (
        store.line1 + 1 == instruction.count1
        and store.line2 + 1 == instruction.count2
        and store.line3 + 1 == instruction.count3
    )
    return bool(last_line and store.offset + end - first == instruction.words * instruction.window_bytes)


@compiled
def finishes(events: Any) -> bool:
    """Return whether the reads of the active instruction's last burst are granted in this cycle."""
    return bool(events.claim[STORE] == GRANTED and events.last_burst[STORE])


@compiled
def accepts(store: Any, events: Any) -> bool:
    """Return whether an instruction could be issued in this cycle."""
    return bool(not store.active or events.finished[STORE])


@compiled
def sends(t: int, setup: Any, store: Any, memory: Any) -> bool:
    """Return whether the oldest burst is granted the write channel in cycle t."""
    if store.waiting == 0 or memory.writes >= setup.outstanding:
        return False
    return bool(t >= store.burst_complete[store.first] and t >= store.beat_last)


@compiled
def retires(memory: Any, events: Any) -> bool:
    """Return whether the last burst of an instruction is answered in this cycle."""
    return bool(events.response and memory.write_retires[memory.write_first])


@compiled
def state(t: int, store: Any, memory: Any, control: Any, events: Any) -> int:
    """Return the engine's state in cycle t."""
    if t <= store.read_last:
        return BUSY
    if events.claim[STORE] == GRANTED or events.issued[STORE]:
        return START
    if store.active and store.taken == STORE_BUFFERS:
        return WAIT_ROOM
    if events.claim[STORE] == DENIED_BANK:
        return WAIT_BANK
    if store.taken > 0 or memory.writes > 0:
        return WAIT_MEMORY
    return IDLE if queue_empty(control, STORE) else WAIT_TOKEN


@compiled
def update(
    t: int, setup: Any, store: Any, instruction: Any, memory: Any, banks: Any, control: Any, events: Any
) -> None:
    """Move the registers to the next cycle."""
    if t <= store.beat_last:
        memory.write_beats += 1
    if t == store.beat_last:
        store.taken -= 1
    if events.write_granted:
        beats, address = store.burst_beats[store.first], store.burst_address[store.first]
        store.beat_last = t + beats
        queue_write(t, setup, memory, banks, address, beats, store.burst_retires[store.first])
        store.first = (store.first + 1) % STORE_BUFFERS
        store.waiting -= 1
    if events.claim[STORE] == GRANTED:
        _next_burst(t, setup, store, instruction, events)
    if events.finished[STORE]:
        store.active = 0
    if events.issued[STORE]:
        store.active = 1
        store.instruction = control.issued[STORE]
        store.offset = 0
        store.line1 = 0
        store.line2 = 0
        store.line3 = 0


@compiled
def _next_burst(t: int, setup: Any, store: Any, instruction: Any, events: Any) -> None:
    first, end = next_burst(store, instruction)
    store.read_last = t + burst_reads(store, instruction)
    place = (store.first + store.waiting) % STORE_BUFFERS
    store.burst_complete[place] = store.read_last + STORE_PACK_CYCLES
    store.burst_beats[place] = beats_between(setup, first, end)
    store.burst_address[place] = first
    store.burst_retires[place] = events.last_burst[STORE]
    store.waiting += 1
    store.taken += 1
    store.offset += end - first
    if store.offset < instruction.words * instruction.window_bytes:
        return
    store.offset = 0
    store.line1 += 1
    if store.line1 == instruction.count1:
        store.line1 = 0
        store.line2 += 1
    if store.line2 == instruction.count2:
        store.line2 = 0
        store.line3 += 1
