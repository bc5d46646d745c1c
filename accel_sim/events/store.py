"""Store engine: burst reads, burst buffers and the write channel (docs/units/store.md).

The write channel serves store alone and in order, so that a burst has the cycles of its write address, its beats and
its response as soon as its reads are granted: it is sent ahead of time. Only in the banks of a DRAM reads may come
between; then it is sent when it is time.
"""

from __future__ import annotations

from typing import Any

from accel_sim.events.control import issue, keep_active, may_issue, queue_empty, schedule_retirement
from accel_sim.events.counts import count, until
from accel_sim.events.dram import columns_at
from accel_sim.events.holds import banks_of, free_of_matrix, free_of_vector
from accel_sim.events.memory import beats_between, outside, piece_end
from accel_sim.events.state import (
    CLAIM_MATRIX,
    CLAIM_STORE,
    CLAIM_VECTOR,
    DENIED_BANK,
    DENIED_HALF,
    ISSUE,
    NEVER,
    NOT_DENIED,
    SEND,
)
from accel_sim.events.tables import store_of
from accel_sim.timing.jit import compiled
from accel_sim.timing.setup import (
    ADDRESS_MASK,
    BUSY,
    IDLE,
    MAXIMUM_OUTSTANDING,
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
def settle(upto: int, now: Any) -> None:
    """Charge the cycles up to `upto`, in which nothing was granted or issued."""
    control, store = now.control, now.store
    cycles = upto - control.charged[STORE]
    if cycles <= 0:
        return
    if store.active:
        count(now, STORE, WAIT_BANK if store.denied else WAIT_ROOM, cycles)
        return
    answered = NEVER if store.sent < store.bursts else _response(store, store.bursts - 1)
    waiting = until(answered + 1, control, STORE, upto)
    count(now, STORE, WAIT_MEMORY, waiting)
    count(now, STORE, IDLE if queue_empty(control, STORE) else WAIT_TOKEN, cycles - waiting)


@compiled
def _start(t: int, now: Any) -> None:
    """Charge cycle t, in which there is a grant or an issue."""
    settle(t - 1, now)
    if now.control.charged[STORE] < t:
        count(now, STORE, START, 1)


@compiled
def _beat_last(store: Any, burst: int) -> int:
    """Return the cycle of the last W beat of one of the latest bursts sent, 0 for those before the first."""
    return int(store.beat_last[burst % STORE_BUFFERS]) if burst >= 0 else 0


@compiled
def _response(store: Any, burst: int) -> int:
    """Return the cycle of the response to a burst that has been sent, 0 for those before the first."""
    return int(store.response[burst % MAXIMUM_OUTSTANDING]) if burst >= 0 else 0


@compiled
def _claim_at(t: int, store: Any) -> int:
    """Return when the active instruction's next burst is presented: from cycle t on, NEVER before a buffer is sent."""
    before = store.bursts - STORE_BUFFERS
    if before >= store.sent:
        return NEVER
    return int(max(t, store.read_last, _beat_last(store, before) + 1))


@compiled
def claim(t: int, now: Any) -> bool:
    """Present the reads of the next burst in cycle t and decide their claim; return whether it is an address error."""
    setup, control, store, holds = now.setup, now.control, now.store, now.holds
    instruction = store_of(now.tables, store.instruction)
    outer = store.line3 * instruction.source_stride3 + store.line2 * instruction.source_stride2
    base = (instruction.source + outer + store.line1 * instruction.source_stride1) & SCRATCHPAD_MASK
    outer = store.line3 * instruction.memory_stride3 + store.line2 * instruction.memory_stride2
    line = (instruction.memory_address + outer + store.line1 * instruction.memory_stride1) & ADDRESS_MASK
    begin = line + store.offset
    finish = piece_end(begin, line + instruction.words * instruction.window_bytes)
    program_end = setup.program_address + INSTRUCTION_BYTES * setup.program_length
    error = base + instruction.source_span >= setup.scratchpad_granules or outside(setup, finish)
    error |= begin < program_end and finish > setup.program_address
    first, end = banks_of(setup, base, instruction.source_span)
    free = max(free_of_vector(holds, first, end), free_of_matrix(holds, first, end))
    if free > t:
        settle(t - 1, now)
        store.denied = DENIED_BANK
        control.wake[CLAIM_STORE] = free
        return bool(error)
    _start(t, now)
    store.denied = NOT_DENIED
    reads = (finish - line - 1) // instruction.window_bytes - store.offset // instruction.window_bytes + 1
    count(now, STORE, BUSY, reads)
    holds.store_first = first
    holds.store_end = end
    holds.store_until = t + reads - 1
    store.read_last = t + reads
    keep_active(control, store.read_last)
    place = store.bursts % STORE_BUFFERS
    store.complete[place] = store.read_last + STORE_PACK_CYCLES
    store.address[place] = begin
    store.beats[place] = beats_between(setup, begin, finish)
    store.bursts += 1
    store.offset = finish - line
    if store.offset == instruction.words * instruction.window_bytes:
        _next_line(store, instruction)
    store.retires[place] = store.line3 == instruction.count3
    control.wake[SEND] = _send_at(setup, store)
    if setup.dram_banks == 0:
        send(control.wake[SEND], now)
    if store.retires[place]:
        store.active = 0
        control.wake[CLAIM_STORE] = NEVER
        control.wake[ISSUE + STORE] = t
    else:
        control.wake[CLAIM_STORE] = _claim_at(t, store)
    if now.vector.denied == DENIED_HALF:
        control.wake[CLAIM_VECTOR] = t
    if now.matrix.denied == DENIED_HALF:
        control.wake[CLAIM_MATRIX] = t
    return bool(error)


@compiled
def _send_at(setup: Any, store: Any) -> int:
    """Return when the next burst is granted its write address, NEVER if there is none."""
    burst = store.sent
    if burst == store.bursts:
        return NEVER
    outstanding = _response(store, burst - setup.outstanding) + 1
    return int(max(store.complete[burst % STORE_BUFFERS], _beat_last(store, burst - 1), outstanding))


@compiled
def send(t: int, now: Any) -> None:
    """Grant the next burst its write address in cycle t, of which, with DRAM, all read grants have been made."""
    setup, control, store = now.setup, now.control, now.store
    burst = store.sent
    place = burst % STORE_BUFFERS
    beats = store.beats[place]
    answered = columns_at(t + 1, now, store.address[place], beats) + beats - 1 + setup.write_latency
    answered = max(answered, _response(store, burst - 1) + 1)
    store.beat_last[place] = t + beats
    store.response[burst % MAXIMUM_OUTSTANDING] = answered
    store.written += beats
    store.sent = burst + 1
    keep_active(control, answered)
    if store.retires[place]:
        schedule_retirement(control, STORE, answered)
    control.wake[SEND] = _send_at(setup, store)
    if store.active and control.wake[CLAIM_STORE] == NEVER:
        control.wake[CLAIM_STORE] = _claim_at(t + 1, store)


@compiled
def _next_line(store: Any, instruction: Any) -> None:
    store.offset = 0
    store.line1 += 1
    if store.line1 == instruction.count1:
        store.line1 = 0
        store.line2 += 1
    if store.line2 == instruction.count2:
        store.line2 = 0
        store.line3 += 1


@compiled
def try_issue(t: int, now: Any) -> None:
    """Issue the head of the queue in cycle t if that can be."""
    control, store = now.control, now.store
    control.wake[ISSUE + STORE] = NEVER
    if store.active or not may_issue(now, STORE):
        return
    _start(t, now)
    store.active = 1
    store.instruction = control.issued[STORE]
    store.offset = 0
    store.line1 = 0
    store.line2 = 0
    store.line3 = 0
    control.wake[CLAIM_STORE] = _claim_at(t + 1, store)
    issue(t, now, STORE)


@compiled
def write_beats(t: int, store: Any) -> int:
    """Return the W beats up to cycle t, the present one: those to come are in the burst buffers."""
    total = store.written
    for burst in range(max(0, store.sent - STORE_BUFFERS), store.sent):
        total -= max(0, min(store.beats[burst % STORE_BUFFERS], _beat_last(store, burst) - t))
    return int(total)
