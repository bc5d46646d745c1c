"""Registers and wires of the stepper: one record of int64 values for each unit, all of them together in one `STATE`.

Registers hold what is visible in the current cycle; only the units' `update` functions change them, after all events
of the cycle are known. `EVENTS` holds the wires: what happens in the current cycle. Times are absolute cycles. A time
that is "the last cycle of something" is compared with the current cycle, so it needs no flag beside it: in cycle 0
everything has ended.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from accel_sim.timing.setup import (
    MAXIMUM_BANKS,
    MAXIMUM_DRAM_BANKS,
    MAXIMUM_OUTSTANDING,
    SETUP,
    fill_setup,
    record,
    record_of,
)
from machine.config import STORE_BUFFERS, Machine
from machine.isa import ENGINE_COUNT

NO_REQUEST, GRANTED, DENIED_BANK, DENIED_HALF = 0, 1, 2, 3
"""Values of `events.claim`: what became of an engine's request for its ports."""

PIPELINE = 32
"""Ring of retirement times: at least the instructions that are in the vector or matrix pipeline together."""


CONTROL = record(
    fetch_next=(),  # index of the next instruction to request
    fetch_free=(),  # free slots of the fetch buffer
    fetch_beats=(),  # beats of the program that have arrived
    head=(),  # index of the oldest instruction in the fetch buffer
    dispatched=(ENGINE_COUNT,),  # instructions that have entered each engine's queue since the start
    issued=(ENGINE_COUNT,),  # ... and left it: the queue holds the difference
    retired=(ENGINE_COUNT,),
    token=(ENGINE_COUNT, ENGINE_COUNT),  # token[p, q]: signals from p to q
    quiet=(),  # consecutive quiet cycles
)

MEMORY = record(
    credit=(),
    reads=(),  # read bursts outstanding
    read_first=(),  # ring: index of the oldest
    read_owner=(MAXIMUM_OUTSTANDING,),
    read_left=(MAXIMUM_OUTSTANDING,),  # beats that have not arrived
    read_due=(MAXIMUM_OUTSTANDING,),  # first cycle in which its first beat may arrive
    writes=(),  # write bursts outstanding
    write_first=(),
    write_response=(MAXIMUM_OUTSTANDING,),  # cycle of the response
    last_response=(),  # that of the burst granted last
    write_retires=(MAXIMUM_OUTSTANDING,),  # 1: the last burst of its instruction
    read_beats=(),  # counters
    write_beats=(),
)

DRAM = record(
    free=(MAXIMUM_DRAM_BANKS,),  # first cycle in which the bank can begin
    is_open=(MAXIMUM_DRAM_BANKS,),  # it has opened a row
    row=(MAXIMUM_DRAM_BANKS,),  # the row that it opened last
    period=(MAXIMUM_DRAM_BANKS,),  # in which it did, counted in refreshes
)

CLAIMS = record(
    read_until=(ENGINE_COUNT, MAXIMUM_BANKS),  # last cycle in which the engine holds the bank's read port
    write_until=(ENGINE_COUNT, MAXIMUM_BANKS),
    half_until=(ENGINE_COUNT, MAXIMUM_BANKS),  # by half; as long as the others, so that one function reads all
    read_granted=(),  # wires: banks and halves granted in this cycle, a bit each
    write_granted=(),
    half_granted=(),
)

LOAD_STATE = record(
    active=(),  # request side
    instruction=(),  # index of the active instruction among the loads
    line1=(),
    line2=(),
    line3=(),
    offset=(),  # bytes of the line that have been requested
    free_beats=(),
    arrived=(),  # beats since the start
    write_instruction=(),  # write side
    write_line1=(),
    write_line2=(),
    write_line3=(),
    word=(),  # words of the line whose segments have been granted
    line_base=(),  # beats of all lines before this one
    line_freed=(),  # beats of this line that are free, or will be at the end of the access going on
    access_last=(),  # cycle of the last access of the segment granted last
    access_frees=(),  # beats that are freed in that cycle
    access_retires=(),  # 1: its instruction retires in that cycle
)

WEIGHTS_STATE = record(
    active=(),
    instruction=(),
    offset=(),  # bytes that have been requested
    free_beats=(),
    requested=(),  # beats granted since the start
    arrived=(),
    retired_beats=(),  # beats of all retired instructions
)

MATRIX_STATE = record(
    active=(),
    instruction=(),
    block=(),
    tap0=(),
    tap1=(),
    tap2=(),
    shadow_full=(),
    tiles=(),  # tiles whose shift has started
    shift_last=(),  # last cycle of the shift that started last
    read_last=(),  # cycle in which the last row of the pass granted last is read
    retire=(PIPELINE,),  # cycle of retirement, by instruction
    write_last=(),  # cycle in which the last row of the pass granted last is written
)

VECTOR_STATE = record(
    active=(),
    instruction=(),
    read_last=(),
    retire=(PIPELINE,),
)

STORE_STATE = record(
    active=(),
    instruction=(),
    line1=(),
    line2=(),
    line3=(),
    offset=(),  # bytes of the line whose reads have been granted
    read_last=(),
    taken=(),  # burst buffers taken
    waiting=(),  # bursts that have no write address yet
    first=(),  # ring: index of the oldest of them
    burst_complete=(STORE_BUFFERS,),  # first cycle in which the burst may be granted
    burst_beats=(STORE_BUFFERS,),
    burst_address=(STORE_BUFFERS,),  # its first byte
    burst_retires=(STORE_BUFFERS,),
    beat_last=(),  # cycle of the last W beat of the burst granted last
)

EVENTS = record(
    dispatched=(),  # engine whose queue takes the head of the fetch buffer, or NONE
    halt=(),  # the head of the fetch buffer is halt
    illegal=(),
    address_error=(),
    beat=(),  # owner of the R beat, or NONE
    response=(),  # a write is answered
    presented=(ENGINE_COUNT + 1,),  # beats of the read burst that each owner presents, 0 if none
    presented_address=(ENGINE_COUNT + 1,),  # its first byte
    last_burst=(ENGINE_COUNT,),  # the burst that the engine presents is the last of its instruction
    read_granted=(),  # owner, or NONE
    write_granted=(),
    claim=(ENGINE_COUNT,),
    finished=(ENGINE_COUNT,),  # the active instruction needs the front of the engine no longer
    issued=(ENGINE_COUNT,),
    retired=(ENGINE_COUNT,),
    shift=(),  # a weight shift starts
)

STATE = record_of(
    setup=SETUP,
    control=CONTROL,
    memory=MEMORY,
    dram=DRAM,
    claims=CLAIMS,
    load=LOAD_STATE,
    weights=WEIGHTS_STATE,
    matrix=MATRIX_STATE,
    vector=VECTOR_STATE,
    store=STORE_STATE,
    events=EVENTS,
)


def initial_state(machine: Machine, program_address: int, program_length: int, memory_limit: int) -> Any:
    """Return the record `STATE[1]` of a machine whose start is written in cycle 0."""
    state = np.zeros(1, dtype=STATE)
    fill_setup(state[0].setup, machine, program_address, program_length, memory_limit)
    state[0].control.fetch_free = machine.fetch_buffer_instructions
    state[0].memory.credit = machine.bus_rate_denominator
    state[0].load.free_beats = machine.load_buffer_beats
    state[0].weights.free_beats = machine.weight_fifo_beats
    return state
